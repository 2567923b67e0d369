"""`HTTPRequest`, `HTTPResponse` and the errors: what they hold, and what requests become on the wire."""

import copy
import datetime
import inspect
import pickle
import re
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado._simple_client.redirect import redirect_url
from tornado._simple_client.target import Target
from tornado.httpclient import HTTPClientError, HTTPError, HTTPRequest, HTTPResponse
from tornado.httputil import HTTPHeaders
from tornado.simple_httpclient import (
    HTTPStreamClosedError,
    HTTPTimeoutError,
    SimpleAsyncHTTPClient,
)

URL = "http://localhost/"

# API version 6.6.
REQUEST_PARAMETERS = """
    url method=GET headers body auth_username auth_password auth_mode connect_timeout
    request_timeout if_modified_since follow_redirects max_redirects user_agent use_gzip
    network_interface streaming_callback header_callback prepare_curl_callback proxy_host
    proxy_port proxy_username proxy_password proxy_auth_mode allow_nonstandard_methods
    validate_cert ca_certs allow_ipv6 client_key client_cert body_producer
    expect_100_continue=False decompress_response ssl_options
"""
RESPONSE_PARAMETERS = """
    request code headers buffer effective_url error request_time time_info reason start_time
"""
CLIENT_PARAMETERS = """
    max_clients=10 hostname_mapping max_buffer_size=104857600 resolver defaults max_header_size
    max_body_size
"""


@pytest.mark.parametrize(
    "function, expected, required",
    [
        (HTTPRequest.__init__, REQUEST_PARAMETERS, 1),
        (HTTPResponse.__init__, RESPONSE_PARAMETERS, 2),
        (HTTPClientError.__init__, "code message response", 1),
        (HTTPTimeoutError.__init__, "message", 1),
        (HTTPStreamClosedError.__init__, "message", 1),
        (SimpleAsyncHTTPClient.initialize, CLIENT_PARAMETERS, 0),
    ],
)
def test_htc_20_parameters_are_those_of_the_api_in_its_order(function, expected, required):
    found = [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name != "self" and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    names = [item.partition("=") for item in expected.split()]
    assert [parameter.name for parameter in found] == [name for name, _, _ in names]
    for number, (parameter, (_, _, default)) in enumerate(zip(found, names, strict=True)):
        if number < required:
            assert parameter.default is parameter.empty
        else:
            assert str(parameter.default) == (default or "None")


def test_htc_20_all_parameters_become_attributes():
    values = {
        name: object()
        for name in REQUEST_PARAMETERS.replace("=GET", "").replace("=False", "").split()
        if name not in ("url", "headers", "body", "if_modified_since", "use_gzip", "body_producer")
    }
    request = HTTPRequest(URL, **values)
    for name, value in values.items():
        assert getattr(request, name) is value
    assert HTTPRequest(URL, body_producer=print).body_producer is print
    assert HTTPRequest(URL, unix_socket="/x").unix_socket == "/x"
    assert HTTPRequest(URL).start_time > 0


def test_htc_20_parameters_of_version_2_work_by_name():
    request = HTTPRequest(
        URL, connect_timeout=20.0, request_timeout=20.0, use_gzip=True, proxy_password=""
    )
    assert (request.decompress_response, request.proxy_password) == (True, "")


async def test_htc_21_effective_defaults():
    client = SimpleAsyncHTTPClient(force_instance=True)
    from tornado._httpclient.request import EffectiveRequest

    request = EffectiveRequest(HTTPRequest(URL), client.defaults)
    client.close()
    assert request.method == "GET"
    assert request.connect_timeout == request.request_timeout == 20.0
    assert request.follow_redirects is True
    assert request.max_redirects == 5
    assert request.decompress_response is True
    assert request.validate_cert is True
    assert request.allow_nonstandard_methods is False


@pytest.mark.parametrize("value", [b"text", "text", "t\xe9xt", None])
def test_htc_22_body_is_bytes(value):
    request = HTTPRequest(URL, body=value)
    expected = value.encode() if isinstance(value, str) else value
    assert request.body == expected
    request.body = "other"
    assert request.body == b"other"


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ({}, None),
        ({"use_gzip": False}, False),
        ({"use_gzip": True}, True),
        ({"decompress_response": False}, False),
        ({"use_gzip": False, "decompress_response": True}, True),
    ],
)
def test_htc_23_use_gzip_is_another_name(arguments, expected):
    assert HTTPRequest(URL, **arguments).decompress_response is expected


@pytest.mark.parametrize(
    "moment, expected",
    [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (1.5, "Thu, 01 Jan 1970 00:00:01 GMT"),
        (datetime.datetime(2020, 1, 1), "Wed, 01 Jan 2020 00:00:00 GMT"),
        (
            datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=1))),
            "Tue, 31 Dec 2019 23:00:00 GMT",
        ),
    ],
)
async def test_htc_26_36_if_modified_since(scripted, reply, moment, expected):
    headers = HTTPHeaders({"X-A": "1"})
    async with scripted(lambda request: reply(code=304)) as server:
        response = await server.fetch(if_modified_since=moment, headers=headers, raise_error=False)
        assert response.code == 304
        assert server.requests[0].headers["if-modified-since"] == expected
        assert list(headers) == ["X-A"]


def test_htc_23_26_attributes_of_the_documents_can_be_set_later():
    headers = HTTPHeaders({"X-A": "1"})
    request = HTTPRequest(URL, headers=headers)
    assert (request.use_gzip, request.if_modified_since) == (None, None)
    request.use_gzip = False
    assert request.decompress_response is False
    request.if_modified_since = 0
    assert request.headers["If-Modified-Since"] == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert request.if_modified_since == datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    request.if_modified_since = None
    assert dict(request.headers) == dict(headers) == {"X-A": "1"}


@pytest.mark.parametrize("make", [dict, HTTPHeaders])
async def test_shc_12_the_callers_headers_are_left_alone(scripted, reply, make):
    def serve(request):
        if request.target == "/":
            return reply("", "Location: /next", code=303)
        return reply()

    headers = make({"X-A": "1", "Content-Type": "a/b"})
    async with scripted(serve) as server:
        await server.fetch("/", method="POST", body=b"x", headers=headers, user_agent="me")
        assert dict(headers) == {"X-A": "1", "Content-Type": "a/b"}
        request = HTTPRequest(f"{server.url}/", headers=headers, auth_username="u")
        await server.client.fetch(request)
        assert dict(request.headers) == dict(headers)


async def test_an_address_may_be_bytes(scripted, reply):
    async with scripted(lambda request: reply()) as server:
        address = f"{server.url}/\u00e9?a=b".encode()
        response = await server.client.fetch(address)
        assert (response.code, response.request.url) == (200, address.decode())
    assert server.requests[0].target == "/%C3%A9?a=b"
    assert HTTPRequest(address).url == address.decode()


@pytest.mark.parametrize("url", [5, None, b"http://a/\xff"])
def test_an_address_is_text(url):
    with pytest.raises(ValueError, match="url"):
        HTTPRequest(url)


def test_headers_can_be_changed_and_replaced():
    request = HTTPRequest(URL, headers={"A": "1"})
    request.headers["B"] = "2"
    assert dict(request.headers) == {"A": "1", "B": "2"}
    request.headers = {"C": "3"}
    assert request.headers["c"] == "3"
    request.headers = None
    assert not list(request.headers)


@pytest.mark.parametrize(
    "headers", [{"X": "a\r\nInjected: 1"}, {"X\r\nInjected": "1"}, {"X": "a\0"}, {"X": "a\n b"}]
)
async def test_headers_can_not_break_a_request(scripted, reply, headers):
    async with scripted(lambda request: reply()) as server:
        with pytest.raises(Exception):  # noqa: B017 - which one depends on who notices first
            await server.fetch(headers=headers)
        with pytest.raises(Exception):  # noqa: B017
            await server.fetch(user_agent="x\r\nInjected: 1")
        assert not server.requests
        assert not server.client.active


# On the wire


async def test_htc_36_a_plain_request(scripted, reply):
    async with scripted(lambda request: reply()) as server:
        await server.fetch("/path?query=1#fragment")
        (request,) = server.requests
        assert request.line == "GET /path?query=1 HTTP/1.1"
        assert request.fields[0] == ("Host", f"127.0.0.1:{server.port}")
        assert request.headers["user-agent"].startswith("Tornado/")
        assert set(request.headers) == {"host", "user-agent", "accept-encoding"}


async def test_htc_36_user_agent(scripted, reply):
    async with scripted(lambda request: reply()) as server:
        await server.fetch(user_agent="spider/1.0")
        await server.fetch(user_agent="spider/1.0", headers={"User-Agent": "other"})
        agents = [request.headers["user-agent"] for request in server.requests]
        assert agents == ["spider/1.0", "other"]


async def test_a_form_is_announced_as_one_unless_it_is_something_else(scripted, reply):
    async with scripted(lambda request: reply()) as server:
        await server.fetch(method="POST", body="a=b")
        await server.fetch(method="POST", body="{}", headers={"Content-Type": "application/json"})
        await server.fetch(method="PUT", body="x")
        types = [request.headers.get("content-type") for request in server.requests]
        assert types == ["application/x-www-form-urlencoded", "application/json", None]


async def test_repeated_fields_are_sent_one_by_one(scripted, reply):
    headers = HTTPHeaders()
    headers.add("X-A", "1")
    headers.add("X-A", "2")
    async with scripted(lambda request: reply()) as server:
        await server.fetch(headers=headers)
        assert [value for name, value in server.requests[0].fields if name == "X-A"] == ["1", "2"]


async def test_repeated_fields_of_responses(scripted, reply):
    async with scripted(lambda request: reply("", "Set-Cookie: a=1", "Set-Cookie: b=2")) as server:
        response = await server.fetch()
        assert response.headers.get_list("Set-Cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize(
    "path, target",
    [
        ("", "/"),
        ("?q=1", "/?q=1"),
        ("/%C3%A9?%C3%A9", "/%C3%A9?%C3%A9"),
        ("/\xe9?\xe9", "/%C3%A9?%C3%A9"),
        ("/a%2Fb/../c//d", "/a%2Fb/../c//d"),
        ("/;p=1/[x]/{y}|'\"", "/;p=1/[x]/{y}|'\""),
        ("#f", "/"),
    ],
)
async def test_targets_are_sent_as_they_are(scripted, reply, path, target):
    async with scripted(lambda request: reply()) as server:
        await server.fetch(path)
        assert server.requests[0].target == target


@pytest.mark.parametrize(
    "url",
    [
        "ftp://localhost/",
        "localhost",
        "//localhost/",
        "http://",
        "http:///path",
        "http://localhost:0/",
        "http://localhost:65536/",
        "http://localhost:x/",
        "http://local host/",
        "http://localhost/a b",
        "http://localhost/\r\nX: y",
        "http://localhost\r\nX: y/",
        "http://localhost/\x7f",
        "http://[::1/",
        "http://a<b>/",
        "http://\xaf/",
        "http://a\u2100b/",
        "http://" + "\xe9" * 300 + "/",
    ],
)
async def test_addresses_that_make_no_sense_are_refused(url):
    client = SimpleAsyncHTTPClient(force_instance=True)
    with pytest.raises((ValueError, OSError)):
        await client.fetch(url)
    assert not client.active
    client.close()


@given(st.text(), st.sampled_from(["http://", "https://", ""]))
def test_no_address_breaks_a_request(text, scheme):
    """Whatever a URL holds, what is made of it has neither spaces nor line ends."""
    try:
        target = Target(scheme + text)
    except ValueError:
        return
    for part in (target.request_target, target.host_header, target.authority):
        assert part.isascii()
        assert not re.search(r"[\x00-\x20\x7f]", part)
    assert target.request_target.startswith("/")


@given(st.binary().map(lambda octets: octets.decode("latin-1")))
def test_no_location_breaks_a_request(location):
    try:
        target = Target(redirect_url("http://localhost/a/b?c", location))
    except ValueError:
        return
    assert target.request_target.isascii()
    assert not re.search(r"[\x00-\x20\x7f]", target.request_target + target.host_header)


async def test_international_names_are_sent_in_ascii(scripted, reply):
    async with scripted(lambda request: reply()) as server:
        client = server.new_client(hostname_mapping={"xn--bcher-kva.example": "127.0.0.1"})
        await client.fetch(f"http://b\xfccher.example:{server.port}/")
        assert server.requests[0].headers["host"] == f"xn--bcher-kva.example:{server.port}"


async def test_the_host_field_has_no_default_port_but_what_the_address_says(scripted, reply):
    async with scripted(lambda request: reply()) as server:
        await server.fetch(headers={"Host": "other.example"})
        assert server.requests[0].headers["host"] == "other.example"


# Responses and errors


def test_htc_37_attributes_of_a_response():
    request = HTTPRequest(URL)
    response = HTTPResponse(
        request,
        200,
        HTTPHeaders({"A": "1"}),
        BytesIO(b"body"),
        "http://other/",
        None,
        1.5,
        {"queue": 0.5},
        "Fine",
        12.0,
    )
    assert response.request is request
    assert (response.code, response.reason, response.headers["a"]) == (200, "Fine", "1")
    assert (response.body, response.buffer.read()) == (b"body", b"body")
    assert (response.effective_url, response.error) == ("http://other/", None)
    assert (response.request_time, response.time_info) == (1.5, {"queue": 0.5})
    assert response.start_time == 12.0
    assert "code=200" in repr(response)
    response.rethrow()


def test_htc_37_what_a_response_is_without_further_arguments():
    response = HTTPResponse(HTTPRequest(URL), 200)
    assert (response.effective_url, response.buffer, response.body) == (URL, None, b"")
    assert (response.time_info, response.request_time, response.error) == ({}, None, None)
    assert isinstance(response.headers, HTTPHeaders)
    # Each has its own.
    response.time_info["queue"] = response.headers["A"] = "1"
    other = HTTPResponse(HTTPRequest(URL), 200)
    assert (dict(other.time_info), dict(other.headers)) == ({}, {})


@pytest.mark.parametrize("code, reason", [(200, "OK"), (404, "Not Found"), (599, "Unknown")])
def test_htc_38_reason_is_the_usual_one_if_not_given(code, reason):
    assert HTTPResponse(HTTPRequest(URL), code).reason == reason


async def test_htc_38_reason_is_what_the_server_says(scripted):
    data = b"HTTP/1.1 200 All is well\r\nContent-Length: 0\r\n\r\n"
    async with scripted(lambda request: data) as server:
        assert (await server.fetch()).reason == "All is well"


async def test_htc_39_40_body_is_bytes_made_from_buffer(scripted, reply):
    async with scripted(lambda request: reply("body")) as server:
        response = await server.fetch()
        assert (type(response.body), response.body) == (bytes, b"body")
        assert response.buffer.read() == b"body"
        assert response.body is response.body


@pytest.mark.parametrize("code", [100, 199, 300, 404, 599])
def test_htc_13_43_codes_outside_2xx_are_errors(code):
    response = HTTPResponse(HTTPRequest(URL), code)
    assert isinstance(response.error, HTTPError)
    assert (response.error.code, response.error.response) == (code, response)
    with pytest.raises(HTTPError):
        response.rethrow()


def test_htc_13_an_error_that_is_given_is_raised():
    with pytest.raises(LookupError):
        HTTPResponse(HTTPRequest(URL), 599, error=LookupError()).rethrow()


def test_htc_43_httperror():
    error = HTTPError(404)
    assert (error.code, error.message, error.response) == (404, "Not Found", None)
    assert str(error) == repr(error) == "HTTP 404: Not Found"
    response = HTTPResponse(HTTPRequest(URL), 503)
    error = HTTPError(503, "Come back", response)
    assert (error.message, error.response) == ("Come back", response)
    assert HTTPError(599).message == "Unknown"


@pytest.mark.parametrize("kind", [HTTPTimeoutError, HTTPStreamClosedError])
def test_htc_43_errors_without_response_are_599(kind):
    error = kind("what happened")
    assert isinstance(error, HTTPClientError)
    assert (error.code, error.message, error.response) == (599, "what happened", None)
    assert str(error) == "what happened"


@pytest.mark.parametrize(
    "error", [HTTPClientError(404, "x"), HTTPTimeoutError("x"), HTTPStreamClosedError("x")]
)
def test_errors_can_be_copied_and_pickled(error):
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(other) is type(error)
        assert (other.code, other.message) == (error.code, "x")
