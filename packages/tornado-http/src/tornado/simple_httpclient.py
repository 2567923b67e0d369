"""The default HTTP client: no libraries beside Tornado, connections are kept and used again.

.. versionchanged:: 6.100
   Connections are kept.
"""

from tornado._simple_client.client import SimpleAsyncHTTPClient
from tornado._simple_client.errors import HTTPStreamClosedError, HTTPTimeoutError

__all__ = ["HTTPStreamClosedError", "HTTPTimeoutError", "SimpleAsyncHTTPClient"]
