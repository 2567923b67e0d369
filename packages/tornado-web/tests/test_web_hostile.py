"""Corpora of hostile requests, sent to real servers byte by byte: paths that try to leave a directory,
texts that try to become headers, URLs that try to become other sites."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import socket
import time
import tracemalloc
from contextlib import ExitStack
from urllib.parse import quote, urljoin, urlsplit

import pytest

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.routing import PathMatches
from tornado.web import (
    Application,
    HTTPError,
    RedirectHandler,
    RequestHandler,
    StaticFileHandler,
    addslash,
    authenticated,
    removeslash,
)


@pytest.fixture(autouse=True)
def quiet(caplog):
    """Keep thousands of refusals from being logged."""
    for name in ("tornado.access", "tornado.general", "tornado.application"):
        caplog.set_level("CRITICAL", name)


SECRET = b"what nobody is to see"

# Paths.

_DOTS = [
    *("..", ".%2e", "%2e.", "%2e%2e", "%2E%2E", "...", "....", ". .", "..%20", "..%00", "..;"),
    # Dots written in two steps, and in forms of UTF-8 that are none.
    *("%252e%252e", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "%uff0e%uff0e", "\uff0e\uff0e"),
    *("..%01", "..%0a", "%0d%0a..", "..%09", "\\..", "%5c.."),
]
_SLASHES = [
    *("/", "//", "%2f", "%2F", "\\", "%5c", "%5C", "/./", "/.//", "%252f", "%c0%af", "%e0%80%af"),
    *(";/", "/;/", "%00/", "%u2215", "\u2215"),
]
_STARTS = ["", "dir", "dir/", "/", "%2f", "./", "nothing", "file.txt"]


def _paths():
    """Return ways of writing the path of the secret, relative to the directory or not."""
    for dots, slash in itertools.product(_DOTS, _SLASHES):
        for depth in (1, 2, 6):
            yield (dots + slash) * depth + "secret.txt"
    for start, dots in itertools.product(_STARTS, _DOTS[:6]):
        yield f"{start}/{dots}/secret.txt"
        yield f"{start}%2f{dots}%2fsecret.txt"


def _absolute_paths(secret):
    for start in ("", "/", "//", "%2f", "%2f%2f", "\\", "%5c", "./", "file:", "file://"):
        yield start + secret
        yield start + quote(secret, safe="")
        yield start + secret.replace("/", "\\")


_OTHERS = [
    *("/dev/zero", "%2fdev%2fzero", "../../../../../../../../dev/zero"),
    *(
        "/proc/self/environ",
        "/proc/self/fd/0",
        "C:/secret.txt",
        "C:secret.txt",
        "C%3a%5csecret.txt",
    ),
    *("\\\\host\\share\\secret.txt", "%5c%5c%3f%5cC:%5csecret.txt", "\\\\.\\pipe\\x", "CON", "NUL"),
    *("~/secret.txt", "~root/.bashrc", "$HOME/secret.txt", "%24HOME/secret.txt", "file.txt::$DATA"),
    *("link.txt", "up/secret.txt", "up/static/../secret.txt", "dir/../up/secret.txt", "loop"),
    *(
        "file.txt%00.png",
        "%00",
        "file.txt/",
        "file.txt/.",
        "file.txt/..",
        "file.txt/../../secret.txt",
    ),
    *("dir/" * 2000 + "..", "a" * 5000, "%" * 50, "%2", "%zz", "%ff%fe", "pipe", "."),
]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A directory with a secret beside it, and links that lead there."""
    base = tmp_path_factory.mktemp("hostile")
    root = base / "static"
    (root / "dir").mkdir(parents=True)
    for folder in (base, base / "static_other"):
        folder.mkdir(exist_ok=True)
        (folder / "secret.txt").write_bytes(SECRET)
        (folder / "secret.txt.gz").write_bytes(SECRET)
    (root / "file.txt").write_bytes(b"harmless")
    (root / "dir" / "index.html").write_bytes(b"harmless")
    (root / "link.txt").symlink_to("../secret.txt")
    (root / "file.txt.gz").symlink_to("../secret.txt.gz")
    (root / "up").symlink_to("..")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe")
    return root


class Conversation:
    """Requests on one connection to a server, which is opened anew whenever it was closed."""

    def __init__(self, server):
        self._server = server
        self._conn = None

    def ask(self, target, *, method="GET"):
        """Send a request line with any target, and return status, head and content."""
        if self._conn is None:
            self._conn = self._server.connect()
            self._input = self._conn.makefile("rb")
        raw = target.encode("utf-8")
        self._conn.sendall(b"%s %s HTTP/1.1\r\nHost: a\r\n\r\n" % (method.encode(), raw))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self._input.readline()
            if not line:
                break
            head += line
        length = re.search(rb"(?im)^content-length: *(\d+)\r$", head)
        body = self._input.read(int(length[1])) if length and method != "HEAD" else b""
        if b"Connection: close" in head or not head:
            self.close()
        return int(head.split()[1]) if head else 0, head, body

    def close(self):
        if self._conn is not None:
            self._input.close()
            self._conn.close()
            self._conn = None


@pytest.fixture
def talk(serve):
    """Return a function that serves an application and returns a conversation with it."""
    with ExitStack() as stack:

        def start(app):
            conversation = Conversation(stack.enter_context(serve(app)))
            stack.callback(conversation.close)
            return conversation

        yield start


@pytest.mark.parametrize(
    ("prefix", "options"),
    [
        ("/static/", {}),
        ("/files/", {}),
        ("/files/", {"default_filename": "index.html"}),
        ("/files/", {"precompressed": True}),
    ],
)
def test_p24_no_path_leads_out_of_the_directory(talk, directory, prefix, options):
    """S17, S18, S20, P24: whatever the path is, the answer is a file from within, a redirect within
    the site, or an error; and the server still answers."""
    root = str(directory)
    files = ("/files/(.*)", StaticFileHandler, {"path": root, **options})
    conversation = talk(Application([files], static_path=root))
    secret = str(directory.parent / "secret.txt")
    corpus = list(dict.fromkeys([*_paths(), *_absolute_paths(secret), *_OTHERS]))
    assert len(corpus) > 1000
    for path in corpus:
        status, head, body = conversation.ask(prefix + path)
        assert SECRET not in body, path
        assert body == b"harmless" or status in (301, 400, 403, 404, 414, 431), path
        if status == 301:
            assert _leads_to("http://a" + prefix, head) == "http://a", path
    assert conversation.ask(prefix + "file.txt")[0] == 200


def test_p24_nor_does_the_path_of_a_version(directory):
    """S19: versions are made of files below the directory only."""
    settings = {"static_path": str(directory)}
    for path in [*_paths(), *_absolute_paths(str(directory.parent / "secret.txt")), *_OTHERS]:
        for form in (path, _percent_decoded(path)):
            try:
                url = StaticFileHandler.make_static_url(settings, form)
            except HTTPError as error:
                assert error.status_code in (403, 404)
            else:
                inside = os.path.realpath(os.path.join(directory, form.replace("\0", "")))
                below = inside.startswith(str(directory) + "/") and os.path.isfile(inside)
                link = form.endswith("link.txt") or "up/" in form
                assert below or link or "?v=" not in url, form


def _percent_decoded(path):
    return re.sub("%([0-9a-fA-F]{2})", lambda match: chr(int(match[1], 16)), path)


# Headers.

_BREAKS = [
    *(
        "\r\nInjected: 1",
        "\nInjected: 1",
        "\rInjected: 1",
        "\r\n\r\nInjected: 1",
        "\x00Injected: 1",
    ),
    *("\r\n Injected: 1", "\x0bInjected: 1", "\x0cInjected: 1", "\x1bInjected: 1", "\x7fInjected"),
    # Cut down to a byte each, these would be CR and LF.
    *("\u010d\u010aInjected: 1", "\u560d\u560aInjected: 1", "\u2028Injected: 1", "\x85Injected: 1"),
]


class Echo(RequestHandler):
    """Does one thing with what the test has put down."""

    def get(self):
        self.act(self, self.text)
        if not self._finished:
            self.write("ok")


def _raise(handler, text):
    raise HTTPError(400, reason=text)


ACTS = {
    "set_header": lambda handler, text: handler.set_header("X-Text", text),
    "set_header bytes": lambda handler, text: handler.set_header("X-Text", text.encode()),
    "add_header": lambda handler, text: handler.add_header("X-Text", text),
    "name": lambda handler, text: handler.set_header("X-" + text, "1"),
    "name of add_header": lambda handler, text: handler.add_header("X-" + text, "1"),
    "content type": lambda handler, text: handler.set_header("Content-Type", "text/" + text),
    "redirect": lambda handler, text: handler.redirect("/" + text),
    "reason": lambda handler, text: handler.set_status(200, text),
    "reason of an error": _raise,
    "send_error": lambda handler, text: handler.send_error(400, reason=text),
    "cookie": lambda handler, text: handler.set_cookie("a", text),
    "name of a cookie": lambda handler, text: handler.set_cookie("a" + text, "b"),
    "domain": lambda handler, text: handler.set_cookie("a", "b", domain=text),
    "path": lambda handler, text: handler.set_cookie("a", "b", path="/" + text),
    "samesite": lambda handler, text: handler.set_cookie("a", "b", samesite=text),
    "max_age": lambda handler, text: handler.set_cookie("a", "b", max_age=text),
    "expires": lambda handler, text: handler.set_cookie("a", "b", expires=text),
    "older spelling": lambda handler, text: handler.set_cookie("a", "b", Domain=text),
    "signed cookie": lambda handler, text: handler.set_signed_cookie("a", text),
    "cleared cookie": lambda handler, text: handler.clear_cookie("a", path="/" + text),
    "etag": lambda handler, text: handler.set_header("Etag", f'"{text}"'),
    "own etag": lambda handler, text: setattr(handler, "compute_etag", lambda: f'"{text}"'),
}


@pytest.mark.parametrize("act", ACTS)
def test_s1_no_text_becomes_a_header(talk, act):
    """S1, S2, T5: nothing that a program passes on starts a line of its own, or reaches a client as
    a control character."""

    class Acting(Echo):
        pass

    Acting.act = staticmethod(ACTS[act])
    conversation = talk(Application([("/", Acting)], cookie_secret="secret"))
    for text in _BREAKS:
        Acting.text = text
        status, head, _ = conversation.ask("/")
        lines = head.split(b"\r\n")
        assert status in (200, 302, 400, 500), text
        assert not any(line.startswith((b"Injected", b" ", b"\t")) for line in lines), text
        assert re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", b"".join(lines)) is None, text
        assert all(b":" in line for line in lines[1:-2]), text


def test_s1_nor_does_what_a_client_sends(talk):
    """S1: texts of the request that go into headers of the response."""

    class Reflecting(RequestHandler):
        def get(self, path):
            self.set_header("X-Path", path)
            self.set_header("X-Argument", self.get_argument("a", ""))
            self.set_cookie("b", self.get_argument("a", ""))
            self.redirect("/" + path)

    routes = [
        ("/reflect/(.*)", Reflecting),
        ("/redirect/(.*)", RedirectHandler, {"url": "/to/{0}"}),
    ]
    conversation = talk(Application(routes))
    for text in _BREAKS:
        escaped = quote(text)
        for target in (f"/reflect/{escaped}", f"/reflect/x?a={escaped}", f"/redirect/{escaped}"):
            _, head, _ = conversation.ask(target)
            lines = head.split(b"\r\n")
            assert not any(line.startswith(b"Injected") for line in lines), target
            assert re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", b"".join(lines)) is None, target


# Redirects.

_ELSEWHERE = [
    *("//evil.com", "///evil.com", "////evil.com", "/\\evil.com", "\\\\evil.com", "\\/evil.com"),
    *("/%5cevil.com", "%5c%5cevil.com", "%2f%2fevil.com", "/%2fevil.com", "%09//evil.com"),
    *("/%09/evil.com", "/%0a/evil.com", "/%0d/evil.com", "%20//evil.com", "%00//evil.com"),
    *("//evil.com%2f..", "//evil.com/%2e%2e", "//evil.com/..", "/\\/evil.com/..", "/.//evil.com"),
    *("/..//evil.com", "//%5cevil.com", "//@evil.com", "//good@evil.com", "http://evil.com"),
    *("http:evil.com", "http:/evil.com", "http:\\\\evil.com", "HtTpS://evil.com", "ftp://evil.com"),
    *("javascript:alert(1)", "data:text/html,x", "//evil.com:80", "//[::1]", "/\t/evil.com"),
]


def _browsers_view(location):
    """Return a URL as browsers read it (WHATWG URL section 4.4)."""
    kept = re.sub("[\t\r\n]", "", location.strip("".join(map(chr, range(0x21)))))
    head, question, query = kept.partition("?")
    return head.replace("\\", "/") + question + query


def _leads_to(base, head):
    """Return scheme and host of what a response redirects to."""
    location = re.search(rb"(?im)^location: *(.*)\r$", head)[1].decode("utf-8")
    # More slashes than two before a host mean the same to browsers.
    seen = re.sub("^/{2,}", "//", _browsers_view(location))
    target = urlsplit(urljoin(base, seen))
    return f"{target.scheme}://{target.netloc}"


def _slashed(decorator):
    class Slashed(RequestHandler):
        @decorator
        def get(self):
            self.write("here")

        head = get

    return Slashed


class Members(RequestHandler):
    @authenticated
    def get(self):
        self.write("members")

    head = get

    def get_login_url(self):
        return "/login"


def test_p25_no_redirect_leads_to_another_site(talk, directory):
    """T7, T8, T9, P25: redirects that are made of a path stay on the site."""
    static = {"path": str(directory), "default_filename": "index.html"}
    applications = {
        "addslash": [("/.*", _slashed(addslash))],
        "removeslash": [("/.*", _slashed(removeslash))],
        "authenticated": [("/.*", Members)],
        "static": [("/(.*)", StaticFileHandler, static)],
        "static, any path": [("(.*)", StaticFileHandler, static)],
        "redirect": [("/(.*)", RedirectHandler, {"url": "{0}"})],
        "redirect below": [("/(.*)", RedirectHandler, {"url": "/{0}"})],
        "redirect whole": [("(.*)", RedirectHandler, {"url": "{0}"})],
        "redirect to a host": [("(.*)", RedirectHandler, {"url": "http://a{0}"})],
        "redirect with a scheme": [("/(.*)", RedirectHandler, {"url": "http://a/{0}"})],
    }
    for name, routes in applications.items():
        conversation = talk(Application(routes))
        redirects = 0
        for path, end, method in itertools.product(_ELSEWHERE, ("", "/", "/dir"), ("GET", "HEAD")):
            target = path + end
            for line in {target, "/" + target.lstrip("/"), "/" + target}:
                if not line.startswith("/") or " " in line or "\t" in line:
                    continue
                status, head, _ = conversation.ask(line, method=method)
                assert status in (200, 301, 302, 400, 403, 404, 405), (name, line)
                if status in (301, 302):
                    redirects += 1
                    assert _leads_to("http://a/", head) == "http://a", (name, line)
        assert redirects or name.startswith("static"), name


# Pages.


def test_p26_pages_hold_no_markup_of_the_request(talk):
    """S2, P26: error pages and redirects repeat nothing of a request unescaped."""

    class Failing(RequestHandler):
        def get(self, kind):
            text = self.get_argument("text")
            if kind == "reason":
                raise HTTPError(400, reason=text)
            if kind == "redirect":
                self.redirect("/" + text)
            else:
                raise HTTPError(400, text)

    routes = [
        ("/fail/(.*)", Failing),
        ("/old/(.*)", RedirectHandler, {"url": "/new/{0}"}),
        ("/slash", _slashed(addslash)),
    ]
    conversation = talk(Application(routes))
    markup = "<script>alert('x')</script>"
    targets = [
        *(f"/fail/{kind}?text={quote(markup)}" for kind in ("reason", "message", "redirect")),
        *(f"/{where}/{form}" for where in ("nothing", "old") for form in (quote(markup), markup)),
        f"/slash?{markup}",
        f"/fail/reason?missing={quote(markup)}",
    ]
    for target in targets:
        status, _, body = conversation.ask(target)
        assert 300 <= status < 500, target
        assert b"<script" not in body, target


# Time.


def test_s16_long_escaped_paths_take_linear_time():
    """S16: a path of a megabyte, all of it %-escapes, is decoded in well under a second."""

    class Request:
        path = "/" + "%e4%b8%ad" * 120_000

    matcher = PathMatches("/(.*)")
    start = time.process_time()
    found = matcher.match(Request)
    assert found["path_args"] == ["中".encode() * 120_000]
    # Quadratic behaviour would take minutes.
    assert time.process_time() - start < 2


# Bodies.


def test_s25_a_body_in_tiny_pieces_takes_little_more_memory_than_it_has_bytes():
    class Counting(RequestHandler):
        def post(self):
            self.write(str(len(self.request.body)))

    async def send():
        near, far = socket.socketpair()
        server = HTTPServer(Application([("/", Counting)]))
        stream = IOStream(near)
        server.handle_stream(stream, ("127.0.0.1", 1))
        (connection,) = server._connections
        receive = connection.connection.data_received
        receive(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n")
        tracemalloc.start()
        try:
            for number in range(19_999):
                receive(b"%c" % (number % 256))
            assert tracemalloc.get_traced_memory()[0] < 60_000
        finally:
            tracemalloc.stop()
        receive(b".")
        assert far.recv(1000).endswith(b"\r\n\r\n20000")
        far.close()
        await server.close_all_connections()

    asyncio.run(send())
