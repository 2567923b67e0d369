"""Start a program anew when its source changes, for development.

Applications with the ``debug`` or ``autoreload`` setting call `start`. Any program can be run under
``python -m tornado.autoreload [--until-success] -m module [arguments]`` or ``python -m
tornado.autoreload [--until-success] script.py [arguments]``, which also starts it anew after it has
failed, be it for a syntax error.

It can't be used with several worker processes: each would replace itself. `start` leaves those that
`.fork_processes` made alone.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import time
import traceback
import weakref
from collections.abc import Callable, Iterator
from typing import NoReturn

from tornado import _worker
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.log import gen_log

__all__ = ["add_reload_hook", "main", "start", "wait", "watch"]

DEFAULT_CHECK_TIME = 500  # milliseconds

_hooks: list[Callable[[], None]] = []
_started: weakref.WeakSet[IOLoop] = weakref.WeakSet()


class _Files:
    """The files that are watched, and their times when they were last looked at."""

    def __init__(self) -> None:
        self._named: set[str] = set()
        self._times: dict[str, float | None] = {}

    def add(self, path: str) -> None:
        """Watch a file beside those of the modules, from now on."""
        self._named.add(path)
        self._begin(path)

    def add_modules(self) -> None:
        """Watch the files of the modules from now on."""
        for path in _module_files():
            self._begin(path)

    def _begin(self, path: str) -> None:
        # Another look at one that is watched already could hide a change.
        if path not in self._times:
            self._look_at(path)

    def changed(self) -> str | None:
        """Look at all files; return one that has changed since the last time.

        A file that is away is looked for again: editors put a new one in the place of the old.
        """
        paths = {*self._named, *_module_files()}
        changed = [path for path in paths if self._look_at(path)]
        return changed[0] if changed else None

    def _look_at(self, path: str) -> bool:
        try:
            modified: float | None = os.stat(path).st_mtime
        except OSError:
            if path in self._named:
                self._times.setdefault(path, None)
            return False
        earlier = self._times.setdefault(path, modified)
        self._times[path] = modified
        return earlier != modified


_files = _Files()


def _module_files() -> Iterator[str]:
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str):
            yield path[:-1] if path.endswith(".pyc") else path


def start(check_time: int = DEFAULT_CHECK_TIME, io_loop: IOLoop | None = None) -> None:
    """Begin to watch the files of all modules, and start the program anew when one changes.

    What is under way then is lost. To begin again with the same loop is no error. The new one is
    started with the same arguments and in the present directory, so a program that is to change its
    directory should be started by an absolute path.

    :arg check_time: milliseconds between looks.
    :arg io_loop: as programs of the callback era give it, who have it first; the current one by
        default.
    """
    if check_time is None or isinstance(check_time, IOLoop):
        # The second of two arguments in their old order is the time.
        given: object = io_loop
        io_loop = check_time
        check_time = given if isinstance(given, int) else DEFAULT_CHECK_TIME
    if _worker.task_id is not None:
        gen_log.warning("A worker process isn't started anew when its source changes")
        return
    loop: IOLoop = io_loop or IOLoop.current()
    if loop in _started:
        return
    _started.add(loop)
    _files.add_modules()
    PeriodicCallback(_reload_if_changed, check_time, io_loop=loop).start()


def wait() -> NoReturn:
    """Wait until a file has changed, and start the program anew. No event loop runs meanwhile."""
    while True:
        _reload_if_changed()
        time.sleep(DEFAULT_CHECK_TIME / 1000)


def watch(filename: str) -> None:
    """Watch a further file, beside those of the modules.

    :arg filename: its path; the file need not exist yet.
    """
    # The program may change its directory later.
    _files.add(os.path.abspath(filename))


def add_reload_hook(fn: Callable[[], None]) -> None:
    """Have a function called before the program is started anew.

    Descriptors that Python has opened aren't passed on; those of other libraries can be closed
    here, for instance.

    :arg fn: is called without arguments. An exception in it is logged.
    """
    _hooks.append(fn)


def _reload_if_changed() -> None:
    path = _files.changed()
    if path is not None:
        gen_log.info("%s has changed: starting anew", path)
        _reload()


def _reload() -> NoReturn:
    for hook in _hooks:
        try:
            hook()
        except Exception:
            gen_log.error("A reload hook failed", exc_info=True)
    if hasattr(signal, "setitimer"):
        # The alarm of a watched loop would outlive the program that has a handler for it.
        signal.setitimer(signal.ITIMER_REAL, 0)
    for output in (sys.stdout, sys.stderr):
        if output is not None:
            output.flush()
    # What the interpreter was started with, options and all.
    arguments = [sys.executable, *sys.orig_argv[1:]]
    if os.name != "nt":
        os.execv(sys.executable, arguments)
    # Windows would make a new process of it and have the shell think that this one has ended.
    import subprocess

    os._exit(subprocess.call(arguments))


# -- the command line

_USAGE = """\
usage: python -m tornado.autoreload [--until-success] -m module [arguments]
       python -m tornado.autoreload [--until-success] script.py [arguments]

Runs a program, and runs it anew whenever its source changes.

  --until-success  end when the program has ended well
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
    if not arguments or arguments[0].startswith("-"):
        sys.stderr.write(_USAGE)
        sys.exit(1)
    if _succeeds(arguments, is_module) and until_success:
        return
    wait()


def _succeeds(arguments: list[str], is_module: bool) -> bool:
    """Run the program as the interpreter would; return whether it ended well."""
    _files.add_modules()
    try:
        _run(arguments, is_module)
        status: object = 0
    except SystemExit as end:
        status = end.code
    except Exception as error:
        for path in _files_of(error):
            watch(path)
        # Afterwards: when it's reported, somebody may be at work on it already.
        gen_log.error("The program has failed", exc_info=True)
        return False
    _files.add_modules()
    if status is not None and not isinstance(status, int):
        # The interpreter would show it, too.
        sys.stderr.write(f"{status}\n")
    gen_log.info("The program has ended with status %s", status)
    return not status


def _run(arguments: list[str], is_module: bool) -> None:
    target = arguments[0]
    sys.argv = arguments
    if is_module:
        _watch_module(target)
        runpy.run_module(target, run_name="__main__", alter_sys=True)
    else:
        watch(target)
        sys.path[0] = os.path.dirname(os.path.abspath(target))
        runpy.run_path(target, run_name="__main__")


def _watch_module(name: str) -> None:
    """Watch the file of a module that is to be run, which isn't among the modules afterwards."""
    from importlib.util import find_spec

    spec = find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        # Of packages it's this module that is run.
        spec = find_spec(f"{name}.__main__")
    if spec is not None and spec.origin is not None and spec.has_location:
        watch(spec.origin)


def _files_of(error: Exception) -> Iterator[str]:
    """Return the files that an error tells of: a module that fails stays no module."""
    for entry in traceback.extract_tb(error.__traceback__):
        if os.path.isfile(entry.filename):
            yield entry.filename
    if isinstance(error, SyntaxError) and error.filename:
        yield error.filename


if __name__ == "__main__":
    # This copy of the module isn't the one that the program will import.
    from tornado.autoreload import main as run_main

    run_main()
