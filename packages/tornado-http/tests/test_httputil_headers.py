"""Header fields (HUT-1 to HUT-5, SRV-8, S6, S7, S9, S10)."""

import copy
import enum
import pickle
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado._httputil import headers as headers_module
from tornado.httputil import HTTPHeaders, HTTPInputError

TOKEN_CHARS = "!#$%&'*+-.^_`|~0123456789abcxyzABCXYZ"
names = st.text(TOKEN_CHARS, min_size=1, max_size=20)
values = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30
).map(lambda text: text.strip(" \t"))
fields = st.lists(st.tuples(names, values), max_size=12)


def headers_of(pairs):
    headers = HTTPHeaders()
    for name, value in pairs:
        headers.add(name, value)
    return headers


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("content-type", "Content-Type"),
        ("CONTENT-TYPE", "Content-Type"),
        ("x-a_b-C", "X-A_b-C"),
        ("etag", "Etag"),
        ("--", "--"),
        ("x--y-", "X--Y-"),
    ],
)
def test_hut_1_srv_8_names_have_one_form_and_lookup_ignores_case(name, key):
    headers = HTTPHeaders({name: "value"})
    assert list(headers) == list(headers.keys()) == [key]
    assert headers[name] == headers[name.swapcase()] == headers.get(key.upper()) == "value"
    assert name.upper() in headers
    del headers[name.swapcase()]
    assert name not in headers
    assert len(headers) == 0


def test_hut_2_values_of_a_name_are_kept_apart_and_joined_when_asked_for():
    headers = HTTPHeaders({"Set-Cookie": "A=B"})
    headers.add("set-cookie", "C=D")
    headers.add("SET-COOKIE", "E=F")
    headers.add("Host", "x")
    assert headers["set-cookie"] == headers.get("set-cookie") == "A=B,C=D,E=F"
    assert headers.get_list("set-Cookie") == ["A=B", "C=D", "E=F"]
    assert headers.get_list("host") == ["x"]
    assert headers.get_list("missing") == []
    assert list(headers.get_all()) == [
        ("Set-Cookie", "A=B"),
        ("Set-Cookie", "C=D"),
        ("Set-Cookie", "E=F"),
        ("Host", "x"),
    ]
    assert str(headers) == "Set-Cookie: A=B\nSet-Cookie: C=D\nSet-Cookie: E=F\nHost: x\n"
    headers["Set-Cookie"] = "only"
    assert headers.get_list("Set-Cookie") == ["only"]


@pytest.mark.parametrize(
    ("line", "pairs"),
    [
        ("content-type: text/html", [("Content-Type", "text/html")]),
        ("A: b\r\n", [("A", "b")]),
        ("A:b\n", [("A", "b")]),
        ("A: \t b c \t ", [("A", "b c")]),
        ("A:", [("A", "")]),
        ("A: b:c", [("A", "b:c")]),
        ("A: \xe9", [("A", "\xe9")]),
        ("A: \xa0b\x85", [("A", "\xa0b\x85")]),  # S6: only space and tab are stripped
        ("A: b\tc", [("A", "b\tc")]),
        ("", []),
        ("\r\n", []),
    ],
)
def test_hut_3_parse_line_sets_one_field(line, pairs):
    headers = HTTPHeaders()
    headers.parse_line(line)
    assert list(headers.get_all()) == pairs


BAD_LINES = [
    "no colon",
    ": value",
    "name : value",
    "na me: value",
    " folded: x",
    "\tfolded",
    "n\xe9: x",
    "(name): x",
    "name: a\rb",
    "name: a\r",
    "name: a\nb",
    "name: a\0b",
    "name: a\x0b",
    "name: a\x7f",
    "name: \u20ac",
]


@pytest.mark.parametrize("line", BAD_LINES)
def test_s7_s9_lines_that_are_no_fields_are_refused(line):
    with pytest.raises(HTTPInputError):
        HTTPHeaders().parse_line(line)
    with pytest.raises(HTTPInputError):
        HTTPHeaders.parse(f"Good: 1\r\n{line}\r\n")


def test_hut_3_s9_a_line_that_continues_another_one_is_refused():
    headers = HTTPHeaders()
    headers.parse_line("A: b")
    with pytest.raises(HTTPInputError):
        headers.parse_line(" c")
    assert headers["A"] == "b"


@pytest.mark.parametrize(
    ("lines", "pairs"),
    [
        (["A: b", " c"], [("A", "b c")]),
        (["A: b ", "\t \tc \t", "  d"], [("A", "b c d")]),
        (["A:", " b"], [("A", "b")]),
        (
            ["A: 1", "B: 2", "a: 3", " 4", "C: 5"],
            [("A", "1"), ("A", "3 4"), ("B", "2"), ("C", "5")],
        ),
        (["A: b", " c:d"], [("A", "b c:d")]),
    ],
)
def test_hut_3_lines_that_continue_the_one_before_are_an_option(lines, pairs):
    headers = HTTPHeaders()
    for line in lines:
        headers.parse_line(line, accept_folded_lines=True)
    assert list(headers.get_all()) == pairs
    for end in ("\r\n", "\n"):
        text = "".join(line + end for line in lines)
        assert list(HTTPHeaders.parse(text, accept_folded_lines=True).get_all()) == pairs


@pytest.mark.parametrize("line", [" c", "\tc", " A: b"])
def test_hut_3_s9_the_first_line_continues_nothing(line):
    with pytest.raises(HTTPInputError):
        HTTPHeaders({"A": "b"}).parse_line(line, accept_folded_lines=True)
    with pytest.raises(HTTPInputError):
        HTTPHeaders.parse(f"{line}\r\nA: b\r\n", accept_folded_lines=True)


@pytest.mark.parametrize("line", [" c\0", " c\rd", " \u20ac"])
def test_hut_3_s7_what_continues_a_line_is_looked_at_as_well(line):
    headers = HTTPHeaders()
    headers.parse_line("A: b")
    with pytest.raises(HTTPInputError):
        headers.parse_line(line, accept_folded_lines=True)
    with pytest.raises(HTTPInputError):
        HTTPHeaders.parse(f"A: b\r\n{line}\r\n", accept_folded_lines=True)
    assert headers["A"] == "b"


def test_hut_3_many_folded_lines_take_linear_time():
    text = "A: b\r\n" + " c\r\n" * 200_000 + " \r\n" * 200_000
    begin = time.process_time()
    with pytest.raises(HTTPInputError):
        HTTPHeaders.parse(text, accept_folded_lines=True)
    assert time.process_time() - begin < 10


@pytest.mark.parametrize("text", ["A: b\r", "A: b\r\nC: d\r", "A: b\rC: d\r\n", "\r"])
def test_s9_a_cr_alone_ends_no_line(text):
    with pytest.raises(HTTPInputError):
        HTTPHeaders.parse(text)


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_hut_4_parse_takes_a_text_of_lines(end):
    text = end.join(["Content-Type: text/html", "A: 1", "a: 2", "", ""])
    assert list(HTTPHeaders.parse(text).get_all()) == [
        ("Content-Type", "text/html"),
        ("A", "1"),
        ("A", "2"),
    ]


@pytest.mark.parametrize("duplicate", [HTTPHeaders.copy, copy.copy, copy.deepcopy, HTTPHeaders])
def test_hut_5_copies_are_independent_and_equal(duplicate):
    headers = headers_of([("A", "1"), ("A", "2"), ("B", "3")])
    twin = duplicate(headers)
    assert twin == headers
    assert type(twin) is HTTPHeaders
    twin.add("A", "4")
    twin["B"] = "5"
    assert headers.get_list("A") == ["1", "2"]
    assert headers["B"] == "3"
    assert twin != headers


def test_headers_survive_pickle():
    headers = headers_of([("A", "1"), ("A", "2"), ("B", "3")])
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(headers, protocol)) == headers


def test_subclasses_stay_what_they_are_when_copied():
    class Own(HTTPHeaders):
        pass

    own = Own({"A": "1"})
    assert type(own.copy()) is type(copy.deepcopy(own)) is Own


@pytest.mark.parametrize(
    ("arguments", "keywords", "pairs"),
    [
        ((), {}, []),
        (({"a": "1", "b": "2"},), {}, [("A", "1"), ("B", "2")]),
        (([("a", "1"), ("A", "2")],), {}, [("A", "2")]),
        (({"a": "1"},), {"b": "2"}, [("A", "1"), ("B", "2")]),
        ((), {"etag": "x"}, [("Etag", "x")]),
        (([("a", b"\xe9")],), {}, [("A", "\xe9")]),
    ],
)
def test_headers_are_made_as_dictionaries_are(arguments, keywords, pairs):
    assert list(HTTPHeaders(*arguments, **keywords).get_all()) == pairs


@pytest.mark.parametrize(
    ("name", "value"),
    [("a b", "x"), ("", "x"), ("a:", "x"), ("a\n", "x"), ("a", "x\r\nY: z"), ("a", "x\x7f")],
)
def test_nothing_that_makes_lines_can_be_set(name, value):
    headers = HTTPHeaders()
    with pytest.raises(ValueError, match="invalid"):
        headers[name] = value
    with pytest.raises(HTTPInputError, match="invalid"):
        headers.add(name, value)
    assert len(headers) == 0


@pytest.mark.parametrize("value", [5, None, ["x"]])
def test_values_are_text(value):
    headers = HTTPHeaders()
    with pytest.raises(TypeError):
        headers["A"] = value
    with pytest.raises(TypeError):
        headers.add("A", value)


class Method(enum.StrEnum):
    """Text of another type."""

    GET = "get"


@pytest.mark.parametrize(
    "headers",
    [
        HTTPHeaders({"A": Method.GET}),
        HTTPHeaders(A=Method.GET),
        HTTPHeaders([("A", Method.GET)]),
        HTTPHeaders({Method.GET: "get", "A": "get"}),
    ],
)
def test_text_of_another_type_is_the_text_it_is(headers):
    headers.add("B", Method.GET)
    headers.setdefault("C", Method.GET)
    headers["D"] = Method.GET
    for name in "ABCD":
        assert headers[name] == headers.get(name) == "get"
        assert headers.get_list(name) == ["get"]
    headers.add("A", Method.GET)
    assert headers["A"] == "get,get"
    assert {type(text) for pair in headers.get_all() for text in pair} == {str}


def test_characters_beyond_latin_1_are_no_bytes():
    headers = HTTPHeaders()
    with pytest.raises(HTTPInputError):
        headers.add("A", "\u20ac")
    headers.add("A", "\u20ac", _chars_are_bytes=False)
    headers["B"] = "\u20ac"
    assert headers["A"] == headers["B"] == "\u20ac"
    for lone in ("\ud800", "\udfff"):
        with pytest.raises(HTTPInputError):
            headers.add("A", lone, _chars_are_bytes=False)
        with pytest.raises(ValueError, match="invalid"):
            headers["B"] = lone


def test_white_space_around_a_value_is_not_part_of_it():
    for value in (" a", "a\t"):
        with pytest.raises(HTTPInputError):
            HTTPHeaders().add("A", value)


def test_equality_goes_by_names_without_case_and_values():
    assert HTTPHeaders(a="1") == HTTPHeaders(A="1")
    assert headers_of([("A", "1"), ("A", "2")]) == HTTPHeaders(A="1,2")
    assert HTTPHeaders(a="1") == {"A": "1"}
    assert HTTPHeaders(a="1") != HTTPHeaders(a="2")
    assert HTTPHeaders(a="1") != [("A", "1")]
    with pytest.raises(TypeError):
        hash(HTTPHeaders())


def test_mapping_methods():
    headers = HTTPHeaders(a="1")
    assert headers.get("b") is None
    assert headers.get("b", "default") == "default"
    assert headers.setdefault("b", "2") == "2"
    assert headers.pop("B") == "2"
    assert 5 not in headers
    with pytest.raises(KeyError):
        headers["missing"]
    with pytest.raises(KeyError):
        del headers["missing"]
    assert repr(headers) == "HTTPHeaders([('A', '1')])"


@given(fields)
def test_parsing_undoes_writing(pairs):
    headers = headers_of(pairs)
    assert HTTPHeaders.parse(str(headers)) == headers
    assert HTTPHeaders.parse(str(headers).replace("\n", "\r\n")) == headers
    assert HTTPHeaders._from_pairs(pairs) == headers
    assert pickle.loads(pickle.dumps(headers)) == headers


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text):
    try:
        headers = HTTPHeaders.parse(text)
    except HTTPInputError:
        return
    for name, value in headers.get_all():
        assert set(name) <= set(TOKEN_CHARS + "defghijklmnopqrstuvwDEFGHIJKLMNOPQRSTUVW")
        assert not any(ord(c) < 32 and c != "\t" for c in value)


def test_s10_many_lines_of_one_name_take_linear_time():
    line = "Name: value\r\n"
    started = time.process_time()
    headers = HTTPHeaders.parse(line * 100_000)
    assert time.process_time() - started < 5
    assert len(headers.get_list("name")) == 100_000
    assert len(headers["name"]) == 600_000 - 1


def test_what_is_remembered_of_names_is_limited():
    limit = headers_module._MAX_KNOWN_NAMES
    for number in range(limit + 10):
        assert f"X-{number}" not in HTTPHeaders()
    assert len(headers_module._known_names) <= limit
    for name in ("x" * (headers_module._MAX_KNOWN_LENGTH + 1), "not a name"):
        assert name not in HTTPHeaders()
        assert name not in headers_module._known_names
