"""What a handler is told of, in what order, and what its failures lead to."""

import asyncio
import contextlib
import logging
import socket
import ssl

import pytest
import trustme

from tornado import gen
from tornado._websocket.base import MAX_ASIDES
from tornado._websocket.closing import CLOSE_TIMEOUT
from tornado.httpclient import HTTPRequest
from tornado.web import Application
from tornado.websocket import WebSocketClosedError, WebSocketHandler, websocket_connect


class Recording(WebSocketHandler):
    """Puts what happens into a queue."""

    def initialize(self, events):
        self.events = events

    def open(self):
        self.events.put_nowait(self)

    def on_message(self, message):
        self.events.put_nowait(message)

    def on_close(self):
        self.events.put_nowait(("closed", self.close_code, self.close_reason))


class Served:
    """A server for one handler, and connections to it."""

    def __init__(self, handler, ssl_options=None, **settings):
        self.events = asyncio.Queue()
        application = Application([("/", handler, {"events": self.events})], **settings)
        self.server = application.listen(0, "127.0.0.1", ssl_options=ssl_options)
        self.port = next(iter(self.server._sockets.values())).getsockname()[1]
        self.connections = []

    async def __aenter__(self):
        return self

    async def __aexit__(self, *args):
        for connection in self.connections:
            connection.close()
        self.server.stop()
        await self.server.close_all_connections()

    async def connect(self, **options):
        """Return the client's end and the handler."""
        connection = await websocket_connect(f"ws://127.0.0.1:{self.port}/", **options)
        self.connections.append(connection)
        return connection, await self.next()

    async def next(self):
        return await asyncio.wait_for(self.events.get(), 10)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


async def rest_of(connection):
    """Return the messages that still come."""
    return [message async for message in connection]


# -- coroutines


@pytest.mark.parametrize("kind", ["coroutine", "generator"])
def test_all_events_may_be_dealt_with_by_coroutines(kind):
    class Native(Recording):
        async def open(self):
            await asyncio.sleep(0)
            self.events.put_nowait(self)

        async def on_message(self, message):
            await asyncio.sleep(0)
            self.events.put_nowait(message)

        async def on_ping(self, data):
            await asyncio.sleep(0)
            self.events.put_nowait(("ping", data))

        async def on_pong(self, data):
            await asyncio.sleep(0)
            self.events.put_nowait(("pong", data))

        async def on_close(self):
            await asyncio.sleep(0)
            self.events.put_nowait(("closed", self.close_code))

    class Generated(Native):
        @gen.coroutine
        def on_ping(self, data):
            yield gen.moment
            self.events.put_nowait(("ping", data))

        @gen.coroutine
        def on_pong(self, data):
            yield gen.moment
            self.events.put_nowait(("pong", data))

        @gen.coroutine
        def on_close(self):
            yield gen.moment
            self.events.put_nowait(("closed", self.close_code))

    async def main():
        async with Served(Native if kind == "coroutine" else Generated) as served:
            connection, handler = await served.connect()
            connection.ping(b"there")
            assert await served.next() == ("ping", b"there")
            handler.ping(b"back")
            assert await served.next() == ("pong", b"back")
            connection.write_message("hello")
            assert await served.next() == "hello"
            connection.close(4000)
            assert await served.next() == ("closed", 4000)

    run(main())


def test_the_events_of_clients_may_be_dealt_with_by_coroutines(monkeypatch):
    pings = []

    async def on_ping(self, data):
        await asyncio.sleep(0)
        pings.append(data)
        await self.write_message("seen")

    monkeypatch.setattr("tornado.websocket.WebSocketClientConnection.on_ping", on_ping)

    async def main():
        async with Served(Recording) as served:
            _, handler = await served.connect()
            handler.ping(b"one")
            assert await served.next() == "seen"

    run(main())
    assert pings == [b"one"]


def test_coroutines_are_awaited_although_the_factory_of_tasks_enters_their_context():
    class Echo(WebSocketHandler):
        async def open(self):
            await self.write_message("welcome")

        async def on_message(self, message):
            await asyncio.sleep(0)
            await self.write_message(message)

        async def on_ping(self, data):
            await self.write_message(data)

    def make_task(loop, work, *, context=None, **options):
        # As one does that begins tasks at once.
        if context is not None:
            context.run(bool)
        return asyncio.Task(work, loop=loop, context=context, **options)

    async def main():
        asyncio.get_running_loop().set_task_factory(make_task)
        server = Application([("/", Echo)]).listen(0, "127.0.0.1")
        port = next(iter(server._sockets.values())).getsockname()[1]
        connection = await websocket_connect(f"ws://127.0.0.1:{port}/")
        assert await connection.read_message() == "welcome"
        await connection.write_message("hello")
        assert await connection.read_message() == "hello"
        connection.ping(b"ping")
        assert await connection.read_message() == "ping"
        connection.close()
        assert await connection.read_message() is None
        server.stop()
        await server.close_all_connections()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_a_message_may_wait_for_a_pong():
    """Control frames are dealt with although a message is, also where that takes a coroutine."""

    class Asking(Recording):
        async def on_message(self, message):
            self.answered = asyncio.Event()
            self.ping(b"?")
            await self.answered.wait()
            await self.write_message("answered")

        async def on_pong(self, data):
            await asyncio.sleep(0)
            self.answered.set()

    async def main():
        async with Served(Asking) as served:
            connection, _ = await served.connect()
            connection.write_message("go")
            assert await connection.read_message() == "answered"

    run(main())


def test_coroutines_of_pings_do_not_pile_up():
    """A peer that pings faster than the handler can deal with them has to wait."""

    class Slow(Recording):
        running = most = done = 0

        async def on_ping(self, data):
            Slow.running += 1
            Slow.most = max(Slow.most, Slow.running)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            Slow.running -= 1
            Slow.done += 1

    async def main():
        async with Served(Slow) as served:
            connection, _ = await served.connect()
            for _ in range(10 * MAX_ASIDES):
                connection.ping(b"")
            connection.write_message("last")
            assert await served.next() == "last"
            assert Slow.done + Slow.running == 10 * MAX_ASIDES
            assert 0 < Slow.most <= MAX_ASIDES

    run(main())


@pytest.mark.parametrize("event", ["on_ping", "on_pong"])
def test_wsk_11_an_exception_in_a_coroutine_of_a_control_frame_closes(event, caplog):
    async def fail(self, data):
        await asyncio.sleep(0)
        raise KeyError(event)

    async def main():
        async with Served(type("Failing", (Recording,), {event: fail})) as served:
            connection, handler = await served.connect()
            (connection if event == "on_ping" else handler).ping(b"x")
            assert await connection.read_message() is None
            assert connection.close_code == 1011
            assert await served.next() == ("closed", None, None)

    run(main())
    assert f"KeyError: '{event}'" in caplog.text


@pytest.mark.parametrize("is_async", [False, True])
def test_a_method_that_yields_and_is_no_coroutine_is_an_error(is_async, caplog):
    """Nothing in it would ever be run."""

    class Yielding(Recording):
        def on_message(self, message):
            yield self.write_message(message)

    class YieldingAsync(Recording):
        async def on_message(self, message):
            yield self.write_message(message)

    async def main():
        async with Served(YieldingAsync if is_async else Yielding) as served:
            connection, _ = await served.connect()
            connection.write_message("x")
            assert await connection.read_message() is None
            assert connection.close_code == 1011
            assert await served.next() == ("closed", None, None)

    run(main())
    assert "needs gen.coroutine" in caplog.text


@pytest.mark.parametrize("waits", [False, True])
def test_an_exception_in_on_close_is_logged(waits, caplog):
    caplog.set_level(logging.ERROR, "tornado.application")

    class Failing(Recording):
        def on_close(self):
            super().on_close()
            if waits:
                return self.fail()
            raise KeyError("in the end")

        async def fail(self):
            await asyncio.sleep(0)
            raise KeyError("in the end")

    async def main():
        async with Served(Failing) as served:
            connection, _ = await served.connect()
            connection.close()
            assert (await served.next())[0] == "closed"
            while not caplog.records:
                await asyncio.sleep(0)

    run(main())
    assert "Uncaught exception in on_close" in caplog.text
    assert "KeyError: 'in the end'" in caplog.text


# -- the handshake is a request, too


def test_headers_of_the_handler_are_in_the_handshake():
    class Adorned(Recording):
        def set_default_headers(self):
            self.set_header("X-Default", "one")

        def prepare(self):
            self.add_header("X-Prepared", "two")
            self.add_header("X-Prepared", "three")
            self.set_header("Content-Type", "text/plain")
            self.set_header("Upgrade", "something else")
            self.set_cookie("a", "b")

    async def main():
        async with Served(Adorned) as served:
            connection, _ = await served.connect()
            headers = connection.headers
            assert headers["X-Default"] == "one"
            assert headers.get_list("X-Prepared") == ["two", "three"]
            assert headers.get_list("Set-Cookie") == ["a=b; Path=/"]
            assert headers.get_list("Upgrade") == ["websocket"]
            assert "Content-Type" not in headers

    run(main())


def test_on_finish_is_called_when_http_ends():
    """Before ``open``; what `prepare` has begun for the request may be ended there."""

    class Finishing(Recording):
        def prepare(self):
            self.events.put_nowait("prepare")

        def on_finish(self):
            self.events.put_nowait(("finish", self.get_status()))

    async def main():
        async with Served(Finishing) as served:
            connection, first = await served.connect()
            assert first == "prepare"
            assert await served.next() == ("finish", 101)
            assert isinstance(await served.next(), Finishing)
            connection.close()
            assert (await served.next())[0] == "closed"
        assert served.events.empty()

    run(main())


def test_an_exception_in_on_finish_closes(caplog):
    class Failing(Recording):
        def on_finish(self):
            self.events.put_nowait(None)
            raise KeyError("finish")

    async def main():
        async with Served(Failing) as served:
            connection, _ = await served.connect()
            assert await connection.read_message() is None
            assert connection.close_code == 1011
            assert (await served.next())[0] == "closed"

    run(main())
    assert "KeyError: 'finish'" in caplog.text


def test_an_exception_of_the_log_function_leaves_nothing_open(caplog):
    def fail(handler):
        raise KeyError("log")

    async def main():
        async with Served(Recording, log_function=fail) as served:
            connection = await websocket_connect(f"ws://127.0.0.1:{served.port}/")
            assert await connection.read_message() is None
            assert connection.close_code is None
        assert served.events.empty()

    run(main())
    assert "KeyError: 'log'" in caplog.text


# -- the end, in all the ways there are


def by_client(connection, handler):
    connection.close(4000, "enough")


def by_server(connection, handler):
    handler.close(4001, "enough")


def by_both(connection, handler):
    connection.close(4000)
    handler.close(4001)


def by_losing_the_connection(connection, handler):
    connection.stream.close()


def by_closing_the_stream(connection, handler):
    handler.ws_connection.stream.close()


def by_aborting(connection, handler):
    handler.ws_connection._abort()


def by_giving_it_up(connection, handler):
    handler.on_connection_close()


def by_an_exception(connection, handler):
    connection.write_message("fail")


def by_a_violation(connection, handler):
    connection.stream.write(b"\xff\xff")


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (by_client, (4000, "enough")),
        (by_server, (4001, None)),
        (by_both, None),
        (by_losing_the_connection, (None, None)),
        (by_closing_the_stream, (None, None)),
        (by_aborting, (None, None)),
        (by_giving_it_up, (None, None)),
        (by_an_exception, (None, None)),
        (by_a_violation, (1002, None)),
    ],
)
def test_wsk_3_on_close_is_called_once_however_it_ends(end, expected, waits, caplog):
    """Also while a message is dealt with."""

    class Handler(Recording):
        async def on_message(self, message):
            if message == "wait":
                self.events.put_nowait("waiting")
                await asyncio.Event().wait()
            elif message == "fail":
                raise KeyError(message)

    async def main():
        async with Served(Handler) as served:
            connection, handler = await served.connect()
            if waits and end is not by_an_exception and end is not by_client:
                connection.write_message("wait")
                assert await served.next() == "waiting"
            end(connection, handler)
            event = await served.next()
            assert event[0] == "closed"
            assert expected is None or event[1:] == expected
            assert handler.ws_connection is None
            with pytest.raises(WebSocketClosedError):
                handler.write_message("too late")
            with pytest.raises(WebSocketClosedError):
                handler.ping()
            handler.close()
            handler.on_connection_close()
            await rest_of(connection)
        # All that could still be told has been, now that nothing is connected any more.
        assert served.events.empty()

    run(main())


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("second", ["raise", "write"])
def test_the_close_frame_arrives_although_the_handler_fails_afterwards(later, second, caplog):
    class Handler(Recording):
        def on_message(self, message):
            return self.end_later() if later else self.end()

        async def end_later(self):
            await asyncio.sleep(0)
            self.end()

        def end(self):
            self.write_message("last")
            self.close(4002, "done")
            if second == "raise":
                raise KeyError("after that")
            self.write_message("too late")

    async def main():
        async with Served(Handler) as served:
            connection, _ = await served.connect()
            connection.write_message("go")
            assert await rest_of(connection) == ["last"]
            assert (connection.close_code, connection.close_reason) == (4002, "done")
            assert await served.next() == ("closed", 4002, None)

    run(main())
    assert ("after that" in caplog.text) == (second == "raise")


def test_what_was_written_before_giving_up_arrives():
    class Handler(Recording):
        def on_message(self, message):
            self.write_message("last")
            self.on_connection_close()

    async def main():
        async with Served(Handler) as served:
            connection, _ = await served.connect()
            connection.write_message("go")
            assert await rest_of(connection) == ["last"]
            assert connection.close_code is None
            assert await served.next() == ("closed", None, None)

    run(main())


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
def test_w2_who_is_still_sending_learns_why_the_connection_ends(secure):
    """No reset overtakes the close frame."""
    ours = theirs = None
    if secure:
        authority = trustme.CA()
        ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(ours)
        theirs = ssl.create_default_context()
        authority.configure_trust(theirs)

    async def main():
        async with Served(Recording, ssl_options=ours, websocket_max_message_size=1000) as served:
            url = f"{'wss' if secure else 'ws'}://127.0.0.1:{served.port}/"
            connection = await websocket_connect(HTTPRequest(url, ssl_options=theirs))
            await served.next()
            for _ in range(5):
                connection.write_message(bytes(3 << 20), binary=True)
            assert await connection.read_message() is None
            assert (connection.close_code, connection.close_reason) == (1009, "message too large")
            assert await served.next() == ("closed", 1009, None)

    run(main())


def test_on_close_comes_after_messages_that_came_before_the_end():
    """It doesn't wait for more than them: a connection without the closing handshake is at its end
    when they are dealt with."""

    class Handler(Recording):
        async def on_message(self, message):
            if message == "first":
                self.events.put_nowait("first")
                self.gate = asyncio.Event()
                await self.gate.wait()
            else:
                self.events.put_nowait(message)
                await self.write_message("perhaps the peer still reads")

    async def main():
        async with Served(Handler) as served:
            connection, handler = await served.connect()
            connection.write_message("first")
            connection.write_message("second")
            assert await served.next() == "first"
            protocol = handler.ws_connection
            while not protocol._inbox:
                await asyncio.sleep(0)
            connection.stream.socket.shutdown(socket.SHUT_WR)
            while not protocol._has_eof:
                await asyncio.sleep(0)
            begun = asyncio.get_running_loop().time()
            handler.gate.set()
            assert await served.next() == "second"
            assert await connection.read_message() == "perhaps the peer still reads"
            assert await connection.read_message() is None
            assert await served.next() == ("closed", None, None)
            assert asyncio.get_running_loop().time() - begun < CLOSE_TIMEOUT

    run(main())


def test_writers_learn_of_the_end():
    """Each of several writers gets the error, whatever it was at."""

    async def write(handler):
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                await handler.write_message("x" * 100_000)

    async def main():
        async with Served(Recording, websocket_slow_reader="wait") as served:
            connection, handler = await served.connect()
            writers = [asyncio.create_task(write(handler)) for _ in range(5)]
            # Nobody reads, so all of them wait before long.
            while not handler.ws_connection.is_choked():
                await asyncio.sleep(0)
            connection.stream.close()
            results = await asyncio.gather(*writers, return_exceptions=True)
            assert [type(result) for result in results] == [WebSocketClosedError] * 5

    run(main())
