"""Measurements against other servers: ``python -m benchmarks``."""
