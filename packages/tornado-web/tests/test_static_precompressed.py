"""Files that lie compressed beside others, and the choice among them by Accept-Encoding."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado._web import static_versions
from tornado._web.codings import accepts, by_preference
from tornado._web.static_variants import siblings
from tornado.web import Application, StaticFileHandler

# Accept-Encoding.


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("gzip ; q=0.5", True),
        ("gzip;Q=0.5", True),
        ("*", True),
        ("br, *;q=0.1", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0.001", True),
        ("gzip;q=0.0001", False),
        ("gzip;q=2", False),
        ("gzip;q=-1", False),
        ("gzip;q=", False),
        ("gzip;level=9", False),
        ("br, notgzip", False),
        ("identity", False),
        (", ,gzip,", True),
        ("deflate," * 100 + "gzip", True),
    ],
)
def test_accepts_gzip(header, expected):
    """RFC 9110 section 12.5.3."""
    assert accepts(header, "gzip") is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", []),
        ("gzip", ["gzip"]),
        ("gzip, deflate, br, zstd", ["br", "gzip"]),
        ("br, gzip", ["br", "gzip"]),
        ("gzip;q=1.0, br;q=0.5", ["gzip", "br"]),
        ("gzip;q=0.5, br;q=0.50", ["br", "gzip"]),
        ("br;q=0, gzip", ["gzip"]),
        ("br;q=0, *", ["gzip"]),
        ("*;q=0.5, gzip;q=0.4", ["br", "gzip"]),
        ("*;q=0.4, gzip;q=0.5", ["gzip", "br"]),
        ("*;q=0", []),
        ("identity", []),
        ("identity, gzip;q=0.5", []),
        ("identity;q=0.5, gzip;q=0.5", ["gzip"]),
        ("identity;q=0.5, br;q=0.4, gzip", ["gzip"]),
        ("identity;q=0, gzip;q=0.1", ["gzip"]),
        ("identity;q=0", []),
        ("br;q=x", []),
    ],
)
def test_codings_by_preference(header, expected):
    assert by_preference(header, ["br", "gzip"]) == expected


@given(st.text(), st.sampled_from(["br", "gzip"]))
def test_any_text_is_an_accept_encoding(header, coding):
    preferred = by_preference(header, ["br", "gzip"])
    assert set(preferred) <= {"br", "gzip"}
    if coding in preferred:
        assert accepts(header, coding)


def test_which_files_are_looked_for():
    both = "gzip, br"
    assert siblings("/a", True, both) == [("br", "/a.br"), ("gzip", "/a.gz")]
    assert siblings("/a", ["gzip", "br"], both) == [("gzip", "/a.gz"), ("br", "/a.br")]
    assert siblings("/a", ["gzip"], both) == [("gzip", "/a.gz")]
    assert siblings("/a", False, both) == []
    with pytest.raises(ValueError, match="'bz2'"):
        siblings("/a", ["bz2"], both)


# Files.

PLAIN = b"let a = 1;\n" * 100
BROTLI = b"not really brotli, but nobody looks"
GZIPPED = gzip.compress(PLAIN, mtime=0)
BIG = os.urandom(200_000)
MODIFIED = 1700000000


@pytest.fixture(autouse=True)
def fresh_files():
    StaticFileHandler.reset()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory with a script in three forms and other files in fewer."""
    root = tmp_path / "static"
    (root / "dir").mkdir(parents=True)
    (tmp_path / "secret.gz").write_bytes(b"secret")
    for name, content in {
        "app.js": PLAIN,
        "app.js.br": BROTLI,
        "app.js.gz": GZIPPED,
        "only.css": b"a{}",
        "only.css.gz": b"zipped css",
        "alone.txt": b"alone",
        "big.bin": BIG,
        "big.bin.gz": BIG[::-1],
        "dir/index.html": b"<p>",
        "dir/index.html.gz": b"zipped index",
        "linked.txt": b"linked",
        "inside.txt": b"inside",
        "folder.txt": b"folder",
        "pipe.txt": b"pipe",
        "orphan.txt.gz": b"orphan",
    }.items():
        (root / name).write_bytes(content)
        os.utime(root / name, (MODIFIED, MODIFIED))
    (root / "linked.txt.gz").symlink_to("../secret.gz")
    (root / "inside.txt.gz").symlink_to("only.css.gz")
    (root / "folder.txt.gz").mkdir()
    os.mkfifo(root / "pipe.txt.gz")
    return root


@pytest.fixture
def get(root, fetch):
    """Return a function that asks for a file."""

    def get(path, accept="gzip, br", method="GET", *, handler=StaticFileHandler, **options):
        headers = {"Accept-Encoding": accept} if accept is not None else {}
        headers |= options.pop("headers", {})
        settings = options.pop("settings", {})
        arguments = {"path": str(root), "precompressed": True, **options}
        app = Application([("/(.*)", handler, arguments)], **settings)
        return fetch(app, method, "/" + path, headers=headers)

    return get


def tag(content):
    return f'"{hashlib.sha512(content).hexdigest()}"'


@pytest.mark.parametrize(
    ("accept", "coding", "content"),
    [
        ("gzip, deflate, br, zstd", "br", BROTLI),
        ("gzip, deflate", "gzip", GZIPPED),
        ("gzip;q=1, br;q=0.9", "gzip", GZIPPED),
        ("br;q=0, *;q=0.1", "gzip", GZIPPED),
        ("identity, br;q=0.9", None, PLAIN),
        ("gzip;q=0, br;q=0", None, PLAIN),
        ("", None, PLAIN),
        (None, None, PLAIN),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_form_that_the_client_likes_best(get, method, accept, coding, content):
    conn = get("app.js", accept, method)
    assert conn.code == 200
    assert conn.headers.get("Content-Encoding") == coding
    assert conn.headers["Content-Type"] == "text/javascript"
    assert conn.headers["Content-Length"] == str(len(content))
    assert conn.headers["Vary"] == "Accept-Encoding"
    assert conn.headers["Etag"] == tag(content)
    assert conn.headers["Accept-Ranges"] == "bytes"
    assert conn.body == (content if method == "GET" else b"")


def test_it_is_off_unless_asked_for(get):
    conn = get("app.js", precompressed=False)
    assert conn.body == PLAIN
    assert "Vary" not in conn.headers
    assert "Content-Encoding" not in conn.headers


def test_the_setting_of_the_application(root, fetch):
    app = Application(static_path=str(root), static_handler_args={"precompressed": ["gzip"]})
    conn = fetch(app, uri="/static/app.js", headers={"Accept-Encoding": "br, gzip"})
    assert conn.body == GZIPPED


def test_a_subclass_may_have_it_as_its_default(get, root):
    class Own(StaticFileHandler):
        precompressed = ("br",)

        def initialize(self, path, **kwargs):
            super().initialize(path)

    assert get("app.js", handler=Own).body == BROTLI
    assert get("app.js", "gzip", handler=Own).body == PLAIN


def test_an_unknown_coding_is_an_error_of_the_program(get, caplog):
    assert get("app.js", precompressed=["lzma"]).code == 500
    assert "'lzma'" in caplog.text


@pytest.mark.parametrize(
    ("path", "coding", "content"),
    [
        ("only.css", "gzip", b"zipped css"),
        ("alone.txt", None, b"alone"),
        ("inside.txt", "gzip", b"zipped css"),
        # S18: what must not be sent is not looked at, and the file itself is.
        ("linked.txt", None, b"linked"),
        ("folder.txt", None, b"folder"),
        ("pipe.txt", None, b"pipe"),
    ],
)
def test_what_is_there_is_sent(get, path, coding, content):
    conn = get(path)
    assert conn.code == 200
    assert conn.headers.get("Content-Encoding") == coding
    assert conn.headers["Vary"] == "Accept-Encoding"
    assert conn.body == content


def test_links_to_allowed_directories(get, root):
    conn = get("linked.txt", allowed_symlink_directory=str(root.parent))
    assert conn.body == b"secret"
    assert conn.headers["Content-Type"] == "text/plain"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("orphan.txt", 404),
        ("../secret", 403),
        ("..%2fsecret", 403),
        ("dir", 403),
        ("folder.txt.gz", 403),
        ("linked.txt.gz", 403),
        ("app.js%00", 404),
        ("nothing", 404),
    ],
)
def test_compressed_files_make_nothing_else_served(get, path, code):
    """P24: a compressed file stands for the plain one, and for nothing that has none."""
    conn = get(path)
    assert conn.code == code
    assert "Content-Encoding" not in conn.headers


def test_a_compressed_file_may_be_asked_for_itself(get):
    conn = get("app.js.gz")
    assert conn.body == GZIPPED
    assert conn.headers["Content-Type"] == "application/gzip"
    assert "Content-Encoding" not in conn.headers


def test_default_files(get):
    conn = get("dir/", default_filename="index.html")
    assert conn.body == b"zipped index"
    assert conn.headers["Content-Type"] == "text/html"


def test_files_in_memory_keep_what_is_said_about_them(get, monkeypatch):
    """The same bytes are asked for as what they are and as what they stand for, again and again."""
    monkeypatch.setattr(static_versions, "_SETTLING_TIME", -3600)
    for _ in range(3):
        zipped = get("app.js", "gzip")
        assert zipped.headers["Content-Type"] == "text/javascript"
        assert zipped.headers["Content-Encoding"] == "gzip"
        itself = get("app.js.gz", "gzip")
        assert itself.headers["Content-Type"] == "application/gzip"
        assert "Content-Encoding" not in itself.headers
        plain = get("app.js", "")
        assert plain.headers["Etag"] == tag(PLAIN)
        assert zipped.headers["Etag"] == itself.headers["Etag"] == tag(GZIPPED)
        assert (zipped.body, itself.body, plain.body) == (GZIPPED, GZIPPED, PLAIN)


# Conditions and ranges are about the form that is sent (RFC 9110 section 8.8).


@pytest.mark.parametrize(
    ("accept", "known", "code"),
    [
        ("gzip", GZIPPED, 304),
        ("gzip", PLAIN, 200),
        ("", GZIPPED, 200),
        ("", PLAIN, 304),
        ("br", BROTLI, 304),
    ],
)
def test_conditions(get, accept, known, code):
    conn = get("app.js", accept, headers={"If-None-Match": tag(known)})
    assert conn.code == code
    # RFC 9110 section 15.4.5: what a 200 would have said of the form.
    assert conn.headers["Vary"] == "Accept-Encoding"
    assert "Etag" in conn.headers
    if code == 304:
        assert conn.body == b""
        assert "Content-Encoding" not in conn.headers


def test_a_precondition_that_fails(get):
    conn = get("app.js", headers={"If-Match": tag(PLAIN)})
    assert (conn.code, conn.body) == (412, b"")
    assert "Content-Encoding" not in conn.headers
    assert get("app.js", headers={"If-Match": tag(BROTLI)}).code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_ranges(get, method):
    conn = get("app.js", "gzip", method, headers={"Range": "bytes=2-5"})
    assert conn.code == 206
    assert conn.headers["Content-Range"] == f"bytes 2-5/{len(GZIPPED)}"
    assert conn.headers["Content-Encoding"] == "gzip"
    assert conn.headers["Vary"] == "Accept-Encoding"
    assert conn.headers["Content-Length"] == "4"
    assert conn.body == (GZIPPED[2:6] if method == "GET" else b"")


def test_pieces_make_up_the_whole(get):
    half = len(GZIPPED) // 2
    tags = {"If-Range": tag(GZIPPED)}
    first = get("app.js", "gzip", headers={"Range": f"bytes=0-{half - 1}"} | tags)
    second = get("app.js", "gzip", headers={"Range": f"bytes={half}-"} | tags)
    assert (first.code, second.code) == (206, 206)
    assert zlib.decompress(first.body + second.body, zlib.MAX_WBITS + 16) == PLAIN


def test_a_range_of_another_form_is_not_continued(get):
    """A client that has the beginning of one form does not get the rest of another."""
    wanted = {"Range": "bytes=5-", "If-Range": tag(GZIPPED)}
    conn = get("app.js", "br", headers=wanted)
    assert (conn.code, conn.body) == (200, BROTLI)


def test_a_range_beyond_the_end(get):
    beyond = f"bytes={len(GZIPPED)}-"
    conn = get("app.js", "gzip", headers={"Range": beyond})
    assert conn.code == 416
    assert conn.headers["Content-Range"] == f"bytes */{len(GZIPPED)}"
    assert "Content-Encoding" not in conn.headers
    assert get("app.js", "", headers={"Range": beyond}).code == 206


def test_large_files(serve, root):
    app = Application([("/(.*)", StaticFileHandler, {"path": str(root), "precompressed": True})])
    with serve(app) as server:
        zipped = server.request("GET", "/big.bin", headers={"Accept-Encoding": "gzip"})
        plain = server.request("GET", "/big.bin", headers={"Accept-Encoding": "identity"})
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert zipped.body == BIG[::-1]
    assert plain.body == BIG


# What goes with it.


def test_the_transform_leaves_it_alone(get):
    conn = get("app.js", "gzip", settings={"compress_response": True})
    assert conn.body == GZIPPED
    assert conn.headers["Content-Encoding"] == "gzip"
    assert conn.headers["Vary"] == "Accept-Encoding"
    assert conn.headers["Etag"] == tag(GZIPPED)
    assert conn.headers["Content-Length"] == str(len(GZIPPED))


def test_headers_of_a_subclass(get):
    class Own(StaticFileHandler):
        def set_extra_headers(self, path):
            self.set_header("Vary", "Cookie")
            self.set_header("X-Path", path)

    conn = get("app.js", handler=Own)
    assert conn.headers["Vary"] == "Cookie, Accept-Encoding"
    assert conn.headers["X-Path"] == "app.js"


def test_versioned_urls_are_those_of_the_file(root, fetch):
    app = Application(static_path=str(root), static_handler_args={"precompressed": True})
    url = StaticFileHandler.make_static_url(app.settings, "app.js")
    assert url == "/static/app.js?v=" + hashlib.sha512(PLAIN).hexdigest()
    conn = fetch(app, uri=url, headers={"Accept-Encoding": "br"})
    assert conn.body == BROTLI
    assert "max-age" in conn.headers["Cache-Control"]


def test_content_of_a_subclass_is_sent_as_it_is(get):
    class Own(StaticFileHandler):
        @classmethod
        def get_content(cls, abspath, start=None, end=None):
            return b"made" if abspath.endswith(".js") else b"wrong"

        def get_content_size(self):
            return 4

    conn = get("app.js", handler=Own)
    assert conn.body == b"made"
    assert "Content-Encoding" not in conn.headers
    assert "Vary" not in conn.headers


def test_no_file_stays_open(get, root):
    def opened():
        return [
            name
            for name in os.listdir("/proc/self/fd")
            if os.path.realpath(f"/proc/self/fd/{name}").startswith(str(root))
        ]

    for path in ("app.js", "alone.txt", "linked.txt", "folder.txt", "pipe.txt", "big.bin"):
        get(path)
        get(path, "gzip", "HEAD", headers={"If-None-Match": "*"})
        assert opened() == []
