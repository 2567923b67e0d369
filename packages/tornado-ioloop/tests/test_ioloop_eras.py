"""Whole programs as the documents of versions 2.x to 6.x show them: each API at its own work."""

import asyncio
import contextlib
import functools
import logging
import socket
import subprocess
import sys
import textwrap

import pytest

from tornado import gen, queues
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.iostream import IOStream, StreamClosedError
from tornado.stack_context import StackContext
from tornado.tcpclient import TCPClient
from tornado.tcpserver import TCPServer

LIMIT = 10


@pytest.fixture
def loop():
    loop = IOLoop()
    overdue = loop.call_later(LIMIT, pytest.fail, "the program doesn't end")
    yield loop
    loop.remove_timeout(overdue)
    loop.close()


@pytest.fixture
def web_server():
    """A process's worth of server: it answers one request per connection, then closes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def answer_with(listening, loop, response):
    """Answer each connection on a socket, from the loop itself."""
    listening.setblocking(False)
    asked = []

    def accept(sock, events):
        connection, _ = sock.accept()
        stream = IOStream(connection)

        def respond(head):
            asked.append(head)
            stream.write(response, stream.close)

        stream.read_until(b"\r\n\r\n", respond)

    loop.add_handler(listening, accept, loop.READ)
    return asked


# -- the loop alone


def test_iol_9_a_server_made_of_handlers_alone(loop):
    """A TCP server on ``add_handler``: nothing but sockets and masks."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    pending = {}

    def on_ready(fd, events):
        with contextlib.suppress(BlockingIOError):
            while True:
                connection, _ = listening.accept()
                connection.setblocking(False)
                pending[connection.fileno()] = (connection, bytearray())
                loop.add_handler(connection.fileno(), on_talk, loop.READ)

    def on_talk(fd, events):
        connection, output = pending[fd]
        if events & loop.READ:
            data = connection.recv(1000)
            if not data:
                loop.remove_handler(fd)
                connection.close()
                del pending[fd]
                return
            output += data.upper()
        if output:
            del output[: connection.send(output)]
        loop.update_handler(fd, loop.READ | loop.WRITE if output else loop.READ)

    loop.add_handler(listening.fileno(), on_ready, loop.READ)
    results = []

    def client(number):
        with socket.create_connection(listening.getsockname(), LIMIT) as sock:
            sock.sendall(b"hello %d" % number)
            sock.shutdown(socket.SHUT_WR)
            results.append(sock.makefile("rb").read())

    async def clients():
        await asyncio.gather(*(asyncio.to_thread(client, number) for number in range(5)))
        while pending:
            await asyncio.sleep(0)

    loop.run_sync(clients, LIMIT)
    assert sorted(results) == [b"HELLO %d" % number for number in range(5)]
    loop.remove_handler(listening.fileno())
    listening.close()


def test_iol_25_a_clock_that_ends_the_program(loop):
    ticks = []

    def tick():
        ticks.append(loop.time())
        if len(ticks) == 3:
            clock.stop()
            loop.stop()

    clock = PeriodicCallback(tick, 5, loop)
    clock.start()
    loop.start()
    assert len(ticks) == 3


# -- streams with callbacks


def test_ios_2_an_http_client_of_callbacks(loop, web_server):
    """Connect, write, and read the head, then as much as it says: each in the callback before."""
    body = b"<p>" + b"words " * 2000
    asked = answer_with(
        web_server,
        loop,
        b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body),
    )
    seen = {}

    def send_request():
        stream.write(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
        stream.read_until(b"\r\n\r\n", on_headers)

    def on_headers(data):
        lines = data.decode("ascii").split("\r\n")
        seen["status"] = lines[0]
        fields = dict(line.split(": ", 1) for line in lines[1:] if line)
        stream.read_bytes(int(fields["Content-Length"]), on_body)

    def on_body(data):
        seen["body"] = data
        stream.close()
        loop.stop()

    stream = IOStream(socket.socket(), io_loop=loop)
    stream.connect(web_server.getsockname(), send_request)
    loop.start()
    assert seen == {"status": "HTTP/1.0 200 OK", "body": body}
    assert asked == [b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"]
    loop.remove_handler(web_server)


def test_ios_9_a_response_without_a_length_is_read_until_the_end(loop, web_server):
    answer_with(web_server, loop, b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 100_000)
    pieces = []
    stream = IOStream(socket.socket(), io_loop=loop)

    def connected():
        stream.write(b"GET / HTTP/1.0\r\n\r\n")
        stream.read_until_close(on_end, pieces.append)

    def on_end(rest):
        assert rest == b""
        loop.stop()

    stream.connect(web_server.getsockname(), connected)
    loop.start()
    assert b"".join(pieces).endswith(b"x" * 100_000)
    loop.remove_handler(web_server)


# -- contexts


def test_stk_1_a_context_that_ends_the_program_on_any_error():
    """What fails in a callback of a callback ends the process, by way of the context in which the
    first one was passed."""
    program = """
        import contextlib, logging, sys
        from tornado import stack_context
        from tornado.ioloop import IOLoop

        @contextlib.contextmanager
        def die_on_error():
            try:
                yield
            except Exception:
                logging.error("no way to go on", exc_info=True)
                sys.exit(3)

        def first():
            loop.call_later(0.001, second, "sees", nothing="wrong")

        def second(text, nothing):
            loop.add_callback(lambda: 1 / 0)

        loop = IOLoop()
        with stack_context.StackContext(die_on_error):
            loop.add_callback(first)
        loop.call_later(20, loop.stop)
        loop.start()
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 3
    assert "no way to go on" in done.stderr
    assert "ZeroDivisionError" in done.stderr


def test_stk_8_streams_carry_the_context_of_who_reads(loop, web_server):
    answer_with(web_server, loop, b"HTTP/1.0 200 OK\r\n\r\n")
    caught = []

    @contextlib.contextmanager
    def catch():
        try:
            yield
        except KeyError as error:
            caught.append(error)
            loop.stop()

    stream = IOStream(socket.socket(), io_loop=loop)

    def connected():
        stream.write(b"GET / HTTP/1.0\r\n\r\n")
        stream.read_until(b"\r\n", lambda line: {}[line])

    with StackContext(catch):
        stream.connect(web_server.getsockname(), connected)
    loop.start()
    assert caught[0].args == (b"HTTP/1.0 200 OK\r\n",)
    loop.remove_handler(web_server)


# -- generators


def fetch(address, path, callback):
    """A function of the callback era."""
    stream = IOStream(socket.socket())

    def connected():
        stream.write(b"GET %s HTTP/1.0\r\n\r\n" % path)
        stream.read_until_close(callback)

    stream.connect(address, connected)


def test_gen_1_callbacks_turned_into_steps(loop, web_server):
    """One step after the other, several at a time, and by keys."""
    asked = answer_with(web_server, loop, b"page")
    fetch_here = functools.partial(fetch, web_server.getsockname())

    @gen.engine
    def visit(callback):
        one = yield gen.Task(fetch_here, b"/one")
        both = yield [gen.Task(fetch_here, b"/two"), gen.Task(fetch_here, b"/three")]
        fetch_here(b"/four", callback=(yield gen.Callback("four")))
        fetch_here(b"/five", callback=(yield gen.Callback("five")))
        five = yield gen.Wait("five")
        four = yield gen.Wait("four")
        named = yield {"six": gen.Task(fetch_here, b"/six")}
        callback([one, *both, four, five, named["six"]])

    results = []

    def done(pages):
        results.extend(pages)
        loop.stop()

    visit(callback=done)
    loop.start()
    assert results == [b"page"] * 6
    paths = [head.split()[1] for head in asked]
    assert (paths[0], set(paths[1:3]), paths[5]) == (b"/one", {b"/two", b"/three"}, b"/six")
    loop.remove_handler(web_server)


def test_coroutines_of_both_kinds_call_each_other(loop, web_server):
    answer_with(web_server, loop, b"page")

    @gen.coroutine
    def with_yield(path):
        page = yield gen.Task(fetch, web_server.getsockname(), path)
        raise gen.Return(page.decode())

    async def with_await():
        return [await with_yield(b"/a"), (await gen.multi({"b": with_yield(b"/b")}))["b"]]

    @gen.coroutine
    def outer():
        pages = yield with_await()
        first = gen.WaitIterator(with_yield(b"/c"), with_yield(b"/d"))
        while not first.done():
            pages.append((yield first.next()))
        with pytest.raises(gen.TimeoutError):
            yield gen.with_timeout(loop.time() + 0.001, loop.asyncio_loop.create_future())
        return pages

    assert loop.run_sync(outer, LIMIT) == ["page"] * 4
    loop.remove_handler(web_server)


# -- today's


def test_a_server_a_client_and_workers_of_today():
    """Coroutines from end to end: a server, clients with a connection each, and a queue of work."""

    class EchoServer(TCPServer):
        async def handle_stream(self, stream, address):
            with contextlib.suppress(StreamClosedError):
                while True:
                    await stream.write(await stream.read_until(b"\n"))

    async def worker(work, client, address, results):
        async for number in work:
            stream = await client.connect(*address)
            await stream.write(b"%d\n" % number)
            results.append(int(await stream.read_until(b"\n")))
            stream.close()
            work.task_done()

    async def main():
        server = EchoServer()
        sock = socket.create_server(("127.0.0.1", 0))
        sock.setblocking(False)
        server.add_socket(sock)
        work = queues.Queue()
        results = []
        client = TCPClient()
        workers = [
            asyncio.create_task(worker(work, client, sock.getsockname(), results)) for _ in range(3)
        ]
        for number in range(10):
            await work.put(number)
        await work.join()
        for task in workers:
            task.cancel()
        server.stop()
        client.close()
        return results

    assert sorted(asyncio.run(asyncio.wait_for(main(), LIMIT))) == list(range(10))


def test_errors_of_callbacks_are_logged_and_the_loop_goes_on(loop, caplog):
    loop.add_callback(lambda: 1 / 0)
    loop.add_callback(loop.stop)
    with caplog.at_level(logging.ERROR):
        loop.start()
    assert "ZeroDivisionError" in caplog.text
