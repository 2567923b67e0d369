"""Streams over loops that can't watch descriptors, such as the default loop of Windows."""

import asyncio
import threading

import pytest

from tornado.ioloop import IOLoop
from tornado.iostream import IOStream, StreamClosedError
from tornado.netutil import bind_sockets
from tornado.tcpclient import TCPClient
from tornado.tcpserver import TCPServer

LIMIT = 10


class Proactor(asyncio.SelectorEventLoop):
    """As far as programs know, it has what Windows' loop has."""

    add_reader = asyncio.AbstractEventLoop.add_reader
    add_writer = asyncio.AbstractEventLoop.add_writer
    remove_reader = asyncio.AbstractEventLoop.remove_reader
    remove_writer = asyncio.AbstractEventLoop.remove_writer


class EchoServer(TCPServer):
    def __init__(self):
        super().__init__()
        self.ended = asyncio.Queue()

    async def handle_stream(self, stream, address):
        try:
            while True:
                await stream.write(await stream.read_until(b"\n"))
        except StreamClosedError:
            self.ended.put_nowait(address)


def run(main):
    with asyncio.Runner(loop_factory=Proactor) as runner:
        return runner.run(asyncio.wait_for(main(), LIMIT))


def watchers():
    return [thread for thread in threading.enumerate() if thread.name == "selector"]


def test_a_server_and_its_clients():
    async def main():
        server = EchoServer()
        [listening] = bind_sockets(0, "127.0.0.1")
        server.add_socket(listening)
        port = listening.getsockname()[1]
        client = TCPClient()

        async def talk(number):
            stream = await client.connect("127.0.0.1", port)
            for size in (1, 1000, 300_000):
                line = b"%d:" % number + b"x" * size + b"\n"
                await stream.write(line)
                assert await stream.read_until(b"\n") == line
            stream.close()

        await asyncio.gather(*map(talk, range(5)))
        for _ in range(5):
            await server.ended.get()
        server.stop()
        client.close()

    run(main)
    assert not watchers()


def test_ends_and_failures_are_noticed():
    async def main():
        [listening] = bind_sockets(0, "127.0.0.1")
        port = listening.getsockname()[1]
        stream = await TCPClient().connect("127.0.0.1", port)
        peer, _ = listening.accept()
        closed = asyncio.Event()
        stream.set_close_callback(closed.set)
        peer.close()
        await closed.wait()
        listening.close()
        with pytest.raises(StreamClosedError):
            await TCPClient().connect("127.0.0.1", port)

    run(main)


def test_a_loop_of_its_own_and_nothing_left_when_it_is_closed():
    asyncio_loop = Proactor()
    asyncio.set_event_loop(asyncio_loop)
    try:
        loop = IOLoop.current()

        async def main():
            server = EchoServer()
            [listening] = bind_sockets(0, "127.0.0.1")
            server.add_socket(listening)
            stream = await TCPClient().connect(*listening.getsockname())
            assert isinstance(stream, IOStream)
            await stream.write(b"line\n")
            assert await stream.read_until(b"\n") == b"line\n"
            stream.close()
            await server.ended.get()
            server.stop()

        loop.run_sync(main, LIMIT)
        assert len(watchers()) == 1
        loop.close()
        assert asyncio_loop.is_closed()
        assert not watchers()
    finally:
        asyncio.set_event_loop(None)
