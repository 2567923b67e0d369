"""Bridges to asyncio, and what programs of the callback era find under `tornado.platform`."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading

import pytest

from tornado.ioloop import IOLoop
from tornado.platform import asyncio as platform_asyncio
from tornado.platform import auto
from tornado.platform.asyncio import (
    AddThreadSelectorEventLoop,
    SelectorThread,
    to_asyncio_future,
    to_tornado_future,
)

LIMIT = 10


def test_twi_5_set_close_exec():
    reading, writing = os.pipe()
    try:
        os.set_inheritable(reading, True)
        auto.set_close_exec(reading)
        assert not os.get_inheritable(reading)
    finally:
        os.close(reading)
        os.close(writing)
    with pytest.raises(OSError, match="Bad file"):
        auto.set_close_exec(reading)


def test_a_waker_wakes_a_loop():
    loop = IOLoop(make_current=False)
    waker = auto.Waker()
    seen = []

    def woken(fd, events):
        waker.consume()
        seen.append(fd)
        loop.call_later(0.01, loop.stop)

    loop.add_handler(waker.fileno(), woken, IOLoop.READ)
    assert waker.write_fileno() != waker.fileno()
    # More than any buffer holds is no error.
    thread = threading.Thread(target=lambda: [waker.wake() for _ in range(5000)])
    thread.start()
    thread.join()
    loop.start()
    loop.close()
    waker.close()
    assert len(seen) == 1
    assert waker.fileno() == waker.write_fileno() == -1


def test_futures_of_either_name_are_the_same():
    async def main():
        future = asyncio.get_running_loop().create_future()
        assert to_tornado_future(future) is future
        assert to_asyncio_future(future) is future

        async def answer():
            return 42

        assert await to_asyncio_future(answer()) == 42

    asyncio.run(main())


@pytest.mark.skipif(sys.version_info >= (3, 16), reason="asyncio has no policies any more")
def test_the_policy_makes_loops_in_any_thread():
    program = """
import asyncio, threading
from tornado.platform.asyncio import AnyThreadEventLoopPolicy
policy = AnyThreadEventLoopPolicy()
found = []
def work():
    loop = policy.get_event_loop()
    assert policy.get_event_loop() is loop
    found.append(loop)
for _ in range(2):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
assert len(set(found)) == 2
for loop in found:
    loop.close()
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_names_that_are_not_there():
    with pytest.raises(AttributeError, match="NoSuchLoop"):
        platform_asyncio.NoSuchLoop


# -- selecting in a thread


@contextlib.asynccontextmanager
async def watcher():
    thread = SelectorThread(asyncio.get_running_loop())
    try:
        async with asyncio.timeout(LIMIT):
            yield thread
    finally:
        thread.close()


@contextlib.contextmanager
def pair():
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    with near, far:
        yield near, far


def test_a_selector_thread_reports_until_it_is_removed():
    async def main():
        async with watcher() as thread:
            with pair() as (near, far):
                seen = []
                all_seen = asyncio.Event()

                def readable(name):
                    seen.append((name, near.recv(1), threading.current_thread()))
                    if len(seen) == 3:
                        all_seen.set()

                far.send(b"abc")
                thread.add_reader(near, readable, "near")
                await all_seen.wait()
                here = threading.current_thread()
                assert seen == [("near", letter, here) for letter in (b"a", b"b", b"c")]
                assert thread.remove_reader(near.fileno()) is True
                assert thread.remove_reader(near) is False
                far.send(b"d")
                await asyncio.sleep(0.02)
                assert len(seen) == 3

    asyncio.run(main())


def test_a_selector_thread_watches_both_directions_of_one_socket():
    async def main():
        async with watcher() as thread:
            with pair() as (near, far):
                seen = asyncio.Queue()

                def writable():
                    thread.remove_writer(near)
                    near.send(b"ping")
                    seen.put_nowait("written")

                def readable():
                    seen.put_nowait(near.recv(10))

                def answer():
                    seen.put_nowait(far.recv(10))
                    far.send(b"pong")

                thread.add_reader(near, readable)
                thread.add_reader(far, answer)
                thread.add_writer(near, writable)
                assert [await seen.get() for _ in range(3)] == ["written", b"ping", b"pong"]
                thread.remove_reader(near)
                thread.remove_reader(far)

    asyncio.run(main())


def test_a_busy_loop_does_not_make_the_thread_spin():
    async def main():
        async with watcher() as thread:
            with pair() as (near, far):
                far.send(b"x")
                called = asyncio.Event()

                def readable():
                    near.recv(1)
                    called.set()

                thread.add_reader(near, readable)
                before = os.times()
                threading.Event().wait(0.2)
                after = os.times()
                assert after.user + after.system - before.user - before.system < 0.1
                await called.wait()
                thread.remove_reader(near)

    asyncio.run(main())


def test_errors_of_callbacks_go_to_the_loop():
    async def main():
        problems = asyncio.Queue()
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: problems.put_nowait(context["exception"])
        )
        async with watcher() as thread:
            with pair() as (near, far):

                def fail():
                    near.recv(1)
                    raise KeyError("here")

                thread.add_reader(near, fail)
                for _ in range(2):
                    far.send(b"x")
                    assert isinstance(await problems.get(), KeyError)

    asyncio.run(main())


def test_a_closed_thread_watches_nothing_more():
    async def main():
        thread = SelectorThread(asyncio.get_running_loop())
        with pair() as (near, _):
            before = threading.active_count()
            thread.add_reader(near, pytest.fail)
            assert threading.active_count() == before + 1
            thread.close()
            thread.close()
            assert threading.active_count() == before
            with pytest.raises(RuntimeError, match="ended"):
                thread.add_reader(near, pytest.fail)

    asyncio.run(main())


class Unwatching(asyncio.SelectorEventLoop):
    """A loop that can't watch descriptors, as far as programs know."""

    def add_reader(self, fd, callback, *args):
        raise NotImplementedError

    add_writer = add_reader


def test_a_loop_that_cannot_watch_is_given_the_means():
    real = Unwatching()
    loop = AddThreadSelectorEventLoop(real)
    with pair() as (near, far):

        async def main():
            assert asyncio.get_running_loop() is real
            seen = loop.create_future()
            loop.add_reader(near, lambda: seen.done() or seen.set_result(near.recv(10)))
            far.send(b"hello")
            return await asyncio.wait_for(seen, LIMIT)

        assert loop.run_until_complete(main()) == b"hello"
        assert loop.remove_reader(near)
        assert loop.time() == pytest.approx(real.time(), abs=1)
        assert not loop.is_running()
        assert not loop.get_debug()
    loop.close()
    assert real.is_closed()
    assert "add_reader" in AddThreadSelectorEventLoop.MY_ATTRIBUTES
