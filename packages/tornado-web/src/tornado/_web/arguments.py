"""The arguments of a request: query string and form body, as text."""

from __future__ import annotations

from typing import Any, Final, overload

from tornado._late import late_regex
from tornado._web.errors import HTTPError, MissingArgumentError
from tornado._web.state import HandlerState

# Tab and the line ends stay: texts of several lines come from forms.
_CONTROL = late_regex(r"[\x00-\x08\x0e-\x1f]")
_CONTROL_BYTES = bytes([*range(9), *range(14, 32)])


class _Required:
    """The default of an argument that has none; a type of its own, so that any value can be a
    default.
    """

    def __repr__(self) -> str:
        return "<required>"


_ARG_DEFAULT: Final = _Required()


class ArgumentMethods(HandlerState):
    """Methods by which a handler reads arguments."""

    @overload
    def get_argument(self, name: str, default: str, strip: bool = True) -> str: ...
    @overload
    def get_argument(self, name: str, default: _Required = ..., strip: bool = True) -> str: ...
    @overload
    def get_argument(self, name: str, default: None, strip: bool = True) -> str | None: ...
    def get_argument(
        self, name: str, default: str | _Required | None = _ARG_DEFAULT, strip: bool = True
    ) -> str | None:
        """Return an argument of the query string or of a form body.

        If it is given several times, the last value counts, and the body comes after the query.

        :arg name: its name.
        :arg default: returned if the request has no such argument.
        :arg strip: remove white space at both ends.
        :returns: the value, decoded by `decode_argument`, control characters replaced by spaces.
        :raises MissingArgumentError: the argument is missing and there is no default.
        """
        return self._last_of(self.request.arguments, name, default, strip)

    def get_arguments(self, name: str, strip: bool = True) -> list[str]:
        """Return all values of an argument, first those of the query string, then those of the
        body.

        :arg name: its name.
        :arg strip: remove white space at both ends.
        :returns: the values; an empty list if there are none.
        """
        return self._all_of(self.request.arguments, name, strip)

    @overload
    def get_query_argument(self, name: str, default: str, strip: bool = True) -> str: ...
    @overload
    def get_query_argument(
        self, name: str, default: _Required = ..., strip: bool = True
    ) -> str: ...
    @overload
    def get_query_argument(self, name: str, default: None, strip: bool = True) -> str | None: ...
    def get_query_argument(
        self, name: str, default: str | _Required | None = _ARG_DEFAULT, strip: bool = True
    ) -> str | None:
        """Return an argument of the query string; otherwise as `get_argument`.

        :arg name: its name.
        :arg default: returned if the query string has no such argument.
        :arg strip: remove white space at both ends.
        :raises MissingArgumentError: the argument is missing and there is no default.

        .. versionadded:: 3.2
        """
        return self._last_of(self.request.query_arguments, name, default, strip)

    def get_query_arguments(self, name: str, strip: bool = True) -> list[str]:
        """Return all values of an argument of the query string.

        :arg name: its name.
        :arg strip: remove white space at both ends.

        .. versionadded:: 3.2
        """
        return self._all_of(self.request.query_arguments, name, strip)

    @overload
    def get_body_argument(self, name: str, default: str, strip: bool = True) -> str: ...
    @overload
    def get_body_argument(self, name: str, default: _Required = ..., strip: bool = True) -> str: ...
    @overload
    def get_body_argument(self, name: str, default: None, strip: bool = True) -> str | None: ...
    def get_body_argument(
        self, name: str, default: str | _Required | None = _ARG_DEFAULT, strip: bool = True
    ) -> str | None:
        """Return an argument of the form body; otherwise as `get_argument`.

        :arg name: its name.
        :arg default: returned if the body has no such argument.
        :arg strip: remove white space at both ends.
        :raises MissingArgumentError: the argument is missing and there is no default.

        .. versionadded:: 3.2
        """
        return self._last_of(self.request.body_arguments, name, default, strip)

    def get_body_arguments(self, name: str, strip: bool = True) -> list[str]:
        """Return all values of an argument of the form body.

        :arg name: its name.
        :arg strip: remove white space at both ends.

        .. versionadded:: 3.2
        """
        return self._all_of(self.request.body_arguments, name, strip)

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """Turn the bytes of an argument, or of a group of the route, into text: by default from
        UTF-8.

        Override it for another encoding.

        :arg value: %-decoded already.
        :arg name: the argument's or the group's name; `None` for an unnamed group.
        :raises HTTPError: 400, the bytes are not UTF-8.
        """
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise HTTPError(400, "%s is not UTF-8: %r", name or "the path", value[:40]) from error

    def _last_of(
        self,
        source: dict[str, list[bytes]],
        name: str,
        default: str | _Required | None,
        strip: bool,
    ) -> str | None:
        values = source.get(name)
        if values:
            return self._text_of(values[-1], name, strip)
        if isinstance(default, _Required):
            raise MissingArgumentError(name)
        return default

    def _all_of(self, source: dict[str, list[bytes]], name: str, strip: bool) -> list[str]:
        if not isinstance(strip, bool):
            # The second argument of the singular methods is a default: an easy thing to confuse.
            raise TypeError(f"strip is true or false, not {strip!r}")
        return [self._text_of(value, name, strip) for value in source.get(name, ())]

    def _text_of(self, value: bytes, name: str, strip: bool) -> str:
        # An override of decode_argument may well return something else than text.
        decoded: Any = self.decode_argument(value, name)
        if not isinstance(decoded, str):
            return str(decoded).strip() if strip else decoded
        text = decoded if decoded.isprintable() else _without_controls(decoded, value)
        return text.strip() if strip else text


def _without_controls(text: str, value: bytes) -> str:
    # Such bytes stand for themselves wherever they are in UTF-8, and are found quickly there.
    if len(value.translate(None, _CONTROL_BYTES)) == len(value):
        return text
    return _CONTROL.sub(" ", text)
