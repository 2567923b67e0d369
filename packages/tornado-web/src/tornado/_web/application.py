"""`Application`: routes, settings, and what all requests share."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tornado._web.dispatch import HandlerMessage, RequestMessage
from tornado._web.handler import RequestHandler
from tornado._web.simple_handlers import ErrorHandler
from tornado._web.static import StaticFileHandler
from tornado._web.transforms import GZipContentEncoding, OutputTransform
from tornado._web.ui import TemplateModule, UIModule, _Linkify, _XsrfFormHtml
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPMessageDelegate, HTTPServerRequest
from tornado.log import access_log
from tornado.netutil import DEFAULT_BACKLOG
from tornado.routing import (
    AnyMatches,
    DefaultHostMatches,
    HostMatches,
    ReversibleRouter,
    ReversibleRuleRouter,
    Rule,
)
from tornado.util import import_object


class _ApplicationRouter(ReversibleRuleRouter):
    """A router whose targets may be handler classes."""

    def __init__(self, application: Application, rules: Any = None) -> None:
        self.application = application
        super().__init__(rules)

    def process_rule(self, rule: Rule) -> Rule:
        if isinstance(rule.target, (list, tuple)):
            rule.target = _ApplicationRouter(self.application, rule.target)
            return rule
        return super().process_rule(rule)

    def get_target_delegate(
        self, target: Any, request: HTTPServerRequest, **target_params: Any
    ) -> HTTPMessageDelegate | None:
        if isinstance(target, type) and issubclass(target, RequestHandler):
            return self.application.get_handler_delegate(request, target, **target_params)
        return super().get_target_delegate(target, request, **target_params)


class Application(ReversibleRouter):
    """Request handlers that make up a web application.

    .. code-block:: python

       application = Application([(r"/", MainPageHandler)], debug=True)
       application.listen(8888)

    :arg handlers: routes: `URLSpec` objects, rules of `tornado.routing`, or tuples of their arguments. The first one that matches is used.
    :arg default_host: host whose routes are used for requests without a known one.
    :arg transforms: classes of output transforms; compression by default if the ``compress_response`` setting (or ``gzip``) is there.
    :arg settings: everything else is kept in `settings`.
    """

    def __init__(
        self,
        handlers: Sequence[Any] | None = None,
        default_host: str | None = None,
        transforms: Sequence[type[OutputTransform]] | None = None,
        **settings: Any,
    ) -> None:
        if transforms is not None:
            self.transforms: list[type[OutputTransform]] = list(transforms)
        elif settings.get("compress_response") or settings.get("gzip"):
            self.transforms = [GZipContentEncoding]
        else:
            self.transforms = []
        self.default_host = default_host
        self.settings = settings
        self.ui_modules: dict[str, type[UIModule]] = {
            "linkify": _Linkify,
            "xsrf_form_html": _XsrfFormHtml,
            "Template": TemplateModule,
        }
        self.ui_methods: dict[str, Callable[..., Any]] = {}
        self._load_ui_modules(settings.get("ui_modules", {}))
        self._load_ui_methods(settings.get("ui_methods", {}))
        if settings.get("debug"):
            settings.setdefault("autoreload", True)
            settings.setdefault("compiled_template_cache", False)
            settings.setdefault("static_hash_cache", False)
            settings.setdefault("serve_traceback", True)
        routes = list(handlers or [])
        if settings.get("static_path"):
            routes = self._static_routes() + routes
        self.wildcard_router = _ApplicationRouter(self, routes)
        self.default_router = _ApplicationRouter(
            self, [Rule(AnyMatches(), self.wildcard_router)]
        )
        if settings.get("autoreload"):
            from tornado import autoreload

            autoreload.start()

    def _static_routes(self) -> list[Any]:
        settings = self.settings
        prefix = settings.get("static_url_prefix", "/static/")
        handler_class = settings.get("static_handler_class", StaticFileHandler)
        arguments = {**settings.get("static_handler_args", {}), "path": settings["static_path"]}
        patterns = (re.escape(prefix) + r"(.*)", r"/(favicon\.ico)", r"/(robots\.txt)")
        return [(pattern, handler_class, arguments) for pattern in patterns]

    @property
    def _guards(self) -> bool:
        """Whether requests are checked for their origin before anything else."""
        settings = self.settings
        return bool(settings.get("xsrf_cookies") or settings.get("cross_origin_protection"))

    @property
    def _reset_caches(self) -> bool:
        return self.settings.get("compiled_template_cache") is False or (
            self.settings.get("static_hash_cache") is False
        )

    def _forget_cached_files(self) -> None:
        """Read templates and static files anew, as the settings for development ask for."""
        if not self.settings.get("compiled_template_cache", True):
            with RequestHandler._template_loader_lock:
                for loader in RequestHandler._template_loaders.values():
                    loader.reset()
        if not self.settings.get("static_hash_cache", True):
            StaticFileHandler.reset()

    # -- serving

    def listen(
        self,
        port: int,
        address: str | None = None,
        *,
        family: socket.AddressFamily = socket.AF_UNSPEC,
        backlog: int = DEFAULT_BACKLOG,
        flags: int | None = None,
        reuse_port: bool = False,
        **kwargs: Any,
    ) -> HTTPServer:
        """Make an `~tornado.httpserver.HTTPServer` for the application, and let it listen.

        :arg kwargs: arguments of the server; the others are those of `tornado.netutil.bind_sockets`.
        :returns: the server.
        """
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
        """Return the delegate for one request (`~tornado.httputil.HTTPServerConnectionDelegate`)."""
        return RequestMessage(self, server_conn, request_conn)

    def __call__(self, request: HTTPServerRequest) -> Any:
        """Run the handler for a request that is complete (documented API version 2.x)."""
        delegate = self.find_handler(request)
        if isinstance(delegate, HandlerMessage):
            return delegate.execute()
        delegate.finish()
        return None

    # -- routes

    def add_handlers(self, host_pattern: str, host_handlers: Sequence[Any]) -> None:
        """Add routes for hosts.

        :arg host_pattern: regular expression for the host name; the first pattern that matches is used.
        :arg host_handlers: the routes.
        """
        matcher = HostMatches(host_pattern)
        rule = Rule(matcher, _ApplicationRouter(self, host_handlers))
        # What is for all hosts stays last.
        self.default_router.rules.insert(-1, self.default_router.process_rule(rule))
        if self.default_host is not None:
            self.wildcard_router.add_rules(
                [(DefaultHostMatches(self, matcher.host_pattern), host_handlers)]
            )

    def add_transform(self, transform_class: type[OutputTransform]) -> None:
        """Change all later responses with a further output transform."""
        self.transforms.append(transform_class)

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate:
        """Return the delegate that handles a request; see `tornado.routing.Router`."""
        found = self.default_router.find_handler(request)
        if found is not None:
            return found
        if self.settings.get("default_handler_class"):
            return self.get_handler_delegate(
                request,
                self.settings["default_handler_class"],
                self.settings.get("default_handler_args", {}),
            )
        return self.get_handler_delegate(request, ErrorHandler, {"status_code": 404})

    def get_handler_delegate(
        self,
        request: HTTPServerRequest,
        target_class: type[RequestHandler],
        target_kwargs: dict[str, Any] | None = None,
        path_args: Sequence[bytes] | None = None,
        path_kwargs: dict[str, bytes] | None = None,
    ) -> HTTPMessageDelegate:
        """Return a delegate that runs a handler class for a request.

        :arg target_class: the class.
        :arg target_kwargs: arguments for ``initialize``.
        :arg path_args: positional arguments for the method, as bytes.
        :arg path_kwargs: keyword arguments for the method, as bytes.
        """
        return HandlerMessage(
            self, request, target_class, target_kwargs, path_args, path_kwargs
        )

    def reverse_url(self, name: str, *args: Any) -> str:
        """Return the URL of a named route.

        :arg args: values for the groups of its pattern.
        :raises KeyError: there is no such route.
        """
        url = self.default_router.reverse_url(name, *args)
        if url is None:
            raise KeyError(f"{name} not found in named urls")
        return url

    # -- logging

    def log_request(self, handler: RequestHandler) -> None:
        """Log a finished request: by the ``log_function`` setting, or as a line of ``tornado.access``."""
        function = self.settings.get("log_function")
        if function is not None:
            function(handler)
            return
        status = handler._status_code
        level = (
            logging.INFO if status < 400 else logging.WARNING if status < 500 else logging.ERROR
        )
        if access_log.isEnabledFor(level):
            milliseconds = 1000.0 * handler.request.request_time()
            access_log.log(
                level, "%d %s %.2fms", status, handler._request_summary(), milliseconds
            )

    # -- UI modules and methods

    def _load_ui_methods(self, methods: Any) -> None:
        for name, method in _named(methods):
            if not name.startswith("_") and callable(method) and name[0].islower():
                self.ui_methods[name] = method

    def _load_ui_modules(self, modules: Any) -> None:
        for name, module in _named(modules):
            if isinstance(module, type) and issubclass(module, UIModule):
                self.ui_modules[name] = module


def _named(source: Any) -> Iterable[tuple[str, Any]]:
    """Return names and objects of a module, a dictionary, or a list of such."""
    if isinstance(source, str):
        source = import_object(source)
    if isinstance(source, dict):
        return source.items()
    if isinstance(source, (list, tuple)):
        return [pair for item in source for pair in _named(item)]
    return [(name, getattr(source, name)) for name in dir(source)]
