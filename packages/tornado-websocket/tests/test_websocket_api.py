"""Every name of version 6.6 and of the documents is there, with its parameters."""

import inspect

import pytest

from tornado import websocket
from tornado.web import RequestHandler
from tornado.websocket import (
    WebSocketClosedError,
    WebSocketError,
    WebSocketHandler,
    WebSocketProtocol,
    WebSocketProtocol13,
)

SIGNATURES = {
    "websocket_connect": (
        "url, callback=None, connect_timeout=None, on_message_callback=None,"
        " compression_options=None, ping_interval=None, ping_timeout=None,"
        " max_message_size=10485760, subprotocols=None, resolver=None"
    ),
    "WebSocketClientConnection": (
        "request, on_message_callback=None, compression_options=None, ping_interval=None,"
        " ping_timeout=None, max_message_size=10485760, subprotocols=None, resolver=None"
    ),
    "WebSocketClientConnection.close": "self, code=None, reason=None",
    "WebSocketClientConnection.get_websocket_protocol": "self",
    "WebSocketClientConnection.headers_received": "self, start_line, headers",
    "WebSocketClientConnection.log_exception": "self, typ, value, tb",
    "WebSocketClientConnection.on_connection_close": "self",
    "WebSocketClientConnection.on_message": "self, message",
    "WebSocketClientConnection.on_ping": "self, data",
    "WebSocketClientConnection.on_pong": "self, data",
    "WebSocketClientConnection.on_ws_connection_close": "self, close_code=None, close_reason=None",
    "WebSocketClientConnection.ping": "self, data=b''",
    "WebSocketClientConnection.read_message": "self, callback=None",
    "WebSocketClientConnection.write_message": "self, message, binary=False",
    "WebSocketHandler": "application, request, **kwargs",
    "WebSocketHandler.allow_draft76": "self",
    "WebSocketHandler.async_callback": "self, callback, *args, **kwargs",
    "WebSocketHandler.check_origin": "self, origin",
    "WebSocketHandler.close": "self, code=None, reason=None",
    "WebSocketHandler.get": "self, *args, **kwargs",
    "WebSocketHandler.get_compression_options": "self",
    "WebSocketHandler.get_websocket_protocol": "self",
    "WebSocketHandler.get_websocket_scheme": "self",
    "WebSocketHandler.on_close": "self",
    "WebSocketHandler.on_connection_close": "self",
    "WebSocketHandler.on_message": "self, message",
    "WebSocketHandler.on_ping": "self, data",
    "WebSocketHandler.on_pong": "self, data",
    "WebSocketHandler.on_ws_connection_close": "self, close_code=None, close_reason=None",
    "WebSocketHandler.open": "self, *args, **kwargs",
    "WebSocketHandler.ping": "self, data=b''",
    "WebSocketHandler.select_subprotocol": "self, subprotocols",
    "WebSocketHandler.set_nodelay": "self, value",
    "WebSocketHandler.write_message": "self, message, binary=False",
    "WebSocketProtocol.accept_connection": "self, handler",
    "WebSocketProtocol.close": "self, code=None, reason=None",
    "WebSocketProtocol.is_closing": "self",
    "WebSocketProtocol.on_connection_close": "self",
    "WebSocketProtocol.set_nodelay": "self, x",
    "WebSocketProtocol.start_pinging": "self",
    "WebSocketProtocol.write_message": "self, message, binary=False",
    "WebSocketProtocol.write_ping": "self, data",
    "WebSocketProtocol13": "handler, mask_outgoing, params",
    "WebSocketProtocol13.accept_connection": "self, handler",
    "WebSocketProtocol13.compute_accept_value": "key",
    "WebSocketProtocol13.periodic_ping": "self",
    "WebSocketProtocol13.ping_sleep_time": "*, last_ping_time, interval, now",
    "WebSocketProtocol13.write_message": "self, message, binary=False",
}

DATA = {
    "WebSocketClientConnection": ("protocol", "selected_subprotocol", "connect_future", "parsed"),
    "WebSocketHandler": (
        "close_code",
        "close_reason",
        "max_message_size",
        "open_args",
        "open_kwargs",
        "ping_interval",
        "ping_timeout",
        "selected_subprotocol",
        "ws_connection",
    ),
    "WebSocketProtocol": (
        "client_terminated",
        "handler",
        "selected_subprotocol",
        "server_terminated",
        "stream",
    ),
    "WebSocketProtocol13": (
        "FIN",
        "OPCODE_MASK",
        "RSV1",
        "RSV2",
        "RSV3",
        "RSV_MASK",
        "close_code",
        "close_reason",
        "mask_outgoing",
        "params",
        "ping_interval",
        "ping_timeout",
    ),
}


def find(name):
    found = websocket
    for part in name.split("."):
        found = getattr(found, part)
    return found


def shown(parameter):
    stars = {parameter.VAR_KEYWORD: "**", parameter.VAR_POSITIONAL: "*"}.get(parameter.kind, "")
    if parameter.default is parameter.empty:
        return stars + parameter.name
    return f"{parameter.name}={parameter.default!r}"


@pytest.mark.parametrize("name", SIGNATURES)
def test_functions_have_the_documented_parameters(name):
    parameters = list(inspect.signature(find(name)).parameters.values())
    texts = [shown(parameter) for parameter in parameters]
    if parameters and parameters[0].kind is parameters[0].KEYWORD_ONLY:
        texts.insert(0, "*")
    assert ", ".join(texts) == SIGNATURES[name]


@pytest.mark.parametrize("name", [f"{owner}.{name}" for owner in DATA for name in DATA[owner]])
def test_attributes_are_there(name):
    find(name)


def test_who_descends_from_whom():
    assert issubclass(WebSocketHandler, RequestHandler)
    assert issubclass(WebSocketClosedError, WebSocketError)
    assert issubclass(WebSocketProtocol13, WebSocketProtocol)
    assert inspect.isabstract(WebSocketProtocol)
    assert websocket._default_max_message_size == 10 * 1024 * 1024


def test_what_is_public():
    assert set(websocket.__all__) == {
        "WebSocketClientConnection",
        "WebSocketClosedError",
        "WebSocketError",
        "WebSocketHandler",
        "WebSocketProtocol",
        "WebSocketProtocol13",
        "broadcast",
        "websocket_connect",
    }
    assert all(find(name).__doc__ for name in websocket.__all__)
