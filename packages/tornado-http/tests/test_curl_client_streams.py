"""Bodies in pieces, in both directions, and what callbacks may do while libcurl calls them."""

import asyncio
import contextvars
import gzip
import sys

import pytest

from tornado.httputil import HTTPOutputError

pycurl = pytest.importorskip("pycurl", reason="an optional package")
CurlError = pytest.importorskip("tornado.curl_httpclient").CurlError

VARIABLE = contextvars.ContextVar("VARIABLE", default="unset")


class Failure(Exception):
    """What a callback raises."""


def failing(*args):
    raise Failure


# -- responses


async def test_htc_29_the_body_comes_in_chunks(curled, reply):
    async with curled(lambda request: reply(b"x" * 300000)) as server:
        chunks = []
        response = await server.fetch(streaming_callback=chunks.append)
        assert len(chunks) > 1
        assert b"".join(chunks) == b"x" * 300000
        assert all(type(chunk) is bytes for chunk in chunks)
        assert (response.body, response.buffer.read()) == (b"", b"")
        assert response.headers["Content-Length"] == "300000"


async def test_htc_29_chunks_are_decoded_and_count_against_the_limit(curled, reply):
    packed = reply(gzip.compress(b"x" * 300000), "Content-Encoding: gzip")
    async with curled(lambda request: packed, max_body_size=300000) as server:
        chunks = []
        await server.fetch(streaming_callback=chunks.append)
        assert b"".join(chunks) == b"x" * 300000
    async with curled(lambda request: packed, max_body_size=299999) as server:
        with pytest.raises(CurlError, match="too large"):
            await server.fetch(streaming_callback=chunks.append)


async def test_htc_29_a_coroutine_is_waited_for_before_the_next_chunk(curled, reply):
    busy = []
    chunks = []

    async def take(chunk):
        assert not busy
        busy.append(chunk)
        for _ in range(3):
            await asyncio.sleep(0)
        chunks.append(busy.pop())

    async with curled(lambda request: reply(b"y" * 500000)) as server:
        await server.fetch(streaming_callback=take)
        assert b"".join(chunks) == b"y" * 500000
        assert not server.client.active


async def test_the_response_waits_for_the_last_coroutine(curled, reply):
    release = asyncio.Event()
    started = asyncio.Event()

    async def take(chunk):
        started.set()
        await release.wait()

    async with curled(lambda request: reply(b"z")) as server:
        fetch = asyncio.ensure_future(server.fetch(streaming_callback=take))
        await started.wait()
        await asyncio.sleep(0)
        assert not fetch.done()
        release.set()
        assert (await fetch).code == 200


async def test_the_time_for_a_request_holds_for_the_last_coroutine_too(curled, reply):
    cancelled = asyncio.Event()

    async def take(chunk):
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with curled(lambda request: reply(b"z")) as server:
        with pytest.raises(CurlError) as caught:
            await server.fetch(streaming_callback=take, request_timeout=0.1)
        assert caught.value.errno == pycurl.E_OPERATION_TIMEDOUT
        await cancelled.wait()


async def test_htc_30_31_lines_of_the_head(curled, reply):
    async with curled(lambda request: reply(b"body", "X-A: b", "X-L: \xe4")) as server:
        lines = []
        response = await server.fetch(header_callback=lines.append)
        assert lines == [
            "HTTP/1.1 200 Reason\r\n",
            "Content-Length: 4\r\n",
            "X-A: b\r\n",
            "X-L: \xc3\xa4\r\n",
            "\r\n",
        ]
        assert (response.body, len(response.headers)) == (b"body", 0)


async def test_lines_come_before_the_body(curled, reply):
    release = asyncio.Event()
    ended = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n")
        await release.wait()
        await peer.send(b"x")
        await peer.closed()

    async with curled(script) as server:

        def note(line):
            if line == "\r\n":
                ended.set()

        fetch = asyncio.ensure_future(server.fetch(header_callback=note))
        await ended.wait()
        release.set()
        assert (await fetch).body == b"x"


async def test_callbacks_see_the_response_and_not_what_leads_to_it(curled, reply):
    """Redirects and challenges that are answered aren't what was asked for."""

    def answer(request):
        if request.target == "/":
            return reply(b"skipped", "Location: /secret", code=302)
        if "authorization" not in request.headers:
            challenge = 'Www-Authenticate: Digest realm="r", nonce="n", qop="auth"'
            return reply(b"skipped", challenge, code=401)
        return reply(b"secret")

    async with curled(answer) as server:
        lines, chunks = [], []
        await server.fetch(
            auth_username="u",
            auth_password="p",
            auth_mode="digest",
            header_callback=lines.append,
            streaming_callback=chunks.append,
        )
        assert lines[0] == "HTTP/1.1 200 Reason\r\n"
        assert lines.count("\r\n") == 1
        assert chunks == [b"secret"]
        assert len(server.requests) == 3


async def test_a_challenge_that_is_the_answer_is_shown(curled, reply):
    """Without a body there is no other sign that nothing follows."""
    challenge = 'Www-Authenticate: Basic realm="r"'
    async with curled(lambda request: reply(b"", challenge, code=401)) as server:
        lines = []
        response = await server.fetch(header_callback=lines.append, raise_error=False)
        assert response.code == 401
        assert lines[0] == "HTTP/1.1 401 Reason\r\n"


@pytest.mark.parametrize(
    "name", ["streaming_callback", "header_callback", "prepare_curl_callback", "body_producer"]
)
async def test_errors_of_callbacks_are_those_of_the_fetch(curled, reply, name, capfd):
    async with curled(lambda request: reply(b"body"), max_clients=1) as server:
        arguments = {"method": "POST"} if name == "body_producer" else {}
        with pytest.raises(Failure):
            await server.fetch(**{name: failing}, **arguments)
        assert not server.client.active
        assert (await server.fetch()).body == b"body"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["streaming_callback", "body_producer"])
async def test_errors_of_coroutines_are_those_of_the_fetch(curled, reply, name):
    async def fail(argument):
        await asyncio.sleep(0)
        raise Failure

    async with curled(lambda request: reply(b"x" * 300000), max_clients=1) as server:
        arguments = {"method": "POST"} if name == "body_producer" else {}
        with pytest.raises(Failure):
            await server.fetch(**{name: fail}, **arguments)
        assert not server.client.active


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_a_program_gets_out_of_callbacks(scripted_thread, error):
    from tornado.curl_httpclient import CurlAsyncHTTPClient

    def end(chunk):
        raise error

    async def main():
        client = CurlAsyncHTTPClient(force_instance=True)
        await client.fetch(scripted_thread, streaming_callback=end)

    with pytest.raises(error):
        asyncio.run(main())


@pytest.fixture
def scripted_thread():
    import socket
    import threading

    def run():
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")
            connection.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join(20)


async def test_callbacks_run_in_the_context_of_their_request(curled, reply):
    found = []

    async def produce(write):
        found.append(("producer", VARIABLE.get()))
        await write(b"abc")

    async def fetch(name):
        VARIABLE.set(name)
        await server.fetch(
            method="POST",
            body_producer=produce,
            headers={"Content-Length": "3"},
            streaming_callback=lambda chunk: found.append(("chunk", VARIABLE.get())),
            header_callback=lambda line: found.append(("line", VARIABLE.get())),
            prepare_curl_callback=lambda curl: found.append(("curl", VARIABLE.get())),
        )

    async with curled(lambda request: reply(b"body"), max_clients=1) as server:
        await asyncio.gather(fetch("one"), fetch("two"), fetch("three"))
    for kind in ("producer", "chunk", "curl"):
        assert [name for found_kind, name in found if found_kind == kind] == ["one", "two", "three"]
    assert {name for kind, name in found if kind == "line"} == {"one", "two", "three"}


# -- libcurl can't be called from inside its callbacks, but programs don't know


@pytest.mark.parametrize("name", ["streaming_callback", "header_callback"])
async def test_a_callback_may_start_a_fetch(curled, reply, name):
    inner = []

    def start(argument):
        if not inner:
            inner.append(asyncio.ensure_future(server.fetch("/inner")))

    async with curled(lambda request: reply(request.target)) as server:
        assert (await server.fetch("/outer", **{name: start})).code == 200
        assert (await inner[0]).body == b"/inner"


@pytest.mark.parametrize("name", ["streaming_callback", "header_callback"])
@pytest.mark.parametrize("whose", ["own", "other"])
async def test_a_callback_may_cancel_a_fetch(curled, reply, name, whose):
    arrived = asyncio.Event()

    async def script(peer):
        while (request := await peer.request()) is not None:
            if request.target == "/other":
                arrived.set()
                await peer.closed()
            else:
                await peer.send(reply(b"body"))

    fetches = {}

    def cancel(argument):
        fetches[whose].cancel()

    async with curled(script, max_clients=2) as server:
        fetches["other"] = server.client.fetch(server.url + "/other")
        await arrived.wait()
        fetches["own"] = server.client.fetch(server.url + "/own", **{name: cancel})
        with pytest.raises(asyncio.CancelledError):
            await fetches[whose]
        if whose == "other":
            assert (await fetches["own"]).code == 200
        else:
            fetches["other"].cancel()
        assert not server.client.active
        assert (await server.fetch("/more")).body == b"body"


@pytest.mark.parametrize("name", ["streaming_callback", "header_callback", "prepare_curl_callback"])
async def test_a_callback_may_close_the_client(curled, reply, name, capfd):
    def close(argument):
        server.client.close()

    async with curled(lambda request: reply(b"body")) as server:
        with pytest.raises(CurlError, match="closed"):
            await server.fetch(**{name: close})
    assert capfd.readouterr() == ("", "")


# -- requests


async def test_htc_32_a_body_is_produced_chunked(curled, reply):
    async def produce(write):
        for part in (b"one ", b"two ", b"", bytearray(b"three "), memoryview(b"four")):
            await write(part)

    async with curled(lambda request: reply(request.body)) as server:
        response = await server.fetch(method="POST", body_producer=produce)
        assert response.body == b"one two three four"
        assert server.requests[0].headers["transfer-encoding"] == "chunked"
        assert "expect" not in server.requests[0].headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_htc_32_a_body_is_produced_with_a_length(curled, reply, method):
    def produce(write):
        write(b"abc")
        write(b"def")

    async with curled(lambda request: reply(request.body)) as server:
        response = await server.fetch(
            method=method, body_producer=produce, headers={"Content-Length": "6"}
        )
        assert response.body == b"abcdef"
        request = server.requests[0]
        assert request.method == method
        assert request.headers["content-length"] == "6"
        assert [name for name, _ in request.fields].count("Content-Length") == 1


@pytest.mark.parametrize(
    "factory",
    # Eager tasks came with Python 3.12.
    [None, *([asyncio.eager_task_factory] if sys.version_info >= (3, 12) else [])],
)
@pytest.mark.parametrize("kind", ["plain", "quick", "waiting"])
async def test_callbacks_may_be_over_or_wait_whenever_tasks_begin(curled, reply, factory, kind):
    chunks = []

    def produce(write):
        write(b"abcdef")

    async def produce_at_once(write):
        write(b"abcdef")

    async def produce_slowly(write):
        await write(b"abc")
        await write(b"def")

    async def take_at_once(chunk):
        chunks.append(chunk)

    async def take_slowly(chunk):
        await asyncio.sleep(0)
        chunks.append(chunk)

    async with curled(lambda request: reply(request.body)) as server:
        asyncio.get_running_loop().set_task_factory(factory)
        for headers in ({}, {"Content-Length": "6"}):
            await server.fetch(
                method="POST",
                headers=headers,
                body_producer={
                    "plain": produce,
                    "quick": produce_at_once,
                    "waiting": produce_slowly,
                }[kind],
                streaming_callback={
                    "plain": chunks.append,
                    "quick": take_at_once,
                    "waiting": take_slowly,
                }[kind],
            )
            assert b"".join(chunks) == b"abcdef"
            chunks.clear()
        with pytest.raises(Failure):
            await server.fetch(method="POST", body_producer=failing)


async def test_htc_32_writing_waits_until_libcurl_has_taken_the_bytes(curled, reply):
    moments = []

    async def produce(write):
        for number in range(20):
            await write(b"w" * 100000)
            moments.append(number)

    async with curled(lambda request: reply(str(len(request.body)))) as server:
        assert (await server.fetch(method="PUT", body_producer=produce)).body == b"2000000"
        assert moments == list(range(20))


async def test_a_producer_may_pause(curled, reply):
    """Nothing else is needed to go on than the next write."""
    heads = asyncio.Event()

    async def script(peer):
        request = await peer.head()
        heads.set()
        await peer.body(request)
        await peer.send(reply(request.body))
        await peer.closed()

    async def produce(write):
        await heads.wait()
        await write(b"late ")
        for _ in range(5):
            await asyncio.sleep(0)
        await write(b"later")

    async with curled(script) as server:
        assert (await server.fetch(method="POST", body_producer=produce)).body == b"late later"


async def test_a_producer_that_writes_no_bytes_is_told(curled, reply):
    async def produce(write):
        await write("text")

    async with curled(lambda request: reply()) as server:
        with pytest.raises(TypeError):
            await server.fetch(method="POST", body_producer=produce)


async def test_a_producer_is_called_again_after_a_redirect(curled, reply):
    async def produce(write):
        await write(b"again")

    def answer(request):
        if request.target == "/":
            return reply(b"", "Location: /end", code=307)
        return reply(request.body)

    async with curled(answer) as server:
        assert (await server.fetch(method="POST", body_producer=produce)).body == b"again"
        assert server.requests[0].body == b"again"


async def test_nothing_can_be_written_for_a_request_that_was_redirected(curled, reply):
    writers = []
    refused = []

    async def produce(write):
        writers.append(write)
        if len(writers) == 1:
            await write(b"begun")
            await asyncio.Event().wait()
        try:
            await writers[0](b"late")
        except HTTPOutputError as error:
            refused.append(error)
        await write(b"body")

    async def script(peer):
        request = await peer.head()
        if request.target == "/":
            assert await peer.reader.readuntil(b"begun\r\n")
            await peer.send(reply("", "Location: /there", "Connection: close", code=307))
        else:
            await peer.body(request)
            await peer.send(reply(request.body))

    async with curled(script) as server:
        response = await server.fetch(method="PUT", body_producer=produce)
        assert (response.body, len(writers), len(refused)) == (b"body", 2, 1)


async def test_a_producer_is_cancelled_when_the_server_has_answered(curled, reply):
    cancelled = asyncio.Event()

    async def script(peer):
        await peer.head()
        await peer.send(reply(b"enough", "Connection: close", code=413))

    async def produce(write):
        try:
            while True:
                await write(b"p" * 1000)
        finally:
            cancelled.set()

    async with curled(script) as server:
        response = await server.fetch(method="POST", body_producer=produce, raise_error=False)
        assert (response.code, response.body) == (413, b"enough")
        await cancelled.wait()


async def test_what_a_producer_does_after_the_last_byte_is_waited_for(curled, reply):
    release = asyncio.Event()
    ended = []

    async def produce(write):
        await write(b"all")
        await release.wait()
        ended.append(True)

    answered = asyncio.Event()

    async def script(peer):
        request = await peer.request()
        await peer.send(reply(request.body))
        answered.set()
        await peer.closed()

    async with curled(script) as server:
        fetch = asyncio.ensure_future(
            server.fetch(method="POST", body_producer=produce, headers={"Content-Length": "3"})
        )
        await answered.wait()
        release.set()
        assert (await fetch).body == b"all"
        assert ended == [True]


async def test_htc_33_the_body_waits_for_the_servers_word(curled, reply):
    order = []

    async def script(peer):
        request = await peer.head()
        order.append("head")
        assert request.headers["expect"] == "100-continue"
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await peer.body(request)
        await peer.send(reply(request.body))
        await peer.closed()

    async def produce(write):
        order.append("producer")
        await write(b"body")

    async with curled(script) as server:
        response = await server.fetch(
            method="POST", body_producer=produce, expect_100_continue=True
        )
        assert response.body == b"body"
        assert order == ["head", "producer"]


async def test_htc_33_a_final_response_takes_its_place(curled, reply):
    async def script(peer):
        await peer.head()
        await peer.send(reply(b"no", "Connection: close", code=403))
        assert await peer.reader.read() == b""

    produced = []
    async with curled(script) as server:
        response = await server.fetch(
            method="POST",
            body_producer=produced.append,
            expect_100_continue=True,
            headers={"Content-Length": "4"},
            raise_error=False,
        )
        assert (response.code, produced) == (403, [])


async def refuse_expectations(peer):
    while (request := await peer.head()) is not None:
        if "expect" in request.headers:
            await peer.send(b"HTTP/1.1 417 No\r\nContent-Length: 2\r\nX-Why: w\r\n\r\nno")
        else:
            await peer.body(request)
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + request.body)


@pytest.mark.parametrize("streams", [False, True])
async def test_an_expectation_in_a_field_that_is_refused_is_dropped_once(curled, streams):
    """libcurl repeats a request that was refused so, and sends the same field again."""
    pieces = []
    arguments = {"streaming_callback": pieces.append} if streams else {}
    async with curled(refuse_expectations) as server:
        response = await server.fetch(
            method="POST", body=b"body", headers={"Expect": "100-continue"}, **arguments
        )
        assert (response.code, response.body or b"".join(pieces)) == (200, b"body")
        assert len(server.requests) == 2


async def test_a_refused_expectation_is_the_answer_if_the_body_cannot_be_made_again(curled):
    calls = []

    async def produce(write):
        calls.append(None)
        await write(b"body")
        begun.set()
        await asyncio.Event().wait()

    async def script(peer):
        await peer.head()
        await begun.wait()
        await peer.send(b"HTTP/1.1 417 No\r\nContent-Length: 2\r\nX-Why: w\r\n\r\nno")
        await peer.closed()

    begun = asyncio.Event()
    async with curled(script) as server:
        response = await server.fetch(
            method="POST", body_producer=produce, expect_100_continue=True, raise_error=False
        )
        assert (response.code, response.headers["X-Why"]) == (417, "w")
        assert (len(calls), len(server.requests)) == (1, 1)


async def test_large_bodies_wait_for_nobody_unasked(curled, reply):
    """libcurl would send ``Expect`` by itself."""
    async with curled(lambda request: reply(str(len(request.body)))) as server:
        response = await server.fetch(method="POST", body=b"l" * 3_000_000)
        assert response.body == b"3000000"
        assert "expect" not in server.requests[0].headers


# -- cancelling


@pytest.mark.parametrize("moment", ["queued", "new", "connected", "receiving"])
async def test_cancelling_frees_the_slot_and_the_handle(curled, reply, moment):
    arrived = asyncio.Event()

    async def script(peer):
        request = await peer.request()
        if request.target == "/slow":
            arrived.set()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
            await peer.closed()
            closed.set()
        else:
            await peer.send(reply(b"fine"))

    closed = asyncio.Event()
    received = asyncio.Event()
    async with curled(script, max_clients=1) as server:
        slow = server.client.fetch(
            server.url + "/slow", streaming_callback=lambda chunk: received.set()
        )
        queued = server.client.fetch(server.url + "/queued")
        if moment == "queued":
            queued.cancel()
        if moment == "connected":
            await arrived.wait()
        if moment == "receiving":
            await received.wait()
        slow.cancel()
        queued.cancel()
        assert not server.client.active
        assert not server.client.queue
        assert (await server.fetch("/next")).body == b"fine"
        if moment in ("connected", "receiving"):
            await closed.wait()


async def test_cancelling_ends_producers_and_receivers(curled, reply):
    ended = []
    running = asyncio.Event()

    async def hang(argument):
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(argument)

    async with curled(lambda request: reply(b"body")) as server:
        for arguments in (
            {"method": "POST", "body_producer": hang},
            {"streaming_callback": hang},
        ):
            running.clear()
            fetch = server.client.fetch(server.url, **arguments)
            await running.wait()
            fetch.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert len(ended) == 2


# -- what ends callbacks otherwise


async def cancelled(*args):
    """Wait for something that somebody else has cancelled."""
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def test_a_producer_that_is_cancelled_from_elsewhere_fails_the_fetch_and_runs_once(curled):
    calls = []

    async def produce(write):
        calls.append(None)
        await write(b"begun")
        await cancelled()

    async def script(peer):
        await peer.head()
        await peer.closed()

    async with curled(script) as server:
        with pytest.raises(CurlError, match="interrupted by CancelledError"):
            await server.fetch(method="POST", body_producer=produce)
        assert len(calls) == 1


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_a_receiver_that_is_cancelled_from_elsewhere_fails_the_fetch(curled, reply, coding):
    body = b"x" * 300000
    coded = gzip.compress(body) if coding == "gzip" else body
    async with curled(lambda request: reply(coded, f"Content-Encoding: {coding}")) as server:
        with pytest.raises(CurlError, match="interrupted by CancelledError"):
            await server.fetch(streaming_callback=cancelled)
        assert not server.client.active


@pytest.mark.parametrize("name", ["streaming_callback", "header_callback"])
async def test_a_callback_that_raises_a_cancellation_fails_its_fetch_and_nothing_else(
    curled, reply, name
):
    def cancel(piece):
        raise asyncio.CancelledError

    problems = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: problems.append(context))
    async with curled(lambda request: reply(b"body")) as server:
        with pytest.raises(CurlError, match="interrupted by CancelledError"):
            await server.fetch(**{name: cancel})
        assert (await server.fetch()).body == b"body"
    assert not problems


async def test_an_error_about_what_libcurl_had_kept_leaves_nothing_behind(curled, reply):
    """When a transfer goes on, libcurl hands over what it has kept at once, and reports what came
    of it in another way than usual."""
    problems = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: problems.append(context))
    pieces = []

    def receive(piece):
        pieces.append(piece)
        if len(pieces) == 2:
            raise Failure
        return asyncio.sleep(0)

    async with curled(lambda request: reply(b"x" * 400000)) as server:
        with pytest.raises(Failure):
            await server.fetch(streaming_callback=receive)
        assert not server.client.driver._attached
        assert not problems


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
async def test_what_ends_a_program_while_a_handle_is_prepared_leaves_nothing(curled, reply, error):
    def end(curl):
        raise error

    async with curled(lambda request: reply(b"fine"), max_clients=1) as server:
        with pytest.raises(error):
            server.client.fetch(server.url, prepare_curl_callback=end)
        assert not server.client.active
        assert (await server.fetch()).body == b"fine"
