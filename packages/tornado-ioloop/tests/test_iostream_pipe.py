"""Streams over pipes."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from tornado._ioloop import readiness
from tornado.iostream import PipeIOStream, StreamClosedError


def run(main: Coroutine[Any, Any, Any]) -> Any:
    async def limited() -> Any:
        async with asyncio.timeout(20):
            return await main

    return asyncio.run(limited())


def pipe() -> tuple[PipeIOStream, PipeIOStream]:
    reading, writing = os.pipe()
    return PipeIOStream(reading), PipeIOStream(writing)


def test_bytes_pass_through_a_pipe() -> None:
    async def main() -> None:
        reader, writer = pipe()
        await writer.write(b"hel")
        pending = reader.read_until(b"\n")
        await writer.write(b"lo\nrest")
        assert await pending == b"hello\n"
        writer.close()
        assert await reader.read_until_close() == b"rest"
        assert reader.closed()

    run(main())


def test_big_pieces() -> None:
    async def main() -> None:
        reader, writer = pipe()
        size = 5_000_000
        writing = writer.write(b"x" * size)
        assert not writing.done()
        assert await reader.read_bytes(size) == b"x" * size
        await writing
        writer.close()
        reader.close()

    run(main())


def test_read_into_a_buffer() -> None:
    async def main() -> None:
        reader, writer = pipe()
        target = bytearray(4)
        await writer.write(b"abcdef")
        assert await reader.read_into(target) == 4
        assert target == b"abcd"
        direct = bytearray(10)
        assert reader.read_from_fd(direct) is None
        await writer.write(b"xyz")
        assert reader.read_from_fd(memoryview(direct)) == 3
        assert direct[:3] == b"xyz"
        assert writer.write_to_fd(memoryview(b"12")) == 2
        reader.close()
        writer.close()

    run(main())


def test_a_reader_that_goes_away_breaks_the_writer() -> None:
    async def main() -> None:
        reader, writer = pipe()
        writing = writer.write(b"x" * 1_000_000)
        reader.close()
        with pytest.raises(StreamClosedError) as caught:
            await writing
        assert isinstance(caught.value.real_error, BrokenPipeError)
        assert writer.closed()

    run(main())


def test_descriptors_are_closed() -> None:
    async def main() -> None:
        reader, writer = pipe()
        for stream in (reader, writer):
            assert stream.fileno() == stream.fd
            stream.close()
            with pytest.raises(OSError):
                os.fstat(stream.fd)

    run(main())


def test_a_stream_that_nobody_has_closed_gives_its_descriptor_back() -> None:
    async def main() -> None:
        reader, writer = pipe()
        descriptor = writer.fileno()
        del writer
        gc.collect()
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(descriptor)
        assert await reader.read_until_close() == b""

    run(main())


def test_a_descriptor_that_is_none_stays_the_callers() -> None:
    with pytest.raises(OSError, match="Bad file"):
        PipeIOStream(9999)
    gc.collect()


@pytest.mark.parametrize("watched_by", ["loop", "epoll"])
def test_a_file_is_read_to_its_end(
    watched_by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard input may be one."""
    if watched_by == "loop":
        monkeypatch.setattr(readiness, "_HAS_EPOLL", False)
    path = tmp_path / "lines"
    path.write_bytes(b"one\ntwo\n" + b"x" * 200_000)

    async def main() -> None:
        stream = PipeIOStream(os.open(path, os.O_RDONLY))
        closed = asyncio.Event()
        assert await stream.read_until(b"\n") == b"one\n"
        assert await stream.read_bytes(4) == b"two\n"
        # While nobody reads, it's left alone.
        for _ in range(5):
            await asyncio.sleep(0)
        assert not stream._look_due
        stream.set_close_callback(closed.set)
        assert await stream.read_bytes(150_000) == b"x" * 150_000
        assert await stream.read_until_close() == b"x" * 50_000
        await closed.wait()

    run(main())


def test_a_file_is_written(tmp_path: Path) -> None:
    path = tmp_path / "written"

    async def main() -> None:
        stream = PipeIOStream(os.open(path, os.O_WRONLY | os.O_CREAT))
        await stream.write(b"one ")
        await stream.write(b"two")
        stream.close()
        assert path.read_bytes() == b"one two"

    run(main())


def test_a_descriptor_that_became_no_stream_remains_the_callers() -> None:
    reading, writing = os.pipe()
    with pytest.raises(AttributeError):
        PipeIOStream(reading, io_loop=object())
    os.close(reading)
    os.close(writing)
