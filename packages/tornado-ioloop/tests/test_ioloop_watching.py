"""What the documents promise of descriptors, timeouts, closing and blocked loops."""

import asyncio
import concurrent.futures
import contextlib
import gc
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import weakref

import pytest

from tornado.ioloop import IOLoop
from tornado.platform.asyncio import AsyncIOLoop, AsyncIOMainLoop, BaseAsyncIOLoop

LIMIT = 10


def facades():
    yield pytest.param(lambda: IOLoop(make_current=False), id="default")
    yield pytest.param(
        lambda: AsyncIOLoop(make_current=False, impl=selectors.SelectSelector()), id="select"
    )
    yield pytest.param(on_uvloop, id="uvloop")


def on_uvloop():
    uvloop = pytest.importorskip("uvloop", reason="a package that is no requirement")
    return BaseAsyncIOLoop(uvloop.new_event_loop(), make_current=False)


@pytest.fixture(params=facades())
def loop(request):
    loop = request.param()
    loop.make_current()
    yield loop
    IOLoop.clear_current()
    loop.close()


@pytest.fixture
def pair():
    near, far = socket.socketpair()
    near.setblocking(False)
    with near, far:
        yield near, far


def run(loop, timeout=LIMIT):
    """Run until something stops the loop."""
    handle = loop.call_later(timeout, pytest.fail, "the loop was not stopped")
    loop.start()
    loop.remove_timeout(handle)


def in_program(source, *arguments):
    """Run a program of its own; the rest of this process is no party to it."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(source), *arguments],
        capture_output=True,
        text=True,
        timeout=30,
    )


# -- which loop


def test_iol_1_2_there_is_one_instance_even_if_threads_ask_at_once():
    program = """
        import threading
        from tornado.ioloop import IOLoop
        assert not IOLoop.initialized()
        barrier = threading.Barrier(8)
        found = []
        def ask():
            barrier.wait()
            found.append(IOLoop.instance())
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert len(found) == 8 and len(set(map(id, found))) == 1
        assert IOLoop.initialized()
        assert IOLoop.instance() is found[0]
        found[0].close()
    """
    done = in_program(program)
    assert (done.returncode, done.stderr) == (0, "")


def test_iol_3_an_installed_subclass_is_the_instance():
    program = """
        from tornado.ioloop import IOLoop
        from tornado.platform.asyncio import AsyncIOLoop
        class Mine(AsyncIOLoop):
            pass
        mine = Mine(make_current=False)
        assert IOLoop.current(instance=False) is None
        mine.install()
        assert IOLoop.instance() is mine is IOLoop.current()
        mine.close()
        assert not IOLoop.initialized()
        IOLoop.configure(Mine)
        other = IOLoop()
        assert type(other) is Mine
        other.close()
        IOLoop.configure("tornado.platform.asyncio.AsyncIOLoop")
        third = IOLoop.current()
        assert type(third) is AsyncIOLoop
        third.close()
        try:
            IOLoop.configure(dict)
        except TypeError:
            pass
        else:
            raise AssertionError
    """
    done = in_program(program)
    assert (done.returncode, done.stderr) == (0, "")


def test_make_current_none_leaves_a_current_loop_alone():
    first = IOLoop(make_current=True)
    second = IOLoop(make_current=None)
    assert IOLoop.current() is first
    IOLoop.clear_current()
    third = IOLoop(make_current=None)
    assert IOLoop.current() is third
    for loop in (first, second, third):
        loop.close()


def test_each_thread_has_a_loop_of_its_own():
    def work(number):
        loop = IOLoop()
        assert IOLoop.current() is loop
        seen = []
        loop.call_later(0.001, seen.append, number)
        loop.call_later(0.002, loop.stop)
        loop.start()
        loop.close()
        assert IOLoop.current(instance=False) is None
        return seen

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [[0], [1], [2], [3]]


def test_a_loop_of_asyncio_has_one_face():
    async def main():
        face = IOLoop.current()
        with pytest.raises(RuntimeError, match="already"):
            AsyncIOMainLoop(make_current=False)
        return face

    first, second = asyncio.run(main()), asyncio.run(main())
    assert first is not second
    assert first not in IOLoop._ioloop_for_asyncio.values()


# -- running


def test_iol_4_6_8_the_iteration_is_completed_and_a_running_loop_cannot_be_closed(loop):
    seen = []

    def first():
        seen.append(loop.running())
        loop.stop()
        with pytest.raises(RuntimeError, match="while it runs"):
            loop.close()

    loop.add_callback(first)
    loop.add_callback(seen.append, "second of the same iteration")
    run(loop)
    assert seen == [True, "second of the same iteration"]
    assert not loop.running()


def test_iol_7_closing_frees_the_descriptors():
    before = os.listdir("/proc/self/fd")
    loop = IOLoop(make_current=False)
    assert len(os.listdir("/proc/self/fd")) > len(before)
    loop.close()
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("all_fds", [False, True])
def test_iol_7_close_closes_objects_only_if_asked(loop, pair, all_fds):
    near, _ = pair
    loop.add_handler(near, lambda fd, events: None, IOLoop.READ)
    loop.close(all_fds=all_fds)
    assert (near.fileno() == -1) is all_fds


def test_iol_20_many_timeouts_are_cheap(loop):
    count = 20_000
    start = time.process_time()
    handles = [loop.call_later(60 + number % 7, run, None) for number in range(count)]
    for handle in handles:
        loop.remove_timeout(handle)
    loop.add_callback(loop.stop)
    run(loop)
    assert time.process_time() - start < 3


def test_iol_21_an_idle_loop_sleeps():
    class Counting(selectors.DefaultSelector):
        calls = 0

        def select(self, timeout=None):
            self.calls += 1
            return super().select(timeout)

    selector = Counting()
    loop = AsyncIOLoop(make_current=False, impl=selector)
    loop.call_later(0.2, loop.stop)
    loop.start()
    loop.close()
    assert selector.calls <= 4


def test_iol_22_the_selector_is_the_best_one_unless_chosen():
    loop = IOLoop(make_current=False)
    assert type(loop.asyncio_loop._selector) is selectors.DefaultSelector
    loop.close()
    chosen = selectors.SelectSelector()
    loop = IOLoop(chosen)
    assert loop.asyncio_loop._selector is chosen
    assert IOLoop.current() is loop
    loop.close()


# -- descriptors


def test_iol_9_a_handler_is_called_as_long_as_there_is_something(loop, pair):
    near, far = pair
    far.send(b"abc")
    seen = []

    def one_byte(fd, events):
        assert fd == near.fileno()
        seen.append((near.recv(1), events))
        if len(seen) == 3:
            loop.stop()

    loop.add_handler(near.fileno(), one_byte, IOLoop.READ)
    run(loop)
    loop.remove_handler(near.fileno())
    assert seen == [(b"a", IOLoop.READ), (b"b", IOLoop.READ), (b"c", IOLoop.READ)]


def test_iol_10_masks_change_and_handlers_go(loop, pair):
    near, far = pair
    seen = []

    def handler(fd, events):
        seen.append(events)
        if events == IOLoop.WRITE:
            loop.update_handler(near, IOLoop.READ)
            far.send(b"x")
        else:
            loop.remove_handler(near)
            loop.call_later(0.01, loop.stop)

    loop.add_handler(near, handler, IOLoop.READ | IOLoop.WRITE)
    run(loop)
    assert seen == [IOLoop.WRITE, IOLoop.READ]
    loop.remove_handler(near)
    assert (loop.handlers, loop.readers, loop.writers) == ({}, set(), set())


def test_iol_10_a_handler_removed_in_the_same_iteration_is_not_called(loop):
    with contextlib.ExitStack() as stack:
        ends = [stack.enter_context(end) for _ in range(2) for end in socket.socketpair()]
        seen = []

        def handler(fd, events):
            seen.append(fd)
            for end in ends[::2]:
                loop.remove_handler(end)
            loop.call_later(0.01, loop.stop)

        for near, far in (ends[:2], ends[2:]):
            loop.add_handler(near, handler, IOLoop.READ)
            far.send(b"x")
        run(loop)
        assert len(seen) == 1


@pytest.mark.parametrize("error", [0, IOLoop.ERROR])
@pytest.mark.parametrize("mask", [IOLoop.READ, IOLoop.WRITE])
def test_iol_11_23_a_closed_peer_is_noticed(loop, pair, mask, error):
    near, far = pair
    assert loop.READ == IOLoop.READ
    with contextlib.suppress(BlockingIOError):
        # Nothing more can be written, so only the end makes it ready.
        while True:
            near.send(bytes(65536))
    seen = []

    def handler(fd, events):
        seen.append(events)
        loop.remove_handler(near)
        loop.stop()

    def close():
        assert seen == []
        far.close()

    loop.add_handler(near, handler, mask | error)
    loop.call_later(0.01, close)
    run(loop)
    assert seen == [mask]


def test_iol_24_data_come_before_the_end(loop, pair):
    near, far = pair
    far.send(b"last words")
    far.close()
    seen = []

    def handler(fd, events):
        seen.append(near.recv(4))
        if not seen[-1]:
            loop.remove_handler(near)
            loop.stop()

    loop.add_handler(near, handler, IOLoop.READ | IOLoop.ERROR)
    run(loop)
    assert seen == [b"last", b" wor", b"ds", b""]


def test_the_documented_server_on_bare_handlers(loop):
    """The example of a TCP server that has no more than the loop."""
    served = []

    def connection_ready(sock, fd, events):
        while True:
            try:
                connection, address = sock.accept()
            except BlockingIOError:
                return
            connection.setblocking(False)
            served.append(address)
            connection.send(b"hello")
            connection.close()

    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind(("127.0.0.1", 0))
        sock.listen(128)
        loop.add_handler(
            sock.fileno(), lambda fd, events: connection_ready(sock, fd, events), loop.READ
        )

        def visit():
            try:
                with socket.create_connection(sock.getsockname(), timeout=LIMIT) as visitor:
                    return visitor.recv(100), visitor.getsockname()
            finally:
                loop.add_callback(loop.stop)

        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            answer = pool.submit(visit)
            run(loop)
            assert answer.result() == (b"hello", served[0])
        loop.remove_handler(sock.fileno())


# -- callbacks


def test_callbacks_of_many_threads_are_all_run_each_threads_in_order(loop):
    count, threads = 500, 4
    seen = {number: [] for number in range(threads)}
    left = [threads]

    def finished():
        left[0] -= 1
        if not left[0]:
            loop.stop()

    def work(number):
        for item in range(count):
            loop.add_callback(seen[number].append, item)
        loop.add_callback(finished)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    run(loop)
    for worker in workers:
        worker.join()
    assert all(items == list(range(count)) for items in seen.values())


def test_add_callback_from_signal_wakes_the_loop(loop):
    def handler(number, frame):
        loop.add_callback_from_signal(loop.stop)

    earlier = signal.signal(signal.SIGUSR1, handler)
    try:
        thread = threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGUSR1))
        thread.start()
        run(loop)
        thread.join()
    finally:
        signal.signal(signal.SIGUSR1, earlier)


def test_iol_17_a_subclass_deals_with_exceptions_itself(caplog):
    seen = []

    class Quiet(AsyncIOLoop):
        def handle_callback_exception(self, callback):
            seen.append(sys.exc_info()[0])

    loop = Quiet(make_current=False)
    loop.add_callback(lambda: 1 / 0)
    loop.call_later(0, lambda: {}["x"])
    loop.call_later(0.001, loop.stop)
    run(loop)
    loop.close()
    assert sorted(kind.__name__ for kind in seen) == ["KeyError", "ZeroDivisionError"]
    assert not caplog.records


# -- loops that are blocked


@pytest.fixture
def alarm():
    earlier = signal.getsignal(signal.SIGALRM)
    yield
    assert signal.getsignal(signal.SIGALRM) == earlier
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def block(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def test_iol_18_a_blocked_loop_is_signalled(loop, alarm):
    calls = []
    # Far more than a busy machine takes away from a process that has work to do.
    loop.set_blocking_signal_threshold(1, lambda number, frame: calls.append((number, frame)))

    def hang():
        until = time.monotonic() + LIMIT
        while len(calls) < 2 and time.monotonic() < until:
            pass

    # Many short callbacks don't block, however long they take together.
    for number in range(70):
        loop.call_later(number * 0.02, block, 0.02)
    loop.call_later(1.4, lambda: calls.append("now"))
    loop.call_later(1.4, hang)
    loop.call_later(1.41, loop.stop)
    run(loop)
    assert calls[0] == "now"
    assert calls[1][0] == signal.SIGALRM
    assert calls[1][1].f_code is hang.__code__
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    loop.set_blocking_signal_threshold(None, None)
    loop.call_later(0, block, 0.1)
    loop.call_later(0.01, loop.stop)
    run(loop)
    assert len(calls) == 2


@pytest.mark.parametrize("wait", [lambda: None, lambda: time.sleep(0.01)], ids=["busy", "asleep"])
def test_iol_19_it_is_logged_where_a_loop_is_blocked(loop, alarm, caplog, wait):
    def hang():
        until = time.monotonic() + LIMIT
        while not caplog.records and time.monotonic() < until:
            wait()

    # Far more than a busy machine takes away from a process that has work to do.
    loop.set_blocking_log_threshold(1)
    loop.add_callback(hang)
    loop.call_later(0.01, loop.stop)
    run(loop)
    loop.set_blocking_log_threshold(None)
    # In its debug mode asyncio has something to say, too.
    (record,) = (record for record in caplog.records if record.name == "tornado.application")
    assert record.levelno == logging.WARNING
    assert "in hang" in record.getMessage()


def test_the_watch_ends_with_the_loop(alarm):
    loop = IOLoop(make_current=False)
    loop.set_blocking_log_threshold(60)
    loop.add_callback(loop.stop)
    loop.start()
    loop.close()


@pytest.mark.parametrize("seconds", [0, -1])
def test_thresholds_are_positive(loop, alarm, seconds):
    with pytest.raises(ValueError, match="positive"):
        loop.set_blocking_log_threshold(seconds)


def test_iol_18_without_an_action_the_signal_kills():
    program = """
        from tornado.ioloop import IOLoop
        loop = IOLoop()
        loop.set_blocking_signal_threshold(0.05, None)
        def block():
            while True: pass
        loop.add_callback(block)
        loop.start()
    """
    assert in_program(program).returncode == -signal.SIGALRM


def test_a_loop_that_asyncio_runs_is_watched_too():
    program = """
        import asyncio, sys, time
        from tornado.ioloop import IOLoop
        async def main():
            IOLoop.current().set_blocking_log_threshold(0.05)
            await asyncio.sleep(0)
            time.sleep(0.2)
        asyncio.run(main())
        print("ended", file=sys.stderr)
        # Nobody has told it of the end; it must find out.
        time.sleep(0.1)
    """
    done = in_program(program)
    assert done.returncode == 0
    before, after = done.stderr.split("ended\n")
    assert "line 7, in main" in before
    assert after == ""


def test_a_closed_loop_dies_by_reference_count():
    gc.collect()
    gc.disable()
    try:
        loop = IOLoop(make_current=False)
        loop.add_callback(loop.stop)
        loop.start()
        loop.close()
        seen = weakref.ref(loop)
        del loop
        assert seen() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("way", ["add_callback", "add_callback_from_signal", "stop"])
def test_what_a_signal_handler_does_to_a_waiting_loop_counts_at_once(loop, way):
    def handle(number, frame):
        if way == "stop":
            loop.stop()
        else:
            getattr(loop, way)(loop.stop)

    earlier = signal.signal(signal.SIGUSR1, handle)
    # It's sent when nothing but the wait is left to do.
    sender = threading.Timer(0.05, signal.pthread_kill, (threading.get_ident(), signal.SIGUSR1))
    sender.start()
    try:
        run(loop)
    finally:
        sender.join()
        signal.signal(signal.SIGUSR1, earlier)
    assert signal.set_wakeup_fd(-1) == -1


def test_who_is_told_of_signals_already_stays_so(loop):
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        signal.set_wakeup_fd(near.fileno())
        loop.add_callback(loop.stop)
        run(loop)
        assert signal.set_wakeup_fd(-1) == near.fileno()


def test_signal_handlers_of_the_loop_below_stay_in_force():
    loop = IOLoop(make_current=False)
    loop.add_callback(loop.asyncio_loop.add_signal_handler, signal.SIGUSR1, loop.stop)
    loop.add_callback(loop.stop)
    run(loop)
    loop.call_later(0, os.kill, os.getpid(), signal.SIGUSR1)
    run(loop)
    loop.asyncio_loop.remove_signal_handler(signal.SIGUSR1)
    loop.close()
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.parametrize("way", ["add_callback", "add_callback_from_signal", "spawn_callback"])
def test_closed_loops_take_callbacks_and_run_none(way):
    loop = IOLoop(make_current=False)
    loop.close()
    getattr(loop, way)(pytest.fail, "a closed loop runs nothing")


@pytest.mark.parametrize("fd", [-1, 9999])
def test_a_descriptor_that_cannot_be_watched_is_not_in_the_way_later(fd):
    loop = IOLoop(make_current=False)
    for _ in range(2):
        with pytest.raises((ValueError, OSError)) as caught:
            loop.add_handler(fd, print, IOLoop.READ)
        assert "twice" not in str(caught.value)
    loop.remove_handler(fd)
    loop.close(all_fds=True)


def test_a_run_that_was_interrupted_leaves_nothing_to_come(loop):
    calls = []

    def interrupt():
        raise KeyboardInterrupt

    loop.call_later(0.001, interrupt)
    with pytest.raises(KeyboardInterrupt):
        loop.run_sync(loop.asyncio_loop.create_future, timeout=0.02)

    def end():
        calls.append("not stopped before")
        loop.stop()

    loop.call_later(0.04, end)
    run(loop)
    assert calls == ["not stopped before"]


def test_another_thread_may_stop_a_loop_that_waits(loop):
    thread = threading.Timer(0.01, loop.stop)
    thread.start()
    run(loop)
    thread.join()
