"""The awaiting interface of streams: reads, writes, limits, and what closing does to them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import re
import socket
import struct
import time
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado.iostream import (
    _ERRNO_CONNRESET,
    BaseIOStream,
    IOStream,
    StreamBufferFullError,
    StreamClosedError,
    UnsatisfiableReadError,
)


def run(main: Coroutine[Any, Any, Any]) -> Any:
    async def limited() -> Any:
        async with asyncio.timeout(30):
            return await main

    return asyncio.run(limited())


@contextlib.asynccontextmanager
async def connected(**options: Any) -> AsyncIterator[tuple[IOStream, socket.socket]]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    stream = IOStream(ours, **options)
    try:
        yield stream, theirs
    finally:
        stream.close()
        theirs.close()
        await asyncio.sleep(0)


async def taken() -> None:
    """Let a stream take by itself what was sent last."""
    for _ in range(3):
        await asyncio.sleep(0)


READS: list[tuple[str, Callable[[IOStream], Any], bytes, bytes]] = [
    ("delimiter", lambda s: s.read_until(b"\r\n"), b"one\r\n", b"two"),
    ("delimiter of one byte", lambda s: s.read_until(b"\n"), b"\n", b"\n"),
    ("pattern", lambda s: s.read_until_regex(b"[0-9]+;"), b"ab12;", b"34;"),
    ("compiled pattern", lambda s: s.read_until_regex(re.compile(b"\n\r?\n")), b"a\n\r\n", b"x"),
    ("bytes", lambda s: s.read_bytes(5), b"12345", b"6"),
    ("nothing", lambda s: s.read_bytes(0), b"", b"rest"),
]


@pytest.mark.parametrize(("read", "result", "rest"), [case[1:] for case in READS])
@pytest.mark.parametrize("split", ["whole", "bytewise"])
def test_a_read_delivers_its_part_and_leaves_the_rest(
    read: Callable[[IOStream], Any], result: bytes, rest: bytes, split: str
) -> None:
    """IOS-5, IOS-6, IOS-7: delimiter, pattern and number of bytes; the rest stays buffered."""

    async def main() -> None:
        async with connected() as (stream, peer):
            pending = read(stream)
            data = result + rest
            for piece in [data] if split == "whole" else [bytes([b]) for b in data]:
                peer.send(piece)
                await taken()
            assert await pending == result
            assert await stream.read_bytes(len(rest)) == rest

    run(main())


@given(
    data=st.binary(min_size=1, max_size=200),
    cuts=st.lists(st.integers(1, 199), max_size=6),
    size=st.integers(1, 64),
)
def test_any_chunking_gives_the_same_reads(data: bytes, cuts: list[int], size: int) -> None:
    async def main() -> list[bytes]:
        async with connected() as (stream, peer):
            borders = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})

            async def feed() -> None:
                for begin, end in itertools.pairwise(borders):
                    peer.send(data[begin:end])
                    await taken()
                peer.close()

            feeding = asyncio.ensure_future(feed())
            parts = [await stream.read_bytes(size) for _ in range(len(data) // size)]
            parts.append(await stream.read_until_close())
            await feeding
            return parts

    parts = run(main())
    assert b"".join(parts) == data
    assert all(len(part) == size for part in parts[:-1])


LETTERS = st.sampled_from([b"a", b"b", b"\n"])
TEXTS = st.lists(LETTERS, max_size=40).map(b"".join)


@given(
    pieces=st.lists(TEXTS.filter(bool), min_size=1, max_size=12),
    delimiter=st.lists(LETTERS, min_size=1, max_size=4).map(b"".join),
    as_pattern=st.booleans(),
    limit=st.sampled_from([None, 1000]),
)
def test_any_chunking_gives_the_same_lines(
    pieces: list[bytes], delimiter: bytes, as_pattern: bool, limit: int | None
) -> None:
    """Each read ends with the first delimiter, whatever the pieces are that come."""

    async def main() -> tuple[list[bytes], bytes]:
        lines: list[bytes] = []
        async with connected() as (stream, peer):

            async def read() -> bytes:
                try:
                    while True:
                        lines.append(
                            await stream.read_until_regex(re.escape(delimiter), limit)
                            if as_pattern
                            else await stream.read_until(delimiter, limit)
                        )
                except StreamClosedError:
                    rest: bytes = await stream.read_until_close()
                return rest

            reading = asyncio.ensure_future(read())
            for piece in pieces:
                peer.send(piece)
                await taken()
            peer.close()
            return lines, await reading

    *lines, rest = b"".join(pieces).split(delimiter)
    assert run(main()) == ([line + delimiter for line in lines], rest)


def test_reads_one_after_the_other_have_nothing_in_common() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            peer.send(b"abc")
            first = stream.read_bytes(100, partial=True)
            assert await first == b"abc"
            second = stream.read_bytes(4)
            peer.send(b"de")
            await taken()
            assert not second.done()
            peer.send(b"fgh")
            assert await second == b"defg"
            third = stream.read_bytes(9, partial=True)
            assert await third == b"h"
            fourth = stream.read_bytes(9, partial=True)
            fourth.cancel()
            peer.send(b"ij")
            await taken()
            assert await stream.read_bytes(2) == b"ij"
            assert [first.result(), second.result(), third.result()] == [b"abc", b"defg", b"h"]

    run(main())


# Reads that hold what comes, as it isn't enough for them.
HOLDING_READS: list[Callable[[IOStream], Any]] = [
    lambda s: s.read_bytes(30),
    lambda s: s.read_into(bytearray(30)),
    lambda s: s.read_until(b";"),
    lambda s: s.read_until_close(),
]


@pytest.mark.parametrize("begin", HOLDING_READS)
def test_bytes_of_a_cancelled_read_stay_in_their_place(begin: Callable[[IOStream], Any]) -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            cancelled = begin(stream)
            peer.send(b"held")
            await taken()
            cancelled.cancel()
            stream.unread(b"before ")
            peer.send(b" after")
            assert await stream.read_bytes(17) == b"before held after"

    run(main())


@pytest.mark.parametrize("begin", HOLDING_READS)
def test_the_end_leaves_the_bytes_of_a_cancelled_read(begin: Callable[[IOStream], Any]) -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            closed = asyncio.Event()
            stream.set_close_callback(closed.set)
            cancelled = begin(stream)
            peer.send(b"held")
            await taken()
            cancelled.cancel()
            peer.close()
            await closed.wait()
            assert await stream.read_bytes(4) == b"held"

    run(main())


def test_a_descriptor_that_cannot_be_watched_leaves_no_read_pending(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")

    class FileStream(BaseIOStream):
        def __init__(self) -> None:
            self.file = path.open("rb")
            super().__init__()

        def fileno(self) -> int:
            return self.file.fileno()

        def close_fd(self) -> None:
            self.file.close()

    async def main() -> None:
        stream = FileStream()
        for _ in range(2):
            with pytest.raises(PermissionError):
                stream.read_bytes(1)
            with pytest.raises(PermissionError):
                stream.read_until_close()
            assert not stream.reading()
        stream.close()

    run(main())


def test_a_read_that_is_done_leaves_nothing_behind() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            peer.send(b"abc")
            future = stream.read_bytes(3)
            await future
            result = weakref.ref(future)
            del future
            await taken()
            assert result() is None

    async def drop() -> None:
        ours, peer = socket.socketpair()
        stream = IOStream(ours)
        peer.send(b"a")
        assert await stream.read_bytes(1) == b"a"
        future = stream.read_bytes(2)
        peer.send(b"b")
        await taken()
        peer.send(b"c")
        await future
        stream.close()
        dropped = weakref.ref(stream)
        del stream, future
        await taken()
        assert dropped() is None
        peer.close()

    gc.disable()
    try:
        run(main())
        run(drop())
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "read",
    [
        lambda stream: stream.read_until("\r\n"),
        lambda stream: stream.read_until(None),
        lambda stream: stream.read_until(b"\r\n", max_bytes="9"),
        lambda stream: stream.read_until_regex("x"),
        lambda stream: stream.read_until_regex(re.compile("x")),
        lambda stream: stream.read_until_regex(b"x", max_bytes=2.0),
        lambda stream: stream.read_until(b"\r\n", callback=5),
        lambda stream: stream.read_bytes(1, callback="x"),
        lambda stream: stream.read_bytes(1, streaming_callback="x"),
        lambda stream: stream.write(b"x", callback="x"),
        lambda stream: stream.set_close_callback(5),
    ],
)
def test_what_cannot_be_used_is_refused_where_it_is_given(read: Callable[[Any], Any]) -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            with pytest.raises(TypeError, match="has to be"):
                read(stream)
            assert not stream.reading()
            peer.send(b"still\r\n")
            assert await stream.read_until(b"\r\n") == b"still\r\n"

    run(main())


@pytest.mark.parametrize("name", ["max_buffer_size", "read_chunk_size", "max_write_buffer_size"])
def test_sizes_are_not_negative(name: str) -> None:
    async def main() -> None:
        with socket.socket() as sock, pytest.raises(ValueError, match="-1"):
            IOStream(sock, **{name: -1})

    run(main())


def test_partial_read_takes_what_is_there() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            peer.send(b"abc")
            assert await stream.read_bytes(100, partial=True) == b"abc"
            peer.send(b"defgh")
            assert await stream.read_bytes(2, partial=True) == b"de"
            assert await stream.read_bytes(2, partial=True) == b"fg"
            peer.close()
            assert await stream.read_bytes(9, partial=True) == b"h"
            with pytest.raises(StreamClosedError):
                await stream.read_bytes(9, partial=True)

    run(main())


def test_read_into_fills_the_buffer() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            target = bytearray(6)
            pending = stream.read_into(target)
            peer.send(b"abc")
            await asyncio.sleep(0)
            peer.send(b"defgh")
            assert await pending == 6
            assert target == b"abcdef"
            target = bytearray(10)
            assert await stream.read_into(memoryview(target), partial=True) == 2
            assert target[:2] == b"gh"
            assert await stream.read_into(bytearray(0)) == 0

    run(main())


def test_a_failed_or_cancelled_read_into_loses_nothing() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            peer.send(b"abc")
            pending = stream.read_into(bytearray(10))
            while not pending.done() and stream._consumer.filled < 3:  # type: ignore[union-attr]
                await asyncio.sleep(0)
            pending.cancel()
            assert await stream.read_bytes(2) == b"ab"
            pending = stream.read_into(bytearray(10))
            peer.close()
            with pytest.raises(StreamClosedError):
                await pending
            assert await stream.read_bytes(1) == b"c"

    run(main())


def test_read_until_close_gives_everything() -> None:
    """IOS-9: everything until the stream is closed."""

    async def main() -> None:
        async with connected() as (stream, peer):
            peer.send(b"a" * 100)
            pending = stream.read_until_close()
            await asyncio.sleep(0)
            peer.send(b"b" * 100)
            peer.close()
            assert await pending == b"a" * 100 + b"b" * 100
            assert await stream.read_until_close() == b""

    run(main())


async def reset_pair() -> tuple[IOStream, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        peer = socket.create_connection(listening.getsockname())
        accepted, _ = listening.accept()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return IOStream(accepted), peer


def test_a_reset_ends_read_until_close_well_and_other_reads_badly() -> None:
    async def main() -> None:
        stream, peer = await reset_pair()
        pending = stream.read_until_close()
        peer.send(b"abc")
        while stream._read_buffer is None:
            await asyncio.sleep(0)
        peer.close()
        assert await pending == b"abc"
        assert isinstance(stream.error, ConnectionResetError)
        stream, peer = await reset_pair()
        pending = stream.read_bytes(4)
        peer.close()
        with pytest.raises(StreamClosedError) as caught:
            await pending
        assert caught.value.real_error is stream.error
        assert stream.error.errno in _ERRNO_CONNRESET  # type: ignore[union-attr]

    run(main())


def test_c10_read_until_close_reports_errors() -> None:
    """C10: what was buffered isn't taken for everything when an error ended the stream."""

    async def main() -> None:
        async with connected() as (stream, _):
            stream.unread(b"half")
            pending = stream.read_until_close()
            stream.close(exc_info=ValueError("broken"))
            with pytest.raises(StreamClosedError) as caught:
                await pending
            assert isinstance(caught.value.real_error, ValueError)

    run(main())


@pytest.mark.parametrize("size, fits", [(999, True), (1000, True), (1001, False)])
def test_ios10_s25_unstreamed_reads_are_limited(size: int, fits: bool) -> None:
    """IOS-10, S25: ``max_buffer_size`` bounds what a read keeps."""

    async def main() -> None:
        async with connected(max_buffer_size=1000) as (stream, peer):
            peer.send(b"x" * size)
            peer.close()
            if fits:
                assert await stream.read_until_close() == b"x" * size
                return
            with pytest.raises(StreamClosedError) as caught:
                await stream.read_until_close()
            assert isinstance(caught.value.real_error, StreamBufferFullError)
            assert stream.closed()
            assert isinstance(stream.error, StreamBufferFullError)

    run(main())


def test_a_read_of_more_than_ever_fits_is_refused_at_once() -> None:
    async def main() -> None:
        async with connected(max_buffer_size=1000) as (stream, _):
            with pytest.raises(StreamBufferFullError):
                await stream.read_bytes(1001)
            assert stream.closed()
        async with connected(max_buffer_size=1000) as (stream, peer):
            peer.send(b"x" * 1000)
            assert await stream.read_bytes(1000) == b"x" * 1000

    run(main())


@pytest.mark.parametrize("already", [0, 10])
def test_a_partial_read_may_ask_for_more_than_fits(already: int) -> None:
    async def main() -> None:
        async with connected(max_buffer_size=1000) as (stream, peer):
            if already:
                peer.send(b"+" + b"y" * already)
                await stream.read_bytes(1)
                assert await stream.read_bytes(5000, partial=True) == b"y" * already
            peer.send(b"x" * 3000)
            assert await stream.read_bytes(5000, partial=True) == b"x" * 500

    run(main())


def test_writing_nothing_finds_out_nothing() -> None:
    async def main() -> None:
        for options in ({}, {"max_write_buffer_size": 10}):
            async with connected(**options) as (stream, peer):
                peer.send(b"last")
                peer.close()
                await stream.write(b"")
                assert stream.send(b"")
                assert await stream.read_until_close() == b"last"

    run(main())


def test_what_was_appended_may_be_more_than_the_limit() -> None:
    async def main() -> None:
        async with connected(max_write_buffer_size=10) as (stream, peer):
            queue = stream._write_buffer
            assert queue is not None
            queue.append(b"x" * 20)
            await stream.write(b"")
            assert peer.recv(100) == b"x" * 20

    run(main())


def test_ios10_default_limits() -> None:
    """IOS-10: 104857600 bytes by default."""

    async def main() -> None:
        async with connected() as (stream, _):
            assert stream.max_buffer_size == 104857600
            assert stream.read_chunk_size == 65536
            assert stream.max_write_buffer_size is None
        async with connected(max_buffer_size=100, read_chunk_size=80) as (stream, _):
            assert (stream.max_buffer_size, stream.read_chunk_size) == (100, 50)

    run(main())


@pytest.mark.parametrize("read", ["delimiter", "pattern"])
@pytest.mark.parametrize("before, fits", [(8, True), (9, True), (10, False)])
@pytest.mark.parametrize("buffered", [False, True])
def test_max_bytes(read: str, before: int, fits: bool, buffered: bool) -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            data = b"x" * before + b"\n"
            if buffered:
                stream.unread(data)
            else:
                peer.send(data)
            pending = (
                stream.read_until(b"\n", max_bytes=10)
                if read == "delimiter"
                else stream.read_until_regex(b"\n", max_bytes=10)
            )
            if fits:
                assert await pending == data
                return
            with pytest.raises(StreamClosedError) as caught:
                await pending
            assert isinstance(caught.value.real_error, UnsatisfiableReadError)
            assert stream.closed()

    run(main())


def test_max_bytes_without_any_delimiter() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            pending = stream.read_until(b"\n", max_bytes=10)
            peer.send(b"x" * 10)
            for _ in range(5):
                await asyncio.sleep(0)
            assert not pending.done()
            peer.send(b"x")
            with pytest.raises(StreamClosedError):
                await pending

    run(main())


@pytest.mark.parametrize("read", ["delimiter", "pattern"])
def test_max_bytes_of_what_a_closed_stream_has_left(read: str) -> None:
    """A read whose limit is exceeded there fails, too, and leaves the bytes to others."""

    async def main() -> None:
        async with connected() as (stream, _):
            stream.unread(b"x" * 20)
            stream.close()
            with pytest.raises(StreamClosedError) as caught:
                await (
                    stream.read_until(b"\n", max_bytes=10)
                    if read == "delimiter"
                    else stream.read_until_regex(b"\n", max_bytes=10)
                )
            assert isinstance(caught.value.real_error, UnsatisfiableReadError)
            assert not stream.reading()
            assert stream.error is None
            assert await stream.read_bytes(20) == b"x" * 20

    run(main())


def test_ios22_searching_is_linear() -> None:
    """IOS-22: a delimiter is searched for in each byte once, however the bytes come."""

    async def main(size: int) -> float:
        async with connected(read_chunk_size=4096) as (stream, peer):
            loop = asyncio.get_running_loop()
            # Nearly a delimiter everywhere, and small pieces.
            sending = asyncio.ensure_future(loop.sock_sendall(peer, b"\r" * size + b"\r\n\r\n"))
            begin = time.process_time()
            data = await stream.read_until(b"\r\n\r\n")
            used = time.process_time() - begin
            await sending
            assert len(data) == size + 4
            return used

    run(main(100_000))
    small = min(run(main(1_000_000)) for _ in range(3))
    large = min(run(main(8_000_000)) for _ in range(3))
    # Eight times as much; quadratic cost would be 64 times.
    assert large < 30 * small


def test_many_small_reads_from_a_large_buffer_are_linear() -> None:
    async def main() -> None:
        async with connected() as (stream, _):
            lines = 200_000
            stream.unread(b"0123456789\n" * lines)
            begin = time.process_time()
            for _ in range(lines):
                await stream.read_until(b"\n")
            # Moving the rest for each line would take minutes.
            assert time.process_time() - begin < 10
            assert stream._read_buffer is None

    run(main())


def test_only_one_read_may_be_pending() -> None:
    async def main() -> None:
        async with connected() as (stream, _):
            stream.read_bytes(1)
            with pytest.raises(RuntimeError):
                stream.read_until(b"x")

    run(main())


@pytest.mark.parametrize(
    "wrong, error",
    [
        (lambda s: s.read_bytes(-1), ValueError),
        (lambda s: s.read_bytes(1.5), TypeError),
        (lambda s: s.read_until(b""), ValueError),
        (lambda s: s.write("text"), TypeError),
        (lambda s: s.read_into(b"constant"), TypeError),
    ],
)
def test_wrong_arguments(wrong: Callable[[IOStream], Any], error: type[Exception]) -> None:
    async def main() -> None:
        async with connected() as (stream, _):
            with pytest.raises(error):
                await wrong(stream)
            assert not stream.closed()

    run(main())


def test_a_cancelled_read_loses_nothing() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(stream.read_bytes(3), 0.01)
            assert not stream.reading()
            peer.send(b"abc")
            assert await stream.read_bytes(3) == b"abc"
            pending = stream.read_bytes(3)
            pending.cancel()
            peer.send(b"def")
            while stream._consumer is not None:
                await asyncio.sleep(0)
            assert await stream.read_until(b"f") == b"def"

    run(main())


def test_ios17_states() -> None:
    """IOS-17: `reading`, `writing` and `closed` say what is."""

    async def main() -> None:
        async with connected() as (stream, peer):
            assert not (stream.reading())
            assert not (stream.writing())
            assert not (stream.closed())
            pending = stream.read_bytes(1)
            assert stream.reading()
            peer.send(b"x")
            await pending
            assert not stream.reading()
            writing = stream.write(b"x" * 5_000_000)
            assert stream.writing()
            stream.close()
            assert stream.closed()
            assert not stream.writing()
            with pytest.raises(StreamClosedError):
                await writing

    run(main())


def test_buffered_bytes_can_be_read_after_the_end() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            peer.send(b"abc\ndef\nghi")
            assert await stream.read_until(b"\n") == b"abc\n"
            peer.close()
            stream.close()
            assert await stream.read_until(b"\n") == b"def\n"
            with pytest.raises(StreamClosedError):
                await stream.read_until(b"\n")
            assert await stream.read_bytes(3) == b"ghi"
            assert await stream.read_bytes(0) == b""

    run(main())


def test_write_takes_all_kinds_of_bytes() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            changing = bytearray(b"y" * 3_000_000)
            await stream.write(b"a")
            await stream.write(memoryview(b"b"))
            # IOS-12: nothing is fine too.
            await stream.write(b"")
            pending = stream.write(changing)
            changing[:] = b"z" * len(changing)
            loop = asyncio.get_running_loop()
            received = b""
            while len(received) < 2 + len(changing):
                received += await loop.sock_recv(peer, 1 << 20)
            await pending
            assert received == b"ab" + b"y" * len(changing)
            await stream.write(memoryview(bytearray(8)).cast("Q"))
            assert await loop.sock_recv(peer, 100) == bytes(8)

    run(main())


@given(st.lists(st.integers(0, 300_000), max_size=12))
def test_output_arrives_in_order(sizes: list[int]) -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            pieces = [bytes([65 + index]) * size for index, size in enumerate(sizes)]
            writes = [stream.write(piece) for piece in pieces]
            received = bytearray()
            loop = asyncio.get_running_loop()
            while len(received) < sum(sizes):
                received += await loop.sock_recv(peer, 1 << 20)
            for write in writes:
                await write
            assert received == b"".join(pieces)

    run(main())


def test_ios13_very_large_writes() -> None:
    """IOS-13: they succeed, and cost time in proportion."""

    async def main() -> None:
        async with connected() as (stream, peer):
            size = 60_000_000
            pending = stream.write(b"x" * size)
            loop = asyncio.get_running_loop()
            scratch = bytearray(1 << 20)
            received = 0
            while received < size:
                received += await loop.sock_recv_into(peer, scratch)
            await pending

    begin = time.process_time()
    run(main())
    assert time.process_time() - begin < 10


def test_a_write_resolves_when_its_own_bytes_are_gone() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            first = stream.write(b"x" * 2_000_000)
            second = stream.write(b"y" * 5_000_000)
            loop = asyncio.get_running_loop()
            while not first.done():
                await loop.sock_recv(peer, 1 << 16)
            assert not second.done()

    run(main())


def test_writes_fail_when_the_stream_closes() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            pending = stream.write(b"x" * 5_000_000)
            peer.close()
            with pytest.raises(StreamClosedError) as caught:
                await pending
            assert caught.value.real_error is stream.error
            assert stream.closed()
            with pytest.raises(StreamClosedError):
                stream.write(b"x")
        async with connected() as (stream, peer):
            peer.close()
            with pytest.raises(StreamClosedError) as caught:
                await stream.write(b"x")
            assert isinstance(caught.value.real_error, BrokenPipeError)

    run(main())


def test_output_limit() -> None:
    async def main() -> None:
        async with connected(max_write_buffer_size=1000) as (stream, _):
            with pytest.raises(StreamBufferFullError):
                stream.write(b"x" * 1001)
            assert not stream.closed()
            await stream.write(b"x" * 1000)

    run(main())


def test_pieces_can_be_queued_before_they_are_written() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            assert stream._write_buffer is not None
            for piece in (b"one ", bytearray(b"two "), memoryview(b"three")):
                stream._write_buffer.append(piece)
                stream._total_write_index += len(piece)
            await stream.write(b"")
            assert peer.recv(100) == b"one two three"
            assert stream.send(b"direct")
            stream.close()
            assert stream._write_buffer is None

    run(main())


def test_dropping_the_queue_fails_its_writes() -> None:
    async def main() -> None:
        async with connected() as (stream, _):
            pending = stream.write(b"x" * 5_000_000)
            stream._write_buffer = None
            with pytest.raises(StreamClosedError):
                await pending
            assert not stream.writing()

    run(main())


@pytest.mark.parametrize("form", ["exception", "triple", "true"])
def test_ios16_close_keeps_the_error(form: str) -> None:
    """IOS-16: ``error`` holds what closed the stream."""

    async def main() -> None:
        async with connected() as (stream, _):
            error = ValueError("reason")
            if form == "exception":
                stream.close(exc_info=error)
            elif form == "triple":
                stream.close(exc_info=(ValueError, error, None))
            else:
                try:
                    raise error
                except ValueError:
                    stream.close(exc_info=True)
            assert stream.error is error
            stream.close(exc_info=KeyError())
            assert stream.error is error

    run(main())


class CountingStream(IOStream):
    """A subclass that defines the hooks itself."""

    reads = writes = 0

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        self.reads += 1
        return super().read_from_fd(buf)

    def write_to_fd(self, data: memoryview) -> int:
        self.writes += 1
        return super().write_to_fd(data[:3])


class Counting:
    """The hooks, for whatever stream it's mixed into."""

    reads = writes = 0

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        self.reads += 1
        return super().read_from_fd(buf)  # type: ignore[misc]  # a stream follows

    def write_to_fd(self, data: memoryview) -> int:
        self.writes += 1
        return super().write_to_fd(data[:3])  # type: ignore[misc]  # a stream follows


class MixedStream(Counting, IOStream):
    """A subclass that has the hooks from elsewhere."""


@pytest.mark.parametrize("kind", [CountingStream, MixedStream])
def test_hooks_of_a_subclass_are_used(kind: Any) -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        stream = kind(ours)
        theirs.send(b"hello")
        assert await stream.read_bytes(5) == b"hello"
        await stream.write(b"abcdefgh")
        assert theirs.recv(100) == b"abcdefgh"
        assert stream.reads >= 1
        assert stream.writes == 3
        theirs.close()
        with pytest.raises(StreamClosedError):
            await stream.read_bytes(1)

    run(main())


class MemoryStream(BaseIOStream):
    """A stream over a descriptor of its own kind: here a socket that it hides."""

    def __init__(self, sock: socket.socket, **kwargs: Any) -> None:
        self.hidden = sock
        sock.setblocking(False)
        super().__init__(**kwargs)

    def fileno(self) -> int:
        return self.hidden.fileno()

    def close_fd(self) -> None:
        self.hidden.close()

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        return self.hidden.recv_into(buf)

    def write_to_fd(self, data: memoryview) -> int:
        return self.hidden.send(data)


def test_a_stream_of_another_kind() -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        stream = MemoryStream(ours, max_buffer_size=5_000_000)
        stream.set_nodelay(True)
        pending = stream.read_until(b"\n")
        theirs.send(b"question\n")
        assert await pending == b"question\n"
        writing = stream.write(b"x" * 3_000_000)
        received = 0
        while received < 3_000_000:
            received += len(await asyncio.get_running_loop().sock_recv(theirs, 1 << 20))
        await writing
        theirs.close()
        assert await stream.read_until_close() == b""
        assert stream.closed()

    run(main())


def test_set_nodelay() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            stream = IOStream(socket.socket())
            await stream.connect(listening.getsockname())
            for value in (True, False):
                stream.set_nodelay(value)
                option = stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                assert bool(option) is value
            stream.close()
            stream.set_nodelay(True)
        async with connected() as (local, _):
            local.set_nodelay(True)

    run(main())


def test_get_fd_error() -> None:
    async def main() -> None:
        async with connected() as (stream, _):
            assert stream.get_fd_error() is None

    run(main())


@pytest.mark.parametrize("piece", [1, 3, 40, 99])
def test_reads_of_a_length_made_of_pieces(piece: int) -> None:
    """Few pieces are kept one by one, many are not; what is left over stays for the next read."""
    data = bytes(range(100)) * 3

    async def main() -> None:
        async with connected() as (stream, peer):
            for size in (100, 150, 50):
                reading = stream.read_bytes(size)
                while not reading.done():
                    peer.send(data[:piece])
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                part = await reading
                rest = await stream.read_bytes(-len(part) % piece)
                assert part + rest == (data[:piece] * 400)[: len(part + rest)]

    run(main())


@pytest.mark.parametrize("end", ["close", "cancel", "peer"])
def test_pieces_of_a_read_that_fails_are_not_lost(end: str) -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            reading = stream.read_bytes(10)
            for piece in (b"ab", b"cd"):
                peer.send(piece)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            if end == "cancel":
                reading.cancel()
                peer.send(b"ef")
                assert await stream.read_bytes(6) == b"abcdef"
                return
            (stream if end == "close" else peer).close()
            with pytest.raises(StreamClosedError):
                await reading
            assert await stream.read_bytes(4) == b"abcd"

    run(main())
