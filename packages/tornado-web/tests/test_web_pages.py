"""Templates, UI modules and users of handlers."""

from __future__ import annotations

import re
import sys
from types import ModuleType

import pytest

from tornado import locale
from tornado._web.users import preferred_languages
from tornado.template import DictLoader
from tornado.web import Application, RequestHandler, UIModule


@pytest.fixture
def render(ask):
    """Return a function that renders ``page`` of some templates, and returns the response's text."""

    def render(*, settings=None, names=None, handler=RequestHandler, **templates):
        def get(self):
            self.render("page", **(names or {}))

        options = {"template_loader": DictLoader(templates), **(settings or {})}
        conn = ask(type("Made", (handler,), {"get": get}), settings=options)
        assert conn.code == 200
        return conn.text

    return render


class TestTemplates:
    def test_render_and_render_string(self, ask):
        """WEB-60."""

        class Handler(RequestHandler):
            def get(self):
                text = self.render_string("page", who="you")
                assert text == b"Hello you"
                assert self._write_buffer == []
                self.render("page", who="<me>")

        loader = DictLoader({"page": "Hello {{ who }}"})
        conn = ask(Handler, settings={"template_loader": loader})
        assert conn.text == "Hello &lt;me&gt;"  # T13

    def test_template_path(self, ask, tmp_path):
        """WEB-61: the setting, or an override of get_template_path."""
        (tmp_path / "page.html").write_text("found")
        handler = type("Made", (RequestHandler,), {"get": lambda self: self.render("page.html")})
        assert ask(handler, settings={"template_path": str(tmp_path)}).text == "found"
        own = type("Own", (handler,), {"get_template_path": lambda self: str(tmp_path)})
        assert ask(own).text == "found"

    def test_path_of_the_caller(self, ask, tmp_path, monkeypatch):
        """WEB-61: without the setting, templates stand beside the file that renders them."""
        (tmp_path / "page.html").write_text("beside")
        code = tmp_path / "beside_the_template.py"
        code.write_text("def get(self): self.render('page.html')\n")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "beside_the_template", raising=False)
        import beside_the_template

        assert ask(type("Made", (RequestHandler,), {"get": beside_the_template.get})).text == (
            "beside"
        )

    def test_names(self, render):
        """The documents' list of names."""
        names = (
            "handler request current_user locale _ pgettext static_url xsrf_form_html reverse_url"
        )
        page = "".join(f"{{{{ {name} is not Ellipsis }}}}" for name in names.split())
        assert render(page=page) == "True" * 9
        page = "{{ handler.request is request }} {{ _('a') }} {{ _('a', 'b', 2) }}"
        assert render(page=page) == "True a b"

    def test_own_names(self, render):
        class Handler(RequestHandler):
            def get_template_namespace(self):
                return {**super().get_template_namespace(), "colour": "red"}

        assert render(handler=Handler, page="{{ colour }}") == "red"
        assert render(handler=Handler, page="{{ colour }}", names={"colour": "blue"}) == "blue"

    def test_reverse_url_of_the_handler(self, render):
        """TPL-34: an override on the handler is seen."""

        class Handler(RequestHandler):
            def reverse_url(self, name, *args):
                return f"{name}!{args}"

        assert render(handler=Handler, page="{{ reverse_url('a') }}") == "a!()"

    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            ({}, "&lt;&#x27;&gt;  x"),
            ({"autoescape": None}, "<'>  x"),
            ({"autoescape": "url_escape"}, "%3C%27%3E  x"),
            ({"template_whitespace": "oneline"}, "&lt;&#x27;&gt; x"),
        ],
    )
    def test_settings(self, ask, tmp_path, settings, expected):
        """WEB-157, T13."""
        (tmp_path / "page.txt").write_text("{{ text }}  x")

        class Handler(RequestHandler):
            def get(self):
                self.render("page.txt", text="<'>")

        conn = ask(Handler, settings={"template_path": str(tmp_path), **settings})
        assert conn.text == expected

    @pytest.mark.parametrize("cached", [True, False])
    def test_cache(self, fetch, tmp_path, cached):
        """WEB-156: without the cache a template is read anew for each request."""

        class Handler(RequestHandler):
            def get(self):
                self.render("page.txt")

        settings = {"template_path": str(tmp_path), "compiled_template_cache": cached}
        app = Application([("/", Handler)], **settings)
        (tmp_path / "page.txt").write_text("old")
        assert fetch(app).text == "old"
        (tmp_path / "page.txt").write_text("new")
        assert fetch(app).text == ("old" if cached else "new")

    def test_create_template_loader(self, ask):
        class Handler(RequestHandler):
            def create_template_loader(self, template_path):
                return DictLoader({"page": template_path})

            def get_template_path(self):
                return "anywhere"

            def get(self):
                self.render("page")

        assert ask(Handler).text == "anywhere"


class Widget(UIModule):
    def render(self, text="", **kwargs):
        return f"<b>{text}</b>"

    def embedded_css(self):
        return "b { color: red }"

    def css_files(self):
        return ["/two.css", "http://example.com/one.css"]

    def embedded_javascript(self):
        return "go()"

    def javascript_files(self):
        return "/one.js"

    def html_head(self):
        return "<meta>"

    def html_body(self):
        return b"<footer>"


PAGE = "<html><head></head><body>{% module Widget('1') %}{% module Widget('2') %}</body></html>"


class TestModules:
    def test_page(self, render):
        """WEB-137: unescaped; what it needs comes in its place and order."""
        text = render(page=PAGE, settings={"ui_modules": {"Widget": Widget}})
        assert text == (
            "<html><head>"
            '<link href="/two.css" type="text/css" rel="stylesheet"/>'
            '<link href="http://example.com/one.css" type="text/css" rel="stylesheet"/>\n'
            '<style type="text/css">\nb { color: red }\n</style>\n<meta>\n'
            "</head><body><b>1</b><b>2</b>"
            '<script src="/one.js" type="text/javascript"></script>\n'
            '<script type="text/javascript">\n//<![CDATA[\ngo()\n//]]>\n</script>\n<footer>\n'
            "</body></html>"
        )

    def one_need(self, render, method, value):
        """Render a page with three uses of a module that needs one thing, and another module of
        the same need."""
        first = type("First", (UIModule,), {"render": lambda self: ".", method: lambda self: value})
        second = type("Second", (first,), {})
        page = "<head></head><body>{% module First() %}{% module Second() %}" + (
            "{% module First() %}{% module First() %}</body>"
        )
        return render(page=page, settings={"ui_modules": {"First": first, "Second": second}})

    def test_web_139_embedded_css_is_once_in_the_head(self, render):
        text = self.one_need(render, "embedded_css", "b { color: red }")
        # Each of the two modules has its rules there, however often it is used.
        style = '<style type="text/css">\nb { color: red }\nb { color: red }\n</style>\n'
        assert text == f"<head>{style}</head><body>....</body>"

    def test_web_140_embedded_javascript_is_once_before_the_end_of_the_body(self, render):
        text = self.one_need(render, "embedded_javascript", "go()")
        assert text.startswith("<head></head><body>....<script")
        assert text.count("<script") == 1
        assert text.count("go()") == 2  # one of each module
        assert text.endswith("</script>\n</body>")

    @pytest.mark.parametrize(
        ("method", "element"),
        [("css_files", '<link href="{}"'), ("javascript_files", '<script src="{}"')],
    )
    def test_web_141_files_are_linked_once_in_their_order(self, render, method, element):
        files = ["/z.x", "/a.x", "/m.x", "/a.x"]
        text = self.one_need(render, method, files)
        places = [text.index(element.format(file)) for file in ("/z.x", "/a.x", "/m.x")]
        assert places == sorted(places)
        assert text.count(".x") == 3

    @pytest.mark.parametrize(
        ("method", "expected"),
        [
            ("html_head", "<head><i>\n<i>\n</head><body>....</body>"),
            ("html_body", "<head></head><body>....<i>\n<i>\n</body>"),
        ],
    )
    def test_web_142_web_143_markup_is_put_there_as_it_is(self, render, method, expected):
        assert self.one_need(render, method, "<i>") == expected

    def test_page_without_head_and_body(self, render):
        text = render(page="{% module Widget() %}", settings={"ui_modules": {"Widget": Widget}})
        assert text.startswith("<link ")
        assert text.endswith("<footer>\n")

    def test_tags_in_other_forms(self, render):
        page = "<HEAD></HEAD ><body>{% module Widget() %}<script>'</body>'</script></BODY\n>"
        text = render(page=page, settings={"ui_modules": {"Widget": Widget}})
        assert "<meta>\n</HEAD >" in text
        assert text.endswith("<footer>\n</BODY\n>")

    def test_module_that_needs_nothing(self, render):
        class Plain(UIModule):
            def render(self):
                return "plain"

        settings = {"ui_modules": {"Plain": Plain}}
        page = "<head></head>{% module Plain() %}</body>"
        assert render(page=page, settings=settings) == "<head></head>plain</body>"

    def test_attributes(self, render):
        """WEB-144."""

        class Looking(UIModule):
            def render(self):
                assert self.request is self.handler.request
                assert self.locale is self.handler.locale
                assert self.ui is self.handler.ui
                return self.render_string("part", user=self.current_user)

        class Handler(RequestHandler):
            def get_current_user(self):
                return "me"

        settings = {"ui_modules": {"Looking": Looking}}
        templates = {"page": "{% module Looking() %}", "part": "[{{ user }}]"}
        assert render(handler=Handler, settings=settings, **templates) == "[me]"

    def test_undefined_render(self, render):
        page = "{% try %}{% module Empty() %}{% except NotImplementedError %}none{% end %}"
        settings = {"ui_modules": {"Empty": type("Empty", (UIModule,), {})}}
        assert render(page=page, settings=settings) == "none"

    def test_unknown_module(self, render):
        page = "{% try %}{% module Nowhere() %}{% except AttributeError %}unknown{% end %}"
        assert render(page=page) == "unknown"

    def test_variable_named_modules(self, render):
        """WEB-147."""
        settings = {"ui_modules": {"Widget": Widget}}
        page = "{% set modules = 5 %}{{ modules }}{% module Widget('x') %}"
        assert "5<b>x</b>" in render(page=page, settings=settings)

    def test_modules_of_the_framework(self, render):
        page = "{% module linkify('see http://a.com/') %} {% module xsrf_form_html() %}"
        text = render(page=page)
        assert '<a href="http://a.com/">' in text
        assert '<input type="hidden" name="_xsrf"' in text

    @pytest.mark.parametrize(
        ("markup", "raw"),
        [("{% module xsrf_form_html() %}", True), ("{% raw xsrf_form_html() %}", True)]
        + [("{{ xsrf_form_html() }}", False)],
    )
    def test_xsrf_form_html(self, render, markup, raw):
        """WEB-114: both ways insert markup; an expression is escaped."""
        assert ("<input" in render(page=markup)) is raw

    def test_resource_elements_can_be_changed(self, render):
        class Handler(RequestHandler):
            def render_linked_js(self, js_files):
                return "JS:" + ",".join(js_files)

            def render_embed_js(self, js_embed):
                return b"EJS:" + b",".join(js_embed)

            def render_linked_css(self, css_files):
                return "CSS:" + ",".join(css_files)

            def render_embed_css(self, css_embed):
                return b"ECSS:" + b",".join(css_embed)

        settings = {"ui_modules": {"Widget": Widget}}
        text = render(page=PAGE, settings=settings, handler=Handler)
        assert "CSS:/two.css,http://example.com/one.css\nECSS:b { color: red }\n" in text
        assert "JS:/one.js\nEJS:go()\n" in text

    def test_relative_resources_are_static_files(self, render, tmp_path):
        class Styled(UIModule):
            def render(self):
                return ""

            def css_files(self):
                return "own.css"

        (tmp_path / "own.css").write_text("")
        settings = {"ui_modules": {"Styled": Styled}, "static_path": str(tmp_path)}
        text = render(page="<head></head>{% module Styled() %}", settings=settings)
        assert re.search(r'href="/static/own\.css\?v=\w+"', text)

    def test_python_modules_and_lists(self, fetch):
        """The settings take Python modules, dictionaries and lists of both."""
        module = ModuleType("parts")
        module.Widget = Widget
        module.not_one = object()
        module.shout = lambda handler, text: text.upper()
        module._hidden = module.Big = lambda handler: None
        app = Application(ui_modules=[module, {"Other": Widget}], ui_methods=[module])
        assert {"Widget", "Other"} <= set(app.ui_modules)
        assert "not_one" not in app.ui_modules
        assert set(app.ui_methods) == {"shout"}


class TestTemplateModule:
    def test_names_it_sees(self, render):
        """WEB-146: its own keywords and the common names, not the page's variables."""
        part = (
            "{{ a }}{% try %}{{ b }}{% except NameError %}no{% end %}{{ handler is not Ellipsis }}"
        )
        page = "{% set b = 5 %}{% module Template('part', a=1) %}"
        assert render(page=page, part=part) == "1noTrue"

    def test_resources(self, render):
        """WEB-145: once, whatever kinds and however often."""
        part = (
            "{{ set_resources(embedded_css='b{}', css_files=['/a.css', '/b.css'],"
            " embedded_javascript='go()', javascript_files='/a.js',"
            " html_head='<meta>', html_body='<foot>') }}P"
        )
        page = "<head></head>{% module Template('part') %}{% module Template('part') %}</body>"
        text = render(page=page, part=part)
        for once in ("b{}", "/a.css", "/b.css", "go()", "/a.js", "<meta>", "<foot>"):
            assert text.count(once) == 1
        assert text.count("P") == 2

    def test_only_there(self, render):
        """WEB-145."""
        page = "{% try %}{{ set_resources() }}{% except NameError %}none{% end %}"
        assert render(page=page) == "none"

    def test_other_resources_at_the_second_time(self, render):
        part = "{{ set_resources(embedded_css=css) }}"
        page = (
            "{% module Template('part', css='a') %}"
            "{% try %}{% module Template('part', css='b') %}{% except ValueError %}no{% end %}"
        )
        assert render(page=page, part=part).endswith("no")


def test_ui_methods(render):
    """WEB-138: functions of the setting get the handler first."""
    methods = {"path": lambda handler, more: handler.request.path + more}
    assert render(page="{{ path('?') }}", settings={"ui_methods": methods}) == "/?"


def test_ui_of_the_handler(ask):
    class Handler(RequestHandler):
        def get(self):
            assert self.ui["shout"]("a") == self.ui.shout("a") == "A"
            with pytest.raises(AttributeError):
                self.ui.whisper

    methods = {"shout": lambda handler, text: text.upper()}
    assert ask(Handler, settings={"ui_methods": methods}).code == 200


class TestUsers:
    def test_current_user(self, ask):
        """WEB-100: None by default; asked for once; can be set."""

        class Handler(RequestHandler):
            def get(self):
                assert self.current_user is None

            def post(self):
                self.current_user = "set"
                assert self.current_user == "set"

        class Known(RequestHandler):
            def get_current_user(self):
                asked.append(self)

            def get(self):
                assert self.current_user is self.current_user is None

        asked = []
        assert ask(Handler).code == ask(Handler, "POST").code == 200
        assert ask(Known).code == 200
        assert len(asked) == 1

    def test_login_url(self, ask):
        """WEB-103."""

        class Handler(RequestHandler):
            def get(self):
                self.write(self.get_login_url())

        assert ask(Handler, settings={"login_url": "/login"}).text == "/login"

    def test_require_setting(self, ask):
        """WEB-104."""

        class Handler(RequestHandler):
            def get(self):
                self.require_setting("there")
                with pytest.raises(Exception, match="this feature needs .*'absent'"):
                    self.require_setting("absent")
                with pytest.raises(Exception, match="my feature"):
                    self.require_setting("absent", "my feature")

        assert ask(Handler, settings={"there": True}).code == 200


class TestLocale:
    @pytest.fixture(autouse=True)
    def translations(self, tmp_path):
        (tmp_path / "de.csv").write_text('"yes","ja"\n', encoding="utf-8")
        (tmp_path / "fr.csv").write_text('"yes","oui"\n', encoding="utf-8")
        locale.load_translations(str(tmp_path))
        yield
        empty = tmp_path / "empty"
        empty.mkdir()
        locale.load_translations(str(empty))

    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            (None, "yes"),
            ("de", "ja"),
            ("de-DE,en;q=0.5", "ja"),
            ("fr;q=0.3, de;q=0.8", "ja"),
            ("de;q=0.3, fr;q=0.8", "oui"),
            ("xx, fr", "oui"),
            ("xx", "yes"),
            ("de;q=x, fr", "oui"),
        ],
    )
    def test_browser(self, ask, header, expected):
        """WEB-136."""

        class Handler(RequestHandler):
            def get(self):
                self.write(self.locale.translate("yes"))

        headers = {} if header is None else {"Accept-Language": header}
        assert ask(Handler, headers=headers).text == expected

    def test_default(self, ask):
        class Handler(RequestHandler):
            def get(self):
                self.write(self.get_browser_locale("fr").code)

        assert ask(Handler).text == "fr"
        assert ask(Handler, headers={"Accept-Language": "xx"}).text == "fr"

    def test_user(self, ask):
        """WEB-135: the user's choice comes first."""

        class Handler(RequestHandler):
            def get_user_locale(self):
                return locale.get("de")

            def get(self):
                self.write(self.locale.translate("yes"))
                self.locale = locale.get("fr")
                self.write(self.locale.translate("yes"))

        assert ask(Handler, headers={"Accept-Language": "fr"}).text == "jaoui"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", ()),
        ("da, en-gb;q=0.8, en;q=0.7", ("da", "en-gb", "en")),
        ("en;q=0.7,da", ("da", "en")),
        ("*, de", ("de",)),
        ("de;q=0, fr", ("fr",)),
        ("de;q=2, fr;q=-1, es;q=nan, it;Q=0.5, pt; q = 0.4", ("it", "pt")),
        ("de;level=1", ()),
        (",,;q=1,", ()),
    ],
)
def test_preferred_languages(header, expected):
    """RFC 9110 section 12.5.4."""
    assert preferred_languages(header) == expected
