"""Resolvers, and TLS settings."""

from __future__ import annotations

import asyncio
import concurrent.futures
import pathlib
import socket
import ssl
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from tornado.netutil import (
    BlockingResolver,
    DefaultExecutorResolver,
    DefaultLoopResolver,
    ExecutorResolver,
    OverrideResolver,
    Resolver,
    ThreadedResolver,
    ssl_options_to_context,
    ssl_wrap_socket,
)

CERTIFICATE = str(pathlib.Path(__file__).with_name("tls_localhost.pem"))


def run(main: Coroutine[Any, Any, Any]) -> Any:
    async def limited() -> Any:
        async with asyncio.timeout(20):
            return await main

    return asyncio.run(limited())


@pytest.fixture
def _default_resolver() -> Iterator[None]:
    yield
    Resolver.configure(None)


@pytest.mark.parametrize(
    "kind", [BlockingResolver, ThreadedResolver, DefaultExecutorResolver, DefaultLoopResolver]
)
def test_every_resolver_resolves(kind: type[Resolver]) -> None:
    async def main() -> None:
        resolver = kind()
        found = await resolver.resolve("localhost", 80, socket.AF_INET)
        assert (socket.AF_INET, ("127.0.0.1", 80)) in found
        assert len(found) == len(set(found))
        assert (await resolver.resolve("::1", 81))[0][1][:2] == ("::1", 81)
        with pytest.raises(OSError):
            await resolver.resolve("an invalid domain", 80)
        for port in (-1, 65536, 70000):
            with pytest.raises(ValueError, match=str(port)):
                await resolver.resolve("127.0.0.1", port)
        assert (await resolver.resolve("127.0.0.1", 65535))[0][1] == ("127.0.0.1", 65535)
        resolver.close()

    run(main())


@pytest.mark.usefixtures("_default_resolver")
def test_the_implementation_is_configurable() -> None:
    assert isinstance(Resolver(), DefaultLoopResolver)
    Resolver.configure("tornado.netutil.ThreadedResolver", num_threads=2)
    assert isinstance(Resolver(), ThreadedResolver)
    Resolver.configure(BlockingResolver)
    assert isinstance(Resolver(io_loop=None), BlockingResolver)


def test_an_executor_is_shut_down_if_wanted() -> None:
    async def main() -> None:
        for closing in (True, False):
            executor = concurrent.futures.ThreadPoolExecutor(1)
            resolver = ExecutorResolver(executor=executor, close_executor=closing)
            assert await resolver.resolve("127.0.0.1", 80) == [(2, ("127.0.0.1", 80))]
            resolver.close()
            if closing:
                with pytest.raises(RuntimeError):
                    executor.submit(int)
            else:
                executor.shutdown()

    run(main())


def test_threads_are_shared() -> None:
    async def main() -> None:
        one, two = ThreadedResolver(), ThreadedResolver(num_threads=3)
        assert one.executor is two.executor
        one.close()
        assert await two.resolve("127.0.0.1", 1)
        assert any(thread.name.startswith("resolver") for thread in threading.enumerate())

    run(main())


class Echo(Resolver):
    """A resolver that answers with the question."""

    closed = False

    async def resolve(self, host: str, port: int, family: Any = socket.AF_UNSPEC) -> Any:
        return [(family, (host, port))]

    def close(self) -> None:
        self.closed = True


def test_overriding() -> None:
    async def main() -> None:
        inner = Echo()
        resolver = OverrideResolver(
            resolver=inner,
            mapping={
                "example.com": "127.0.1.1",
                ("login.example.com", 443): ("localhost", 1443),
                ("login.example.com", 443, socket.AF_INET6): ("::1", 1444),
            },
        )
        cases = [
            (("example.com", 80), ("127.0.1.1", 80)),
            (("login.example.com", 443), ("localhost", 1443)),
            (("login.example.com", 80), ("login.example.com", 80)),
            (("login.example.com", 443, socket.AF_INET6), ("::1", 1444)),
            (("other", 1), ("other", 1)),
        ]
        for question, answer in cases:
            assert (await resolver.resolve(*question))[0][1] == answer
        resolver.close()
        assert inner.closed

    run(main())


def test_a_resolver_must_say_how() -> None:
    class Silent(Resolver):
        pass

    with pytest.raises(NotImplementedError):
        Silent().resolve("localhost", 80)


def test_contexts_pass_unchanged() -> None:
    context = ssl.create_default_context()
    assert ssl_options_to_context(context) is context
    assert ssl_options_to_context(context, server_side=True) is context


def test_c8_client_contexts_verify() -> None:
    """C8: an empty dictionary is the safe default."""
    for options in ({}, {"ca_certs": CERTIFICATE}, {"cert_reqs": ssl.CERT_REQUIRED}):
        context = ssl_options_to_context(options, server_side=False)
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.check_hostname
    careless = ssl_options_to_context({"cert_reqs": ssl.CERT_NONE}, server_side=False)
    assert careless.verify_mode == ssl.CERT_NONE
    assert not careless.check_hostname


def test_options_of_a_server() -> None:
    context = ssl_options_to_context(
        {"certfile": CERTIFICATE, "cert_reqs": ssl.CERT_OPTIONAL, "ca_certs": CERTIFICATE},
        server_side=True,
    )
    assert context.verify_mode == ssl.CERT_OPTIONAL
    assert context.cert_store_stats()["x509"] == 1
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_context_for_either_side() -> None:
    context = ssl_options_to_context({"certfile": CERTIFICATE, "keyfile": CERTIFICATE})
    assert context.verify_mode == ssl.CERT_NONE
    assert context.protocol == ssl.PROTOCOL_TLS


def test_versions_and_ciphers() -> None:
    context = ssl_options_to_context(
        {"ssl_version": ssl.PROTOCOL_TLSv1_2, "ciphers": "ECDHE+AESGCM"}, server_side=True
    )
    assert context.minimum_version == context.maximum_version == ssl.TLSVersion.TLSv1_2
    names = {cipher["name"] for cipher in context.get_ciphers() if "TLS_" not in cipher["name"]}
    assert names
    assert all(name.startswith("ECDHE") for name in names)


@pytest.mark.parametrize("version", ["PROTOCOL_SSLv2", "PROTOCOL_SSLv3"])
def test_c8_broken_versions_are_refused(version: str) -> None:
    """C8: no SSL 2 or 3."""

    class Constant(int):
        name = version

    with pytest.raises(ValueError, match=version):
        ssl_options_to_context({"ssl_version": Constant(2)}, server_side=True)


def test_unknown_options_are_refused() -> None:
    with pytest.raises(ValueError, match="certfil"):
        ssl_options_to_context({"certfil": "x"}, server_side=True)


def test_wrapping_both_ends() -> None:
    one, two = socket.socketpair()
    server = ssl_wrap_socket(
        one, {"certfile": CERTIFICATE}, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.do_handshake)
    thread.start()
    client = ssl_wrap_socket(two, {"ca_certs": CERTIFICATE}, server_hostname="localhost")
    thread.join()
    assert client.getpeercert()
    assert server.server_side
    client.close()
    server.close()
