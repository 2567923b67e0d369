"""``python -m tornado.web``: a server for an application that a module holds.

What can go wrong before the first request is the user's to mend, and is said in one line. What goes
wrong inside of the program is shown with its traceback, as Python would.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import importlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tornado.httpserver import HTTPServer, serve_until_signal
from tornado.httputil import HTTPServerConnectionDelegate
from tornado.log import enable_pretty_logging, gen_log
from tornado.netutil import bind_sockets, bind_unix_socket

if TYPE_CHECKING:
    from typing import NoReturn

_DEFAULT_PORT = 8888
_DEFAULT_ADDRESS = "127.0.0.1"
_DEFAULT_DRAIN_TIMEOUT = 30.0  # seconds


class Unusable(Exception):
    """What the command line asks for cannot be had; the message says why."""


class _Broken(Exception):
    """A module that is being worked on cannot be served yet; the cause is why."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"tornado.web: {message} (--help tells what there is)\n")


def run(arguments: Sequence[str] | None = None) -> None:
    """Serve what the command line names, until a signal comes.

    :arg arguments: the command line; by default the process's own.
    :raises SystemExit: with status 1 if it cannot be served, with 2 if the command line is not one.
    """
    parser = _parser()
    wanted = parser.parse_args(arguments)
    if wanted.reload and wanted.processes is not None:
        parser.error("--reload and --processes do not go together")
    try:
        if wanted.processes is None:
            asyncio.run(_serve_alone(wanted))
        else:
            _serve_in_workers(wanted)
    except Unusable as error:
        # Messages of the system and of modules may have several lines.
        parser.exit(1, f"tornado.web: {' '.join(str(error).split())}\n")
    except _Broken as error:
        _wait_for_change(wanted.target, error.__cause__)


def _parser() -> _Parser:
    parser = _Parser(
        prog="python -m tornado.web",
        description="Serve an application, until SIGTERM or SIGINT; then answer what is under way.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("target", metavar="module:app", help="the application, or a callable that makes it")
    add("--port", type=_port, help=f"TCP port; 0 for one that is free ({_DEFAULT_PORT})")
    add("--address", help=f"address to listen on; '' for all of them ({_DEFAULT_ADDRESS})")
    add("--unix-socket", metavar="PATH", help="listen on a Unix socket; on TCP only with --port")
    add(
        "--unix-socket-mode", type=_mode, default=0o600, metavar="MODE", help="who may use it (600)"
    )
    add("--processes", type=_count, metavar="N", help="worker processes; 0 for one for each CPU")
    add("--reload", action="store_true", help="start anew when the source changes")
    add("--xheaders", action="store_true", help="believe the headers that a proxy sets")
    add(
        "--drain-timeout",
        type=_seconds,
        default=_DEFAULT_DRAIN_TIMEOUT,
        metavar="SECONDS",
        help=f"how long requests may take after the signal ({_DEFAULT_DRAIN_TIMEOUT:.0f})",
    )
    return parser


def _port(text: str) -> int:
    return _number(text, "a port is a number from 0 to 65535", most=65535)


def _count(text: str) -> int:
    return _number(text, "the number of processes is a number from 0 to 1024", most=1024)


def _number(text: str, rule: str, *, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= most):
        raise argparse.ArgumentTypeError(f"{rule}, not {text!r}")
    return int(text)


def _mode(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o777:
        raise argparse.ArgumentTypeError(f"a mode is three octal digits such as 660, not {text!r}")
    return mode


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not seconds >= 0:
        raise argparse.ArgumentTypeError(f"a time is a number of seconds, not {text!r}")
    return seconds


# Serving.


async def _serve_alone(wanted: argparse.Namespace) -> None:
    application = await _load(wanted)
    with _listening(wanted) as sockets:
        await _serve(application, sockets, wanted)


async def _load(wanted: argparse.Namespace) -> HTTPServerConnectionDelegate:
    """Import the module and make the application.

    It happens within the loop, for a module may make things that belong to one, such as an
    application in debug mode.
    """
    if not wanted.reload:
        return await _made(find(wanted.target), wanted.target)
    try:
        application = await _made(find(wanted.target), wanted.target)
    except Exception as error:
        if isinstance(error, Unusable) and wanted.target.partition(":")[0] not in sys.modules:
            raise
        # The loop has to end first: it would keep signals from interrupting the wait.
        raise _Broken from error
    from tornado import autoreload

    autoreload.start()
    return application


def _wait_for_change(target: str, error: BaseException | None) -> NoReturn:
    from tornado import autoreload

    # Before anything is said: whoever reads it may be at work on a file already.
    autoreload._files.add_modules()
    _leave_on_signals()
    _set_up_logging()
    if isinstance(error, Exception) and not isinstance(error, Unusable):
        # A module that fails is not among the modules that are watched.
        for path in autoreload._files_of(error):
            autoreload.watch(path)
        gen_log.error("%s cannot be served yet", target, exc_info=error)
    else:
        gen_log.error("%s cannot be served yet: %s", target, error)
    autoreload.wait()


def _serve_in_workers(wanted: argparse.Namespace) -> None:
    from tornado.process import fork_processes

    found = find(wanted.target)
    if getattr(found, "settings", {}).get("autoreload"):
        raise Unusable(
            f"{wanted.target} has the setting autoreload, which does not go with --processes"
        )
    with _listening(wanted) as sockets:
        # The parent ends of the signal that ended its workers, and that is a good end.
        _leave_on_signals()
        fork_processes(wanted.processes)
        asyncio.run(_serve_as_worker(found, sockets, wanted))


def _leave_on_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)


def _leave(number: int, frame: object) -> None:
    sys.exit(0)


async def _serve_as_worker(
    found: Any, sockets: list[socket.socket], wanted: argparse.Namespace
) -> None:
    await _serve(await _made(found, wanted.target), sockets, wanted)


async def _serve(
    application: HTTPServerConnectionDelegate,
    sockets: list[socket.socket],
    wanted: argparse.Namespace,
) -> None:
    server: HTTPServer = HTTPServer(application, xheaders=wanted.xheaders)
    server.add_sockets(sockets)
    await serve_until_signal(server, timeout=wanted.drain_timeout)


# Finding the application.


def find(target: str) -> Any:
    """Return what ``module:name`` names; the name may have dots.

    :raises Unusable: there is no such module, or nothing of that name in it.
    """
    module_name, colon, path = target.partition(":")
    if not (colon and all(map(str.isidentifier, module_name.split(".") + path.split(".")))):
        raise Unusable(f"an application is named as module:app, not {target!r}")
    try:
        found = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # A module that the program itself misses is for a traceback.
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise Unusable(f"there is no module {error.name!r}") from error
    try:
        return functools.reduce(getattr, path.split("."), found)
    except AttributeError as error:
        raise Unusable(f"the module {module_name!r} has no {path!r}") from error


async def _made(found: Any, target: str) -> HTTPServerConnectionDelegate:
    """Return the application, after calling what makes it if need be."""
    application = found
    if not isinstance(found, HTTPServerConnectionDelegate) and callable(found):
        application = found()
        if isinstance(application, Awaitable):
            application = await application
    if not isinstance(application, HTTPServerConnectionDelegate):
        kind = type(application).__name__
        what = f"{target}() returns" if application is not found else f"{target} is"
        raise Unusable(f"{what} no application, but an object of the class {kind!r}")
    return application


# Listening.


def _set_up_logging() -> None:
    """Let the log be seen, unless the program has set it up in its own way."""
    if not logging.getLogger().handlers:
        enable_pretty_logging()


@contextlib.contextmanager
def _listening(wanted: argparse.Namespace) -> Iterator[list[socket.socket]]:
    """Listen on the sockets that the command line asks for; in the end nothing is left of them."""
    sockets = _listen(wanted)
    listener = os.getpid()
    path = wanted.unix_socket
    place = None if path is None else _identity(path)
    try:
        yield sockets
    finally:
        # Workers have the sockets too. And a server that was started meanwhile to take this one's
        # place has put a socket of its own there.
        if place is not None and os.getpid() == listener and _identity(path) == place:
            with contextlib.suppress(OSError):
                os.unlink(path)
        for sock in sockets:
            sock.close()


def _identity(path: str) -> tuple[int, int, int] | None:
    """Return what tells the file at a path from others; `None` if there is none."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    # Not the time of the last change: setting its owner is one.
    return status.st_dev, status.st_ino, status.st_mtime_ns


def _listen(wanted: argparse.Namespace) -> list[socket.socket]:
    _set_up_logging()
    sockets = []
    # Of what fails here, only a Unix socket would leave something behind; so it is the last.
    if wanted.unix_socket is None or wanted.port is not None or wanted.address is not None:
        port = _DEFAULT_PORT if wanted.port is None else wanted.port
        address = _DEFAULT_ADDRESS if wanted.address is None else wanted.address
        sockets = _listen_on(address, port)
    if wanted.unix_socket is not None:
        sockets.append(_listen_at(wanted.unix_socket, wanted.unix_socket_mode))
    for sock in sockets:
        gen_log.info("Serving %s at %s", wanted.target, _place_of(sock))
    return sockets


def _place_of(sock: socket.socket) -> str:
    name = sock.getsockname()
    if isinstance(name, str):
        return f"unix:{name}"
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"http://{host}:{name[1]}/"


def _listen_on(address: str, port: int) -> list[socket.socket]:
    try:
        return bind_sockets(port, address)
    except OSError as error:
        place = f"port {port} of {address or 'all addresses'}"
        raise Unusable(f"cannot listen on {place}: {error.strerror or error}") from error


def _listen_at(path: str, mode: int) -> socket.socket:
    try:
        return bind_unix_socket(path, mode)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise Unusable(f"cannot listen at {path!r}: {why}") from error
