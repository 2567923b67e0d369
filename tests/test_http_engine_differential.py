"""The server's engine against itself in any pieces, and against h11 and llhttp."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.comparison import LENIENCIES, OTHERS, SENTINEL, compare, find_difference, is_excused
from fuzz.engines import close_loop, cut, read_with_ours
from fuzz.requests import connections


@pytest.fixture(autouse=True, scope="module")
def _loop() -> Iterator[None]:
    yield
    close_loop()


@settings(max_examples=100)
@given(connections(strict=True))
def test_what_the_grammar_allows_is_accepted(data: bytes) -> None:
    found = read_with_ours([data + SENTINEL])
    assert found.error is None, (data, found)
    assert found.requests[-1].target == "/sentinel"
    assert found.output.count(b"HTTP/1.1 200 OK\r\n") == len(found.requests)
    compare(data)


@settings(max_examples=400)
@given(connections(strict=False))
def test_nothing_is_accepted_that_others_refuse(data: bytes) -> None:
    compare(data)


@settings(max_examples=200)
@given(connections(strict=False), st.lists(st.integers(1, 400), max_size=6))
def test_any_pieces_give_the_same_requests_and_answers(data: bytes, places: list[int]) -> None:
    assert read_with_ours(cut(data, places)).agrees(read_with_ours([data])), data


@settings(max_examples=100)
@given(connections(strict=False), st.lists(st.integers(1, 400), max_size=6))
def test_any_pieces_give_the_same_early_answers(data: bytes, places: list[int]) -> None:
    whole = read_with_ours([data], early=True)
    assert read_with_ours(cut(data, places), early=True).agrees(whole), data


@settings(max_examples=100)
@given(connections(strict=False))
def test_single_bytes_give_the_same_requests_and_answers(data: bytes) -> None:
    assert read_with_ours(cut(data, range(len(data)))).agrees(read_with_ours([data])), data


@pytest.mark.parametrize("early", [False, True])
def test_all_of_many_requests_in_one_piece_are_read(early: bool) -> None:
    """A server that has answered some of them lets the rest of the program have its turn."""
    data = SENTINEL * 40
    found = read_with_ours([data], early)
    assert found.output.count(b"HTTP/1.1 200 OK\r\n") == 40
    assert read_with_ours(cut(data, range(len(data))), early).agrees(found)


def test_what_others_refuse_is_refused_behind_many_requests() -> None:
    compare(SENTINEL * 20 + b"GET / HTTP/1.1\r\nHost: a\r\nno field\r\n\r\n")


# For each listed exception something that shows that it's still needed.
EXCUSED = [
    ("llhttp", b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("llhttp", b"GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
    ("llhttp", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n"),
    ("llhttp", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n"),
    (
        "llhttp",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1 ; a\r\nx\r\n0\r\n\r\n",
    ),
    (
        "h11",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1 ; a\r\nx\r\n0\r\n\r\n",
    ),
    ("h11", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n"),
    ("h11", b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
    ("llhttp", b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
]


@pytest.mark.parametrize(("leniency", "case"), list(zip(LENIENCIES, EXCUSED, strict=True)))
def test_listed_exceptions_are_real(leniency, case) -> None:
    engine, data = case
    assert engine == leniency.engine
    data += SENTINEL * 2
    ours, theirs = read_with_ours([data]), OTHERS[engine](data)
    assert ours.error is None
    assert find_difference(ours, theirs)
    assert is_excused(engine, ours, theirs, data)
