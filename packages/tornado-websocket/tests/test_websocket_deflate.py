"""Compression of messages (RFC 7692): agreeing on it, and doing it."""

import asyncio
import itertools
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado._websocket.deflate import (
    STEP,
    Agreement,
    CompressionOptions,
    Compressor,
    Inflater,
    agree,
    make_offer,
    parse_extensions,
    read_answer,
)
from tornado._websocket.errors import ProtocolViolation, WebSocketError
from tornado._websocket.frames import make_frame
from tornado._websocket.reader import FrameReader
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler, websocket_connect

DEFAULT = CompressionOptions()
BOTH = Agreement(15, True, True)


def inflate(inflater, payload, limit):
    """Return a whole message."""
    data = inflater.inflate(payload, limit, True)
    while inflater.has_more:
        data += inflater.inflate(b"", limit - len(data), False)
    inflater.end_message()
    return data


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", []),
        ("a", [("a", {})]),
        (" a ; b=1 ; c , d ", [("a", {"b": "1", "c": None}), ("d", {})]),
        ('a; b="1"', [("a", {"b": "1"})]),
        ("a;b;b", [("a", {"b": None, "": None})]),
    ],
)
def test_extensions(value, expected):
    assert parse_extensions(value) == expected


@pytest.mark.parametrize(
    "value",
    ["a;", ";a", "a=1", "a,,b", "a;b=", 'a;b="', "a b", "a;b=1=2", "\x00", ", ".join("a" * 99)],
)
def test_malformed_extensions(value):
    with pytest.raises(ValueError, match="malformed"):
        parse_extensions(value)


NAME = "permessage-deflate"


@pytest.mark.parametrize(
    ("offer", "options", "answer", "agreement"),
    [
        (NAME, DEFAULT, NAME, BOTH),
        (f"{NAME}; client_max_window_bits", DEFAULT, NAME, BOTH),
        (
            f"{NAME}; server_max_window_bits=10",
            DEFAULT,
            f"{NAME}; server_max_window_bits=10",
            Agreement(10, True, True),
        ),
        (
            f"{NAME}; server_no_context_takeover; client_no_context_takeover",
            DEFAULT,
            f"{NAME}; server_no_context_takeover; client_no_context_takeover",
            Agreement(15, False, False),
        ),
        (
            f"{NAME}; client_max_window_bits=12",
            CompressionOptions(max_window_bits=10, context_takeover=False),
            f"{NAME}; server_max_window_bits=10; server_no_context_takeover;"
            " client_no_context_takeover; client_max_window_bits=10",
            Agreement(10, False, False),
        ),
        # The first offer that will do.
        (f"other, {NAME}; unknown, {NAME}; server_max_window_bits=8, {NAME}", DEFAULT, NAME, BOTH),
    ],
)
def test_servers_choose(offer, options, answer, agreement):
    assert agree(parse_extensions(offer), options) == (answer, agreement)


@pytest.mark.parametrize(
    "parameters",
    [
        "unknown",
        "server_no_context_takeover=1",
        "client_no_context_takeover; client_no_context_takeover",
        "server_max_window_bits",
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "server_max_window_bits=010",
        "server_max_window_bits=x",
        "server_max_window_bits=8",  # zlib has none
        "client_max_window_bits=0",
    ],
)
def test_offers_that_servers_decline(parameters):
    assert agree(parse_extensions(f"{NAME}; {parameters}"), DEFAULT) is None


def test_offers_and_answers_fit():
    for options in (DEFAULT, CompressionOptions(max_window_bits=9, context_takeover=False)):
        answer, theirs = agree(parse_extensions(make_offer(options)), DEFAULT)
        ours = read_answer(answer, options)
        assert theirs.keeps_context == ours.peer_keeps_context == options.context_takeover
        assert theirs.window_bits <= options.max_window_bits


@pytest.mark.parametrize(
    "answer",
    [
        "other",
        f"{NAME}, {NAME}",
        f"{NAME}; unknown",
        f"{NAME}; client_max_window_bits",
        f"{NAME}; client_max_window_bits=8",
        f"{NAME}; server_max_window_bits=15",
        NAME,
        "=",
    ],
)
def test_answers_that_clients_refuse(answer):
    options = CompressionOptions(max_window_bits=10, context_takeover=False)
    with pytest.raises(WebSocketError):
        read_answer(answer, options)


@pytest.mark.parametrize(
    "options",
    [
        {"level": 1},
        {"compression_level": 10},
        {"mem_level": 0},
        {"max_window_bits": 8},
    ],
)
def test_options_that_cannot_be(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        CompressionOptions.of(options)


@given(st.lists(st.binary(max_size=200) | st.just(b"again and again " * 20)), st.booleans())
def test_messages_survive(messages, keeps_context):
    agreement = Agreement(9, keeps_context, keeps_context)
    compressor = Compressor(agreement, DEFAULT)
    inflater = Inflater(agreement)
    for message in messages:
        assert inflate(inflater, compressor.compress(message), 1000) == message


def test_context_makes_repetitions_short():
    message = bytes(range(256))
    kept, fresh = (Compressor(Agreement(15, keeps, keeps), DEFAULT) for keeps in (True, False))
    assert len(fresh.compress(message)) == len(fresh.compress(message)) > 100
    kept.compress(message)
    assert len(kept.compress(message)) < 20


@pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
def test_w2_limits_hold_to_the_byte_after_decompression(size, fits):
    payload = Compressor(BOTH, DEFAULT).compress(b"x" * size)
    inflater = Inflater(BOTH)
    if fits:
        assert len(inflate(inflater, payload, 1000)) == size
        return
    with pytest.raises(ProtocolViolation) as caught:
        inflate(inflater, payload, 1000)
    assert caught.value.close_code == 1009


@pytest.mark.parametrize("excess", [0, 1])
def test_w2_limits_hold_for_messages_that_take_several_steps(excess):
    limit = 3 * STEP
    payload = Compressor(BOTH, DEFAULT).compress(bytes(limit + excess))
    recorder = Recorder(Inflater(BOTH), limit)

    def read():
        is_behind = recorder.reader.feed(make_frame(2, payload, masked=False, compressed=True))
        while is_behind:
            is_behind = recorder.reader.feed(b"")

    if excess:
        with pytest.raises(ProtocolViolation, match="too large"):
            read()
    else:
        read()
        assert len(recorder.seen[0]) == limit


@pytest.mark.parametrize("keeps", [True, False])
def test_contexts_are_given_back_after_each_message_if_not_kept(keeps):
    agreement = Agreement(15, keeps, keeps)
    compressor, inflater = Compressor(agreement, DEFAULT), Inflater(agreement)
    assert inflate(inflater, compressor.compress(b"message"), 100) == b"message"
    assert (compressor._zlib is not None) is keeps
    assert (inflater._zlib is not None) is keeps


def test_p30_bombs_take_no_more_memory_than_the_limit():
    bomb = Compressor(BOTH, DEFAULT).compress(bytes(200_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolViolation):
            inflate(Inflater(BOTH), bomb, 1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_a_stream_that_ends_is_followed_by_another():
    """RFC 7692 section 7.2.3.4: the last block may be marked as such."""
    whole = zlib.compressobj(wbits=-15)
    payload = whole.compress(b"message") + whole.flush()
    inflater = Inflater(BOTH)
    for _ in range(2):
        assert inflate(inflater, payload, 100) == b"message"


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_stream_that_ends_may_be_split_anywhere(cut):
    whole = zlib.compressobj(wbits=-15)
    payload = whole.compress(b"message") + whole.flush() + b"\0"
    for first, second in ((payload[:cut], payload[cut:]), (payload[:-1], b"")):
        recorder = Recorder(Inflater(BOTH))
        for _ in range(2):
            recorder.reader.feed(make_frame(1, first, masked=False, fin=False, compressed=True))
            recorder.reader.feed(make_frame(0, second, masked=False))
        assert recorder.seen == ["message"] * 2


def test_a_stream_of_ends_is_refused():
    """Each end costs far more than its two bytes."""
    recorder = Recorder(Inflater(BOTH))
    ends = b"\x03\0"
    for _ in range(3):
        recorder.reader.feed(make_frame(2, ends * 50, masked=False, compressed=True))
    assert recorder.seen == [b""] * 3
    with pytest.raises(ProtocolViolation, match="too many ends"):
        recorder.reader.feed(make_frame(2, ends * 400, masked=False, compressed=True))


def test_an_empty_payload_is_an_empty_message():
    recorder = Recorder(Inflater(BOTH))
    compressor = Compressor(BOTH, DEFAULT)
    for payload in (compressor.compress(b"x"), b"", compressor.compress(b"y"), b"\0"):
        recorder.reader.feed(make_frame(1, payload, masked=False, compressed=True))
    assert recorder.seen == ["x", "", "y", ""]


def test_large_messages_are_inflated_in_steps():
    """A call does only so much, although all of the message is there."""
    size = 10_000_000
    payload = Compressor(BOTH, DEFAULT).compress(bytes(size))
    recorder = Recorder(Inflater(BOTH), size)
    is_behind = recorder.reader.feed(make_frame(2, payload, masked=False, compressed=True))
    steps = 1
    while is_behind:
        assert recorder.seen == []
        is_behind = recorder.reader.feed(b"")
        steps += 1
    assert recorder.seen == [bytes(size)]
    assert steps >= 8


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("size", [1000, 3 * STEP])
@pytest.mark.parametrize("fragments", [1, 5])
def test_p30_the_limit_is_one_for_all_steps_and_fragments(size, more, fragments):
    payload = Compressor(BOTH, DEFAULT).compress(bytes(size + more))
    ends = [len(payload) * number // fragments for number in range(fragments + 1)]
    recorder = Recorder(Inflater(BOTH), size)
    reader = recorder.reader

    def read():
        for number, (start, end) in enumerate(itertools.pairwise(ends)):
            is_behind = reader.feed(
                make_frame(
                    0 if number else 2,
                    payload[start:end],
                    masked=False,
                    fin=number == fragments - 1,
                    compressed=not number,
                )
            )
            while is_behind:
                is_behind = reader.feed(b"")

    if not more:
        read()
        assert recorder.seen == [bytes(size)]
        return
    with pytest.raises(ProtocolViolation) as caught:
        read()
    assert caught.value.close_code == 1009
    assert recorder.seen == []


class Recorder:
    def __init__(self, inflater=None, limit=1000):
        self.seen = []
        self.reader = FrameReader(
            self, expects_mask=False, max_message_size=limit, inflater=inflater
        )

    def on_data(self, message):
        self.seen.append(message)

    def on_control(self, opcode, payload):
        self.seen.append((opcode, payload))

    def on_close_frame(self, code, reason):
        self.seen.append((code, reason))


def test_fragments_and_what_comes_between():
    payload = Compressor(BOTH, DEFAULT).compress("text \u00fc".encode() * 10)
    recorder = Recorder(Inflater(BOTH))
    recorder.reader.feed(make_frame(1, payload[:5], masked=False, fin=False, compressed=True))
    recorder.reader.feed(make_frame(9, b"ping", masked=False))
    recorder.reader.feed(make_frame(0, payload[5:], masked=False))
    recorder.reader.feed(make_frame(2, b"plain", masked=False))
    assert recorder.seen == [(9, b"ping"), "text \u00fc" * 10, b"plain"]


@pytest.mark.parametrize(
    ("frames", "agreed", "code"),
    [
        ([(1, b"x", True, True)], False, 1002),  # P29
        ([(9, b"x", True, True)], True, 1002),
        ([(1, b"x", False, True), (0, b"x", True, True)], True, 1002),
        ([(1, b"\xff\xff\xff", True, True)], True, 1007),
        ([(1, Compressor(BOTH, DEFAULT).compress(b"\xff"), True, True)], True, 1007),
        ([(1, Compressor(BOTH, DEFAULT).compress(b"x" * 1001), True, True)], True, 1009),
    ],
)
def test_frames_that_break_the_rules(frames, agreed, code):
    recorder = Recorder(Inflater(BOTH) if agreed else None)
    with pytest.raises(ProtocolViolation) as caught:
        for opcode, payload, fin, compressed in frames:
            frame = make_frame(opcode, payload, masked=False, fin=fin, compressed=compressed)
            recorder.reader.feed(frame)
    assert caught.value.close_code == code


@pytest.mark.parametrize("server_options", [None, {}, {"context_takeover": False}])
@pytest.mark.parametrize("client_options", [None, {}, {"max_window_bits": 9}])
def test_server_and_client(server_options, client_options):
    class Echo(WebSocketHandler):
        def get_compression_options(self):
            return server_options

        def on_message(self, message):
            self.write_message(message, binary=isinstance(message, bytes))

    async def main():
        server = HTTPServer(Application([("/", Echo)]))
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        url = f"ws://127.0.0.1:{sockets[0].getsockname()[1]}/"
        connection = await websocket_connect(url, compression_options=client_options)
        compressed = server_options is not None and client_options is not None
        assert ("Sec-WebSocket-Extensions" in connection.headers) is compressed
        for message in ("short", "long text " * 1000, b"\0" * 100_000, "", "long text " * 1000):
            await connection.write_message(message, binary=isinstance(message, bytes))
            assert await connection.read_message() == message
        connection.close()
        assert await connection.read_message() is None
        server.stop()
        await server.close_all_connections()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_idle_connections_have_no_contexts():
    compressor, inflater = Compressor(BOTH, DEFAULT), Inflater(BOTH)
    assert compressor._zlib is None
    assert inflater._zlib is None
