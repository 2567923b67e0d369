"""Tornado: an asynchronous networking library and web framework."""

__path__ = __import__("pkgutil").extend_path(__path__, __name__)

version = "6.100.0"
version_info = (6, 100, 0, 0)
