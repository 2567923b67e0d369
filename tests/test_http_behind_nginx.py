"""nginx in front of the server: connections that are kept, TLS on either side, and what it tells of
its clients."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.client
import json
import os
import pwd
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from free_ports import free_port
from http_serving import PIECE, Served, run, served

BODY = bytes(range(256)) * 20_000  # more than nginx keeps in memory
DIGEST = hashlib.sha256(BODY).hexdigest()
NAME = "secure.example"  # nginx knows no addresses in certificates
ANOTHER = "127.0.0.2"  # an address of this machine to ask from

CONFIGURATION = """
user {user};
worker_processes 1;
error_log {folder}/error.log info;
pid {folder}/nginx.pid;
daemon off;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_max_body_size 100m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream app {{ server 127.0.0.1:{app}; keepalive 8; }}
    upstream secure {{ server 127.0.0.1:{secure}; keepalive 8; }}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    server {{
        listen 127.0.0.1:{plain};
        listen 127.0.0.1:{tls} ssl;
        ssl_certificate {folder}/front.pem;
        ssl_certificate_key {folder}/front.key;
        location / {{
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Real-Ip $remote_addr;
            proxy_set_header X-Scheme $scheme;
            proxy_pass http://app;
        }}
        location /forwarded/ {{
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_pass http://app;
        }}
        location /twice/ {{
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_pass http://127.0.0.1:{plain}/forwarded/;
        }}
        location /unbuffered/ {{
            proxy_request_buffering off;
            proxy_buffering off;
            proxy_pass http://app/;
        }}
        location /old/ {{
            proxy_http_version 1.0;
            proxy_set_header Connection "close";
            proxy_pass http://app/;
        }}
        location /secure/ {{
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate {folder}/ca.pem;
            proxy_ssl_name {name};
            proxy_ssl_protocols TLSv1.2 TLSv1.3;
            proxy_pass https://secure/;
        }}
    }}
}}
"""


def test_nginx_is_there() -> None:
    assert shutil.which("nginx")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def folder(authority: trustme.CA, tmp_path: Path) -> Iterator[Path]:
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "front.pem"))
    certificate.private_key_pem.write_to_path(str(tmp_path / "front.key"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    yield tmp_path
    # nginx complains of answers that it can't make sense of.
    log = (tmp_path / "error.log").read_text()
    assert "invalid header" not in log
    assert "upstream sent" not in log


class Front:
    """nginx and the two servers behind it."""

    def __init__(self, folder: Path, authority: trustme.CA, app: Served, secure: Served) -> None:
        self.app, self.secure = app, secure
        self.plain, self.tls = free_port(), free_port()
        self.context = ssl.create_default_context()
        authority.configure_trust(self.context)
        user = pwd.getpwuid(os.getuid()).pw_name
        ports = {"app": app.port, "secure": secure.port, "plain": self.plain, "tls": self.tls}
        (folder / "nginx.conf").write_text(
            CONFIGURATION.format(folder=folder, user=user, name=NAME, **ports)
        )

    def connect(self, source: str = "127.0.0.1", tls: bool = False) -> http.client.HTTPConnection:
        address = (source, 0)
        if tls:
            return http.client.HTTPSConnection(
                "127.0.0.1", self.tls, timeout=30, source_address=address, context=self.context
            )
        return http.client.HTTPConnection(
            "127.0.0.1", self.plain, timeout=30, source_address=address
        )

    async def ask(
        self, path: str, method: str = "GET", body: Any = None, tls: bool = False, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Ask from another address than nginx does."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}

        def exchange() -> tuple[http.client.HTTPResponse, bytes]:
            connection = self.connect(ANOTHER, tls)
            try:
                chunked = "Transfer-Encoding" in fields
                connection.request(method, path, body, fields, encode_chunked=chunked)
                response = connection.getresponse()
                return response, response.read()
            finally:
                connection.close()

        return await asyncio.to_thread(exchange)

    async def told(self, path: str, **arguments: Any) -> dict[str, Any]:
        response, body = await self.ask(path, **arguments)
        assert response.status == 200, body
        found: dict[str, Any] = json.loads(body)
        return found


@contextlib.asynccontextmanager
async def fronted(folder: Path, authority: trustme.CA, **options: Any) -> AsyncIterator[Front]:
    """Run nginx before servers."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(NAME).configure_cert(context)
    files = folder / "files"
    files.mkdir()
    (files / "big").write_bytes(BODY)
    async with (
        served(files, **options) as app,
        served(files, ssl_options=context, **options) as secure,
    ):
        front = Front(folder, authority, app, secure)
        process = await asyncio.create_subprocess_exec(
            "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"),
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            while process.returncode is None and not await asyncio.to_thread(_listens, front.tls):
                pass
            yield front
        finally:
            process.terminate()
            _, errors = await process.communicate()
    assert b"[emerg]" not in errors


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_connections_to_the_server_are_kept(folder: Path, authority: trustme.CA) -> None:
    async def main() -> None:
        async with fronted(folder, authority) as front:
            for number in range(20):
                told = await front.told(f"/{number}")
                assert (told["uri"], told["version"]) == (f"/{number}", "HTTP/1.1")
                assert told["connection"] == 0
            for method, path in (
                ("HEAD", "/a"),
                ("GET", "/files/none"),
                ("GET", "/drip/3"),
                ("PUT", "/take"),
            ):
                await front.ask(path, method, b"x" if method == "PUT" else None)
            assert (await front.told("/last"))["connection"] == 0
            many = [front.told(f"/{number}") for number in range(30)]
            assert {told["uri"] for told in await asyncio.gather(*many)} == {
                f"/{number}" for number in range(30)
            }

    run(main())


@pytest.mark.parametrize("path", ["/", "/unbuffered/", "/secure/", "/old/"])
def test_bodies_both_ways(folder: Path, authority: trustme.CA, path: str) -> None:
    async def main() -> None:
        async with fronted(folder, authority) as front:
            told = await front.told(path + "tell", method="POST", body=BODY)
            assert told["digest"] == DIGEST
            chunks = [BODY[start : start + 100_000] for start in range(0, len(BODY), 100_000)]
            told = await front.told(
                path + "take", method="PUT", body=iter(chunks), Transfer_Encoding="chunked"
            )
            assert told["digest"] == DIGEST
            _, body = await front.ask(path + "drip/50")
            assert body == 50 * PIECE
            response, body = await front.ask(path + "files/big")
            assert hashlib.sha256(body).hexdigest() == DIGEST
            assert response.headers["Content-Length"] == str(len(BODY))

    run(main())


def test_chunked_uploads_reach_the_server_as_they_are(folder: Path, authority: trustme.CA) -> None:
    async def main() -> None:
        async with fronted(folder, authority) as front:
            chunked = {"method": "PUT", "Transfer_Encoding": "chunked"}
            # More than nginx has read by the time it asks the server.
            told = await front.told("/unbuffered/t", body=iter([PIECE] * 30), **chunked)
            assert told["headers"]["transfer-encoding"] == "chunked"
            assert told["size"] == 30 * len(PIECE)
            # Otherwise nginx waits for all of it and tells its length.
            told = await front.told("/t", body=iter([b"ab", b"c"]), **chunked)
            assert told["headers"]["content-length"] == "3"

    run(main())


def test_methods_and_conditions(folder: Path, authority: trustme.CA) -> None:
    async def main() -> None:
        async with fronted(folder, authority) as front:
            response, body = await front.ask("/files/big", "HEAD")
            assert (response.status, body) == (200, b"")
            assert response.headers["Content-Length"] == str(len(BODY))
            etag = response.headers["Etag"]
            response, body = await front.ask("/files/big", If_None_Match=etag)
            assert (response.status, body) == (304, b"")
            response, body = await front.ask("/files/big", Range="bytes=10-19")
            assert (response.status, body) == (206, BODY[10:20])
            response, _ = await front.ask("/drip/1", Accept_Encoding="gzip")
            assert response.headers["Content-Encoding"] == "gzip"
            for method in ("DELETE", "PATCH", "OPTIONS"):
                assert (await front.told("/m", method=method))["method"] == method

    run(main())


def test_srv_20_21_what_nginx_says_of_its_clients(folder: Path, authority: trustme.CA) -> None:
    async def main() -> None:
        async with fronted(folder, authority, xheaders=True) as front:
            for path in ("/real", "/forwarded/for"):
                told = await front.told(path)
                assert (told["remote_ip"], told["protocol"]) == (ANOTHER, "http")
                told = await front.told(path, tls=True)
                assert (told["remote_ip"], told["protocol"]) == (ANOTHER, "https")
            # The client's own words come before those of nginx.
            told = await front.told("/forwarded/for", X_Forwarded_For="9.9.9.9")
            assert told["remote_ip"] == ANOTHER
            told = await front.told("/real", X_Real_Ip="9.9.9.9", X_Scheme="https")
            assert (told["remote_ip"], told["protocol"]) == (ANOTHER, "http")

    run(main())


def test_trusted_downstream_passes_over_proxies(folder: Path, authority: trustme.CA) -> None:
    async def main() -> None:
        async with fronted(folder, authority, xheaders=True) as front:
            told = await front.told("/twice/x", X_Forwarded_For="9.9.9.9")
            assert told["headers"]["x-forwarded-for"] == f"9.9.9.9, {ANOTHER}, 127.0.0.1"
            assert told["remote_ip"] == "127.0.0.1"

    async def trusting() -> None:
        options: dict[str, Any] = {"xheaders": True, "trusted_downstream": ["127.0.0.1"]}
        async with fronted(folder, authority, **options) as front:
            told = await front.told("/twice/x", X_Forwarded_For="9.9.9.9")
            assert told["remote_ip"] == ANOTHER

    run(main())
    shutil.rmtree(folder / "files")
    run(trusting())


def test_srv_23_without_xheaders_nginx_is_the_client(folder: Path, authority: trustme.CA) -> None:
    async def main() -> None:
        async with fronted(folder, authority) as front:
            told = await front.told("/forwarded/for", tls=True, X_Real_Ip="9.9.9.9")
            assert (told["remote_ip"], told["protocol"]) == ("127.0.0.1", "http")

    run(main())


def test_tls_on_both_sides(folder: Path, authority: trustme.CA) -> None:
    async def main() -> None:
        async with fronted(folder, authority) as front:
            for number in range(5):
                told = await front.told(f"/secure/{number}", tls=True)
                assert (told["protocol"], told["uri"]) == ("https", f"/{number}")
                assert told["connection"] == 0

    run(main())


def test_what_the_server_refuses(folder: Path, authority: trustme.CA) -> None:
    async def main() -> None:
        async with fronted(folder, authority, max_body_size=1000) as front:
            response, _ = await front.ask("/tell", "POST", b"x" * 1001)
            assert response.status == 413
            response, _ = await front.ask("/refuse", "POST", b"x" * 1000)
            assert response.status == 403
            assert (await front.told("/after"))["uri"] == "/after"

    run(main())


def test_answers_that_break_off_are_no_whole_ones(folder: Path, authority: trustme.CA) -> None:
    async def main() -> None:
        async with fronted(folder, authority) as front:
            with pytest.raises(http.client.IncompleteRead):
                await front.ask("/break")

    run(main())


def test_clients_that_leave(folder: Path, authority: trustme.CA) -> None:
    async def main() -> None:
        async with fronted(folder, authority) as front:

            def leave() -> None:
                connection = front.connect()
                connection.request("GET", "/unbuffered/drip/100000")
                response = connection.getresponse()
                assert response.read(10) == PIECE[:10]
                response.close()
                connection.close()

            await asyncio.to_thread(leave)
            await front.app.left.wait()
            assert (await front.told("/after"))["uri"] == "/after"

    run(main())
