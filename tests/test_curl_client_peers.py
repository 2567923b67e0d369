"""The curl client with servers and proxies that others have written."""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pycurl
import pytest
import trustme
from free_ports import free_port

from tornado.curl_httpclient import CurlAsyncHTTPClient, CurlError

LIMIT = 30  # seconds
LARGE = bytes(range(256)) * 20000

NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type text/plain;
    gzip on;
    gzip_types *;
    gzip_min_length 1;
    add_header X-Protocol $server_protocol;
    add_header X-Connection $connection;
    server {{
        listen 127.0.0.1:{port};
        listen 127.0.0.1:{tls_port} ssl http2;
        listen unix:{folder}/socket;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        root {folder}/files;
        location /hello {{ return 200 "hello $request_method"; }}
        location /moved {{ return 301 /hello; }}
        location /there {{ return 307 /hello; }}
        location /slow {{ limit_rate 20k; }}
        location /cut {{ return 444; }}
        location /secret {{ auth_basic "secret"; auth_basic_user_file {folder}/users; }}
        location /close {{ keepalive_timeout 0; return 200 "closed"; }}
    }}
}}
"""

TINYPROXY = """
Port {port}
Listen 127.0.0.1
Timeout 60
LogLevel Error
BasicAuth user password
ViaProxyName "tinyproxy"
ConnectPort {tls_port}
"""


def program(name: str) -> str:
    """Find a program; debian has some where only root looks."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    assert path is not None, f"{name} isn't installed; `make unit` does so"
    return path


def wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until a server listens."""
    end = time.monotonic() + LIMIT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=LIMIT).close()
            return
        except ConnectionRefusedError:
            assert process.poll() is None, "the server has ended"
            assert time.monotonic() < end, "nothing listens"
            time.sleep(0.01)


class Peers:
    """An nginx, and what it's to be asked with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.tls_port, self.proxy_port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.tls_url = f"https://localhost:{self.tls_port}"
        self.ca_certs = str(folder / "ca.pem")
        self.proxy = {
            "proxy_host": "127.0.0.1",
            "proxy_port": self.proxy_port,
            "proxy_username": "user",
            "proxy_password": "password",
        }

    def write_files(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_certs)
        certificate = authority.issue_cert("localhost")
        certificate.private_key_pem.write_to_path(str(self.folder / "key.pem"))
        certificate.cert_chain_pems[0].write_to_path(str(self.folder / "cert.pem"))
        names = {"folder": self.folder, "port": self.port, "tls_port": self.tls_port}
        (self.folder / "nginx.conf").write_text(NGINX.format(**names))
        names["port"] = self.proxy_port
        (self.folder / "tinyproxy.conf").write_text(TINYPROXY.format(**names))
        (self.folder / "users").write_text("user:{PLAIN}password\n")
        files = self.folder / "files"
        files.mkdir()
        (files / "large").write_bytes(LARGE)
        (files / "slow").write_bytes(LARGE[:100000])
        (files / "secret").write_bytes(b"secret")
        for path in (self.folder, *self.folder.rglob("*")):
            # Its workers aren't root.
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peers]:
    # The names of sockets have to be short, and all on the way has to be open to nginx's workers.
    import tempfile

    with tempfile.TemporaryDirectory(prefix="peers") as name:
        peers = Peers(Path(name))
        peers.write_files()
        command = [program("nginx"), "-p", name, "-c", f"{name}/nginx.conf", "-e", f"{name}/log"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as nginx:
            try:
                wait_for(nginx, peers.port)
                yield peers
            finally:
                nginx.terminate()


@pytest.fixture(scope="module")
def proxy(peers: Peers) -> Iterator[None]:
    command = [program("tinyproxy"), "-d", "-c", str(peers.folder / "tinyproxy.conf")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as tinyproxy:
        try:
            wait_for(tinyproxy, peers.proxy_port)
            yield
        finally:
            tinyproxy.terminate()


def run(
    function: Callable[[CurlAsyncHTTPClient], Coroutine[Any, Any, None]], **options: Any
) -> None:
    """Run a coroutine function with a client."""

    async def main() -> None:
        client = CurlAsyncHTTPClient(force_instance=True, **options)
        try:
            async with asyncio.timeout(LIMIT):
                await function(client)
        finally:
            client.close()

    asyncio.run(main())


def test_nginx_many_fetches_on_few_connections(peers: Peers) -> None:
    async def main(client: CurlAsyncHTTPClient) -> None:
        connections = set()
        for _ in range(5):
            fetches = [client.fetch(f"{peers.url}/hello") for _ in range(20)]
            for response in await asyncio.gather(*fetches):
                assert response.body == b"hello GET"
                connections.add(response.headers["X-Connection"])
        assert len(connections) == 20

    run(main, max_clients=20)


def test_nginx_compressed_files(peers: Peers) -> None:
    async def main(client: CurlAsyncHTTPClient) -> None:
        response = await client.fetch(f"{peers.url}/large")
        assert response.body == LARGE
        assert response.headers["X-Consumed-Content-Encoding"] == "gzip"
        plain = await client.fetch(f"{peers.url}/large", decompress_response=False)
        assert plain.body == LARGE
        headers = {"Accept-Encoding": "gzip"}
        packed = await client.fetch(
            f"{peers.url}/large", decompress_response=False, headers=headers
        )
        assert gzip.decompress(packed.body) == LARGE

    run(main)


def test_nginx_redirects_ranges_and_conditions(peers: Peers) -> None:
    async def main(client: CurlAsyncHTTPClient) -> None:
        response = await client.fetch(f"{peers.url}/moved", method="POST", body=b"x")
        assert response.body == b"hello GET"
        assert response.effective_url == f"{peers.url}/hello"
        response = await client.fetch(f"{peers.url}/there", method="PUT", body=b"x" * 100000)
        assert response.body == b"hello PUT"
        response = await client.fetch(
            f"{peers.url}/large", headers={"Range": "bytes=1-3"}, decompress_response=False
        )
        assert (response.code, response.body) == (206, LARGE[1:4])
        changed = (peers.folder / "files" / "large").stat().st_mtime
        response = await client.fetch(
            f"{peers.url}/large", if_modified_since=changed, raise_error=False
        )
        assert (response.code, response.body) == (304, b"")
        response = await client.fetch(f"{peers.url}/large", method="HEAD", user_agent="x")
        assert response.body == b""

    run(main)


def test_nginx_basic_authentication(peers: Peers) -> None:
    async def main(client: CurlAsyncHTTPClient) -> None:
        url = f"{peers.url}/secret"
        response = await client.fetch(url, auth_username="user", auth_password="password")
        assert response.body == b"secret"
        response = await client.fetch(url, raise_error=False)
        assert response.code == 401

    run(main)


def test_nginx_errors(peers: Peers) -> None:
    async def main(client: CurlAsyncHTTPClient) -> None:
        with pytest.raises(CurlError) as caught:
            await client.fetch(f"{peers.url}/cut")
        assert caught.value.errno == pycurl.E_GOT_NOTHING
        with pytest.raises(CurlError) as caught:
            await client.fetch(f"{peers.url}/slow", request_timeout=0.3, decompress_response=False)
        assert caught.value.errno == pycurl.E_OPERATION_TIMEDOUT
        for _ in range(3):
            assert (await client.fetch(f"{peers.url}/close")).body == b"closed"
        assert not client.active

    run(main, max_clients=1)


def test_nginx_on_a_unix_socket(peers: Peers) -> None:
    async def main(client: CurlAsyncHTTPClient) -> None:
        response = await client.fetch(
            "http://anything.invalid/hello", unix_socket=str(peers.folder / "socket")
        )
        assert response.body == b"hello GET"

    run(main)


def test_nginx_speaks_http_2_where_libcurl_does(peers: Peers) -> None:
    version = pycurl.version_info()
    expected = "HTTP/2.0" if version[4] & pycurl.VERSION_HTTP2 else "HTTP/1.1"

    async def main(client: CurlAsyncHTTPClient) -> None:
        lines: list[str] = []
        url = f"{peers.tls_url}/hello"
        response = await client.fetch(url, ca_certs=peers.ca_certs)
        assert (response.code, response.reason) == (200, "OK")
        assert response.headers["X-Protocol"] == expected
        response = await client.fetch(
            url, ca_certs=peers.ca_certs, header_callback=lines.append, method="POST", body=b"x"
        )
        assert response.body == b"hello POST"
        assert lines[0].startswith(expected.removesuffix(".0"))
        responses = await asyncio.gather(
            *[client.fetch(f"{peers.tls_url}/large", ca_certs=peers.ca_certs) for _ in range(10)]
        )
        assert all(response.body == LARGE for response in responses)
        if expected == "HTTP/2.0":
            assert len({response.headers["X-Connection"] for response in responses}) == 1
        with pytest.raises(CurlError):
            await client.fetch(url)

    run(main)


def test_nginx_speaks_http_1_if_it_is_asked_to(peers: Peers) -> None:
    def ask(curl: Any) -> None:
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)

    async def main(client: CurlAsyncHTTPClient) -> None:
        response = await client.fetch(
            f"{peers.tls_url}/hello", ca_certs=peers.ca_certs, prepare_curl_callback=ask
        )
        assert response.headers["X-Protocol"] == "HTTP/1.1"

    run(main)


@pytest.mark.usefixtures("proxy")
def test_tinyproxy(peers: Peers) -> None:
    async def main(client: CurlAsyncHTTPClient) -> None:
        for _ in range(2):
            response = await client.fetch(f"{peers.url}/hello", **peers.proxy)
            assert response.body == b"hello GET"
            assert "tinyproxy" in response.headers["Via"]
            response = await client.fetch(f"{peers.url}/hello")
            assert "Via" not in response.headers
            response = await client.fetch(
                f"{peers.tls_url}/hello", ca_certs=peers.ca_certs, **peers.proxy
            )
            assert response.body == b"hello GET"
            response = await client.fetch(
                f"{peers.url}/hello", **{**peers.proxy, "proxy_password": "no"}, raise_error=False
            )
            assert response.code in (401, 407)

    run(main, max_clients=1)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_does_not_disturb_its_parent(peers: Peers) -> None:
    """Connections are shared with children until they close them."""

    async def main(client: CurlAsyncHTTPClient) -> None:
        await client.fetch(f"{peers.url}/close")
        await asyncio.gather(*[client.fetch(f"{peers.url}/hello") for _ in range(3)])
        child = os.fork()
        if not child:
            time.sleep(1)
            os._exit(0)
        try:
            for _ in range(5):
                assert (await client.fetch(f"{peers.url}/close")).body == b"closed"
                assert (await client.fetch(f"{peers.url}/hello")).body == b"hello GET"
        finally:
            os.kill(child, 9)
            os.waitpid(child, 0)

    run(main)
