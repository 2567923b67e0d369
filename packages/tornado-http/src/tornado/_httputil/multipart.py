"""Bodies of several parts (RFC 7578), read piece by piece.

`MultipartParser` takes bytes and makes calls; it holds no more than a boundary's length of a part's
data.
"""

from __future__ import annotations

import enum
from typing import Protocol

from tornado._httputil.errors import HTTPInputError
from tornado._httputil.headers import HTTPHeaders
from tornado._httputil.parameters import parse_parameters

MAX_BOUNDARY_LENGTH = 256  # bytes; RFC 2046 section 5.1.1 has 70
MAX_PREAMBLE = 4096  # bytes before the first boundary


class PartSink(Protocol):
    """What a `MultipartParser` calls."""

    def on_part(self, name: str, filename: str | None, headers: HTTPHeaders) -> None:
        """A part begins."""

    def on_part_data(self, data: bytes) -> None:
        """Some of the part's data."""

    def on_part_end(self) -> None:
        """The part has ended."""


class _State(enum.Enum):
    PREAMBLE = 0
    AFTER_BOUNDARY = 1
    HEADERS = 2
    DATA = 3
    EPILOGUE = 4


class MultipartParser:
    """Take a multipart body apart.

    :arg boundary: the boundary as the ``Content-Type`` field has it.
    :arg sink: what is called with the parts.
    :arg max_parts: how many parts there may be.
    :arg max_part_header_size: limit of each part's headers in bytes.
    :raises HTTPInputError: the boundary is empty or too long.
    """

    def __init__(
        self, boundary: bytes, sink: PartSink, *, max_parts: int, max_part_header_size: int
    ) -> None:
        if boundary.startswith(b'"') and boundary.endswith(b'"') and len(boundary) > 1:
            boundary = boundary[1:-1]
        if not 0 < len(boundary) <= MAX_BOUNDARY_LENGTH:
            raise HTTPInputError("invalid multipart boundary")
        # A boundary stands at the beginning of a line; the line end before it belongs to it.
        self._delimiter = b"\r\n--" + boundary
        self._sink = sink
        self._parts_left = max_parts
        self._max_header_size = max_part_header_size
        self._state = _State.PREAMBLE
        self._held = bytearray(b"\r\n")
        self._preamble = 0

    def feed(self, data: bytes) -> None:
        """Use some more of the body.

        :raises HTTPInputError: it's malformed or beyond a limit.
        """
        if self._state is _State.EPILOGUE:
            return
        held = self._held
        held += data
        while self._step(held):
            pass

    def finish(self) -> None:
        """The body has ended.

        :raises HTTPInputError: its closing boundary is missing.
        """
        if self._state is not _State.EPILOGUE:
            raise HTTPInputError("multipart body has no final boundary")

    def _step(self, held: bytearray) -> bool:
        """Take one element; false if more data is needed for it."""
        if self._state is _State.DATA:
            return self._take_data(held)
        if self._state is _State.PREAMBLE:
            return self._take_preamble(held)
        if self._state is _State.AFTER_BOUNDARY:
            return self._take_boundary_end(held)
        if self._state is _State.HEADERS:
            return self._take_headers(held)
        held.clear()
        return False

    def _take_preamble(self, held: bytearray) -> bool:
        """RFC 2046 section 5.1.1: what stands before the first boundary is ignored."""
        found = held.find(self._delimiter)
        end = found if found >= 0 else max(0, len(held) - len(self._delimiter))
        self._preamble += end
        if self._preamble > MAX_PREAMBLE:
            raise HTTPInputError("multipart body does not begin with its boundary")
        if found < 0:
            del held[:end]
            return False
        del held[: found + len(self._delimiter)]
        self._state = _State.AFTER_BOUNDARY
        return True

    def _take_boundary_end(self, held: bytearray) -> bool:
        if len(held) < 2:
            return False
        if held.startswith(b"--"):
            self._state = _State.EPILOGUE
            held.clear()
            return False
        if not held.startswith(b"\r\n"):
            raise HTTPInputError("malformed multipart boundary")
        if not self._parts_left:
            raise HTTPInputError("multipart body has too many parts")
        self._parts_left -= 1
        del held[:2]
        self._state = _State.HEADERS
        return True

    def _take_headers(self, held: bytearray) -> bool:
        end = held.find(b"\r\n\r\n", 0, self._max_header_size + 4)
        if end < 0:
            if len(held) > self._max_header_size:
                raise HTTPInputError("multipart part headers too large")
            return False
        try:
            text = held[:end].decode("utf-8")
        except UnicodeDecodeError as error:
            raise HTTPInputError("multipart part headers are no UTF-8") from error
        del held[: end + 4]
        # The empty line may be the line end of a boundary that follows an empty part.
        held[:0] = b"\r\n"
        self._begin_part(text)
        self._state = _State.DATA
        self._at_start = True
        return True

    _at_start = False

    def _begin_part(self, text: str) -> None:
        headers = HTTPHeaders()
        for line in text.split("\r\n"):
            headers.parse_line(line, _chars_are_bytes=False)
        disposition, parameters = parse_parameters(headers.get("Content-Disposition", ""))
        if disposition != "form-data":
            raise HTTPInputError("multipart part is no form-data")
        name = parameters.get("name")
        if not name:
            raise HTTPInputError("multipart part has no name")
        self._sink.on_part(name, parameters.get("filename"), headers)

    def _take_data(self, held: bytearray) -> bool:
        found = held.find(self._delimiter)
        skip = 2 if self._at_start else 0
        if found >= 0:
            if found > skip:
                self._sink.on_part_data(bytes(held[skip:found]))
            del held[: found + len(self._delimiter)]
            self._sink.on_part_end()
            self._state = _State.AFTER_BOUNDARY
            return True
        # What could be the beginning of a boundary stays.
        end = len(held) - len(self._delimiter) + 1
        if end > skip:
            self._sink.on_part_data(bytes(held[skip:end]))
            self._at_start = False
            del held[:end]
        return False
