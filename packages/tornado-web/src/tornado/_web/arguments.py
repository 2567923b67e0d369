"""The part of a handler that reads a request's arguments and cookies."""

from __future__ import annotations

import re
from http.cookies import Morsel
from typing import Any, overload

from tornado._web.errors import HTTPError, MissingArgumentError
from tornado._web.state import HandlerState
from tornado.escape import to_unicode

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")


class _Required:
    """Stands for a default that wasn't given."""

    def __repr__(self) -> str:
        return "(required)"


#: In place of a default: the argument has to be there.
_ARG_DEFAULT = _Required()


class ArgumentReader(HandlerState):
    """Methods of handlers that read arguments."""

    @overload
    def get_argument(self, name: str, default: str = ..., strip: bool = True) -> str: ...
    @overload
    def get_argument(self, name: str, default: None, strip: bool = True) -> str | None: ...
    def get_argument(
        self, name: str, default: Any = _ARG_DEFAULT, strip: bool = True
    ) -> str | None:
        """Return the last value of an argument of query string or body, as text.

        :arg default: what to return if there is none.
        :arg strip: remove white space at both ends.
        :raises MissingArgumentError: there is none, and no default.
        """
        return self._last_argument(name, default, self.request.arguments, strip)

    def get_arguments(self, name: str, strip: bool = True) -> list[str]:
        """Return all values of an argument of query string or body; an empty list if there are none."""
        return self._all_arguments(name, self.request.arguments, strip)

    @overload
    def get_query_argument(self, name: str, default: str = ..., strip: bool = True) -> str: ...
    @overload
    def get_query_argument(self, name: str, default: None, strip: bool = True) -> str | None: ...
    def get_query_argument(
        self, name: str, default: Any = _ARG_DEFAULT, strip: bool = True
    ) -> str | None:
        """Like `get_argument`, of the query string only.

        .. versionadded:: 3.2
        """
        return self._last_argument(name, default, self.request.query_arguments, strip)

    def get_query_arguments(self, name: str, strip: bool = True) -> list[str]:
        """Like `get_arguments`, of the query string only.

        .. versionadded:: 3.2
        """
        return self._all_arguments(name, self.request.query_arguments, strip)

    @overload
    def get_body_argument(self, name: str, default: str = ..., strip: bool = True) -> str: ...
    @overload
    def get_body_argument(self, name: str, default: None, strip: bool = True) -> str | None: ...
    def get_body_argument(
        self, name: str, default: Any = _ARG_DEFAULT, strip: bool = True
    ) -> str | None:
        """Like `get_argument`, of the body only.

        .. versionadded:: 3.2
        """
        return self._last_argument(name, default, self.request.body_arguments, strip)

    def get_body_arguments(self, name: str, strip: bool = True) -> list[str]:
        """Like `get_arguments`, of the body only.

        .. versionadded:: 3.2
        """
        return self._all_arguments(name, self.request.body_arguments, strip)

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """Return an argument as text; subclasses may use another encoding than UTF-8.

        :arg name: name of the argument, `None` for an unnamed group of a URL pattern.
        :raises HTTPError: 400 if it's not valid.
        """
        try:
            return to_unicode(value)
        except UnicodeDecodeError as error:
            raise HTTPError(
                400, "Invalid unicode in %s: %r", name or "url", value[:40]
            ) from error

    def _last_argument(
        self, name: str, default: Any, source: dict[str, list[bytes]], strip: bool
    ) -> str | None:
        values = self._all_arguments(name, source, strip)
        if values:
            return values[-1]
        if default is _ARG_DEFAULT:
            raise MissingArgumentError(name)
        found: str | None = default
        return found

    def _all_arguments(
        self, name: str, source: dict[str, list[bytes]], strip: bool
    ) -> list[str]:
        values = []
        for raw in source.get(name, ()):
            text = self.decode_argument(raw, name=name)
            # Control characters, line ends and tabs excepted, have no place in text.
            text = _CONTROL.sub(" ", text)
            values.append(text.strip() if strip else text)
        return values

    @property
    def cookies(self) -> dict[str, Morsel[str]]:
        """The request's cookies, a dictionary of `http.cookies.Morsel`."""
        cookies: dict[str, Morsel[str]] = self.request.cookies
        return cookies

    def get_cookie(self, name: str, default: str | None = None) -> str | None:
        """Return the value of a cookie of the request, or ``default``."""
        cookies = self.request.cookies
        return cookies[name].value if name in cookies else default
