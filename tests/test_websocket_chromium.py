"""A page in Chromium as the client of a websocket."""

from __future__ import annotations

import asyncio
import queue
import threading

import pytest
from browsers import windows

from tornado._websocket.frames import FINAL, Opcode
from tornado._websocket.reader import FrameReader
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler

PATIENCE = 30  # seconds until something that has to come is missed
SUBPROTOCOLS = ["first.example", "second.example"]
MIB = 1 << 20

# What the scripts of all tests begin with: what came of a websocket, as promises.
PRELUDE = """
function open(query, protocols) {
  const socket = new WebSocket(`ws://${location.host}/socket${query || ""}`, protocols || []);
  socket.binaryType = "arraybuffer";
  const arrived = [], wanted = [];
  socket.onmessage = ({data}) => wanted.length ? wanted.shift()(data) : arrived.push(data);
  socket.next = () => arrived.length ? arrived.shift() : new Promise(use => wanted.push(use));
  socket.opened = new Promise(use => { socket.onopen = () => use("open"); });
  socket.ended = new Promise(use => {
    socket.onclose = ({code, reason, wasClean}) => use([code, reason, wasClean]);
  });
  return socket;
}
const done = arguments[arguments.length - 1];
"""


class Page(RequestHandler):
    def get(self):
        self.set_cookie("visitor", "known", httponly=True)
        self.write("<!DOCTYPE html><title>A page</title>")


class Socket(WebSocketHandler):
    """Does what the message says, and sends back all others; tells what happens.

    :arg events: a queue of pairs.
    """

    def initialize(self, events):
        self.events = events

    def tell(self, *event):
        self.events.put(event)

    def prepare(self):
        if self.get_argument("cookie", None):
            self.set_cookie("opened", self.get_argument("cookie"))

    def select_subprotocol(self, subprotocols):
        self.tell("offered", subprotocols)
        return SUBPROTOCOLS[1] if SUBPROTOCOLS[1] in subprotocols else None

    def get_compression_options(self):
        bits = int(self.get_argument("bits", "0"))
        if not bits:
            return None
        return {"max_window_bits": bits, "context_takeover": bits == 15}

    def open(self):
        self.tell("open", self.get_cookie("visitor"))

    def on_message(self, message):
        if message == "fail":
            raise KeyError("as asked")
        if message == "ping":
            self.ping(b"there?")
        elif message == "close":
            self.close()
        elif message == "close with code":
            self.close(4321, "as you like \u00fc")
        else:
            self.write_message(message, isinstance(message, bytes))

    def on_pong(self, data):
        self.tell("pong", data)

    def on_close(self):
        self.tell("closed", self.close_code, self.close_reason)


class Served:
    """A server in a thread of its own, as a browser is waited for without a loop."""

    def __init__(self):
        self.events = queue.Queue()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(PATIENCE)

    async def _serve(self):
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        arguments = {"events": self.events}
        application = Application(
            [("/", Page), ("/socket", Socket, arguments)],
            log_function=lambda handler: None,
        )
        server = HTTPServer(application)
        (sock,) = bind_sockets(0, "127.0.0.1")
        server.add_sockets([sock])
        self.port = sock.getsockname()[1]
        self._ready.set()
        await self._end.wait()
        server.stop()
        await server.close_all_connections()

    def next(self):
        return self.events.get(timeout=PATIENCE)

    def stop(self):
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(PATIENCE)


@pytest.fixture(scope="module")
def served():
    served = Served()
    yield served
    served.stop()


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    with windows(tmp_path_factory.mktemp("profiles")) as open_window:
        window = open_window()
        window.set_script_timeout(PATIENCE)
        yield window


@pytest.fixture
def page(window, served):
    """Runs scripts in a page of the server; they may wait, and tell ``done`` what came of it."""
    window.get(f"http://127.0.0.1:{served.port}/")
    # What earlier pages have left.
    while not served.events.empty():
        served.next()

    def run(script, *arguments):
        # A test's own script is a function, so that it can wait.
        body = f"{PRELUDE} (async (...given) => {{ {script} }})(...arguments).then(done, done);"
        return window.execute_async_script(body, *arguments)

    return run


EXTENSIONS = [
    (0, ""),
    (15, "permessage-deflate"),
    (
        10,
        "permessage-deflate; server_max_window_bits=10; server_no_context_takeover;"
        " client_no_context_takeover; client_max_window_bits=10",
    ),
]


@pytest.mark.parametrize(("bits", "extensions"), EXTENSIONS)
def test_text_and_bytes_with_and_without_compression(page, served, bits, extensions):
    """Fragments, too: Chromium sends large messages in several frames, and gets such where they're
    compressed."""
    result = page(
        """
        const socket = open(`?bits=${given[0]}`);
        await socket.opened;
        const different = [];
        const random = new Uint8Array(1 << 20);
        for (let at = 0; at < random.length; at += 65536)
          crypto.getRandomValues(random.subarray(at, at + 65536));
        const texts = ["", "a", "\u00e9\u4e16\U0001f600\\0", "again and again. ".repeat(1e5),
          Array.from(random, (byte) => String.fromCodePoint(0x1f000 + byte)).join("")];
        for (const text of texts) {
          socket.send(text);
          if (await socket.next() !== text) different.push(text.slice(0, 20));
        }
        for (const size of [0, 1, 125, 126, 65535, 65536, random.length]) {
          const bytes = random.slice(0, size);
          socket.send(size % 2 ? bytes : new Blob([bytes]));
          const answer = new Uint8Array(await socket.next());
          if (answer.length !== size || answer.some((byte, at) => byte !== bytes[at]))
            different.push(size);
        }
        // Many at once come back in their order.
        for (let number = 0; number < 1000; number++) socket.send(String(number));
        for (let number = 0; number < 1000; number++)
          if (await socket.next() !== String(number)) different.push(number);
        socket.close();
        return [different, socket.extensions, await socket.ended];
        """,
        bits,
    )
    assert result == [[], extensions, [1005, "", True]]
    assert served.next() == ("open", "known")
    assert served.next() == ("closed", None, None)


def test_large_messages_come_in_fragments(page, monkeypatch):
    """That the other test has them is not taken for granted."""
    seen = set()
    read_head = FrameReader._read_head

    def note(self, data, position, end):
        seen.add((bool(data[position] & FINAL), data[position] & 15))
        return read_head(self, data, position, end)

    monkeypatch.setattr(FrameReader, "_read_head", note)
    size = page(
        """
        const socket = open();
        await socket.opened;
        socket.send(new Uint8Array(8 << 20));
        const {byteLength} = await socket.next();
        socket.close();
        await socket.ended;
        return byteLength;
        """
    )
    assert size == 8 * MIB
    assert (False, Opcode.BINARY) in seen
    assert (True, Opcode.CONTINUATION) in seen


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], (None, None)),
        ([1000], (1000, None)),
        ([4001, "why not \u00fc"], (4001, "why not \u00fc")),
        ([3000, "x" * 123], (3000, "x" * 123)),
    ],
)
def test_wsk_3_the_page_closes(page, served, arguments, told):
    result = page(
        """
        const socket = open();
        await socket.opened;
        socket.close(...given[0]);
        return await socket.ended;
        """,
        arguments,
    )
    code, reason = told
    # The answer repeats the code; the reason that the page is told of is its own.
    assert result[0] == (code or 1005)
    assert result[2]
    assert served.next() == ("open", "known")
    assert served.next() == ("closed", code, reason)


@pytest.mark.parametrize(
    ("message", "told", "code"),
    [
        ("close", [1005, "", True], None),
        ("close with code", [4321, "as you like \u00fc", True], 4321),
        ("fail", [1011, "", True], None),
        ("x" * (10 * MIB + 1), [1009, "message too large", True], 1009),
    ],
    ids=["close", "code", "exception", "too large"],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_wsk_6_11_the_server_closes(page, served, message, told, code, caplog):
    result = page(
        """
        const socket = open();
        await socket.opened;
        socket.send(given[0]);
        return await socket.ended;
        """,
        message,
    )
    assert result == told
    assert served.next() == ("open", "known")
    assert served.next()[:2] == ("closed", code)
    assert ("as asked" in caplog.text) == (message == "fail")


def test_wsk_7_subprotocols(page, served):
    """A page that gets none of those that it needs takes that for a failure."""
    result = page(
        """
        const socket = open("", given[0]), other = open("", given[0].slice(0, 1));
        const ends = [await other.ended];
        await socket.opened;
        socket.close();
        return [socket.protocol, ...ends];
        """,
        SUBPROTOCOLS,
    )
    assert result == [SUBPROTOCOLS[1], [1006, "", False]]
    assert served.events.get() == ("offered", SUBPROTOCOLS)


def test_pings_are_answered_by_the_browser(page, served):
    page(
        """
        const socket = open();
        await socket.opened;
        socket.send("ping");
        """
    )
    assert served.next() == ("open", "known")
    assert served.next() == ("pong", b"there?")


def test_cookies_come_with_the_handshake_and_go_with_its_answer(page, served):
    cookies = page(
        """
        const socket = open("?cookie=yes");
        await socket.opened;
        return document.cookie;
        """
    )
    assert served.next() == ("open", "known")
    assert cookies == "opened=yes"


@pytest.mark.parametrize("way", ["elsewhere", "again", "away"])
def test_a_page_that_is_left_closes_its_websockets(page, served, window, way):
    page("await open().opened;")
    assert served.next() == ("open", "known")
    if way == "elsewhere":
        window.get(f"http://localhost:{served.port}/")
    elif way == "again":
        window.refresh()
    else:
        first = window.current_window_handle
        window.switch_to.new_window("tab")
        (second,) = set(window.window_handles) - {first}
        window.switch_to.window(first)
        window.close()
        window.switch_to.window(second)
    name, code, _ = served.next()
    assert name == "closed"
    # RFC 6455 section 7.4.1: the peer goes away; a tab that is closed may not have time to say so.
    assert code == 1001 or (way == "away" and code is None)


def test_w1_a_page_of_another_origin_is_refused(page, served, window, caplog):
    window.get(f"http://localhost:{served.port}/")
    script = f"""
        const socket = new WebSocket("ws://127.0.0.1:{served.port}/socket");
        return await new Promise(use => {{ socket.onclose = ({{code}}) => use(code); }});
    """
    assert page(script) == 1006
    assert served.events.empty()
