"""Connections of the simple client: made, kept, used again, given up; and what limits them."""

import asyncio
import gc
import os
import socket
import warnings
import weakref

import pytest

from tornado._ioloop.readiness import readiness_of
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.ioloop import IOLoop
from tornado.netutil import Resolver
from tornado.simple_httpclient import (
    HTTPStreamClosedError,
    HTTPTimeoutError,
    SimpleAsyncHTTPClient,
)


def descriptors():
    if asyncio._get_running_loop() is not None:
        # The loop's own is there from the first connection on.
        readiness_of(IOLoop.current())
    return len(os.listdir("/proc/self/fd"))


async def until(condition):
    """Let the loop run until something holds."""
    while not condition():
        await asyncio.sleep(0)


def stall(until_path="/stall"):
    """A function for scripts that answer everything but requests for one path."""

    async def script(peer):
        while (request := await peer.request()) is not None:
            if request.target == until_path:
                await peer.closed()
                return
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    return script


# Keeping


async def test_shc_2_connections_are_used_again(scripted, reply):
    async with scripted(lambda request: reply(request.target)) as server:
        for number in range(5):
            response = await server.fetch(f"/{number}")
            assert response.body == f"/{number}".encode()
        assert (server.connections, server.client.connections_opened) == (1, 1)
        assert len(server.client.pool) == 1


async def test_parallel_fetches_share_as_many_as_they_need(scripted, reply):
    async with scripted(lambda request: reply(), max_clients=4) as server:
        for _ in range(3):
            await asyncio.gather(*(server.fetch() for _ in range(10)))
        assert server.connections == 4
        assert len(server.client.pool) == 4


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, Close\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        # RFC 9112 section 6.1: its framing is in doubt.
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ],
)
async def test_connections_are_closed_when_the_server_says_so(scripted, response):
    async with scripted(lambda request: response) as server:
        for _ in range(2):
            await server.fetch(raise_error=False)
        assert server.connections == 2
        assert len(server.client.pool) == 0


async def test_http_1_0_with_keep_alive_is_kept(scripted):
    data = b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"
    async with scripted(lambda request: data) as server:
        for _ in range(2):
            await server.fetch()
        assert server.connections == 1


async def test_keeping_can_be_turned_off(scripted, reply):
    async with scripted(lambda request: reply(), keep_alive=False) as server:
        for _ in range(2):
            await server.fetch()
        assert server.connections == 2
        assert all(request.headers["connection"] == "close" for request in server.requests)


async def test_a_request_may_ask_for_its_connection_to_be_closed(scripted, reply):
    async with scripted(lambda request: reply()) as server:
        for _ in range(2):
            await server.fetch(headers={"Connection": "close"})
        assert server.connections == 2
        assert len(server.client.pool) == 0


@pytest.mark.parametrize(
    "options, kept", [({"max_idle_per_host": 2}, 2), ({"max_idle": 3}, 3), ({"max_idle": 0}, 0)]
)
async def test_the_number_of_idle_connections_is_limited(scripted, reply, options, kept):
    async with scripted(lambda request: reply(), max_clients=5, **options) as server:
        await asyncio.gather(*(server.fetch() for _ in range(5)))
        assert len(server.client.pool) == kept


async def test_max_idle_closes_the_connection_that_has_rested_longest(scripted, reply):
    async with (
        scripted(lambda request: reply("a")) as one,
        scripted(lambda request: reply("b")) as two,
    ):
        client = one.new_client(max_idle=1)
        await client.fetch(one.url)
        await client.fetch(two.url)
        assert len(client.pool) == 1
        await client.fetch(two.url)
        await client.fetch(one.url)
        assert (one.connections, two.connections) == (2, 1)


async def test_idle_connections_expire(scripted, reply):
    closed = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(reply())
        await peer.closed()
        closed.set()

    async with scripted(script, idle_timeout=0.02) as server:
        await server.fetch()
        assert len(server.client.pool) == 1
        await closed.wait()
        assert len(server.client.pool) == 0


@pytest.mark.parametrize("field", ["timeout=0", "max=5, Timeout=0"])
async def test_a_server_may_announce_that_it_closes_sooner(scripted, reply, field):
    left = asyncio.Queue()

    async def script(peer):
        await peer.request()
        await peer.send(reply("", f"Keep-Alive: {field}"))
        await peer.closed()
        left.put_nowait(peer.number)

    async with scripted(script) as server, scripted(lambda request: reply()) as other:
        # One that is kept for long doesn't keep those that aren't.
        await server.client.fetch(other.url)
        for number in (1, 2):
            await server.fetch()
            assert server.connections == number
            assert await left.get() == number
        assert len(server.client.pool) == 1


@pytest.mark.parametrize(
    "field", ["timeout=5", "max=9", "timeout=", "xtimeout=0", "timeout=" + "0" * 99]
)
async def test_announcements_that_change_nothing(scripted, reply, field):
    async with scripted(lambda request: reply("", f"Keep-Alive: {field}")) as server:
        for _ in range(2):
            await server.fetch()
        assert server.connections == 1


async def test_connections_of_requests_with_other_certificates_are_not_shared(
    scripted, reply, server_tls, authority_file
):
    async with scripted(lambda request: reply(), tls=server_tls) as server:
        await server.fetch(ca_certs=authority_file)
        await server.fetch(ca_certs=authority_file)
        assert server.connections == 1
        await server.fetch(validate_cert=False)
        assert server.connections == 2
        await server.fetch(validate_cert=False)
        assert server.connections == 2


@pytest.mark.parametrize("code", [200, 401, 407, 413, 500])
@pytest.mark.parametrize("size", [0, 65536, 65537])
async def test_a_server_that_refuses_a_large_body_may_not_have_read_it(scripted, reply, code, size):
    """Squid is stuck then."""

    async def script(peer):
        while (request := await peer.head()) is not None:
            if request.method == "GET":
                await peer.send(reply(str(peer.number)))
                continue
            await peer.send(reply(code=code))
            await peer.body(request)

    async with scripted(script) as server:
        await server.fetch(method="PUT", body=bytes(size), raise_error=False)
        lasts = size <= 65536 or code == 200
        assert (await server.fetch()).body == (b"1" if lasts else b"2")


# Connections that are dead when they're needed


def dies_after_first(reply, *, reset=False, silently=True):
    """A script whose connections answer once and end when the second request comes."""

    async def script(peer):
        await peer.request()
        await peer.send(reply("fresh"))
        if peer.number == 1:
            await peer.request()
            if not silently:
                await peer.send(b"HTTP/1.1 2")
            if reset:
                peer.reset()
            else:
                peer.writer.close()
        else:
            await peer.closed()

    return script


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
@pytest.mark.parametrize("reset", [False, True])
async def test_idempotent_requests_are_sent_again(scripted, reply, method, reset):
    """RFC 9110 section 9.2.2."""
    body = b"body" if method == "PUT" else None
    async with scripted(dies_after_first(reply, reset=reset)) as server:
        await server.fetch()
        response = await server.fetch("/second", method=method, body=body)
        assert response.code == 200
        assert [request.target for request in server.requests] == ["/", "/second", "/second"]
        assert server.requests[-1].body == (body or b"")
        assert server.connections == 2


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_other_requests_are_not_sent_again(scripted, reply, method):
    async with scripted(dies_after_first(reply)) as server:
        await server.fetch()
        with pytest.raises((HTTPStreamClosedError, ConnectionError)):
            await server.fetch(method=method, body=b"buy it")
        assert len(server.requests) == 2
        assert not server.client.active


async def test_requests_whose_body_is_produced_are_not_sent_again(scripted, reply):
    calls = []

    async def produce(write):
        calls.append(None)
        await write(b"body")

    async with scripted(dies_after_first(reply)) as server:
        await server.fetch()
        with pytest.raises(HTTPStreamClosedError):
            await server.fetch(method="PUT", body_producer=produce)
        assert len(calls) == 1


async def test_nothing_is_sent_again_once_an_answer_has_begun(scripted):
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart")

    async with scripted(script) as server:
        await server.fetch()
        with pytest.raises(HTTPStreamClosedError, match="complete"):
            await server.fetch()
        assert len(server.requests) == 2


async def test_nothing_is_sent_again_on_a_fresh_connection(scripted):
    async def script(peer):
        await peer.request()

    async with scripted(script) as server:
        with pytest.raises(HTTPStreamClosedError, match="before the response"):
            await server.fetch()
        assert server.connections == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_connection_that_was_closed_at_rest_is_not_used(reply, method):
    """Also if the loop hasn't looked at it yet, for what can't be sent again."""
    loop = asyncio.get_running_loop()
    client = SimpleAsyncHTTPClient(force_instance=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"

        async def answer_one():
            peer, _ = await loop.sock_accept(listener)
            request = await loop.sock_recv(peer, 65536)
            await loop.sock_sendall(peer, reply())
            return peer, request

        peer, _ = (await asyncio.gather(answer_one(), client.fetch(url)))[0]
        assert len(client.pool) == 1
        peer.close()
        # From here to the fetch the client's loop has no turn.
        body = b"body" if method == "POST" else None
        fetch = client.fetch(url, method=method, body=body)
        peer, request = await answer_one()
        assert request.startswith(method.encode())
        assert (await fetch).code == 200
        peer.close()
    client.close()


# Closing


async def test_htc_16_close_frees_what_is_kept(scripted, reply):
    closed = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(reply())
        await peer.closed()
        closed.set()

    async with scripted(script) as server:
        await server.fetch()
        server.client.close()
        await closed.wait()
        with pytest.raises(RuntimeError):
            server.client.fetch(server.url)


async def test_closing_fails_what_is_under_way_and_queued(scripted):
    async with scripted(stall(), max_clients=1) as server:
        fetches = [server.client.fetch(f"{server.url}/stall") for _ in range(3)]
        await until(lambda: server.requests)
        server.client.close()
        for fetch in fetches:
            with pytest.raises(HTTPStreamClosedError, match="closed"):
                await fetch
        assert not server.client.active
        assert not server.client.queue


def test_a_loop_takes_its_connections_and_clients_with_it():
    """Nothing stays behind when nobody calls ``close``."""

    async def serve(reader, writer):
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        finally:
            writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        for _ in range(3):
            await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}/")
        server.close()
        # The server's side ends when the client's does, which the end of the loop has to bring.
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: None)

    def clients():
        gc.collect()
        return sum(isinstance(each, SimpleAsyncHTTPClient) for each in gc.get_objects())

    asyncio.run(main())
    descriptors_before, clients_before = descriptors(), clients()
    for _ in range(5):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            asyncio.run(main())
    assert clients() <= clients_before
    assert descriptors() <= descriptors_before


# Limits and the queue


async def test_shc_3_defaults():
    client = SimpleAsyncHTTPClient(force_instance=True)
    assert (client.max_clients, client.max_buffer_size) == (10, 104857600)
    assert client.max_body_size == client.max_buffer_size
    client.close()


async def test_htc_6_shc_4_fetches_beyond_max_clients_are_queued(scripted, reply):
    running = most = 0
    proceed = asyncio.Event()

    async def script(peer):
        nonlocal running, most
        while await peer.request() is not None:
            running += 1
            most = max(most, running)
            await proceed.wait()
            running -= 1
            await peer.send(reply())

    async with scripted(script, max_clients=2) as server:
        fetches = [server.client.fetch(server.url) for _ in range(5)]
        await until(lambda: running == 2)
        assert (len(server.client.active), len(server.client.queue)) == (2, 3)
        proceed.set()
        responses = await asyncio.gather(*fetches)
        assert most == 2
        assert responses[0].time_info["queue"] < responses[-1].time_info["queue"]


async def test_shc_4_the_time_in_the_queue_counts_against_request_timeout(scripted):
    async with scripted(stall(), max_clients=1) as server:
        blocking = server.client.fetch(f"{server.url}/stall")
        with pytest.raises(HTTPTimeoutError, match="in request queue") as caught:
            await server.fetch(request_timeout=0.02)
        assert caught.value.code == 599
        assert not server.client.queue
        blocking.cancel()


async def test_any_number_of_queued_fetches_may_fail_at_once(scripted, reply):
    async with scripted(lambda request: reply("body"), max_clients=1) as server:
        first = server.client.fetch(server.url)
        wrong = [server.client.fetch("odd://x/") for _ in range(3000)]
        last = server.client.fetch(server.url)
        assert (await first).body == (await last).body == b"body"
        results = await asyncio.gather(*wrong, return_exceptions=True)
        assert {type(result) for result in results} == {ValueError}
        assert not server.client.active


async def test_shc_13_redirects_need_no_further_slot(scripted, reply):
    def serve(request):
        number = int(request.target[1:])
        return reply("end") if not number else reply("", f"Location: /{number - 1}", code=302)

    async with scripted(serve, max_clients=1) as server:
        responses = await asyncio.gather(*(server.fetch("/3") for _ in range(3)))
        assert [response.body for response in responses] == [b"end"] * 3


async def test_shc_23_each_callback_is_called_once(scripted, reply):
    calls = []
    async with scripted(lambda request: reply()) as server:
        for path in ("/", "/again"):
            server.client.fetch(server.url + path, calls.append)
        await until(lambda: len(calls) == 2)
        await server.fetch()
        assert len(calls) == 2


# Timeouts


async def test_shc_17_connect_timeout_tells_of_the_lookup():
    class Slow(Resolver):
        @classmethod
        def configurable_base(cls):
            return Slow

        @classmethod
        def configurable_default(cls):
            return Slow

        async def resolve(self, host, port, family=0):
            await asyncio.Event().wait()

    client = SimpleAsyncHTTPClient(force_instance=True, resolver=Slow())
    with pytest.raises(HTTPTimeoutError, match="looking up"):
        await client.fetch("http://example.com/", connect_timeout=0.02)
    assert not client.active
    client.close()


async def test_shc_17_connect_timeout_tells_of_connecting():
    with socket.socket() as full:
        # A listener whose backlog is full lets nobody in, and refuses nobody.
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
            waiting.append(sock)
        client = SimpleAsyncHTTPClient(force_instance=True)
        before = descriptors()
        with pytest.raises(HTTPTimeoutError, match=r"^Timeout while connecting$"):
            await client.fetch(f"http://127.0.0.1:{full.getsockname()[1]}/", connect_timeout=0.05)
        await until(lambda: descriptors() == before)
        assert not client.active
        client.close()
        for sock in waiting:
            sock.close()


async def test_connect_timeout_tells_of_the_handshake(scripted):
    async def script(peer):
        await peer.closed()

    async with scripted(script) as server:
        before = descriptors()
        with pytest.raises(HTTPTimeoutError, match="TLS handshake"):
            await server.client.fetch(
                f"https://127.0.0.1:{server.port}/", connect_timeout=0.3, validate_cert=False
            )
        await until(lambda: descriptors() <= before)
        assert not server.client.active


async def test_request_timeout_tells_of_waiting(scripted):
    async with scripted(stall("/")) as server:
        with pytest.raises(HTTPTimeoutError, match="waiting for the response"):
            await server.fetch(request_timeout=0.3)
        assert (len(server.client.active), len(server.client.pool)) == (0, 0)


async def test_request_timeout_tells_of_waiting_after_a_large_body(scripted):
    async with scripted(stall("/")) as server:
        fetch = server.client.fetch(server.url, method="POST", body=b"b" * 20_000_000)
        await until(lambda: server.requests and len(server.requests[0].body) == 20_000_000)
        (exchange,) = server.client.active
        exchange.strike()
        with pytest.raises(HTTPTimeoutError, match="waiting for the response"):
            await fetch


async def test_request_timeout_tells_of_sending(scripted):
    async def script(peer):
        await peer.head()
        peer.reader._transport.pause_reading()
        await asyncio.Event().wait()

    async with scripted(script) as server:
        with pytest.raises(HTTPTimeoutError, match="sending"):
            await server.fetch(method="POST", body=b"b" * 20_000_000, request_timeout=0.3)
        assert (len(server.client.active), len(server.client.pool)) == (0, 0)


async def test_request_timeout_tells_of_receiving(scripted):
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart")
        await peer.closed()

    async with scripted(script) as server:
        with pytest.raises(HTTPTimeoutError, match="receiving") as caught:
            await server.fetch(request_timeout=0.3)
        assert str(caught.value).startswith("Timeout")
        assert not server.client.active


@pytest.mark.parametrize("option", ["connect_timeout", "request_timeout"])
async def test_zero_means_no_limit(scripted, reply, option):
    async with scripted(lambda request: reply()) as server:
        assert (await server.fetch(**{option: 0})).code == 200


async def test_the_place_of_a_fetch_that_timed_out_goes_to_the_next(scripted):
    async with scripted(stall(), max_clients=1) as server:
        late = server.client.fetch(f"{server.url}/stall", request_timeout=0.05)
        assert (await server.fetch()).code == 200
        with pytest.raises(HTTPTimeoutError):
            await late


# Cancellation


@pytest.mark.parametrize("phase", ["queued", "waiting", "receiving", "sending"])
async def test_cancelling_frees_slot_and_socket(scripted, phase):
    received = asyncio.Event()
    closed = asyncio.Event()

    async def script(peer):
        request = await peer.head()
        if request.target == "/ok":
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            await peer.closed()
            return
        if phase == "receiving":
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart")
        received.set()
        await peer.closed()
        closed.set()

    async def produce(write):
        await write(b"part")
        await asyncio.Event().wait()

    async with scripted(script, max_clients=1) as server:
        body = {"method": "POST", "body_producer": produce} if phase == "sending" else {}
        task = asyncio.create_task(server.fetch("/hang", **body))
        await received.wait()
        victim = task
        if phase == "queued":
            victim = asyncio.create_task(server.fetch("/queued"))
            await until(lambda: server.client.queue)
        victim.cancel()
        with pytest.raises(asyncio.CancelledError):
            await victim
        assert not server.client.queue
        if phase == "queued":
            task.cancel()
        await closed.wait()
        assert (len(server.client.active), len(server.client.pool)) == (0, 0)
        assert (await server.fetch("/ok")).code == 200
        assert [request.target for request in server.requests] == ["/hang", "/ok"]


async def test_cancelling_while_connecting_closes_the_socket(scripted):
    async def script(peer):
        await peer.closed()

    async with scripted(script) as server:
        before = descriptors()
        fetch = server.client.fetch(f"https://127.0.0.1:{server.port}/", validate_cert=False)
        await until(lambda: server.connections)
        fetch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetch
        assert not server.client.active
        await until(lambda: descriptors() <= before)


@pytest.mark.parametrize("rounds", range(1, 12))
async def test_cancelling_at_any_moment_leaves_nothing_open(
    scripted, reply, rounds, server_tls, authority_file
):
    async with scripted(lambda request: reply(), tls=server_tls) as server:
        task = asyncio.create_task(server.fetch(ca_certs=authority_file))
        for _ in range(rounds):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert not server.client.active
        server.client.pool.clear()
        await until(lambda: all(peer.reader.at_eof() for peer in server._peers))


async def test_a_lookup_that_was_cancelled_elsewhere_ends_the_fetch():
    """Executors that are shut down cancel what they were to do."""

    class Cancelling(Resolver):
        def initialize(self):
            """It has nothing to keep."""

        async def resolve(self, host, port, family=socket.AF_UNSPEC):
            future = asyncio.get_running_loop().create_future()
            future.cancel()
            await future

    client = SimpleAsyncHTTPClient(force_instance=True, resolver=Cancelling())
    with pytest.raises(HTTPStreamClosedError, match="connecting was cancelled") as caught:
        await client.fetch("http://x.invalid/", request_timeout=0)
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)
    assert not client.active
    client.close()


async def test_wait_for_is_a_cancellation_too(scripted):
    async with scripted(stall("/")) as server:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(server.client.fetch(server.url), 0.02)
        assert not server.client.active


# Where connections go


async def test_shc_5_hostname_mapping_needs_no_dns(scripted, reply):
    async with scripted(lambda request: reply()) as server:
        client = server.new_client(hostname_mapping={"no.such.host.invalid": "127.0.0.1"})
        await client.fetch(f"http://no.such.host.invalid:{server.port}/")
        host = server.requests[0].headers["host"]
        assert host == f"no.such.host.invalid:{server.port}"


@pytest.mark.parametrize("zone", ["%25eth0", "%eth0"])
async def test_the_zone_of_an_address_is_for_this_machine_alone(scripted, reply, zone):
    """RFC 6874 section 3: it's no part of what is sent."""
    asked = []

    class Zones(Resolver):
        def initialize(self):
            """It has nothing to keep."""

        async def resolve(self, host, port, family=socket.AF_UNSPEC):
            asked.append(host)
            return [(socket.AF_INET, ("127.0.0.1", port))]

    async with scripted(lambda request: reply()) as server:
        client = server.new_client(resolver=Zones())
        await client.fetch(f"http://[fe80::1{zone}]:{server.port}/")
        assert asked == ["fe80::1%eth0"]
        assert server.requests[0].headers["host"] == f"[fe80::1]:{server.port}"


async def test_unreachable_servers_are_oserrors_or_599():
    client = SimpleAsyncHTTPClient(force_instance=True)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            await client.fetch(f"http://127.0.0.1:{port}/")
    client.close()


async def test_unix_socket_takes_the_place_of_host_and_port(scripted, reply, tmp_path):
    path = str(tmp_path / "socket")
    async with scripted(lambda request: reply(request.target), path=path) as server:
        for target in ("/a", "/b?c=d"):
            response = await server.client.fetch(f"http://docker{target}", unix_socket=path)
            assert response.body == target.encode()
        assert server.requests[0].headers["host"] == "docker"
        assert server.connections == 1
        # Others who want the same host don't get there.
        with pytest.raises(OSError):
            await server.client.fetch("http://docker.invalid/")


async def test_unix_socket_may_speak_tls(scripted, reply, tmp_path, server_tls, authority_file):
    path = str(tmp_path / "socket")
    async with scripted(lambda request: reply("in private"), path=path, tls=server_tls) as server:
        response = await server.client.fetch(
            "https://localhost/", unix_socket=path, ca_certs=authority_file
        )
        assert response.body == b"in private"


@pytest.mark.parametrize("path", ["/nowhere/at/all", "x" * 200])
async def test_unix_sockets_that_can_not_be_connected_to(path):
    before = descriptors()
    client = SimpleAsyncHTTPClient(force_instance=True)
    with pytest.raises(OSError):
        await client.fetch("http://docker/", unix_socket=path)
    assert not client.active
    client.close()
    assert descriptors() <= before


async def test_unix_socket_and_proxy_exclude_each_other():
    client = SimpleAsyncHTTPClient(force_instance=True)
    with pytest.raises(ValueError, match="proxy"):
        await client.fetch("http://x/", unix_socket="/x", proxy_host="p", proxy_port=1)
    client.close()


@pytest.mark.parametrize("interface, seen", [("127.0.0.2", "127.0.0.2"), ("lo", "127.0.0.1")])
async def test_shc_2_network_interface_is_where_connections_come_from(scripted, interface, seen):
    addresses = []

    async def script(peer):
        addresses.append(peer.writer.get_extra_info("peername")[0])
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await peer.closed()

    async with scripted(script) as server:
        await server.fetch(network_interface=interface)
        assert addresses == [seen]
        # It's a part of what makes connections alike.
        await server.fetch()
        assert addresses == [seen, "127.0.0.1"]


@pytest.mark.parametrize("interface", ["no-such-if", "192.0.2.1", "2001:db8::1"])
async def test_network_interfaces_that_are_not_there(scripted, reply, interface):
    async with scripted(lambda request: reply()) as server:
        with pytest.raises(OSError):
            await server.fetch(network_interface=interface)
        assert not server.client.active


async def test_htc_25_ipv6_is_used_unless_it_is_not_allowed(reply):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply("six"))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "::1", 0)
    url = f"http://[::1]:{server.sockets[0].getsockname()[1]}/"
    client = SimpleAsyncHTTPClient(force_instance=True)
    assert (await client.fetch(url)).body == b"six"
    assert (await client.fetch(url, allow_ipv6=True)).body == b"six"
    with pytest.raises(OSError):
        await client.fetch(url, allow_ipv6=False)
    client.close()
    server.close()


# Requests that are reused


async def test_a_request_object_can_be_fetched_several_times(scripted, reply):
    async with scripted(lambda request: reply(request.body)) as server:
        request = HTTPRequest(server.url, method="POST", body=b"body", headers={"X-A": "1"})
        before = dict(request.headers)
        for response in await asyncio.gather(*(server.client.fetch(request) for _ in range(3))):
            assert response.body == b"body"
            assert response.request is request
        assert dict(request.headers) == before


# What a fetch tells of itself


async def test_htc_41_time_info_is_filled_in(scripted, reply):
    async with scripted(lambda request: reply()) as server:
        fresh, kept = await server.fetch(), await server.fetch()
        for response in (fresh, kept):
            info = response.time_info
            assert set(info) == {
                "queue",
                "namelookup",
                "connect",
                "appconnect",
                "pretransfer",
                "starttransfer",
                "total",
                "redirect",
            }
            assert 0 <= info["namelookup"] <= info["connect"] <= info["starttransfer"]
            assert info["starttransfer"] <= info["total"] <= response.request_time
        assert fresh.time_info["connect"] > 0
        assert kept.time_info["connect"] == 0


@pytest.mark.parametrize("way", ["refused", "tunnel", "redirect", "streaming_callback", "stream"])
async def test_fetches_that_fail_are_freed_without_the_collector(scripted, reply, way):
    """The error's traceback leads to the fetch, so the fetch must not lead to the error."""

    class Taker:
        def __call__(self, chunk):
            if way == "streaming_callback":
                raise LookupError

    def serve(request):
        if request.method == "CONNECT":
            return reply("no", code=403)
        return reply("body", "Location: ftp://x/", code=302 if way == "redirect" else 200)

    async def fetch(url, **arguments):
        if way == "stream":
            async with server.client.stream(url, **arguments) as response:
                assert await response.read() == b"body"
        else:
            with pytest.raises((OSError, ValueError, LookupError, HTTPClientError)):
                await server.client.fetch(url, **arguments)

    async with scripted(serve) as server:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}/" if way == "refused" else server.url
            arguments = {}
            if way == "tunnel":
                url = "https://x.invalid/"
                arguments = {"proxy_host": "127.0.0.1", "proxy_port": server.port}
            gc.collect()
            gc.disable()
            try:
                taker = Taker()
                reference = weakref.ref(taker)
                await fetch(url, streaming_callback=taker, **arguments)
                del taker
                await until(lambda: reference() is None)
            finally:
                gc.enable()


async def test_fetches_are_freed_without_the_collector(scripted, reply):
    """What a request holds isn't kept by the connection, nor by a cycle."""

    class Taker:
        def __call__(self, chunk):
            pass

    async with scripted(lambda request: reply("body")) as server:
        await server.fetch()
        gc.collect()
        gc.disable()
        try:
            taker = Taker()
            reference = weakref.ref(taker)
            await server.fetch(
                method="POST", body=b"x", streaming_callback=taker, header_callback=taker
            )
            del taker
            await asyncio.sleep(0)
            assert reference() is None
        finally:
            gc.enable()
