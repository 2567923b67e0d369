"""Requests as servers' applications see them (SRV-7 to SRV-19, SRV-36, S15)."""

import asyncio
import types
from http.cookies import Morsel

import pytest

from tornado import httpserver
from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    HTTPServerRequest,
    RequestStartLine,
)

FORM = "application/x-www-form-urlencoded"


def request(uri="/", body=b"", method="GET", connection=None, **headers):
    return HTTPServerRequest(
        start_line=RequestStartLine(method, uri, "HTTP/1.1"),
        headers=HTTPHeaders({name.replace("_", "-"): value for name, value in headers.items()}),
        body=body,
        connection=connection,
    )


class Connection:
    """What a request needs of its connection."""

    def __init__(self, certificate=None, **context):
        self.context = types.SimpleNamespace(**context)
        socket = types.SimpleNamespace()
        if certificate is not None:
            socket.getpeercert = certificate
        self.stream = types.SimpleNamespace(socket=socket)
        self.written = []

    def write(self, chunk):
        self.written.append(chunk)
        future = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    def finish(self):
        self.written.append("finish")


def test_both_names_are_one_class():
    assert httpserver.HTTPRequest is HTTPServerRequest


@pytest.mark.parametrize(
    ("uri", "path", "query"),
    [
        ("/", "/", ""),
        ("/a?b=c", "/a", "b=c"),
        ("/a?b?c", "/a", "b?c"),
        ("/a?", "/a", ""),
        ("//a//b", "//a//b", ""),  # SRV-36
        ("//a://b", "//a://b", ""),
        ("*", "*", ""),
        ("host:443", "host:443", ""),
        ("http://h:1/a?b", "/a", "b"),
        ("http://h", "/", ""),
        ("HTTP://h?b", "/", "b"),
    ],
)
def test_srv_7_path_and_query_come_from_the_target(uri, path, query):
    made = request(uri)
    assert (made.method, made.uri, made.version) == ("GET", uri, "HTTP/1.1")
    assert (made.path, made.query) == (path, query)


def test_srv_19_constructor_with_method_and_uri():
    made = HTTPServerRequest("POST", "/x?a=1")
    assert (made.method, made.uri, made.path, made.version) == ("POST", "/x?a=1", "/x", "HTTP/1.0")
    assert made.headers == HTTPHeaders()
    assert made.body == b""
    assert made.arguments == {"a": [b"1"]}
    assert (made.host, made.host_name, made.remote_ip, made.protocol) == (
        "127.0.0.1",
        "127.0.0.1",
        None,
        "http",
    )
    files = {"f": []}
    made = HTTPServerRequest(
        method="GET",
        uri="/",
        version="HTTP/1.1",
        headers=HTTPHeaders(Host="ignored"),
        body=b"x",
        remote_ip="10.0.0.1",
        protocol="https",
        host="Example.com:80",
        files=files,
    )
    assert (made.remote_ip, made.protocol, made.host, made.host_name) == (
        "10.0.0.1",
        "https",
        "Example.com:80",
        "example.com",
    )
    assert made.files is files


def test_srv_7_host_protocol_and_address():
    connection = Connection(remote_ip="::1", protocol="https", address=("::1", 5))
    made = request(Host="Example.COM:8080", connection=connection)
    assert (made.host, made.host_name) == ("Example.COM:8080", "example.com")
    assert (made.remote_ip, made.protocol) == ("::1", "https")
    assert made.connection is connection  # SRV-12


@pytest.mark.parametrize(
    ("host", "name"), [("A.example:", "a.example"), ("[::1]:", "[::1]"), ("[::1]:80", "[::1]")]
)
def test_the_name_of_a_host_has_no_port(host, name):
    assert request(Host=host).host_name == name


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("http://first.example/a", "/a", ""),
        ("http://first.example", "/", ""),
        ("http://first.example?a=/b", "/", "a=/b"),
        ("http://first.example/?a=/b?c", "/", "a=/b?c"),
    ],
)
def test_the_host_of_an_absolute_target_counts(target, path, query):
    made = request(target, Host="second.example")
    assert (made.host, made.path, made.query) == ("first.example", path, query)


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        ("/a?b", "https://h:1/a?b"),
        ("//a", "https://h:1//a"),
        ("*", "https://h:1"),
        ("http://other/a?b=c", "https://other/a?b=c"),
        ("http://other", "https://other/"),
        ("http://other?b", "https://other/?b"),
    ],
)
def test_srv_16_full_url(uri, url):
    assert request(uri, Host="h:1", connection=Connection(protocol="https")).full_url() == url


def test_srv_10_arguments_of_query_and_body_are_merged():
    made = request("/?a=1&a=2&b=%e9", b"a=3&c=4", "POST", Content_Type=FORM)
    assert made.query_arguments == {"a": [b"1", b"2"], "b": [b"\xe9"]}
    assert made.body_arguments == {"a": [b"3"], "c": [b"4"]}
    assert made.arguments == {"a": [b"1", b"2", b"3"], "b": [b"\xe9"], "c": [b"4"]}
    made.arguments["a"].append(b"5")
    assert made.query_arguments["a"] == [b"1", b"2"]
    assert made.body_arguments["a"] == [b"3"]


def test_srv_11_files():
    body = (
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="n"\r\n\r\ndata\r\n'
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'
    )
    made = request(body=body, method="POST", Content_Type="multipart/form-data; boundary=x")
    assert made.files["f"][0].body == made.files["f"][0]["body"] == b"data"
    assert made.arguments == made.body_arguments == {"a": [b"1"]}
    assert request(body=body).files == {}


def test_s15_queries_and_bodies_beyond_limits_are_errors_each_time():
    made = request("/?" + "a&" * 1001)
    for _ in range(2):
        with pytest.raises(HTTPInputError):
            made.arguments
    made = request(body=b"a&" * 1001, Content_Type=FORM)
    with pytest.raises(HTTPInputError):
        made._parse_body()


def test_derived_attributes_are_computed_once_and_can_be_assigned():
    made = request("/?a=1", Cookie="a=b", Host="h")
    for name in ("arguments", "query_arguments", "body_arguments", "files", "cookies", "host"):
        assert getattr(made, name) is getattr(made, name)
        value = object()
        setattr(made, name, value)
        assert getattr(made, name) is value
    made = request()
    made.remote_ip = "1.2.3.4"
    made.protocol = "https"
    assert (made.remote_ip, made.protocol) == ("1.2.3.4", "https")
    assert HTTPServerRequest.cookies.__doc__


def test_srv_14_cookies_are_morsels():
    made = request(Cookie='a=b; q="c d"; expires=never; x/y=1; =nameless; bare; a=last')
    assert all(isinstance(morsel, Morsel) for morsel in made.cookies.values())
    assert {name: morsel.value for name, morsel in made.cookies.items()} == {
        "a": "last",
        "q": "c d",
    }
    assert request().cookies == {}


def test_srv_13_supports_http_1_1():
    assert request().supports_http_1_1() is True
    assert HTTPServerRequest("GET", "/").supports_http_1_1() is False


def test_srv_15_write_and_finish_go_to_the_connection():
    async def main():
        connection = Connection()
        made = request(connection=connection)
        called = asyncio.Event()
        made.write(b"head\r\n\r\n")
        made.write(b"body", called.set)
        made.write(b"more", callback=None)
        await asyncio.wait_for(called.wait(), 10)
        made.finish()
        assert connection.written == [b"head\r\n\r\n", b"body", b"more", "finish"]

    asyncio.run(main())


def test_srv_17_request_time_stops_with_the_request(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("tornado._httputil.request.time.time", lambda: now[0])
    made = request(connection=Connection())
    now[0] += 1.5
    assert made.request_time() == 1.5
    made.finish()
    now[0] += 10
    assert made.request_time() == 1.5


def test_srv_18_certificates():
    made = request(connection=Connection(lambda binary_form: b"der" if binary_form else {"a": 1}))
    assert made.get_ssl_certificate() == {"a": 1}
    assert made.get_ssl_certificate(binary_form=True) == b"der"


def raising(error):
    def getpeercert(binary_form):
        raise error

    return getpeercert


@pytest.mark.parametrize(
    "certificate",
    [
        None,
        raising(OSError("closed")),
        raising(ValueError("no handshake")),
        lambda binary_form: None,
    ],
)
def test_srv_18_no_certificate(certificate):
    assert request(connection=Connection(certificate)).get_ssl_certificate() is None


def test_srv_18_the_certificate_of_a_stream_that_another_protocol_has():
    taken = Connection(lambda binary_form: {"a": 1})
    connection = Connection()
    connection.stream = None
    assert request(connection=connection).get_ssl_certificate() is None
    made = HTTPServerRequest("GET", "/", connection=connection, server_connection=taken)
    assert made.get_ssl_certificate() == {"a": 1}


def test_representation_names_what_identifies_a_request():
    made = request("/a", Host="h", Authorization="secret")
    assert repr(made) == (
        "HTTPServerRequest(protocol='http', host='h', method='GET', uri='/a', "
        "version='HTTP/1.1', remote_ip=None)"
    )
