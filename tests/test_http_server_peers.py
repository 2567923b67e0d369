"""The server asked by curl in many ways, by aiohttp and by httpx."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import shutil
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import trustme
from http_serving import PIECE, run, run_program, served

BODY = bytes(range(256)) * 1000
DIGEST = hashlib.sha256(BODY).hexdigest()


async def curl(*arguments: str, stdin: bytes | None = None) -> bytes:
    """Run curl; it has to succeed and to complain about nothing."""
    output, errors, status = await run_program(
        "curl", "-sS", "--noproxy", "*", "--max-time", "30", *arguments, stdin=stdin
    )
    assert (errors, status) == (b"", 0)
    return output


def parts(output: bytes) -> tuple[str, dict[str, str], bytes]:
    """Take the output of ``curl -i`` apart."""
    head, _, body = output.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    pairs = [field.split(": ", 1) for field in fields]
    return line, {name.lower(): value for name, value in pairs}, body


def test_curl_is_there() -> None:
    assert shutil.which("curl")


def test_curl_http_1_0() -> None:
    async def main() -> None:
        async with served() as server:
            line, fields, body = parts(await curl("-i", "--http1.0", server.url + "/old?a=b"))
            assert line == "HTTP/1.1 200 OK"
            assert fields["connection"] == "close"
            assert "transfer-encoding" not in fields
            told = json.loads(body)
            assert (told["version"], told["uri"]) == ("HTTP/1.0", "/old?a=b")
            # Without a length the end of the connection is the end of the body.
            line, fields, body = parts(await curl("-i", "--http1.0", server.url + "/drip/3"))
            assert "content-length" not in fields
            assert body == 3 * PIECE

    run(main())


@pytest.mark.parametrize("path", ["/tell", "/take"])
@pytest.mark.parametrize(
    "options",
    [
        ["-T", "-"],  # chunked, because its size isn't known
        ["-T", "FILE"],
        ["-X", "PUT", "--data-binary", "@FILE", "-H", "Content-Type: a/b"],
        ["-T", "FILE", "-H", "Expect: 100-continue"],
        ["-T", "FILE", "-H", "Expect:"],
        ["-T", "FILE", "-H", "Transfer-Encoding: chunked"],
        ["-T", "FILE", "--http1.0", "-H", "Expect:"],
        ["-T", "FILE", "--limit-rate", "4M"],
    ],
    ids=" ".join,
)
def test_curl_uploads(tmp_path: Path, path: str, options: list[str]) -> None:
    file = tmp_path / "file"
    file.write_bytes(BODY)
    arguments = [option.replace("FILE", str(file)) for option in options]

    async def main() -> None:
        async with served() as server:
            stdin = BODY if "-" in options else None
            told = json.loads(await curl(*arguments, server.url + path, stdin=stdin))
            assert (told["size"], told["digest"]) == (len(BODY), DIGEST)

    run(main())


def test_curl_is_asked_for_its_body_and_may_be_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(BODY)

    async def main() -> None:
        async with served(max_body_size=100_000) as server:
            expect = ["-i", "-T", str(file), "-H", "Expect: 100-continue"]
            # Too large, which is known from the head: it isn't even asked for.
            line, _, _ = parts(await curl(*expect, server.url + "/tell"))
            assert line.startswith("HTTP/1.1 413 ")
            file.write_bytes(BODY[:1000])
            line, _, _ = parts(await curl(*expect, server.url + "/tell"))
            assert line == "HTTP/1.1 100 Continue"

    run(main())


def test_curl_forms(tmp_path: Path) -> None:
    file = tmp_path / "f.bin"
    file.write_bytes(BODY)

    async def main() -> None:
        async with served() as server:
            url = server.url + "/form?a=1"
            told = json.loads(await curl("-d", "a=2", "--data-urlencode", "b=\xe4 &=", url))
            assert told["arguments"] == {"a": ["1", "2"], "b": ["\xe4 &="]}
            odd = "n 'q' \xe4.bin"
            form = ["-F", f"up=@{file};filename={odd}", "-F", "c=d"]
            told = json.loads(await curl(*form, url))
            assert told["arguments"] == {"a": ["1"], "c": ["d"]}
            assert told["files"] == {"up": [[odd, len(BODY)]]}

    run(main())


def test_curl_head_ranges_conditions_and_compression(tmp_path: Path) -> None:
    text = b"some text " * 1000
    (tmp_path / "a.txt").write_bytes(text)

    async def main() -> None:
        async with served(tmp_path) as server:
            url = server.url + "/files/a.txt"
            line, fields, body = parts(await curl("-I", url))
            assert (line, body) == ("HTTP/1.1 200 OK", b"")
            assert fields["content-length"] == str(len(text))
            line, ranged, body = parts(await curl("-i", "-r", "5-13", url))
            assert (line, body) == ("HTTP/1.1 206 Partial Content", text[5:14])
            assert ranged["content-range"] == f"bytes 5-13/{len(text)}"
            assert (await curl("-r", "-4", url)) == text[-4:]
            line, _, _ = parts(await curl("-i", "-r", "20000-", url))
            assert line.startswith("HTTP/1.1 416 ")
            line, _, body = parts(await curl("-i", "-H", f"If-None-Match: {fields['etag']}", url))
            assert (line, body) == ("HTTP/1.1 304 Not Modified", b"")
            # It goes on with what it has.
            part = tmp_path / "part"
            part.write_bytes(text[:3000])
            await curl("-C", "-", "-o", str(part), url)
            assert part.read_bytes() == text
            line, fields, body = parts(await curl("-i", "--compressed", url))
            assert fields["content-encoding"] == "gzip"
            assert body == text
            line, fields, body = parts(await curl("-i", "-H", "Accept-Encoding: gzip", url))
            assert gzip.decompress(body) == text

    run(main())


def test_curl_keeps_its_connection() -> None:
    async def main() -> None:
        async with served() as server:
            urls = [f"{server.url}/{number}" for number in range(10)]
            output = await curl("-w", "\n", *urls)
            told = [json.loads(line) for line in output.splitlines()]
            assert [one["uri"] for one in told] == [f"/{number}" for number in range(10)]
            assert {one["connection"] for one in told} == {0}
            # Also after a HEAD, an upload, an error and an answer in chunks.
            mixed = [
                *("-I", urls[0], "--next"),
                *("-d", "x", urls[1], "--next"),
                *(server.url + "/drip/2", "--next"),
                *(server.url + "/files/none", "--next"),
            ]
            output = await curl(*mixed, urls[9])
            assert json.loads(output[output.rindex(b'{"method"') :])["connection"] == 1

    run(main())


def test_curl_parallel() -> None:
    async def main() -> None:
        async with served() as server:
            url = server.url + "/[1-60]"
            options = ["-Z", "--parallel-max", "20", "--no-progress-meter", "-w", "\n"]
            output, _, status = await run_program("curl", *options, url)
            assert status == 0
            # The line ends come when they like.
            output = output.replace(b"\n", b"").replace(b"}{", b"}\n{")
            told = [json.loads(line) for line in output.splitlines() if line]
            assert sorted(int(one["uri"][1:]) for one in told) == list(range(1, 61))

    run(main())


def test_curl_other_methods_and_targets() -> None:
    async def main() -> None:
        async with served() as server:
            for method in ("DELETE", "PATCH", "OPTIONS"):
                told = json.loads(await curl("-X", method, server.url))
                assert told["method"] == method
            told = json.loads(
                await curl("-X", "OPTIONS", "--request-target", "http://other:81/a?b", server.url)
            )
            assert (told["host"], told["uri"]) == ("other:81", "http://other:81/a?b")
            told = json.loads(await curl("--path-as-is", server.url + "//a/../b"))
            assert told["uri"] == "//a/../b"
            told = json.loads(await curl("-H", "A: 1", "-H", "A: 2", "-H", "Empty;", server.url))
            assert told["headers"]["a"] == "1,2"
            assert told["headers"]["empty"] == ""
            line, _, _ = parts(await curl("-i", "-X", "BREW", server.url))
            assert line.startswith("HTTP/1.1 405 ")
            # No connection is kept for a proxy's request, which we aren't.
            line, _, _ = parts(
                await curl("-i", "-X", "CONNECT", "--request-target", "a", server.url)
            )
            assert line.startswith("HTTP/1.1 400 ")

    run(main())


def test_curl_answers_that_come_early_or_end_early(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(BODY * 10)

    async def main() -> None:
        async with served() as server:
            output, errors, _ = await run_program(
                "curl", "-sS", "-i", "-H", "Expect:", "-T", str(file), server.url + "/refuse"
            )
            assert output.startswith(b"HTTP/1.1 403 "), errors
            output, errors, status = await run_program("curl", "-sS", server.url + "/break")
            assert (output, status) == (b"only this", 18)  # partial file

    run(main())


def test_curl_leaves() -> None:
    async def main() -> None:
        async with served() as server:
            process = await asyncio.create_subprocess_exec(
                "curl", "-sSN", server.url + "/drip/100000", stdout=asyncio.subprocess.PIPE
            )
            assert process.stdout is not None
            await process.stdout.readexactly(len(PIECE))
            process.kill()
            await process.communicate()
            await server.left.wait()

    run(main())


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def pems(authority: trustme.CA, tmp_path: Path) -> dict[str, str]:
    """Files for both sides."""
    names = {}
    for name, certificate in (
        ("server", authority.issue_cert("127.0.0.1")),
        ("client", authority.issue_cert("client@example.org", common_name="a client")),
    ):
        for kind, blob in (
            ("cert", certificate.cert_chain_pems[0]),
            ("key", certificate.private_key_pem),
        ):
            names[f"{name}_{kind}"] = str(tmp_path / f"{name}_{kind}.pem")
            blob.write_to_path(names[f"{name}_{kind}"])
    names["ca"] = str(tmp_path / "ca.pem")
    authority.cert_pem.write_to_path(names["ca"])
    return names


@pytest.mark.parametrize("required", [False, True])
def test_srv_18_24_curl_with_a_certificate(pems: dict[str, str], required: bool) -> None:
    options = {
        "certfile": pems["server_cert"],
        "keyfile": pems["server_key"],
        "ca_certs": pems["ca"],
        "cert_reqs": ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL,
    }
    own = ["--cert", pems["client_cert"], "--key", pems["client_key"]]

    async def main() -> None:
        async with served(ssl_options=options) as server:
            command = ["--cacert", pems["ca"], server.url + "/a", server.url + "/b", "-w", "\n"]
            output = await curl(*own, *command)
            for told in map(json.loads, output.splitlines()):
                assert told["protocol"] == "https"
                assert [["commonName", "a client"]] in told["certificate"]
                assert told["connection"] == 0
            output, errors, status = await run_program("curl", "-sS", *command)
            if required:
                assert status, output
                assert errors
            else:
                assert json.loads(output.splitlines()[0])["certificate"] is None

    run(main())


def test_curl_tls_versions_and_uploads(pems: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(BODY)
    options = {"certfile": pems["server_cert"], "keyfile": pems["server_key"]}

    async def main() -> None:
        async with served(ssl_options=options) as server:
            for limits in (["--tls-max", "1.2"], ["--tlsv1.3"]):
                told = json.loads(
                    await curl(
                        "--cacert", pems["ca"], *limits, "-T", str(file), server.url + "/take"
                    )
                )
                assert told["digest"] == DIGEST
            body = await curl("--cacert", pems["ca"], server.url + "/drip/40")
            assert body == 40 * PIECE
            _, _, status = await run_program(
                "curl", "-sS", "--cacert", pems["ca"], "--tls-max", "1.1", server.url
            )
            assert status == 35  # no handshake

    run(main())


# aiohttp


async def pieces() -> Any:
    for start in range(0, len(BODY), 10_000):
        yield BODY[start : start + 10_000]
        await asyncio.sleep(0)


def test_aiohttp() -> None:
    async def main() -> None:
        async with served() as server, aiohttp.ClientSession(server.url) as session:
            for number in range(5):
                async with session.get(f"/{number}", params={"a": "\xe4 b"}) as response:
                    told = await response.json()
                    assert told["arguments"] == {"a": ["\xe4 b"]}
                    assert told["connection"] == 0
            async with session.put("/take", data=pieces()) as response:
                assert (await response.json())["digest"] == DIGEST
            async with session.post("/tell", data=BODY, expect100=True) as response:
                assert (await response.json())["digest"] == DIGEST
            form = aiohttp.FormData({"a": "b"})
            form.add_field("f", BODY, filename="a.bin")
            async with session.post("/tell", data=form) as response:
                told = await response.json()
                assert told["files"] == {"f": [["a.bin", len(BODY)]]}
            async with session.get("/drip/20") as response:
                size = 0
                async for chunk in response.content.iter_any():
                    size += len(chunk)
                assert size == 20 * len(PIECE)
            async with session.head("/") as response:
                assert int(response.headers["Content-Length"]) > 0
            with pytest.raises(aiohttp.ClientPayloadError):
                async with session.get("/break") as response:
                    await response.read()

    run(main())


def test_aiohttp_many_at_once() -> None:
    async def main() -> None:
        async with served() as server, aiohttp.ClientSession(server.url) as session:

            async def ask(number: int) -> int:
                async with session.post(f"/{number}", data=b"x" * number) as response:
                    told = await response.json()
                    assert told["uri"] == f"/{number}"
                    found: int = told["size"]
                    return found

            sizes = await asyncio.gather(*map(ask, range(300)))
            assert sizes == list(range(300))

    run(main())


def test_aiohttp_leaves_in_the_middle() -> None:
    async def main() -> None:
        async with served() as server, aiohttp.ClientSession(server.url) as session:
            async with session.get("/drip/100000") as response:
                await response.content.readexactly(100)
                response.close()
            await server.left.wait()

    run(main())


# httpx


def test_httpx() -> None:
    async def main() -> None:
        async with served() as server, httpx.AsyncClient(base_url=server.url) as client:
            for number in range(5):
                told = (await client.get(f"/{number}", params={"a": "\xe4 b"})).json()
                assert told["arguments"] == {"a": ["\xe4 b"]}
                assert told["connection"] == 0
            assert (await client.put("/take", content=pieces())).json()["digest"] == DIGEST
            files = {"f": ("\xe4.bin", BODY)}
            told = (await client.post("/tell", data={"a": "b"}, files=files)).json()
            assert told["files"] == {"f": [["\xe4.bin", len(BODY)]]}
            assert told["arguments"] == {"a": ["b"]}
            async with client.stream("GET", "/drip/20") as response:
                size = 0
                async for chunk in response.aiter_bytes():
                    size += len(chunk)
                assert size == 20 * len(PIECE)
            head = await client.head("/")
            assert int(head.headers["Content-Length"]) > 0
            assert head.content == b""
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get("/break")

    run(main())


def test_httpx_over_a_unix_socket(tmp_path: Path) -> None:
    """SRV-33, SRV-34: there is no address of a peer then, and something like one is told."""
    from tornado.netutil import bind_unix_socket

    async def main() -> None:
        async with served() as server:
            path = str(tmp_path / "socket")
            server.server.add_socket(bind_unix_socket(path))
            transport = httpx.AsyncHTTPTransport(uds=path)
            async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
                told = (await client.get("/x")).json()
                assert (told["remote_ip"], told["host"]) == ("0.0.0.0", "a")

    run(main())
