"""A server for TCP and unix sockets, whatever is spoken on them."""

from __future__ import annotations

import inspect
import os
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from tornado.iostream import IOStream
from tornado.log import app_log
from tornado.netutil import DEFAULT_BACKLOG, add_accept_handler, bind_sockets

if TYPE_CHECKING:
    from ssl import SSLContext


class TCPServer:
    """A server that makes an `~tornado.iostream.IOStream` of each connection.

    Subclasses define `handle_stream`:

    .. code-block:: python

       class EchoServer(TCPServer):
           async def handle_stream(self, stream, address):
               while True:
                   await stream.write(await stream.read_until(b"\\n"))

    There are three ways to start one: `listen`; `bind` and `start`, for several processes; `add_sockets`.

    :arg ssl_options: serve TLS with this `ssl.SSLContext`, or with one made of this dictionary of options.
    :arg max_buffer_size: limit of each stream's input buffer in bytes.
    :arg read_chunk_size: bytes that streams read at once.
    :raises ValueError: ``ssl_options`` names no certificate, or a file that isn't there.
    """

    def __init__(
        self,
        ssl_options: dict[str, Any] | SSLContext | None = None,
        max_buffer_size: int | None = None,
        read_chunk_size: int | None = None,
        io_loop: Any = None,
    ) -> None:
        self.ssl_options = ssl_options
        self.max_buffer_size = max_buffer_size
        self.read_chunk_size = read_chunk_size
        self._sockets: dict[int, socket.socket] = {}
        self._handlers: dict[int, Callable[[], None]] = {}
        self._pending_sockets: list[socket.socket] = []
        self._started = False
        self._stopped = False
        if isinstance(ssl_options, dict):
            _check_files(ssl_options)

    def listen(
        self,
        port: int,
        address: str | None = None,
        family: socket.AddressFamily = socket.AF_UNSPEC,
        backlog: int = DEFAULT_BACKLOG,
        flags: int | None = None,
        reuse_port: bool = False,
    ) -> None:
        """Accept connections at once on a port, in this process. It may be called for several ports.

        Arguments and errors are those of `tornado.netutil.bind_sockets`.
        """
        self.add_sockets(bind_sockets(port, address, family, backlog, flags, reuse_port))

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections on listening sockets that were made elsewhere."""
        for sock in sockets:
            self._sockets[sock.fileno()] = sock
            self._handlers[sock.fileno()] = add_accept_handler(sock, self._handle_connection)

    def add_socket(self, socket: socket.socket) -> None:
        """Accept connections on one listening socket."""
        self.add_sockets([socket])

    def bind(
        self,
        port: int,
        address: str | None = None,
        family: socket.AddressFamily = socket.AF_UNSPEC,
        backlog: int = DEFAULT_BACKLOG,
        flags: int | None = None,
        reuse_port: bool = False,
    ) -> None:
        """Make listening sockets, on which `start` begins to accept. It may be called for several ports.

        Arguments and errors are those of `tornado.netutil.bind_sockets`.
        """
        sockets = bind_sockets(port, address, family, backlog, flags, reuse_port)
        if self._started:
            self.add_sockets(sockets)
        else:
            self._pending_sockets.extend(sockets)

    def start(self, num_processes: int | None = 1, max_restarts: int | None = None) -> None:
        """Begin to accept on the sockets of `bind`.

        :arg num_processes: 1 for this process only; `None` or 0 for one child process per CPU; more for that many.
        :arg max_restarts: how often children that die are replaced; 100 times if `None`.
        :raises RuntimeError: it was started before.
        """
        if self._started:
            raise RuntimeError("the server was started before")
        self._started = True
        if num_processes != 1:
            from tornado.process import fork_processes

            fork_processes(num_processes, max_restarts)
        sockets, self._pending_sockets = self._pending_sockets, []
        self.add_sockets(sockets)

    def stop(self) -> None:
        """Accept no more; connections that there are go on."""
        if self._stopped:
            return
        self._stopped = True
        for fd, sock in self._sockets.items():
            self._handlers.pop(fd)()
            sock.close()
        for sock in self._pending_sockets:
            sock.close()

    def handle_stream(self, stream: IOStream, address: Any) -> Awaitable[None] | None:
        """Serve a connection; subclasses define it, as a coroutine if they like.

        :arg stream: the connection.
        :arg address: the peer's socket address.
        """
        raise NotImplementedError()

    def _handle_connection(self, connection: socket.socket, address: Any) -> None:
        try:
            stream = self._make_stream(connection)
        except OSError as error:
            # The peer went away before it could be served.
            app_log.debug("Connection from %s lost: %s", address, error)
            connection.close()
            return
        try:
            result = self.handle_stream(stream, address)
        except Exception:
            app_log.error("Error in connection callback", exc_info=True)
            stream.close()
            return
        if result is not None and inspect.isawaitable(result):
            stream.io_loop.add_callback(_run_to_end, result)

    def _make_stream(self, connection: socket.socket) -> IOStream:
        if self.ssl_options is None:
            return IOStream(
                connection,
                max_buffer_size=self.max_buffer_size,
                read_chunk_size=self.read_chunk_size,
            )
        from tornado.iostream import SSLIOStream
        from tornado.netutil import ssl_options_to_context, ssl_wrap_socket

        if isinstance(self.ssl_options, dict):
            # Certificates are read once, not for each connection.
            self.ssl_options = ssl_options_to_context(self.ssl_options, server_side=True)
        wrapped = ssl_wrap_socket(
            connection, self.ssl_options, server_side=True, do_handshake_on_connect=False
        )
        return SSLIOStream(
            wrapped, max_buffer_size=self.max_buffer_size, read_chunk_size=self.read_chunk_size
        )


async def _run_to_end(result: Awaitable[None]) -> None:
    from tornado.iostream import StreamClosedError

    try:
        await result
    except StreamClosedError:
        # How most connections end for a coroutine that reads.
        return
    except Exception:
        app_log.error("Error in connection callback", exc_info=True)


def _check_files(ssl_options: dict[str, Any]) -> None:
    if "certfile" not in ssl_options:
        raise KeyError('missing key "certfile" in ssl_options')
    for key in ("certfile", "keyfile"):
        path = ssl_options.get(key)
        if path is not None and not os.path.exists(path):
            raise ValueError(f"{key} {path!r} does not exist")
