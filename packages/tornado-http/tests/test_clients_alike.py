"""What both clients do alike, whatever library is below them."""

import asyncio
import contextlib
import datetime
import gc
import gzip
import itertools
import pathlib
import ssl
import sys
import textwrap
import warnings
import weakref

import pytest
import trustme

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.httputil import HTTPHeaders, HTTPOutputError


@pytest.fixture(params=["simple", "curl"])
def served(request):
    """A scripted server whose client is each of the two in turn."""
    return request.getfixturevalue("scripted" if request.param == "simple" else "curled")


async def failing(fetch):
    """Return the error of a fetch that gets no response."""
    with pytest.raises(HTTPClientError) as caught:
        await fetch
    assert caught.value.code == 599
    assert caught.value.response is None
    assert str(caught.value) not in ("", "HTTP 599: Unknown")
    return caught.value


# -- redirects

KEPT = {
    (code, method): method
    for code in (301, 302, 303, 307, 308)
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}
# RFC 9110 section 15.4: what 303 leads to is fetched, and after 301 and 302 so is what was posted.
KEPT |= {(303, method): "GET" for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS")}
KEPT |= {(301, "POST"): "GET", (302, "POST"): "GET"}


@pytest.mark.parametrize(("code", "method"), KEPT)
async def test_which_method_follows_a_redirect(served, reply, code, method):
    def answer(request):
        if request.target == "/":
            return reply("", "Location: /there?a=b", code=code)
        return reply("" if request.method == "HEAD" else "end")

    has_body = method in ("POST", "PUT", "PATCH")
    arguments = {"body": b"text", "headers": {"Content-Type": "x/y"}} if has_body else {}
    async with served(answer) as server:
        response = await server.fetch(method=method, **arguments)
        first, second = server.requests
    assert (response.code, response.effective_url) == (200, server.url + "/there?a=b")
    assert (first.method, first.body) == (method, b"text" if has_body else b"")
    assert (second.method, second.target) == (KEPT[code, method], "/there?a=b")
    keeps_body = has_body and second.method == method
    assert second.body == (b"text" if keeps_body else b"")
    assert ("content-type" in second.headers) == keeps_body
    assert ("content-length" in second.headers) == keeps_body


@pytest.mark.parametrize("code", [300, 304, 305, 306])
async def test_which_codes_are_no_redirects(served, reply, code):
    async with served(lambda request: reply("", "Location: /there", code=code)) as server:
        with pytest.raises(HTTPClientError) as caught:
            await server.fetch()
        assert caught.value.code == code
        assert caught.value.response.headers["Location"] == "/there"
        assert len(server.requests) == 1


async def test_a_negative_max_redirects_follows_none(served, reply):
    """It's no number of steps that can be counted down to nothing."""
    async with served(lambda request: reply("", "Location: /", code=302)) as server:
        for limit in (-1, -2):
            response = await server.fetch(max_redirects=limit, raise_error=False)
            assert response.code == 302
        assert len(server.requests) == 2


@pytest.mark.parametrize("second", ["/there", "/elsewhere"])
async def test_a_location_that_is_there_twice(served, reply, second):
    """RFC 9110 section 5.3: what isn't a list can't be made one of several fields."""

    def serve(request):
        if request.target == "/":
            return reply("", "Location: /there", f"Location: {second}", code=302)
        return reply(request.target)

    async with served(serve) as server:
        if second == "/there":
            assert (await server.fetch("/")).body == b"/there"
        else:
            assert "Location" in str(await failing(server.fetch("/")))
            assert len(server.requests) == 1


# -- files


async def test_files_may_be_given_as_paths(served, reply, server_tls, authority_file):
    path = pathlib.Path(authority_file)
    async with served(lambda request: reply("body"), tls=server_tls) as server:
        assert (await server.fetch(ca_certs=path)).body == b"body"
        assert (await server.fetch(ssl_options={"ca_certs": path})).body == b"body"


async def test_the_path_of_a_socket_may_be_a_path(served, reply, tmp_path):
    async with served(lambda request: reply("body"), path=str(tmp_path / "socket")) as server:
        assert (await server.fetch(unix_socket=tmp_path / "socket")).body == b"body"


@pytest.mark.parametrize("path", ["nowhere", "long" * 100, "nul\0", 5])
async def test_paths_where_no_socket_can_be_are_errors_and_no_leaks(served, reply, path):
    async with served(lambda request: reply()) as server:
        with pytest.raises((OSError, ValueError, TypeError, HTTPClientError)):
            await server.fetch(unix_socket=path)


# -- addresses


@pytest.mark.parametrize("host", ["127%2e0.0.1", "localhos%74", "localhost%00"])
async def test_hosts_are_not_escaped(served, reply, host):
    """Who checks where a URL leads sees one address, and it isn't another when it's decoded."""
    async with served(lambda request: reply("", f"Location: http://{host}/", code=302)) as server:
        for url in (f"http://{host}:{server.port}/", server.url):
            with pytest.raises(ValueError, match="host"):
                await server.client.fetch(url)
        assert len(server.requests) == 1


# -- expectations


@pytest.mark.parametrize("receiver", [None, "streaming_callback", "header_callback"])
@pytest.mark.parametrize("sender", ["body", "body_producer"])
async def test_a_refused_expectation_is_dropped_for_the_same_response(
    served, reply, sender, receiver
):
    """RFC 9110 section 10.1.1: the request is repeated without it."""

    async def script(peer):
        while (request := await peer.head()) is not None:
            if "expect" in request.headers:
                await peer.send(reply("no", "Connection: close", code=417))
                return
            await peer.body(request)
            await peer.send(reply(request.body))

    calls = []

    async def produce(write):
        calls.append(None)
        await write(b"body")

    seen = []
    arguments = {sender: b"body" if sender == "body" else produce}
    if receiver is not None:
        arguments[receiver] = seen.append
    async with served(script) as server:
        response = await server.fetch(
            method="POST", expect_100_continue=True, max_redirects=0, **arguments
        )
        assert (response.code, len(server.requests)) == (200, 2)
        assert len(calls) == (sender == "body_producer")
    if receiver == "header_callback":
        assert [line for line in seen if line.startswith("HTTP/")] == ["HTTP/1.1 200 Reason\r\n"]
    else:
        assert (response.body or b"".join(seen)) == b"body"


# -- heads


@pytest.mark.parametrize(
    "cut", [b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nX: y", b"HTTP/1.1 200"]
)
@pytest.mark.parametrize("interim", [b"", b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"])
async def test_a_head_that_is_cut_is_an_error(served, cut, interim):
    async def serve(peer):
        await peer.request()
        await peer.send(interim + cut)

    async with served(serve) as server:
        await failing(server.fetch(raise_error=False))


@pytest.mark.parametrize("streams", [False, True])
async def test_ten_interim_responses_are_enough(served, reply, streams):
    def answer(request):
        return b"HTTP/1.1 100 Continue\r\n\r\n" * int(request.target[1:]) + reply("body")

    arguments = {"streaming_callback": bytes} if streams else {}
    async with served(answer) as server:
        assert (await server.fetch("/10", **arguments)).code == 200
        # They are counted for each response.
        assert (await server.fetch("/10", **arguments)).code == 200
        error = await failing(server.fetch("/11", **arguments))
        assert "10 interim responses" in str(error)


async def test_another_protocol_is_not_waited_for(served):
    """RFC 9110 section 15.2.2: what follows a 101 response is no body of it."""
    gone = asyncio.Event()

    async def serve(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 101 Other\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
        await peer.closed()
        gone.set()

    async with served(serve) as server:
        response = await server.fetch(raise_error=False, request_timeout=0)
        assert (response.code, response.body) == (101, b"")
        assert response.headers["Upgrade"] == "x"
        await gone.wait()


async def test_no_line_of_a_head_comes_after_the_end(served, reply):
    lines = []

    def receive(line):
        lines.append(line)
        fetch.cancel()

    async with served(lambda request: reply("body")) as server:
        fetch = server.client.fetch(server.url, header_callback=receive)
        with pytest.raises(asyncio.CancelledError):
            await fetch
        assert (await server.fetch()).body == b"body"
    assert len(lines) == 1


# -- codings

PACKED = gzip.compress(b"text" * 1000)


@pytest.mark.parametrize(
    "coded", [PACKED[:-1], PACKED[:-9], PACKED[:30], PACKED + b"junk", b"no gzip at all"]
)
@pytest.mark.parametrize("streams", [False, True])
async def test_a_coded_body_that_is_cut_or_spoilt_is_an_error(served, reply, coded, streams):
    arguments = {"streaming_callback": bytes} if streams else {}
    async with served(lambda request: reply(coded, "Content-Encoding: gzip")) as server:
        await failing(server.fetch(raise_error=False, **arguments))
        assert "gzip" in server.requests[0].headers["accept-encoding"]


@pytest.mark.parametrize(
    ("coding", "coded", "consumed"),
    [
        ("gzip", PACKED, True),
        ("GZIP", PACKED, True),
        ("x-gzip", PACKED, True),
        ("gzip", PACKED[:0], True),
        # RFC 1952 section 2.2: a series of members.
        ("gzip", gzip.compress(b"text" * 400) + gzip.compress(b"text" * 600), True),
        ("gzip, gzip", gzip.compress(PACKED), True),
        ("identity", b"text" * 1000, False),
        ("magic", b"text" * 1000, False),
    ],
)
async def test_which_codings_are_taken_off(served, reply, coding, coded, consumed):
    pieces = []
    async with served(lambda request: reply(coded, f"Content-Encoding: {coding}")) as server:
        response = await server.fetch()
        assert (await server.fetch(streaming_callback=pieces.append)).body == b""
        plain = await server.fetch(decompress_response=False)
    assert response.body == b"".join(pieces) == (b"text" * 1000 if coded else b"")
    name, other = "X-Consumed-Content-Encoding", "Content-Encoding"
    assert response.headers.get_list(name if consumed else other) == [coding]
    assert (other if consumed else name) not in response.headers
    assert (plain.body, plain.headers[other]) == (coded, coding)
    assert "accept-encoding" not in server.requests[2].headers


async def test_a_slow_receiver_gets_the_pieces_of_a_coded_body_one_by_one(served, reply):
    coded = gzip.compress(bytes(1_000_000))
    busy = most = 0
    sizes = []

    async def receive(piece):
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0)
        sizes.append(len(piece))
        busy -= 1

    async with served(lambda request: reply(coded, "Content-Encoding: gzip")) as server:
        await server.fetch(streaming_callback=receive)
    assert (sum(sizes), most) == (1_000_000, 1)
    assert max(sizes) <= 65536


# -- requests


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({}, True),
        ({"Range": "bytes=5-"}, False),
        ({"Range": "bytes=5-", "Accept-Encoding": "gzip"}, True),
    ],
)
async def test_a_range_is_not_asked_for_in_a_coding(served, reply, headers, asked):
    """A part of what is coded can't be decoded by itself."""
    async with served(lambda request: reply("part", code=206)) as server:
        await server.fetch(headers=headers)
        assert ("accept-encoding" in server.requests[0].headers) == asked


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "POST", "PUT", "PATCH"])
@pytest.mark.parametrize("kind", ["body", "empty body", "producer", "nothing"])
async def test_htc_35_bodies_are_where_methods_have_them(served, reply, method, kind):
    """Elsewhere it takes ``allow_nonstandard_methods``."""

    async def produce(write):
        await write(b"body")

    arguments = {
        "body": {"body": b"body"},
        "empty body": {"body": ""},
        "producer": {"body_producer": produce},
        "nothing": {},
    }[kind]
    expected = b"" if kind in ("empty body", "nothing") else b"body"
    fits = (method in ("POST", "PUT", "PATCH")) == (kind != "nothing")
    async with served(lambda request: reply("" if method == "HEAD" else "answer")) as server:
        if fits:
            assert (await server.fetch(method=method, **arguments)).code == 200
            assert server.requests[0].body == expected
            return
        with pytest.raises(ValueError, match=f"{method}.*body"):
            await server.fetch(method=method, **arguments)
        assert not server.requests
        if method == "HEAD":
            # libcurl can't.
            return
        await server.fetch(method=method, allow_nonstandard_methods=True, **arguments)
        assert (server.requests[0].method, server.requests[0].body) == (method, expected)


@pytest.mark.parametrize("method", ["PROPFIND", "TRACE", "get", "X-Y"])
async def test_htc_35_unknown_methods_are_refused_unless_allowed(served, reply, method):
    async with served(lambda request: reply(request.method)) as server:
        with pytest.raises(KeyError, match=method):
            await server.fetch(method=method)
        assert not server.requests
        response = await server.fetch(method=method, allow_nonstandard_methods=True)
        assert response.body == method.encode()


@pytest.mark.parametrize(
    "method", ["GET /x HTTP/1.1\r\nX: y\r\n\r\nGET", "G ET", "", "G\x00", "\xe9"]
)
@pytest.mark.parametrize("body", [None, b"", b"body"])
async def test_a_method_can_not_break_the_request_line(served, reply, method, body):
    async with served(lambda request: reply()) as server:
        with pytest.raises(ValueError, match="method"):
            await server.fetch(method=method, body=body, allow_nonstandard_methods=True)
        assert not server.requests


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_a_body_that_is_missing_has_no_bytes(served, reply, method):
    """RFC 9110 section 8.6."""
    async with served(lambda request: reply()) as server:
        await server.fetch(method=method, allow_nonstandard_methods=True)
        assert server.requests[0].headers["content-length"] == "0"
        assert "transfer-encoding" not in server.requests[0].headers


@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS"])
async def test_a_length_without_a_body_is_refused(served, reply, method):
    async with served(lambda request: reply()) as server:
        with pytest.raises(HTTPOutputError, match="Content-Length"):
            await server.fetch(method=method, headers={"Content-Length": "5"})
        assert not server.requests


@pytest.mark.parametrize("length", [3, 5])
@pytest.mark.parametrize("pieces", [[b"body"], [b"b", b"ody"], [b"", b"bod", b"", b"y"]])
async def test_a_producer_has_to_keep_to_the_length(served, reply, length, pieces):
    async def produce(write):
        for piece in pieces:
            await write(piece)

    async def serve(peer):
        while await peer.request() is not None:
            await peer.send(reply("got it"))

    async with served(serve) as server:
        with pytest.raises(HTTPOutputError, match="Content-Length"):
            await server.fetch(
                method="POST", body_producer=produce, headers={"Content-Length": str(length)}
            )
        response = await server.fetch(
            method="POST", body_producer=produce, headers={"Content-Length": "4"}
        )
        assert response.body == b"got it"
        assert server.requests[-1].body == b"body"


async def test_nothing_can_be_written_after_a_producer_has_returned(served, reply):
    late = []
    done = asyncio.Event()

    async def script(peer):
        await peer.request()
        await done.wait()
        await peer.send(reply("body"))

    async def produce(write):
        await write(b"body")

        async def write_more():
            # The end of the body is sent meanwhile.
            while not server.requests[0].body:
                await asyncio.sleep(0)
            try:
                await write(b"more")
            except HTTPOutputError as error:
                late.append(error)
            done.set()

        tasks.append(asyncio.create_task(write_more()))

    tasks = []
    async with served(script) as server:
        response = await server.fetch(method="POST", body_producer=produce)
        assert response.body == b"body"
        assert server.requests[0].body == b"body"
        assert len(late) == 1


@pytest.mark.parametrize("piece", ["text", None, 5, ["b"]])
@pytest.mark.parametrize("headers", [{}, {"Content-Length": "4"}])
async def test_a_producer_writes_bytes(served, reply, piece, headers):
    async def produce(write):
        await write(piece)

    async with served(lambda request: reply()) as server:
        with pytest.raises(TypeError, match="made of bytes"):
            await server.fetch(method="POST", body_producer=produce, headers=headers)
        assert (await server.fetch()).code == 200


# The length of a memory is the number of its items, not of its bytes.
WIDE = memoryview(b"body").cast("I")


@pytest.mark.parametrize("piece", [b"body", bytearray(b"body"), memoryview(b"body"), WIDE])
@pytest.mark.parametrize("headers", [{}, {"Content-Length": "4"}])
async def test_a_producer_may_write_what_is_like_bytes(served, reply, piece, headers):
    async def produce(write):
        await write(piece)

    async with served(lambda request: reply(request.body)) as server:
        response = await server.fetch(method="POST", body_producer=produce, headers=headers)
        assert response.body == b"body"


@pytest.mark.parametrize(
    "fields",
    [
        [("Host", "one.invalid"), ("Host", "two.invalid")],
        [("Host", "one.invalid"), ("Host", "one.invalid")],
        [("Content-Length", "4"), ("Content-Length", "4")],
        [("Content-Length", "4, 4")],
        [("Content-Length", "+4")],
        [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
    ],
)
async def test_what_servers_might_take_in_different_ways_is_not_sent(served, reply, fields):
    """RFC 9112 sections 3.2 and 6.3: whoever is on the way may go by another one."""
    headers = HTTPHeaders()
    for name, value in fields:
        headers.add(name, value)
    async with served(lambda request: reply()) as server:
        with pytest.raises(ValueError, match=fields[0][0]):
            await server.fetch(
                method="POST", body_producer=lambda write: write(b"body"), headers=headers
            )
        assert not server.requests


@pytest.mark.parametrize("url", ["http://127.0.0.1:abc/", "http://a:b:80/", "http://[::1]80/"])
async def test_a_port_is_a_number(served, reply, url):
    async with served(lambda request: reply()) as server:
        with pytest.raises(ValueError, match="port|IPv6|host"):
            await server.client.fetch(url)


async def test_time_that_is_over_is_over(served, reply):
    """Programs compute what is left of theirs."""
    async with served(lambda request: reply()) as server:
        await server.fetch()
        error = await failing(server.fetch(request_timeout=-1.5))
        assert "Timeout" in str(error)
        assert len(server.requests) == 1


# -- connections


async def test_what_can_not_be_repeated_gets_no_connection_that_is_closed(served, reply):
    gone = asyncio.Event()

    async def serve(peer):
        await peer.request()
        await peer.send(reply(str(peer.number)))
        peer.writer.close()
        await peer.writer.wait_closed()
        gone.set()

    async with served(serve) as server:
        for _ in range(3):
            await server.fetch()
            await gone.wait()
            gone.clear()
            # RFC 9110 section 9.2.2: there would be no second try.
            response = await server.fetch(method="POST", body=b"body")
            assert response.body == str(server.connections).encode()
            await gone.wait()
            gone.clear()


@pytest.mark.parametrize(
    "options, closes",
    [({}, False), ({"headers": {"Connection": "close"}}, True), ({"raise_error": False}, False)],
)
@pytest.mark.parametrize("code", [200, 404])
async def test_shc_23_sockets_are_closed_when_all_is_done(served, reply, options, closes, code):
    """Those that are kept are closed with the client."""
    left = asyncio.Queue()

    async def serve(peer):
        while await peer.request() is not None:
            await peer.send(reply(code=code))
        left.put_nowait(peer.number)

    async with served(serve) as server:
        fetch = server.fetch(**{"raise_error": False, **options})
        assert (await fetch).code == code
        if closes:
            assert await left.get() == 1
        server.client.close()
        if not closes:
            assert await left.get() == 1


@pytest.mark.parametrize(
    ("where", "how"),
    [
        *itertools.product(("head", "body"), ("timeout", "cancelled", "client closed")),
        ("body", "callback"),
    ],
)
async def test_shc_23_sockets_of_fetches_that_end_early_are_closed(served, where, how):
    begun = asyncio.Event()
    left = asyncio.Event()

    async def serve(peer):
        await peer.request()
        if where == "body":
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbo")
        begun.set()
        await peer.closed()
        left.set()

    def fail(data):
        raise LookupError

    arguments = {"streaming_callback": fail} if how == "callback" else {}
    async with served(serve, max_clients=1) as server:
        limit = 0.1 if how == "timeout" else 0
        fetch = asyncio.ensure_future(server.fetch(request_timeout=limit, **arguments))
        if how != "timeout":
            await begun.wait()
        if how == "cancelled":
            fetch.cancel()
        elif how == "client closed":
            server.client.close()
        errors = (HTTPClientError, asyncio.CancelledError, LookupError)
        with pytest.raises(errors):
            await fetch
        if how != "timeout":
            # Otherwise it may have struck before there was a connection.
            await left.wait()
        assert not server.client.active


async def test_shc_21_old_versions_of_tls_are_not_spoken(served, reply, server_tls):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        server_tls.minimum_version = ssl.TLSVersion.TLSv1
        server_tls.maximum_version = ssl.TLSVersion.TLSv1_1
        server_tls.set_ciphers("ALL:@SECLEVEL=0")
    async with served(lambda request: reply(), tls=server_tls) as server:
        with pytest.raises((HTTPClientError, ssl.SSLError)):
            await server.fetch(validate_cert=False)
        assert not server.requests


def certified(authority, *names, **options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, **options).configure_cert(context)
    return context


def year(number):
    return datetime.datetime(number, 1, 1, tzinfo=datetime.UTC)


def self_signed(authority):
    own = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with own.private_key_pem.tempfile() as key, own.cert_pem.tempfile() as certificate:
        context.load_cert_chain(certificate, key)
    return context


BAD_CERTIFICATES = {
    "expired": lambda ca: certified(ca, "localhost", not_after=year(2001)),
    "not yet valid": lambda ca: certified(
        ca, "localhost", not_before=year(2090), not_after=year(2091)
    ),
    "wrong host": lambda ca: certified(ca, "example.com", "*.localhost", "127.0.0.1"),
    "only common name": lambda ca: certified(ca, "example.com", common_name="localhost"),
    "unknown authority": lambda ca: certified(trustme.CA(), "localhost"),
    "self-signed": self_signed,
}


@pytest.mark.parametrize("kind", BAD_CERTIFICATES)
async def test_shc_20_bad_certificates_are_refused(served, reply, authority, authority_file, kind):
    tls = BAD_CERTIFICATES[kind](authority)
    async with served(lambda request: reply("body"), tls=tls) as server:
        with pytest.raises((ssl.SSLCertVerificationError, HTTPClientError)) as caught:
            await server.fetch(ca_certs=authority_file)
        assert getattr(caught.value, "code", 599) == 599
        assert "certificate" in str(caught.value)
        assert not server.requests
        # Whoever doesn't want to know gets through,
        assert (await server.fetch(validate_cert=False)).body == b"body"
        # and leaves no connection for those who do.
        for arguments in ({"ca_certs": authority_file}, {}):
            with pytest.raises((ssl.SSLCertVerificationError, HTTPClientError)):
                await server.fetch(**arguments)
        assert len(server.requests) == 1


# -- the end of a loop

ENDINGS = {
    "an IOLoop is closed": """
        loop = IOLoop(make_current=False)
        loop.run_sync(fetch)
        loop.close()
    """,
    "an IOLoop is closed in the middle": """
        loop = IOLoop(make_current=False)
        loop.run_sync(begin)
        loop.close()
    """,
    "asyncio ends its loop": """
        asyncio.run(fetch())
    """,
    "asyncio ends its loop in the middle": """
        asyncio.run(begin())
    """,
    "asyncio ends its loop while a body is produced": """
        async def produce(write):
            await AsyncHTTPClient(force_instance=True).fetch(url)
            producing.set_result(None)
            await asyncio.Future()
        async def begin_to_write():
            global producing
            producing = asyncio.Future()
            AsyncHTTPClient().fetch(url, method="POST", body_producer=produce)
            await producing
        asyncio.run(begin_to_write())
    """,
    "asyncio ends its loop while a body is taken": """
        async def begin_to_read():
            taking = asyncio.Future()
            async def take(chunk):
                taking.set_result(None)
                await asyncio.Future()
            AsyncHTTPClient().fetch(url, streaming_callback=take)
            await taking
        asyncio.run(begin_to_read())
    """,
    "a client is forgotten": """
        async def forget():
            await AsyncHTTPClient(force_instance=True).fetch(url)
        asyncio.run(forget())
    """,
    "a client goes from one loop to the next": """
        async def make():
            return AsyncHTTPClient(force_instance=True)
        client = asyncio.run(make())
        async def use():
            for _ in range(2):
                assert (await client.fetch(url, request_timeout=60)).body == b"body"
        for _ in range(2):
            asyncio.run(use())
        loops = asyncio.new_event_loop(), asyncio.new_event_loop()
        for loop in loops + loops:
            loop.run_until_complete(use())
        for loop in loops:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()
    """,
    "a blocking client is forgotten": """
        HTTPClient().fetch(url)
    """,
}
PROGRAM = """
import asyncio, gc, sys
from tornado.httpclient import AsyncHTTPClient, HTTPClient
from tornado.ioloop import IOLoop
url = sys.argv[2]
AsyncHTTPClient.configure(sys.argv[1], max_clients=2)
async def fetch():
    assert (await AsyncHTTPClient().fetch(url)).body == b"body"
async def begin():
    under_way = [AsyncHTTPClient().fetch(url + "/stall") for _ in range(4)]
    # It's answered when as many as may be are at the server.
    await AsyncHTTPClient(force_instance=True).fetch(url + "/when_stalled")
{ending}
gc.collect()
"""


async def test_a_client_that_is_at_work_does_not_change_its_loop(served):
    """What it does there would never come to an end."""

    asked = asyncio.Event()

    async def script(peer):
        await peer.request()
        asked.set()
        await peer.closed()

    async with served(script) as server:
        under_way = server.client.fetch(server.url)
        await asked.wait()

        async def elsewhere():
            await server.client.fetch(server.url)

        with pytest.raises(RuntimeError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, elsewhere())
        under_way.cancel()


def test_a_client_that_is_left_at_work_does_not_change_its_loop(served):
    loop = asyncio.new_event_loop()

    async def begin():
        server = served(lambda request: b"")
        client = server.new_client()
        return client, client.fetch("http://127.0.0.1:1/")

    async def fetch(client):
        await client.fetch("http://127.0.0.1:1/")

    client, under_way = loop.run_until_complete(begin())
    try:
        with pytest.raises(RuntimeError, match="another event loop"):
            asyncio.run(fetch(client))
        under_way.cancel()
        client.close()
        loop.run_until_complete(asyncio.sleep(0))
    finally:
        loop.close()


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", ["simple", "curl"])
async def test_what_is_left_at_the_end_of_a_loop_is_no_warning(scripted, reply, name, ending):
    """Programs that know nothing of connections that are kept needn't close clients."""
    implementations = {
        "simple": "tornado.simple_httpclient.SimpleAsyncHTTPClient",
        "curl": "tornado.curl_httpclient.CurlAsyncHTTPClient",
    }

    stalled = asyncio.Semaphore(0)

    async def serve(peer):
        while (request := await peer.request()) is not None:
            if request.target == "/stall":
                stalled.release()
                await peer.closed()
                return
            if request.target == "/when_stalled":
                for _ in range(2):
                    await stalled.acquire()
            await peer.send(reply("body"))

    program = PROGRAM.format(ending=textwrap.dedent(ENDINGS[ending]))
    async with scripted(serve) as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "always", "-c", program),
            *(implementations[name], server.url),
            stderr=asyncio.subprocess.PIPE,
        )
        _, err = await process.communicate()
    assert (err.decode(), process.returncode) == ("", 0)


# -- ends of bodies


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("body", [b"", b"body"])
async def test_a_body_until_the_end_needs_close_notify(
    served, server_tls, authority_file, version, body
):
    """RFC 9112 section 9.8: without it, anybody could have cut the body."""

    async def serve(peer):
        request = await peer.request()
        await peer.send(f"HTTP/{version} 200 OK\r\nConnection: close\r\n\r\n".encode() + body)
        if request.target == "/cut":
            peer.writer.transport.abort()

    async with served(serve, tls=server_tls) as server:
        assert (await server.fetch("/whole", ca_certs=authority_file)).body == body
        await failing(server.fetch("/cut", ca_certs=authority_file))


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    ],
)
async def test_a_body_that_tells_its_end_needs_no_close_notify(
    served, server_tls, authority_file, response
):
    async def serve(peer):
        await peer.request()
        await peer.send(response)
        peer.writer.transport.abort()

    async with served(serve, tls=server_tls) as server:
        assert (await server.fetch(ca_certs=authority_file)).body == b"body"


# -- what is left behind


def failing_callback(*args):
    raise LookupError


async def failing_coroutine(*args):
    raise LookupError


FAILING = {
    "address": {"url": "nowhere:"},
    "method": {"method": "UNKNOWN"},
    "prepare_curl_callback": {"prepare_curl_callback": failing_callback},
    "header_callback": {"header_callback": failing_callback},
    "streaming_callback": {"streaming_callback": failing_callback},
    "streaming_coroutine": {"streaming_callback": failing_coroutine},
    "body_producer": {"method": "POST", "body_producer": failing_coroutine},
}


@contextlib.contextmanager
def no_collector():
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def gone(reference):
    """Wait until an object is no more."""
    while reference() is not None:
        await asyncio.sleep(0)


@pytest.mark.parametrize("way", FAILING)
async def test_fetches_and_clients_are_freed_without_the_collector(served, reply, way):
    """Errors have tracebacks, which lead to whatever was going on."""

    class Kept:
        pass

    async with served(lambda request: reply("body")) as server:
        client = type(server.client)(force_instance=True)
        arguments = {"url": server.url, **FAILING[way]}
        with no_collector():
            request = HTTPRequest(**arguments)
            request.kept = Kept()
            kept = weakref.ref(request.kept)
            try:
                await client.fetch(request)
            except (LookupError, ValueError, HTTPClientError):
                pass
            del request
            await gone(kept)
            client.close()
            known = weakref.ref(client)
            del client
            await gone(known)
