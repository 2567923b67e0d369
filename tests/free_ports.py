"""Ports for programs that have to be told theirs."""

import random
import socket

# Below those that systems give out by themselves, so that no connection of another test can take
# the port before its program does.
RANGE = range(15000, 30000)


def free_port() -> int:
    """Return a port that nothing listens on."""
    for port in random.sample(RANGE, 100):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise OSError(f"no free port between {RANGE.start} and {RANGE.stop}")
