"""The HTTP/1.1 reader without sockets: whole, byte by byte, and in any other pieces."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado._http1 import grammar, known
from tornado._http1.reader import MessageReader
from tornado._http1.writer import serialize_head, status_line
from tornado.http1connection import is_transfer_encoding_chunked, parse_hex_int, parse_int
from tornado.httputil import HTTPHeaders, HTTPInputError, HTTPOutputError


class Recorder:
    """Notes calls, and asks for the next message after each one."""

    def __init__(self, is_client=False, **limits):
        self.events = []
        self.reader = MessageReader(
            self,
            is_client=is_client,
            **{"max_header_size": 1024, "max_body_size": 100, **limits},
        )

    def on_head(self, start_line, headers):
        self.events.append((*start_line, dict(headers.items())))

    def on_body(self, data):
        if self.events and isinstance(self.events[-1], bytes):
            self.events[-1] += data
        else:
            self.events.append(data)

    def on_request(self, start_line, values):
        self.on_head(start_line, HTTPHeaders._from_dict(values.copy()))
        self.reader.postpone_end()

    def on_complete(self):
        self.events.append("end")
        self.reader.next_message()


def read(*pieces, eof=False, **options):
    recorder = Recorder(**options)
    try:
        for piece in pieces:
            recorder.reader.feed(piece)
        if eof:
            recorder.reader.feed_eof()
    except HTTPInputError as error:
        return [*recorder.events, error.status_code]
    return recorder.events


def bytewise(data):
    return [data[i : i + 1] for i in range(len(data))]


def request(*lines, body=b""):
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


GOOD = [
    (request("GET / HTTP/1.1", "Host: a"), [("GET", "/", "HTTP/1.1", {"Host": "a"}), "end"]),
    (
        request("POST /x?y HTTP/1.0", "content-length:3", body=b"abc"),
        [("POST", "/x?y", "HTTP/1.0", {"Content-Length": "3"}), b"abc", "end"],
    ),
    (
        b"\r\n" + request("OPTIONS * HTTP/1.1", "X: \t a b \t", "x: c"),
        [("OPTIONS", "*", "HTTP/1.1", {"X": "a b,c"}), "end"],
    ),
    (
        request("GET http://a/b HTTP/1.3"),
        [("GET", "http://a/b", "HTTP/1.1", {}), "end"],
    ),
    (
        request(
            "PUT / HTTP/1.1",
            "Transfer-Encoding: Chunked",
            body=b'4;name="va\\"lue";x\r\nabcd\r\n1\r\ne\r\n000\r\nX-Last: ignored\r\n\r\n',
        ),
        [("PUT", "/", "HTTP/1.1", {"Transfer-Encoding": "Chunked"}), b"abcde", "end"],
    ),
    (
        request("GET /1 HTTP/1.1") + request("GET /2 HTTP/1.1"),
        [("GET", "/1", "HTTP/1.1", {}), "end", ("GET", "/2", "HTTP/1.1", {}), "end"],
    ),
    (
        request("POST / HTTP/1.1", "Content-Length: 5", "Content-Length: 5", body=b"hello"),
        [("POST", "/", "HTTP/1.1", {"Content-Length": "5,5"}), b"hello", "end"],
    ),
    (request("GET / HTTP/1.1", "X: \xe9"), [("GET", "/", "HTTP/1.1", {"X": "\xe9"}), "end"]),
]


@pytest.mark.parametrize(("data", "events"), GOOD)
def test_messages_whole_byte_by_byte_and_with_more_behind(data, events):
    assert read(data) == events
    assert read(*bytewise(data)) == events
    assert read(data + b"GET /nex") == events


STREAM = b"".join(data for data, _ in GOOD)
EVENTS = [event for _, events in GOOD for event in events]


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_any_pieces_give_the_same_events(cuts):
    places = [0, *sorted(cuts), len(STREAM)]
    assert read(*(STREAM[a:b] for a, b in zip(places, places[1:], strict=False))) == EVENTS


@pytest.mark.parametrize("at", range(6))
def test_nothing_new_changes_nothing(at):
    data = b"\r\n" + request("GET / HTTP/1.1")
    assert read(data[:at], b"", b"", data[at:]) == read(data)


def chunked(body):
    return request("POST / HTTP/1.1", "Transfer-Encoding: chunked", body=body)


@pytest.mark.parametrize("data", [data for data, _ in GOOD])
def test_requests_that_came_before_mean_the_same_again(data):
    first = read(data)
    assert read(data) == first
    # What is done with one request's headers is not seen by the next one.
    recorder = Recorder()
    recorder.on_head = lambda start_line, headers: headers.add("X-Own", "a")
    recorder.reader.feed(data)
    assert read(data) == first


def test_known_requests_are_subject_to_limits_and_pauses():
    data = request("GET /known HTTP/1.1", "Host: a", "A: " + "x" * 500)
    assert read(data) == read(data)
    assert read(data, max_header_size=400) == [431]
    assert read(data, is_client=True) == [400]
    recorder = Recorder()
    recorder.on_head = lambda start_line, headers: recorder.reader.pause()
    recorder.reader.feed(data)
    recorder.reader.feed(b"GET / HT")
    assert recorder.events == []
    recorder.reader.resume()
    recorder.reader.feed(b"")
    assert recorder.events == ["end"]
    assert recorder.reader.held_size == 8


def test_what_is_long_is_not_remembered():
    """Its number is limited, but a few hundred of them would be many megabytes."""
    caches = (grammar._parse_short_line, grammar._is_short_host)
    for cache in caches:
        cache.cache_clear()
    long = "x" * 2000
    for line, host in ((f"GET /{long}", "a"), (f"GET http://{long}/", "a"), ("GET /", long)):
        assert read(request(f"{line} HTTP/1.1", f"Host: {host}"), max_header_size=9999)[-1] == "end"
    assert all(cache.cache_info().currsize <= 1 for cache in caches)


def test_there_is_a_limit_to_the_requests_that_are_known():
    for number in range(2000):
        assert read(request(f"GET /{number} HTTP/1.1", "Host: a"))[-1] == "end"
    assert 0 < len(known._heads) <= known.MOST_HEADS


@pytest.mark.parametrize(
    "head",
    [
        request("GET / HTTP/1.1", "A: " + " " * 900_000 + "b"),
        request("GET / HTTP/1.1", *["A:" + "\t " * 40] * 10_000),
        request("GET / HTTP/1.1", "!" * 900_000),
        request("GET / HTTP/1.1", "Host: " + "a." * 450_000 + "/"),
        request("GET /" + "%" * 900_000 + " HTTP/1.1 ", "Host: a"),
        request("POST / HTTP/1.1", "Content-Length: " + "1," * 400_000),
        request("POST / HTTP/1.1", "Transfer-Encoding: " + "chunked," * 100_000),
        request("GET / HTTP/1.1", "Connection: " + "," * 900_000),
        request("POST / HTTP/1.1", "Transfer-Encoding: chunked") + b"1" + b';a="\\"' * 200_000,
        request("POST / HTTP/1.1", "Transfer-Encoding: chunked") + b"1;" + b" " * 900_000,
    ],
    ids=range(10),
)
def test_p11_nothing_takes_more_than_linear_time(head):
    """With a megabyte each, what is quadratic would take hours."""
    limits = {"max_header_size": 2_000_000, "max_header_count": 2_000_000}
    begin = time.process_time()
    read(head, **limits)
    read(*(head[i : i + 1000] for i in range(0, len(head), 1000)), **limits)
    assert time.process_time() - begin < 10


BAD = [
    (b"GET / HTTP/1.1\nHost: a\n\n", 400),  # P1: bare LF
    (b"GET / HTTP/1.1\rHost: a\r\r", 400),
    (b"\x16\x03\x01\x02", 400),  # TLS on a plain port
    (request("GET  / HTTP/1.1"), 400),
    (request("GET / HTTP/1.1 "), 400),
    (request("GET /a b HTTP/1.1"), 400),
    (request("GET /\x7f HTTP/1.1"), 400),
    (request("GET /\xe9 HTTP/1.1"), 400),
    (request("G@T / HTTP/1.1"), 400),  # S7
    (request("GET relative HTTP/1.1"), 400),
    (request("GET * HTTP/1.1"), 400),
    (request("CONNECT /a HTTP/1.1"), 400),  # RFC 9112 section 3.2.3
    (request("CONNECT a HTTP/1.1"), 400),
    (request('CONNECT "a":80 HTTP/1.1'), 400),
    (request("GET http://a<b/ HTTP/1.1"), 400),
    (request("GET http://u:p@a/ HTTP/1.1"), 400),
    (request("GET http://a%z1/ HTTP/1.1"), 400),
    (request("GET http://[1:2:3]/ HTTP/1.1"), 400),
    (request("CONNECT [::1::]:443 HTTP/1.1"), 400),
    (request("GET / HTTP/2.0"), 505),
    (request("GET / HTTP/1.1", "Name : x"), 400),  # P4
    (request("GET / HTTP/1.1", " folded: x"), 400),  # S9
    (request("GET / HTTP/1.1", "A: b", "  folded"), 400),
    (request("GET / HTTP/1.1", "no colon"), 400),
    (request("GET / HTTP/1.1", "A: b\0"), 400),
    (request("GET / HTTP/1.1", "A: b\rc"), 400),
    (request("GET / HTTP/1.1", "N\xe9: x"), 400),
    (request("POST / HTTP/1.1", "Content-Length: +5"), 400),  # S3, P5
    (request("POST / HTTP/1.1", "Content-Length: 5_0"), 400),
    (request("POST / HTTP/1.1", "Content-Length: 0x5"), 400),
    (request("POST / HTTP/1.1", "Content-Length: \xb2"), 400),
    (request("POST / HTTP/1.1", "Content-Length: "), 400),
    (request("POST / HTTP/1.1", "Content-Length: 5, 6"), 400),
    (request("POST / HTTP/1.1", "Content-Length: 5", "Content-Length: 6"), 400),  # P3
    (request("POST / HTTP/1.1", "Content-Length: 101"), 413),
    (request("POST / HTTP/1.1", "Content-Length: " + "9" * 30), 413),
    (request("POST / HTTP/1.1", "Content-Length: 5", "Transfer-Encoding: chunked"), 400),  # S5
    (request("POST / HTTP/1.1", "Transfer-Encoding: gzip, chunked"), 501),  # P2
    (request("POST / HTTP/1.1", "Transfer-Encoding: chunked, gzip"), 400),
    (request("POST / HTTP/1.1", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400),
    (request("POST / HTTP/1.1", "Transfer-Encoding: \x0bchunked"), 400),
    (request("POST / HTTP/1.0", "Transfer-Encoding: chunked"), 400),
    (chunked(b"-1\r\n"), 400),  # S4
    (chunked(b"0x1\r\na\r\n"), 400),
    (chunked(b"1_0\r\n"), 400),
    (chunked(b" 1\r\n"), 400),
    (chunked(b"1 \r\na\r\n"), 400),
    (chunked(b"\r\n"), 400),
    (chunked(b"1;\r\na\r\n"), 400),
    (chunked(b'1;a="b\r\na\r\n'), 400),
    (chunked(b"1;a\nb\r\na\r\n"), 400),  # P6
    (chunked(b"1\r\naX\r\n"), 400),
    (chunked(b"1\na\r\n"), 400),
    (chunked(b"11111111111111111\r\n"), 400),
    (chunked(b"65\r\n"), 413),
    (chunked(b"0\r\nbad trailer\r\n\r\n"), 400),
    (chunked(b"0\r\ncontent-length: 1\r\n\r\n"), 400),
    (chunked(b"0\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n"), 400),
    (chunked(b"0\r\nHost: b\r\n\r\n"), 400),
    (chunked(b"0\r\nAuthorization: b\r\n\r\n"), 400),
    (chunked(b"1;" + b"x" * 5000), 400),
    (b"\r\n" * 20 + request("GET / HTTP/1.1"), 400),
    (request("GET / HTTP/1.1", "A: " + "x" * 1024), 431),
    (b"GET / HTTP/1.1\r\nA: " + b"x" * 1025, 431),
    (b"GET /" + b"x" * 1024, 414),
    (request("GET /" + "x" * 1024 + " HTTP/1.1"), 414),
    (b"G" * 1025, 400),
    (b"GET / HTTP/1.1\r\nA: b\nC: " + b"x" * 1025 + b"\r\n\r\n", 400),
    (b"GET / HTTP/2.0\r\nA: b\nC: d\r\n\r\n", 400),
]


@pytest.mark.parametrize(("data", "status"), BAD)
def test_bad_input_has_a_status_however_it_comes(data, status):
    assert read(data)[-1] == status
    assert read(*bytewise(data))[-1] == status


def test_what_came_before_a_mistake_is_delivered_however_it_comes():
    data = chunked(b"1\r\na\r\nmistake\r\n")
    assert read(data)[1:] == read(*bytewise(data))[1:] == [b"a", 400]


@pytest.mark.parametrize(("count", "over"), [(9, False), (10, False), (11, True)])
def test_the_number_of_fields_is_limited(count, over):
    fields = ["A: b"] * count
    head = request("GET / HTTP/1.1", *fields)
    trailers = chunked(b"0\r\n" + b"A: b\r\n" * count + b"\r\n")
    for data in (head, trailers):
        for pieces in ([data], bytewise(data)):
            assert (read(*pieces, max_header_count=10)[-1] == 431) is over


@pytest.mark.parametrize(("size", "over"), [(99, False), (100, False), (101, True)])
def test_the_limit_of_a_head_is_the_same_however_it_comes(size, over):
    fields = request("GET / HTTP/1.1", "A: " + "b" * (size - 19))
    assert len(fields) == size + 4
    trailers = chunked(b"0\r\nA: " + b"b" * (size - 3) + b"\r\n\r\n")
    for data in (fields, trailers):
        for pieces in ([data], bytewise(data), *([data[:-n], data[-n:]] for n in range(1, 6))):
            assert (read(*pieces, max_header_size=100)[-1] == 431) is over


@pytest.mark.parametrize(("size", "over"), [(99, False), (100, False), (101, True)])
def test_body_limits_hold_to_the_byte(size, over):
    fixed = request("POST / HTTP/1.1", f"Content-Length: {size}", body=b"x" * size)
    pieces = chunked(b"1\r\nx\r\n" * size + b"0\r\n\r\n")
    for data in (fixed, pieces):
        assert (read(data)[-1] == 413) is over


RESPONSES = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", False, ["HTTP/1.1", b"hi", "end"]),
    (b"HTTP/1.0 200\r\n\r\nuntil the end", True, ["HTTP/1.0", b"until the end", "end"]),
    (b"HTTP/1.1 204 No Content\r\n\r\n", False, ["HTTP/1.1", "end"]),
    (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        False,
        ["HTTP/1.1", b"hi", "end"],
    ),
    (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Type: a/b\r\n\r\n",
        False,
        ["HTTP/1.1", "end"],
    ),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", True, ["HTTP/1.1", b"hi", 400]),
    (b"HTTP/1.1 20 OK\r\n\r\n", False, [400]),
    (b"HTTP/3.1 200 OK\r\n\r\n", False, [400]),
]


@pytest.mark.parametrize(("data", "eof", "events"), RESPONSES)
def test_responses(data, eof, events):
    for pieces in ([data], bytewise(data)):
        found = read(*pieces, eof=eof, is_client=True)
        assert [e[0] if isinstance(e, tuple) else e for e in found] == events


LENIENT = [
    (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", True),  # SHC-15
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nhi", True),
    (b"HTTP/1.1 200 OK\nContent-Length: 2\r\n\nhi", True),
    (b"\n\r\nHTTP/1.1 200 OK\nContent-Length: 2\n\nhi", True),
    (b"GET / HTTP/1.1\nHost: a\nContent-Length: 2\n\nhi", False),
]


@pytest.mark.parametrize("empty_line", [b"\r\n", b"\n"])
def test_an_empty_line_may_come_while_nobody_reads(empty_line):
    recorder = Recorder(accept_bare_lf=True)
    recorder.reader.pause()
    recorder.reader.feed(empty_line)
    recorder.reader.resume()
    recorder.reader.feed(b"")
    recorder.reader.feed(request("GET / HTTP/1.1"))
    assert recorder.events[-1] == "end"


@pytest.mark.parametrize(("data", "is_client"), LENIENT)
def test_shc_15_bare_lf_ends_lines_where_it_is_accepted(data, is_client):
    options = {"is_client": is_client, "accept_bare_lf": True}
    for pieces in ([data], bytewise(data), [data[:5], b"", data[5:]]):
        (_, *_, headers), *rest = read(*pieces, **options)
        assert headers["Content-Length"] == "2"
        assert rest == [b"hi", "end"]
    assert read(data, is_client=is_client) == [400]


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\nA: b\rc\n\n",
        b"HTTP/1.1 200 OK\nA: b\r\r\n\n",
        b"HTTP/1.1 200 OK\n folded: b\n\n",
        b"\r\rHTTP/1.1 200 OK\n\n",
        b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\na\n0\n\n",
        b"\n" * 20,
    ],
)
def test_other_things_stay_errors_where_bare_lf_is_accepted(data):
    for pieces in ([data], bytewise(data)):
        assert read(*pieces, is_client=True, accept_bare_lf=True)[-1] == 400


def test_s10_very_many_lines_of_one_name():
    count = 100_000
    data = b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * count + b"\r\n"
    recorder = Recorder(max_header_size=len(data), max_header_count=count)
    recorder.reader.feed(data)
    assert len(recorder.events[0][3]["A"]) == 2 * count - 1


def test_p12_very_many_tiny_chunks_come_together():
    calls = []
    recorder = Recorder(max_body_size=10**6)
    recorder.on_body = calls.append
    recorder.reader.feed(chunked(b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n"))
    assert sum(map(len, calls)) == 100_000
    assert len(calls) < 10


@pytest.mark.parametrize("value", ["a\r\nB: c", "a\nb", "a\0", "a\x7f"])
def test_s1_no_header_value_makes_a_line(value):
    with pytest.raises(ValueError, match="invalid value"):
        HTTPHeaders({"A": value})
    with pytest.raises(HTTPOutputError):
        status_line(200, value)
    with pytest.raises(HTTPInputError):
        HTTPHeaders().add("A", value)


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[A-Za-z!#$%&'*+.^_`|~-]{1,10}", fullmatch=True),
            st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=20).map(
                lambda text: "".join(c for c in text if c != "\x7f").strip(" \t")
            ),
        ),
        max_size=8,
    )
)
def test_heads_survive_being_written_and_read(fields):
    headers = HTTPHeaders()
    for name, value in fields:
        headers.add(name, value)
    recorder = Recorder(max_header_size=10_000)
    found = []
    recorder.on_head = lambda start_line, got: found.append(got)
    headers.pop("Content-Length", None)
    headers.pop("Transfer-Encoding", None)
    recorder.reader.feed(serialize_head("GET / HTTP/1.1", headers))
    assert found == [headers]


@pytest.mark.parametrize(
    ("parse", "good", "value"), [(parse_int, "0123", 123), (parse_hex_int, "fF", 255)]
)
def test_numbers_are_digits_and_nothing_else(parse, good, value):
    assert parse(good) == value
    for bad in ("", "+1", "-1", "1_0", " 1", "1 ", "0x1", "\u0661"):
        with pytest.raises(ValueError, match="digits"):
            parse(bad)


def test_chunked_bodies():
    assert not is_transfer_encoding_chunked(HTTPHeaders({"Content-Length": "3"}))
    assert is_transfer_encoding_chunked(HTTPHeaders({"Transfer-Encoding": "Chunked"}))
    for bad in (
        {"Transfer-Encoding": "gzip"},
        {"Transfer-Encoding": "chunked", "Content-Length": "3"},
    ):
        with pytest.raises(HTTPInputError):
            is_transfer_encoding_chunked(HTTPHeaders(bad))
