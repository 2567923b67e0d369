"""The interface between a stream that pushes and the protocol that takes."""

from __future__ import annotations

from typing import Protocol


class StreamReceiver(Protocol):
    """What `BaseIOStream.start_receiving` wants: an object that is called with a stream's input.

    Names and meanings are those of `asyncio.Protocol`, except that there is no ``connection_made``:
    the receiver knows its stream from the beginning. All methods are called by the event loop's
    thread, and never from inside a call that the receiver makes itself, but for ``pause_writing``.

    A receiver that collects output before it sends it may have a method ``flush_output`` too. It's
    called, without arguments, at the beginning of `BaseIOStream.write` and `BaseIOStream.close`,
    whoever calls these, so that nothing is overtaken or lost.

    .. versionadded:: 6.100
    """

    def data_received(self, data: bytes) -> None:
        """Take the next bytes of the input.

        An exception that escapes is logged and closes the stream.

        :arg data: never empty.
        """

    def eof_received(self) -> bool | None:
        """Learn that the peer sends nothing more.

        :returns: true keeps the stream open for output; otherwise it's closed once its output is
            written.
        """

    def connection_lost(self, exc: BaseException | None) -> None:
        """Learn that the stream is closed; it is the last call, and there's always exactly one.

        :arg exc: what broke the stream, or `None` after an orderly end.
        """

    def pause_writing(self) -> None:
        """Learn that more than 64 KiB of output wait for the peer; called from inside ``send``."""

    def resume_writing(self) -> None:
        """Learn that the waiting output has shrunk to 16 KiB or less."""
