"""Adapters between Tornado's event loop and those of others."""

__path__ = __import__("pkgutil").extend_path(__path__, __name__)
