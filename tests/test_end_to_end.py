"""A server in a process of its own, asked by independent clients, good and bad ones."""

from __future__ import annotations

import http.client
import json
import re
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

APPLICATION = Path(__file__).parent / "served_application.py"
LIMIT = 30  # seconds
IDLE_CONNECTIONS = 5000
ROOM = IDLE_CONNECTIONS + 500  # descriptors


class Server:
    """The server's process, and what it has logged."""

    def __init__(self, log: Path) -> None:
        self.log = log
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "error", str(APPLICATION)],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def get(self, path: str) -> tuple[int, bytes]:
        """Fetch something, on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def status(self) -> dict[str, Any]:
        """Ask what the server has open and has seen."""
        found: dict[str, Any] = json.loads(self.get("/status")[1])
        return found

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT)

    def stop(self) -> str:
        """End the server; return its log."""
        self.process.terminate()
        self.process.wait(LIMIT)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.log.read_text("utf-8")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server whose log shows no traceback in the end, and that has closed what it opened."""
    server = Server(tmp_path / "log")
    try:
        before = server.status()["descriptors"]
        yield server
        until(lambda: server.status()["descriptors"] <= before)
        until(lambda: server.status()["tasks"] == 1)
    finally:
        log = server.stop()
    assert "Traceback" not in log


def until(condition: Callable[[], bool]) -> None:
    """Wait for what other processes have to do first."""
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


# Good clients


def test_http_client_of_the_standard_library(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LIMIT)
    for _ in range(3):
        connection.request("GET", "/")
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"Hello, world")
        assert response.headers["Content-Type"] == "text/html; charset=UTF-8"
    body = iter([b"in ", b"pieces"])
    connection.request("POST", "/echo", body, encode_chunked=True, headers=CHUNKED)
    assert connection.getresponse().read() == b"in pieces"
    connection.close()


CHUNKED = {"Transfer-Encoding": "chunked", "Content-Type": "text/plain"}


def test_curl(server: Server) -> None:
    url = f"http://127.0.0.1:{server.port}/echo"
    # More than 1024 bytes, so that curl waits for 100 Continue before it sends them.
    command = ["curl", "-sS", "--http1.1", "-H", "Expect: 100-continue", "-H", "Content-Type: a/b"]
    body = b"b" * 100_000
    done = subprocess.run(
        [*command, "--data-binary", "@-", url], input=body, capture_output=True, timeout=LIMIT
    )
    assert (done.stdout, done.stderr) == (body, b"")
    done = subprocess.run(["curl", "-sS", "-0", "-i", url], capture_output=True, timeout=LIMIT)
    assert done.stdout.startswith(b"HTTP/1.1 405 ")


def test_ab(server: Server) -> None:
    """ApacheBench speaks HTTP/1.0, with and without keep-alive."""
    for options in ([], ["-k"]):
        command = ["ab", "-q", *options, "-n", "500", "-c", "10", f"127.0.0.1:{server.port}/"]
        output = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=LIMIT
        ).stdout
        assert re.search(r"^Complete requests: +500$", output, re.MULTILINE), output
        assert re.search(r"^Failed requests: +0$", output, re.MULTILINE), output
        kept = re.search(r"^Keep-Alive requests: +500$", output, re.MULTILINE)
        assert bool(kept) == bool(options), output


def test_wrk(server: Server) -> None:
    command = ["wrk", "-c", "32", "-d", "1s", "-t", "1", f"http://127.0.0.1:{server.port}/"]
    output = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=LIMIT
    ).stdout
    assert re.search(r"[1-9]\d* requests in", output), output
    assert "errors" not in output
    assert "Non-2xx" not in output


# Bad clients

MALFORMED = {
    "no request line": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),
    "words": (b"what is this\r\n\r\n", {400}),
    "space in the target": (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
    "another protocol": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", {505}),
    "bare LF": (b"GET / HTTP/1.1\nHost: a\n\n", {400}),
    "bare LF between fields": (b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", {400}),
    "bare CR": (b"GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", {400}),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", {400}),
    "two Hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", {400}),
    "space before the colon": (b"GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n", {400}),
    "folded line": (b"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n", {400}),
    "NUL in a value": (b"GET / HTTP/1.1\r\nHost: a\r\nA: \0\r\n\r\n", {400}),
    "length and chunks": (
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        {400},
    ),
    "two lengths": (
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        {400},
    ),
    "negative length": (b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", {400}),
    "no number as chunk size": (
        b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        {400},
    ),
    "huge length": (
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999\r\n\r\n",
        {413},
    ),
    "huge header": (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"a" * 70_000, {431}),
    "many headers": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 20_000, {431}),
    "unknown coding": (
        b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        {501},
    ),
}


@pytest.fixture(scope="module")
def hardened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that gets all of the bad requests."""
    server = Server(tmp_path_factory.mktemp("hardened") / "log")
    try:
        yield server
    finally:
        log = server.stop()
    assert "Traceback" not in log


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_requests_are_refused_and_others_are_served(hardened: Server, name: str) -> None:
    request, statuses = MALFORMED[name]
    with hardened.connect() as bystander, hardened.connect() as sock:
        bystander.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
        sock.sendall(request)
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
        assert re.match(rb"HTTP/1\.1 (\d+) ", answer), answer
        assert int(answer[9:12]) in statuses
        # One answer, and nothing that followed the bad request was taken as another one.
        assert answer.count(b"HTTP/1.1 ") == 1
        bystander.sendall(b"\r\n")
        assert bystander.recv(65536).endswith(b"Hello, world")


def test_headers_of_an_answer_cannot_be_injected(hardened: Server) -> None:
    with hardened.connect() as sock:
        sock.sendall(
            b"GET /%0d%0aX-Injected:%20yes HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"X-Injected" not in answer.partition(b"\r\n\r\n")[0]


def test_a_client_that_does_not_read_costs_little(server: Server) -> None:
    with server.connect() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 200 ")
        # It stops when the buffers on the way are full; meanwhile others are served.
        pieces = -1
        while pieces != (pieces := server.status()["pieces"]):
            time.sleep(0.1)
        assert pieces < 1000
    until(lambda: server.status()["left"] == 1)


@pytest.mark.parametrize(
    "request_start",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: a\r\n",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
@pytest.mark.parametrize("reset", [False, True])
def test_clients_that_vanish(server: Server, request_start: bytes, reset: bool) -> None:
    for _ in range(5):
        with server.connect() as sock:
            sock.sendall(request_start)
            if reset:
                # No orderly end: RST.
                linger = b"\1\0\0\0\0\0\0\0"
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    assert server.get("/") == (200, b"Hello, world")


def test_many_idle_connections(server: Server) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < ROOM:
        pytest.skip(f"no process may have {ROOM} descriptors here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, ROOM), hard))
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (max(soft, ROOM), hard))
    before = server.status()["descriptors"]
    idle: list[socket.socket] = []
    try:
        for _ in range(IDLE_CONNECTIONS):
            idle.append(server.connect())
        assert server.get("/") == (200, b"Hello, world")
        # Those that waited are served too.
        for sock in idle[::100]:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert sock.recv(65536).endswith(b"Hello, world")
        assert server.status()["descriptors"] >= before + IDLE_CONNECTIONS
    finally:
        for sock in idle:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_tools_are_there() -> None:
    assert [tool for tool in ("ab", "curl", "wrk") if shutil.which(tool) is None] == []
