"""Clients for HTTP.

`AsyncHTTPClient` fetches without blocking; `HTTPClient` is for programs that have no event loop.
The implementation is
`tornado.simple_httpclient` unless another one is configured.

.. code-block:: python

   import asyncio
   from tornado.httpclient import AsyncHTTPClient

   async def main():
       response = await AsyncHTTPClient().fetch("http://localhost:8888/")
       print(response.code, response.body)

   asyncio.run(main())

``python -m tornado.httpclient URL`` prints what it fetches, as does ``tornado-fetch URL``.
"""

from tornado._httpclient.cli import main
from tornado._httpclient.client import AsyncHTTPClient, HTTPClient
from tornado._httpclient.request import HTTPRequest
from tornado._httpclient.response import HTTPClientError, HTTPResponse
from tornado._httpclient.stream import StreamedResponse

#: The first name of `HTTPClientError`.
HTTPError = HTTPClientError
#: The name of `AsyncHTTPClient` while there were two (documented API version 1.1).
AsyncHTTPClient2 = AsyncHTTPClient

__all__ = [
    "AsyncHTTPClient",
    "AsyncHTTPClient2",
    "HTTPClient",
    "HTTPClientError",
    "HTTPError",
    "HTTPRequest",
    "HTTPResponse",
    "StreamedResponse",
    "main",
]

if __name__ == "__main__":
    import sys

    sys.exit(main())
