"""The interface of all clients: which object one gets, what ``fetch`` takes and gives."""

import asyncio
import gc
import os
import subprocess
import sys
import threading

import pytest

from tornado import httpclient
from tornado.httpclient import (
    AsyncHTTPClient,
    AsyncHTTPClient2,
    HTTPClient,
    HTTPClientError,
    HTTPError,
    HTTPRequest,
    HTTPResponse,
)
from tornado.ioloop import IOLoop
from tornado.simple_httpclient import HTTPTimeoutError, SimpleAsyncHTTPClient


class OtherClient(SimpleAsyncHTTPClient):
    """An implementation that is no other but in name."""


@pytest.fixture(autouse=True)
def _restore_configuration():
    saved = AsyncHTTPClient._save_configuration()
    yield
    AsyncHTTPClient._restore_configuration(saved)


def in_loop(function):
    async def main():
        return function()

    return asyncio.run(main())


# Which object


async def test_htc_1_shc_1_the_default_implementation_is_the_simple_client():
    client = AsyncHTTPClient()
    assert type(client) is SimpleAsyncHTTPClient
    client.close()


async def test_htc_2_shc_7_one_client_for_a_loop():
    client = AsyncHTTPClient()
    assert AsyncHTTPClient() is client
    # Only the first construction uses its arguments.
    assert AsyncHTTPClient(max_clients=99) is client
    assert client.max_clients == 10
    client.close()


def test_htc_2_another_loop_gets_another_client():
    def make():
        return AsyncHTTPClient(), AsyncHTTPClient()

    first, second = in_loop(make), in_loop(make)
    assert first[0] is first[1]
    assert second[0] is second[1]
    assert first[0] is not second[0]


def test_htc_2_loops_of_the_callback_era_have_clients_too():
    loop = IOLoop(make_current=True)
    try:
        client = AsyncHTTPClient()
        assert client is AsyncHTTPClient()
        assert client.io_loop is loop
        client.close()
    finally:
        loop.close(all_fds=True)
        IOLoop.clear_current()


async def test_htc_2_a_subclass_has_a_shared_client_of_its_own():
    one, other = AsyncHTTPClient(), OtherClient()
    assert one is not other
    assert OtherClient() is other
    one.close()
    assert OtherClient() is other
    other.close()


async def test_htc_3_force_instance_gives_an_independent_object():
    shared = AsyncHTTPClient()
    own = AsyncHTTPClient(force_instance=True)
    assert own is not shared
    own.close()
    assert AsyncHTTPClient() is shared
    shared.close()


async def test_htc_4_io_loop_is_accepted():
    loop = IOLoop.current()
    client = AsyncHTTPClient(loop)
    assert client is AsyncHTTPClient(io_loop=loop) is AsyncHTTPClient()
    client.close()


@pytest.mark.parametrize(
    "implementation", [OtherClient, f"{OtherClient.__module__}.OtherClient", None]
)
async def test_htc_5_configure_takes_class_name_or_none(implementation, monkeypatch):
    monkeypatch.setitem(sys.modules, OtherClient.__module__, sys.modules[__name__])
    AsyncHTTPClient.configure(implementation, max_clients=3)
    client = AsyncHTTPClient(force_instance=True)
    expected = SimpleAsyncHTTPClient if implementation is None else OtherClient
    assert type(client).__name__ == expected.__name__
    assert client.max_clients == 3
    client.close()


async def test_htc_5_arguments_of_the_constructor_come_before_those_of_configure():
    AsyncHTTPClient.configure(None, max_clients=3, defaults={"user_agent": "a"})
    client = AsyncHTTPClient(force_instance=True, max_clients=4)
    assert (client.max_clients, client.defaults["user_agent"]) == (4, "a")
    client.close()


def test_htc_5_only_implementations_can_be_configured():
    with pytest.raises(ValueError):
        AsyncHTTPClient.configure(HTTPRequest)


async def test_htc_7_defaults_supply_what_requests_leave_unset(scripted, reply):
    async with scripted(lambda request: reply()) as server:
        client = server.new_client(defaults={"user_agent": "own", "connect_timeout": 7})
        assert client.defaults["connect_timeout"] == 7
        assert client.defaults["request_timeout"] == 20
        await client.fetch(server.url)
        await client.fetch(server.url, user_agent="special")
        assert [request.headers["user-agent"] for request in server.requests] == ["own", "special"]


@pytest.mark.parametrize(
    "defaults, request_arguments, check",
    [
        ({"auth_username": "u", "auth_password": "p"}, {}, ("authorization", "Basic dTpw")),
        ({"user_agent": "x"}, {}, ("user-agent", "x")),
        ({"decompress_response": False}, {}, ("accept-encoding", None)),
        ({"decompress_response": False}, {"decompress_response": True}, ("accept-encoding", ...)),
    ],
)
async def test_htc_7_any_attribute_may_have_a_default(
    scripted, reply, defaults, request_arguments, check
):
    async with scripted(lambda request: reply()) as server:
        client = server.new_client(defaults=defaults)
        await client.fetch(server.url, **request_arguments)
        found = server.requests[0].headers.get(check[0])
        assert found is not None if check[1] is ... else found == check[1]


async def test_htc_7_defaults_for_redirects_and_timeouts(scripted, reply):
    async with scripted(lambda request: reply("", "Location: /", code=302)) as server:
        client = server.new_client(defaults={"follow_redirects": False})
        assert (await client.fetch(server.url, raise_error=False)).code == 302
        assert len(server.requests) == 1

    async def stall(peer):
        await peer.closed()

    async with scripted(stall) as server:
        client = server.new_client(defaults={"request_timeout": 0.05})
        with pytest.raises(HTTPTimeoutError):
            await client.fetch(server.url)


def test_htc_8_configure_is_called_on_the_class():
    AsyncHTTPClient.configure("tornado.simple_httpclient.SimpleAsyncHTTPClient")
    assert AsyncHTTPClient.configured_class() is SimpleAsyncHTTPClient


def test_htc_18_asynchttpclient2_is_a_second_name():
    assert AsyncHTTPClient2 is AsyncHTTPClient
    assert HTTPError is HTTPClientError


def test_htc_19_use_simple_httpclient_has_no_effect():
    program = (
        "import asyncio\n"
        "from tornado.httpclient import AsyncHTTPClient\n"
        "async def main(): print(type(AsyncHTTPClient()).__name__)\n"
        "asyncio.run(main())"
    )
    for value in ("0", "1"):
        found = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "USE_SIMPLE_HTTPCLIENT": value},
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout == "SimpleAsyncHTTPClient\n"


# fetch


async def test_htc_9_fetch_takes_a_url_with_keywords_or_a_request(scripted, reply):
    async with scripted(lambda request: reply(f"{request.method} {request.target}")) as server:
        url = f"{server.url}/x"
        assert (await server.client.fetch(url)).body == b"GET /x"
        response = await server.client.fetch(url, method="PUT", body=b"")
        assert response.body == b"PUT /x"
        request = HTTPRequest(url, method="DELETE")
        response = await server.client.fetch(request)
        assert (response.body, response.request) == (b"DELETE /x", request)
        with pytest.raises(ValueError):
            server.client.fetch(request, method="GET")


@pytest.mark.parametrize("url", [b"http://localhost/\xff", None, 3])
async def test_htc_9_the_url_is_text(scripted, reply, url):
    client = AsyncHTTPClient(force_instance=True)
    with pytest.raises((ValueError, TypeError)):
        await client.fetch(url)
    client.close()


async def test_htc_10_callback_and_future(scripted, reply):
    async with scripted(lambda request: reply("body")) as server:
        got = asyncio.get_running_loop().create_future()
        future = server.client.fetch(server.url, got.set_result)
        response = await future
        assert await got is response
        got = asyncio.get_running_loop().create_future()
        server.client.fetch(server.url, callback=got.set_result, headers={"X-A": "1"})
        assert (await got).body == b"body"
        assert server.requests[-1].headers["x-a"] == "1"


async def test_htc_10_raise_error_may_stand_second_as_in_version_6(scripted, reply):
    async with scripted(lambda request: reply(code=500)) as server:
        assert (await server.client.fetch(server.url, False)).code == 500
        with pytest.raises(HTTPClientError):
            await server.client.fetch(server.url, True)


@pytest.mark.parametrize("raise_error", [True, False])
async def test_htc_11_a_callback_gets_errors_in_the_response(scripted, reply, raise_error):
    async with scripted(lambda request: reply("no", code=404)) as server:
        got = asyncio.get_running_loop().create_future()
        server.client.fetch(server.url, got.set_result, raise_error=raise_error)
        response = await got
        assert (response.code, response.body, response.error.code) == (404, b"no", 404)
        with pytest.raises(HTTPError):
            response.rethrow()


async def test_htc_11_a_callback_gets_errors_of_fetches_without_response(scripted):
    async def script(peer):
        await peer.request()

    async with scripted(script) as server:
        got = asyncio.get_running_loop().create_future()
        request = HTTPRequest(server.url)
        server.client.fetch(request, got.set_result)
        response = await got
        assert (response.code, response.error.code, response.body) == (599, 599, b"")
        assert response.request is request
        assert response.effective_url == server.url
        assert response.request_time > 0
        with pytest.raises(HTTPError):
            response.rethrow()


async def test_htc_11_a_callback_gets_errors_of_other_kinds(scripted):
    client = AsyncHTTPClient(force_instance=True)
    got = asyncio.get_running_loop().create_future()
    client.fetch("odd://localhost/", got.set_result)
    response = await got
    assert (response.code, type(response.error)) == (599, ValueError)
    client.close()


@pytest.mark.parametrize("code", [300, 400, 404, 500, 599])
async def test_htc_12_raise_error(scripted, reply, code):
    async with scripted(lambda request: reply("body", code=code)) as server:
        with pytest.raises(HTTPClientError) as caught:
            await server.fetch()
        assert (caught.value.code, caught.value.response.body) == (code, b"body")
        response = await server.fetch(raise_error=False)
        assert (response.code, response.body, response.error.code) == (code, b"body", code)


@pytest.mark.parametrize("code", [200, 201, 204, 206, 299])
async def test_htc_12_codes_of_success(scripted, reply, code):
    async with scripted(lambda request: reply(code=code)) as server:
        response = await server.fetch()
        assert (response.code, response.error) == (code, None)
        response.rethrow()


async def test_htc_12_raise_error_does_not_hide_that_there_is_no_response(scripted):
    async def script(peer):
        await peer.request()

    async with scripted(script) as server:
        with pytest.raises(HTTPClientError) as caught:
            await server.fetch(raise_error=False)
        assert (caught.value.code, caught.value.response) == (599, None)


async def test_htc_14_other_exceptions_are_possible():
    client = AsyncHTTPClient(force_instance=True)
    with pytest.raises(OSError):
        await client.fetch("http://127.0.0.1:1/")
    client.close()


async def test_htc_17_handle_callback_exception_may_be_overridden(scripted, reply):
    seen = asyncio.get_running_loop().create_future()

    class Client(SimpleAsyncHTTPClient):
        def handle_callback_exception(self, callback):
            seen.set_result((callback, sys.exc_info()[0]))

    def callback(response):
        raise LookupError

    async with scripted(lambda request: reply()) as server:
        client = Client(force_instance=True)
        client.fetch(server.url, callback)
        assert await seen == (callback, LookupError)
        client.close()


async def test_htc_17_by_default_the_loop_deals_with_it(scripted, reply, caplog):
    def callback(response):
        raise LookupError("out of the callback")

    async with scripted(lambda request: reply()) as server:
        await server.client.fetch(server.url, callback)
        while not caplog.records:
            await asyncio.sleep(0)
    assert "out of the callback" in caplog.text


async def test_errors_of_callbacks_do_not_count_as_errors_of_futures(scripted, reply, caplog):
    """A program that only has a callback hears nothing of a future that nobody waited for."""
    async with scripted(lambda request: reply(code=500)) as server:
        got = asyncio.get_running_loop().create_future()
        server.client.fetch(server.url, got.set_result)
        await got
    gc.collect()
    assert "PendingFetch" not in caplog.text


async def test_implementations_define_fetch_impl():
    class Implementation(AsyncHTTPClient):
        def initialize(self, answer, **kwargs):
            super().initialize(**kwargs)
            self.answer = answer

        def fetch_impl(self, request, callback):
            # It sees the request through the defaults.
            assert request.connect_timeout == 20.0
            assert request.user_agent == "by default"
            callback(HTTPResponse(request, self.answer))

    AsyncHTTPClient.configure(Implementation, answer=299)
    client = AsyncHTTPClient(force_instance=True, defaults={"user_agent": "by default"})
    response = await client.fetch("http://localhost/")
    assert (response.code, response.request.url) == (299, "http://localhost/")
    client.close()
    base = AsyncHTTPClient.__new__(Implementation, force_instance=True, answer=1)
    with pytest.raises(NotImplementedError):
        AsyncHTTPClient.fetch_impl(base, HTTPRequest("http://localhost/"), print)
    base.close()


async def test_htc_16_46_a_closed_client_can_not_be_used():
    client = AsyncHTTPClient()
    client.close()
    client.close()
    with pytest.raises(RuntimeError):
        client.fetch("http://localhost/")
    another = AsyncHTTPClient()
    assert another is not client
    # Closing again doesn't take the new one's place away.
    client.close()
    assert AsyncHTTPClient() is another
    another.close()


# The blocking client


class Server(threading.Thread):
    """A server in a thread, for clients that block."""

    def __init__(self, reply):
        super().__init__()
        self._reply = reply
        self.requests = []
        self._ready = threading.Event()

    def __enter__(self):
        self.start()
        self._ready.wait()
        return self

    def __exit__(self, *args):
        self._loop.call_soon_threadsafe(self._end.set)
        self.join()

    def run(self):
        asyncio.run(self._serve())

    async def _serve(self):
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        tasks = []

        async def answer(reader, writer):
            tasks.append(asyncio.current_task())
            try:
                while head := await reader.readuntil(b"\r\n\r\n"):
                    target = head.split(b" ")[1]
                    self.requests.append(target.decode())
                    code = 404 if target == b"/404" else 200
                    writer.write(self._reply(target, code=code))
            except asyncio.IncompleteReadError:
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._end.wait()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def test_htc_15_httpclient_blocks(reply):
    with Server(reply) as server, HTTPClient() as client:
        for _ in range(2):
            response = client.fetch(f"{server.url}/x", headers={"X": "y"})
            assert response.body == b"/x"
        assert client.fetch(HTTPRequest(server.url)).body == b"/"


def test_htc_15_httpclient_takes_the_arguments_of_the_asynchronous_one(reply):
    with Server(reply) as server:
        client = HTTPClient(
            async_client_class=OtherClient, max_clients=2, defaults={"user_agent": "x"}
        )
        assert type(client._async_client) is OtherClient
        assert client._async_client.max_clients == 2
        assert client.fetch(server.url).code == 200
        client.close()
        positional = HTTPClient(OtherClient)
        assert type(positional._async_client) is OtherClient
        positional.close()


def test_htc_15_httpclient_uses_what_is_configured():
    AsyncHTTPClient.configure(OtherClient, max_clients=2)
    with HTTPClient() as client:
        assert type(client._async_client) is OtherClient
        assert client._async_client.max_clients == 2


def test_htc_14_httpclient_raises(reply):
    with Server(reply) as server, HTTPClient() as client:
        with pytest.raises(HTTPError) as caught:
            client.fetch(f"{server.url}/404")
        assert (caught.value.code, caught.value.response.body) == (404, b"/404")
        assert client.fetch(f"{server.url}/404", raise_error=False).code == 404
        with pytest.raises(OSError):
            client.fetch("http://127.0.0.1:1/")
        # It's still of use.
        assert client.fetch(f"{server.url}/").code == 200


def test_htc_16_httpclient_close_frees_descriptors(reply):
    def descriptors():
        return len(os.listdir("/proc/self/fd"))

    with Server(reply) as server:
        HTTPClient().close()
        before = descriptors()
        for _ in range(3):
            client = HTTPClient()
            client.fetch(server.url)
            client.close()
            client.close()
        assert descriptors() <= before + 1  # the server may not have closed its side yet
        client = HTTPClient()
        client.fetch(server.url)
        del client
        gc.collect()
        assert descriptors() <= before + 1


def test_httpclient_works_in_any_thread(reply):
    results = []

    def work(url):
        with HTTPClient() as client:
            results.append(client.fetch(url).body)

    with Server(reply) as server:
        threads = [
            threading.Thread(target=work, args=(f"{server.url}/{number}",)) for number in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(results) == [b"/0", b"/1", b"/2", b"/3"]


def test_httpclient_does_not_change_the_current_loop(reply):
    with Server(reply) as server:
        before = IOLoop.current(instance=False)
        with HTTPClient() as client:
            client.fetch(server.url)
            assert IOLoop.current(instance=False) is before


async def test_httpclient_can_not_be_made_where_a_loop_runs():
    """As documented since version 5.0; nothing is left open."""
    with pytest.raises(RuntimeError):
        HTTPClient()
    gc.collect()


def test_httpclient_can_not_be_used_where_a_loop_runs(reply):
    with Server(reply) as server, HTTPClient() as client:

        async def use():
            with pytest.raises(RuntimeError):
                client.fetch(f"{server.url}/inside")

        asyncio.run(use())
        assert client.fetch(f"{server.url}/outside").code == 200
        assert server.requests == ["/outside"]


async def test_httpclient_works_in_a_thread_beside_a_running_loop(scripted, reply):
    def block(url):
        with HTTPClient() as client:
            return client.fetch(url).body

    async with scripted(lambda request: reply("body")) as server:
        assert await asyncio.to_thread(block, server.url) == b"body"


def test_importing_the_module_brings_nothing_that_only_some_need():
    program = (
        "import sys, asyncio; before = set(sys.modules); import tornado.httpclient;"
        "print(*sorted(set(sys.modules) - before))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    brought = set(found.stdout.split())
    assert "tornado.httpclient" in brought
    assert (
        not {"email.message", "http.client", "tornado.options", "tornado.simple_httpclient"}
        & brought
    )


def test_public_names():
    assert set(httpclient.__all__) >= {
        "AsyncHTTPClient",
        "HTTPClient",
        "HTTPClientError",
        "HTTPError",
        "HTTPRequest",
        "HTTPResponse",
        "main",
    }


# What programs of others look at


async def test_the_shared_clients_of_a_class_can_be_looked_up_and_forgotten():
    loop = IOLoop.current()
    assert loop not in AsyncHTTPClient._async_clients()
    client = AsyncHTTPClient()
    clients = AsyncHTTPClient._async_clients()
    assert clients[loop] is client
    assert dict(clients) == {loop: client} == client._instance_cache
    assert len(SimpleAsyncHTTPClient._async_clients()) == 0
    forced = AsyncHTTPClient(force_instance=True)
    assert forced._instance_cache is None
    clients.clear()
    another = AsyncHTTPClient()
    assert another is not client
    # It has lost its place to the other one.
    client.close()
    assert AsyncHTTPClient() is another
    clients[loop] = forced
    assert AsyncHTTPClient() is forced
    del clients[loop]
    assert loop not in clients
    for remaining in (another, forced):
        remaining.close()
