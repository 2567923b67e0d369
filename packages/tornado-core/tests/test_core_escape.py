"""Escaping, JSON, URLs and conversions (ESC statements)."""

import html
import json
import re
import time
from urllib.parse import parse_qs, quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tornado import escape
from tornado._urlencoded import percent_decode

# With tornado-speedups the first is native code.
ESCAPES = {escape.xhtml_escape, escape._xhtml_escape}


def assert_escaped(text):
    for xhtml_escape in ESCAPES:
        assert xhtml_escape(text) == html.escape(text)


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
    for xhtml_escape in ESCAPES:
        assert xhtml_escape(text) == escaped


@given(st.text(st.characters()))  # surrogates too
@example("\r\0\x7f\x80\ud800")
@example("&#x27;&amp;&lt")
def test_esc_2_unescape_undoes_escape_and_no_markup_is_left(text):
    escaped = escape.xhtml_escape(text)
    assert not set("<>\"'") & set(escaped)
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


@pytest.mark.parametrize("text", ["</script>", "<!--<script>", "a<!b", "\u2028\u2029", r"<\/"])
def test_esc_5_json_cannot_end_or_comment_a_script_element(text):
    encoded = escape.json_encode({text: [text]})
    assert encoded.isascii()
    assert not re.search(r"</|<!", encoded)
    assert escape.json_decode(encoded) == {text: [text]}


def test_esc_5_what_has_no_json_is_refused():
    with pytest.raises(TypeError, match="bytes"):
        escape.json_encode(b"x")
    with pytest.raises(ValueError, match="Expecting"):
        escape.json_decode("{")


@given(st.binary(), st.booleans())
def test_esc_3_4_bytes_go_through_urls(data, plus):
    escaped = escape.url_escape(data, plus=plus)
    assert re.fullmatch(r"[\w.~%+/-]*", escaped, re.ASCII)
    assert escape.url_unescape(escaped, encoding=None, plus=plus) == data
    assert escape.url_unescape(escaped.encode(), encoding=None, plus=plus) == data


@given(st.dictionaries(st.text(), st.lists(st.binary(), min_size=1)))
def test_parse_qs_bytes_undoes_escaping(arguments):
    query = "&".join(
        f"{escape.url_escape(name)}={escape.url_escape(value)}"
        for name, values in arguments.items()
        for value in values
    )
    expected = {name.encode().decode("latin-1"): values for name, values in arguments.items()}
    assert escape.parse_qs_bytes(query, keep_blank_values=True) == expected
    assert escape.parse_qs_bytes(query.encode(), keep_blank_values=True) == expected


def test_parse_qs_bytes_can_be_strict():
    assert escape.parse_qs_bytes("a&b=&c=1") == {"c": [b"1"]}
    with pytest.raises(ValueError, match="malformed field"):
        escape.parse_qs_bytes("a", strict_parsing=True)


def test_esc_6_utf8_makes_bytes_of_text_and_leaves_bytes_and_none_alone():
    assert escape.utf8("\u00e9\U0001f600") == b"\xc3\xa9\xf0\x9f\x98\x80"
    for value in (b"\xc3\xa9", b"\xff", b"", None):
        assert escape.utf8(value) is value
    with pytest.raises(TypeError):
        escape.utf8(3)


def test_esc_7_to_unicode_makes_text_of_bytes_and_leaves_text_and_none_alone():
    assert escape.to_unicode(b"\xc3\xa9\xf0\x9f\x98\x80") == "\u00e9\U0001f600"
    for value in ("\u00e9", "", None):
        assert escape.to_unicode(value) is value
    with pytest.raises(UnicodeDecodeError):
        escape.to_unicode(b"\xff")


@pytest.mark.parametrize(
    "convert", [escape.utf8, escape.to_unicode, escape.native_str, escape.to_basestring]
)
@pytest.mark.parametrize("value", [3, bytearray(b"a"), ["a"]])
def test_esc_6_7_other_types_are_refused(convert, value):
    with pytest.raises(TypeError, match=f"text or bytes are needed, not {type(value).__name__}"):
        convert(value)


@pytest.mark.parametrize(
    "convert", [escape.xhtml_escape, escape._xhtml_escape, escape.xhtml_unescape]
)
@pytest.mark.parametrize("value", [None, 3])
def test_what_is_no_text_is_not_escaped(convert, value):
    with pytest.raises(TypeError, match="text or bytes are needed"):
        convert(value)


@given(st.text(alphabet="ab<>&\"'; #x27ltgquo\u20ac\U0001f600"))
def test_esc_1_2_escaping_of_anything_is_that_of_the_html_module(text):
    assert_escaped(text)
    assert escape.xhtml_escape(text.encode()) == html.escape(text)
    assert escape.xhtml_unescape(escape.xhtml_escape(text)) == text
    assert escape.xhtml_unescape(escape.xhtml_escape(text).encode()) == text


def test_esc_1_text_that_has_methods_of_its_own_is_escaped():
    class Odd(str):
        def __contains__(self, part):
            return False

        def replace(self, *args):
            return self

        def __str__(self):
            return "something else"

    for xhtml_escape in ESCAPES:
        escaped = xhtml_escape(Odd("<b>&'\""))
        assert escaped == "&lt;b&gt;&amp;&#x27;&quot;"
        assert type(escaped) is str


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("&lt;&gt;&amp;&quot;&#x27;&#39;", "<>&\"''"),
        ("&eacute;&#233;&#xE9;", "\u00e9\u00e9\u00e9"),
        ("&nosuch; & &;", "&nosuch; & &;"),
        ("&amp;lt;", "&lt;"),
    ],
)
def test_esc_2_named_and_numbered_entities(text, plain):
    assert escape.xhtml_unescape(text) == plain


def test_esc_8_native_str_is_str():
    assert escape.native_str(b"\xc3\xa9") == escape.native_str("\u00e9") == "\u00e9"
    assert type(escape.native_str(b"x")) is str


def test_esc_9_to_basestring_makes_text_of_bytes_and_leaves_text_alone():
    assert escape.to_basestring(b"\xc3\xa9") == "\u00e9"
    text = "\u00e9"
    assert escape.to_basestring(text) is text


def test_a_private_name_that_programs_use():
    assert escape._unicode(b"\xc3\xa9") == "\u00e9"


def test_esc_10_recursive_unicode_goes_down_into_containers():
    value = {b"a": [b"b", (b"c", 1)], "d": None}
    assert escape.recursive_unicode(value) == {"a": ["b", ("c", 1)], "d": None}
    kept = {"s": {b"x"}, "n": 1.5}
    assert escape.recursive_unicode(kept) == kept
    with pytest.raises(UnicodeDecodeError):
        escape.recursive_unicode([b"\xff"])


def link(address):
    return f'<a href="{address}">{address}</a>'


def test_esc_11_an_exclamation_mark_is_no_part_of_a_link():
    assert escape.linkify("Hello http://tornadoweb.org!") == (
        'Hello <a href="http://tornadoweb.org">http://tornadoweb.org</a>!'
    )


def test_esc_12_a_protocol_may_be_required():
    text = "www.a.b http://c.d"
    assert escape.linkify(text) == f'<a href="http://www.a.b">www.a.b</a> {link("http://c.d")}'
    assert escape.linkify(text, require_protocol=True) == f"www.a.b {link('http://c.d')}"


def test_esc_14_tags_get_more_attributes():
    assert escape.linkify("http://a.b", extra_params='rel="nofollow" class="x"') == (
        '<a href="http://a.b" rel="nofollow" class="x">http://a.b</a>'
    )
    asked = []

    def attributes(address):
        asked.append(address)
        return "" if "inside" in address else 'class="outside"'

    assert escape.linkify("http://inside/?a&b www.c.d", extra_params=attributes) == (
        f'{link("http://inside/?a&amp;b")} <a href="http://www.c.d" class="outside">www.c.d</a>'
    )
    assert asked == ["http://inside/?a&amp;b", "http://www.c.d"]


def test_esc_15_permitted_protocols_are_http_and_https_by_default():
    text = "http://a.b https://a.b ftp://a.b mailto:a@b.c"
    assert escape.linkify(text) == (
        f"{link('http://a.b')} {link('https://a.b')} ftp://a.b mailto:a@b.c"
    )
    assert escape.linkify(text, permitted_protocols=["http", "ftp", "mailto"]) == (
        f"{link('http://a.b')} https://a.b {link('ftp://a.b')} {link('mailto:a@b.c')}"
    )
    assert escape.linkify(text, permitted_protocols=[]) == text


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
        ("(http://a.b/c).", {}, '(<a href="http://a.b/c">http://a.b/c</a>).'),
        ("http://a.b/c_(d)", {}, '<a href="http://a.b/c_(d)">http://a.b/c_(d)</a>'),
        ("http://[::1]/", {}, '<a href="http://[::1]/">http://[::1]/</a>'),
        ("[http://a.b]", {}, '[<a href="http://a.b">http://a.b</a>]'),
        ("http://a.b...", {}, '<a href="http://a.b">http://a.b</a>...'),
        ("<http://a.b>", {}, '&lt;<a href="http://a.b">http://a.b</a>&gt;'),
        ("'http://a.b'", {}, '&#x27;<a href="http://a.b">http://a.b</a>&#x27;'),
        ("http://a.b/?c=1&d=2;", {}, f"{link('http://a.b/?c=1&amp;d=2')};"),
        ("http://a.b/?c&", {}, f"{link('http://a.b/?c')}&amp;"),
        ("http://a.b/?c&;", {}, f"{link('http://a.b/?c')}&amp;;"),
        ("http://a.b/&lt;", {}, f"{link('http://a.b/&amp;lt')};"),
        ("see:http://a.b -http://c.d", {}, f"see:{link('http://a.b')} -{link('http://c.d')}"),
        ("HTTPS://A.b", {}, link("HTTPS://A.b")),
        ("http://\u00e9.b/\u20ac", {}, link("http://\u00e9.b/\u20ac")),
        ("www.a.com:80/?x", {}, '<a href="http://www.a.com:80/?x">www.a.com:80/?x</a>'),
        ("xhttp://a.b", {}, "xhttp://a.b"),
        ("me@www.a.com", {}, "me@www.a.com"),
        ("http:a.b http:// http://... www. wwwa", {}, "http:a.b http:// http://... www. wwwa"),
        ("mailto:a@b.c", {}, "mailto:a@b.c"),
        ("mailto:a@b.c", {"permitted_protocols": ["mailto"]}, link("mailto:a@b.c")),
        ("javascript:alert(1)", {"permitted_protocols": ["javascript"]}, "javascript:alert(1)"),
        (b"http://a.b", {}, link("http://a.b")),
        ("http://a.b", {"extra_params": lambda href: ""}, link("http://a.b")),
        ("www.a.b", {"extra_params": " a=b "}, '<a href="http://www.a.b" a=b>www.a.b</a>'),
    ],
)
def test_links_in_all_kinds_of_text(text, options, html):
    assert escape.linkify(text, **options) == html


def test_esc_13_long_link_texts_are_shortened():
    html = escape.linkify("http://example.com/a/very/long/path/to/something", shorten=True)
    shown = html.partition(">")[2].partition("<")[0]
    assert shown.endswith("...")
    assert len(shown) < 40
    assert 'title="http://example.com/a/very/long/path/to/something"' in html


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://a.b/short", "http://a.b/short"),
        ("http://example.com/abcdefghijklmnopqrstuvw", "http://example.com/abcdefgh..."),
        ("http://example.com/ab?c=1234567890123456", "http://example.com/ab..."),
        ("http://example.com/a/b/c/d/e/f/g/h/i", "http://example.com/a..."),
        ("http://example.com/" + "&" * 40, "http://example.com/&amp;..."),
        ("http://www." + "a" * 60 + ".com/x", "http://www." + "a" * 19 + "..."),
    ],
)
def test_esc_13_shortened_texts(address, shown):
    address = address.replace("&", "&amp;") + "x" * ("&" in address)
    result = escape.linkify(html.unescape(address), shorten=True)
    title = f' title="{address}"' if shown != address else ""
    assert result == f'<a href="{address}"{title}>{shown}</a>'


FRAGMENTS = st.sampled_from(
    ["http://", "www.", "mailto:", "a.com", "/", "&", "&amp;", "&lt;", "&#x27;", "<b>", '"', "'"]
    + [";", ")", "(", "]", ".", " ", "\n", "?a=", "javascript:", "\u20ac", "</a>", "\u00a0"]
)
LINK = re.compile(r'<a href="([^"<>\']*)"( class=x)?(?: title="\1")?>([^"<>\']*)</a>')


@given(st.lists(FRAGMENTS, max_size=30).map("".join), st.booleans(), st.booleans())
def test_linkify_never_lets_markup_of_the_input_through(text, shorten, require_protocol):
    result = escape.linkify(
        text, shorten, "class=x", require_protocol, permitted_protocols=["http", "mailto"]
    )
    without_links = LINK.sub(lambda match: "" if shorten else match[3], result)
    assert not set("<>\"'") & set(without_links)
    for match in LINK.finditer(result):
        assert match[1].startswith(("http://", "mailto:"))
    if not shorten:
        assert html.unescape(without_links) == html.unescape(escape.xhtml_escape(text))


@pytest.mark.parametrize(
    "text",
    [
        "http://",
        "a+",
        "www.",
        "http://a.b" + ")" * 50,
        "(",
        "&",
        "aaaa",
        "x:",
        "&amp;",
        "http:/",
        ".",
    ],
)
@pytest.mark.parametrize("prefix", ["", "http://a.b/"])
def test_linkify_takes_linear_time(text, prefix):
    def seconds(size):
        whole = prefix + text * (size // len(text))
        start = time.process_time()
        escape.linkify(whole, shorten=True)
        return time.process_time() - start

    # Eight times as much takes eight times as long, and not sixty-four times.
    assert seconds(80_000) < 32 * max(seconds(10_000), 0.002)


@given(st.text())
def test_esc_16_squeeze_leaves_single_spaces(text):
    squeezed = escape.squeeze(text)
    assert "  " not in squeezed
    assert "\n" not in squeezed


def test_esc_16_squeeze_of_all_kinds_of_space():
    assert escape.squeeze("\t a \x00\x1f b\u00a0 c\r\n") == "a b\u00a0 c"


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
@example(b"%\r\x00%")
@example(b"%41%\rab")
@example(b"%\n%")
def test_percent_decode_agrees_with_the_standard_library(data):
    assert percent_decode(data) == unquote_to_bytes(data)


@given(st.binary())
def test_percent_decode_undoes_quoting(data):
    assert percent_decode(quote_from_bytes(data).encode()) == data


@given(st.text("<>&\"'a\u00e9\u20ac\U0001f600\ud800", max_size=30), st.integers(0, 40))
def test_esc_1_texts_of_all_lengths_are_escaped_alike(text, times):
    assert_escaped(text * times)


@pytest.mark.parametrize("special", "<>&\"'")
@pytest.mark.parametrize("size", [0, 1, 58, 59, 60, 61, 149, 150, 151])
@pytest.mark.parametrize("other", ["a", "\u00e9", "\ud800"])
def test_esc_1_one_special_character_in_a_text(special, size, other):
    for text in (special + other * size, other * size + special):
        assert_escaped(text)


@pytest.mark.parametrize("unit", ["&", "<", "'", "a&", "<a>", "&amp;", "\u00e9<"])
def test_esc_1_escaping_takes_linear_time(unit):
    def seconds(text):
        started = time.process_time()
        escape.xhtml_escape(text)
        return time.process_time() - started

    small = min(seconds(unit * 20_000) for _ in range(3))
    large = min(seconds(unit * 200_000) for _ in range(3))
    assert large < 40 * small + 0.05
