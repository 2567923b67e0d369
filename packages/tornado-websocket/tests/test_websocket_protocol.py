"""A connection between a stream in memory and an endpoint that does as it's told."""

import asyncio
import contextvars
import random

import pytest

from tornado._websocket.base import MAX_INBOX
from tornado._websocket.closing import CLOSE_TIMEOUT
from tornado._websocket.deflate import STEP, Agreement, CompressionOptions, Inflater
from tornado._websocket.frames import Opcode, make_close_payload, make_frame
from tornado._websocket.params import ConnectionParams
from tornado._websocket.protocol import MAX_PONGS, SENT_ALONE, WebSocketProtocol13
from tornado._websocket.reader import FrameReader
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError, broadcast


class Loop(asyncio.SelectorEventLoop):
    """A loop whose clock is put forward."""

    now = 0.0

    def time(self):
        return self.now

    def settle(self):
        """Run what is due."""
        for _ in range(10):
            self.call_soon(self.stop)
            self.run_forever()

    def advance(self, seconds):
        """Let time pass, in small steps."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 0.25)
            self.settle()


class MemoryStream:
    """A stream to a peer that takes ``room`` bytes, or all if that is `None`."""

    def __init__(self, loop):
        self.asyncio_loop = loop
        self.io_loop = self
        self.receiver = None
        self.read_chunk_size = 65536
        self.sent = b""
        self.sends = 0
        self.room = None
        self.kept = b""
        self.is_closed = False
        self.is_paused = False
        self.choked = False
        self.waiters = []

    def start_receiving(self, receiver):
        self.receiver = receiver

    def run_in(self, context):
        self.context = context

    def receive(self, data):
        """Have bytes come."""
        self.context.run(self.receiver.data_received, data)

    def pause_reading(self):
        self.is_paused = True

    def resume_reading(self):
        self.is_paused = False

    def set_nodelay(self, value):
        self.nodelay = value

    @property
    def write_buffer_size(self):
        return len(self.kept)

    @property
    def socket(self):
        raise OSError

    def closed(self):
        return self.is_closed

    def send(self, data):
        if self.is_closed:
            raise StreamClosedError
        self.sends += 1
        self.kept += data
        self.take(0)
        if len(self.kept) > 65536 and not self.choked:
            self.choked = True
            self.receiver.pause_writing()
        return not self.kept

    def send_pieces(self, pieces):
        return self.send(b"".join(pieces))

    def write(self, data):
        self.send(data)
        future = self.asyncio_loop.create_future()
        self.waiters.append(future)
        self.take(0)
        return future

    def take(self, size):
        """Let the peer read more."""
        if self.room is not None:
            self.room += size
        count = len(self.kept) if self.room is None else min(self.room, len(self.kept))
        if self.room is not None:
            self.room -= count
        self.sent += self.kept[:count]
        self.kept = self.kept[count:]
        if self.choked and len(self.kept) <= 16384:
            self.choked = False
            self.receiver.resume_writing()
        if not self.kept:
            for waiter in self.waiters:
                if not waiter.done():
                    waiter.set_result(None)

    def close(self):
        if not self.is_closed:
            self.is_closed = True
            self.asyncio_loop.call_soon(self.receiver.connection_lost, None)


class Endpoint:
    def __init__(self):
        self.events = []
        self.errors = []
        self.gate = None

    def on_message(self, message):
        if message == "wait":
            return self.wait()
        if message == "fail":
            raise KeyError(message)
        if message == "cancel":
            raise asyncio.CancelledError
        if message == "fail later":
            return self.fail()
        self.events.append(message)
        return None

    async def wait(self):
        self.gate = asyncio.Event()
        await self.gate.wait()
        self.events.append("waited")

    async def fail(self):
        await asyncio.sleep(0)
        raise KeyError("later")

    def on_ping(self, data):
        self.events.append(("ping", data))

    def on_pong(self, data):
        self.events.append(("pong", data))

    def on_ws_connection_close(self, close_code=None, close_reason=None):
        self.events.append(("closed", close_code, close_reason))

    def log_exception(self, typ, value, tb):
        self.errors.append(typ)


class Peer:
    """A connection, and the other end of it."""

    def __init__(self, loop, masks=False, agreement=None, **params):
        self.loop = loop
        self.stream = MemoryStream(loop)
        self.endpoint = Endpoint()
        self.events = []
        self.read_size = 0
        self.protocol = WebSocketProtocol13(self.endpoint, masks, ConnectionParams(**params))
        self.endpoint.ws_connection = self.protocol
        self.protocol.open_on(self.stream, agreement, CompressionOptions())
        self.protocol.start()
        self.reader = FrameReader(self, expects_mask=masks, max_message_size=1 << 24)

    def on_data(self, message):
        self.events.append(message)

    def on_control(self, opcode, payload):
        self.events.append((opcode.name, payload))

    def on_close_frame(self, code, reason):
        self.events.append(("CLOSE", code))

    def send(self, *frames):
        """Send ``(opcode, payload)`` in one piece."""
        masked = not self.protocol.mask_outgoing
        self.stream.receive(
            b"".join(make_frame(opcode, payload, masked=masked) for opcode, payload in frames)
        )

    def received(self):
        """Return what has come from the connection so far."""
        is_behind = self.reader.feed(self.stream.sent[self.read_size :])
        while is_behind:
            is_behind = self.reader.feed(b"")
        self.read_size = len(self.stream.sent)
        return self.events


@pytest.fixture
def loop():
    loop = Loop()
    asyncio.set_event_loop(loop)
    yield loop
    loop.settle()
    asyncio.set_event_loop(None)
    loop.close()


def run_in(loop, function):
    """Call a function from the loop."""
    result = []
    loop.call_soon(lambda: result.append(function()))
    loop.settle()
    return result[0]


# -- input


def test_replies_to_what_came_in_one_piece_leave_in_one_piece(loop):
    peer = Peer(loop)
    peer.endpoint.on_message = peer.protocol.write_message
    peer.send(*[(1, b"%d" % number) for number in range(100)])
    assert peer.received() == [str(number) for number in range(100)]
    assert peer.stream.sends == 1


def test_messages_wait_for_the_endpoint_and_control_frames_do_not(loop):
    peer = Peer(loop)
    peer.send((1, b"wait"), (1, b"next"), (9, b"?"))
    loop.settle()
    assert peer.endpoint.events == [("ping", b"?")]
    assert peer.received() == [("PONG", b"?")]
    peer.endpoint.gate.set()
    loop.settle()
    assert peer.endpoint.events[1:] == ["waited", "next"]


def test_reading_is_halted_while_the_inbox_is_full(loop):
    peer = Peer(loop)
    peer.send((1, b"wait"), *[(1, b"%d" % number) for number in range(MAX_INBOX + 5)])
    loop.settle()
    assert peer.stream.is_paused
    assert len(peer.protocol._inbox) == MAX_INBOX
    peer.endpoint.gate.set()
    loop.settle()
    assert not peer.stream.is_paused
    assert peer.endpoint.events == ["waited", *map(str, range(MAX_INBOX + 5))]


def test_large_messages_fill_the_inbox_sooner(loop):
    peer = Peer(loop)
    peer.send((1, b"wait"), (2, bytes(100_000)), (1, b"x"))
    assert len(peer.protocol._inbox) == 1
    loop.settle()
    peer.endpoint.gate.set()
    loop.settle()
    assert peer.endpoint.events == ["waited", bytes(100_000), "x"]


def test_endpoints_that_wait_again_and_again_keep_the_order(loop):
    peer = Peer(loop)
    peer.send((1, b"wait"), (1, b"a"), (1, b"wait"), (1, b"b"))
    loop.settle()
    peer.endpoint.gate.set()
    loop.settle()
    assert peer.endpoint.events == ["waited", "a"]
    peer.send((1, b"c"))
    peer.endpoint.gate.set()
    loop.settle()
    assert peer.endpoint.events == ["waited", "a", "waited", "b", "c"]


def test_the_close_frame_comes_after_the_messages_before_it(loop):
    peer = Peer(loop)
    peer.send((1, b"wait"), (1, b"last"), (8, make_close_payload(3000, "bye")))
    loop.settle()
    assert peer.received() == []
    peer.endpoint.gate.set()
    loop.settle()
    assert peer.endpoint.events == ["waited", "last", ("closed", 3000, "bye")]
    assert peer.received() == [("CLOSE", 3000)]


@pytest.mark.parametrize("message", [b"fail", b"fail later"])
def test_wsk_11_an_exception_closes_the_socket(loop, message):
    peer = Peer(loop)
    peer.send((1, message), (1, b"not seen"))
    loop.settle()
    assert peer.endpoint.errors == [KeyError]
    assert peer.received() == [("CLOSE", 1011)]
    assert peer.endpoint.events == [("closed", None, None)]
    assert peer.stream.closed()


def test_what_was_written_before_an_exception_is_sent(loop):
    peer = Peer(loop)

    def on_message(message):
        peer.protocol.write_message("before")
        raise KeyError

    peer.endpoint.on_message = on_message
    peer.send((1, b"x"))
    assert peer.received() == ["before", ("CLOSE", 1011)]


def test_w8_a_cancelled_endpoint_closes_the_socket(loop):
    peer = Peer(loop)
    peer.send((1, b"cancel"))
    loop.settle()
    assert peer.endpoint.events == [("closed", None, None)]
    assert peer.endpoint.errors == []


def test_what_is_returned_need_not_be_awaitable(loop):
    peer = Peer(loop)
    peer.endpoint.on_message = lambda message: peer.endpoint.events.append(message) or 7
    peer.send((1, b"a"), (1, b"b"))
    assert peer.endpoint.events == ["a", "b"]


def test_an_exception_in_on_ping_closes_the_socket(loop):
    peer = Peer(loop)
    peer.endpoint.on_ping = lambda data: 1 / 0
    peer.send((9, b""))
    loop.settle()
    assert peer.endpoint.errors == [ZeroDivisionError]
    assert peer.stream.closed()


def test_what_is_set_while_opening_is_there_for_messages(loop):
    variable = contextvars.ContextVar("variable", default="unset")
    seen = []

    def connect():
        stream = MemoryStream(loop)
        endpoint = Endpoint()
        protocol = WebSocketProtocol13(endpoint, False, ConnectionParams())
        endpoint.on_message = lambda message: seen.append(variable.get())
        protocol.open_on(stream)
        protocol.start(lambda: variable.set("set") and None)
        return stream

    stream = contextvars.copy_context().run(connect)
    stream.receive(make_frame(1, b"x", masked=True))
    assert seen == ["set"]
    assert variable.get() == "unset"


def test_messages_wait_for_a_coroutine_that_opens(loop):
    stream = MemoryStream(loop)
    endpoint = Endpoint()
    protocol = WebSocketProtocol13(endpoint, False, ConnectionParams())
    protocol.open_on(stream)
    run_in(loop, lambda: protocol.start(endpoint.wait))
    stream.receive(make_frame(1, b"x", masked=True))
    loop.settle()
    assert endpoint.events == []
    endpoint.gate.set()
    loop.settle()
    assert endpoint.events == ["waited", "x"]


def test_w4_others_have_their_turn_between_tiny_frames(loop):
    peer = Peer(loop)
    peer.send(*[(1, b"x")] * 1000)
    assert 0 < len(peer.endpoint.events) < 1000
    assert peer.stream.is_paused
    loop.settle()
    assert len(peer.endpoint.events) == 1000
    assert not peer.stream.is_paused


# -- output


def flood(peer, limit=100):
    """Write to a peer that reads nothing."""
    peer.stream.room = 0
    return [peer.protocol.write_message(bytes(50_000), binary=True) for _ in range(limit)]


def test_a_reader_that_stops_is_cut_off(loop, caplog):
    peer = Peer(loop, max_write_buffer_size=200_000)
    with pytest.raises(WebSocketClosedError):
        flood(peer)
    assert 200_000 < len(peer.stream.kept) < 300_000
    loop.settle()
    assert peer.endpoint.events == [("closed", 1008, None)]


def test_messages_for_a_reader_that_stops_are_dropped_on_demand(loop):
    peer = Peer(loop, max_write_buffer_size=200_000, slow_reader="drop")
    flood(peer)
    assert 200_000 < len(peer.stream.kept) < 300_000
    assert peer.protocol.dropped_messages > 90
    peer.stream.take(300_000)
    loop.settle()
    peer.stream.room = None
    peer.protocol.write_message("again")
    assert peer.received()[-1] == "again"


def test_writers_wait_for_a_reader_that_stops_on_demand(loop):
    peer = Peer(loop, max_write_buffer_size=200_000, slow_reader="wait")
    futures = flood(peer, 10)
    assert not futures[-1].done()
    peer.stream.take(1_000_000)
    loop.settle()
    assert futures[-1].done()
    assert len(peer.received()) == 10


def test_one_message_may_be_larger_than_the_limit(loop):
    peer = Peer(loop, max_write_buffer_size=100)
    peer.stream.room = 0
    peer.protocol.write_message(bytes(1_000_000), binary=True)
    peer.stream.take(2_000_000)
    assert peer.received() == [bytes(1_000_000)]


def test_very_large_messages_keep_their_place(loop):
    peer = Peer(loop)
    large = bytes(SENT_ALONE + 1)

    def on_message(message):
        peer.protocol.write_message("before")
        peer.protocol.write_message(large, binary=True)
        peer.protocol.write_message("behind")

    peer.endpoint.on_message = on_message
    peer.send((1, b"x"))
    assert peer.received() == ["before", large, "behind"]
    peer.stream.room = 0
    future = peer.protocol.write_message(large, binary=True)
    peer.stream.take(SENT_ALONE)
    loop.settle()
    assert not future.done()
    peer.stream.take(SENT_ALONE)
    loop.settle()
    assert future.done()
    assert peer.received()[-1] == large


def test_nothing_is_taken_from_a_peer_that_does_not_read(loop):
    peer = Peer(loop)
    flood(peer, 3)
    peer.send((1, b"a"), (9, b"?"))
    loop.settle()
    assert peer.endpoint.events == []
    assert peer.stream.is_paused
    peer.stream.take(1_000_000)
    loop.settle()
    assert peer.endpoint.events == ["a", ("ping", b"?")]
    assert peer.received()[-1] == ("PONG", b"?")


def test_w3_only_the_latest_of_very_many_pings_is_answered(loop):
    peer = Peer(loop)
    peer.endpoint.on_message = peer.protocol.write_message
    for number in range(3):
        peer.events.clear()
        peer.send((1, b"x"), *[(9, b"%d" % number) for number in range(100)], (1, b"y"))
        answered = [*range(MAX_PONGS - 1), 99]
        pongs = [("PONG", b"%d" % number) for number in answered]
        assert peer.received() == ["x", *pongs, "y"]
    assert len(peer.endpoint.events) == 300


def test_pongs_for_a_peer_that_does_not_read_do_not_pile_up(loop):
    peer = Peer(loop)
    peer.stream.room = 0
    for _ in range(5000):
        if not peer.stream.is_paused:
            peer.send((9, bytes(125)))
    assert len(peer.stream.kept) < 70_000


def test_unknown_policies_are_refused():
    with pytest.raises(ValueError, match="wait, drop, close"):
        ConnectionParams(slow_reader="stop")


@pytest.mark.parametrize("message", [None, 7, ["x"], object()])
def test_what_cannot_be_sent(loop, message):
    peer = Peer(loop)
    with pytest.raises(TypeError, match="str, bytes or a dictionary"):
        peer.protocol.write_message(message)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("x", "x"),
        (b"x", "x"),
        ({"a": 1}, '{"a": 1}'),
        (bytearray(b"x"), "x"),
        (memoryview(b"x"), "x"),
    ],
)
def test_wsk_4_what_is_sent_as_text(loop, message, text):
    peer = Peer(loop)
    peer.protocol.write_message(message)
    assert peer.received() == [text]


# -- the end


def test_a_peer_that_does_not_answer_the_close_frame_is_left(loop):
    peer = Peer(loop)
    peer.protocol.close(1000)
    assert peer.protocol.server_terminated
    assert not peer.protocol.client_terminated
    assert peer.protocol.is_closing()
    loop.advance(CLOSE_TIMEOUT - 0.5)
    assert not peer.stream.closed()
    loop.advance(1)
    assert peer.stream.closed()
    assert peer.endpoint.events == [("closed", None, None)]


def test_the_answer_to_a_close_frame_is_read_although_the_endpoint_is_busy(loop):
    peer = Peer(loop)
    peer.send((1, b"wait"), *[(1, b"x")] * MAX_INBOX)
    loop.settle()
    assert peer.stream.is_paused
    peer.protocol.close(3000)
    loop.settle()
    peer.send((8, make_close_payload(3000, None)))
    loop.settle()
    assert peer.endpoint.events == [("closed", 3000, None)]
    peer.endpoint.gate.set()


def test_a_half_closed_peer_that_reads_nothing_is_left(loop):
    peer = Peer(loop)
    peer.stream.room = 0
    peer.protocol.write_message("x" * 1000)
    assert not peer.stream.receiver.eof_received()
    loop.advance(CLOSE_TIMEOUT + 0.5)
    assert peer.stream.closed()


def test_a_half_closed_peer_is_worked_for_for_some_time(loop):
    peer = Peer(loop)
    peer.send((1, b"wait"), (1, b"x"))
    loop.settle()
    assert peer.stream.receiver.eof_received()
    loop.advance(CLOSE_TIMEOUT + 0.5)
    assert peer.endpoint.events == [("closed", None, None)]
    peer.endpoint.gate.set()


def test_clients_get_what_came_before_the_end(loop):
    peer = Peer(loop, masks=True)
    peer.send((1, b"wait"), (1, b"x"), (8, make_close_payload(3000, "bye")))
    assert peer.received() == [("CLOSE", 3000)]
    loop.advance(CLOSE_TIMEOUT * 2)
    assert peer.stream.closed()
    assert peer.endpoint.events == []
    with pytest.raises(WebSocketClosedError):
        peer.protocol.write_message("late")
    peer.endpoint.gate.set()
    loop.settle()
    assert peer.endpoint.events == ["waited", "x", ("closed", 3000, "bye")]


def test_clients_may_give_up_what_came_before_the_end(loop):
    peer = Peer(loop, masks=True)
    peer.send((1, b"wait"), (1, b"x"))
    loop.settle()
    peer.stream.close()
    loop.settle()
    peer.protocol.close()
    assert peer.endpoint.events == [("closed", None, None)]
    peer.endpoint.gate.set()
    loop.settle()
    assert peer.endpoint.events[1:] == ["waited"]


@pytest.mark.parametrize("message", [b"fail", b"fail later"])
def test_clients_learn_of_the_end_although_their_callback_fails(loop, message):
    peer = Peer(loop, masks=True)
    peer.send((1, b"wait"), (1, message), (1, b"x"), (8, make_close_payload(3000, "bye")))
    loop.settle()
    assert peer.stream.closed()
    peer.endpoint.gate.set()
    loop.settle()
    assert peer.endpoint.errors == [KeyError]
    assert peer.endpoint.events == ["waited", ("closed", 3000, "bye")]


def test_a_close_frame_is_not_forgotten_when_the_connection_breaks(loop):
    peer = Peer(loop)
    peer.send((1, b"wait"), (8, make_close_payload(3000, "bye")))
    loop.settle()
    peer.stream.close()
    loop.settle()
    peer.endpoint.gate.set()
    loop.settle()
    assert peer.endpoint.events == [("closed", 3000, "bye"), "waited"]


def test_messages_that_come_while_closing_are_not_kept(loop):
    peer = Peer(loop)
    peer.send((1, b"wait"))
    loop.settle()
    peer.protocol.close()
    peer.send(*[(1, b"x")] * MAX_INBOX, (8, b""))
    loop.settle()
    assert peer.endpoint.events == [("closed", None, None)]
    peer.endpoint.gate.set()


def test_closing_twice_is_closing_once(loop):
    peer = Peer(loop)
    peer.protocol.close(1001, "a")
    peer.protocol.close(1002, "b")
    assert peer.received() == [("CLOSE", 1001)]
    peer.send((8, b""))
    loop.settle()
    assert peer.endpoint.events == [("closed", None, None)]
    peer.protocol.close()
    with pytest.raises(WebSocketClosedError):
        peer.protocol.write_ping(b"")


@pytest.mark.parametrize(("code", "reason"), [(1005, None), (999, None), (1000, "x" * 124)])
def test_what_a_close_frame_cannot_say(loop, code, reason):
    peer = Peer(loop)
    with pytest.raises(ValueError, match="code|long"):
        peer.protocol.close(code, reason)
    assert not peer.protocol.is_closing()


def test_violations_are_told_to_both_sides(loop):
    peer = Peer(loop)
    peer.send((1, b"\xff"))
    loop.settle()
    assert peer.received() == [("CLOSE", 1007)]
    assert peer.endpoint.events == [("closed", 1007, None)]


def test_nothing_keeps_a_closed_protocol_alive(loop):
    peer = Peer(loop, ping_interval=1)
    peer.stream.close()
    loop.settle()
    assert peer.protocol.handler is None
    assert peer.protocol._pinger is None
    assert peer.protocol._reader._sink is None


# -- pings


def test_w5_pings_find_dead_peers(loop):
    peer = Peer(loop, ping_interval=10, ping_timeout=4)
    loop.advance(9.5)
    assert peer.received() == []
    loop.advance(1)
    assert peer.received() == [("PING", b"")]
    peer.send((10, b""))
    loop.advance(9)
    assert len(peer.received()) == 1
    loop.advance(1)
    assert len(peer.received()) == 2
    loop.advance(3)
    assert not peer.stream.closed()
    loop.advance(1)
    assert peer.stream.closed()


@pytest.mark.parametrize(
    ("interval", "timeout", "expected"),
    [
        (None, None, (0, 0)),
        (0, 5, (0, 0)),
        (10, None, (10, 10)),
        (10, 20, (10, 10)),
        (10, 3, (10, 3)),
    ],
)
def test_w5_the_timeout_is_no_longer_than_the_interval(loop, interval, timeout, expected):
    protocol = Peer(loop, ping_interval=interval, ping_timeout=timeout).protocol
    assert (protocol.ping_interval, protocol.ping_timeout) == expected


def test_w5_pings_stop_with_the_connection(loop):
    peer = Peer(loop, ping_interval=1)
    peer.protocol.close()
    loop.advance(3)
    assert peer.received() == [("CLOSE", None)]


def test_a_ping_that_is_due_after_the_end_is_none(loop):
    peer = Peer(loop, ping_interval=1)
    peer.stream.is_closed = True
    loop.advance(5)
    assert peer.received() == []


def test_a_peer_that_reads_slowly_is_not_dead(loop):
    peer = Peer(loop, ping_interval=2)
    peer.stream.room = 0
    peer.protocol.write_message("x" * 60_000)
    for _ in range(5):
        loop.advance(2)
        peer.stream.take(10_000)
    assert not peer.stream.closed()
    loop.advance(5)
    assert peer.stream.closed()


def test_a_busy_endpoint_does_not_make_the_peer_dead(loop):
    peer = Peer(loop, ping_interval=1)
    peer.send((1, b"wait"), *[(1, b"x")] * MAX_INBOX, (10, b""))
    loop.advance(5)
    assert not peer.stream.closed()
    peer.endpoint.gate.set()
    loop.settle()


def test_names_that_programs_rely_on(loop):
    protocol = Peer(loop, ping_interval=1).protocol
    assert (
        protocol.compute_accept_value("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    )
    assert protocol.ping_sleep_time(last_ping_time=1, interval=10, now=4) == 7
    assert protocol.ping_sleep_time(last_ping_time=1, interval=10, now=40) == 0
    assert (protocol.FIN, protocol.RSV1, protocol.RSV2, protocol.RSV3) == (128, 64, 32, 16)
    assert (protocol.RSV_MASK, protocol.OPCODE_MASK) == (0x70, 0x0F)
    assert protocol.mask_outgoing is False
    assert protocol.selected_subprotocol is None
    protocol.set_nodelay(True)
    assert protocol.stream.nodelay
    protocol.on_connection_close()
    assert protocol.stream.closed()


# -- broadcast


def test_broadcast_writes_to_all_that_are_open(loop):
    peers = [Peer(loop) for _ in range(3)]
    peers.append(Peer(loop, masks=True))
    peers[1].protocol.close()
    broadcast([peer.endpoint for peer in peers], {"a": "\u00fc"})
    assert [peer.received() for peer in peers] == [
        ['{"a": "\\u00fc"}'],
        [("CLOSE", None)],
        ['{"a": "\\u00fc"}'],
        ['{"a": "\\u00fc"}'],
    ]
    broadcast([peers[0].endpoint], b"\xff", binary=True)
    assert peers[0].received()[-1] == b"\xff"


@pytest.mark.parametrize("keeps", [True, False])
def test_broadcast_compresses_once_for_all_who_agreed_upon_the_same(loop, keeps, monkeypatch):
    from tornado._websocket import deflate

    count = []
    compress = deflate.Compressor.compress
    monkeypatch.setattr(
        deflate.Compressor, "compress", lambda *args: count.append(1) or compress(*args)
    )
    agreements = [Agreement(bits, keeps, keeps) for bits in (15, 15, 9)]
    peers = [Peer(loop, agreement=agreement) for agreement in agreements]
    peers.append(Peer(loop))
    for peer, agreement in zip(peers, agreements, strict=False):
        peer.reader._inflater = deflate.Inflater(agreement)
    own, shared = "again and again " * 20, "something else " * 30
    for peer in peers:
        peer.protocol.write_message(own)
    count.clear()
    endpoints = [peer.endpoint for peer in peers]
    broadcast(endpoints, shared)
    assert len(count) == 2
    for peer in peers:
        peer.protocol.write_message(own + "!")
    broadcast(endpoints, "short")
    for peer in peers:
        assert peer.received() == [own, shared, own + "!", "short"]


@pytest.mark.parametrize(
    ("policy", "is_closed"), [("close", True), ("drop", False), ("wait", False)]
)
def test_broadcast_never_waits_for_the_slow(loop, policy, is_closed):
    slow = Peer(loop, max_write_buffer_size=100_000, slow_reader=policy)
    quick = Peer(loop)
    slow.stream.room = 0
    for _ in range(50):
        broadcast([slow.endpoint, quick.endpoint], bytes(10_000), binary=True)
    assert len(quick.received()) == 50
    assert len(slow.stream.kept) < 120_000
    assert slow.stream.closed() is is_closed


def test_broadcast_from_a_handler_keeps_the_order(loop):
    peer = Peer(loop)

    def on_message(message):
        peer.protocol.write_message("1")
        broadcast([peer.endpoint], "2")
        peer.protocol.write_message("3")

    peer.endpoint.on_message = on_message
    peer.send((Opcode.TEXT, b"go"))
    assert peer.received() == ["1", "2", "3"]
    assert peer.stream.sends == 1


# -- large compressed messages

BOTH = Agreement(15, True, True)
LARGE = b"".join(b"%d " % number for number in range(200_000))  # more than a megabyte


def compressing_peer(loop, **params):
    peer = Peer(loop, agreement=BOTH, **params)
    peer.reader._inflater = Inflater(BOTH)
    return peer


def test_large_messages_are_compressed_in_steps(loop):
    peer = compressing_peer(loop)
    futures = [
        peer.protocol.write_message(LARGE, binary=True),
        peer.protocol.write_message("short"),
        peer.protocol.write_message("x" * 1000),
        peer.protocol.write_message(LARGE, binary=True),
    ]
    turns = 0
    while not futures[-1].done():
        turns += 1
        loop.call_soon(loop.stop)
        loop.run_forever()
    assert turns >= 2 * len(LARGE) // STEP
    assert all(future.done() for future in futures)
    assert peer.received() == [LARGE, "short", "x" * 1000, LARGE]
    peer.protocol.write_message("afterwards")
    assert peer.received()[-1] == "afterwards"
    assert peer.protocol._slices is None


def test_control_frames_go_between_the_steps(loop):
    peer = compressing_peer(loop)
    peer.protocol.write_message(LARGE, binary=True)
    loop.call_soon(loop.stop)
    loop.run_forever()
    peer.send((9, b"?"))
    peer.protocol.write_ping(b"!")
    loop.settle()
    assert peer.received() == [("PONG", b"?"), ("PING", b"!"), LARGE]


def test_the_close_frame_comes_after_a_large_message(loop):
    peer = compressing_peer(loop)
    peer.protocol.write_message(LARGE, binary=True)
    peer.protocol.close(3000)
    with pytest.raises(WebSocketClosedError):
        peer.protocol.write_message("late")
    loop.settle()
    assert peer.received() == [LARGE, ("CLOSE", 3000)]


def test_a_peer_that_closes_is_not_sent_the_rest(loop):
    peer = compressing_peer(loop)
    future = peer.protocol.write_message(LARGE, binary=True)
    peer.send((8, b""))
    loop.settle()
    assert peer.received() == [("CLOSE", None)]
    with pytest.raises(WebSocketClosedError):
        future.result()


def test_steps_wait_for_a_peer_that_does_not_read(loop):
    peer = compressing_peer(loop)
    noise = random.Random(1).randbytes(STEP * 8)
    peer.stream.room = 0
    future = peer.protocol.write_message(noise, binary=True)
    loop.settle()
    assert len(peer.stream.kept) < 2 * STEP
    while not future.done():
        peer.stream.take(100_000)
        loop.settle()
    assert peer.received() == [noise]


def test_what_waits_to_be_compressed_counts_as_kept(loop):
    peer = compressing_peer(loop, max_write_buffer_size=2 * len(LARGE))
    for _ in range(3):
        peer.protocol.write_message(LARGE, binary=True)
    with pytest.raises(WebSocketClosedError):
        peer.protocol.write_message("one too many")
    loop.settle()
    assert peer.endpoint.events == [("closed", 1008, None)]


def test_broadcast_stands_behind_a_large_message(loop):
    peer = compressing_peer(loop)
    peer.protocol.write_message(LARGE, binary=True)
    broadcast([peer.endpoint], "all")
    loop.settle()
    assert peer.received() == [LARGE, "all"]
