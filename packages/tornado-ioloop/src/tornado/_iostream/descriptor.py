"""`Descriptor`: what a stream stands on, and how the loop watches it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Any, cast

from tornado._ioloop.readiness import readiness_of
from tornado._iostream.buffer import Bytes
from tornado._iostream.callbacks import run_in_or_beside
from tornado.ioloop import IOLoop

DEFAULT_CHUNK_SIZE = 65536


class Descriptor:
    """Something that can be read, written, closed, and watched by the loop.

    The methods without an underscore are for subclasses to define; the others are how streams use
    them.
    """

    read_chunk_size: int

    # What the system has for `_read_chunk` and `_write_chunk`, where nothing has to be added to it.
    # What is done most gets along without a method of Python.
    _receive: Callable[[int], bytes] | None = None
    _transmit: Callable[[Bytes], int] | None = None

    io_loop: IOLoop
    _loop: asyncio.AbstractEventLoop
    # What events are dealt with in; `None` for that in which they were asked for.
    _context: Context | None = None
    _watching_input: bool = False
    _watching_output: bool = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Use the documented hooks of a subclass where its base has faster ways of its own."""
        super().__init_subclass__(**kwargs)
        if _is_nearer(cls, "read_from_fd", "_read_chunk"):
            cls._read_chunk = Descriptor._read_chunk  # type: ignore[method-assign]  # chosen per class
        if _is_nearer(cls, "write_to_fd", "_write_chunk"):
            cls._write_chunk = Descriptor._write_chunk  # type: ignore[method-assign]  # chosen per class
        if _is_nearer(cls, "_write_chunk", "_write_pieces"):
            cls._write_pieces = Descriptor._write_pieces  # type: ignore[method-assign]  # chosen per class

    def fileno(self) -> int | Any:
        """Return the descriptor, or an object with ``fileno``, that the loop shall watch."""
        raise NotImplementedError(f"{type(self).__name__} has no descriptor")

    def close_fd(self) -> None:
        """Close the descriptor. It's called once, when the stream is closed."""
        raise NotImplementedError(f"{type(self).__name__} can't close its descriptor")

    def write_to_fd(self, data: memoryview) -> int:
        """Write as much of ``data`` as goes without waiting.

        :arg data: at least one byte; it mustn't be kept.
        :returns: how many bytes were written.
        :raises BlockingIOError: nothing could be written now.
        """
        raise NotImplementedError(f"{type(self).__name__} can't be written to")

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Read into ``buf`` what there is, without waiting.

        :arg buf: where to; it mustn't be kept.
        :returns: the number of bytes, 0 at the end of the input, `None` if nothing is there now.
        """
        raise NotImplementedError(f"{type(self).__name__} can't be read from")

    def get_fd_error(self) -> Exception | None:
        """Return what is wrong with the descriptor, if the system knows of anything."""
        return None

    def _read_chunk(self, size: int) -> bytes | None:
        """Return the next bytes, ``size`` at most, or ``b""`` at the end.

        If there's nothing now, `None` is returned or `BlockingIOError` raised.
        """
        buffer = bytearray(size)
        count = self.read_from_fd(buffer)
        return None if count is None else bytes(memoryview(buffer)[:count])

    def _write_chunk(self, data: Bytes) -> int:
        """Write what goes without waiting; return how much that was.

        If that's nothing, `BlockingIOError` may be raised.
        """
        if not data:
            return 0
        view = memoryview(data)
        try:
            return self.write_to_fd(view) or 0
        finally:
            view.release()

    def _write_pieces(self, pieces: Sequence[bytes]) -> int:
        """Do as `_write_chunk` with several pieces."""
        return self._write_chunk(b"".join(pieces))

    # -- events

    def _on_readable(self) -> int | None:
        """Deal with input that is there; return how many bytes of it wait to be used."""
        self._unwatch_input()
        return None

    def _on_writable(self) -> None:
        """Deal with room for output."""
        self._unwatch_output()

    def _on_writable_in_context(self) -> None:
        run_in_or_beside(cast("Context", self._context), self._on_writable)

    def _add_reader(self) -> None:
        if not self._watching_input:
            watcher = readiness_of(self.io_loop)
            watcher.add_reader(self.fileno(), self._on_readable, self._context)
            self._watching_input = True

    def _watch_output(self) -> None:
        if not self._watching_output:
            callback = self._on_writable if self._context is None else self._on_writable_in_context
            readiness_of(self.io_loop).add_writer(self.fileno(), callback)
            self._watching_output = True

    def _unwatch_output(self) -> None:
        if self._watching_output:
            self._watching_output = False
            readiness_of(self.io_loop).remove_writer(self.fileno())

    def _unwatch_input(self) -> None:
        if self._watching_input:
            self._watching_input = False
            readiness_of(self.io_loop).remove_reader(self.fileno())

    def _unwatch(self) -> None:
        self._unwatch_input()
        self._unwatch_output()


def _is_nearer(cls: type, name: str, other: str) -> bool:
    """Whether a class has ``name`` from one that comes before the one it has ``other`` from."""
    for base in cls.__mro__:
        if other in vars(base):
            return False
        if name in vars(base):
            return True
    return False
