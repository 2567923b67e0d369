"""Native escaping, compared with that of the standard library."""

from __future__ import annotations

import html

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tornado._speedups import xhtml_escape

MARKUP = st.text(st.sampled_from("&<>\"'ab\u00e9\u4e16\U0001f600"))
TEXT = st.text(st.characters(exclude_categories=()))


@given(MARKUP | TEXT)
@example("\ud800<\udfff")
@example("&" * 5000)
@example("\u00e9" * 2000 + "<")
@example("\ud800" + "'" * 2000)
def test_text_has_entities_for_five_characters(text):
    assert xhtml_escape(text) == html.escape(text)


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 64, 1023, 1024, 1025, 100_000])
@pytest.mark.parametrize("character", ["&", "<", ">", '"', "'"])
def test_characters_are_found_wherever_they_stand(size, character):
    for text in (
        "x" * size,
        "x" * size + character,
        character + "x" * size,
        "x" * (size // 2) + character + "\u00e9" + "x" * (size - size // 2),
        character * size,
    ):
        assert xhtml_escape(text) == html.escape(text)


def test_a_text_without_them_is_not_copied():
    text = "nothing to escape " * 3
    assert xhtml_escape(text) is text


@given(st.text())
def test_bytes_are_utf8(text):
    assert xhtml_escape(text.encode()) == html.escape(text)


def test_bytes_that_are_no_utf8_are_refused():
    with pytest.raises(UnicodeDecodeError):
        xhtml_escape(b"\xff<")


def test_kinds_of_text_become_plain_text():
    class Markup(str):
        __slots__ = ()

    for text in ("<b>", "plain"):
        assert type(xhtml_escape(Markup(text))) is str
        assert xhtml_escape(Markup(text)) == html.escape(text)


@pytest.mark.parametrize(("value", "name"), [(None, "None"), (5, "int"), (["<"], "list")])
def test_other_things_are_refused(value, name):
    with pytest.raises(TypeError, match=f"not {name}$"):
        xhtml_escape(value)
