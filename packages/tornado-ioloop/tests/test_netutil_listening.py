"""Listening sockets and accepting (NET statements)."""

from __future__ import annotations

import asyncio
import contextvars
import errno
import os
import pathlib
import socket
import stat
import sys
from collections.abc import Coroutine
from typing import Any

import pytest

from tornado import netutil
from tornado.netutil import add_accept_handler, bind_sockets, bind_unix_socket, is_valid_ip


def run(main: Coroutine[Any, Any, Any]) -> Any:
    async def limited() -> Any:
        async with asyncio.timeout(20):
            return await main

    return asyncio.run(limited())


def close_all(sockets: list[socket.socket]) -> None:
    for sock in sockets:
        sock.close()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize("address", [None, "", "127.0.0.1", "localhost"])
def test_net10_addresses(address: str | None) -> None:
    """NET-10: an address, a host name, or nothing for all interfaces; a list comes back."""
    sockets = bind_sockets(0, address)
    try:
        assert sockets
        assert len({sock.getsockname()[1] for sock in sockets}) == 1
        for sock in sockets:
            assert not sock.getblocking()
            assert not sock.get_inheritable()
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            host = "127.0.0.1" if sock.family == socket.AF_INET else "::1"
            socket.create_connection((host, sock.getsockname()[1])).close()
        if address == "127.0.0.1":
            assert [sock.getsockname()[0] for sock in sockets] == ["127.0.0.1"]
    finally:
        close_all(sockets)


def test_both_families_share_one_random_port() -> None:
    sockets = bind_sockets(0)
    try:
        families = [sock.family for sock in sockets]
        assert families == ([socket.AF_INET, socket.AF_INET6] if has_ipv6() else [socket.AF_INET])
    finally:
        close_all(sockets)


def test_net10_family_restricts() -> None:
    """NET-10: only sockets of the wanted family."""
    sockets = bind_sockets(0, None, family=socket.AF_INET)
    try:
        assert [sock.family for sock in sockets] == [socket.AF_INET]
    finally:
        close_all(sockets)


def test_a_random_port_that_is_taken_for_one_family_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listen = netutil._listen
    refused: list[int] = []

    def first_ports_are_taken(family: int, address: Any, *args: Any) -> socket.socket:
        if address[1] and len(refused) < 3:
            refused.append(address[1])
            raise OSError(errno.EADDRINUSE, "taken")
        return listen(socket.AF_INET, ("127.0.0.1", address[1]), *args)

    both = [(socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_INET6, ("::1", 0, 0, 0))]
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *args: [(family, 1, 6, "", to) for family, to in both]
    )
    monkeypatch.setattr(netutil, "_listen", first_ports_are_taken)
    monkeypatch.setattr(netutil, "PORT_ATTEMPTS", 3)
    with pytest.raises(OSError) as caught:
        bind_sockets(0)
    assert caught.value.errno == errno.EADDRINUSE
    assert len(refused) == 3


@pytest.mark.parametrize("missing", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_net11_odd_answers_of_getaddrinfo(monkeypatch: pytest.MonkeyPatch, missing: int) -> None:
    """NET-11: an address that is there twice, and one that doesn't work here."""
    listen = netutil._listen

    def without_ipv6(family: int, address: Any, *args: Any) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(missing, "not here")
        return listen(family, address, *args)

    four = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))
    six = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 0, 0, 0))
    monkeypatch.setattr(netutil, "_listen", without_ipv6)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: [four, six, four])
    sockets = bind_sockets(0, "localhost")
    assert len(sockets) == 1
    close_all(sockets)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: [six])
    with pytest.raises(OSError) as caught:
        bind_sockets(0, "localhost")
    assert caught.value.errno == missing


def test_net11_flags_reach_getaddrinfo(monkeypatch: pytest.MonkeyPatch) -> None:
    """NET-11: nothing needs AI_ADDRCONFIG, and other flags may be given."""
    monkeypatch.delattr(socket, "AI_ADDRCONFIG")
    close_all(bind_sockets(0, "127.0.0.1"))
    with pytest.raises(socket.gaierror):
        bind_sockets(0, "localhost", flags=socket.AI_NUMERICHOST)


def test_a_taken_port_is_an_error_and_leaves_nothing_open() -> None:
    (first,) = bind_sockets(0, "127.0.0.1")
    with pytest.raises(OSError) as caught:
        bind_sockets(first.getsockname()[1], "127.0.0.1")
    assert caught.value.errno == errno.EADDRINUSE
    first.close()


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="needs SO_REUSEPORT")
@pytest.mark.parametrize("port", [-1, 65536, 65536 + 8888])
def test_ports_that_cannot_be(port: int) -> None:
    with pytest.raises(ValueError, match="65535"):
        bind_sockets(port, "127.0.0.1")


def test_reuse_port() -> None:
    (first,) = bind_sockets(0, "127.0.0.1", reuse_port=True)
    (second,) = bind_sockets(first.getsockname()[1], "127.0.0.1", reuse_port=True)
    close_all([first, second])


def test_reuse_port_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "SO_REUSEPORT", raising=False)
    with pytest.raises(ValueError):
        bind_sockets(0, "127.0.0.1", reuse_port=True)


def test_net12_unix_sockets(tmp_path: pathlib.Path) -> None:
    """NET-12: mode 0600, an old socket is replaced, anything else is refused."""
    path = str(tmp_path / "sock")
    umask = os.umask(0)
    try:
        first = bind_unix_socket(path)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    second = bind_unix_socket(path.encode(), mode=0o666)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o666
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        second.accept()[0].close()
    close_all([first, second])
    for other in ("file", "directory", "link"):
        target = tmp_path / other
        if other == "file":
            target.write_text("precious")
        elif other == "directory":
            target.mkdir()
        else:
            target.symlink_to(path)
        with pytest.raises(ValueError):
            bind_unix_socket(str(target))
        assert os.path.lexists(target)


@pytest.mark.skipif(sys.platform != "linux", reason="the abstract namespace is Linux's")
@pytest.mark.parametrize("kind", [str, bytes])
def test_abstract_unix_sockets(kind: type) -> None:
    name: Any = f"\0tornado-test-{os.getpid()}"
    sock = bind_unix_socket(name if kind is str else name.encode())
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(name)
        sock.accept()[0].close()
    sock.close()


def test_net13_each_connection_is_handed_over() -> None:
    """NET-13: ``callback(connection, address)``, until the returned function is called."""

    async def main() -> None:
        (listening,) = bind_sockets(0, "127.0.0.1")
        accepted: asyncio.Queue[Any] = asyncio.Queue()
        stop = add_accept_handler(listening, lambda *args: accepted.put_nowait(args))
        clients = [socket.create_connection(listening.getsockname()) for _ in range(3)]
        for _ in clients:
            connection, address = await accepted.get()
            assert address in [client.getsockname() for client in clients]
            connection.close()
        stop()
        stop()
        with socket.create_connection(listening.getsockname()):
            for _ in range(5):
                await asyncio.sleep(0)
            assert accepted.empty()
        close_all([*clients, listening])

    run(main())


VARIABLE: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)


def test_connections_have_contexts_of_their_own() -> None:
    async def main() -> None:
        (listening,) = bind_sockets(0, "127.0.0.1")
        seen: list[int] = []
        done = asyncio.Event()

        def accept(connection: socket.socket, address: Any) -> None:
            connection.close()
            seen.append(VARIABLE.get())
            VARIABLE.set(VARIABLE.get() + 1)
            if len(seen) == 3:
                done.set()

        VARIABLE.set(7)
        stop = add_accept_handler(listening, accept)
        clients = [socket.create_connection(listening.getsockname()) for _ in range(3)]
        await done.wait()
        assert seen == [7, 7, 7]
        stop()
        close_all([*clients, listening])

    run(main())


class StubListener:
    """A listening socket with a script of what ``accept`` does."""

    def __init__(self, script: list[Any]) -> None:
        self.script = script
        self.inner, self.trigger = socket.socketpair()
        self.trigger.send(b"x")

    def fileno(self) -> int:
        return self.inner.fileno()

    def accept(self) -> Any:
        step = self.script.pop(0) if self.script else BlockingIOError()
        if isinstance(step, OSError):
            raise step
        return step

    def close(self) -> None:
        self.inner.close()
        self.trigger.close()


def test_s24_accepting_yields_to_the_loop() -> None:
    """S24: one event takes a bounded number of connections."""

    async def main() -> None:
        taken: list[int] = []
        listener = StubListener([(number, "address") for number in range(200)])
        stop = add_accept_handler(listener, lambda number, address: taken.append(number))  # type: ignore[arg-type]
        counts = []
        while len(taken) < 200:
            await asyncio.sleep(0)
            counts.append(len(taken))
        steps = [b - a for a, b in zip([0, *counts], counts, strict=False)]
        assert max(steps) == netutil.ACCEPTS_PER_EVENT
        stop()
        listener.close()

    run(main())


def test_without_descriptors_accepting_pauses(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(netutil, "EXHAUSTED_PAUSE", 0.02)

    async def main() -> None:
        taken: list[Any] = []
        script = [OSError(errno.EMFILE, "too many"), ("one", "address")]
        listener = StubListener(script)
        stop = add_accept_handler(listener, lambda *args: taken.append(args))  # type: ignore[arg-type]
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(script) == 1
        while not taken:
            await asyncio.sleep(0.005)
        stop()
        script.append(OSError(errno.EMFILE, "too many"))
        again = add_accept_handler(listener, lambda *args: taken.append(args))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not script
        again()
        await asyncio.sleep(0.03)
        listener.close()

    run(main())
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]


def test_lost_peers_and_failing_callbacks_do_not_stop_accepting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        listener = StubListener(
            [OSError(errno.ECONNABORTED, "gone"), (ours, "one"), (theirs, "two")]
        )
        seen = []

        def accept(connection: socket.socket, address: Any) -> None:
            seen.append(address)
            if address == "one":
                raise ValueError("bug")
            connection.close()

        stop = add_accept_handler(listener, accept)  # type: ignore[arg-type]
        while len(seen) < 2:
            await asyncio.sleep(0)
        assert ours.fileno() == -1
        stop()
        listener.close()

    run(main())
    assert [record.name for record in caplog.records] == ["tornado.application"]


@pytest.mark.parametrize(
    "text, valid",
    [
        ("127.0.0.1", True),
        ("4.4.4.4", True),
        ("::1", True),
        ("2620:0:1cfe:face:b00c::3", True),
        ("fe80::1%lo", True),
        ("::ffff:1.2.3.4", True),
        ("", False),
        ("www.example.com", False),
        ("localhost", False),
        ("4.4.4.4<", False),
        (" 127.0.0.1", False),
        ("127.0.0.1%lo", False),
        ("fe80::1%", False),
        ("1.2.3", False),
        ("::1\0", False),
        ("\ud800::1", False),
    ],
)
def test_is_valid_ip(text: str, valid: bool) -> None:
    assert is_valid_ip(text) is valid


def test_the_server_is_found_in_its_old_place() -> None:
    from tornado.tcpserver import TCPServer

    assert netutil.TCPServer is TCPServer
    with pytest.raises(AttributeError):
        _ = netutil.nothing
