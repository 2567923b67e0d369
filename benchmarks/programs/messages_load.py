"""Send messages and count what comes back.

Arguments: a folder with the files ``opening`` and ``message``, the port, how many connections, how
many messages in flight on each, the length of a reply, and seconds. ``ready`` is printed when all
connections are open; a line of input starts the load, and its figures are printed as JSON.
"""

import argparse
import json
import pathlib
import select
import socket
import ssl
import sys
import time

BUFFER = bytearray(1 << 20)
PATIENCE = 20.0  # seconds without any reply


def connect(options, opening):
    """Open a connection, with what has to be said before messages."""
    sock = socket.create_connection(("127.0.0.1", options.port), timeout=PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if options.tls:
        # It's our own certificate; whether it's checked makes no difference to the server.
        sock = ssl._create_unverified_context().wrap_socket(sock)
    if opening:
        sock.sendall(opening)
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            data = sock.recv(1)
            if not data:
                sys.exit(f"the server closes after {answer!r}")
            answer += data
    return sock


def receive(sock):
    """Return how many bytes are there."""
    count = sock.recv_into(BUFFER)
    if not count:
        sys.exit("the server closes a connection")
    if isinstance(sock, ssl.SSLSocket):
        while sock.pending():
            count += sock.recv_into(BUFFER)
    return count


def echo(options, sockets, message):
    """Keep each connection's messages in flight until the time is over; return the replies."""
    poll = select.epoll()
    by_number = {sock.fileno(): sock for sock in sockets}
    received = dict.fromkeys(by_number, 0)
    replies = 0
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    for sock in sockets:
        sock.sendall(message * options.in_flight)
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        events = poll.poll(PATIENCE)
        if not events:
            sys.exit("no reply")
        for number, _ in events:
            sock = by_number[number]
            count, received[number] = divmod(received[number] + receive(sock), options.reply)
            if count:
                replies += count
                sock.sendall(message * count)
    return replies


def to_all(options, sockets, message):
    """Have messages sent to all, one after another; return how many arrived."""
    poll = select.epoll()
    by_number = {sock.fileno(): sock for sock in sockets}
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    replies = 0
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        sockets[0].sendall(message)
        missing = len(sockets) * options.reply
        while missing:
            events = poll.poll(PATIENCE)
            if not events:
                sys.exit(f"{missing} bytes did not come")
            for number, _ in events:
                missing -= receive(by_number[number])
        replies += len(sockets)
    return replies


def main():
    """Do what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    for name in ("port", "connections", "in_flight", "reply", "seconds"):
        parser.add_argument(name, type=int)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--to-all", action="store_true")
    options = parser.parse_args()
    opening = (options.folder / "opening").read_bytes()
    message = (options.folder / "message").read_bytes()
    sockets = [connect(options, opening) for _ in range(options.connections)]
    print("ready", flush=True)
    sys.stdin.readline()
    start = time.monotonic()
    replies = (to_all if options.to_all else echo)(options, sockets, message)
    print(json.dumps({"replies": replies, "seconds": time.monotonic() - start}), flush=True)


main()
