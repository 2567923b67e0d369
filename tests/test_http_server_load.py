"""The server under the load of ab and wrk, and asked by Python's own client."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import re
import shutil
import ssl
from pathlib import Path

import pytest
import trustme
from http_serving import run, run_program, served


def test_the_programs_are_there() -> None:
    assert shutil.which("ab")
    assert shutil.which("wrk")


async def load(program: str, *arguments: str) -> str:
    output, errors, status = await run_program(program, *arguments)
    assert status == 0, errors
    return output.decode()


def number(report: str, label: str) -> int:
    found = re.search(rf"{label}:\s+(\d+)", report)
    return int(found[1]) if found else 0


@pytest.mark.parametrize("keep", [[], ["-k"]], ids=["closing", "kept"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_ab_speaks_http_1_0(tmp_path: Path, keep: list[str], tls: bool) -> None:
    sent = tmp_path / "sent"
    sent.write_bytes(b"x" * 100_000)
    pem = tmp_path / "pem"
    certificate = trustme.CA().issue_cert("127.0.0.1")
    pem.write_bytes(certificate.private_key_pem.bytes() + certificate.cert_chain_pems[0].bytes())

    async def main() -> None:
        options = {"ssl_options": {"certfile": str(pem)}} if tls else {}
        async with served(**options) as server:
            root = f"http{'s' if tls else ''}://127.0.0.1:{server.port}"
            report = await load("ab", "-q", *keep, "-l", "-n", "300", "-c", "10", f"{root}/")
            assert number(report, "Complete requests") == 300
            assert number(report, "Failed requests") == 0
            assert number(report, "Non-2xx responses") == 0
            assert number(report, "Keep-Alive requests") == (300 if keep else 0)
            upload = ["-p", str(sent), "-T", "application/octet-stream"]
            report = await load("ab", "-q", *keep, *upload, "-l", "-n", "50", "-c", "5", f"{root}/")
            assert number(report, "Complete requests") == 50
            assert number(report, "Failed requests") == 0
            digests = {hashlib.sha256(request.body).digest() for request in server.seen[300:]}
            assert digests == {hashlib.sha256(sent.read_bytes()).digest()}

    run(main())


def test_wrk_speaks_http_1_1() -> None:
    async def main() -> None:
        async with served() as server:
            url = f"http://127.0.0.1:{server.port}/"
            report = await load("wrk", "-d", "1s", "-t", "2", "-c", "20", url)
            assert "Non-2xx" not in report
            assert "Socket errors" not in report
            assert len({id(request.connection) for request in server.seen[-1000:]}) <= 20
            assert {request.version for request in server.seen} == {"HTTP/1.1"}

    run(main())


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_pythons_own_client(tmp_path: Path, tls: bool) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    body = bytes(range(256)) * 2000

    def talk(port: int) -> None:
        connection: http.client.HTTPConnection
        if tls:
            trusting = ssl.create_default_context()
            authority.configure_trust(trusting)
            connection = http.client.HTTPSConnection("127.0.0.1", port, context=trusting)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", port)
        pieces = [body[i : i + 7000] for i in range(0, len(body), 7000)]
        numbers = set()
        for sent, chunked in ((body, False), (iter(pieces), True), (b"", False)):
            connection.request("POST", "/?a=b", sent, encode_chunked=chunked)
            answer = connection.getresponse()
            told = json.loads(answer.read())
            assert (answer.status, answer.version) == (200, 11)
            if sent:
                assert told["digest"] == hashlib.sha256(body).hexdigest()
            assert ("transfer-encoding" in told["headers"]) is chunked
            numbers.add(told["connection"])
        connection.request("HEAD", "/")
        assert connection.getresponse().read() == b""
        connection.request("GET", "/drip/100")
        answer = connection.getresponse()
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert len(answer.read()) == 100 * 65536
        connection.request("PUT", "/refuse", body)
        assert connection.getresponse().status == 403
        connection.close()
        assert len(numbers) == 1

    async def main() -> None:
        async with served(ssl_options=context if tls else None) as server:
            await asyncio.to_thread(talk, server.port)

    run(main())
