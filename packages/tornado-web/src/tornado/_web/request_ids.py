"""The id of the request that is being worked on, and giving it to log records."""

from __future__ import annotations

import logging
from contextvars import ContextVar

#: Set as long as the request lasts, in the context of its handler.
current_id: ContextVar[str | None] = ContextVar("request_id", default=None)


class RequestIdFilter(logging.Filter):
    """Gives log records the attribute ``request_id``: the id of the request they were made for, or
    ``-``.

    It lets all records pass. Added to the program's handlers, it allows formats to have
    ``%(request_id)s``::

        for handler in logging.getLogger().handlers:
            handler.addFilter(RequestIdFilter())

    `PlainFormatter` and `JSONLinesFormatter` need it only where records are formatted elsewhere
    than they are made, as by a `logging.handlers.QueueHandler`.

    .. versionadded:: 6.100
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Note the id, unless the record has one."""
        note_id(record)
        return True


def note_id(record: logging.LogRecord) -> str:
    """Give a record the id of the present request, unless it has one; return it."""
    noted = record.__dict__.get("request_id")
    if noted is None:
        record.request_id = noted = current_id.get() or "-"
    return str(noted)
