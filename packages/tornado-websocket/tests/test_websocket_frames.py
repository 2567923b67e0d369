"""The framing engine (RFC 6455 section 5), without sockets."""

import ctypes
import itertools
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado._websocket import masks, openssl
from tornado._websocket.deflate import Agreement, CompressionOptions, Compressor, Inflater
from tornado._websocket.errors import ProtocolViolation
from tornado._websocket.frames import (
    Opcode,
    is_valid_close_code,
    make_close_payload,
    make_frame,
)
from tornado._websocket.masks import apply_mask, apply_mask_in_python, combine_integers
from tornado._websocket.reader import FrameReader


class Recorder:
    def __init__(self):
        self.events = []

    def on_data(self, message):
        self.events.append(message)

    def on_control(self, opcode, payload):
        self.events.append((opcode, payload))

    def on_close_frame(self, code, reason):
        self.events.append(("close", code, reason))


def read(*pieces, masked=True, limit=1000):
    recorder = Recorder()
    reader = FrameReader(recorder, expects_mask=masked, max_message_size=limit)
    for piece in pieces:
        is_behind = reader.feed(piece)
        while is_behind:
            is_behind = reader.feed(b"")
    return recorder.events


def frame(opcode, payload=b"", **options):
    return make_frame(opcode, payload, **{"masked": True, **options})


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70000])
@pytest.mark.parametrize("masked", [True, False])
def test_messages_of_all_lengths(size, masked):
    data = bytes(i % 251 for i in range(size))
    assert read(frame(2, data, masked=masked), masked=masked, limit=size or 1) == [data]


# With tornado-speedups the first is native code.
MASKS = [apply_mask, apply_mask_in_python]
COMBINE = [apply_mask, combine_integers, openssl.make_apply_mask()]


@pytest.mark.parametrize("apply_mask", COMBINE)
@given(st.binary(max_size=2000), st.binary(min_size=4, max_size=4))
def test_masking_twice_gives_the_data(apply_mask, data, mask):
    masked = apply_mask(mask, data)
    assert masked == bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
    assert apply_mask(mask, masked) == data


@pytest.mark.parametrize("apply_mask", COMBINE)
@pytest.mark.parametrize("size", [4095, 4096, 4097, 8191, 8192, 8193, 70_001])
def test_large_payloads_are_masked_whole(apply_mask, size):
    data = bytes(i * 5 & 0xFF for i in range(size))
    assert apply_mask(b"key!", data) == bytes(byte ^ b"key!"[i % 4] for i, byte in enumerate(data))


@pytest.mark.parametrize("apply_mask", MASKS)
def test_s26_masks_have_four_bytes(apply_mask):
    with pytest.raises(ValueError, match="four"):
        apply_mask(b"abc", b"data")


def test_masking_leaves_its_arguments_alone():
    mask, data = bytes([1, 2, 3, 4]), bytes(1000)
    assert openssl.make_apply_mask()(mask, data) != data
    assert mask == bytes([1, 2, 3, 4])
    assert data == bytes(1000)


def test_interpreters_without_openssl_mask_with_integers(monkeypatch):
    monkeypatch.setattr(ctypes, "PyDLL", lambda name: object())
    assert openssl.make_apply_mask() is None
    monkeypatch.setattr(masks, "_combine_long", combine_integers)
    assert apply_mask_in_python(b"abcd", bytes(1000)) == b"abcd" * 250


def test_interpreters_without_ctypes_mask_with_integers():
    program = (
        "import sys; sys.modules['_ctypes'] = sys.modules['tornado._speedups'] = None;"
        "from tornado import websocket; from tornado._websocket.masks import apply_mask;"
        "assert apply_mask(b'abcd', bytes(1000)) == b'abcd' * 250"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_openssl_that_masks_otherwise_is_not_used(monkeypatch):
    monkeypatch.setattr(openssl, "_EXPECTED", b"something else")
    assert openssl.make_apply_mask() is None


STREAM = b"".join(
    (
        frame(1, "h\u00e9llo".encode()),
        frame(9, b"ping"),
        frame(1, b"\xc3", fin=False),
        frame(10, b"pong"),
        frame(0, b"\xa9!"),
        frame(2, b"\x00" * 200),
        frame(8, make_close_payload(1000, "bye")),
    )
)
EVENTS = [
    "h\u00e9llo",
    (Opcode.PING, b"ping"),
    (Opcode.PONG, b"pong"),
    "\u00e9!",
    b"\x00" * 200,
    ("close", 1000, "bye"),
]


def test_control_frames_may_stand_between_fragments():
    assert read(STREAM) == EVENTS


def test_byte_by_byte_gives_the_same_events():
    assert read(*(STREAM[i : i + 1] for i in range(len(STREAM)))) == EVENTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_any_split_gives_the_same_events(cuts):
    places = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[a:b] for a, b in zip(places, places[1:], strict=False)]
    assert read(*pieces) == EVENTS


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (make_frame(1, b"x", masked=False), 1002),  # P34: clients mask
        (bytes([0xC1, 0x80]) + b"mask", 1002),  # P29: a reserved bit without an extension
        (bytes([0x83, 0x80]), 1002),  # unknown opcodes
        (bytes([0x8B, 0x80]), 1002),
        (frame(9, b"x", fin=False), 1002),  # fragmented control frame
        (bytes([0x89, 0xFE, 0, 126]), 1002),  # long control frame
        (frame(0, b"x"), 1002),  # continuation of nothing
        (frame(1, b"a", fin=False) + frame(1, b"b"), 1002),
        (frame(1, b"\xff"), 1007),
        (frame(1, b"\xff", fin=False), 1007),
        (frame(1, b"\xc3", fin=False) + frame(0, b""), 1007),
        (bytes([0x82, 0xFF]) + (1 << 62).to_bytes(8, "big"), 1009),  # refused by its length alone
        (bytes([0x82, 0xFF]) + (1 << 63).to_bytes(8, "big"), 1002),
        (bytes([0x82, 0xFF]) + (65535).to_bytes(8, "big"), 1002),  # longer than it needs to be
        (bytes([0x82, 0xFE, 0, 125]), 1002),
        (frame(2, b"x" * 1001), 1009),
        (frame(2, b"x" * 600, fin=False) + frame(0, b"x" * 401), 1009),
        (frame(2, b"", fin=False) + frame(0, b"", fin=False) * 1000, 1009),  # P31
        (frame(8, b"\x03"), 1002),
        (frame(8, (1005).to_bytes(2, "big")), 1002),  # P37: codes that can't be sent
        (frame(8, (999).to_bytes(2, "big")), 1002),
        (frame(8, (1000).to_bytes(2, "big") + b"\xff"), 1007),
    ],
)
def test_violations_have_close_codes(data, code):
    with pytest.raises(ProtocolViolation) as caught:
        read(data)
    assert caught.value.close_code == code


@pytest.mark.parametrize("second", range(128, 256))
def test_masks_of_servers_are_never_taken_for_lengths(second):
    # The eight bytes that follow would be a good length.
    data = bytes((0x82, second)) + (70_000).to_bytes(8) + bytes(80_000)
    with pytest.raises(ProtocolViolation):
        read(data, masked=False, limit=100_000)


@pytest.mark.parametrize("first", [0x81, 0x82])
@pytest.mark.parametrize("second", range(128))
def test_servers_refuse_frames_without_a_mask_however_little_has_come(first, second):
    data = bytes((first, second)) + bytes(130)
    for cut in range(2, len(data)):
        with pytest.raises(ProtocolViolation, match="against the rules"):
            read(data[:cut])


@pytest.mark.parametrize("first", [0x81, 0x82])
@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, 70_000])
@pytest.mark.parametrize("masked", [True, False])
def test_messages_cut_anywhere_in_their_heads(first, size, masked):
    data = make_frame(first & 15, b"x" * size, masked=masked)
    message = b"x" * size if first == 0x82 else "x" * size
    for cut in range(len(data) - size + 1):
        assert read(data[:cut], data[cut:], masked=masked, limit=70_000) == [message]


def test_servers_do_not_mask():
    with pytest.raises(ProtocolViolation):
        read(frame(1, b"x"), masked=False)


@pytest.mark.parametrize(
    ("code", "valid"),
    [
        (999, False),
        (1000, True),
        (1004, False),
        (1005, False),
        (1006, False),
        (1011, True),
        (1015, False),
        (2999, False),
        (3000, True),
        (4999, True),
        (5000, False),
    ],
)
def test_close_codes(code, valid):
    assert is_valid_close_code(code) is valid
    if not valid:
        with pytest.raises(ValueError, match="code"):
            make_close_payload(code, None)


def test_nothing_is_read_while_paused():
    recorder = Recorder()
    reader = FrameReader(recorder, expects_mask=True, max_message_size=100)
    reader.pause()
    reader.feed(frame(1, b"a"))
    reader.feed(frame(1, b"b"))
    assert recorder.events == []
    reader.resume()
    reader.feed(b"")
    assert recorder.events == ["a", "b"]


class Counting(Recorder):
    """Tells how many events came with each call."""

    def __init__(self, **options):
        super().__init__()
        self.reader = FrameReader(self, expects_mask=False, **options)

    def steps(self, data):
        counts = []
        is_behind = self.reader.feed(data)
        counts.append(len(self.events))
        while is_behind:
            is_behind = self.reader.feed(b"")
            counts.append(len(self.events) - sum(counts))
        return counts


def test_w4_many_tiny_frames_are_read_in_steps():
    counting = Counting(max_message_size=100)
    steps = counting.steps(make_frame(1, b"x", masked=False) * 1000)
    assert sum(steps) == 1000
    assert max(steps) <= 256
    assert counting.reader.held_size == 0


def test_messages_in_pieces_of_a_byte_are_joined():
    """P31: what a fragment costs beside its payload is given back."""
    counting = Counting(max_message_size=10_000)
    counting.steps(make_frame(1, b"x", masked=False, fin=False))
    counting.steps(make_frame(0, b"y", masked=False, fin=False) * 9000)
    assert len(counting.reader._parts) < 1100
    counting.steps(make_frame(0, b"z", masked=False))
    assert counting.events == ["x" + "y" * 9000 + "z"]


def test_text_is_checked_before_its_frame_is_complete():
    """Autobahn 6.4: what can't become UTF-8 is refused with the byte that says so."""
    data = make_frame(1, b"\xce\xba\xf4\x90" + b"x" * 500, masked=False)
    recorder = Recorder()
    reader = FrameReader(recorder, expects_mask=False, max_message_size=1000)
    reader.feed(data[:7])
    with pytest.raises(ProtocolViolation, match="UTF-8"):
        reader.feed(data[7:8])


def test_nothing_comes_after_a_stop():
    recorder = Recorder()
    reader = FrameReader(recorder, expects_mask=True, max_message_size=100)
    recorder.on_data = lambda message: (recorder.events.append(message), reader.stop())
    assert not reader.feed(frame(1, b"a") + frame(1, b"b"))
    assert not reader.feed(frame(1, b"c"))
    assert recorder.events == ["a"]


MESSAGES = st.lists(
    st.tuples(
        st.text(max_size=300) | st.binary(max_size=300),
        st.lists(st.integers(0, 300), max_size=3),
        st.booleans(),
        st.none() | st.binary(max_size=125),
    ),
    max_size=5,
)


@given(MESSAGES, st.booleans(), st.lists(st.integers(1, 400), min_size=1, max_size=10))
def test_whatever_is_sent_arrives_in_whatever_pieces(messages, masked, sizes):
    """Messages in any fragments, compressed or not, with pings among them."""
    agreement = Agreement(15, True, True)
    compressor = Compressor(agreement, CompressionOptions())
    stream, expected = b"", []
    for message, cuts, is_compressed, ping in messages:
        payload = message.encode() if isinstance(message, str) else message
        if is_compressed:
            payload = compressor.compress(payload)
        places = [0, *sorted(min(cut, len(payload)) for cut in cuts), len(payload)]
        for index, (start, stop) in enumerate(zip(places, places[1:], strict=False)):
            opcode = (1 if isinstance(message, str) else 2) if index == 0 else 0
            stream += make_frame(
                opcode,
                payload[start:stop],
                masked=masked,
                fin=index == len(places) - 2,
                compressed=is_compressed and index == 0,
            )
            if ping is not None:
                stream += make_frame(9, ping, masked=masked)
                if index < len(places) - 2:
                    expected.append((Opcode.PING, ping))
        expected.append(message)
        if ping is not None:
            expected.append((Opcode.PING, ping))
    recorder = Recorder()
    reader = FrameReader(
        recorder, expects_mask=masked, max_message_size=2000, inflater=Inflater(agreement)
    )
    position = 0
    for size in itertools.cycle(sizes):
        reader.feed(stream[position : position + size])
        position += size
        if position >= len(stream):
            break
    assert recorder.events == expected
    assert reader.held_size == 0


@given(st.binary(max_size=200), st.booleans(), st.integers(1, 50))
def test_noise_is_refused_or_read_the_same_in_any_pieces(noise, masked, step):
    outcomes = []
    for size in (step, len(noise) or 1):
        recorder = Recorder()
        reader = FrameReader(recorder, expects_mask=masked, max_message_size=100)
        try:
            for start in range(0, len(noise), size):
                reader.feed(noise[start : start + size])
        except ProtocolViolation as violation:
            recorder.events.append(violation.close_code)
        outcomes.append(recorder.events)
    assert outcomes[0] == outcomes[1]


@given(
    st.lists(st.integers(0, 300) | st.sampled_from([125, 126, 127, 65535, 65536]), max_size=5),
    st.booleans(),
    st.integers(0, 14),
)
def test_frames_of_all_lengths_in_one_piece(sizes, masked, cut):
    messages = [bytes(size) for size in sizes]
    stream = b"".join(make_frame(2, message, masked=masked) for message in messages)
    assert read(stream, masked=masked, limit=1 << 17) == messages
    assert read(stream[:-cut], stream[-cut:], masked=masked, limit=1 << 17) == messages


@pytest.mark.parametrize("limit", [300, 299])
def test_the_limit_holds_for_frames_that_come_whole(limit):
    data = frame(2, bytes(300))
    if limit == 300:
        assert read(data, limit=limit) == [bytes(300)]
    else:
        with pytest.raises(ProtocolViolation, match="too large"):
            read(data, limit=limit)
