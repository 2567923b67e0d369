"""``python -m tornado.web``: programs served in processes of their own, and what it says if not."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

import pytest

from tornado._web import command

LIMIT = 20  # seconds after which a test has failed

PROGRAM = """
import asyncio
import os

from tornado.web import Application, RequestHandler


class Main(RequestHandler):
    def get(self):
        self.write(f"{os.getpid()} {self.request.remote_ip}")


class Slow(RequestHandler):
    async def get(self):
        self.write("began ")
        await self.flush()
        loop = asyncio.get_running_loop()
        self.finish(await loop.run_in_executor(None, self.wait))

    def wait(self):
        with open("release") as fifo:
            return fifo.read()


class Endless(RequestHandler):
    async def get(self):
        await self.flush()
        await asyncio.get_running_loop().create_future()


routes = [("/", Main), ("/slow", Slow), ("/endless", Endless)]
app = Application(routes)


class holder:
    app = Application(routes)


class Own(Application):
    def __init__(self):
        super().__init__(routes)


def make():
    return Application(routes)


async def make_later():
    await asyncio.sleep(0)
    return Application(routes)
"""


class Served:
    """A program under ``python -m tornado.web``, and what it has written so far."""

    def __init__(self, folder, *arguments):
        self.lines = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tornado.web", *arguments],
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            with self._changed:
                self.lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self.lines.append("")
            self._changed.notify_all()

    def wait_for(self, pattern, count=1):
        """Wait until so many lines match; return the last match."""

        def found():
            return [match for line in self.lines if (match := re.search(pattern, line))]

        with self._changed:
            # An empty line is the end of the output.
            assert self._changed.wait_for(
                lambda: len(found()) >= count or "" in self.lines, LIMIT
            ), self.lines
            assert len(found()) >= count, self.lines
            return found()[-1]

    def port(self, count=1):
        return int(self.wait_for(r"Serving \S+ at http://127\.0\.0\.1:(\d+)/", count)[1])

    def get(self, path="/", headers=None):
        conn = http.client.HTTPConnection("127.0.0.1", self.port(), timeout=LIMIT)
        conn.request("GET", path, headers=headers or {})
        return conn, conn.getresponse()

    def text(self, path="/", **headers):
        conn, response = self.get(path, headers)
        with conn.sock or response:
            return response.read().decode()

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.status()

    def status(self):
        status = self.process.wait(LIMIT)
        self._reader.join(LIMIT)
        return status

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(LIMIT)
        self.process.stderr.close()


@pytest.fixture
def served(tmp_path):
    """Return a function that serves the program with some arguments."""
    (tmp_path / "program.py").write_text(PROGRAM)
    running = []

    def start(*arguments):
        running.append(Served(tmp_path, *arguments))
        return running[-1]

    yield start
    for one in running:
        one.close()


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("app", signal.SIGTERM),
        ("holder.app", signal.SIGINT),
        ("Own", signal.SIGTERM),
        ("make", signal.SIGTERM),
        ("make_later", signal.SIGINT),
    ],
)
def test_what_a_name_may_be(served, name, number):
    program = served(f"program:{name}", "--port", "0")
    assert program.text() == f"{program.process.pid} 127.0.0.1"
    assert program.end(number) == 0
    assert "200 GET / (127.0.0.1)" in program.lines[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_signal_lets_requests_come_to_their_end(served, tmp_path, number):
    os.mkfifo(tmp_path / "release")
    program = served("program:app", "--port", "0")
    idle, _ = program.get("/")
    conn, response = program.get("/slow")
    assert response.read(6) == b"began "
    program.process.send_signal(number)
    with idle.sock as unused:
        # It is closed once nobody listens any more.
        unused.recv(65536)
        assert unused.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", program.port()), LIMIT)
    (tmp_path / "release").write_text("ended")
    assert response.read() == b"ended"
    conn.close()
    assert program.status() == 0


def test_what_takes_too_long_is_cut_off(served):
    program = served("program:app", "--port", "0", "--drain-timeout", "0")
    conn, response = program.get("/endless")
    assert program.end() == 0
    program.wait_for("Cut off: GET /endless")
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        response.read()
    conn.close()


def test_several_processes(served):
    program = served("program:make_later", "--port", "0", "--processes", "2")
    pids = set()
    deadline = time.monotonic() + LIMIT
    while len(pids) < 2 and time.monotonic() < deadline:
        pids.add(int(program.text().split()[0]))
    assert len(pids) == 2
    assert program.process.pid not in pids
    assert program.end() == 0


def test_several_processes_finish_what_is_under_way(served, tmp_path):
    os.mkfifo(tmp_path / "release")
    program = served("program:app", "--port", "0", "--processes", "1")
    conn, response = program.get("/slow")
    assert response.read(6) == b"began "
    program.process.send_signal(signal.SIGINT)
    (tmp_path / "release").write_text("ended")
    assert response.read() == b"ended"
    conn.close()
    assert program.status() == 0


def ask_at(path):
    with socket.socket(socket.AF_UNIX) as conn:
        conn.settimeout(LIMIT)
        conn.connect(str(path))
        conn.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-Real-Ip: 192.0.2.7\r\n\r\n")
        return conn.recv(65536)


@pytest.mark.parametrize("more", [(), ("--processes", "1")])
def test_a_unix_socket(served, tmp_path, more):
    options = ["--unix-socket-mode", "660", "--xheaders", *more]
    program = served("program:app", "--unix-socket", "here", *options)
    program.wait_for("Serving program:app at unix:here")
    path = tmp_path / "here"
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    answer = ask_at(path)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b" 192.0.2.7")
    assert not any("http://" in line for line in program.lines)
    assert program.end() == 0
    assert not path.exists()


def test_a_unix_socket_beside_a_port(served, tmp_path):
    program = served("program:app", "--unix-socket", "here", "--port", "0")
    assert program.text().startswith(str(program.process.pid))
    assert ask_at(tmp_path / "here").startswith(b"HTTP/1.1 200")
    assert program.end() == 0


@pytest.mark.parametrize("more", [(), ("--processes", "1")])
def test_a_server_that_takes_the_place_of_another_keeps_its_unix_socket(served, tmp_path, more):
    first = served("program:app", "--unix-socket", "here", *more)
    first.wait_for("Serving")
    second = served("program:app", "--unix-socket", "here", *more)
    second.wait_for("Serving")
    assert first.end() == 0
    assert ask_at(tmp_path / "here").startswith(b"HTTP/1.1 200")
    assert second.end() == 0
    assert not (tmp_path / "here").exists()


def test_a_unix_socket_that_a_crash_has_left_is_replaced(served, tmp_path):
    first = served("program:app", "--unix-socket", "here")
    first.wait_for("Serving")
    first.process.kill()
    first.status()
    assert (tmp_path / "here").is_socket()
    second = served("program:app", "--unix-socket", "here")
    second.wait_for("Serving")
    assert ask_at(tmp_path / "here").startswith(b"HTTP/1.1 200")
    assert second.end() == 0


def test_headers_of_proxies_are_not_believed_unless_asked(served):
    program = served("program:app", "--port", "0")
    assert program.text(**{"X-Real-Ip": "192.0.2.7"}).endswith(" 127.0.0.1")
    assert program.end() == 0


def change(path, text):
    """Write a file, and make sure that it looks younger than before."""
    before = path.stat().st_mtime
    path.write_text(text)
    os.utime(path, (before + 10, before + 10))


def test_reload(served, tmp_path):
    path = tmp_path / "program.py"
    program = served("program:app", "--port", "0", "--reload")
    program.port()
    # A mistake doesn't end it, be it one of Python or of the name.
    change(path, "app = (")
    program.wait_for("cannot be served yet")
    program.wait_for("SyntaxError")
    change(path, PROGRAM.replace("\napp =", "\napplication ="))
    program.wait_for("cannot be served yet: the module 'program' has no 'app'")
    change(path, PROGRAM.replace("os.getpid()", "'changed'"))
    program.wait_for("Serving", 2)
    port = program.port(2)
    with socket.create_connection(("127.0.0.1", port), LIMIT) as conn:
        conn.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b"changed 127.0.0.1" in conn.makefile("rb").read()
    assert program.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_wait_for_a_change(served, tmp_path, number):
    (tmp_path / "program.py").write_text("import nothing_of_that_name")
    program = served("program:app", "--reload")
    program.wait_for("ModuleNotFoundError: No module named 'nothing_of_that_name'")
    assert program.end(number) == 0


def test_what_fails_in_the_program_is_shown_with_its_traceback(served, tmp_path):
    (tmp_path / "program.py").write_text("import nothing_of_that_name")
    program = served("program:app")
    assert program.status() == 1
    assert program.lines[0].startswith("Traceback")
    assert any("program.py" in line for line in program.lines)


def test_a_program_that_logs_in_its_own_way_is_let_to(served, tmp_path):
    (tmp_path / "quiet.py").write_text(
        "import logging\nlogging.basicConfig(level='INFO', format='own: %(message)s')\n" + PROGRAM
    )
    program = served("quiet:app", "--port", "0")
    program.text()
    assert program.end() == 0
    assert all(line.startswith("own: ") for line in program.lines if line)


# Errors.


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """Return a function that runs the command here, and returns its status and what it said."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "web_command_case.py").write_text(
        "from tornado.web import Application\n"
        "app = Application()\n"
        "watched = Application()\n"
        "watched.settings['autoreload'] = True\n"
        "number = 3\n"
        "def make():\n    return 'text'\n"
    )

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            command.run(arguments)
        output = capsys.readouterr()
        assert output.out == ""
        return ended.value.code, output.err

    return run


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        ("no_such_module:app", 1, "there is no module 'no_such_module'"),
        ("no_such_module.sub:app", 1, "there is no module 'no_such_module'"),
        ("web_command_case.sub:app", 1, "there is no module 'web_command_case.sub'"),
        ("web_command_case:nothing", 1, "the module 'web_command_case' has no 'nothing'"),
        ("web_command_case:app.x", 1, "the module 'web_command_case' has no 'app.x'"),
        ("web_command_case:number", 1, "web_command_case:number is no application"),
        ("web_command_case:make", 1, "web_command_case:make() returns no application"),
        ("web_command_case", 1, "an application is named as module:app, not 'web_command_case'"),
        ("web_command_case:", 1, "an application is named as module:app"),
        (":app", 1, "an application is named as module:app"),
        ("../x:app", 1, "an application is named as module:app"),
        ("web_command_case:app()", 1, "an application is named as module:app"),
        ("web_command_case:watched --processes 1", 1, "the setting autoreload"),
        ("web_command_case:app --address 192.0.2.1 --port 0", 1, "cannot listen on port 0 of 192"),
        ("web_command_case:app --unix-socket .", 1, "cannot listen at '.'"),
        ("web_command_case:app --unix-socket no/such", 1, "No such file or directory"),
        ("web_command_case:app --port 65536", 2, "a port is a number from 0 to 65535"),
        ("web_command_case:app --port -1", 2, "a port is a number from 0 to 65535"),
        ("web_command_case:app --port http", 2, "not 'http'"),
        ("web_command_case:app --processes 1025", 2, "the number of processes"),
        ("web_command_case:app --processes two", 2, "the number of processes"),
        ("web_command_case:app --unix-socket-mode 999", 2, "three octal digits"),
        ("web_command_case:app --unix-socket-mode 7777", 2, "three octal digits"),
        ("web_command_case:app --drain-timeout -1", 2, "a number of seconds"),
        ("web_command_case:app --drain-timeout nan", 2, "a number of seconds"),
        ("web_command_case:app --drain-timeout soon", 2, "a number of seconds"),
        ("web_command_case:app --reload --processes 2", 2, "do not go together"),
        ("web_command_case:app --rel", 2, "unrecognized arguments: --rel"),
        ("no_such_module:app --reload", 1, "there is no module 'no_such_module'"),
        ("", 2, "module:app"),
    ],
)
def test_what_cannot_be_served_is_one_line(said, arguments, status, text):
    ended, line = said(*arguments.split())
    assert ended == status
    assert text in line
    assert line.startswith("tornado.web: ")
    assert line.count("\n") == 1
    assert line.endswith("\n")


@pytest.mark.parametrize("more", [(), ("--processes", "1"), ("--unix-socket", "here")])
def test_a_port_in_use_is_one_line(said, tmp_path, monkeypatch, more):
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, line = said("web_command_case:app", "--port", str(port), *more)
    expected = f"tornado.web: cannot listen on port {port} of 127.0.0.1: Address already in use\n"
    assert (status, line) == (1, expected)
    assert not (tmp_path / "here").exists()
