"""What the workloads send and ask for."""

from __future__ import annotations

import resource
from pathlib import Path

import trustme

from benchmarks.peers import ENVIRONMENTS

MATERIAL = ENVIRONMENTS / "material"

# Like those of a browser.
BROWSER_HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.7,de;q=0.3",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Referer": "http://127.0.0.1/some/other/page?with=query",
    "Cookie": "session=c2Vzc2lvbg; theme=dark; consent=yes",
    "Sec-Fetch-Mode": "navigate",
    "Priority": "u=0, i",
}

FORM = b"name=bench&text=" + b"Some+text+%26+signs%2C" * 455


def static_files() -> Path:
    """Return a folder with files of 1 KB and 1 MB."""
    folder = MATERIAL / "files"
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in {"1k.txt": 1000, "1m.txt": 1_000_000}.items():
        path = folder / name
        if not path.exists():
            path.write_bytes(b"static file\n" * (size // 12))
    return folder


def certificate() -> tuple[Path, Path]:
    """Return the files of a certificate for this machine, and of its key."""
    certificate, key = MATERIAL / "certificate.pem", MATERIAL / "key.pem"
    if not key.exists():
        MATERIAL.mkdir(parents=True, exist_ok=True)
        issued = trustme.CA().issue_cert("127.0.0.1", "localhost")
        issued.cert_chain_pems[0].write_to_path(certificate)
        issued.private_key_pem.write_to_path(key)
    return certificate, key


def allow_descriptors(number: int) -> None:
    """Let this process and those that it starts have so many open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, number + 100)), hard))


# What opens a websocket (RFC 6455 section 4.1).
WEBSOCKET = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def client_frame(payload: bytes) -> bytes:
    """Return a binary message as clients send it."""
    mask = b"\x37\xfa\x21\x3d"
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return _head(len(payload), 0x80) + mask + masked


def server_frame_size(size: int) -> int:
    """Return how many bytes a server sends for a message of a size."""
    return len(_head(size, 0)) + size


def _head(size: int, flag: int) -> bytes:
    # RFC 6455 section 5.2: seven bits of length, or markers for 16 and 64 bits that follow.
    if size < 126:
        return bytes((0x82, flag | size))
    if size < 1 << 16:
        return bytes((0x82, flag | 126)) + size.to_bytes(2, "big")
    return bytes((0x82, flag | 127)) + size.to_bytes(8, "big")
