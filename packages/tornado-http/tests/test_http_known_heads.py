"""What a server remembers of heads holds for no server that is stricter than it."""

from __future__ import annotations

import pytest

from tornado._http1.reader import MessageReader
from tornado.httputil import HTTPInputError


class Heads:
    """Takes the start lines of requests."""

    def __init__(self) -> None:
        self.targets: list[str] = []

    def on_request(self, start_line, values):
        self.targets.append(start_line.path)

    on_head = on_request

    def on_body(self, data):
        raise AssertionError("these requests have no body")

    def on_complete(self):
        pass


def read(data, **options):
    """Return the target of a request, or the status of its refusal."""
    heads = Heads()
    options = {"max_header_size": 65536, "max_body_size": 100, **options}
    reader = MessageReader(heads, is_client=False, **options)
    try:
        reader.feed(data)
    except HTTPInputError as error:
        return error.status_code
    return heads.targets[0]


FIELDS = b"".join(b"X-%d: y\r\n" % n for n in range(20))


@pytest.mark.parametrize(
    ("data", "lenient", "strict", "status"),
    [
        (b"GET /lf HTTP/1.1\nHost: a\n\n", {"accept_bare_lf": True}, {}, 400),
        (
            b"GET /fold HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n",
            {"accept_folded_lines": True},
            {},
            400,
        ),
        (
            b"GET /count HTTP/1.1\r\nHost: a\r\n" + FIELDS + b"\r\n",
            {},
            {"max_header_count": 5},
            431,
        ),
        (b"GET /size HTTP/1.1\r\nHost: a\r\n" + FIELDS + b"\r\n", {}, {"max_header_size": 50}, 431),
    ],
    ids=["bare LF", "folded lines", "count", "size"],
)
def test_s9_what_one_server_accepts_another_one_still_refuses(data, lenient, strict, status):
    target = data.split()[1].decode()
    assert read(data, **strict) == status
    for _ in range(2):
        assert read(data, **lenient) == target
        assert read(data, **strict) == status


@pytest.mark.parametrize("difference", [0, 1])
def test_the_size_of_a_known_head_is_limited_exactly(difference):
    data = b"GET /exactly HTTP/1.1\r\nHost: a\r\n\r\n"
    limit = len(data) - 4
    assert read(data) == "/exactly"
    got = read(data, max_header_size=limit - difference)
    assert got == (431 if difference else "/exactly")
