"""Whatever a server says, a fetch ends as a response or an error, and leaves nothing behind."""

import asyncio
import gzip
import os
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tornado.httpclient import HTTPClientError, HTTPResponse
from tornado.simple_httpclient import SimpleAsyncHTTPClient

STATUS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.0 200 OK",
        b"HTTP/1.1 204 No Content",
        b"HTTP/1.1 304 Not Modified",
        b"HTTP/1.1 302 Found",
        b"HTTP/1.1 401 Unauthorized",
        b"HTTP/1.1 417 Expectation Failed",
        b"HTTP/1.1 100 Continue",
        b"HTTP/1.1 101 Switching Protocols",
        b"HTTP/1.1 103 Early Hints",
        b"HTTP/1.1 999 ",
        b"HTTP/2 200 OK",
        b"GET / HTTP/1.1",
    ]
)
FIELDS = st.lists(
    st.sampled_from(
        [
            b"Content-Length: 0",
            b"Content-Length: 5",
            b"Content-Length: 99999999999999999999",
            b"Content-Length: +5",
            b"Transfer-Encoding: chunked",
            b"Transfer-Encoding: gzip, chunked",
            b"Connection: close",
            b"Connection: keep-alive",
            b"Keep-Alive: timeout=0",
            b"Content-Encoding: gzip",
            b"Content-Encoding: deflate, gzip",
            b"Location: /next",
            b"Location: //",
            b"Location: http://[",
            b'WWW-Authenticate: Digest realm="x", nonce="y", qop="auth"',
            b"Set-Cookie: a=b",
            b" folded",
            b"no colon",
            b"Bad\0: x",
        ]
    ),
    max_size=4,
)
BODY = st.sampled_from(
    [
        b"",
        b"12345",
        b"123456789",
        b"5\r\n12345\r\n0\r\n\r\n",
        b"5;x\r\n12345\r\n0\r\nT: t\r\n\r\n",
        b"5\r\n123456\r\n0\r\n\r\n",
        b"ffffffffffffffff\r\n",
        gzip.compress(b"z" * 10_000),
        gzip.compress(zlib.compress(b"z" * 10_000)),
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ]
)
MESSAGE = st.builds(
    lambda status, fields, body: b"\r\n".join([status, *fields, b"", b""]) + body,
    STATUS,
    FIELDS,
    BODY,
)
ANSWER = st.tuples(
    st.lists(MESSAGE, min_size=1, max_size=3).map(b"".join) | st.binary(max_size=50),
    st.integers(0, 3000),  # where it's cut off
    st.integers(1, 60),  # the size of its pieces
    st.sampled_from(["close", "reset", "stay"]),
)
REQUEST = st.sampled_from(
    [
        {},
        {"method": "HEAD"},
        {"method": "POST", "body": b"body"},
        {"method": "POST", "body": b"body", "expect_100_continue": True},
        {"auth_username": "u", "auth_mode": "digest"},
        {"decompress_response": False},
        {"follow_redirects": False},
        {"streams": True},
    ]
)


async def serve(answers, reader, writer):
    try:
        while answers:
            await reader.readuntil(b"\r\n\r\n")
            data, cut, size, end = answers.pop(0)
            for start in range(0, min(len(data), cut), size):
                writer.write(data[:cut][start : start + size])
                await asyncio.sleep(0)
            if end != "stay":
                break
        if end == "reset":
            writer.transport.abort()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def fetch(client, url, arguments):
    arguments = dict(arguments)
    if arguments.pop("streams", False):
        async with client.stream(url, raise_error=False, **arguments) as response:
            await response.read()
            return response
    return await client.fetch(url, raise_error=False, **arguments)


async def run(make, answers, requests):
    answers = list(answers)
    tasks = set()

    async def accept(reader, writer):
        tasks.add(asyncio.current_task())
        await serve(answers, reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    client = make(force_instance=True, max_clients=1, max_body_size=9000)
    for arguments in requests:
        try:
            response = await fetch(client, url, {"request_timeout": 0.05, **arguments})
        except (HTTPClientError, OSError, ValueError):
            pass
        else:
            # It's a response that is one.
            assert response.code >= 200 or response.code == 101
            if isinstance(response, HTTPResponse):
                assert len(response.body) <= 9000
        assert not client.active
        assert not client.queue
        assert make is not SimpleAsyncHTTPClient or len(client.pool) <= 1
    client.close()
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def check(make, answers, requests):
    before = len(os.listdir("/proc/self/fd"))
    asyncio.run(run(make, answers, requests))
    assert len(os.listdir("/proc/self/fd")) <= before


CONVERSATION = (st.lists(ANSWER, min_size=1, max_size=4), st.lists(REQUEST, min_size=1, max_size=3))


@settings(max_examples=150, deadline=None)
@given(*CONVERSATION)
def test_every_fetch_ends(answers, requests):
    check(SimpleAsyncHTTPClient, answers, requests)


@settings(max_examples=100, deadline=None)
@given(*CONVERSATION)
def test_every_fetch_of_the_curl_client_ends(answers, requests):
    curl_httpclient = pytest.importorskip("tornado.curl_httpclient")
    check(curl_httpclient.CurlAsyncHTTPClient, answers, requests)
