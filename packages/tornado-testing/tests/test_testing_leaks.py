"""Tests that leave something behind fail, and only they do."""

import asyncio
import gc
import re
import socket
import subprocess
import sys
import tracemalloc
import unittest
import warnings

import pytest

from tornado.ioloop import IOLoop
from tornado.iostream import IOStream
from tornado.testing import AsyncTestCase, bind_unused_port, gen_test


async def nothing():
    pass


class Leaky(AsyncTestCase):
    __test__ = False  # They fail.

    def test_socket(self):
        socket.socket()

    def test_cycle(self):
        ring = [socket.socket()]
        ring.append(ring)

    def test_loop(self):
        asyncio.new_event_loop()

    def test_tornado_loop(self):
        IOLoop(make_current=False)

    def test_tornado_loop_that_was_current(self):
        IOLoop(make_current=True)

    def test_tornado_loop_that_has_run(self):
        loop = IOLoop(make_current=False)
        loop.run_sync(nothing)

    @unittest.skipUnless(
        hasattr(asyncio.StreamWriter, "__del__"), "the first versions of 3.11 don't tell of writers"
    )
    @gen_test
    async def test_writer(self):
        sock, port = bind_unused_port()
        with sock:
            await asyncio.open_connection("127.0.0.1", port)

    def test_coroutine(self):
        nothing()

    @gen_test
    async def test_coroutine_in_a_coroutine(self):
        nothing()
        await asyncio.sleep(0)

    def test_socket_as_attribute(self):
        self.sock = socket.socket()

    def test_stream_as_attribute(self):
        self.stream = IOStream(socket.socket())

    def test_loop_as_attribute(self):
        self.loop = asyncio.new_event_loop()

    def test_tornado_loop_as_attribute(self):
        self.loop = IOLoop(make_current=False)

    def test_coroutine_as_attribute(self):
        self.coroutine = nothing()


class Tidy(AsyncTestCase):
    def test_closed(self):
        self.sock = socket.socket()
        self.sock.close()
        self.addCleanup(self.enterContext(socket.socket()).close)

    def test_closed_by_a_cleanup(self):
        self.sock = socket.socket()
        self.addCleanup(self.sock.close)

    @gen_test
    async def test_started(self):
        self.task = asyncio.ensure_future(asyncio.sleep(60))
        await asyncio.sleep(0)

    def test_closed_loop(self):
        self.loop = asyncio.new_event_loop()
        self.loop.close()

    def test_closed_tornado_loop(self):
        IOLoop(make_current=False).close()

    def test_loop_of_a_function(self):
        asyncio.run(self.ask_for_the_loop())

    async def ask_for_the_loop(self):
        assert IOLoop.current() is not self.io_loop


def problems_of(case):
    result = unittest.TestResult()
    case.run(result)
    return [text for _, text in result.errors + result.failures]


def names_of(cls):
    return unittest.defaultTestLoader.getTestCaseNames(cls)


@pytest.mark.parametrize("name", names_of(Leaky))
def test_leaks_fail_the_test(name):
    case = Leaky(name)
    if getattr(getattr(case, name), "__unittest_skip__", False):
        pytest.skip(getattr(case, name).__unittest_skip_why__)
    (text,) = problems_of(case)
    assert "the test leaves behind" in text
    assert re.search("never awaited|unclosed|coroutine object|loop is closed", text)
    # The attributes are this test's now.
    for attribute in ("sock", "stream", "loop", "coroutine"):
        if hasattr(case, attribute):
            getattr(case, attribute).close()


@pytest.mark.parametrize("name", names_of(Tidy))
def test_what_is_closed_fails_nothing(name):
    assert problems_of(Tidy(name)) == []


def test_a_loop_that_somebody_still_has_is_no_leak():
    loops = []

    class Lending(AsyncTestCase):
        def test_it(self):
            loops.append(IOLoop(make_current=False))

    assert problems_of(Lending("test_it")) == []
    (loop,) = loops
    assert IOLoop._ioloop_for_asyncio[loop.asyncio_loop] is loop
    loop.close()


def test_a_class_may_put_up_with_leaks():
    class Tolerant(Leaky):
        fail_on_leaks = False

    with pytest.warns(ResourceWarning, match="unclosed <socket"):
        assert problems_of(Tolerant("test_socket")) == []


def test_nobody_is_blamed_for_the_garbage_of_others():
    ring = [socket.socket()]
    ring.append(ring)
    sock = ring[0]
    del ring
    assert problems_of(Tidy("test_closed")) == []
    sock.close()


def test_sockets_from_before_may_become_attributes():
    with socket.socket() as shared:

        class Sharing(AsyncTestCase):
            def test_it(self):
                self.sock = shared

        assert problems_of(Sharing("test_it")) == []


def test_other_warnings_are_shown_as_ever():
    class Warning(AsyncTestCase):
        def test_it(self):
            warnings.warn("look out", UserWarning, stacklevel=1)

    with pytest.warns(UserWarning, match="look out"):
        assert problems_of(Warning("test_it")) == []


def test_leaks_tell_where_they_were_made_if_that_is_traced():
    tracemalloc.start(5)
    try:
        (text,) = problems_of(Leaky("test_socket"))
    finally:
        tracemalloc.stop()
    assert "socket.socket()" in text


def test_nothing_stays_frozen():
    # Python 3.12 freezes some objects when it starts, which the first watch gives back.
    assert gc.get_freeze_count() == 0 or sys.version_info[:2] == (3, 12)
    problems_of(Tidy("test_closed"))
    assert gc.get_freeze_count() == 0


def test_what_the_program_has_frozen_stays_frozen():
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        assert problems_of(Tidy("test_closed")) == []
        # Those that were freed meanwhile count no more.
        assert gc.get_freeze_count() > frozen * 0.9
    finally:
        gc.unfreeze()


def test_what_python_freezes_itself_does_not_count_as_frozen_by_the_program():
    """Sockets from before the test would be told as its leaks otherwise."""
    program = (
        "import gc, socket\n"
        "from tornado._testing.leaks import LeakWatch, held_open\n"
        "before = socket.socket()\n"
        "watch = LeakWatch()\n"
        "watch.start()\n"
        "print(list(held_open([before])), watch.stop(), gc.get_freeze_count())\n"
        "before.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[] [] 0\n"


def test_a_skipped_test_leaks_nothing():
    class Skipped(AsyncTestCase):
        @unittest.skip("on purpose")
        def test_it(self):
            raise AssertionError("never runs")

    assert problems_of(Skipped("test_it")) == []
