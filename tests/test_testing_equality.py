"""What is asked in memory is answered as it is over sockets: one table, both ways."""

import asyncio

import pytest

from tornado.httpclient import AsyncHTTPClient
from tornado.testing import AsyncTestClient
from tornado.web import (
    Application,
    HTTPError,
    RequestHandler,
    StaticFileHandler,
    stream_request_body,
)
from tornado.websocket import WebSocketHandler, websocket_connect


class Mirror(RequestHandler):
    """Tells what has come."""

    SUPPORTED_METHODS = (*RequestHandler.SUPPORTED_METHODS, "PROPFIND")

    def answer(self):
        request = self.request
        files = {name: [tuple(file.items()) for file in request.files[name]]
                 for name in request.files}  # fmt: skip
        seen = (
            request.method,
            request.path,
            request.query,
            request.version,
            request.remote_ip,
            request.protocol,
            sorted(pair for pair in request.headers.get_all() if pair[0] != "Host"),
            request.arguments,
            files,
            len(request.body),
            request.body[:1000],
        )
        self.write(repr(seen))

    get = post = put = delete = patch = options = propfind = answer


class Long(RequestHandler):
    async def get(self):
        for number in range(50):
            self.write(f"{number} " * 10_000)
            await self.flush()


class Status(RequestHandler):
    def get(self, code):
        self.set_status(int(code))
        if code not in ("204", "304"):
            self.write(code)


class Raising(RequestHandler):
    def get(self, code):
        raise HTTPError(int(code), reason="Our Own")


class Redirecting(RequestHandler):
    def get(self, code):
        self.redirect("/mirror?again", status=int(code))

    post = get


class Cookies(RequestHandler):
    def get(self):
        self.set_cookie("a", "b")
        self.set_cookie("c", "d", path="/mirror", httponly=True)


@stream_request_body
class Counting(RequestHandler):
    count = 0

    def data_received(self, chunk):
        self.count += len(chunk)

    def put(self):
        self.write(str(self.count))


class Last(RequestHandler):
    def get(self):
        self.set_header("Connection", "close")
        self.write("bye")


class Cut(RequestHandler):
    def get(self):
        self.set_header("Content-Length", "10")
        self.write("abc")
        self.flush()
        self.request.connection.stream.close()


class Endless(RequestHandler):
    async def get(self):
        await asyncio.Event().wait()


class Socket(WebSocketHandler):
    def prepare(self):
        if self.get_argument("refuse", None):
            raise HTTPError(403)

    def get_compression_options(self):
        return {}

    def select_subprotocol(self, subprotocols):
        return subprotocols[-1]

    def on_message(self, message):
        if message == "close":
            self.close(4001, "as asked")
        elif message == "fail":
            raise KeyError(message)
        else:
            self.write_message(message, isinstance(message, bytes))


def application(folder):
    (folder / "file.txt").write_text("0123456789" * 1000)
    handlers = [
        ("/mirror.*", Mirror),
        ("/long", Long),
        (r"/status/(\d+)", Status),
        (r"/raise/(\d+)", Raising),
        (r"/redirect/(\d+)", Redirecting),
        ("/cookies", Cookies),
        ("/count", Counting),
        ("/last", Last),
        ("/cut", Cut),
        ("/endless", Endless),
        ("/socket", Socket),
        ("/files/(.*)", StaticFileHandler, {"path": str(folder)}),
    ]
    return Application(handlers, compress_response=True)


MULTIPART = (
    '--B\r\nContent-Disposition: form-data; name="f"; filename="n.txt"\r\n\r\ncontent\r\n--B--\r\n'
)

REQUESTS = [
    ("/mirror", {}),
    ("/mirror?a=1&a=2&b=%ff", {}),
    ("/mirror%20\u00e9/\u00fc#fragment", {}),
    ("/mirror", {"method": "POST", "body": "x=1&y=2"}),
    ("/mirror", {"method": "PUT", "body": bytes(range(256)) * 1000}),
    ("/mirror", {"method": "DELETE"}),
    ("/mirror", {"method": "PATCH", "body": ""}),
    ("/mirror", {"method": "OPTIONS"}),
    ("/mirror", {"method": "HEAD"}),
    ("/mirror", {"method": "PROPFIND", "allow_nonstandard_methods": True}),
    ("/mirror", {"method": "PROPFIND"}),
    ("/mirror", {"body": "x"}),
    ("/mirror", {"method": "POST", "body": "late", "expect_100_continue": True}),
    ("/mirror", {"headers": {"X-A": "b", "Cookie": "k=v; j=w"}}),
    ("/mirror", {"auth_username": "u", "auth_password": "p", "user_agent": "own"}),
    (
        "/mirror",
        {
            "method": "POST",
            "headers": {"Content-Type": "multipart/form-data; boundary=B"},
            "body": MULTIPART,
        },
    ),
    ("/mirror?" + "a" * 70_000, {}),
    ("/mirror", {"headers": {"X-Long": "y" * 70_000}}),
    ("/long", {}),
    ("/long", {"decompress_response": False}),
    ("/long", {"method": "HEAD"}),
    ("/status/201", {}),
    ("/status/204", {}),
    ("/status/304", {}),
    ("/status/418", {}),
    ("/raise/400", {}),
    ("/raise/503", {}),
    ("/nowhere", {}),
    ("/long", {"method": "POST", "body": ""}),
    ("/redirect/302", {}),
    ("/redirect/302", {"follow_redirects": False}),
    ("/redirect/303", {"method": "POST", "body": "dropped"}),
    ("/redirect/307", {"method": "POST", "body": "kept"}),
    ("/cookies", {"follow_redirects": False}),
    ("/count", {"method": "PUT", "body": b"z" * 2_000_000}),
    ("/last", {}),
    ("/cut", {}),
    ("/endless", {"request_timeout": 0.05}),
    ("/files/file.txt", {}),
    ("/files/file.txt", {"method": "HEAD"}),
    ("/files/file.txt", {"headers": {"Range": "bytes=5-14"}}),
    ("/files/file.txt", {"headers": {"Range": "bytes=99999-"}}),
    ("/files/none", {}),
]

WEBSOCKETS = [
    ("/socket", {}, ["text", b"bytes", "long " * 100_000, "close"]),
    ("/socket", {"subprotocols": ["p", "q"]}, ["fail"]),
    ("/socket", {"compression_options": {}}, ["long " * 100_000, "\u00e9"]),
    ("/socket?refuse=1", {}, []),
    ("/mirror", {}, []),
    ("/nowhere", {}, []),
]


def described(response):
    """Return all that two equal responses have in common."""
    fields = sorted(pair for pair in response.headers.get_all() if pair[0] != "Date")
    path = response.effective_url.split("/", 3)[3]
    return response.code, response.reason, fields, path, response.body


async def outcome_of(talk):
    """Return what comes of something, or what is raised."""
    try:
        return await talk
    except Exception as error:
        return type(error), str(error)


async def conversation(opening, messages):
    """Talk on a websocket; return all that was said."""
    connection = await opening
    said = [
        connection.selected_subprotocol,
        connection.headers.get("Sec-Websocket-Extensions"),
    ]
    for message in messages:
        await connection.write_message(message, isinstance(message, bytes))
        said.append(await connection.read_message())
    connection.close()
    said += [message async for message in connection]
    return [*said, connection.close_code, connection.close_reason]


@pytest.fixture
def both(tmp_path):
    """Runs a function with two pairs of functions: for requests, and for websockets."""

    async def main(compare):
        server = application(tmp_path).listen(0, "127.0.0.1")
        address = f"127.0.0.1:{next(iter(server._sockets.values())).getsockname()[1]}"
        client = AsyncHTTPClient(force_instance=True)
        memory = AsyncTestClient(application(tmp_path), raise_errors=False)
        # The paths of both are those of the same host.
        memory.base_url = f"http://{address}"

        async def fetch(path, **options):
            return described(
                await client.fetch(f"http://{address}{path}", raise_error=False, **options)
            )

        async def fetch_in_memory(path, **options):
            return described(await memory.fetch(path, **options))

        def connect(path, **options):
            return websocket_connect(f"ws://{address}{path}", **options)

        try:
            await compare((fetch, connect), (fetch_in_memory, memory.websocket))
        finally:
            await memory.close()
            client.close()
            server.stop()
            await server.close_all_connections()

    return lambda compare: asyncio.run(asyncio.wait_for(main(compare), 30))


@pytest.mark.parametrize(
    ("path", "options"), REQUESTS, ids=[f"{n} {path[:20]}" for n, (path, _) in enumerate(REQUESTS)]
)
def test_requests(both, path, options):
    async def compare(sockets, memory):
        expected = await outcome_of(sockets[0](path, **options))
        assert await outcome_of(memory[0](path, **options)) == expected

    both(compare)


@pytest.mark.parametrize(("path", "options", "messages"), WEBSOCKETS)
def test_websockets(both, path, options, messages):
    async def compare(sockets, memory):
        expected = await outcome_of(conversation(sockets[1](path, **options), messages))
        assert await outcome_of(conversation(memory[1](path, **options), messages)) == expected

    both(compare)
