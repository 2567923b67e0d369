"""Generator-based coroutines: what may be yielded, and the driver that runs generators."""
