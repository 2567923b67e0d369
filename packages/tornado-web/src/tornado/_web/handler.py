"""`RequestHandler`, and the life of a request in it.

A request goes as far as it can without waiting, in `RequestHandler._begin`. What it returns, if anything, is a coroutine that does the rest.
"""

from __future__ import annotations

import asyncio
import inspect
import traceback
import types
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tornado._web.errors import Finish, HTTPError
from tornado._web.plan import HandlerPlan, plan_for
from tornado._web.templates import TemplateRenderer
from tornado.escape import xhtml_escape
from tornado.httputil import HTTPInputError
from tornado.iostream import IOStream
from tornado.log import app_log, gen_log

if TYPE_CHECKING:
    from tornado._web.application import Application
    from tornado.httputil import HTTPServerRequest

ExcInfo = tuple[type[BaseException] | None, BaseException | None, types.TracebackType | None]


class RequestHandler(TemplateRenderer):
    """Answers requests; there is a new one for each.

    Subclasses define methods named after request methods, in lower case, as plain functions or coroutines:

    .. code-block:: python

       class Hello(RequestHandler):
           def get(self, name):
               self.write("Hello " + name)

    :arg application: the application.
    :arg request: the request.
    :arg kwargs: arguments for `initialize`: those of the route.
    """

    SUPPORTED_METHODS: Sequence[str] = (
        "GET",
        "HEAD",
        "POST",
        "DELETE",
        "PATCH",
        "PUT",
        "OPTIONS",
    )

    _has_stream_request_body: ClassVar[bool] = False
    _plan: HandlerPlan

    def __init__(
        self, application: Application, request: HTTPServerRequest, **kwargs: Any
    ) -> None:
        self.application = application
        self.request = request
        self._plan = plan_for(type(self))
        self.clear()
        if kwargs or self._plan.has_initialize:
            self.initialize(**kwargs)

    # -- for subclasses

    def initialize(self) -> None:
        """Take the arguments of the route; subclasses define it with the parameters that they have."""

    def prepare(self) -> Awaitable[None] | None:
        """Called before the method of the request, whatever that is; subclasses may define it, as a coroutine if they like.

        If it ends the request, the method isn't called.
        """

    def on_finish(self) -> None:
        """Called when the response has been finished; subclasses may define it."""

    def on_connection_close(self) -> None:
        """Called when the client goes away before the response is finished; subclasses may define it."""

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Called with each piece of the request's body, if the class is decorated with `stream_request_body`."""
        raise NotImplementedError()

    def _unimplemented_method(self, *args: str, **kwargs: str) -> None:
        raise HTTPError(405)

    head: Callable[..., Any] = _unimplemented_method
    get: Callable[..., Any] = _unimplemented_method
    post: Callable[..., Any] = _unimplemented_method
    delete: Callable[..., Any] = _unimplemented_method
    patch: Callable[..., Any] = _unimplemented_method
    put: Callable[..., Any] = _unimplemented_method
    options: Callable[..., Any] = _unimplemented_method

    def get_login_url(self) -> str:
        """Return where `authenticated` sends users to: the ``login_url`` setting."""
        self.require_setting("login_url", "@tornado.web.authenticated")
        url: str = self.settings["login_url"]
        return url

    def async_callback(
        self, callback: Callable[..., Any] | None, *args: Any, **kwargs: Any
    ) -> Callable[..., Any] | None:
        """Return a function that calls ``callback``; an error in it ends the request (documented API version 2.x)."""
        if callback is None:
            return None

        def call(*more: Any, **named: Any) -> Any:
            try:
                return callback(*args, *more, **kwargs, **named)
            except Exception as error:
                if self._headers_written:
                    app_log.error("Exception after headers written", exc_info=True)
                    return None
                self._handle_request_exception(error)

        return call

    def detach(self) -> IOStream:
        """Take the connection over from HTTP, and return its stream (for protocol upgrades).

        .. versionadded:: 5.1
        """
        self._finished = True
        stream: IOStream = self.request.connection.detach()
        return stream

    # -- errors

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Answer with an error, in place of what was written so far, and end the request.

        :arg kwargs: passed to `write_error`; ``reason`` is the reason phrase.
        """
        if self._headers_written:
            gen_log.error("Cannot send error response after headers written")
            if not self._finished:
                # The response can't be completed, and the client has to see that.
                try:
                    self._abort()
                except Exception:
                    gen_log.error("Failed to flush partial response", exc_info=True)
            return
        self.clear()
        reason = kwargs.get("reason")
        error = kwargs["exc_info"][1] if kwargs.get("exc_info") else None
        if isinstance(error, HTTPError) and error.reason:
            reason = error.reason
        try:
            self.set_status(status_code, reason=reason)
        except ValueError:
            self.set_status(status_code)
        try:
            if status_code not in (204, 304) and status_code >= 200:
                self._write_error_page(status_code, kwargs)
        except Exception:
            app_log.error("Uncaught exception in write_error", exc_info=True)
        if not self._finished:
            self.finish()

    def _write_error_page(self, status_code: int, kwargs: dict[str, Any]) -> None:
        older = getattr(self, "get_error_html", None)
        if older is None:
            self.write_error(status_code, **kwargs)
            return
        # Documented API version 1.x and 2.0: the page is returned, and the exception comes by itself.
        if "exc_info" in kwargs:
            kwargs["exception"] = kwargs["exc_info"][1]
        self.finish(older(status_code, **kwargs))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write an error page; subclasses may define better ones.

        :arg kwargs: ``exc_info`` is the exception triple, if an exception is the reason.
        """
        if self.settings.get("serve_traceback") and "exc_info" in kwargs:
            self.set_header("Content-Type", "text/plain")
            for line in traceback.format_exception(*kwargs["exc_info"]):
                self.write(line)
            self.finish()
            return
        message = xhtml_escape(f"{status_code}: {self._reason}")
        self.finish(
            f"<html><title>{message}</title><body>{message}</body></html>"
        )

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: types.TracebackType | None,
    ) -> None:
        """Log an exception that ended the request; subclasses may do it differently.

        By default an `HTTPError` is a warning without a traceback, other exceptions are errors with one.
        """
        if isinstance(value, HTTPError):
            if value.log_message:
                message = value.get_message()
                gen_log.warning("%d %s: %s", value.status_code, self._request_summary(), message)
            return
        app_log.error(
            "Uncaught exception %s\n%r",
            self._request_summary(),
            self.request,
            exc_info=(typ, value, tb),  # type: ignore[arg-type]  # a triple of three or of none
        )

    def _request_summary(self) -> str:
        request = self.request
        return f"{request.method} {request.uri} ({request.remote_ip})"

    def _handle_request_exception(self, e: BaseException) -> None:
        """Log an exception and answer with the error that it is."""
        if isinstance(e, Finish):
            if not self._finished:
                self.finish(*e.args)
            return
        if isinstance(e, HTTPInputError):
            e = HTTPError(e.status_code, "%s", e).with_traceback(e.__traceback__)
        triple: ExcInfo = (type(e), e, e.__traceback__)
        try:
            self.log_exception(*triple)
        except Exception:
            app_log.error("Error in exception logger", exc_info=True)
        if self._finished:
            # The response is complete; the error was logged, which is all that can be done.
            return
        if isinstance(e, HTTPError):
            self.send_error(e.status_code, exc_info=triple)
        else:
            self.send_error(500, exc_info=triple)

    # -- the life of a request

    async def _execute(
        self, transforms: Sequence[Any], *args: bytes, **kwargs: bytes
    ) -> None:
        """Run the request; programs that trace requests wrap this method."""
        rest = self._begin(transforms, args, kwargs)
        if rest is not None:
            await rest

    def _begin(
        self,
        transforms: Sequence[Any],
        args: Sequence[bytes],
        kwargs: dict[str, bytes],
    ) -> Coroutine[Any, Any, None] | None:
        """Run the request as far as it goes without waiting; return the rest, if there is one."""
        plan = self._plan
        if transforms:
            self._transforms = transforms
        try:
            name = plan.methods.get(self.request.method)
            if name is None:
                raise HTTPError(405)
            if args:
                self.path_args = [self._decode_path_argument(arg) for arg in args]
            if kwargs:
                self.path_kwargs = {
                    key: self._decode_path_argument(value, key) for key, value in kwargs.items()
                }
            if self.application._guards:
                self._check_origin_of_request()
            if plan.has_prepare:
                waiting = self.prepare()
                if waiting is not None:
                    return self._go_on(waiting, name)
            if self._prepared_future is not None:
                return self._go_on(None, name)
            if self._finished:
                return None
            waiting = getattr(self, name)(*self.path_args, **self.path_kwargs)
            if waiting is not None:
                return self._go_on(waiting, None)
            if self._auto_finish and not self._finished:
                self.finish()
        except Exception as error:
            self._handle_request_exception(error)
            if self._prepared_future is not None:
                self._body_may_come()
        return None

    async def _go_on(self, waiting: Any, name: str | None) -> None:
        """Wait, and do what is left: the method ``name``, if it wasn't called yet."""
        try:
            if waiting is not None:
                await _awaitable(waiting)
            if name is not None and not self._finished:
                if self._prepared_future is not None:
                    self._body_may_come()
                    await self.request.body
                    if self._finished:
                        return
                waiting = getattr(self, name)(*self.path_args, **self.path_kwargs)
                if waiting is not None:
                    await _awaitable(waiting)
            if self._auto_finish and not self._finished:
                self.finish()
        except asyncio.CancelledError:
            # Nobody finishes this response any more, so the connection is of no use.
            if not self._finished:
                self._abort()
            raise
        except Exception as error:
            self._handle_request_exception(error)
        finally:
            if self._prepared_future is not None:
                self._body_may_come()

    def _body_may_come(self) -> None:
        """Let a streamed body begin."""
        future = self._prepared_future
        if future is not None and not future.done():
            future.set_result(None)

    def _abort(self) -> None:
        """Close the connection in the middle of the response."""
        self._finished = True
        self.request.connection.close()
        self._clean_up()

    def _check_origin_of_request(self) -> None:
        settings = self.settings
        if settings.get("cross_origin_protection"):
            self._check_cross_origin()
        if settings.get("xsrf_cookies") and self.request.method not in ("GET", "HEAD", "OPTIONS"):
            self.check_xsrf_cookie()

    def _decode_path_argument(self, value: bytes, name: str | None = None) -> Any:
        return None if value is None else self.decode_argument(value, name)

    def _end(self) -> None:
        self._finished = True
        self.application.log_request(self)
        if self._plan.has_on_finish:
            self.on_finish()
        self._clean_up()

    def _clean_up(self) -> None:
        """Undo the circles that were made for templates, so that the handler dies with its last user."""
        if self._ui is not None:
            self._ui = None
            self._active_modules = None

    def _on_connection_close(self) -> None:
        """The client has gone."""
        body = self.request.body
        if isinstance(body, asyncio.Future) and not body.done():
            from tornado.iostream import StreamClosedError

            body.set_exception(StreamClosedError())
            body.exception()
        self.on_connection_close()


def _awaitable(result: Any) -> Awaitable[Any]:
    if inspect.isawaitable(result):
        return result
    from tornado.gen import convert_yielded

    return convert_yielded(result)


# What decides whether a class is run the short way: this very function, wherever it's wrapped or replaced later.
PRISTINE_EXECUTE = RequestHandler._execute
