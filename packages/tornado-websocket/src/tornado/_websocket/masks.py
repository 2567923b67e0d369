"""Masks of frames (RFC 6455 section 5.3).

In Python a mask is applied as one exclusive or of two large integers. With tornado-speedups it's
done in native code.
"""

from __future__ import annotations

from collections.abc import Callable

# With bytes before the mask's own, ``mask * REPEATED[n]`` is the mask as often as a payload of up
# to n bytes needs it; ``PADDING[n]`` bits of that are too many.
_SHORT = 126
REPEATED = tuple(int.from_bytes(b"\0\0\0\1" * ((size + 3) // 4 + 1)) for size in range(_SHORT))
PADDING = tuple(8 * (-size % 4) for size in range(_SHORT))

# Bytes that are masked at once; such integers, and what is made of them, stay in the nearest cache.
_STEP = 8192


def apply_mask_in_python(mask: bytes, data: bytes) -> bytes:
    """Return ``data`` combined with a mask of four bytes; applied twice it gives the data again.

    :raises ValueError: the mask has another length.
    """
    size = len(data)
    if len(mask) != 4:
        raise ValueError(f"a mask has four bytes, not {len(mask)}")
    if size <= _STEP:
        repeated = (mask * (size // 4 + 1))[:size]
        number = int.from_bytes(data, "little") ^ int.from_bytes(repeated, "little")
        return number.to_bytes(size, "little")
    pattern = int.from_bytes(mask * (_STEP // 4), "little")
    pieces = []
    whole = size - size % _STEP
    for start in range(0, whole, _STEP):
        number = int.from_bytes(data[start : start + _STEP], "little") ^ pattern
        pieces.append(number.to_bytes(_STEP, "little"))
    if whole < size:
        pieces.append(apply_mask_in_python(mask, data[whole:]))
    return b"".join(pieces)


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

try:
    import tornado._speedups as native
except ImportError:
    pass  # it's an extra
else:
    apply_mask, unmask = native.apply_mask, native.unmask

IS_NATIVE = unmask is not unmask_in_python
