"""`TCPServer`: accepts connections and gives a stream for each."""

from __future__ import annotations

import asyncio
import errno
import inspect
import os
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from tornado.ioloop import IOLoop
from tornado.iostream import IOStream, SSLIOStream
from tornado.log import app_log
from tornado.netutil import (
    DEFAULT_BACKLOG,
    add_accept_handler,
    bind_sockets,
    ssl_options_to_context,
    ssl_wrap_socket,
)

if TYPE_CHECKING:
    import ssl

__all__ = ["TCPServer"]


class TCPServer:
    """A server that doesn't block and needs no threads.

    A subclass says in `handle_stream` what it does with a connection::

        class EchoServer(TCPServer):
            async def handle_stream(self, stream, address):
                try:
                    while True:
                        await stream.write(await stream.read_until(b"\\n"))
                except StreamClosedError:
                    print("gone:", address)

    There are three ways to start it. The first is for one process::

        async def main():
            server = EchoServer()
            server.listen(8888)
            await asyncio.Event().wait()

        asyncio.run(main())

    The second forks; the loop mustn't run yet, and each process starts one of its own::

        server = EchoServer()
        server.bind(8888)
        server.start(0)     # one process per CPU
        IOLoop.current().start()

    The third takes sockets that were made elsewhere, for instance before a fork::

        sockets = bind_sockets(8888)
        tornado.process.fork_processes(0)
        async def main():
            server = EchoServer()
            server.add_sockets(sockets)
            await asyncio.Event().wait()
        asyncio.run(main())

    :arg ssl_options: makes it a TLS server: a context, or the keyword arguments of
        `.ssl_options_to_context` with at least ``certfile``.
    :arg max_buffer_size: for the streams; see `.BaseIOStream`.
    :arg read_chunk_size: likewise.
    :arg io_loop: the loop, as programs of the callback era give it; it may stand first too.
    :raises ValueError: ``ssl_options`` has no certificate, or files that don't exist.

    .. versionchanged:: 3.1
       Added ``max_buffer_size``.
    """

    def __init__(
        self,
        ssl_options: dict[str, Any] | ssl.SSLContext | None = None,
        max_buffer_size: int | None = None,
        read_chunk_size: int | None = None,
        io_loop: IOLoop | None = None,
    ) -> None:
        legacy: Any = (ssl_options, max_buffer_size)
        if isinstance(legacy[0], IOLoop) or not isinstance(legacy[1], int | None):
            # Until 4.x the loop stood first.
            io_loop, ssl_options = legacy
            max_buffer_size, read_chunk_size = read_chunk_size, None
        self.ssl_options = ssl_options
        self.max_buffer_size = max_buffer_size
        self.read_chunk_size = read_chunk_size
        self._io_loop = io_loop
        self._sockets: dict[int, socket.socket] = {}
        self._stop_accepting: dict[int, Callable[[], None]] = {}
        self._bound: list[socket.socket] = []
        self._started = False
        self._stopped = False
        self._context: tuple[object, ssl.SSLContext] | None = None
        if isinstance(ssl_options, dict):
            _check_certificate(ssl_options)

    # -- to override

    def handle_stream(self, stream: IOStream, address: Any) -> Awaitable[None] | None:
        """Serve a connection that was accepted.

        It's called for each, and in a TLS server before the handshake is done: use
        `.SSLIOStream.wait_for_handshake` to look at the client's certificate.

        :arg stream: the connection.
        :arg address: of the peer, as `socket.socket.accept` returns it.
        :returns: `None`, or an awaitable; in either case exceptions are logged and close the
            stream. It isn't awaited before the next connection is accepted.
        """
        raise NotImplementedError(f"{type(self).__name__} doesn't say what it does with a stream")

    # -- starting and stopping

    def listen(
        self,
        port: int,
        address: str | None = None,
        family: socket.AddressFamily = socket.AF_UNSPEC,
        backlog: int = DEFAULT_BACKLOG,
        flags: int | None = None,
        reuse_port: bool = False,
    ) -> None:
        """Accept connections on a port, at once. It may be called several times, for several ports.

        The arguments are those of `.bind_sockets`.

        .. versionchanged:: 6.2
           Added ``family``, ``backlog``, ``flags`` and ``reuse_port``.
        """
        self.add_sockets(
            bind_sockets(
                port,
                address=address,
                family=family,
                backlog=backlog,
                flags=flags,
                reuse_port=reuse_port,
            )
        )

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections on sockets that listen.

        :arg sockets: as of `.bind_sockets`. The server owns them from now on.
        """
        for sock in sockets:
            self._sockets[sock.fileno()] = sock
            self._stop_accepting[sock.fileno()] = add_accept_handler(
                sock, self._on_connection, self._io_loop
            )

    def add_socket(self, socket: socket.socket) -> None:
        """Accept connections on a socket that listens.

        :arg socket: the server owns it from now on.
        """
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
        """Bind to a port, for `start`. It may be called several times.

        The arguments are those of `.bind_sockets`.

        .. versionchanged:: 4.4
           Added ``reuse_port``.
        .. deprecated:: 6.2
           `listen` and `add_sockets` do the same.
        """
        sockets = bind_sockets(
            port,
            address=address,
            family=family,
            backlog=backlog,
            flags=flags,
            reuse_port=reuse_port,
        )
        if self._started:
            self.add_sockets(sockets)
        else:
            self._bound.extend(sockets)

    def start(self, num_processes: int | None = 1, max_restarts: int | None = None) -> None:
        """Accept connections on what was bound, in this process or in forked ones.

        :arg num_processes: 1 doesn't fork. `None` and 0 fork one process for each CPU, more than
            one so many. No loop may have been made before.
        :arg max_restarts: as for `.fork_processes`.
        :raises RuntimeError: the server has been started already.

        .. versionchanged:: 6.0
           Added ``max_restarts``.
        """
        if self._started:
            raise RuntimeError("the server has been started already")
        self._started = True
        if num_processes != 1:
            from tornado.process import fork_processes

            fork_processes(num_processes, max_restarts)
        sockets, self._bound = self._bound, []
        self.add_sockets(sockets)

    def stop(self) -> None:
        """Accept nothing more. What has been accepted goes on."""
        if self._stopped:
            return
        self._stopped = True
        for number, sock in self._sockets.items():
            self._stop_accepting.pop(number)()
            sock.close()
        for sock in self._bound:
            sock.close()

    # -- connections

    def _on_connection(self, connection: socket.socket, address: Any) -> None:
        stream = self._make_stream(connection)
        if stream is None:
            return
        try:
            outcome = self.handle_stream(stream, address)
            if outcome is not None:
                self._watch(outcome, stream, address)
        except Exception as error:
            _fail(stream, address, error)

    def _make_stream(self, connection: socket.socket) -> IOStream | None:
        options = self.ssl_options
        if options is None:
            return IOStream(
                connection,
                io_loop=self._io_loop,
                max_buffer_size=self.max_buffer_size,
                read_chunk_size=self.read_chunk_size,
            )
        try:
            wrapped = ssl_wrap_socket(
                connection,
                self._context_of(options),
                server_side=True,
                do_handshake_on_connect=False,
                suppress_ragged_eofs=False,
            )
        except OSError as error:
            connection.close()
            if error.errno in (errno.ENOTCONN, errno.ECONNABORTED, errno.ECONNRESET, errno.EINVAL):
                # The client didn't wait.
                return None
            raise
        return SSLIOStream(
            wrapped,
            ssl_options=options,
            io_loop=self._io_loop,
            max_buffer_size=self.max_buffer_size,
            read_chunk_size=self.read_chunk_size,
        )

    def _context_of(self, options: dict[str, Any] | ssl.SSLContext) -> ssl.SSLContext:
        """Return the context for what `ssl_options` is now; it may be replaced while the server
        runs.
        """
        if self._context is None or self._context[0] is not options:
            self._context = (options, ssl_options_to_context(options, server_side=True))
        return self._context[1]

    def _watch(self, outcome: Any, stream: IOStream, address: Any) -> None:
        """Let what `handle_stream` returned run, and log how it fails."""
        if not inspect.isawaitable(outcome):
            from tornado.gen import convert_yielded

            outcome = convert_yielded(outcome)
        future = asyncio.ensure_future(outcome)

        def finish(future: asyncio.Future[Any]) -> None:
            error = None if future.cancelled() else future.exception()
            if error is not None:
                _fail(stream, address, error)

        future.add_done_callback(finish)


def _fail(stream: IOStream, address: Any, error: BaseException) -> None:
    """Log why serving a connection failed, and close it: nobody else will."""
    app_log.error("Exception while %r was served", address, exc_info=error)
    stream.close()


def _check_certificate(options: dict[str, Any]) -> None:
    if "certfile" not in options:
        raise KeyError("ssl_options need a certfile")
    for name in ("certfile", "keyfile"):
        path = options.get(name)
        if path is not None and not os.path.exists(path):
            raise ValueError(f"the {name} {path!r} doesn't exist")
