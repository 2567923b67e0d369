"""JSON as `json.dumps` writes it, without an encoder of its own for each value."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from json import encoder
from typing import Any


def _make_encoder() -> Callable[[Any, int], Iterable[str]] | None:
    """Make what encodes in C, with the settings that `json.dumps` has by default; `None` for a
    Python that has no such thing.
    """
    make: Callable[..., Any] | None = getattr(encoder, "c_make_encoder", None)
    if make is None:
        return None
    quote = encoder.encode_basestring_ascii
    # Without the first argument it doesn't look for circles, and can serve several threads.
    encode: Callable[[Any, int], Iterable[str]]
    encode = make(None, json.JSONEncoder().default, quote, None, ": ", ", ", False, False, True)
    return encode


_encode = _make_encoder()


def dump(value: Any) -> str:
    """Return a value as JSON.

    :arg value: what `json.dumps` takes.
    :raises TypeError: there's something in it that JSON has nothing for.
    :raises ValueError: it contains itself.
    """
    if _encode is None:
        return json.dumps(value)
    try:
        return "".join(_encode(value, 0))
    except RecursionError:
        # It finds out whether there is a circle.
        return json.dumps(value)
