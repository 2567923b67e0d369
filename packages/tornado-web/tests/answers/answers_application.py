"""An application that uses much of tornado.web, for any implementation of it.

What a handler does is mostly said by its request's path and query, so that a table of requests says
what is tested.
"""

import os
import pathlib

from tornado.escape import json_encode
from tornado.web import (
    Application,
    ErrorHandler,
    Finish,
    HTTPError,
    RedirectHandler,
    RequestHandler,
    StaticFileHandler,
    UIModule,
    addslash,
    authenticated,
    removeslash,
    stream_request_body,
    url,
)

SECRETS = {0: "an old secret", 1: "a new secret"}
LONG_AGO = 1_000_000_000  # seconds; when the files were changed
FILES = {
    "plain.txt": b"0123456789" * 10,
    "empty.txt": b"",
    "page.html": b"<!doctype html><title>t</title>",
    "data.json": b'{"a": 1}',
    "script.js": b"let a = 1;",
    "image.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "archive.tar.gz": b"not really",
    "no-suffix": b"bytes",
    "with space.txt": b"space",
    "folder/index.html": b"index",
    "folder/deep.txt": b"deep",
}


def write_files(folder):
    """Make the files that are served, and one beside them that isn't."""
    root = pathlib.Path(folder, "static")
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (LONG_AGO, LONG_AGO))
    pathlib.Path(folder, "secret.txt").write_bytes(b"secret")
    pathlib.Path(folder, "static-beside.txt").write_bytes(b"secret")
    pathlib.Path(folder, "hello.html").write_text(
        "{% autoescape xhtml_escape %}<p>{{ name }}</p>{% module Box(name) %}"
        "<a href='{{ static_url('plain.txt') }}'>{{ reverse_url('item', 7) }}</a>"
    )
    return root


class Method(RequestHandler):
    """Says which method it was called by."""

    def get(self, *args, **kwargs):
        self.write({"method": "GET", "args": args, "kwargs": kwargs})

    def head(self, *args, **kwargs):
        self.set_header("X-Method", "HEAD")

    def post(self, *args, **kwargs):
        self.write({"method": "POST", "args": args, "kwargs": kwargs})

    put = delete = patch = options = post


class OnlyGet(RequestHandler):
    """Has one method."""

    def get(self, *args):
        self.write("only get")


class Arguments(RequestHandler):
    """Says what the arguments are."""

    def get(self):
        name = self.get_argument("which", None)
        if name is None:
            names = sorted(self.request.arguments)
            self.write({key: self.get_arguments(key) for key in names})
        else:
            self.write({"value": self.get_argument(name)})

    def post(self):
        query = {key: self.get_query_arguments(key) for key in self.request.query_arguments}
        body = {key: self.get_body_arguments(key) for key in self.request.body_arguments}
        files = {
            key: [[file.filename, file.content_type, len(file.body)] for file in files]
            for key, files in self.request.files.items()
        }
        self.write({"query": query, "body": body, "files": files})

    put = patch = post


class Unstripped(RequestHandler):
    """Says what arguments are with the spaces around them."""

    def get(self):
        self.write({"a": self.get_arguments("a", strip=False)})


class Cookies(RequestHandler):
    """Says which cookies came."""

    def get(self):
        self.write({name: morsel.value for name, morsel in sorted(self.cookies.items())})


class SignedCookie(RequestHandler):
    """Reads a signed cookie that never expires."""

    def get(self):
        value = self.get_secure_cookie("user", max_age_days=100_000)
        version = self.get_secure_cookie_key_version("user")
        strict = self.get_secure_cookie("user", max_age_days=100_000, min_version=2)
        self.write(repr((value, version, strict)))


SET_COOKIES = {
    "plain": lambda self: self.set_cookie("a", "b"),
    "two": lambda self: (self.set_cookie("a", "b"), self.set_cookie("c", "d")),
    "again": lambda self: (self.set_cookie("a", "b"), self.set_cookie("a", "c")),
    "quoted": lambda self: self.set_cookie("a", 'b "c" d'),
    "comma": lambda self: self.set_cookie("a", "b,c;d"),
    "unicode": lambda self: self.set_cookie("a", "\u00e9"),
    "bytes": lambda self: self.set_cookie("a", b"bytes"),
    "empty": lambda self: self.set_cookie("a", ""),
    "domain": lambda self: self.set_cookie("a", "b", domain="example.com"),
    "path": lambda self: self.set_cookie("a", "b", path="/sub"),
    "no-path": lambda self: self.set_cookie("a", "b", path=None),
    "expires": lambda self: self.set_cookie("a", "b", expires=LONG_AGO),
    "tuple": lambda self: self.set_cookie("a", "b", expires=(2101, 1, 2, 3, 4, 5, 0, 0, 0)),
    "max-age": lambda self: self.set_cookie("a", "b", max_age=60),
    "max-age-0": lambda self: self.set_cookie("a", "b", max_age=0),
    "secure": lambda self: self.set_cookie("a", "b", secure=True),
    "http-only": lambda self: self.set_cookie("a", "b", httponly=True),
    "same-site": lambda self: self.set_cookie("a", "b", samesite="Lax"),
    "all": lambda self: self.set_cookie(
        "a", "b", domain="x.org", path="/p", max_age=5, secure=True, httponly=True, samesite="None"
    ),
    "cleared": lambda self: self.clear_cookie("a"),
    "cleared-path": lambda self: self.clear_cookie("a", path="/sub", domain="x.org"),
    "all-cleared": lambda self: self.clear_all_cookies(),
    "set-and-cleared": lambda self: (self.set_cookie("a", "b"), self.clear_cookie("a")),
    "bad-value": lambda self: self.set_cookie("a", "b\x01c"),
    "bad-line": lambda self: self.set_cookie("a", "b\r\nc"),
    "bad-name": lambda self: self.set_cookie("a=b", "c"),
    "bad-name-space": lambda self: self.set_cookie("a b", "c"),
    "bad-path": lambda self: self.set_cookie("a", "b", path="/;x"),
    "bad-domain": lambda self: self.set_cookie("a", "b", domain="x;y"),
}


class SetCookie(RequestHandler):
    """Sets cookies in the way that the path says."""

    def get(self, way):
        SET_COOKIES[way](self)
        self.write("set")


def _fail_after_write(self):
    self.write("something")
    raise ValueError("after all")


def _raise(error):
    def fail(self):
        raise error()

    return fail


OUTPUTS = {
    "text": lambda self: self.write("text"),
    "unicode": lambda self: self.write("\u00e9\u4e16"),
    "bytes": lambda self: self.write(b"\xff\x00"),
    "dict": lambda self: self.write({"a": ["</script>", "\u00e9"]}),
    "list": lambda self: self.write(["a"]),
    "none": lambda self: self.write(None),
    "number": lambda self: self.write(5),
    "nothing": lambda self: None,
    "twice": lambda self: (self.write("a"), self.write("b")),
    "finish": lambda self: self.finish("done"),
    "finish-dict": lambda self: self.finish({"done": True}),
    "write-after-finish": lambda self: (self.finish("done"), self.write("more")),
    "finish-twice": lambda self: (self.finish("done"), self.finish("more")),
    "status": lambda self: (self.set_status(201), self.write("created")),
    "status-reason": lambda self: (self.set_status(299, "Odd"), self.write("odd")),
    "status-unknown": lambda self: self.set_status(289),
    "status-204": lambda self: self.set_status(204),
    "status-204-body": lambda self: (self.set_status(204), self.write("body")),
    "status-304": lambda self: self.set_status(304),
    "header": lambda self: (self.set_header("X-A", "b"), self.write("h")),
    "header-number": lambda self: (self.set_header("X-A", 5), self.write("h")),
    "header-twice": lambda self: (self.set_header("X-A", "b"), self.set_header("x-a", "c")),
    "header-added": lambda self: (self.add_header("X-A", "b"), self.add_header("X-A", "c")),
    "header-cleared": lambda self: (self.set_header("X-A", "b"), self.clear_header("X-A")),
    "header-latin": lambda self: self.set_header("X-A", "\u00e9"),
    "header-line": lambda self: self.set_header("X-A", "b\r\nX-B: c"),
    "header-name": lambda self: self.set_header("X A", "b"),
    "header-list": lambda self: self.set_header("X-A", ["b"]),
    "type": lambda self: (self.set_header("Content-Type", "text/plain"), self.write("t")),
    "no-type": lambda self: (self.clear_header("Content-Type"), self.write("t")),
    "length": lambda self: (self.set_header("Content-Length", "1"), self.write("t")),
    "clear": lambda self: (self.set_header("X-A", "b"), self.write("a"), self.clear()),
    "redirect": lambda self: self.redirect("/other"),
    "redirect-permanent": lambda self: self.redirect("/other", permanent=True),
    "redirect-status": lambda self: self.redirect("/other", status=307),
    "redirect-bad-status": lambda self: self.redirect("/other", status=500),
    "redirect-absolute": lambda self: self.redirect("https://example.com/?a=b"),
    "redirect-relative": lambda self: self.redirect("sub/page"),
    "redirect-unicode": lambda self: self.redirect("/\u00e9"),
    "redirect-line": lambda self: self.redirect("/a\r\nb"),
    "error-404": _raise(lambda: HTTPError(404)),
    "error-log": _raise(lambda: HTTPError(400, "log %s", "message")),
    "error-reason": _raise(lambda: HTTPError(400, reason="My reason")),
    "error-unknown": _raise(lambda: HTTPError(499)),
    "error-plain": _raise(lambda: ValueError("oh")),
    "error-escape": _raise(lambda: HTTPError(400, reason="<b>")),
    "error-after-write": _fail_after_write,
    "send-error": lambda self: self.send_error(403),
    "send-error-reason": lambda self: self.send_error(500, reason="Custom"),
    "finish-exception": _raise(Finish),
    "finish-exception-body": _raise(lambda: Finish("body")),
    "missing": lambda self: self.get_argument("missing"),
    "render-string": lambda self: self.write(self.render_string("hello.html", name="<x>")),
    "render": lambda self: self.render("hello.html", name="<x> & y"),
    "full-url": lambda self: self.write(self.request.full_url()),
    "etag": lambda self: (self.set_header("Etag", '"mine"'), self.write("tagged")),
    "check-etag": lambda self: (self.write("e"), self.set_etag_header(), self.check_etag_header()),
    "uri": lambda self: self.write(self.request.uri + " " + self.request.path),
    "query": lambda self: self.write(self.request.query),
    "host": lambda self: self.write(self.request.host + " " + self.request.host_name),
    "language": lambda self: self.write(self.locale.code),
    "static-url": lambda self: self.write(self.static_url("plain.txt")),
    "static-url-host": lambda self: self.write(self.static_url("plain.txt", include_host=True)),
    "static-url-missing": lambda self: self.write(self.static_url("missing.txt")),
    "reverse": lambda self: self.write(self.reverse_url("item", 5)),
    "reverse-escape": lambda self: self.write(self.reverse_url("item", "a b/\u00e9")),
    "reverse-missing": lambda self: self.write(self.reverse_url("nothing")),
    "setting": lambda self: self.require_setting("nothing", "this"),
    "headers": lambda self: self.write(json_encode(sorted(self.request.headers.get_all()))),
    "protocol": lambda self: self.write(self.request.protocol + " " + self.request.version),
    "body": lambda self: self.write(self.request.body),
    "current-user": lambda self: self.write(repr(self.current_user)),
}


class Output(RequestHandler):
    """Answers in the way that the path says."""

    def get(self, way):
        OUTPUTS[way](self)

    post = put = delete = patch = head = get

    def compute_etag(self):
        return None if self._status_code != 200 else super().compute_etag()


class AsyncOutput(Output):
    """Does so from a coroutine."""

    async def get(self, way):
        OUTPUTS[way](self)

    post = put = delete = patch = head = get


class Flushed(RequestHandler):
    """Sends its answer in parts."""

    async def get(self):
        self.write("one ")
        await self.flush()
        self.write("two ")
        await self.flush()
        self.write("three")

    head = get


class Large(RequestHandler):
    """Answers with text of a type and a length."""

    def get(self):
        self.set_header("Content-Type", self.get_argument("type"))
        if self.get_argument("vary", ""):
            self.set_header("Vary", self.get_argument("vary"))
        if self.get_argument("encoding", ""):
            self.set_header("Content-Encoding", self.get_argument("encoding"))
        self.write("x" * int(self.get_argument("size")))

    head = get


class OwnErrors(RequestHandler):
    """Writes its own errors."""

    def get(self):
        raise HTTPError(409, reason=self.get_argument("reason", None))

    def write_error(self, status_code, **kwargs):
        self.finish({"status": status_code, "reason": self._reason, "with": sorted(kwargs)})


class Prepared(RequestHandler):
    """Does something before the method."""

    def prepare(self):
        way = self.get_argument("way", "")
        if way == "finish":
            self.finish("prepared")
        elif way == "error":
            raise HTTPError(402)
        elif way == "redirect":
            self.redirect("/")

    def get(self):
        self.write("got")

    def set_default_headers(self):
        self.set_header("X-Default", "yes")
        self.set_header("Server", "Own")


class Private(RequestHandler):
    """For users."""

    def get_current_user(self):
        return self.get_query_argument("user", None)

    @authenticated
    def get(self):
        self.write(f"hello {self.current_user}")

    head = post = get


class WithSlash(RequestHandler):
    """Its path ends with a slash."""

    @addslash
    def get(self):
        self.write("slash")

    post = head = get


class WithoutSlash(RequestHandler):
    """Its path doesn't."""

    @removeslash
    def get(self):
        self.write("no slash")

    post = head = get


@stream_request_body
class Streamed(RequestHandler):
    """Counts what comes."""

    def prepare(self):
        self.count = 0

    def data_received(self, chunk):
        self.count += len(chunk)

    def post(self):
        self.write(str(self.count))

    put = post


class Protected(RequestHandler):
    """Has its forms protected."""

    def get(self):
        self.write(str(len(self.xsrf_form_html())))

    def post(self):
        self.write("accepted")

    put = delete = patch = post


class Box(UIModule):
    """A box."""

    def render(self, text):
        return f"<div>{len(text)}</div>"

    def embedded_css(self):
        return ".box { color: red }"

    def javascript_files(self):
        return ["box.js"]


def make_application(folder, **settings):
    """Return the application.

    :arg folder: what `write_files` has filled.
    """
    static = os.path.join(folder, "static")
    handlers = [
        (r"/", OnlyGet),
        (r"/method", Method),
        (r"/method/([^/]*)/([^/]*)", Method),
        (r"/named/(?P<first>[^/]*)/(?P<second>.*)", Method),
        (r"/optional(/[a-z]+)?", Method),
        (r"/arguments", Arguments),
        (r"/unstripped", Unstripped),
        (r"/cookies", Cookies),
        (r"/signed", SignedCookie),
        (r"/set-cookie/([a-z0-9-]+)", SetCookie),
        (r"/output/([a-z0-9-]+)", Output),
        (r"/async/([a-z0-9-]+)", AsyncOutput),
        (r"/flushed", Flushed),
        (r"/large", Large),
        (r"/own-errors", OwnErrors),
        (r"/prepared", Prepared),
        (r"/private", Private),
        (r"/slash/?", WithSlash),
        (r"/no-slash/*", WithoutSlash),
        (r"/streamed", Streamed),
        url(r"/item/([^/]+)", Method, name="item"),
        (r"/away", RedirectHandler, {"url": "/arguments"}),
        (r"/away/temporary", RedirectHandler, {"url": "/arguments", "permanent": False}),
        (r"/away/(.*)/(.*)", RedirectHandler, {"url": "/method/{1}/{0}"}),
        (r"/gone", ErrorHandler, {"status_code": 410}),
        (r"/files/(.*)", StaticFileHandler, {"path": static}),
        (r"/index/(.*)", StaticFileHandler, {"path": static, "default_filename": "index.html"}),
        (r"/one-file()", StaticFileHandler, {"path": os.path.join(static, "plain.txt")}),
    ]
    options = {
        "cookie_secret": SECRETS,
        "key_version": 1,
        "static_path": static,
        "template_path": folder,
        "login_url": "/login",
        "ui_modules": {"Box": Box},
        "log_function": lambda handler: None,
    }
    application = Application(handlers, **{**options, **settings})
    application.add_handlers(r"(www\.)?hosted\.example", [(r"/method", OnlyGet), (r"/h", Method)])
    return application


APPLICATIONS = {
    "usual": {},
    "gzip": {"compress_response": True},
    "xsrf": {"xsrf_cookies": True},
    "own-404": {"default_handler_class": OwnErrors},
}


def handlers_of(application):
    """Return what an application of `APPLICATIONS` has more than the usual one."""
    return [(r"/protected", Protected)] if application == "xsrf" else []
