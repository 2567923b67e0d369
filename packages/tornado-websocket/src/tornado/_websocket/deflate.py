"""Compression of messages (RFC 7692, ``permessage-deflate``): agreeing on it, and doing it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from tornado._websocket.errors import ProtocolViolation, WebSocketError

NAME = "permessage-deflate"
MIN_COMPRESSED = 32  # bytes; shorter messages are sent as they are
MAX_OFFERS = 16
STEP = 1 << 18  # bytes that are compressed or decompressed at once

MAX_ENDS = 100  # of streams in one message, each of which costs much more than it has bytes

# RFC 7692 section 7.2.1: what a sender takes off each message, and a receiver puts back.
_TAIL = b"\x00\x00\xff\xff"

_SEPARATORS = re.compile(r"[ \t]*+([,;]|\Z)[ \t]*+")
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_ITEM = re.compile(rf'({_TOKEN})(?:[ \t]*+=[ \t]*+(?:({_TOKEN})|"({_TOKEN})"))?+')
_BITS = re.compile(r"8|9|1[0-5]")

_FLAGS = ("server_no_context_takeover", "client_no_context_takeover")
_WINDOWS = ("server_max_window_bits", "client_max_window_bits")

Parameters = dict[str, str | None]


class CompressionOptions(NamedTuple):
    """How one side likes to compress.

    :arg compression_level: 0 to 9, or -1 for what zlib takes for a good compromise.
    :arg mem_level: 1 to 9: how much memory a compressor may take.
    :arg max_window_bits: 9 to 15: the same, for both sides.
    :arg context_takeover: whether messages may refer to earlier ones, which makes them smaller and
        costs memory for as long as the connection lasts.
    """

    compression_level: int = -1
    mem_level: int = 8
    max_window_bits: int = 15
    context_takeover: bool = True

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> CompressionOptions:
        """Take the options from a dictionary.

        :raises ValueError: an option is unknown, or has a value that it can't have.
        """
        unknown = options.keys() - set(cls._fields)
        if unknown:
            raise ValueError(f"unknown compression options: {', '.join(sorted(unknown))}")
        chosen = cls(**options)
        if not -1 <= chosen.compression_level <= 9:
            raise ValueError(f"compression_level is -1 to 9, not {chosen.compression_level!r}")
        if not 1 <= chosen.mem_level <= 9:
            raise ValueError(f"mem_level is 1 to 9, not {chosen.mem_level!r}")
        # zlib has no window of 8 bits for raw streams.
        if not 9 <= chosen.max_window_bits <= 15:
            raise ValueError(f"max_window_bits is 9 to 15, not {chosen.max_window_bits!r}")
        return chosen


class Agreement(NamedTuple):
    """What both sides have agreed upon, as one of them sees it.

    :arg window_bits: of what this side sends.
    :arg keeps_context: whether this side's messages may refer to earlier ones.
    :arg peer_keeps_context: whether the peer's may.
    """

    window_bits: int
    keeps_context: bool
    peer_keeps_context: bool


def parse_extensions(value: str) -> list[tuple[str, Parameters]]:
    """Take a ``Sec-WebSocket-Extensions`` field apart.

    :returns: names and parameters; an extension with a parameter that stands there twice has the
        parameter ``""``, which none knows.
    :raises ValueError: it's malformed, or very long.
    """
    found: list[tuple[str, Parameters]] = []
    position = 0
    separator = ","
    value = value.strip(" \t")
    while position < len(value):
        match = _ITEM.match(value, position)
        end = _SEPARATORS.match(value, match.end()) if match else None
        if match is None or end is None or len(found) > MAX_OFFERS:
            raise ValueError(f"malformed extensions {value[:80]!r}")
        name, token, quoted = match.groups()
        argument = token if quoted is None else quoted
        if separator == ",":
            if argument is not None:
                raise ValueError(f"malformed extensions {value[:80]!r}")
            found.append((name, {}))
        else:
            parameters = found[-1][1]
            parameters["" if name in parameters else name] = argument
        separator = end[1]
        position = end.end()
    if found and separator:
        raise ValueError(f"malformed extensions {value[:80]!r}")
    return found


def agree(
    offers: list[tuple[str, Parameters]], options: CompressionOptions
) -> tuple[str, Agreement] | None:
    """Choose among a client's offers (RFC 7692 section 5).

    :returns: the server's answer and what follows from it; `None` if no offer will do.
    """
    for name, parameters in offers:
        if name == NAME and _are_valid(parameters, is_offer=True):
            agreed = _accept(parameters, options)
            if agreed is not None:
                return agreed
    return None


def _accept(parameters: Parameters, options: CompressionOptions) -> tuple[str, Agreement] | None:
    answer = [NAME]
    limit = int(parameters.get("server_max_window_bits") or 15)
    if limit < 9:
        return None
    window_bits = min(limit, options.max_window_bits)
    if "server_max_window_bits" in parameters or window_bits < 15:
        answer.append(f"server_max_window_bits={window_bits}")
    keeps = options.context_takeover and "server_no_context_takeover" not in parameters
    if not keeps:
        answer.append("server_no_context_takeover")
    peer_keeps = options.context_takeover and "client_no_context_takeover" not in parameters
    if not peer_keeps:
        answer.append("client_no_context_takeover")
    if "client_max_window_bits" in parameters and options.max_window_bits < 15:
        offered = int(parameters["client_max_window_bits"] or 15)
        answer.append(f"client_max_window_bits={min(offered, options.max_window_bits)}")
    return "; ".join(answer), Agreement(window_bits, keeps, peer_keeps)


def make_offer(options: CompressionOptions) -> str:
    """Return what a client offers."""
    offer = [NAME, "client_max_window_bits"]
    if options.max_window_bits < 15:
        offer.append(f"server_max_window_bits={options.max_window_bits}")
    if not options.context_takeover:
        offer += ["server_no_context_takeover", "client_no_context_takeover"]
    return "; ".join(offer)


def read_answer(value: str, options: CompressionOptions) -> Agreement:
    """Return what follows from a server's answer to `make_offer`.

    :raises WebSocketError: the answer doesn't fit the offer.
    """
    try:
        extensions = parse_extensions(value)
    except ValueError as error:
        raise WebSocketError(str(error)) from error
    if len(extensions) != 1 or extensions[0][0] != NAME:
        raise WebSocketError(f"the server chose an extension that was not offered: {value[:80]!r}")
    parameters = extensions[0][1]
    if not _are_valid(parameters, is_offer=False):
        raise WebSocketError(f"the server's extension has wrong parameters: {value[:80]!r}")
    theirs = int(parameters.get("server_max_window_bits") or 15)
    ours = int(parameters.get("client_max_window_bits") or 15)
    keeps = "client_no_context_takeover" not in parameters
    peer_keeps = "server_no_context_takeover" not in parameters
    if theirs > options.max_window_bits or ours < 9 or (peer_keeps > options.context_takeover):
        raise WebSocketError(f"the server's extension ignores the offer: {value[:80]!r}")
    window_bits = min(ours, options.max_window_bits)
    return Agreement(window_bits, keeps and options.context_takeover, peer_keeps)


def _are_valid(parameters: Parameters, *, is_offer: bool) -> bool:
    for name, value in parameters.items():
        if name in _FLAGS:
            if value is not None:
                return False
        elif name in _WINDOWS:
            # RFC 7692 section 7.1.2.2: only a client's own window may be left open, in its offer.
            if value is None and not (is_offer and name == "client_max_window_bits"):
                return False
            if value is not None and _BITS.fullmatch(value) is None:
                return False
        else:
            return False
    return True


class Compressor:
    """Compresses messages; what that takes is made with the first one.

    :arg agreement: what was agreed upon.
    :arg options: level and memory.
    """

    __slots__ = ("_agreement", "_options", "_zlib")

    def __init__(self, agreement: Agreement, options: CompressionOptions) -> None:
        self._agreement = agreement
        self._options = options
        self._zlib: Any = None

    def compress(self, data: bytes) -> bytes:
        """Return a message's payload."""
        return self.compress_some(data, ends=True)

    def compress_some(self, data: bytes, *, ends: bool) -> bytes:
        """Return some of a message's payload.

        :arg data: the next part of the message.
        :arg ends: it's the last one.
        """
        compressor = self._zlib
        if compressor is None:
            self._zlib = compressor = self._make()
        payload: bytes = compressor.compress(data)
        if not ends:
            return payload
        payload += compressor.flush(zlib.Z_SYNC_FLUSH)
        if not self._agreement.keeps_context:
            self._zlib = None
        return payload.removesuffix(_TAIL)

    @property
    def key(self) -> tuple[int, ...]:
        """Compressors with equal keys give the same payload for a first message."""
        return (self._agreement.window_bits, *self._options[:2])

    def fresh(self) -> Compressor:
        """Return another one that does the same with a first message."""
        return Compressor(self._agreement, self._options)

    def forget(self) -> None:
        """Don't refer to earlier messages: something was sent that this compressor doesn't know."""
        self._zlib = None

    def _make(self) -> Any:
        level, memory, _, _ = self._options
        return zlib.compressobj(level, zlib.DEFLATED, -self._agreement.window_bits, memory)


class Inflater:
    """Decompresses the peer's messages in steps; what that takes is made with the first one.

    :arg agreement: what was agreed upon.
    """

    __slots__ = ("_ends", "_keeps_context", "_rest", "_zlib", "has_more")

    def __init__(self, agreement: Agreement) -> None:
        self._keeps_context = agreement.peer_keeps_context
        self._zlib: Any = None
        self._rest = b""
        self._ends = 0
        #: Whether there is more to be had from what was given.
        self.has_more = False

    def inflate(self, piece: bytes, limit: int, ends: bool) -> bytes:
        """Return some of a message.

        :arg piece: some of its payload; nothing while `has_more`.
        :arg limit: the most bytes that the rest of the message may have.
        :arg ends: the payload ends with the piece.
        :raises ProtocolViolation: there are more, or it isn't compressed as it has to be.
        """
        source = self._rest + piece + _TAIL if ends else self._rest + piece
        inflater = self._zlib
        if inflater is None:
            if source == _TAIL:
                # The stream has ended with the piece before.
                self.has_more = False
                return b""
            self._zlib = inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        size = min(STEP, limit + 1)
        try:
            data: bytes = inflater.decompress(source, size)
        except zlib.error as error:
            raise ProtocolViolation("malformed compressed message", 1007) from error
        if len(data) > limit:
            raise ProtocolViolation("message too large", 1009)
        self._rest = inflater.unconsumed_tail
        if inflater.eof:
            # RFC 7692 section 7.2.3.4: a stream may end; what follows begins anew.
            self._zlib = None
            self._ends += 1
            if self._ends > MAX_ENDS:
                raise ProtocolViolation("too many ends in a compressed message", 1008)
            rest = inflater.unused_data
            self._rest = b"" if rest == _TAIL else rest
            self.has_more = bool(self._rest)
        else:
            self.has_more = bool(self._rest) or len(data) == size
        return data

    def end_message(self) -> None:
        """Forget the message, if later ones don't refer to it."""
        self._ends = 0
        if not self._keeps_context:
            self._zlib = None
