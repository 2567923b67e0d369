"""Several processes: workers that are copies of this one, and other programs as children."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import random
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NoReturn

from tornado import _worker
from tornado.ioloop import IOLoop
from tornado.iostream import PipeIOStream
from tornado.log import gen_log

try:
    import fcntl
except ImportError:  # Windows has none; nor has it fork.
    fcntl = None  # type: ignore[assignment]

__all__ = ["CalledProcessError", "Subprocess", "cpu_count", "fork_processes", "task_id"]

CalledProcessError = subprocess.CalledProcessError

DEFAULT_MAX_RESTARTS = 100

# Seconds after which the parent looks for dead workers even though no signal told of one: another
# thread may have got it.
REAP_INTERVAL = 1.0

# Seconds that workers have for ending when the parent gives up; then they are killed.
STOP_GRACE = 10.0


def cpu_count() -> int:
    """Return the number of processors of this machine."""
    return os.cpu_count() or 1


def task_id() -> int | None:
    """Return the number that `fork_processes` gave to this process, or `None` in any other."""
    return _worker.task_id


# -- workers


def fork_processes(num_processes: int | None, max_restarts: int | None = None) -> int:
    """Start worker processes that are copies of this one.

    It returns in the workers only. The parent stays in here: it starts a worker again that dies of
    a signal or with an exit status other than 0, and passes ``SIGTERM`` and ``SIGINT`` on. When the
    parent dies, the workers get a ``SIGTERM``.

    No event loop may run yet, and none should have been made: the processes would share it.

    :arg num_processes: how many; `None` and 0 or less mean one for each CPU. One worker is a
        process of its own too.
    :arg max_restarts: how often workers are started again, all together; 100 by default.
    :returns: the worker's number, from 0 on. A worker that takes a dead one's place has its number.
    :raises SystemExit: in the parent, when all workers have ended with status 0.
    :raises RuntimeError: in the parent, when there would have to be more than ``max_restarts``
        restarts, after the other workers have been ended; or if an event loop runs.

    .. versionchanged:: 2.2
       The parent doesn't return.
    """
    if _loop_runs():
        raise RuntimeError("fork_processes was called while an event loop runs")
    count = num_processes if num_processes is not None and num_processes > 0 else cpu_count()
    limit = DEFAULT_MAX_RESTARTS if max_restarts is None else max_restarts
    workers = _Workers(count, limit)
    _worker.tally = _worker.Tally(count)
    with _signals_held():
        number = workers.supervise()
    if number is None:
        _end_like(workers.ending)
    _worker.task_id = number
    _reseed_random()
    return number


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _end_like(ending: int | None) -> NoReturn:
    """End the parent: of the signal it got, so that whoever sent it sees that, or well."""
    if ending is not None:
        os.kill(os.getpid(), ending)
    sys.exit(0)


def _reseed_random() -> None:
    """Give this process random numbers of its own."""
    try:
        seed = int.from_bytes(os.urandom(16), "big")
    except NotImplementedError:
        seed = time.time_ns() ^ (os.getpid() << 32)
    random.seed(seed)


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Keep the signals that the parent waits for from being handled otherwise; a worker leaves this
    as the parent does.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    main = threading.current_thread() is threading.main_thread()
    # A child's end is only reported reliably where it isn't ignored (POSIX, sigwait).
    handler = signal.signal(signal.SIGCHLD, lambda number, frame: None) if main else None
    try:
        yield
    finally:
        if main:
            signal.signal(signal.SIGCHLD, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


_AWAITED = frozenset(
    getattr(signal, name) for name in ("SIGCHLD", "SIGTERM", "SIGINT") if hasattr(signal, name)
)


class _Workers:
    """The parent's view of its workers.

    Each worker holds the reading end of a pipe of which the parent has the only writing end, its
    *lifeline*: when the parent is gone, in whatever way, the system tells the worker.
    """

    def __init__(self, count: int, max_restarts: int) -> None:
        self.ending: int | None = None
        self._count = count
        self._restarts_left = max_restarts
        self._max_restarts = max_restarts
        self._numbers: dict[int, int] = {}
        self._lifelines: dict[int, int] = {}

    def supervise(self) -> int | None:
        """Start the workers and look after them. Returns its number in a worker, `None` in the
        parent at the end.
        """
        gen_log.info("Starting %d worker processes", self._count)
        try:
            for number in range(self._count):
                if self._start(number):
                    return number
            while self._numbers:
                self._wait()
                for number in self._dead():
                    if self._start(number):
                        return number
        except OSError:
            self._stop_all()
            raise
        return None

    def _start(self, number: int) -> bool:
        """Fork; return whether this is the worker."""
        reading, writing = os.pipe()
        for output in (sys.stdout, sys.stderr):
            # What is buffered would be written by both processes.
            if output is not None:
                output.flush()
        try:
            pid = os.fork()
        except OSError:
            os.close(reading)
            os.close(writing)
            raise
        if pid:
            os.close(reading)
            self._numbers[pid] = number
            self._lifelines[pid] = writing
            return False
        os.close(writing)
        for other in self._lifelines.values():
            os.close(other)
        _end_with_parent(reading)
        return True

    def _wait(self) -> None:
        """Wait for a signal, and pass it on."""
        told_already = False
        if hasattr(signal, "sigtimedwait"):
            info = signal.sigtimedwait(_AWAITED, REAP_INTERVAL)
            if info is None:
                return
            number = info.si_signo
            # A positive code is the system's own: ^C on a terminal, which all processes get that
            # are in the foreground.
            told_already = number == signal.SIGINT and info.si_code > 0
        else:
            number = signal.sigwait(_AWAITED)
        if number == signal.SIGCHLD:
            return
        self.ending = number
        if not told_already:
            self._signal_all(number)

    def _dead(self) -> list[int]:
        """Collect dead workers; return the numbers of those that are to be started again."""
        wanted = []
        for pid in list(self._numbers):
            status = _status_of(pid)
            if status is None:
                continue
            number = self._forget(pid)
            if status == 0 or self.ending is not None:
                continue
            gen_log.warning(
                "Worker %d (process %d) ended with status %d: starting it again",
                number,
                pid,
                status,
            )
            if not self._restarts_left:
                self._stop_all()
                raise RuntimeError(
                    f"workers had to be started again more than {self._max_restarts} times"
                )
            self._restarts_left -= 1
            wanted.append(number)
        return wanted

    def _forget(self, pid: int) -> int:
        os.close(self._lifelines.pop(pid))
        return self._numbers.pop(pid)

    def _signal_all(self, number: int) -> None:
        for pid in self._numbers:
            # None of them has been waited for, so the numbers are still theirs.
            os.kill(pid, number)

    def _stop_all(self) -> None:
        """End all workers, if need be by force."""
        self._signal_all(signal.SIGTERM)
        deadline = time.monotonic() + STOP_GRACE
        while self._numbers:
            for pid in list(self._numbers):
                if _status_of(pid) is not None:
                    self._forget(pid)
            if time.monotonic() > deadline:
                self._signal_all(signal.SIGKILL)
            time.sleep(0.02)


def _status_of(pid: int) -> int | None:
    """Return the exit status of a child, negative for a signal, or `None` while it runs."""
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        # Somebody else has waited for it.
        return 0
    return os.waitstatus_to_exitcode(status) if found else None


def _end_with_parent(lifeline: int) -> None:
    """Have this process get a SIGTERM when the other end of ``lifeline`` is closed."""
    if not hasattr(fcntl, "F_SETSIG"):
        threading.Thread(target=_watch, args=(lifeline,), name="lifeline", daemon=True).start()
        return
    # Linux sends a signal of choice by itself, so that the worker needs no thread.
    fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGTERM)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([lifeline], [], [], 0)[0]:
        # It was gone before.
        os.kill(os.getpid(), signal.SIGTERM)


def _watch(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)


# -- other programs


class Subprocess:
    """Another program as a child process, with streams and without blocking.

    .. code-block:: python

        child = Subprocess(["sort"], stdin=Subprocess.STREAM, stdout=Subprocess.STREAM)
        await child.stdin.write(text)
        child.stdin.close()
        result = await child.stdout.read_until_close()
        await child.wait_for_exit()

    The arguments are those of `subprocess.Popen`. For ``stdin``, ``stdout`` and ``stderr`` there's
    one value more: with ``Subprocess.STREAM`` the attribute of that name is a `.PipeIOStream`.
    Other attributes are ``proc``, the `subprocess.Popen`, ``pid``, and ``returncode``, which is
    `None` until the child has ended.

    A child that has ended is always collected, as long as the loop runs; nobody need wait for it.

    :arg io_loop: as programs of the callback era give it; the current one by default.
    """

    STREAM: ClassVar[object] = object()

    stdin: Any
    stdout: Any
    stderr: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.io_loop: IOLoop = kwargs.pop("io_loop", None) or IOLoop.current()
        self.returncode: int | None = None
        self._exit_callback: tuple[contextvars.Context, Callable[[int], Any]] | None = None
        self._waiting: list[asyncio.Future[int]] = []
        self._pidfd: int | None = None
        with contextlib.ExitStack() as childs_ends, contextlib.ExitStack() as own_ends:
            streams: dict[str, int] = {}
            for name in ("stdin", "stdout", "stderr"):
                if kwargs.get(name) is Subprocess.STREAM:
                    reading, writing = os.pipe()
                    given, own = (reading, writing) if name == "stdin" else (writing, reading)
                    childs_ends.callback(os.close, given)
                    own_ends.callback(os.close, own)
                    kwargs[name] = given
                    streams[name] = own
            self.proc = subprocess.Popen(*args, **kwargs)
            own_ends.pop_all()
        for name in ("stdin", "stdout", "stderr"):
            stream = (
                PipeIOStream(streams[name], io_loop=self.io_loop)
                if name in streams
                else getattr(self.proc, name)
            )
            setattr(self, name, stream)
        self.pid = self.proc.pid
        self._watch_exit()

    @classmethod
    def initialize(cls, io_loop: IOLoop | None = None) -> None:
        """Do nothing: children are watched without a signal handler, from any thread and loop.

        .. deprecated:: 6.100
           Programs needn't call it.
        """

    @classmethod
    def uninitialize(cls) -> None:
        """Do nothing, as there is nothing that `initialize` has done."""

    def set_exit_callback(self, callback: Callable[[int], Any]) -> None:
        """Have ``callback`` called with the exit status when the child has ended.

        :arg callback: takes the place of an earlier one. The status is negative for a signal.
        """
        self._exit_callback = (contextvars.copy_context(), callback)
        if self.returncode is not None:
            self._run_exit_callback()

    def wait_for_exit(self, raise_error: bool = True) -> asyncio.Future[int]:
        """Wait until the child has ended.

        :arg raise_error: a status other than 0 is an error.
        :returns: a future with the exit status, which is negative for a signal.
        :raises CalledProcessError: from the future.

        .. versionadded:: 4.2
        """
        loop = self.io_loop.asyncio_loop
        ended: asyncio.Future[int] = loop.create_future()
        if self.returncode is not None:
            ended.set_result(self.returncode)
        else:
            self._waiting.append(ended)
        if not raise_error:
            return ended
        checked: asyncio.Future[int] = loop.create_future()

        def check(ended: asyncio.Future[int]) -> None:
            if checked.done() or ended.cancelled():
                return
            status = ended.result()
            if status:
                checked.set_exception(CalledProcessError(status, self.proc.args))
            else:
                checked.set_result(status)

        ended.add_done_callback(check)
        return checked

    def _watch_exit(self) -> None:
        try:
            self._pidfd = number = os.pidfd_open(self.pid)
        except (AttributeError, OSError):
            # Not on Linux, or not permitted: a thread waits.
            threading.Thread(target=self._wait_in_thread, name="child", daemon=True).start()
            return
        self.io_loop.selector_loop.add_reader(number, self._on_pidfd, number)

    def _on_pidfd(self, number: int) -> None:
        self.io_loop.selector_loop.remove_reader(number)
        self._close_pidfd()
        self._on_exit()

    def _close_pidfd(self) -> None:
        number, self._pidfd = self._pidfd, None
        if number is not None:
            os.close(number)

    def __del__(self) -> None:
        # The loop was closed before the child has ended.
        if hasattr(self, "_pidfd"):
            self._close_pidfd()

    def _wait_in_thread(self) -> None:
        self.proc.wait()
        # A loop that is closed by now has nobody who would want to know.
        with contextlib.suppress(RuntimeError):
            self.io_loop.asyncio_loop.call_soon_threadsafe(self._on_exit)

    def _on_exit(self) -> None:
        self.returncode = status = self.proc.wait()
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(status)
        self._run_exit_callback()

    def _run_exit_callback(self) -> None:
        if self._exit_callback is not None:
            (context, callback), self._exit_callback = self._exit_callback, None
            context.run(self.io_loop.add_callback, callback, self.returncode)
