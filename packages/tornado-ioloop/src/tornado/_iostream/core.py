"""`StreamCore`: input that is pushed, and the end, for any kind of descriptor.

How it works. At any time at most one *consumer* is attached to a stream: the receiver that a
protocol gave to `start_receiving`, or the pending read of the awaiting API, which is a receiver of
its own making (`tornado._iostream.reads`). ``_sink`` is the consumer as long as it can be called at
once, and `None` while it can't: while there is none, while it has paused its input, before the
stream is connected, while buffered bytes must be delivered first. So a readable event asks one
question, makes one system call and one call.

The descriptor stays registered with the loop when there's no sink; only an event that comes
meanwhile removes it (`_idle`). That way the common case, where a consumer comes back before the
next bytes do, costs nothing.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from contextvars import Context
from typing import Any, TypeAlias

from tornado._iostream.buffer import take
from tornado._iostream.callbacks import StreamCallback, run_in_or_beside
from tornado._iostream.descriptor import DEFAULT_CHUNK_SIZE
from tornado._iostream.errors import NOT_NOW, StreamClosedError
from tornado._iostream.output import Output
from tornado._iostream.reads import Read
from tornado._iostream.receiver import StreamReceiver
from tornado._iostream.state import CLOSED, CLOSING, OPEN, ExcInfo, exception_of
from tornado.ioloop import IOLoop
from tornado.log import app_log

DEFAULT_BUFFER_SIZE = 104857600

Callback: TypeAlias = Callable[..., Any]


class StreamCore(Output):
    """What all streams have in common but the awaiting interface; see `BaseIOStream`, which has
    both.
    """

    # For life.
    max_buffer_size: int

    # Input.
    _consumer: StreamReceiver | Read | None = None
    _sink: StreamReceiver | Read | None = None
    _read_buffer: bytearray | None
    _paused: bool = False
    _delivery_due: bool = False
    _input_ended: bool = False
    # It has, and the consumer that was told of it is gone.
    _end_due: bool = False
    #: Whether the input has ended in a way in which anybody on the network could have ended it:
    #: with TLS, without the peer's ``close_notify`` (RFC 8446 section 6.1). A protocol to which the
    #: end means that all has come has to look at it. (Added in version 6.100.)
    input_was_cut: bool = False

    # Callbacks, and the end.
    _write_callback: StreamCallback | None = None
    _close_callback: StreamCallback | None = None
    _callbacks_due: int = 0

    def __init__(
        self,
        max_buffer_size: int | None = None,
        read_chunk_size: int | None = None,
        max_write_buffer_size: int | None = None,
        io_loop: IOLoop | None = None,
    ) -> None:
        if isinstance(max_buffer_size, IOLoop):
            # Until 4.x the loop stood first.
            io_loop, max_buffer_size = max_buffer_size, read_chunk_size
            read_chunk_size, max_write_buffer_size = max_write_buffer_size, None
        for size in (max_buffer_size, read_chunk_size, max_write_buffer_size):
            if size is not None and size < 0:
                raise ValueError(f"the size of a buffer can't be {size!r}")
        self.io_loop = loop = io_loop or IOLoop.current()
        self._loop = loop.selector_loop
        # Each event, read or write asks for these, and finds them more quickly where they are the
        # stream's own.
        self._state = OPEN
        self._read_buffer = None
        self.max_buffer_size = max_buffer_size or DEFAULT_BUFFER_SIZE
        self.read_chunk_size = read_chunk_size or DEFAULT_CHUNK_SIZE
        if max_buffer_size or read_chunk_size:
            self.read_chunk_size = min(self.read_chunk_size, self.max_buffer_size // 2 or 1)
        self.max_write_buffer_size = max_write_buffer_size or None
        self._direct = True

    # -- state

    def reading(self) -> bool:
        """Whether a read is pending."""
        consumer = self._consumer
        return isinstance(consumer, Read) and not consumer.abandoned

    def closed(self) -> bool:
        """Whether the stream is closed. What is buffered can be read all the same."""
        return self._state is CLOSED

    def set_nodelay(self, value: bool) -> None:
        """Ask for small writes to be sent at once; nothing happens where that has no meaning.

        .. versionadded:: 3.1
        """

    # -- the push interface

    def start_receiving(self, receiver: StreamReceiver) -> None:
        """Give all input to ``receiver`` from now on.

        What is buffered already comes first, on the loop's next iteration; nothing is delivered
        from inside this call. A receiver that is attached is replaced, without being told. If the
        stream is closed, ``receiver`` gets what is buffered and then learns of the end.

        :raises RuntimeError: a read of the awaiting API is pending.

        .. versionadded:: 6.100
        """
        self._drop_cancelled_read()
        if self.reading():
            raise RuntimeError("a read is pending: the input can't go to a receiver too")
        self._consumer = receiver
        self._sink = None
        self._paused = False
        self._forget_end()
        if self._state is CLOSED:
            self._call_soon(self._deliver_to_late, receiver)
            return
        self._start_flow()

    def stop_receiving(self) -> None:
        """Detach the receiver. What comes later is kept for the awaiting API, or for the next
        receiver.

        .. versionadded:: 6.100
        """
        if not isinstance(self._consumer, Read):
            self._detach()
            self._paused = False
            self._writing_paused = False
            self._forget_end()

    def unread(self, data: bytes) -> None:
        """Put ``data`` in front of what is buffered, as a protocol does that ends and has taken too
        much.

        :raises RuntimeError: a read is pending.

        .. versionadded:: 6.100
        """
        self._drop_cancelled_read()
        if self.reading():
            raise RuntimeError("a read is pending: bytes can't be put before what it has seen")
        if data:
            self._unstore(data)
            if self._consumer is not None and not self._paused:
                self._start_flow()

    def pause_reading(self) -> None:
        """Deliver nothing to the receiver until `resume_reading`.

        .. versionadded:: 6.100
        """
        if not isinstance(self._consumer, Read):
            self._paused = True
            self._sink = None

    def resume_reading(self) -> None:
        """Go on after `pause_reading`. Bytes are delivered by the loop, never from inside this
        call.

        .. versionadded:: 6.100
        """
        if self._paused:
            self._paused = False
            if self._consumer is not None:
                self._start_flow()

    def flush_soon(self, flush: Callback) -> None:
        """Have a receiver's output sent at the end of ``data_received``, possibly together with
        that of other streams.

        When input of several streams has come, that of the others is dealt with first, for half a
        millisecond. Many messages that leave at once cost less than as many that leave one by one.

        :arg flush: sends what the receiver has collected, if anything is still there: the
            receiver's ``flush_output`` may have been called meanwhile.

        .. versionadded:: 6.100
        """
        watcher = self.io_loop._readiness
        if watcher is None or (present := watcher.present) is None:
            flush()
        else:
            watcher.late.append((present, flush))

    def run_in(self, context: Context) -> None:
        """Have the receiver called in ``context`` from now on, rather than in that in which the
        stream began to read.

        .. versionadded:: 6.100
        """
        self._context = context
        if self._watching_input:
            self._watching_input = False
            self._add_reader()
        if self._watching_output:
            self._watching_output = False
            self._watch_output()

    def _start_flow(self) -> None:
        """Let the consumer have the input, beginning with what is buffered."""
        if self._state is CLOSED:
            return
        if self._read_buffer is not None and not isinstance(self._consumer, Read):
            self._sink = None
            if not self._delivery_due:
                self._delivery_due = True
                self._call_soon(self._deliver_buffered)
        elif self._state is OPEN:
            self._sink = self._consumer
        self._watch_input()

    def _deliver_buffered(self) -> None:
        self._delivery_due = False
        receiver = self._consumer
        if receiver is None or isinstance(receiver, Read) or self._paused:
            return
        data = self._take_all_buffered()
        if self._state is OPEN:
            self._sink = receiver
            self._watch_input()
        if data:
            self._feed(receiver, data)

    def _deliver_to_late(self, receiver: StreamReceiver) -> None:
        """Give a receiver that came after the end what there is."""
        if self._consumer is not receiver:
            return
        data = self._take_all_buffered()
        if data:
            self._feed(receiver, data)
        if self._consumer is receiver:
            self._consumer = None
            receiver.connection_lost(self.error)

    # -- the end

    def set_close_callback(self, callback: Callback | None) -> None:
        """Have ``callback`` called when the stream is closed, by either side.

        It waits for callbacks of reads that what was buffered can satisfy. Futures need none: they
        fail.

        :arg callback: called without arguments; `None` takes back an earlier one.
        """
        if callback is None:
            self._close_callback = None
            return
        self._close_callback = StreamCallback(callback)
        if self._state is CLOSED:
            self._report_closed()
        elif self._consumer is None:
            # An end that comes while nobody reads shall be noticed.
            self._watch_input()

    def close(self, exc_info: ExcInfo = False) -> None:
        """Close the stream at once; output that the system doesn't take at once is lost.

        :arg exc_info: why: an exception, a triple as of `sys.exc_info`, or true for the exception
            that is being handled. It becomes `error`.

        .. versionchanged:: 3.1
           Added ``exc_info``.
        """
        if self._consumer is not None:
            self._flush_receiver()
        if self._state is CLOSED:
            return
        error = exception_of(exc_info)
        if error is not None:
            self.error = error
        self._unwatch()
        self._state = CLOSED
        self._direct = False
        self._sink = None
        self.close_fd()
        self._finish_close()

    # -- events

    def _on_readable(self) -> int | None:
        sink = self._sink
        if sink is None:
            self._idle()
            return None
        data: bytes | None
        receive = self._receive
        try:
            if receive is not None:
                data = receive(self.read_chunk_size)
            else:
                data = self._read_chunk(self.read_chunk_size)
        except OSError as error:
            if not isinstance(error, NOT_NOW):
                self._break(error)
            return None
        if data:
            try:
                sink.data_received(data)
            except Exception as error:
                self._consumer_failed(sink, error)
            # A receiver that stays has used them; a read that is done has somebody wait for them.
            return len(data) if self._consumer is None else None
        if data is not None:
            self._on_eof(sink)
        return None

    def _on_eof(self, sink: StreamReceiver | Read) -> None:
        self._input_ended = True
        self._unwatch_input()
        self._sink = None
        try:
            stay = sink.eof_received()
        except Exception as error:
            self._consumer_failed(sink, error)
            return
        if stay or self._state is CLOSED:
            return
        if isinstance(sink, Read) or not self._queue:
            self.close()
        else:
            self._state = CLOSING

    def _forget_end(self) -> None:
        """Have the next consumer told of the end too."""
        if self._input_ended:
            self._input_ended = False
            self._end_due = True

    def _tell_end(self) -> None:
        """Tell of an end of which the system needn't tell again."""
        if self._state is not OPEN or not self._end_due:
            return
        sink = self._sink
        if sink is not None:
            self._end_due = False
            self._on_eof(sink)
        elif self._consumer is None and self._close_callback is not None:
            self.close()

    def _idle(self) -> None:
        """Deal with input that nobody can take now."""
        if self._state is OPEN and self._consumer is None:
            buffered = self._read_buffer
            if self._close_callback is not None and (
                buffered is None or len(buffered) < self.read_chunk_size
            ):
                self._read_ahead()
                return
        self._unwatch_input()

    def _read_ahead(self) -> None:
        """Read what is there, about a chunk at most, for the sake of noticing the end."""
        try:
            data = self._read_chunk(self.read_chunk_size)
        except NOT_NOW:
            return
        except OSError as error:
            if error.errno in (errno.ENOTCONN, errno.EINVAL):
                # Not connected yet (Unix sockets say EINVAL); connecting watches the input afresh.
                self._unwatch_input()
            else:
                self._break(error)
            return
        if data:
            self._store(data)
        elif data is not None:
            self.close()

    def _connected(self) -> None:
        """Take note of how connecting went. Streams that can connect have more to do here."""
        self._open()

    def _open(self) -> None:
        """Let bytes flow both ways."""
        self._state = OPEN
        if self._consumer is not None and not self._paused:
            self._start_flow()
        elif self._close_callback is not None:
            self._watch_input()
        if self._queue:
            self._watch_queue()
        else:
            self._drained()

    # -- input, inside

    def _feed(self, consumer: StreamReceiver | Read, data: bytes) -> None:
        try:
            consumer.data_received(data)
        except Exception as error:
            self._consumer_failed(consumer, error)

    def _consumer_failed(self, consumer: StreamReceiver | Read, error: Exception) -> None:
        """Close after an exception that no receiver should have let out."""
        if app_log.isEnabledFor(logging.ERROR):
            app_log.error("Exception in the receiver %r", consumer, exc_info=error)
        # The traceback has this stream in its frames; kept, it would make a cycle.
        self.close(exc_info=error.with_traceback(None))

    def _drop_cancelled_read(self) -> None:
        """Let go of a read that the program has cancelled; what it holds is for the next one."""
        pending = self._consumer
        if isinstance(pending, Read) and pending.abandoned:
            pending.abandon()

    def _detach(self) -> None:
        self._consumer = None
        self._sink = None

    def _take_buffered(self, size: int) -> bytes:
        buffer = self._read_buffer
        if buffer is None:
            return b""
        if size == len(buffer):
            self._read_buffer = None
            return bytes(buffer)
        return take(buffer, size)

    def _take_all_buffered(self) -> bytes:
        buffer, self._read_buffer = self._read_buffer, None
        return bytes(buffer) if buffer is not None else b""

    def _store(self, data: bytes) -> None:
        if self._read_buffer is None:
            self._read_buffer = bytearray(data)
        else:
            self._read_buffer += data

    def _unstore(self, data: bytes) -> None:
        if not data:
            return
        if self._read_buffer is None:
            self._read_buffer = bytearray(data)
        else:
            self._read_buffer[:0] = data

    # -- output, as far as others are concerned

    def _flush_receiver(self) -> None:
        """Have the receiver send what it has collected, if it collects."""
        flush = getattr(self._consumer, "flush_output", None)
        if flush is not None:
            flush()

    def _pause_writing(self) -> None:
        consumer = self._consumer
        if consumer is not None and not isinstance(consumer, Read):
            self._writing_paused = True
            consumer.pause_writing()

    def _resume_writing(self) -> None:
        self._writing_paused = False
        consumer = self._consumer
        if consumer is None or isinstance(consumer, Read):
            return
        try:
            consumer.resume_writing()
        except Exception as error:
            self._consumer_failed(consumer, error)

    def _all_written(self) -> None:
        callback, self._write_callback = self._write_callback, None
        if callback is not None:
            callback.schedule(self)

    # -- the end, inside

    def _finish_close(self) -> None:
        """Tell everybody who waits for something."""
        self._written = None
        self._write_callback = None
        queue, self._queue = self._queue, None
        if queue is not None:
            self._give_up(queue, StreamClosedError(self.error))
        consumer = self._consumer
        if isinstance(consumer, Read):
            consumer.closed(self.error)
        elif consumer is not None:
            self._call_soon(self._tell_receiver)
        self._report_closed()

    def _tell_receiver(self) -> None:
        receiver = self._consumer
        if receiver is not None and not isinstance(receiver, Read):
            self._consumer = None
            receiver.connection_lost(self.error)

    def _report_closed(self) -> None:
        """Run the close callback, if it is time."""
        if self._close_callback is None or self._state is not CLOSED or self._callbacks_due:
            return
        callback, self._close_callback = self._close_callback, None
        callback.schedule(self)

    # -- the loop

    def _call_soon(self, function: Callback, *args: Any) -> None:
        """Have the loop call what calls the receiver."""
        if self._context is None:
            self._loop.call_soon(function, *args)
        else:
            self._loop.call_soon(run_in_or_beside, self._context, function, *args)

    def _watch_input(self) -> None:
        if self._watching_input or self._state is not OPEN or self._input_ended:
            return
        if self._end_due:
            self._call_soon(self._tell_end)
            return
        try:
            self._add_reader()
        except OSError:
            # Whoever has asked for input learns that there is none to be had, and doesn't wait.
            self._detach()
            raise
