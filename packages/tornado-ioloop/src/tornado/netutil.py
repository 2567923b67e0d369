"""Listening, accepting, looking up names, and TLS settings.

Most programs use `tornado.tcpserver` and `tornado.tcpclient`, which stand on this module.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import errno
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from tornado import _worker
from tornado._ioloop.readiness import readiness_of
from tornado._tls_options import ssl_options_to_context, ssl_wrap_socket
from tornado.ioloop import IOLoop
from tornado.log import app_log, gen_log
from tornado.util import Configurable

if TYPE_CHECKING:
    import concurrent.futures

__all__ = [
    "BlockingResolver",
    "DefaultExecutorResolver",
    "DefaultLoopResolver",
    "ExecutorResolver",
    "OverrideResolver",
    "Resolver",
    "ThreadedResolver",
    "add_accept_handler",
    "bind_sockets",
    "bind_unix_socket",
    "is_valid_ip",
    "ssl_options_to_context",
    "ssl_wrap_socket",
]

Address: TypeAlias = Any
AcceptCallback: TypeAlias = Callable[[socket.socket, Address], object]

DEFAULT_BACKLOG = 128
MAX_PORT = 65535

# How often a random port is tried that turns out to be taken for one of the address families.
PORT_ATTEMPTS = 10

# Connections that are accepted before the loop's other work gets its turn.
ACCEPTS_PER_EVENT = 64

# Seconds to leave connections waiting when the system has no descriptor or memory for them.
EXHAUSTED_PAUSE = 1.0

# Seconds for which a worker leaves connections to siblings that have had fewer.
YIELD_PAUSE = 0.001

# Connections that a worker takes at once for siblings that are too busy to take theirs.
ACCEPTS_FOR_BUSY = 8

EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def __getattr__(name: str) -> Any:
    """Find `tornado.tcpserver.TCPServer` in its place of 2.x too."""
    if name == "TCPServer":
        from tornado.tcpserver import TCPServer

        return TCPServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# -- listening


def bind_sockets(
    port: int,
    address: str | None = None,
    family: socket.AddressFamily = socket.AF_UNSPEC,
    backlog: int = DEFAULT_BACKLOG,
    flags: int | None = None,
    reuse_port: bool = False,
) -> list[socket.socket]:
    """Make sockets that listen on ``port``, one for each address that is meant.

    :arg port: with 0 the system chooses one, the same for all sockets.
    :arg address: an IP address, or a host name that stands for all its addresses. Empty or `None`
        means all interfaces.
    :arg family: `socket.AF_INET` or `socket.AF_INET6` to restrict it to one; otherwise both are
        used where they're available.
    :arg backlog: as for `socket.socket.listen`.
    :arg flags: ``AI_*`` flags for `socket.getaddrinfo`.
    :arg reuse_port: let several processes listen on the same port (``SO_REUSEPORT``).
    :raises OSError: no socket could be bound, or the port is taken.
    :raises ValueError: there is no such port, or ``reuse_port`` isn't available here.
    """
    _check_port(port)
    if reuse_port and not hasattr(socket, "SO_REUSEPORT"):
        raise ValueError("this platform has no SO_REUSEPORT")
    if flags is None:
        flags = socket.AI_PASSIVE
    found = socket.getaddrinfo(
        address or None, port, family, socket.SOCK_STREAM, socket.IPPROTO_TCP, flags
    )
    # IPv4 first: getaddrinfo gives both in either order, and some give an address twice.
    targets: list[tuple[int, Any]] = sorted(
        {(int(item[0]), item[4]) for item in found}, key=lambda target: target[0]
    )
    attempts = PORT_ATTEMPTS if port == 0 else 1
    while True:
        attempts -= 1
        try:
            return _bind_all(targets, backlog, reuse_port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not attempts:
                raise


def _bind_all(
    targets: list[tuple[int, Any]], backlog: int, reuse_port: bool
) -> list[socket.socket]:
    """Bind to all addresses that exist here, and to one port."""
    bound: list[socket.socket] = []
    chosen: int | None = None
    missing: OSError | None = None
    with contextlib.ExitStack() as undo:
        for family, address in targets:
            if chosen is not None and address[1] == 0:
                address = (address[0], chosen, *address[2:])
            try:
                sock = _listen(family, address, backlog, reuse_port)
            except OSError as error:
                # Containers have names and loopback addresses of families that don't work there.
                if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                    raise
                missing = error
                continue
            undo.callback(sock.close)
            bound.append(sock)
            chosen = sock.getsockname()[1]
        if not bound:
            raise missing or OSError(errno.EADDRNOTAVAIL, "no address to listen on")
        undo.pop_all()
    return bound


def _listen(family: int, address: Any, backlog: int, reuse_port: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if os.name != "nt":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            # The IPv4 address has a socket of its own, on the same port.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(backlog)
    except BaseException:
        sock.close()
        raise
    return sock


def bind_unix_socket(
    file: str | bytes, mode: int = 0o600, backlog: int = DEFAULT_BACKLOG
) -> socket.socket:
    """Make a socket that listens at a path.

    :arg file: the path. A socket that is there is replaced. With a first character of NUL it's a
        name in Linux's abstract namespace.
    :arg mode: who may connect: permissions of the file.
    :arg backlog: as for `socket.socket.listen`.
    :raises ValueError: something else than a socket is there.
    """
    abstract = file[:1] in ("\0", b"\0")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if not abstract:
            _remove_stale_socket(file)
            # Linux gives the file the permissions of the descriptor, so that there's no moment with
            # others.
            with contextlib.suppress(OSError):
                os.fchmod(sock.fileno(), mode)
        sock.bind(file)
        if not abstract:
            os.chmod(file, mode)
        sock.listen(backlog)
    except BaseException:
        sock.close()
        raise
    return sock


def _remove_stale_socket(file: str | bytes) -> None:
    try:
        found = os.lstat(file)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise ValueError(f"{file!r} exists, and isn't a socket")
    os.remove(file)


# -- accepting


def add_accept_handler(
    sock: socket.socket, callback: AcceptCallback, io_loop: IOLoop | None = None
) -> Callable[[], None]:
    """Call ``callback(connection, address)`` for each connection that ``sock`` accepts.

    Each call has a copy of the current context to itself. Exceptions are logged.

    :arg sock: it listens, and doesn't block.
    :arg callback: gets the connected socket, and the peer's address as `socket.socket.accept`
        returns it.
    :arg io_loop: the current loop by default.
    :returns: a function that stops the accepting. It doesn't close ``sock``.

    .. versionchanged:: 5.0
       Returns something.
    """
    acceptor = _Acceptor(sock, callback, io_loop or IOLoop.current())
    acceptor.resume()
    return acceptor.stop


class _Acceptor:
    """Accepts the connections of one listening socket."""

    def __init__(self, sock: socket.socket, callback: AcceptCallback, io_loop: IOLoop) -> None:
        self._sock = sock
        self._fd = sock.fileno()
        self._callback = callback
        self._io_loop = io_loop
        self._pause: asyncio.TimerHandle | None = None
        # The lowest of the siblings' counts when connections were last left to them.
        self._left_at: int | None = None
        self._stopped = False

    def resume(self) -> None:
        """Accept from now on."""
        self._pause = None
        readiness_of(self._io_loop).add_reader(self._fd, self._on_readable)

    def stop(self) -> None:
        """Accept nothing more; the second time is no error."""
        if self._stopped:
            return
        self._stopped = True
        if self._pause is not None:
            self._pause.cancel()
        readiness_of(self._io_loop).remove_reader(self._fd)

    def _on_readable(self) -> None:
        limit = ACCEPTS_PER_EVENT if _worker.tally is None else self._fair_share(_worker.tally)
        for _ in range(limit):
            if self._stopped:
                return
            try:
                connection, address = self._sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in EXHAUSTED:
                    # Without a pause the loop would come back at once, and do nothing else.
                    gen_log.error("Accepting pauses for %s seconds: %s", EXHAUSTED_PAUSE, error)
                    self._pause_accepting(EXHAUSTED_PAUSE)
                    return
                # The peer has gone already, or the network has some trouble with it (accept(2)):
                # nobody is there to be served.
                continue
            self._hand_over(connection, address)

    def _fair_share(self, tally: _worker.Tally) -> int:
        """Return how many connections this worker may take now, with regard to its siblings."""
        is_ahead, lowest = tally.lead()
        if not is_ahead:
            self._left_at = None
            return 1
        if self._left_at == lowest:
            # Whoever should have taken one is busy, or gone: don't wait any longer.
            tally.count_out(lowest)
            self._left_at = None
            return ACCEPTS_FOR_BUSY
        self._left_at = lowest
        self._pause_accepting(YIELD_PAUSE)
        return 0

    def _hand_over(self, connection: socket.socket, address: Address) -> None:
        if _worker.tally is not None:
            _worker.tally.count()
        try:
            contextvars.copy_context().run(
                IOLoop._call_surrounded, self._callback, connection, address
            )
        except Exception:
            app_log.error("Exception while a connection was accepted", exc_info=True)
            connection.close()

    def _pause_accepting(self, seconds: float) -> None:
        readiness_of(self._io_loop).remove_reader(self._fd)
        self._pause = self._io_loop.selector_loop.call_later(seconds, self.resume)


# -- names and addresses


def is_valid_ip(ip: str) -> bool:
    """Tell whether ``ip`` is an IPv4 or IPv6 address in its usual text form. Nothing is looked
    up."""
    if not ip or "\0" in ip:
        return False
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    # RFC 4007 section 11: an IPv6 address may name its zone.
    text, has_zone, zone = ip.partition("%")
    if has_zone and (family == socket.AF_INET or not zone):
        return False
    try:
        socket.inet_pton(family, text)
    except (OSError, UnicodeError):
        return False
    return True


class Resolver(Configurable):
    """Looks up the addresses of host names.

    ``Resolver()`` makes the configured implementation; by default that is `DefaultLoopResolver`.
    Others are chosen by ``Resolver.configure("tornado.netutil.ThreadedResolver")``:

    * `DefaultLoopResolver` and `DefaultExecutorResolver` use `socket.getaddrinfo` in the loop's
      threads
    * `ThreadedResolver` has threads of its own
    * `BlockingResolver` blocks the loop meanwhile
    * `OverrideResolver` answers some questions itself
    * `tornado.platform.caresresolver.CaresResolver`

    .. versionchanged:: 5.0
       The default doesn't block any more.
    """

    @classmethod
    def configurable_base(cls) -> type[Configurable]:
        """Return the class whose implementations can be chosen."""
        return Resolver

    @classmethod
    def configurable_default(cls) -> type[Configurable]:
        """Return the implementation that is used unless another is configured."""
        return DefaultLoopResolver

    def initialize(self, io_loop: IOLoop | None = None) -> None:
        """Take the constructor's arguments.

        :arg io_loop: as programs of the callback era give it; the loop that runs is used.
        """

    def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> Awaitable[list[tuple[int, Address]]]:
        """Look up ``host``.

        :arg host: a name or an IP address.
        :arg port: becomes part of the addresses.
        :arg family: restricts the answer to one address family.
        :returns: pairs of an address family and an address as `socket.socket.connect` wants it.
        :raises OSError: nothing was found.
        :raises ValueError: there is no such port.
        """
        raise NotImplementedError(f"{type(self).__name__} can't resolve")

    def close(self) -> None:
        """Free what the resolver holds.

        .. versionadded:: 3.1
        """


def _check_port(port: object) -> None:
    """Refuse a port that doesn't exist: `socket.getaddrinfo` would take its lower 16 bits for it.

    :raises ValueError: it's below 0 or above 65535.
    """
    if isinstance(port, int) and not 0 <= port <= MAX_PORT:
        raise ValueError(f"ports go from 0 to {MAX_PORT}, not to {port!r}")


def _look_up(host: str, port: int, family: int = socket.AF_UNSPEC) -> list[tuple[int, Address]]:
    _check_port(port)
    # Asking for streams keeps the system from giving each address once per kind of socket.
    found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    return [(item[0], item[4]) for item in found]


class DefaultExecutorResolver(Resolver):
    """Resolves with the loop's default executor.

    .. versionadded:: 5.0
    """

    async def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[tuple[int, Address]]:
        """See `Resolver.resolve`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, _look_up, host, port, family)


class DefaultLoopResolver(Resolver):
    """Resolves with `asyncio.loop.getaddrinfo`, which the loop may do in its own way."""

    async def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[tuple[int, Address]]:
        """See `Resolver.resolve`."""
        _check_port(port)
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, family=family, type=socket.SOCK_STREAM
        )
        return [(item[0], item[4]) for item in found]


class ExecutorResolver(Resolver):
    """Resolves with an executor that it is given.

    .. deprecated:: 5.0
       The default needs no executor.
    """

    executor: concurrent.futures.Executor
    close_executor: bool

    def initialize(  # type: ignore[override]  # each has its own arguments
        self,
        executor: concurrent.futures.Executor | None = None,
        close_executor: bool = True,
        io_loop: IOLoop | None = None,
    ) -> None:
        """Take the constructor's arguments.

        :arg executor: runs the look-ups; without one they are done at once, and block.
        :arg close_executor: shut ``executor`` down in `close`.
        """
        if executor is None:
            from tornado.concurrent import dummy_executor

            executor, close_executor = dummy_executor, False
        self.executor = executor
        self.close_executor = close_executor

    def close(self) -> None:
        """Shut the executor down, if that is wanted."""
        if self.close_executor:
            self.executor.shutdown()

    def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> Awaitable[list[tuple[int, Address]]]:
        """See `Resolver.resolve`."""
        return asyncio.wrap_future(self.executor.submit(_look_up, host, port, family))


class BlockingResolver(ExecutorResolver):
    """Resolves at once, and blocks the loop until that is done."""

    def initialize(self, io_loop: IOLoop | None = None) -> None:  # type: ignore[override]  # each has its own arguments
        """Take the constructor's arguments."""
        super().initialize()


class ThreadedResolver(ExecutorResolver):
    """Resolves in threads that all resolvers of this class share."""

    # With the process that made it: threads don't survive a fork.
    _shared: tuple[int, concurrent.futures.Executor] | None = None

    def initialize(  # type: ignore[override]  # each has its own arguments
        self, num_threads: int = 10, io_loop: IOLoop | None = None
    ) -> None:
        """Take the constructor's arguments.

        :arg num_threads: how many threads; the first resolver of the process decides.
        """
        super().initialize(executor=self._threads(num_threads), close_executor=False)

    @classmethod
    def _threads(cls, count: int) -> concurrent.futures.Executor:
        from concurrent.futures import ThreadPoolExecutor

        process = os.getpid()
        shared = ThreadedResolver._shared
        if shared is None or shared[0] != process:
            shared = (process, ThreadPoolExecutor(count, "resolver"))
            ThreadedResolver._shared = shared
        return shared[1]


class OverrideResolver(Resolver):
    """Asks another resolver, but for other names than it is asked for.

    :arg resolver: the other resolver.
    :arg mapping: from what is asked to what is asked instead. A key is a host; or ``(host, port)``;
        or ``(host, port, family)``, which goes first. The value for a host is a host, otherwise
        ``(host, port)``.
    """

    resolver: Resolver
    mapping: dict[Any, Any]

    def initialize(  # type: ignore[override]  # each has its own arguments
        self, resolver: Resolver, mapping: dict[Any, Any]
    ) -> None:
        """Take the constructor's arguments."""
        self.resolver = resolver
        self.mapping = mapping

    def close(self) -> None:
        """Close the other resolver."""
        self.resolver.close()

    def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> Awaitable[list[tuple[int, Address]]]:
        """See `Resolver.resolve`."""
        mapping = self.mapping
        exact = mapping.get((host, port, family)) or mapping.get((host, port))
        if exact is not None:
            host, port = exact
        else:
            host = mapping.get(host, host)
        return self.resolver.resolve(host, port, family)
