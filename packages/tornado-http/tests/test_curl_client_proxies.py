"""The curl client by way of proxies."""

import asyncio

import pytest

pycurl = pytest.importorskip("pycurl", reason="an optional package")
CurlError = pytest.importorskip("tornado.curl_httpclient").CurlError

CHALLENGE = 'Proxy-Authenticate: Digest realm="proxy", nonce="n", qop="auth"'


class Proxy:
    """A script for a server that is a proxy: it answers by itself, and makes tunnels.

    :arg reply: formats responses.
    :arg scheme: of the credentials that it wants to see.
    """

    def __init__(self, reply, scheme=None):
        self.reply = reply
        self.scheme = scheme

    async def script(self, peer):
        while (request := await peer.request()) is not None:
            given = request.headers.get("proxy-authorization", "")
            if self.scheme is not None and not given.startswith(self.scheme):
                await peer.send(self.reply(b"who?", CHALLENGE, code=407))
            elif request.method == "CONNECT":
                await self.tunnel(peer, request.target)
                return
            else:
                await peer.send(self.reply(f"proxied {request.target}"))

    async def tunnel(self, peer, target):
        host, _, port = target.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        await peer.send(b"HTTP/1.1 200 Established\r\nX-Of-Proxy: 1\r\n\r\n")

        async def copy(source, sink):
            while data := await source.read(65536):
                sink.write(data)
            sink.close()

        try:
            await asyncio.gather(copy(peer.reader, writer), copy(reader, peer.writer))
        finally:
            writer.close()


def by(proxy, **more):
    return {"proxy_host": "127.0.0.1", "proxy_port": proxy.port, **more}


async def test_chc_2_3_requests_with_and_without_a_proxy_are_mixed(curled, reply):
    async with curled(Proxy(reply).script) as proxy:
        async with curled(lambda request: reply(b"direct"), max_clients=1) as server:
            for _ in range(2):
                response = await server.fetch("/path?q", **by(proxy))
                assert response.body == f"proxied {server.url}/path?q".encode()
                assert (await server.fetch()).body == b"direct"
            assert all("proxy-connection" not in r.headers for r in server.requests)


@pytest.mark.parametrize(
    "mode, scheme", [(None, "Basic"), ("basic", "Basic"), ("digest", "Digest")]
)
async def test_chc_2_credentials_for_the_proxy(curled, reply, mode, scheme):
    async with curled(Proxy(reply, scheme).script, max_clients=1) as proxy:
        arguments = by(proxy, proxy_username="us\xe9r", proxy_password="p:w", proxy_auth_mode=mode)
        for _ in range(2):
            response = await proxy.client.fetch("http://target.invalid/x", **arguments)
            assert response.body == b"proxied http://target.invalid/x"
            response = await proxy.client.fetch(
                "http://target.invalid/x", **by(proxy), raise_error=False
            )
            assert response.code == 407
            assert "proxy-authorization" not in proxy.requests[-1].headers


async def test_chc_2_https_goes_through_a_tunnel(curled, reply, server_tls, authority_file):
    lines = []
    async with curled(Proxy(reply, "Basic").script) as proxy:
        async with curled(lambda request: reply(b"secret"), tls=server_tls) as server:
            arguments = by(proxy, proxy_username="u", proxy_password="p", ca_certs=authority_file)
            response = await server.fetch(header_callback=lines.append, **arguments)
            assert response.body == b"secret"
            assert proxy.requests[0].line == f"CONNECT localhost:{server.port} HTTP/1.1"
            assert "proxy-authorization" not in server.requests[0].headers
            assert lines == ["HTTP/1.1 200 Reason\r\n", "Content-Length: 6\r\n", "\r\n"]


async def test_a_proxy_may_be_spoken_to_in_tls(
    curled, reply, server_tls, authority_file, monkeypatch
):
    """What Python trusts is trusted, and not what a request has for the server."""
    trusted = [None, None]
    monkeypatch.setattr("tornado._curl_client.tls._system_authorities", lambda: trusted)
    async with curled(Proxy(reply).script, tls=server_tls) as proxy:
        arguments = by(proxy, proxy_host="https://localhost", allow_ipv6=False)
        with pytest.raises(CurlError, match="certificate"):
            await proxy.client.fetch("http://a.invalid/", validate_cert=False, **arguments)
        trusted[0] = authority_file
        response = await proxy.client.fetch("http://a.invalid/", **arguments)
        assert response.body == b"proxied http://a.invalid/"


async def test_a_program_may_choose_the_proxy_by_itself(curled, reply, server_tls, authority_file):
    async with curled(Proxy(reply).script) as proxy:
        async with curled(lambda request: reply(b"secret"), tls=server_tls) as server:

            def choose(curl):
                curl.setopt(pycurl.PROXY, f"http://127.0.0.1:{proxy.port}")

            response = await server.fetch(prepare_curl_callback=choose, ca_certs=authority_file)
            assert response.body == b"secret"
            assert list(response.headers.get_all()) == [("Content-Length", "6")]
            assert proxy.requests[0].method == "CONNECT"


async def test_credentials_in_a_field_do_not_go_through_the_tunnel(
    curled, reply, server_tls, authority_file
):
    async with curled(Proxy(reply, "Own").script) as proxy:
        async with curled(lambda request: reply(b"secret"), tls=server_tls) as server:
            headers = {"Proxy-Authorization": "Own x", "X-Other": "1"}
            response = await server.fetch(headers=headers, ca_certs=authority_file, **by(proxy))
            assert response.body == b"secret"
            assert proxy.requests[0].headers["proxy-authorization"] == "Own x"
            assert "x-other" not in proxy.requests[0].headers
            assert "proxy-authorization" not in server.requests[0].headers
            assert server.requests[0].headers["x-other"] == "1"


async def test_a_tunnel_is_for_those_credentials_with_which_it_was_made(
    curled, reply, server_tls, authority_file
):
    given = [
        {},
        {"headers": {"Proxy-Authorization": "Own x"}},
        {},
        {"headers": {"Proxy-Authorization": "Own y"}},
        {"proxy_username": "u", "proxy_password": "p"},
        {"proxy_username": "u", "proxy_password": "q"},
        {},
    ]
    async with curled(Proxy(reply).script) as proxy:
        async with curled(lambda request: reply(b"secret"), tls=server_tls) as server:
            for arguments in given:
                await server.fetch(ca_certs=authority_file, **by(proxy, **arguments))
            shown = [request.headers.get("proxy-authorization") for request in proxy.requests]
            assert shown == [None, "Own x", "Own y", "Basic dTpw", "Basic dTpx"]


@pytest.mark.parametrize("host", ["127.0.0.1", "u:p@127.0.0.1"])
@pytest.mark.parametrize("tunnels_have_users", [True, False])
async def test_tunnels_with_credentials_are_shared_if_libcurl_tells_them_apart(
    curled, reply, server_tls, authority_file, monkeypatch, tunnels_have_users, host
):
    since = 0 if tunnels_have_users else 0x1000000
    monkeypatch.setattr("tornado._curl_client.options.TUNNELS_HAVE_USERS", since)
    arguments = {"ca_certs": authority_file, "proxy_host": host}
    if host == "127.0.0.1":
        arguments |= {"proxy_username": "u", "proxy_password": "p"}
    async with curled(Proxy(reply, "Basic").script) as proxy:
        async with curled(lambda request: reply(b"secret"), tls=server_tls) as server:
            for _ in range(2):
                await server.fetch(proxy_port=proxy.port, **arguments)
            assert proxy.connections == (1 if tunnels_have_users else 2)


async def test_a_tunnel_that_is_refused(curled, reply, server_tls, authority_file):
    async with curled(Proxy(reply, "Basic").script) as proxy:
        async with curled(lambda request: reply(b"secret"), tls=server_tls) as server:
            with pytest.raises(CurlError, match="407"):
                await server.fetch(ca_certs=authority_file, **by(proxy))
            assert server.requests == []


async def test_the_environment_s_exceptions_are_not_for_explicit_proxies(
    curled, reply, monkeypatch
):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("NO_PROXY", "*")
    async with curled(Proxy(reply).script) as proxy:
        response = await proxy.client.fetch("http://target.invalid/", **by(proxy))
        assert response.body == b"proxied http://target.invalid/"


async def test_htc_7_a_proxy_may_be_among_the_defaults(curled, reply):
    async with curled(Proxy(reply).script) as proxy:
        client = proxy.new_client(defaults=by(proxy))
        response = await client.fetch("http://target.invalid/")
        assert response.body == b"proxied http://target.invalid/"


@pytest.mark.parametrize(
    "quality", ['qop="auth"', "algorithm=MD5", 'algorithm=SHA-256, qop="auth"']
)
async def test_chc_4_digest_authentication(curled, reply, quality):
    def answer(request):
        given = request.headers.get("authorization", "")
        if given.startswith("Digest ") and 'username="user"' in given:
            return reply(b"welcome " + request.body)
        challenge = f'Www-Authenticate: Digest realm="r", nonce="n1", {quality}'
        return reply(b"who?", challenge, code=401)

    async with curled(answer, max_clients=1) as server:
        credentials = {"auth_username": "user", "auth_password": "pw", "auth_mode": "digest"}
        assert (await server.fetch(**credentials)).body == b"welcome "
        response = await server.fetch(method="POST", body=b"back", **credentials)
        assert response.body == b"welcome back"
        url = server.url.replace("//", "//user:pw@")
        assert (await server.client.fetch(url, auth_mode="digest")).body == b"welcome "
        response = await server.fetch(raise_error=False)
        assert (response.code, response.body) == (401, b"who?")


async def test_chc_4_wrong_credentials_are_sent_once(curled, reply):
    def answer(request):
        return reply(b"who?", 'Www-Authenticate: Digest realm="r", nonce="n"', code=401)

    async with curled(answer) as server:
        response = await server.fetch(auth_username="u", auth_mode="digest", raise_error=False)
        assert (response.code, response.body) == (401, b"who?")
        assert len(server.requests) == 2
