"""What holds for all templates: they do what they say, escape, and take linear time."""

import html
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado.template import DictLoader, ParseError, Template, filter_whitespace

# The delimiters that a lexer would see in a text.
_OPENING = re.compile(r"\{(?:\{(?!\{)|[%#])")

# What templates can be made of. Surrogates have no bytes.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MARKUP = st.text("<>&\"';ab{}%# \n", max_size=20) | TEXT


def quoted(text):
    """Return a template that outputs a text as it is."""
    return _OPENING.sub(lambda match: match[0] + "!", text)


@given(st.text("{}%#! ab\n", max_size=40) | TEXT)
def test_any_text_can_be_quoted(text):
    assert Template(quoted(text)).generate() == text.encode()


# Trees of which each part is a tuple: its kind, and what it's made of. `written` makes a template of
# one, `output` does what that should do; they share nothing.

VALUES = {"x": "<x>", "n": 3, "b": b"&\xc3\xa9", "e": "", "w": "a  b"}
NAMES = st.sampled_from(sorted(VALUES))
FUNCTIONS = {"upper": lambda value: value.upper(), "wrap": lambda value: b"[" + value + b"]"}
LITERALS = MARKUP.map(repr).filter(lambda code: "}}" not in code and "%}" not in code)

LEAVES = st.one_of(
    st.tuples(st.just("text"), MARKUP),
    st.tuples(st.just("name"), NAMES),
    st.tuples(st.just("raw"), NAMES),
    st.tuples(st.just("literal"), LITERALS),
    st.tuples(st.just("set"), NAMES, NAMES),
    st.tuples(st.just("comment"), st.text("ab {%", max_size=5)),
)


def branches(part):
    body = st.lists(part, max_size=3)
    return st.one_of(
        st.tuples(st.just("if"), NAMES, body, body),
        st.tuples(st.just("for"), st.integers(0, 3), body),
        st.tuples(st.just("apply"), st.sampled_from(sorted(FUNCTIONS)), body),
        st.tuples(st.just("try"), body, st.booleans(), body),
    )


TREES = st.lists(st.recursive(LEAVES, branches, max_leaves=12), max_size=5)


def written(tree):
    return "".join(write(*part) for part in tree)


def write(kind, *of):
    match kind:
        case "text":
            # A brace at the end of a text would be one of the next delimiter.
            return quoted(of[0]) + ("{# #}" if not of[0].endswith("{") else "{{ '' }}")
        case "name":
            return f"{{{{ {of[0]} }}}}"
        case "raw":
            return f"{{% raw {of[0]} %}}"
        case "literal":
            return f"{{{{ {of[0]} }}}}"
        case "set":
            return f"{{% set {of[0]} = {of[1]} %}}"
        case "comment":
            return f"{{# {of[0]} #}}"
        case "if":
            return f"{{% if {of[0]} %}}{written(of[1])}{{% else %}}{written(of[2])}{{% end %}}"
        case "for":
            return f"{{% for i in range({of[0]}) %}}{written(of[1])}{{% end %}}"
        case "apply":
            return f"{{% apply {of[0]} %}}{written(of[1])}{{% end %}}"
        case "try":
            fail = "{% raw 1 // 0 %}" if of[1] else ""
            handler = f"{{% except ZeroDivisionError %}}{written(of[2])}{{% end %}}"
            return f"{{% try %}}{written(of[0])}{fail}{handler}"


def output(tree, values):
    return b"".join(result(values, *part) for part in tree)


def text_of(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def result(values, kind, *of):
    match kind:
        case "text":
            return of[0].encode()
        case "name":
            return html.escape(text_of(values[of[0]])).encode()
        case "raw":
            return text_of(values[of[0]]).encode()
        case "literal":
            return html.escape(eval(of[0])).encode()
        case "set":
            values[of[0]] = values[of[1]]
            return b""
        case "comment":
            return b""
        case "if":
            return output(of[1] if values[of[0]] else of[2], values)
        case "for":
            return b"".join(output(of[1], values) for _ in range(of[0]))
        case "apply":
            return FUNCTIONS[of[0]](output(of[1], values))
        case "try":
            return output(of[0], values) + (output(of[2], values) if of[1] else b"")


def sets_in_apply(tree, inside=False):
    """Tell whether an apply sets a variable: it's a function, whose variables are its own."""
    for kind, *of in tree:
        if kind == "set" and inside:
            return True
        bodies = [part for part in of if isinstance(part, list)]
        if any(sets_in_apply(body, inside or kind == "apply") for body in bodies):
            return True
    return False


@given(TREES.filter(lambda tree: not sets_in_apply(tree)))
def test_templates_do_what_they_say(tree):
    # What a template sets is its variable from the start.
    first = "".join(f"{{% set {name} = {name}0 %}}" for name in VALUES)
    given = {f"{name}0": value for name, value in VALUES.items()}
    made = Template(first + written(tree))
    assert made.generate(**given, **FUNCTIONS) == output(tree, dict(VALUES))


@given(TREES, st.data())
def test_a_template_can_be_cut_into_others(tree, data):
    """What is included or fills a block does what it does where it stands."""
    cut = data.draw(st.integers(0, len(tree)))
    whole, first, second = written(tree), written(tree[:cut]), written(tree[cut:])
    loader = DictLoader(
        {
            "whole": whole,
            "including": "{% include first %}{% include second %}",
            "first": first,
            "second": second,
            "base": "{% block a %}{% end %}{% block b %}lost{% end %}",
            "extending": f"{{% extends base %}}{{% block b %}}{second}{{% end %}}"
            f"{{% block a %}}{first}{{% end %}}",
        }
    )

    def rendered(name):
        try:
            return loader.load(name).generate(**VALUES, **FUNCTIONS)
        except NameError:
            return None

    assert rendered("including") == rendered("extending") == rendered("whole")


PLACES = [
    "[{{ value }}]",
    "[{{value}}{{ value }}]",
    "{% if value or 1 %}[{{ value }}]{% end %}",
    "{% for v in [value] %}[{{ v }}]{% end %}",
    "{% try %}[{{ value }}]{% finally %}{% end %}",
    "{% set v = value %}[{{ v }}]",
    "{% apply same %}[{{ value }}]{% end %}",
    "{% block a %}[{{ value }}]{% end %}",
    "{% include part %}",
    "{% whitespace oneline %}[{{ value }}]",
    "{% autoescape None %}{% include part %}",
    "[{{ (value) }}]",
    "[{{ value if 1 else 2 }}]",
    "[{{ '%s' % value }}]",
    "[{{ f'{value}' }}]",
    "[{{ value.encode() }}]",
    "[{{ subclass(value) }}]",
    "[{{ holder(value) }}]",
]


class Holder:
    """Something whose text is a value."""

    def __init__(self, value):
        self._value = value

    def __str__(self):
        return self._value


@pytest.mark.parametrize("place", PLACES)
@given(value=MARKUP)
def test_no_place_lets_markup_through(place, value):
    loader = DictLoader({"page": place, "part": "[{{ value }}]"})
    names = {"same": lambda text: text, "subclass": type("Own", (str,), {}), "holder": Holder}
    output = loader.load("page").generate(value=value, **names).decode()
    assert not set("<>\"'") & set(output)
    assert not re.search(r"&(?!(?:amp|lt|gt|quot|#x27);)", output)
    assert html.unescape(output[1:-1]) in (value, value + value)


@given(
    st.sampled_from(["single", "oneline"]),
    st.text(" \t\n\r\x0b\x0c\x1c\x85\u00a0\u2003a", max_size=30),
)
def test_white_space_is_lost_but_nothing_else(mode, text):
    filtered = filter_whitespace(mode, text)
    assert "".join(filtered.split()) == "".join(text.split())
    assert filter_whitespace(mode, filtered) == filtered
    assert "  " not in filtered
    if mode == "single":
        assert ("\n" in text) == ("\n" in filtered)


def seconds(function, *arguments):
    started = time.process_time()
    try:
        function(*arguments)
    except ParseError:
        # What's measured is how long it takes to find that out.
        return time.process_time() - started
    return time.process_time() - started


@pytest.mark.parametrize(
    "unit",
    [
        *("{", "{{", "{{!", "{%", "{#", "{# #}a", "{{ x }}", "{% set a = 1 %}", "{% end %}"),
        *(
            "{% comment a %}",
            "}}",
            "%}",
            "\n",
            "{{ x }}\n",
            "{% raw x %}b",
            "{% block a %}b{% end %}",
        ),
        "{% if x %}b{% end %}",
    ],
)
def test_reading_takes_linear_time(unit):
    small = min(seconds(Template, unit * 500) for _ in range(3))
    large = min(seconds(Template, unit * 5_000) for _ in range(2))
    # Ten times as much would be 100 times as long if it were quadratic.
    assert large < 40 * small + 0.05


@pytest.mark.parametrize("unit", [" ", "\t ", "\n", " \n", "\x0b", "\x0b\x0c ", "\u00a0", "\x1c\n"])
@pytest.mark.parametrize("mode", ["single", "oneline"])
def test_white_space_takes_linear_time(mode, unit):
    small = min(seconds(filter_whitespace, mode, unit * 10_000 + "a") for _ in range(3))
    large = min(seconds(filter_whitespace, mode, unit * 100_000 + "a") for _ in range(2))
    assert large < 40 * small + 0.05


DEEP = [
    ("{% if x %}", 5_000),
    ("{% for i in x %}", 120),
    ("{% apply x %}", 5_000),
    ("{% block b %}", 5_000),
    ("{% while x %}", 300),
]


@pytest.mark.parametrize(("opening", "depth"), DEEP)
def test_what_is_too_deep_is_an_error_with_a_place(opening, depth):
    with pytest.raises(ParseError) as caught:
        Template(opening * depth + "{% end %}" * depth, name="deep.html")
    assert (caught.value.filename, caught.value.lineno) == ("deep.html", 1)
    # All of such a line would be no help.
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("code", ["(" * 300 + ")" * 300, "-" * 30_000 + "1", "a" + ".a" * 100_000])
def test_expressions_that_python_cannot_take_are_errors_with_a_place(code):
    with pytest.raises(ParseError) as caught:
        Template("{{ " + code + " }}", name="deep.html")
    assert caught.value.lineno == 1


@pytest.mark.parametrize("directive", ["extends", "include"])
def test_too_many_templates_in_a_row_are_an_error_with_a_place(directive):
    texts = {str(number): f"{{% {directive} {number + 1} %}}" for number in range(2_000)}
    with pytest.raises(ParseError, match="too many templates extend or include each other"):
        DictLoader({**texts, "2000": "end"}).load("0")
