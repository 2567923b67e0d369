"""Content codings whose libraries are other people's: Brotli and Zstandard."""

from __future__ import annotations

import asyncio
import gzip
import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tornado._simple_client import codings
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPInputError, ResponseStartLine
from tornado.netutil import bind_sockets
from tornado.simple_httpclient import HTTPStreamClosedError, SimpleAsyncHTTPClient

TEXT = b"what is written here can be made smaller " * 1000


def there(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


# Which of them there is depends on the version of Python.
STREAMING = [module for name in ("compression.zstd", "backports.zstd") if (module := there(name))]

DECODERS: dict[str, tuple[Callable[[], Any], Callable[[bytes], bytes]]] = {
    "br": (lambda: codings._BrotliDecoder(brotli), brotli.compress),
    "zstandard": (lambda: codings._ZstandardDecoder(zstandard), zstandard.compress),
    **{
        module.__name__: (lambda module=module: codings._ZstdDecoder(module), zstandard.compress)
        for module in STREAMING
    },
}
ZSTD = [name for name in DECODERS if name != "br"]


def decode(decoder: Any, *pieces: bytes) -> bytes:
    decoded = []
    for piece in pieces:
        for part in decoder.decode(piece):
            # Brotli takes the limit for advice: it ends a block that it has begun.
            assert 0 < len(part) <= 2 * codings.PIECE
            decoded.append(part)
    decoder.finish()
    return b"".join(decoded)


@pytest.mark.parametrize("name", DECODERS)
@given(data=st.binary(max_size=300), repeat=st.integers(1, 500), cut=st.integers(1, 40))
def test_any_split_decodes_to_the_same(name: str, data: bytes, repeat: int, cut: int) -> None:
    make, encode = DECODERS[name]
    coded = encode(data * repeat)
    pieces = [coded[start : start + cut] for start in range(0, len(coded), cut)]
    assert decode(make(), *pieces) == data * repeat


@pytest.mark.parametrize("name", DECODERS)
def test_every_truncation_is_an_error(name: str) -> None:
    make, encode = DECODERS[name]
    coded = encode(TEXT)
    for size in range(1, len(coded)):
        with pytest.raises(HTTPInputError, match="truncated|invalid"):
            decode(make(), coded[:size])


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("data", [b"not coded at all", b"\xff" * 100])
def test_nonsense_is_an_error(name: str, data: bytes) -> None:
    with pytest.raises(HTTPInputError):
        decode(DECODERS[name][0](), data)


@pytest.mark.parametrize("name", DECODERS)
def test_nothing_decodes_to_nothing(name: str) -> None:
    assert decode(DECODERS[name][0](), b"") == b""


@pytest.mark.parametrize("name", ZSTD)
def test_zstd_may_have_several_frames(name: str) -> None:
    make, encode = DECODERS[name]
    coded = encode(TEXT[:100]) + encode(TEXT[100:])
    assert decode(make(), coded) == TEXT
    assert decode(make(), *(bytes((octet,)) for octet in coded)) == TEXT
    with pytest.raises(HTTPInputError):
        decode(make(), encode(TEXT) + b"more")


def test_brotli_has_one_stream() -> None:
    with pytest.raises(HTTPInputError):
        decode(codings._BrotliDecoder(brotli), brotli.compress(TEXT) + b"more")


@pytest.mark.parametrize("name", ZSTD)
def test_zstd_windows_are_limited(name: str) -> None:
    """RFC 9659: 8 MiB are enough for everybody."""
    make, _ = DECODERS[name]
    for log, good in ((23, True), (24, False)):
        parameters = zstandard.ZstdCompressionParameters(window_log=log)
        engine = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
        coded = engine.compress(TEXT) + engine.flush()
        if good:
            assert decode(make(), coded) == TEXT
        else:
            with pytest.raises(HTTPInputError):
                decode(make(), coded)


@pytest.mark.parametrize("name", DECODERS)
def test_a_bomb_goes_off_a_little_at_a_time(name: str) -> None:
    make, encode = DECODERS[name]
    coded = encode(bytes(200_000_000))
    assert len(coded) < 50_000
    pieces = make().decode(coded)
    assert sum(len(next(pieces)) for _ in range(10)) <= 20 * codings.PIECE


@pytest.mark.parametrize("coding", ["br", "zstd", "br, gzip", "zstd, br"])
@pytest.mark.parametrize("limit", [1_000_000, len(TEXT), len(TEXT) - 1])
def test_the_client_takes_them(coding: str, limit: int) -> None:
    encoders = {"br": brotli.compress, "zstd": zstandard.compress, "gzip": gzip.compress}
    body = TEXT
    for name in coding.split(", "):
        body = encoders[name](body)
    asked = []

    def respond(request: Any) -> None:
        asked.append(request.headers["Accept-Encoding"])
        headers = HTTPHeaders({"Content-Encoding": coding, "Content-Length": str(len(body))})
        request.connection.write_headers(ResponseStartLine("", 200, "OK"), headers, body)
        request.connection.finish()

    async def main() -> None:
        sockets = bind_sockets(0, "127.0.0.1")
        server = HTTPServer(respond)
        server.add_sockets(sockets)
        client = SimpleAsyncHTTPClient(force_instance=True, max_body_size=limit)
        url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}/"
        if limit < len(TEXT):
            with pytest.raises(HTTPStreamClosedError, match="too large"):
                await client.fetch(url)
        else:
            assert (await client.fetch(url)).body == TEXT
        client.close()
        server.stop()
        await server.close_all_connections()

    asyncio.run(main())
    assert asked == ["gzip, deflate, br, zstd"]


@pytest.mark.parametrize("missing", ["brotli", "zstandard"])
def test_what_is_not_installed_is_not_asked_for(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    zstd = ("compression.zstd", "backports.zstd", "zstandard")
    names = zstd if missing == "zstandard" else (missing,)
    monkeypatch.setattr(codings, "_import", lambda name: None if name in names else there(name))
    codings._decoders.cache_clear()
    codings.accepted_codings.cache_clear()
    try:
        left = "br" if missing == "zstandard" else "zstd"
        assert codings.accepted_codings() == f"gzip, deflate, {left}"
        assert not codings.ContentDecoder.knows("zstd" if left == "br" else "br")
    finally:
        codings._decoders.cache_clear()
        codings.accepted_codings.cache_clear()
