"""Handles and connections of libcurl serve many requests: nothing of one is left for the next.

Every test has one handle, on which requests with and without something take turns.
"""

import asyncio
import socket
import ssl

import pytest

pycurl = pytest.importorskip("pycurl", reason="an optional package")
CurlError = pytest.importorskip("tornado.curl_httpclient").CurlError


async def produce(write):
    await write(b"produced")


def show_cookies(curl):
    """What libcurl keeps when a handle is reset."""
    curl.setopt(pycurl.COOKIEFILE, "")


def change_much(curl):
    curl.setopt(pycurl.USERAGENT, "changed")
    curl.setopt(pycurl.REFERER, "http://changed/")
    curl.setopt(pycurl.COOKIE, "changed=1")
    curl.setopt(pycurl.RANGE, "0-1")
    curl.setopt(pycurl.CUSTOMREQUEST, "CHANGED")
    curl.setopt(pycurl.HTTPHEADER, ["X-Changed: 1"])
    curl.setopt(pycurl.FRESH_CONNECT, 1)
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_0)


def answer_with(reply):
    def answer(request):
        if request.target == "/redirect":
            return reply(b"redirected", "Location: /", code=302)
        if request.headers.get("authorization", "").startswith("Basic bm"):
            return reply(b"", 'Www-Authenticate: Basic realm="r"', code=401)
        if "digest" in request.target and "authorization" not in request.headers:
            return reply(b"", 'Www-Authenticate: Digest realm="r", nonce="n"', code=401)
        if request.method == "HEAD":
            return reply(b"")
        return reply(b"a body", "Set-Cookie: left=1", "X-Field: 1")

    return answer


# Each of these is followed by a request without any of it.
SPECIAL = {
    "method": {"method": "DELETE"},
    "head": {"method": "HEAD"},
    "post": {"method": "POST", "body": b"posted"},
    "put": {"method": "PUT", "body": b"put"},
    "get_with_body": {"method": "GET", "body": b"got", "allow_nonstandard_methods": True},
    "unknown_method": {"method": "FETCH", "allow_nonstandard_methods": True},
    "body_producer": {"method": "POST", "body_producer": produce},
    "length": {"method": "PUT", "body_producer": produce, "headers": {"Content-Length": "8"}},
    "expect": {"method": "POST", "body": b"expected", "expect_100_continue": True},
    "headers": {"headers": {"X-Own": "own", "Cookie": "c=d", "Authorization": "own"}},
    "host": {"headers": {"Host": "elsewhere"}},
    "user_agent": {"user_agent": "agent"},
    "if_modified_since": {"if_modified_since": 0},
    "basic": {"auth_username": "user", "auth_password": "secret"},
    "wrong": {"auth_username": "no", "auth_password": "no", "raise_error": False},
    "digest": {
        "path": "/digest",
        "auth_username": "user",
        "auth_password": "secret",
        "auth_mode": "digest",
    },
    "uncompressed": {"decompress_response": False},
    "own_coding": {"headers": {"Accept-Encoding": "identity"}},
    "unfollowed": {"path": "/redirect", "follow_redirects": False, "raise_error": False},
    "no_redirects": {"path": "/redirect", "max_redirects": 0, "raise_error": False},
    "redirected": {"path": "/redirect", "method": "POST", "body": b"redirected"},
    "ipv4": {"allow_ipv6": False},
    "interface": {"network_interface": "127.0.0.1"},
    "times": {"connect_timeout": 0.5, "request_timeout": 0.5},
    "no_times": {"connect_timeout": 0, "request_timeout": 0},
    "cookies": {"prepare_curl_callback": show_cookies},
    "much": {"prepare_curl_callback": change_much},
}

# Servers don't see these.
INVISIBLE = {"ipv4", "interface", "times", "no_times", "cookies"}


@pytest.mark.parametrize("name", SPECIAL)
async def test_chc_8_a_request_leaves_nothing_for_the_next(curled, reply, name):
    answer = answer_with(reply)

    async def script(peer):
        while (request := await peer.head()) is not None:
            if "expect" in request.headers:
                await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            await peer.body(request)
            await peer.send(answer(request))

    special = dict(SPECIAL[name])
    path = special.pop("path", "/")
    async with curled(script, max_clients=1) as server:
        before = await server.fetch()
        plain = server.requests[0].head
        for _ in range(2):
            number = len(server.requests)
            await server.fetch(path, **special)
            assert (server.requests[number].head == plain) == (name in INVISIBLE)
            after = await server.fetch()
            assert server.requests[-1].head == plain
            assert server.requests[-1].body == b""
            assert (after.code, after.body) == (before.code, before.body)
            assert sorted(after.headers.get_all()) == sorted(before.headers.get_all())
            assert after.effective_url == before.effective_url


@pytest.mark.parametrize("name", ["streaming_callback", "header_callback"])
async def test_callbacks_are_called_for_their_request_alone(curled, reply, name):
    async with curled(answer_with(reply), max_clients=1) as server:
        for _ in range(2):
            got = []
            await server.fetch(**{name: got.append})
            count = len(got)
            assert count
            response = await server.fetch()
            assert len(got) == count
            assert response.body == b"a body"
            assert response.headers["X-Field"] == "1"


async def test_a_short_time_is_not_left_for_the_next(curled, reply):
    release = asyncio.Event()

    async def script(peer):
        while (request := await peer.request()) is not None:
            if request.target == "/slow":
                await release.wait()
            await peer.send(reply(b"body"))

    async with curled(script, max_clients=1) as server:
        await server.fetch(request_timeout=0.05, connect_timeout=0.05)
        slow = asyncio.ensure_future(server.fetch("/slow"))
        await asyncio.wait((slow,), timeout=0.15)
        assert not slow.done()
        release.set()
        assert (await slow).body == b"body"


@pytest.mark.parametrize("end", ["cancelled", "too long", "cut", "failed"])
async def test_a_fetch_that_does_not_succeed_leaves_nothing(curled, reply, end):
    arrived = asyncio.Event()

    async def script(peer):
        while (request := await peer.request()) is not None:
            if request.target == "/plain":
                await peer.send(reply(b"plain"))
                continue
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nX-Left: 1\r\n\r\nleft")
            arrived.set()
            if end == "cut":
                return

    def fail(chunk):
        raise LookupError

    async with curled(script, max_clients=1) as server:
        for _ in range(3):
            arrived.clear()
            if end == "cancelled":
                fetch = server.client.fetch(server.url)
                await arrived.wait()
                fetch.cancel()
            else:
                arguments = {
                    "too long": {"request_timeout": 0.05},
                    "cut": {},
                    "failed": {"streaming_callback": fail},
                }[end]
                with pytest.raises((CurlError, LookupError)):
                    await server.fetch(**arguments)
            response = await server.fetch("/plain")
            assert response.body == b"plain"
            assert "X-Left" not in response.headers
        assert len(server.client.driver._stock) == 1


async def test_handles_are_used_again_unless_a_program_had_them(curled, reply):
    """Cookies, for one, outlive the resetting of a handle."""
    seen = []
    async with curled(lambda request: reply(), max_clients=1) as server:
        await server.fetch()
        (handle,) = server.client.driver._stock
        await server.fetch()
        assert server.client.driver._stock == [handle]
        await server.fetch(prepare_curl_callback=seen.append)
        assert seen == [handle]
        assert server.client.driver._stock == []
        await server.fetch()
        assert server.client.driver._stock[0] is not handle
        assert server.connections == 1


async def test_only_as_many_handles_are_kept_as_can_be_in_use(curled, reply):
    async with curled(lambda request: reply(), max_clients=3) as server:
        await asyncio.gather(*[server.fetch() for _ in range(10)])
        assert len(server.client.driver._stock) == 3


# -- connections


async def test_connections_are_used_again(curled, reply):
    async with curled(lambda request: reply(b"x"), max_clients=4) as server:
        for _ in range(5):
            await asyncio.gather(*[server.fetch() for _ in range(4)])
        assert server.connections == 4


async def test_a_connection_that_the_server_has_closed_is_not_used(curled, reply):
    closed = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(reply(b"x"))
        peer.writer.close()
        closed.set()

    async with curled(script) as server:
        for number in range(5):
            closed.clear()
            assert (await server.fetch()).body == b"x"
            await closed.wait()
            assert server.connections == number + 1


@pytest.mark.parametrize(
    "method, arguments, times",
    [
        ("GET", {}, 2),
        ("HEAD", {}, 2),
        ("PUT", {"body": b"x"}, 2),
        ("DELETE", {}, 2),
        ("POST", {"body": b"x"}, 1),
        ("POST", {"body": b""}, 1),
        ("POST", {"body": b"x" * 100000}, 1),
        ("PATCH", {"body": b"x"}, 1),
        ("POST", {"body_producer": produce}, 1),
        ("POST", {"body": b"x", "auth_mode": "digest", "auth_username": "u"}, 1),
        ("POST", {"body": b"x", "proxy_auth_mode": "digest"}, 1),
        ("FETCH", {"allow_nonstandard_methods": True}, 1),
    ],
    ids=str,
)
async def test_only_what_may_be_done_twice_is_sent_twice(curled, reply, method, arguments, times):
    """RFC 9110 section 9.2.2: a server that took the request and then closed may have done it."""

    async def script(peer):
        while (request := await peer.request()) is not None:
            if request.target == "/lost":
                return
            await peer.send(reply(b"kept"))

    async with curled(script, max_clients=1) as server:
        await server.fetch("/kept")
        with pytest.raises(CurlError):
            await server.fetch("/lost", method=method, **arguments)
        assert [request.target for request in server.requests] == ["/kept"] + ["/lost"] * times
        assert (await server.fetch("/kept")).body == b"kept"


async def test_unix_sockets_are_for_the_requests_that_name_them(curled, reply, tmp_path):
    path = str(tmp_path / "socket")
    async with curled(lambda request: reply(b"unix"), path=path):
        async with curled(lambda request: reply(b"tcp"), max_clients=1) as server:
            for _ in range(2):
                assert (await server.fetch(unix_socket=path)).body == b"unix"
                assert (await server.fetch()).body == b"tcp"


# -- certificates


@pytest.fixture
def tls(server_tls, authority):
    """A server that wants to see a client's certificate, but doesn't insist."""
    authority.configure_trust(server_tls)
    server_tls.verify_mode = ssl.CERT_OPTIONAL
    return server_tls


@pytest.fixture
def client_files(authority, tmp_path):
    cert = authority.issue_cert("client@example.com")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.cert_chain_pems[0].write_to_path(str(certificate))
    cert.private_key_pem.write_to_path(str(key))
    return {"client_cert": str(certificate), "client_key": str(key)}


async def test_chc_9_trust_is_not_left_for_the_next(curled, reply, tls, authority_file):
    """Where the documents' version couldn't mix requests with ``ca_certs`` and without."""
    async with curled(lambda request: reply(b"trusted"), tls=tls, max_clients=1) as server:
        for trust in ({"validate_cert": False}, {"ca_certs": authority_file}) * 2:
            assert (await server.fetch(**trust)).body == b"trusted"
            with pytest.raises(CurlError) as caught:
                await server.fetch()
            assert caught.value.errno == pycurl.E_PEER_FAILED_VERIFICATION
        # When this has come, the server has seen the ends of the handshakes before.
        await server.fetch(ca_certs=authority_file)


async def test_chc_7_certificates_are_shown_for_their_request_alone(
    curled, reply, tls, authority_file, client_files
):
    def show(peer):
        certificate = peer.writer.get_extra_info("ssl_object").getpeercert()
        return str(certificate.get("subjectAltName") if certificate else None)

    async def script(peer):
        while await peer.request() is not None:
            await peer.send(reply(show(peer)))

    async with curled(script, tls=tls, max_clients=1) as server:
        for _ in range(2):
            response = await server.fetch(ca_certs=authority_file, **client_files)
            assert b"client@example.com" in response.body
            assert (await server.fetch(ca_certs=authority_file)).body == b"None"


async def test_chc_7_files_that_are_not_there(curled, reply, tls, authority_file, tmp_path):
    missing = str(tmp_path / "missing")
    async with curled(lambda request: reply(), tls=tls) as server:
        for arguments in (
            {"ca_certs": missing},
            {"ca_certs": authority_file, "client_cert": missing, "client_key": missing},
        ):
            with pytest.raises(CurlError):
                await server.fetch(**arguments)
        await server.fetch(ca_certs=authority_file)


async def test_htc_34_ssl_options_take_the_place_of_the_others(
    curled, reply, tls, authority_file, client_files
):
    async with curled(lambda request: reply(b"tls"), tls=tls, max_clients=1) as server:
        options = {
            "ca_certs": authority_file,
            "certfile": client_files["client_cert"],
            "keyfile": client_files["client_key"],
            "cert_reqs": ssl.CERT_REQUIRED,
        }
        assert (await server.fetch(ssl_options=options, ca_certs="/missing")).body == b"tls"
        with pytest.raises(CurlError):
            await server.fetch()
        response = await server.fetch(ssl_options={"cert_reqs": ssl.CERT_NONE})
        assert response.body == b"tls"
        with pytest.raises(CurlError):
            await server.fetch(ssl_options={})
        await server.fetch(ssl_options=options)


async def test_chc_10_htc_34_contexts_belong_to_another_library(curled, reply):
    async with curled(lambda request: reply(), tls=None) as server:
        url = server.url.replace("http", "https")
        for options in (ssl.create_default_context(), {"unknown": 1}):
            with pytest.raises(ValueError):
                await server.client.fetch(url, ssl_options=options)


async def test_names_in_certificates_are_checked(curled, reply, authority, authority_file):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elsewhere.example").configure_cert(context)
    async with curled(lambda request: reply(b"x"), tls=context) as server:
        with pytest.raises(CurlError):
            await server.fetch(ca_certs=authority_file)
        assert (await server.fetch(validate_cert=False)).body == b"x"


async def test_the_system_s_authorities_are_those_of_python(curled, reply, tls, authority_file):
    """A libcurl in a wheel knows those of another system."""
    import os
    import subprocess
    import sys

    program = (
        "import asyncio, sys\n"
        "from tornado.curl_httpclient import CurlAsyncHTTPClient\n"
        "async def main():\n"
        "    client = CurlAsyncHTTPClient(force_instance=True)\n"
        "    print((await client.fetch(sys.argv[1])).body)\n"
        "    client.close()\n"
        "asyncio.run(main())\n"
    )
    environment = {**os.environ, "SSL_CERT_FILE": authority_file}
    async with curled(lambda request: reply(b"trusted"), tls=tls) as server:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, server.url, env=environment, stdout=subprocess.PIPE
        )
        output, _ = await process.communicate()
    assert output == b"b'trusted'\n"


async def test_appconnect_is_the_time_of_the_handshake(curled, reply, tls, authority_file):
    async with curled(lambda request: reply(), tls=tls) as server:
        info = (await server.fetch(ca_certs=authority_file)).time_info
        assert 0 < info["connect"] <= info["appconnect"] <= info["pretransfer"]


# -- the environment


async def test_variables_for_proxies_have_no_effect(curled, reply, monkeypatch):
    """Proxies are the requests' own; a header of a request may not choose one in a CGI program."""
    with socket.create_server(("127.0.0.1", 0)) as nowhere:
        url = f"http://127.0.0.1:{nowhere.getsockname()[1]}"
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, url)
    async with curled(lambda request: reply(b"direct")) as server:
        assert (await server.fetch()).body == b"direct"
        assert (await server.fetch(network_interface="127.0.0.1")).body == b"direct"
