"""An application and the connections to it, all in memory."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable
from typing import Any

from tornado._testing.logs import is_expected
from tornado._testing.memory import Address, MemorySocket, MemoryStream, connected_pair
from tornado.httpserver import HTTPServer
from tornado.log import app_log

_CLIENT: Address = ("127.0.0.1", 0)

# The connection whose request is being dealt with.
_connection: contextvars.ContextVar[MemoryConnection | None]
_connection = contextvars.ContextVar("memory connection", default=None)


class MemoryConnection:
    """One connection to the application.

    :arg transport: whose it is.
    :arg stream: the client's end.
    """

    __slots__ = ("stream", "transport")

    def __init__(self, transport: MemoryTransport, stream: MemoryStream) -> None:
        self.transport = transport
        self.stream = stream


class MemoryTransport:
    """Connects clients with a server for an application.

    Whatever host and port a client asks for, this application is there.

    :arg app: the application.
    :arg options: arguments for the server.
    :arg on_error: gets the connection and the exception that a handler has let out, in place of the
        log. `None` leaves it to the log.
    :arg context: a copy of it is what each connection begins with. What tests set in context
        variables later on isn't there in the application, nor the other way round, as it is with a
        server over sockets.
    """

    def __init__(
        self,
        app: Any,
        options: dict[str, Any],
        on_error: Callable[[MemoryConnection, Exception], Any] | None,
        context: contextvars.Context,
    ) -> None:
        self.server: HTTPServer = HTTPServer(app, **options)
        self._protocol: str | None = options.get("protocol")
        self._context = context
        self._filter = None if on_error is None else _Catcher(self, on_error)
        if self._filter is not None:
            app_log.addFilter(self._filter)

    async def connect(
        self, host: str, port: int, *args: Any, max_buffer_size: int | None = None, **kwargs: Any
    ) -> MemoryStream:
        """Connect, as `tornado.tcpclient.TCPClient.connect` does.

        :arg host: any name.
        :arg port: any port.
        :arg args: TLS options may be among them, which make it a connection as if through TLS.
        """
        near, far = connected_pair(_CLIENT, ("127.0.0.1", port))
        stream = MemoryStream(near, max_buffer_size=max_buffer_size)
        if any(options is not None for options in (*args, kwargs.get("ssl_options"))):
            near.secure = far.secure = True
        context = self._context.copy()
        context.run(_connection.set, MemoryConnection(self, stream))
        # A client that wants TLS says so before it lets the loop go on.
        asyncio.get_running_loop().call_soon(self._accept, far, context=context)
        return stream

    def _accept(self, socket: MemorySocket) -> None:
        server = self.server
        stream = MemoryStream(
            socket, max_buffer_size=server.max_buffer_size, read_chunk_size=server.read_chunk_size
        )
        server.protocol = self._protocol or ("https" if socket.secure else "http")
        server.handle_stream(stream, _CLIENT)

    def close(self) -> None:
        """Do nothing: connections are closed by those who have them."""

    async def end(self) -> None:
        """Close the server's connections."""
        if self._filter is not None:
            app_log.removeFilter(self._filter)
        await self.server.close_all_connections()


class _Catcher(logging.Filter):
    """Takes exceptions of handlers out of the log.

    :arg transport: whose connections they must be from.
    :arg on_error: gets them.
    """

    def __init__(
        self, transport: MemoryTransport, on_error: Callable[[MemoryConnection, Exception], Any]
    ) -> None:
        super().__init__()
        self._transport = transport
        self._on_error = on_error

    def filter(self, record: logging.LogRecord) -> bool:
        connection = _connection.get()
        error = record.exc_info[1] if record.exc_info else None
        if connection is None or connection.transport is not self._transport:
            return True
        if not isinstance(error, Exception) or is_expected(record):
            return True
        self._on_error(connection, error)
        return False
