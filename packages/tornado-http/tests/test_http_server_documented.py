"""HTTPServer as the documents have it: raw callbacks, the ways to start, and what requests tell."""

import asyncio
import contextlib
import gc
import gzip
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import weakref

import pytest
import trustme

from tornado.httpserver import HTTPConnection, HTTPRequest, HTTPServer
from tornado.httputil import (
    HTTPHeaders,
    HTTPOutputError,
    HTTPServerRequest,
    ResponseStartLine,
)
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream
from tornado.netutil import bind_sockets, bind_unix_socket
from tornado.tcpserver import TCPServer


def reply(request, body=b"answer"):
    """Answer as programs for versions 2.x do."""
    if isinstance(body, str):
        body = body.encode()
    request.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    request.finish()


class Seeing:
    """A callback that keeps the requests."""

    def __init__(self, answer=reply):
        self.requests, self.answer = [], answer
        self.arrived = asyncio.Event()

    def __call__(self, request):
        self.requests.append(request)
        self.arrived.set()
        self.answer(request)


@contextlib.asynccontextmanager
async def listening(callback, **options):
    server = HTTPServer(callback, **options)
    (sock,) = sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    try:
        yield server, sock.getsockname()[1]
    finally:
        server.stop()
        await server.close_all_connections()


async def exchange(port, data, host="127.0.0.1"):
    """Send and read to the end."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(data)
    answer = await reader.read()
    writer.close()
    return answer


LAST = b"GET /a?b=c HTTP/1.1\r\nHost: h:80\r\nConnection: close\r\n\r\n"


def form(body, content_type="application/x-www-form-urlencoded", more=b""):
    return (
        b"POST /p?a=1&b=2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: %s\r\n"
        b"%sContent-Length: %d\r\n\r\n%s" % (content_type.encode(), more, len(body), body)
    )


# Callbacks


async def test_srv_2_6_the_callback_frames_its_answer_itself():
    raw = b"HTTP/1.1 201 Made\r\nServer: mine\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"

    def answer(request):
        request.write(raw)
        request.finish()

    async with listening(answer) as (_, port):
        # Nothing is added, neither chunks nor fields.
        assert await exchange(port, LAST) == raw


async def test_srv_2_an_answer_without_length_ends_with_the_connection():
    def answer(request):
        request.write(b"HTTP/1.0 200 OK\r\n\r\nall ")
        request.write(b"of it")
        request.finish()

    async with listening(answer, no_keep_alive=True) as (_, port):
        got = await exchange(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert got == b"HTTP/1.0 200 OK\r\n\r\nall of it"


async def test_srv_15_write_takes_a_callback():
    called = asyncio.Event()

    def answer(request):
        request.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", called.set)
        request.connection.write(b"ab", callback=lambda: None)
        request.finish()

    async with listening(answer) as (_, port):
        assert (await exchange(port, LAST)).endswith(b"ab")
        await called.wait()


async def test_an_answer_may_come_later():
    seeing = Seeing(answer=lambda request: None)
    async with listening(seeing) as (_, port):
        asked = asyncio.ensure_future(exchange(port, LAST))
        await seeing.arrived.wait()
        (request,) = seeing.requests
        assert request.request_time() >= 0
        request.connection.write_headers(
            ResponseStartLine("HTTP/1.1", 200, "OK"), HTTPHeaders({"Content-Length": "2"})
        )
        await request.connection.write(b"ok")
        request.connection.finish()
        assert (await asked).endswith(b"\r\n\r\nok")


async def test_a_callback_may_be_a_coroutine_function():
    async def answer(request):
        await asyncio.sleep(0)
        reply(request, b"slowly")

    async with listening(answer) as (_, port):
        assert (await exchange(port, LAST)).endswith(b"slowly")


@pytest.mark.parametrize(
    "options", [{}, {"xheaders": True, "decompress_request": True}], ids=["plain", "wrapped"]
)
@pytest.mark.parametrize("is_coroutine", [False, True])
async def test_an_error_in_a_callback_ends_the_connection(is_coroutine, options, caplog):
    def answer(request):
        raise ZeroDivisionError

    async def answer_later(request):
        await asyncio.sleep(0)
        raise ZeroDivisionError

    async with listening(answer_later if is_coroutine else answer, **options) as (_, port):
        assert await exchange(port, form(b"")) == b""
    (record,) = caplog.records
    assert record.name == "tornado.application"
    assert record.exc_info[0] is ZeroDivisionError


@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_a_callback_that_yields_and_is_no_coroutine_is_an_error(method, caplog):
    def answer(request):
        yield reply(request)

    async def answer_async(request):
        yield reply(request)

    body = b"" if method == b"GET" else b"Content-Length: 1\r\n"
    for callback in (answer, answer_async):
        async with listening(callback) as (_, port):
            head = method + b" / HTTP/1.1\r\nHost: a\r\n" + body + b"\r\n"
            assert await exchange(port, head + b"x" * bool(body)) == b""
    assert [record.exc_info[0] for record in caplog.records] == [TypeError, TypeError]
    assert "needs gen.coroutine" in caplog.text


async def test_a_callback_that_is_cancelled_ends_the_connection():
    async def answer(request):
        raise asyncio.CancelledError

    async with listening(answer) as (_, port):
        assert await exchange(port, LAST) == b""


async def test_bad_input_that_a_callback_comes_upon_is_answered(caplog):
    async def answer(request):
        await asyncio.sleep(0)
        request.query_arguments

    async with listening(answer) as (_, port):
        target = b"/?" + b"a=b&" * 1001
        got = await exchange(port, b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert got.startswith(b"HTTP/1.1 400 ")
    assert "Uncaught" not in caplog.text


async def test_it_is_no_error_if_the_client_leaves_a_coroutine(caplog):
    left = asyncio.Event()
    done = asyncio.Event()

    async def answer(request):
        request.connection.set_close_callback(left.set)
        writer.transport.abort()
        await left.wait()
        try:
            await request.connection.write(b"HTTP/1.1 200 OK\r\n\r\n")
        finally:
            done.set()

    async with listening(answer) as (_, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(LAST)
        await done.wait()
        await asyncio.sleep(0)
    assert caplog.records == []


async def test_nothing_that_comes_late_gets_into_another_answer():
    requests = []

    async with listening(requests.append) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(2 * b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        while not requests:
            await asyncio.sleep(0)
        reply(requests[0], b"first")
        while len(requests) < 2:
            await asyncio.sleep(0)
        with pytest.raises(HTTPOutputError, match="after finish"):
            requests[0].write(b"late")
        with pytest.raises(HTTPOutputError, match="after finish"):
            requests[0].finish()
        reply(requests[1], b"second")
        await reader.readuntil(b"first")
        assert (await reader.readuntil(b"second")).startswith(b"HTTP/1.1 200 OK\r\n")
        writer.close()


@pytest.mark.parametrize("in_coroutine", [False, True])
async def test_an_error_after_the_answer_concerns_no_later_request(in_coroutine, caplog):
    requests = []

    def answer(request):
        requests.append(request)
        if len(requests) > 1:
            return None
        if not in_coroutine:
            reply(request, b"first")
        return fail_late(request)

    async def fail_late(request):
        if in_coroutine:
            reply(request, b"first")
        await late.wait()
        raise ZeroDivisionError

    late = asyncio.Event()
    async with listening(answer) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(2 * b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"first")
        while len(requests) < 2:
            await asyncio.sleep(0)
        late.set()
        while "ZeroDivisionError" not in caplog.text:
            await asyncio.sleep(0)
        reply(requests[1], b"second")
        await reader.readuntil(b"second")
        writer.close()


# Requests


async def test_srv_7_9_10_13_16_17_what_a_request_tells():
    seeing = Seeing()
    async with listening(seeing) as (_, port):
        await exchange(port, form(b"b=3&c=%20&b=4"))
        await exchange(port, b"GET / HTTP/1.0\r\n\r\n")
    request, old = seeing.requests
    assert (request.method, request.uri, request.path, request.query) == (
        *("POST", "/p?a=1&b=2", "/p", "a=1&b=2"),
    )
    assert (request.version, request.host, request.protocol) == ("HTTP/1.1", "h", "http")
    assert request.remote_ip == "127.0.0.1"
    assert request.body == b"b=3&c=%20&b=4"
    assert request.arguments == {"a": [b"1"], "b": [b"2", b"3", b"4"], "c": [b" "]}
    assert request.full_url() == "http://h/p?a=1&b=2"
    assert 0 <= request.request_time() == request.request_time() < 60
    assert request.supports_http_1_1()
    assert not old.supports_http_1_1()
    assert isinstance(request, HTTPRequest)
    assert HTTPRequest is HTTPServerRequest


def test_s16_long_targets_are_decoded_in_linear_time():
    """A megabyte, which takes hours where it's quadratic."""
    target = "/" + "%41" * 300_000 + "?a=" + "%zz%41" * 150_000
    begin = time.process_time()
    request = HTTPServerRequest("GET", target)
    assert len(request.arguments["a"][0]) == 4 * 150_000
    assert request.full_url().startswith("http://127.0.0.1/%41")
    assert time.process_time() - begin < 10


async def test_relied_upon_attributes_of_connections():
    """Programs look at these, though they were never documented."""
    found = {}

    def answer(request):
        connection = request.connection
        found["context"] = connection.context
        found["open"] = not connection.stream.closed()
        found["socket"] = connection.stream.socket.getpeername()
        found["keep"] = connection.no_keep_alive
        found["connections"] = len(server._connections)
        connection.set_max_body_size(10)
        connection.set_body_timeout(10)
        reply(request)

    async with listening(answer) as (server, port):
        assert [type(key) for key in server._sockets] == [int]
        await exchange(port, LAST)
    context = found["context"]
    assert (context._orig_remote_ip, context.remote_ip) == ("127.0.0.1", "127.0.0.1")
    assert (context.protocol, context.address) == ("http", found["socket"])
    assert (found["open"], found["keep"], found["connections"]) == (True, False, 1)


async def test_srv_38_the_same_length_twice_is_one_length():
    seeing = Seeing()
    async with listening(seeing) as (_, port):
        got = await exchange(port, form(b"a=b", more=b"Content-Length: 3\r\n"))
        assert got.endswith(b"answer")
    assert seeing.requests[0].body == b"a=b"


async def test_decompress_request_and_its_limit():
    seeing = Seeing()
    packed = gzip.compress(b"c=" + b"x" * 5000)
    more = b"Content-Encoding: gzip\r\n"
    async with listening(seeing, decompress_request=True, max_body_size=6000) as (_, port):
        assert (await exchange(port, form(packed, more=more))).endswith(b"answer")
        assert seeing.requests[0].arguments["c"] == [b"x" * 5000]
        got = await exchange(port, form(gzip.compress(bytes(7000)), more=more))
        assert got.startswith(b"HTTP/1.1 413 ")
    async with listening(seeing) as (_, port):
        await exchange(port, form(packed, "a/b", more=more))
        assert seeing.requests[1].body == packed


async def test_srv_37_s9_folded_lines_are_an_option():
    seeing = Seeing()
    data = b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n  b\r\nConnection: close\r\n\r\n"
    async with listening(seeing, accept_folded_lines=True) as (_, port):
        assert (await exchange(port, data)).endswith(b"answer")
    async with listening(seeing) as (_, port):
        assert (await exchange(port, data)).startswith(b"HTTP/1.1 400 ")
    assert [request.headers["X"] for request in seeing.requests] == ["a b"]


# Ways to start


def ask(port, host="127.0.0.1"):
    with socket.create_connection((host, port), timeout=10) as sock:
        sock.sendall(LAST)
        return b"".join(iter(lambda: sock.recv(65536), b""))


async def test_srv_25_listen():
    server = HTTPServer(reply)
    server.listen(0, "127.0.0.1")
    (sock,) = server._sockets.values()
    assert (await asyncio.to_thread(ask, sock.getsockname()[1])).endswith(b"answer")
    server.stop()


async def test_srv_25_26_28_29_bind_and_start():
    server = HTTPServer(reply)
    server.bind(0, "127.0.0.1")
    server.bind(0, "127.0.0.1", family=socket.AF_INET, backlog=5)
    server.start(1)
    ports = {sock.getsockname()[1] for sock in server._sockets.values()}
    assert len(ports) == 2
    for port in ports:
        assert (await asyncio.to_thread(ask, port)).endswith(b"answer")
    server.stop()


async def test_srv_27_families():
    server = HTTPServer(reply)
    server.bind(0, family=socket.AF_INET)
    server.start()
    assert {sock.family for sock in server._sockets.values()} == {socket.AF_INET}
    server.stop()
    if socket.has_ipv6:
        server = HTTPServer(reply)
        server.listen(0)
        families = {sock.family for sock in server._sockets.values()}
        assert socket.AF_INET in families
        for sock in server._sockets.values():
            host = "127.0.0.1" if sock.family == socket.AF_INET else "::1"
            assert (await asyncio.to_thread(ask, sock.getsockname()[1], host)).endswith(b"answer")
        server.stop()


async def test_srv_31_it_is_a_tcp_server():
    server = HTTPServer(reply)
    assert isinstance(server, TCPServer)
    for name in ("bind", "listen", "start", "stop", "add_sockets", "add_socket"):
        assert callable(getattr(server, name))


PROCESSES = """
import os, random, sys
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.process import task_id

def answer(request):
    body = b"%d" % os.getpid()
    request.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
    request.finish()

random.seed(1)
server = HTTPServer(answer)
server.bind(0, "127.0.0.1")
server.start({count})
(sock,) = server._sockets.values()
port = sock.getsockname()[1]
# In one piece, as the processes share the pipe.
os.write(1, f"{port} {task_id()} {os.getpid()} {random.random()}\\n".encode())
IOLoop.current().start()
"""


def test_srv_32_42_several_processes():
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESSES.replace("{count}", "3")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        lines = [process.stdout.readline().split() for _ in range(3)]
        ports, tasks, pids, numbers = (set(column) for column in zip(*lines, strict=True))
        assert (len(ports), tasks, len(pids)) == (1, {"0", "1", "2"}, 3)
        # Each process has random numbers of its own.
        assert len(numbers) == 3
        assert ask(int(ports.pop())).rpartition(b"\n")[2].decode() in pids
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


async def test_srv_33_34_unix_sockets(tmp_path):
    seeing = Seeing()
    path = str(tmp_path / "socket")
    server = HTTPServer(seeing)
    server.add_sockets([bind_unix_socket(path)])
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(LAST)
    assert (await reader.read()).endswith(b"answer")
    writer.close()
    (request,) = seeing.requests
    assert request.remote_ip == "0.0.0.0"
    assert request.connection.address in ("", b"", None)
    server.stop()
    await server.close_all_connections()


async def test_clients_of_unix_sockets_have_a_name_in_the_log(tmp_path, caplog):
    server = HTTPServer(reply)
    server.add_sockets([bind_unix_socket(path := str(tmp_path / "socket"))])
    with caplog.at_level("INFO", "tornado"):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"bad\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    writer.close()
    (record,) = caplog.records
    assert record.getMessage().startswith("Malformed HTTP message from a local client: ")
    server.stop()
    await server.close_all_connections()


async def test_srv_35_stopping_lets_requests_end():
    seeing = Seeing(answer=lambda request: None)
    async with listening(seeing) as (server, port):
        asked = asyncio.ensure_future(exchange(port, LAST))
        await seeing.arrived.wait()
        server.stop()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        reply(seeing.requests[0])
        assert (await asked).endswith(b"answer")


async def test_srv_30_arguments_in_the_places_of_older_versions():
    loop = IOLoop.current()
    for io_loop in (loop, None):
        server = HTTPServer(reply, True, io_loop, True, {"certfile": __file__})
        assert server.no_keep_alive
        assert server.xheaders
        assert server.ssl_options == {"certfile": __file__}
    server = HTTPServer(reply, no_keep_alive=False, io_loop=loop, xheaders=True)
    assert (server.no_keep_alive, server.xheaders, server.ssl_options) == (False, True, None)
    server = HTTPServer(reply, False, True, None, "https")
    assert (server.xheaders, server.ssl_options, server.protocol) == (True, None, "https")


async def test_subclasses_take_arguments_of_their_own():
    class Mine(HTTPServer):
        def initialize(self, *args, mine=None, **kwargs):
            self.mine = mine
            super().initialize(*args, **kwargs)

    server = Mine(reply, mine=3, max_header_size=500)
    assert (server.mine, server.conn_params.max_header_size) == (3, 500)


async def test_close_all_connections():
    seeing = Seeing(answer=lambda request: None)
    async with listening(seeing) as (server, port):
        asked = [asyncio.ensure_future(exchange(port, LAST)) for _ in range(3)]
        idle, writer = await asyncio.open_connection("127.0.0.1", port)
        while len(seeing.requests) < 3 or len(server._connections) < 4:
            await seeing.arrived.wait()
            seeing.arrived.clear()
        await server.close_all_connections()
        assert not server._connections
        assert await asyncio.gather(*asked) == [b"", b"", b""]
        assert await idle.read() == b""
        writer.close()


async def test_closing_all_connections_does_not_rest_on_a_subclass():
    class Own(HTTPServer):
        def on_close(self, server_conn):
            closed.append(server_conn)

    closed = []
    server = Own(Seeing())
    (sock,) = sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    reader, writer = await asyncio.open_connection(*sock.getsockname())
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    server.stop()
    await server.close_all_connections()
    assert len(closed) == 1
    writer.close()


# The connection of versions 2.x


async def served_pair(callback, **options):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = IOStream(socket.create_connection(listener.getsockname()))
        far = IOStream(listener.accept()[0])
    return HTTPConnection(far, ("1.2.3.4", 5), callback, **options), near


async def test_srv_43_12_a_connection_serves_until_it_is_closed():
    seeing = Seeing()
    connection, near = await served_pair(seeing)
    assert (connection.no_keep_alive, connection.xheaders) == (False, False)
    assert connection.address == ("1.2.3.4", 5)
    assert connection.request_callback is seeing
    for _ in range(2):
        await near.write(b"GET / HTTP/1.1\r\nHost: a\r\nX-Real-Ip: 9.9.9.9\r\n\r\n")
        assert await near.read_until(b"answer")
    assert {request.connection for request in seeing.requests} == {connection}
    assert {request.remote_ip for request in seeing.requests} == {"1.2.3.4"}
    await near.write(LAST)
    assert (await near.read_until_close()).endswith(b"answer")


async def test_srv_43_its_options():
    seeing = Seeing()
    _, near = await served_pair(seeing, no_keep_alive=True, xheaders=True)
    await near.write(b"GET / HTTP/1.1\r\nHost: a\r\nX-Real-Ip: 9.9.9.9\r\nX-Scheme: https\r\n\r\n")
    assert (await near.read_until_close()).endswith(b"answer")
    (request,) = seeing.requests
    assert (request.remote_ip, request.protocol) == ("9.9.9.9", "https")
    assert request.connection.address == ("1.2.3.4", 5)


async def test_h1c_13_it_writes_and_finishes():
    written = asyncio.Event()

    def answer(request):
        request.connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", written.set)
        request.connection.finish()

    connection, near = await served_pair(answer)
    await near.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await near.read_until(b"\r\n\r\n")
    await written.wait()
    connection.close()
    assert await near.read_until_close() == b""


async def test_a_closed_connection_is_forgotten():
    seeing = Seeing()
    connection, near = await served_pair(seeing)
    reference = weakref.ref(connection)
    await near.write(LAST)
    await near.read_until_close()
    seeing.requests.clear()
    del connection
    for _ in range(3):
        await asyncio.sleep(0)
    gc.collect()
    assert reference() is None


# TLS and proxies


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


async def test_srv_18_24_tls_with_a_certificate_of_the_client(authority, tmp_path):
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    client = ssl.create_default_context()
    authority.configure_trust(client)
    authority.issue_cert("c@example.org", common_name="client").configure_cert(client)
    options = {
        "certfile": str(tmp_path / "server.pem"),
        "ca_certs": str(tmp_path / "ca.pem"),
        "cert_reqs": ssl.CERT_REQUIRED,
    }
    found = []

    def answer(request):
        found.append((request.protocol, request.get_ssl_certificate()))
        found.append(request.get_ssl_certificate(binary_form=True))
        reply(request)

    async with listening(answer, ssl_options=options) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
        writer.write(LAST)
        assert (await reader.read()).endswith(b"answer")
        writer.close()
    (protocol, certificate), binary = found
    assert protocol == "https"
    assert (("commonName", "client"),) in certificate["subject"]
    assert type(binary) is bytes
    # Afterwards, and where there is no TLS, there is none.
    request = HTTPServerRequest("GET", "/")
    assert request.connection is None


async def test_p16_proxies_are_believed_one_after_the_other():
    cases = [
        ({"X-Forwarded-For": "1.1.1.1"}, (), "1.1.1.1"),
        ({"X-Forwarded-For": "1.1.1.1, 2.2.2.2"}, (), "2.2.2.2"),
        ({"X-Forwarded-For": "1.1.1.1, 2.2.2.2"}, ["2.2.2.2"], "1.1.1.1"),
        ({"X-Forwarded-For": "1.1.1.1,3.3.3.3 ,2.2.2.2"}, ["2.2.2.2"], "3.3.3.3"),
        # Proxies may ask for themselves.
        ({"X-Forwarded-For": "2.2.2.2"}, ["2.2.2.2"], "2.2.2.2"),
        ({"X-Forwarded-For": "3.3.3.3, 2.2.2.2"}, ["2.2.2.2", "3.3.3.3"], "3.3.3.3"),
        ({"X-Forwarded-For": " ,"}, ["2.2.2.2"], "127.0.0.1"),
        ({"X-Forwarded-For": "::1"}, (), "::1"),
        ({"X-Forwarded-For": "1.1.1.1, evil"}, (), "127.0.0.1"),
        ({"X-Forwarded-For": "1.1.1.1, 4.4.4.4<script>"}, (), "127.0.0.1"),
        ({"X-Real-Ip": "4.4.4.4", "X-Forwarded-For": "1.1.1.1"}, (), "4.4.4.4"),
        ({"X-Real-Ip": "not one"}, (), "127.0.0.1"),
        ({"Forwarded": "for=9.9.9.9", "X_Real_Ip": "9.9.9.9"}, (), "127.0.0.1"),
    ]
    for headers, trusted, expected in cases:
        seeing = Seeing()
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
        async with listening(seeing, xheaders=True, trusted_downstream=trusted) as (_, port):
            data = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + fields + b"\r\n"
            await exchange(port, data)
        assert seeing.requests[0].remote_ip == expected, headers


@pytest.mark.parametrize(
    ("after", "who"),
    [(b"BAD\r\n\r\n", "127.0.0.1"), (b"POST / HTTP/1.1\r\nHost: a\r\n", "2.2.2.2")],
)
async def test_p16_the_log_blames_nobody_for_the_next_clients_mistake(after, who, caplog):
    """A proxy sends requests of many clients over one connection."""
    caplog.set_level("INFO")
    async with listening(Seeing(), xheaders=True) as (_, port):
        first = b"GET / HTTP/1.1\r\nHost: a\r\nX-Real-Ip: 1.1.1.1\r\n\r\n"
        if after.startswith(b"POST"):
            after += b"X-Real-Ip: 2.2.2.2\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n"
        await exchange(port, first + after)
    (record,) = caplog.records
    assert record.getMessage().startswith(f"Malformed HTTP message from {who}: ")


async def test_srv_21_protocols_that_proxies_tell():
    cases = [
        ({"X-Scheme": "https"}, "https"),
        ({"X-Forwarded-Proto": "https"}, "https"),
        ({"X-Forwarded-Proto": "http,https"}, "https"),
        ({"X-Scheme": "http", "X-Forwarded-Proto": "https"}, "http"),
        ({"X-Scheme": "javascript"}, "http"),
        ({}, "http"),
    ]
    for headers, expected in cases:
        seeing = Seeing()
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
        async with listening(seeing, xheaders=True) as (_, port):
            # The second request has the connection's own values again.
            await exchange(port, b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n" + LAST)
        assert [request.protocol for request in seeing.requests] == [expected, "http"]


async def test_protocol_is_what_the_server_is_told():
    seeing = Seeing()
    async with listening(seeing, protocol="https") as (_, port):
        await exchange(port, LAST)
    assert seeing.requests[0].full_url() == "https://h:80/a?b=c"


def test_requests_can_be_shown_as_json():
    """Nothing of a request that was parsed is of a type that only this package knows."""
    request = HTTPServerRequest("GET", "/?a=b", headers=HTTPHeaders({"Cookie": "c=d"}))
    json.dumps([request.method, request.path, request.query, dict(request.headers)])
