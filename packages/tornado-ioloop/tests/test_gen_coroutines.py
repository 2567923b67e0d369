"""Coroutines made of generators: what they yield, cancel and raise."""

import asyncio
import concurrent.futures
import contextlib
import contextvars
import datetime
import gc
import inspect
import sys
import traceback
import weakref

import pytest

from tornado import gen
from tornado.ioloop import IOLoop


def run(function):
    loop = IOLoop()
    try:
        return loop.run_sync(function, timeout=10)
    finally:
        loop.close(all_fds=True)


async def turns(count=5):
    for _ in range(count):
        await asyncio.sleep(0)


def made(result):
    future = asyncio.get_running_loop().create_future()
    future.set_result(result)
    return future


async def native(result):
    await asyncio.sleep(0)
    return result


@pytest.mark.parametrize("raised", [gen.Return(3), StopIteration(3)], ids=repr)
def test_functions_that_are_no_generators_end_as_generators_do(raised):
    @gen.coroutine
    def function():
        raise raised

    assert run(function) == 3


def test_results_of_several_by_place_and_name():
    executor = concurrent.futures.ThreadPoolExecutor(1)

    @gen.coroutine
    def several():
        assert (yield []) == []
        assert (yield {}) == {}
        assert (yield [made(1), native(2), executor.submit(int, "3")]) == [1, 2, 3]
        assert (yield (made(1), made(2))) == [1, 2]
        assert (yield {"a": made(1), "b": [native(2), None]}) == {"a": 1, "b": [2, None]}
        twice = asyncio.ensure_future(native(4))
        assert (yield [twice, twice]) == [4, 4]
        return (yield gen.multi(made(n) for n in range(3)))

    try:
        assert run(several) == [0, 1, 2]
    finally:
        executor.shutdown()


def test_results_that_are_there_need_no_iteration_of_the_loop():
    async def look():
        assert gen.multi([made(1), made(2)]).result() == [1, 2]
        assert gen.multi({"x": made(1)}).result() == {"x": 1}

    run(look)


@pytest.mark.parametrize("quiet", [(), ValueError, (OSError, ValueError)])
def test_errors_after_the_first_of_several_are_logged_unless_quiet(quiet, caplog):
    async def fail():
        first, second = asyncio.Future(), asyncio.Future()
        together = gen.multi([first, second], quiet_exceptions=quiet)
        second.set_exception(ValueError("second"))
        await turns()
        assert not together.done()
        first.set_exception(KeyError("first"))
        with pytest.raises(KeyError):
            await together

    run(fail)
    assert len(caplog.records) == (0 if quiet else 1)


def test_a_cancelled_one_cancels_the_whole_and_does_not_hide_errors(caplog):
    async def look():
        first, second = asyncio.Future(), asyncio.Future()
        together = gen.multi([first, second])
        first.cancel()
        second.set_exception(ValueError("second"))
        await turns()
        assert together.cancelled()

    run(look)
    assert [record.exc_info[0] for record in caplog.records] == [ValueError]


def test_coroutines_may_be_called_before_the_loop_runs():
    loop = IOLoop()
    loop.make_current()

    @gen.coroutine
    def wait():
        yield None
        yield gen.moment
        yield gen.sleep(0)
        yield []
        return (yield native(5))

    try:
        future = wait()
        assert loop.run_sync(lambda: future) == 5
    finally:
        loop.close(all_fds=True)


def test_cancelling_a_coroutine_leaves_alone_what_it_waits_for():
    log = []

    @gen.coroutine
    def wait(future):
        try:
            yield future
        finally:
            log.append("left")

    async def look():
        inner = asyncio.Future()
        outer = wait(inner)
        outer.cancel()
        await turns()
        assert outer.cancelled()
        assert not inner.done()
        assert not log
        inner.set_result(None)
        await turns()
        assert log == ["left"]

    run(look)


def test_cancelling_what_a_coroutine_waits_for_cancels_it():
    async def look():
        inner = asyncio.Future()

        @gen.coroutine
        def wait():
            yield inner

        @gen.coroutine
        def rescue():
            try:
                yield inner
            except asyncio.CancelledError:
                return "rescued"

        lost, rescued = wait(), rescue()
        inner.cancel()
        assert await rescued == "rescued"
        assert lost.cancelled()

    run(look)


def test_tracebacks_show_every_line_of_the_program():
    @gen.coroutine
    def innermost():
        yield gen.moment
        raise ValueError("deep")

    async def middle():
        await innermost()

    @gen.coroutine
    def outermost():
        yield middle()

    with pytest.raises(ValueError, match="deep") as caught:
        run(outermost)
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert [name for name in names if name in ("outermost", "middle", "innermost")] == [
        "outermost",
        "middle",
        "innermost",
    ]


def test_each_coroutine_keeps_its_context_variables():
    variable = contextvars.ContextVar("variable", default=0)

    @gen.coroutine
    def change(value):
        variable.set(value)
        yield gen.moment
        assert variable.get() == value

    @gen.coroutine
    def both():
        yield [change(1), change(2)]
        assert variable.get() == 0

    run(both)


def test_several_may_hold_callbacks_by_key():
    @gen.coroutine
    def wait():
        for key in "abc":
            IOLoop.current().add_callback((yield gen.Callback(key)), key.upper())
        listed = yield gen.Multi([gen.Wait("a"), made(1), native(2)])
        by_name = yield gen.Multi({"x": [gen.Wait("b")], "y": gen.WaitAll(["c"])})
        return listed, by_name

    assert run(wait) == (["A", 1, 2], {"x": ["B"], "y": ["C"]})


def test_further_types_can_be_registered():
    class Deferred:
        def __init__(self, value):
            self.value = value

    gen.convert_yielded.register(Deferred, lambda deferred: made(deferred.value))

    @gen.coroutine
    def wait():
        return (yield [Deferred(1), Deferred(2)])

    assert run(wait) == [1, 2]


def test_a_timeout_leaves_alone_what_was_waited_for(caplog):
    async def look():
        slow = asyncio.Future()
        at_once = datetime.timedelta(0)
        with pytest.raises(gen.TimeoutError, match="too late"):
            await gen.with_timeout(at_once, slow, message=lambda: "too late")
        with pytest.raises(gen.TimeoutError):
            await gen.with_timeout(at_once, slow, quiet_exceptions=(ValueError,))
        assert not slow.done()
        slow.set_exception(ValueError("after all"))
        await turns()

    run(look)
    assert len(caplog.records) == 1


def test_what_comes_in_time_passes_the_timeout():
    async def look():
        assert await gen.with_timeout(datetime.timedelta(hours=1), native(7)) == 7
        with pytest.raises(ZeroDivisionError):
            failed = asyncio.Future()
            failed.set_exception(ZeroDivisionError())
            await gen.with_timeout(IOLoop.current().time() + 3600, failed)

    run(look)


def test_a_runner_drives_a_generator_that_was_started_elsewhere():
    async def look():
        steps = []

        def generator():
            steps.append((yield native("a")))
            steps.append((yield made("b")))
            return "end"

        generated = generator()
        result = asyncio.Future()
        runner = gen.Runner(contextvars.copy_context().run, generated, result, next(generated))
        assert not runner.finished
        assert await result == "end"
        assert steps == ["a", "b"]
        assert runner.finished
        assert not runner.running

    run(look)


def test_a_runner_raises_exceptions_where_the_generator_waits():
    async def look():
        def generator():
            try:
                yield never
            except ValueError:
                yield gen.moment
                return "handled"

        never = asyncio.Future()
        generated = generator()
        result = asyncio.Future()
        runner = gen.Runner(contextvars.copy_context().run, generated, result, next(generated))
        assert runner.handle_exception(ValueError, ValueError(), None)
        never.set_result("too late")
        assert await result == "handled"
        assert not runner.handle_exception(ValueError, ValueError(), None)

    run(look)


def test_a_runner_tells_the_generator_what_it_must_not_yield():
    async def look():
        def generator():
            with pytest.raises(gen.BadYieldError):
                yield 5
            return "told"

        generated = generator()
        result = asyncio.Future()
        gen.Runner(contextvars.copy_context().run, generated, result, next(generated))
        assert await result == "told"

    run(look)


def test_futures_of_threads_are_futures_too():
    async def look():
        executor = concurrent.futures.ThreadPoolExecutor(1)
        future = executor.submit(int, "5")
        assert gen.maybe_future(future) is future
        assert await gen.convert_yielded(gen.maybe_future(future)) == 5
        executor.shutdown()

    run(look)


@pytest.mark.parametrize(("message", "expected"), [(None, "Timeout"), ("", ""), (str, "")])
def test_the_message_of_a_timeout(message, expected):
    async def look():
        with pytest.raises(TimeoutError) as caught:
            await gen.with_timeout(datetime.timedelta(0), asyncio.Future(), message=message)
        assert str(caught.value) == expected

    run(look)


def test_a_cancelled_coroutine_that_fails_afterwards_is_logged(caplog):
    @gen.coroutine
    def fail(future):
        yield future
        raise ValueError("nobody waits for it")

    async def look():
        inner = asyncio.Future()
        fail(inner).cancel()
        inner.set_result(None)
        await turns()

    run(look)
    assert [record.exc_info[0] for record in caplog.records] == [ValueError]


def test_functions_that_are_no_generators_keep_their_context_variables_too():
    variable = contextvars.ContextVar("variable", default=0)

    @gen.coroutine
    def change():
        variable.set(1)
        return variable.get()

    async def look():
        assert await change() == 1
        assert variable.get() == 0

    run(look)


def test_coroutines_may_call_each_other_deeply():
    """They take two frames of the stack each: a wrapper's, and their own."""

    @gen.coroutine
    def descend(left):
        if left:
            yield descend(left - 1)
        return left

    depth = (sys.getrecursionlimit() - len(inspect.stack())) // 4
    assert run(lambda: descend(depth)) == depth


class Refused(Exception):
    """An error that tells how many of its kind there are."""

    alive = weakref.WeakSet()

    def __init__(self):
        self.alive.add(self)


@gen.coroutine
def at_once():
    raise Refused
    yield


@gen.coroutine
def after_a_while():
    yield gen.moment
    raise Refused


async def in_a_native_one():
    await gen.sleep(0)
    raise Refused


@gen.coroutine
def after_misuse():
    with contextlib.suppress(gen.BadYieldError):
        yield 5
    raise Refused


@pytest.mark.parametrize("catching", [True, False])
@pytest.mark.parametrize("fail", [at_once, after_a_while, in_a_native_one, after_misuse])
def test_coroutines_that_fail_leave_no_garbage(fail, catching):
    """Whether another one catches the error, or lets it out again."""

    @gen.coroutine
    def outer():
        try:
            yield fail()
        except Refused:
            if not catching:
                raise

    async def once():
        with contextlib.suppress(Refused):
            await outer()

    async def look():
        gc.disable()
        try:
            await once()
            # What is done with is in the loop until then.
            await turns()
            assert not Refused.alive
        finally:
            gc.enable()
            Refused.alive.clear()

    run(look)


@pytest.mark.parametrize("waits", [True, False])
def test_errors_of_what_is_registered_reach_the_generator(waits):
    class Unfit:
        pass

    @gen.convert_yielded.register(Unfit)
    def refuse(unfit):
        raise Refused

    @gen.coroutine
    def work():
        if waits:
            yield gen.moment
        with pytest.raises(Refused):
            yield Unfit()
        with pytest.raises(Refused):
            yield [Unfit()]
        return "told"

    assert run(work) == "told"
