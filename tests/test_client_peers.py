"""The clients with programs of other makers at the far end: nginx, Apache, tinyproxy, Squid."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from free_ports import free_port

from tornado.curl_httpclient import CurlAsyncHTTPClient
from tornado.httpclient import HTTPClient, HTTPClientError, HTTPResponse
from tornado.simple_httpclient import HTTPTimeoutError, SimpleAsyncHTTPClient

LIMIT = 20  # seconds
LARGE = bytes(range(256)) * 8192  # 2 MiB
TEXT = "".join(f"line {number}\n" for number in range(20_000))
USER, PASSWORD = "user", "pass word"

CONFIGURATIONS = {
    "nginx": """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
user root;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    types {{ text/plain txt; application/octet-stream bin; }}
    server {{
        listen 127.0.0.1:{port};
        listen 127.0.0.1:{tls_port} ssl;
        listen unix:{folder}/socket;
        ssl_certificate {folder}/server.pem;
        ssl_certificate_key {folder}/server.pem;
        root {folder}/files;
        keepalive_requests 5;
        if_modified_since before;
        location /zipped/ {{ alias {folder}/files/; gzip on; gzip_types text/plain; }}
        location /slow/ {{ alias {folder}/files/; limit_rate 1000; }}
        location /moved {{ return 301 /small.txt; }}
        location /small_only {{ client_max_body_size 1k; proxy_pass http://127.0.0.1:1; }}
        location /upload/ {{ alias {folder}/upload/; dav_methods PUT DELETE; client_max_body_size 0; }}
        location /secret/ {{
            alias {folder}/files/;
            auth_basic "secret";
            auth_basic_user_file {folder}/passwords;
        }}
        location /closing {{ keepalive_timeout 0; return 200 "bye"; }}
        location /hangup {{ return 444; }}
        location /echo_headers {{ return 200 "$http_host|$http_user_agent|$http_x_a"; }}
    }}
}}
""",
    "apache2": """
ServerRoot /usr
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
ErrorLog {folder}/error.log
User www-data
Group www-data
LoadModule mpm_event_module lib/apache2/modules/mod_mpm_event.so
LoadModule authn_core_module lib/apache2/modules/mod_authn_core.so
LoadModule authn_file_module lib/apache2/modules/mod_authn_file.so
LoadModule authz_core_module lib/apache2/modules/mod_authz_core.so
LoadModule authz_user_module lib/apache2/modules/mod_authz_user.so
LoadModule auth_digest_module lib/apache2/modules/mod_auth_digest.so
DocumentRoot {folder}/files
<Location />
    AuthType Digest
    AuthName "secret place"
    AuthUserFile {folder}/digests
    AuthDigestNonceLifetime 300
    Require valid-user
</Location>
""",
    "tinyproxy": """
Port {port}
Listen 127.0.0.1
Timeout 20
MaxClients 20
Allow 127.0.0.1
BasicAuth user password
LogFile "{folder}/tinyproxy.log"
""",
    "squid": """
http_port 127.0.0.1:{port}
pid_filename {folder}/squid.pid
access_log none
cache_log {folder}/cache.log
cache deny all
coredump_dir {folder}
shutdown_lifetime 0 seconds
auth_param digest program /usr/lib/squid/digest_file_auth -c {folder}/proxy_digests
auth_param digest realm squid
auth_param digest children 1
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
""",
}
COMMANDS = {
    "nginx": ("-p", "{folder}", "-c", "{folder}/configuration"),
    "apache2": ("-X", "-f", "{folder}/configuration"),
    "tinyproxy": ("-d", "-c", "{folder}/configuration"),
    "squid": ("-N", "-f", "{folder}/configuration"),
}


def until_it_listens(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + LIMIT
    while True:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), LIMIT):
            return
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.01)


class Peer:
    """A program that runs, and what it was told."""

    def __init__(self, name: str, folder: Path, **values: Any) -> None:
        # Programs of the system's administrator aren't in everybody's path.
        program = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
        assert program is not None, f"{name} isn't installed"
        self.folder = folder
        self.port = free_port()
        self.values = values = {"folder": folder, "port": self.port, **values}
        (folder / "configuration").write_text(CONFIGURATIONS[name].format(**values))
        arguments = [argument.format(**values) for argument in COMMANDS[name]]
        self.log = folder / "output"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [program, *arguments], stdout=output, stderr=subprocess.STDOUT
            )
        until_it_listens(self.port, self.process, self.log)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"https://localhost:{self.values['tls_port']}"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(LIMIT)


def digest_line(realm: str) -> str:
    secret = hashlib.md5(f"{USER}:{realm}:{PASSWORD}".encode()).hexdigest()
    return f"{USER}:{realm}:{secret}\n"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that the programs may read, whatever user they become."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        files = folder / "files"
        files.mkdir()
        (files / "small.txt").write_text("small")
        (files / "text.txt").write_text(TEXT)
        (files / "large.bin").write_bytes(LARGE)
        yield folder


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusted(authority: trustme.CA, folder: Path) -> str:
    path = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(scope="module")
def nginx(folder: Path, authority: trustme.CA) -> Iterator[Peer]:
    place = folder / "nginx"
    place.mkdir()
    (place / "upload").mkdir()
    (place / "files").symlink_to(folder / "files")
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(place / "server.pem"))
    (place / "passwords").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    peer = Peer("nginx", place, tls_port=free_port())
    yield peer
    peer.stop()


@pytest.fixture(scope="module")
def apache(folder: Path) -> Iterator[Peer]:
    place = folder / "apache"
    place.mkdir(mode=0o777)
    (place / "files").symlink_to(folder / "files")
    (place / "digests").write_text(digest_line("secret place"))
    peer = Peer("apache2", place)
    yield peer
    peer.stop()


@pytest.fixture(scope="module")
def tinyproxy(folder: Path) -> Iterator[Peer]:
    place = folder / "tinyproxy"
    place.mkdir()
    peer = Peer("tinyproxy", place)
    yield peer
    peer.stop()


@pytest.fixture(scope="module")
def squid(folder: Path) -> Iterator[Peer]:
    place = folder / "squid"
    place.mkdir()
    place.chmod(0o777)
    (place / "proxy_digests").write_text(digest_line("squid"))
    peer = Peer("squid", place)
    yield peer
    peer.stop()


class Client:
    """A simple client, or another, that shows that nothing is left when it has done its work."""

    def __init__(self, make: Any = SimpleAsyncHTTPClient, **options: Any) -> None:
        self.make = make
        self.options = options

    async def __aenter__(self) -> Any:
        self.client = self.make(force_instance=True, **self.options)
        return self.client

    async def __aexit__(self, *args: object) -> None:
        assert not self.client.active
        assert not self.client.queue
        self.client.close()
        if self.make is SimpleAsyncHTTPClient:
            assert len(self.client.pool) == 0


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(LIMIT):
            await coroutine

    asyncio.run(limited())


# nginx


def test_connections_are_kept_as_long_as_nginx_keeps_them(nginx: Peer) -> None:
    """It closes each after five requests."""

    async def main() -> None:
        async with Client() as client:
            for _ in range(12):
                assert (await client.fetch(f"{nginx.url}/small.txt")).body == b"small"
            assert client.connections_opened == 3
            assert len(client.pool) == 1

    run(main())


def test_many_at_once(nginx: Peer) -> None:
    async def main() -> None:
        async with Client(max_clients=8) as client:
            fetches = [client.fetch(f"{nginx.url}/large.bin") for _ in range(40)]
            assert all(response.body == LARGE for response in await asyncio.gather(*fetches))

    run(main())


def test_tls(nginx: Peer, trusted: str) -> None:
    async def main() -> None:
        async with Client() as client:
            for path, body in (("small.txt", b"small"), ("large.bin", LARGE)):
                response = await client.fetch(f"{nginx.tls_url}/{path}", ca_certs=trusted)
                assert response.body == body
            assert client.connections_opened == 1
            with pytest.raises(ssl.SSLCertVerificationError):
                await client.fetch(f"{nginx.tls_url}/small.txt")

    run(main())


def test_gzip_and_chunks(nginx: Peer) -> None:
    async def main() -> None:
        async with Client() as client:
            for _ in range(2):
                response = await client.fetch(f"{nginx.url}/zipped/text.txt")
                assert response.body == TEXT.encode()
                assert response.headers["X-Consumed-Content-Encoding"] == "gzip"
                assert response.headers["Transfer-Encoding"] == "chunked"
            assert client.connections_opened == 1
            plain = await client.fetch(f"{nginx.url}/zipped/text.txt", decompress_response=False)
            assert "X-Consumed-Content-Encoding" not in plain.headers
            assert plain.body == TEXT.encode()

    run(main())


def test_ranges_head_and_not_modified(nginx: Peer) -> None:
    async def main() -> None:
        async with Client() as client:
            url = f"{nginx.url}/large.bin"
            part = await client.fetch(url, headers={"Range": "bytes=256-511"})
            assert (part.code, part.body) == (206, bytes(range(256)))
            head = await client.fetch(url, method="HEAD")
            assert (head.body, head.headers["Content-Length"]) == (b"", str(len(LARGE)))
            again = await client.fetch(url, if_modified_since=time.time(), raise_error=False)
            assert (again.code, again.body) == (304, b"")
            assert client.connections_opened == 1

    run(main())


def test_redirects_and_errors(nginx: Peer) -> None:
    async def main() -> None:
        async with Client() as client:
            response = await client.fetch(f"{nginx.url}/moved")
            assert (response.effective_url, response.body) == (f"{nginx.url}/small.txt", b"small")
            with pytest.raises(HTTPClientError) as caught:
                await client.fetch(f"{nginx.url}/nowhere")
            assert caught.value.code == 404
            assert b"404 Not Found" in caught.value.response.body
            with pytest.raises(HTTPClientError, match="before the response"):
                await client.fetch(f"{nginx.url}/hangup")
            assert (await client.fetch(f"{nginx.url}/closing")).body == b"bye"

    run(main())


@pytest.mark.parametrize("expects", [False, True])
@pytest.mark.parametrize("produced", [False, True])
def test_uploads(nginx: Peer, expects: bool, produced: bool) -> None:
    async def produce(write: Any) -> None:
        for start in range(0, len(LARGE), 100_000):
            await write(LARGE[start : start + 100_000])

    async def main() -> None:
        async with Client() as client:
            url = f"{nginx.url}/upload/{expects}-{produced}.bin"
            body = {"body_producer": produce} if produced else {"body": LARGE}
            response = await client.fetch(url, method="PUT", expect_100_continue=expects, **body)
            assert response.code == 201
            stored = nginx.folder / "upload" / f"{expects}-{produced}.bin"
            assert stored.read_bytes() == LARGE
            response = await client.fetch(url, method="DELETE")
            assert response.code == 204
            assert not stored.exists()
            assert client.connections_opened == 1

    run(main())


@pytest.mark.parametrize("expects", [False, True])
def test_an_upload_that_nginx_refuses_early(nginx: Peer, expects: bool) -> None:
    async def main() -> None:
        async with Client() as client:
            response = await client.fetch(
                f"{nginx.url}/small_only",
                method="POST",
                body=LARGE * 10,
                expect_100_continue=expects,
                raise_error=False,
            )
            assert response.code == 413
            assert len(client.pool) == 0
            assert (await client.fetch(f"{nginx.url}/small.txt")).body == b"small"

    run(main())


def test_basic_authentication(nginx: Peer) -> None:
    async def main() -> None:
        async with Client() as client:
            url = f"{nginx.url}/secret/small.txt"
            credentials = {"auth_username": USER, "auth_password": PASSWORD}
            assert (await client.fetch(url, **credentials)).body == b"small"
            with pytest.raises(HTTPClientError, match="401"):
                await client.fetch(url, auth_username=USER, auth_password="wrong")
            inside = url.replace("http://", "http://user:pass%20word@")
            assert (await client.fetch(inside)).body == b"small"

    run(main())


def test_a_unix_socket(nginx: Peer) -> None:
    async def main() -> None:
        async with Client() as client:
            for _ in range(2):
                response = await client.fetch(
                    "http://some.name/echo_headers",
                    unix_socket=f"{nginx.folder}/socket",
                    user_agent="agent",
                    headers={"X-A": "b"},
                )
                assert response.body == b"some.name|agent|b"
            assert client.connections_opened == 1

    run(main())


def test_a_body_that_drips_is_given_up(nginx: Peer) -> None:
    async def main() -> None:
        async with Client() as client:
            with pytest.raises(HTTPTimeoutError, match="receiving"):
                await client.fetch(f"{nginx.url}/slow/large.bin", request_timeout=0.5)

    run(main())


def test_a_body_is_streamed(nginx: Peer, trusted: str) -> None:
    async def main() -> None:
        async with Client() as client:
            for url in (nginx.url, nginx.tls_url):
                async with client.stream(f"{url}/large.bin", ca_certs=trusted) as response:
                    assert response.headers["Content-Length"] == str(len(LARGE))
                    assert b"".join([chunk async for chunk in response]) == LARGE
                assert len(client.pool) == 1
                async with client.stream(f"{url}/slow/large.bin", ca_certs=trusted) as response:
                    assert await anext(response)
                assert len(client.pool) == 0

    run(main())


def test_the_curl_client_streams_too(nginx: Peer) -> None:
    async def main() -> None:
        from tornado.curl_httpclient import CurlAsyncHTTPClient

        client = CurlAsyncHTTPClient(force_instance=True)
        async with client.stream(f"{nginx.url}/large.bin") as response:
            assert response.code == 200
            assert b"".join([chunk async for chunk in response]) == LARGE
        async with client.stream(f"{nginx.url}/slow/large.bin") as response:
            assert await anext(response)
        client.close()

    run(main())


def test_the_blocking_client(nginx: Peer) -> None:
    with HTTPClient() as client:
        for _ in range(3):
            response: HTTPResponse = client.fetch(f"{nginx.url}/small.txt")
            assert response.body == b"small"


# Apache's mod_auth_digest


def test_digest_authentication(apache: Peer) -> None:
    async def main() -> None:
        async with Client() as client:
            arguments = {"auth_username": USER, "auth_password": PASSWORD, "auth_mode": "digest"}
            url = f"{apache.url}/small.txt"
            for query in ("", "?a=b", "?\xe9"):
                assert (await client.fetch(url + query, **arguments)).body == b"small"
            assert client.connections_opened == 1
            for wrong in ({"auth_password": "x"}, {"auth_username": "x"}):
                with pytest.raises(HTTPClientError, match="401"):
                    await client.fetch(url, **{**arguments, **wrong})
            with pytest.raises(HTTPClientError, match="401"):
                await client.fetch(url)

    run(main())


# Proxies


def test_plain_requests_through_tinyproxy(tinyproxy: Peer, nginx: Peer) -> None:
    async def main() -> None:
        async with Client() as client:
            way: dict[str, Any] = {"proxy_host": "127.0.0.1", "proxy_port": tinyproxy.port}
            url = f"{nginx.url}/small.txt"
            with pytest.raises(HTTPClientError, match="407"):
                await client.fetch(url, **way)
            way.update(proxy_username="user", proxy_password="password")
            for _ in range(2):
                response = await client.fetch(url, **way)
                assert response.body == b"small"
                assert "tinyproxy" in response.headers["Via"]

    run(main())


def test_tunnels_through_tinyproxy(tinyproxy: Peer, nginx: Peer, trusted: str) -> None:
    async def main() -> None:
        async with Client() as client:
            way: dict[str, Any] = {
                "proxy_host": "127.0.0.1",
                "proxy_port": tinyproxy.port,
                "ca_certs": trusted,
            }
            url = f"{nginx.tls_url}/large.bin"
            with pytest.raises(HTTPClientError, match="407"):
                await client.fetch(url, **way)
            before = client.connections_opened
            way.update(proxy_username="user", proxy_password="password")
            for _ in range(2):
                assert (await client.fetch(url, **way)).body == LARGE
            assert client.connections_opened == before + 1
            with pytest.raises(HTTPClientError, match="doesn't connect"):
                await client.fetch("https://127.0.0.1:1/", **way)

    run(main())


BOTH = pytest.mark.parametrize("make", [SimpleAsyncHTTPClient, CurlAsyncHTTPClient])


@BOTH
def test_chc_2_3_4_squid_with_digest_authentication(
    squid: Peer, nginx: Peer, trusted: str, make: Any
) -> None:
    async def main() -> None:
        async with Client(make) as client:
            way: dict[str, Any] = {
                "proxy_host": "127.0.0.1",
                "proxy_port": squid.port,
                "proxy_username": USER,
                "proxy_password": PASSWORD,
                "proxy_auth_mode": "digest",
                "ca_certs": trusted,
            }
            for _ in range(3):
                response = await client.fetch(f"{nginx.url}/small.txt", **way)
                assert response.body == b"small"
                assert "squid" in response.headers["Via"]
            if make is SimpleAsyncHTTPClient:
                assert client.connections_opened == 1
            for _ in range(2):
                response = await client.fetch(f"{nginx.tls_url}/small.txt", **way)
                assert response.body == b"small"
                assert "Via" not in response.headers
            # Without the proxy, in between.
            response = await client.fetch(f"{nginx.url}/small.txt")
            assert (response.body, "Via" in response.headers) == (b"small", False)
            way["proxy_password"] = "wrong"
            for url in (nginx.url, nginx.tls_url):
                with pytest.raises(HTTPClientError, match="407"):
                    await client.fetch(f"{url}/small.txt", **way)

    run(main())


@BOTH
@pytest.mark.parametrize("secure", [False, True])
def test_bodies_go_through_squid_after_its_challenge(
    squid: Peer, nginx: Peer, trusted: str, make: Any, secure: bool
) -> None:
    """The first of them is asked for credentials, and has to be sent again."""

    async def main() -> None:
        async with Client(make) as client:
            way: dict[str, Any] = {
                "proxy_host": "127.0.0.1",
                "proxy_port": squid.port,
                "proxy_username": USER,
                "proxy_password": PASSWORD,
                "proxy_auth_mode": "digest",
                "ca_certs": trusted,
            }
            url = f"{nginx.tls_url if secure else nginx.url}/upload/squid.bin"
            for body in (LARGE, LARGE[::-1], b""):
                response = await client.fetch(url, method="PUT", body=body, **way)
                assert response.code in (201, 204)
                copy = await client.fetch(url, **way)
                assert copy.body == body
            await client.fetch(url, method="DELETE", **way)

    run(main())


@BOTH
def test_many_at_once_through_squid(squid: Peer, nginx: Peer, trusted: str, make: Any) -> None:
    async def main() -> None:
        async with Client(make, max_clients=8) as client:
            way: dict[str, Any] = {
                "proxy_host": "127.0.0.1",
                "proxy_port": squid.port,
                "proxy_username": USER,
                "proxy_password": PASSWORD,
                "proxy_auth_mode": "digest",
                "ca_certs": trusted,
            }
            urls = (f"{nginx.url}/large.bin", f"{nginx.tls_url}/large.bin")
            fetches = [client.fetch(url, **way) for url in urls for _ in range(8)]
            assert all(response.body == LARGE for response in await asyncio.gather(*fetches))
            # What it can't reach it says.
            with pytest.raises(HTTPClientError, match="503"):
                await client.fetch("http://127.0.0.1:1/", **way)
            with pytest.raises(HTTPClientError, match="503"):
                await client.fetch("https://127.0.0.1:1/", **way)

    run(main())


# The command line


def test_the_command_fetches_from_nginx(nginx: Peer, trusted: str) -> None:
    import sys
    import tomllib

    # What the installed script calls.
    project = Path(__file__).parent.parent / "packages/tornado-http/pyproject.toml"
    scripts = tomllib.loads(project.read_text("utf-8"))["project"]["scripts"]
    module, _, function = scripts["tornado-fetch"].partition(":")
    program = f"import sys; from {module} import {function}; sys.exit({function}())"
    urls = [f"{nginx.url}/large.bin", f"{nginx.url}/zipped/text.txt", f"{nginx.url}/small.txt"]
    for command in (["-c", program], ["-m", "tornado.httpclient"]):
        done = subprocess.run(
            [sys.executable, "-W", "error", *command, *urls], capture_output=True, timeout=LIMIT
        )
        assert done.stdout == LARGE + TEXT.encode() + b"small"
        assert (done.stderr, done.returncode) == (b"", 0)
