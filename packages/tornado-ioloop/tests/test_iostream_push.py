"""The push interface of streams: receivers, flow control, sending, and the end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import socket
import struct
import weakref
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from tornado._ioloop.readiness import Readiness
from tornado.iostream import IOStream, StreamBufferFullError, StreamClosedError


def run(main: Coroutine[Any, Any, Any]) -> Any:
    async def limited() -> Any:
        async with asyncio.timeout(20):
            return await main

    return asyncio.run(limited())


class Recorder:
    """A receiver that notes what happens and lets a test wait for it."""

    def __init__(self, stay: bool = False) -> None:
        self.events: list[Any] = []
        self.data = b""
        self.stay = stay
        self.changed = asyncio.Event()
        self.on_data: Any = None

    def note(self, event: Any) -> None:
        self.events.append(event)
        self.changed.set()

    def data_received(self, data: bytes) -> None:
        self.data += data
        self.note(data)
        if self.on_data is not None:
            self.on_data(data)

    def eof_received(self) -> bool | None:
        self.note("eof")
        return self.stay

    def connection_lost(self, exc: BaseException | None) -> None:
        self.note(("lost", exc))

    def pause_writing(self) -> None:
        self.note("pause")

    def resume_writing(self) -> None:
        self.note("resume")

    async def until(self, condition: Any) -> None:
        while not condition(self):
            self.changed.clear()
            await self.changed.wait()

    @property
    def lost(self) -> bool:
        return any(isinstance(event, tuple) for event in self.events)


@contextlib.asynccontextmanager
async def connected(**options: Any) -> AsyncIterator[tuple[IOStream, socket.socket]]:
    """A stream and the plain socket at its other end."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    stream = IOStream(ours, **options)
    try:
        yield stream, theirs
    finally:
        stream.close()
        theirs.close()
        await asyncio.sleep(0)


async def read_all(sock: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    data = b""
    while len(data) < size:
        data += await loop.sock_recv(sock, 1 << 20)
    return data


def test_input_goes_to_the_receiver() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            receiver = Recorder()
            stream.start_receiving(receiver)
            peer.send(b"one")
            await receiver.until(lambda r: r.data == b"one")
            peer.send(b"two")
            await receiver.until(lambda r: r.data == b"onetwo")
            assert receiver.events == [b"one", b"two"]

    run(main())


def test_one_event_makes_one_call_of_at_most_a_chunk() -> None:
    async def main() -> None:
        async with connected(read_chunk_size=10) as (stream, peer):
            receiver = Recorder()
            peer.send(b"x" * 25)
            stream.start_receiving(receiver)
            await receiver.until(lambda r: len(r.data) == 25)
            assert [len(event) for event in receiver.events] == [10, 10, 5]

    run(main())


def test_buffered_bytes_come_first_and_never_from_inside_the_call() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            peer.send(b"line\nrest")
            assert await stream.read_until(b"\n") == b"line\n"
            peer.send(b" and more")
            receiver = Recorder()
            stream.start_receiving(receiver)
            assert receiver.events == []
            await receiver.until(lambda r: r.data == b"rest and more")
            assert receiver.events[0] == b"rest"

    run(main())


def test_a_second_receiver_replaces_the_first() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            first, second = Recorder(), Recorder()
            stream.start_receiving(first)
            first.on_data = lambda data: stream.start_receiving(second)
            peer.send(b"upgrade")
            await first.until(lambda r: r.events)
            peer.send(b"new protocol")
            await second.until(lambda r: r.data == b"new protocol")
            assert first.events == [b"upgrade"]

    run(main())


def test_a_detached_protocol_returns_what_it_has_not_used() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            first, second = Recorder(), Recorder()

            def detach(data: bytes) -> None:
                stream.stop_receiving()
                stream.unread(data[4:])
                stream.start_receiving(second)

            first.on_data = detach
            stream.start_receiving(first)
            peer.send(b"headrest")
            await second.until(lambda r: r.data == b"rest")

    run(main())


def test_unread_bytes_precede_buffered_ones_and_reach_reads() -> None:
    async def main() -> None:
        async with connected() as (stream, _):
            stream.unread(b"world")
            stream.unread(b"hello ")
            assert await stream.read_bytes(11) == b"hello world"

    run(main())


def test_pending_read_and_receiver_exclude_each_other() -> None:
    async def main() -> None:
        async with connected() as (stream, _):
            read = stream.read_bytes(1)
            with pytest.raises(RuntimeError, match="pending"):
                stream.start_receiving(Recorder())
            with pytest.raises(RuntimeError, match="pending"):
                stream.unread(b"x")
            read.cancel()
            stream.start_receiving(Recorder())
            with pytest.raises(RuntimeError, match="receiver"):
                stream.read_bytes(1)

    run(main())


def test_after_stop_receiving_bytes_wait_for_a_read() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            receiver = Recorder()
            stream.start_receiving(receiver)
            receiver.on_data = lambda data: stream.stop_receiving()
            peer.send(b"a")
            await receiver.until(lambda r: r.data)
            peer.send(b"b")
            assert await stream.read_bytes(1) == b"b"
            assert receiver.data == b"a"

    run(main())


def test_nothing_is_delivered_while_paused() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            receiver = Recorder()
            stream.unread(b"early ")
            stream.start_receiving(receiver)
            stream.pause_reading()
            stream.pause_reading()
            peer.send(b"late")
            # The other direction works meanwhile, so the loop has had its chances to deliver.
            stream.send(b"ping")
            await read_all(peer, 4)
            await asyncio.sleep(0)
            assert receiver.events == []
            stream.resume_reading()
            stream.resume_reading()
            assert receiver.events == []
            await receiver.until(lambda r: r.data == b"early late")

    run(main())


def test_resume_without_pause_does_nothing() -> None:
    async def main() -> None:
        async with connected() as (stream, _):
            stream.resume_reading()
            assert await asyncio.wait_for(stream.write(b"x"), 1) is None

    run(main())


def test_send_says_whether_something_is_kept() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            assert stream.send(b"small") is True
            assert stream.write_buffer_size == 0
            big = b"x" * 5_000_000
            assert stream.send(big) is False
            assert 0 < stream.write_buffer_size <= len(big)
            assert stream.send(b"end") is False
            waiting = stream.write(b"")
            received = await read_all(peer, 5 + len(big) + 3)
            assert received == b"small" + big + b"end"
            await waiting
            assert stream.write_buffer_size == 0
            assert not stream.writing()
            assert stream.send(b"direct again") is True

    run(main())


@pytest.mark.parametrize("size", [10, 5_000_000])
def test_pieces_are_sent_one_after_the_other(size: int) -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            pieces = (b"head", b"x" * size, b"end")
            assert stream.send_pieces(pieces) is (size == 10)
            assert stream.send_pieces((b"more", b"")) is (size == 10)
            assert await read_all(peer, size + 11) == b"".join(pieces) + b"more"
            await stream.write(b"")
            stream.max_write_buffer_size = 4
            assert stream.send_pieces((b"li", b"mi"))
            with pytest.raises(StreamBufferFullError):
                stream.send_pieces((b"lim", b"it"))
            assert await read_all(peer, 4) == b"limi"
            peer.close()
            stream.max_write_buffer_size = None
            with pytest.raises(StreamClosedError):
                while True:
                    stream.send_pieces((b"x", b"y"))
            assert stream.closed()

    run(main())


def test_pieces_go_through_the_hooks_of_a_subclass() -> None:
    written = []

    class Own(IOStream):
        def write_to_fd(self, data: memoryview) -> int:
            written.append(bytes(data))
            return super().write_to_fd(data)

    async def main() -> None:
        here, there = socket.socketpair()
        stream = Own(here)
        assert stream.send_pieces((b"one ", b"two"))
        assert there.recv(100) == b"one two"
        assert written == [b"one two"]
        stream.close()
        there.close()

    run(main())


def test_pieces_are_joined_where_sockets_cannot_take_several() -> None:
    class SocketOfWindows(socket.socket):
        @property
        def sendmsg(self) -> Any:
            raise AttributeError("sendmsg")

    async def main() -> None:
        here, there = socket.socketpair()
        family, kind = here.family, here.type
        with SocketOfWindows(family, kind, fileno=here.detach()) as ours:
            stream = IOStream(ours)
            assert stream.send_pieces((b"one ", b"two"))
            assert there.recv(100) == b"one two"
            stream.close()
        there.close()

    run(main())


def test_watermarks_pause_and_resume_the_receiver() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            receiver = Recorder()
            stream.start_receiving(receiver)
            while stream.send(b"x" * 60000):
                pass
            stream.send(b"x" * 60000)
            stream.send(b"x" * 60000)
            assert receiver.events == ["pause"]
            total = 0
            loop = asyncio.get_running_loop()
            while "resume" not in receiver.events:
                total += len(await loop.sock_recv(peer, 10000))
            assert receiver.events == ["pause", "resume"]
            assert stream.write_buffer_size <= 16384

    run(main())


class Collecting(Recorder):
    """Sends what it has collected when it has to."""

    def __init__(self, stream: IOStream) -> None:
        super().__init__()
        self.stream, self.collected = stream, b""

    def flush_output(self) -> None:
        collected, self.collected = self.collected, b""
        if collected:
            with contextlib.suppress(StreamClosedError):
                self.stream.send(collected)


def test_what_a_receiver_has_collected_goes_before_what_others_write() -> None:
    async def main() -> None:
        async with connected() as (stream, theirs):
            receiver = Collecting(stream)
            stream.start_receiving(receiver)
            receiver.collected = b"first "
            await stream.write(b"second ")
            receiver.collected = b"third"
            stream.close()
            assert theirs.recv(100) == b"first second third"
            await receiver.until(lambda it: it.lost)
            assert receiver.events == [("lost", None)]

    run(main())


def test_a_stream_that_turns_out_to_be_broken_when_it_is_closed_is_closed_once() -> None:
    async def main() -> None:
        async with connected() as (stream, theirs):
            receiver = Collecting(stream)
            stream.start_receiving(receiver)
            receiver.collected = b"x"
            theirs.close()
            stream.close()
            assert stream.closed()
            await receiver.until(lambda it: it.lost)
            assert len(receiver.events) == 1

    run(main())


def test_output_limit_is_checked_before_anything_is_sent() -> None:
    async def main() -> None:
        async with connected(max_write_buffer_size=100) as (stream, peer):
            assert stream.send(b"x" * 100)
            with pytest.raises(StreamBufferFullError):
                stream.send(b"x" * 101)
            assert not stream.closed()
            stream.max_write_buffer_size = 101
            assert stream.send(b"y" * 101)
            assert await read_all(peer, 201) == b"x" * 100 + b"y" * 101

    run(main())


def test_sending_on_a_closed_stream_raises() -> None:
    async def main() -> None:
        async with connected() as (stream, _):
            stream.close(exc_info=ValueError("why"))
            with pytest.raises(StreamClosedError) as caught:
                stream.send(b"x")
            assert isinstance(caught.value.real_error, ValueError)

    run(main())


def test_sending_to_a_vanished_peer_closes_and_raises() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            receiver = Recorder()
            stream.start_receiving(receiver)
            peer.close()
            with pytest.raises(StreamClosedError) as caught:
                stream.send(b"x")
            assert isinstance(caught.value.real_error, BrokenPipeError)
            assert stream.closed()
            await receiver.until(lambda r: r.lost)
            assert receiver.events == [("lost", stream.error)]

    run(main())


def test_the_end_of_the_input_closes_the_stream_and_is_told_once() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            receiver = Recorder()
            stream.start_receiving(receiver)
            peer.send(b"last")
            peer.close()
            await receiver.until(lambda r: r.lost)
            assert receiver.events == [b"last", "eof", ("lost", None)]
            assert stream.closed()
            assert stream.error is None
            assert stream.socket is None
            stream.close()
            await asyncio.sleep(0)
            assert len(receiver.events) == 3

    run(main())


def test_output_is_written_before_the_stream_follows_the_peers_end() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            receiver = Recorder()
            stream.start_receiving(receiver)
            big = b"x" * 3_000_000
            stream.send(big)
            peer.shutdown(socket.SHUT_WR)
            await receiver.until(lambda r: "eof" in r.events)
            assert not stream.closed()
            assert await read_all(peer, len(big)) == big
            await receiver.until(lambda r: r.lost)
            assert receiver.events[-1] == ("lost", None)

    run(main())


def test_a_receiver_may_keep_the_stream_open_after_the_end_of_the_input() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            receiver = Recorder(stay=True)
            stream.start_receiving(receiver)
            peer.shutdown(socket.SHUT_WR)
            await receiver.until(lambda r: r.events)
            stream.pause_reading()
            stream.resume_reading()
            assert stream.send(b"answer")
            assert await read_all(peer, 6) == b"answer"
            assert receiver.events == ["eof"]
            assert not stream.closed()

    run(main())


def test_connection_lost_never_comes_from_inside_close() -> None:
    async def main() -> None:
        async with connected() as (stream, _):
            receiver = Recorder()
            stream.start_receiving(receiver)
            stream.close()
            assert receiver.events == []
            await receiver.until(lambda r: r.lost)
            assert receiver.events == [("lost", None)]

    run(main())


def test_a_receiver_that_comes_after_the_end_gets_what_is_left() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            peer.send(b"line\nrest")
            await stream.read_until(b"\n")
            stream.close()
            receiver = Recorder()
            stream.start_receiving(receiver)
            assert receiver.events == []
            await receiver.until(lambda r: r.lost)
            assert receiver.events == [b"rest", ("lost", None)]

    run(main())


def test_a_reset_is_told_with_its_error() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            peer = socket.create_connection(listening.getsockname())
            accepted, _ = listening.accept()
        stream = IOStream(accepted)
        receiver = Recorder()
        stream.start_receiving(receiver)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        await receiver.until(lambda r: r.lost)
        assert isinstance(stream.error, ConnectionResetError)
        assert receiver.events == [("lost", stream.error)]

    run(main())


def test_an_exception_in_the_receiver_is_logged_once_and_closes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            receiver = Recorder()

            def fail(data: bytes) -> None:
                raise ValueError("broken receiver")

            receiver.on_data = fail
            stream.start_receiving(receiver)
            peer.send(b"x")
            await receiver.until(lambda r: r.lost)
            assert isinstance(stream.error, ValueError)

    run(main())
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert errors[0].name == "tornado.application"


def test_a_receiver_may_close_the_stream_while_it_is_called() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            receiver = Recorder()
            receiver.on_data = lambda data: stream.close()
            stream.start_receiving(receiver)
            peer.send(b"x")
            await receiver.until(lambda r: r.lost)
            assert receiver.events == [b"x", ("lost", None)]

    run(main())


def test_start_receiving_before_connect() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            stream = IOStream(socket.socket())
            receiver = Recorder()
            stream.start_receiving(receiver)
            connecting = stream.connect(listening.getsockname())
            assert stream.send(b"early") is False
            peer, _ = listening.accept()
            with peer:
                peer.send(b"hello")
                await connecting
                await receiver.until(lambda r: r.data == b"hello")
                peer.setblocking(False)
                assert await read_all(peer, 5) == b"early"
                stream.close()
                await receiver.until(lambda r: r.lost)

    run(main())


def test_a_closed_stream_dies_by_reference_count() -> None:
    async def main() -> None:
        gc.disable()
        try:
            for ending in ("close", "eof", "reset"):
                ours, theirs = socket.socketpair()
                stream = IOStream(ours)
                receiver = Recorder()
                stream.start_receiving(receiver)
                theirs.send(b"x")
                await receiver.until(lambda r: r.data)
                if ending == "close":
                    stream.close()
                elif ending == "reset":
                    stream.send(b"unread makes closing a reset")
                theirs.close()
                await receiver.until(lambda r: r.lost)
                watched = weakref.ref(stream)
                receiver.events.clear()
                del stream
                await asyncio.sleep(0)
                assert watched() is None, ending
        finally:
            gc.enable()

    run(main())


def test_an_idle_stream_is_small() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            receiver = Recorder()
            stream.start_receiving(receiver)
            peer.send(b"x")
            await receiver.until(lambda r: r.data)
            stream.send(b"y")
            assert len(vars(stream)) <= 16
            assert stream._queue is None
            assert stream._read_buffer is None

    run(main())


def test_the_reader_is_registered_once_for_many_messages() -> None:
    async def main() -> None:
        async with connected() as (stream, peer):
            loop = asyncio.get_running_loop()
            calls: list[str] = []

            class Counted(Readiness):
                """Notes what streams ask for."""

                def add_reader(self, fd: Any, callback: Any, context: Any = None) -> None:
                    calls.append("add")
                    super().add_reader(fd, callback, context)

                def remove_reader(self, fd: Any) -> None:
                    calls.append("remove")
                    super().remove_reader(fd)

            stream.io_loop._readiness = Counted(loop)
            receiver = Recorder()
            receiver.on_data = stream.send
            stream.start_receiving(receiver)
            for _ in range(20):
                await loop.sock_sendall(peer, b"message")
                await receiver.until(lambda r: r.data)
                receiver.data = b""
            assert calls == ["add"]

    run(main())


@contextlib.asynccontextmanager
async def half_closed() -> AsyncIterator[IOStream]:
    """A stream whose receiver has been told of the end of its input, and has stayed."""
    async with connected() as (stream, peer):
        receiver = Recorder(stay=True)
        stream.start_receiving(receiver)
        peer.send(b"request")
        peer.shutdown(socket.SHUT_WR)
        await receiver.until(lambda r: "eof" in r.events)
        yield stream
        assert receiver.events == [b"request", "eof"]


def test_reads_learn_of_an_end_of_which_a_receiver_was_told() -> None:
    async def main() -> None:
        async with half_closed() as stream:
            stream.stop_receiving()
            stream.unread(b"rest")
            assert await stream.read_bytes(1) == b"r"
            assert await stream.read_until_close() == b"est"
            assert stream.closed()
        async with half_closed() as stream:
            stream.stop_receiving()
            with pytest.raises(StreamClosedError):
                await stream.read_bytes(1)

    run(main())


@pytest.mark.parametrize("stop", [True, False])
@pytest.mark.parametrize("pause", [True, False])
def test_the_next_receiver_learns_of_the_end_once_and_last(stop: bool, pause: bool) -> None:
    async def main() -> None:
        async with half_closed() as stream:
            if stop:
                stream.stop_receiving()
                stream.unread(b"rest")
            following = Recorder(stay=True)
            stream.start_receiving(following)
            if pause:
                stream.pause_reading()
                for _ in range(3):
                    await asyncio.sleep(0)
                assert not following.events
                stream.resume_reading()
            await following.until(lambda r: "eof" in r.events)
            for _ in range(3):
                await asyncio.sleep(0)
            assert following.events == ([b"rest", "eof"] if stop else ["eof"])

    run(main())


def test_a_close_callback_learns_of_an_end_of_which_a_receiver_was_told() -> None:
    async def main() -> None:
        async with half_closed() as stream:
            closed = asyncio.Event()
            stream.stop_receiving()
            stream.set_close_callback(closed.set)
            await closed.wait()

    run(main())
