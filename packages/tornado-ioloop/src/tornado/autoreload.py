"""Start a program anew when its source changes, for development.

Applications with the ``debug`` or ``autoreload`` setting call `start`. Any program can be run under
``python -m tornado.autoreload [--until-success] [-m module | script] [arguments]``, which also
starts it anew after it has failed.

It can't be used with several processes: each would replace itself.
"""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.log import gen_log

DEFAULT_CHECK_TIME = 500  # milliseconds

_watched: set[str] = set()
_hooks: list[Callable[[], None]] = []
_times: dict[str, float] = {}
_started: set[IOLoop] = set()


def start(check_time: int = DEFAULT_CHECK_TIME, io_loop: IOLoop | None = None) -> None:
    """Begin to watch the files of all modules.

    :arg check_time: milliseconds between looks.
    """
    if isinstance(check_time, IOLoop):
        # API versions 2.x to 4.x have the loop in this place.
        io_loop, check_time = check_time, DEFAULT_CHECK_TIME
    loop: IOLoop = io_loop or IOLoop.current()
    if loop in _started:
        return
    _started.add(loop)
    _look(first=True)
    PeriodicCallback(_look_and_reload, check_time, io_loop=loop).start()


def wait() -> NoReturn:
    """Wait until a file has changed, and start the program anew."""
    loop = IOLoop(make_current=False)
    _look(first=True)

    async def watch() -> None:
        PeriodicCallback(_look_and_reload, DEFAULT_CHECK_TIME).start()

    loop.add_callback(watch)
    loop.start()
    raise SystemExit(0)


def watch(filename: str) -> None:
    """Watch a further file."""
    _watched.add(filename)


def add_reload_hook(fn: Callable[[], None]) -> None:
    """Have a function called before the program is started anew, to close files for example."""
    _hooks.append(fn)


def _files() -> set[str]:
    found = set(_watched)
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str):
            found.add(path)
    return found


def _look(*, first: bool = False) -> str | None:
    """Return a file that has changed since the last look, and remember the times of all."""
    changed = None
    for path in _files():
        try:
            time = os.stat(path).st_mtime
        except OSError:
            continue
        if _times.setdefault(path, time) != time:
            changed = path
        _times[path] = time
    return None if first else changed


def _look_and_reload() -> None:
    path = _look()
    if path is not None:
        gen_log.info("%s modified; restarting server", path)
        _reload()


def _reload() -> NoReturn:
    for hook in _hooks:
        hook()
    sys.stdout.flush()
    sys.stderr.flush()
    # What the interpreter was started with, options and all.
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


_USAGE = """\
Usage:
  python -m tornado.autoreload [--until-success] -m module [args...]
  python -m tornado.autoreload [--until-success] path/to/script.py [args...]
"""


def main() -> None:
    """Run a program, and start it anew whenever its source changes; see the module's
    description."""
    arguments = sys.argv[1:]
    until_success = arguments[:1] == ["--until-success"]
    if until_success:
        del arguments[0]
    is_module = arguments[:1] == ["-m"]
    if is_module:
        del arguments[0]
    if not arguments:
        sys.stderr.write(_USAGE)
        sys.exit(1)
    target = arguments[0]
    sys.argv = arguments
    status: object = 0
    try:
        if is_module:
            runpy.run_module(target, run_name="__main__", alter_sys=True)
        else:
            watch(target)
            sys.path[0] = os.path.dirname(os.path.abspath(target))
            runpy.run_path(target, run_name="__main__")
    except SystemExit as exit_:
        status = exit_.code
        gen_log.info("Script exited with status %s", status)
    except Exception as error:
        status = 1
        gen_log.warning("Script exited with uncaught exception", exc_info=True)
        for path in _files_of(error):
            watch(path)
    else:
        gen_log.info("Script exited normally")
    if until_success and not status:
        return
    wait()


def _files_of(error: Exception) -> list[str]:
    """Return the files that an error tells of: one with a syntax error was never imported."""
    files = [entry.filename for entry in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        files.append(error.filename)
    return files


if __name__ == "__main__":
    main()
