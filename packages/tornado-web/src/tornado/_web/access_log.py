"""The log of requests as events, and the id by which what belongs to one request is found.

An `AccessLog` stands at two places of an application. As a hook around requests it gives each one
its id, in a context variable that lives as long as the request. As the function that logs finished
responses it writes the event of the end; for a request that comes to no end, the hook does so.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from contextvars import Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from tornado._late import late_regex
from tornado._web.access_format import quoted, shown
from tornado._web.request_ids import current_id
from tornado.log import access_log

if TYPE_CHECKING:
    from tornado._web.handler import RequestHandler

# What an id from a header may consist of: enough for UUIDs, base64 and W3C trace contexts, and
# nothing that means something to a log, a shell or a query.
_SENDABLE_ID = late_regex(r"[A-Za-z0-9._:/+=@~-]{1,128}")

# Where a request keeps what an access log knows of it.
_NOTED_AS = "_access"


class AccessEvent(NamedTuple):
    """What an `AccessLog` says about the start or the end of a request; its text is one line.

    :arg event: ``start`` or ``end``.
    :arg request_id: the request's id.
    :arg method: request method.
    :arg target: request target, as it was sent.
    :arg host: the host that was asked.
    :arg remote_ip: address of the client.
    :arg protocol: ``http`` or ``https``.
    :arg version: ``HTTP/1.0`` or ``HTTP/1.1``.
    :arg user_agent: what the client says it is.
    :arg status: status of the response.
    :arg duration: seconds from the request's start line to the end of the response.
    :arg length: ``Content-Length`` of the response, if it has one.
    :arg complete: whether the response was finished; false if the client left before, or if
        something kept the handler from finishing.
    :arg error: class of the exception that ended the request, if any.
    :arg more: the program's own fields.

    .. versionadded:: 6.100
    """

    event: str
    request_id: str
    method: str
    target: str
    host: str
    remote_ip: str | None
    protocol: str
    version: str
    user_agent: str | None
    status: int | None = None
    duration: float | None = None
    length: int | None = None
    complete: bool | None = None
    error: str | None = None
    more: Mapping[str, Any] = {}

    def as_dict(self) -> dict[str, Any]:
        """Return the fields that say something, the program's own after the others, which they
        cannot replace."""
        known = {
            name: value
            for name, value in zip(self._fields[:-1], self, strict=False)
            if value is not None
        }
        return known | {name: value for name, value in self.more.items() if name not in known}

    def __str__(self) -> str:
        """Return the event in one line of printable ASCII characters, whatever the client sent."""
        words = [self.event] if self.status is None else [f"{self.status}"]
        words += [shown(self.method), shown(self.target), f"({shown(str(self.remote_ip))})"]
        if self.duration is not None:
            words.append(f"{self.duration * 1000:.2f}ms")
        if self.complete is False:
            words.append("incomplete")
        words.append(f"request_id={shown(self.request_id)}")
        if self.error is not None:
            words.append(f"error={shown(self.error)}")
        words += [f"{shown(str(name))}={quoted(value)}" for name, value in self.more.items()]
        return " ".join(words)


class AccessLog:
    """Logs requests as events, and gives each request an id that other log records can show.

    One object serves as a hook around requests and as the function that logs responses::

        log = AccessLog()
        application = Application(routes, around_request=[log], log_function=log)

    With the first setting alone, the application's usual line is written besides. With the second
    alone, an id is only known when the request is over; it is what a program needs that wants its
    log to have another form and nothing else.

    Records go to the logger ``tornado.access``. Their message is an `AccessEvent`, which is also
    their attribute ``access_event``; their attribute ``request_id`` is the id. `JSONLinesFormatter`
    and `PlainFormatter` write them.

    :arg header: the header that may bring the id of a request, from a proxy or from another
        service; `None` to give each request an id of its own. An id that is longer than 128
        characters, or has others than letters, digits and ``._:/+=@~-``, is replaced.
    :arg respond: send the id in the header of the same name, on error pages too.
    :arg start_level: level of the events of the start. Those of the end have the levels of the
        application's usual lines: an error for a status from 500 on, a warning from 400 on.
    :arg fields: called with the handler when the request is over; returns further fields.
    :arg logger: another logger.

    .. versionadded:: 6.100
    """

    def __init__(
        self,
        header: str | None = "X-Request-ID",
        *,
        respond: bool = True,
        start_level: int = logging.DEBUG,
        fields: Callable[[RequestHandler], Mapping[str, Any]] | None = None,
        logger: logging.Logger = access_log,
    ) -> None:
        self._header = header
        self._response_header = header if respond else None
        self._start_level = start_level
        self._more = fields
        self._logger = logger

    def __call__(self, handler: RequestHandler) -> Passage | None:
        """Log the end of a request that is over; give an id to one that begins.

        :arg handler: answers the request.
        :returns: for a request that begins, what is entered before it and left after it.
        """
        if not handler._finished:
            return Passage(self, handler)
        self._log_end(handler)
        return None

    @staticmethod
    def current_id() -> str | None:
        """Return the id of the request that the caller works for; `None` outside of requests.

        Tasks and callbacks that a handler starts know it as well.
        """
        return current_id.get()

    # What the passage of a request calls.

    def _log_start(self, handler: RequestHandler) -> str:
        """Give a request its id, and log that it begins."""
        earlier: _Noted | None = handler.request.__dict__.get(_NOTED_AS)
        if earlier is not None:
            # The log of an application around this one has begun with it.
            return earlier.request_id
        request_id = self._id_for(handler)
        handler.request.__dict__[_NOTED_AS] = _Noted(request_id)
        if self._response_header is not None:
            handler._set_lasting_header(self._response_header, request_id)
        if self._logger.isEnabledFor(self._start_level):
            self._write(self._start_level, self._event("start", handler, request_id))
        return request_id

    def _log_end(self, handler: RequestHandler, error: BaseException | None = None) -> None:
        noted: _Noted | None = handler.request.__dict__.get(_NOTED_AS)
        if noted is None:
            handler.request.__dict__[_NOTED_AS] = noted = _Noted(self._id_for(handler))
        if noted.ended:
            return
        noted.ended = True
        status = handler._status_code
        level = logging.INFO if status < 400 else logging.WARNING
        if status >= 500:
            level = logging.ERROR
        if not self._logger.isEnabledFor(level):
            return
        if error is None and handler._surrounded is not None:
            error = handler._surrounded.error
        # A status of 101 ends HTTP on this connection, and with it the request.
        complete = handler.request._finish_time is not None or status == 101
        length = handler._headers.get("Content-Length")
        event = self._event("end", handler, noted.request_id)._replace(
            status=status if complete or handler._headers_written else None,
            duration=handler.request.request_time(),
            length=int(length) if length is not None and length.isdecimal() else None,
            complete=complete,
            error=None if error is None else type(error).__name__,
            more={} if self._more is None else self._more(handler),
        )
        self._write(level, event)

    def _id_for(self, handler: RequestHandler) -> str:
        if self._header is not None:
            sent = handler.request.headers.get(self._header)
            if sent is not None and _SENDABLE_ID.fullmatch(sent):
                return sent
        return os.urandom(16).hex()

    def _event(self, name: str, handler: RequestHandler, request_id: str) -> AccessEvent:
        request = handler.request
        return AccessEvent(
            name,
            request_id,
            str(request.method),
            str(request.uri),
            request.host,
            request.remote_ip,
            request.protocol,
            request.version,
            request.headers.get("User-Agent"),
        )

    def _write(self, level: int, event: AccessEvent) -> None:
        extra = {"access_event": event, "request_id": event.request_id}
        self._logger.log(level, event, extra=extra)


class _Noted:
    """What an access log knows of a request."""

    __slots__ = ("ended", "request_id")

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.ended = False


class Passage:
    """A request between its start and its end, as a context manager.

    :arg log: the log.
    :arg handler: answers the request.
    """

    __slots__ = ("_handler", "_log", "_token")

    def __init__(self, log: AccessLog, handler: RequestHandler) -> None:
        self._log = log
        self._handler = handler
        self._token: Token[str | None] | None = None

    def __enter__(self) -> str:
        request_id = self._log._log_start(self._handler)
        self._token = current_id.set(request_id)
        return request_id

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._log._log_end(self._handler, error)
        finally:
            if self._token is not None:
                current_id.reset(self._token)
