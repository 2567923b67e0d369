"""Sockets and names: listening sockets, resolvers, and TLS contexts."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import stat
from collections.abc import Callable
from concurrent import futures
from functools import cache
from typing import Any

from tornado.concurrent import dummy_executor
from tornado.ioloop import IOLoop
from tornado.log import app_log
from tornado.util import Configurable

DEFAULT_BACKLOG = 128
ACCEPTS_PER_WAKEUP = 32  # a flood of connections must not keep the loop from what it has
ACCEPT_PAUSE = 1.0  # seconds without accepting when the process has no descriptors left

# Errors of accept() that tell of one connection, not of the listening socket (accept(2)).
_TRANSIENT_ACCEPT_ERRORS = frozenset(
    (errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.ENETDOWN, errno.EHOSTUNREACH)
)
_EXHAUSTION_ERRORS = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


@cache
def client_ssl_context() -> ssl.SSLContext:
    """Return the shared context of clients: certificates and host names are checked."""
    return ssl.create_default_context(ssl.Purpose.SERVER_AUTH)


def bind_sockets(
    port: int,
    address: str | None = None,
    family: socket.AddressFamily = socket.AF_UNSPEC,
    backlog: int = DEFAULT_BACKLOG,
    flags: int | None = None,
    reuse_port: bool = False,
) -> list[socket.socket]:
    """Make listening sockets for a port.

    :arg port: the port; 0 for any free one, the same for all sockets.
    :arg address: an address or host name to listen on; `None` or ``""`` for all.
    :arg family: ``socket.AF_INET`` or ``socket.AF_INET6`` to have only that; both by default, as far as the system has them.
    :arg backlog: how many connections may wait.
    :arg flags: flags for ``getaddrinfo``.
    :arg reuse_port: let several processes listen on the same port.
    :returns: the sockets, one for each address.
    :raises OSError: the port is in use, or the address is unknown.
    :raises ValueError: the system has no ``SO_REUSEPORT``.
    """
    if reuse_port and not hasattr(socket, "SO_REUSEPORT"):
        raise ValueError("the platform doesn't support SO_REUSEPORT")
    if flags is None:
        flags = socket.AI_PASSIVE
    found = socket.getaddrinfo(address or None, port, family, socket.SOCK_STREAM, 0, flags)
    # IPv4 first, so that a random port is chosen where more programs look for it.
    addresses = sorted(set(found), key=lambda info: info[0] != socket.AF_INET)
    sockets: list[socket.socket] = []
    bound_port = 0
    try:
        for info in addresses:
            sock = _listen_on(info, bound_port, backlog, reuse_port)
            if sock is None:
                continue
            sockets.append(sock)
            if port == 0:
                bound_port = sock.getsockname()[1]
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _listen_on(info: Any, bound_port: int, backlog: int, reuse_port: bool) -> socket.socket | None:
    """Make one listening socket; `None` if the system hasn't got that kind of address."""
    family, kind, protocol, _, address = info
    try:
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT:
            return None
        raise
    try:
        if os.name != "nt":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            # IPv4 has a socket of its own.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        if bound_port:
            address = (address[0], bound_port, *address[2:])
        try:
            sock.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL and family == socket.AF_INET6:
                # IPv6 is there, but switched off for this interface.
                sock.close()
                return None
            raise
        sock.listen(backlog)
    except BaseException:
        sock.close()
        raise
    return sock


def bind_unix_socket(file: str, mode: int = 0o600, backlog: int = DEFAULT_BACKLOG) -> socket.socket:
    """Make a listening unix socket.

    :arg file: its path. A socket that is there is replaced. A name that begins with NUL is in Linux's abstract namespace.
    :arg mode: permissions of the file.
    :arg backlog: how many connections may wait.
    :raises ValueError: ``file`` is there and no socket.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if file.startswith("\0"):
            sock.bind(file)
        else:
            try:
                if not stat.S_ISSOCK(os.stat(file).st_mode):
                    raise ValueError(f"File {file!r} exists and is not a socket")
                os.remove(file)
            except FileNotFoundError:
                pass
            sock.bind(file)
            os.chmod(file, mode)
        sock.listen(backlog)
    except BaseException:
        sock.close()
        raise
    return sock


def add_accept_handler(
    sock: socket.socket, callback: Callable[[socket.socket, Any], None]
) -> Callable[[], None]:
    """Call ``callback(connection, address)`` for each connection that ``sock`` accepts.

    :returns: a function that ends it.
    """
    handler = _AcceptHandler(sock, callback)
    handler.resume()
    return handler.stop


class _AcceptHandler:
    """Accept connections of one listening socket."""

    def __init__(self, sock: socket.socket, callback: Callable[[socket.socket, Any], None]) -> None:
        self._socket = sock
        self._callback = callback
        self._loop: asyncio.AbstractEventLoop = IOLoop.current().asyncio_loop
        self._stopped = False
        self._exhausted = False

    def stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            if self._socket.fileno() >= 0:
                self._loop.remove_reader(self._socket)

    def resume(self) -> None:
        if not self._stopped:
            self._loop.add_reader(self._socket, self._on_readable)

    def _on_readable(self) -> None:
        for _ in range(ACCEPTS_PER_WAKEUP):
            try:
                connection, address = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                self._on_error(error)
                return
            self._exhausted = False
            try:
                self._callback(connection, address)
            except Exception:
                app_log.error("Error in connection callback", exc_info=True)
                connection.close()
            if self._stopped:
                return

    def _on_error(self, error: OSError) -> None:
        if error.errno in _TRANSIENT_ACCEPT_ERRORS:
            return
        if error.errno in _EXHAUSTION_ERRORS:
            if not self._exhausted:
                self._exhausted = True
                app_log.error("Can't accept connections: %s", error)
            # The socket stays readable; looking at it again at once would only burn time.
            self._loop.remove_reader(self._socket)
            self._loop.call_later(ACCEPT_PAUSE, self.resume)
            return
        raise error


def is_valid_ip(ip: str) -> bool:
    """Whether ``ip`` is a literal IPv4 or IPv6 address."""
    if not ip or "\0" in ip:
        # getaddrinfo takes an empty string for this host, and stops at a NUL.
        return False
    try:
        socket.getaddrinfo(
            ip, 0, socket.AF_UNSPEC, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST
        )
    except (socket.gaierror, UnicodeError):
        return False
    return True


# -- resolvers


class Resolver(Configurable):
    """Find the addresses of host names; ``configure`` chooses how.

    .. versionadded:: 3.0
    """

    @classmethod
    def configurable_base(cls) -> type[Configurable]:
        """Return the class whose implementations can be chosen."""
        return Resolver

    @classmethod
    def configurable_default(cls) -> type[Configurable]:
        """Return the implementation that is used unless another is configured."""
        return DefaultLoopResolver

    def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> Any:
        """Return an awaitable of a list of ``(family, address)``, in the order in which to try them.

        :raises OSError: the name isn't known.
        """
        raise NotImplementedError()

    def close(self) -> None:
        """Free what the resolver holds."""


def _resolve_blocking(
    host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
) -> list[tuple[int, Any]]:
    found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    return [(info[0], info[4]) for info in found]


class DefaultLoopResolver(Resolver):
    """Use the asyncio loop's ``getaddrinfo``.

    .. versionadded:: 5.0
    """

    async def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[tuple[int, Any]]:
        """See `Resolver.resolve`."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        return [(info[0], info[4]) for info in found]


#: The name of a resolver on the loop's default executor, which is what the loop's own does.
DefaultExecutorResolver = DefaultLoopResolver


class ExecutorResolver(Resolver):
    """Use the system's blocking resolver in an executor."""

    def initialize(  # type: ignore[override]  # Configurable leaves the parameters to each class
        self, executor: futures.Executor | None = None, close_executor: bool = True
    ) -> None:
        """Take the constructor's arguments.

        :arg executor: where to run it; at once, blocking, if `None`.
        :arg close_executor: shut it down in `close`.
        """
        self.executor = executor or dummy_executor
        self.close_executor = close_executor and executor is not None

    def close(self) -> None:
        """Shut the executor down, if it's this resolver's."""
        if self.close_executor:
            self.executor.shutdown()

    def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> Any:
        """See `Resolver.resolve`."""
        return asyncio.wrap_future(self.executor.submit(_resolve_blocking, host, port, family))


class BlockingResolver(ExecutorResolver):
    """Resolve at once; the loop waits meanwhile."""

    def initialize(self) -> None:  # type: ignore[override]  # as above
        """Take no arguments."""
        super().initialize()


class ThreadedResolver(ExecutorResolver):
    """Resolve in threads, which all such resolvers share."""

    _threads: futures.ThreadPoolExecutor | None = None

    def initialize(self, num_threads: int = 10) -> None:  # type: ignore[override]  # as above
        """Take the constructor's arguments.

        :arg num_threads: number of threads; the first resolver that is made decides.
        """
        if ThreadedResolver._threads is None:
            ThreadedResolver._threads = futures.ThreadPoolExecutor(num_threads)
        super().initialize(executor=ThreadedResolver._threads, close_executor=False)


class OverrideResolver(Resolver):
    """Replace names before another resolver sees them.

    ``mapping`` may have keys that are hosts, ``(host, port)`` or ``(host, port, family)``; values are hosts or ``(host, port)``.
    """

    def initialize(self, resolver: Resolver, mapping: dict[Any, Any]) -> None:  # type: ignore[override]  # as above
        """Take the constructor's arguments."""
        self.resolver = resolver
        self.mapping = mapping

    def close(self) -> None:
        """Close the other resolver."""
        self.resolver.close()

    def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> Any:
        """See `Resolver.resolve`."""
        for key in ((host, port, family), (host, port), host):
            if key in self.mapping:
                target = self.mapping[key]
                if isinstance(target, tuple):
                    host, port = target
                else:
                    host = target
                break
        return self.resolver.resolve(host, port, family)


# -- TLS

_SSL_OPTION_NAMES = frozenset(("ssl_version", "certfile", "keyfile", "cert_reqs", "ca_certs", "ciphers"))


def ssl_options_to_context(
    ssl_options: dict[str, Any] | ssl.SSLContext, server_side: bool | None = None
) -> ssl.SSLContext:
    """Return a context for a dictionary of options; a context as it is.

    :arg ssl_options: ``certfile``, ``keyfile``, ``cert_reqs``, ``ca_certs``, ``ciphers``, ``ssl_version``.
    :arg server_side: whether it's for servers; a context for either if `None`.
    :raises ValueError: there is an unknown option.
    """
    if isinstance(ssl_options, ssl.SSLContext):
        return ssl_options
    unknown = set(ssl_options) - _SSL_OPTION_NAMES
    if unknown:
        raise ValueError(f"unknown TLS options {sorted(unknown)}")
    version = ssl_options.get("ssl_version")
    if version is None:
        version = ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT
    context = ssl.SSLContext(version)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if "certfile" in ssl_options:
        context.load_cert_chain(ssl_options["certfile"], ssl_options.get("keyfile"))
    if "cert_reqs" in ssl_options:
        if ssl_options["cert_reqs"] == ssl.CERT_REQUIRED and not server_side:
            context.check_hostname = True
        context.verify_mode = ssl_options["cert_reqs"]
    if ssl_options.get("ca_certs"):
        context.load_verify_locations(ssl_options["ca_certs"])
    if "ciphers" in ssl_options:
        context.set_ciphers(ssl_options["ciphers"])
    return context


def ssl_wrap_socket(
    socket: socket.socket,
    ssl_options: dict[str, Any] | ssl.SSLContext,
    server_hostname: str | None = None,
    server_side: bool | None = None,
    **kwargs: Any,
) -> ssl.SSLSocket:
    """Return an `ssl.SSLSocket` over ``socket``.

    :arg ssl_options: a context or a dictionary as for `ssl_options_to_context`.
    :arg server_hostname: the name that the server's certificate has to have (clients).
    :arg server_side: whether this is the server.
    :arg kwargs: further arguments of ``SSLContext.wrap_socket``.
    """
    context = ssl_options_to_context(ssl_options, server_side=server_side)
    return context.wrap_socket(
        socket, server_hostname=server_hostname, server_side=bool(server_side), **kwargs
    )
