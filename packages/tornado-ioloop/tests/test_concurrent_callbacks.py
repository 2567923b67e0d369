"""Functions with callbacks that return futures, and functions that run elsewhere."""

import asyncio
import concurrent.futures

import pytest

from tornado.concurrent import (
    Future,
    ReturnValueIgnoredError,
    TracebackFuture,
    chain_future,
    dummy_executor,
    future_set_exc_info,
    future_set_exception_unless_cancelled,
    future_set_result_unless_cancelled,
    return_future,
    run_on_executor,
)
from tornado.ioloop import IOLoop
from tornado.stack_context import ExceptionStackContext


def run(function):
    loop = IOLoop()
    try:
        return loop.run_sync(function, timeout=10)
    finally:
        loop.close(all_fds=True)


@return_future
def divide(number, by, callback):
    IOLoop.current().add_callback(lambda: callback(number // by))


def test_results_of_the_callback_are_the_futures():
    async def look():
        return await divide(6, 2)

    assert run(look) == 3


def test_errors_of_descendant_callbacks_are_the_futures():
    async def look():
        with pytest.raises(ZeroDivisionError):
            await divide(6, 0)

    run(look)


@pytest.mark.parametrize("by_name", [True, False])
def test_callers_may_pass_a_callback(by_name):
    async def look():
        got = Future()
        if by_name:
            divide(6, 2, callback=got.set_result)
        else:
            divide(6, 2, got.set_result)
        return await got

    assert run(look) == 3


def test_errors_of_callers_with_callbacks_reach_their_contexts():
    async def look():
        got = Future()

        def handle(kind, error, trace):
            got.set_result(kind)
            return True

        with ExceptionStackContext(handle):
            divide(6, 0, callback=print)
        assert await got is ZeroDivisionError

    run(look)


def test_no_other_value_may_be_returned():
    @return_future
    def wrong(callback):
        return 5

    async def look():
        with pytest.raises(ReturnValueIgnoredError):
            await wrong()

    run(look)


class Worker:
    def __init__(self, executor):
        self.executor = self.other = executor

    @run_on_executor
    def double(self, number):
        return 2 * number

    @run_on_executor(executor="other", io_loop="loop")
    def fail(self):
        raise KeyError("elsewhere")


@pytest.mark.parametrize("threads", [0, 1])
def test_methods_run_on_executors(threads):
    executor = concurrent.futures.ThreadPoolExecutor(threads) if threads else dummy_executor
    worker = Worker(executor)

    async def look():
        assert await worker.double(4) == 8
        got = Future()
        worker.double(5, callback=got.set_result)
        assert await got == 10
        with pytest.raises(KeyError):
            await worker.fail()

    run(look)
    executor.shutdown()


def test_outcomes_are_set_unless_cancelled(caplog):
    async def look():
        assert TracebackFuture is Future is asyncio.Future
        cancelled = Future()
        cancelled.cancel()
        future_set_result_unless_cancelled(cancelled, 1)
        assert not caplog.records
        future_set_exception_unless_cancelled(cancelled, ValueError())
        assert len(caplog.records) == 1
        with pytest.raises(ValueError, match="no exception"):
            future_set_exc_info(Future(), (None, None, None))
        source, target = Future(), Future()
        chain_future(source, target)
        future_set_exc_info(source, (OSError, OSError("set"), None))
        with pytest.raises(OSError, match="set"):
            await target

    run(look)
