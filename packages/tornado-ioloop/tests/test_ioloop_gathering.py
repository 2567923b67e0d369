"""What streams send at the end of their callbacks leaves together."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import select
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from tornado._ioloop import readiness
from tornado._ioloop.readiness import LONGEST_WAIT, Readiness, readiness_of
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream

pytestmark = pytest.mark.skipif(not hasattr(select, "epoll"), reason="this system has no epoll")

name: ContextVar[str] = ContextVar("name", default="none")


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long something takes here shall make no difference."""
    monkeypatch.setattr(readiness, "LONGEST_WAIT", 3600.0)


def on_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a coroutine function as a test."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class Echo:
    """Collects its answers, and notes what is done with it."""

    def __init__(self, seen: list[Any], act: Callable[[bytes], object] | None = None) -> None:
        here, self.peer = socket.socketpair()
        self.peer.setblocking(False)
        self.stream = IOStream(here)
        self.seen, self.act = seen, act
        self.out = b""
        self.stream.start_receiving(self)

    def data_received(self, data: bytes) -> None:
        name.set(data.decode())
        self.seen.append(data)
        if self.act is not None:
            self.act(data)
        self.out += data
        self.stream.flush_soon(self.flush_output)

    def flush_output(self) -> None:
        out, self.out = self.out, b""
        if out:
            self.seen.append(("flush", out, name.get()))
            self.stream.send(out)

    def eof_received(self) -> None:
        pass

    def connection_lost(self, exc: BaseException | None) -> None:
        pass

    def pause_writing(self) -> None:
        raise AssertionError("nobody sends that much here")

    resume_writing = pause_writing

    def close(self) -> None:
        self.stream.close()
        self.peer.close()


@contextlib.contextmanager
def closing(*echoes: Echo) -> Iterator[None]:
    try:
        yield
    finally:
        for echo in echoes:
            echo.close()


def dispatch() -> None:
    watcher = readiness_of(IOLoop.current())
    assert isinstance(watcher, Readiness)
    watcher._dispatch()


def flushed(text: bytes) -> tuple[str, bytes, str]:
    """What is noted of a flush in the context of its stream."""
    return "flush", text, text.decode()


@on_a_loop
async def test_what_several_have_to_send_leaves_after_all_input_in_their_contexts() -> None:
    seen: list[Any] = []
    echoes = [Echo(seen) for _ in range(3)]
    with closing(*echoes):
        for echo, text in zip(echoes, (b"a", b"b", b"c"), strict=True):
            echo.peer.send(text)
        dispatch()
        assert seen == [b"a", b"b", b"c", flushed(b"a"), flushed(b"b"), flushed(b"c")]
        assert [echo.peer.recv(9) for echo in echoes] == [b"a", b"b", b"c"]
        # Afterwards there's nobody to wait for, nor for one that is alone.
        seen.clear()
        echoes[0].data_received(b"none")
        assert seen == [b"none", ("flush", b"none", "none")]
        seen.clear()
        echoes[1].peer.send(b"d")
        echoes[1].act = lambda data: echoes[2].peer.send(b"e")
        dispatch()
        assert seen == [b"d", flushed(b"d")]


@pytest.mark.parametrize("has_epoll", [True, False])
@on_a_loop
async def test_nothing_waits_outside_of_a_round(
    has_epoll: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "_HAS_EPOLL", has_epoll)
    seen: list[Any] = []
    echo = Echo(seen)
    with closing(echo):
        name.set("outside")
        echo.data_received(b"outside")
        assert seen == [b"outside", flushed(b"outside")]
        other = Echo(seen)
        with closing(other):
            echo.peer.send(b"a")
            other.peer.send(b"b")
            while len(seen) < 6:
                await asyncio.sleep(0)
            assert {b"a", b"b"} <= {echo.peer.recv(9)[-1:], other.peer.recv(9)[-1:]}


@on_a_loop
async def test_nothing_waits_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "LONGEST_WAIT", LONGEST_WAIT)

    def work(data: bytes) -> None:
        end = time.monotonic() + 2 * LONGEST_WAIT
        while time.monotonic() < end:
            pass

    seen: list[Any] = []
    echoes = [Echo(seen, work), Echo(seen, work), Echo(seen)]
    with closing(*echoes):
        for echo, text in zip(echoes, (b"a", b"b", b"c"), strict=True):
            echo.peer.send(text)
        dispatch()
        assert seen == [b"a", flushed(b"a"), b"b", flushed(b"b"), b"c", flushed(b"c")]


@on_a_loop
async def test_what_waits_leaves_before_its_stream_is_used_by_others() -> None:
    seen: list[Any] = []
    echoes = [Echo(seen) for _ in range(4)]

    def use(data: bytes) -> None:
        echoes[0].stream.close()
        echoes[1].stream.write(b"!")

    echoes[2].act = use
    with closing(*echoes):
        for echo, text in zip(echoes, (b"a", b"b", b"c", b"d"), strict=True):
            echo.peer.send(text)
        dispatch()
        assert [echo.peer.recv(9) for echo in echoes] == [b"a", b"b!", b"c", b"d"]
        assert echoes[0].peer.recv(9) == b""


@on_a_loop
async def test_one_that_fails_keeps_no_others_back() -> None:
    told: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: told.append(context["exception"])
    )
    seen: list[Any] = []
    echoes = [Echo(seen) for _ in range(3)]
    failure = ValueError("flush")

    def fail() -> None:
        raise failure

    with closing(*echoes):
        echoes[0].act = lambda data: echoes[0].stream.flush_soon(fail)
        for echo in echoes:
            echo.peer.send(b"x")
        dispatch()
        assert told == [failure]
        assert [echo.peer.recv(9) for echo in echoes] == [b"x"] * 3


@pytest.mark.parametrize("by", ["flush", "callback"])
@on_a_loop
async def test_an_interrupt_loses_nothing_that_waits(by: str) -> None:
    seen: list[Any] = []
    echoes = [Echo(seen) for _ in range(3)]

    def interrupt(data: bytes = b"") -> None:
        raise KeyboardInterrupt

    with closing(*echoes):
        if by == "flush":
            echoes[1].act = lambda data: echoes[1].stream.flush_soon(interrupt)
        else:
            echoes[1].act = interrupt
        for echo in echoes:
            echo.peer.send(b"x")
        with pytest.raises(KeyboardInterrupt):
            dispatch()
        assert echoes[0].peer.recv(9) == b"x"
        dispatch()
        assert echoes[2].peer.recv(9) == b"x"


@on_a_loop
async def test_a_round_inside_of_a_callback_sends_what_waits_outside() -> None:
    """Also for the stream whose own callback the inner round is run by."""
    seen: list[Any] = []
    echoes = [Echo(seen) for _ in range(4)]
    first, second, third, fourth = echoes

    def nest(data: bytes) -> None:
        second.act = None
        second.stream.flush_soon(lambda: seen.append("own"))
        third.peer.send(b"c")
        fourth.peer.send(b"d")
        dispatch()
        assert [echo.peer.recv(9) for echo in (first, third, fourth)] == [b"a", b"c", b"d"]

    second.act = nest
    with closing(*echoes):
        first.peer.send(b"a")
        second.peer.send(b"b")
        dispatch()
        assert seen[:4] == [b"a", b"b", b"c", b"d"]
        assert seen[4:] == [flushed(b"a"), "own", flushed(b"c"), flushed(b"d"), flushed(b"b")]
        assert second.peer.recv(9) == b"b"
