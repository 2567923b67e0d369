"""The event loop's interface, and periodic callbacks."""
