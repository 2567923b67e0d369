"""The web framework.

.. code-block:: python

   import asyncio
   from tornado.web import Application, RequestHandler

   class MainHandler(RequestHandler):
       def get(self):
           self.write("Hello, world")

   async def main():
       Application([(r"/", MainHandler)]).listen(8888)
       await asyncio.Event().wait()

   asyncio.run(main())

Methods of handlers may only be used in the thread of the event loop; other threads hand over what they have with
`tornado.ioloop.IOLoop.add_callback`.
"""

from tornado._web.application import Application
from tornado._web.arguments import _ARG_DEFAULT as _ARG_DEFAULT
from tornado._web.decorators import (
    addslash,
    asynchronous,
    authenticated,
    removeslash,
    stream_request_body,
)
from tornado._web.errors import Finish, HTTPError, MissingArgumentError
from tornado._web.handler import RequestHandler
from tornado._web.signing import (
    DEFAULT_SIGNED_VALUE_MIN_VERSION,
    DEFAULT_SIGNED_VALUE_VERSION,
    create_signed_value,
    decode_signed_value,
    get_signature_key_version,
)
from tornado._web.simple_handlers import ErrorHandler, FallbackHandler, RedirectHandler
from tornado._web.static import StaticFileHandler
from tornado._web.transforms import GZipContentEncoding, OutputTransform
from tornado._web.ui import TemplateModule, UIModule
from tornado.routing import URLSpec


def is_absolute(path: str) -> bool:
    """Whether a URL is absolute or begins at the root."""
    return path.startswith(("/", "http:", "https:"))


def _has_stream_request_body(cls: type[RequestHandler]) -> bool:
    """Whether a class was decorated with `stream_request_body`."""
    return cls._has_stream_request_body


url = URLSpec

__all__ = [
    "DEFAULT_SIGNED_VALUE_MIN_VERSION",
    "DEFAULT_SIGNED_VALUE_VERSION",
    "Application",
    "ErrorHandler",
    "FallbackHandler",
    "Finish",
    "GZipContentEncoding",
    "HTTPError",
    "MissingArgumentError",
    "OutputTransform",
    "RedirectHandler",
    "RequestHandler",
    "StaticFileHandler",
    "TemplateModule",
    "UIModule",
    "URLSpec",
    "addslash",
    "asynchronous",
    "authenticated",
    "create_signed_value",
    "decode_signed_value",
    "get_signature_key_version",
    "is_absolute",
    "removeslash",
    "stream_request_body",
    "url",
]
