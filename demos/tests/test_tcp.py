"""The chat server, the port forwarder, and a short soak of both."""

import asyncio
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from demos.tcp.forward import Pump

from tornado.iostream import IOStream

ROOT = Path(__file__).parent.parent.parent
LIMIT = 20


class Server:
    """One of the demos as a process of its own."""

    def __init__(self, module, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", f"demos.tcp.{module}", "--port", "0", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.port = int(self.process.stdout.readline().split()[-1])

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=LIMIT)
        return self.process.returncode, errors


@pytest.fixture
def start():
    running = []

    def start(*arguments):
        server = Server(*arguments)
        running.append(server)
        return server

    yield start
    for server in reversed(running):
        if server.process.poll() is None:
            assert server.stop() == (0, "")


class Guest:
    """A guest with a file over the socket."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), LIMIT)
        self.file = self.socket.makefile("r", newline="\r\n")
        self.name = re.search(r"guest\d+", self.hear())[0]

    def say(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def hear(self):
        return self.file.readline().rstrip("\r\n")

    def leave(self):
        self.file.close()
        self.socket.close()


@pytest.fixture
def guests(start):
    server = start("chat")
    guests = [Guest(server.port) for _ in range(3)]
    yield guests
    for guest in guests:
        guest.leave()


def test_what_one_says_all_in_the_room_hear(guests):
    first, second, third = guests
    first.say("hello")
    assert {guest.hear() for guest in guests} == {f"{first.name}: hello"}
    third.say("/join corner")
    assert third.hear() == "* You are in corner"
    second.say("psst")
    assert first.hear() == second.hear() == f"{second.name}: psst"
    third.say("/nick zoë")
    assert third.hear() == f"* {third.name} is zoë now"
    third.say("/who")
    assert third.hear() == "* In corner: zoë"


def test_commands_and_leaving(guests):
    first, second, third = guests
    third.say("/dance")
    assert third.hear() == "* That is no command"
    third.say("/quit")
    assert third.hear() == "* Good bye"
    assert third.hear() == ""
    first.say("/who")
    assert first.hear() == f"* In lobby: {first.name}, {second.name}"


def test_a_guest_who_does_not_read_holds_nobody_up(guests):
    first, second, third = guests
    line = "x" * 900
    for _ in range(10_000):
        first.say(line)
        assert first.hear() == second.hear() == f"{first.name}: {line}"
        first.say("/who")
        if third.name not in first.hear():
            break
    else:
        pytest.fail("who doesn't read is still there")


def test_lines_have_a_limit(guests):
    first, second, _ = guests
    first.socket.sendall(b"x" * 2000)
    assert first.hear() == ""
    second.say("/who")
    assert first.name not in second.hear()


def echo_once(listening, received):
    """Take all of one connection, then send it back."""
    connection, _ = listening.accept()
    with connection:
        while data := connection.recv(65536):
            received.append(data)
        connection.sendall(b"".join(received))


@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.settimeout(LIMIT)
        yield sock


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_bytes_pass_and_each_direction_ends_by_itself(start, listening, size):
    forwarder = start("forward", f"127.0.0.1:{listening.getsockname()[1]}")
    received = []
    peer = threading.Thread(target=echo_once, args=(listening, received))
    peer.start()
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    with socket.create_connection(("127.0.0.1", forwarder.port), LIMIT) as client:
        client.sendall(data)
        # The peer answers when it has seen the end of our side.
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while part := client.recv(1 << 20):
            answer += part
    peer.join(LIMIT)
    assert answer == data == b"".join(received)


def test_the_forwarder_takes_no_more_than_its_peer(start, listening):
    forwarder = start("forward", f"127.0.0.1:{listening.getsockname()[1]}")
    with socket.create_connection(("127.0.0.1", forwarder.port), LIMIT) as client:
        peer, _ = listening.accept()
        client.settimeout(0.5)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 100_000_000:
                sent += client.send(b"x" * 65536)
        client.settimeout(LIMIT)
        client.shutdown(socket.SHUT_WR)
        with peer:
            peer.settimeout(LIMIT)
            received = 0
            while data := peer.recv(1 << 20):
                received += len(data)
        assert received == sent


def test_a_side_that_breaks_off_takes_the_other_one_along(start, listening):
    forwarder = start("forward", f"127.0.0.1:{listening.getsockname()[1]}")
    with socket.create_connection(("127.0.0.1", forwarder.port), LIMIT) as client:
        peer, _ = listening.accept()
        with peer:
            client.sendall(b"hello")
            peer.settimeout(LIMIT)
            assert peer.recv(10) == b"hello"
        assert client.recv(10) == b""


def test_an_end_is_passed_on_to_nobody_if_the_other_side_has_just_broken_off():
    async def main():
        near, client = socket.socketpair()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            far = socket.create_connection(listening.getsockname())
            peer, _ = listening.accept()
        source, target = IOStream(near), IOStream(far)
        there, back = Pump(source, target), Pump(target, source)
        there.twin, back.twin = back, there
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        assert there.eof_received()
        source.close()
        target.close()
        client.close()

    asyncio.run(main())


def test_nobody_answers_behind_the_forwarder(start, listening):
    port = listening.getsockname()[1]
    listening.close()
    forwarder = start("forward", f"127.0.0.1:{port}")
    with socket.create_connection(("127.0.0.1", forwarder.port), LIMIT) as client:
        assert client.recv(10) == b""
    status, errors = forwarder.stop(signal.SIGINT)
    assert status == 0
    assert "Nobody answers" in errors


def test_a_short_soak_leaves_nothing():
    done = subprocess.run(
        [sys.executable, "-m", "demos.tcp.soak"]
        + [
            "--idle",
            "200",
            "--busy",
            "20",
            "--seconds",
            "0.5",
            "--again",
            "0.2",
            "--pause",
            "0.05",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "220 connections" in done.stdout
    assert "nothing was left" in done.stdout
