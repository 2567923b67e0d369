"""The vocabulary that servers and clients of HTTP share."""

from tornado._httputil.cookies import parse_cookie
from tornado._httputil.dates import format_timestamp
from tornado._httputil.delegates import (
    HTTPConnection,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
)
from tornado._httputil.errors import HTTPInputError, HTTPOutputError
from tornado._httputil.forms import (
    HTTPFile,
    ParseBodyConfig,
    ParseMultipartConfig,
    ParseUrlEncodedConfig,
    parse_body_arguments,
    parse_multipart_form_data,
    set_parse_body_config,
)
from tornado._httputil.headers import HTTPHeaders
from tornado._httputil.request import HTTPServerRequest
from tornado._httputil.startline import (
    RequestStartLine,
    ResponseStartLine,
    parse_request_start_line,
    parse_response_start_line,
)
from tornado._httputil.urls import (
    encode_username_password,
    qs_to_qsl,
    split_host_and_port,
    url_concat,
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
