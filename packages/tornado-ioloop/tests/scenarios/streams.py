"""Small plays between a stream and its peer, and what each shows.

It's a program that any implementation of ``tornado.iostream`` can run: it writes what it has seen
as JSON. ``upstream.json`` beside it holds what Tornado 6.6.1 has shown; it was made by::

    python streams.py > upstream.json

The plays use nothing but the public interface of version 6.6, and sockets. What a play notes is
plain data without addresses and texts of errors.
"""

import asyncio
import json
import logging
import os
import pathlib
import re
import socket
import ssl
import struct
import sys

from tornado.iostream import (
    IOStream,
    PipeIOStream,
    SSLIOStream,
    StreamBufferFullError,
    StreamClosedError,
    UnsatisfiableReadError,
)
from tornado.netutil import bind_sockets
from tornado.tcpserver import TCPServer

LIMIT = 10
CERTIFICATE = str(pathlib.Path(__file__).parent.with_name("tls_localhost.pem"))

PLAYS = {}


def play(function):
    """Have a function played. It's given a stage."""
    PLAYS[function.__name__] = function
    return function


def name_of(error):
    """Return what can be compared of an error."""
    if isinstance(error, StreamClosedError):
        inner = error.real_error
        return "StreamClosedError" if inner is None else f"StreamClosedError({name_of(inner)})"
    if isinstance(error, ssl.SSLError):
        return "SSLError"
    return type(error).__name__


def plain(value):
    if isinstance(value, (bytes, bytearray, memoryview)):
        data = bytes(value)
        return data.decode("latin-1") if len(data) <= 100 else f"{len(data)} bytes"
    if isinstance(value, BaseException):
        return name_of(value)
    return value


class Stage:
    """A stream, the other end of its connection, and notes of what happens."""

    def __init__(self):
        self.notes = []
        self.opened = []

    def note(self, *what):
        self.notes.append([plain(item) for item in what])

    async def outcome(self, label, start):
        """Note what a call, and what it returns, comes to."""
        try:
            waited = start()
        except Exception as error:
            self.note(label, "raises", error)
            return
        try:
            result = await asyncio.wait_for(asyncio.shield(waited), LIMIT)
        except Exception as error:
            self.note(label, "fails", error)
        else:
            self.note(label, "gives", result if not isinstance(result, IOStream) else "stream")

    def watch(self, label, waited):
        """Note the end of something in the order in which such ends come."""

        def done(future):
            if future.cancelled():
                self.note(label, "cancelled")
            elif future.exception() is not None:
                self.note(label, "fails", future.exception())
            else:
                self.note(label, "gives", future.result())

        waited = asyncio.ensure_future(waited)
        waited.add_done_callback(done)
        return waited

    def state(self, stream, label="state"):
        self.note(label, "reading", stream.reading(), "writing", stream.writing())
        self.note(label, "closed", stream.closed(), "error", stream.error)

    async def settle(self):
        """Let everything happen that can."""
        for _ in range(30):
            await asyncio.sleep(0)

    def sockets(self):
        """Return a connected pair of TCP sockets."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            near = socket.create_connection(listening.getsockname())
            far, _ = listening.accept()
        far.settimeout(LIMIT)
        self.opened += [near, far]
        return near, far

    def pair(self, **options):
        """Return a stream and the socket at its other end."""
        near, far = self.sockets()
        stream = IOStream(near, **options)
        self.opened.append(stream)
        return stream, far

    def streams(self, **options):
        """Return the streams of both ends."""
        near, far = self.sockets()
        pair = IOStream(near, **options), IOStream(far, **options)
        self.opened += pair
        return pair

    def tidy(self):
        for item in reversed(self.opened):
            # A stream that has passed its socket on has nothing to close.
            if getattr(item, "socket", item) is not None:
                item.close()


def reset(sock):
    """Close a socket so that its peer is told of a broken connection."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def fill(stream):
    """Write more than a connection takes."""
    return stream.write(b"x" * 20_000_000)


def drain(sock, size=None):
    """Read so many bytes, or until the end."""
    total = 0
    while size is None or total < size:
        data = sock.recv(1 << 20)
        if not data:
            break
        total += len(data)
    return total


# -- reading


@play
async def read_bytes_in_pieces(stage):
    stream, far = stage.pair()
    reading = stage.watch("read", stream.read_bytes(6))
    for piece in (b"ab", b"cd", b"efg"):
        stage.state(stream)
        far.send(piece)
        await stage.settle()
    await reading
    stage.state(stream)
    await stage.outcome("rest", lambda: stream.read_bytes(1))


@play
async def read_bytes_zero_and_wrong(stage):
    stream, far = stage.pair()
    await stage.outcome("zero", lambda: stream.read_bytes(0))
    await stage.outcome("text", lambda: stream.read_bytes("3"))
    far.send(b"abc")
    await stage.outcome("zero again", lambda: stream.read_bytes(0))
    await stage.outcome("three", lambda: stream.read_bytes(3))


@play
async def read_bytes_partial(stage):
    stream, far = stage.pair()
    reading = stage.watch("partial", stream.read_bytes(100, partial=True))
    await stage.settle()
    far.send(b"abc")
    await reading
    far.send(b"defghi")
    await stage.settle()
    await stage.outcome("partial small", lambda: stream.read_bytes(2, partial=True))
    await stage.outcome("partial rest", lambda: stream.read_bytes(100, partial=True))
    reading = stage.watch("partial at end", stream.read_bytes(100, partial=True))
    far.close()
    await asyncio.wait([reading])


@play
async def read_until_across_pieces(stage):
    stream, far = stage.pair()
    reading = stage.watch("read", stream.read_until(b"\r\n"))
    for piece in (b"one\r", b"\ntwo\r\nthr", b"ee"):
        far.send(piece)
        await stage.settle()
    await reading
    await stage.outcome("second", lambda: stream.read_until(b"\r\n"))
    await stage.outcome("byte", lambda: stream.read_bytes(1))
    reading = stage.watch("third", stream.read_until(b"\r\n"))
    await stage.settle()
    far.send(b"\r\n")
    await reading


async def limited_line(stage, line, limit):
    stream, far = stage.pair()
    far.send(line)
    await stage.outcome("read", lambda: stream.read_until(b"\n", max_bytes=limit))
    await stage.settle()
    stage.state(stream)
    await stage.outcome("next", lambda: stream.read_bytes(1))


@play
async def read_until_at_its_limit(stage):
    await limited_line(stage, b"12345\nx", 6)


@play
async def read_until_above_its_limit(stage):
    await limited_line(stage, b"123456\nx", 6)


@play
async def read_until_limit_without_delimiter(stage):
    await limited_line(stage, b"1234567", 6)


@play
async def read_until_below_its_limit_without_delimiter(stage):
    stream, far = stage.pair()
    far.send(b"12345")
    reading = stage.watch("read", stream.read_until(b"\n", max_bytes=6))
    await stage.settle()
    stage.state(stream)
    far.send(b"67")
    await asyncio.wait([reading])


@play
async def read_until_limit_with_data_that_is_there(stage):
    stream, far = stage.pair()
    far.send(b"a" * 50 + b"\nb")
    await stage.outcome("first", lambda: stream.read_bytes(1))
    await stage.outcome("line", lambda: stream.read_until(b"\n", max_bytes=10))
    await stage.settle()
    stage.state(stream)


@play
async def read_until_regex(stage):
    stream, far = stage.pair()
    reading = stage.watch("read", stream.read_until_regex(rb"\d+;"))
    for piece in (b"abc1", b"2", b"3;x4;yy"):
        far.send(piece)
        await stage.settle()
    await reading
    await stage.outcome("second", lambda: stream.read_until_regex(re.compile(rb";")))
    await stage.outcome("limit", lambda: stream.read_until_regex(rb"z", max_bytes=1))
    await stage.settle()
    stage.state(stream)


@play
async def read_until_regex_above_its_limit(stage):
    stream, far = stage.pair()
    far.send(b"abcdef;")
    await stage.outcome("read", lambda: stream.read_until_regex(rb";", max_bytes=6))
    await stage.settle()
    stage.state(stream)


@play
async def read_into(stage):
    stream, far = stage.pair()
    far.send(b"abcdefgh")
    await stage.outcome("one", lambda: stream.read_bytes(1))
    buffer = bytearray(4)
    await stage.outcome("buffered", lambda: stream.read_into(buffer))
    stage.note("buffer", buffer)
    await stage.outcome("partial", lambda: stream.read_into(buffer, partial=True))
    stage.note("buffer", buffer)
    reading = stage.watch("waits", stream.read_into(buffer))
    far.send(b"12")
    await stage.settle()
    stage.state(stream)
    far.send(b"3456")
    await reading
    stage.note("buffer", buffer)
    await stage.outcome("rest", lambda: stream.read_bytes(2))
    reading = stage.watch("end", stream.read_into(buffer))
    far.send(b"!")
    far.close()
    await asyncio.wait([reading])
    stage.note("buffer", buffer)


@play
async def read_until_close(stage):
    stream, far = stage.pair()
    reading = stage.watch("read", stream.read_until_close())
    far.send(b"abc")
    await stage.settle()
    far.send(b"def")
    far.close()
    await reading
    await stage.settle()
    stage.state(stream)
    await stage.outcome("again", lambda: stream.read_until_close())


@play
async def read_until_close_after_the_end(stage):
    stream, far = stage.pair()
    far.send(b"abcdef")
    far.close()
    await stage.outcome("some", lambda: stream.read_bytes(2))
    await stage.settle()
    await stage.outcome("rest", lambda: stream.read_until_close())
    await stage.outcome("more", lambda: stream.read_until_close())


@play
async def read_until_close_of_a_broken_connection(stage):
    stream, far = stage.pair()
    reading = stage.watch("read", stream.read_until_close())
    far.send(b"abc")
    await stage.settle()
    reset(far)
    await asyncio.wait([reading])
    await stage.settle()
    stage.state(stream)


@play
async def read_until_close_above_the_buffers_limit(stage):
    stream, far = stage.pair(max_buffer_size=1000, read_chunk_size=500)
    reading = stage.watch("read", stream.read_until_close())
    far.send(b"x" * 5000)
    await asyncio.wait([reading], timeout=LIMIT)
    await stage.settle()
    stage.state(stream)


@play
async def two_reads_at_once(stage):
    stream, far = stage.pair()
    first = stage.watch("first", stream.read_bytes(1))
    for label, start in (
        ("bytes", lambda: stream.read_bytes(1)),
        ("until", lambda: stream.read_until(b"x")),
        ("regex", lambda: stream.read_until_regex(b"x")),
        ("close", lambda: stream.read_until_close()),
        ("into", lambda: stream.read_into(bytearray(1))),
    ):
        await stage.outcome(label, start)
    stage.state(stream)
    far.send(b"ab")
    await first
    await stage.outcome("later", lambda: stream.read_bytes(1))


@play
async def buffer_full_in_read_until(stage):
    stream, far = stage.pair(max_buffer_size=1000, read_chunk_size=500)
    far.send(b"x" * 3000)
    await stage.outcome("read", lambda: stream.read_until(b"\n"))
    await stage.settle()
    stage.state(stream)


@play
async def buffer_full_in_read_bytes(stage):
    stream, far = stage.pair(max_buffer_size=1000, read_chunk_size=500)
    far.send(b"x" * 3000)
    await stage.outcome("read", lambda: stream.read_bytes(1000))
    await stage.outcome("more than the buffer", lambda: stream.read_bytes(1500))
    await stage.settle()
    stage.state(stream)


@play
async def buffer_full_by_data_that_comes_later(stage):
    stream, far = stage.pair(max_buffer_size=1000, read_chunk_size=500)
    for label, start in (
        ("until", lambda stream: stream.read_until(b"\n")),
        ("regex", lambda stream: stream.read_until_regex(b"\n")),
        ("bytes", lambda stream: stream.read_bytes(1500)),
    ):
        stream, far = stage.pair(max_buffer_size=1000, read_chunk_size=500)
        reading = stage.watch(label, start(stream))
        await stage.settle()
        far.send(b"x" * 3000)
        await asyncio.wait([reading])
        stage.state(stream)


@play
async def a_read_that_was_cancelled(stage):
    stream, far = stage.pair()
    reading = stream.read_bytes(3)
    reading.cancel()
    await stage.settle()
    far.send(b"abc")
    await stage.settle()
    await stage.outcome("next", lambda: stream.read_bytes(3))


@play
async def bytes_while_nobody_reads(stage):
    stream, far = stage.pair()
    far.send(b"early")
    await stage.settle()
    stage.state(stream)
    await stage.outcome("read", lambda: stream.read_bytes(5))


# -- the end


@play
async def peer_ends_during_a_short_read(stage):
    stream, far = stage.pair()
    reading = stage.watch("read", stream.read_bytes(10))
    far.send(b"abc")
    await stage.settle()
    far.close()
    await asyncio.wait([reading])
    stage.state(stream)
    await stage.outcome("what came", lambda: stream.read_bytes(3))
    await stage.outcome("beyond", lambda: stream.read_bytes(1))


@play
async def peer_ends_with_lines_buffered(stage):
    stream, far = stage.pair()
    far.send(b"one\ntwo\nthree")
    far.close()
    for label in ("first", "second", "third", "fourth"):
        await stage.outcome(label, lambda: stream.read_until(b"\n"))
        await stage.settle()
        stage.state(stream)
    await stage.outcome("rest", lambda: stream.read_bytes(5))


@play
async def peer_ends_without_a_reader(stage):
    stream, far = stage.pair()
    far.close()
    await stage.settle()
    stage.state(stream)
    await stage.outcome("read", lambda: stream.read_bytes(1))
    stage.state(stream)


@play
async def peer_breaks_off_during_a_read(stage):
    stream, far = stage.pair()
    reading = stage.watch("read", stream.read_bytes(10))
    await stage.settle()
    reset(far)
    await asyncio.wait([reading])
    stage.state(stream)


@play
async def close_during_a_read(stage):
    stream, far = stage.pair()
    reading = stage.watch("read", stream.read_bytes(10))
    far.send(b"abc")
    await stage.settle()
    stream.close()
    stage.note("closed")
    await asyncio.wait([reading])
    stage.state(stream)
    stage.note("far", far.recv(10))
    await stage.outcome("what came", lambda: stream.read_bytes(3))


@play
async def close_with_lines_buffered(stage):
    stream, far = stage.pair()
    far.send(b"one\ntwo\nthree")
    await stage.outcome("first", lambda: stream.read_until(b"\n"))
    stream.close()
    await stage.outcome("second", lambda: stream.read_until(b"\n"))
    await stage.outcome("third", lambda: stream.read_until(b"\n"))
    await stage.outcome("partial", lambda: stream.read_bytes(100, partial=True))
    await stage.outcome("rest", lambda: stream.read_until_close())


@play
async def close_with_a_reason(stage):
    stream, _far = stage.pair()
    reading = stage.watch("read", stream.read_bytes(1))
    try:
        raise KeyError("why")
    except KeyError:
        stream.close(exc_info=True)
    await asyncio.wait([reading])
    stage.state(stream)
    await stage.outcome("write", lambda: stream.write(b"x"))
    stream.close(exc_info=ValueError("too late"))
    stage.state(stream)


@play
async def close_with_an_exception(stage):
    stream, _far = stage.pair()
    stream.close(exc_info=ValueError("given"))
    stage.state(stream)
    triple, _far = stage.pair()
    try:
        raise KeyError("triple")
    except KeyError:
        triple.close(exc_info=sys.exc_info())
    stage.state(triple)


@play
async def close_callback_without_a_reader(stage):
    stream, far = stage.pair()
    stream.set_close_callback(lambda: stage.note("close callback"))
    far.close()
    await stage.settle()
    stage.state(stream)


@play
async def close_callback_and_close(stage):
    stream, _far = stage.pair()
    stream.set_close_callback(lambda: stage.note("close callback"))
    stream.close()
    stage.note("close returned")
    await stage.settle()
    stream.close()
    await stage.settle()
    stream.set_close_callback(lambda: stage.note("second callback"))
    stage.note("set")
    await stage.settle()


@play
async def close_callback_that_comes_late(stage):
    stream, _far = stage.pair()
    stream.close()
    await stage.settle()
    stream.set_close_callback(lambda: stage.note("close callback"))
    stage.note("set")
    await stage.settle()


@play
async def close_callback_with_much_data_unread(stage):
    stream, far = stage.pair()
    stream.set_close_callback(lambda: stage.note("close callback"))
    far.send(b"x" * 200_000)
    far.close()
    await stage.settle()
    stage.note("end")
    reading = stage.watch("read", stream.read_bytes(200_000))
    await reading
    await stage.outcome("end", lambda: stream.read_bytes(1))


@play
async def close_callback_taken_back(stage):
    stream, _far = stage.pair()
    stream.set_close_callback(lambda: stage.note("close callback"))
    stream.set_close_callback(None)
    stream.close()
    await stage.settle()
    stage.note("end")


@play
async def close_callback_with_data_unread(stage):
    stream, far = stage.pair()
    stream.set_close_callback(lambda: stage.note("close callback"))
    far.send(b"one\ntwo\n")
    await stage.outcome("first", lambda: stream.read_until(b"\n"))
    far.close()
    await stage.settle()
    stage.state(stream)
    await stage.outcome("second", lambda: stream.read_until(b"\n"))
    await stage.settle()
    stage.note("end")


@play
async def close_callback_and_a_pending_read(stage):
    stream, far = stage.pair()
    stream.set_close_callback(lambda: stage.note("close callback"))
    reading = stage.watch("read", stream.read_bytes(10))
    far.send(b"abc")
    far.close()
    await asyncio.wait([reading])
    await stage.settle()
    stage.note("end")


@play
async def close_callback_and_a_read_that_the_last_bytes_satisfy(stage):
    stream, far = stage.pair()
    stream.set_close_callback(lambda: stage.note("close callback"))
    reading = stage.watch("read", stream.read_bytes(3))
    far.send(b"abc")
    far.close()
    await reading
    await stage.settle()
    stage.state(stream)


@play
async def close_callback_that_closes_and_reads(stage):
    stream, far = stage.pair()
    far.send(b"abc")
    await stage.outcome("one", lambda: stream.read_bytes(1))

    def closed():
        stage.note("close callback", stream.closed())
        stream.close()
        stage.watch("rest", stream.read_bytes(2))

    stream.set_close_callback(closed)
    stream.close()
    await stage.settle()


@play
async def peer_ends_its_side_only(stage):
    stream, far = stage.pair()
    stream.set_close_callback(lambda: stage.note("close callback"))
    far.shutdown(socket.SHUT_WR)
    await stage.outcome("read", lambda: stream.read_bytes(1))
    await stage.outcome("write", lambda: stream.write(b"still there?"))
    stage.note("far", far.recv(100))
    stage.state(stream)


@play
async def everything_after_the_end(stage):
    stream, _far = stage.pair()
    stream.close()
    await stage.outcome("write", lambda: stream.write(b"x"))
    await stage.outcome("write nothing", lambda: stream.write(b""))
    await stage.outcome("bytes", lambda: stream.read_bytes(1))
    await stage.outcome("until", lambda: stream.read_until(b"x"))
    await stage.outcome("regex", lambda: stream.read_until_regex(b"x"))
    await stage.outcome("close", lambda: stream.read_until_close())
    await stage.outcome("into", lambda: stream.read_into(bytearray(1)))
    stage.state(stream)


# -- writing


@play
async def writes_arrive_in_order(stage):
    stream, far = stage.pair()
    for number, data in enumerate((b"a", b"", memoryview(b"b"), bytearray(b"c"))):
        stage.watch(number, stream.write(data))
    await stage.settle()
    stage.state(stream)
    stage.note("far", far.recv(10))


@play
async def a_large_write(stage):
    stream, far = stage.pair()
    writing = stage.watch("large", fill(stream))
    second = stage.watch("small", stream.write(b"end"))
    await stage.settle()
    stage.state(stream)
    size = await asyncio.to_thread(drain, far, 20_000_003)
    await asyncio.wait([writing, second])
    stage.note("far", size)
    stage.state(stream)


@play
async def close_during_a_large_write(stage):
    stream, _far = stage.pair()
    stream.set_close_callback(lambda: stage.note("close callback"))
    first = stage.watch("first", fill(stream))
    second = stage.watch("second", stream.write(b"end"))
    stream.close()
    await asyncio.wait([first, second])
    await stage.settle()
    stage.state(stream)


@play
async def peer_breaks_off_during_a_large_write(stage):
    stream, far = stage.pair()
    stream.set_close_callback(lambda: stage.note("close callback"))
    writing = stage.watch("write", fill(stream))
    await stage.settle()
    reset(far)
    await asyncio.wait([writing])
    await stage.settle()
    stage.note("closed", stream.closed())


@play
async def peer_breaks_off_while_it_is_read_and_written(stage):
    stream, far = stage.pair()
    writing = stage.watch("write", fill(stream))
    reading = stage.watch("read", stream.read_bytes(1))
    await stage.settle()
    reset(far)
    await asyncio.wait([writing, reading])
    await stage.settle()
    stage.notes.sort()
    stage.state(stream)


@play
async def the_limit_of_the_write_buffer(stage):
    stream, far = stage.pair(max_write_buffer_size=1000)
    await stage.outcome("small", lambda: stream.write(b"x" * 1000))
    await stage.outcome("too large", lambda: stream.write(b"x" * 1001))
    stage.state(stream)
    stage.note("far", far.recv(2000))
    await stage.outcome("nothing", lambda: stream.write(b""))


@play
async def a_write_that_was_cancelled(stage):
    stream, far = stage.pair()
    writing = fill(stream)
    writing.cancel()
    stage.watch("second", stream.write(b"end"))
    stage.note("far", await asyncio.to_thread(drain, far, 20_000_003))
    await stage.settle()
    stage.state(stream)


@play
async def writing_to_a_peer_that_has_gone(stage):
    stream, far = stage.pair()
    far.close()
    await stage.settle()
    await stage.outcome("first", lambda: stream.write(b"x"))
    await stage.settle()
    for _ in range(3):
        if stream.closed():
            break
        try:
            await stream.write(b"x")
        except StreamClosedError:
            break
        await stage.settle()
    stage.note("closed", stream.closed())


@play
async def text_is_not_written(stage):
    stream, _far = stage.pair()
    await stage.outcome("text", lambda: stream.write("text"))
    stage.state(stream)


@play
async def nodelay(stage):
    stream, _far = stage.pair()
    for value in (True, False):
        stream.set_nodelay(value)
        option = stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        stage.note(value, bool(option))


# -- connecting


def listening():
    [sock] = bind_sockets(0, "127.0.0.1")
    sock.setblocking(True)
    sock.settimeout(LIMIT)
    return sock


def unconnected(stage):
    stream = IOStream(socket.socket())
    stage.opened.append(stream)
    return stream


@play
async def connecting(stage):
    with listening() as server:
        stream = unconnected(stage)
        stage.state(stream)
        await stage.outcome("connect", lambda: stream.connect(server.getsockname()))
        far, _ = server.accept()
        with far:
            await stage.outcome("write", lambda: stream.write(b"hello"))
            stage.note("far", far.recv(10))


@play
async def using_a_stream_before_it_is_connected(stage):
    with listening() as server:
        stream = unconnected(stage)
        connected = stage.watch(
            "connect", asyncio.wait_for(stream.connect(server.getsockname()), LIMIT)
        )
        writing = stage.watch("write", stream.write(b"hello"))
        reading = stage.watch("read", stream.read_bytes(2))
        far, _ = server.accept()
        with far:
            stage.note("far", await asyncio.to_thread(far.recv, 10))
            far.send(b"ok")
            await asyncio.wait([writing, reading])
    stage.notes = [note for note in stage.notes if note[0] != "connect"]
    stage.note("connected", (await connected) is stream)


@play
async def a_connection_that_is_refused(stage):
    with listening() as server:
        address = server.getsockname()
    stream = unconnected(stage)
    stream.set_close_callback(lambda: stage.note("close callback"))
    await stage.outcome("connect", lambda: stream.connect(address))
    await stage.settle()
    stage.state(stream)


@play
async def a_refusal_fails_what_waits(stage):
    with listening() as server:
        address = server.getsockname()
    stream = unconnected(stage)
    waiting = [stage.watch("connect", stream.connect(address))]
    waiting.append(stage.watch("write", stream.write(b"x")))
    waiting.append(stage.watch("read", stream.read_bytes(1)))
    await asyncio.wait(waiting)
    stage.notes.sort()


@play
async def closing_while_connecting(stage):
    with listening() as server:
        stream = unconnected(stage)
        stream.set_close_callback(lambda: stage.note("close callback"))
        connecting = stage.watch("connect", stream.connect(server.getsockname()))
        stream.close()
        await asyncio.wait([connecting])
        await stage.settle()
        stage.notes.sort()
        stage.state(stream)


# -- TLS


def contexts():
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(CERTIFICATE)
    return server, ssl.create_default_context(cafile=CERTIFICATE)


async def upgraded(stage):
    near, far = stage.streams()
    server, client = contexts()
    streams = await asyncio.gather(
        near.start_tls(False, client, server_hostname="localhost"),
        far.start_tls(True, server),
    )
    stage.opened += streams
    return streams


@play
async def tls_after_plain_text(stage):
    near, far = stage.streams()
    await near.write(b"STARTTLS\n")
    await stage.outcome("command", lambda: far.read_until(b"\n"))
    server, client = contexts()
    secure_near, secure_far = await asyncio.gather(
        near.start_tls(False, client, server_hostname="localhost"),
        far.start_tls(True, server),
    )
    stage.opened += [secure_near, secure_far]
    stage.note("class", type(secure_near) is SSLIOStream, type(secure_far) is SSLIOStream)
    stage.note("old streams", near.closed(), near.socket is None)
    await stage.outcome("write", lambda: secure_near.write(b"hello\n"))
    await stage.outcome("read", lambda: secure_far.read_until(b"\n"))
    await stage.outcome("write", lambda: secure_far.write(b"x" * 300_000))
    await stage.outcome("read", lambda: secure_near.read_bytes(300_000))


@play
async def tls_while_the_stream_is_in_use(stage):
    _server, client = contexts()
    stream, far = stage.pair()
    reading = stage.watch("read", stream.read_bytes(1))
    await stage.outcome("reading", lambda: stream.start_tls(False, client))
    far.send(b"ab")
    await reading
    await stage.outcome("buffered", lambda: stream.start_tls(False, client))
    await stage.outcome("rest", lambda: stream.read_bytes(1))
    fill(stream).add_done_callback(lambda future: future.exception())
    await stage.outcome("writing", lambda: stream.start_tls(False, client))
    stream.close()


@play
async def tls_with_the_wrong_name(stage):
    near, far = stage.streams()
    server, client = contexts()
    logging.disable(logging.CRITICAL)
    ends = [
        stage.watch("client", near.start_tls(False, client, server_hostname="other.example")),
        stage.watch("server", far.start_tls(True, server)),
    ]
    await asyncio.wait(ends)
    stage.notes.sort()
    stage.notes = [note[:2] for note in stage.notes]


@play
async def tls_with_a_peer_that_talks_nonsense(stage):
    stream, far = stage.pair()
    logging.disable(logging.CRITICAL)
    handshake = stage.watch("handshake", stream.start_tls(True, contexts()[0]))
    far.send(b"GET / HTTP/1.0\r\n\r\n")
    await asyncio.wait([handshake])


@play
async def tls_with_a_peer_that_goes_away(stage):
    stream, far = stage.pair()
    logging.disable(logging.CRITICAL)
    handshake = stage.watch("handshake", stream.start_tls(True, contexts()[0]))
    await stage.settle()
    far.close()
    await asyncio.wait([handshake])
    stage.notes = [note[:2] for note in stage.notes]


@play
async def tls_and_an_orderly_end(stage):
    near, far = await upgraded(stage)
    far.set_close_callback(lambda: stage.note("close callback"))
    reading = stage.watch("read", far.read_until_close())
    await near.write(b"last words")
    near.close()
    await asyncio.wait([reading])
    await stage.settle()
    stage.state(far)


@play
async def tls_and_a_short_read(stage):
    near, far = await upgraded(stage)
    reading = stage.watch("read", far.read_bytes(100))
    await near.write(b"last words")
    near.close()
    await asyncio.wait([reading])
    await stage.outcome("what came", lambda: far.read_bytes(10))


@play
async def tls_lines_in_one_record(stage):
    near, far = await upgraded(stage)
    await near.write(b"one\ntwo\nthree\n")
    near.close()
    for label in ("first", "second", "third", "fourth"):
        await stage.outcome(label, lambda: far.read_until(b"\n"))


# -- pipes


@play
async def pipes(stage):
    out, into = os.pipe()
    reader, writer = PipeIOStream(out), PipeIOStream(into)
    stage.opened += [reader, writer]
    await stage.outcome("write", lambda: writer.write(b"one\ntwo\nthree"))
    await stage.outcome("line", lambda: reader.read_until(b"\n"))
    await stage.outcome("partial", lambda: reader.read_bytes(2, partial=True))
    writer.close()
    await stage.outcome("rest", lambda: reader.read_until_close())
    stage.state(reader)
    stage.state(writer)


@play
async def a_pipe_whose_reader_has_gone(stage):
    out, into = os.pipe()
    writer = PipeIOStream(into)
    stage.opened.append(writer)
    os.close(out)
    await stage.outcome("write", lambda: writer.write(b"x"))
    await stage.settle()
    stage.note("closed", writer.closed())


# -- servers


@play
async def what_a_server_does_with_failures(stage):
    class Server(TCPServer):
        async def handle_stream(self, stream, address):
            line = await stream.read_until(b"\n")
            stage.note("line", line)
            if line == b"fail\n":
                raise KeyError("line")
            await stream.write(line)
            stream.close()

    logging.disable(logging.CRITICAL)
    server = Server()
    [sock] = bind_sockets(0, "127.0.0.1")
    address = sock.getsockname()
    server.add_socket(sock)
    for line in (b"echo\n", b"fail\n"):
        stream = unconnected(stage)
        await stream.connect(address)
        await stream.write(line)
        if line == b"echo\n":
            await stage.outcome("all", lambda stream=stream: stream.read_until_close())
    server.stop()
    server.stop()
    stream = unconnected(stage)
    await stage.outcome("stopped", lambda: stream.connect(address))


@play
async def names_of_errors(stage):
    for kind in (StreamClosedError, StreamBufferFullError, UnsatisfiableReadError):
        stage.note(kind.__name__, [base.__name__ for base in kind.__mro__])


async def perform(function):
    stage = Stage()
    try:
        await asyncio.wait_for(function(stage), LIMIT)
    except TimeoutError:
        stage.note("the play takes too long")
    except Exception as error:
        stage.note("the play raises", error)
    finally:
        logging.disable(logging.NOTSET)
        stage.tidy()
        await stage.settle()
    return stage.notes


def main():
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    chosen = sys.argv[1:] or PLAYS
    seen = {name: asyncio.run(perform(PLAYS[name])) for name in chosen}
    lines = []
    for name, notes in seen.items():
        body = ",\n".join("    " + json.dumps(note) for note in notes)
        lines.append(f"  {json.dumps(name)}: [\n{body}\n  ]")
    print("{\n" + ",\n".join(lines) + "\n}")


if __name__ == "__main__":
    main()
