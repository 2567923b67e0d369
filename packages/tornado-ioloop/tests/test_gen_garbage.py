"""Errors of coroutines and callbacks are gone with the last who wants them, not with a collection
of garbage."""

import asyncio
import contextlib
import contextvars
import gc
import weakref

import pytest

from tornado import gen
from tornado.concurrent import chain_future, dummy_executor, return_future, run_on_executor
from tornado.ioloop import IOLoop
from tornado.log import app_log
from tornado.stack_context import StackContext


class Refused(Exception):
    """An error that tells how many of its kind there are."""

    alive = weakref.WeakSet()

    def __init__(self):
        self.alive.add(self)


def refuse(*ignored):
    raise Refused


@gen.coroutine
def at_once():
    raise Refused
    yield


@gen.coroutine
def later():
    yield gen.moment
    raise Refused


async def native():
    await asyncio.sleep(0)
    raise Refused


class Unfit:
    """Something that can't be waited for."""


gen.convert_yielded.register(Unfit)(refuse)


def made():
    future = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


def soon():
    return gen.moment


def failing_after(*makers):
    """A generator function that yields one thing after the other, and fails at last."""

    def work():
        for make in makers:
            yield make()
        raise Refused

    return work


def yielding(*makers):
    return gen.coroutine(failing_after(*makers))


def by_runner(make):
    def start():
        generator = failing_after(make)()
        outcome = asyncio.get_running_loop().create_future()
        gen.Runner(contextvars.copy_context().run, generator, outcome, next(generator))
        try:
            return outcome
        finally:
            del outcome

    return start


def thrown_into_runner():
    generator = failing_after(soon)()
    outcome = asyncio.get_running_loop().create_future()
    runner = gen.Runner(contextvars.copy_context().run, generator, outcome, next(generator))
    assert runner.handle_exception(Refused, Refused(), None)
    assert runner.finished
    try:
        return outcome
    finally:
        del outcome, runner


@gen.coroutine
def iterated():
    iterator = gen.WaitIterator(at_once(), later(), native())
    while not iterator.done():
        with contextlib.suppress(Refused):
            yield iterator.next()


def chained():
    target = asyncio.get_running_loop().create_future()
    chain_future(later(), target)
    try:
        return target
    finally:
        del target


class Executing:
    executor = dummy_executor

    @run_on_executor
    def work(self):
        raise Refused


async def surrounded():
    with StackContext(contextlib.nullcontext):
        outcome = yielding(made, later)()
    try:
        await outcome
    finally:
        del outcome


def as_callback(callback):
    async def work():
        IOLoop.current().add_callback(callback)

    return work


def result_of(future):
    try:
        future.result()
    finally:
        del future


async def callback_of_a_future():
    IOLoop.current().add_future(later(), result_of)


def refuse_call(callback):
    raise Refused


def refuse_callback(callback):
    IOLoop.current().add_callback(refuse)


def refuse_both(callback):
    IOLoop.current().add_callback(callback)
    raise Refused


async def with_callback():
    return_future(refuse_call)(callback=refuse)


async def failing_callback():
    return_future(lambda callback: callback(1))(callback=refuse)


def point(method):
    """A yield point one method of which fails."""

    class Point(gen.YieldPoint):
        def start(self, runner):
            self.runner = runner
            runner.register_callback("key")
            IOLoop.current().add_callback(runner.result_callback("key"), 1)

        def is_ready(self):
            return self.runner.is_ready("key")

        def get_result(self):
            return self.runner.pop_result("key")

    setattr(Point, method, refuse)
    return Point


def ready_point():
    refusing = point("get_result")
    refusing.is_ready = lambda self: True
    return refusing()


def waits():
    def work():
        callback = yield gen.Callback("key")
        callback(1)
        assert (yield gen.Wait("key")) == 1
        raise Refused

    return work


CASES = {
    "task": yielding(lambda: gen.Task(refuse_call)),
    "task later": yielding(lambda: gen.Task(refuse_callback)),
    "task, both": yielding(lambda: gen.Task(refuse_both)),
    "tasks": yielding(lambda: [gen.Task(refuse_call), gen.Task(refuse_callback)]),
    "awaited task": lambda: gen.Task(refuse_callback),
    "returned future": return_future(refuse_call),
    "returned future later": return_future(refuse_callback),
    "returned future, both": return_future(refuse_both),
    "returned future, callback": with_callback,
    "returned future, failing callback": failing_callback,
    "point, start": yielding(lambda: point("start")()),
    "point, is_ready": yielding(lambda: point("is_ready")()),
    "point, get_result": yielding(lambda: point("get_result")()),
    "point, ready": yielding(ready_point),
    "points": yielding(lambda: [point("start")(), point("get_result")()]),
    "wait": gen.coroutine(waits()),
    "function": gen.coroutine(refuse),
    "done": yielding(made),
    "several": yielding(lambda: [at_once(), later(), native()]),
    "names": yielding(lambda: {"a": native(), "b": later()}),
    "refused": yielding(Unfit),
    "refused later": yielding(soon, Unfit),
    "delegating": yielding(yielding(soon, yielding(later))),
    "awaited several": lambda: gen.multi([at_once(), later()]),
    "time": yielding(lambda: gen.with_timeout(IOLoop.current().time() + 60, later())),
    "iterator": iterated,
    "runner, moment": by_runner(soon),
    "runner, done": by_runner(made),
    "runner, failed": by_runner(at_once),
    "runner, failing": by_runner(later),
    "runner, refused": by_runner(Unfit),
    "runner, thrown": thrown_into_runner,
    "executor": lambda: asyncio.wrap_future(dummy_executor.submit(refuse)),
    "method of executor": lambda: Executing().work(),
    "chained": chained,
    "surrounded": surrounded,
    "callback": as_callback(refuse),
    "coroutine as callback": as_callback(at_once),
    "slow coroutine as callback": as_callback(later),
    "native coroutine as callback": as_callback(native),
    "callback of a future": callback_of_a_future,
    "engine": as_callback(gen.engine(failing_after())),
    "slow engine": as_callback(gen.engine(failing_after(soon))),
}


@pytest.fixture
def loop(monkeypatch):
    # What captures log records keeps the errors in them.
    monkeypatch.setattr(app_log, "disabled", True)
    loop = IOLoop()
    gc.disable()
    yield loop
    gc.enable()
    Refused.alive.clear()
    loop.close(all_fds=True)


@pytest.mark.parametrize("work", CASES.values(), ids=CASES)
def test_errors_leave_no_garbage(loop, work):
    async def look():
        with contextlib.suppress(Refused):
            await work()
        # What is done with is in the loop until then.
        for _ in range(8):
            await asyncio.sleep(0)
        assert not Refused.alive

    loop.run_sync(look, timeout=10)


@pytest.mark.parametrize("work", [refuse, at_once, later, native])
def test_errors_that_end_run_sync_leave_no_garbage(loop, work):
    with contextlib.suppress(Refused):
        loop.run_sync(work, timeout=10)
    assert not Refused.alive
