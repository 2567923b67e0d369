"""Tornado: an asynchronous networking library and web framework.

Its modules are imported by themselves, ``from tornado import web``; those that are public are also
imported when they are first used as attributes of this package.
"""

__path__ = __import__("pkgutil").extend_path(__path__, __name__)

version = "6.100.0"
version_info = (6, 100, 0, 0)

# One line, or two, for each distribution.
_MODULES = frozenset(
    [
        *("escape", "log", "options", "util"),
        *("template",),
        *(
            "ioloop",
            "platform",
            "concurrent",
            "gen",
            "stack_context",
            "locks",
            "queues",
            "iostream",
        ),
        *("netutil", "tcpserver", "tcpclient", "process", "autoreload"),
        *("httputil", "http1connection", "httpserver"),
        *("httpclient", "simple_httpclient", "curl_httpclient"),
        *("web", "routing", "locale"),
        *("websocket", "testing", "auth", "wsgi", "database"),
    ]
)

# Type checkers take the name for true: what they know of the submodules is better than what
# the function would tell them.
TYPE_CHECKING = False

if not TYPE_CHECKING:

    def __getattr__(name):
        if name not in _MODULES:
            raise AttributeError(f"tornado has no {name!r}")
        full_name = f"{__name__}.{name}"
        try:
            return __import__("importlib").import_module(full_name)
        except ModuleNotFoundError as error:
            if error.name != full_name:
                raise
            message = f"{full_name} is in a distribution that is not installed"
            raise AttributeError(message) from error
