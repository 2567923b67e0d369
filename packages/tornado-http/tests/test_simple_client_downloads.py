"""Bodies that the simple client gets: streamed, compressed, too large, cut short."""

import asyncio
import contextvars
import gzip
import zlib

import pytest

from tornado.simple_httpclient import HTTPStreamClosedError, HTTPTimeoutError

VARIABLE = contextvars.ContextVar("VARIABLE", default=None)


def chunked(*pieces):
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"


def until_close(body):
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body


def say(data, *more):
    """A script that answers one request with bytes, and closes."""

    async def script(peer):
        await peer.request()
        for piece in (data, *more):
            await peer.send(piece)

    return script


def drip(data):
    """A script that sends its bytes one by one."""

    async def script(peer):
        await peer.request()
        for octet in data:
            await peer.send(bytes((octet,)))
            await asyncio.sleep(0)

    return script


# Framing


@pytest.mark.parametrize("server", [say, drip])
@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\ncontent-length:4\r\n\r\nbody",
        chunked(b"bo", b"d", b"y"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nbody\r\n0\r\nT: t\r\n\r\n",
        until_close(b"body"),
        b"HTTP/1.0 200 OK\r\n\r\nbody",
        b"HTTP/1.1 200 OK\nContent-Length: 4\n\nbody",
        b"HTTP/1.0 200 OK\n\nbody",
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
    ],
    ids=["length", "no space", "chunked", "trailer", "close", "1.0", "LF", "1.0 LF", "interim"],
)
async def test_shc_14_15_16_responses_are_delivered_completely(scripted, server, data):
    async with scripted(server(data)) as peer:
        response = await peer.fetch()
        assert (response.code, response.body) == (200, b"body")
        assert "T" not in response.headers


@pytest.mark.parametrize(
    "method, head",
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n"),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ],
)
async def test_shc_9_responses_without_content_complete(scripted, method, head):
    async def script(peer):
        for _ in range(2):
            await peer.request()
            await peer.send(head)
        await peer.closed()

    async with scripted(script) as server:
        for _ in range(2):
            response = await server.fetch(method=method, raise_error=False)
            assert response.body == b""
        assert server.connections == 1


async def test_shc_18_bodies_above_100_megabytes_need_a_larger_buffer(scripted):
    size = 100 * 1024 * 1024 + 1

    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(0, size, 1024 * 1024):
            await peer.send(bytes(1024 * 1024))

    async with scripted(script) as server:
        with pytest.raises(HTTPStreamClosedError, match="too large"):
            await server.fetch()
        large = server.new_client(max_buffer_size=2 * size)
        assert len((await large.fetch(server.url)).body) == size


# Limits


@pytest.mark.parametrize("body", [say, drip])
@pytest.mark.parametrize(
    "make", [lambda body: chunked(body), until_close], ids=["chunked", "close"]
)
@pytest.mark.parametrize("excess", [0, 1])
async def test_shc_6_max_body_size_holds_for_every_framing(scripted, body, make, excess):
    async with scripted(body(make(b"b" * (100 + excess))), max_body_size=100) as server:
        if excess:
            with pytest.raises(HTTPStreamClosedError, match="too large"):
                await server.fetch()
        else:
            assert len((await server.fetch()).body) == 100
        assert not server.client.active


@pytest.mark.parametrize(
    "options, limit",
    [
        ({"max_body_size": 100}, 100),
        ({"max_body_size": 100, "max_buffer_size": 1000}, 100),
        ({"max_body_size": 1000, "max_buffer_size": 100}, 100),
        ({"max_buffer_size": 100}, 100),
    ],
)
async def test_shc_6_without_streaming_the_smaller_limit_applies(scripted, reply, options, limit):
    async with scripted(lambda request: reply(b"b" * int(request.target[1:])), **options) as server:
        assert len((await server.fetch(f"/{limit}")).body) == limit
        with pytest.raises(HTTPStreamClosedError):
            await server.fetch(f"/{limit + 1}")


async def test_shc_6_with_streaming_only_max_body_size_applies(scripted, reply):
    def serve(request):
        return reply(b"b" * int(request.target[1:]))

    async with scripted(serve, max_body_size=100_000, max_buffer_size=10_000) as server:
        pieces = []
        await server.fetch("/100000", streaming_callback=pieces.append)
        assert sum(map(len, pieces)) == 100_000
        with pytest.raises(HTTPStreamClosedError):
            await server.fetch("/100001", streaming_callback=pieces.append)


@pytest.mark.parametrize("excess", [0, 1])
async def test_max_header_size_is_a_limit(scripted, excess):
    head = b"HTTP/1.1 200 OK\r\nX: %s"
    data = head % (b"x" * (500 + excess - len(head) + 2)) + b"\r\n\r\n"
    async with scripted(say(data), max_header_size=500) as server:
        if excess:
            with pytest.raises(HTTPStreamClosedError, match="too large"):
                await server.fetch()
        else:
            assert (await server.fetch()).code == 200


# Streaming


async def test_htc_29_streaming_callback_gets_the_body_in_pieces(scripted):
    async with scripted(say(chunked(b"one", b"two", b"3" * 100_000))) as server:
        pieces = []
        response = await server.fetch(streaming_callback=pieces.append)
        assert b"".join(pieces) == b"onetwo" + b"3" * 100_000
        assert max(map(len, pieces)) <= 65536
        assert (response.body, response.buffer.read()) == (b"", b"")


async def test_htc_29_bodies_of_redirects_are_not_streamed(scripted, reply):
    def serve(request):
        if request.target == "/":
            return reply("moved", "Location: /there", code=302)
        return reply("there")

    async with scripted(serve) as server:
        pieces = []
        await server.fetch(streaming_callback=pieces.append)
        assert b"".join(pieces) == b"there"


@pytest.mark.parametrize("data", [until_close(b"b" * 200_000), chunked(*[b"b" * 1000] * 200)])
async def test_a_coroutine_gets_all_although_the_server_has_closed(scripted, data):
    """What has come is delivered before the end of the connection counts."""
    proceed = asyncio.Event()
    pieces = []

    async def receive(piece):
        await proceed.wait()
        pieces.append(piece)

    async def script(peer):
        await peer.request()
        await peer.send(data)
        peer.writer.close()
        await peer.writer.wait_closed()
        # The client's loop sees the end before the callback goes on.
        asyncio.get_running_loop().call_later(0.01, proceed.set)

    async with scripted(script) as server:
        response = await server.fetch(streaming_callback=receive)
        assert response.code == 200
        assert sum(map(len, pieces)) == 200_000
        assert len(server.client.pool) == 0


async def test_a_coroutine_is_waited_for_before_the_next_piece(scripted):
    """Back-pressure: the server is slowed down in the end."""
    proceed = asyncio.Event()
    running = 0
    size = 0
    sent_all = asyncio.Event()

    async def receive(piece):
        nonlocal running, size
        running += 1
        assert running == 1
        await proceed.wait()
        running -= 1
        size += len(piece)

    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await peer.send(b"b" * 30_000_000)
        proceed.set()
        await peer.writer.drain()
        sent_all.set()
        await peer.closed()

    async with scripted(script) as server:
        await server.fetch(streaming_callback=receive)
        await sent_all.wait()
        assert size == 30_000_000


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_callbacks_run_in_their_callers_context(scripted, reply, asynchronous):
    seen = []

    def see(line_or_piece):
        seen.append(VARIABLE.get())

    async def see_later(piece):
        seen.append(VARIABLE.get())
        await asyncio.sleep(0)
        seen.append(VARIABLE.get())

    async def produce(write):
        seen.append(VARIABLE.get())
        await write(b"body")

    async with scripted(lambda request: reply("body")) as server:
        await server.fetch()  # A kept connection was made in another context.

        async def fetch(value):
            VARIABLE.set(value)
            seen.clear()
            await server.fetch(
                method="POST",
                body_producer=produce,
                streaming_callback=see_later if asynchronous else see,
                header_callback=see,
            )
            assert set(seen) == {value}
            assert len(seen) >= 4

        await asyncio.create_task(fetch("one"))
        await asyncio.create_task(fetch("two"))
        assert server.connections == 1


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("coding", [None, "gzip"])
async def test_what_a_streaming_callback_raises_is_what_the_fetch_raises(
    scripted, reply, asynchronous, coding
):
    def fail(piece):
        raise LookupError("unwanted")

    async def fail_later(piece):
        await asyncio.sleep(0)
        raise LookupError("unwanted")

    body = reply("body") if coding is None else reply(gzip.compress(b"x"), "Content-Encoding: gzip")
    async with scripted(lambda request: body) as server:
        with pytest.raises(LookupError, match="unwanted"):
            await server.fetch(streaming_callback=fail_later if asynchronous else fail)
        assert (len(server.client.active), len(server.client.pool)) == (0, 0)


async def test_a_coroutine_that_was_cancelled_elsewhere_ends_the_fetch(scripted, reply):
    async def take(chunk):
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    async with scripted(lambda request: reply("body")) as server:
        with pytest.raises(HTTPStreamClosedError, match="streaming_callback was cancelled"):
            await server.fetch(streaming_callback=take)
        assert not server.client.active


async def test_a_coroutine_ends_with_the_fetch_that_it_belongs_to(scripted, reply):
    ended = asyncio.Event()

    async def receive(piece):
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with scripted(lambda request: reply("body")) as server:
        with pytest.raises(HTTPTimeoutError, match="receiving"):
            await server.fetch(streaming_callback=receive, request_timeout=0.3)
        await ended.wait()


# Header callback


async def test_htc_30_31_header_callback_gets_each_line_with_its_end(scripted, reply):
    lines = []
    async with scripted(lambda request: reply("body", "X-A: 1", "X-A: 2")) as server:
        response = await server.fetch(header_callback=lines.append)
    assert lines == [
        "HTTP/1.1 200 Reason\r\n",
        "Content-Length: 4\r\n",
        "X-A: 1\r\n",
        "X-A: 2\r\n",
        "\r\n",
    ]
    assert len(response.headers) == 0
    assert response.body == b"body"


async def test_htc_30_header_callback_comes_before_streaming_callback(scripted, reply):
    calls = []
    async with scripted(lambda request: reply("body")) as server:
        await server.fetch(header_callback=calls.append, streaming_callback=calls.append)
    assert calls[-2:] == ["\r\n", b"body"]


async def test_what_a_header_callback_raises_is_what_the_fetch_raises(scripted, reply):
    def fail(line):
        raise LookupError(line)

    async with scripted(lambda request: reply("body")) as server:
        with pytest.raises(LookupError, match="200"):
            await server.fetch(header_callback=fail)
        assert not server.client.active


@pytest.mark.parametrize("callback", ["header_callback", "streaming_callback"])
async def test_callbacks_may_end_the_fetch(scripted, reply, callback):
    calls = []

    def end(line_or_piece):
        calls.append(line_or_piece)
        fetch.cancel()

    async with scripted(lambda request: reply(b"b" * 200_000)) as server:
        fetch = server.client.fetch(server.url, **{callback: end})
        with pytest.raises(asyncio.CancelledError):
            await fetch
        assert len(calls) == 1
        assert (len(server.client.active), len(server.client.pool)) == (0, 0)


async def test_callbacks_may_close_the_client(scripted, reply):
    async with scripted(lambda request: reply("body")) as server:
        with pytest.raises(HTTPStreamClosedError, match="closed"):
            await server.fetch(streaming_callback=lambda piece: server.client.close())


async def test_callbacks_may_fetch(scripted, reply):
    more = []

    async with scripted(lambda request: reply(request.target)) as server:

        def fetch(piece):
            more.append(server.client.fetch(f"{server.url}/more"))

        await server.fetch("/first", streaming_callback=fetch)
        assert (await more[0]).body == b"/more"


# Content codings (RFC 9110 section 8.4)

TEXT = b"what is written here can be made smaller " * 100


def raw_deflate(data):
    engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return engine.compress(data) + engine.flush()


CODINGS = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    "GZip": gzip.compress(TEXT),
    "gzip, identity": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "deflate ": raw_deflate(TEXT),
    "gzip,": gzip.compress(TEXT[:50]) + gzip.compress(TEXT[50:]),
    "deflate, gzip": gzip.compress(zlib.compress(TEXT)),
}


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("streamed", [False, True])
async def test_htc_24_compressed_bodies_arrive_decoded(scripted, reply, coding, streamed):
    fields = (f"Content-Encoding: {coding}", "Vary: Accept-Encoding")
    async with scripted(lambda request: reply(CODINGS[coding], *fields)) as server:
        pieces = []
        callback = pieces.append if streamed else None
        response = await server.fetch(streaming_callback=callback)
        assert (b"".join(pieces) if streamed else response.body) == TEXT
        assert "Content-Encoding" not in response.headers
        assert response.headers["X-Consumed-Content-Encoding"] == coding.strip()
        asked = server.requests[0].headers["accept-encoding"].split(", ")
        assert {"gzip", "deflate"} <= set(asked)


@pytest.mark.parametrize("coding", CODINGS)
async def test_any_split_of_a_coded_body_decodes_to_the_same(scripted, coding):
    data = CODINGS[coding]
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\nContent-Encoding: {coding}\r\n\r\n"
    async with scripted(drip(head.encode() + data)) as server:
        assert (await server.fetch()).body == TEXT


@pytest.mark.parametrize("option", ["decompress_response", "use_gzip"])
async def test_htc_23_compression_is_asked_for_unless_the_request_does_not_want_it(
    scripted, reply, option
):
    data = CODINGS["gzip"]
    async with scripted(lambda request: reply(data, "Content-Encoding: gzip")) as server:
        response = await server.fetch(**{option: False})
        assert response.body == data
        assert response.headers["Content-Encoding"] == "gzip"
        assert "accept-encoding" not in server.requests[0].headers
        assert (await server.fetch(**{option: True})).body == TEXT


async def test_unknown_codings_are_left_alone(scripted, reply):
    async with scripted(lambda request: reply(b"??", "Content-Encoding: odd")) as server:
        response = await server.fetch()
        assert (response.body, response.headers["Content-Encoding"]) == (b"??", "odd")


@pytest.mark.parametrize("method, code", [("HEAD", 200), ("GET", 304), ("GET", 204)])
async def test_a_coding_without_content_is_no_error(scripted, method, code):
    head = f"HTTP/1.1 {code} X\r\nContent-Encoding: gzip\r\n\r\n".encode()
    async with scripted(lambda request: head) as server:
        assert (await server.fetch(method=method, raise_error=False)).code == code


@pytest.mark.parametrize(
    "coding, data",
    [
        ("gzip", CODINGS["gzip"][:-1]),
        ("gzip", CODINGS["gzip"][:5]),
        ("gzip", b"not gzip at all"),
        ("gzip", CODINGS["gzip"] + b"more"),
        ("deflate", CODINGS["deflate"][:-1]),
        ("deflate", CODINGS["deflate"] + b"more"),
        ("deflate, gzip", gzip.compress(b"not deflate")),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_broken_codings_are_errors(scripted, reply, coding, data, streamed):
    async with scripted(lambda request: reply(data, f"Content-Encoding: {coding}")) as server:
        callback = [].append if streamed else None
        with pytest.raises(HTTPStreamClosedError, match="gzip|deflate"):
            await server.fetch(streaming_callback=callback)
        assert (len(server.client.active), len(server.client.pool)) == (0, 0)


@pytest.mark.parametrize("codings", ["gzip", "deflate", "gzip, gzip"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_what_a_small_body_decodes_to_is_limited(scripted, reply, codings, streamed):
    """A bomb is stopped at the limit, whichever of its layers goes off."""
    data = bytes(10_000_000)
    for coding in codings.split(", "):
        data = gzip.compress(data) if coding == "gzip" else zlib.compress(data)
    assert len(data) < 50_000
    pieces = []
    async with scripted(
        lambda request: reply(data, f"Content-Encoding: {codings}"), max_body_size=200_000
    ) as server:
        with pytest.raises(HTTPStreamClosedError, match="too large"):
            await server.fetch(streaming_callback=pieces.append if streamed else None)
    assert sum(map(len, pieces)) <= 200_000


async def test_a_bomb_that_is_streamed_waits_for_its_receiver(scripted, reply):
    """No more than a piece is decoded before the receiver has dealt with the last one."""
    data = gzip.compress(bytes(10_000_000))
    sizes = []

    async def receive(piece):
        sizes.append(len(piece))
        await asyncio.sleep(0)

    async with scripted(lambda request: reply(data, "Content-Encoding: gzip")) as server:
        await server.fetch(streaming_callback=receive)
    assert sum(sizes) == 10_000_000
    assert max(sizes) <= 65536


# Servers that don't do what they say


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "before the response"),
        (b"HTTP/1.1 200", "before the response"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "complete"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n", "complete"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbo", "complete"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-4\r\nbody\r\n", "chunk"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nbody\r\n", "chunk"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "Content-Length"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "Transfer-Encoding",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "status line"),
        (b"HTTP/1.1 200 OK\r\nbad field : x\r\n\r\n", "field|header"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 11, "interim"),
    ],
)
async def test_responses_that_are_cut_or_wrong_are_errors(scripted, data, message):
    async with scripted(say(data)) as server:
        with pytest.raises(HTTPStreamClosedError, match=message) as caught:
            await server.fetch()
        assert caught.value.code == 599
        assert (len(server.client.active), len(server.client.pool)) == (0, 0)


async def test_what_follows_a_response_unasked_for_is_no_answer_to_the_next_request(
    scripted, reply
):
    async def script(peer):
        await peer.request()
        await peer.send(reply("one") + reply("forged"))
        await peer.closed()

    async with scripted(script) as server:
        for _ in range(2):
            assert (await server.fetch()).body == b"one"
        assert server.connections == 2
