"""Forms with files, taken apart while they come, in a memory that doesn't grow with them.

`FormStream` gives pieces of a body to the parser, which calls back at once with what is in them.
That is noted and then dealt with one by one, so that whoever takes the data may be waited for; the
connection is read no further meanwhile. At any time there is no more of the form in memory than the
last piece, the arguments, and ``memory_size`` bytes of files.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from io import BytesIO
from os import PathLike
from typing import IO, Any

from tornado._httputil import forms
from tornado._httputil.multipart import MultipartParser
from tornado._httputil.parameters import parse_parameters
from tornado._web.decorators import stream_request_body
from tornado._web.errors import HTTPError
from tornado._web.handler import RequestHandler
from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    HTTPServerRequest,
    ParseMultipartConfig,
)

#: Takes the data of a part; ``b""`` is the end. It may return something to wait for.
PartConsumer = Callable[[bytes], Awaitable[None] | None]

DEFAULT_MEMORY_SIZE = 1 << 20  # bytes of files
DEFAULT_ARGUMENTS_SIZE = 1 << 20  # bytes

# With the memory used up, files grow in blocks of this many bytes.
_BLOCK_SIZE = 64 * 1024


class UploadedPart:
    """A part of a form that was streamed.

    .. attribute:: name

       Name of the form's field.

    .. attribute:: filename

       What the client calls the file, not to be trusted; `None` if the part is an argument.

    .. attribute:: headers

       The part's header fields.

    .. attribute:: size

       Bytes that have come so far.

    .. versionadded:: 6.100
    """

    def __init__(self, name: str, filename: str | None, headers: HTTPHeaders) -> None:
        self.name = name
        self.filename = filename
        self.headers = headers
        self.size = 0
        self._consumer: PartConsumer | None = None
        # Data that is not in the file; the file is made when there is too much.
        self._kept = bytearray()
        self._file: IO[bytes] | None = None
        self._closed = False

    @property
    def content_type(self) -> str:
        """What the client says of the content, not to be trusted."""
        return self.headers.get("Content-Type", "application/unknown")

    @property
    def file(self) -> IO[bytes]:
        """The content as a file, open for reading from its beginning.

        It is gone when the request is over.

        :raises ValueError: it is gone.
        """
        if self._closed:
            raise ValueError(f"the content of {self.filename!r} is gone with its request")
        if self._file is None:
            return BytesIO(self._kept)
        self._file.seek(0)
        return self._file

    @property
    def body(self) -> bytes:
        """The whole content. It may be large; reading it blocks the event loop."""
        return self.file.read()

    async def save(self, path: str | PathLike[str]) -> None:
        """Write the content to a file, without blocking the event loop.

        :arg path: the file; one that exists is overwritten.
        :raises OSError: it cannot be written; there may be a part of it then.
        """
        await asyncio.get_running_loop().run_in_executor(None, _copy, self.file, path)

    async def _move_to_file(self, directory: str | None) -> None:
        data, self._kept = self._kept, bytearray()
        await asyncio.get_running_loop().run_in_executor(
            None, self._append_to_file, data, directory
        )

    def _append_to_file(self, data: bytearray, directory: str | None) -> None:
        if self._file is None:
            from tempfile import TemporaryFile  # here, for few programs need it

            self._file = TemporaryFile(dir=directory)  # noqa: SIM115  # closed with the request
        self._file.write(data)

    def _close(self) -> None:
        self._closed = True
        self._kept.clear()
        if self._file is not None:
            self._file.close()


def _copy(source: IO[bytes], path: str | PathLike[str]) -> None:
    from shutil import copyfileobj

    with open(path, "wb") as target:
        copyfileobj(source, target, _BLOCK_SIZE)


class FormStream:
    """Take a ``multipart/form-data`` body that comes piece by piece.

    .. code-block:: python

       @stream_request_body
       class Upload(RequestHandler):
           def prepare(self):
               self.request.connection.set_max_body_size(2 << 30)
               self.form = FormStream(self.request)

           def data_received(self, chunk):
               return self.form.data_received(chunk)

           async def post(self):
               for part in self.form.files["document"]:
                   await part.save(self.place_for(part))

           def on_finish(self):
               self.form.close()

    `UploadHandler` has all that done.

    :arg request: the request, for its ``Content-Type``.
    :arg on_part: called with each `UploadedPart` when its headers are there; may be a coroutine
       function. Parts for which it returns a function have their data go there: it is called with
       each piece, at the end with ``b""``, and may return something to wait for. All others are
       stored, as without ``on_part``.
    :arg config: limits of number and headers of the parts; without it those of
       `tornado.httputil.set_parse_body_config` hold.
    :arg max_arguments_size: limit in bytes of all arguments together. More is answered with 413.
    :arg max_file_size: limit in bytes of each file, also of those that are not stored. More is
       answered with 413. Without it there is the limit of the connection for the whole body.
    :arg memory_size: bytes of files that may be kept in memory; what is beyond goes to temporary
       files.
    :arg directory: where they are, instead of the system's place for them. They have no name there.
    :raises HTTPError: 415, the request has no such body.
    :raises HTTPInputError: the boundary is missing or invalid, or such forms are not accepted.

    .. versionadded:: 6.100
    """

    def __init__(
        self,
        request: HTTPServerRequest,
        *,
        on_part: Callable[[UploadedPart], Any] | None = None,
        config: ParseMultipartConfig | None = None,
        max_arguments_size: int = DEFAULT_ARGUMENTS_SIZE,
        max_file_size: int | None = None,
        memory_size: int = DEFAULT_MEMORY_SIZE,
        directory: str | None = None,
    ) -> None:
        self._on_part = on_part
        self._arguments_left = max_arguments_size
        self._max_file_size = max_file_size
        self._memory_size = memory_size
        self._directory = directory
        self._arguments: dict[str, list[bytes]] = {}
        self._files: dict[str, list[UploadedPart]] = {}
        self._stored: list[UploadedPart] = []
        self._in_memory = 0
        self._part: UploadedPart | None = None
        self._events = _Events()
        self._parser = _make_parser(request, self._events, config)
        self._busy = False
        self._complete = False
        self._closed = False

    @property
    def arguments(self) -> dict[str, list[bytes]]:
        """The parts without a file name, when the whole form has come.

        :raises HTTPInputError: its end is missing.
        """
        self.finish()
        return self._arguments

    @property
    def files(self) -> dict[str, list[UploadedPart]]:
        """The parts with a file name, when the whole form has come.

        :raises HTTPInputError: its end is missing.
        """
        self.finish()
        return self._files

    async def data_received(self, chunk: bytes) -> None:
        """Use some more of the body.

        It returns when the data of the piece has been stored or taken. After an exception the form
        cannot be used any more.

        :arg chunk: the piece.
        :raises HTTPInputError: it is malformed, or there are too many parts.
        :raises HTTPError: 413, a part is too large.
        """
        if self._closed:
            return
        self._busy = True
        try:
            self._parser.feed(chunk)
            for part, data in self._events.take():
                await self._deal_with(part, data)
        finally:
            self._busy = False
            if self._closed:
                self._drop()

    def finish(self) -> None:
        """Make sure that the form has come to its end. `arguments` and `files` do so too.

        :raises HTTPInputError: it hasn't.
        """
        if not self._complete:
            self._parser.finish()
            self._complete = True

    def close(self) -> None:
        """Delete what has been stored. It may be called more than once, and at any time."""
        self._closed = True
        if not self._busy:
            self._drop()

    def _drop(self) -> None:
        for part in self._stored:
            part._close()

    async def _deal_with(self, part: UploadedPart, data: bytes | None) -> None:
        if data is None:
            await self._begin(part)
            return
        part.size += len(data)
        if part.filename is None and part._consumer is None:
            self._add_to_argument(part, data)
            return
        if self._max_file_size is not None and part.size > self._max_file_size:
            raise HTTPError(413, "%r is larger than %d", part.filename, self._max_file_size)
        if part._consumer is None:
            await self._store(part, data)
            return
        waiting = part._consumer(data)
        if waiting is not None:
            await waiting

    async def _begin(self, part: UploadedPart) -> None:
        consumer = None if self._on_part is None else self._on_part(part)
        if isinstance(consumer, Awaitable):
            consumer = await consumer
        part._consumer = consumer
        if consumer is None and part.filename is not None:
            self._stored.append(part)
            self._files.setdefault(part.name, []).append(part)

    def _add_to_argument(self, part: UploadedPart, data: bytes) -> None:
        self._arguments_left -= len(data)
        if self._arguments_left < 0:
            raise HTTPError(413, "the arguments of a form are too large")
        part._kept += data
        if not data:
            self._arguments.setdefault(part.name, []).append(bytes(part._kept))

    async def _store(self, part: UploadedPart, data: bytes) -> None:
        if not data:
            if part._file is not None or (part._kept and self._in_memory > self._memory_size):
                await self._move(part)
            return
        part._kept += data
        self._in_memory += len(data)
        if self._in_memory > self._memory_size and len(part._kept) >= _BLOCK_SIZE:
            await self._move(part)

    async def _move(self, part: UploadedPart) -> None:
        self._in_memory -= len(part._kept)
        await part._move_to_file(self._directory)


class _Events:
    """Note what the parser finds in a piece: parts, each with `None` when it begins, its data, and
    ``b""`` when it ends.
    """

    def __init__(self) -> None:
        self._noted: list[tuple[UploadedPart, bytes | None]] = []
        self._part: UploadedPart

    def take(self) -> list[tuple[UploadedPart, bytes | None]]:
        noted, self._noted = self._noted, []
        return noted

    def on_part(self, name: str, filename: str | None, headers: HTTPHeaders) -> None:
        self._part = UploadedPart(name, filename or None, headers)
        self._noted.append((self._part, None))

    def on_part_data(self, data: bytes) -> None:
        self._noted.append((self._part, data))

    def on_part_end(self) -> None:
        self._noted.append((self._part, b""))


def _make_parser(
    request: HTTPServerRequest, sink: _Events, config: ParseMultipartConfig | None
) -> MultipartParser:
    kind, parameters = parse_parameters(request.headers.get("Content-Type", ""))
    if kind.lower() != "multipart/form-data":
        raise HTTPError(415, "a form with files was expected, not %r", kind[:80])
    if "Content-Encoding" in request.headers:
        raise HTTPError(415, "form with content coding")
    config = config or forms.default_config().multipart
    if not config.enabled:
        raise HTTPInputError("multipart forms are not accepted")
    return MultipartParser(
        parameters.get("boundary", "").encode(),
        sink,
        max_parts=config.max_parts,
        max_part_header_size=config.max_part_header_size,
    )


@stream_request_body
class UploadHandler(RequestHandler):
    """Takes forms with files of any size, as streams; its subclasses define ``post`` or ``put``.

    .. code-block:: python

       class Upload(UploadHandler):
           def prepare(self):
               self.request.connection.set_max_body_size(2 << 30)

           async def post(self):
               title = self.get_body_argument("title")
               for part in self.request.files["document"]:
                   await part.save(self.place_for(part))

    ``prepare`` runs before the body comes, the method when all of it is there. Then arguments are
    where they always are, and ``request.files`` holds `UploadedPart` objects, whose contents last
    until the method has returned and the response is finished.

    XSRF tokens are checked before the body comes, so they have to be in a header or in the query
    string.

    .. versionadded:: 6.100
    """

    _form: FormStream | None = None

    def make_form(self) -> FormStream:
        """Return a new `FormStream` for the body; override it to set limits.

        The default calls `part_received` for each part.
        """
        return FormStream(self.request, on_part=self.part_received)

    def part_received(self, part: UploadedPart) -> Any:
        """Called when a part begins; override it, as a coroutine if you like.

        :arg part: the part, without data as yet.
        :returns: `None` to have the data stored, or a function for it, as ``on_part`` of
           `FormStream` does.
        """
        return None

    @property
    def form(self) -> FormStream:
        """The form that comes or has come.

        :raises HTTPError: 415, the request has no such body.
        """
        if self._form is None:
            self._form = self.make_form()
        return self._form

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Give a piece to the form."""
        return self.form.data_received(chunk)

    async def _run_with_stream(self, waiting: Awaitable[None] | None) -> None:
        try:
            await super()._run_with_stream(waiting)
        finally:
            if self._auto_finish or self._finished or self._client_gone:
                self._close_form()

    async def _run_method(self) -> None:
        if self._form is not None:
            request: Any = self.request
            request.body_arguments = self._form.arguments
            request.files = self._form.files
            # Somebody may have asked for the arguments before.
            request.__dict__.pop("arguments", None)
        await super()._run_method()

    def _after_finish(self) -> None:
        try:
            super()._after_finish()
        finally:
            if not self._auto_finish:
                self._close_form()

    def _on_client_gone(self) -> None:
        try:
            super()._on_client_gone()
        finally:
            if not self._auto_finish:
                self._close_form()

    def _close_form(self) -> None:
        if self._form is not None:
            self._form.close()
