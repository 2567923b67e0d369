"""Bodies of several parts (RFC 2046 section 5.1), read piece by piece.

`MultipartParser` takes bytes and makes calls. Between calls it keeps what it can't decide yet: the
beginning of a boundary, or the incomplete headers of a part. A part's data is passed on as it
comes.
"""

from __future__ import annotations

import enum
from typing import Protocol

from tornado._httputil.errors import HTTPInputError
from tornado._httputil.headers import HTTPHeaders
from tornado._httputil.parameters import parse_parameters
from tornado._late import late_regex

MAX_PREAMBLE = 4096  # bytes before the first boundary

# RFC 2046 section 5.1.1 has 70 characters, of fewer kinds; some programs make longer ones.
_BOUNDARY = late_regex(rb"[ -~]{0,255}[!-~]")

# RFC 2046 section 5.1.1: white space may have been added behind a boundary on the way.
_PADDING = late_regex(rb"[ \t]{0,64}+(?=\r\n)")
_PADDING_SO_FAR = late_regex(rb"[ \t]{0,64}+\r?+")


class PartSink(Protocol):
    """What a `MultipartParser` calls."""

    def on_part(self, name: str, filename: str | None, headers: HTTPHeaders) -> None:
        """A part begins."""

    def on_part_data(self, data: bytes) -> None:
        """Some of the part's data."""

    def on_part_end(self) -> None:
        """The part has ended."""


class _State(enum.Enum):
    """What stands at the place up to which the body has been read."""

    START = enum.auto()  # the first byte of all
    PREAMBLE = enum.auto()  # something before the first boundary
    BOUNDARY_END = enum.auto()  # what follows a boundary in its line
    HEADERS = enum.auto()  # the line end before a part's headers
    DATA_START = enum.auto()  # the line end before a part's data
    DATA = enum.auto()  # a part's data
    EPILOGUE = enum.auto()  # something behind the last boundary


class MultipartParser:
    """Take a ``multipart/form-data`` body apart (RFC 7578).

    After an error the parser can't be used any more.

    :arg boundary: the boundary as the ``Content-Type`` field has it, without quotes.
    :arg sink: what is called with the parts.
    :arg max_parts: how many parts there may be.
    :arg max_part_header_size: limit of each part's headers in bytes.
    :raises HTTPInputError: the boundary is empty, too long, or has characters that it can't have.
    """

    def __init__(
        self, boundary: bytes, sink: PartSink, *, max_parts: int, max_part_header_size: int
    ) -> None:
        if _BOUNDARY.fullmatch(boundary) is None:
            raise HTTPInputError(f"invalid multipart boundary {boundary[:80]!r}")
        # A boundary stands at the beginning of a line; the line end before it belongs to it.
        self._delimiter = b"\r\n--" + boundary
        self._sink = sink
        self._max_header_size = max_part_header_size
        self._parts_left = max_parts
        self._preamble_left = MAX_PREAMBLE
        self._state = _State.START
        self._kept = b""

    def feed(self, data: bytes) -> None:
        """Use some more of the body.

        :raises HTTPInputError: it's malformed or beyond a limit.
        """
        if self._kept:
            data = self._kept + data
        position = 0
        while self._state is not _State.EPILOGUE:
            self._kept = b""
            reached = _STEPS[self._state](self, data, position)
            if reached is None:
                return
            position = reached

    def finish(self) -> None:
        """The body has ended; what follows its last boundary is ignored.

        :raises HTTPInputError: the last boundary is missing.
        """
        if self._state is not _State.EPILOGUE:
            raise HTTPInputError("multipart body has no final boundary")

    # Each step takes one element that begins at ``position`` and returns where it ends; without
    # enough data it keeps what is still needed and returns None.

    def _take_start(self, data: bytes, position: int) -> int | None:
        first = self._delimiter[2:]
        if data.startswith(first):
            self._state = _State.BOUNDARY_END
            return len(first)
        if first.startswith(data):
            self._kept = data
            return None
        self._state = _State.PREAMBLE
        return 0

    def _take_preamble(self, data: bytes, position: int) -> int | None:
        found = data.find(self._delimiter, position)
        end = self._certain_end(data, position) if found < 0 else found
        self._preamble_left -= end - position
        if self._preamble_left < 0:
            raise HTTPInputError("multipart body does not begin with its boundary")
        if found < 0:
            self._kept = data[end:]
            return None
        self._state = _State.BOUNDARY_END
        return found + len(self._delimiter)

    def _take_boundary_end(self, data: bytes, position: int) -> int | None:
        if data.startswith(b"--", position):
            self._state = _State.EPILOGUE
            return len(data)
        match = _PADDING.match(data, position)
        if match is None:
            rest = data[position : position + 100]
            if rest != b"-" and _PADDING_SO_FAR.fullmatch(rest) is None:
                raise HTTPInputError("malformed multipart boundary")
            self._kept = rest
            return None
        if self._parts_left <= 0:
            raise HTTPInputError("multipart body has too many parts")
        self._parts_left -= 1
        self._state = _State.HEADERS
        return match.end()

    def _take_headers(self, data: bytes, position: int) -> int | None:
        # The line end of the boundary is looked at again: without headers it's followed by the
        # empty line at once.
        limit = position + 2 + self._max_header_size + 4
        end = data.find(b"\r\n\r\n", position, limit)
        if end < 0:
            if len(data) >= limit:
                raise HTTPInputError("multipart part headers too large")
            self._kept = data[position:]
            return None
        self._begin_part(data[position + 2 : end])
        self._state = _State.DATA_START
        return end + 2

    def _begin_part(self, block: bytes) -> None:
        try:
            text = block.decode("utf-8")
        except UnicodeDecodeError as error:
            raise HTTPInputError("multipart part headers are no UTF-8") from error
        headers = HTTPHeaders()
        for line in text.split("\r\n"):
            headers.parse_line(line, _chars_are_bytes=False)
        dispositions = headers.get_list("Content-Disposition")
        if len(dispositions) != 1:
            raise HTTPInputError("multipart part without exactly one Content-Disposition")
        disposition, parameters = parse_parameters(dispositions[0])
        if disposition.lower() != "form-data":
            raise HTTPInputError("multipart part is no form-data")
        name = parameters.get("name")
        if not name:
            raise HTTPInputError("multipart part has no name")
        self._sink.on_part(name, parameters.get("filename"), headers)

    def _take_data_start(self, data: bytes, position: int) -> int | None:
        # A part without data may have its boundary in place of it: then the line end that is here
        # belongs to both.
        delimiter = self._delimiter
        if data.startswith(delimiter, position):
            return self._end_part(position)
        rest = data[position : position + len(delimiter)]
        if delimiter.startswith(rest):
            self._kept = rest
            return None
        self._state = _State.DATA
        return position + 2

    def _take_data(self, data: bytes, position: int) -> int | None:
        found = data.find(self._delimiter, position)
        end = self._certain_end(data, position) if found < 0 else found
        if end > position:
            self._sink.on_part_data(data[position:end])
        if found < 0:
            self._kept = data[end:]
            return None
        return self._end_part(found)

    def _end_part(self, position: int) -> int:
        self._sink.on_part_end()
        self._state = _State.BOUNDARY_END
        return position + len(self._delimiter)

    def _certain_end(self, data: bytes, position: int) -> int:
        """Return how far the data can't be part of a boundary whose rest is still to come."""
        return max(position, len(data) - len(self._delimiter) + 1)


_STEPS = {
    _State.START: MultipartParser._take_start,
    _State.PREAMBLE: MultipartParser._take_preamble,
    _State.BOUNDARY_END: MultipartParser._take_boundary_end,
    _State.HEADERS: MultipartParser._take_headers,
    _State.DATA_START: MultipartParser._take_data_start,
    _State.DATA: MultipartParser._take_data,
}
