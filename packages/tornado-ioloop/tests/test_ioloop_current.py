"""Which loop is the current one while none runs: asyncio's."""

import asyncio
import concurrent.futures
import contextlib
import subprocess
import sys
import textwrap

import pytest

from tornado import gen, locks
from tornado.ioloop import IOLoop
from tornado.platform.asyncio import AsyncIOLoop, AsyncIOMainLoop


def in_thread(function, *args):
    """Run a function in a thread, which has no loop at first."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *args).result()


@contextlib.contextmanager
def asyncio_loop():
    """A loop that is set as the thread's."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        if loop in IOLoop._ioloop_for_asyncio:
            IOLoop._ioloop_for_asyncio[loop].close()
        loop.close()
        asyncio.set_event_loop(None)


def test_the_loop_that_asyncio_has_is_the_current_one():
    def work():
        with asyncio_loop() as first:
            face = IOLoop.current()
            assert face.asyncio_loop is first
            assert IOLoop.current(instance=False) is face
            with asyncio_loop() as second:
                other = IOLoop.current()
                assert other.asyncio_loop is second
                asyncio.set_event_loop(first)
                assert IOLoop.current() is face
                asyncio.set_event_loop(second)
                assert IOLoop.current() is other

    in_thread(work)


def test_without_instance_no_face_is_made():
    def work():
        assert IOLoop.current(instance=False) is None
        with asyncio_loop():
            assert IOLoop.current(instance=False) is None
            face = IOLoop.current()
            assert IOLoop.current(instance=False) is face
        assert IOLoop.current(instance=False) is None

    in_thread(work)


def test_where_none_is_set_one_is_made_and_set():
    def work():
        face = IOLoop.current()
        assert asyncio.get_event_loop() is face.asyncio_loop
        assert IOLoop.current() is face
        face.close()
        assert IOLoop.current(instance=False) is None

    in_thread(work)


def test_a_loop_that_was_closed_is_nobodys_current():
    def work():
        with asyncio_loop() as closed:
            face = IOLoop.current()
            closed.close()
            fresh = IOLoop.current()
            assert fresh is not face
            assert not fresh.asyncio_loop.is_closed()
            fresh.close()

    in_thread(work)


def test_futures_made_before_the_loop_runs_belong_to_the_loop_that_is_set():
    @gen.coroutine
    def answer():
        yield gen.sleep(0)
        return 42

    def work():
        with asyncio_loop() as loop:
            assert gen.sleep(0).get_loop() is loop
            assert locks.Event().wait().get_loop() is loop
            assert loop.run_until_complete(answer()) == 42

    in_thread(work)


def test_a_loop_that_is_closed_gives_way_to_the_one_before_it():
    def work():
        outer = IOLoop()
        inner = IOLoop()
        assert IOLoop.current() is inner
        inner.close()
        assert IOLoop.current() is outer
        assert asyncio.get_event_loop() is outer.asyncio_loop
        inner = IOLoop()
        outer.make_current()
        inner.close()
        assert IOLoop.current() is outer
        inner = IOLoop()
        outer.close()
        assert IOLoop.current() is inner
        inner.close()
        assert IOLoop.current(instance=False) is None

    in_thread(work)


def test_clear_current_and_make_current_are_what_asyncio_sees():
    def work():
        loop = IOLoop(make_current=False)
        assert IOLoop.current(instance=False) is None
        loop.make_current()
        assert asyncio.get_event_loop() is loop.asyncio_loop
        IOLoop.clear_current()
        with pytest.raises(RuntimeError):
            asyncio.get_event_loop()
        IOLoop._current.instance = loop
        assert IOLoop._current.instance is IOLoop.current() is loop
        IOLoop._current.instance = None
        assert IOLoop._current.instance is None
        loop.close()

    in_thread(work)


def test_after_asyncio_run_there_is_no_current_loop():
    async def main():
        assert IOLoop.current(instance=False) is None
        return IOLoop.current()

    def work():
        face = asyncio.run(main())
        assert face.asyncio_loop.is_closed()
        assert IOLoop.current(instance=False) is None

    in_thread(work)


def test_threads_do_not_see_each_others_loops():
    def work(number):
        with asyncio_loop() as loop:
            face = IOLoop.current()
            assert face.asyncio_loop is loop
            seen = []
            face.add_callback(lambda: seen.append(IOLoop.current()))
            face.add_callback(face.stop)
            face.start()
            assert seen == [face]
            return number

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(1, 17))) == list(range(1, 17))


def run_program(text):
    """Run a program that checks itself; it may write nothing."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(text)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_main_thread_and_the_threads_that_look_for_its_loop():
    run_program("""
        import asyncio, threading
        from tornado.ioloop import IOLoop
        assert IOLoop.current(instance=False) is None
        assert not IOLoop.initialized()
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        face = IOLoop.current()
        assert face.asyncio_loop is loop
        found = []
        thread = threading.Thread(target=lambda: found.append(IOLoop.instance()))
        thread.start()
        thread.join()
        assert found == [face]
        loop.close()
        asyncio.set_event_loop(None)
        assert IOLoop.current(instance=False) is None
        fresh = IOLoop.instance()
        assert fresh is not face and not fresh.asyncio_loop.is_closed()
        fresh.close()
    """)


def test_current_makes_a_loop_for_a_main_thread_that_has_none():
    run_program("""
        import asyncio
        from tornado.ioloop import IOLoop
        asyncio.set_event_loop(None)
        face = IOLoop.current()
        assert asyncio.get_event_loop() is face.asyncio_loop
        assert IOLoop.current() is face
        face.add_callback(face.stop)
        face.start()
        face.close()
    """)


def test_the_two_kinds_of_faces_name_where_their_loop_comes_from():
    def work():
        with asyncio_loop():
            assert type(IOLoop.current()) is AsyncIOMainLoop
        own = IOLoop()
        assert type(own) is AsyncIOLoop
        own.close()

    in_thread(work)
