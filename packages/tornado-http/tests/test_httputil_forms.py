"""Form bodies (HUT-7, HUT-8, SRV-11, SRV-40, SRV-41, S11 to S15, P18 to P22)."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado._httputil.multipart import MAX_PREAMBLE, MultipartParser
from tornado.httputil import (
    HTTPFile,
    HTTPHeaders,
    HTTPInputError,
    ParseBodyConfig,
    ParseMultipartConfig,
    ParseUrlEncodedConfig,
    parse_body_arguments,
    parse_multipart_form_data,
    set_parse_body_config,
)

END = b"--1234--\r\n"
FIELD = b'form-data; name="a"'


def part(disposition, data=b"v", headers=b""):
    head = b"Content-Disposition: " + disposition + b"\r\n" + headers
    return b"--1234\r\n" + head + b"\r\n" + data + b"\r\n"


def parse(body, boundary=b"1234", **limits):
    arguments, files = {}, {}
    config = ParseMultipartConfig(**limits) if limits else None
    parse_multipart_form_data(boundary, body, arguments, files, config=config)
    return arguments, files


class Recorder:
    """Notes the calls of a parser."""

    def __init__(self):
        self.parts = []
        self.open = False

    def on_part(self, name, filename, headers):
        assert not self.open
        self.open = True
        self.parts.append([name, filename, dict(headers.items()), b""])

    def on_part_data(self, data):
        assert self.open
        assert data
        self.parts[-1][3] += data

    def on_part_end(self):
        assert self.open
        self.open = False


def events(pieces, boundary=b"1234", max_parts=100, max_part_header_size=1000):
    recorder = Recorder()
    try:
        parser = MultipartParser(
            boundary, recorder, max_parts=max_parts, max_part_header_size=max_part_header_size
        )
        for piece in pieces:
            parser.feed(piece)
        parser.finish()
    except HTTPInputError as error:
        return str(error)
    assert not recorder.open
    return recorder.parts


GOOD = {
    "field": (part(FIELD) + END, {"a": [b"v"]}, {}),
    "field repeated": (part(FIELD, b"1") + part(FIELD, b"2") + END, {"a": [b"1", b"2"]}, {}),
    "no parts": (END, {}, {}),
    "no line end behind the last boundary": (part(FIELD) + END[:-2], {"a": [b"v"]}, {}),
    "SRV-40, HUT-8: more behind it": (part(FIELD) + END + part(FIELD), {"a": [b"v"]}, {}),
    "something before the first boundary": (b"preamble\r\n" + part(FIELD) + END, {"a": [b"v"]}, {}),
    "line end before the first boundary": (b"\r\n" + part(FIELD) + END, {"a": [b"v"]}, {}),
    "white space behind boundaries": (
        part(FIELD).replace(b"1234", b"1234 \t ") + END,
        {"a": [b"v"]},
        {},
    ),
    "no data": (part(FIELD, b"") + END, {"a": [b""]}, {}),
    "no data and no line end": (part(FIELD, b"")[:-2] + END, {"a": [b""]}, {}),
    "line ends as data": (part(FIELD, b"\r\n\r\n") + END, {"a": [b"\r\n\r\n"]}, {}),
    "nearly a boundary": (
        part(FIELD, b"x--1234\r\n--123\r\n-\r--1234") + END,
        {"a": [b"x--1234\r\n--123\r\n-\r--1234"]},
        {},
    ),
    "name without quotes, type in upper case": (
        part(b"FORM-DATA; NAME=a") + END,
        {"a": [b"v"]},
        {},
    ),
    "name in UTF-8": (part('form-data; name="\u20ac"'.encode()) + END, {"\u20ac": [b"v"]}, {}),
    "name in extended form": (
        part(b"form-data; name*=utf-8''%e2%82%ac") + END,
        {"\u20ac": [b"v"]},
        {},
    ),
    "file": (
        part(b'form-data; name="a"; filename="b.txt"', headers=b"content-type: text/x; y=z\r\n")
        + END,
        {},
        {"a": [{"filename": "b.txt", "body": b"v", "content_type": "text/x; y=z"}]},
    ),
    "file without type": (
        part(b'form-data; name="a"; filename="b.txt"') + END,
        {},
        {"a": [{"filename": "b.txt", "body": b"v", "content_type": "application/unknown"}]},
    ),
    "no file was chosen": (
        part(b'form-data; name="a"; filename=""', b"") + END,
        {"a": [b""]},
        {},
    ),
}


@pytest.mark.parametrize(("body", "arguments", "files"), GOOD.values(), ids=GOOD)
def test_hut_8_multipart_bodies(body, arguments, files):
    assert parse(body) == (arguments, files)
    assert parse(body, b'"1234"') == (arguments, files)


@pytest.mark.parametrize(
    ("disposition", "filename"),
    [
        ('filename="a b;c=d.txt"', "a b;c=d.txt"),
        ('filename="\u20ac\U0001f600.txt"', "\u20ac\U0001f600.txt"),  # S14
        ('filename="\\"quoted\\".txt"', '"quoted".txt'),
        ('filename="a%22b%0D%0A.txt"', "a%22b%0D%0A.txt"),
        ('filename="C:\\dir\\file.txt"', "C:\\dir\\file.txt"),
        ("filename=plain.txt", "plain.txt"),
        ("filename*=utf-8''%e2%82%ac.txt", "\u20ac.txt"),
        # P21: only the plain form counts in forms, wherever the other one stands
        ("filename=\"safe\"; filename*=utf-8''evil", "safe"),
        ("filename*=utf-8''evil; filename=\"safe\"", "safe"),
    ],
)
def test_srv_41_p21_file_names(disposition, filename):
    body = part(f'form-data; name="a"; {disposition}'.encode()) + END
    arguments, files = parse(body)
    assert not arguments
    assert [file.filename for file in files["a"]] == [filename]


BAD = {
    "nothing": b"",
    "no last boundary": part(FIELD),
    "cut within the last boundary": part(FIELD) + END[:-3],
    "cut in headers": part(FIELD)[:20],
    "another boundary": part(FIELD).replace(b"1234", b"4321"),
    "bare LF": (part(FIELD) + END).replace(b"\r\n", b"\n"),
    "boundary goes on": part(FIELD, b"\r\n--12345\r\n") + END,
    "much white space behind a boundary": b"--1234" + b" " * 65 + part(FIELD)[6:] + END,
    "no headers": b"--1234\r\n\r\nv\r\n" + END,
    "no disposition": b"--1234\r\nX: y\r\n\r\nv\r\n" + END,
    "two dispositions": part(FIELD, headers=b"Content-Disposition: x\r\n") + END,
    "another disposition": part(b'attachment; name="a"') + END,
    "no name": part(b"form-data") + END,
    "empty name": part(b'form-data; name=""') + END,
    "P21: two names": part(b'form-data; name="a"; name="b"') + END,
    "P21: two file names": part(b'form-data; name="a"; filename="b"; filename="c"') + END,
    "file name with quotes in it": part(b'form-data; name="a"; filename="b"c"') + END,
    "S14: CR in a header": part(b'form-data; name="a\r"') + END,
    "NUL in a header": part(b'form-data; name="a\0"') + END,
    "folded header": part(b'form-data;\r\n name="a"') + END,
    "line without colon": part(FIELD, headers=b"x\r\n") + END,
    "headers in Latin-1": part(b'form-data; name="\xe9"') + END,
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_s11_malformed_multipart_bodies_are_refused(body):
    with pytest.raises(HTTPInputError) as caught:
        parse(body)
    assert caught.value.status_code == 400


@pytest.mark.parametrize("boundary", [b"", b'""', b"a ", b"a\r\nb", b"a\0", b"\xff", b"b" * 257])
def test_p20_boundaries_with_odd_bytes_are_refused(boundary):
    with pytest.raises(HTTPInputError):
        parse(b"--" + boundary + b"--", boundary)
    parse(b"--" + b"b" * 256 + b"--", b"b" * 256)


@pytest.mark.parametrize("body", [*(case[0] for case in GOOD.values()), *BAD.values()])
def test_byte_by_byte_gives_the_same(body):
    assert events([body[i : i + 1] for i in range(len(body))]) == events([body])


BODY = b"".join(
    [
        b"\r\nnothing\r\n",
        part(FIELD, b"\r\n-\r\n--123\r"),
        part(b'form-data; name="b"; filename="c"', b"", b"Content-Type: x/y\r\n")[:-2],
        part(FIELD, b"\r"),
        END,
        part(FIELD),
    ]
)


@given(st.lists(st.integers(0, len(BODY)), max_size=12))
def test_any_pieces_give_the_same_parts(cuts):
    places = [0, *sorted(cuts), len(BODY)]
    whole = [
        ["a", None, {"Content-Disposition": FIELD.decode()}, b"\r\n-\r\n--123\r"],
        [
            "b",
            "c",
            {
                "Content-Disposition": 'form-data; name="b"; filename="c"',
                "Content-Type": "x/y",
            },
            b"",
        ],
        ["a", None, {"Content-Disposition": FIELD.decode()}, b"\r"],
    ]
    assert events(BODY[a:b] for a, b in zip(places, places[1:], strict=False)) == whole


PIECES = [b"\r\n", b"\r", b"\n", b"--1234", b"--", b"-", b" ", b"x", part(FIELD), FIELD, END]


@given(st.lists(st.sampled_from(PIECES), max_size=14), st.data())
def test_any_pieces_of_any_body_give_the_same(pieces, data):
    body = b"--1234\r\nContent-Disposition: " + b"".join(pieces)
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=6))
    places = [0, *sorted(cuts), len(body)]
    split = events(body[a:b] for a, b in zip(places, places[1:], strict=False))
    assert split == events([body])


@given(st.lists(st.tuples(st.text(min_size=1), st.binary()), max_size=5))
def test_what_is_written_is_read(fields):
    fields = [
        (name.strip(), value)
        for name, value in fields
        if name.strip() and name.isprintable() and b"\r\n--1234" not in b"\r\n" + value
    ]
    quoted = [(name.replace("\\", "\\\\").replace('"', '\\"'), value) for name, value in fields]
    body = b"".join(part(f'form-data; name="{name}"'.encode(), value) for name, value in quoted)
    expected = {}
    for name, value in fields:
        expected.setdefault(name, []).append(value)
    assert parse(body + END) == (expected, {})


def test_data_is_passed_on_as_it_comes():
    recorder = Recorder()
    parser = MultipartParser(b"1234", recorder, max_parts=1, max_part_header_size=100)
    parser.feed(part(FIELD, b"")[:-2])
    for _ in range(100):
        parser.feed(b"x" * 1000)
    assert 100_000 - len(recorder.parts[0][3]) < len(b"\r\n--1234")
    assert len(parser._kept) < len(b"\r\n--1234")


@pytest.mark.parametrize(("count", "good"), [(99, True), (100, True), (101, False)])
def test_s13_p19_there_are_at_most_100_parts(count, good):
    body = part(FIELD) * count + END
    if good:
        assert len(parse(body)[0]["a"]) == count
        return
    with pytest.raises(HTTPInputError, match="too many parts"):
        parse(body)


def test_s13_no_part_beyond_the_limit_is_made():
    assert events([part(FIELD) * 3 + END], max_parts=2) == "multipart body has too many parts"
    recorder = Recorder()
    parser = MultipartParser(b"1234", recorder, max_parts=2, max_part_header_size=1000)
    with pytest.raises(HTTPInputError):
        parser.feed(part(FIELD) * 3 + END)
    assert len(recorder.parts) == 2
    with pytest.raises(HTTPInputError):
        parse(part(FIELD) + END, max_parts=0)
    assert parse(END, max_parts=0) == ({}, {})


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_s13_headers_of_a_part_have_a_limit(over):
    limit = 200
    head = len(b"Content-Disposition: " + FIELD + b"\r\n" + b"X: ")
    body = part(FIELD, headers=b"X: " + b"y" * (limit + over - head) + b"\r\n") + END
    bytewise = [body[i : i + 1] for i in range(len(body))]
    results = [events(pieces, max_part_header_size=limit) for pieces in ([body], bytewise)]
    assert results[0] == results[1]
    assert (results[0] == "multipart part headers too large") is (over > 0)
    assert (
        events([body[:-400]], max_part_header_size=limit) == "multipart body has no final boundary"
    )


def test_p20_headers_without_end_are_not_collected():
    recorder = Recorder()
    parser = MultipartParser(b"1234", recorder, max_parts=1, max_part_header_size=100)
    parser.feed(b"--1234\r\n")
    with pytest.raises(HTTPInputError, match="too large"):
        for _ in range(20):
            parser.feed(b"X: y\r\n")


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_p20_what_stands_before_the_first_boundary_has_a_limit(over):
    body = b"p" * (MAX_PREAMBLE + over) + b"\r\n" + part(FIELD) + END
    if over > 0:
        with pytest.raises(HTTPInputError, match="does not begin"):
            parse(body)
        with pytest.raises(HTTPInputError, match="does not begin"):
            parse(b"p" * 100_000)
    else:
        assert parse(body) == ({"a": [b"v"]}, {})


def test_s13_parsing_can_be_switched_off():
    with pytest.raises(HTTPInputError):
        parse(part(FIELD) + END, enabled=False)


@pytest.mark.parametrize(
    "data",
    [
        b"\r" * 4_000_000,
        b"\r\n" * 2_000_000,
        b"\r\n--" * 1_000_000,
        b"\r\n--123" * 500_000,
        b"-" * 4_000_000,
    ],
    ids=lambda data: repr(data[:7]),
)
def test_p18_data_that_is_nearly_a_boundary_takes_linear_time(data):
    started = time.process_time()
    assert parse(part(FIELD, data) + END) == ({"a": [data]}, {})
    pieces = [data[i : i + 4096] for i in range(0, len(data), 4096)]
    events([part(FIELD, b"")[:-2], *pieces, b"\r\n" + END])
    assert time.process_time() - started < 5


def test_large_parts_are_not_moved_about():
    big = b"x" * 1_000_000
    started = time.process_time()
    arguments, _ = parse(part(FIELD, big) * 50 + END)
    assert arguments["a"][49] == big
    assert time.process_time() - started < 3


URLENCODED = "application/x-www-form-urlencoded"


def parse_body(content_type, body, headers=None, config=None):
    arguments, files = {}, {}
    parse_body_arguments(content_type, body, arguments, files, headers, config=config)
    return arguments, files


@pytest.mark.parametrize(
    ("content_type", "body", "arguments"),
    [
        (URLENCODED, b"a=1&b=2&a=3&empty=&none", {"a": [b"1", b"3"], "b": [b"2"]}),
        (URLENCODED + "; charset=utf-8", b"a=%C3%A9+x", {"a": [b"\xc3\xa9 x"]}),
        (URLENCODED.upper(), b"a=1", {"a": [b"1"]}),
        (URLENCODED, b"a=1;b=2", {"a": [b"1;b=2"]}),  # P22
        (URLENCODED, b"a=%zz", {"a": [b"%zz"]}),
        (URLENCODED, b"", {}),
        (URLENCODED + "x", b"a=1", {}),
        ("text/plain", b"a=1", {}),
        ("", b"a=1", {}),
        ("multipart/form-data; boundary=1234", part(FIELD) + END, {"a": [b"v"]}),
        ('Multipart/Form-Data; Boundary="1234"', part(FIELD) + END, {"a": [b"v"]}),
        (
            'multipart/form-data; charset=x; boundary="1;2"',
            (part(FIELD) + END).replace(b"1234", b"1;2"),
            {"a": [b"v"]},
        ),
        ("multipart/mixed; boundary=1234", part(FIELD) + END, {}),
    ],
)
def test_bodies_are_parsed_by_their_type(content_type, body, arguments):
    parsed, files = parse_body(content_type, body)
    assert {name: values for name, values in parsed.items() if values != [b""]} == arguments
    assert files == {}


def test_arguments_without_value_are_kept():
    assert parse_body(URLENCODED, b"a=&b")[0] == {"a": [b""], "b": [b""]}


def test_bodies_add_to_what_is_there():
    arguments, files = {"a": [b"0"]}, {}
    parse_body_arguments(URLENCODED, b"a=1", arguments, files)
    parse_multipart_form_data(b"1234", part(FIELD) + END, arguments, files)
    assert arguments == {"a": [b"0", b"1", b"v"]}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", part(FIELD) + END),
        ("multipart/form-data; boundary=", part(FIELD) + END),
        ("multipart/form-data; boundary=\u20ac", part(FIELD) + END),
        ("multipart/form-data; boundary=1234; boundary=99", part(FIELD) + END),
        ("multipart/form-data; boundary=1234", part(FIELD)),
        (URLENCODED, b"a=1&" * 1000 + b"a=1"),
    ],
)
def test_s11_bad_forms_are_refused(content_type, body):
    with pytest.raises(HTTPInputError):
        parse_body(content_type, body)


@pytest.mark.parametrize("content_type", [URLENCODED, "multipart/form-data; boundary=1234"])
def test_forms_with_a_content_coding_are_refused(content_type):
    headers = HTTPHeaders({"Content-Encoding": "gzip"})
    with pytest.raises(HTTPInputError, match="gzip"):
        parse_body(content_type, b"", headers)
    assert parse_body("text/plain", b"", headers) == ({}, {})


@pytest.mark.parametrize(("count", "good"), [(999, True), (1000, True), (1001, False)])
def test_s15_there_are_at_most_1000_arguments(count, good):
    body = b"&".join([b"a=1"] * count)
    if good:
        assert len(parse_body(URLENCODED, body)[0]["a"]) == count
        return
    with pytest.raises(HTTPInputError):
        parse_body(URLENCODED, body)


def test_limits_can_be_given_and_set():
    config = ParseBodyConfig(
        multipart=ParseMultipartConfig(max_parts=1), urlencoded=ParseUrlEncodedConfig(1)
    )
    multipart = "multipart/form-data; boundary=1234"
    for content_type, good, bad in [
        (URLENCODED, b"a=1", b"a=1&b=2"),
        (multipart, part(FIELD) + END, part(FIELD) * 2 + END),
    ]:
        assert parse_body(content_type, bad)[0]
        assert parse_body(content_type, good, config=config)[0]
        with pytest.raises(HTTPInputError):
            parse_body(content_type, bad, config=config)
        set_parse_body_config(config)
        try:
            assert parse_body(content_type, good)[0]
            with pytest.raises(HTTPInputError):
                parse_body(content_type, bad)
        finally:
            set_parse_body_config(ParseBodyConfig())


def test_default_limits():
    config = ParseBodyConfig()
    assert config == ParseBodyConfig(ParseMultipartConfig(True, 100, 10240), config.urlencoded)
    assert config.urlencoded.max_arguments == 1000
    config.multipart.max_parts = 5
    assert ParseBodyConfig().multipart.max_parts == 100


def test_hut_7_srv_11_files_have_attributes_and_keys():
    _, files = parse(part(b'form-data; name="a"; filename="b"') + END)
    (file,) = files["a"]
    assert isinstance(file, HTTPFile)
    assert (file.filename, file.body, file.content_type) == ("b", b"v", "application/unknown")
    assert (file["filename"], file["body"], file["content_type"]) == tuple(file.values())
    assert isinstance(file, dict)
