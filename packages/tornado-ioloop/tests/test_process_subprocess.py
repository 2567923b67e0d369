"""`Subprocess`: other programs as children."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from tornado.ioloop import IOLoop
from tornado.iostream import PipeIOStream
from tornado.process import CalledProcessError, Subprocess


def run(main: Coroutine[Any, Any, Any]) -> Any:
    async def limited() -> Any:
        async with asyncio.timeout(30):
            return await main

    return asyncio.run(limited())


def python(code: str, **options: Any) -> Subprocess:
    return Subprocess([sys.executable, "-c", code], **options)


async def end(child: Subprocess) -> None:
    """Let the child go and its streams be closed."""
    await child.wait_for_exit(raise_error=False)
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream is not None:
            stream.close()


def test_streams() -> None:
    async def main() -> None:
        child = python(
            "import sys\n"
            "for line in sys.stdin:\n"
            "    print(line.upper(), end='', flush=True)\n"
            "print('bye', file=sys.stderr)",
            stdin=Subprocess.STREAM,
            stdout=Subprocess.STREAM,
            stderr=Subprocess.STREAM,
        )
        for stream in (child.stdin, child.stdout, child.stderr):
            assert isinstance(stream, PipeIOStream)
        for word in (b"one\n", b"two\n"):
            await child.stdin.write(word)
            assert await child.stdout.read_until(b"\n") == word.upper()
        child.stdin.close()
        assert await child.stderr.read_until_close() == b"bye\n"
        assert await child.stdout.read_until_close() == b""
        assert await child.wait_for_exit() == 0
        assert child.returncode == 0
        assert child.pid == child.proc.pid

    run(main())


def test_both_outputs_in_one_stream() -> None:
    async def main() -> None:
        child = python(
            "import os; os.write(1, b'out '); os.write(2, b'err')",
            stdout=Subprocess.STREAM,
            stderr=subprocess.STDOUT,
        )
        assert await child.stdout.read_until_close() == b"out err"
        assert child.stderr is None
        await end(child)

    run(main())


def test_plain_pipes_are_passed_through() -> None:
    async def main() -> None:
        child = python("print('hi')", stdout=subprocess.PIPE)
        assert child.stdout is child.proc.stdout
        await child.wait_for_exit()
        assert child.stdout.read() == b"hi\n"
        await end(child)

    run(main())


@pytest.mark.parametrize("code, status", [("", 0), ("raise SystemExit(7)", 7)])
def test_the_exit_callback(code: str, status: int) -> None:
    async def main() -> None:
        seen: list[int] = []
        called = asyncio.Event()
        variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")

        def on_exit(status: int) -> None:
            assert variable.get() == "mine"
            seen.append(status)
            called.set()

        variable.set("mine")
        child = python(code)
        child.set_exit_callback(lambda status: seen.append(-1))
        child.set_exit_callback(on_exit)
        variable.set("other")
        await called.wait()
        assert seen == [status]
        assert child.returncode == status
        late: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        child.set_exit_callback(late.set_result)
        assert not late.done()
        assert await late == status

    run(main())


def test_a_signal_is_a_negative_status() -> None:
    async def main() -> None:
        child = python(
            "import time; print('up', flush=True); time.sleep(1000)", stdout=Subprocess.STREAM
        )
        await child.stdout.read_until(b"\n")
        os.kill(child.pid, signal.SIGTERM)
        assert await child.wait_for_exit(raise_error=False) == -signal.SIGTERM
        await end(child)

    run(main())


def test_waiting_raises_for_a_bad_status() -> None:
    async def main() -> None:
        child = python("raise SystemExit(3)")
        others = [child.wait_for_exit(raise_error=False), child.wait_for_exit()]
        with pytest.raises(CalledProcessError) as caught:
            await child.wait_for_exit()
        assert caught.value.returncode == 3
        assert await others[0] == 3
        with pytest.raises(subprocess.CalledProcessError):
            await others[1]
        assert await child.wait_for_exit(raise_error=False) == 3

    run(main())


def test_giving_up_waiting_does_no_harm() -> None:
    async def main() -> None:
        child = python("input()", stdin=Subprocess.STREAM, stderr=subprocess.DEVNULL)
        for raising in (True, False):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(child.wait_for_exit(raise_error=raising), 0.01)
        child.stdin.close()
        assert await child.wait_for_exit(raise_error=False) == 1

    run(main())


def test_no_zombie_although_nobody_waits() -> None:
    async def main() -> None:
        child = python("")
        while child.returncode is None:
            await asyncio.sleep(0.001)
        with pytest.raises(ProcessLookupError):
            os.kill(child.pid, 0)

    run(main())


def test_a_program_that_does_not_exist_leaves_no_descriptor() -> None:
    async def main() -> None:
        await asyncio.sleep(0)
        before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()
        with pytest.raises(FileNotFoundError):
            Subprocess(["/nonexistent"], stdin=Subprocess.STREAM, stdout=Subprocess.STREAM)
        if before:
            assert set(os.listdir("/proc/self/fd")) == before

    run(main())


def test_without_pidfds_a_thread_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)

    async def main() -> None:
        child = python("raise SystemExit(5)")
        assert await child.wait_for_exit(raise_error=False) == 5

    run(main())


def test_children_of_a_thread_with_its_own_loop() -> None:
    result: list[int] = []

    def work() -> None:
        async def main() -> None:
            Subprocess.initialize()
            result.append(await python("raise SystemExit(4)").wait_for_exit(raise_error=False))
            Subprocess.uninitialize()

        run(main())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert result == [4]


def test_the_loop_may_be_given() -> None:
    async def main() -> None:
        loop = IOLoop.current()
        child = python("", io_loop=loop)
        assert child.io_loop is loop
        await child.wait_for_exit()

    run(main())


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="the system doesn't list them")
def test_no_descriptor_is_left_when_the_loop_ends_before_the_child() -> None:
    before = set(os.listdir("/proc/self/fd"))
    children = []

    async def main() -> None:
        child = python("input()", stdin=Subprocess.STREAM, stderr=subprocess.DEVNULL)
        children.append(child.proc)

    run(main())
    gc.collect()
    assert set(os.listdir("/proc/self/fd")) == before
    # Its standard input was closed, too.
    assert children[0].wait(30) == 1
