"""Content codings that a client accepts, by ``Accept-Encoding`` (RFC 9110 section 12.5.3)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from tornado._late import late_regex
from tornado.httputil import HTTPHeaders

# RFC 9110 section 12.4.2.
_WEIGHT = late_regex(r"[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")
# RFC 9110 section 8.4.1.3: the two are the same.
_ALIASES = {"x-gzip": "gzip"}
# Clients send the same few lines again and again. What is longer is no browser's.
_MEMORABLE = 200


def accepts(accept_encoding: str, coding: str) -> bool:
    """Tell whether a coding is accepted.

    :arg accept_encoding: the header's value; empty if there is none.
    :arg coding: its name in lower case.
    """
    weights = _remembered(accept_encoding)
    return weights.get(coding, weights.get("*", 0)) > 0


def by_preference(accept_encoding: str, offered: Iterable[str]) -> list[str]:
    """Return the codings that are to be preferred to none, best first.

    :arg accept_encoding: the header's value; empty if there is none.
    :arg offered: names of codings in lower case. Among those that the client likes equally, the
        one that comes first here is better.
    """
    if not accept_encoding:
        return []
    weights = _remembered(accept_encoding)
    rest = weights.get("*", 0)
    # Not to be coded is always accepted, but liked more than a coding only by those who say so.
    plain = weights.get("identity", 0)
    liked = [(weights.get(coding, rest), coding) for coding in offered]
    wanted = [(weight, coding) for weight, coding in liked if weight > 0 and weight >= plain]
    return [coding for _, coding in sorted(wanted, key=_weight_of, reverse=True)]


def _weight_of(entry: tuple[float, str]) -> float:
    return entry[0]


def _remembered(accept_encoding: str) -> dict[str, float]:
    if len(accept_encoding) > _MEMORABLE:
        return _parse(accept_encoding)
    return _parse_memorable(accept_encoding)


@lru_cache(maxsize=256)
def _parse_memorable(accept_encoding: str) -> dict[str, float]:
    return _parse(accept_encoding)


def _parse(accept_encoding: str) -> dict[str, float]:
    """Return the weights of the codings that are named; one that is malformed means zero."""
    weights = {}
    for element in accept_encoding.lower().split(","):
        coding, semicolon, parameter = element.partition(";")
        coding = coding.strip(" \t")
        weight = 1.0
        if semicolon:
            match = _WEIGHT.fullmatch(parameter.strip(" \t"))
            weight = float(match[1]) if match is not None else 0.0
        weights[_ALIASES.get(coding, coding)] = weight
    return weights


def vary_by_coding(headers: HTTPHeaders) -> None:
    """Let caches know that a response depends on ``Accept-Encoding``.

    It is said of what stays as it is, too: a cache must not give it to those who could have less.
    """
    present = headers.get("Vary")
    if present is None:
        headers["Vary"] = "Accept-Encoding"
    elif present.strip() != "*" and "accept-encoding" not in present.lower():
        headers["Vary"] = f"{present}, Accept-Encoding"
