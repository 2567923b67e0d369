"""Requests: good ones, made by the grammar of RFC 9112, and what becomes of them when parts are
replaced by what a careless or hostile peer would write."""

from __future__ import annotations

import string

from hypothesis import strategies as st

TOKEN = string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~"

# Good parts. Methods are those that all engines know.
METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"]
TARGETS = ["/", "/a/b?c=d&e", "/%20;x=1", "/a?", "//a//", "http://host/path?q", "/~!$&'()*+,;=:@"]
HOSTS = ["host", "host:80", "127.0.0.1:8080", "[::1]:80", "a.b-c.d", "h%41"]
NAMES = ["Accept", "X-Custom", "cookie", "x", "!#$%&'*+-.^_`|~"]
VALUES = ["", "a", "a, b", "text/html;q=0.9", "\xe9\xff", "a\tb", '"quoted"', "a:b: c"]
SPACES = ["", " ", "\t", " \t "]
CHUNK_EXTENSIONS = ["", ";a", ";a=b", ';a="b c"', ' ; a="\\"" ; b']
TRAILERS = ["", "X-Trailer: a\r\n", "A: b\r\nC:\r\n"]

# What stands in the place of a good part.
BAD_METHODS = ["get", "G\tT", "GE T", "", "G\x00T", "G@T", "CONNECT", "PRI", "\xe9", "BREW"]
BAD_TARGETS = ["", "*", "a", "/a b", "/\x00", "/\xe9", "/\x7f", "/a#b", "http://", "host:80", "\\"]
BAD_VERSIONS = [
    *("HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/1", "HTTP/1.10", "HTTP/01.1"),
    *("http/1.1", "HTTP/1.1 ", "HTTP/1,1", "ICE/1.0", "", "HTTP/1.\xb2", "HTTP/+1.1"),
]
LINE_ENDS = [
    "\n",
    "\r",
    "\r\r\n",
    "\n\r",
    "",
    "\r\n\r\n",
    "\r\n ",
    " \r\n",
    "\x0b",
    "\x85",
    "\r\n\t",
]
LENGTHS = [
    *("0", "3", "03", "3, 3", "3,4", "+3", "-3", "3 ", " 3", "0x3", "3_0", "\xb2", "", "3;", "3."),
    *("99999999999999999999", "18446744073709551619", "1001", "\x0b3", "3\xa0", "3\r\n 4"),
]
CODINGS = [
    *("chunked", "Chunked", "gzip, chunked", "chunked, gzip", "chunked, chunked", "identity"),
    *("", ",chunked", "chunked,", "\x0bchunked", "chunked;a=b", "xchunked", '"chunked"', "chunk"),
    *(" chunked ", "chunked\xa0", "gzip", "chun\r\n ked", "identity, chunked"),
]
CHUNK_SIZES = [
    *("3", "03", "+3", "-3", "0x3", "3_", " 3", "3 ", "", "g", "3;", "3;\x00", "3;a=\x01", "3\t"),
    *("ffffffffffffffff", "10000000000000003", "7fffffffffffffff", "3;a\n", "3\r", '3;a="', "\xb3"),
    *(
        "3 ;a",
        "3; a",
        "3;a=",
        "3;;a",
        "3,a",
        "0000000000000000000003",
        "3;a=b;c",
        "00000000000000003",
    ),
]
BAD_TRAILERS = [
    "Content-Length: 7\r\n",
    "A: b\r\nTransfer-Encoding: chunked\r\n",
    "a\r\n",
    "A : b\r\n",
]
SPECIAL_FIELDS = [
    *("Connection: close", "Connection: keep-alive", "Connection: x, Close", "Connection: ,"),
    *("Host: other", "Host:", "Host: a b", "Host: a/b", "Host: u@h", "Expect: 100-continue"),
    *("Upgrade: websocket\r\nConnection: upgrade", "Expect: x", "Trailer: a", "TE: trailers"),
]
BAD_FIELDS = [
    *(
        "A : b",
        "A\t: b",
        " A: b",
        "A",
        ": b",
        "A b: c",
        "A\x00: b",
        "A: \x00",
        "A: b\rc",
        "A: \x7f",
    ),
    *("A: b\nC: d", "\xc3\xa9: b", "A: b\r\n c", "A: \x0bb", "A:\x0c", "(A): b", "A;: b", '"A": b'),
    *("Content-Length : 3", "Content-Length\x00: 3", "Transfer-Encoding\t: chunked", "A: \x01"),
    *("Content_Length: 3", "Content-Length\r\n: 3", "X: \xa0", "Transfer\x2dEncoding:chunked"),
]


def sometimes(good: st.SearchStrategy[str], bad: list[str]) -> st.SearchStrategy[str]:
    """Draw a good part mostly."""
    return st.integers(0, 11).flatmap(lambda n: good if n else st.sampled_from(bad))


@st.composite
def chunked_body(draw: st.DrawFn, strict: bool) -> str:
    """Draw a body in chunks."""
    text = ""
    for _ in range(draw(st.integers(0, 3))):
        data = draw(st.sampled_from(["a", "abc", "\r\n0", "x" * 20, "\xff\x00"]))
        size = draw(st.sampled_from([f"{len(data):x}", f"{len(data):X}", f"00{len(data):x}"]))
        extension = draw(st.sampled_from(CHUNK_EXTENSIONS))
        if not strict:
            size = draw(sometimes(st.just(size), CHUNK_SIZES))
            extension = draw(
                sometimes(st.just(extension), [";", ";a=\n", ";\x00", "; ", ';a="\n"'])
            )
        text += size + extension + end(draw, strict) + data + end(draw, strict)
    text += draw(st.sampled_from(["0", "000"])) + end(draw, strict)
    trailers = st.sampled_from(TRAILERS)
    return (
        text + draw(trailers if strict else sometimes(trailers, BAD_TRAILERS)) + end(draw, strict)
    )


def end(draw: st.DrawFn, strict: bool) -> str:
    """Draw the end of a line."""
    if strict:
        return "\r\n"
    return draw(
        st.integers(0, 59).flatmap(lambda n: st.just("\r\n") if n else st.sampled_from(LINE_ENDS))
    )


@st.composite
def request(draw: st.DrawFn, strict: bool) -> str:
    """Draw a request; characters are its bytes.

    :arg strict: by the grammar, without any mistake.
    """
    part = (lambda good, bad: good) if strict else sometimes
    method = draw(part(st.sampled_from(METHODS), BAD_METHODS))
    target = draw(part(st.sampled_from(TARGETS), BAD_TARGETS))
    version = draw(part(st.just("HTTP/1.1"), BAD_VERSIONS))
    lines = [f"{method} {target} {version}"]
    if strict or draw(st.integers(0, 15)):
        lines.append("Host: " + draw(st.sampled_from(HOSTS)))
    for _ in range(draw(st.integers(0, 3))):
        space, tail = draw(st.sampled_from(SPACES)), draw(st.sampled_from(SPACES))
        field = f"{draw(st.sampled_from(NAMES))}:{space}{draw(st.sampled_from(VALUES))}{tail}"
        lines.append(draw(part(st.just(field), BAD_FIELDS + SPECIAL_FIELDS)))
    framing = draw(st.sampled_from(["none", "length", "chunked"]))
    body = ""
    if framing == "length":
        body = draw(st.sampled_from(["", "abc", "GET / HTTP/1.1\r\n\r\n"]))
        length = draw(part(st.sampled_from([str(len(body)), f"0{len(body)}"]), LENGTHS))
        lines.append(f"Content-Length: {length}")
    elif framing == "chunked":
        body = draw(chunked_body(strict))
        coding = draw(part(st.sampled_from(["chunked", "Chunked"]), CODINGS))
        lines.append(f"Transfer-Encoding: {coding}")
    if not strict and not draw(st.integers(0, 9)):
        extra = draw(
            st.sampled_from([f"Content-Length: {n}" for n in LENGTHS])
            | st.sampled_from([f"Transfer-Encoding: {c}" for c in CODINGS])
        )
        lines.insert(draw(st.integers(1, len(lines))), extra)
    head = "".join([line + end(draw, strict) for line in lines])
    return head + end(draw, strict) + body


PLACES = st.integers(0, 400)
INTERESTING = [*'\r\n\t \x00\x0b\x7f:;,="#0a', "\r\n", "\r\n\r\n", "\xff", "_", "-", "+"]


@st.composite
def damaged(draw: st.DrawFn, text: str) -> str:
    """Draw what becomes of a text when a few of its characters are lost, doubled or replaced."""
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2]))):
        at = draw(PLACES) % (len(text) + 1)
        length = draw(st.integers(0, 3))
        new = draw(st.sampled_from(["", text[at : at + length] * 2, *INTERESTING]))
        text = text[:at] + new + text[at + length :]
    return text


def connections(strict: bool) -> st.SearchStrategy[bytes]:
    """Draw all that comes on a connection.

    :arg strict: requests without any mistake.
    """
    one = request(strict) if strict else request(strict).flatmap(damaged)
    return st.lists(one, min_size=1, max_size=2).map(lambda texts: "".join(texts).encode("latin-1"))
