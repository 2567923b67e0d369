"""HTTP/1.x connections, for servers and clients alike.

Most programs meet them only as ``request.connection``; `tornado.httpserver` and
`tornado.simple_httpclient` are made of them.

.. versionadded:: 4.0
"""

from tornado._http1.connection import HTTP1Connection
from tornado._http1.grammar import is_transfer_encoding_chunked, parse_hex_int, parse_int
from tornado._http1.params import HTTP1ConnectionParameters
from tornado._http1.server import HTTP1ServerConnection

__all__ = [
    "HTTP1Connection",
    "HTTP1ConnectionParameters",
    "HTTP1ServerConnection",
    "is_transfer_encoding_chunked",
    "parse_hex_int",
    "parse_int",
]
