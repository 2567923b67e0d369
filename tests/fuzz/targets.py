"""What is fuzzed: functions of bytes that fail when something is wrong with them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from fuzz.comparison import SENTINEL, compare
from fuzz.engines import MAX_BODY, MAX_HEAD, cut, read_with_ours
from tornado._http1.reader import MessageReader
from tornado.httputil import (
    HTTPFile,
    HTTPHeaders,
    HTTPInputError,
    HTTPServerRequest,
    parse_cookie,
    parse_multipart_form_data,
)

logging.disable(logging.CRITICAL)


def places_of(data: bytes) -> tuple[bytes, list[int]]:
    """Take places to cut at from the end of the data."""
    count = data[-1] % 4 if data else 0
    rest, numbers = data[: len(data) - 1 - count], data[len(data) - 1 - count : -1]
    place, places = 0, []
    for number in numbers:
        place += number + 1
        places.append(place)
    return rest, places


def server_pieces(data: bytes) -> None:
    """Any pieces of a connection's input give the same requests and answers."""
    data, places = places_of(data)
    whole = read_with_ours([data])
    for some in (places, range(len(data))):
        assert read_with_ours(cut(data, some)).agrees(whole)
    early = read_with_ours([data], early=True)
    assert read_with_ours(cut(data, range(len(data))), early=True).agrees(early)


def server_comparison(data: bytes) -> None:
    """Other engines accept what ours accepts."""
    compare(data)


class _Recorder:
    def __init__(self, is_client: bool, accept_bare_lf: bool) -> None:
        self.events: list[Any] = []
        self.reader = MessageReader(
            self,
            is_client=is_client,
            max_header_size=MAX_HEAD,
            max_body_size=MAX_BODY,
            accept_bare_lf=accept_bare_lf,
        )

    def on_head(self, start_line: Any, headers: HTTPHeaders) -> None:
        self.events.append((start_line, list(headers.get_all())))

    def on_body(self, data: bytes) -> None:
        assert data
        if type(self.events[-1]) is bytes:
            self.events[-1] += data
        else:
            self.events.append(data)

    def on_request(self, start_line: Any, values: dict[str, Any]) -> None:
        self.on_head(start_line, HTTPHeaders._from_dict(values.copy()))
        self.reader.postpone_end()

    def on_complete(self) -> None:
        self.events.append(None)
        self.reader.next_message()


def _responses(pieces: Sequence[bytes], accept_bare_lf: bool) -> list[Any]:
    recorder = _Recorder(True, accept_bare_lf)
    try:
        for piece in pieces:
            recorder.reader.feed(piece)
        recorder.reader.feed_eof()
    except HTTPInputError as error:
        recorder.events.append(error.status_code)
    return recorder.events


def client_pieces(data: bytes) -> None:
    """Any pieces of responses give the same events, strictly read or not."""
    data, places = places_of(data)
    for lenient in (False, True):
        whole = _responses([data], lenient)
        assert _responses(cut(data, places), lenient) == whole
        assert _responses(cut(data, range(len(data))), lenient) == whole


def headers(data: bytes) -> None:
    """What is parsed can be written and parsed again."""
    try:
        found = HTTPHeaders.parse(data.decode("latin-1"))
    except HTTPInputError:
        return
    assert HTTPHeaders.parse(str(found)) == found
    assert found.copy() == found


def multipart(data: bytes) -> None:
    """Bodies of forms are parsed or refused."""
    arguments: dict[str, list[bytes]] = {}
    files: dict[str, list[HTTPFile]] = {}
    try:
        parse_multipart_form_data(b"b", data, arguments, files)
    except HTTPInputError:
        return
    total = sum(len(value) for values in arguments.values() for value in values)
    total += sum(len(file.body) for values in files.values() for file in values)
    assert total <= len(data)


def request(data: bytes) -> None:
    """Everything that is derived from a request can be asked for."""
    target, _, rest = data.decode("latin-1").partition("\n")
    content_type, _, body = rest.partition("\n")
    values = {"Content-Type": content_type, "Cookie": body[:200]}
    try:
        fields = HTTPHeaders()
        for name, value in values.items():
            fields.add(name, value.strip(" \t"))
        fields["Host"] = "a"
        found = HTTPServerRequest("POST", target, headers=fields, body=body.encode("latin-1"))
        for name in ("arguments", "query_arguments", "body_arguments", "files", "host_name"):
            getattr(found, name)
    except (HTTPInputError, ValueError):
        return
    parse_cookie(body)
    found.cookies.output()
    repr(found)
    found.full_url()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "server_pieces": server_pieces,
    "server_comparison": server_comparison,
    "client_pieces": client_pieces,
    "headers": headers,
    "multipart": multipart,
    "request": request,
}

_REQUESTS = [
    b"GET /a?b=c HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'3;a="b"\r\nabc\r\n0\r\nA: b\r\n\r\n',
    b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nConnection: x, close\r\n\r\n",
    b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n",
]
SEEDS: dict[str, list[bytes]] = {
    "server_pieces": [*_REQUESTS, b"".join(_REQUESTS[:4]) + b"\x10\x20\x30\x03"],
    "server_comparison": [*_REQUESTS, _REQUESTS[1] + SENTINEL],
    "client_pieces": [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        b"HTTP/1.0 404 Not found\nA: b\n\nrest",
        b"HTTP/1.1 304 Not Modified\r\n\r\nHTTP/1.1 204 x\r\n\r\n",
    ],
    "headers": [b"A: b\r\nc:d\r\nA: e\r\n"],
    "multipart": [
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n'
        b"--b\r\nContent-Disposition: form-data; name=f; filename*=utf-8''x%20y\r\n"
        b"Content-Type: a/b\r\n\r\n\r\n--b--\r\n"
    ],
    "request": [
        b"/a?b=c&d=%20+\napplication/x-www-form-urlencoded\na=b&c=d",
        b"http://a/b?c\nmultipart/form-data; boundary=b\n" b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--b--',
    ],
}  # fmt: skip
WORDS = [
    *(
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b": ",
        b" HTTP/1.1\r\n",
        b"HTTP/1.0",
        b"Host: a\r\n",
        b"chunked",
    ),
    *(b"Content-Length: ", b"Transfer-Encoding: ", b"Connection: ", b"close", b"keep-alive"),
    *(b"Expect: 100-continue\r\n", b"0\r\n\r\n", b"3\r\nabc\r\n", b";a=b", b'="', b"GET / "),
    *(
        b"--b\r\n",
        b"--b--",
        b"Content-Disposition: form-data; ",
        b'name="',
        b"filename*=utf-8''",
        b"%00",
    ),
]
