"""HTTP proxies: plain requests, tunnels, credentials, and proxies that don't want to."""

import asyncio
import base64

import pytest

from tornado.httpclient import HTTPClientError
from tornado.simple_httpclient import HTTPTimeoutError, SimpleAsyncHTTPClient


class Proxy:
    """A script: a proxy that passes tunnels on, and answers plain requests itself."""

    def __init__(self, reply, *, credentials=None):
        self.reply = reply
        self.credentials = credentials

    def __call__(self):
        async def script(peer):
            while (request := await peer.request()) is not None:
                if not self.knows(request):
                    fields = ("Proxy-Authenticate: Basic realm=x",)
                    await peer.send(self.reply("who are you", *fields, code=407))
                elif request.method != "CONNECT":
                    await peer.send(self.reply(request.target))
                else:
                    await self.tunnel(peer, request)
                    return

        return script

    def knows(self, request):
        if self.credentials is None:
            return True
        expected = "Basic " + base64.b64encode(self.credentials.encode()).decode()
        return request.headers.get("proxy-authorization") == expected

    async def tunnel(self, peer, request):
        port = request.target.rpartition(":")[2]
        reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
        await peer.send(b"HTTP/1.1 200 Connected\r\nX-Proxy: yes\r\n\r\n")

        async def pump(source, sink):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
            sink.close()

        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(pump(peer.reader, writer))
                tasks.create_task(pump(reader, peer.writer))
        except* ConnectionError:
            pass
        finally:
            writer.close()


def through(proxy, **arguments):
    return {"proxy_host": "127.0.0.1", "proxy_port": proxy.port, **arguments}


async def test_shc_2_plain_requests_name_the_whole_address(scripted, reply):
    """RFC 9112 section 3.2.2."""
    async with scripted(Proxy(reply)()) as proxy:
        for name in ("one", "two"):
            url = f"http://{name}.invalid:81/path?q=1"
            response = await proxy.client.fetch(url, **through(proxy))
            assert response.body == url.encode()
        # One connection serves requests to all servers.
        assert proxy.connections == 1
        assert proxy.requests[0].headers["host"] == "one.invalid:81"


@pytest.mark.parametrize("host", ["::1", "[::1]"])
async def test_the_address_of_a_proxy_may_be_written_as_in_a_url(reply, host):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply("proxied"))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "::1", 0)
    port = server.sockets[0].getsockname()[1]
    client = SimpleAsyncHTTPClient(force_instance=True)
    try:
        # Options are often text, where they come from.
        response = await client.fetch("http://x.invalid/", proxy_host=host, proxy_port=str(port))
        assert response.body == b"proxied"
    finally:
        client.close()
        server.close()


async def test_a_direct_request_does_not_use_the_proxys_connection(scripted, reply):
    async with scripted(Proxy(reply)()) as proxy, scripted(lambda request: reply("own")) as server:
        client = server.client
        assert (await client.fetch(server.url, **through(proxy))).body == server.url.encode() + b"/"
        assert (await client.fetch(server.url)).body == b"own"
        assert (proxy.connections, server.connections) == (1, 1)


async def test_https_goes_through_a_tunnel(scripted, reply, server_tls, authority_file):
    """RFC 9110 section 9.3.6."""
    async with (
        scripted(lambda request: reply(request.target), tls=server_tls) as server,
        scripted(Proxy(reply)()) as proxy,
    ):
        for target in ("/a", "/b"):
            response = await server.fetch(target, ca_certs=authority_file, **through(proxy))
            assert response.body == target.encode()
            assert "X-Proxy" not in response.headers
        assert proxy.connections == server.connections == 1
        (connect,) = proxy.requests
        assert connect.line == f"CONNECT localhost:{server.port} HTTP/1.1"
        assert connect.headers["host"] == f"localhost:{server.port}"


async def test_credentials_in_a_field_are_for_the_proxy_alone(
    scripted, reply, server_tls, authority_file
):
    """RFC 9110 section 11.7.2: and a tunnel is for those with which it was made."""
    async with (
        scripted(lambda request: reply(), tls=server_tls) as server,
        scripted(Proxy(reply)()) as proxy,
    ):
        for value in (None, "Own x", None, "Own y"):
            headers = {} if value is None else {"Proxy-Authorization": value}
            await server.fetch(headers=headers, ca_certs=authority_file, **through(proxy))
        shown = [request.headers.get("proxy-authorization") for request in proxy.requests]
        assert shown == [None, "Own x", "Own y"]
        for request in server.requests:
            assert "proxy-authorization" not in request.headers


async def test_what_is_for_the_server_is_not_told_to_the_proxy(
    scripted, reply, server_tls, authority_file
):
    async with (
        scripted(lambda request: reply(), tls=server_tls) as server,
        scripted(Proxy(reply, credentials="u:p")()) as proxy,
    ):
        await server.fetch(
            ca_certs=authority_file,
            auth_username="secret",
            headers={"Cookie": "a=b"},
            user_agent="agent",
            **through(proxy, proxy_username="u", proxy_password="p"),
        )
        (connect,) = proxy.requests
        assert set(connect.headers) == {"host", "user-agent", "proxy-authorization"}
        (request,) = server.requests
        assert "proxy-authorization" not in request.headers
        assert {"authorization", "cookie"} <= set(request.headers)


@pytest.mark.parametrize("password", [{}, {"proxy_password": ""}, {"proxy_password": None}])
async def test_htc_27_the_password_for_a_proxy_is_empty_if_there_is_none(scripted, reply, password):
    async with scripted(Proxy(reply, credentials="u:")()) as proxy:
        arguments = through(proxy, proxy_username="u", **password)
        assert (await proxy.client.fetch("http://x.invalid/", **arguments)).code == 200


@pytest.mark.parametrize("mode", [None, "basic"])
async def test_basic_credentials(scripted, reply, mode):
    async with scripted(Proxy(reply, credentials="u:p")()) as proxy:
        arguments = through(proxy, proxy_username="u", proxy_password="p", proxy_auth_mode=mode)
        assert (await proxy.client.fetch("http://x.invalid/", **arguments)).code == 200


@pytest.mark.parametrize(
    "arguments", [{}, {"proxy_username": "u"}, {"proxy_username": "u", "proxy_password": "wrong"}]
)
async def test_a_proxy_that_does_not_know_one(scripted, reply, arguments):
    async with scripted(Proxy(reply, credentials="u:p")()) as proxy:
        with pytest.raises(HTTPClientError) as caught:
            await proxy.client.fetch("http://x.invalid/", **through(proxy, **arguments))
        assert (caught.value.code, caught.value.response.body) == (407, b"who are you")
        with pytest.raises(HTTPClientError, match="407") as caught:
            await proxy.client.fetch("https://x.invalid/", **through(proxy, **arguments))
        assert (caught.value.code, caught.value.response) == (599, None)
        assert not proxy.client.active


@pytest.mark.parametrize(
    "answer, message",
    [
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno", "502 Bad Gateway"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "403"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 20, "interim"),
        (b"nonsense\r\n\r\n", "read"),
        (b"HTTP/1.1 200 OK\r\nbad field\r\n\r\n", "read"),
        (b"x" * 100_000, ""),
        (b"", "connection ended"),
        (b"HTTP/1.1 200", "connection ended"),
    ],
)
async def test_proxies_that_do_not_connect(scripted, answer, message):
    async def script(peer):
        await peer.request()
        await peer.send(answer)

    async with scripted(script) as proxy:
        with pytest.raises(HTTPClientError, match=f"(?s)x.invalid:443.*{message}") as caught:
            await proxy.client.fetch("https://x.invalid/", **through(proxy))
        assert caught.value.code == 599
        assert (len(proxy.client.active), len(proxy.client.pool)) == (0, 0)


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 10\r\n\r\nshort",
        b"Content-Length: x\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
        b"Proxy-Connection: close\r\nContent-Length: 2\r\n\r\nno",
        b"\r\n",
    ],
)
async def test_a_proxy_may_close_after_its_challenge(
    scripted, reply, server_tls, authority_file, rest
):
    """Whatever it says besides, there's a new connection for the credentials."""

    class Challenging(Proxy):
        def __call__(self):
            async def script(peer):
                request = await peer.request()
                if "proxy-authorization" in request.headers:
                    await self.tunnel(peer, request)
                    return
                challenge = b'Proxy-Authenticate: Digest realm="x", nonce="y", qop="auth"\r\n'
                await peer.send(b"HTTP/1.1 407 Who\r\n" + challenge + rest)

            return script

    async with (
        scripted(lambda request: reply("body"), tls=server_tls) as server,
        scripted(Challenging(reply)()) as proxy,
    ):
        arguments = through(proxy, proxy_username="u", proxy_password="p", proxy_auth_mode="digest")
        response = await server.fetch(ca_certs=authority_file, **arguments)
        assert response.body == b"body"
        assert proxy.connections == 2


async def test_a_server_behind_a_tunnel_can_not_challenge_for_the_proxy(
    scripted, reply, server_tls, authority_file
):
    """Otherwise it would choose what the proxy is told, and have requests repeated."""

    def serve(request):
        challenge = 'Proxy-Authenticate: Digest realm="x", nonce="forged", qop="auth"'
        return reply("who", challenge, code=407)

    async with (
        scripted(serve, tls=server_tls) as server,
        scripted(Proxy(reply)()) as proxy,
    ):
        arguments = through(proxy, proxy_username="u", proxy_password="p", proxy_auth_mode="digest")
        for method, body in (("POST", b"x"), ("GET", None)):
            response = await server.fetch(
                method=method, body=body, raise_error=False, ca_certs=authority_file, **arguments
            )
            assert (response.code, response.body) == (407, b"who")
            server.client.pool.clear()
        assert len(server.requests) == 2
        assert all("proxy-authorization" not in request.headers for request in proxy.requests)


async def test_a_proxy_that_resets_is_named(scripted):
    async def script(peer):
        await peer.request()
        peer.reset()

    async with scripted(script) as proxy:
        with pytest.raises(HTTPClientError, match="(?s)x.invalid:443.*connection ended"):
            await proxy.client.fetch("https://x.invalid/", **through(proxy))


async def test_a_proxys_lines_may_end_in_lf_alone(scripted, reply, server_tls, authority_file):
    """RFC 9112 section 2.2, as servers' lines may."""

    class Old(Proxy):
        async def tunnel(self, peer, request):
            await peer.send(b"HTTP/1.0 200 Connected\nX-Proxy: yes\n\n")
            await super().tunnel(Silent(peer), request)

    class Silent:
        def __init__(self, peer):
            self.reader, self.writer = peer.reader, peer.writer

        async def send(self, data):
            """It has been said."""

    async with (
        scripted(lambda request: reply("body"), tls=server_tls) as server,
        scripted(Old(reply)()) as proxy,
    ):
        response = await server.fetch(ca_certs=authority_file, **through(proxy))
        assert response.body == b"body"


async def test_a_proxy_is_told_of_any_user_agent(scripted, reply, server_tls, authority_file):
    async with (
        scripted(lambda request: reply("body"), tls=server_tls) as server,
        scripted(Proxy(reply)()) as proxy,
    ):
        await server.fetch(ca_certs=authority_file, user_agent="\u017curaw", **through(proxy))
        agents = {
            requests[0].headers["user-agent"] for requests in (server.requests, proxy.requests)
        }
        assert agents == {"\u017curaw".encode().decode("latin-1")}


async def test_interim_answers_are_skipped(scripted, reply, server_tls, authority_file):
    class Polite(Proxy):
        async def tunnel(self, peer, request):
            await peer.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            await super().tunnel(peer, request)

    async with (
        scripted(lambda request: reply("body"), tls=server_tls) as server,
        scripted(Polite(reply)()) as proxy,
    ):
        response = await server.fetch(ca_certs=authority_file, **through(proxy))
        assert response.body == b"body"


async def test_what_a_proxy_says_before_the_handshake_is_not_taken_for_the_server(scripted):
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfake")
        await peer.closed()

    async with scripted(script) as proxy:
        with pytest.raises((OSError, ValueError, HTTPClientError)):
            await proxy.client.fetch("https://x.invalid/", **through(proxy))
        assert not proxy.client.active


async def test_timeouts_tell_of_the_proxy(scripted):
    async def script(peer):
        await peer.closed()

    async with scripted(script) as proxy:
        with pytest.raises(HTTPTimeoutError, match="waiting for the proxy"):
            await proxy.client.fetch("https://x.invalid/", connect_timeout=0.2, **through(proxy))
        assert not proxy.client.active


async def test_a_certificate_is_checked_through_a_tunnel_too(scripted, reply, server_tls):
    import ssl

    async with (
        scripted(lambda request: reply(), tls=server_tls) as server,
        scripted(Proxy(reply)()) as proxy,
    ):
        with pytest.raises(ssl.SSLCertVerificationError):
            await server.fetch(**through(proxy))
        assert not server.requests


async def test_proxy_settings_may_be_defaults_of_the_client(scripted, reply):
    async with scripted(Proxy(reply)()) as proxy:
        client = proxy.new_client(defaults=through(proxy))
        assert (await client.fetch("http://x.invalid/")).body == b"http://x.invalid/"


@pytest.mark.parametrize(
    "arguments",
    [
        {"proxy_host": "127.0.0.1"},
        {"proxy_host": "127.0.0.1", "proxy_port": -1},
        {"proxy_host": "127.0.0.1", "proxy_port": 65536},
        {"proxy_host": "127.0.0.1", "proxy_port": 1 << 16 | 8080},
        {"proxy_username": "u", "proxy_auth_mode": "ntlm"},
    ],
)
async def test_settings_that_make_no_sense(scripted, reply, arguments):
    async with scripted(Proxy(reply)()) as proxy:
        await proxy.client.fetch("http://x.invalid/", **through(proxy))
        arguments = arguments if "proxy_host" in arguments else through(proxy, **arguments)
        for scheme in ("http", "https"):
            with pytest.raises(ValueError, match="proxy"):
                await proxy.client.fetch(f"{scheme}://x.invalid/", **arguments)
        assert not proxy.client.active
        assert len(proxy.requests) == 1


async def test_credentials_for_the_proxy_stay_with_redirects(scripted, reply):
    """The proxy is the same, whatever server is asked next."""

    async def script(peer):
        while (request := await peer.request()) is not None:
            if request.target == "http://one.invalid/":
                await peer.send(reply("", "Location: http://two.invalid/", code=302))
            else:
                await peer.send(reply(request.target))

    async with scripted(script) as proxy:
        response = await proxy.client.fetch(
            "http://one.invalid/", **through(proxy, proxy_username="u", proxy_password="p")
        )
        assert response.body == b"http://two.invalid/"
        assert [request.headers["proxy-authorization"] for request in proxy.requests] == [
            "Basic dTpw"
        ] * 2


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_digest_credentials(scripted, reply, server_tls, authority_file, keeps, scheme):
    class Digest(Proxy):
        def knows(self, request):
            return request.headers.get("proxy-authorization", "").startswith("Digest username")

    class Server(Digest):
        def __call__(self):
            async def script(peer):
                while (request := await peer.request()) is not None:
                    if self.knows(request):
                        if request.method == "CONNECT":
                            await self.tunnel(peer, request)
                            return
                        await peer.send(reply("body"))
                        continue
                    fields = ['Proxy-Authenticate: Digest realm="x", nonce="y", qop="auth"']
                    if not keeps:
                        fields.append("Connection: close")
                    await peer.send(reply("who", *fields, code=407))
                    if not keeps:
                        return

            return script

    async with (
        scripted(lambda request: reply("body"), tls=server_tls) as server,
        scripted(Server(reply)()) as proxy,
    ):
        url = f"https://localhost:{server.port}/" if scheme == "https" else "http://x.invalid/"
        arguments = through(proxy, proxy_username="u", proxy_password="p", proxy_auth_mode="digest")
        response = await server.client.fetch(url, ca_certs=authority_file, **arguments)
        assert response.body == b"body"
        assert len(proxy.requests) == 2
        assert proxy.connections == (1 if keeps else 2)
        uri = proxy.requests[1].target
        assert f'uri="{uri}"' in proxy.requests[1].headers["proxy-authorization"]
