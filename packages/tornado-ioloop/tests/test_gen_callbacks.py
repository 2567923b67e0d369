"""Generators of the callback era: engines, tasks, callbacks by key (GEN-1 to GEN-12)."""

import asyncio
import logging

import pytest

from tornado import gen, stack_context
from tornado.ioloop import IOLoop
from tornado.stack_context import ExceptionStackContext


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 10))


def later(value, callback):
    """A function that passes its result to a callback, later."""
    IOLoop.current().add_callback(callback, value)


def failing(callback):
    IOLoop.current().add_callback(lambda: 1 / 0)


def finish(engine, *args):
    """Run an engine that takes a callback, and return what that got."""

    async def main():
        future = asyncio.get_running_loop().create_future()
        assert engine(*args, callback=future.set_result) is None
        return await future

    return run(main())


def test_gen_1_3_engines_pass_results_to_callbacks():
    @gen.engine
    def add(a, b, callback):
        first = yield gen.Task(later, a)
        second = yield gen.Task(later, b)
        callback(first + second)

    assert finish(add, 1, 2) == 3
    assert add.__name__ == "add"


def test_gen_4_callbacks_and_waits_in_any_order():
    @gen.engine
    def work(callback):
        (yield gen.Callback("early"))("before")
        later("after", (yield gen.Callback("late")))
        early = yield gen.Wait("early")
        late = yield gen.Wait("late")
        callback([early, late])

    assert finish(work) == ["before", "after"]


def test_gen_5_6_several_at_once():
    @gen.engine
    def work(callback):
        for key in range(3):
            later(key, (yield gen.Callback(key)))
        together = yield gen.WaitAll([2, 0, 1])
        later("w", (yield gen.Callback("w")))
        mixed = yield [gen.Wait("w"), gen.Task(later, "t"), gen.sleep(0)]
        named = yield {"a": gen.Task(later, 1), "b": gen.Task(later, 2)}
        callback([together, mixed, named])

    assert finish(work) == [[2, 0, 1], ["w", "t", None], {"a": 1, "b": 2}]


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        ((), {}, None),
        ((1,), {}, 1),
        ((1, 2), {}, gen.Arguments((1, 2), {})),
        ((1,), {"a": 2}, gen.Arguments((1,), {"a": 2})),
    ],
)
def test_gen_7_8_what_callbacks_get(args, kwargs, expected):
    @gen.engine
    def work(callback):
        by_task = yield gen.Task(lambda callback: callback(*args, **kwargs))
        (yield gen.Callback("k"))(*args, **kwargs)
        callback([by_task, (yield gen.Wait("k"))])

    assert finish(work) == [expected, expected]


def test_gen_9_keys_are_used_once_at_a_time():
    @gen.engine
    def work(callback):
        errors = []
        first = yield gen.Callback("k")
        try:
            yield gen.Callback("k")
        except gen.KeyReuseError as error:
            errors.append(error)
        first()
        yield gen.Wait("k")
        # Free again.
        (yield gen.Callback("k"))()
        yield gen.Wait("k")
        try:
            yield gen.Wait("k")
        except gen.UnknownKeyError as error:
            errors.append(error)
        callback(errors)

    reuse, unknown = finish(work)
    assert "'k'" in str(reuse)
    assert "'k'" in str(unknown)


def test_callbacks_that_nobody_waited_for(caplog):
    @gen.coroutine
    def work():
        yield gen.Callback("forgotten")

    async def main():
        with pytest.raises(gen.LeakedCallbackError, match="forgotten"):
            await work()

    run(main())


def test_gen_10_errors_of_tasks_are_caught_around_the_yield():
    @gen.engine
    def work(callback):
        caught = []
        for task in (failing, lambda callback: 1 / 0):
            try:
                yield gen.Task(task)
            except ZeroDivisionError:
                caught.append(task)
        callback(len(caught))

    assert finish(work) == 2


def test_gen_11_errors_reach_what_surrounds_the_engine(caplog):
    @gen.engine
    def at_once():
        raise KeyError
        yield

    @gen.engine
    def in_the_end():
        yield gen.sleep(0)
        raise KeyError

    async def main():
        with pytest.raises(KeyError):
            at_once()
        caught = asyncio.get_running_loop().create_future()
        with ExceptionStackContext(lambda kind, error, trace: caught.set_result(kind) or True):
            in_the_end()
        assert await caught is KeyError
        in_the_end()
        while not caplog.records:
            await asyncio.sleep(0)

    with caplog.at_level(logging.ERROR, "tornado.application"):
        run(main())
    assert len(caplog.records) == 1


def test_gen_12_engines_do_not_pile_up_contexts():
    depths = []

    @gen.engine
    def count(left, callback):
        depths.append(len(stack_context._contexts.get()))
        yield gen.Task(later, None)
        if left:
            count(left - 1, callback)
        else:
            callback(None)

    finish(count, 20)
    assert set(depths) == {0}


def test_what_an_engine_returns_is_nobodys():
    @gen.engine
    def work():
        yield gen.Task(lambda callback: callback())
        return 1

    async def main():
        with pytest.raises(gen.ReturnValueIgnoredError, match="1"):
            work()

    run(main())


def test_engines_without_generators():
    @gen.engine
    def plain(callback):
        callback(7)

    assert finish(plain) == 7


def test_all_kinds_mix():
    async def native(value):
        await gen.moment
        return value

    @gen.coroutine
    def generator(value):
        yield gen.moment
        raise gen.Return(value)

    @gen.engine
    def work(callback):
        results = yield [native(1), generator(2), gen.Task(later, 3)]
        inner = yield generator((yield native("in")))
        callback([*results, inner])

    assert finish(work) == [1, 2, 3, "in"]


def test_yielding_what_cannot_be_waited_for():
    @gen.coroutine
    def work():
        try:
            yield "text"
        except gen.BadYieldError as error:
            return str(error)

    async def main():
        return await work()

    assert "'text'" in run(main())


# WaitIterator


def test_results_as_they_come():
    async def main():
        loop = asyncio.get_running_loop()
        a, b, c = (loop.create_future() for _ in range(3))
        b.set_result("b")
        waiting = gen.WaitIterator(a=a, b=b, c=c)
        loop.call_soon(c.set_result, "c")
        loop.call_later(0.001, a.set_result, "a")
        seen = []
        async for result in waiting:
            assert waiting.current_future.result() == result
            seen.append((waiting.current_index, result))
        assert seen == [("b", "b"), ("c", "c"), ("a", "a")]
        assert waiting.done()
        assert waiting.current_index is None

    run(main())


def test_failures_come_in_their_turn():
    async def main():
        async def fail():
            raise KeyError

        async def succeed():
            await asyncio.sleep(0)
            return "well"

        waiting = gen.WaitIterator(fail(), succeed(), gen.sleep(0))
        seen = set()
        while not waiting.done():
            try:
                seen.add(await waiting.next())
            except KeyError:
                seen.add((waiting.current_index, "failed"))
        assert seen == {(0, "failed"), "well", None}

    run(main())


def test_iterators_are_used_in_order():
    async def main():
        never = asyncio.get_running_loop().create_future()
        waiting = gen.WaitIterator(never)
        pending = waiting.next()
        with pytest.raises(RuntimeError, match="again"):
            waiting.next()
        never.set_result(1)
        assert await pending == 1
        with pytest.raises(ValueError, match="names"):
            gen.WaitIterator(never, name=never)
        assert gen.WaitIterator().done()
        again = gen.WaitIterator(never, never)
        assert [result async for result in again] == [1, 1]

    run(main())


class Answered(gen.YieldPoint):
    """What programs for versions 2.1 to 4.x define: it takes a key, and adds to what that gets."""

    def __init__(self, function, *args):
        self.function = function
        self.args = args

    def start(self, runner):
        self.runner = runner
        runner.register_callback(self)
        self.function(*self.args, runner.result_callback(self))

    def is_ready(self):
        return self.runner.is_ready(self)

    def get_result(self):
        return self.runner.pop_result(self), "answered"


class Sum(gen.YieldPoint):
    """Gives the sum of several results that are there under keys of the program's own."""

    def __init__(self, *keys):
        self.keys = keys

    def start(self, runner):
        self.runner = runner

    def is_ready(self):
        return all(self.runner.is_ready(key) for key in self.keys)

    def get_result(self):
        return sum(self.runner.pop_result(key) for key in self.keys)


def at_once(value, callback):
    callback(value)


@pytest.mark.parametrize("decorator", [gen.engine, gen.coroutine])
def test_yield_points_of_a_programs_own(decorator):
    results = []

    @decorator
    def work(callback):
        results.append((yield Answered(later, 1)))
        results.append((yield Answered(at_once, 2)))
        results.append((yield [Answered(later, 3), gen.Task(later, 4), Answered(at_once, 5)]))
        results.append((yield {"a": Answered(later, 6)}))
        results.append((yield gen.Multi([Answered(later, 7), Answered(later, 8)])))
        later(10, (yield gen.Callback("a")))
        at_once(20, (yield gen.Callback("b")))
        results.append((yield Sum("a", "b")))
        callback(None)

    async def main():
        future = asyncio.get_running_loop().create_future()
        work(callback=future.set_result)
        await future

    run(main())
    assert results == [
        (1, "answered"),
        (2, "answered"),
        [(3, "answered"), 4, (5, "answered")],
        {"a": (6, "answered")},
        [(7, "answered"), (8, "answered")],
        30,
    ]


@pytest.mark.parametrize("where", ["start", "is_ready", "get_result"])
def test_errors_of_a_yield_point_are_raised_where_it_is_yielded(where):
    point = Answered(at_once, 1)

    def fail(*args):
        raise KeyError(where)

    setattr(point, where, fail)

    @gen.engine
    def work(callback):
        try:
            yield point
        except KeyError as error:
            if where != "start":
                point.runner.pop_result(point)
            callback(error.args[0])

    assert finish(work) == where


def test_a_yield_point_that_defines_nothing_says_so():
    @gen.coroutine
    def work():
        yield gen.YieldPoint()

    async def main():
        await work()

    with pytest.raises(NotImplementedError, match="YieldPoint"):
        run(main())


def test_results_can_be_set_from_outside():
    class Told(gen.YieldPoint):
        def start(self, runner):
            self.runner = runner
            runner.register_callback("told")

        def is_ready(self):
            return self.runner.is_ready("told")

        def get_result(self):
            return self.runner.pop_result("told")

    point = Told()

    @gen.coroutine
    def work():
        return (yield point)

    async def main():
        future = work()
        assert not future.done()
        asyncio.get_running_loop().call_soon(point.runner.set_result, "told", "it")
        return await future

    assert run(main()) == "it"


@pytest.mark.parametrize("when", ["at once", "later"])
def test_gen_10_a_task_that_lets_out_what_ends_generators(when):
    """Futures take no StopIteration; it's an error here, and nothing waits for ever."""

    def exhausted(callback):
        return next(iter([]))

    def exhausted_later(callback):
        IOLoop.current().add_callback(exhausted, None)

    @gen.engine
    def work(callback):
        try:
            yield gen.Task(exhausted if when == "at once" else exhausted_later)
        except RuntimeError as error:
            callback(type(error.__cause__))

    assert finish(work) is StopIteration
