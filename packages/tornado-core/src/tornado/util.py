"""Small tools that the other modules share."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import datetime
    import unittest

PY3 = True
bytes_type = bytes
unicode_type = str
basestring_type = str
TimeoutError = TimeoutError  # a documented name of this module


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

    # Input is given to zlib in pieces of this many bytes at most, and in small ones where members
    # are small: zlib copies what follows a member, so their number would count twice.
    _LARGE = 64 * 1024
    _SMALL = 512

    def __init__(self) -> None:
        self._decoder = _gzip_decoder()
        self._started = False
        self._left = b""
        self._piece_size = self._LARGE

    def decompress(self, value: bytes, max_length: int = 0) -> bytes:
        """Decode some data.

        :arg value: the next bytes.
        :arg max_length: the most bytes to return; 0 for all. What's left over of ``value`` is in
            `unconsumed_tail` and has to be passed again.
        :returns: what could be decoded so far, perhaps nothing.
        :raises zlib.error: it's no gzip data.
        :raises ValueError: ``max_length`` is below 0.
        """
        if max_length < 0:
            raise ValueError(f"max_length has to be 0 or more, not {max_length}")
        view = memoryview(value)
        parts: list[bytes] = []
        size = position = 0
        while position < len(view) and (not max_length or size < max_length):
            if self._decoder.eof:
                self._decoder = _gzip_decoder()
                self._piece_size = self._SMALL
            self._started = True
            piece = view[position : position + self._piece_size]
            part = self._decoder.decompress(piece, max_length and max_length - size)
            parts.append(part)
            size += len(part)
            left = self._decoder.unused_data or self._decoder.unconsumed_tail
            position += len(piece) - len(left)
            self._piece_size = min(self._piece_size * 2, self._LARGE)
        self._left = bytes(view[position:])
        return parts[0] if len(parts) == 1 else b"".join(parts)

    @property
    def unconsumed_tail(self) -> bytes:
        """What the last call of `decompress` didn't come to."""
        return self._left

    def flush(self) -> bytes:
        """Return what is left at the end.

        :raises zlib.error: the data ended in the middle of a member.
        :raises ValueError: there is an `unconsumed_tail` still.
        """
        if self._left:
            raise ValueError("unconsumed_tail has to be decompressed before the end")
        rest = self._decoder.flush()
        if self._started and not self._decoder.eof:
            raise zlib.error("truncated gzip data")
        return rest


def _gzip_decoder() -> zlib._Decompress:
    return zlib.decompressobj(16 + zlib.MAX_WBITS)


def import_object(name: str) -> Any:
    """Import something by its dotted name: ``import_object("tornado.escape.utf8")``.

    :arg name: of a module, or of something in one.
    :raises ImportError: there is no such module or name.
    """
    module_name, _, attribute = name.rpartition(".")
    if not module_name:
        return import_module(name)
    module = import_module(module_name)
    try:
        return getattr(module, attribute)
    except AttributeError:
        return _import_submodule(name, module_name)


def _import_submodule(name: str, parent: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        # It may be there, and something else that it needs may not.
        if error.name != name:
            raise
        raise ImportError(f"{parent} has no {name[len(parent) + 1 :]!r}", name=name) from error


def exec_in(code: Any, glob: dict[str, Any], loc: Mapping[str, Any] | None = None) -> None:
    """Run code, given as text or compiled, in a namespace.

    Text is compiled without the future features of this module.

    :arg code: text or a code object.
    :arg glob: global names.
    :arg loc: local names; the global ones if not given.
    """
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
        raise TypeError("the triple has no exception to raise")
    try:
        raise exc_info[1].with_traceback(exc_info[2])
    finally:
        # The frame is part of the traceback; together they'd be a cycle.
        exc_info = (None, None, None)


def errno_from_exception(e: BaseException) -> int | None:
    """Return the error number of an exception, or `None`."""
    number = getattr(e, "errno", None)
    if number is None and e.args:
        number = e.args[0]
    return number


def re_unescape(s: str) -> str:
    r"""Undo `re.escape`.

    >>> print(re_unescape(r"1\.5\ \(about\)"))
    1.5 (about)

    :raises ValueError: it isn't what `re.escape` makes, but a pattern such as ``\d``.

    .. versionadded:: 4.4
    """
    return re.sub(r"\\(.?)", _unescaped, s, flags=re.DOTALL)


def _unescaped(match: re.Match[str]) -> str:
    character = match[1]
    if character == "" or (character.isascii() and character.isalnum()):
        raise ValueError(f"{match[0]!r} has a meaning of its own in patterns")
    return character


def timedelta_to_seconds(td: datetime.timedelta) -> float:
    """Return a duration in seconds; ``td.total_seconds()``."""
    return td.total_seconds()


def doctests() -> unittest.TestSuite:
    """Return the examples in this module's descriptions as tests."""
    import doctest

    return doctest.DocTestSuite(__name__)


class ArgReplacer:
    """Replace one argument of calls of a function, however it was passed.

    ``arg_pos`` is the parameter's position, or `None` if it's passed by its name only.

    :arg func: the function.
    :arg name: name of the parameter.
    """

    def __init__(self, func: Callable[..., Any], name: str) -> None:
        self.name = name
        names = _positional_parameters(func)
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
        """Return the old value, and positional and keyword arguments with the new one.

        What is passed in stays as it is.

        :returns: the old value, `None` if there was none; the positional arguments; the keyword
            arguments.
        """
        old = self.get_old_value(args, kwargs)
        if self.arg_pos is not None and self.arg_pos < len(args):
            args = [*args[: self.arg_pos], new_value, *args[self.arg_pos + 1 :]]
        else:
            kwargs = {**kwargs, self.name: new_value}
        return old, args, kwargs


def _positional_parameters(func: Callable[..., Any]) -> list[str]:
    from inspect import Parameter, signature

    try:
        parameters = signature(func).parameters.values()
    except ValueError:
        # Some functions written in C don't tell.
        return []
    positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return [parameter.name for parameter in parameters if parameter.kind in positional]


class Configurable:
    """A base class whose constructor makes an instance of an implementation that can be chosen at
    run time.

    A hierarchy's base class defines `configurable_base` and `configurable_default`. Constructor
    arguments go to `initialize`, which takes the place of ``__init__``. An implementation may be
    the base of a hierarchy itself.
    """

    # What is chosen is kept in the hierarchy's base class; nothing of it is inherited by the base
    # of a hierarchy within a hierarchy.
    __impl_class: type[Configurable] | None = None
    __impl_kwargs: dict[str, Any] | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make an instance of the implementation, or of the class that is called if it is one."""
        base = cls.configurable_base()
        implementation = cls
        if cls is base:
            implementation = cls.configured_class()
            _, configured = cls._save_configuration()
            kwargs = {**(configured or {}), **kwargs}
            if implementation.configurable_base() is not base:
                return implementation(*args, **kwargs)
        instance = super().__new__(implementation)
        instance.initialize(*args, **kwargs)
        return instance

    @classmethod
    def configurable_base(cls) -> type[Configurable]:
        """Return the base class of the hierarchy; that base class defines it."""
        raise NotImplementedError(f"the base class of {cls.__name__} has to say that it is it")

    @classmethod
    def configurable_default(cls) -> type[Configurable]:
        """Return the implementation that is used unless another is configured; the base class
        defines it."""
        raise NotImplementedError(f"{cls.__name__} has to say what its default is")

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Take the constructor's arguments; implementations define what they need.

        .. versionchanged:: 4.2
           Takes positional arguments too.
        """

    @classmethod
    def configure(cls, impl: str | type[Configurable] | None, **kwargs: Any) -> None:
        """Choose the implementation.

        :arg impl: a subclass, its dotted name, or `None` for the default.
        :arg kwargs: arguments for each instance that is made through the base class; those of a
            call come before them.
        :raises ValueError: ``impl`` is no subclass.
        :raises ImportError: there is nothing of that name.
        """
        chosen: type[Configurable] | None = import_object(impl) if isinstance(impl, str) else impl
        if chosen is not None and not (isinstance(chosen, type) and issubclass(chosen, cls)):
            raise ValueError(f"{chosen!r} is no subclass of {cls!r}")
        cls._restore_configuration((chosen, kwargs))

    @classmethod
    def configured_class(cls) -> type[Configurable]:
        """Return the implementation that is in use."""
        base = cls.configurable_base()
        implementation, _ = cls._save_configuration()
        if implementation is None:
            implementation = base.__impl_class = cls.configurable_default()
        return implementation

    @classmethod
    def _save_configuration(cls) -> tuple[type[Configurable] | None, dict[str, Any] | None]:
        own = vars(cls.configurable_base())
        return own.get("_Configurable__impl_class"), own.get("_Configurable__impl_kwargs")

    @classmethod
    def _restore_configuration(
        cls, saved: tuple[type[Configurable] | None, dict[str, Any] | None]
    ) -> None:
        base = cls.configurable_base()
        base.__impl_class, base.__impl_kwargs = saved
