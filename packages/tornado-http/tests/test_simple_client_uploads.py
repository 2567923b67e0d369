"""Bodies that the simple client sends, and servers that don't wait for them."""

import asyncio

import pytest

from tornado.httpclient import HTTPRequest
from tornado.httputil import HTTPOutputError
from tornado.iostream import StreamClosedError


def early_answer(reply):
    """A script that answers the first request of each connection without reading its body."""

    async def script(peer):
        request = await peer.head()
        if request is None:
            return
        if request.method == "GET":
            await peer.send(reply(b"got"))
            await peer.closed()
            return
        if "expect" not in request.headers:
            await peer.reader.readexactly(1)
        await peer.send(reply(b"enough", code=413))
        await peer.closed()

    return script


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "100"}], ids=["chunked", "length"])
async def test_a_connection_is_not_reused_when_its_request_was_not_written_whole(
    scripted, reply, headers
):
    """RFC 9112 section 9.5: the next request would be taken for a part of the body."""
    cancelled = asyncio.Event()

    async def produce(write):
        await write(b"a part")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with scripted(early_answer(reply)) as server:
        response = await server.fetch(
            method="POST", body_producer=produce, headers=headers, raise_error=False
        )
        assert (response.code, response.body) == (413, b"enough")
        await cancelled.wait()
        assert len(server.client.pool) == 0
        assert (await server.fetch()).body == b"got"
        assert server.connections == 2


async def test_a_connection_is_not_reused_while_a_body_is_still_on_its_way(scripted, reply):
    """The body was handed over, but the system has not taken all of it."""
    async with scripted(early_answer(reply)) as server:
        response = await server.fetch(method="POST", body=b"b" * 20_000_000, raise_error=False)
        assert response.code == 413
        assert len(server.client.pool) == 0
        assert (await server.fetch()).body == b"got"
        assert server.connections == 2


async def test_a_connection_is_not_reused_when_the_body_was_never_asked_for(scripted, reply):
    async with scripted(early_answer(reply)) as server:
        response = await server.fetch(
            method="POST", body=b"body", expect_100_continue=True, raise_error=False
        )
        assert response.code == 413
        assert len(server.client.pool) == 0


async def test_an_early_answer_is_read_while_a_kept_connection_takes_no_more(scripted, reply):
    """RFC 9112 section 9.5: a client looks for an answer while it sends."""

    async def script(peer):
        await peer.request()
        await peer.send(reply())
        await peer.head()
        await peer.send(reply(b"enough", code=413))
        await peer.closed()

    async with scripted(script) as server:
        await server.fetch()
        response = await server.fetch(method="PUT", body=b"b" * 20_000_000, raise_error=False)
        assert (response.code, server.connections) == (413, 1)


async def test_a_producer_that_has_written_all_may_go_on(scripted, reply):
    """Its connection is free meanwhile, and what it writes later doesn't go there."""
    done = asyncio.Event()
    late = []

    async def produce(write):
        await write(b"body")
        await done.wait()
        try:
            await write(b"GET /smuggled HTTP/1.1\r\n\r\n")
        except Exception as error:
            late.append(type(error))

    async with scripted(lambda request: reply(request.body)) as server:
        response = await server.fetch(
            method="POST", body_producer=produce, headers={"Content-Length": "4"}
        )
        assert response.body == b"body"
        assert len(server.client.pool) == 1
        done.set()
        assert (await server.fetch("/next")).code == 200
        assert late == [StreamClosedError]
        assert [request.target for request in server.requests] == ["/", "/next"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "ODD"])
async def test_htc_32_a_produced_body_is_chunked_without_content_length(scripted, reply, method):
    async def produce(write):
        await write(b"one ")
        await write(b"two")

    async with scripted(lambda request: reply(request.body)) as server:
        response = await server.fetch(
            method=method,
            body_producer=produce,
            allow_nonstandard_methods=method not in ("POST", "PUT", "PATCH"),
        )
        assert response.body == b"one two"
        assert server.requests[0].headers["transfer-encoding"] == "chunked"
        assert "content-length" not in server.requests[0].headers


async def test_htc_32_a_produced_body_may_have_a_content_length(scripted, reply):
    async def produce(write):
        await write(b"body")

    async with scripted(lambda request: reply(request.body)) as server:
        response = await server.fetch(
            method="POST", body_producer=produce, headers={"Content-Length": "4"}
        )
        assert response.body == b"body"
        assert "transfer-encoding" not in server.requests[0].headers


async def test_htc_32_a_producer_may_be_a_plain_function(scripted, reply):
    def produce(write):
        assert asyncio.isfuture(write(b"plain"))

    async with scripted(lambda request: reply(request.body)) as server:
        assert (await server.fetch(method="POST", body_producer=produce)).body == b"plain"


def test_htc_32_body_and_body_producer_exclude_each_other():
    with pytest.raises(ValueError, match="body_producer"):
        HTTPRequest("http://localhost/", method="POST", body=b"", body_producer=lambda write: None)


@pytest.mark.parametrize(
    "length, written", [("3", b"body"), ("5", b"body")], ids=["too much", "too little"]
)
async def test_a_produced_body_must_have_the_announced_length(scripted, reply, length, written):
    async def produce(write):
        await write(written)

    async with scripted(lambda request: reply(request.body)) as server:
        with pytest.raises(HTTPOutputError):
            await server.fetch(
                method="POST", body_producer=produce, headers={"Content-Length": length}
            )
        assert len(server.client.pool) == 0
        assert not server.client.active


async def test_what_a_producer_raises_is_what_the_fetch_raises(scripted, reply):
    async def produce(write):
        await write(b"a part")
        raise LookupError("no more")

    async with scripted(lambda request: reply(request.body)) as server:
        with pytest.raises(LookupError, match="no more"):
            await server.fetch(method="POST", body_producer=produce)
        assert not server.client.active


async def test_a_body_is_chunked_if_the_caller_says_so(scripted, reply):
    """RFC 9112 section 6.2: never Content-Length too."""
    async with scripted(lambda request: reply(request.body)) as server:
        response = await server.fetch(
            method="POST", body=b"whole", headers={"Transfer-Encoding": "Chunked"}
        )
        assert response.body == b"whole"
        assert "content-length" not in server.requests[0].headers


@pytest.mark.parametrize(
    "headers, error",
    [
        ({"Transfer-Encoding": "gzip"}, ValueError),
        ({"Transfer-Encoding": "chunked", "Content-Length": "4"}, HTTPOutputError),
    ],
)
async def test_framing_that_would_mislead_is_not_sent(scripted, reply, headers, error):
    async with scripted(lambda request: reply()) as server:
        await server.fetch()
        with pytest.raises(error):
            await server.fetch(method="POST", body=b"body", headers=headers)
        assert len(server.requests) == 1
        assert len(server.client.pool) == (1 if error is ValueError else 0)


# RFC 9110 section 10.1.1


async def test_htc_33_the_body_waits_for_the_interim_response(scripted, reply):
    async def script(peer):
        request = await peer.head()
        assert request.headers["expect"] == "100-continue"
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await peer.body(request)
        await peer.send(reply(request.body))
        await peer.closed()

    async with scripted(script) as server:
        response = await server.fetch(method="POST", body=b"body", expect_100_continue=True)
        assert response.body == b"body"
        assert len(server.client.pool) == 1


async def test_htc_33_a_server_that_does_not_know_of_it_gets_the_body_all_the_same(
    scripted, reply, monkeypatch
):
    monkeypatch.setattr("tornado._simple_client.upload.CONTINUE_TIME", 0.01)
    async with scripted(lambda request: reply(request.body)) as server:
        response = await server.fetch(method="POST", body=b"body", expect_100_continue=True)
        assert response.body == b"body"


async def test_a_refused_expectation_is_dropped(scripted, reply):
    """RFC 9110 section 10.1.1: the request is repeated without it."""
    calls = []

    async def produce(write):
        calls.append(None)
        await write(b"body")

    async def script(peer):
        request = await peer.head()
        if "expect" in request.headers:
            await peer.send(reply(code=417))
        else:
            await peer.body(request)
            await peer.send(reply(request.body))
        await peer.closed()

    async with scripted(script) as server:
        response = await server.fetch(
            method="POST", body_producer=produce, expect_100_continue=True
        )
        assert (response.body, len(calls), server.connections) == (b"body", 1, 2)


async def test_nothing_is_expected_without_content(scripted, reply):
    async with scripted(lambda request: reply()) as server:
        await server.fetch(method="POST", body=b"", expect_100_continue=True)
        assert "expect" not in server.requests[0].headers


# Bodies and methods


@pytest.mark.parametrize("body", ["m\xe9", "m\xe9".encode()])
async def test_htc_22_text_is_sent_as_utf_8(scripted, reply, body):
    async with scripted(lambda request: reply(request.body)) as server:
        assert (await server.fetch(method="POST", body=body)).body == "m\xe9".encode()


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
async def test_shc_8_methods_without_body(scripted, reply, method):
    async with scripted(lambda request: reply("" if method == "HEAD" else method)) as server:
        response = await server.fetch(method=method)
        assert response.body == (b"" if method == "HEAD" else method.encode())
        assert server.requests[0].method == method
        assert "content-length" not in server.requests[0].headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_shc_8_methods_with_body(scripted, reply, method):
    async with scripted(lambda request: reply(request.body)) as server:
        assert (await server.fetch(method=method, body=b"body")).body == b"body"
        assert server.requests[0].headers["content-length"] == "4"


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_shc_9_empty_bodies_and_answers(scripted, reply, method):
    async with scripted(lambda request: reply()) as server:
        assert (await server.fetch(method=method, body="")).body == b""
        assert server.requests[0].headers["content-length"] == "0"


@pytest.mark.parametrize(
    "method, body", [("POST", None), ("PUT", None), ("PATCH", None), ("GET", b""), ("HEAD", b"x")]
)
async def test_htc_35_bodies_are_where_methods_have_them(scripted, reply, method, body):
    async with scripted(lambda request: reply(request.body)) as server:
        with pytest.raises(ValueError, match="[Bb]ody"):
            await server.fetch(method=method, body=body)
        assert not server.requests
        if method == "HEAD":
            return
        response = await server.fetch(method=method, body=body, allow_nonstandard_methods=True)
        assert response.body == (body or b"")


async def test_htc_35_unknown_methods_are_refused_unless_allowed(scripted, reply):
    async with scripted(lambda request: reply(request.method)) as server:
        with pytest.raises(KeyError):
            await server.fetch(method="PROPFIND")
        response = await server.fetch(method="PROPFIND", allow_nonstandard_methods=True)
        assert response.body == b"PROPFIND"
