"""Masks of frames (RFC 6455 section 5.3).

With tornado-speedups a mask is applied in native code. Without, it's an exclusive or of two
integers for short payloads, and OpenSSL's work for longer ones.
"""

from __future__ import annotations

from collections.abc import Callable

# With bytes before the mask's own, ``mask * REPEATED[n]`` is the mask as often as a payload of up
# to n bytes needs it; ``PADDING[n]`` bits of that are too many.
_SHORT = 126
REPEATED = tuple(int.from_bytes(b"\0\0\0\1" * ((size + 3) // 4 + 1)) for size in range(_SHORT))
PADDING = tuple(8 * (-size % 4) for size in range(_SHORT))

# Bytes from which OpenSSL is quicker than integers.
_LONG = 400

# Bytes of one integer; such integers, and what is made of them, stay in the nearest cache.
_STEP = 8192


def combine_integers(mask: bytes, data: bytes) -> bytes:
    """Return ``data`` combined with a mask of four bytes, as `apply_mask_in_python`."""
    size = len(data)
    if size > _STEP:
        pattern = int.from_bytes(mask * (_STEP // 4), "little")
        pieces = []
        whole = size - size % _STEP
        for start in range(0, whole, _STEP):
            number = int.from_bytes(data[start : start + _STEP], "little") ^ pattern
            pieces.append(number.to_bytes(_STEP, "little"))
        pieces.append(combine_integers(mask, data[whole:]))
        return b"".join(pieces)
    repeated = (mask * (size // 4 + 1))[:size]
    number = int.from_bytes(data, "little") ^ int.from_bytes(repeated, "little")
    return number.to_bytes(size, "little")


def apply_mask_in_python(mask: bytes, data: bytes) -> bytes:
    """Return ``data`` combined with a mask of four bytes; applied twice it gives the data again.

    :raises ValueError: the mask has another length.
    """
    if len(mask) != 4:
        raise ValueError(f"a mask has four bytes, not {len(mask)}")
    return (combine_integers if len(data) < _LONG else _combine_long)(mask, data)


def unmask_in_python(data: bytes, start: int, stop: int) -> bytes:
    """Return a payload that stands behind its mask.

    :arg data: holds both.
    :arg start: where the mask begins.
    :arg stop: where the payload ends.
    """
    size = stop - start - 4
    if size >= _SHORT:
        return apply_mask_in_python(data[start : start + 4], data[start + 4 : stop])
    # The mask and what it masks, as one number.
    number = int.from_bytes(data[start:stop])
    mask = (number >> 8 * size) * REPEATED[size] >> PADDING[size]
    return (number ^ mask).to_bytes(size)


apply_mask: Callable[[bytes, bytes], bytes] = apply_mask_in_python
unmask: Callable[[bytes, int, int], bytes] = unmask_in_python
_combine_long: Callable[[bytes, bytes], bytes] = combine_integers

try:
    import tornado._speedups as native
except ImportError:
    # It's an extra.
    from tornado._websocket import openssl

    _combine_long = openssl.make_apply_mask() or combine_integers
else:
    apply_mask, unmask = native.apply_mask, native.unmask

IS_NATIVE = unmask is not unmask_in_python
