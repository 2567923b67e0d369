"""The grammar of HTTP/1.1 message heads, as compiled regular expressions and the functions that
apply them.

Every pattern runs over a whole header block at once and uses possessive quantifiers, so none of
them can backtrack.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tornado._httputil.headers import FieldValues
from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    RequestStartLine,
    ResponseStartLine,
)

_TOKEN_CHARS = r"!#$%&'*+\-.^_`|~0-9A-Za-z"

# RFC 9110 section 5.5: a field value holds no control characters but HTAB. RFC 9112 section 5.1
# allows no white space before
# the colon, and line folding (section 5.2) is refused because such a line begins with white space.
_FIELD_LINES = re.compile(rf"(?:[{_TOKEN_CHARS}]++:[^\x00-\x08\n-\x1f\x7f]*+\r\n)*+")
_FIELDS = re.compile(r"([^:\r\n]++):[ \t]*+([^\r\n]*+)\r\n")

# RFC 9112 section 3: method SP request-target SP HTTP-version, with exactly one space each. RFC
# 3986 has no room for octets
# outside of visible ASCII.
_REQUEST_LINE = re.compile(rf"([{_TOKEN_CHARS}]++) ([\x21\x22\x24-\x7e]++) HTTP/([0-9])\.([0-9])")
_VERSION_LOOKALIKE = re.compile(
    rf"[{_TOKEN_CHARS}]++ [\x21-\x7e]++ HTTP/([2-9]|[1-9][0-9]+)(?:\.[0-9]+)?"
)

# RFC 9112 section 4: the reason phrase may be empty, and some servers leave out the space before it
# as well.
_STATUS_LINE = re.compile(r"HTTP/1\.([0-9]) ([1-9][0-9]{2})(?: ([^\x00-\x08\n-\x1f\x7f]*+))?")

# RFC 9110 section 4.2.3 and 7.2: uri-host [ ":" port ], where uri-host is a reg-name, an IPv4
# address or an IP literal. A comma, which a reg-name may have and no name has, is refused: it is
# what is left of two fields that somebody joined (section 5.3).
_URI_HOST = (
    r"(?:\[[0-9A-Fa-f]*+:[0-9A-Fa-f:.]++\]"
    r"|\[[vV][0-9A-Fa-f]++\.[A-Za-z0-9\-._~!$&'()*+;=:]++\]"
    r"|(?:[A-Za-z0-9\-._~!$&'()*+;=]|%[0-9A-Fa-f]{2})++)"
)
_HOST = re.compile(rf"{_URI_HOST}(?::[0-9]*+)?")

# RFC 9112 sections 3.2.2 and 3.2.3.
_TARGET_ABSOLUTE = re.compile(rf"https?://{_URI_HOST}(?::[0-9]*+)?(?:[/?]|$)", re.IGNORECASE)
_TARGET_AUTHORITY = re.compile(rf"{_URI_HOST}:[0-9]++")

# RFC 9112 section 7.1: chunk-size [ chunk-ext ]. Sixteen hexadecimal digits are 64 bits. An
# extension is a name, or a name with a token or quoted string as its value.
_TOKEN = rf"[{_TOKEN_CHARS}]++"
_QUOTED = r'"(?:[^"\\\x00-\x08\n-\x1f\x7f]|\\[\t -~\x80-\xff])*+"'
_EXTENSION = rf"[ \t]*+;[ \t]*+{_TOKEN}(?:[ \t]*+=[ \t]*+(?:{_TOKEN}|{_QUOTED}))?+"
_CHUNK_LINE = re.compile(rf"([0-9A-Fa-f]{{1,16}})(?:{_EXTENSION})*+".encode("latin-1"))

_BARE_CR = re.compile(rb"\r(?!\n|\Z)")
_BARE_LF = re.compile(rb"(?<!\r)\n")
LENIENT_END = re.compile(rb"\r?\n\r?\n")
_DIGITS = re.compile(r"[0-9]+")
_HEX_DIGITS = re.compile(r"[0-9A-Fa-f]+")


# Clients send the same lines again and again on a connection, and many clients send the same ones.
# What was parsed is kept of what
# is short; a cache that is flushed by odd requests costs no more than having none.
_CACHED_BLOCKS = 256
_CACHED_LENGTH = 1024  # characters

# What, in a request, announces a body or wants an answer before it.
_EXTRAORDINARY = frozenset(("Transfer-Encoding", "Content-Length", "Expect"))

# What no trailer of a request may be: framing, routing, authentication.
_NO_TRAILERS = frozenset(
    (
        *("Transfer-Encoding", "Content-Length", "Connection", "Trailer", "Host"),
        *("Authorization", "Proxy-Authorization", "Cookie"),
    )
)


def parse_fields(block: str) -> HTTPHeaders:
    """Parse the field lines of a head, each ended by CRLF, without the empty line that ends the
    head.

    :raises HTTPInputError: a line isn't ``name ":" value`` in the strict grammar of RFC 9112
        section 5.
    """
    return HTTPHeaders._from_dict(parse_request_fields(block)[0].copy())


def parse_request_fields(block: str) -> tuple[FieldValues, bool]:
    """Parse the field lines of a request's head, as `parse_fields` does.

    :returns: the values, which may be shared: what is to be changed has to be a copy. And whether
        they are those of an ordinary HTTP/1.1 request: with one valid
        ``Host``, and without anything that announces a body or changes what happens to the
        connection. If not, each of these fields has to be looked at.
    """
    if len(block) <= _CACHED_LENGTH:
        values, ordinary = _parse_short_block(block)
        if values is not None:
            return values, ordinary
    values = _parse_block(block)
    return values, _is_ordinary(values)


@lru_cache(_CACHED_BLOCKS)
def _parse_short_block(block: str) -> tuple[FieldValues | None, bool]:
    """Parse what can be shared: fields with several values have lists, which a copy would have
    too."""
    values = _parse_block(block)
    if list in map(type, values.values()):
        return None, False
    return values, _is_ordinary(values)


def _parse_block(block: str) -> FieldValues:
    return HTTPHeaders._from_pairs(_split_fields(block))._values


def _is_ordinary(values: FieldValues) -> bool:
    host = values.get("Host")
    connection = values.get("Connection", "keep-alive")
    return (
        type(host) is str
        and _is_host(host)
        and type(connection) is str
        and connection.lower() == "keep-alive"
        and _EXTRAORDINARY.isdisjoint(values)
    )


def _split_fields(block: str) -> list[tuple[str, str]]:
    if _FIELD_LINES.fullmatch(block) is None:
        raise HTTPInputError(f"malformed header line {_first_bad_line(block)!r}")
    fields: list[tuple[str, str]] = _FIELDS.findall(block)
    if " \r\n" in block or "\t\r\n" in block:
        fields = [(name, value.rstrip(" \t")) for name, value in fields]
    return fields


def _first_bad_line(block: str) -> str:
    good = _FIELD_LINES.match(block)
    rest = block[good.end() if good else 0 :]
    return rest.partition("\r\n")[0][:80]


def parse_request_line(line: str) -> RequestStartLine:
    """Parse ``method SP request-target SP HTTP-version`` (RFC 9112 section 3).

    :raises HTTPInputError: 400 for a malformed line, 505 for a major version other than 1.
    """
    return _parse_short_line(line) if len(line) <= _CACHED_LENGTH else _parse_line(line)


def _parse_line(line: str) -> RequestStartLine:
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        if _VERSION_LOOKALIKE.fullmatch(line):
            raise HTTPInputError(f"unsupported HTTP version in {line[:80]!r}", status_code=505)
        raise HTTPInputError(f"malformed request line {line[:80]!r}")
    method, target, major, minor = match.groups()
    if major != "1":
        raise HTTPInputError(
            f"unsupported HTTP version {major}.{minor}", status_code=505 if major > "1" else 400
        )
    if target[0] != "/" or method == "CONNECT":
        _check_unusual_target(method, target)
    # RFC 9110 section 2.5: a higher minor version is served as the highest one known.
    return RequestStartLine(method, target, "HTTP/1.0" if minor == "0" else "HTTP/1.1")


_parse_short_line = lru_cache(_CACHED_BLOCKS)(_parse_line)


def _check_unusual_target(method: str, target: str) -> None:
    """Accept the asterisk, absolute and authority forms where RFC 9112 section 3.2 allows them."""
    if target == "*" and method == "OPTIONS":
        return
    if method == "CONNECT":
        if _TARGET_AUTHORITY.fullmatch(target) and _is_host(target):
            return
    elif _TARGET_ABSOLUTE.match(target) and _is_host(_authority(target)):
        return
    raise HTTPInputError(f"invalid request target {target[:80]!r}")


def _authority(target: str) -> str:
    return target.partition("://")[2].partition("/")[0].partition("?")[0]


def parse_status_line(line: str) -> ResponseStartLine:
    """Parse ``HTTP-version SP status-code SP [ reason-phrase ]`` (RFC 9112 section 4).

    :raises HTTPInputError: the line is malformed.
    """
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise HTTPInputError(f"malformed status line {line[:80]!r}")
    minor, code, reason = match.groups()
    return ResponseStartLine("HTTP/1.0" if minor == "0" else "HTTP/1.1", int(code), reason or "")


def check_host(headers: HTTPHeaders, version: str) -> None:
    """Require what RFC 9112 section 3.2 requires of ``Host``: one valid field in HTTP/1.1, at most
    one in HTTP/1.0.

    :raises HTTPInputError: it is missing, repeated or malformed.
    """
    host = headers._values.get("Host")
    if host is None:
        if version == "HTTP/1.1":
            raise HTTPInputError("missing Host header")
        return
    if type(host) is not str:
        raise HTTPInputError("more than one Host header")
    if not _is_host(host):
        raise HTTPInputError(f"invalid Host header {host[:80]!r}")


def _is_host(host: str) -> bool:
    return _is_short_host(host) if len(host) <= _CACHED_LENGTH else _matches_host(host)


def _matches_host(host: str) -> bool:
    if _HOST.fullmatch(host) is None:
        return False
    if not host.startswith("[") or host[1] in "vV":
        return True
    # Few hosts are written like that.
    from ipaddress import AddressValueError, IPv6Address

    try:
        IPv6Address(host[1 : host.index("]")])
    except AddressValueError:
        return False
    return True


_is_short_host = lru_cache(_CACHED_BLOCKS)(_matches_host)


def check_trailers(trailers: HTTPHeaders) -> None:
    """Refuse fields that say how long a message is, whom it's for and from whom: RFC 9110 section
    6.5.1 doesn't let them come after it, and somebody on the way may have believed them.

    :raises HTTPInputError: there is such a field.
    """
    for name in trailers:
        if name in _NO_TRAILERS:
            raise HTTPInputError(f"{name} in a trailer section")


def parse_content_length(value: str | list[str]) -> int:
    """Read a ``Content-Length`` field, one value or a repeated one (RFC 9112 section 6.3, rule 5).

    :raises HTTPInputError: 400 if it isn't digits only or differs between repetitions, 413 if it is
        beyond any limit.
    """
    if type(value) is str and len(value) < 20 and value.isascii() and value.isdecimal():
        return int(value)
    text = value if type(value) is str else ",".join(value)
    if "," in text:
        parts = {part.strip(" \t") for part in text.split(",")}
        if len(parts) != 1:
            raise HTTPInputError(f"conflicting Content-Length values {text[:80]!r}")
        text = parts.pop()
    # str.isdigit and int() accept digits of other scripts, signs and underscores.
    if _DIGITS.fullmatch(text) is None:
        raise HTTPInputError(f"invalid Content-Length {text[:80]!r}")
    if len(text) > 19:
        raise HTTPInputError("Content-Length too large", status_code=413)
    return int(text)


def parse_int(s: str) -> int:
    """Return a number of decimal digits, and nothing else.

    :raises ValueError: there is something else. `int` takes signs, underscores, white space and the
        digits of other scripts too.

    .. versionadded:: 6.4
    """
    if _DIGITS.fullmatch(s) is None:
        raise ValueError(f"{s[:80]!r} isn't made of decimal digits")
    return int(s)


def parse_hex_int(s: str) -> int:
    """Return a number of hexadecimal digits, and nothing else.

    :raises ValueError: there is something else.

    .. versionadded:: 6.4
    """
    if _HEX_DIGITS.fullmatch(s) is None:
        raise ValueError(f"{s[:80]!r} isn't made of hexadecimal digits")
    return int(s, 16)


def is_transfer_encoding_chunked(headers: HTTPHeaders) -> bool:
    """Tell whether a message's body comes in chunks.

    :raises HTTPInputError: the fields that say so are contradictory, or name another coding.

    .. versionadded:: 6.4
    """
    coding = headers.get("Transfer-Encoding")
    if coding is None:
        return False
    if "Content-Length" in headers:
        raise HTTPInputError("both Transfer-Encoding and Content-Length")
    if coding.lower() != "chunked":
        raise HTTPInputError(f"unsupported Transfer-Encoding {coding[:80]!r}")
    return True


def parse_chunk_line(line: bytes) -> int:
    """Return the chunk size that a chunk's first line (without its CRLF) states; extensions are
    ignored.

    :raises HTTPInputError: the line is malformed.
    """
    match = _CHUNK_LINE.fullmatch(line)
    if match is None:
        raise HTTPInputError(f"invalid chunk size {line[:40]!r}")
    return int(match[1], 16)


def has_bare_line_end(data: bytes | bytearray, start: int = 0) -> bool:
    """Whether a CR without LF or an LF without CR stands in ``data`` at or after ``start``.

    A CR at the very end is not counted: its LF may still be on its way.
    """
    return bool(_BARE_LF.search(data, start) or _BARE_CR.search(data, start))


def connection_options(value: str | list[str] | None) -> frozenset[str]:
    """Return the options of a ``Connection`` field in lower case (RFC 9110 section 7.6.1)."""
    if value is None:
        return frozenset()
    text = value if type(value) is str else ",".join(value)
    return frozenset(option.strip(" \t").lower() for option in text.split(","))


def find_lenient_end(data: bytes, position: int) -> tuple[int, int, bytes]:
    """Find the end of a head whose lines may end in LF alone.

    :returns: where it ends, where the empty line behind it ends, and the head with CRLF; -1 as the
        first if the end has not come yet.
    """
    end = data.find(b"\r\n\r\n", position)
    if end >= 0 and data.count(b"\n", position, end) == data.count(b"\r\n", position, end):
        # As nearly always, all lines before it end as they should.
        return end, end + 4, data[position : end + 2]
    match = LENIENT_END.search(data, position)
    if match is None:
        return -1, -1, b""
    head = _BARE_LF.sub(b"\r\n", data[position : match.start()])
    return match.start(), match.end(), head + b"\r\n"
