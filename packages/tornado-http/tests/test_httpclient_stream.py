"""Responses whose bodies are read while they come."""

import asyncio
import gzip

import pytest

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse


@pytest.fixture(params=["simple", "curl"])
def scripted(request, scripted):
    """Each test is for both clients."""
    return scripted if request.param == "simple" else request.getfixturevalue("curled")


def at_rest(client):
    """Whether nothing is under way."""
    return not client.active and not client.queue


async def collect(response):
    return b"".join([chunk async for chunk in response])


async def test_head_and_body(scripted, reply):
    async with scripted(lambda request: reply(b"b" * 200_000, "X-A: 1")) as server:
        async with server.client.stream(server.url, headers={"X-B": "2"}) as response:
            assert (response.code, response.reason) == (200, "Reason")
            assert response.headers["X-A"] == "1"
            assert response.effective_url == response.request.url == server.url
            assert repr(response) == f"StreamedResponse(code=200, effective_url={server.url!r})"
            assert await collect(response) == b"b" * 200_000
            assert await collect(response) == b""
        assert server.requests[0].headers["x-b"] == "2"
        assert at_rest(server.client)


async def test_read_returns_what_is_left(scripted):
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhead")
        await read_one.wait()
        await peer.send(b"tail")
        await peer.closed()

    read_one = asyncio.Event()
    async with scripted(script) as server:
        async with server.client.stream(HTTPRequest(server.url)) as response:
            assert await anext(response) == b"head"
            read_one.set()
            assert await response.read() == b"tail"


@pytest.mark.parametrize("method, code", [("HEAD", 200), ("GET", 204)])
async def test_nothing_to_iterate_over(scripted, reply, method, code):
    head = f"HTTP/1.1 {code} OK\r\n\r\n".encode()
    async with scripted(lambda request: head) as server:
        async with server.client.stream(server.url, method=method) as response:
            assert await collect(response) == b""


async def test_the_block_begins_before_the_body_has_come(scripted):
    proceed = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        await proceed.wait()
        await peer.send(b"body")
        await peer.closed()

    async with scripted(script) as server:
        async with server.client.stream(server.url) as response:
            proceed.set()
            assert await response.read() == b"body"


async def test_a_slow_reader_makes_the_server_wait(scripted):
    size = 30_000_000
    stuck = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await peer.send(bytes(size))
        stuck.set()
        await peer.closed()

    async with scripted(script) as server:
        async with server.client.stream(server.url) as response:
            await stuck.wait()
            # What waits is what was asked for at once, and what the system keeps.
            assert response._inbox._size <= 2 * 65536
            total = 0
            async for chunk in response:
                assert len(chunk) <= 65536
                total += len(chunk)
            assert total == size


async def test_a_bomb_is_not_decoded_before_it_is_read(scripted, reply):
    data = gzip.compress(bytes(50_000_000))
    async with scripted(lambda request: reply(data, "Content-Encoding: gzip")) as server:
        async with server.client.stream(server.url) as response:
            total = 0
            async for chunk in response:
                total += len(chunk)
                assert response._inbox._size <= 2 * 65536
            assert total == 50_000_000


async def test_leaving_early_gives_the_rest_up(scripted):
    closed = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart")
        await peer.closed()
        closed.set()

    async with scripted(script, max_clients=1) as server:
        async with server.client.stream(server.url) as response:
            assert await anext(response) == b"part"
        assert at_rest(server.client)
        await closed.wait()


@pytest.mark.parametrize("where", ["head", "body"])
async def test_cancelling_frees_slot_and_socket(scripted, where):
    closed = asyncio.Event()
    ready = asyncio.Event()

    async def script(peer):
        await peer.request()
        if where == "body":
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart")
        else:
            ready.set()
        await peer.closed()
        closed.set()

    async def read(client, url):
        async with client.stream(url) as response:
            async for _ in response:
                ready.set()

    async with scripted(script) as server:
        task = asyncio.create_task(read(server.client, server.url))
        await ready.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not server.client.active
        await closed.wait()


async def test_what_the_block_raises_passes(scripted, reply):
    async with scripted(lambda request: reply("body")) as server:
        with pytest.raises(LookupError):
            async with server.client.stream(server.url):
                raise LookupError
        assert not server.client.active


async def test_what_was_given_up_is_an_error_of_the_reader_s(scripted, reply):
    """It's not taken for a cancellation of whoever reads."""
    async with scripted(lambda request: reply(bytes(1_000_000))) as server:
        async with server.client.stream(server.url) as response:
            pass
        reading = asyncio.ensure_future(response.read())
        with pytest.raises(RuntimeError, match="given up"):
            await reading
        assert not reading.cancelled()


async def test_error_codes_are_errors_unless_they_are_not(scripted, reply):
    async with scripted(lambda request: reply("missing", "X-A: 1", code=404)) as server:
        with pytest.raises(HTTPClientError) as caught:
            async with server.client.stream(server.url):
                pytest.fail("the block must not begin")
        assert (caught.value.code, caught.value.response.headers["X-A"]) == (404, "1")
        async with server.client.stream(server.url, raise_error=False) as response:
            assert (response.code, await response.read()) == (404, b"missing")
            with pytest.raises(HTTPClientError):
                response.rethrow()


async def test_redirects_are_followed_first(scripted, reply):
    def serve(request):
        if request.target == "/":
            return reply("moved", "Location: /there", code=302)
        return reply("there")

    async with scripted(serve) as server:
        async with server.client.stream(server.url) as response:
            assert response.effective_url == f"{server.url}/there"
            assert await response.read() == b"there"


async def test_an_error_comes_after_what_has_come(scripted):
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart")

    async with scripted(script) as server:
        async with server.client.stream(server.url) as response:
            assert await anext(response) == b"part"
            for _ in range(2):
                with pytest.raises(HTTPClientError, match="599|losed"):
                    await anext(response)


async def test_errors_before_the_head(scripted):
    async def script(peer):
        await peer.request()

    async with scripted(script) as server:
        with pytest.raises(HTTPClientError, match="599|losed"):
            async with server.client.stream(server.url):
                pytest.fail("the block must not begin")


async def test_request_timeout_counts_until_the_end(scripted):
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart")
        await peer.closed()

    async with scripted(script) as server:
        async with server.client.stream(server.url, request_timeout=0.3) as response:
            with pytest.raises(HTTPClientError, match="[Tt]ime"):
                await response.read()


async def test_max_body_size_counts(scripted, reply):
    async with scripted(lambda request: reply("body"), max_body_size=3) as server:
        with pytest.raises(HTTPClientError, match="too large"):
            async with server.client.stream(server.url) as response:
                await response.read()


async def test_arguments_are_checked_as_by_fetch(scripted, reply):
    async with scripted(lambda request: reply("body")) as server:
        with pytest.raises(ValueError):
            async with server.client.stream(HTTPRequest(server.url), method="PUT"):
                pass
        server.client.close()
        with pytest.raises(RuntimeError):
            async with server.client.stream(server.url):
                pass


async def test_an_implementation_that_does_not_stream_gives_all_at_once():
    class Whole(AsyncHTTPClient):
        @classmethod
        def configurable_base(cls):
            return Whole

        @classmethod
        def configurable_default(cls):
            return Whole

        def fetch_impl(self, request, callback):
            from io import BytesIO

            callback(HTTPResponse(request, 200, buffer=BytesIO(b"all"), effective_url="there"))

    client = Whole(force_instance=True)
    async with client.stream("http://localhost/") as response:
        assert (response.effective_url, await response.read()) == ("there", b"all")
    client.close()
