"""An HTTP client on libcurl.

It takes the package ``pycurl``, which comes with ``pip install 'tornado-http[curl]'`` or
``'tornado[curl]'``, and is chosen with:

.. code-block:: python

   AsyncHTTPClient.configure("tornado.curl_httpclient.CurlAsyncHTTPClient")

.. versionchanged:: 6.100
   An extra brings ``pycurl``.
"""

try:
    import pycurl  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"tornado.curl_httpclient needs pycurl ({error}); it comes with the extra 'curl':"
        " pip install 'tornado-http[curl]'",
        name="pycurl",
    ) from error

from tornado._curl_client.client import CurlAsyncHTTPClient
from tornado._curl_client.errors import CurlError

__all__ = ["CurlAsyncHTTPClient", "CurlError"]
