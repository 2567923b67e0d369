"""Contexts that follow callbacks (STK-1 to STK-8)."""

import asyncio
import contextlib
import contextvars
import functools
import logging
import threading

import pytest

from tornado import gen, stack_context
from tornado.ioloop import IOLoop
from tornado.stack_context import ExceptionStackContext, NullContext, StackContext, wrap


def run(start):
    """Run a function in a loop until it calls what it's given."""

    async def main():
        done = asyncio.Event()
        start(done.set)
        await asyncio.wait_for(done.wait(), 10)

    asyncio.run(main())


class Calls:
    """Factories of context managers that note what happens."""

    def __init__(self):
        self.seen = []

    def __call__(self, name):
        @contextlib.contextmanager
        def manager():
            self.seen.append(f"+{name}")
            try:
                yield
            finally:
                self.seen.append(f"-{name}")

        return manager


def test_stk_1_2_6_contexts_are_entered_anew_for_each_callback():
    calls = Calls()

    def start(done):
        loop = IOLoop.current()
        with StackContext(calls("outer")), StackContext(calls("inner")):
            loop.add_callback(second)
        calls.seen.append("left")
        loop.add_callback(lambda: loop.add_callback(loop.add_callback, done))

    def second():
        calls.seen.append("callback")
        IOLoop.current().add_callback(calls.seen.append, "descendant")

    run(start)
    around = ["+outer", "+inner"], ["-inner", "-outer"]
    assert calls.seen == [
        *around[0], *around[1], "left",
        *around[0], "callback", *around[1],
        *around[0], "descendant", *around[1],
    ]  # fmt: skip


def test_stk_3_deactivated_contexts_are_not_entered_any_more():
    calls = Calls()

    def start(done):
        with StackContext(calls("gone")) as deactivate:
            with StackContext(calls("stays")):
                IOLoop.current().add_callback(calls.seen.append, "callback")
                IOLoop.current().add_callback(done)
            deactivate()
            calls.seen.append("still inside")

    run(start)
    assert calls.seen[:6] == ["+gone", "+stays", "-stays", "still inside", "-gone", "+stays"]
    assert "+gone" not in calls.seen[5:]


@pytest.mark.parametrize("consumed_by", ["inner", "outer", None])
def test_stk_4_handlers_from_the_innermost_on(consumed_by, caplog):
    seen = []

    def handler(name):
        def handle(kind, error, trace):
            assert (kind, type(error)) == (ZeroDivisionError, ZeroDivisionError)
            assert trace is not None
            seen.append(name)
            return name == consumed_by

        return handle

    def start(done):
        with (
            ExceptionStackContext(handler("outer")),
            ExceptionStackContext(handler("inner")),
        ):
            IOLoop.current().add_callback(lambda: IOLoop.current().add_callback(divide))
        IOLoop.current().call_later(0, IOLoop.current().add_callback, done)

    def divide():
        return 1 / 0

    with caplog.at_level(logging.ERROR, "tornado.application"):
        run(start)
    assert seen == (["inner"] if consumed_by == "inner" else ["inner", "outer"])
    assert len(caplog.records) == (consumed_by is None)


def test_exceptions_of_the_block_itself_are_handled_too():
    seen = []

    def handle(kind, error, trace):
        seen.append(kind)
        return kind is KeyError

    with ExceptionStackContext(handle):
        raise KeyError
    with pytest.raises(ZeroDivisionError), ExceptionStackContext(handle):
        raise ZeroDivisionError
    assert seen == [KeyError, ZeroDivisionError]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_handlers_cannot_keep_a_program_from_being_ended(kind):
    """An interrupt comes in the middle of whatever runs, which has nothing to do with it."""
    seen = []

    def deal_with(*error):
        seen.append(error)
        return True

    def end():
        raise kind

    loop = IOLoop(make_current=False)
    with ExceptionStackContext(deal_with):
        loop.add_callback(end)
    with pytest.raises(kind):
        loop.start()
    with pytest.raises(kind), ExceptionStackContext(deal_with):
        end()
    loop.close()
    assert seen == []


def test_stk_5_null_contexts_keep_contexts_away():
    calls = Calls()

    def start(done):
        with StackContext(calls("outer")):
            with NullContext():
                IOLoop.current().add_callback(calls.seen.append, "free")
            IOLoop.current().add_callback(done)

    run(start)
    assert calls.seen == ["+outer", "-outer", "free", "+outer", "-outer"]


def test_stk_7_wrapped_functions_bring_their_contexts_to_any_thread():
    calls = Calls()
    with StackContext(calls("c")):
        wrapped = wrap(calls.seen.append)
    assert wrap(None) is None
    thread = threading.Thread(target=wrapped, args=("thread",))
    thread.start()
    thread.join()
    wrapped("again")
    assert calls.seen == ["+c", "-c", "+c", "thread", "-c", "+c", "again", "-c"]


def test_wrapped_functions_may_call_themselves():
    seen = []

    def count(n):
        seen.append(n)
        if n:
            wrapped(n - 1)

    with ExceptionStackContext(lambda *args: True):
        wrapped = wrap(count)
    wrapped(3)
    assert seen == [3, 2, 1, 0]


def test_stk_8_timers_futures_and_coroutines():
    caught = []

    def handle(kind, error, trace):
        caught.append(str(error))
        return True

    def fail(what, *args):
        raise RuntimeError(what)

    async def coroutine():
        await asyncio.sleep(0)
        raise RuntimeError("coroutine")

    def start(done):
        loop = IOLoop.current()
        future = asyncio.get_running_loop().create_future()
        with ExceptionStackContext(handle):
            loop.call_later(0, fail, "timer")
            loop.add_future(future, lambda f: fail("future"))
            loop.add_callback(coroutine)
        future.set_result(None)
        loop.call_later(0.05, done)

    run(start)
    assert sorted(caught) == ["coroutine", "future", "timer"]


def test_the_documented_example(caplog):
    """Handlers die with their callbacks' errors, by a context manager that is entered for each."""
    died = []

    @contextlib.contextmanager
    def die_on_error():
        try:
            yield
        except Exception as error:
            died.append(error)

    def start(done):
        with StackContext(die_on_error):
            IOLoop.current().add_callback(lambda: {}["missing"])
        IOLoop.current().add_callback(IOLoop.current().add_callback, done)

    run(start)
    assert [type(error) for error in died] == [KeyError]
    assert not caplog.records


def test_run_with_stack_context():
    calls = Calls()

    async def main():
        async def work():
            await asyncio.sleep(0)
            return "result"

        return await stack_context.run_with_stack_context(StackContext(calls("c")), work)

    assert asyncio.run(main()) == "result"
    assert calls.seen == ["+c", "-c"]


def test_nothing_is_left_after_a_block():
    assert stack_context._contexts.get() == ()
    with pytest.raises(ZeroDivisionError), StackContext(Calls()("c")):
        raise ZeroDivisionError
    assert stack_context._contexts.get() == ()


def test_blocks_that_end_elsewhere_than_they_began():
    def generate():
        with StackContext(contextlib.nullcontext):
            yield

    for block in (StackContext(contextlib.nullcontext), NullContext()):
        generator = generate()
        before = stack_context._state.contexts
        next(generator)
        block.__enter__()
        with pytest.raises(stack_context.StackContextInconsistentError):
            # It ends before the block inside of it.
            next(generator)
        stack_context._state.contexts = before

    generator = generate()
    contextvars.copy_context().run(next, generator)
    with pytest.raises(stack_context.StackContextInconsistentError):
        next(generator)

    null = NullContext()
    with StackContext(contextlib.nullcontext):
        inside = stack_context._state.contexts
        null.__enter__()
        stack_context._state.contexts = inside
        with pytest.raises(stack_context.StackContextInconsistentError):
            null.__exit__()


def test_coroutines_may_wait_inside_of_a_block():
    seen = []

    @contextlib.contextmanager
    def mark():
        seen.append("in")
        try:
            yield
        finally:
            seen.append("out")

    @gen.coroutine
    def work():
        with StackContext(mark):
            yield gen.moment
        assert stack_context._state.contexts == ()

    async def main():
        await asyncio.gather(work(), work())

    asyncio.run(main())
    assert seen.count("in") == seen.count("out") >= 2


def test_stk_7_wrapped_functions_are_in_their_own_contexts_alone(caplog):
    """Those of whoever passes them to the loop are not for them."""
    seen = []

    def start(done):
        loop = IOLoop.current()
        with ExceptionStackContext(lambda *args: seen.append("own")):
            wrapped = wrap(lambda: {}["missing"])
        assert wrap(wrapped) is wrapped
        with ExceptionStackContext(lambda *args: seen.append("theirs") or True):
            loop.add_callback(wrapped)
            loop.add_callback(wrap(loop.call_later), 0, done)
        loop.add_callback(functools.partial(wrapped))

    with caplog.at_level(logging.ERROR, "tornado.application"):
        run(start)
    assert seen == ["own", "own"]
    assert len(caplog.records) == 2


def test_functions_around_wrapped_ones_are_not_wrapped_themselves():
    wrapped = wrap(lambda: "result")

    @functools.wraps(wrapped)
    def around():
        return wrapped()

    again = wrap(around)
    assert again is not around
    assert again() == "result"


def test_stk_2_a_context_manager_itself_is_refused():
    calls = Calls()
    before = stack_context._state.contexts
    for manager in (calls("c")(), contextlib.nullcontext()):
        with pytest.raises(TypeError), StackContext(manager):
            pytest.fail("it was entered")
    assert stack_context._state.contexts == before
    assert not calls.seen


def test_stk_3_a_context_that_is_deactivated_ends_where_it_is_in_effect():
    """In callbacks that run, and in the block itself; it's kept from those that come."""
    calls = Calls()

    def start(done):
        loop = IOLoop.current()

        def first():
            deactivate()
            calls.seen.append("goes on")
            loop.add_callback(second)

        def second():
            calls.seen.append("without")
            done()

        with StackContext(calls("c")) as deactivate:
            loop.add_callback(first)

    run(start)
    assert calls.seen == ["+c", "-c", "+c", "goes on", "-c", "without"]
