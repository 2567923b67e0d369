"""The cases of the Autobahn test suite for websockets, by their numbers.

The suite itself runs on Python 2 only. Its list is public; here each case is said in our own words:
what is sent, what has to come back, and how the connection ends. Sections 12 and 13 send fewer
messages than the suite's thousand, section 9 smaller ones than its 16 MB; all else is as there.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
OCTET = 1


@dataclasses.dataclass(frozen=True)
class Frame:
    """A frame, sent or received."""

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0


@dataclasses.dataclass(frozen=True)
class Cut:
    """A frame of which only a part is sent for now: what's known of it has to be enough."""

    frame: Frame
    size: int  # bytes of its payload


#: How a connection ends: the peer closes it in the end, and gets the same code back.
CLEAN = frozenset({1000})
#: The peer's own frames close it, and it gets back what the frame says, if anything.
ECHOED = frozenset({"echoed"})
#: It is failed with one of these codes.
VIOLATION = frozenset({1002})
NO_TEXT = frozenset({1007})
REFUSED = frozenset({1002, 1007})


@dataclasses.dataclass(frozen=True)
class Case:
    """One case.

    :arg number: the suite's.
    :arg sent: what is sent.
    :arg replies: what comes back, in this order.
    :arg end: how the connection ends.
    :arg chop: the stream of frames is sent in pieces of so many bytes.
    :arg offer: of an extension, as the header field says it.
    """

    number: str
    sent: Sequence[Frame | Cut]
    replies: Sequence[Frame] = ()
    end: frozenset[int] | frozenset[str] = CLEAN
    chop: int | None = None
    offer: str | None = None


def text(payload: str | bytes, **options: object) -> Frame:
    """Return a frame of text."""
    data = payload.encode() if isinstance(payload, str) else payload
    return Frame(TEXT, data, **options)  # type: ignore[arg-type]


def fragments(opcode: int, pieces: Sequence[bytes]) -> list[Frame]:
    """Return a message in fragments."""
    last = len(pieces) - 1
    return [
        Frame(opcode if not index else CONTINUATION, piece, fin=index == last)
        for index, piece in enumerate(pieces)
    ]


def pieces_of(data: bytes, size: int) -> list[bytes]:
    """Return data in pieces."""
    return [data[start : start + size] for start in range(0, len(data), size)] or [b""]


def closing(code: int, reason: bytes = b"") -> Frame:
    """Return a frame that closes."""
    return Frame(CLOSE, code.to_bytes(2, "big") + reason)


def framing() -> Iterator[Case]:
    """Section 1: messages of all forms of length."""
    for part, opcode, letter in ((1, TEXT, b"*"), (2, BINARY, b"\xfe")):
        for index, size in enumerate((0, 125, 126, 127, 128, 65535, 65536, 65536), 1):
            frame = Frame(opcode, letter * size)
            yield Case(f"1.{part}.{index}", [frame], [frame], chop=997 if index == 8 else None)


def pings() -> Iterator[Case]:
    """Section 2: pings and pongs."""
    for index, payload in enumerate(
        (b"", b"Hello, world!", bytes.fromhex("00fffefdfcfb00ff"), b"\xfe" * 125), 1
    ):
        yield Case(f"2.{index}", [Frame(PING, payload)], [Frame(PONG, payload)])
    yield Case("2.5", [Frame(PING, b"\xfe" * 126)], end=VIOLATION)
    full = b"\xfe" * 125
    yield Case("2.6", [Frame(PING, full)], [Frame(PONG, full)], chop=OCTET)
    yield Case("2.7", [Frame(PONG)])
    yield Case("2.8", [Frame(PONG, b"unsolicited")])
    yield Case("2.9", [Frame(PONG, b"unsolicited"), Frame(PING, b"ping")], [Frame(PONG, b"ping")])
    ten = [b"payload-%d" % number for number in range(10)]
    sent, back = [Frame(PING, one) for one in ten], [Frame(PONG, one) for one in ten]
    yield Case("2.10", sent, back)
    yield Case("2.11", sent, back, chop=OCTET)


def reserved_bits() -> Iterator[Case]:
    """Section 3: bits that mean nothing."""
    hello, ping = text("Hello, world!"), Frame(PING)
    yield Case("3.1", [text("Hello, world!", rsv=1)], end=VIOLATION)
    middle = [hello, text("Hello, world!", rsv=2), ping]
    yield Case("3.2", middle, [hello], VIOLATION)
    middle = [hello, text("Hello, world!", rsv=3), ping]
    yield Case("3.3", middle, [hello], VIOLATION)
    middle = [hello, text("Hello, world!", rsv=4), ping]
    yield Case("3.4", middle, [hello], VIOLATION, chop=OCTET)
    yield Case("3.5", [Frame(BINARY, b"\x00\xff\xfe\xfd", rsv=5)], end=VIOLATION)
    yield Case("3.6", [Frame(PING, b"Hello", rsv=6)], end=VIOLATION)
    yield Case("3.7", [Frame(CLOSE, rsv=7)], end=VIOLATION)


def opcodes() -> Iterator[Case]:
    """Section 4: opcodes that mean nothing, of messages and of control."""
    hello, ping = text("Hello, world!"), Frame(PING)
    for part, first in ((1, 3), (2, 11)):
        reserved = [Frame(first), Frame(first + 1, b"reserved")]
        reserved += [Frame(first + 2), Frame(first + 3, b"reserved"), Frame(first + 4, b"reserved")]
        yield Case(f"4.{part}.1", reserved[:1], end=VIOLATION)
        yield Case(f"4.{part}.2", reserved[1:2], end=VIOLATION)
        for index in (2, 3, 4):
            chop = OCTET if index == 4 else None
            sent = [hello, reserved[index], ping]
            yield Case(f"4.{part}.{index + 1}", sent, [hello], VIOLATION, chop)


def fragmentation() -> Iterator[Case]:
    """Section 5: messages in fragments, and what comes in between."""
    one, two = b"fragment1", b"fragment2"
    whole, ping = text(one + two), Frame(PING, b"ping")
    pong = Frame(PONG, b"ping")
    yield Case("5.1", fragments(PING, [one, two]), end=VIOLATION)
    yield Case("5.2", fragments(PONG, [one, two]), end=VIOLATION)
    pair = fragments(TEXT, [one, two])
    chops = (None, 13, OCTET)
    for index, chop in enumerate(chops):
        yield Case(f"5.{3 + index}", pair, [whole], chop=chop)
        yield Case(f"5.{6 + index}", [pair[0], ping, pair[1]], [pong, whole], chop=chop)
        hello = text("Hello, world!")
        for number, fin in ((9, True), (12, False)):
            stray = Frame(CONTINUATION, b"non-continuation payload", fin=fin)
            yield Case(f"5.{number + index}", [stray, hello], end=VIOLATION, chop=chop)
    stray = Frame(CONTINUATION, b"nothing to continue", fin=False)
    yield Case("5.15", [*pair, stray, text("Hello")], [whole], VIOLATION)
    for number, fin in ((16, False), (17, True)):
        stray = Frame(CONTINUATION, b"fragment1", fin=fin)
        sent = [stray, text("fragment2", fin=False), Frame(CONTINUATION, b"fragment3")]
        yield Case(f"5.{number}", sent * 2, end=VIOLATION)
    yield Case("5.18", [text(one, fin=False), text(two)], end=VIOLATION)
    five = fragments(TEXT, [b"fragment%d" % number for number in range(1, 6)])
    long = text(b"".join(frame.payload for frame in five))
    between = [*five[:2], Frame(PING, b"one"), *five[2:4], Frame(PING, b"two"), five[4]]
    pongs = [Frame(PONG, b"one"), Frame(PONG, b"two"), long]
    yield Case("5.19", between, pongs, chop=7)
    yield Case("5.20", between, pongs)


GREETING = "Hello-\u00b5@\u00df\u00f6\u00e4\u00fc\u00e0\u00e1-UTF-8!!".encode()
KOSME = bytes.fromhex("cebae1bdb9cf83cebcceb5")

# Section 6.5 to 6.23: octets by number, in groups of the suite; what is valid, and what isn't.
_VALID = {
    "6.7": "00 c280 e0a080 f0908080",
    "6.9": "7f dfbf efbfbf f48fbfbf",
    "6.11": "ed9fbf ee8080 efbfbd f48fbfbf",
    "6.23": "efbfb9 efbfba efbfbb efbfbc efbfbd efbfbe efbfbf",
}
_INVALID = {
    "6.8": "f888808080 fc8480808080",
    "6.10": "f7bfbfbf fbbfbfbfbf fdbfbfbfbfbf",
    "6.12": f"80 bf 80bf 80bf80 80bf80bf 80bf80bf80 80bf80bf80bf {bytes(range(0x80, 0xC0)).hex()}",
    "6.13": " ".join(
        bytes(itertools.chain.from_iterable((start, 0x20) for start in starts)).hex()
        for starts in (
            range(0xC0, 0xE0),
            range(0xE0, 0xF0),
            range(0xF0, 0xF8),
            range(0xF8, 0xFC),
            range(0xFC, 0xFE),
        )
    ),
    "6.14": "c0 e080 f08080 f8808080 fc80808080 df efbf f7bfbf fbbfbfbf fdbfbfbfbf",
    "6.15": "c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf",
    "6.16": "fe ff fefeffff",
    "6.17": "c0af e080af f08080af f8808080af fc80808080af",
    "6.18": "c1bf e09fbf f08fbfbf f887bfbfbf fc83bfbfbfbf",
    "6.19": "c080 e08080 f0808080 f880808080 fc8080808080",
    "6.20": "eda080 edadbf edae80 edafbf edb080 edbe80 edbfbf",
    "6.21": "eda080edb080 eda080edbfbf edadbfedb080 edadbfedbfbf edae80edb080 edae80edbfbf"
    " edafbfedb080 edafbfedbfbf",
}


def utf8() -> Iterator[Case]:
    """Section 6: text is UTF-8, whatever it's cut into, and what isn't is noticed at once."""
    yield Case("6.1.1", [text("")], [text("")])
    yield Case("6.1.2", fragments(TEXT, [b"", b"", b""]), [text("")])
    yield Case("6.1.3", fragments(TEXT, [b"", b"middle", b""]), [text("middle")])
    yield Case("6.2.1", [text(GREETING)], [text(GREETING)])
    yield Case("6.2.2", fragments(TEXT, [GREETING[:12], GREETING[12:]]), [text(GREETING)])
    yield Case("6.2.3", fragments(TEXT, pieces_of(GREETING, 1)), [text(GREETING)])
    yield Case("6.2.4", fragments(TEXT, pieces_of(KOSME, 1)), [text(KOSME)])
    bad = KOSME + bytes.fromhex("eda080") + b"edited"
    yield Case("6.3.1", [text(bad)], end=NO_TEXT)
    yield Case("6.3.2", fragments(TEXT, pieces_of(bad, 1)), end=NO_TEXT)
    yield from _utf8_at_once()
    for index, size in enumerate((2, 5, 7, 9, 11), 1):
        yield Case(f"6.5.{index}", [text(KOSME[:size])], [text(KOSME[:size])])
    for index in range(1, 12):
        yield _utf8_case(f"6.6.{index}", KOSME[:index], index in {2, 5, 7, 9, 11})
    for valid, groups in ((True, _VALID), (False, _INVALID)):
        for section, octets in groups.items():
            for index, each in enumerate(octets.split(), 1):
                yield _utf8_case(f"{section}.{index}", bytes.fromhex(each), valid)
    # Code points that are no characters may be sent all the same.
    points = [plane << 16 | low for plane in range(17) for low in (0xFFFE, 0xFFFF)]
    for index, point in enumerate(points, 1):
        yield _utf8_case(f"6.22.{index}", chr(point).encode(), valid=True)


def _utf8_case(number: str, payload: bytes, valid: bool) -> Case:
    frame = text(payload)
    return Case(number, [frame], [frame]) if valid else Case(number, [frame], end=NO_TEXT)


def _utf8_at_once() -> Iterator[Case]:
    """Section 6.4: it is noticed before the message, and before the frame, is complete."""
    for index, bad in enumerate((bytes.fromhex("f4908080"), bytes.fromhex("f490")), 1):
        # The second is already wrong where its last code point can't be any more.
        sent: list[Frame | Cut] = [text(KOSME, fin=False), Frame(CONTINUATION, bad, fin=False)]
        yield Case(f"6.4.{index}", sent, end=NO_TEXT)
        whole = KOSME + bad + b"edited"
        cut = Cut(text(whole), len(KOSME) + len(bad))
        yield Case(f"6.4.{index + 2}", [cut], end=NO_TEXT)


def closes() -> Iterator[Case]:
    """Section 7: the closing handshake."""
    hello, normal = text("Hello World!"), closing(1000)
    yield Case("7.1.1", [hello, normal], [hello], ECHOED)
    yield Case("7.1.2", [normal, normal], end=ECHOED)
    yield Case("7.1.3", [normal, Frame(PING)], end=ECHOED)
    yield Case("7.1.4", [normal, hello], end=ECHOED)
    start, rest = fragments(TEXT, [b"fragment1", b"fragment2"])
    yield Case("7.1.5", [start, normal, rest], end=ECHOED)
    large = text("BAsd7&jh23" * 26214)
    yield Case("7.1.6", [large, hello, normal, Frame(PING)], [large, hello], ECHOED)
    yield Case("7.3.1", [Frame(CLOSE)], end=ECHOED)
    yield Case("7.3.2", [Frame(CLOSE, b"a")], end=VIOLATION)
    yield Case("7.3.3", [normal], end=ECHOED)
    yield Case("7.3.4", [closing(1000, b"Hello World!")], end=ECHOED)
    yield Case("7.3.5", [closing(1000, b"*" * 123)], end=ECHOED)
    yield Case("7.3.6", [closing(1000, b"*" * 124)], end=VIOLATION)
    reason = KOSME + bytes.fromhex("eda080") + b"edited"
    yield Case("7.5.1", [closing(1000, reason)], end=REFUSED)
    good = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    for index, code in enumerate(good, 1):
        yield Case(f"7.7.{index}", [closing(code)], end=ECHOED)
    wrong = (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999)
    for index, code in enumerate(wrong, 1):
        yield Case(f"7.9.{index}", [closing(code)], end=VIOLATION)
    yield Case("7.13.1", [closing(5000)], end=VIOLATION)
    yield Case("7.13.2", [closing(65535)], end=VIOLATION)


KILO = 1 << 10


def large_messages() -> Iterator[Case]:
    """Section 9: large messages, in fragments and in pieces, and many of them."""
    sizes = (64 * KILO, 256 * KILO, KILO * KILO, 2 * KILO * KILO, 3 * KILO * KILO, 4 * KILO * KILO)
    for part, opcode in ((1, TEXT), (2, BINARY)):
        for index, size in enumerate(sizes, 1):
            frame = Frame(opcode, b"*" * size)
            yield Case(f"9.{part}.{index}", [frame], [frame])
    for part, opcode in ((3, TEXT), (4, BINARY)):
        payload = b"*" * (KILO * KILO)
        for index, exponent in enumerate(range(9), 1):
            size = 64 * 4**exponent
            sent = fragments(opcode, pieces_of(payload, min(size, len(payload))))
            yield Case(f"9.{part}.{index}", sent, [Frame(opcode, payload)])
    for part, opcode in ((5, TEXT), (6, BINARY)):
        frame = Frame(opcode, b"*" * (256 * KILO))
        for index, size in enumerate((64, 128, 256, 512, 1024, 2048), 1):
            yield Case(f"9.{part}.{index}", [frame], [frame], chop=size)
    for part, opcode in ((7, TEXT), (8, BINARY)):
        for index, size in enumerate((0, 16, 64, 256, 1024, 4096), 1):
            frames = [Frame(opcode, b"*" * size)] * 200
            yield Case(f"9.{part}.{index}", frames, frames)


def automatic_fragments() -> Iterator[Case]:
    """Section 10: a message that its sender cuts evenly."""
    payload = b"*" * 65536
    yield Case("10.1.1", fragments(TEXT, pieces_of(payload, 1300)), [text(payload)])


def _speech(size: int) -> bytes:
    words = b"The quick brown fox jumps over the lazy dog, and over %d others. "
    return b"".join(words % number for number in range(size // 60 + 1))[:size]


def _noise(size: int) -> bytes:
    """Return what doesn't compress, the same each time."""
    value, found = 12345, bytearray()
    while len(found) < size:
        value = (value * 6364136223846793005 + 1442695040888963407) % 2**64
        found += (value >> 32).to_bytes(4, "big")
    return bytes(found[:size])


def _documents(size: int) -> bytes:
    entry = b'{"id": %d, "name": "Some name", "tags": ["a", "b"], "price": %d.5},\n'
    return b"".join(entry % (number, number * 7) for number in range(size // 55 + 1))[:size]


CONTENTS = ((TEXT, _speech), (BINARY, _noise), (TEXT, _documents))
COMPRESSED_MESSAGES = 8  # in each case of sections 12 and 13
_SIZES = (16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072)
# Length of messages, and of the fragments that they are sent in; 0 for whole ones.
_SHAPES = [*((size, 0) for size in _SIZES), *((size, 256) for size in _SIZES[5:9])]
_SHAPES += [(131072, size) for size in (256, 1024, 4096, 32768)]

OFFERS = {
    "13.1": "permessage-deflate",
    "13.2": "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
    "13.3": "permessage-deflate; client_max_window_bits=9; server_max_window_bits=9",
    "13.4": "permessage-deflate; client_max_window_bits=15; server_max_window_bits=15",
    "13.5": "permessage-deflate; client_no_context_takeover; server_no_context_takeover;"
    " client_max_window_bits=9; server_max_window_bits=9",
    "13.6": "permessage-deflate; client_no_context_takeover; server_no_context_takeover;"
    " client_max_window_bits=15; server_max_window_bits=15",
    "13.7": "permessage-deflate; server_no_context_takeover; client_max_window_bits;"
    " server_max_window_bits=9, permessage-deflate; client_max_window_bits, permessage-deflate",
}


def compressed() -> Iterator[Case]:
    """Sections 12 and 13: compressed messages of many kinds and lengths, and offers."""
    for part, (opcode, content) in enumerate((*CONTENTS, (BINARY, _speech), (TEXT, _speech)), 1):
        yield from _compressed(f"12.{part}", opcode, content, OFFERS["13.1"])
    for section, offer in OFFERS.items():
        yield from _compressed(section, TEXT, _documents, offer)


def _compressed(section: str, opcode: int, content: object, offer: str) -> Iterator[Case]:
    for index, (size, fragment) in enumerate(_SHAPES, 1):
        payload = content(size)  # type: ignore[operator]
        sent = fragments(opcode, pieces_of(payload, fragment)) if fragment else None
        frames = sent or [Frame(opcode, payload)]
        replies = [Frame(opcode, payload)] * COMPRESSED_MESSAGES
        yield Case(f"{section}.{index}", frames * COMPRESSED_MESSAGES, replies, offer=offer)


SECTIONS = (
    framing,
    pings,
    reserved_bits,
    opcodes,
    fragmentation,
    utf8,
    closes,
    large_messages,
    automatic_fragments,
    compressed,
)
CASES = [case for section in SECTIONS for case in section()]
