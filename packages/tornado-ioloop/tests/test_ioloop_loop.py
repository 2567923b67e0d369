"""The event loop, coroutines of generators, and contexts of callbacks."""

import asyncio
import concurrent.futures
import datetime
import itertools
import logging
import os
import socket
import sys
import threading
import time

import pytest

from tornado import gen, stack_context
from tornado.concurrent import Future, chain_future, is_future, run_on_executor
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.platform.asyncio import AsyncIOLoop, AsyncIOMainLoop


@pytest.fixture
def loop():
    loop = IOLoop(make_current=False)
    loop.make_current()
    yield loop
    IOLoop.clear_current()
    loop.close()


def run_until_stopped(loop, timeout=5):
    handle = loop.call_later(timeout, pytest.fail, "the loop was not stopped")
    loop.start()
    loop.remove_timeout(handle)


@pytest.mark.parametrize(
    "give",
    [
        lambda loop: loop.add_callback(None),
        lambda loop: loop.add_callback("print", 1, end=2),
        lambda loop: loop.add_callback_from_signal(5),
        lambda loop: loop.spawn_callback(None),
        lambda loop: loop.call_later(1, None),
        lambda loop: loop.call_at(1, "print"),
        lambda loop: loop.add_timeout(datetime.timedelta(0), 5),
    ],
)
def test_what_cannot_be_called_is_refused_where_it_is_given(loop, give):
    with pytest.raises(TypeError, match="has to be callable"):
        give(loop)


def test_iol_1_instance_is_the_loop_of_the_thread_or_the_main_one(loop):
    loop.install()
    found = []
    thread = threading.Thread(target=lambda: found.append(IOLoop.instance()))
    thread.start()
    thread.join()
    assert found == [loop]
    assert IOLoop.instance() is loop
    assert IOLoop.initialized()


def test_current_in_a_running_asyncio_loop_is_a_face_of_it():
    async def main():
        current = IOLoop.current()
        assert isinstance(current, AsyncIOMainLoop)
        assert current.asyncio_loop is asyncio.get_running_loop()
        assert IOLoop.current() is current

    asyncio.run(main())


def test_iol_5_stop_before_start_makes_start_return(loop):
    loop.stop()
    loop.start()
    assert not loop.running()


def test_iol_12_callbacks_run_in_order_on_the_next_iteration(loop):
    seen = []
    for number in range(3):
        loop.add_callback(seen.append, number)
    loop.add_callback(loop.add_callback, seen.append, "the one after")
    loop.add_callback(loop.stop)
    assert seen == []
    run_until_stopped(loop)
    assert seen == [0, 1, 2]
    loop.add_callback(loop.stop)
    run_until_stopped(loop)
    assert seen == [0, 1, 2, "the one after"]


def test_iol_13_other_threads_wake_the_loop(loop):
    threads = []

    def called():
        threads.append(threading.current_thread())
        loop.stop()

    thread = threading.Thread(target=loop.add_callback, args=(called,))
    loop.add_callback(thread.start)
    run_until_stopped(loop)
    thread.join()
    assert threads == [threading.main_thread()]


def test_iol_14_15_timeouts_by_time_timedelta_and_removed(loop):
    seen = []
    loop.add_timeout(time.time() + 0.01, seen.append, "time")
    loop.add_timeout(datetime.timedelta(milliseconds=20), seen.append, "timedelta")
    loop.remove_timeout(loop.call_later(0.001, seen.append, "removed"))
    loop.call_at(loop.time() + 0.03, loop.stop)
    run_until_stopped(loop)
    assert seen == ["time", "timedelta"]
    with pytest.raises(TypeError):
        loop.add_timeout("soon", loop.stop)


def test_iol_9_10_handlers_of_descriptors_and_objects(loop):
    near, far = socket.socketpair()
    seen = []

    def ready(file, events):
        assert file is near
        assert events == IOLoop.READ
        seen.append(near.recv(10))
        if seen == [b"a", b"b"]:
            loop.remove_handler(near)
            loop.stop()
        else:
            far.send(b"b")

    with near, far:
        loop.add_handler(near, ready, IOLoop.READ)
        with pytest.raises(ValueError, match="twice"):
            loop.add_handler(near.fileno(), ready, IOLoop.READ)
        far.send(b"a")
        run_until_stopped(loop)
    assert seen == [b"a", b"b"]


def test_iol_16_17_exceptions_of_callbacks_are_logged_and_do_not_end_the_loop(loop, caplog):
    loop.add_callback(lambda: 1 / 0)
    loop.add_callback(loop.stop)
    run_until_stopped(loop)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "Exception in callback" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    seen = []
    loop.handle_callback_exception = lambda callback: seen.append(sys.exc_info()[0])
    loop.add_callback(lambda: 1 / 0)
    loop.add_callback(loop.stop)
    run_until_stopped(loop)
    assert seen == [ZeroDivisionError]


def test_errors_of_coroutine_callbacks_are_logged_too(loop, caplog):
    async def broken():
        raise KeyError("here")

    loop.add_callback(broken)
    loop.call_later(0.01, loop.stop)
    run_until_stopped(loop)
    assert "KeyError" in caplog.text


def test_run_sync_returns_results_errors_and_times_out(loop):
    async def answer():
        await gen.sleep(0.001)
        return 42

    async def broken():
        raise KeyError("here")

    assert loop.run_sync(answer) == 42
    assert loop.run_sync(lambda: None) is None
    with pytest.raises(KeyError):
        loop.run_sync(broken)
    with pytest.raises(TimeoutError, match=r"after 0\.01 seconds"):
        loop.run_sync(lambda: gen.sleep(60), timeout=0.01)


def test_run_in_executor_and_run_on_executor(loop):
    class Worker:
        executor = concurrent.futures.ThreadPoolExecutor(1)

        @run_on_executor
        def where(self):
            return threading.current_thread()

    worker = Worker()

    async def main():
        first = await IOLoop.current().run_in_executor(None, threading.current_thread)
        return first, await worker.where()

    first, second = loop.run_sync(main)
    worker.executor.shutdown()
    loop.asyncio_loop.run_until_complete(loop.asyncio_loop.shutdown_default_executor())
    assert threading.main_thread() not in (first, second)


def test_close_with_all_fds_closes_what_is_watched():
    loop = AsyncIOLoop(make_current=False)
    read_end, write_end = os.pipe()
    loop.add_handler(read_end, lambda fd, events: None, IOLoop.READ)
    loop.close(all_fds=True)
    os.close(write_end)
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(read_end)
    loop.add_callback(pytest.fail, "a closed loop runs nothing")


@pytest.mark.parametrize("period", [0, -1])
def test_periodic_callbacks_have_a_positive_period(period):
    with pytest.raises(ValueError, match="positive"):
        PeriodicCallback(lambda: None, period)


def test_iol_25_28_periodic_callbacks_run_until_stopped(loop):
    calls = []

    async def tick():
        calls.append(loop.time())
        if len(calls) == 3:
            periodic.stop()
            loop.stop()

    periodic = PeriodicCallback(tick, datetime.timedelta(milliseconds=5))
    assert not periodic.is_running()
    periodic.start()
    run_until_stopped(loop)
    assert len(calls) == 3
    assert not periodic.is_running()


class Clockwork(AsyncIOLoop):
    """A loop that takes no time: its clock goes where it is told to, or to the next timeout."""

    def initialize(self, **kwargs):
        super().initialize(make_current=False, **kwargs)
        self.now = 1000.0
        self.due = {}

    def time(self):
        return self.now

    def add_timeout(self, deadline, callback, *args, **kwargs):
        handle = object()
        self.due[handle] = (deadline, callback)
        return handle

    def remove_timeout(self, timeout):
        self.due.pop(timeout, None)

    def pass_on(self):
        """Let the next timeout come; return its time."""
        handle = min(self.due, key=lambda handle: self.due[handle][0])
        self.now, callback = self.due.pop(handle)
        deadline = self.now
        callback()
        return deadline


@pytest.fixture
def clockwork():
    loop = Clockwork()
    yield loop
    loop.close()


def test_iol_25_nothing_is_called_before_the_start(clockwork):
    calls = []
    periodic = PeriodicCallback(lambda: calls.append(clockwork.now), 10_000, clockwork)
    assert not clockwork.due
    periodic.start()
    for _ in range(3):
        clockwork.pass_on()
    assert calls == [1010, 1020, 1030]


@pytest.mark.parametrize(
    ("durations", "expected"),
    [
        pytest.param([0, 0, 0], [1010, 1020, 1030], id="none"),
        pytest.param([4, 4, 4], [1010, 1020, 1030], id="shorter than the period"),
        pytest.param([14, 0, 0], [1010, 1030, 1040], id="one is left out"),
        pytest.param([10, 10, 10], [1010, 1030, 1050], id="just the period"),
        pytest.param([3600, 0, 0], [1010, 4620, 4630], id="the clock jumps ahead"),
        pytest.param([-3600, 0, 0], [1010, 1020, 1030], id="the clock jumps back"),
        pytest.param([-0.001, 0, 0], [1010, 1020, 1030], id="within one tick"),
    ],
)
def test_iol_26_27_calls_lie_on_a_grid_and_never_pile_up(clockwork, durations, expected):
    """However long the calls take, and whatever the clock does."""
    left = list(durations)

    def work():
        clockwork.now += left.pop(0)

    PeriodicCallback(work, 10_000, clockwork).start()
    assert [clockwork.pass_on() for _ in durations] == expected


def test_iol_28_29_stopped_and_started_again_there_is_one_schedule(clockwork):
    calls = []

    def work():
        calls.append(clockwork.now)
        if len(calls) == 2:
            periodic.stop()
        if len(calls) == 4:
            periodic.stop()
            periodic.start()

    periodic = PeriodicCallback(work, 10_000, clockwork)
    for _ in range(3):
        periodic.start()
        periodic.stop()
    assert not clockwork.due
    periodic.start()
    periodic.start()
    clockwork.pass_on()
    clockwork.pass_on()
    assert not clockwork.due
    periodic.start()
    for _ in range(4):
        clockwork.pass_on()
        assert len(clockwork.due) == 1
    assert calls == [1010, 1020, 1030, 1040, 1050, 1060]


@pytest.mark.parametrize("jitter", [0.5, 1])
def test_each_period_is_longer_or_shorter_by_half_the_jitter_at_most(clockwork, jitter):
    times = []
    PeriodicCallback(lambda: times.append(clockwork.now), 10_000, jitter, clockwork).start()
    for _ in range(200):
        clockwork.pass_on()
    periods = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(set(periods)) > 100
    slack = 1e-6
    assert all(abs(period - 10) <= 5 * jitter + slack for period in periods)


# -- coroutines of generators


def test_generators_wait_for_futures_coroutines_and_containers(loop):
    async def double(n):
        await asyncio.sleep(0)
        return 2 * n

    @gen.coroutine
    def main():
        one = yield double(1)
        many = yield [double(2), gen.maybe_future(7)]
        named = yield {"a": double(3)}
        yield gen.moment
        raise gen.Return((one, many, named))

    assert gen.is_coroutine_function(main)
    assert loop.run_sync(main) == (2, [4, 7], {"a": 6})


def test_errors_can_be_caught_around_a_yield(loop):
    async def broken():
        raise KeyError("here")

    @gen.coroutine
    def main():
        try:
            yield broken()
        except KeyError:
            pass
        try:
            yield object()
        except gen.BadYieldError:
            return "caught both"

    assert loop.run_sync(main) == "caught both"


def test_with_timeout(loop):
    async def main():
        assert await gen.with_timeout(datetime.timedelta(seconds=5), gen.maybe_future(1)) == 1
        forever = Future()
        with pytest.raises(TimeoutError, match="too slow"):
            await gen.with_timeout(
                datetime.timedelta(milliseconds=1), forever, message=lambda: "too slow"
            )

    loop.run_sync(main)


def test_the_second_error_of_a_list_is_logged(loop, caplog):
    async def broken(text):
        raise ValueError(text)

    async def main():
        with pytest.raises(ValueError, match="one"):
            await gen.multi([broken("one"), broken("two")])
        with pytest.raises(ValueError, match="three"):
            await gen.multi([broken("three"), broken("four")], quiet_exceptions=ValueError)

    loop.run_sync(main)
    assert "two" in caplog.text
    assert "four" not in caplog.text


def test_chain_future_copies_outcomes(loop):
    async def main():
        for finish in (lambda f: f.set_result(1), lambda f: f.cancel()):
            a, b = Future(), Future()
            assert is_future(a)
            chain_future(a, b)
            finish(a)
            await asyncio.sleep(0)
            assert (b.cancelled(), a.cancelled()) in ((True, True), (False, False))

    loop.run_sync(main)


# -- contexts of callbacks


def test_stk_4_exceptions_of_callbacks_reach_the_handler(loop, caplog):
    seen = []

    def outer(typ, value, tb):
        seen.append(("outer", typ))
        return True

    def inner(typ, value, tb):
        seen.append(("inner", typ))
        return typ is KeyError

    with stack_context.ExceptionStackContext(outer):
        with stack_context.ExceptionStackContext(inner):
            loop.add_callback(lambda: loop.add_callback(lambda: {}["x"]))
            loop.call_later(0.001, lambda: 1 / 0)
            raise KeyError("at once")
    loop.call_later(0.02, loop.stop)
    run_until_stopped(loop)
    assert seen == [
        ("inner", KeyError),
        ("inner", KeyError),
        ("inner", ZeroDivisionError),
        ("outer", ZeroDivisionError),
    ]
    assert not caplog.records


def test_stk_3_5_deactivated_and_null_contexts_see_nothing(loop, caplog):
    seen = []
    with stack_context.ExceptionStackContext(lambda *args: seen.append(args) or True) as stop:
        loop.add_callback(lambda: 1 / 0)
        with stack_context.NullContext():
            loop.add_callback(lambda: 1 / 0)
    stop()
    loop.call_later(0.01, loop.stop)
    run_until_stopped(loop)
    assert seen == []
    assert len(caplog.records) == 2


def test_stk_7_wrapped_functions_keep_their_context_in_other_threads():
    seen = []
    with stack_context.ExceptionStackContext(lambda typ, value, tb: seen.append(typ) or True):
        wrapped = stack_context.wrap(lambda: 1 / 0)
    thread = threading.Thread(target=wrapped)
    thread.start()
    thread.join()
    assert seen == [ZeroDivisionError]
    assert stack_context.wrap(None) is None


def test_loggers_are_not_set_up_by_importing():
    assert not logging.getLogger("tornado").handlers


def test_run_sync_does_nothing_where_a_loop_runs(loop):
    called = []

    async def inside():
        with pytest.raises(RuntimeError):
            loop.run_sync(lambda: called.append(1))

    asyncio.run(inside())
    loop.run_sync(lambda: None)
    assert not called


async def never():
    await asyncio.get_running_loop().create_future()


async def cancelled():
    raise asyncio.CancelledError


def test_run_sync_tells_a_timeout_from_a_stop(loop):
    with pytest.raises(TimeoutError, match="0.01 seconds"):
        loop.run_sync(never, timeout=0.01)
    with pytest.raises(RuntimeError, match="cancelled"):
        loop.run_sync(cancelled, timeout=10)
    loop.add_callback(loop.stop)
    waiting = loop.asyncio_loop.create_future()
    with pytest.raises(RuntimeError, match="stopped"):
        loop.run_sync(lambda: waiting)
