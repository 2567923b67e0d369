"""Looking up names with c-ares, from a name server of our own."""

import asyncio
import contextlib
import socket

import pytest

from tornado.netutil import Resolver

pycares = pytest.importorskip("pycares", reason="an optional package")
caresresolver = pytest.importorskip("tornado.platform.caresresolver")

LIMIT = 15
A_RECORD, NAME_ERROR = 1, 3


class NameServer(asyncio.DatagramProtocol):
    """Knows the IPv4 address of one name (RFC 1035 section 4), and ignores some questions."""

    def __init__(self, ignore=0):
        self.left_to_ignore = ignore
        self.questions = 0

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.questions += 1
        if self.left_to_ignore:
            self.left_to_ignore -= 1
            return
        end = data.index(b"\0", 12) + 5
        question = data[12:end]
        kind = int.from_bytes(question[-4:-2], "big")
        known = b"\x04here\x07example" in question
        answers = 1 if known and kind == A_RECORD else 0
        code = 0 if known else NAME_ERROR
        header = data[:2] + bytes([0x85, 0x80 | code, 0, 1, 0, answers, 0, 0, 0, 0])
        record = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04" + bytes([192, 0, 2, 7])
        self.transport.sendto(header + question + record * answers, address)


@contextlib.asynccontextmanager
async def resolver(**kwargs):
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: NameServer(**kwargs), local_addr=("127.0.0.1", 0)
    )
    port = transport.get_extra_info("sockname")[1]
    made = caresresolver.CaresResolver()
    made.channel = pycares.Channel(
        sock_state_cb=made._on_state, servers=[f"127.0.0.1:{port}"], timeout=0.2, tries=3
    )
    try:
        async with asyncio.timeout(LIMIT):
            yield made, server
    finally:
        made.close()
        transport.close()
        assert made.fds == {}


def test_a_port_that_does_not_exist_is_refused():
    async def main():
        async with resolver() as (cares, _):
            for host in ("here.example", "127.0.0.1"):
                with pytest.raises(ValueError, match="70000"):
                    await cares.resolve(host, 70000)

    asyncio.run(main())


@pytest.mark.parametrize("ignore", [0, 1])
def test_names_are_asked_for_again_if_need_be(ignore):
    async def main():
        async with resolver(ignore=ignore) as (cares, server):
            found = await cares.resolve("here.example", 80, socket.AF_INET)
            assert found == [(socket.AF_INET, ("192.0.2.7", 80))]
            assert server.questions > ignore

    asyncio.run(main())


def test_names_that_nobody_knows():
    async def main():
        async with resolver() as (cares, _):
            with pytest.raises(OSError, match=r"nowhere\.example"):
                await cares.resolve("nowhere.example", 80)

    asyncio.run(main())


def test_a_server_that_never_answers():
    async def main():
        async with resolver(ignore=100) as (cares, server):
            with pytest.raises(OSError, match=r"here\.example"):
                await cares.resolve("here.example", 80, socket.AF_INET)
            assert server.questions >= 3
            assert cares._check is None

    asyncio.run(main())


def test_closing_cancels_what_is_asked():
    async def main():
        async with resolver(ignore=100) as (cares, _):
            asked = asyncio.ensure_future(cares.resolve("here.example", 80))
            await asyncio.sleep(0)
            cares.close()
            with pytest.raises(asyncio.CancelledError):
                await asked

    asyncio.run(main())


@pytest.mark.parametrize(
    ("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)]
)
def test_addresses_are_names_too(host, family):
    async def main():
        Resolver.configure("tornado.platform.caresresolver.CaresResolver")
        try:
            cares = Resolver()
        finally:
            Resolver.configure(None)
        assert type(cares) is caresresolver.CaresResolver
        found = await cares.resolve(host, 80)
        assert [(kind, address[:2]) for kind, address in found] == [(family, (host, 80))]
        cares.close()

    asyncio.run(main())
