"""What becomes of a request that went wrong: the log entry, the error page, the end."""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Any

from tornado._iostream.errors import StreamClosedError
from tornado._web.errors import HANDLER_ERRORS, Finish, HTTPError, is_sendable_reason
from tornado._web.headers import allows_content, is_final_status
from tornado._web.users import UserMethods
from tornado.escape import xhtml_escape
from tornado.httputil import HTTPInputError
from tornado.log import app_log, gen_log

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


class FailureMethods(UserMethods):
    """Methods by which a handler answers errors."""

    SUPPORTED_METHODS: tuple[str, ...]

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Answer with an error page, and finish the response.

        Headers and content set so far are dropped. If headers are on their way already, no page is
        possible: the response just ends.

        :arg status_code: the status.
        :arg kwargs: passed to `write_error`; ``reason`` is the reason phrase, ``exc_info`` the
           exception as a triple.
        """
        if self._headers_written:
            gen_log.error("an error cannot be shown: the headers have been sent")
            if not self._finished:
                self._finish_somehow()
            return
        self.clear()
        for name, value in (self._lasting_headers or {}).items():
            self.set_header(name, value)
        self._set_error_status(status_code, kwargs)
        try:
            self._write_error_page(status_code, kwargs)
        except HANDLER_ERRORS:
            app_log.error("Uncaught exception in write_error", exc_info=True)
        if self._finished:
            return
        if not allows_content(status_code):
            self._write_buffer.clear()
        self._finish_somehow()

    def _set_error_status(self, status_code: int, kwargs: dict[str, Any]) -> None:
        reason = kwargs.get("reason")
        exc_info = kwargs.get("exc_info")
        if exc_info is not None and isinstance(exc_info[1], HTTPError):
            reason = exc_info[1].reason or reason
        if reason is not None and not is_sendable_reason(reason):
            reason = "Unknown"
        self.set_status(status_code, reason)
        if status_code == 405:
            # RFC 9110 section 15.5.6: the answer names what is allowed.
            self.set_header("Allow", ", ".join(self._allowed_methods()))

    def _write_error_page(self, status_code: int, kwargs: dict[str, Any]) -> None:
        get_error_html = getattr(self, "get_error_html", None)
        if get_error_html is None:
            self.write_error(status_code, **kwargs)
            return
        # The form of API version 1.x: the page is returned, and gets the exception only.
        exc_info = kwargs.pop("exc_info", None)
        if exc_info is not None:
            kwargs["exception"] = exc_info[1]
        self.finish(get_error_html(status_code, **kwargs))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write the error page; override it to have one of your own.

        The default is a short page of HTML with status and reason, or under the setting
        ``serve_traceback`` (on in debug mode) a traceback. `write`, `render`, `set_header` and so
        on may be used. A class may define ``get_error_html(status_code, **kwargs)`` in place of
        this method: it returns the page and gets the exception, if any, as ``exception``.

        :arg status_code: the status.
        :arg kwargs: ``exc_info`` is the exception that led here as a triple, if there was one;
           others come from the call of `send_error`.
        """
        if not allows_content(status_code):
            self.finish()
        elif self.settings.get("serve_traceback") and kwargs.get("exc_info"):
            self.set_header("Content-Type", "text/plain; charset=UTF-8")
            self.finish("".join(traceback.format_exception(*kwargs["exc_info"])))
        else:
            title = xhtml_escape(f"{status_code}: {self._reason}")
            self.finish(f"<html><title>{title}</title><body>{title}</body></html>")

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log an exception that ended the request; override it to do so in another way.

        The default logs the message of an `HTTPError`, if it has one, as a warning of
        ``tornado.general``; any other exception with its traceback as an error of
        ``tornado.application``.

        :arg typ: class of the exception.
        :arg value: the exception.
        :arg tb: its traceback.

        .. versionadded:: 3.1
        """
        summary = self._request_summary()
        if isinstance(value, HTTPError):
            if value.log_message:
                gen_log.warning("%d %s: %s", value.status_code, summary, value.get_message())
        else:
            app_log.error(
                "Uncaught exception %s\n%r",
                summary,
                self.request,
                exc_info=(typ, value, tb),  # type: ignore[arg-type]  # three of something or three of None
            )

    def _request_summary(self) -> str:
        request = self.request
        return f"{request.method} {request.uri} ({request.remote_ip})"

    def _handle_request_exception(self, e: BaseException) -> None:
        """End the request because of an exception, in the way that the exception asks for.

        It does not raise: nobody is left who would answer that.
        """
        try:
            self._end_because_of(e)
        except HANDLER_ERRORS:
            app_log.error("an exception cannot be answered", exc_info=True)
            if not self._finished:
                self._abort()

    def _end_because_of(self, e: BaseException) -> None:
        if isinstance(e, Finish):
            if not self._finished:
                self.finish(*e.args)
            return
        if isinstance(e, StreamClosedError) and self._has_lost_client():
            # What is left to be done is done for nobody.
            gen_log.debug("client closed the connection: %s", self._request_summary())
            return
        if isinstance(e, HTTPInputError):
            refused = HTTPError(getattr(e, "status_code", 400), "%s", e)
            refused.__cause__ = e
            e = refused.with_traceback(e.__traceback__)
        if self._surrounded is not None:
            self._surrounded.error = e
        self._log_quietly(e)
        if self._finished:
            # There is no other way to answer twice than to have logged it.
            return
        self.send_error(_status_for(e), exc_info=(type(e), e, e.__traceback__))

    def _has_lost_client(self) -> bool:
        stream = getattr(self.request.connection, "stream", None)
        return self._client_gone or (stream is not None and stream.closed())

    def _log_quietly(self, error: BaseException) -> None:
        try:
            self.log_exception(type(error), error, error.__traceback__)
        except HANDLER_ERRORS:
            # An answer matters more than the log.
            app_log.error("Uncaught exception in log_exception", exc_info=True)

    def _finish_somehow(self) -> None:
        """Finish the response, or else make sure that the client does not wait for it."""
        try:
            self.finish()
        except Exception:
            app_log.error("the response cannot be finished", exc_info=True)
            self._abort()

    def _abort(self) -> None:
        """Close the connection in the middle of the response."""
        self._finished = True
        self._end_surroundings()
        connection = self.request.connection
        close = getattr(connection, "close", None) or connection.stream.close
        close()

    def _end_surroundings(self) -> None:
        """Let hooks around the request know that nothing more comes."""
        if self._surrounded is not None:
            self._surrounded.end()

    def _allowed_methods(self) -> list[str]:
        """Return the request methods that the handler answers."""
        raise NotImplementedError(f"{type(self).__name__} is not a complete handler")


def _status_for(error: BaseException) -> int:
    """Return the status that an exception is answered with."""
    if not isinstance(error, HTTPError):
        return 500
    if is_final_status(error.status_code):
        return error.status_code
    app_log.error("no response has the status %r", error.status_code)
    return 500
