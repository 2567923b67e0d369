"""What the documents say of templates, statement by statement (TPL)."""

import inspect
import subprocess
import sys
import threading
import traceback

import pytest

from tornado import escape, template
from tornado.template import BaseLoader, DictLoader, Loader, ParseError, Template


def test_tpl_1_generate_returns_the_output():
    made = Template("<b>{{ greeting }}, {{ name }}</b>")
    assert made.generate(greeting="Hi", name="you") == b"<b>Hi, you</b>"
    assert made.generate(greeting="Bye", name="all") == b"<b>Bye, all</b>"


def test_tpl_2_loaders_keep_templates_until_reset(tmp_path):
    (tmp_path / "page.html").write_text("first")
    loader = Loader(str(tmp_path))
    page = loader.load("page.html")
    (tmp_path / "page.html").write_text("second")
    assert loader.load("page.html") is page
    loader.reset()
    assert loader.load("page.html").generate() == b"second"


def test_tpl_2_threads_get_the_same_template():
    made = []

    class Slow(DictLoader):
        def _create_template(self, name):
            made.append(name)
            return super()._create_template(name)

    loader = Slow({"page": "{% include part %}", "part": "x"})
    barrier = threading.Barrier(8)
    found = []

    def load():
        barrier.wait()
        found.append(loader.load("page"))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
    assert sorted(made) == ["page", "part"]


def test_tpl_3_dict_loaders_take_texts_from_the_dictionary():
    assert DictLoader({"a.txt": "A", "b.txt": "B"}).load("b.txt").generate() == b"B"
    with pytest.raises(KeyError):
        DictLoader({}).load("missing")


@pytest.mark.parametrize("directive", ["extends", "include"])
def test_tpl_4_other_templates_need_a_loader(directive):
    with pytest.raises(ParseError, match="needs a loader"):
        Template(f"{{% {directive} other %}}")
    loader = DictLoader({"other": "x"})
    assert Template(f"{{% {directive} other %}}", loader=loader).generate() == b"x"


def test_tpl_5_names_are_relative_to_the_parent(tmp_path):
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "part.html").write_text("near")
    texts = {"dir/part.html": "near"}
    for loader in (DictLoader(texts), Loader(str(tmp_path))):
        assert loader.resolve_path("part.html", "dir/page.html") == "dir/part.html"
        assert loader.resolve_path("dir/part.html") == "dir/part.html"
        assert loader.load("part.html", "dir/page.html").generate() == b"near"
        assert loader.load("part.html", parent_path="dir/page.html").name == "dir/part.html"


def test_tpl_6_names_of_a_loader_are_for_all_its_templates():
    texts = {"page": "{{ site }}{% include part %}", "part": "({{ site }})"}
    loader = DictLoader(texts, namespace={"site": "S"})
    assert loader.load("page").generate() == b"S(S)"
    # The names of one rendering come first.
    assert loader.load("page").generate(site="T") == b"T(T)"


@pytest.mark.parametrize(
    ("autoescape", "output"),
    [(None, b"<a b>"), ("xhtml_escape", b"&lt;a b&gt;"), ("url_escape", b"%3Ca+b%3E")],
)
def test_tpl_7_loaders_say_what_escapes(autoescape, output):
    loader = DictLoader({"page": "{{ x }}"}, autoescape=autoescape)
    assert loader.load("page").generate(x="<a b>") == output
    assert DictLoader({}).autoescape == "xhtml_escape"


def test_tpl_7_the_function_may_be_of_the_namespace():
    loader = DictLoader({"page": "{{ x }}"}, autoescape="f", namespace={"f": bytes.upper})
    assert loader.load("page").generate(x="<a>") == b"<A>"


NAMES = {"x": "<&>", "items": [1, 2], "f": lambda text: b"(" + text + b")"}
STATEMENTS = [
    ("8", "{{ ', '.join(str(i * 2) for i in items if i) }}{{ len(x) }}", "2, 43"),
    ("9", '{{ x }}{{ "\'" }}', "&lt;&amp;&gt;&#x27;"),
    ("10", "{% autoescape None %}{{ x }}", "<&>"),
    ("10", "{% autoescape url_escape %}{{ x }}", "%3C%26%3E"),
    ("10", "{% raw x %}{{ x }}", "<&>&lt;&amp;&gt;"),
    ("12", "{{! x }}{%! if x %}{#! c #}", "{{ x }}{% if x %}{# c #}"),
    ("13", "a{# {{ x }}{% if %}{% end %} #}b", "ab"),
    ("14", "a{% comment anything {{ x }} at all %}b", "ab"),
    ("15", "{% apply f %}a{% if items %}b{% end %}{% end %}", "(ab)"),
    ("19", "{% if not items %}a{% elif len(items) == 2 %}b{% else %}c{% end %}", "b"),
    ("19", "{% for i in items %}{{ i }}{% end %}", "12"),
    ("19", "{% set n = 2 %}{% while n %}{{ n }}{% set n -= 1 %}{% end %}", "21"),
    ("19", "{% try %}{{ 1 // 0 }}{% except ZeroDivisionError %}a{% finally %}b{% end %}", "ab"),
    ("20", "{% try %}a{% except KeyError %}b{% else %}c{% finally %}d{% end %}", "acd"),
    ("21", "{% import math %}{{ math.floor(1.5) }}", "1"),
    ("21", "{% from math import floor, ceil as up %}{{ floor(1.5) }}{{ up(1.5) }}", "12"),
    ("23", "{% set y = len(items) %}{{ y }}", "2"),
    ("24", "{% raw x %}", "<&>"),
    ("26", "{{ [\n1,\n2\n] }}{% if (items\nand x) %}y{% end %}", "[1, 2]y"),
    ("30", "{{ u'\u00e9' }}{{ '\\u20ac' }}{{ '\U0001f600' }}", "\u00e9\u20ac\U0001f600"),
    ("31", "{{ escape('<') }} {{ url_escape('a b') }}", "&amp;lt; a+b"),
    ("31", "{% raw json_encode({'a': [1]}) %} {{ squeeze(' a  b ') }}", '{"a": [1]} a b'),
    ("32", "{% raw linkify('http://a.b') %}", '<a href="http://a.b">http://a.b</a>'),
    ("32", "{% raw xhtml_escape('<') %}{{ datetime.date(2001, 2, 3) }}", "&lt;2001-02-03"),
    (
        "38",
        "{{ linkify('http://a.b') }}",
        "&lt;a href=&quot;http://a.b&quot;&gt;http://a.b&lt;/a&gt;",
    ),
]


@pytest.mark.parametrize(
    ("text", "output"),
    [pytest.param(text, output, id=f"TPL-{number}") for number, text, output in STATEMENTS],
)
def test_tpl_8_to_38_directives(text, output):
    assert Template(text).generate(**NAMES).decode() == output


def test_tpl_11_autoescape_is_of_its_own_file():
    texts = {
        "base": "{{ x }}{% block a %}{% end %}",
        "page": "{% autoescape None %}{% extends base %}{% block a %}{{ x }}{% include part %}{% end %}",
        "part": "{{ x }}",
    }
    assert DictLoader(texts).load("page").generate(x="<") == b"&lt;<&lt;"


BASE = "<h1>{% block title %}Title{% end %}</h1>{% block body %}Body{% end %}"


def test_tpl_16_blocks_replace_those_of_the_same_name():
    page = "{% extends base %}{% block body %}New{% end %}"
    loader = DictLoader({"base": BASE, "page": page})
    assert loader.load("page").generate() == b"<h1>Title</h1>New"


def test_tpl_17_what_is_outside_of_blocks_is_ignored():
    page = "before{% extends base %}{{ 1 // 0 }}{% block title %}T{% end %}after"
    loader = DictLoader({"base": BASE, "page": page})
    assert loader.load("page").generate() == b"<h1>T</h1>Body"


def test_tpl_18_blocks_in_loops_are_rendered_in_each_turn():
    base = "{% for s in students %}{% block student %}{{ s }} {% end %}{% end %}"
    page = "{% extends base %}{% block student %}[{{ s }}]{% end %}"
    loader = DictLoader({"base": base, "page": page})
    assert loader.load("base").generate(students=["a", "b"]) == b"a b "
    assert loader.load("page").generate(students=["a", "b"]) == b"[a][b]"


def test_tpl_22_included_templates_see_local_variables():
    texts = {
        "page": "{% for i in [1, 2] %}{% set j = -i %}{% include part %}{% end %}",
        "part": "{{ i }}{{ j }} ",
    }
    assert DictLoader(texts).load("page").generate() == b"1-1 2-2 "


def test_tpl_25_modules_are_not_escaped():
    class Modules:
        def Entry(self, text):
            return f"<p>{text}</p>"

    made = Template("{% module Entry('a') %}")
    assert made.generate(_tt_modules=Modules()) == b"<p>a</p>"


def test_tpl_27_syntax_errors_are_parse_errors():
    for text in ("{% if x %}", "{{ 1 + }}", "{% no such thing %}", "{{ x", "{% end %}"):
        with pytest.raises(ParseError) as caught:
            Template("\n" + text, name="page.html")
        assert (caught.value.filename, caught.value.lineno) == ("page.html", 2)


def test_tpl_28_tracebacks_refer_to_lines_of_the_template():
    made = Template("one\ntwo\n{{ fail() }}\n", name="page.html")
    with pytest.raises(NameError) as caught:
        made.generate()
    lines = "".join(traceback.format_exception(caught.value))
    assert 'File "page.html", line 3' in lines
    assert "{{ fail() }}" in lines


@pytest.mark.parametrize("locale", ["C", "POSIX", "de_DE.ISO-8859-1"])
def test_tpl_29_files_are_utf_8_in_every_locale(tmp_path, locale):
    (tmp_path / "page.html").write_bytes("<\u00e9\u20ac {{ x }}>".encode())
    program = (
        "import sys; from tornado.template import Loader;"
        "sys.stdout.buffer.write(Loader(sys.argv[1]).load('page.html').generate(x='\\xe4'))"
    )
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", program, str(tmp_path)],
        env={"LC_ALL": locale, "LANG": locale, "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode() == "<\u00e9\u20ac \u00e4>"


def test_tpl_31_32_templates_have_the_functions_of_escape():
    for name in ("xhtml_escape", "url_escape", "json_encode", "squeeze", "linkify"):
        made = Template(f"{{{{ {name} is wanted }}}}")
        assert made.generate(wanted=getattr(escape, name)) == b"True"


def test_tpl_35_templates_are_rendered_by_generate():
    """A snippet of the documents has ``execute`` for it, the reference doesn't know that."""
    made = Template("<{{ x }}>")
    assert made.generate(x=1) == b"<1>"
    assert not hasattr(made, "execute")


def test_tpl_36_37_programs_write_loaders_of_their_own():
    """A loader need have no directory, only names and a way to templates."""

    class Reversed(BaseLoader):
        def resolve_path(self, name, parent_path=None):
            return name[::-1]

        def _create_template(self, name):
            return Template(f"<{name}>", name=name, loader=self)

    assert Reversed().load("cba").generate() == b"<abc>"
    assert not hasattr(Reversed(), "root")
    for method in ("resolve_path", "load"):
        with pytest.raises(NotImplementedError):
            getattr(BaseLoader(), method)("name")


# Names and parameters of version 6.6; what is new here comes after them, by name only.
SIGNATURES = {
    "filter_whitespace": "mode, text",
    "BaseLoader": "autoescape='xhtml_escape', namespace=None, whitespace=None",
    "BaseLoader.load": "self, name, parent_path=None",
    "BaseLoader.reset": "self",
    "BaseLoader.resolve_path": "self, name, parent_path=None",
    "DictLoader": "dict, **kwargs",
    "DictLoader.resolve_path": "self, name, parent_path=None",
    "Loader": "root_directory, **kwargs",
    "Loader.resolve_path": "self, name, parent_path=None",
    "ParseError": "message, filename=None, lineno=0, *, column=0, source_line=''",
    "Template": "template_string, name='<string>', loader=None, compress_whitespace=..., autoescape=..., whitespace=None",
    "Template.generate": "self, **kwargs",
    "Template.generate_async": "self, **kwargs",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_names_have_the_documented_parameters(name):
    found = template
    for part in name.split("."):
        found = getattr(found, part)
    shown = []
    keywords = False
    for parameter in inspect.signature(found).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not keywords:
            keywords = True
            shown.append("*")
        text = parameter.name
        if parameter.kind is parameter.VAR_KEYWORD:
            text = "**" + text
        if parameter.default is not parameter.empty:
            plain = parameter.default is None or isinstance(parameter.default, (str, int))
            text += f"={parameter.default!r}" if plain else "=..."
        shown.append(text)
    assert ", ".join(shown) == SIGNATURES[name]


def test_objects_have_the_documented_attributes(tmp_path):
    for loader in (DictLoader({"a": "x"}), Loader(str(tmp_path))):
        assert loader.autoescape == "xhtml_escape"
        assert (loader.namespace, loader.templates, loader.whitespace) == ({}, {}, None)
        with loader.lock:
            loader.reset()
    assert Loader(str(tmp_path)).root == str(tmp_path)
    assert DictLoader({"a": "x"}).dict == {"a": "x"}
    loader = DictLoader({"a": "x"}, namespace={"n": 1})
    made = loader.load("a")
    assert (made.name, made.loader, made.autoescape) == ("a", loader, "xhtml_escape")
    assert made.namespace is loader.namespace
    assert compile(made.code, "code", "exec")
    assert made.compiled is not None
    assert made.file is not None
    assert issubclass(ParseError, Exception)


def test_compress_whitespace_of_older_versions():
    """True and false choose a mode; None, which was its default, leaves it to the name."""
    for name, outputs in (
        ("a.html", (b"a b", b"a  b", b"a b")),
        ("a.txt", (b"a b", b"a  b", b"a  b")),
    ):
        for choice, output in zip((True, False, None), outputs, strict=True):
            assert Template("a  b", name=name, compress_whitespace=choice).generate() == output
