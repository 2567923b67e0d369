"""The curl client: what it sends, what comes back, and what it refuses."""

import asyncio
import copy
import gzip
import pickle
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado.httpclient import AsyncHTTPClient, HTTPClient, HTTPClientError, HTTPRequest
from tornado.httputil import HTTPHeaders
from tornado.ioloop import IOLoop

pycurl = pytest.importorskip("pycurl", reason="an optional package")
curl_httpclient = pytest.importorskip("tornado.curl_httpclient")
CurlAsyncHTTPClient = curl_httpclient.CurlAsyncHTTPClient
CurlError = curl_httpclient.CurlError
field_lines = pytest.importorskip("tornado._curl_client.options").field_lines

NAME = "tornado.curl_httpclient.CurlAsyncHTTPClient"


@pytest.fixture
def configured():
    AsyncHTTPClient.configure(NAME, max_clients=3, defaults={"user_agent": "configured"})
    yield
    AsyncHTTPClient.configure(None)


# -- the client


async def test_chc_1_htc_1_2_5_7_it_is_chosen_by_its_name(configured, scripted, reply):
    async with scripted(lambda request: reply(request.headers["user-agent"])) as server:
        client = AsyncHTTPClient()
        assert isinstance(client, CurlAsyncHTTPClient)
        assert client is AsyncHTTPClient()
        assert client.max_clients == 3
        assert (await client.fetch(server.url)).body == b"configured"
        client.close()


async def test_chc_1_its_own_arguments():
    client = CurlAsyncHTTPClient(force_instance=True)
    assert (client.max_clients, client.max_body_size) == (10, 104857600)
    assert client.io_loop is IOLoop.current()
    client.close()
    client = CurlAsyncHTTPClient(
        force_instance=True, max_clients=2, defaults={"user_agent": "x"}, max_body_size=7
    )
    assert (client.max_clients, client.max_body_size) == (2, 7)
    assert client.defaults["user_agent"] == "x"
    client.close()


def test_chc_1_without_pycurl_the_error_names_the_extra():
    program = (
        "import sys; sys.modules['pycurl'] = None\n"
        "from tornado.httpclient import AsyncHTTPClient\n"
        "try:\n"
        f"    AsyncHTTPClient.configure('{NAME}')\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "pip install 'tornado-http[curl]'" in done.stdout
    assert done.stderr == ""


def test_pkg_7_nothing_imports_pycurl_unasked():
    program = "import sys, tornado.httpclient; print('pycurl' in sys.modules)"
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False\n"


async def test_htc_3_forced_instances_are_independent(curled, reply):
    async with curled(lambda request: reply(b"yes")) as server:
        one, other = server.new_client(), server.new_client()
        assert one is not other
        one.close()
        assert (await other.fetch(server.url)).body == b"yes"


async def test_htc_6_41_max_clients_limits_and_the_rest_waits(curled, reply):
    release = asyncio.Event()
    seen = []

    async def script(peer):
        while (request := await peer.request()) is not None:
            seen.append(request)
            await release.wait()
            await peer.send(reply(b"body"))

    async with curled(script, max_clients=2) as server:
        fetches = [server.fetch(f"/{number}") for number in range(5)]
        waiting = asyncio.gather(*fetches)
        while len(seen) < 2:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert (len(server.client.active), len(server.client.queue)) == (2, 3)
        release.set()
        responses = await waiting
        assert [request.target for request in seen] == ["/0", "/1", "/2", "/3", "/4"]
        assert server.connections == 2
        assert responses[0].time_info["queue"] <= responses[4].time_info["queue"]
        assert responses[4].time_info["queue"] > 0
        assert not server.client.active


async def test_htc_16_after_close_fetching_is_an_error(curled, reply):
    async with curled(lambda request: reply()) as server:
        server.client.close()
        server.client.close()
        with pytest.raises(RuntimeError):
            server.client.fetch(server.url)


async def test_close_ends_what_is_under_way_and_what_waits(curled):
    arrived = asyncio.Event()

    async def script(peer):
        await peer.request()
        arrived.set()
        await peer.closed()

    async with curled(script, max_clients=1) as server:
        fetches = [server.client.fetch(server.url) for _ in range(3)]
        await arrived.wait()
        server.client.close()
        for fetch in fetches:
            with pytest.raises(CurlError, match="closed") as caught:
                await fetch
            assert caught.value.errno == pycurl.E_ABORTED_BY_CALLBACK


def test_htc_15_the_blocking_client_takes_the_class(serve_in_thread):
    with serve_in_thread(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as url:
        with HTTPClient(CurlAsyncHTTPClient, max_clients=1) as client:
            response = client.fetch(url)
        assert response.body == b"ok"


@pytest.fixture
def serve_in_thread():
    """A server outside of any loop."""
    import contextlib
    import socket
    import threading

    @contextlib.contextmanager
    def serve(answer):
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def run():
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)
                    connection.recv(65536)

            thread = threading.Thread(target=run)
            thread.start()
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
            thread.join(20)

    return serve


# -- what is sent


@pytest.mark.parametrize(
    "arguments, line, fields",
    [
        ({}, "GET / HTTP/1.1", {"user-agent": "Tornado/"}),
        ({"method": "HEAD"}, "HEAD / HTTP/1.1", {}),
        ({"method": "DELETE"}, "DELETE / HTTP/1.1", {"content-length": None}),
        ({"method": "OPTIONS"}, "OPTIONS / HTTP/1.1", {}),
        (
            {"method": "POST", "body": "a"},
            "POST / HTTP/1.1",
            {"content-length": "1", "content-type": "application/x-www-form-urlencoded"},
        ),
        (
            {"method": "PUT", "body": b"ab"},
            "PUT / HTTP/1.1",
            {"content-length": "2", "content-type": None, "expect": None},
        ),
        (
            {"method": "PATCH", "body": b"", "headers": {"Content-Type": "a/b"}},
            "PATCH / HTTP/1.1",
            {"content-length": "0", "content-type": "a/b"},
        ),
        (
            {"method": "DELETE", "body": b"d", "allow_nonstandard_methods": True},
            "DELETE / HTTP/1.1",
            {"content-length": "1"},
        ),
        (
            {"method": "GET", "body": b"d", "allow_nonstandard_methods": True},
            "GET / HTTP/1.1",
            {"content-length": "1"},
        ),
        (
            {"method": "POST", "allow_nonstandard_methods": True},
            "POST / HTTP/1.1",
            {"content-length": "0"},
        ),
        ({"method": "PURGE", "allow_nonstandard_methods": True}, "PURGE / HTTP/1.1", {}),
        ({"user_agent": "agent"}, "GET / HTTP/1.1", {"user-agent": "agent"}),
        ({"if_modified_since": 0}, "GET / HTTP/1.1", {"if-modified-since": "Thu, 01 Jan 1970"}),
        ({"auth_username": "u", "auth_password": ""}, "GET / HTTP/1.1", {"authorization": "Basic dTo="}),
        ({"headers": {"X-Empty": ""}}, "GET / HTTP/1.1", {"x-empty": ""}),
        ({"headers": {"Host": "other"}}, "GET / HTTP/1.1", {"host": "other"}),
        ({"headers": {"X-Latin": "\xe4"}}, "GET / HTTP/1.1", {"x-latin": "\xe4"}),
        ({"headers": {"Accept": "text/plain"}}, "GET / HTTP/1.1", {"accept": "text/plain"}),
        ({"decompress_response": False}, "GET / HTTP/1.1", {"accept-encoding": None}),
        ({"use_gzip": True}, "GET / HTTP/1.1", {"accept-encoding": ""}),
        ({"headers": {"Accept-Encoding": "gzip"}}, "GET / HTTP/1.1", {"accept-encoding": "gzip"}),
    ],
    ids=str,
)  # fmt: skip
async def test_htc_21_22_23_28_35_36_chc_6_requests(curled, reply, arguments, line, fields):
    def answer(request):
        return reply(b"" if request.method == "HEAD" else request.body)

    async with curled(answer) as server:
        response = await server.fetch(**arguments)
        (request,) = server.requests
        assert request.line == line
        for name, value in fields.items():
            if value is None:
                assert name not in request.headers
            else:
                assert request.headers[name].startswith(value)
        body = arguments.get("body") or b""
        assert response.body == (body.encode() if isinstance(body, str) else body)


async def test_fields_with_several_values_are_several_lines(curled, reply):
    headers = HTTPHeaders()
    headers.add("X-Several", "one")
    headers.add("X-Several", "two")
    async with curled(lambda request: reply()) as server:
        await server.fetch(headers=headers)
        values = [value for name, value in server.requests[0].fields if name == "X-Several"]
        assert values == ["one", "two"]
        assert headers.get_list("X-Several") == ["one", "two"]


@pytest.mark.parametrize(
    "url, target",
    [
        ("/a/../b", "/a/../b"),
        ("/a b".replace(" ", "%20"), "/a%20b"),
        ("/\xe4?\xf6#\xfc", "/%C3%A4?%C3%B6"),
        ("?query", "/?query"),
        ("", "/"),
        ("/[x]{y}|z", "/[x]{y}|z"),
    ],
)
async def test_the_target_is_sent_as_it_was_given(curled, reply, url, target):
    async with curled(lambda request: reply()) as server:
        response = await server.fetch(url)
        assert server.requests[0].target == target
        assert response.effective_url == server.url + url


async def test_credentials_may_be_in_the_url_and_are_not_sent_as_a_part_of_it(curled, reply):
    async with curled(lambda request: reply()) as server:
        url = server.url.replace("http://", "http://us%20er:p%40ss@")
        await server.client.fetch(url)
        request = server.requests[0]
        assert request.headers["authorization"] == "Basic dXMgZXI6cEBzcw=="
        assert "@" not in request.headers["host"]


# -- what is refused


@pytest.mark.parametrize(
    "arguments, error",
    [
        ({"url": "ftp://localhost/"}, ValueError),
        ({"url": "file:///etc/passwd"}, ValueError),
        ({"url": "http://localhost/\r\nX: y"}, ValueError),
        ({"url": "http://localhost/\0"}, ValueError),
        ({"url": "http:///nowhere"}, ValueError),
        ({"method": "UNKNOWN"}, KeyError),
        ({"method": "GET / HTTP/1.1\r\nX: y\r\n\r\n", "allow_nonstandard_methods": True}, ValueError),
        ({"method": "G\0T", "allow_nonstandard_methods": True}, ValueError),
        ({"method": "", "allow_nonstandard_methods": True}, ValueError),
        ({"method": "GET", "body": "x"}, ValueError),
        ({"method": "POST"}, ValueError),
        ({"method": "HEAD", "body": "x", "allow_nonstandard_methods": True}, ValueError),
        ({"user_agent": "a\r\nX: y"}, ValueError),
        ({"user_agent": "a\0"}, ValueError),
        ({"auth_username": "u", "auth_mode": "magic"}, ValueError),
        ({"auth_username": "u\r\nX: y", "auth_mode": "digest"}, ValueError),
        ({"auth_username": b"u\r\nX: y", "auth_mode": "digest"}, ValueError),
        ({"auth_username": "u", "auth_password": "a\0b", "auth_mode": "digest"}, ValueError),
        (
            {"proxy_host": "localhost", "proxy_port": 1, "proxy_username": "u\r\nX: y"},
            ValueError,
        ),
        ({"proxy_host": "localhost"}, ValueError),
        ({"proxy_host": "local\r\nhost", "proxy_port": 1}, ValueError),
        ({"proxy_host": "localhost", "proxy_port": 1, "proxy_auth_mode": "magic"}, ValueError),
        ({"proxy_host": "localhost", "proxy_port": 1, "unix_socket": "/x"}, ValueError),
        ({"unix_socket": "a\0b"}, ValueError),
        ({"network_interface": "a\0b"}, ValueError),
        ({"headers": {"Content-Length": "x"}, "method": "POST", "body_producer": print}, ValueError),
    ],
    ids=str,
)  # fmt: skip
async def test_htc_35_what_cannot_be_sent_is_refused(curled, reply, arguments, error):
    """Nothing goes out, and the client works on."""
    arguments = dict(arguments)
    async with curled(lambda request: reply(b"fine"), max_clients=1) as server:
        with pytest.raises(error):
            await server.client.fetch(arguments.pop("url", server.url), **arguments)
        assert server.requests == []
        assert not server.client.active
        assert (await server.fetch()).body == b"fine"


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\rb", "a\0b"])
async def test_line_ends_are_refused_in_fields_that_escaped_the_headers(curled, reply, value):
    """The check on what libcurl gets doesn't rest on that of `HTTPHeaders`."""
    async with curled(lambda request: reply()) as server:
        request = HTTPRequest(server.url)
        request.headers._values["X"] = value
        with pytest.raises(ValueError):
            await server.client.fetch(request)
        assert server.requests == []


# -- what comes back


async def test_htc_37_38_39_40_42_a_response(curled, reply):
    async with curled(lambda request: reply(b"body", "Content-Type: text/plain")) as server:
        before = time.time()
        response = await server.fetch("/path")
        assert (response.code, response.reason) == (200, "Reason")
        assert response.headers["Content-Type"] == "text/plain"
        assert (response.body, response.buffer.read()) == (b"body", b"body")
        assert response.effective_url == server.url + "/path" == response.request.url
        assert response.error is None
        assert before <= response.start_time <= time.time()
        assert response.rethrow() is None


async def test_htc_41_time_info_has_the_figures_of_libcurl(curled, reply):
    async with curled(lambda request: reply(b"body")) as server:
        first = await server.fetch()
        second = await server.fetch()
    names = ["queue", "namelookup", "connect", "appconnect", "pretransfer", "starttransfer",
             "total", "redirect"]  # fmt: skip
    for response in (first, second):
        info = response.time_info
        assert sorted(info) == sorted(names)
        assert info["namelookup"] <= info["connect"] <= info["pretransfer"]
        assert info["pretransfer"] <= info["starttransfer"] <= info["total"]
        assert info["total"] <= response.request_time
        assert (info["appconnect"], info["redirect"]) == (0, 0)
    assert first.time_info["connect"] > 0


@pytest.mark.parametrize("code", [304, 400, 404, 500])
async def test_htc_11_12_14_codes_that_are_errors(curled, reply, code):
    async with curled(lambda request: reply(b"", code=code)) as server:
        with pytest.raises(HTTPClientError) as caught:
            await server.fetch()
        assert caught.value.code == code
        assert caught.value.response.code == code
        response = await server.fetch(raise_error=False)
        assert response.code == code


async def test_htc_10_11_the_callback_gets_errors_too(curled, reply):
    got = asyncio.get_running_loop().create_future()
    async with curled(lambda request: reply(b"", code=500)) as server:
        server.client.fetch(server.url, callback=got.set_result)
        response = await got
        assert response.error.code == 500


async def test_interim_responses_are_not_the_response(curled, reply):
    def answer(request):
        return b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + reply(
            b"body", "X-A: b"
        )

    lines = []
    async with curled(answer) as server:
        response = await server.fetch()
        assert (response.code, response.body) == (200, b"body")
        assert "Link" not in response.headers
        await server.fetch(header_callback=lines.append)
        assert lines[0] == "HTTP/1.1 200 Reason\r\n"


async def test_trailers_are_not_headers(curled):
    async def script(peer):
        await peer.request()
        await peer.send(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"4\r\nbody\r\n0\r\nX-Trailer: 1\r\n\r\n"
        )
        await peer.closed()

    async with curled(script) as server:
        response = await server.fetch()
        assert response.body == b"body"
        assert "X-Trailer" not in response.headers


@pytest.mark.parametrize("trailer", [b"HTTP/1.1 404 Other: 1", b"HTTP/1: 1"])
@pytest.mark.parametrize("receiver", [None, "header_callback", "streaming_callback"])
async def test_trailers_are_not_another_response(curled, trailer, receiver):
    """Without a body, nothing stands between the head and what looks like another one."""

    async def script(peer):
        await peer.request()
        await peer.send(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + trailer + b"\r\n\r\n"
        )
        await peer.closed()

    seen = []
    async with curled(script) as server:
        response = await server.fetch(**({} if receiver is None else {receiver: seen.append}))
        assert (response.code, response.reason, response.body) == (200, "OK", b"")
        assert not [line for line in seen if line.startswith(trailer.decode())]


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_htc_24_bodies_are_decoded(curled, reply, coding):
    import zlib

    packed = gzip.compress(b"text" * 100) if coding == "gzip" else zlib.compress(b"text" * 100)
    async with curled(lambda request: reply(packed, f"Content-Encoding: {coding}")) as server:
        response = await server.fetch()
        assert response.body == b"text" * 100
        assert "Content-Encoding" not in response.headers
        assert response.headers["X-Consumed-Content-Encoding"] == coding
        response = await server.fetch(decompress_response=False)
        assert response.body == packed
        assert response.headers["Content-Encoding"] == coding


@pytest.mark.parametrize("size, fits", [(99, True), (100, True), (101, False)])
@pytest.mark.parametrize("packed", [False, True])
async def test_the_body_has_a_limit(curled, reply, size, fits, packed):
    """It counts the bytes that come out."""
    body = b"b" * size
    answer = reply(gzip.compress(body), "Content-Encoding: gzip") if packed else reply(body)
    async with curled(lambda request: answer, max_body_size=100) as server:
        if fits:
            assert (await server.fetch()).body == body
            return
        with pytest.raises(CurlError, match="too large"):
            await server.fetch()
        assert not server.client.active


async def test_heads_have_a_limit(curled):
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n" + b"X-Long: %b\r\n" % (b"x" * 60000) * 20 + b"\r\n")
        await peer.closed()

    async with curled(script) as server:
        with pytest.raises(CurlError):
            await server.fetch()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nBad Name: 1\r\nContent-Length: 0\r\n\r\n",
        b"nothing like HTTP\r\n\r\n",
    ],
    ids=str,
)
async def test_htc_43_responses_that_are_none(curled, answer):
    async def script(peer):
        await peer.request()
        await peer.send(answer)

    async with curled(script) as server:
        with pytest.raises(CurlError) as caught:
            await server.fetch(method="POST", body=b"")
        assert caught.value.code == 599
        assert caught.value.errno > 0
        assert str(caught.value).startswith("HTTP 599: ")


async def test_htc_43_nobody_there(curled, reply):
    async with curled(lambda request: reply()) as server:
        url = server.url
    client = CurlAsyncHTTPClient(force_instance=True)
    with pytest.raises(CurlError) as caught:
        await client.fetch(url)
    assert caught.value.errno == pycurl.E_COULDNT_CONNECT
    response = None
    done = asyncio.get_running_loop().create_future()
    client.fetch(url, callback=done.set_result)
    response = await done
    assert response.code == 599
    assert response.error.errno == pycurl.E_COULDNT_CONNECT
    client.close()


# -- redirects


def redirecting(reply):
    """Answers /redirect/N with a redirect to N - 1, and other paths with what was asked."""

    def answer(request):
        path = request.target
        if path.startswith("/redirect/"):
            code, left = path.split("/")[2:]
            target = f"/redirect/{code}/{int(left) - 1}" if int(left) else "/end"
            return reply(b"skipped", f"Location: {target}", code=int(code))
        fields = sorted(name.lower() for name, _ in request.fields)
        return reply(f"{request.method} {path} {','.join(fields)} ".encode() + request.body)

    return answer


@pytest.mark.parametrize(
    "code, method, body, expected",
    [
        (301, "GET", None, b"GET /end "),
        (302, "POST", b"b", b"GET /end "),
        (303, "PUT", b"b", b"GET /end "),
        (303, "DELETE", None, b"GET /end "),
        (307, "POST", b"b", b"POST /end "),
        (308, "PUT", b"b", b"PUT /end "),
        (303, "HEAD", None, b""),
    ],
)
async def test_redirects_change_the_method_as_they_have_to(
    curled, reply, code, method, body, expected
):
    """RFC 9110 section 15.4."""

    async def script(peer):
        answer = redirecting(reply)
        while (request := await peer.request()) is not None:
            data = answer(request)
            await peer.send(
                data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == "HEAD" else data
            )

    async with curled(script) as server:
        response = await server.fetch(f"/redirect/{code}/0", method=method, body=body)
        assert response.body.startswith(expected)
        if expected.startswith(b"GET"):
            assert b"content" not in response.body
        elif body:
            assert response.body.endswith(body)
        assert response.effective_url == server.url + "/end"
        assert response.request.url == f"{server.url}/redirect/{code}/0"
        assert response.time_info["redirect"] > 0


async def test_htc_44_redirects_that_are_not_followed(curled, reply):
    async with curled(redirecting(reply)) as server:
        with pytest.raises(HTTPClientError) as caught:
            await server.fetch("/redirect/302/0", follow_redirects=False)
        assert caught.value.code == 302
        assert caught.value.response.headers["Location"] == "/end"
        assert caught.value.response.body == b"skipped"


@pytest.mark.parametrize("limit", [0, 1, 5])
async def test_htc_21_redirects_have_a_limit(curled, reply, limit):
    async with curled(redirecting(reply)) as server:
        assert (await server.fetch(f"/redirect/302/{limit - 1}" if limit else "/", max_redirects=limit)).code == 200  # fmt: skip
        response = await server.fetch(
            f"/redirect/302/{limit}", max_redirects=limit, raise_error=False
        )
        assert response.code == 302
        assert len(server.requests) == 2 * limit + 2


async def test_redirects_to_another_origin_take_no_credentials_along(curled, scripted, reply):
    async with curled(redirecting(reply)) as other:
        answer = reply(b"", f"Location: {other.url}/end", code=302)
        async with curled(lambda request: answer) as server:
            response = await server.fetch(
                auth_username="u",
                auth_password="p",
                headers={"Cookie": "a=b", "Authorization": "x", "X-Own": "1"},
            )
            assert b"authorization" not in response.body
            assert b"cookie" not in response.body
            assert b"x-own" in response.body
            response = await server.fetch(auth_username="u", auth_mode="digest")
            assert b"authorization" not in response.body


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://localhost/", "gopher://x/_a"])
async def test_redirects_lead_nowhere_but_to_http(curled, reply, location):
    async with curled(lambda request: reply(b"", f"Location: {location}", code=302)) as server:
        with pytest.raises(ValueError):
            await server.fetch()
        assert not server.client.active


async def test_long_bodies_of_redirects_are_not_read(curled, reply):
    async def script(peer):
        request = await peer.request()
        if request.target == "/end":
            await peer.send(reply(b"end"))
        else:
            await peer.send(
                b"HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 1000000\r\n\r\n"
                + b"x" * 200000
            )
        await peer.closed()

    async with curled(script) as server:
        assert (await server.fetch()).body == b"end"


# -- time


@pytest.mark.parametrize("timeout", [0.05, 0.1])
async def test_chc_5_timeouts_may_be_fractions_of_seconds(curled, timeout):
    async def script(peer):
        await peer.closed()

    async with curled(script) as server:
        with pytest.raises(CurlError) as caught:
            await server.fetch(request_timeout=timeout)
        assert caught.value.errno == pycurl.E_OPERATION_TIMEDOUT


async def test_the_wait_in_the_queue_counts(curled):
    async def script(peer):
        await peer.closed()

    async with curled(script, max_clients=1) as server:
        first = asyncio.ensure_future(server.fetch(request_timeout=0))
        await asyncio.sleep(0)
        with pytest.raises(CurlError, match="in request queue") as caught:
            await server.fetch(request_timeout=0.05)
        assert caught.value.errno == pycurl.E_OPERATION_TIMEDOUT
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert not server.client.active


async def test_redirects_have_no_time_of_their_own(curled, reply):
    """The limit is for the whole of a fetch."""

    async def script(peer):
        request = await peer.request()
        if request.target == "/":
            await peer.send(reply(b"", "Location: /end", "Connection: close", code=302))
        await peer.closed()

    async with curled(script) as server:
        with pytest.raises(CurlError) as caught:
            await server.fetch(request_timeout=0.2)
        assert caught.value.errno == pycurl.E_OPERATION_TIMEDOUT
        assert len(server.requests) == 2


# -- the interface


async def test_htc_9_13_a_request_may_be_an_object(curled, reply):
    async with curled(lambda request: reply(b"", code=404)) as server:
        request = HTTPRequest(server.url + "/object", user_agent="object")
        response = await server.client.fetch(request, raise_error=False)
        assert response.request is request
        assert server.requests[0].target == "/object"
        with pytest.raises(HTTPClientError):
            response.rethrow()
        with pytest.raises(ValueError):
            server.client.fetch(request, user_agent="x")


async def test_htc_17_errors_of_callbacks_may_be_handled(reply, scripted):
    caught = asyncio.get_running_loop().create_future()

    class Handling(CurlAsyncHTTPClient):
        def handle_callback_exception(self, callback):
            caught.set_result((callback, sys.exc_info()[0]))

    def fail(response):
        raise LookupError

    async with scripted(lambda request: reply(b"x")) as server:
        client = Handling(force_instance=True)
        client.fetch(server.url, callback=fail)
        assert await caught == (fail, LookupError)
        client.close()


async def test_htc_25_addresses_of_version_6(curled, reply):
    """They're used unless that is turned off; in URLs they stand in brackets."""
    import socket

    if not socket.has_ipv6:
        pytest.skip("a system without IPv6")
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("a system without an IPv6 loopback address")
    with listener:
        listener.setblocking(False)
        url = f"http://[::1]:{listener.getsockname()[1]}/"

        async def answer():
            loop = asyncio.get_running_loop()
            connection, _ = await loop.sock_accept(listener)
            with connection:
                await loop.sock_recv(connection, 65536)
                await loop.sock_sendall(connection, reply(b"six"))

        client = CurlAsyncHTTPClient(force_instance=True)
        server = asyncio.ensure_future(answer())
        assert (await client.fetch(url)).body == b"six"
        await server
        with pytest.raises(CurlError) as caught:
            await client.fetch(url, allow_ipv6=False)
        assert caught.value.errno == pycurl.E_COULDNT_RESOLVE_HOST
        client.close()


async def test_names_are_looked_up_while_the_loop_runs(curled, reply):
    async with curled(lambda request: reply(b"found")) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        ticks = []
        fetch = asyncio.ensure_future(server.client.fetch(url))
        while not fetch.done():
            ticks.append(await asyncio.sleep(0))
        assert (await fetch).body == b"found"
        assert ticks


async def test_a_fetch_that_fails_at_once_lets_the_next_one_start(curled, reply):
    """Also when hundreds do so in a row."""
    async with curled(lambda request: reply(b"x"), max_clients=1) as server:
        first = server.client.fetch(server.url)
        bad = [server.client.fetch("ftp://nowhere/") for _ in range(500)]
        last = server.client.fetch(server.url)
        assert (await first).body == b"x"
        results = await asyncio.gather(*bad, return_exceptions=True)
        assert {type(result) for result in results} == {ValueError}
        assert (await last).body == b"x"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A", "B", "X-Long-Name", "Content-Type"]),
            st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_each_value_becomes_a_line_of_its_own(fields):
    headers = HTTPHeaders()
    for name, value in fields:
        headers.add(name, value.strip(" \t"), _chars_are_bytes=False)
    text = "\n".join(
        [f"{name}: {value}" if value else f"{name};" for name, value in headers.get_all()]
    )
    coding = "latin-1" if text.isascii() or max(text) <= "\xff" else "utf-8"
    assert b"\n".join(field_lines(headers)) == text.encode(coding)


@given(st.text(max_size=20), st.sampled_from("\0\r\n\x0b\x1f\x7f"), st.text(max_size=20))
def test_no_control_character_gets_into_a_line(before, control, after):
    for values in ({"A": before + control + after}, {"A": ["x", before + control + after]}):
        with pytest.raises(ValueError):
            field_lines(HTTPHeaders._from_dict({"B": "b", **values, "C": "c"}))


def test_errors_can_be_copied_and_pickled():
    error = CurlError(pycurl.E_OPERATION_TIMEDOUT, "too slow")
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (type(other), other.errno, other.code) == (CurlError, error.errno, 599)
        assert str(other) == str(error) == "HTTP 599: too slow"


@pytest.mark.parametrize(
    "errno, words", [(pycurl.E_GOT_NOTHING, "GOT_NOTHING"), (100, "head"), (9999, "9999")]
)
def test_errors_have_words(errno, words):
    assert words in str(CurlError(errno, ""))


@pytest.mark.parametrize("coded_first", [True, False])
async def test_libcurl_may_be_told_to_follow_redirects_by_itself(curled, reply, coded_first):
    """Nothing of the first head is left when the second one comes."""
    coding = "Content-Encoding: gzip"
    coded = gzip.compress(b"text")

    def answer(request):
        is_first = request.target == "/"
        body, fields = (coded, [coding]) if is_first is coded_first else (b"text", [])
        if is_first:
            return reply(body, "Location: /there", *fields, code=302)
        return reply(body, *fields)

    def follow(curl):
        curl.setopt(pycurl.FOLLOWLOCATION, 1)

    async with curled(answer) as server:
        response = await server.fetch(
            "/", prepare_curl_callback=follow, follow_redirects=False, raise_error=False
        )
        assert (response.code, response.body) == (200, b"text")
        assert response.effective_url == server.url + "/there"
        assert "Location" not in response.headers
