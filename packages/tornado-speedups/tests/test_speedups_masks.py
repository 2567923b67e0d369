"""Native masks, compared with what RFC 6455 section 5.3 says byte by byte."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado._speedups import apply_mask, unmask

MASKS = st.binary(min_size=4, max_size=4)


def by_the_rule(mask: bytes, data: bytes) -> bytes:
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))


@given(MASKS, st.binary(max_size=100))
def test_data_is_combined_with_the_mask(mask, data):
    assert apply_mask(mask, data) == by_the_rule(mask, data)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 63, 64, 65, 4097, 100_003])
def test_all_lengths(size):
    data = bytes(index * 7 & 0xFF for index in range(size))
    assert apply_mask(b"\x01\x80\xff\x00", data) == by_the_rule(b"\x01\x80\xff\x00", data)


@given(st.binary(max_size=20), MASKS, st.binary(max_size=100), st.binary(max_size=20))
def test_payload_is_taken_out_from_behind_its_mask(before, mask, payload, behind):
    data = before + mask + payload + behind
    found = unmask(data, len(before), len(data) - len(behind))
    assert found == by_the_rule(mask, payload)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_buffers_of_all_kinds_are_read(kind):
    assert apply_mask(kind(b"abcd"), kind(b"abcd\0")) == b"\0\0\0\0a"
    assert unmask(kind(b"_abcdabcd\0_"), 1, 10) == b"\0\0\0\0a"


def test_data_that_is_given_stays_as_it_is():
    data = bytearray(b"12345678")
    apply_mask(b"abcd", data)
    assert data == b"12345678"


@pytest.mark.parametrize("mask", [b"", b"abc", b"abcde"])
def test_a_mask_has_four_bytes(mask):
    with pytest.raises(ValueError, match=f"four bytes, not {len(mask)}"):
        apply_mask(mask, b"data")


# The largest and the smallest number that a position may be.
LARGEST, SMALLEST = sys.maxsize, -sys.maxsize - 1


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        (-1, 8),
        (0, 9),
        (0, 3),
        (5, 8),
        (8, 4),
        (2**62, 2**62 + 4),
        (LARGEST - 4, SMALLEST),
        (LARGEST, SMALLEST + 8),
        (SMALLEST, LARGEST),
        (SMALLEST, SMALLEST + 4),
    ],
)
def test_s26_positions_outside_are_refused(start, stop):
    with pytest.raises(ValueError, match=f"between {start} and {stop} of 8 bytes"):
        unmask(b"12345678", start, stop)


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        (apply_mask, ()),
        (apply_mask, (b"abcd",)),
        (apply_mask, (b"abcd", "text")),
        (apply_mask, ("abcd", b"data")),
        (apply_mask, (b"abcd", b"data", 0)),
        (unmask, (b"abcd", 0)),
        (unmask, (b"abcd", "0", 4)),
        (unmask, (b"abcd", 0, None)),
        (unmask, ("abcd", 0, 4)),
    ],
)
def test_wrong_arguments_are_refused(call, arguments):
    with pytest.raises(TypeError):
        call(*arguments)


def test_a_number_that_no_buffer_reaches_is_refused():
    with pytest.raises(OverflowError):
        unmask(b"abcd", 0, 1 << 80)
