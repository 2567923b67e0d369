"""The template language (TPL statements)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado.template import DictLoader, Loader, ParseError, Template, filter_whitespace


@pytest.mark.parametrize(
    ("text", "names", "output"),
    [
        ("Hello {{ name }}!", {"name": "you"}, "Hello you!"),
        ("{{ 1 + 1 }}{{ [i * 2 for i in range(3)] }}", {}, "2[0, 2, 4]"),
        ("{{ x }}", {"x": "<&\"'>"}, "&lt;&amp;&quot;&#x27;&gt;"),
        ("{{ x }}", {"x": b"<\xc3\xa9>"}, "&lt;\u00e9&gt;"),
        ("{{ x }}", {"x": None}, "None"),
        ("{% raw x %}", {"x": "<b>"}, "<b>"),
        ("{% autoescape None %}{{ x }}", {"x": "<b>"}, "<b>"),
        ("{% autoescape url_escape %}{{ x }}", {"x": "a b&"}, "a+b%26"),
        ("{{!x}} {%!y%} {#!z#}", {}, "{{x}} {%y%} {#z#}"),
        ("{{{x}}}", {"x": 1}, "{1}"),
        ("a{# {{ x }} #}b{% comment anything %}c", {}, "abc"),
        ("{% apply f %}a{{ 1 }}{% end %}", {"f": lambda b: b.upper()}, "A1"),
        ("{% if x %}a{% elif y %}b{% else %}c{% end %}", {"x": 0, "y": 1}, "b"),
        ("{% for i in x %}{{ i }},{% else %}-{% end %}", {"x": [1, 2]}, "1,2,-"),
        (
            "{% for i in x %}{% if i == 2 %}{% continue %}{% end %}{% if i == 4 %}{% break %}{% end %}{{ i }}{% end %}",
            {"x": range(9)},
            "013",
        ),
        ("{% set n = 3 %}{% while n %}{{ n }}{% set n -= 1 %}{% end %}", {}, "321"),
        (
            "{% try %}{% if x %}{{ 1 // 0 }}{% end %}a{% except ZeroDivisionError %}b{% else %}c{% finally %}d{% end %}",
            {"x": 1},
            "bd",
        ),
        (
            "{% try %}{% if x %}{{ 1 // 0 }}{% end %}a{% except ZeroDivisionError %}b{% else %}c{% finally %}d{% end %}",
            {"x": 0},
            "acd",
        ),
        ("{% import math %}{% from os import path %}{{ math.floor(2.5) }}{{ path.sep }}", {}, "2/"),
        ("{{\n 1 +\n 2\n}}{% if (1 and\n 1) %}y{% end %}", {}, "3y"),
        ("{{ json_encode([1]) }}{{ squeeze(' a  b ') }}{{ escape('<') }}", {}, "[1]a b&amp;lt;"),
        ("{% block a %}x{% end %}{{ datetime.date(2020, 1, 2) }}", {}, "x2020-01-02"),
        ("\u00e9{{ '\u20ac' }}", {}, "\u00e9\u20ac"),
    ],
)
def test_tpl_1_8_to_26_directives(text, names, output):
    assert Template(text).generate(**names).decode() == output


def test_tpl_16_to_18_inheritance_over_several_levels():
    loader = DictLoader(
        {
            "base": "<{% for i in range(2) %}{% block item %}base{% end %}{% end %}|{% block foot %}F{% end %}>",
            "middle": "ignored{% extends base %}{% block item %}[{% block inner %}m{% end %}]{% end %}",
            "leaf": "{% extends middle %}{% block inner %}{{ i }}{% end %}",
        }
    )
    assert loader.load("base").generate() == b"<basebase|F>"
    assert loader.load("middle").generate() == b"<[m][m]|F>"
    assert loader.load("leaf").generate() == b"<[0][1]|F>"


def test_tpl_11_autoescape_is_of_one_file():
    loader = DictLoader(
        {
            "a": "{% autoescape None %}{{ x }}{% include b %}{% include c %}",
            "b": "{{ x }}",
            "c": "{% autoescape None %}{{ x }}",
        }
    )
    assert loader.load("a").generate(x="<") == b"<&lt;<"


def test_tpl_22_include_sees_variables_and_relative_names():
    loader = DictLoader(
        {
            "dir/page": "{% for i in [1, 2] %}{% include part %}{% end %}{% include ../top %}",
            "dir/part": "({{ i }})",
            "top": "T",
        }
    )
    assert loader.load("dir/page").generate() == b"(1)(2)T"


def test_tpl_6_loaders_share_names():
    loader = DictLoader(
        {"a": "{{ site }}{{ f(2) }}"}, namespace={"site": "S", "f": lambda n: n * 2}
    )
    assert loader.load("a").generate() == b"S4"


def test_tpl_2_29_files_are_utf8_and_kept_until_reset(tmp_path):
    (tmp_path / "a.html").write_bytes("\u00e9 {{ 1 }}".encode())
    loader = Loader(str(tmp_path))
    first = loader.load("a.html")
    assert first.generate() == "\u00e9 1".encode()
    assert loader.load("a.html") is first
    loader.reset()
    assert loader.load("a.html") is not first


@pytest.mark.parametrize(
    ("mode", "output"),
    [("all", "a  b \n\n c"), ("single", "a b\nc"), ("oneline", "a b c")],
)
def test_white_space_modes(mode, output):
    text = "a  b \n\n c"
    assert filter_whitespace(mode, text) == output
    assert Template(text, whitespace=mode).generate().decode() == output
    assert Template(f"{{% whitespace {mode} %}}{text}").generate().decode() == output


def test_white_space_of_html_files_is_compressed():
    assert Template("a  b", name="x.html").generate() == b"a b"
    assert Template("a  b", name="x.txt").generate() == b"a  b"
    assert Template("a  b", name="x.html", compress_whitespace=False).generate() == b"a  b"
    with pytest.raises(TypeError):
        Template("", compress_whitespace=True, whitespace="all")


@given(st.text(alphabet="ab {}%#!<\u00e9\n", max_size=40))
def test_any_text_is_rendered_or_refused_with_a_place(text):
    try:
        template = Template(text, name="t")
    except ParseError as error:
        assert 1 <= error.lineno <= text.count("\n") + 1
    else:
        # It may ask for a name that isn't given.
        with contextlib.suppress(NameError):
            template.generate(a=1, b=2, ab=3)


@given(st.text(max_size=60).filter(lambda text: "{" not in text))
def test_text_without_braces_is_output_as_it_is(text):
    assert Template(text).generate() == text.encode("utf-8", "surrogateescape")


@given(st.text(max_size=60))
def test_no_value_gets_markup_through_autoescaping(value):
    output = Template("[{{ value }}]").generate(value=value).decode("utf-8", "surrogateescape")
    assert not set("<>\"'") & set(output)
