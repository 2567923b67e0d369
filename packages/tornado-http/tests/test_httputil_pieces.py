"""Bodies that come in tiny pieces take little more memory than they have bytes."""

import socket
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado._httputil.pieces import SMALL, keep_piece
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream

SIZE = 20_000


@given(st.lists(st.binary(max_size=2 * SMALL), max_size=40))
def test_what_is_kept_is_what_came(pieces):
    kept = []
    for piece in pieces:
        keep_piece(kept, piece)
    assert b"".join(kept) == b"".join(pieces)
    tiny = [piece for piece in kept[1:] if len(piece) < SMALL]
    assert len(tiny) <= 1 + sum(len(piece) >= SMALL for piece in pieces)


def test_a_body_of_one_piece_is_not_copied():
    kept, piece = [], bytes(range(10))
    keep_piece(kept, piece)
    assert b"".join(kept) is piece


@pytest.mark.parametrize("framing", ["fixed", "chunked"])
async def test_s25_requests_in_tiny_pieces(framing):
    near, far = socket.socketpair()
    lengths = []
    server = HTTPServer(lambda request: lengths.append(len(request.body)))
    stream = IOStream(near)
    server.handle_stream(stream, ("127.0.0.1", 1))
    (connection,) = server._connections
    receive = connection.connection.data_received
    field = f"Content-Length: {SIZE}" if framing == "fixed" else "Transfer-Encoding: chunked"
    receive(f"POST / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n".encode())
    piece = b"%c" if framing == "fixed" else b"1\r\n%c\r\n"
    tracemalloc.start()
    try:
        for number in range(SIZE - 1):
            receive(piece % (number % 256))
        assert tracemalloc.get_traced_memory()[0] < 3 * SIZE
    finally:
        tracemalloc.stop()
    receive(piece % 0)
    if framing == "chunked":
        receive(b"0\r\n\r\n")
    assert lengths == [SIZE]
    stream.close()
    far.close()
    await server.close_all_connections()
