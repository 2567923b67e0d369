"""StaticFileHandler over HTTP, its hooks and its versioned URLs."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tornado._web import static_location, static_versions
from tornado._web.static_paths import OpenFile
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, StaticFileHandler

MODIFIED = 1700000000
HELLO = b"hello world\n"
VERSION = hashlib.sha512(HELLO).hexdigest()
BIG = bytes(range(256)) * 4096


class Response(NamedTuple):
    status: int
    headers: HTTPHeaders
    body: bytes


@pytest.fixture(autouse=True)
def fresh_versions() -> None:
    StaticFileHandler.reset()


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take fresh files for old ones."""
    monkeypatch.setattr(static_versions, "_SETTLING_TIME", -3600)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory of files, with something secret beside it."""
    root = tmp_path / "static"
    (root / "dir").mkdir(parents=True)
    (tmp_path / "static_secret").mkdir()
    for name, content in {
        "static/a.txt": HELLO,
        "static/robots.txt": b"robots",
        "static/dir/index.html": b"<p>index",
        "static/empty": b"",
        "static/big.bin": BIG,
        "static/back\\slash": b"backslash",
        "static/é %.txt": b"accent",
        "static_secret/s.txt": b"secret",
        "secret.txt": b"secret",
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        os.utime(path, (MODIFIED, MODIFIED + 0.5))
    (root / "inside").symlink_to("a.txt")
    (root / "outside").symlink_to("../secret.txt")
    (root / "up").symlink_to("..")
    os.mkfifo(root / "pipe")
    (root / "device").symlink_to("/dev/zero")
    return root


Fetch = Callable[..., Awaitable[Response]]


@asynccontextmanager
async def serving(application: Application) -> AsyncIterator[Fetch]:
    server = HTTPServer(application)
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    port = sockets[0].getsockname()[1]

    async def fetch(path: str, method: str = "GET", **headers: str) -> Response:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        lines = [f"{method} {path} HTTP/1.1", "Host: example.com", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        start, _, fields = head.decode("latin-1").partition("\r\n")
        return Response(int(start.split()[1]), HTTPHeaders.parse(fields), body)

    try:
        yield fetch
    finally:
        server.stop()
        await server.close_all_connections()


def fetch(
    root: Path,
    path: str,
    method: str = "GET",
    handler: type[StaticFileHandler] = StaticFileHandler,
    options: dict[str, Any] | None = None,
    **headers: str,
) -> Response:
    """Ask for one file of a route ``/f/``, or below a setting's ``/static/``."""

    async def ask() -> Response:
        routes = [(r"/f/(.*)", handler, {"path": str(root), **(options or {})})]
        application = Application(
            [*routes, (r"(/.*)", handler, {"path": str(root), **(options or {})})],
            static_path=str(root),
        )
        async with serving(application) as ask_server:
            return await asyncio.wait_for(ask_server(path, method, **headers), 10)

    return asyncio.run(ask())


def test_file(root: Path) -> None:
    """WEB-119"""
    response = fetch(root, "/f/a.txt")
    assert (response.status, response.body) == (200, HELLO)
    assert {name: response.headers[name] for name in ("Content-Type", "Content-Length")} == {
        "Content-Type": "text/plain",
        "Content-Length": "12",
    }
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["Last-Modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert response.headers["Etag"] == f'"{VERSION}"'
    assert "Cache-Control" not in response.headers
    assert "Expires" not in response.headers


def test_static_path_setting(root: Path) -> None:
    """WEB-115, WEB-116"""
    assert fetch(root, "/static/a.txt").body == HELLO
    assert fetch(root, "/robots.txt").body == b"robots"
    assert fetch(root, "/favicon.ico").status == 404


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/f/empty", b""),
        ("/f/big.bin", BIG),
        ("/f/%C3%A9%20%25.txt", b"accent"),
        ("/f/inside", HELLO),
        ("/f/dir/../a.txt", HELLO),
        ("/f/./a.txt", HELLO),
        ("/f/back%5Cslash", b"backslash"),
    ],
)
def test_contents(root: Path, path: str, content: bytes) -> None:
    response = fetch(root, path)
    assert (response.status, response.body) == (200, content)
    assert response.headers["Content-Length"] == str(len(content))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/f/nothing", 404),
        ("/f/dir", 403),
        ("/f/", 403),
        ("/f/../secret.txt", 403),
        ("/f/%2e%2e/secret.txt", 403),
        ("/f/..%2fsecret.txt", 403),
        ("/f/..%5csecret.txt", 404),
        ("/f/..\\secret.txt", 404),
        ("/f/../static_secret/s.txt", 403),
        ("/f/%2fetc/passwd", 403),
        ("/f//etc/passwd", 403),
        ("/f/a.txt%00", 404),
        ("/f/%00/../../secret.txt", 404),
        ("/f/outside", 403),
        ("/f/up/secret.txt", 403),
        ("/f/pipe", 403),
        ("/f/device", 403),
        ("/f/a.txt::$DATA", 404),
        ("/f/C:/a.txt", 404),
        ("/f/" + "a" * 300, 404),
        ("/f/%FF", 400),
    ],
)
def test_refused(root: Path, path: str, status: int) -> None:
    """S17, S18, S19, S20, P24: nothing outside the root is served, and nothing that is no file."""
    response = fetch(root, path)
    assert response.status == status
    assert b"secret" not in response.body
    assert "Etag" not in response.headers


@pytest.mark.parametrize(
    ("allowed", "status"),
    [
        (None, 403),
        ([], 403),
        (["."], 403),
        (["nowhere"], 403),
        ("..", 200),
        (["nowhere", ".."], 200),
        (["", "nowhere"], 403),
    ],
)
def test_allowed_symlink_directory(
    root: Path, monkeypatch: pytest.MonkeyPatch, allowed: str | list[str] | None, status: int
) -> None:
    """S18: links lead to where they are allowed to, told relative to the root here."""
    monkeypatch.chdir(root.parent)
    options: dict[str, Any] = {"allowed_symlink_directory": allowed}
    if isinstance(allowed, str):
        options["allowed_symlink_directory"] = root / allowed
    elif allowed is not None:
        options["allowed_symlink_directory"] = [
            str(root / name) if name else "" for name in allowed
        ]
    assert fetch(root, "/f/outside", options=options).status == status
    assert fetch(root, "/f/a.txt", options=options).status == 200
    assert fetch(root, "/f/device", options=options).status == 403
    assert fetch(root, "/f/../secret.txt", options=options).status == 403


def test_root_may_be_a_link(root: Path) -> None:
    alias = root.parent / "alias"
    alias.symlink_to("static")
    assert fetch(alias, "/f/a.txt").body == HELLO
    assert fetch(alias, "/f/outside").status == 403


def test_root_may_be_relative(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parent)
    assert fetch(Path("static"), "/f/a.txt").body == HELLO
    assert fetch(Path("static"), "/f/../secret.txt").status == 403


def test_search_path_of_a_subclass(root: Path) -> None:
    """S18: a handler that looks into several directories, and passes each on as the root."""
    second = root.parent / "second"
    second.mkdir()
    (second / "b.txt").write_text("b")

    class SearchHandler(StaticFileHandler):
        def initialize(self, path: Any, default_filename: str | None = None) -> None:  # type: ignore[override]  # as such subclasses have it
            self.root = tuple(os.path.abspath(part) + os.sep for part in path)  # type: ignore[assignment]  # as above
            self.default_filename = default_filename

        @classmethod
        def get_absolute_path(cls, roots: Any, path: str) -> str:
            for part in roots:
                candidate = os.path.abspath(os.path.join(part, path))
                if os.path.exists(candidate):
                    return candidate
            return ""

        def validate_absolute_path(self, root: Any, absolute_path: str) -> str | None:
            if not absolute_path:
                raise HTTPError(404)
            for part in self.root:
                if (absolute_path + os.sep).startswith(part):
                    root = part
                    break
            return super().validate_absolute_path(root, absolute_path)

    options = {"path": [str(root), str(second)]}
    for path, status in {"a.txt": 200, "b.txt": 200, "c.txt": 404, "outside": 403}.items():
        assert fetch(root, f"/f/{path}", handler=SearchHandler, options=options).status == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods(root: Path, method: str) -> None:
    assert fetch(root, "/f/a.txt", method, Content_Length="0").status == 405


@pytest.mark.parametrize("path", ["/f/a.txt", "/f/big.bin", "/f/empty"])
def test_head(root: Path, path: str) -> None:
    """WEB-130: HEAD has the headers of GET."""
    get, head = fetch(root, path), fetch(root, path, "HEAD")
    assert (head.status, head.body) == (200, b"")
    for name in ("Content-Length", "Etag", "Last-Modified", "Content-Type", "Accept-Ranges"):
        assert head.headers[name] == get.headers[name]


# Default files and redirects.

DEFAULT = {"default_filename": "index.html"}


def test_default_filename(root: Path) -> None:
    """WEB-134"""
    response = fetch(root, "/f/dir/", options=DEFAULT)
    assert (response.status, response.body) == (200, b"<p>index")
    assert response.headers["Content-Type"] == "text/html"
    assert fetch(root, "/f/", options=DEFAULT).status == 404


def test_directory_without_slash(root: Path) -> None:
    response = fetch(root, "/f/dir", options=DEFAULT)
    assert (response.status, response.headers["Location"]) == (301, "/f/dir/")


@pytest.mark.parametrize(
    "path",
    [
        "//evil.com/..",
        "//evil.com/%2e%2e",
        "//dir",
        "/\\evil.com/..",
        "/\\dir",
        "/%5cevil.com/..",
        "\\/evil.com/..",
    ],
)
def test_redirect_stays_on_the_site(root: Path, path: str) -> None:
    """T7: no redirect names another host, with slashes or backslashes."""

    class Anything(StaticFileHandler):
        @classmethod
        def get_absolute_path(cls, root: str, path: str) -> str:
            return os.path.join(root, "dir")

    response = fetch(root, path, handler=Anything, options=DEFAULT)
    location = response.headers.get("Location", "/")
    assert response.status in (400, 403, 301, 404)
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))


# Ranges.


@pytest.mark.parametrize(
    ("value", "status", "content_range", "content"),
    [
        ("bytes=0-4", 206, "bytes 0-4/12", b"hello"),
        ("bytes=6-", 206, "bytes 6-11/12", b"world\n"),
        ("bytes=-3", 206, "bytes 9-11/12", b"ld\n"),
        ("bytes=0-", 200, None, HELLO),
        ("bytes=0-1,3-4", 200, None, HELLO),
        ("bytes=bad", 200, None, HELLO),
        ("bytes=12-", 416, "bytes */12", b""),
        ("bytes=-0", 416, "bytes */12", b""),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_range(
    root: Path, method: str, value: str, status: int, content_range: str | None, content: bytes
) -> None:
    response = fetch(root, "/f/a.txt", method, Range=value)
    assert response.status == status
    assert response.headers.get("Content-Range") == content_range
    assert response.headers["Content-Length"] == str(len(content))
    assert response.body == (content if method == "GET" else b"")


def test_range_of_large_file(root: Path) -> None:
    response = fetch(root, "/f/big.bin", Range="bytes=100-300000")
    assert (response.status, response.body) == (206, BIG[100:300001])


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        (f'"{VERSION}"', 206),
        ('"other"', 200),
        ("Tue, 14 Nov 2023 22:13:20 GMT", 206),
        ("Tue, 14 Nov 2023 22:13:19 GMT", 200),
    ],
)
def test_if_range(root: Path, condition: str, status: int) -> None:
    assert fetch(root, "/f/a.txt", Range="bytes=0-1", If_Range=condition).status == status


# Conditional requests.


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If_None_Match": f'"{VERSION}"'}, 304),
        ({"If_None_Match": f'W/"{VERSION}"'}, 304),
        ({"If_None_Match": f'"x", "{VERSION}"'}, 304),
        ({"If_None_Match": "*"}, 304),
        ({"If_None_Match": '"x"'}, 200),
        ({"If_None_Match": "x"}, 200),
        ({"If_None_Match": '"x"', "If_Modified_Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 200),
        ({"If_Modified_Since": "Tue, 14 Nov 2023 22:13:20 GMT"}, 304),
        ({"If_Modified_Since": "Tue, 14 Nov 2023 22:13:19 GMT"}, 200),
        ({"If_Modified_Since": "bad"}, 200),
        ({"If_Modified_Since": "Tue, 14 Nov 99999999999 22:13:20 GMT"}, 200),
        ({"If_Match": '"x"'}, 412),
        ({"If_Unmodified_Since": "Tue, 14 Nov 2023 22:13:19 GMT"}, 412),
        ({"If_Match": f'"{VERSION}"'}, 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditions(root: Path, method: str, headers: dict[str, str], status: int) -> None:
    """WEB-131, S21"""
    response = fetch(root, "/f/a.txt", method, **headers)
    assert response.status == status
    assert response.body == (HELLO if (method, status) == ("GET", 200) else b"")
    assert response.headers["Etag"] == f'"{VERSION}"'


# Versions.


def test_static_url(root: Path) -> None:
    """WEB-118, WEB-121, WEB-128"""
    settings = {"static_path": str(root)}
    assert StaticFileHandler.get_version(settings, "a.txt") == VERSION
    assert StaticFileHandler.make_static_url(settings, "a.txt") == f"/static/a.txt?v={VERSION}"
    assert StaticFileHandler.make_static_url(settings, "a.txt", False) == "/static/a.txt"
    settings["static_url_prefix"] = "/s/"
    assert StaticFileHandler.make_static_url(settings, "a.txt") == f"/s/a.txt?v={VERSION}"


@pytest.mark.parametrize("path", ["nothing", "dir", "pipe", "device", "", "x" * 300])
def test_what_has_no_version(root: Path, path: str) -> None:
    """S19, WEB-128"""
    settings = {"static_path": str(root)}
    assert StaticFileHandler.get_version(settings, path) is None
    assert StaticFileHandler.make_static_url(settings, path) == f"/static/{path}"


@pytest.mark.parametrize("path", ["../secret.txt", "/etc/passwd", "../static_secret/s.txt"])
def test_versions_outside_of_the_root(root: Path, path: str) -> None:
    """S17, S19"""
    with pytest.raises(HTTPError) as caught:
        StaticFileHandler.make_static_url({"static_path": str(root)}, path)
    assert caught.value.status_code == 403


@pytest.mark.parametrize(("limit", "has_version"), [(11, False), (12, True)])
def test_size_of_versioned_content(root: Path, limit: int, has_version: bool) -> None:
    """S19: the limit counts bytes, inclusively."""

    class Limited(StaticFileHandler):
        MAX_VERSION_CONTENT_SIZE = limit

    assert (Limited.get_version({"static_path": str(root)}, "a.txt") is not None) is has_version
    response = fetch(root, "/f/a.txt", handler=Limited)
    assert response.body == HELLO
    assert ("Etag" in response.headers) is (has_version)


@pytest.mark.usefixtures("settled")
def test_number_of_versions(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S19"""
    monkeypatch.setattr(StaticFileHandler, "MAX_CACHED_VERSIONS", 2)
    for name in ("a.txt", "robots.txt", "empty", "big.bin"):
        StaticFileHandler.get_version({"static_path": str(root)}, name)
        assert len(StaticFileHandler._versioner.cache) <= 2


@pytest.mark.usefixtures("settled")
def test_versions_are_computed_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"static_path": str(root)}
    StaticFileHandler.get_version(settings, "a.txt")
    monkeypatch.setattr(StaticFileHandler, "get_content_version", classmethod(_fails))
    assert StaticFileHandler.get_version(settings, "a.txt") == VERSION
    StaticFileHandler.reset()
    with pytest.raises(ZeroDivisionError):
        StaticFileHandler.get_version(settings, "a.txt")


def _fails(cls: object, abspath: str) -> str:
    raise ZeroDivisionError


def test_changed_content_has_another_version(root: Path) -> None:
    """WEB-121, WEB-132: the version follows the content, not the date."""
    settings = {"static_path": str(root)}
    os.utime(root / "a.txt", (1, 1))
    assert StaticFileHandler.get_version(settings, "a.txt") == VERSION
    os.utime(root / "a.txt", (MODIFIED, MODIFIED))
    assert fetch(root, "/f/a.txt").headers["Etag"] == f'"{VERSION}"'
    (root / "a.txt").write_bytes(b"changed")
    changed = hashlib.sha512(b"changed").hexdigest()
    assert fetch(root, "/f/a.txt").headers["Etag"] == f'"{changed}"'
    assert StaticFileHandler.get_version(settings, "a.txt") == changed


def test_two_directories(root: Path) -> None:
    """WEB-133"""
    other = root.parent / "other"
    other.mkdir()
    (other / "a.txt").write_bytes(b"other")
    assert fetch(root, "/f/a.txt").body == HELLO
    response = fetch(other, "/f/a.txt")
    assert response.body == b"other"
    assert response.headers["Etag"] == f'"{hashlib.sha512(b"other").hexdigest()}"'


def test_versioned_request_is_cached(root: Path) -> None:
    """WEB-124, WEB-125: ten years."""
    response = fetch(root, "/f/a.txt?v=1")
    assert response.headers["Cache-Control"] == "max-age=315360000"
    year = int(response.headers["Expires"].split()[3])
    assert year - datetime.datetime.now(datetime.UTC).year in (9, 10)
    assert "Cache-Control" not in fetch(root, "/f/a.txt?w=1").headers


def test_large_file_is_hashed_aside(root: Path) -> None:
    content = BIG + b"x"
    (root / "large.bin").write_bytes(content)
    etag = f'"{hashlib.sha512(content).hexdigest()}"'
    response = fetch(root, "/f/large.bin")
    assert (response.body, response.headers["Etag"]) == (content, etag)
    StaticFileHandler.reset()
    assert fetch(root, "/f/large.bin", If_None_Match=etag).status == 304


# Files in memory.


def opened_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    opened: list[str] = []

    class Watched(OpenFile):
        def __init__(self, path: str, status: os.stat_result | None = None) -> None:
            opened.append(os.path.basename(path))
            super().__init__(path, status)

    monkeypatch.setattr(static_location, "OpenFile", Watched)
    return opened


@pytest.mark.usefixtures("settled")
def test_small_file_is_opened_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = opened_files(monkeypatch)
    for headers in ({}, {}, {"Range": "bytes=0-4"}, {"If_None_Match": f'"{VERSION}"'}):
        first = fetch(root, "/f/a.txt", **headers)
        again = fetch(root, "/f/a.txt", **headers)
        assert (first.status, first.body) == (again.status, again.body)
        for name in ("Etag", "Content-Type", "Last-Modified", "Content-Length", "Accept-Ranges"):
            assert first.headers.get(name) == again.headers.get(name)
    assert fetch(root, "/f/a.txt", "HEAD").headers["Content-Length"] == "12"
    assert fetch(root, "/f/a.txt?v=1").headers["Cache-Control"] == "max-age=315360000"
    assert opened == ["a.txt"]


def test_fresh_file_is_opened_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = opened_files(monkeypatch)
    fetch(root, "/f/a.txt")
    fetch(root, "/f/a.txt")
    assert opened == ["a.txt", "a.txt"]


@pytest.mark.usefixtures("settled")
def test_change_of_a_file_in_memory(root: Path) -> None:
    fetch(root, "/f/a.txt")
    (root / "a.txt").write_bytes(b"HELLO world\n")
    os.utime(root / "a.txt", (MODIFIED, MODIFIED))
    assert fetch(root, "/f/a.txt").body == b"HELLO world\n"
    (root / "a.txt").unlink()
    assert fetch(root, "/f/a.txt").status == 404
    (root / "a.txt").symlink_to("../secret.txt")
    assert fetch(root, "/f/a.txt").status == 403
    (root / "a.txt").unlink()
    (root / "a.txt").mkdir()
    assert fetch(root, "/f/a.txt").status == 403


@pytest.mark.usefixtures("settled")
def test_memory_does_not_mix_routes(root: Path) -> None:
    """What one route may serve is not thereby open to another."""
    allowing = {"allowed_symlink_directory": root.parent}
    assert fetch(root, "/f/outside", options=allowing).status == 200
    assert fetch(root, "/f/outside").status == 403
    assert fetch(root.parent, "/f/static_secret/s.txt").status == 200
    assert fetch(root, "/f/../static_secret/s.txt").status == 403

    class Typed(StaticFileHandler):
        def get_content_type(self) -> str:
            return "text/x-own"

    assert fetch(root, "/f/a.txt").headers["Content-Type"] == "text/plain"
    assert fetch(root, "/f/a.txt", handler=Typed).headers["Content-Type"] == "text/x-own"
    assert fetch(root, "/f/a.txt", handler=Typed).headers["Content-Type"] == "text/x-own"


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("size", [65535, 65536, 65537])
def test_only_small_files_stay_in_memory(
    root: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    (root / "f").write_bytes(b"x" * size)
    opened = opened_files(monkeypatch)
    for _ in range(2):
        assert fetch(root, "/f/f").body == b"x" * size
    assert len(opened) == (1 if size <= 65536 else 2)


# Hooks.


def test_documented_hooks(root: Path) -> None:
    """WEB-126, WEB-127, WEB-129"""
    seen: list[object] = []

    class Hooked(StaticFileHandler):
        def parse_url_path(self, url_path: str) -> str:
            return url_path.removesuffix(".cached")

        def get_cache_time(
            self, path: str, modified: datetime.datetime | None, mime_type: str
        ) -> int:
            seen.extend([path, modified, mime_type])
            return 60

        def set_extra_headers(self, path: str) -> None:
            self.set_header("X-Path", path)

    response = fetch(root, "/f/a.txt.cached", handler=Hooked)
    assert response.body == HELLO
    assert response.headers["X-Path"] == "a.txt"
    assert response.headers["Cache-Control"] == "max-age=60"
    date = datetime.datetime.fromtimestamp(MODIFIED, datetime.UTC)
    assert seen == ["a.txt", date, "text/plain"]


class MemoryHandler(StaticFileHandler):
    """Serves from a dict; no file is involved."""

    contents: dict[str, bytes] = {"m.txt": b"from memory", "n.txt": b"n" * 200000}  # read only
    pieces = False

    @classmethod
    def get_absolute_path(cls, root: str, path: str) -> str:
        return path

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        if absolute_path not in self.contents:
            raise HTTPError(404)
        return absolute_path

    @classmethod
    def get_content(
        cls, abspath: str, start: int | None = None, end: int | None = None
    ) -> bytes | Generator[bytes, None, None]:
        content = cls.contents[abspath][start:end]
        if not cls.pieces:
            return content
        return (content[place : place + 1000] for place in range(0, len(content), 1000))

    def get_content_size(self) -> int:
        return len(self.contents[str(self.absolute_path)])

    def get_modified_time(self) -> datetime.datetime | None:
        return None


class PiecesHandler(MemoryHandler):
    pieces = True


@pytest.mark.parametrize("handler", [MemoryHandler, PiecesHandler])
def test_content_that_is_no_file(root: Path, handler: type[MemoryHandler]) -> None:
    for name, content in handler.contents.items():
        response = fetch(root, f"/f/{name}", handler=handler)
        assert (response.status, response.body) == (200, content)
        assert response.headers["Etag"] == f'"{hashlib.sha512(content).hexdigest()}"'
        assert "Last-Modified" not in response.headers
        part = fetch(root, f"/f/{name}", handler=handler, Range="bytes=5-8")
        assert (part.status, part.body) == (206, content[5:9])
        head = fetch(root, f"/f/{name}", "HEAD", handler=handler)
        assert (head.headers["Content-Length"], head.body) == (str(len(content)), b"")
    assert fetch(root, "/f/other", handler=handler).status == 404
    version = hashlib.sha512(b"from memory").hexdigest()
    assert handler.get_version({"static_path": "x"}, "m.txt") == version


def test_content_hook_over_files(root: Path) -> None:
    class Upper(StaticFileHandler):
        @classmethod
        def get_content(
            cls, abspath: str, start: int | None = None, end: int | None = None
        ) -> bytes:
            content = b"".join(super().get_content(abspath, start, end))
            return content.upper()

    response = fetch(root, "/f/a.txt", handler=Upper)
    assert response.body == HELLO.upper()
    assert response.headers["Etag"] == f'"{hashlib.sha512(HELLO.upper()).hexdigest()}"'
    assert fetch(root, "/f/a.txt").headers["Etag"] == f'"{VERSION}"'
    assert fetch(root, "/f/outside", handler=Upper).status == 403


def test_version_hook(root: Path) -> None:
    class Versioned(StaticFileHandler):
        @classmethod
        def get_content_version(cls, abspath: str) -> str:
            return "v-" + os.path.basename(abspath)

    assert fetch(root, "/f/a.txt", handler=Versioned).headers["Etag"] == '"v-a.txt"'
    assert Versioned.make_static_url({"static_path": str(root)}, "a.txt").endswith("?v=v-a.txt")


def test_no_etag(root: Path) -> None:
    class NoTag(StaticFileHandler):
        def compute_etag(self) -> str | None:
            return None

    response = fetch(root, "/f/a.txt", handler=NoTag, If_None_Match=f'"{VERSION}"')
    assert (response.status, response.body) == (200, HELLO)
    assert "Etag" not in response.headers


def test_coroutine_in_a_subclass(root: Path) -> None:
    class Async(StaticFileHandler):
        async def get(self, path: str, include_body: bool = True) -> None:
            await asyncio.sleep(0)
            await super().get(path + ".txt", include_body)

    assert fetch(root, "/f/a", handler=Async).body == HELLO
    head = fetch(root, "/f/a", "HEAD", handler=Async)
    assert (head.headers["Content-Length"], head.body) == ("12", b"")


def test_answer_by_validation(root: Path) -> None:
    class Elsewhere(StaticFileHandler):
        def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
            self.redirect("/login")
            return None

    response = fetch(root, "/f/a.txt", handler=Elsewhere)
    assert (response.status, response.headers["Location"]) == (302, "/login")


def test_default_get_content(root: Path) -> None:
    path = str(root / "a.txt")
    assert b"".join(StaticFileHandler.get_content(path)) == HELLO
    assert b"".join(StaticFileHandler.get_content(path, 2, 5)) == b"llo"
    assert b"".join(StaticFileHandler.get_content(path, None, 5)) == b"hello"
    assert b"".join(StaticFileHandler.get_content(path, 20)) == b""
    assert StaticFileHandler.get_content_version(path) == VERSION
    for name, status in {"nothing": 404, "pipe": 403}.items():
        with pytest.raises(HTTPError) as caught:
            b"".join(StaticFileHandler.get_content(str(root / name)))
        assert caught.value.status_code == status


# Resources.


def test_no_file_stays_open(root: Path) -> None:
    async def ask() -> None:
        application = Application(
            [(r"/f/(.*)", StaticFileHandler, {"path": str(root)})], debug=False
        )
        async with serving(application) as ask_server:
            for path in ("a.txt", "big.bin", "nothing", "outside", "pipe"):
                for headers in ({}, {"Range": "bytes=0-1"}, {"If_None_Match": "*"}):
                    await ask_server(f"/f/{path}", **headers)
                    await ask_server(f"/f/{path}", "HEAD", **headers)
            open_files = [_target(name) for name in os.listdir("/proc/self/fd")]
            assert not [name for name in open_files if name.startswith(str(root.parent))]

    asyncio.run(ask())


def _target(descriptor: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return ""


def test_large_file_waits_for_a_slow_client(root: Path) -> None:
    """No more of a file is in memory than its client takes, give or take some pieces."""
    written: list[int] = []
    size = 16 << 20
    with open(root / "huge.bin", "wb") as file:
        file.truncate(size)

    class Counting(StaticFileHandler):
        MAX_VERSION_CONTENT_SIZE = 0

        def write(self, chunk: Any) -> None:
            written.append(len(chunk))
            super().write(chunk)

    async def ask() -> None:
        application = Application([(r"/f/(.*)", Counting, {"path": str(root)})])
        server = HTTPServer(application)
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", sockets[0].getsockname()[1], limit=1024
        )
        writer.write(b"GET /f/huge.bin HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        previous = -1
        while previous != sum(written):
            previous = sum(written)
            for _ in range(100):
                await asyncio.sleep(0)
        assert sum(written) < size
        received = 0
        while data := await reader.read(1 << 20):
            received += len(data)
        assert received == sum(written) == size
        assert max(written) <= 131072
        writer.close()
        await writer.wait_closed()
        server.stop()
        await server.close_all_connections()

    asyncio.run(asyncio.wait_for(ask(), 30))


@pytest.mark.parametrize("asked", ["", "bytes=100000-9999999"])
@pytest.mark.parametrize("compress", [False, True])
def test_large_files_are_whole_however_they_are_sent(
    root: Path, asked: str, compress: bool
) -> None:
    """The system sends what need not be looked at; with an output transform it's read instead."""
    content = bytes(range(256)) * 40_000
    (root / "big.bin").write_bytes(content)

    async def ask() -> None:
        application = Application(
            [(r"/f/(.*)", StaticFileHandler, {"path": str(root)})], compress_response=compress
        )
        server = HTTPServer(application)
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        client = AsyncHTTPClient(force_instance=True)
        url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}/f/big.bin"
        first, *others = [
            await client.fetch(url, headers={"Range": asked} if asked else None) for _ in range(2)
        ]
        assert first.body == (content[100_000:10_000_000] if asked else content)
        assert all(response.body == first.body for response in others)
        head = await client.fetch(url, method="HEAD")
        assert (head.body, head.headers["Content-Length"]) == (b"", str(len(content)))
        client.close()
        server.stop()
        await server.close_all_connections()

    asyncio.run(asyncio.wait_for(ask(), 30))


HUGE = 100 << 20


async def begin_huge_file(
    root: Path, settings: dict[str, Any], then: Callable[[asyncio.StreamWriter], None]
) -> bytes:
    """Ask for a file that no socket's buffers can hold, do something when its head has come, wait
    for the handler's end, and return the rest of what comes.
    """
    with open(root / "huge.bin", "wb") as file:
        file.truncate(HUGE)
    finished = asyncio.Event()

    class Watched(StaticFileHandler):
        def on_finish(self) -> None:
            finished.set()

    application = Application([(r"/f/(.*)", Watched, {"path": str(root)})], **settings)
    server = HTTPServer(application)
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    port = sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(b"GET /f/huge.bin HTTP/1.1\r\nHost: h\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    then(writer)
    rest = b"" if writer.is_closing() else await reader.read()
    await finished.wait()
    writer.close()
    server.stop()
    await server.close_all_connections()
    while application._running:
        await asyncio.wait(set(application._running))
    return rest


@pytest.mark.parametrize("settings", [{}, {"compress_response": True}])
def test_client_that_leaves(
    root: Path, caplog: pytest.LogCaptureFixture, settings: dict[str, Any]
) -> None:
    """A client that leaves in the middle of a large file ends its response quietly."""

    def leave(writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    asyncio.run(asyncio.wait_for(begin_huge_file(root, settings, leave), 30))
    assert [record for record in caplog.records if record.name != "tornado.access"] == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "became shorter while it was sent"),
        ({"compress_response": True}, "less than Content-Length were written"),
    ],
)
def test_file_that_becomes_shorter_while_it_is_sent(
    root: Path, caplog: pytest.LogCaptureFixture, settings: dict[str, Any], said: str
) -> None:
    """The connection ends before the length that was announced, and the log says why."""

    def cut(writer: asyncio.StreamWriter) -> None:
        os.truncate(root / "huge.bin", 10)

    rest = asyncio.run(asyncio.wait_for(begin_huge_file(root, settings, cut), 30))
    assert len(rest) < HUGE
    assert said in caplog.text
