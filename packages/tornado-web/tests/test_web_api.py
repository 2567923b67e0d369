"""The names of today's API, 6.6, one by one: they are there, and take the parameters that they took,
in their order and with their defaults."""

from __future__ import annotations

import asyncio
import gzip
import inspect
import socket

import pytest

from tornado import httputil, netutil, routing, web
from tornado.web import Application, GZipContentEncoding, RequestHandler

SIGNATURES = """
web
    addslash(method)
    authenticated(method)
    create_signed_value(secret, name, value, version=None, clock=None, key_version=None)
    decode_signed_value(secret, name, value, max_age_days=31, clock=None, min_version=None)
    get_signature_key_version(value)
    is_absolute(path)
    removeslash(method)
    stream_request_body(cls)
web.Application
    __init__(handlers=None, default_host=None, transforms=None, **settings)
    add_handlers(host_pattern, host_handlers)
    add_transform(transform_class)
    find_handler(request, **kwargs)
    get_handler_delegate(request, target_class, target_kwargs=None, path_args=None,
        path_kwargs=None)
    listen(port, address=None, *, family=..., backlog=128, flags=None, reuse_port=False, **kwargs)
    log_request(handler)
    reverse_url(name, *args)
web.ErrorHandler
    check_trusted_origin(origin)
    check_xsrf_cookie()
    initialize(status_code)
    prepare()
web.FallbackHandler
    initialize(fallback)
    prepare()
web.GZipContentEncoding
    __init__(request)
    transform_chunk(chunk, finishing)
    transform_first_chunk(status_code, headers, chunk, finishing)
web.HTTPError
    __init__(status_code=500, log_message=None, *args, **kwargs)
    get_message()
web.MissingArgumentError
    __init__(arg_name)
web.OutputTransform
    __init__(request)
    transform_chunk(chunk, finishing)
    transform_first_chunk(status_code, headers, chunk, finishing)
web.RedirectHandler
    get(*args, **kwargs)
    initialize(url, permanent=True)
web.RequestHandler
    __init__(application, request, **kwargs)
    add_header(name, value)
    check_etag_header()
    check_trusted_origin(origin)
    check_xsrf_cookie()
    clear()
    clear_all_cookies(**kwargs)
    clear_cookie(name, **kwargs)
    clear_header(name)
    compute_etag()
    create_signed_value(name, value, version=None)
    create_template_loader(template_path)
    data_received(chunk)
    decode_argument(value, name=None)
    delete(*args, **kwargs)
    detach()
    finish(chunk=None)
    flush(include_footers=False)
    get(*args, **kwargs)
    get_argument(name, default=..., strip=True)
    get_arguments(name, strip=True)
    get_body_argument(name, default=..., strip=True)
    get_body_arguments(name, strip=True)
    get_browser_locale(default='en_US')
    get_cookie(name, default=None)
    get_current_user()
    get_login_url()
    get_query_argument(name, default=..., strip=True)
    get_query_arguments(name, strip=True)
    get_secure_cookie(name, value=None, max_age_days=31, min_version=None)
    get_secure_cookie_key_version(name, value=None)
    get_signed_cookie(name, value=None, max_age_days=31, min_version=None)
    get_signed_cookie_key_version(name, value=None)
    get_status()
    get_template_namespace()
    get_template_path()
    get_user_locale()
    head(*args, **kwargs)
    initialize()
    log_exception(typ, value, tb)
    on_connection_close()
    on_finish()
    options(*args, **kwargs)
    patch(*args, **kwargs)
    post(*args, **kwargs)
    prepare()
    put(*args, **kwargs)
    redirect(url, permanent=False, status=None)
    render(template_name, **kwargs)
    render_embed_css(css_embed)
    render_embed_js(js_embed)
    render_linked_css(css_files)
    render_linked_js(js_files)
    render_string(template_name, **kwargs)
    require_setting(name, feature='this feature')
    reverse_url(name, *args)
    send_error(status_code=500, **kwargs)
    set_cookie(name, value, domain=None, expires=None, path='/', expires_days=None, *,
        max_age=None, httponly=False, secure=False, samesite=None, **kwargs)
    set_default_headers()
    set_etag_header()
    set_header(name, value)
    set_secure_cookie(name, value, expires_days=30, version=None, **kwargs)
    set_signed_cookie(name, value, expires_days=30, version=None, **kwargs)
    set_status(status_code, reason=None)
    static_url(path, include_host=None, **kwargs)
    write(chunk)
    write_error(status_code, **kwargs)
    xsrf_form_html()
web.StaticFileHandler
    compute_etag()
    get(path, include_body=True)
    get_absolute_path(root, path)
    get_cache_time(path, modified, mime_type)
    get_content(abspath, start=None, end=None)
    get_content_size()
    get_content_type()
    get_content_version(abspath)
    get_modified_time()
    get_version(settings, path)
    head(path)
    initialize(path, default_filename=None, allowed_symlink_directory=None)
    make_static_url(settings, path, include_version=True)
    parse_url_path(url_path)
    reset()
    set_extra_headers(path)
    set_headers()
    should_return_304()
    validate_absolute_path(root, absolute_path)
web.TemplateModule
    __init__(handler)
    css_files()
    embedded_css()
    embedded_javascript()
    html_body()
    html_head()
    javascript_files()
    render(path, **kwargs)
web.UIModule
    __init__(handler)
    css_files()
    embedded_css()
    embedded_javascript()
    html_body()
    html_head()
    javascript_files()
    render(*args, **kwargs)
    render_string(path, **kwargs)
web.url
    __init__(pattern, handler, kwargs=None, name=None)
routing.AnyMatches
    match(request)
routing.DefaultHostMatches
    __init__(application, host_pattern)
    match(request)
routing.HostMatches
    __init__(host_pattern)
    match(request)
routing.Matcher
    match(request)
    reverse(*args)
routing.PathMatches
    __init__(path_pattern)
    match(request)
    reverse(*args)
routing.ReversibleRouter
    reverse_url(name, *args)
routing.ReversibleRuleRouter
    __init__(rules=None)
    process_rule(rule)
    reverse_url(name, *args)
routing.Router
    find_handler(request, **kwargs)
    start_request(server_conn, request_conn)
routing.Rule
    __init__(matcher, target, target_kwargs=None, name=None)
    reverse(*args)
routing.RuleRouter
    __init__(rules=None)
    add_rules(rules)
    find_handler(request, **kwargs)
    get_target_delegate(target, request, **target_params)
    process_rule(rule)
routing.URLSpec
    __init__(pattern, handler, kwargs=None, name=None)
"""

# What later versions and the callback era have beside it: parameters that follow those of 6.6.
EXTENSIONS = {
    "RequestHandler.flush": ["callback"],
    "RequestHandler.initialize": ["args", "kwargs"],
    "RequestHandler.clear_cookie": ["path", "domain"],
    "StaticFileHandler.initialize": ["precompressed"],
    "url.__init__": ["around_request"],
    "URLSpec.__init__": ["around_request"],
    "Rule.__init__": ["around_request"],
}

ATTRIBUTES = {
    web.GZipContentEncoding: ["CONTENT_TYPES", "GZIP_LEVEL", "MIN_LENGTH"],
    web.RequestHandler: [
        *("SUPPORTED_METHODS", "cookies", "current_user", "locale", "settings", "xsrf_token"),
    ],
    web.StaticFileHandler: [
        *("CACHE_MAX_AGE", "MAX_CACHED_VERSIONS", "MAX_VERSION_CONTENT_SIZE"),
        "allowed_symlink_directory",
    ],
    web.UIModule: ["current_user"],
}

BASES = {
    web.Application: [routing.ReversibleRouter],
    web.ErrorHandler: [web.RequestHandler],
    web.FallbackHandler: [web.RequestHandler],
    web.Finish: [Exception],
    web.GZipContentEncoding: [web.OutputTransform],
    web.HTTPError: [Exception],
    web.MissingArgumentError: [web.HTTPError],
    web.RedirectHandler: [web.RequestHandler],
    web.StaticFileHandler: [web.RequestHandler],
    web.TemplateModule: [web.UIModule],
    routing.AnyMatches: [routing.Matcher],
    routing.DefaultHostMatches: [routing.Matcher],
    routing.HostMatches: [routing.Matcher],
    routing.PathMatches: [routing.Matcher],
    routing.ReversibleRouter: [routing.Router],
    routing.ReversibleRuleRouter: [routing.ReversibleRouter, routing.RuleRouter],
    routing.Router: [httputil.HTTPServerConnectionDelegate],
    routing.RuleRouter: [routing.Router],
    routing.URLSpec: [routing.Rule],
}


def _signatures():
    owner = None
    entry = ""
    for line in SIGNATURES.strip().splitlines():
        if not line.startswith(" "):
            owner = line
            continue
        entry = f"{entry} {line.strip()}" if entry else line.strip()
        if entry.endswith(")"):
            name, _, parameters = entry.partition("(")
            yield f"{owner}.{name}", parameters[:-1]
            entry = ""


def _find(path):
    found = {"web": web, "routing": routing}
    module, *names = path.split(".")
    found = found[module]
    for name in names:
        found = getattr(found, name)
    return found


@pytest.mark.parametrize(("path", "wanted"), list(_signatures()))
def test_parameters(path, wanted):
    expected = inspect.signature(eval(f"lambda {wanted}: None")).parameters
    there = dict(inspect.signature(_find(path)).parameters)
    there.pop("self", None)
    for name in EXTENSIONS.get(".".join(path.split(".")[1:]), ()):
        assert name in there
        if name not in expected:
            del there[name]
    assert list(there) == list(expected)
    for name, parameter in expected.items():
        assert there[name].kind == parameter.kind
        # Three dots stand for a default that is nobody's business, but there has to be one.
        if parameter.default is ...:
            assert there[name].default is not parameter.empty
        else:
            assert there[name].default == parameter.default


def test_the_table_is_read_whole():
    assert len(list(_signatures())) == 162


@pytest.mark.parametrize(
    ("cls", "name"), [(cls, name) for cls, names in ATTRIBUTES.items() for name in names]
)
def test_attributes_of_classes(cls, name):
    assert hasattr(cls, name)


@pytest.mark.parametrize("cls", BASES)
def test_bases(cls):
    assert all(issubclass(cls, base) for base in BASES[cls])


def test_the_two_names_of_a_route():
    """WEB-17."""
    assert web.url is web.URLSpec is routing.URLSpec


# Parameters and names that no other test uses.


def test_tags_before_the_content(ask):
    """A handler that knows its tag early answers 304 without computing anything."""

    class Early(RequestHandler):
        def compute_etag(self):
            return '"abc"'

        def get(self):
            self.set_etag_header()
            if self.check_etag_header():
                self.set_status(304)
                return
            self.write("content")

    assert ask(Early).headers["Etag"] == '"abc"'
    known = ask(Early, headers={"If-None-Match": 'W/"abc"'})
    assert (known.code, known.body) == (304, b"")
    assert known.headers["Etag"] == '"abc"'
    assert ask(Early, headers={"If-None-Match": '"other"'}).text == "content"


def test_compression_of_ones_own(fetch):
    class Own(GZipContentEncoding):
        CONTENT_TYPES = GZipContentEncoding.CONTENT_TYPES | {"application/x-own"}
        GZIP_LEVEL = 9
        MIN_LENGTH = 10

    class Handler(RequestHandler):
        def get(self, kind, length):
            self.set_header("Content-Type", f"application/{kind}")
            self.write("x" * int(length))

    app = Application([("/(.*)/(.*)", Handler)], transforms=[Own])
    zipped = fetch(app, uri="/x-own/10", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(zipped.body) == b"x" * 10
    for uri in ("/x-own/9", "/x-other/10"):
        plain = fetch(app, uri=uri, headers={"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in plain.headers


def test_backlog_of_listen_is_that_of_other_servers():
    backlog = inspect.signature(Application.listen).parameters["backlog"]
    assert backlog.default == netutil.DEFAULT_BACKLOG


def test_listen_takes_all_its_parameters():
    """Two servers share a port that both ask to share; options of the server are passed on."""

    async def main():
        app = Application()
        first = app.listen(
            0,
            "127.0.0.1",
            family=socket.AF_INET,
            backlog=10,
            flags=0,
            reuse_port=True,
            xheaders=True,
            max_body_size=5,
        )
        port = next(iter(first._sockets.values())).getsockname()[1]
        second = app.listen(port, "127.0.0.1", reuse_port=True)
        assert first.xheaders
        assert first.conn_params.max_body_size == 5
        assert not second.xheaders
        for server in (first, second):
            await server.drain()

    asyncio.run(main())


def test_rules_of_a_router(fetch):
    """Rules are added later too, and each passes through process_rule."""
    seen = []

    class Own(routing.RuleRouter):
        def process_rule(self, rule):
            seen.append(rule)
            return super().process_rule(rule)

    class Hello(RequestHandler):
        def get(self):
            self.write("hello")

    app = Application([("/b", Hello)])
    router = Own([(routing.PathMatches("/x"), app)])
    assert router.find_handler(httputil.HTTPServerRequest("GET", "/b")) is None
    router.add_rules([routing.Rule(routing.PathMatches("/b"), app)])
    assert len(seen) == len(router.rules) == 2
    app._running, router._running = set(), set()
    assert fetch(router, uri="/b").text == "hello"


def test_web_154_error_handler_answers_every_request(fetch):
    """WEB-154."""
    app = Application([("/gone", web.ErrorHandler, {"status_code": 410})], xsrf_cookies=True)
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        conn = fetch(app, method, "/gone")
        assert conn.code == 410
        assert (b"410: Gone" in conn.body) is (method != "HEAD")


def test_web_143_html_head_is_any_markup(ask):
    """WEB-143: what html_head returns goes into the head as it is, style or not."""

    class Any(web.UIModule):
        def render(self):
            return "<i>"

        def html_head(self):
            return "<style>b > i {}</style><link rel=x>&amp;"

    class Page(RequestHandler):
        def get(self):
            self.render("page.html")

        def create_template_loader(self, template_path):
            from tornado.template import DictLoader

            page = "<html><head></head><body>{% module Any() %}</body></html>"
            return DictLoader({"page.html": page})

    conn = ask(Page, settings={"ui_modules": {"Any": Any}})
    assert "<head><style>b > i {}</style><link rel=x>&amp;\n</head>" in conn.text
