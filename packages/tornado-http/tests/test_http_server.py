"""The server over real sockets."""

import asyncio
import gzip
import http.client
import ssl
import threading

import pytest
import trustme

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    HTTPServerRequest,
    ResponseStartLine,
)
from tornado.simple_httpclient import HTTPTimeoutError, SimpleAsyncHTTPClient


def respond(request, body=b"", code=200, **fields):
    headers = HTTPHeaders({name.replace("_", "-"): value for name, value in fields.items()})
    headers["Content-Length"] = str(len(body))
    request.connection.write_headers(ResponseStartLine("", code, "Reason"), headers, body)
    request.connection.finish()


class Site:
    """A raw request callback with some addresses."""

    def __init__(self):
        self.seen = []
        self.held = []
        self.arrived = asyncio.Event()

    def __call__(self, request):
        self.seen.append(request)
        self.arrived.set()
        path = request.path
        if path == "/raw":
            request.connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nraw")
            request.connection.finish()
        elif path == "/hold":
            self.held.append(request)
        elif path == "/chunks":
            request.connection.write_headers(ResponseStartLine("", 200, "OK"), HTTPHeaders())
            request.connection.write(b"one ")
            request.connection.write(b"two")
            request.connection.finish()
        elif path == "/gzip":
            respond(request, gzip.compress(b"z" * 1000), Content_Encoding="gzip")
        elif path.startswith("/redirect/"):
            left = int(path.rpartition("/")[2])
            target = f"/redirect/{left - 1}" if left else "/headers"
            respond(request, code=302, Location=target)
        elif path == "/elsewhere":
            respond(request, code=302, Location=request.headers["X-Target"])
        elif path == "/headers":
            respond(request, str(request.headers).encode())
        elif path == "/short":
            headers = HTTPHeaders({"Content-Length": "10"})
            request.connection.write_headers(ResponseStartLine("", 200, "OK"), headers, b"abc")
            request.connection.stream.close()
        elif path == "/missing":
            respond(request, b"no", code=404)
        else:
            respond(request, f"{request.method} {request.uri} ".encode() + request.body)


class Serving:
    """A server for a test, with raw connections to it."""

    def __init__(self, application=None, **options):
        self.site = application or Site()
        self.server = HTTPServer(self.site, **options)
        self.server.listen(0, "127.0.0.1")
        self.port = next(iter(self.server._sockets.values())).getsockname()[1]
        self.scheme = "https" if "ssl_options" in options else "http"
        self.writers = []

    async def __aenter__(self):
        return self

    async def __aexit__(self, *args):
        for writer in self.writers:
            writer.close()
        self.server.stop()
        await asyncio.wait_for(self.server.close_all_connections(), 5)

    def url(self, path):
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    async def open(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        return reader, writer

    async def exchange(self, data):
        reader, writer = await self.open()
        writer.write(data)
        return await asyncio.wait_for(reader.read(), 5)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


def test_srv_1_2_3_raw_responses_and_keep_alive():
    async def main():
        async with Serving() as serving:
            data = await serving.exchange(
                b"GET /raw HTTP/1.1\r\nHost: a\r\n\r\n"
                b"GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            )
            assert data.startswith(
                b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nrawHTTP/1.1 200 Reason"
            )
            assert data.endswith(b"GET /b ")
            first, second = serving.site.seen
            assert first.connection is second.connection

    run(main())


def test_p9_pipelined_requests_are_answered_in_order():
    async def main():
        async with Serving() as serving:
            reader, writer = await serving.open()
            writer.write(
                b"GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"
                + b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(20))
            )
            await serving.site.arrived.wait()
            assert len(serving.site.seen) == 1
            respond(serving.site.held[0], b"held")
            text = b""
            while b"GET /19 " not in text:
                text += await asyncio.wait_for(reader.read(65536), 5)
            places = [text.index(b"held"), *(text.index(b"GET /%d " % n) for n in range(20))]
            assert places == sorted(places)

    run(main())


@pytest.mark.parametrize(
    ("head", "kept"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", True),
    ],
)
def test_srv_4_5_when_connections_are_kept(head, kept):
    async def main():
        for no_keep_alive in (False, True):
            async with Serving(no_keep_alive=no_keep_alive) as serving:
                reader, writer = await serving.open()
                writer.write(head)
                answer = await reader.readuntil(b"\r\n\r\n")
                stays = kept and not no_keep_alive
                assert (b"Connection: close" in answer) is not stays
                await reader.readexactly(len(b"GET / "))
                if not stays:
                    assert await asyncio.wait_for(reader.read(), 5) == b""

    run(main())


def test_chunked_for_http_1_1_and_until_close_for_1_0():
    async def main():
        async with Serving() as serving:
            new = await serving.exchange(
                b"GET /chunks HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            )
            assert new.endswith(b"\r\n\r\n4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n")
            old = await serving.exchange(b"GET /chunks HTTP/1.0\r\n\r\n")
            assert b"chunked" not in old
            assert old.endswith(b"\r\n\r\none two")

    run(main())


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"garbage\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # S8: no Host
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a%2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a%zz\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\xe9\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: [1.2.3.4]\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: [:::::::]\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: [1::2::3]:80\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: [v1.]\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\nHost: a b\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"x" * 70000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 1000 + b"\r\n", 431),
        (b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: moon\r\n\r\n", 417),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\nhello",
            400,
        ),
    ],
)
def test_bad_requests_reach_no_callback_and_are_logged_quietly(data, status, caplog):
    async def main():
        async with Serving(max_body_size=1000) as serving:
            answer = await serving.exchange(data)
            assert int(answer.split()[1]) == status
            assert b"Connection: close" in answer
            assert serving.site.seen == []
            assert (await AsyncHTTPClient().fetch(serving.url("/still"))).body == b"GET /still "

    with caplog.at_level("INFO", "tornado"):
        run(main())
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("tornado.general", "INFO")
    assert "\n" not in record.getMessage()
    assert record.exc_info is None


@pytest.mark.parametrize(
    "host",
    [
        *("a", "a.", "a:80", "a:", "1.2.3.4:80", "xn--a", "a_b.c", "a%2Cb", "[::1]", "[::1]:80"),
        *("[::ffff:1.2.3.4]", "[2001:DB8::1]:", "[v1.a:b]", "[vF.~]:1"),
    ],
)
@pytest.mark.parametrize(
    "form", ["GET / HTTP/1.1\r\nHost: {}", "GET http://{}/ HTTP/1.1\r\nHost: b"]
)
def test_s8_hosts_by_their_grammar(host, form):
    async def main():
        async with Serving() as serving:
            head = form.format(host) + "\r\nConnection: close\r\n\r\n"
            assert b" 200 " in (await serving.exchange(head.encode()))
            assert [request.host for request in serving.site.seen] == [host]

    run(main())


def test_srv_39_a_body_is_asked_for_when_it_is_expected():
    async def main():
        async with Serving() as serving:
            reader, writer = await serving.open()
            writer.write(
                b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
            )
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"hi")
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")

    run(main())


def test_only_http_1_1_is_asked_for_a_body():
    """RFC 9110 section 10.1.1: HTTP/1.0 wouldn't know what an interim response is."""

    async def main():
        async with Serving() as serving:
            data = b"POST / HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi"
            answer = await serving.exchange(data)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert answer.endswith(b"POST / hi")

    run(main())


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n", b"x", 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"x", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA: ", b"x", 431),
        (b"GET /", b"x", 414),
    ],
)
def test_p8_an_early_answer_is_read_by_who_still_sends(tls, head, body, status):
    """It's not destroyed by a reset, though the connection ends."""
    body *= 3_000_000
    authority = trustme.CA()
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server_context)
    client_context = ssl.create_default_context()
    authority.configure_trust(client_context)
    options = {"ssl_options": server_context} if tls else {}

    async def main():
        async with Serving(max_body_size=1000, **options) as serving:
            for _ in range(5):
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", serving.port, ssl=client_context if tls else None
                )
                writer.write(head)
                # All is sent before anything is read.
                writer.write(body)
                await writer.drain()
                answer = await reader.readuntil(b"\r\n\r\n")
                assert answer.startswith(b"HTTP/1.1 %d " % status)
                writer.close()

    run(main())


@pytest.mark.parametrize(
    ("sent", "options"),
    [
        (b"", {"idle_connection_timeout": 0.05}),
        (b"GET / HT", {"idle_connection_timeout": 0.05}),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", {"body_timeout": 0.05}),
    ],
)
def test_s25_connections_that_stall_are_closed(sent, options):
    async def main():
        async with Serving(**options) as serving:
            assert await serving.exchange(sent) == b""
            assert not serving.server._connections

    run(main())


def test_srv_20_21_22_23_xheaders():
    async def main():
        headers = {"X-Real-Ip": "9.9.9.9", "X-Scheme": "https"}
        for xheaders in (True, False):
            async with Serving(xheaders=xheaders) as serving:
                client = AsyncHTTPClient()
                await client.fetch(serving.url("/"), headers=headers)
                await client.fetch(serving.url("/"), headers={"X-Real-Ip": "nonsense"})
                await client.fetch(
                    serving.url("/"), headers={"X-Forwarded-For": "1.1.1.1, 8.8.8.8"}
                )
                seen = serving.site.seen
                assert seen[0].remote_ip == ("9.9.9.9" if xheaders else "127.0.0.1")
                assert seen[0].protocol == ("https" if xheaders else "http")
                assert seen[1].remote_ip == "127.0.0.1"
                assert seen[2].remote_ip == ("8.8.8.8" if xheaders else "127.0.0.1")

    run(main())


def test_the_clients_leaving_is_noticed():
    async def main():
        async with Serving() as serving:
            _, writer = await serving.open()
            writer.write(b"GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
            await serving.site.arrived.wait()
            gone = asyncio.Event()
            serving.site.held[0].connection.set_close_callback(gone.set)
            writer.transport.abort()
            await gone.wait()

    run(main())


class Streamed(HTTPServerConnectionDelegate):
    """A delegate that takes a body slowly."""

    def __init__(self):
        self.sizes = []

    def start_request(self, server_conn, request_conn):
        return StreamedMessage(self, request_conn)


class StreamedMessage(HTTPMessageDelegate):
    def __init__(self, owner, connection):
        self.owner, self.connection, self.busy = owner, connection, False

    async def data_received(self, chunk):
        assert not self.busy
        self.busy = True
        await asyncio.sleep(0)
        self.owner.sizes.append(len(chunk))
        self.busy = False

    def finish(self):
        assert not self.busy
        headers = HTTPHeaders({"Content-Length": "2"})
        self.connection.write_headers(ResponseStartLine("", 200, "OK"), headers, b"ok")
        self.connection.finish()


def test_bodies_wait_for_their_delegate():
    async def main():
        async with Serving(Streamed()) as serving:
            body = b"x" * 1_000_000
            response = await AsyncHTTPClient().fetch(serving.url("/"), method="POST", body=body)
            assert response.body == b"ok"
            assert sum(serving.site.sizes) == len(body)
            assert max(serving.site.sizes) <= 65536

    run(main())


def test_an_independent_client():
    async def main():
        async with Serving() as serving:
            results = []

            def talk():
                connection = http.client.HTTPConnection("127.0.0.1", serving.port, timeout=5)
                for path in ("/a", "/chunks", "/raw"):
                    connection.request("GET", path)
                    results.append(connection.getresponse().read())
                connection.close()

            thread = threading.Thread(target=talk)
            thread.start()
            while thread.is_alive():
                await asyncio.sleep(0.01)
            assert results == [b"GET /a ", b"one two", b"raw"]

    run(main())


def test_bodies_are_parsed_once():
    request = HTTPServerRequest(
        method="POST",
        uri="/",
        headers=HTTPHeaders({"Content-Type": "multipart/form-data; boundary=b"}),
        body=b'--b\r\nContent-Disposition: form-data; name="f"; filename="n"\r\n\r\nx\r\n--b--\r\n',
    )
    request._parse_body()
    request._parse_body()
    assert [file.body for file in request.files["f"]] == [b"x"]


# -- the client


def test_connections_are_used_again():
    async def main():
        async with Serving() as serving:
            client = SimpleAsyncHTTPClient(force_instance=True)
            for path in ("/a", "/chunks", "/gzip", "/missing"):
                await client.fetch(serving.url(path), raise_error=False)
            assert client.connections_opened == 1
            await asyncio.gather(*(client.fetch(serving.url("/")) for _ in range(5)))
            assert client.connections_opened == 5
            client.close()

    run(main())


def test_shc_4_max_clients_and_the_queue():
    async def main():
        async with Serving() as serving:
            client = SimpleAsyncHTTPClient(force_instance=True, max_clients=1)
            first = client.fetch(serving.url("/hold"))
            second = client.fetch(serving.url("/second"))
            with pytest.raises(HTTPTimeoutError, match="in request queue"):
                await client.fetch(serving.url("/third"), request_timeout=0.05)
            respond(serving.site.held[0], b"held")
            assert (await first).body == b"held"
            response = await second
            assert response.body == b"GET /second "
            assert response.time_info["queue"] > 0
            client.close()

    run(main())


def test_timeouts_say_in_which_phase_they_struck():
    async def main():
        async with Serving() as serving:
            client = AsyncHTTPClient()
            with pytest.raises(HTTPTimeoutError, match="during request"):
                await client.fetch(serving.url("/hold"), request_timeout=0.05)

    run(main())


def test_errors_responses_and_broken_bodies():
    async def main():
        async with Serving() as serving:
            client = AsyncHTTPClient()
            with pytest.raises(HTTPClientError, match="404") as caught:
                await client.fetch(serving.url("/missing"))
            assert caught.value.response.body == b"no"
            response = await client.fetch(serving.url("/missing"), raise_error=False)
            assert response.code == 404
            with pytest.raises(HTTPClientError, match=r"[Cc]losed"):
                await client.fetch(serving.url("/short"))
            with pytest.raises(ValueError, match="scheme"):
                await client.fetch("ftp://127.0.0.1/")
            with pytest.raises(ConnectionRefusedError):
                await client.fetch("http://127.0.0.1:1/")

    run(main())


def test_redirects_are_followed_and_counted():
    async def main():
        async with Serving() as serving:
            client = AsyncHTTPClient()
            response = await client.fetch(serving.url("/redirect/2"))
            assert response.effective_url == serving.url("/headers")
            response = await client.fetch(serving.url("/redirect/9"), raise_error=False)
            assert response.code == 302
            response = await client.fetch(
                serving.url("/redirect/1"), follow_redirects=False, raise_error=False
            )
            assert response.headers["Location"] == "/redirect/0"

    run(main())


def test_c2_credentials_do_not_follow_to_another_origin():
    async def main():
        async with Serving() as one, Serving() as other:
            client = AsyncHTTPClient()
            secrets = {"Authorization": "Basic abc", "Cookie": "a=b"}
            for target, kept in ((one, True), (other, False)):
                response = await client.fetch(
                    one.url("/elsewhere"),
                    headers={**secrets, "X-Target": target.url("/headers")},
                )
                assert (b"Authorization" in response.body) is kept
                assert (b"Cookie" in response.body) is kept

    run(main())


def test_gzip_and_c3_its_limit():
    async def main():
        async with Serving() as serving:
            client = AsyncHTTPClient()
            assert (await client.fetch(serving.url("/gzip"))).body == b"z" * 1000
            raw = await client.fetch(serving.url("/gzip"), decompress_response=False)
            assert gzip.decompress(raw.body) == b"z" * 1000
            small = SimpleAsyncHTTPClient(force_instance=True, max_body_size=999)
            with pytest.raises(HTTPClientError, match="too large"):
                await small.fetch(serving.url("/gzip"))
            small.close()

    run(main())


def test_htc_29_30_32_callbacks_and_producers():
    async def main():
        async with Serving() as serving:
            lines, chunks = [], []

            async def produce(write):
                await write(b"made ")
                await write(b"here")

            response = await AsyncHTTPClient().fetch(
                serving.url("/up"),
                method="POST",
                body_producer=produce,
                header_callback=lines.append,
                streaming_callback=chunks.append,
            )
            assert b"".join(chunks) == b"POST /up made here"
            assert response.body == b""
            assert lines[0].startswith("HTTP/1.1 200")
            assert lines[-1] == "\r\n"

    run(main())


def test_htc_10_11_callbacks_get_responses_also_of_errors():
    async def main():
        async with Serving() as serving:
            got = asyncio.Queue()
            client = AsyncHTTPClient()
            client.fetch(serving.url("/missing"), got.put_nowait)
            assert (await got.get()).code == 404
            client.fetch("http://127.0.0.1:1/", got.put_nowait)
            response = await got.get()
            assert response.code == 599
            assert isinstance(response.error, OSError)

    run(main())


@pytest.mark.parametrize(
    "bad",
    [
        {"headers": {"A": "b\r\nC: d"}},
        {"method": "G T"},
        {"url": "http://127.0.0.1/a b"},
        {"url": "http://127.0.0.1/\r\nX: y"},
    ],
)
def test_c1_p10_nothing_of_a_request_can_make_lines(bad):
    async def main():
        async with Serving() as serving:
            arguments = {"url": serving.url("/"), "allow_nonstandard_methods": True, **bad}
            with pytest.raises(Exception, match=r"(?i)invalid"):
                await AsyncHTTPClient().fetch(HTTPRequest(**arguments))
            assert serving.site.seen == []

    run(main())


def test_tls_checks_certificates():
    authority = trustme.CA()
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server_context)
    client_context = ssl.create_default_context()
    authority.configure_trust(client_context)

    async def main():
        async with Serving(ssl_options=server_context) as serving:
            client = AsyncHTTPClient()
            response = await client.fetch(serving.url("/s"), ssl_options=client_context)
            assert response.body == b"GET /s "
            assert serving.site.seen[0].protocol == "https"
            await client.fetch(serving.url("/s"), validate_cert=False)
            with pytest.raises(ssl.SSLError, match="certificate verify failed"):
                await client.fetch(serving.url("/s"))

    run(main())


def test_s24_who_writes_without_end_lets_others_have_their_turn():
    turns = []

    async def write_much(request):
        headers = HTTPHeaders()
        await request.connection.write_headers(ResponseStartLine("", 200, "OK"), headers)
        asyncio.get_running_loop().call_soon(turns.append, "others")
        for number in range(100):
            await request.connection.write(b"x")
            if turns:
                turns.append(number)
                break
        request.connection.finish()

    async def main():
        async with Serving(write_much) as serving:
            await AsyncHTTPClient().fetch(serving.url("/"))
            assert turns[0] == "others"
            assert turns[1] < 99

    run(main())
