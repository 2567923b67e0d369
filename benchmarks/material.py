"""What the workloads send and ask for."""

from __future__ import annotations

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
