"""What tells streams that their descriptors are ready."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import os
import select
import socket
from collections.abc import Iterator
from contextvars import Context, ContextVar
from typing import Any

import pytest

from tornado._ioloop import readiness
from tornado._ioloop.readiness import (
    MOST_EVENTS,
    MOST_TAKEN,
    LoopWatcher,
    Readiness,
    readiness_of,
)
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream

pytestmark = pytest.mark.skipif(not hasattr(select, "epoll"), reason="this system has no epoll")

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pairs() -> Iterator[Any]:
    with contextlib.ExitStack() as stack:

        def make() -> Pair:
            here, there = socket.socketpair()
            here.setblocking(False)
            there.setblocking(False)
            return stack.enter_context(here), stack.enter_context(there)

        yield make


async def rounds(count: int = 3) -> None:
    """Let the loop look for events a few times."""
    for _ in range(2 * count):
        await asyncio.sleep(0)


def watcher() -> Readiness:
    found = readiness_of(IOLoop.current())
    assert isinstance(found, Readiness)
    return found


def test_a_loop_has_one_and_loses_it_when_it_is_closed() -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    async def main() -> None:
        assert readiness_of(IOLoop.current()) is watcher()

    asyncio.run(main())
    gc.collect()
    before = descriptors()
    for _ in range(5):
        asyncio.run(main())
        loop = IOLoop(make_current=False)
        loop.run_sync(main)
        loop.close()
        assert isinstance(readiness_of(loop), LoopWatcher)
    gc.collect()
    assert descriptors() == before


def test_loops_without_epoll_watch_by_themselves(
    monkeypatch: pytest.MonkeyPatch, pairs: Any
) -> None:
    monkeypatch.setattr(readiness, "_HAS_EPOLL", False)

    async def main() -> None:
        assert isinstance(readiness_of(IOLoop.current()), LoopWatcher)
        here, there = pairs()
        stream = IOStream(here)
        there.send(b"message")
        assert await stream.read_bytes(7) == b"message"
        big = b"x" * 5_000_000
        writing = stream.write(big)
        other = IOStream(there)
        assert await other.read_bytes(len(big)) == big
        await writing
        stream.close()
        assert await other.read_until_close() == b""

    asyncio.run(main())


def test_callbacks_run_in_the_context_of_their_registration(pairs: Any) -> None:
    number: ContextVar[int] = ContextVar("number", default=0)
    seen = []

    async def main() -> None:
        here, there = pairs()
        number.set(1)
        watcher().add_reader(here, lambda: seen.append(("reader", number.get(), here.recv(9))))
        number.set(2)
        watcher().add_writer(
            here, lambda: (seen.append(("writer", number.get())), watcher().remove_writer(here))
        )
        number.set(3)
        await rounds()
        there.send(b"x")
        await rounds()
        watcher().remove_reader(here)

    asyncio.run(main())
    assert seen == [("writer", 2), ("reader", 1, b"x")]


@pytest.mark.parametrize("has_epoll", [True, False])
def test_a_receiver_may_have_a_context_of_its_own(
    has_epoll: bool, monkeypatch: pytest.MonkeyPatch, pairs: Any
) -> None:
    monkeypatch.setattr(readiness, "_HAS_EPOLL", has_epoll)
    name: ContextVar[str] = ContextVar("name", default="none")
    seen: list[tuple[str, str]] = []

    class Receiver:
        def __init__(self, stream: IOStream) -> None:
            self.stream = stream

        def data_received(self, data: bytes) -> None:
            seen.append((data.decode(), name.get()))
            name.set(data.decode())

        def eof_received(self) -> None:
            seen.append(("eof", name.get()))

        def connection_lost(self, exc: BaseException | None) -> None:
            seen.append(("lost", name.get()))

        def pause_writing(self) -> None: ...

        def resume_writing(self) -> None: ...

    async def main() -> None:
        here, there = pairs()
        stream = IOStream(here)
        name.set("early")
        stream.start_receiving(Receiver(stream))
        there.send(b"one")
        await rounds()
        own = Context()
        stream.run_in(own)
        there.send(b"two")
        await rounds()
        stream.pause_reading()
        there.send(b"three")
        await rounds()
        name.set("late")
        stream.resume_reading()
        await rounds()
        stream.pause_reading()
        stream.unread(b"four")
        stream.resume_reading()
        await rounds()
        there.close()
        await rounds()
        assert own[name] == "four"

    asyncio.run(main())
    assert seen == [
        ("one", "early"),
        ("two", "none"),
        ("three", "two"),
        ("four", "three"),
        ("eof", "four"),
        ("lost", "four"),
    ]


def test_reading_and_writing_are_watched_apart(pairs: Any) -> None:
    events: list[str] = []

    async def main() -> None:
        here, there = pairs()
        watch = watcher()
        watch.add_writer(here, lambda: events.append("writer"))
        watch.add_reader(here.fileno(), lambda: events.append("reader"))
        await rounds()
        assert set(events) == {"writer"}
        watch.remove_writer(here)
        events.clear()
        there.send(b"x")
        await rounds()
        assert set(events) == {"reader"}
        watch.add_writer(here, lambda: events.append("writer"))
        watch.remove_reader(here)
        events.clear()
        await rounds()
        assert set(events) == {"writer"}
        watch.remove_writer(here)
        watch.remove_writer(here)
        watch.remove_reader(here)
        events.clear()
        await rounds()
        assert events == []

    asyncio.run(main())


def test_an_exception_is_told_and_others_are_called(pairs: Any) -> None:
    told: list[dict[str, Any]] = []
    seen = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, what: told.append(what))
        ends = [pairs() for _ in range(3)]

        def take(place: int) -> None:
            ends[place][0].recv(9)
            seen.append(place)
            if place == 1:
                raise asyncio.CancelledError("of a callback")

        for place, (here, there) in enumerate(ends):
            watcher().add_reader(here, lambda place=place: take(place))  # type: ignore[misc]
            there.send(b"x")
        await rounds()
        for here, _ in ends:
            watcher().remove_reader(here)

    asyncio.run(main())
    assert sorted(seen) == [0, 1, 2]
    assert [str(what["exception"]) for what in told] == ["of a callback"]


def test_an_interrupt_ends_the_loop_and_loses_no_events(pairs: Any) -> None:
    loop = asyncio.new_event_loop()
    seen = []

    async def begin() -> None:
        ends.extend(pairs() for _ in range(2))

        def take(place: int) -> None:
            ends[place][0].recv(9)
            seen.append(place)
            if len(seen) == 1:
                raise KeyboardInterrupt

        for place, (here, _) in enumerate(ends):
            watcher().add_reader(here, lambda place=place: take(place))  # type: ignore[misc]

    ends: list[Pair] = []
    loop.run_until_complete(begin())
    for _, there in ends:
        there.send(b"x")
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(rounds())
    loop.run_until_complete(rounds())
    loop.close()
    assert sorted(seen) == [0, 1]


def test_the_number_of_a_closed_descriptor_may_be_anothers(pairs: Any) -> None:
    """In the round in which it's closed, and when nobody has said that it's watched no more."""
    seen: list[str] = []

    async def main() -> None:
        watch = watcher()
        first, second = pairs(), pairs()
        fresh: list[Pair] = []

        def replace(own: Pair, other: Pair) -> None:
            own[0].recv(9)
            seen.append("old")
            number = other[0].fileno()
            watch.remove_reader(number)
            other[0].close()
            fresh.append(pairs())
            here = fresh[0][0] if fresh[0][0].fileno() == number else fresh[0][1]
            assert here.fileno() == number
            watch.add_reader(number, lambda: seen.append("new"))

        watch.add_reader(first[0], lambda: replace(first, second))
        watch.add_reader(second[0], lambda: replace(second, first))
        first[1].send(b"x")
        second[1].send(b"x")
        await rounds()
        assert seen == ["old"]
        here, there = fresh[0]
        number = here.fileno() if here.fileno() in watch._readers else there.fileno()
        # Closed behind the watcher's back:
        (here if number == here.fileno() else there).close()
        last = pairs()
        taker, giver = last if last[0].fileno() == number else (last[1], last[0])
        assert taker.fileno() == number
        watch.add_reader(taker, lambda: seen.append(taker.recv(9).decode()))
        giver.send(b"last")
        await rounds()
        assert seen == ["old", "last"]
        taker.close()
        watch.remove_reader(number)

    asyncio.run(main())


def test_what_cannot_be_watched_is_refused(pairs: Any, tmp_path: Any) -> None:
    async def main() -> None:
        with open(tmp_path / "file", "w") as file, pytest.raises(PermissionError):
            watcher().add_reader(file, lambda: None)
        with pytest.raises(ValueError, match="negative"):
            watcher().add_writer(-1, lambda: None)
        assert not watcher()._readers
        assert not watcher()._writers

    asyncio.run(main())


def test_a_round_ends_when_much_was_taken_or_many_were_called(pairs: Any) -> None:
    async def main() -> None:
        watch = watcher()
        ends = [pairs() for _ in range(MOST_EVENTS + 10)]
        calls: list[int] = []

        def take(place: int, size: int) -> int:
            ends[place][0].recv(9)
            calls.append(place)
            return size

        def send_to_all(size: int) -> None:
            for place, (here, there) in enumerate(ends):
                watch.remove_reader(here)
                watch.add_reader(here, lambda place=place: take(place, size))  # type: ignore[misc]
                there.send(b"x")

        send_to_all(1)
        watch._dispatch()
        assert len(calls) == MOST_EVENTS
        watch._dispatch()
        assert sorted(calls) == list(range(len(ends)))
        calls.clear()
        send_to_all(MOST_TAKEN // 4)
        watch._dispatch()
        assert len(calls) == 5
        while len(calls) < len(ends):
            watch._dispatch()
        assert sorted(calls) == list(range(len(ends)))
        for here, _ in ends:
            watch.remove_reader(here)

    asyncio.run(main())


def test_busy_descriptors_leave_their_turn_to_others(pairs: Any) -> None:
    names = ["first", "second", "third", "modest"]
    watched, called = [pairs() for _ in names], []

    def note(name: str) -> int:
        called.append(name)
        return 1 if name == "modest" else MOST_TAKEN // 2 + 1

    async def main() -> None:
        watch = watcher()
        for (here, there), name in zip(watched, names, strict=True):
            there.send(b"some")
            watch.add_reader(here, functools.partial(note, name))
        await rounds(8)
        for here, _ in watched:
            watch.remove_reader(here)

    asyncio.run(main())
    assert called[:8] == names * 2


class NestingLoop(asyncio.SelectorEventLoop):
    """A loop that can be run inside of its own callbacks, as some programs make theirs."""

    def run_once(self) -> None:
        ready: Any = self._ready  # type: ignore[attr-defined]  # it has no public way
        self._process_events(self._selector.select(0))  # type: ignore[attr-defined]
        while ready:
            ready.popleft()._run()


def test_a_loop_that_runs_inside_of_a_callback_serves_the_others(pairs: Any) -> None:
    loop = NestingLoop()
    (outer, to_outer), (inner, to_inner) = pairs(), pairs()
    called: list[bytes] = []

    async def main() -> None:
        watch, done = watcher(), loop.create_future()

        def on_outer() -> None:
            outer.recv(10)
            to_inner.send(b"inner")
            for _ in range(5):
                loop.run_once()
            called.append(b"outer")
            done.set_result(None)

        watch.add_reader(outer, on_outer)
        watch.add_reader(inner, lambda: called.append(inner.recv(10)))
        to_outer.send(b"outer")
        await done
        watch.remove_reader(outer)
        watch.remove_reader(inner)

    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
    assert called == [b"inner", b"outer"]


def test_a_callback_is_put_off_while_the_loop_runs_inside_of_it(pairs: Any) -> None:
    loop = NestingLoop()
    (here, there), (other, to_other) = pairs(), pairs()
    called: list[bytes] = []
    unexpected: list[Any] = []

    async def main() -> None:
        watch, done = watcher(), loop.create_future()

        def on_input() -> None:
            data = here.recv(1)
            if data == b"1":
                for _ in range(20):
                    loop.run_once()
                # The other side of the descriptor isn't concerned, nor are others.
                watch.add_writer(here, lambda: called.append(b"room"))
                to_other.send(b"other")
                for _ in range(20):
                    loop.run_once()
                watch.remove_writer(here)
            called.append(data)
            if data == b"2":
                done.set_result(None)

        def on_other() -> None:
            called.append(other.recv(10))
            watch.remove_reader(other)

        watch.add_reader(here, on_input)
        watch.add_reader(other, on_other)
        there.send(b"12")
        async with asyncio.timeout(20):
            await done
        watch.remove_reader(here)

    loop.set_exception_handler(lambda _, context: unexpected.append(context))
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
    assert {*called[:-2]} == {b"room", b"other"}, called
    assert called[-2:] == [b"1", b"2"]
    assert not unexpected


def test_what_is_given_up_while_it_is_put_off_stays_so(
    pairs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "PUT_OFF", 0)
    loop = NestingLoop()
    here, there = pairs()
    called: list[bytes] = []

    async def main() -> None:
        watch = watcher()

        def on_input() -> None:
            called.append(here.recv(1))
            for _ in range(3):
                loop.run_once()
            watch.remove_reader(here)

        watch.add_reader(here, on_input)
        there.send(b"12")
        await rounds(8)

    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
    assert called == [b"1"]


def test_output_and_the_end_come_through_while_the_context_is_in_use(pairs: Any) -> None:
    loop = NestingLoop()
    here, there = pairs()
    size, events, own = 4_000_000, [], Context()

    class Receiver:
        def data_received(self, data: bytes) -> None:
            stream.send(b"x" * size)
            came = 0
            for _ in range(10_000):
                with contextlib.suppress(BlockingIOError):
                    came += len(there.recv(size))
                if came == size:
                    break
                loop.run_once()
            assert came == size
            stream.close()
            loop.run_once()
            events.append("done")

        def eof_received(self) -> None: ...

        def connection_lost(self, exc: BaseException | None) -> None:
            events.append("lost")
            done.set_result(None)

        def pause_writing(self) -> None:
            events.append("pause")

        def resume_writing(self) -> None:
            events.append("resume")

    async def main() -> None:
        nonlocal stream, done
        stream, done = IOStream(here), loop.create_future()
        stream.run_in(own)
        stream.start_receiving(Receiver())
        there.send(b"go")
        async with asyncio.timeout(20):
            await done

    stream: Any = None
    done: Any = None
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
    assert events == ["pause", "resume", "lost", "done"]


def test_loops_may_keep_their_handles_to_themselves() -> None:
    """What asyncio's private method returns is used, but not relied upon."""

    class Loop(asyncio.SelectorEventLoop):
        def _add_reader(self, fd: Any, callback: Any, *args: Any) -> None:
            super()._add_reader(fd, callback, *args)  # type: ignore[misc]  # it's private

    async def main() -> bytes:
        here, there = socket.socketpair()
        stream = IOStream(here)
        there.send(b"x")
        async with asyncio.timeout(20):
            got: bytes = await stream.read_bytes(1)
        stream.close()
        there.close()
        return got

    with asyncio.Runner(loop_factory=Loop) as runner:
        assert runner.run(main()) == b"x"
