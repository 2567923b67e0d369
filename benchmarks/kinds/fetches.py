"""What HTTP clients fetch from nginx."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.kinds.sample import Sample
from benchmarks.peers import Peer
from benchmarks.process import LOAD_CPU, SERVER_CPU, free_port

_ACCEPTED = re.compile(r"\n *(\d+) ")

_NGINX = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path {folder};
    proxy_temp_path {folder};
    fastcgi_temp_path {folder};
    uwsgi_temp_path {folder};
    scgi_temp_path {folder};
    server {{
        listen 127.0.0.1:{port};
        location = / {{ default_type text/plain; return 200 "Hello, world"; }}
        location = /status {{ stub_status; }}
    }}
}}
"""


@dataclasses.dataclass(frozen=True)
class Fetches:
    """Fetches of a short text.

    :arg name: what it's called in tables.
    :arg client: which client of the peers' programs.
    :arg parallel: how many are under way at once.
    """

    name: str
    client: str
    parallel: int
    unit: str = "us CPU/fetch"

    def is_for(self, peer: Peer) -> bool:
        """Whether the peer's program has the client."""
        return peer.has("fetch", self.client)

    def measure(self, peer: Peer, seconds: int) -> Sample:
        """Start nginx and run the peer's program, which measures itself."""
        with _nginx() as address:
            command = peer.command(
                "fetch",
                url=f"{address}/",
                client=self.client,
                parallel=self.parallel,
                seconds=seconds,
            )
            command = ["taskset", "-c", str(SERVER_CPU), *command]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            # One is for the figure itself, one showed that nginx is up.
            opened = _accepted(address) - 2
        figures = json.loads(done.stdout)
        calls = figures["calls"]
        note = f"{opened:,} connections"
        return Sample(figures["cpu"] / calls * 1e6, calls / figures["seconds"], note)


@contextmanager
def _nginx() -> Iterator[str]:
    """Run nginx; give the address of its root."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if program is None:
        raise RuntimeError("nginx is missing")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # its workers run as another user
        port = free_port()
        config = Path(folder, "nginx.conf")
        config.write_text(_NGINX.format(folder=folder, port=port))
        command = ["taskset", "-c", str(LOAD_CPU), program, "-c", str(config), "-p", folder]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            try:
                address = f"http://127.0.0.1:{port}"
                _wait(address, process)
                yield address
            finally:
                process.terminate()


def _wait(address: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            _accepted(address)
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                assert process.stderr is not None
                raise RuntimeError(f"nginx did not start: {process.stderr.read()}") from None
            time.sleep(0.05)


def _accepted(address: str) -> int:
    """Return how many connections it has accepted."""
    with urllib.request.urlopen(f"{address}/status") as answer:
        found = _ACCEPTED.search(answer.read().decode())
    assert found is not None
    return int(found[1])
