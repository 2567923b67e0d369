"""How far contexts reach (STK-4, STK-8): streams, descriptors, generators; and no further."""

import contextlib
import socket
import subprocess
import sys

import pytest

from tornado import gen, stack_context
from tornado.concurrent import Future
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.iostream import IOStream
from tornado.netutil import add_accept_handler, bind_sockets
from tornado.stack_context import ExceptionStackContext, StackContext


def run(function):
    loop = IOLoop()
    try:
        return loop.run_sync(function, timeout=10)
    finally:
        loop.close(all_fds=True)


def by_engine(ours, theirs):
    @gen.engine
    def start():
        yield gen.moment
        raise ValueError

    start()


def by_stream_in_generator(ours, theirs):
    @gen.engine
    def start():
        stream = IOStream(ours)
        data = yield gen.Task(stream.read_until, b"\n")
        stream.close()
        raise ValueError(data)

    start()
    theirs.send(b"line\n")


def by_read_callback(ours, theirs):
    stream = IOStream(ours)

    def got(data):
        stream.close()
        raise ValueError(data)

    stream.read_bytes(4, got)
    theirs.send(b"line\n")


def by_write_callback(ours, theirs):
    stream = IOStream(ours)

    def written():
        stream.close()
        raise ValueError

    stream.write(b"x", written)


def by_close_callback(ours, theirs):
    stream = IOStream(ours)

    def closed():
        raise ValueError

    stream.set_close_callback(closed)
    stream.close()


def by_accepting(ours, theirs):
    (listening,) = bind_sockets(0, "127.0.0.1")

    def accepted(connection, address):
        stop()
        listening.close()
        connection.close()
        raise ValueError

    stop = add_accept_handler(listening, accepted)
    socket.create_connection(listening.getsockname()).close()


def by_handler(ours, theirs):
    loop = IOLoop.current()

    def ready(fd, events):
        loop.remove_handler(fd)
        raise ValueError

    loop.add_handler(ours.fileno(), ready, IOLoop.READ)
    theirs.send(b"x")


def by_timer_of_callback(ours, theirs):
    loop = IOLoop.current()
    loop.add_callback(lambda: loop.call_later(0, lambda: int("no number")))


def by_future(ours, theirs):
    future = Future()
    IOLoop.current().add_future(future, lambda done: done.result())
    future.set_exception(ValueError())


def by_native_callback(ours, theirs):
    async def later():
        await gen.sleep(0)
        raise ValueError

    IOLoop.current().spawn_callback(later)


def by_periodic_callback(ours, theirs):
    def tick():
        periodic.stop()
        raise ValueError

    periodic = PeriodicCallback(tick, 1)
    periodic.start()


def by_periodic_coroutine(ours, theirs):
    async def tick():
        periodic.stop()
        await gen.sleep(0)
        raise ValueError

    periodic = PeriodicCallback(tick, 1)
    periodic.start()


STARTS = [value for name, value in list(globals().items()) if name.startswith("by_")]


@pytest.mark.parametrize("start", STARTS, ids=lambda start: start.__name__)
def test_stk_4_8_exceptions_of_all_descendants_reach_the_handler(start, caplog):
    async def look():
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        got = Future()

        def handle(kind, error, trace):
            got.set_result(kind)
            return True

        with ours, theirs:
            with ExceptionStackContext(handle):
                start(ours, theirs)
            assert await got is ValueError

    run(look)
    assert not caplog.records


def test_contexts_of_one_request_are_not_those_of_the_next():
    async def look():
        handled = []

        def request(name):
            def handle(kind, error, trace):
                handled.append((name, str(error)))
                return True

            with ExceptionStackContext(handle):
                IOLoop.current().add_callback(fail, name)

        def fail(name):
            raise ValueError(name)

        for name in ("first", "second"):
            IOLoop.current().add_callback(request, name)
        for _ in range(5):
            await gen.sleep(0)
        assert handled == [("first", "first"), ("second", "second")]
        assert stack_context._state.contexts == ()

    run(look)


def test_programs_may_save_and_clear_what_is_in_effect():
    def handle(kind, error, trace):
        return True

    with ExceptionStackContext(handle):
        saved = stack_context._state.contexts
        assert len(saved) == 1
        stack_context._state.contexts = ((), None)
        assert stack_context._state.contexts == ()
        stack_context._state.contexts = saved
        assert stack_context._state.contexts == saved
    assert stack_context._state.contexts == ()


def test_coroutines_do_not_load_the_module():
    program = (
        "import sys; from tornado import gen, ioloop\n"
        "@gen.coroutine\ndef main(): yield gen.moment\n"
        "ioloop.IOLoop.current().run_sync(main)\n"
        "sys.exit('tornado.stack_context' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=30)


@pytest.mark.parametrize("decorator", [gen.engine, gen.coroutine], ids=["engine", "coroutine"])
def test_stk_1_8_the_rest_of_a_generator_is_run_where_it_was_called(decorator):
    """Whoever wakes it, and in whatever contexts: it's a callback that was started there."""
    entered = []

    def named(name):
        @contextlib.contextmanager
        def manager():
            entered.append(name)
            try:
                yield
            finally:
                entered.pop()

        return manager

    async def look():
        loop = IOLoop.current()
        seen = []
        kept = []
        end = Future()

        @decorator
        def work():
            seen.append(list(entered))
            yield gen.Task(loop.add_callback)
            seen.append(list(entered))
            yield gen.moment
            seen.append(list(entered))
            kept.append((yield gen.Callback("key")))
            loop.add_callback(wake)
            yield gen.Wait("key")
            seen.append(list(entered))
            end.set_result(None)

        def wake():
            assert entered == ["own"]
            with stack_context.NullContext(), StackContext(named("another's")):
                loop.add_callback(lambda: kept[0](entered.copy()))

        with StackContext(named("own")):
            work()
        await end
        assert seen == [["own"]] * 4

    run(look)
    assert not entered


def test_what_a_context_raises_on_the_way_into_a_generator_is_handled_like_an_error_of_a_callback():
    async def look():
        got = Future()

        @contextlib.contextmanager
        def once():
            if tries:
                raise OSError
            tries.append("first")
            yield

        @gen.engine
        def work():
            yield gen.moment

        tries = []
        with ExceptionStackContext(lambda kind, error, trace: got.set_result(kind) or True):
            with StackContext(once):
                work()
        assert await got is OSError

    run(look)
