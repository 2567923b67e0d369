"""What templates that are wrong say, and where their tracebacks point."""

import pickle
import traceback

import pytest

from tornado.template import DictLoader, Loader, ParseError, Template


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a\n{{ x", 2, 1, "`{{` has no `}}` after it"),
        ("{{!\n b {% x", 2, 4, "`{%` has no `%}` after it"),
        ("{# x", 1, 1, "`{#` has no `#}` after it"),
        ("\n{{ }}", 2, 1, "expected an expression between `{{` and `}}`"),
        ("{%\t%}", 1, 1, "expected a directive between `{%` and `%}`"),
        (
            "a\n\n {% if x %}b",
            3,
            2,
            "`{% if %}` opened on line 3 is never closed: "
            "expected `{% end %}`, `{% else %}` or `{% elif %}` after it",
        ),
        (
            "{% if x %}\n{% block side bar %}\n{% for i in x %}{% end %}\n",
            2,
            1,
            "`{% block side bar %}` opened on line 2 is never closed: expected `{% end %}` after it",
        ),
        (
            "{% try %}",
            1,
            1,
            "`{% try %}` opened on line 1 is never closed: "
            "expected `{% except %}` or `{% finally %}` after it",
        ),
        (
            "{% try %}{% except %}{% else %}",
            1,
            1,
            "`{% try %}` opened on line 1 is never closed: "
            "expected `{% end %}` or `{% finally %}` after it",
        ),
        (
            "\n{% for x in y }{{ x }}{% end %}",
            2,
            1,
            "`{% for %}` opened on line 2 is never closed: "
            "expected `{% end %}` or `{% else %}` after it (is `%}` missing before `{%`?)",
        ),
        ("{% end %}", 1, 1, "`{% end %}` closes nothing: no block is open here"),
        (
            "\n{% for i in x %}\n{% end %}\n\n {% end %}",
            5,
            2,
            "`{% end %}` closes nothing: no block is open here "
            "(the last one, `{% for %}` of line 2, was closed on line 3)",
        ),
        (
            "{% else %}",
            1,
            1,
            "`{% else %}` belongs to nothing: "
            "expected it after `{% if %}`, `{% for %}`, `{% while %}` or `{% try %}`",
        ),
        (
            "{% if x %}\n{% except %}{% end %}",
            2,
            1,
            "`{% except %}` doesn't go with `{% if %}` opened on line 1: "
            "expected `{% end %}`, `{% else %}` or `{% elif %}`",
        ),
        (
            "{% block a %}{% else %}{% end %}",
            1,
            14,
            "`{% else %}` doesn't go with `{% block a %}` opened on line 1: expected `{% end %}`",
        ),
        ("{% fore x in y %}", 1, 1, "`{% fore %}` is not a directive; did you mean `{% for %}`?"),
        ("{% xyz %}", 1, 1, "`{% xyz %}` is not a directive"),
        ("{% FOR x in y %}", 1, 1, "`{% FOR %}` is not a directive; did you mean `{% for %}`?"),
        (
            "{% if x %}{% elseif y %}{% end %}",
            1,
            11,
            "`{% elseif %}` is not a directive; did you mean `{% elif %}`?",
        ),
        (
            "{% if x %}\n{% else  if y %}{% end %}",
            2,
            10,
            "expected nothing after `else`; did you mean `{% elif %}`?",
        ),
        ("{% try %}{% finally x %}{% end %}", 1, 21, "expected nothing after `finally`"),
        (
            "{%- if x %}{% end %}",
            1,
            1,
            "`{% - %}` is not a directive; `{% whitespace %}` says what becomes of white space",
        ),
        (
            "{% if x %}{% endif %}",
            1,
            11,
            "`{% endif %}` is not a directive; every block is closed with `{% end %}`",
        ),
        (
            "{% if x %}{% else: %}{% end %}",
            1,
            11,
            "`{% else: %}` is not a directive; write it without the colon",
        ),
        ("{% if x: %}{% end %}", 1, 8, "expected no colon: it's added to the line"),
        (
            "{% break %}",
            1,
            1,
            "expected a `{% for %}` or `{% while %}` of the same file around `{% break %}`",
        ),
        (
            "{% for i in x %}{% apply f %}{% continue %}{% end %}{% end %}",
            1,
            30,
            "expected a `{% for %}` or `{% while %}` of the same file around `{% continue %}`",
        ),
        (
            "{% for i in x %}{% else %}{% break %}{% end %}",
            1,
            27,
            "expected a `{% for %}` or `{% while %}` of the same file around `{% break %}`",
        ),
        ("{% block %}{% end %}", 1, 1, "expected the name of the block after `block`"),
        ("{% apply %}{% end %}", 1, 1, "expected the name of a function after `apply`"),
        ("{% extends %}", 1, 1, "expected the name of a template after `extends`"),
        ("{% include '' %}", 1, 1, "expected the name of a template between the quotes"),
        ("{% if %}{% end %}", 1, 1, "expected a condition after `if`"),
        ("{% set %}", 1, 1, "expected an assignment after `set`"),
        (
            "{% include x %}",
            1,
            4,
            "`{% include %}` needs a loader: load the template with one, or pass it as `loader`",
        ),
        (
            "{% whitespace some %}",
            1,
            1,
            "unknown mode 'some': expected all, single or oneline after `whitespace`",
        ),
        (
            "{% block a %}\n{% extends b %}{% end %}",
            2,
            1,
            "`{% extends %}` is inside `{% block a %}` opened on line 1: "
            "expected it outside of all blocks",
        ),
        (
            "{% try %}a{% end %}",
            1,
            1,
            "expected `{% except %}` or `{% finally %}` in `{% try %}`",
        ),
        ("\n{{ (yield 1) }}", 2, 4, "`yield` has no meaning in a template"),
        ("{{ x; y }}", 1, 4, "expected an expression, but this is a statement"),
        ("{{ x = y }}", 1, 4, "expected an expression, but this is a statement"),
        (
            "{% if x %}\n{% else %}\n {% elif y %}{% end %}",
            3,
            2,
            "`{% elif %}` can't come after `{% else %}` of line 2: expected `{% end %}`",
        ),
        (
            "{% for x in y %}{% else %}{% else %}{% end %}",
            1,
            27,
            "`{% else %}` can't come after `{% else %}` of line 1: expected `{% end %}`",
        ),
        (
            "{% try %}{% else %}{% except %}{% end %}",
            1,
            10,
            "`{% else %}` can't come after `{% try %}` of line 1: "
            "expected `{% except %}` or `{% finally %}`",
        ),
        (
            "{% try %}{% except %}{% finally %}{% else %}{% end %}",
            1,
            35,
            "`{% else %}` can't come after `{% finally %}` of line 1: expected `{% end %}`",
        ),
        ("{% try x %}{% except %}{% end %}", 1, 8, "expected nothing after `try`"),
        ("{% while x %}{% break 2 %}{% end %}", 1, 23, "expected nothing after `break`"),
        (
            "{% if x %}\n{{ 'a }}\n{% end %}",
            2,
            4,
            "expected an expression, but Python says: unterminated string literal "
            "(the first `}}` or `%}` ends the expression, wherever it stands)",
        ),
    ],
)
def test_tpl_27_errors_say_what_was_expected_and_where(text, line, column, message):
    with pytest.raises(ParseError) as caught:
        Template(text, name="page.html")
    error = caught.value
    assert error.message == message
    assert (error.filename, error.lineno, error.column) == ("page.html", line, column)
    assert error.source_line == text.split("\n")[line - 1]


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("\n\n{{ 1 + }}", 3, 6),
        ("{{ 1) + (2 }}", 1, 5),
        ("{{ 1]\n + [2 }}", 1, 5),
        ("{{ a(\n b c) }}", 2, 2),
        ("{{ '}}' }}", 1, 4),
        ("{% raw x y %}", 1, 8),
        ("{{ x for x in y }}", 1, 6),
        ("\n{% set x = = %}", 2, 12),
        ("{% if x ] %}{% end %}", 1, 9),
        ("{% if x %}{% elif y y %}{% end %}", 1, 19),
        ("{% for x on y %}{% end %}", 1, 8),
        ("{% try %}{% except 1 2 %}{% end %}", 1, 20),
        ("{% from x import %}", 1, 17),
        ("{% from os import * %}", 1, 4),
        ("{% apply f( %}{% end %}", 1, 11),
        ("\n{% autoescape f( %}\n{{ x }}", 2, 16),
        ("{{ pass }}", 1, 4),
        ("{% module 1 %}\n\n", 1, 11),
        ("\n{% module M( %}\n\n", 2, 12),
        ("{% module M(\nx y) %}\n\n", 2, 3),
        ("{% module pass %}", 1, 11),
    ],
)
def test_tpl_27_errors_of_python_point_at_the_template(text, line, column):
    with pytest.raises(ParseError, match="Python says: ") as caught:
        Template(text, name="page.html")
    error = caught.value
    assert (error.filename, error.lineno) == ("page.html", line)
    # The exact column is Python's affair and differs between its versions.
    assert 1 <= error.column <= len(error.source_line) + 1
    assert abs(error.column - column) <= 2


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("{% for x on y %}{% end %}", "`{% for variable in expression %}`"),
        ("{% if x y %}{% end %}", "`{% if condition %}`"),
        ("{% if x %}{% elif y y %}{% end %}", "`{% elif condition %}`"),
        ("{% while x y %}{% end %}", "`{% while condition %}`"),
        ("{% try %}{% except x y %}{% end %}", "`{% except exception as name %}`"),
        ("{% set x = %}", "`{% set variable = expression %}`"),
        ("{% import a b %}", "`{% import module %}`"),
        ("{% from a %}", "`{% from module import name %}`"),
        ("{{ x y }}", "an expression"),
        ("{% raw x y %}", "an expression"),
        ("{% apply f g %}{% end %}", "an expression"),
        ("{% autoescape f g %}", "the name of a function or `None` after `autoescape`"),
    ],
)
def test_tpl_27_errors_of_python_say_what_a_directive_looks_like(text, form):
    with pytest.raises(ParseError) as caught:
        Template(text)
    assert caught.value.message.startswith(f"expected {form}, but Python says: ")


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("{{ x } and {{ y }}", "(is `}}` missing before `{{`?)"),
        ("{% set x = 1 } {% set y = 2 %}", "(is `%}` missing before `{%`?)"),
        ("{{ {'a': {}} }}", "(the first `}}` or `%}` ends the expression, wherever it stands)"),
    ],
)
def test_tpl_27_delimiters_that_seem_to_be_missing_are_asked_for(text, advice):
    with pytest.raises(ParseError) as caught:
        Template(text)
    assert caught.value.message.endswith(advice)


def test_tpl_27_lines_of_pieces_are_not_taken_for_lines_of_the_template():
    for text in ("\n\n{{ (\n1] }}", "\n\n{{ 'x }}", "\n\n{% set x = (\n1] %}"):
        with pytest.raises(ParseError) as caught:
            Template(text)
        assert caught.value.lineno >= 3
        assert " line " not in caught.value.message


def test_a_clause_that_cannot_stand_there_matters_where_it_is_used():
    """Blocks that nobody renders are read, but not compiled, here as elsewhere."""
    texts = {"base": "base", "page": "{% extends base %}{% block a %}{% if x %}{% else %}"}
    texts["page"] += "{% elif y %}{% end %}{% end %}"
    assert DictLoader(texts).load("page").generate() == b"base"
    texts["base"] = "{% block a %}{% end %}"
    with pytest.raises(ParseError, match="can't come after") as caught:
        DictLoader(texts).load("page")
    assert caught.value.filename == "page"


def test_text_that_is_not_utf_8_says_where_that_is():
    with pytest.raises(UnicodeDecodeError) as caught:
        Template(b"one\ntwo \xff", name="page.html")
    assert caught.value.__notes__ == ["(line 2 of the template page.html)"]


def test_half_a_character_is_shown_in_the_output_that_it_is_part_of():
    for text in ("<p>{{ x }}</p>", "{% autoescape None %}<p>{{ x }}</p>{{ y }}"):
        with pytest.raises(UnicodeEncodeError) as caught:
            Template(text, name="page.html").generate(x="abc\ud800def", y=b"\xff")
        (note,) = caught.value.__notes__
        assert "abc\\ud800def" in note
        assert "page.html" in note


@pytest.mark.parametrize("function", [str, 5])
def test_a_function_that_escapes_is_passed_by_its_name(function):
    with pytest.raises(TypeError, match="autoescape is the name of a function or None, not "):
        Template("{{ 1 }}", autoescape=function)
    with pytest.raises(TypeError, match="autoescape is the name of a function or None, not "):
        DictLoader({"a": ""}, autoescape=function).load("a")


def test_no_name_at_all_is_no_escaping():
    assert Template("{{ '<' }}", autoescape="").generate() == b"<"


def test_a_module_without_a_handler_is_explained():
    with pytest.raises(NameError, match="_tt_modules") as caught:
        Template("{% module Entry() %}").generate()
    assert "renders" in caught.value.__notes__[0]


def test_tpl_27_the_whole_text_of_an_error():
    with pytest.raises(ParseError) as caught:
        Template("<ul>\n\t{% for x in y %}\n</ul>", name="list.html")
    assert str(caught.value) == (
        "list.html:2:2: `{% for %}` opened on line 2 is never closed: "
        "expected `{% end %}` or `{% else %}` after it\n"
        "  2 | \t{% for x in y %}\n"
        "    | \t^"
    )


@pytest.mark.parametrize("odd", ["\r", "\x1b", "\0", "\x85", "\u2028", "\ud800"])
def test_tpl_27_odd_characters_leave_the_mark_in_its_place(odd):
    with pytest.raises(ParseError) as caught:
        Template(f"\n<p>{odd}{{% if x %}}\r\n", name="page.html")
    assert str(caught.value).split("\n")[1:] == ["  2 | <p> {% if x %}", "    |     ^"]


def test_parse_errors_have_the_name_that_programs_know_them_by():
    with pytest.raises(ParseError) as caught:
        Template("{{", name="page.html")
    (first, *_) = traceback.format_exception_only(caught.value)
    assert first.startswith("tornado.template.ParseError: page.html:1:1: ")
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert type(again) is ParseError


def test_parse_errors_made_by_others_have_the_attributes_of_the_documents():
    error = ParseError("wrong", "a.html", 3)
    assert (error.message, error.filename, error.lineno) == ("wrong", "a.html", 3)
    assert str(error) == "a.html:3: wrong"
    assert str(ParseError("wrong")) == "wrong"


@pytest.mark.parametrize("name, way", [("a", "a -> b -> a"), ("c", "c -> c"), ("d", "c -> c")])
def test_templates_that_extend_or_include_themselves_are_refused(name, way):
    loader = DictLoader(
        {
            "a": "{% extends b %}",
            "b": "{% include a %}",
            "c": "{% include c %}",
            "d": "{% extends c %}",
        }
    )
    with pytest.raises(ParseError, match=way):
        loader.load(name)
    # The failed attempt leaves nothing behind.
    with pytest.raises(ParseError, match=way):
        loader.load(name)


def test_an_included_template_cannot_extend_another():
    loader = DictLoader({"a": "\n{% include b %}", "b": "{% extends c %}", "c": ""})
    with pytest.raises(ParseError, match="b extends another template") as caught:
        loader.load("a")
    assert (caught.value.filename, caught.value.lineno) == ("a", 2)


@pytest.mark.parametrize("directive", ["extends", "include"])
def test_a_missing_template_says_who_asked_for_it(directive, tmp_path):
    text = f"\n{{% {directive} nowhere.html %}}"
    with pytest.raises(KeyError) as missing:
        DictLoader({"a.html": text}).load("a.html")
    assert missing.value.__notes__ == ["(the template 'nowhere.html', see line 2 of a.html)"]
    (tmp_path / "a.html").write_text(text)
    with pytest.raises(FileNotFoundError) as missing:
        Loader(str(tmp_path)).load("a.html")
    assert missing.value.__notes__ == ["(the template 'nowhere.html', see line 2 of a.html)"]


CHAIN = {
    "base.html": "<html>\n\n<b>{% block body %}{% end %}</b>\n</html>",
    "page.html": "{% extends base.html %}\n{% block body %}\n  {% include part.html %}{% end %}",
    "part.html": "one\ntwo {{ 1 // zero }}\n",
}


def _entries(error):
    return [
        (entry.filename, entry.lineno, entry.name, entry.line)
        for entry in traceback.extract_tb(error.__traceback__)
        if entry.filename.endswith(".html")
    ]


def test_tpl_28_tracebacks_show_the_way_through_extends_and_include():
    template = DictLoader(CHAIN).load("page.html")
    with pytest.raises(ZeroDivisionError) as caught:
        template.generate(zero=0)
    assert _entries(caught.value) == [
        ("base.html", 3, "template", "<b>{% block body %}{% end %}</b>"),
        ("page.html", 3, "block body", "{% include part.html %}{% end %}"),
        ("part.html", 2, "include part.html", "two {{ 1 // zero }}"),
    ]
    assert "generated" not in "".join(traceback.format_exception(caught.value))
    # Debuggers see the template's variables.
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    assert frames[-1].f_globals["zero"] == 0


def test_tpl_28_what_is_inside_of_apply_is_shown_after_the_way_to_it():
    texts = {
        "base.html": "\n{% block body %}{% end %}",
        "page.html": "{% extends base.html %}{% block body %}\n{% apply f %}\n"
        "{% include part.html %}{% end %}{% end %}",
        "part.html": "{% apply f %}\n{{ 1 // zero }}{% end %}",
    }
    template = DictLoader(texts).load("page.html")
    with pytest.raises(ZeroDivisionError) as caught:
        template.generate(zero=0, f=bytes.upper)
    assert [entry[:2] for entry in _entries(caught.value)] == [
        ("base.html", 2),
        ("page.html", 2),
        ("page.html", 3),
        ("part.html", 1),
        ("part.html", 2),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb {{ x }}\n{{ f() }}\n{{ x }}", 3),
        ("{{ [\n1,\nf(),\n2] }}", 3),
        ("{% if x %}\n{% for i in f() %}\n{% end %}{% end %}", 2),
        ("{% if not x %}\n{% elif f() %}\n{% end %}", 2),
        ("\n{% set y = [\n 1,\n f()] %}", 4),
        ("\n{% apply str %}\n{% apply str %}\n{{ f() }}{% end %}{% end %}", 4),
        ("{% try %}\n\n{{ f() }}{% finally %}\n{% set z = 1 %}{% end %}", 3),
        ("\n{% apply lambda s: 1 // 0 %}\n{% end %}", 2),
        ("{{ \n\n f() }}", 3),
        ("{% import\n nothing_like_that %}", 1),
        ("{% set a = [1,\r\r\r2] %}\n\n{{ f() }}", 3),
        ("{% if (x\r) %}\r\n{% set a = (1,\r\n2) %}{{ f() }}{% end %}", 3),
        ("{% set a = '''x\ry''' %}{{ a }}\n{{ f() }}", 2),
    ],
)
def test_tpl_28_tracebacks_show_lines(text, line):
    def f():
        return 1 // 0

    with pytest.raises((ZeroDivisionError, ImportError)) as caught:
        Template(text, name="page.html").generate(f=f, x=1)
    assert _entries(caught.value)[-1][1] == line
    assert _entries(caught.value)[-1][3] == text.split("\n")[line - 1].strip()


def test_tpl_28_tracebacks_show_the_text_of_today():
    """A template that is loaded anew doesn't show the lines of its former text."""
    for text in ("{{ 1 // 0 }}", "{# new #}{{ 2 // 0 }}"):
        with pytest.raises(ZeroDivisionError) as caught:
            Template(text, name="changing.html").generate()
        assert _entries(caught.value)[-1][3] == text


def test_tpl_28_errors_that_an_error_came_of_show_lines_too():
    def again(error):
        raise LookupError("again") from error

    text = "{% try %}\n{{ 1 // 0 }}{% except ZeroDivisionError as e %}\n{{ f(e) }}{% end %}"
    for f in (again, lambda error: error.missing):
        with pytest.raises((LookupError, AttributeError)) as caught:
            Template(text, name="page.html").generate(f=f)
        assert _entries(caught.value)[-1][1] == 3
        first = caught.value.__cause__ or caught.value.__context__
        assert _entries(first)[-1][1] == 2
        assert "generated" not in "".join(traceback.format_exception(caught.value))


def test_tpl_28_members_of_a_group_show_lines():
    text = (
        "{% try %}\n{{ 1 // 0 }}{% except ZeroDivisionError as e %}"
        "\n{{ f('several', [e, KeyError()]) }}{% end %}"
    )

    def fail(message, errors):
        raise ExceptionGroup(message, errors)

    with pytest.raises(ExceptionGroup) as caught:
        Template(text, name="page.html").generate(f=fail)
    assert _entries(caught.value)[-1][1] == 3
    assert _entries(caught.value.exceptions[0])[-1][1] == 2


def test_tpl_28_errors_from_before_the_template_stay_as_they_are():
    try:
        raise KeyError("before")
    except KeyError as error:
        before, entry = error, error.__traceback__
        with pytest.raises(ZeroDivisionError) as caught:
            Template("{{ 1 // 0 }}").generate()
        assert caught.value.__context__ is before
        assert before.__traceback__ is entry


def test_tpl_28_templates_that_call_templates_show_both():
    inner = Template("\n{{ 1 // 0 }}", name="inner.html")
    outer = Template("{% raw inner.generate() %}", name="outer.html")
    with pytest.raises(ZeroDivisionError) as caught:
        outer.generate(inner=inner)
    assert [entry[:2] for entry in _entries(caught.value)] == [("outer.html", 1), ("inner.html", 2)]


@pytest.mark.parametrize("function", [lambda b: 5, lambda b: None])
def test_functions_that_return_no_text_are_errors(function):
    for text in ("{% apply f %}a{% end %}", "{% autoescape f %}{{ 1 }}"):
        with pytest.raises(TypeError, match="returned .*, expected str or bytes"):
            Template(text).generate(f=function)


@pytest.mark.parametrize(
    "text",
    [
        "{{ tag }}{% for tag in [1] %}{% end %}",
        "{{ (lambda: tag)() }}{% set tag = 1 %}",
        "{% apply str %}{{ tag }}{% end %}{% set tag = 1 %}",
    ],
)
def test_a_variable_that_is_used_too_early_is_explained(text):
    with pytest.raises(NameError) as caught:
        Template(text, name="page.html").generate(tag=5)
    assert len(caught.value.__notes__) == 1
    assert "is a variable everywhere" in caught.value.__notes__[0]


def test_errors_of_other_functions_are_not_explained():
    def f():
        del late  # noqa: F821 - it isn't there yet, that's the point
        late = 1
        return late

    for text in ("{{ f() }}", "{{ missing }}"):
        with pytest.raises(NameError) as caught:
            Template(text, name="page.html").generate(f=f)
        assert not hasattr(caught.value, "__notes__")
