"""Who may accept what: our server has to be the strictest, but for the exceptions listed here."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

from fuzz.engines import Reading, Request, read_with_h11, read_with_llhttp, read_with_ours

# Behind everything that is read, so that nobody waits for the end of a broken request.
SENTINEL = b"GET /sentinel HTTP/1.1\r\nHost: sentinel\r\n\r\n"
OTHERS = {"h11": read_with_h11, "llhttp": read_with_llhttp}


@dataclasses.dataclass(frozen=True)
class Leniency:
    """Something that ours accepts and another engine doesn't.

    :arg engine: the other one.
    :arg error: a pattern of what it says.
    :arg applies: whether it's that, judged by the request in question and all the bytes.
    :arg reason: why it's right to accept it.
    """

    engine: str
    error: str
    applies: Callable[[Request, bytes], object]
    reason: str


def _sent(pattern: bytes) -> Callable[[Request, bytes], object]:
    compiled = re.compile(pattern)
    return lambda request, data: compiled.search(data)


_KNOWN_METHODS = {"GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD", "CONNECT"}
_EXTENSION_SPACE = rb"[0-9A-Fa-f][ \t]+;|;[ \t]+|[ \t]+;|=[ \t]|[ \t]="

LENIENCIES = (
    Leniency(
        "llhttp",
        "Invalid method|Expected space after method|Expected HTTP/2 Connection Preface",
        lambda request, data: request.method not in _KNOWN_METHODS,
        "RFC 9110 section 9.1: a method is any token; what isn't known is the application's matter",
    ),
    Leniency(
        "llhttp",
        "Invalid HTTP version",
        _sent(rb"HTTP/1\.[2-9]"),
        "RFC 9110 section 2.5: a higher minor version is served as the highest one known",
    ),
    Leniency(
        "llhttp",
        "Duplicate Content-Length|Content-Length overflow|Invalid character in Content-Length",
        _sent(rb"(?i)Content-Length:"),
        "RFC 9112 section 6.3: a list of identical lengths, or one with leading zeros, is one length",
    ),
    Leniency(
        "llhttp",
        "nvalid `Transfer-Encoding`|Invalid character in Content-Length",
        _sent(rb"(?i)(?:Transfer-Encoding:[ \t]*chunked|Content-Length:[ \t]*[0-9]+)[ \t]+\r\n"),
        "RFC 9112 section 5.1: white space around a value is no part of it",
    ),
    Leniency(
        "llhttp",
        "Invalid character in chunk (?:size|extensions)",
        _sent(_EXTENSION_SPACE),
        "RFC 9112 section 7.1.1: white space around the parts of an extension is removed",
    ),
    Leniency(
        "h11",
        "illegal chunk header",
        _sent(_EXTENSION_SPACE),
        "RFC 9112 section 7.1.1: white space around the parts of an extension is removed",
    ),
    Leniency(
        "h11",
        "no request line received",
        _sent(rb"\r\n\r\n"),
        "RFC 9112 section 2.2: an empty line before a request is ignored, also between requests",
    ),
    Leniency(
        "h11",
        "connection is not kept|Got data when expecting EOF|Can't .*MUST_CLOSE",
        _sent(rb" HTTP/1.0\r\n(?:[^\r\n]+\r\n)*(?i:Connection:.*keep-alive)"),
        "RFC 9112 section 9.3: a server may keep a connection of HTTP/1.0 that asks for it",
    ),
    Leniency(
        "llhttp",
        "upgrade",
        lambda request, data: (
            request.method == "CONNECT" or any(name == "upgrade" for name, _ in request.fields)
        ),
        "RFC 9110 section 7.8: a server may ignore Upgrade; what follows is HTTP then",
    ),
)


def compare(data: bytes) -> None:
    """Let all engines read the same, and see that ours accepts nothing that others don't.

    :raises AssertionError: it does.
    """
    data += SENTINEL * 2
    ours = read_with_ours([data])
    for name, read in OTHERS.items():
        theirs = read(data)
        difference = find_difference(ours, theirs)
        if difference is not None and not is_excused(name, ours, theirs, data):
            raise AssertionError(f"{name}: {difference}\n{data!r}\nours: {ours}\n{name}: {theirs}")


def find_difference(ours: Reading, theirs: Reading) -> str | None:
    """Say in which way ours is not the stricter one; `None` if it is."""
    for mine, other in zip(ours.requests, theirs.requests, strict=False):
        if mine != other:
            return f"{mine} is another request than {other}"
    if len(ours.requests) > len(theirs.requests):
        return "more requests are accepted"
    if ours.error is None and theirs.error is not None:
        return "more is awaited where the other has given up"
    if ours.error is None and len(theirs.requests) > len(ours.requests):
        return "a request is still awaited that the other has read"
    return None


def is_excused(engine: str, ours: Reading, theirs: Reading, data: bytes) -> bool:
    """Whether the difference is one of those that are listed."""
    at = len(theirs.requests)
    if theirs.error is None or theirs.requests != ours.requests[:at]:
        return False
    # An engine that calls the application before it judges has read the request already; one that
    # ours still reads isn't among its requests yet.
    judged = [*ours.requests[max(0, at - 1) : at + 1], *([ours.begun] if ours.begun else ())]
    return any(
        leniency.engine == engine
        and re.search(leniency.error, theirs.error)
        and any(leniency.applies(request, data) for request in judged)
        for leniency in LENIENCIES
    )
