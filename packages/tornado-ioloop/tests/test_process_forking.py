"""`fork_processes` (PRC and NET statements). Each case is a program of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest

from tornado import _worker
from tornado.netutil import add_accept_handler, bind_sockets
from tornado.process import cpu_count, task_id

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

TIMEOUT = 30


@contextlib.contextmanager
def program(code: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``code`` in a process group of its own; whatever is left of it is killed at the end."""
    head = textwrap.dedent(
        """
        import os, signal, sys, time
        from tornado.process import *
        def say(*words):
            # In one piece, whatever the others write.
            os.write(1, (" ".join(map(str, words)) + "\\n").encode())
        """
    )
    child = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", head + textwrap.dedent(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def lines_of(code: str, status: int = 0) -> list[str]:
    """Run ``code`` to its end; return its output, sorted."""
    with program(code) as child:
        output, errors = child.communicate(timeout=TIMEOUT)
        assert child.returncode == status, errors
        return sorted(output.splitlines())


def read(child: subprocess.Popen[str], size: int) -> bytes:
    """Read past Python's buffers, so that `select` knows what is there."""
    assert child.stdout is not None
    assert select.select([child.stdout], [], [], TIMEOUT)[0], "no output in time"
    return os.read(child.stdout.fileno(), size)


def line(child: subprocess.Popen[str]) -> str:
    data = b""
    while not data.endswith(b"\n"):
        data += read(child, 1)
    return data.decode().strip()


def end_of_output(child: subprocess.Popen[str]) -> str:
    """Return the rest of the output, which ends when the last process that could write is gone."""
    rest = b""
    while piece := read(child, 1000):
        rest += piece
    return rest.decode()


def test_prc1_cpu_count() -> None:
    """PRC-1: a positive integer."""
    assert isinstance(cpu_count(), int)
    assert cpu_count() > 0


def test_prc2_prc7_every_worker_has_its_number() -> None:
    """PRC-2, PRC-7: numbers from 0 on, in workers only."""
    assert task_id() is None
    output = lines_of(
        """
        assert task_id() is None
        number = fork_processes(3)
        say(number, task_id())
        """
    )
    assert output == ["0 0", "1 1", "2 2"]


@pytest.mark.parametrize("count", ["None", "0", "-1"])
def test_prc3_one_worker_for_each_cpu(count: str) -> None:
    """PRC-3: with None, 0 or less."""
    output = lines_of(
        f"""
        from tornado import process
        process.cpu_count = lambda: 4
        say(fork_processes({count}))
        """
    )
    assert output == ["0", "1", "2", "3"]


def test_net5_one_worker_is_forked_too() -> None:
    """NET-5: ``fork_processes(1)`` forks, unlike ``start(1)``."""
    (answer,) = lines_of(
        """
        parent = os.getpid()
        fork_processes(1)
        say(os.getppid() == parent)
        """
    )
    assert answer == "True"


@pytest.mark.parametrize(
    ("number", "workers"),
    [
        ("1", ["None"]),
        ("", ["None"]),
        ("0", ["0", "1", "2"]),
        ("None", ["0", "1", "2"]),
        ("2", ["0", "1"]),
    ],
)
def test_net4_start_forks_as_it_is_told(number: str, workers: list[str]) -> None:
    """NET-4: for 0 and None one process per CPU, for more than 1 so many, for 1 none."""
    output = lines_of(
        f"""
        from tornado import process
        from tornado.tcpserver import TCPServer
        process.cpu_count = lambda: 3
        server = TCPServer()
        server.bind(0, "127.0.0.1")
        server.start({number})
        say(task_id())
        server.stop()
        """
    )
    assert output == workers


@pytest.mark.parametrize("death", ["os._exit(3)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_prc4_a_worker_that_dies_is_started_again(death: str, tmp_path: object) -> None:
    """PRC-4: under its old number; a status of 0 is an end, not a death."""
    output = lines_of(
        f"""
        marks = {str(tmp_path)!r}
        number = fork_processes(2)
        mark = os.path.join(marks, str(number))
        say(number, "again" if os.path.exists(mark) else "first")
        if number == 1 and not os.path.exists(mark):
            open(mark, "w").close()
            {death}
        """
    )
    assert output == ["0 first", "1 again", "1 first"]


@pytest.mark.parametrize("limit", [0, 2])
def test_prc4_prc5_restarts_are_limited(limit: int) -> None:
    """PRC-4, PRC-5: after the last one the parent raises, and no worker is left."""
    with program(
        f"""
        try:
            number = fork_processes(2, max_restarts={limit})
        except RuntimeError as error:
            say("gave up")
            sys.exit(7)
        say(number)
        if number == 0:
            os._exit(1)
        time.sleep(1000)
        """
    ) as child:
        output = end_of_output(child).splitlines()
        assert child.wait(TIMEOUT) == 7
        assert output.count("0") == limit + 1
        assert output.count("1") <= 1
        assert output[-1] == "gave up"


def test_prc5_stubborn_workers_are_killed() -> None:
    """PRC-5: a worker that ignores SIGTERM goes too."""
    with program(
        """
        from tornado import process
        process.STOP_GRACE = 0.1
        ready, ok = os.pipe()
        try:
            number = fork_processes(2, max_restarts=0)
        except RuntimeError:
            sys.exit(7)
        if number == 0:
            os.read(ready, 1)
            os._exit(1)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(ok, b"x")
        time.sleep(1000)
        """
    ) as child:
        end_of_output(child)
        assert child.wait(TIMEOUT) == 7


def test_prc6_the_parent_exits_when_all_workers_have_ended_well() -> None:
    """PRC-6: SystemExit with status 0."""
    output = lines_of(
        """
        try:
            fork_processes(2)
        except SystemExit as end:
            say("parent", end.code)
            raise
        say("worker")
        """
    )
    assert output == ["parent 0", "worker", "worker"]


@pytest.mark.parametrize("urandom", [True, False])
def test_prc8_workers_have_random_numbers_of_their_own(urandom: bool) -> None:
    """PRC-8: also where ``os.urandom`` is missing."""
    output = lines_of(
        f"""
        import random
        def missing(size):
            raise NotImplementedError
        if not {urandom}:
            os.urandom = missing
        random.seed(1)
        fork_processes(3)
        say(random.random())
        """
    )
    assert len(set(output)) == 3


WAITING = """
    def on_term(number, frame):
        say("told", number.__int__())
        os._exit(0)
    number = fork_processes(2)
    signal.signal(signal.SIGTERM, on_term)
    signal.signal(signal.SIGINT, on_term)
    say("ready")
    while True:
        # Not for ever: a handler that is due just before would wait as long.
        time.sleep(0.05)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_reach_the_workers(number: signal.Signals) -> None:
    with program(WAITING) as child:
        assert [line(child), line(child)] == ["ready", "ready"]
        child.send_signal(number)
        assert end_of_output(child).split("\n")[:2] == [f"told {int(number)}"] * 2
        status = child.wait(TIMEOUT)
        # Python turns an interrupt that nobody caught into the signal again.
        assert status == -number


def test_the_parents_own_handler_is_run_at_the_end() -> None:
    with program(
        """
        signal.signal(signal.SIGTERM, lambda *args: say("handler"))
        fork_processes(1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        say("ready")
        time.sleep(1000)
        """
    ) as child:
        assert line(child) == "ready"
        child.send_signal(signal.SIGTERM)
        assert end_of_output(child) == "handler\n"
        assert child.wait(TIMEOUT) == 0


def test_workers_end_with_their_parent() -> None:
    with program(WAITING) as child:
        assert [line(child), line(child)] == ["ready", "ready"]
        child.kill()
        assert end_of_output(child).split("\n")[:2] == [f"told {int(signal.SIGTERM)}"] * 2


def test_workers_end_with_their_parent_without_help_of_the_system() -> None:
    """Where the kernel sends no signal for a lifeline, a thread does."""
    with program(
        """
        import fcntl
        if hasattr(fcntl, "F_SETSIG"):
            del fcntl.F_SETSIG
        """
        + WAITING.replace("\n    ", "\n        ")
    ) as child:
        assert [line(child), line(child)] == ["ready", "ready"]
        child.kill()
        assert end_of_output(child).split("\n")[:2] == [f"told {int(signal.SIGTERM)}"] * 2


def test_a_worker_started_again_ends_with_its_parent_too(tmp_path: object) -> None:
    with program(
        f"""
        mark = os.path.join({str(tmp_path)!r}, "mark")
        number = fork_processes(2)
        if number == 1 and not os.path.exists(mark):
            open(mark, "w").close()
            os._exit(1)
        say("ready")
        time.sleep(1000)
        """
    ) as child:
        assert [line(child), line(child)] == ["ready", "ready"]
        child.kill()
        assert end_of_output(child) == ""


def test_workers_have_the_signal_settings_of_before() -> None:
    output = lines_of(
        """
        handler = lambda *args: None
        signal.signal(signal.SIGCHLD, handler)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        fork_processes(1)
        say(signal.getsignal(signal.SIGCHLD) is handler)
        say(signal.pthread_sigmask(signal.SIG_BLOCK, []) == before)
        """
    )
    assert output == ["True", "True"]


def test_buffered_output_is_not_written_twice() -> None:
    assert lines_of('print("once")\nfork_processes(2)') == ["once"]


def test_forking_while_a_loop_runs_is_an_error() -> None:
    output = lines_of(
        """
        import asyncio
        async def main():
            try:
                fork_processes(2)
            except RuntimeError:
                say("refused")
        asyncio.run(main())
        """
    )
    assert output == ["refused"]


SERVER = """
    import asyncio
    from tornado.ioloop import IOLoop
    from tornado.netutil import bind_sockets
    from tornado.tcpserver import TCPServer

    class Server(TCPServer):
        async def handle_stream(self, stream, address):
            await stream.write(b"%d\\n" % task_id())
            await stream.read_until_close()
"""


def greetings(port: int, count: int) -> list[bytes]:
    """Connect so many times at once, and return what is said on each connection."""
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), TIMEOUT))
            for _ in range(count)
        ]
        return [client.recv(10) for client in clients]


@pytest.mark.parametrize("way", ["bind and start", "add_sockets"])
def test_net4_forked_servers_share_connections_evenly(way: str) -> None:
    """NET-4: ``start(n)`` forks; connections spread over the workers."""
    start = (
        """
    server = Server()
    server.bind(0, "127.0.0.1")
    say(server._bound[0].getsockname()[1])
    server.start(3)
    say("up")
    IOLoop.current().start()
    """
        if way == "bind and start"
        else """
    sockets = bind_sockets(0, "127.0.0.1")
    say(sockets[0].getsockname()[1])
    fork_processes(3)
    async def main():
        server = Server()
        server.add_sockets(sockets)
        say("up")
        await asyncio.Event().wait()
    asyncio.run(main())
    """
    )
    with program(SERVER + start) as child:
        port = int(line(child))
        assert [line(child), line(child), line(child)] == ["up"] * 3
        counts = {b"0\n": 0, b"1\n": 0, b"2\n": 0}
        # A worker that the system doesn't let run for a while is behind, but catches up later.
        for _ in range(40):
            for number in greetings(port, 60):
                counts[number] += 1
            if max(counts.values()) - min(counts.values()) <= 9:
                break
        assert max(counts.values()) - min(counts.values()) <= 9, counts
        child.terminate()
        assert end_of_output(child) == ""


@pytest.mark.parametrize("others", ["have ended", "go on"])
def test_nothing_is_left_to_siblings_that_take_nothing(
    others: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are waited for once, and again after they have accepted something."""
    monkeypatch.setattr(_worker, "task_id", 0)
    tally = _worker.Tally(3)
    monkeypatch.setattr(_worker, "tally", tally)
    left: list[int] = []
    count_out = tally.count_out

    def note(lowest: int) -> None:
        left.append(lowest)
        count_out(lowest)

    monkeypatch.setattr(tally, "count_out", note)

    async def main() -> None:
        (sock,) = bind_sockets(0, "127.0.0.1")
        accepted: asyncio.Queue[socket.socket] = asyncio.Queue()
        stop = add_accept_handler(sock, lambda connection, _: accepted.put_nowait(connection))
        for number in range(6):
            with socket.create_connection(sock.getsockname()):
                (await accepted.get()).close()
            if others == "go on" and number == 3:
                _worker.task_id = 2
                tally.count()
                _worker.task_id = 0
        stop()
        sock.close()

    asyncio.run(asyncio.wait_for(main(), TIMEOUT))
    # The first connection is its own: nobody has had fewer.
    assert left == ([0] if others == "have ended" else [0, 1])


def test_prc4_there_are_100_restarts_by_default() -> None:
    """PRC-4: and not one more."""
    with program(
        """
        try:
            fork_processes(1)
        except RuntimeError as error:
            say(error)
            sys.exit(7)
        say("up")
        os._exit(1)
        """
    ) as child:
        output = end_of_output(child).splitlines()
        assert child.wait(TIMEOUT) == 7
        assert output.count("up") == 101
        assert "100" in output[-1]
