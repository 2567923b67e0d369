"""The content codings that responses may have, and how they are taken off (RFC 9110 section 8.4).

Every decoder gives what it decodes in pieces of bounded size, so that a small response can't become
a large one in memory before somebody counts it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import import_module
from typing import Any, Protocol

from tornado.httputil import HTTPInputError

PIECE = 65536  # bytes that are decoded at once
# Bytes that are given at once to a decoder that can't be stopped. RFC 8878 section 3.1.1.2: four
# of them may stand for a block of 128 KiB.
MORSEL = 256
# RFC 9659: the window of Zstandard that every client has to support, and no more.
MAX_WINDOW = 1 << 23  # bytes
MAX_CODINGS = 4  # codings of one response, one on top of the other


class Decoder(Protocol):
    """Takes one coding off."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Give what ``data`` decodes to, in pieces."""

    def finish(self) -> None:
        """Check that the coded data was whole.

        :raises HTTPInputError: it wasn't.
        """


class _ZlibDecoder:
    """Decode gzip, with all of its members, or deflate."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._engine: Any = None
        self._begun = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        more_inside = False
        while data or more_inside:
            engine = self._engine
            if engine is None or engine.eof:
                engine = self._engine = self._next_engine(data)
            self._begun = True
            try:
                piece = engine.decompress(data, PIECE)
            except zlib.error as error:
                raise HTTPInputError(f"invalid {self._name} data: {error}") from error
            data = engine.unused_data if engine.eof else engine.unconsumed_tail
            # A full piece may have left something behind that needs no further input.
            more_inside = len(piece) == PIECE and not engine.eof
            if piece:
                yield piece

    def finish(self) -> None:
        if self._begun and not self._engine.eof:
            raise HTTPInputError(f"truncated {self._name} data")

    def _next_engine(self, data: bytes) -> Any:
        if self._name == "gzip":
            # RFC 1952 section 2.2: a file is a series of members.
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        if self._begun:
            raise HTTPInputError("something follows after the deflate data")
        # RFC 9110 section 8.4.1.2: some senders leave out the header of RFC 1950, whose first octet
        # names the method 8 in a window of up to 32 KiB.
        has_header = data[0] & 0x8F == 0x08
        return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


class _ZstdDecoder:
    """Decode Zstandard (RFC 8878), with all of its frames."""

    def __init__(self, module: Any) -> None:
        limit = MAX_WINDOW.bit_length() - 1
        self._options = {module.DecompressionParameter.window_log_max: limit}
        self._module = module
        self._engine: Any = None

    def decode(self, data: bytes) -> Iterator[bytes]:
        while True:
            engine = self._engine
            if engine is None or engine.eof:
                if not data:
                    return
                engine = self._module.ZstdDecompressor(options=self._options)
                self._engine = engine
            try:
                piece = engine.decompress(data, PIECE)
            except self._module.ZstdError as error:
                raise HTTPInputError(f"invalid zstd data: {error}") from error
            data = engine.unused_data if engine.eof else b""
            if piece:
                yield piece
            if not engine.eof and engine.needs_input:
                return

    def finish(self) -> None:
        if self._engine is not None and not self._engine.eof:
            raise HTTPInputError("truncated zstd data")


class _ZstandardDecoder:
    """Decode Zstandard with the package ``zstandard``, whose decoder gives all that there is."""

    def __init__(self, module: Any) -> None:
        self._decompressor = module.ZstdDecompressor(max_window_size=MAX_WINDOW)
        self._error: type[Exception] = module.ZstdError
        self._engine: Any = None

    def decode(self, data: bytes) -> Iterator[bytes]:
        position = 0
        while position < len(data):
            if self._engine is None or self._engine.eof:
                self._engine = self._decompressor.decompressobj()
            morsel = data[position : position + MORSEL]
            try:
                decoded = self._engine.decompress(morsel)
            except self._error as error:
                raise HTTPInputError(f"invalid zstd data: {error}") from error
            position += len(morsel)
            if self._engine.eof:
                position -= len(self._engine.unused_data)
            for start in range(0, len(decoded), PIECE):
                yield decoded[start : start + PIECE]

    def finish(self) -> None:
        if self._engine is not None and not self._engine.eof:
            raise HTTPInputError("truncated zstd data")


class _BrotliDecoder:
    """Decode Brotli (RFC 7932)."""

    def __init__(self, module: Any) -> None:
        self._error: type[Exception] = module.error
        self._engine = module.Decompressor()
        self._begun = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        engine = self._engine
        self._begun = self._begun or bool(data)
        while True:
            if data and engine.is_finished():
                raise HTTPInputError("something follows after the br data")
            try:
                piece = engine.process(data, output_buffer_limit=PIECE)
            except self._error as error:
                raise HTTPInputError(f"invalid br data: {error}") from error
            data = b""
            if piece:
                yield piece
            if engine.is_finished() or engine.can_accept_more_data():
                return

    def finish(self) -> None:
        if self._begun and not self._engine.is_finished():
            raise HTTPInputError("truncated br data")


def _gzip() -> Callable[[], Decoder]:
    return lambda: _ZlibDecoder("gzip")


def _deflate() -> Callable[[], Decoder]:
    return lambda: _ZlibDecoder("deflate")


def _brotli() -> Callable[[], Decoder] | None:
    module = _import("brotli")
    # Releases before 1.2 decode all at once, however much that is.
    if module is None or not hasattr(module.Decompressor, "can_accept_more_data"):
        return None
    return lambda: _BrotliDecoder(module)


def _zstd() -> Callable[[], Decoder] | None:
    # It's in the standard library since Python 3.14.
    module = _import("compression.zstd") or _import("backports.zstd")
    if module is not None:
        return lambda: _ZstdDecoder(module)
    other = _import("zstandard")
    return None if other is None else lambda: _ZstandardDecoder(other)


def _import(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None


@lru_cache(1)
def _decoders() -> dict[str, Callable[[], Decoder]]:
    """The codings whose libraries are there."""
    factories = {"gzip": _gzip(), "deflate": _deflate(), "br": _brotli(), "zstd": _zstd()}
    return {name: factory for name, factory in factories.items() if factory is not None}


@lru_cache(1)
def accepted_codings() -> str:
    """Return the value of ``Accept-Encoding`` for the codings that can be taken off."""
    return ", ".join(_decoders())


class ContentDecoder:
    """Takes all codings of a response off.

    :arg codings: the value of its ``Content-Encoding``.
    :arg limit: the most bytes that any of the decoders may give.
    """

    def __init__(self, codings: str, limit: int) -> None:
        self._limit = limit
        # RFC 9110 section 8.4: they're named in the order in which they were applied.
        self._chain = [_decoders()[name]() for name in reversed(_names(codings))]
        self._room = [limit] * len(self._chain)

    @staticmethod
    def knows(codings: str) -> bool:
        """Tell whether all codings are known, and there are any."""
        names = _names(codings)
        known = _decoders()
        return 0 < len(names) <= MAX_CODINGS and all(name in known for name in names)

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Give what ``data`` decodes to, in pieces.

        :raises HTTPInputError: it can't be decoded, or to too much.
        """
        return self._run(0, data)

    def finish(self) -> None:
        """Check that all was whole.

        :raises HTTPInputError: it wasn't.
        """
        for decoder in self._chain:
            decoder.finish()

    def _run(self, index: int, data: bytes) -> Iterator[bytes]:
        if index == len(self._chain):
            yield data
            return
        for piece in self._chain[index].decode(data):
            self._room[index] -= len(piece)
            if self._room[index] < 0:
                raise HTTPInputError(
                    f"response body too large: more than {self._limit} bytes when decoded",
                    status_code=413,
                )
            yield from self._run(index + 1, piece)


def _names(codings: str) -> list[str]:
    names = (name.strip(" \t").lower() for name in codings.split(","))
    # RFC 9110 section 8.4.1.3: x-gzip is another name.
    aliases = {"x-gzip": "gzip"}
    return [aliases.get(name, name) for name in names if name not in ("", "identity")]
