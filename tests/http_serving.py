"""An application that tells what it was asked, served in a test's own loop for programs and libraries
that ask it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, StaticFileHandler, stream_request_body

LIMIT = 60  # seconds that a test may take
PIECE = b"p" * 65536


class Tell(RequestHandler):
    """Answers with what was asked."""

    def tell(self) -> None:
        request = self.request
        server = self.settings["server"]
        server.seen.append(request)
        certificate = request.get_ssl_certificate()
        self.write(
            {
                "method": request.method,
                "uri": request.uri,
                "version": request.version,
                "headers": {name.lower(): value for name, value in request.headers.items()},
                "host": request.host,
                "remote_ip": request.remote_ip,
                "protocol": request.protocol,
                "size": len(request.body),
                "digest": hashlib.sha256(request.body).hexdigest(),
                "files": {
                    n: [(f.filename, len(f.body)) for f in v] for n, v in request.files.items()
                },
                "arguments": {n: [v.decode() for v in vs] for n, vs in request.arguments.items()},
                "connection": server.number(request.connection),
                "certificate": certificate and certificate["subject"],
            }
        )

    get = post = put = delete = patch = options = tell

    def head(self) -> None:
        self.tell()


@stream_request_body
class Take(RequestHandler):
    """Counts a body as it comes."""

    def prepare(self) -> None:
        self.size, self.pieces = 0, 0
        self.digest = hashlib.sha256()

    async def data_received(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self.pieces += 1
        self.digest.update(chunk)
        await asyncio.sleep(0)

    def put(self) -> None:
        self.write({"size": self.size, "digest": self.digest.hexdigest()})

    post = put


class Refuse(RequestHandler):
    """Answers before the body has come."""

    def prepare(self) -> None:
        self.send_error(403)


class Drip(RequestHandler):
    """Answers in many pieces."""

    async def get(self, count: str) -> None:
        server = self.settings["server"]
        try:
            for _ in range(int(count)):
                self.write(PIECE)
                await self.flush()
        except StreamClosedError:
            server.left.set()


class Break(RequestHandler):
    """Promises more than it sends."""

    async def get(self) -> None:
        self.set_header("Content-Length", "1000")
        self.write("only this")
        await self.flush()
        self.request.connection.stream.close()


class Served:
    """A server and what it has seen."""

    def __init__(self, files: Path | None = None, **options: Any) -> None:
        self.seen: list[Any] = []
        self.left = asyncio.Event()
        self._connections: list[object] = []
        handlers: list[Any] = [
            ("/take", Take),
            ("/refuse", Refuse),
            (r"/drip/(\d+)", Drip),
            ("/break", Break),
        ]
        if files is not None:
            handlers.append(("/files/(.*)", StaticFileHandler, {"path": str(files)}))
        handlers.append(("/.*", Tell))
        application = Application(handlers, server=self, compress_response=True)
        self.server = HTTPServer(application, **options)
        sockets = bind_sockets(0, "127.0.0.1")
        self.server.add_sockets(sockets)
        self.port = sockets[0].getsockname()[1]
        self.url = f"{'https' if 'ssl_options' in options else 'http'}://127.0.0.1:{self.port}"

    def number(self, connection: object) -> int:
        """Return which connection it is."""
        if connection not in self._connections:
            self._connections.append(connection)
        return self._connections.index(connection)


@contextlib.asynccontextmanager
async def served(files: Path | None = None, **options: Any) -> AsyncIterator[Served]:
    """Serve; what is open in the end is closed."""
    found = Served(files, **options)
    try:
        yield found
    finally:
        found.server.stop()
        await found.server.close_all_connections()


async def run_program(*command: str, stdin: bytes | None = None) -> tuple[bytes, bytes, int]:
    """Run a program and return its output, its errors and its status."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await process.communicate(stdin)
    except BaseException:
        process.kill()
        await process.wait()
        raise
    assert process.returncode is not None
    return output, errors, process.returncode


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine within its limit."""
    asyncio.run(asyncio.wait_for(test, LIMIT))
