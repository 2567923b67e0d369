"""Bodies that are kept until all their pieces have come."""

from __future__ import annotations

SMALL = 256  # bytes


def keep_piece(pieces: list[bytes | bytearray], piece: bytes) -> None:
    """Keep a further piece of a body, so that it takes little more memory than it has bytes.

    An object for each byte would take forty, and it's the peer who decides how small pieces are.

    :arg pieces: what was kept before. If there is nothing, ``piece`` becomes the first as it is.
    """
    if not pieces or len(piece) >= SMALL:
        pieces.append(piece)
        return
    last = pieces[-1]
    if type(last) is bytearray:
        last += piece
    else:
        pieces.append(bytearray(piece))
