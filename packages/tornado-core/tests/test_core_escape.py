"""Escaping, JSON, URLs and conversions (ESC statements)."""

import json
from urllib.parse import parse_qs, quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado import escape
from tornado._urlencoded import percent_decode


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain", "plain"),
        ("<&>\"'", "&lt;&amp;&gt;&quot;&#x27;"),
        (b"<b>", "&lt;b&gt;"),
        ("\u00e9 & \u20ac", "\u00e9 &amp; \u20ac"),
        ("", ""),
    ],
)
def test_esc_1_markup_characters_become_entities(text, escaped):
    assert escape.xhtml_escape(text) == escaped


@given(st.text())
def test_esc_2_unescape_undoes_escape_and_no_markup_is_left(text):
    escaped = escape.xhtml_escape(text)
    assert not set("<>\"'") & set(escaped)
    if "\r" not in text and not any(0x7F <= ord(c) <= 0x9F or ord(c) < 32 for c in text):
        assert escape.xhtml_unescape(escaped) == text


@given(st.text(), st.booleans())
def test_esc_3_url_unescape_undoes_url_escape(text, plus):
    assert escape.url_unescape(escape.url_escape(text, plus=plus), plus=plus) == text


@pytest.mark.parametrize(
    ("value", "encoding", "expected"),
    [
        ("a%20b+c", "utf-8", "a b c"),
        (b"%C3%A9", "utf-8", "\u00e9"),
        ("%E9", "latin-1", "\u00e9"),
        ("%ff+", None, b"\xff "),
        (b"a+b", None, b"a b"),
    ],
)
def test_esc_4_url_unescape_gives_text_or_bytes(value, encoding, expected):
    assert escape.url_unescape(value, encoding=encoding) == expected


def test_plus_is_kept_in_paths():
    assert escape.url_unescape("a+b%20", plus=False) == "a+b "
    assert escape.url_unescape("a+b", encoding=None, plus=False) == b"a+b"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda child: st.lists(child) | st.dictionaries(st.text(), child),
    )
)
def test_esc_5_json_round_trip_is_safe_in_a_script_element(value):
    encoded = escape.json_encode(value)
    assert "</" not in encoded
    assert escape.json_decode(encoded) == value
    assert escape.json_decode(encoded.encode()) == json.loads(encoded)


@pytest.mark.parametrize("value", ["\u00e9", b"\xc3\xa9", None])
def test_esc_6_7_utf8_and_to_unicode(value):
    assert escape.utf8(value) == (None if value is None else b"\xc3\xa9")
    assert escape.to_unicode(value) == (None if value is None else "\u00e9")


@pytest.mark.parametrize("convert", [escape.utf8, escape.to_unicode])
def test_other_types_are_refused(convert):
    with pytest.raises(TypeError, match="int"):
        convert(3)


def test_esc_8_9_names_of_older_versions():
    assert escape.native_str(b"a") == "a"
    assert escape.to_basestring(b"a") == "a"


def test_esc_10_recursive_unicode_goes_down_into_containers():
    value = {b"a": [b"b", (b"c", 1)], "d": None}
    assert escape.recursive_unicode(value) == {"a": ["b", ("c", 1)], "d": None}


@pytest.mark.parametrize(
    ("text", "options", "html"),
    [
        (
            "Hello http://tornadoweb.org!",
            {},
            'Hello <a href="http://tornadoweb.org">http://tornadoweb.org</a>!',
        ),
        ("see www.a.com.", {}, 'see <a href="http://www.a.com">www.a.com</a>.'),
        ("see www.a.com", {"require_protocol": True}, "see www.a.com"),
        ("javascript:alert(1)", {}, "javascript:alert(1)"),
        ("ftp://a.b/", {}, "ftp://a.b/"),
        (
            "ftp://a.b/",
            {"permitted_protocols": ["ftp"]},
            '<a href="ftp://a.b/">ftp://a.b/</a>',
        ),
        (
            "http://a.b/",
            {"extra_params": 'rel="nofollow"'},
            '<a href="http://a.b/" rel="nofollow">http://a.b/</a>',
        ),
        (
            "http://a.b/",
            {"extra_params": lambda href: f'title="{href}"'},
            '<a href="http://a.b/" title="http://a.b/">http://a.b/</a>',
        ),
        ("(http://a.b/c)", {}, '(<a href="http://a.b/c">http://a.b/c</a>)'),
    ],
)
def test_esc_11_to_15_linkify(text, options, html):
    assert escape.linkify(text, **options) == html


def test_esc_13_long_link_texts_are_shortened():
    html = escape.linkify("http://example.com/a/very/long/path/to/something", shorten=True)
    shown = html.partition(">")[2].partition("<")[0]
    assert shown.endswith("...")
    assert len(shown) < 40
    assert 'title="http://example.com/a/very/long/path/to/something"' in html


@given(st.text(alphabet="htp:/w.<>&\"' a()", max_size=60))
def test_linkify_never_lets_markup_of_the_input_through(text):
    html = escape.linkify(text)
    without_links = html
    while '<a href="' in without_links:
        before, _, rest = without_links.partition('<a href="')
        address, _, rest = rest.partition('">')
        assert not set('<>"') & set(address)
        without_links = before + rest.replace("</a>", "", 1)
    assert not set("<>\"'") & set(without_links)


@given(st.text())
def test_esc_16_squeeze_leaves_single_spaces(text):
    squeezed = escape.squeeze(text)
    assert "  " not in squeezed
    assert "\n" not in squeezed


def test_parse_qs_bytes_keeps_bytes_and_counts_fields():
    assert escape.parse_qs_bytes("a=%ff&b=1&b=2&c=", keep_blank_values=True) == {
        "a": [b"\xff"],
        "b": [b"1", b"2"],
        "c": [b""],
    }
    with pytest.raises(ValueError, match="fields"):
        escape.parse_qs_bytes("a=1&b=2", max_num_fields=1)


def test_p22_semicolons_do_not_separate_arguments():
    assert escape.parse_qs_bytes("a=1;b=2") == {"a": [b"1;b=2"]}


@given(
    st.text(st.sampled_from("ab=&+%;2fF \xff"), max_size=30),
    st.booleans(),
    st.booleans(),
    st.none() | st.integers(0, 5),
)
def test_parse_qs_bytes_agrees_with_the_standard_library(text, blank, strict, limit):
    def outcome(parse):
        try:
            return parse()
        except ValueError:
            return "an error"

    options = {"keep_blank_values": blank, "strict_parsing": strict, "max_num_fields": limit}
    expected = outcome(lambda: parse_qs(text, **options, encoding="latin-1"))
    found = outcome(lambda: escape.parse_qs_bytes(text, **options))
    if text and isinstance(found, dict):
        found = {name: [value.decode("latin-1") for value in found[name]] for name in found}
    if text:
        assert found == expected


pieces = st.sampled_from([b"%", b"%4", b"%41", b"%fF", b"%0a", b"%3D", b"=", b"=\r\n", b"\n", b" "])


@given(st.lists(pieces | st.binary(max_size=3), max_size=12).map(b"".join))
def test_percent_decode_agrees_with_the_standard_library(data):
    assert percent_decode(data) == unquote_to_bytes(data)


@given(st.binary())
def test_percent_decode_undoes_quoting(data):
    assert percent_decode(quote_from_bytes(data).encode()) == data
