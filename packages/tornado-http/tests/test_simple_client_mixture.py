"""Many fetches of all kinds at once, on a server with moods: nobody gets what others asked for."""

import asyncio
import gc
import random

import pytest

from tornado.httpclient import HTTPClientError


def moody(reply, chance):
    """A script that answers with its target, repeated, or ends the connection at any point."""

    async def script(peer):
        while (request := await peer.head()) is not None:
            if request.method != "GET" and chance.random() < 0.1:
                # Before the body was read, and sometimes instead.
                await peer.send(reply(request.target, code=413))
                if chance.random() < 0.5:
                    return
                await peer.body(request)
                continue
            await peer.body(request)
            for _ in range(chance.choice((0, 0, 1, 5))):
                await asyncio.sleep(0)
            body = request.target.encode() * chance.choice((1, 100, 10_000))
            mood = chance.choices(("end", "reset", "chunks", "close", "length"), (1, 1, 4, 1, 13))
            match mood[0]:
                case "end":
                    return
                case "reset":
                    peer.reset()
                    return
                case "close":
                    await peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body)
                    return
                case "chunks":
                    await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    for start in range(0, len(body), 3000):
                        piece = body[start : start + 3000]
                        await peer.send(b"%x\r\n%s\r\n" % (len(piece), piece))
                    await peer.send(b"0\r\n\r\n")
                case "length":
                    await peer.send(reply(body))

    return script


class Fetches:
    """Fetches of all kinds, and what became of them."""

    def __init__(self, server, chance):
        self.server = server
        self.chance = chance
        self.counts = {"right": 0, "failed": 0, "cancelled": 0}

    async def one(self, number):
        path = f"/{number}-"
        try:
            body = await self.chance.choice(
                (self.plain, self.upload, self.received, self.streamed)
            )(self.server.url + path)
        except asyncio.CancelledError:
            self.counts["cancelled"] += 1
        except (HTTPClientError, OSError):
            self.counts["failed"] += 1
        else:
            assert body
            assert body == path.encode() * (len(body) // len(path))
            self.counts["right"] += 1

    async def plain(self, url, **arguments):
        fetch = self.server.client.fetch(url, raise_error=False, **arguments)
        if self.chance.random() < 0.2:
            for _ in range(self.chance.randrange(40)):
                await asyncio.sleep(0)
            fetch.cancel()
        return (await fetch).body

    async def upload(self, url):
        async def produce(write):
            for _ in range(5):
                await write(b"y" * 1000)

        size = self.chance.choice((0, 10, 300_000, None))
        body = {"body_producer": produce} if size is None else {"body": b"x" * size}
        return await self.plain(url, method=self.chance.choice(("POST", "PUT")), **body)

    async def received(self, url):
        pieces = []

        async def receive(piece):
            await asyncio.sleep(0)
            pieces.append(piece)

        await self.plain(url, streaming_callback=receive)
        return b"".join(pieces)

    async def streamed(self, url):
        async with self.server.client.stream(url, raise_error=False) as response:
            return await response.read()


@pytest.mark.parametrize("clients, idle", [(1, 100), (3, 2), (8, 100), (8, 0)])
async def test_nobody_gets_what_others_asked_for(scripted, reply, clients, idle):
    chance = random.Random(f"{clients} {idle}")
    script = moody(reply, chance)
    async with scripted(script, max_clients=clients, max_idle=idle) as server:
        fetches = Fetches(server, chance)
        await asyncio.gather(*(fetches.one(number) for number in range(150)))
        assert sum(fetches.counts.values()) == 150
        assert min(fetches.counts.values()) > 0
        assert not server.client.active
        assert not server.client.queue
        assert len(server.client.pool) <= min(clients, idle)
        assert server.connections < 150 or not idle


@pytest.mark.parametrize("clients", [1, 3, 8])
async def test_nobody_gets_what_others_asked_for_from_libcurl(curled, reply, clients):
    chance = random.Random(clients)
    async with curled(moody(reply, chance), max_clients=clients) as server:
        fetches = Fetches(server, chance)
        await asyncio.gather(*(fetches.one(number) for number in range(150)))
        assert sum(fetches.counts.values()) == 150
        assert min(fetches.counts.values()) > 0
        assert not server.client.active
        assert not server.client.queue


@pytest.mark.parametrize("make", ["scripted", "curled"])
async def test_a_receiver_that_never_began_is_no_loss(make, reply, request):
    """A warning would say that nobody has awaited it."""
    fetches = []

    async def script(peer):
        await peer.head()
        await peer.send(reply(b"x" * 100))

    async def receive():
        raise AssertionError("the fetch is over")

    def begin(piece):
        fetches[0].cancel()
        return receive()

    async with request.getfixturevalue(make)(script) as server:
        fetches.append(server.client.fetch(server.url, streaming_callback=begin))
        with pytest.raises(asyncio.CancelledError):
            await fetches[0]
        await asyncio.sleep(0)
        gc.collect()
