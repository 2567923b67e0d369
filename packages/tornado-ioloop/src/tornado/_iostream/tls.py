"""Streams that speak TLS.

The socket is an `ssl.SSLSocket` whose handshake this module runs. Before the stream is open, TCP
and TLS count as one connecting: output is queued, input waits. Afterwards a read may need the
socket to be writable, and a write may need it to be readable (renegotiation, key updates); two
flags say so, and the event that is needed retries the operation. It may need the same again, or
something else, so what is watched is decided afresh after each try.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
import socket
from collections.abc import Callable
from typing import Any, TypeAlias

from tornado._iostream.buffer import Bytes
from tornado._iostream.errors import StreamClosedError, is_reset
from tornado._iostream.state import CLOSED, CONNECTING
from tornado._iostream.tcp import IOStream
from tornado._tls_options import ssl_wrap_socket
from tornado.log import gen_log

try:
    import ssl
except ImportError:  # Some builds of Python have none; all other streams work there.
    ssl = None  # type: ignore[assignment]

SSLOptions: TypeAlias = "dict[str, Any] | ssl.SSLContext | None"

# RFC 8446 section 5.1: a record holds at most 2**14 bytes. Reading at least so many leaves nothing
# behind in the TLS layer, which the selector doesn't see.
RECORD_SIZE = 16384

# Bytes that one event may write, so that one fast peer doesn't keep the loop for itself.
WRITE_BUDGET = 1048576


class Handshake(enum.Enum):
    """How far the handshake is."""

    NOT_BEGUN = "TCP isn't connected"
    UNDER_WAY = "messages go to and fro"
    DONE = "the connection is protected"


class SSLIOStream(IOStream):
    """A stream that speaks TLS.

    It takes a socket that isn't connected, and wraps it when `connect` has connected it. Or it
    takes an `ssl.SSLSocket` that is connected and whose handshake hasn't been done
    (``do_handshake_on_connect=False``), and begins with that.

    By default a client verifies the chain and the host name of its server.

    :arg ssl_options: a context, or the keyword arguments of
        `tornado.netutil.ssl_options_to_context`. The other arguments are those of `IOStream`.
    """

    socket: Any

    sends_files = False

    # Seconds until a handshake that doesn't come to its end is given up.
    handshake_timeout: float = 60.0

    _handshake: Handshake = Handshake.NOT_BEGUN
    _handshake_future: asyncio.Future[Any] | None = None
    _deadline: asyncio.TimerHandle | None = None
    _server_hostname: str | None = None

    # After the handshake. What came behind bytes that were to be delivered first: an error, or the
    # end. The selector doesn't tell of it again.
    _held: OSError | bytes | None = None
    _read_needs_output: bool = False
    _write_needs_input: bool = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._ssl_options: SSLOptions = kwargs.pop("ssl_options", None)
        super().__init__(*args, **kwargs)
        self._state = CONNECTING
        self._direct = False
        if not isinstance(self.socket, ssl.SSLSocket):
            return
        # An accepted socket that looks unconnected was reset; the handshake finds that out.
        if self.socket.server_side or _is_connected(self.socket):
            self._begin_handshake()
        else:
            self._unwrap_unconnected(self.socket)

    def _unwrap_unconnected(self, wrapped: ssl.SSLSocket) -> None:
        """Take the TLS layer off a socket on which it can't connect without blocking; `connect`
        puts it on again.
        """
        if self._ssl_options is None:
            self._ssl_options = wrapped.context
        self._server_hostname = wrapped.server_hostname
        self.socket = socket.socket(
            wrapped.family, wrapped.type, wrapped.proto, fileno=wrapped.detach()
        )
        self.socket.setblocking(False)

    # -- connecting

    def connect(
        self,
        address: Any,
        server_hostname: str | Callable[..., Any] | None = None,
        *,
        callback: Callable[..., Any] | None = None,
    ) -> Any:
        """Connect, and do the handshake.

        :arg address: as for `IOStream.connect`.
        :arg server_hostname: the name that the certificate must be for; by default the host in
            ``address``.
        :arg callback: as for `IOStream.connect`.
        :returns: a future with this stream. Cancelling it closes the stream.
        :raises ssl.SSLError: from the future, if the handshake failed; a certificate that isn't
            good is an `ssl.SSLCertVerificationError`.
        :raises StreamClosedError: from the future, if something else went wrong.
        """
        if callable(server_hostname):
            callback, server_hostname = server_hostname, None
        if server_hostname is None and isinstance(address, tuple):
            server_hostname = self._server_hostname or address[0] or None
        self._server_hostname = server_hostname
        future = self._begin_connecting(callback)
        self._connect_socket(address)
        return future

    def wait_for_handshake(self) -> asyncio.Future[SSLIOStream]:
        """Wait until the handshake is done, as a server does that wants to look at the client's
        certificate.

        :returns: a future with this stream. Cancelling it closes the stream.
        :raises ssl.SSLError: from the future, if the handshake failed.
        :raises StreamClosedError: from the future, if the stream closed for another reason.

        .. versionadded:: 4.2
        """
        if self._connect_future is not None:
            return self._connect_future
        if self._handshake_future is not None:
            return self._handshake_future
        if self._state is CLOSED:
            return self._failed(self._handshake_error())
        if self._handshake is Handshake.DONE:
            done: asyncio.Future[SSLIOStream] = self._loop.create_future()
            done.set_result(self)
            return done
        self._handshake_future = future = self._cancellable()
        return future

    def _connected(self) -> None:
        if self._handshake is Handshake.UNDER_WAY:
            self._step()
            return
        error = self.get_fd_error()
        if error is not None:
            self._connect_failed(error)
            return
        self._unwatch()
        try:
            # It can't be done before: the TLS layer of a socket is made for a peer.
            self.socket = ssl_wrap_socket(
                self.socket,
                self._ssl_options if self._ssl_options is not None else {},
                server_hostname=self._server_hostname,
                server_side=False,
                do_handshake_on_connect=False,
                suppress_ragged_eofs=False,
            )
        except (OSError, ValueError) as failure:
            self._connect_failed(failure)
            return
        self._begin_handshake()

    # -- the handshake

    def _begin_handshake(self) -> None:
        self._handshake = Handshake.UNDER_WAY
        self._deadline = self._loop.call_later(self.handshake_timeout, self._handshake_overdue)
        # The client speaks first (RFC 8446 section 2), and so must be able to write.
        if self.socket.server_side:
            self._add_reader()
        else:
            self._watch_output()

    def _step(self) -> None:
        """Go on with the handshake as far as it goes without waiting."""
        try:
            self.socket.do_handshake()
        except ssl.SSLWantReadError:
            self._unwatch_output()
            self._add_reader()
        except ssl.SSLWantWriteError:
            self._unwatch_input()
            self._watch_output()
        except (OSError, ValueError) as error:
            self._handshake_failed(error)
        else:
            self._unwatch_output()
            self._handshake_done()

    def _handshake_done(self) -> None:
        self._handshake = Handshake.DONE
        self._cancel_deadline()
        future, self._handshake_future = self._handshake_future, None
        if future is not None and not future.done():
            future.set_result(self)
        self._finish_connecting()

    def _handshake_failed(self, error: Exception) -> None:
        unheard = self._connect_future is None and self._handshake_future is None
        # Which of the two it is depends on the version of OpenSSL.
        peer_left = is_reset(error) or isinstance(error, ssl.SSLZeroReturnError) or _is_cut(error)
        if unheard and not peer_left and gen_log.isEnabledFor(logging.WARNING):
            gen_log.warning("TLS handshake with %s failed: %s", _peer_of(self.socket), error)
        self.close(exc_info=error.with_traceback(None))

    def _handshake_overdue(self) -> None:
        self._handshake_failed(
            TimeoutError(f"the handshake was not done in {self.handshake_timeout} seconds")
        )

    def _handshake_error(self) -> BaseException:
        """Return what a failed handshake raises: the TLS layer's own words, if it has said
        anything.
        """
        error = self.error
        return error if isinstance(error, ssl.SSLError | ValueError) else StreamClosedError(error)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _finish_close(self) -> None:
        self._cancel_deadline()
        waiting = (self._connect_future, self._handshake_future)
        self._connect_future = self._handshake_future = None
        for future in waiting:
            if future is not None and not future.done():
                future.set_exception(self._handshake_error())
                future.exception()
        super()._finish_close()

    def close_fd(self) -> None:
        """Close the socket, after an orderly end not without having told the peer."""
        # Output that is lost must look lost.
        if self._handshake is Handshake.DONE and self.error is None and not self._queue:
            # RFC 8446 section 6.1: close_notify comes before closing. Whether it arrives, and what
            # the peer says to it, doesn't matter any more.
            with contextlib.suppress(OSError, ValueError):
                self.socket.unwrap()
        super().close_fd()

    # -- afterwards

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """See `BaseIOStream.read_from_fd`."""
        try:
            size: int = self.socket.recv_into(buf, len(buf))
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLWantWriteError:
            self._read_needs_output = True
            self._watch_output()
            return None
        except ssl.SSLError as error:
            if not _is_cut(error):
                raise
            self.input_was_cut = True
            return 0
        return size

    def write_to_fd(self, data: memoryview) -> int:
        """See `BaseIOStream.write_to_fd`."""
        return self._write_chunk(data)

    def has_unread_input(self) -> bool:
        """See `IOStream.has_unread_input`."""
        return self._held is not None or super().has_unread_input()

    def _read_chunk(self, size: int) -> bytes | None:
        if self._held is not None:
            return self._take_held()
        data = self._read_record()
        # A full record is hardly ever the last of a message.
        return self._and_more(data, size) if data is not None and len(data) >= RECORD_SIZE else data

    def _read_record(self) -> bytes | None:
        try:
            data: bytes = self.socket.recv(RECORD_SIZE)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLWantWriteError:
            self._read_needs_output = True
            self._watch_output()
            return None
        except ssl.SSLError as error:
            if not _is_cut(error):
                raise
            # RFC 8446 section 6.1: without close_notify nobody knows who has ended it. Where that
            # matters is for protocols to say.
            self.input_was_cut = True
            return b""
        return data

    def _and_more(self, first: bytes, size: int) -> bytes:
        """Return a full record with those that are there after it, as far as ``size`` goes."""
        records = [first]
        room = size // RECORD_SIZE - 1
        while room > 0 and len(records[-1]) >= RECORD_SIZE:
            room -= 1
            try:
                data = self._read_record()
            except OSError as error:
                self._held = error.with_traceback(None)
                break
            if not data:
                self._held = data
                break
            records.append(data)
        return b"".join(records) if len(records) > 1 else first

    def _take_held(self) -> bytes | None:
        held, self._held = self._held, None
        if isinstance(held, OSError):
            raise held
        return held

    def _write_chunk(self, data: Bytes) -> int:
        size = len(data)
        if size <= RECORD_SIZE:
            return self._write_record(data)
        # The TLS layer takes all that it's given or says that it took nothing, and goes on with
        # that later. In pieces of a record it's known what has gone, and others have their turn.
        rest = memoryview(data)
        sent = 0
        while sent < size and sent < WRITE_BUDGET:
            taken = self._write_record(rest[sent : sent + RECORD_SIZE])
            if not taken:
                break
            sent += taken
        return sent

    def _write_record(self, data: Bytes) -> int:
        try:
            taken: int = self.socket.send(data)
        except ssl.SSLWantWriteError:
            return 0
        except ssl.SSLWantReadError:
            self._write_needs_input = True
            return 0
        return taken

    def _on_readable(self) -> int | None:
        if self._write_needs_input:
            self._write_needs_input = False
            self._on_writable()
        taken = super()._on_readable()
        if self._held is not None:
            # Its turn, unless nobody reads now.
            super()._on_readable()
        return taken

    def _on_writable(self) -> None:
        if self._read_needs_output:
            self._read_needs_output = False
            self._retry_read()
        super()._on_writable()
        self._watch_what_is_needed()

    def _retry_read(self) -> None:
        """Read what couldn't be read without sending something first. The peer may wait for that,
        so it leaves even if nobody wants to read now.
        """
        if self._sink is not None:
            super()._on_readable()
            return
        try:
            data = self._read_chunk(self.read_chunk_size)
        except OSError as error:
            self._break(error)
            return
        if data:
            self._store(data)
        elif data is not None:
            self._held = data

    def _watch_what_is_needed(self) -> None:
        """Watch for what output waits for, after it has been tried on whichever event."""
        if self._state is CLOSED or self._state is CONNECTING:
            return
        if self._write_needs_input:
            self._add_reader()
        if self._read_needs_output or (self._queue and not self._write_needs_input):
            self._watch_output()
        else:
            self._unwatch_output()

    def _idle(self) -> None:
        if self._handshake is Handshake.UNDER_WAY and self._state is CONNECTING:
            self._step()
        elif not self._write_needs_input:
            super()._idle()

    def _watch_input(self) -> None:
        if self._held is None:
            super()._watch_input()
        else:
            self._call_soon(self._on_readable)

    def _watch_queue(self) -> None:
        if self._write_needs_input:
            self._add_reader()
        else:
            super()._watch_queue()


def _is_cut(error: Exception) -> bool:
    """Whether the peer has ended the connection without a word; the first Pythons of 3.11 have no
    class of its own for that."""
    return isinstance(error, ssl.SSLEOFError) or (
        isinstance(error, ssl.SSLError) and error.reason == "UNEXPECTED_EOF_WHILE_READING"
    )


def _is_connected(wrapped: ssl.SSLSocket) -> bool:
    try:
        wrapped.getpeername()
    except OSError:
        return False
    return True


def _peer_of(sock: socket.socket) -> str:
    """Return for a log who is at the other end."""
    try:
        name = sock.getpeername()
    except OSError:
        return "a peer that has left"
    return str(name[0]) if isinstance(name, tuple) else str(name or "a local peer")
