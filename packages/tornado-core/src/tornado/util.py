"""Small tools that the other modules share."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from inspect import signature
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import datetime

PY3 = True
bytes_type = bytes
unicode_type = str
basestring_type = str
TimeoutError = TimeoutError  # a documented name of this module

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class ObjectDict(dict[str, Any]):
    """A dictionary whose keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


class GzipDecompressor:
    """Decode gzip data piece by piece; several members one after another are all decoded."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._started = False

    def decompress(self, value: bytes, max_length: int = 0) -> bytes:
        """Decode some data.

        :arg value: the next bytes.
        :arg max_length: the most bytes to return; 0 for all. What's left over is in
            `unconsumed_tail` and has to be passed again.
        :raises zlib.error: it's no gzip data.
        """
        parts = []
        room = max_length
        while value:
            if self._decoder.eof:
                self._decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)
            self._started = True
            part = self._decoder.decompress(value, room)
            parts.append(part)
            if not self._decoder.eof:
                break
            value = self._decoder.unused_data
            if max_length:
                room = max_length - sum(map(len, parts))
                if room <= 0:
                    self._left = value
                    return b"".join(parts)
        self._left = self._decoder.unconsumed_tail
        return parts[0] if len(parts) == 1 else b"".join(parts)

    _left = b""

    @property
    def unconsumed_tail(self) -> bytes:
        """What the last call of `decompress` didn't come to."""
        return self._left

    def flush(self) -> bytes:
        """Return what is left at the end.

        :raises ValueError: the data ended in the middle of a member.
        """
        rest = self._decoder.flush()
        if self._started and not self._decoder.eof:
            raise ValueError("truncated gzip data")
        return rest


def import_object(name: str) -> Any:
    """Import something by its dotted name: ``import_object("tornado.escape.utf8")``.

    :raises ImportError: there is no such module or name.
    """
    module, _, attribute = name.rpartition(".")
    if not module:
        return import_module(name)
    try:
        return getattr(import_module(module), attribute)
    except AttributeError:
        pass
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ImportError(f"No module named {attribute} in {module}") from error


def exec_in(code: Any, glob: dict[str, Any], loc: Mapping[str, Any] | None = None) -> None:
    """Run code, given as text or compiled, in a namespace."""
    if isinstance(code, str):
        code = compile(code, "<string>", "exec", dont_inherit=True)
    exec(code, glob, loc)


def raise_exc_info(
    exc_info: tuple[type[BaseException] | None, BaseException | None, TracebackType | None],
) -> NoReturn:
    """Raise the exception of a triple as `sys.exc_info` returns it.

    :raises TypeError: the triple holds no exception.
    """
    if exc_info[1] is None:
        raise TypeError("raise_exc_info called with no exception")
    raise exc_info[1].with_traceback(exc_info[2])


def timedelta_to_seconds(td: datetime.timedelta) -> float:
    """Return the length of a timedelta in seconds (documented API version 2.x)."""
    return td.total_seconds()


def re_unescape(s: str) -> str:
    """Undo `re.escape`.

    :raises ValueError: there is an escape that `re.escape` doesn't make, such as ``\\d``.

    .. versionadded:: 4.4
    """
    return _ESCAPED.sub(_unescape_match, s)


def _unescape_match(match: re.Match[str]) -> str:
    character = match[1]
    if character.isascii() and character.isalnum():
        raise ValueError(f"the escape {match[0]!r} stands for more than a character")
    return character


def errno_from_exception(e: BaseException) -> int | None:
    """Return the error number of an exception, or `None`."""
    number = getattr(e, "errno", None)
    if number is None and e.args:
        number = e.args[0]
    return number


class ArgReplacer:
    """Replace one argument of calls of a function, however it was passed.

    :arg func: the function.
    :arg name: name of the parameter.
    """

    def __init__(self, func: Callable[..., Any], name: str) -> None:
        self.name = name
        names = list(signature(func).parameters)
        self.arg_pos: int | None = names.index(name) if name in names else None

    def get_old_value(
        self, args: Sequence[Any], kwargs: dict[str, Any], default: Any = None
    ) -> Any:
        """Return the argument's value in a call, or ``default``."""
        if self.arg_pos is not None and self.arg_pos < len(args):
            return args[self.arg_pos]
        return kwargs.get(self.name, default)

    def replace(
        self, new_value: Any, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> tuple[Any, Sequence[Any], dict[str, Any]]:
        """Return the old value, and positional and keyword arguments with the new one."""
        old = self.get_old_value(args, kwargs)
        if self.arg_pos is not None and self.arg_pos < len(args):
            args = [*args[: self.arg_pos], new_value, *args[self.arg_pos + 1 :]]
        else:
            kwargs = {**kwargs, self.name: new_value}
        return old, args, kwargs


class Configurable:
    """A base class whose constructor makes an instance of an implementation that can be chosen at
    run time.

    A hierarchy's base class defines `configurable_base` and `configurable_default`. Constructor
    arguments go to `initialize`.
    """

    __impl_class: type[Configurable] | None = None
    __impl_kwargs: dict[str, Any] | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make an instance of the implementation."""
        base = cls.configurable_base()
        implementation = cls
        if cls is base:
            implementation = cls.configured_class()
            kwargs = {**(base.__impl_kwargs or {}), **kwargs}
            if implementation.configurable_base() is not base:
                # The implementation is configurable itself.
                return implementation(*args, **kwargs)
        instance = super().__new__(implementation)
        instance.initialize(*args, **kwargs)
        return instance

    @classmethod
    def configurable_base(cls) -> type[Configurable]:
        """Return the base class of the hierarchy."""
        raise NotImplementedError()

    @classmethod
    def configurable_default(cls) -> type[Configurable]:
        """Return the implementation that is used unless another is configured."""
        raise NotImplementedError()

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Take the constructor's arguments."""

    @classmethod
    def configure(cls, impl: str | type[Configurable] | None, **kwargs: Any) -> None:
        """Choose the implementation.

        :arg impl: a subclass, its dotted name, or `None` for the default.
        :arg kwargs: arguments for each instance that is made through the base class.
        :raises ValueError: ``impl`` is no subclass.
        """
        base = cls.configurable_base()
        chosen: type[Configurable] | None = import_object(impl) if isinstance(impl, str) else impl
        if chosen is not None and not issubclass(chosen, cls):
            raise ValueError(f"{chosen!r} is no subclass of {cls!r}")
        base.__impl_class = chosen
        base.__impl_kwargs = kwargs

    @classmethod
    def configured_class(cls) -> type[Configurable]:
        """Return the implementation that is in use."""
        base = cls.configurable_base()
        if base.__dict__.get("_Configurable__impl_class") is None:
            base.__impl_class = cls.configurable_default()
        implementation = base.__impl_class
        assert implementation is not None
        return implementation

    @classmethod
    def _save_configuration(cls) -> tuple[type[Configurable] | None, dict[str, Any] | None]:
        base = cls.configurable_base()
        return base.__impl_class, base.__impl_kwargs

    @classmethod
    def _restore_configuration(
        cls, saved: tuple[type[Configurable] | None, dict[str, Any] | None]
    ) -> None:
        base = cls.configurable_base()
        base.__impl_class, base.__impl_kwargs = saved
