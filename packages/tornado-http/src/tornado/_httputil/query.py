"""Arguments in query strings and urlencoded bodies, and how many of them there may be."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from tornado._httputil.errors import HTTPInputError
from tornado.escape import parse_qs_bytes

if TYPE_CHECKING:
    from tornado._httputil.forms import ParseBodyConfig

MAX_ARGUMENTS = 1000

#: What `tornado.httputil.set_parse_body_config` was given.
default_config: ParseBodyConfig | None = None


def parse_arguments(
    text: str | bytes, config: ParseBodyConfig | None = None
) -> dict[str, list[bytes]]:
    """Return the arguments of a query string or of an urlencoded body.

    :arg text: the query string or body.
    :arg config: limits; without it those of `set_parse_body_config` hold.
    :raises HTTPInputError: there are too many.
    """
    config = config or default_config
    limit = MAX_ARGUMENTS if config is None else config.urlencoded.max_arguments
    if isinstance(text, str) and len(text) <= _MEMORABLE:
        return {name: values[:] for name, values in _parse_memorable(text, limit).items()}
    return _parse_fields(text, limit)


def _parse_fields(text: str | bytes, limit: int) -> dict[str, list[bytes]]:
    try:
        return parse_qs_bytes(text, keep_blank_values=True, max_num_fields=limit)
    except ValueError as error:
        raise HTTPInputError(f"invalid arguments: {error}") from error


# Short query strings come again and again; what is remembered of them has a limit.
_MEMORABLE = 256  # characters
_parse_memorable = lru_cache(maxsize=512)(_parse_fields)
