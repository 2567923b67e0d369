"""Formatters for logs that programs read, or that people search: one record, one line."""

from __future__ import annotations

import datetime
import json
import logging
from typing import Any, Literal

from tornado._web.request_ids import note_id


def shown(text: str) -> str:
    """Return text as printable ASCII characters without a space, all others escaped.

    What a client sent can't end a line in a log, colour it, or look like the next field.
    """
    if text.isascii() and text.isprintable() and " " not in text and "\\" not in text:
        return text
    return text.encode("unicode_escape").decode("ascii").replace(" ", "\\x20")


def quoted(value: Any) -> str:
    """Return a value as JSON; of an object that JSON knows nothing of, what `str` says."""
    # JSON escapes all other control characters, and all that is not ASCII.
    return json.dumps(value, default=str).replace("\x7f", "\\u007f")


def _one_line(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


class PlainFormatter(logging.Formatter):
    """Writes each record as a line of text, the id of its request in it.

    Control characters, line ends among them, are escaped wherever they come from. Tracebacks follow
    in lines of their own, indented.

    :arg fmt: format, as for `logging.Formatter`; ``%(request_id)s`` is ``-`` for records that have
        no request.
    :arg datefmt: format of the time.
    :arg style: style of ``fmt``.

    .. versionadded:: 6.100
    """

    _DEFAULT = "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"

    def __init__(
        self,
        fmt: str | None = None,
        datefmt: str | None = None,
        style: Literal["%", "{", "$"] = "%",
    ) -> None:
        super().__init__(
            self._DEFAULT if fmt is None else fmt, datefmt, style, defaults={"request_id": "-"}
        )

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line without a traceback."""
        return _one_line(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and the traceback if there is one."""
        note_id(record)
        return super().format(record).replace("\r", "\\r").replace("\n", "\n    ")


class JSONLinesFormatter(logging.Formatter):
    """Writes each record as a line with one JSON object.

    All records have ``time`` (UTC, as RFC 3339 says), ``level``, ``logger`` and, within a request,
    ``request_id``. Those of an `AccessLog` have the fields of their `AccessEvent`; others have
    ``message`` and, where there is one, ``exception`` with the traceback.

    .. versionadded:: 6.100
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        request_id = note_id(record)
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        fields: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        event = getattr(record, "access_event", None)
        if event is not None:
            return quoted(fields | {**event.as_dict(), **fields})
        if request_id != "-":
            fields["request_id"] = request_id
        fields["message"] = record.getMessage()
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            fields["stack"] = self.formatStack(record.stack_info)
        return quoted(fields)
