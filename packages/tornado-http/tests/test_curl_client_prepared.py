"""What programs set on a handle by themselves, in ``prepare_curl_callback``."""

import pytest

pycurl = pytest.importorskip("pycurl", reason="an optional package")


def keep_cookies(curl):
    curl.setopt(pycurl.COOKIEFILE, "")


def answer_with(reply):
    def answer(request):
        if request.target == "/login":
            # Text beyond ASCII is what servers do send.
            cookie = b"Set-Cookie: user=J\xc3\xb6rg\r\nSet-Cookie: other=1; Path=/other\r\n"
            head, _, body = reply("", "Location: /home", code=302).partition(b"\r\n\r\n")
            return head + b"\r\n" + cookie + b"\r\n" + body
        return reply(request.headers.get("cookie", "none").encode("latin-1"))

    return answer


async def test_cookies_are_kept_on_the_way_to_the_response_and_no_longer(curled, reply):
    """Each request on the way has a handle of its own."""
    async with curled(answer_with(reply), max_clients=1) as server:
        response = await server.fetch("/login", prepare_curl_callback=keep_cookies)
        assert response.body == b"user=J\xc3\xb6rg"
        assert (await server.fetch("/home")).body == b"none"
        response = await server.fetch("/home", prepare_curl_callback=keep_cookies)
        assert response.body == b"none"
        assert (await server.fetch("/login", prepare_curl_callback=bool)).body == b"none"


async def test_cookies_are_for_the_servers_they_came_from(curled, reply):
    async with curled(answer_with(reply)) as other:

        def answer(request):
            location = f"Location: http://localhost:{other.port}/home"
            return reply("", location, "Set-Cookie: here=1", code=302)

        async with curled(answer) as server:
            response = await server.fetch(
                prepare_curl_callback=keep_cookies, allow_ipv6=False, raise_error=False
            )
            assert response.body == b"none"


async def test_a_file_of_cookies_is_read_and_written(curled, reply, tmp_path):
    jar = tmp_path / "cookies"

    def use_jar(curl):
        curl.setopt(pycurl.COOKIEFILE, str(jar))
        curl.setopt(pycurl.COOKIEJAR, str(jar))

    async with curled(answer_with(reply)) as server:
        response = await server.fetch("/login", prepare_curl_callback=use_jar)
        assert response.body == b"user=J\xc3\xb6rg"
        response = await server.fetch("/home", prepare_curl_callback=use_jar)
        assert response.body == b"user=J\xc3\xb6rg"


async def test_the_lines_of_the_head_may_go_elsewhere(curled, reply):
    lines = []

    def take_lines(curl):
        curl.setopt(pycurl.HEADERFUNCTION, lines.append)

    async with curled(lambda request: reply("body", "X-A: 1", code=201)) as server:
        response = await server.fetch(prepare_curl_callback=take_lines)
        assert (response.code, response.body) == (201, b"body")
        assert list(response.headers.get_all()) == []
        assert b"X-A: 1\r\n" in lines


async def test_the_body_may_go_elsewhere(curled, reply):
    pieces = []

    def take_body(curl):
        curl.setopt(pycurl.WRITEFUNCTION, pieces.append)

    async with curled(lambda request: reply("body", "X-A: 1")) as server:
        response = await server.fetch(prepare_curl_callback=take_body)
        assert (response.code, response.body, response.headers["X-A"]) == (200, b"", "1")
        assert pieces == [b"body"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_redirects_that_libcurl_has_followed_are_not_followed_again(curled, reply, method):
    def answer(request):
        if request.target == "/":
            return reply("", "Location: /there", code=307)
        return reply(request.body or request.method)

    def follow(curl):
        curl.setopt(pycurl.FOLLOWLOCATION, 1)

    arguments = {"method": "POST", "body": b"POST", "auth_mode": "digest"}
    async with curled(answer) as server:
        response = await server.fetch(
            prepare_curl_callback=follow, **(arguments if method == "POST" else {})
        )
        assert response.body == method.encode()
        assert response.effective_url == server.url + "/there"
        assert [request.target for request in server.requests] == ["/", "/there"]


@pytest.mark.parametrize("zone", ["%25eth0", "%eth0"])
async def test_libcurl_is_told_the_zone_of_an_address(curled, reply, zone):
    """RFC 6874: it's for this machine, and not for the server."""
    urls = []

    def look(curl):
        urls.append(curl.getinfo(pycurl.EFFECTIVE_URL))
        curl.setopt(pycurl.CONNECT_TO, [f"::127.0.0.1:{server.port}"])

    async with curled(lambda request: reply()) as server:
        await server.client.fetch(f"http://[fe80::1{zone}]/path?q", prepare_curl_callback=look)
        assert urls == ["http://[fe80::1%25eth0]:80/path?q"]
        assert server.requests[0].headers["host"] == "[fe80::1]"
