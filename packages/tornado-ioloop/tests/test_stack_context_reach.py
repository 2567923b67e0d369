"""How far contexts reach (STK-4, STK-8): streams, descriptors, generators; and no further."""

import socket
import subprocess
import sys

import pytest

from tornado import gen, stack_context
from tornado.concurrent import Future
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream
from tornado.stack_context import ExceptionStackContext


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
