"""The vocabulary that servers and clients of HTTP share.

Header fields (`HTTPHeaders`), start lines, requests as servers' applications see them
(`HTTPServerRequest`), the interfaces between connections and those who use them
(`HTTPServerConnectionDelegate`, `HTTPMessageDelegate`, `HTTPConnection`), forms and uploads,
cookies, dates and URLs.
"""

from typing import TYPE_CHECKING

from tornado._httputil.cookies import parse_cookie
from tornado._httputil.dates import format_timestamp
from tornado._httputil.delegates import (
    HTTPConnection,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
)
from tornado._httputil.errors import HTTPInputError, HTTPOutputError
from tornado._httputil.headers import HTTPHeaders
from tornado._httputil.request import HTTPServerRequest
from tornado._httputil.startline import (
    RequestStartLine,
    ResponseStartLine,
    parse_request_start_line,
    parse_response_start_line,
)
from tornado._httputil.urls import qs_to_qsl, split_host_and_port, url_concat
from tornado._late import late_names

if TYPE_CHECKING:
    from tornado._httputil.auth import encode_username_password
    from tornado._httputil.examples import doctests
    from tornado._httputil.forms import (
        HTTPFile,
        ParseBodyConfig,
        ParseMultipartConfig,
        ParseUrlEncodedConfig,
        parse_body_arguments,
        parse_multipart_form_data,
        set_parse_body_config,
    )
    from tornado._httputil.parameters import _encode_header, _parse_header
    from tornado._httputil.ranges import _get_content_range, _parse_request_range
else:
    __getattr__, __dir__ = late_names(
        __name__,
        {
            "tornado._httputil.auth": ("encode_username_password",),
            "tornado._httputil.examples": ("doctests",),
            "tornado._httputil.forms": (
                "HTTPFile",
                "ParseBodyConfig",
                "ParseMultipartConfig",
                "ParseUrlEncodedConfig",
                "parse_body_arguments",
                "parse_multipart_form_data",
                "set_parse_body_config",
            ),
            "tornado._httputil.parameters": ("_encode_header", "_parse_header"),
            "tornado._httputil.ranges": ("_get_content_range", "_parse_request_range"),
        },
    )

__all__ = [
    "HTTPConnection",
    "HTTPFile",
    "HTTPHeaders",
    "HTTPInputError",
    "HTTPMessageDelegate",
    "HTTPOutputError",
    "HTTPServerConnectionDelegate",
    "HTTPServerRequest",
    "ParseBodyConfig",
    "ParseMultipartConfig",
    "ParseUrlEncodedConfig",
    "RequestStartLine",
    "ResponseStartLine",
    "_encode_header",
    "_get_content_range",
    "_parse_header",
    "_parse_request_range",
    "doctests",
    "encode_username_password",
    "format_timestamp",
    "parse_body_arguments",
    "parse_cookie",
    "parse_multipart_form_data",
    "parse_request_start_line",
    "parse_response_start_line",
    "qs_to_qsl",
    "set_parse_body_config",
    "split_host_and_port",
    "url_concat",
]
