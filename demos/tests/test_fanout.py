"""Several processes with a real Redis between them, alone and behind nginx."""

import asyncio
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tornado.websocket import websocket_connect

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 20  # seconds


def program(name):
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    assert found, f"{name} is needed: make installs it"
    return found


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_until_open(port):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            assert time.monotonic() < deadline, f"nobody listens on port {port}"
            time.sleep(0.02)


class Programs:
    """Programs that run while a test does."""

    def __init__(self, folder):
        self.folder = folder
        self._stack = ExitStack()

    def start(self, *command, **options):
        process = self._stack.enter_context(subprocess.Popen(command, **options))
        self._stack.callback(process.wait, 10)
        self._stack.callback(process.terminate)
        return process

    def redis(self, port=None):
        port = port or free_port()
        command = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--dir", str(self.folder)]
        process = self.start(*command, stdout=subprocess.DEVNULL)
        wait_until_open(port)
        return port, process

    def rooms(self, redis):
        command = ["-m", "demos.fanout", "--port=0", f"--redis=redis://127.0.0.1:{redis}"]
        process = self.start(sys.executable, *command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        line = process.stdout.readline()
        assert "http://" in line
        return int(line.rstrip("/\n").rpartition(":")[2]), process

    def nginx(self, ports):
        text = (ROOT / "demos/fanout/nginx.conf").read_text()
        listen = free_port()
        first, second = ports
        text = text.replace("8000", str(listen)).replace("8001", str(first))
        text = text.replace("8002", str(second))
        folder = self.folder / "nginx"
        folder.mkdir()
        folder.chmod(0o755)
        names = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "".join(f"{name}_temp_path {folder}/{name};\n" for name in names)
        config = folder / "nginx.conf"
        config.write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
            f"events {{}}\nhttp {{ access_log off;\n{paths}{text}}}\n"
        )
        self.start(
            program("nginx"), "-c", str(config), "-p", str(folder), stderr=subprocess.DEVNULL
        )
        wait_until_open(listen)
        return listen

    def stop(self):
        self._stack.close()


@pytest.fixture
def programs(tmp_path):
    running = Programs(tmp_path)
    yield running
    running.stop()


async def join(port, room="lobby"):
    return await websocket_connect(f"ws://127.0.0.1:{port}/rooms/{room}")


async def read(connection):
    return await asyncio.wait_for(connection.read_message(), PATIENCE)


async def leave(*connections):
    """Close websockets, and wait until they are."""
    for connection in connections:
        connection.close()
        while await read(connection) is not None:
            pass


def test_what_one_says_reaches_all_processes(programs):
    redis, _ = programs.redis()
    ports = [programs.rooms(redis)[0] for _ in range(2)]

    async def talk():
        here, there = [await join(port) for port in ports]
        elsewhere = await join(ports[1], "cellar")
        await here.write_message("hello \u00e9")
        assert [await read(here), await read(there)] == ["hello \u00e9"] * 2
        await there.write_message("and back")
        assert [await read(here), await read(there)] == ["and back"] * 2
        await elsewhere.write_message("alone")
        assert await read(elsewhere) == "alone"
        await here.write_message(b"bytes", binary=True)
        assert await read(here) is None
        assert here.close_code == 1003
        await leave(there, elsewhere)

    asyncio.run(talk())


def test_behind_nginx_visitors_are_spread_and_survive_the_end_of_a_process(programs):
    redis, _ = programs.redis()
    running = [programs.rooms(redis) for _ in range(2)]
    port = programs.nginx([port for port, _ in running])

    async def talk():
        first, second = [await join(port) for _ in range(2)]
        await first.write_message("one")
        assert [await read(first), await read(second)] == ["one", "one"]
        running[0][1].send_signal(signal.SIGTERM)
        # One of the two was connected to that process, and is sent away.
        gone, _ = await asyncio.wait(
            [asyncio.ensure_future(c.read_message()) for c in (first, second)],
            timeout=PATIENCE,
            return_when=asyncio.FIRST_COMPLETED,
        )
        assert [task.result() for task in gone] == [None]
        assert {first.close_code, second.close_code} == {1001, None}
        await asyncio.to_thread(running[0][1].wait, PATIENCE)
        again = await join(port)
        await again.write_message("two")
        assert await read(again) == "two"
        await leave(again, second if first.close_code else first)

    asyncio.run(talk())


def test_a_redis_that_comes_back_is_used_again(programs):
    redis, process = programs.redis()
    port, _ = programs.rooms(redis)

    async def talk():
        process.terminate()
        await asyncio.to_thread(process.wait, PATIENCE)
        connection = await join(port)
        await connection.write_message("lost")
        assert await read(connection) is None
        assert connection.close_code == 1013
        await asyncio.to_thread(programs.redis, redis)
        deadline = time.monotonic() + PATIENCE
        while True:
            # The hub tries again each second; nothing tells when it's there.
            connection = await join(port)
            await connection.write_message("found")
            try:
                if await asyncio.wait_for(connection.read_message(), 1) == "found":
                    break
            except TimeoutError:
                assert time.monotonic() < deadline
            finally:
                await leave(connection)

    asyncio.run(talk())
