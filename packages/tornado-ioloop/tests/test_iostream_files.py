"""Sending files past the memory of the program."""

import asyncio
import os
import socket

import pytest

from tornado.iostream import IOStream, SSLIOStream, StreamClosedError

pytestmark = pytest.mark.skipif(not IOStream.sends_files, reason="the system has no sendfile")

BIG = bytes(range(256)) * 40_000  # more than the buffers on the way hold


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(BIG)
    fd = os.open(path, os.O_RDONLY)
    yield fd
    os.close(fd)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


def pair():
    one, other = socket.socketpair()
    return IOStream(one), IOStream(other)


def test_a_part_of_a_file_in_order_with_other_output(file):
    async def main():
        ours, theirs = pair()
        first = ours.write(b"before")
        sent = ours.send_file(file, 3, 5_000_000)
        last = ours.write(b"after")
        assert not sent.done()
        assert ours.write_buffer_size > 0
        expected = b"before" + BIG[3:5_000_003] + b"after"
        assert await theirs.read_bytes(len(expected)) == expected
        await asyncio.gather(first, sent, last)
        assert ours.write_buffer_size == 0
        await ours.write(b"more")
        assert await theirs.read_bytes(4) == b"more"
        ours.close()
        theirs.close()

    run(main())


def test_what_goes_at_once_is_done_at_once(file):
    async def main():
        ours, theirs = pair()
        assert ours.send_file(file, 0, 100).done()
        assert ours.send_file(file, 0, 0).done()
        assert await theirs.read_bytes(100) == BIG[:100]
        ours.close()
        theirs.close()

    run(main())


def test_the_caller_may_close_the_file(tmp_path):
    async def main():
        path = tmp_path / "file"
        path.write_bytes(BIG)
        ours, theirs = pair()
        fd = os.open(path, os.O_RDONLY)
        sent = ours.send_file(fd, 0, len(BIG))
        os.close(fd)
        # Whatever gets the number next, it isn't sent.
        with open(os.devnull, "rb"):
            assert await theirs.read_bytes(len(BIG)) == BIG
        await sent
        ours.close()
        theirs.close()

    before = len(os.listdir("/proc/self/fd"))
    run(main())
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_stream_that_closes_lets_go_of_the_file(file):
    async def main():
        ours, theirs = pair()
        sent = ours.send_file(file, 0, len(BIG))
        theirs.close()
        with pytest.raises(StreamClosedError):
            await sent
        with pytest.raises(StreamClosedError):
            ours.send_file(file, 0, 1)

    before = len(os.listdir("/proc/self/fd"))
    run(main())
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("size", [10, len(BIG) + 1])
def test_a_file_that_has_become_shorter_breaks_the_stream(file, size):
    async def main():
        ours, theirs = pair()
        sent = ours.send_file(file, len(BIG) + 1 - size + 9, size)
        data = asyncio.ensure_future(theirs.read_until_close())
        with pytest.raises(StreamClosedError):
            await sent
        assert len(await data) < size
        assert isinstance(ours.error, OSError)
        theirs.close()

    run(main())


def test_streams_over_tls_say_that_they_cannot():
    assert not SSLIOStream.sends_files
