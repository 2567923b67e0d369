"""Hold many connections for a while, and look whether the servers keep anything afterwards.

::

    python -m demos.tcp.soak --idle 10000 --busy 500 --seconds 60

A chat server and a port forwarder before it run as processes of their own. Half of the connections
go through the forwarder. Idle guests sit in the lobby; busy ones talk in rooms of ten, and each
waits for its own words to come back. When all have left, the servers must have as many descriptors
as before. Two shorter rounds follow, and the last must not take more memory than the one before it.

Linux only: memory and descriptors are looked up in ``/proc``.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from tornado.iostream import IOStream
from tornado.tcpclient import TCPClient

ROOM_SIZE = 10
# How many connections are made at the same time.
AT_ONCE = 100
# Bytes by which a server may be larger in the last round than in the one before it.
TOLERANCE = 1_000_000
SETTLE_TIMEOUT = 30.0  # seconds


@dataclasses.dataclass(frozen=True)
class Usage:
    """What a process uses at one time."""

    descriptors: int
    resident: int  # bytes
    cpu: float  # seconds

    @classmethod
    def of(cls, process: int) -> Usage:
        """Look up what a process uses."""
        folder = Path("/proc", str(process))
        pages = int((folder / "statm").read_text().split()[1])
        # Fields 14 and 15; the name before them may hold spaces, but no parenthesis after its own.
        times = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
        return cls(
            len(os.listdir(folder / "fd")),
            pages * resource.getpagesize(),
            sum(map(int, times)) / os.sysconf("SC_CLK_TCK"),
        )

    def __str__(self) -> str:
        return (
            f"{self.descriptors:6d} descriptors {self.resident / 1e6:7.1f} MB {self.cpu:6.1f} s CPU"
        )


class Server:
    """One of the demos, as a process.

    :arg arguments: the module below ``demos.tcp``, and its arguments.
    """

    def __init__(self, *arguments: str) -> None:
        module, *rest = arguments
        self.name = module
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"demos.tcp.{module}", "--port", "0", *rest],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent.parent,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().split()[-1])

    def usage(self) -> Usage:
        """Look up what the server uses."""
        return Usage.of(self.process.pid)

    def stop(self) -> int:
        """Have it end, and return its exit status."""
        self.process.terminate()
        with self.process:
            return self.process.wait(SETTLE_TIMEOUT)


class Crowd:
    """Connections to servers.

    :arg ports: where they go, in turn.
    """

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.client = TCPClient()
        self.streams: list[IOStream] = []
        self.lines = 0
        self.slowest = 0.0

    async def enter(self, number: int) -> list[IOStream]:
        """Make so many connections, and read their welcome."""
        guests: list[IOStream] = []
        while len(guests) < number:
            some = range(len(guests), min(number, len(guests) + AT_ONCE))
            guests += await asyncio.gather(
                *(self._connect(self.ports[index % len(self.ports)]) for index in some)
            )
        self.streams += guests
        return guests

    async def _connect(self, port: int) -> IOStream:
        stream = await self.client.connect("127.0.0.1", port)
        await stream.read_until(b"\n")
        return stream

    async def talk(self, stream: IOStream, number: int, until: float, pause: float) -> None:
        """Say something again and again, and wait each time until it's heard."""
        # Not in the lobby, where the new name would be told to all the idle.
        await stream.write(f"/join room{number // ROOM_SIZE}\n/nick n{number}\n".encode())
        count = 0
        while time.monotonic() < until:
            count += 1
            line = f"n{number}: {count} {'x' * 100}"
            began = time.monotonic()
            await stream.write(line.partition(" ")[2].encode() + b"\n")
            while (await stream.read_until(b"\n")).decode().strip() != line:
                pass
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.lines += 1
            await asyncio.sleep(pause)
        # Others in the room may talk on: read until they have ended too.
        await stream.write(b"/who\n")
        while not (await stream.read_until(b"\n")).startswith(b"* In "):
            pass

    def leave(self) -> None:
        """Close all connections."""
        for stream in self.streams:
            stream.close()
        self.streams.clear()


async def play(ports: list[int], idle: int, busy: int, seconds: float, pause: float) -> Crowd:
    """Have a crowd come, and let some of it talk; returns it still there."""
    crowd = Crowd(ports)
    await crowd.enter(idle)
    talkers = await crowd.enter(busy)
    until = time.monotonic() + seconds
    await asyncio.gather(
        *(crowd.talk(stream, number, until, pause) for number, stream in enumerate(talkers))
    )
    return crowd


async def settled(servers: list[Server], before: list[Usage]) -> bool:
    """Wait until the servers have no more descriptors than before."""
    until = time.monotonic() + SETTLE_TIMEOUT
    while time.monotonic() < until:
        if all(
            server.usage().descriptors <= earlier.descriptors
            for server, earlier in zip(servers, before, strict=True)
        ):
            return True
        await asyncio.sleep(0.05)
    return False


async def soak(servers: list[Server], options: argparse.Namespace) -> bool:
    """Hold the connections three times; report, and tell whether nothing was left."""
    ports = [server.port for server in servers]
    before = [server.usage() for server in servers]
    held: list[list[Usage]] = []
    good = True

    def report(when: str) -> None:
        for server in servers:
            print(f"{when:>12} {server.name:8} {server.usage()}", flush=True)

    report("at first")
    for seconds in (options.seconds, options.again, options.again):
        crowd = await play(ports, options.idle, options.busy, seconds, options.pause)
        held.append([server.usage() for server in servers])
        report("while held")
        print(
            f"{len(crowd.streams)} connections, {crowd.lines} lines in {seconds:g} s, "
            f"the slowest came back after {crowd.slowest:.3f} s",
            flush=True,
        )
        crowd.leave()
        good = await settled(servers, before) and good
        report("afterwards")
    for server, earlier, last in zip(servers, *held[1:], strict=True):
        growth = last.resident - earlier.resident
        print(f"{server.name}: {growth / 1e6:+.1f} MB in the last round")
        good = good and growth < TOLERANCE
    return good


def main() -> int:
    """Run the soak; the status is 0 if nothing was left."""
    parser = argparse.ArgumentParser(description="Hold many connections for a while.")
    parser.add_argument("--idle", type=int, default=10_000)
    parser.add_argument("--busy", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--again", type=float, default=5.0, help="seconds of the later rounds")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between two lines")
    options = parser.parse_args()
    chat = Server("chat")
    forward = Server("forward", f"127.0.0.1:{chat.port}")
    try:
        good = asyncio.run(soak([chat, forward], options))
    finally:
        statuses = [forward.stop(), chat.stop()]
    print("nothing was left" if good else "SOMETHING WAS LEFT", statuses)
    return 0 if good and not any(statuses) else 1


if __name__ == "__main__":
    sys.exit(main())
