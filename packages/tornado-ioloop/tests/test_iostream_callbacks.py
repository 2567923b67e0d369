"""Streams as programs of the callback era use them (IOS statements)."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import logging
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from tornado.ioloop import IOLoop
from tornado.iostream import IOStream, StreamBufferFullError, StreamClosedError


def run(main: Coroutine[Any, Any, Any]) -> Any:
    async def limited() -> Any:
        async with asyncio.timeout(20):
            return await main

    return asyncio.run(limited())


class Calls:
    """Callbacks that note their arguments."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self._changed = asyncio.Event()

    def __call__(self, name: str, then: Callable[..., Any] | None = None) -> Callable[..., None]:
        def callback(*args: Any) -> None:
            self.seen.append((name, *args))
            self._changed.set()
            if then is not None:
                then(*args)

        return callback

    async def until(self, count: int) -> list[Any]:
        while len(self.seen) < count:
            self._changed.clear()
            await self._changed.wait()
        return self.seen


@contextlib.asynccontextmanager
async def connected() -> AsyncIterator[tuple[IOStream, socket.socket]]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    stream = IOStream(ours)
    try:
        yield stream, theirs
    finally:
        stream.close()
        theirs.close()
        await asyncio.sleep(0)


def free_address() -> tuple[str, int]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        address: tuple[str, int] = sock.getsockname()
    return address


@pytest.mark.parametrize("kind", ["connected", "accepted", "unconnected"])
def test_ios1_kinds_of_sockets(kind: str) -> None:
    """IOS-1: connected, accepted and unconnected sockets."""

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            address = listening.getsockname()
            if kind == "unconnected":
                stream = IOStream(socket.socket())
                await stream.connect(address)
                peer, _ = listening.accept()
            else:
                one = socket.create_connection(address)
                other, _ = listening.accept()
                mine, peer = (one, other) if kind == "connected" else (other, one)
                stream = IOStream(mine)
        with peer:
            peer.send(b"hello")
            assert await stream.read_bytes(5) == b"hello"
        stream.close()

    run(main())


def test_ios2_ios3_connect_and_early_writes() -> None:
    """IOS-2, IOS-3: connect calls back; what was written before is sent when it's connected."""

    async def main() -> None:
        calls = Calls()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            stream = IOStream(socket.socket())
            stream.set_close_callback(calls("closed"))
            assert stream.connect(listening.getsockname(), calls("connected")) is None
            stream.write(b"early", calls("written"))
            stream.read_bytes(5, calls("read"))
            assert calls.seen == []
            peer, _ = listening.accept()
            with peer:
                peer.send(b"reply")
                await calls.until(3)
                assert calls.seen[0] == ("connected",)
                assert set(calls.seen[1:]) == {("written",), ("read", b"reply")}
                assert peer.recv(100) == b"early"
            assert (await calls.until(4))[3] == ("closed",)
        stream.close()

    run(main())


def test_ios4_a_failed_connect(caplog: pytest.LogCaptureFixture) -> None:
    """IOS-4: the close callback runs, the connect callback doesn't, and it's logged."""

    async def main() -> None:
        calls = Calls()
        stream = IOStream(socket.socket())
        stream.set_close_callback(calls("closed"))
        stream.connect(free_address(), calls("connected"))
        await calls.until(1)
        await asyncio.sleep(0)
        assert calls.seen == [("closed",)]
        assert isinstance(stream.error, ConnectionRefusedError)

    run(main())
    assert [record.name for record in caplog.records] == ["tornado.general"]


def test_a_failed_connect_with_a_future(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        stream = IOStream(socket.socket())
        with pytest.raises(StreamClosedError) as caught:
            await stream.connect(free_address())
        assert isinstance(caught.value.real_error, ConnectionRefusedError)

    run(main())
    assert not caplog.records


def test_c9_cancelling_connect_closes_the_socket() -> None:
    """C9: a connection attempt that is given up leaves no socket."""

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            stream = IOStream(socket.socket())
            connecting = stream.connect(listening.getsockname())
            connecting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await connecting
            await asyncio.sleep(0)
            assert stream.closed()

    run(main())


def test_ios5_read_until_calls_back() -> None:
    """IOS-5: with all up to and including the delimiter; the rest stays buffered."""

    async def main() -> None:
        calls = Calls()
        async with connected() as (stream, peer):
            peer.send(b"line\r\nnext\r\nrest")
            assert stream.read_until(b"\r\n", calls("first")) is None
            await calls.until(1)
            assert stream.read_until(b"\r\n", callback=calls("second")) is None
            await calls.until(2)
            stream.read_bytes(4, calls("rest"))
            assert await calls.until(3) == [
                ("first", b"line\r\n"),
                ("second", b"next\r\n"),
                ("rest", b"rest"),
            ]

    run(main())


def test_ios6_read_until_regex_calls_back() -> None:
    """IOS-6: with all up to the end of the first match."""

    async def main() -> None:
        calls = Calls()
        async with connected() as (stream, peer):
            peer.send(b"ab42;7;rest")
            assert stream.read_until_regex(b"[0-9]+;", calls("first")) is None
            await calls.until(1)
            assert stream.read_until_regex(b"[0-9]+;", callback=calls("second")) is None
            assert await calls.until(2) == [("first", b"ab42;"), ("second", b"7;")]
            assert await stream.read_bytes(4) == b"rest"

    run(main())


def test_ios7_read_bytes_calls_back() -> None:
    """IOS-7: with exactly so many; none is an empty string."""

    async def main() -> None:
        calls = Calls()
        async with connected() as (stream, peer):
            peer.send(b"123")
            assert stream.read_bytes(5, calls("five")) is None
            for _ in range(3):
                await asyncio.sleep(0)
            assert calls.seen == []
            peer.send(b"45rest")
            await calls.until(1)
            stream.read_bytes(0, calls("none"))
            await calls.until(2)
            stream.read_bytes(4, callback=calls("rest"))
            assert await calls.until(3) == [("five", b"12345"), ("none", b""), ("rest", b"rest")]

    run(main())


def test_ios8_streamed_bytes() -> None:
    """IOS-8: chunks go to the streaming callback, the final argument is empty."""

    async def main() -> None:
        calls = Calls()
        async with connected() as (stream, peer):
            stream.unread(b"12")
            stream.read_bytes(6, calls("done"), calls("chunk"))
            await calls.until(1)
            peer.send(b"34")
            await calls.until(2)
            peer.send(b"56789")
            await calls.until(4)
            assert calls.seen == [
                ("chunk", b"12"),
                ("chunk", b"34"),
                ("chunk", b"56"),
                ("done", b""),
            ]
            assert await stream.read_bytes(3) == b"789"
            stream.read_bytes(0, calls("zero"), calls("chunk"))
            assert (await calls.until(5))[4] == ("zero", b"")
            future = stream.read_bytes(2, streaming_callback=calls("chunk"))
            peer.send(b"ab")
            assert await future == b""

    run(main())


@pytest.mark.parametrize("streamed", [False, True])
def test_ios9_read_until_close(streamed: bool) -> None:
    """IOS-9: everything, or chunks and an empty final argument."""

    async def main() -> None:
        calls = Calls()
        async with connected() as (stream, peer):
            stream.read_until_close(calls("all"), calls("chunk") if streamed else None)
            peer.send(b"one")
            if streamed:
                await calls.until(1)
            peer.send(b"two")
            peer.close()
            if streamed:
                await calls.until(3)
                assert calls.seen == [("chunk", b"one"), ("chunk", b"two"), ("all", b"")]
            else:
                await calls.until(1)
                assert calls.seen == [("all", b"onetwo")]

    run(main())


def test_ios11_a_later_write_callback_replaces_a_pending_one() -> None:
    """IOS-11: a callback runs when all is written; the newest is the one."""

    async def main() -> None:
        calls = Calls()
        async with connected() as (stream, peer):
            assert stream.write(b"x" * 5_000_000, calls("first")) is None
            stream.write(b"y", calls("second"))
            received = 0
            while received < 5_000_001:
                received += len(await asyncio.get_running_loop().sock_recv(peer, 1 << 20))
            await calls.until(1)
            await asyncio.sleep(0)
            assert calls.seen == [("second",)]

    run(main())


def test_ios12_writing_nothing_calls_back() -> None:
    """IOS-12: an empty write works, and its callback runs."""

    async def main() -> None:
        calls = Calls()
        async with connected() as (stream, _):
            stream.write(b"", calls("written"))
            assert await calls.until(1) == [("written",)]

    run(main())


def test_ios14_callbacks_never_run_inside_the_call() -> None:
    """IOS-14: the loop runs them, also when all is there already."""

    async def main() -> None:
        calls = Calls()
        async with connected() as (stream, _):
            stream.unread(b"x" * 10)
            stream.read_bytes(3, calls("read"))
            stream.write(b"y", calls("written"))
            stream.set_close_callback(calls("closed"))
            stream.close()
            assert calls.seen == []
            assert set(await calls.until(2)) >= {("read", b"xxx")}

    run(main())


def test_ios15_the_close_callback_waits_for_what_buffered_data_satisfies() -> None:
    """IOS-15: a chain of reads sees all that came before the end."""

    async def main() -> None:
        calls = Calls()
        async with connected() as (stream, peer):

            def read_next(*_: Any) -> None:
                with contextlib.suppress(StreamClosedError):
                    stream.read_until(b"\n", calls("line", read_next))

            stream.set_close_callback(calls("closed"))
            peer.send(b"1\n2\n3\n4\nrest")
            peer.close()
            read_next()
            await calls.until(5)
            assert calls.seen == [
                ("line", b"1\n"),
                ("line", b"2\n"),
                ("line", b"3\n"),
                ("line", b"4\n"),
                ("closed",),
            ]

    run(main())


def test_the_close_callback_is_for_both_sides_and_runs_once() -> None:
    async def main() -> None:
        calls = Calls()
        async with connected() as (stream, peer):
            stream.set_close_callback(calls("idle"))
            peer.close()
            assert await calls.until(1) == [("idle",)]
            assert stream.closed()
            stream.set_close_callback(calls("late"))
            assert await calls.until(2) == [("idle",), ("late",)]
        async with connected() as (stream, peer):
            stream.set_close_callback(calls("never"))
            stream.set_close_callback(None)
            stream.close()
            await asyncio.sleep(0)
            assert len(calls.seen) == 2

    run(main())


def test_watching_for_the_end_reads_at_most_a_chunk_ahead() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            stream.set_close_callback(lambda: None)
            peer.send(b"x" * 150_000)
            other, signal = socket.socketpair()
            with other, signal:
                other.setblocking(False)
                for _ in range(20):
                    signal.send(b"x")
                    await asyncio.get_running_loop().sock_recv(other, 1)
                    await asyncio.sleep(0)
            assert stream._read_buffer is not None
            assert len(stream._read_buffer) <= 65536
            assert await stream.read_bytes(150_000) == b"x" * 150_000

    run(main())


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
def test_watching_for_the_end_of_an_unconnected_socket_is_harmless(family: int) -> None:
    async def main() -> None:
        stream = IOStream(socket.socket(family))
        stream.set_close_callback(lambda: None)
        for _ in range(5):
            await asyncio.sleep(0)
        assert not stream.closed()
        stream.close()
        await asyncio.sleep(0)

    run(main())


def test_ios18_an_exception_in_a_callback_closes_and_ends_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """IOS-18: it is logged once, and the loop goes on."""

    async def main() -> None:
        calls = Calls()
        async with connected() as (stream, peer):

            def fail(data: bytes) -> None:
                raise ValueError("bug in a callback")

            stream.set_close_callback(calls("closed"))
            stream.read_bytes(1, fail)
            peer.send(b"x")
            await calls.until(1)
            assert isinstance(stream.error, ValueError)

    run(main())
    assert len([r for r in caplog.records if r.levelno >= logging.ERROR]) == 1


VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="outer")


def test_ios19_contexts_do_not_leak_through_a_reused_stream() -> None:
    """IOS-19: each callback has the context of the call that brought it."""

    async def main() -> None:
        seen: list[Any] = []
        done = asyncio.Event()
        async with connected() as (stream, peer):

            def note(*args: Any) -> None:
                seen.append(VARIABLE.get())
                if len(seen) == 3:
                    done.set()

            VARIABLE.set("first")
            stream.read_bytes(1, note)
            VARIABLE.set("second")
            stream.set_close_callback(note)
            peer.send(b"x")
            while not seen:
                await asyncio.sleep(0)
            VARIABLE.set("third")
            stream.read_until_close(note)
            VARIABLE.set("fourth")
            peer.close()
            await done.wait()
        assert seen == ["first", "third", "second"]

    run(main())


def test_the_loop_may_be_given_in_its_old_places() -> None:
    async def main() -> None:
        loop = IOLoop.current()
        for args, kwargs in (((loop,), {}), ((loop, 1000, 100), {}), ((), {"io_loop": loop})):
            ours, theirs = socket.socketpair()
            stream = IOStream(ours, *args, **kwargs)
            assert stream.io_loop is loop
            if len(args) == 3:
                assert (stream.max_buffer_size, stream.read_chunk_size) == (1000, 100)
            stream.close()
            theirs.close()

    run(main())


def test_the_documented_client() -> None:
    """An HTTP/1.0 client by hand, as the documents show it."""

    async def main() -> None:
        body = b"x" * 2000

        def serve(listening: socket.socket) -> None:
            peer, _ = listening.accept()
            with peer:
                assert peer.recv(1000).startswith(b"GET / HTTP/1.0\r\n")
                peer.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 2000\r\n\r\n" + body)

        finished: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def send_request() -> None:
            stream.write(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
            stream.read_until(b"\r\n\r\n", on_headers)

        def on_headers(data: bytes) -> None:
            headers = {}
            for line in data.split(b"\r\n"):
                parts = line.split(b":")
                if len(parts) == 2:
                    headers[parts[0].strip()] = parts[1].strip()
            stream.read_bytes(int(headers[b"Content-Length"]), on_body)

        def on_body(data: bytes) -> None:
            stream.close()
            finished.set_result(data)

        with socket.create_server(("127.0.0.1", 0)) as listening:
            stream = IOStream(socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0))
            stream.connect(listening.getsockname(), send_request)
            serving = asyncio.get_running_loop().run_in_executor(None, serve, listening)
            assert await finished == body
            await serving

    run(main())


def test_a_write_that_is_refused_leaves_the_callback_of_the_one_before() -> None:
    async def main() -> None:
        ours, peer = socket.socketpair()
        stream = IOStream(ours, max_write_buffer_size=8_000_000)
        called: list[str] = []
        done = asyncio.Event()

        def on_written(name: str) -> None:
            called.append(name)
            done.set()

        stream.write(b"x" * 5_000_000, callback=functools.partial(on_written, "first"))
        with pytest.raises(StreamBufferFullError):
            stream.write(b"x" * 5_000_000, callback=functools.partial(on_written, "refused"))
        other = IOStream(peer)
        assert len(await other.read_bytes(5_000_000)) == 5_000_000
        await done.wait()
        assert called == ["first"]
        stream.close()
        other.close()

    run(main())
