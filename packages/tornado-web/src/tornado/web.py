"""The web framework: request handlers, applications, and what goes with them.

A handler answers requests, an application knows which handler answers what, and a server brings
both together::

    import asyncio
    from tornado.web import Application, RequestHandler

    class Hello(RequestHandler):
        def get(self):
            self.write("Hello, world")

    async def main():
        application = Application([(r"/", Hello)])
        application.listen(8888)
        await asyncio.Event().wait()

    asyncio.run(main())

Methods of handlers may be plain functions or coroutines. They belong to the thread of the event
loop; another thread hands over what it has with `tornado.ioloop.IOLoop.add_callback`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tornado._late import late_names
from tornado._web.application import Application
from tornado._web.arguments import _ARG_DEFAULT
from tornado._web.errors import Finish, HTTPError, MissingArgumentError
from tornado._web.handler import RequestHandler
from tornado.routing import URLSpec

if TYPE_CHECKING:
    from tornado._web.access_format import JSONLinesFormatter, PlainFormatter
    from tornado._web.access_log import AccessEvent, AccessLog
    from tornado._web.decorators import (
        _has_stream_request_body,
        addslash,
        asynchronous,
        authenticated,
        removeslash,
        stream_request_body,
    )
    from tornado._web.request_ids import RequestIdFilter
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
    from tornado._web.uploads import FormStream, UploadedPart, UploadHandler
    from tornado._web.urls import is_absolute
else:
    __getattr__, __dir__ = late_names(
        __name__,
        {
            "tornado._web.access_format": ("JSONLinesFormatter", "PlainFormatter"),
            "tornado._web.access_log": ("AccessEvent", "AccessLog"),
            "tornado._web.decorators": (
                "_has_stream_request_body",
                "addslash",
                "asynchronous",
                "authenticated",
                "removeslash",
                "stream_request_body",
            ),
            "tornado._web.request_ids": ("RequestIdFilter",),
            "tornado._web.signing": (
                "DEFAULT_SIGNED_VALUE_MIN_VERSION",
                "DEFAULT_SIGNED_VALUE_VERSION",
                "create_signed_value",
                "decode_signed_value",
                "get_signature_key_version",
            ),
            "tornado._web.simple_handlers": (
                "ErrorHandler",
                "FallbackHandler",
                "RedirectHandler",
            ),
            "tornado._web.static": ("StaticFileHandler",),
            "tornado._web.transforms": ("GZipContentEncoding", "OutputTransform"),
            "tornado._web.ui": ("TemplateModule", "UIModule"),
            "tornado._web.uploads": ("FormStream", "UploadHandler", "UploadedPart"),
            "tornado._web.urls": ("is_absolute",),
        },
    )

#: Another name of `URLSpec`, which reads well in lists of routes.
url = URLSpec

__all__ = [
    "DEFAULT_SIGNED_VALUE_MIN_VERSION",
    "DEFAULT_SIGNED_VALUE_VERSION",
    "_ARG_DEFAULT",
    "AccessEvent",
    "AccessLog",
    "Application",
    "ErrorHandler",
    "FallbackHandler",
    "Finish",
    "FormStream",
    "GZipContentEncoding",
    "HTTPError",
    "JSONLinesFormatter",
    "MissingArgumentError",
    "OutputTransform",
    "PlainFormatter",
    "RedirectHandler",
    "RequestHandler",
    "RequestIdFilter",
    "StaticFileHandler",
    "TemplateModule",
    "UIModule",
    "URLSpec",
    "UploadHandler",
    "UploadedPart",
    "_has_stream_request_body",
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

if __name__ == "__main__":
    from tornado._web.command import run

    run()
