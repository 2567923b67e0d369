"""Programs that are started anew when their source changes (ARL statements)."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from tornado import _worker, autoreload
from tornado.ioloop import IOLoop

LIMIT = 30


def write(path, source, **replaced):
    """Write a source file whose time differs from that of any earlier version."""
    text = textwrap.dedent(source)
    for name, value in replaced.items():
        text = text.replace(name, value)
    write.version += 1
    # Put in place in one piece, as editors do: nobody shall read half of it.
    whole = path.with_suffix(".new")
    whole.write_text(text)
    os.utime(whole, (write.version, write.version))
    whole.replace(path)


write.version = 1_000_000


@contextlib.contextmanager
def running(*arguments, **kwargs):
    """A Python process whose output can be read by lines."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        **kwargs,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=LIMIT)


def line(process):
    return process.stdout.readline().rstrip("\n")


def until(process, text):
    """Read what is logged until something is said."""
    for logged in process.stderr:
        if text in logged:
            return
    pytest.fail(f"{text!r} was not logged")


def ends_with(process, output, status=0):
    rest, errors = process.communicate(timeout=LIMIT)
    assert rest == output
    assert process.returncode == status, errors


PROGRAM = """
    import os, sys
    from tornado import autoreload
    from tornado.ioloop import IOLoop
    import helper
    autoreload.add_reload_hook(lambda: 1 / 0)
    autoreload.add_reload_hook(lambda: print("hook", flush=True))
    for path in sys.argv[2:]:
        autoreload.watch(path)
    loop = IOLoop()
    loop.set_blocking_log_threshold(60)
    loop.add_callback(print, "started", helper.version, sys.argv[1], flush=True)
    autoreload.start(loop, 20)
    autoreload.start(loop)
    ends = [open(path).read() == "end" for path in sys.argv[2:] if os.path.exists(path)]
    if helper.version == 2 or any(ends):
        loop.call_later(0, loop.stop)
    loop.start()
"""


def test_arl_1_3_a_program_starts_anew_when_a_module_changes(tmp_path):
    program = tmp_path / "program.py"
    write(program, PROGRAM)
    write(tmp_path / "helper.py", "version = 1")
    with running(program, "argument with spaces", cwd="/") as process:
        assert line(process) == "started 1 argument with spaces"
        write(tmp_path / "helper.py", "version = 2")
        ends_with(process, "hook\nstarted 2 argument with spaces\n")


@pytest.mark.parametrize("exists", [False, True])
def test_arl_2_further_files_are_watched(tmp_path, exists):
    program, data = tmp_path / "program.py", tmp_path / "data.txt"
    write(program, PROGRAM)
    write(tmp_path / "helper.py", "version = 1")
    if exists:
        write(data, "go on")
    with running(program, "x", data) as process:
        assert line(process) == "started 1 x"
        write(data, "end")
        ends_with(process, "hook\nstarted 1 x\n")


def test_arl_4_wait_blocks_until_something_changes(tmp_path):
    program = tmp_path / "program.py"
    source = """
        from tornado import autoreload
        autoreload.watch(__file__)
        print("run VERSION", flush=True)
        if VERSION == 1:
            autoreload.wait()
    """
    write(program, source, VERSION="1")
    with running(program) as process:
        assert line(process) == "run 1"
        write(program, source, VERSION="2")
        ends_with(process, "run 2\n")


SCRIPT = """
    import sys, __main__
    assert __name__ == "__main__" and __main__.__dict__ is globals()
    print(VERSION, sys.argv[1:], flush=True)
"""


@pytest.mark.parametrize("kind", ["script", "module", "package"])
def test_arl_5_runs_until_success_through_errors(tmp_path, kind):
    package = tmp_path / "pack"
    package.mkdir()
    write(package / "__init__.py", "")
    file, target = {
        "script": (tmp_path / "script.py", [tmp_path / "script.py"]),
        "module": (package / "tool.py", ["-m", "pack.tool"]),
        "package": (package / "__main__.py", ["-m", "pack"]),
    }[kind]
    write(file, SCRIPT + "    raise KeyError\n", VERSION="1")
    with running(
        "-m", "tornado.autoreload", "--until-success", *target, "-m", "--x", cwd=tmp_path
    ) as process:
        assert line(process) == "1 ['-m', '--x']"
        write(file, SCRIPT + "    sys.exit(3)\n", VERSION="2")
        assert line(process) == "2 ['-m', '--x']"
        write(file, "print(0, flush=True); import nonexistent_module\n")
        assert line(process) == "0"
        write(file, "this is no Python\n")
        # It's reported, and the next version runs.
        until(process, "SyntaxError")
        write(file, SCRIPT, VERSION="3")
        ends_with(process, "3 ['-m', '--x']\n")


def test_arl_5_syntax_errors_in_what_is_imported_are_survived(tmp_path):
    script, helper = tmp_path / "script.py", tmp_path / "helper_module.py"
    write(
        script,
        """
        import logging
        logging.basicConfig(level=logging.INFO)
        import helper_module
        print(helper_module.version, flush=True)
        """,
    )
    write(helper, "version = = 1")
    with running("-m", "tornado.autoreload", script) as process:
        until(process, "SyntaxError")
        write(helper, "version = 2")
        assert line(process) == "2"
        until(process, "has ended")
        # Without --until-success it goes on after a good end too.
        write(helper, "version = 3")
        assert line(process) == "3"
        process.send_signal(signal.SIGINT)
        process.wait(LIMIT)
        assert process.returncode in (1, -signal.SIGINT, 130)


def test_the_program_shares_the_module_with_the_command_line(tmp_path):
    script, data = tmp_path / "script.py", tmp_path / "data.txt"
    write(
        script,
        """
        import sys
        from tornado import autoreload
        autoreload.watch("DATA")
        autoreload.add_reload_hook(lambda: print("hook", flush=True))
        text = open("DATA").read()
        print(text, flush=True)
        sys.exit(text != "two")
        """,
        DATA=str(data),
    )
    write(data, "one")
    with running("-m", "tornado.autoreload", "--until-success", script) as process:
        assert line(process) == "one"
        write(data, "two")
        ends_with(process, "hook\ntwo\n")


@pytest.mark.parametrize("arguments", [[], ["--until-success"], ["-m"], ["--help"]])
def test_without_a_program_the_usage_is_shown(arguments):
    done = subprocess.run(
        [sys.executable, "-m", "tornado.autoreload", *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("usage:")


def test_arl_6_worker_processes_are_left_alone(monkeypatch, caplog):
    monkeypatch.setattr(_worker, "task_id", 3)
    loop = IOLoop(make_current=False)
    autoreload.start(io_loop=loop)
    assert loop not in autoreload._started
    loop.close()
    assert "worker" in caplog.text


def test_words_that_a_program_ends_with_are_shown(tmp_path):
    script = tmp_path / "script.py"
    write(script, "import sys; sys.exit('no way to go on')")
    with running("-m", "tornado.autoreload", "--until-success", script) as process:
        until(process, "no way to go on")
        write(script, "")
        ends_with(process, "")


@pytest.mark.parametrize("arguments", [(), (None,), (None, 30), (30,)])
def test_arl_1_arguments_in_either_order(monkeypatch, arguments):
    """``start(io_loop=None, check_time=500)`` and ``start(check_time=500)``."""
    started = []

    class Noted:
        def __init__(self, callback, callback_time, io_loop):
            started.append((callback_time, io_loop))

        def start(self):
            pass

    monkeypatch.setattr(autoreload, "PeriodicCallback", Noted)
    loop = IOLoop()
    autoreload.start(*arguments)
    loop.close()
    assert started == [(30 if 30 in arguments else 500, loop)]
