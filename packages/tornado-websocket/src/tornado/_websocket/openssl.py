"""Masks of large payloads with the help of OpenSSL, on which Python's `ssl` stands.

Python combines bytes by exclusive or only as integers, and making those takes most of the time.
OpenSSL does it in its output feedback mode (NIST SP 800-38A section 6.4): data is combined with
what a block cipher makes of a vector of sixteen bytes, and then of that, and so on. With a cipher
that leaves its block as it is, that is the vector again and again: here, the mask four times.

`make_apply_mask` finds out whether this interpreter has all that is needed. Some haven't, such as
those with OpenSSL built in without its names.
"""

from __future__ import annotations

from collections.abc import Callable

_MASK = b"\x81\x42\x24\x18"
_SAMPLE = bytes(range(250))
_EXPECTED = bytes(byte ^ _MASK[index % 4] for index, byte in enumerate(_SAMPLE))


def make_apply_mask() -> Callable[[bytes, bytes], bytes] | None:
    """Return a function as `tornado._websocket.masks.apply_mask`, or `None` if there can't be one.

    It's for masks of four bytes, and quicker than integers from some hundred bytes of data on.
    """
    try:
        import _ssl
        import ctypes

        library = ctypes.PyDLL(getattr(_ssl, "__file__", None))
        # void (const void *in, void *out, size_t size, const void *key, void *vector, int *used,
        #       void cipher(const void *in, void *out, const void *key))
        encrypt = library.CRYPTO_ofb128_encrypt
        # With nothing to begin with, it makes bytes that may be filled.
        allocate = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_ssize_t)(
            ("PyBytes_FromStringAndSize", ctypes.pythonapi)
        )
    except (ImportError, OSError, AttributeError):
        return None
    encrypt.restype = None
    encrypt.argtypes = [
        ctypes.c_char_p,
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    # Called as a cipher without a key, it moves no bytes from the block to where they are.
    leave = ctypes.cast(ctypes.memmove, ctypes.c_void_p)
    integer, reference = ctypes.c_int, ctypes.byref

    def apply_mask(mask: bytes, data: bytes) -> bytes:
        size = len(data)
        masked: bytes = allocate(None, size)
        encrypt(data, masked, size, None, mask * 4, reference(integer()), leave)
        return masked

    return apply_mask if apply_mask(_MASK, _SAMPLE) == _EXPECTED else None
