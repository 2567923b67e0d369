"""libcurl on event loops of each kind: sockets, time, and what is left when it's over."""

import asyncio
import gc
import os
import random
import select
import socket
import weakref

import pytest

from tornado.httpclient import AsyncHTTPClient

pycurl = pytest.importorskip("pycurl", reason="an optional package")
curl_httpclient = pytest.importorskip("tornado.curl_httpclient")
CurlError = curl_httpclient.CurlError
CurlAsyncHTTPClient = curl_httpclient.CurlAsyncHTTPClient
watching = pytest.importorskip("tornado._curl_client.watching")

LIMIT = 20


class Proactor(asyncio.SelectorEventLoop):
    """As far as programs know, it has what Windows' default loop has."""

    add_reader = asyncio.AbstractEventLoop.add_reader
    add_writer = asyncio.AbstractEventLoop.add_writer
    remove_reader = asyncio.AbstractEventLoop.remove_reader
    remove_writer = asyncio.AbstractEventLoop.remove_writer


@pytest.fixture(params=["asyncio", "proactor", "uvloop"])
def run(request):
    """Run a coroutine on a loop of some kind."""
    if request.param == "asyncio":
        make_loop = asyncio.new_event_loop
    elif request.param == "proactor":
        make_loop = Proactor
    else:
        uvloop = pytest.importorskip("uvloop", reason="a package that is no requirement")
        make_loop = uvloop.new_event_loop

    def run(coroutine):
        loop = make_loop()
        try:
            return loop.run_until_complete(asyncio.wait_for(coroutine, LIMIT))
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    return run


@pytest.fixture(params=["epoll", "loop"])
def watcher(request, monkeypatch):
    """Have sockets watched in each of the ways."""
    from tornado._curl_client import driver, watching

    if request.param == "loop":
        monkeypatch.setattr(driver, "make_watcher", watching.LoopWatcher)
    elif not hasattr(__import__("select"), "epoll"):
        pytest.skip("a system without epoll")


def echo(reply):
    return lambda request: reply(request.target.encode() + b" " + request.body)


def test_many_fetches_at_once(curled, reply, run, watcher):
    async def main():
        async with curled(echo(reply), max_clients=20) as server:
            responses = await asyncio.gather(*[server.fetch(f"/{n}") for n in range(200)])
            assert [r.body for r in responses] == [b"/%d " % n for n in range(200)]
            assert server.connections == 20
            for number in range(50):
                assert (await server.fetch(f"/{number}")).body == b"/%d " % number

    run(main())


def test_large_bodies_both_ways(curled, reply, run, watcher):
    body = os.urandom(3_000_000)

    async def main():
        async with curled(lambda request: reply(request.body)) as server:
            responses = await asyncio.gather(
                *[server.fetch(method="POST", body=body) for _ in range(3)]
            )
            assert all(response.body == body for response in responses)

    run(main())


def test_timeouts(curled, reply, run, watcher):
    async def script(peer):
        await peer.closed()

    async def main():
        async with curled(script, max_clients=5) as server:
            fetches = [server.fetch(request_timeout=0.02 * n) for n in (5, 1, 3, 2, 4)]
            results = await asyncio.gather(*fetches, return_exceptions=True)
            assert {result.errno for result in results} == {pycurl.E_OPERATION_TIMEDOUT}

    run(main())


def test_pausing_and_going_on(curled, reply, run, watcher):
    async def take(chunk):
        chunks.append(chunk)
        await asyncio.sleep(0)

    async def produce(write):
        for _ in range(5):
            await write(b"x" * 100000)
            await asyncio.sleep(0)

    async def main():
        async with curled(lambda request: reply(request.body)) as server:
            await server.fetch(method="POST", body_producer=produce, streaming_callback=take)
            assert b"".join(chunks) == b"x" * 500000

    chunks = []
    run(main())


def test_unrest(curled, reply, run, watcher):
    """Fetches of all kinds, many of which are given up at any moment."""
    dice = random.Random(7)

    async def produce(write):
        await write(b"produced")

    async def main():
        async with curled(echo(reply), max_clients=8) as server:

            async def fetch(number):
                kind = number % 4
                arguments = [
                    {},
                    {"method": "POST", "body": b"posted"},
                    {"method": "POST", "body_producer": produce},
                    {"streaming_callback": lambda chunk: None},
                ][kind]
                future = server.client.fetch(f"{server.url}/{number}", **arguments)
                for _ in range(dice.randrange(12)):
                    await asyncio.sleep(0)
                if dice.random() < 0.3:
                    future.cancel()
                try:
                    response = await future
                except asyncio.CancelledError:
                    return
                body = [b"", b"posted", b"produced", None][kind]
                if body is not None:
                    assert response.body == b"/%d " % number + body

            await asyncio.gather(*[fetch(number) for number in range(300)])
            client = server.client
            assert not client.active
            assert not client.queue
            assert not client.driver._running
            assert not client.driver._attached
            assert len(client.driver._stock) <= 8

    run(main())


async def test_stream_gives_the_body_as_it_comes(curled, reply):
    release = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        await release.wait()
        await peer.send(b"3\r\ntwo\r\n0\r\n\r\n")
        await peer.closed()

    async with curled(script) as server:
        async with server.client.stream(server.url) as response:
            assert response.code == 200
            chunks = []
            async for chunk in response:
                chunks.append(chunk)
                release.set()
        assert chunks == [b"one", b"two"]


async def test_stream_makes_the_server_wait_and_may_be_left(curled):
    closed = asyncio.Event()
    sent = []

    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                peer.writer.write(b"x" * 65536)
                await peer.writer.drain()
                sent.append(65536)
        except ConnectionError:
            closed.set()

    async with curled(script, max_body_size=10**9) as server:
        async with server.client.stream(server.url) as response:
            async for chunk in response:
                assert chunk
                break
            for _ in range(200):
                await asyncio.sleep(0)
            before = len(sent)
            for _ in range(50):
                await asyncio.sleep(0)
            assert len(sent) == before
        await closed.wait()
        assert not server.client.active


# -- what is left


def open_files():
    return len(os.listdir("/proc/self/fd"))


needs_proc = pytest.mark.skipif(
    not os.path.isdir("/proc/self/fd"), reason="a system that doesn't list open files"
)


@needs_proc
async def test_htc_16_close_closes_everything(curled, reply):
    async with curled(echo(reply), max_clients=5) as server:
        before = open_files()
        client = server.new_client(max_clients=5)
        await asyncio.gather(*[client.fetch(server.url) for _ in range(5)])
        assert open_files() > before
        client.close()
        while open_files() > before:
            # The server's ends of the connections.
            await asyncio.sleep(0)


@needs_proc
def test_a_program_that_closes_its_loop_alone_leaves_nothing(serve_forever):
    AsyncHTTPClient.configure("tornado.curl_httpclient.CurlAsyncHTTPClient")
    references = []

    async def main():
        client = AsyncHTTPClient()
        references.append(weakref.ref(client))
        assert (await client.fetch(serve_forever)).body == b"ok"

    try:
        asyncio.run(main())
        gc.collect()
        before = open_files()
        for _ in range(5):
            asyncio.run(main())
        gc.collect()
        # The last one is that of the thread's latest loop.
        assert [reference() for reference in references[:-1]] == [None] * 5
        assert open_files() <= before + 1
    finally:
        AsyncHTTPClient.configure(None)


@pytest.fixture
def serve_forever():
    """A server outside of any loop that answers each connection once."""
    import socket
    import threading

    def run():
        while True:
            connection, _ = listener.accept()
            with connection:
                if not connection.recv(65536):
                    return
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run)
        thread.start()
        address = listener.getsockname()
        yield f"http://127.0.0.1:{address[1]}/"
        with socket.create_connection(address):
            pass
        thread.join(LIMIT)


async def test_fetches_are_freed_without_the_collector(curled, reply):
    """What a request holds (its body, what its callbacks refer to) isn't kept by handles."""

    class Taker:
        def __call__(self, chunk):
            pass

    async with curled(echo(reply), max_clients=1) as server:
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


async def test_time_that_has_passed_costs_nothing_more(curled, reply):
    """An idle client has no timer that goes off again and again."""
    async with curled(echo(reply)) as server:
        await server.fetch(request_timeout=0.05)
        driver = server.client.driver
        calls = []
        act = driver._act
        driver._act = lambda fd, bits: (calls.append(fd), act(fd, bits))
        await asyncio.sleep(0.15)
        assert len(calls) <= 3


# -- what goes wrong


async def test_a_handle_that_a_program_closes_fails_alone(curled, reply):
    async with curled(echo(reply), max_clients=3) as server:
        results = await asyncio.gather(
            server.fetch("/one"),
            server.fetch("/closed", prepare_curl_callback=lambda curl: curl.close()),
            server.fetch("/two"),
            return_exceptions=True,
        )
        assert [results[0].body, results[2].body] == [b"/one ", b"/two "]
        assert isinstance(results[1], (CurlError, pycurl.error))
        assert not server.client.active


async def test_a_handle_that_runs_elsewhere_fails_alone(curled, reply):
    other = pycurl.CurlMulti()
    async with curled(echo(reply)) as server:
        with pytest.raises(CurlError):
            await server.fetch(prepare_curl_callback=other.add_handle)
        assert (await server.fetch("/more")).body == b"/more "
    other.close()


async def test_sockets_that_cannot_be_watched_fail_their_fetches(curled, reply, capfd):
    """Newer libcurls refuse all further work after that, so another one takes its place."""

    def refuse(fd, interest):
        raise OSError

    async with curled(echo(reply), max_clients=2) as server:
        for _ in range(2):
            watcher = server.client.driver._watcher
            watcher.watch = refuse
            fetches = [server.fetch(request_timeout=1) for _ in range(2)]
            results = await asyncio.gather(*fetches, return_exceptions=True)
            assert [type(result) for result in results] == [CurlError] * 2
            assert not server.client.active
            del watcher.watch
            assert (await server.fetch("/more")).body == b"/more "
    capfd.readouterr()


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="epoll alone remembers sockets")
async def test_a_socket_may_have_the_number_of_one_that_was_closed_without_a_word():
    class Owner:
        def __init__(self):
            self.ready = asyncio.Queue()

        def take(self, ready):
            self.ready.put_nowait(ready)
            for fd, _ in ready:
                watcher.forget(fd)

    owner = Owner()
    watcher = watching.EpollWatcher(asyncio.get_running_loop(), owner.take)
    try:
        one, other = socket.socketpair()
        number = one.fileno()
        watcher.watch(number, watching.READ)
        one.close()
        other.close()
        one, other = socket.socketpair()
        with one, other:
            # The lowest number that is free.
            assert one.fileno() == number
            watcher.watch(number, watching.READ)
            other.send(b"x")
            assert await owner.ready.get() == [(number, watching.READ)]
    finally:
        watcher.close()
