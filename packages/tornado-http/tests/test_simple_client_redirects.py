"""Redirects: which are followed, how, and what is not told to strangers (RFC 9110 section 15.4)."""

import pytest

from tornado.httpclient import HTTPClientError


def to(location, code=302):
    """A function for servers whose first address redirects."""

    def serve(request):
        if request.target == "/":
            head = f"HTTP/1.1 {code} Moved\r\nContent-Length: 5\r\nLocation: {location}\r\n\r\n"
            body = b"moved"
        else:
            body = f"{request.method} {request.target} ".encode() + request.body
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + (b"" if request.method == "HEAD" else body)

    return serve


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_htc_42_shc_10_redirects_are_followed(scripted, code):
    async with scripted(to("/there?x=1", code)) as server:
        response = await server.fetch("/")
        assert response.body == b"GET /there?x=1 "
        assert response.effective_url == f"{server.url}/there?x=1"
        assert response.request.url == f"{server.url}/"
        # The way there costs no further connection.
        assert server.connections == 1


@pytest.mark.parametrize(
    "code, method, following",
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "DELETE", "GET"),
        (303, "HEAD", "HEAD"),
        (302, "HEAD", "HEAD"),
        (301, "PUT", "PUT"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
        (307, "PUT", "PUT"),
        (302, "DELETE", "DELETE"),
    ],
)
async def test_what_becomes_of_method_and_body(scripted, code, method, following):
    body = b"body" if method in ("POST", "PUT") else None
    async with scripted(to("/there", code)) as server:
        headers = {"Content-Language": "eo", "X-Kept": "1"}
        await server.fetch("/", method=method, body=body, headers=headers)
        last = server.requests[-1]
        assert (last.method, last.target) == (following, "/there")
        assert last.headers["x-kept"] == "1"
        if following in ("POST", "PUT"):
            assert last.body == b"body"
            assert last.headers["content-language"] == "eo"
        elif following != method:
            assert not {"content-length", "content-type", "content-language"} & set(last.headers)


@pytest.mark.parametrize("code, times", [(307, 2), (303, 1)])
async def test_a_produced_body_is_produced_again_where_it_is_sent_again(scripted, code, times):
    calls = []

    async def produce(write):
        calls.append(1)
        await write(b"body")

    async with scripted(to("/there", code)) as server:
        response = await server.fetch("/", method="POST", body_producer=produce)
        assert len(calls) == times
        assert response.body == (b"POST /there body" if times == 2 else b"GET /there ")


@pytest.mark.parametrize("code", [300, 304, 305, 306, 399])
async def test_other_codes_are_not_followed(scripted, code):
    async with scripted(to("/there", code)) as server:
        response = await server.fetch("/", raise_error=False)
        assert (response.code, len(server.requests)) == (code, 1)


async def test_a_redirect_without_location_is_a_response(scripted, reply):
    async with scripted(lambda request: reply("where?", code=302)) as server:
        response = await server.fetch("/", raise_error=False)
        assert (response.code, response.body) == (302, b"where?")


async def test_htc_44_follow_redirects_false_is_an_error_with_the_location(scripted):
    async with scripted(to("/there")) as server:
        with pytest.raises(HTTPClientError) as caught:
            await server.fetch("/", follow_redirects=False)
        assert caught.value.code == 302
        assert caught.value.response.headers["Location"] == "/there"
        assert caught.value.response.body == b"moved"


@pytest.mark.parametrize("limit, code", [(3, 200), (2, 302), (0, 302)])
async def test_max_redirects(scripted, reply, limit, code):
    def serve(request):
        left = int(request.target[1:])
        return reply("", f"Location: /{left - 1}", code=302) if left else reply("end")

    async with scripted(serve) as server:
        response = await server.fetch("/3", max_redirects=limit, raise_error=False)
        assert response.code == code
        assert len(server.requests) == limit + 1


async def test_max_redirects_is_5_by_default(scripted, reply):
    async with scripted(lambda request: reply("", "Location: /", code=302)) as server:
        with pytest.raises(HTTPClientError):
            await server.fetch()
        assert len(server.requests) == 6


@pytest.mark.parametrize(
    "location, expected",
    [
        ("there", "/a/there"),
        ("../there", "/there"),
        ("?q", "/a/b?q"),
        ("//{host}/there", "/there"),
        ("http://{host}/there", "/there"),
        ("HTTP://{host}/there", "/there"),
        ("/a b", "/a%20b"),
        ("/\xe9", "/%C3%A9"),
        ("/there#part", "/there"),
    ],
)
async def test_locations_are_resolved(scripted, reply, location, expected):
    def serve(request):
        if request.target == "/a/b":
            where = location.format(host=request.headers["host"])
            return b"HTTP/1.1 302 X\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n" % where.encode()
        return reply(request.target)

    async with scripted(serve) as server:
        assert (await server.fetch("/a/b")).body == expected.encode()


async def test_a_fragment_is_inherited(scripted):
    """RFC 9110 section 10.2.2."""
    async with scripted(to("/there")) as server:
        response = await server.fetch("/#part")
        assert response.effective_url.endswith("/there#part")
    async with scripted(to("/there#other")) as server:
        response = await server.fetch("/#part")
        assert response.effective_url.endswith("/there#other")


@pytest.mark.parametrize("location", ["ftp://localhost/", "javascript:alert(1)", "http://[/"])
async def test_locations_that_can_not_be_followed(scripted, location):
    async with scripted(to(location)) as server:
        with pytest.raises(ValueError):
            await server.fetch("/")
        assert not server.client.active


async def test_a_location_can_not_split_the_next_request(scripted):
    def serve(request):
        if request.target == "/":
            return b"HTTP/1.1 302 X\r\nContent-Length: 0\r\nLocation: /\tX\r\n\r\n"
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    async with scripted(serve) as server:
        await server.fetch("/")
        assert server.requests[1].target == "/X"


async def test_what_follows_a_redirect_unasked_for_is_no_answer_to_the_next_request(
    scripted, reply
):
    """Otherwise a server could answer for all that share its connection."""

    def serve(request):
        if request.target == "/":
            return reply("", "Location: /there", code=302) + reply("forged")
        return reply("real")

    async with scripted(serve) as server:
        assert (await server.fetch("/")).body == b"real"
        assert server.connections == 2


async def test_what_follows_a_response_is_no_answer_to_a_fetch_that_waits(scripted, reply):
    async with scripted(lambda request: reply("real") + reply("forged"), max_clients=1) as server:
        first, second = server.client.fetch(server.url), server.client.fetch(server.url)
        assert ((await first).body, (await second).body) == (b"real", b"real")
        assert server.connections == 2


async def test_a_large_body_of_a_redirect_is_not_waited_for(scripted, reply):
    """A new connection is quicker."""

    async def script(peer):
        while (request := await peer.request()) is not None:
            if request.target == "/":
                head = b"HTTP/1.1 302 X\r\nContent-Length: 1000000000\r\nLocation: /there\r\n\r\n"
                await peer.send(head + bytes(200_000))
                await peer.closed()
                return
            await peer.send(reply("there"))

    async with scripted(script) as server:
        assert (await server.fetch("/")).body == b"there"
        assert server.connections == 2


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 10\r\n\r\nshort",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"Connection: close\r\n\r\nbody",
        b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nrats",
    ],
)
async def test_what_is_wrong_with_a_body_that_nobody_wants_does_not_matter(scripted, reply, rest):
    async def script(peer):
        request = await peer.request()
        while request is not None and request.target != "/":
            await peer.send(reply("there"))
            request = await peer.request()
        if request is not None:
            await peer.send(b"HTTP/1.1 302 X\r\nLocation: /there\r\n" + rest)

    async with scripted(script) as server:
        assert (await server.fetch("/")).body == b"there"


# Credentials

SECRETS = {
    "Authorization": "Basic x",
    "Cookie": "a=b",
    "Proxy-Authorization": "Basic y",
    "X-Kept": "1",
}


async def test_the_same_origin_gets_everything(scripted):
    async with scripted(to("/there")) as server:
        await server.fetch("/", headers=SECRETS)
        assert server.requests[1].headers["authorization"] == "Basic x"
        assert server.requests[1].headers["cookie"] == "a=b"


async def test_another_origin_gets_no_credentials(scripted, reply):
    async with scripted(lambda request: reply()) as other:
        async with scripted(to(f"{other.url}/there")) as server:
            await server.fetch(
                "/", headers=SECRETS, auth_username="u", auth_password="p", user_agent="x"
            )
            (request,) = other.requests
            assert request.headers["x-kept"] == "1"
            assert request.headers["user-agent"] == "x"
            assert request.headers["host"] == f"127.0.0.1:{other.port}"
            assert not {"authorization", "cookie", "proxy-authorization"} & set(request.headers)


async def test_another_origin_gets_none_of_the_clients_defaults_either(scripted, reply):
    async with scripted(lambda request: reply()) as other:
        async with scripted(to(f"{other.url}/there")) as server:
            client = server.new_client(defaults={"auth_username": "u", "auth_password": "p"})
            await client.fetch(f"{server.url}/")
            assert server.requests[0].headers["authorization"].startswith("Basic ")
            assert "authorization" not in other.requests[0].headers


async def test_credentials_do_not_come_back_with_a_second_redirect(scripted):
    """They aren't known any more once another origin was asked."""
    async with scripted(to("ignored")) as server:
        async with scripted(to(f"{server.url}/home")) as other:
            server._script = to(f"{other.url}/")
            await server.fetch("/", auth_username="u", auth_password="p")
            assert [request.target for request in server.requests] == ["/", "/home"]
            assert "authorization" not in server.requests[1].headers


async def test_another_origin_is_not_asked_through_the_unix_socket(scripted, reply, tmp_path):
    path = str(tmp_path / "socket")
    async with scripted(lambda request: reply()) as other:
        async with scripted(to(f"{other.url}/there"), path=path) as server:
            await server.client.fetch("http://docker/", unix_socket=path)
            assert len(other.requests) == 1
        async with scripted(to("http://docker/there"), path=path + "2") as server:
            response = await server.client.fetch("http://docker/", unix_socket=path + "2")
            assert response.body == b"GET /there "


# Credentials of requests


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (
            {"auth_username": "Aladdin", "auth_password": "open sesame"},
            "QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ),
        ({"auth_username": "u", "auth_password": ""}, "dTo="),
        ({"auth_username": "u"}, "dTo="),
        ({"auth_username": "", "auth_password": ""}, "Og=="),
        ({"auth_username": "u", "auth_password": "p", "auth_mode": "basic"}, "dTpw"),
        ({"auth_username": "\xe9", "auth_password": "\xe8"}, "w6k6w6g="),
    ],
)
async def test_htc_28_basic_authentication(scripted, reply, arguments, expected):
    """RFC 7617 section 2."""
    async with scripted(lambda request: reply()) as server:
        await server.fetch(**arguments)
        assert server.requests[0].headers["authorization"] == f"Basic {expected}"


async def test_htc_28_an_authorization_field_comes_first(scripted, reply):
    async with scripted(lambda request: reply()) as server:
        await server.fetch(auth_username="u", headers={"Authorization": "Bearer t"})
        assert server.requests[0].headers["authorization"] == "Bearer t"


async def test_htc_28_unknown_modes_are_refused(scripted, reply):
    async with scripted(lambda request: reply()) as server:
        with pytest.raises(ValueError, match="auth_mode"):
            await server.fetch(auth_username="u", auth_mode="ntlm")
        assert not server.requests


@pytest.mark.parametrize(
    "userinfo, expected",
    [
        ("u:p", "Basic dTpw"),
        ("u", "Basic dTo="),
        ("%75:%70%40", "Basic dTpwQA=="),
        ("u:", "Basic dTo="),
    ],
)
async def test_shc_11_credentials_in_the_url(scripted, reply, userinfo, expected):
    async with scripted(lambda request: reply()) as server:
        await server.client.fetch(f"http://{userinfo}@127.0.0.1:{server.port}/x")
        (request,) = server.requests
        assert request.headers["authorization"] == expected
        assert request.headers["host"] == f"127.0.0.1:{server.port}"
        assert request.target == "/x"


async def test_shc_11_credentials_in_the_url_go_along_on_the_same_origin(scripted):
    async with scripted(to("/there")) as server:
        await server.client.fetch(f"http://u:p@127.0.0.1:{server.port}/")
        assert server.requests[1].headers["authorization"] == "Basic dTpw"
    async with scripted(lambda request: b"") as server:
        server._script = to(f"http://127.0.0.1:{server.port}/there")
        await server.client.fetch(f"http://u:p@127.0.0.1:{server.port}/")
        assert server.requests[1].headers["authorization"] == "Basic dTpw"
