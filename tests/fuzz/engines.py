"""Our server, h11 and llhttp read the same bytes, without any I/O."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import h11
import httptools

from tornado.http1connection import HTTP1ConnectionParameters, HTTP1ServerConnection
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    ResponseStartLine,
)

MAX_BODY = 1000  # bytes; for all engines
MAX_HEAD = 8192  # bytes


@dataclasses.dataclass
class Request:
    """A request as an engine understood it."""

    method: str
    target: str
    fields: list[tuple[str, str]]
    body: bytes = b""


def normal(fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return fields without what engines may leave as it came: order, the case of names and of
    transfer codings, white space around values, repetitions of the same length."""
    found = []
    for name, value in fields:
        key, text = name.lower(), value.strip(" \t")
        if key == "transfer-encoding":
            text = text.lower()
        elif key == "content-length":
            text = text.partition(",")[0]
            if (key, text) in found:
                continue
        found.append((key, text))
    return sorted(found)


@dataclasses.dataclass
class Reading:
    """What an engine made of the bytes of a connection.

    :arg requests: those that were complete.
    :arg error: why no more is read; `None` if more could come.
    :arg begun: the request that was begun last (our server only).
    :arg output: what was answered (our server only).
    """

    requests: list[Request] = dataclasses.field(default_factory=list)
    error: str | None = None
    output: bytes = b""
    begun: Request | None = None

    def agrees(self, other: Reading) -> bool:
        """Whether it's the same, whatever the words for an error: what is wrong with half of a
        line may be something else than what is wrong with all of it."""
        return (self.requests, self.error is None, self.output) == (
            other.requests,
            other.error is None,
            other.output,
        )


# Ours


class MemoryStream:
    """As much of a stream as a connection of a server uses, with nothing behind it."""

    max_buffer_size = 1_000_000
    write_buffer_size = 0
    sends_files = False

    def __init__(self) -> None:
        self.socket = self
        self.output = b""
        self.receiver: Any = None
        self.is_closed = False
        self.is_shut = False
        self.is_paused = False

    def start_receiving(self, receiver: Any) -> None:
        self.receiver = receiver

    def stop_receiving(self) -> None:
        self.receiver = None

    def flush_soon(self, flush: Callable[[], object]) -> None:
        flush()

    def send(self, data: bytes) -> bool:
        assert not self.is_closed
        assert not self.is_shut
        self.output += data
        return True

    def closed(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self.receiver.connection_lost(None)

    def shutdown(self, how: int) -> None:
        self.is_shut = True

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False


class Application(HTTPServerConnectionDelegate):
    """Notes requests and answers each of them with its number.

    :arg early: answer as soon as the head has come.
    """

    def __init__(self, early: bool = False) -> None:
        self.early = early
        self.answers = 0
        self.requests: list[Request] = []
        self.begun: Request | None = None

    def start_request(self, server_conn: object, request_conn: Any) -> HTTPMessageDelegate:
        return Exchange(self, request_conn)


class Exchange(HTTPMessageDelegate):
    """Notes one request."""

    def __init__(self, application: Application, connection: Any) -> None:
        self.application, self.connection = application, connection

    def headers_received(self, start_line: Any, headers: HTTPHeaders) -> None:
        self.request = Request(start_line.method, start_line.path, normal(headers.get_all()))
        self.application.begun = self.request
        if self.application.early:
            self.answer()

    def data_received(self, chunk: bytes) -> None:
        assert chunk
        self.request.body += chunk

    def finish(self) -> None:
        assert not self.application.early
        self.application.requests.append(self.request)
        self.answer()

    def answer(self) -> None:
        self.application.answers += 1
        body = b"%d" % self.application.answers
        headers = HTTPHeaders({"Content-Length": str(len(body))})
        self.connection.write_headers(ResponseStartLine("", 200, "OK"), headers, body)
        self.connection.finish()


_loop: asyncio.AbstractEventLoop | None = None


def read_with_ours(pieces: Iterable[bytes], early: bool = False) -> Reading:
    """Let our server's connection read pieces of a connection's input.

    :arg early: answer each request as soon as its head has come.
    """
    global _loop
    if _loop is None:
        _loop = asyncio.new_event_loop()
    return _loop.run_until_complete(_read_with_ours(pieces, early))


def close_loop() -> None:
    """Let go of what the readings shared."""
    global _loop
    if _loop is not None:
        _loop.close()
        _loop = None


async def _read_with_ours(pieces: Iterable[bytes], early: bool) -> Reading:
    stream, application = MemoryStream(), Application(early)
    params = HTTP1ConnectionParameters(max_body_size=MAX_BODY, max_header_size=MAX_HEAD)
    server: Any = HTTP1ServerConnection(stream, params, "fuzz")  # type: ignore[arg-type]
    server.start_serving(application)
    connection = server.connection
    for piece in pieces:
        if not stream.is_closed and not stream.is_shut:
            stream.receiver.data_received(piece)
    # Behind some requests that came together the others wait for the loop's next turn.
    answers = -1
    while answers != application.answers:
        answers = application.answers
        await asyncio.sleep(0)
    # Time passes.
    output = re.sub(rb"(?<=\r\nDate: )[^\r]*", b"", stream.output)
    reading = Reading(application.requests, output=output, begun=application.begun)
    if stream.is_closed or stream.is_shut:
        reading.error = str(connection.input_error or "connection is not kept")
    stream.close()
    return reading


# Others


def read_with_h11(data: bytes) -> Reading:
    """Let h11 read a connection's input, as a server that answers each request at once."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
    reading = Reading()
    request: Request | None = None
    try:
        connection.receive_data(data)
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                return reading
            if event is h11.PAUSED:
                answer = h11.Response(status_code=200, headers=[("Content-Length", "0")])
                if request is not None and request.method == "CONNECT":
                    # Refused, so that what follows is HTTP all the same.
                    answer = h11.Response(status_code=404, headers=[("Content-Length", "0")])
                connection.send(answer)
                connection.send(h11.EndOfMessage())
                if connection.states[h11.CLIENT] is h11.MUST_CLOSE or (
                    connection.states[h11.SERVER] is h11.MUST_CLOSE
                ):
                    reading.error = "connection is not kept"
                    return reading
                connection.start_next_cycle()
            elif isinstance(event, h11.Request):
                fields = [(n.decode(), v.decode("latin-1")) for n, v in event.headers]
                request = Request(event.method.decode(), event.target.decode(), normal(fields))
            elif isinstance(event, h11.Data):
                assert request is not None
                request.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                assert request is not None
                reading.requests.append(request)
                if connection.our_state is h11.MUST_CLOSE:
                    reading.error = "connection is not kept"
                    return reading
    except h11.RemoteProtocolError as error:
        reading.error = str(error)
    return reading


class _Llhttp:
    """What httptools calls."""

    def __init__(self) -> None:
        self.reading = Reading()
        self.target = b""

    def on_message_begin(self) -> None:
        self.fields: list[tuple[str, str]] = []
        self.target = self.body = b""
        self.in_head = True

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers come this way too.
        if self.in_head:
            self.fields.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        self.in_head = False

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        method = self.parser.get_method().decode()
        target = self.target.decode("latin-1")
        request = Request(method, target, normal(self.fields), self.body)
        self.reading.requests.append(request)

    parser: httptools.HttpRequestParser


def read_with_llhttp(data: bytes) -> Reading:
    """Let llhttp read a connection's input."""
    protocol = _Llhttp()
    protocol.parser = httptools.HttpRequestParser(protocol)
    try:
        protocol.parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        # It takes no body then, which would be another protocol's.
        protocol.reading.requests.pop()
        protocol.reading.error = "upgrade"
    except httptools.HttpParserError as error:
        protocol.reading.error = str(error)
    return protocol.reading


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Cut bytes at places."""
    edges = [0, *sorted(place for place in places if 0 < place < len(data)), len(data)]
    return [data[begin:end] for begin, end in zip(edges, edges[1:], strict=False)]
