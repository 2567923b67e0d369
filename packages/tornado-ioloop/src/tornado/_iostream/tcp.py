"""Streams over sockets."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable, Sequence
from socket import socket as Socket  # the module's name is an attribute here
from typing import TYPE_CHECKING, Any, cast

from tornado._iostream.base import BaseIOStream
from tornado._iostream.buffer import Bytes, FilePart, OutputQueue
from tornado._iostream.callbacks import StreamCallback, as_callback
from tornado._iostream.errors import NOT_NOW, StreamClosedError
from tornado._iostream.state import CLOSED, CONNECTING, OPEN
from tornado.log import gen_log

if TYPE_CHECKING:
    import ssl

    from tornado._iostream.tls import SSLIOStream


class IOStream(BaseIOStream):
    """A stream over a socket: connected, accepted, or to be connected with `connect`.

    The example asks a server for its greeting::

        stream = IOStream(socket.socket())
        await stream.connect(("127.0.0.1", 2525))
        greeting = await stream.read_until(b"\\n", max_bytes=1000)
        stream.close()

    :arg socket: it belongs to the stream from now on, and is made non-blocking. The other arguments
        are those of `BaseIOStream`.
    """

    socket: Socket

    # While connecting.
    _connect_future: asyncio.Future[Any] | None = None
    _connect_callback: StreamCallback | None = None

    def __init__(self, socket: Socket, *args: Any, **kwargs: Any) -> None:
        self.socket = socket
        socket.setblocking(False)
        kind = type(self)
        self._receive = socket.recv if kind._read_chunk is IOStream._read_chunk else None
        self._transmit = socket.send if kind._write_chunk is IOStream._write_chunk else None
        super().__init__(*args, **kwargs)

    # -- the kind of descriptor

    def fileno(self) -> Any:
        """Return the socket's descriptor."""
        return self.socket.fileno()

    def close_fd(self) -> None:
        """Close the socket; the attribute is `None` afterwards."""
        self.socket.close()
        self.socket = None  # type: ignore[assignment]  # only a closed stream has none

    def get_fd_error(self) -> Exception | None:
        """Return the error that the system has noted for the socket, if any."""
        number = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return OSError(number, os.strerror(number)) if number else None

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """See `BaseIOStream.read_from_fd`."""
        try:
            return self.socket.recv_into(buf, len(buf))
        except NOT_NOW:
            return None

    def write_to_fd(self, data: memoryview) -> int:
        """See `BaseIOStream.write_to_fd`."""
        return self.socket.send(data)

    def _read_chunk(self, size: int) -> bytes | None:
        return self.socket.recv(size)

    def _write_chunk(self, data: Bytes) -> int:
        return self.socket.send(data)

    def _write_pieces(self, pieces: Sequence[bytes]) -> int:
        try:
            sendmsg = self.socket.sendmsg
        except AttributeError:
            # Windows has none.
            return super()._write_pieces(pieces)
        return sendmsg(pieces)

    def has_unread_input(self) -> bool:
        """Ask the system whether something has come that wasn't read yet, be it the end.

        .. versionadded:: 6.100
        """
        import select

        if not hasattr(select, "poll"):
            return bool(select.select([self.fileno()], [], [], 0)[0])
        poller = select.poll()
        poller.register(self.fileno(), select.POLLIN)
        return bool(poller.poll(0))

    #: Whether `send_file` can be used.
    sends_files: bool = hasattr(os, "sendfile")

    def send_file(self, fd: int, start: int, size: int) -> asyncio.Future[None]:
        """Write a part of a file, without its bytes passing through the program.

        It's written after all that was written before, and what is written afterwards follows it.
        Streams whose `sends_files` is false, such as those over TLS, can't do that.

        :arg fd: descriptor of a regular file; it can be closed as soon as this has returned.
        :arg start: the first byte of the part.
        :arg size: number of bytes. The stream breaks if the file turns out to be shorter.
        :returns: a future that resolves when all has been handed to the system.
        :raises StreamClosedError: the stream is closed; from the future, if it closes before that.

        .. versionadded:: 6.100
        """
        if self._state is CLOSED:
            raise StreamClosedError(self.error)
        part = FilePart(fd, start, size)
        if self._direct and size:
            try:
                part.skip(part.send_to(self.fileno()))
            except OSError as error:
                self._break(error)
                return self._failed(StreamClosedError(error))
        if not part.size:
            return self._written or self._make_written()
        part.keep_open()
        self._keep(part)
        future: asyncio.Future[None] = self._loop.create_future()
        cast("OutputQueue", self._queue).wait(future)
        return future

    def set_nodelay(self, value: bool) -> None:
        """Send small writes at once, or wait a little for more as the system does by default.

        :arg value: true for at once.

        .. versionadded:: 3.1
        """
        # Sockets of other families have no such option, and need none.
        if self.socket is not None and self.socket.family in (socket.AF_INET, socket.AF_INET6):
            try:
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1 if value else 0)
            except OSError as error:
                # Some systems refuse options once the peer is gone; the next read tells of that.
                if error.errno != errno.EINVAL:
                    raise

    # -- connecting

    def connect(
        self,
        address: Any,
        server_hostname: str | Callable[..., Any] | None = None,
        *,
        callback: Callable[..., Any] | None = None,
    ) -> Any:
        """Connect the socket without blocking.

        Writes are queued and reads wait until that is done. Cancelling the future closes the
        stream.

        :arg address: as for `socket.socket.connect`. A host name in it would block while it's
            looked up; see `tornado.tcpclient.TCPClient`.
        :arg server_hostname: for TLS; see `SSLIOStream.connect`.
        :arg callback: is called without arguments when the stream is connected, and never
            otherwise; it may also stand second. Nothing is returned then.
        :returns: a future with this stream.
        :raises StreamClosedError: from the future, if connecting failed. ``real_error`` tells why.

        .. versionchanged:: 4.0
           Returns a future.
        """
        if callable(server_hostname):
            callback = server_hostname
        future = self._begin_connecting(callback)
        self._connect_socket(address)
        return future

    def _begin_connecting(self, callback: Callable[..., Any] | None) -> asyncio.Future[Any] | None:
        self._unwatch()
        self._state = CONNECTING
        self._direct = False
        self._sink = None
        self._connect_callback = as_callback(callback)
        if callback is None:
            self._connect_future = self._cancellable()
        return self._connect_future

    def _cancellable(self) -> asyncio.Future[Any]:
        """Make a future whose cancellation closes the stream."""
        future: asyncio.Future[Any] = self._loop.create_future()
        future.add_done_callback(self._on_cancelled)
        return future

    def _on_cancelled(self, future: asyncio.Future[Any]) -> None:
        if future.cancelled():
            self.close()

    def _connect_socket(self, address: Any) -> None:
        try:
            self.socket.connect(address)
        except NOT_NOW:
            pass  # Under way.
        except OSError as error:
            self._connect_failed(error)
            return
        # Also when it's done already: whoever waits is told by the loop.
        self._watch_output()

    def _connected(self) -> None:
        error = self.get_fd_error()
        if error is not None:
            self._connect_failed(error)
            return
        self._unwatch_output()
        self._finish_connecting()

    def _finish_connecting(self) -> None:
        future, self._connect_future = self._connect_future, None
        callback, self._connect_callback = self._connect_callback, None
        if callback is not None:
            callback.schedule(self)
        if future is not None and not future.done():
            future.set_result(self)
        self._open()

    def _connect_failed(self, error: Exception) -> None:
        if self._connect_future is None and gen_log.isEnabledFor(logging.WARNING):
            # A callback can't be told.
            gen_log.warning("A connection failed: %s", error)
        self.close(exc_info=error.with_traceback(None))

    def _finish_close(self) -> None:
        self._connect_callback = None
        future, self._connect_future = self._connect_future, None
        if future is not None and not future.done():
            future.set_exception(StreamClosedError(self.error))
            future.exception()
        super()._finish_close()

    # -- TLS

    def start_tls(
        self,
        server_side: bool,
        ssl_options: dict[str, Any] | ssl.SSLContext | None = None,
        server_hostname: str | None = None,
    ) -> asyncio.Future[SSLIOStream]:
        """Turn this stream into one that speaks TLS from here on.

        The socket passes to the new stream, as does the close callback; this one can't be used any
        more. Nothing may be under way. What has come and is still unread was not protected, and
        must not be mistaken for what will be: it is an error.

        :arg server_side: take the server's part in the handshake.
        :arg ssl_options: a context, or the keyword arguments of
            `tornado.netutil.ssl_options_to_context`; by default a client verifies its server, and a
            server needs at least its certificate.
        :arg server_hostname: the name that the server's certificate must be for, for a client.
        :returns: a future with the new stream when the handshake is done. Cancelling it closes the
            connection.
        :raises ValueError: something is under way or unread, or a receiver is attached.
        :raises StreamClosedError: this stream is closed; from the future, if the handshake fails.

        .. versionadded:: 4.0
        """
        from tornado._iostream.tls import SSLIOStream
        from tornado._tls_options import ssl_wrap_socket

        if self._state is CLOSED:
            raise StreamClosedError(self.error)
        self._drop_cancelled_read()
        if self._state is not OPEN or self._consumer is not None or self._queue:
            raise ValueError("TLS can't begin while the stream is in use")
        if self._read_buffer is not None:
            raise ValueError("TLS can't begin while unprotected input is unread")
        options = ssl_options if ssl_options is not None else {}
        self._unwatch()
        wrapped = ssl_wrap_socket(
            self.socket,
            options,
            server_hostname=server_hostname,
            server_side=server_side,
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,
        )
        callback, self._close_callback = self._close_callback, None
        self.socket = None  # type: ignore[assignment]  # only a closed stream has none
        self._state = CLOSED
        self._direct = False
        stream = SSLIOStream(
            wrapped,
            ssl_options=options,
            io_loop=self.io_loop,
            max_buffer_size=self.max_buffer_size,
            read_chunk_size=self.read_chunk_size,
            max_write_buffer_size=self.max_write_buffer_size,
        )
        # Moved as it is: it keeps the context of whoever set it.
        stream._close_callback = callback
        return stream.wait_for_handshake()
