"""`Application`: routes, settings, and what all requests have in common."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tornado._late import LateModule
from tornado._routing.around import AroundHook, hooks_of, note_hooks
from tornado._routing.index import RuleIndex
from tornado._web.around import SurroundedMessage
from tornado._web.handler import RequestHandler
from tornado._web.messages import ApplicationMessage, CompleteRequest, HandlerMessage
from tornado._web.template_loaders import TemplateLoaders
from tornado.httputil import HTTPConnection, HTTPMessageDelegate, HTTPServerRequest
from tornado.log import access_log
from tornado.routing import (
    AnyMatches,
    DefaultHostMatches,
    HostMatches,
    ReversibleRouter,
    ReversibleRuleRouter,
    Rule,
    _RuleList,
)

if TYPE_CHECKING:
    from tornado._web import simple_handlers, static
    from tornado._web.static import StaticFileHandler
    from tornado._web.transforms import OutputTransform
    from tornado._web.ui import UIModule
    from tornado.httpserver import HTTPServer
else:
    simple_handlers = LateModule("tornado._web.simple_handlers")
    static = LateModule("tornado._web.static")

# What `tornado.netutil.DEFAULT_BACKLOG` is; that module is needed once there is a server.
_BACKLOG = 128

_DEBUG_SETTINGS = {
    "autoreload": True,
    "compiled_template_cache": False,
    "static_hash_cache": False,
    "serve_traceback": True,
}


class ApplicationRouter(ReversibleRuleRouter):
    """A router whose rules may lead to handler classes.

    :arg application: makes the delegates for them.
    :arg rules: the rules.
    """

    def __init__(self, application: Application, rules: _RuleList | None = None) -> None:
        self._application = application
        super().__init__(rules)

    def process_rule(self, rule: Rule) -> Rule:
        """Prepare a rule, and note whether it has hooks."""
        if rule.around_request:
            self._application._surround()
        return super().process_rule(rule)

    def get_target_delegate(
        self, target: Any, request: HTTPServerRequest, **target_params: Any
    ) -> HTTPMessageDelegate | None:
        """Return the delegate for a target."""
        if isinstance(target, type) and issubclass(target, RequestHandler):
            return self._application.get_handler_delegate(request, target, **target_params)
        return super().get_target_delegate(target, request, **target_params)


class Application(ReversibleRouter):
    """A web application: handlers, the routes that lead to them, and settings.

    .. code-block:: python

       application = Application([
           (r"/", MainHandler),
           (r"/user/(\\d+)", UserHandler, {"database": database}),
           url(r"/about", AboutHandler, name="about"),
       ], debug=True)
       application.listen(8888)

    An `tornado.httpserver.HTTPServer` takes it as its delegate or callback; `listen` makes one.

    :arg handlers: routes: `URLSpec` objects or `tornado.routing.Rule` objects, or tuples of their
       arguments. The first one that matches the request's path is used. Handler classes may be
       given by their dotted names.
    :arg default_host: the host whose routes (see `add_handlers`) apply to requests for hosts that
       have none.
    :arg transforms: classes of `OutputTransform`; by default `GZipContentEncoding` under the
       setting ``compress_response`` and none otherwise.
    :arg settings: all other arguments; see `settings`.

    Hooks stand around requests: around all that handlers of the application answer by the setting
    ``around_request``, around those of one route by the `URLSpec` argument of that name. A hook is
    a function of the handler that returns a context manager, synchronous or asynchronous. It is
    entered before anything else is done with the request and left when the response is over, in the
    same context as the handler; ``__exit__`` gets the exception that the request ended with, if
    any, which has been answered by then::

        @contextlib.contextmanager
        def measured(handler):
            start = time.perf_counter()
            try:
                yield
            finally:
                durations[handler.get_status()].append(time.perf_counter() - start)

        application = Application(routes, around_request=[measured])

    Hooks of the application are entered before those of the route. A hook that raises before its
    request, or finishes the response, keeps the rest from being run: `HTTPError` and `Finish` mean
    what they mean in handlers. So they do when it is left, if it has cancelled the handler before
    (``asyncio.timeout``); otherwise what it raises then is logged, for the answer has been given.

    .. attribute:: settings

       The settings, a dictionary. Those that the framework knows are described in the
       documentation; others are for the program's own use.

    .. attribute:: default_router

       The router of all requests, by their host.

    .. attribute:: wildcard_router

       The router of requests for any host: the routes given to the constructor.

    .. versionchanged:: 4.5
       Is a `tornado.routing.Router`.
    .. versionchanged:: 6.100
       Added the settings ``around_request`` and ``cancel_on_disconnect``.
    """

    def __init__(
        self,
        handlers: _RuleList | None = None,
        default_host: str | None = None,
        transforms: Sequence[type[OutputTransform]] | None = None,
        **settings: Any,
    ) -> None:
        if settings.get("debug"):
            settings = {**_DEBUG_SETTINGS, **settings}
        self.settings = settings
        self.default_host = default_host
        self.transforms = self._choose_transforms(transforms)
        # Programs import the class to derive from it, too; only those that serve have one made.
        from tornado._web.ui_registry import collect_methods, collect_modules

        self.ui_modules: dict[str, type[UIModule]] = collect_modules(settings.get("ui_modules"))
        self.ui_methods: dict[str, Callable[..., Any]] = collect_methods(settings.get("ui_methods"))
        self._template_loaders = TemplateLoaders()
        # The loop knows its tasks weakly; without this they could be collected while they wait.
        self._running: set[asyncio.Future[Any]] = set()
        self._around: tuple[AroundHook, ...] = tuple(settings.get("around_request", ()))
        # Whether there are hooks, here or at a route: requests without any go a shorter way.
        self._surrounds = bool(self._around)
        # Whether a subclass has a say in these, looked up here rather than for each request.
        self._finds_handlers = type(self).find_handler is not Application.find_handler
        self._makes_delegates = (
            type(self).get_handler_delegate is not Application.get_handler_delegate
        )
        rules = [*self._static_routes(), *(handlers or [])]
        self.wildcard_router = ApplicationRouter(self, rules)
        self._any_host = Rule(AnyMatches(), self.wildcard_router)
        self._plain_rule: Rule | None = None if self._surrounds else self._any_host
        self.default_router = ApplicationRouter(self, [self._any_host])
        if settings.get("autoreload"):
            # It watches files and restarts the process: nothing to load in production.
            from tornado.autoreload import start

            start()

    def _choose_transforms(
        self, transforms: Sequence[type[OutputTransform]] | None
    ) -> list[type[OutputTransform]]:
        if transforms is not None:
            return list(transforms)
        # The older name of the setting is gzip.
        compress = self.settings.get("compress_response") or self.settings.get("gzip")
        if not compress:
            return []
        # Where a proxy compresses, nobody needs it.
        from tornado._web.transforms import GZipContentEncoding

        return [GZipContentEncoding]

    def _static_routes(self) -> list[Any]:
        settings = self.settings
        root = settings.get("static_path")
        if not root:
            return []
        prefix = settings.get("static_url_prefix", "/static/")
        arguments = {**settings.get("static_handler_args", {}), "path": root}
        patterns = [re.escape(prefix) + "(.*)", r"/(favicon\.ico)", r"/(robots\.txt)"]
        return [(pattern, self._static_class(), dict(arguments)) for pattern in patterns]

    def _static_class(self) -> type[StaticFileHandler]:
        """Return the class that serves the files of the setting ``static_path``."""
        own: type[StaticFileHandler] | None = self.settings.get("static_handler_class")
        return static.StaticFileHandler if own is None else own

    # Serving.

    def listen(
        self,
        port: int,
        address: str | None = None,
        *,
        family: socket.AddressFamily = socket.AF_UNSPEC,
        backlog: int = _BACKLOG,
        flags: int | None = None,
        reuse_port: bool = False,
        **kwargs: Any,
    ) -> HTTPServer:
        """Make an HTTP server for the application and let it listen. The event loop has to be
        started besides.

        :arg port: TCP port; 0 for one that is free.
        :arg address: address or name of an interface; `None` or an empty string for all.
        :arg family: restricts to IPv4 or IPv6.
        :arg backlog: number of connections that may wait to be accepted.
        :arg flags: for ``getaddrinfo``.
        :arg reuse_port: let several processes listen on the port.
        :arg kwargs: for `tornado.httpserver.HTTPServer`.
        :returns: the server.

        .. versionchanged:: 4.3
           Returns the server.
        .. versionchanged:: 6.2
           Added the keyword arguments before ``kwargs``.
        """
        # Applications may also be served by others, or just be tested.
        from tornado.httpserver import HTTPServer

        server: HTTPServer = HTTPServer(self, **kwargs)
        server.listen(
            port,
            address=address,
            family=family,
            backlog=backlog,
            flags=flags,
            reuse_port=reuse_port,
        )
        return server

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """Begin a request of a connection (see `tornado.httputil.HTTPServerConnectionDelegate`).

        :arg server_conn: the server's side of the connection.
        :arg request_conn: to answer on.
        """
        if self._finds_handlers:
            return super().start_request(server_conn, request_conn)
        return ApplicationMessage(self, server_conn, request_conn)

    def __call__(self, request: HTTPServerRequest) -> None:
        """Answer a request that is complete, as a callback of `tornado.httpserver.HTTPServer` does.

        :arg request: the request.
        """
        CompleteRequest(request).deliver_to(self.find_handler(request))

    def _keep_running(self, run: asyncio.Future[Any]) -> None:
        self._running.add(run)
        run.add_done_callback(self._running.discard)

    # Routes.

    def add_handlers(self, host_pattern: str, host_handlers: _RuleList) -> None:
        """Add routes for certain hosts.

        Patterns are tried in the order in which they are added, before the routes of the
        constructor. A request for which the routes of one pattern have nothing is tried with the
        next that matches.

        :arg host_pattern: regex for the whole host name.
        :arg host_handlers: routes, as for the constructor.
        """
        hosts = HostMatches(host_pattern)
        rule = Rule(hosts, ApplicationRouter(self, host_handlers))
        rules = self.default_router.rules
        # Before the one for all hosts, if that still stands last.
        place = len(rules) - (bool(rules) and rules[-1] is self._any_host)
        rules.insert(place, self.default_router.process_rule(rule))
        if self.default_host is not None:
            matches_default = DefaultHostMatches(self, hosts.host_pattern)
            self.wildcard_router.add_rules([Rule(matches_default, host_handlers)])

    def add_transform(self, transform_class: type[OutputTransform]) -> None:
        """Let later responses pass through a further output transform.

        :arg transform_class: a class like `OutputTransform`.
        """
        self.transforms.append(transform_class)

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate:
        """Find the delegate that handles a request.

        If no route matches, it is one for the setting ``default_handler_class`` (with the arguments
        ``default_handler_args``), or one that answers 404.

        :arg request: the request, its body not yet read.
        :arg kwargs: what the matcher of a router above has found.
        """
        if self._around:
            note_hooks(request, self._around)
        found = self.default_router.find_handler(request)
        if found is not None:
            return found
        settings = self.settings
        if settings.get("default_handler_class"):
            return self.get_handler_delegate(
                request,
                settings["default_handler_class"],
                settings.get("default_handler_args", {}),
            )
        return self.get_handler_delegate(
            request, simple_handlers.ErrorHandler, {"status_code": 404}
        )

    def get_handler_delegate(
        self,
        request: HTTPServerRequest,
        target_class: type[RequestHandler],
        target_kwargs: dict[str, Any] | None = None,
        path_args: list[bytes] | None = None,
        path_kwargs: dict[str, bytes] | None = None,
    ) -> HTTPMessageDelegate:
        """Make the delegate that collects a request and runs a handler class with it.

        :arg request: the request, its body not yet read.
        :arg target_class: the handler class.
        :arg target_kwargs: arguments for its ``initialize``.
        :arg path_args: positional arguments for its method, as bytes.
        :arg path_kwargs: keyword arguments for its method, as bytes.
        """
        if self._around:
            note_hooks(request, self._around)
        message_class = SurroundedMessage if hooks_of(request) else HandlerMessage
        return message_class(self, request, target_class, target_kwargs, path_args, path_kwargs)

    def _surround(self) -> None:
        """A route has hooks around its requests."""
        self._surrounds = True
        self._plain_rule = None

    def _plain_routes(self) -> RuleIndex | None:
        """Return the routes, if paths are all there is to routing."""
        rules = self.default_router.rules
        if len(rules) != 1 or rules[0] is not self._plain_rule or self._makes_delegates:
            return None
        return self.wildcard_router._current_index()

    def reverse_url(self, name: str, *args: Any) -> str:
        """Return the URL of a named route.

        :arg name: its name.
        :arg args: values for the groups of its pattern; turned into text, encoded as UTF-8 and
           escaped.
        :raises KeyError: there is no such route.
        """
        url = self.default_router.reverse_url(name, *args)
        if url is None:
            raise KeyError(f"no route is named {name!r}")
        return url

    # The log of requests.

    def log_request(self, handler: RequestHandler) -> None:
        """Log a request whose response is finished.

        Override it, or set ``log_function`` to a function of one argument. The default writes a
        line to the log ``tornado.access``: an error for a status of 500 or more, a warning from 400
        on.

        :arg handler: the handler that answered.
        """
        log_function = self.settings.get("log_function")
        if log_function is not None:
            log_function(handler)
            return
        status = handler._status_code
        level = logging.INFO if status < 400 else logging.WARNING
        if status >= 500:
            level = logging.ERROR
        if access_log.isEnabledFor(level):
            duration = handler.request.request_time() * 1000
            access_log.log(level, "%d %s %.2fms", status, handler._request_summary(), duration)

    # Files that are read anew for each request, while a program is being written.

    def _forget_files(self) -> None:
        if not self.settings.get("compiled_template_cache", True):
            self._template_loaders.reset()
        if not self.settings.get("static_hash_cache", True):
            self._static_class().reset()
