"""Bodies of forms, and the limits of what is taken from them."""

from __future__ import annotations

import dataclasses

from tornado._httputil import query
from tornado._httputil.errors import HTTPInputError
from tornado._httputil.headers import HTTPHeaders
from tornado._httputil.multipart import MultipartParser
from tornado._httputil.parameters import parse_parameters
from tornado.util import ObjectDict


class HTTPFile(ObjectDict):
    """An uploaded file: ``filename``, ``body`` (bytes) and ``content_type``, as attributes and as
    keys."""

    filename: str
    body: bytes
    content_type: str


@dataclasses.dataclass
class ParseMultipartConfig:
    """Limits of ``multipart/form-data`` bodies.

    :arg enabled: whether they are parsed at all.
    :arg max_parts: how many parts there may be.
    :arg max_part_header_size: limit of each part's headers in bytes.

    .. versionadded:: 6.5.5
    """

    enabled: bool = True
    max_parts: int = 100
    max_part_header_size: int = 10 * 1024


@dataclasses.dataclass
class ParseUrlEncodedConfig:
    """Limits of ``application/x-www-form-urlencoded`` bodies and of query strings.

    :arg max_arguments: how many arguments there may be.

    .. versionadded:: 6.5.8
    """

    max_arguments: int = query.MAX_ARGUMENTS


@dataclasses.dataclass
class ParseBodyConfig:
    """Limits of the bodies that are parsed.

    :arg multipart: those of ``multipart/form-data``.
    :arg urlencoded: those of ``application/x-www-form-urlencoded``.

    .. versionadded:: 6.5.5
    """

    multipart: ParseMultipartConfig = dataclasses.field(default_factory=ParseMultipartConfig)
    urlencoded: ParseUrlEncodedConfig = dataclasses.field(default_factory=ParseUrlEncodedConfig)


def set_parse_body_config(config: ParseBodyConfig) -> None:
    """Set the limits that hold where none are given.

    .. versionadded:: 6.5.5
    """
    query.default_config = config


def default_config() -> ParseBodyConfig:
    """Return the limits that hold where none are given."""
    return query.default_config or ParseBodyConfig()


def parse_body_arguments(
    content_type: str,
    body: bytes,
    arguments: dict[str, list[bytes]],
    files: dict[str, list[HTTPFile]],
    headers: HTTPHeaders | None = None,
    *,
    config: ParseBodyConfig | None = None,
) -> None:
    """Parse the body of a form; bodies of other types are left alone.

    After an error the dictionaries may hold some of the body's arguments and files.

    :arg content_type: the ``Content-Type`` field.
    :arg body: the content.
    :arg arguments: gets the arguments.
    :arg files: gets the files.
    :arg headers: the other fields; a body with a content coding is refused.
    :arg config: limits; without it those of `set_parse_body_config` hold.
    :raises HTTPInputError: the body is malformed or beyond a limit.

    .. versionchanged:: 6.5
       Malformed bodies are errors.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return
    if headers is not None and "Content-Encoding" in headers:
        raise HTTPInputError(f"form with content coding {headers['Content-Encoding'][:80]!r}")
    config = config or default_config()
    if kind == "multipart/form-data":
        boundary = parse_parameters(content_type)[1].get("boundary")
        if not boundary:
            raise HTTPInputError("multipart body without boundary")
        _parse_parts(boundary.encode(), body, arguments, files, config.multipart)
        return
    for name, values in query.parse_arguments(body, config).items():
        arguments.setdefault(name, []).extend(values)


def parse_multipart_form_data(
    boundary: bytes,
    data: bytes,
    arguments: dict[str, list[bytes]],
    files: dict[str, list[HTTPFile]],
    *,
    config: ParseMultipartConfig | None = None,
) -> None:
    """Parse a ``multipart/form-data`` body; what stands behind its last boundary is ignored.

    A part with a file name is a file, any other part an argument. After an error the dictionaries
    may hold some of the parts.

    :arg boundary: the boundary as the ``Content-Type`` field has it, with or without quotes.
    :arg data: the content.
    :arg arguments: gets the arguments.
    :arg files: gets the files.
    :arg config: limits; without it those of `set_parse_body_config` hold.
    :raises HTTPInputError: the body is malformed or beyond a limit.

    .. versionchanged:: 6.5
       Malformed bodies are errors.
    """
    if len(boundary) > 1 and boundary.startswith(b'"') and boundary.endswith(b'"'):
        boundary = boundary[1:-1]
    _parse_parts(boundary, data, arguments, files, config or default_config().multipart)


def _parse_parts(
    boundary: bytes,
    data: bytes,
    arguments: dict[str, list[bytes]],
    files: dict[str, list[HTTPFile]],
    config: ParseMultipartConfig,
) -> None:
    if not config.enabled:
        raise HTTPInputError("multipart forms are not accepted")
    parser = MultipartParser(
        boundary,
        _Collector(arguments, files),
        max_parts=config.max_parts,
        max_part_header_size=config.max_part_header_size,
    )
    parser.feed(data)
    parser.finish()


class _Collector:
    """Put parts into the dictionaries of arguments and files."""

    def __init__(self, arguments: dict[str, list[bytes]], files: dict[str, list[HTTPFile]]) -> None:
        self._arguments = arguments
        self._files = files
        self._name = ""
        self._filename: str | None = None
        self._content_type = ""
        self._data: list[bytes] = []

    def on_part(self, name: str, filename: str | None, headers: HTTPHeaders) -> None:
        self._name = name
        self._filename = filename
        self._content_type = headers.get("Content-Type", "application/unknown")
        self._data = []

    def on_part_data(self, data: bytes) -> None:
        self._data.append(data)

    def on_part_end(self) -> None:
        value = b"".join(self._data)
        if not self._filename:
            self._arguments.setdefault(self._name, []).append(value)
            return
        self._files.setdefault(self._name, []).append(
            HTTPFile(filename=self._filename, body=value, content_type=self._content_type)
        )
