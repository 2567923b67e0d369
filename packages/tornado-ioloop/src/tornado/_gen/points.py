"""What generators of the callback era yield: callbacks by key, and calls that take a callback
(documented API versions 2.x to 5.x).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

from tornado._gen.errors import KeyReuseError, LeakedCallbackError, UnknownKeyError
from tornado._ioloop.futures import new_future
from tornado.concurrent import Future


class Arguments(NamedTuple):
    """What a callback got, if that is more than one positional argument."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Calls:
    """The callbacks of one run of a generator, by their keys."""

    __slots__ = ("_outcomes",)

    def __init__(self) -> None:
        self._outcomes: dict[Hashable, Future[Any]] = {}

    def register(self, key: Hashable) -> Callable[..., None]:
        """Make a callback that keeps what it gets under a key.

        :raises KeyReuseError: another callback that nobody has waited for has the key.
        """
        if key in self._outcomes:
            raise KeyReuseError(f"the key {key!r} is in use")
        future: Future[Any] = new_future()
        self._outcomes[key] = future
        return _resolver(future)

    def take(self, key: Hashable) -> Future[Any]:
        """Return the future of a key, which is free again.

        :raises UnknownKeyError: there is no such key.
        """
        try:
            return self._outcomes.pop(key)
        except KeyError:
            raise UnknownKeyError(f"no callback has the key {key!r}") from None

    def check_all_taken(self) -> None:
        """Make sure that every callback was waited for.

        :raises LeakedCallbackError: some were not.
        """
        if self._outcomes:
            keys = ", ".join(sorted(map(repr, self._outcomes)))
            raise LeakedCallbackError(f"nobody waited for the callbacks {keys}")


class YieldPoint:
    """Something that a generator yields and that needs to know the generator's callbacks."""

    def start(self, calls: Calls) -> Any:
        """Return what is to be waited for instead."""
        raise NotImplementedError(f"{type(self).__name__} can't be waited for")


class Callback(YieldPoint):
    """Yielded for a callback, whose arguments `Wait` gives later.

    :arg key: anything that can be a key of a dictionary, and isn't in use in this generator.
    """

    def __init__(self, key: Hashable) -> None:
        self.key = key

    def start(self, calls: Calls) -> Any:
        """Register the key."""
        future = new_future()
        future.set_result(calls.register(self.key))
        return future


class Wait(YieldPoint):
    """Yielded to wait until the callback of a key is called; gives the callback's argument.

    :arg key: the key of a `Callback`.
    """

    def __init__(self, key: Hashable) -> None:
        self.key = key

    def start(self, calls: Calls) -> Any:
        """Find the future of the key."""
        return calls.take(self.key)


class WaitAll(YieldPoint):
    """Yielded to wait for several callbacks; gives a list of their arguments.

    :arg keys: the keys, in the order of the results.
    """

    def __init__(self, keys: Iterable[Hashable]) -> None:
        self.keys = list(keys)

    def start(self, calls: Calls) -> Any:
        """Find the futures of the keys."""
        return [calls.take(key) for key in self.keys]


def Task(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:  # documented name
    """Call a function that takes a callback; yielded, it gives what the callback got.

    Exceptions in the function, and in callbacks that it starts, are raised where it is yielded.

    :arg func: called with the arguments and a further one, ``callback``.
    """
    # Programs that don't use this need no stack contexts.
    from tornado.stack_context import ExceptionStackContext

    future = new_future()

    def fail(kind: type[BaseException], error: BaseException, trace: Any) -> bool:
        if future.done():
            return False
        future.set_exception(error)
        return True

    with ExceptionStackContext(fail):
        func(*args, callback=_resolver(future), **kwargs)
    return future


class Several(YieldPoint):
    """Yielded to wait for several things, callbacks by key among them.

    :arg children: a list or dictionary of what may be yielded.
    :arg gather: makes one future of them, once the yield points are started.
    """

    def __init__(self, children: Any, gather: Callable[[Any], Future[Any]]) -> None:
        self._children = children
        self._gather = gather

    def start(self, calls: Calls) -> Any:
        """Find the futures of all keys."""
        return self._gather(start_points(self._children, calls))


def has_points(yielded: Any) -> bool:
    """Whether something is a yield point or a list or dictionary with one in it."""
    if isinstance(yielded, dict):
        yielded = list(yielded.values())
    if isinstance(yielded, (list, tuple)):
        return any(has_points(item) for item in yielded)
    return isinstance(yielded, YieldPoint)


def start_points(yielded: Any, calls: Calls) -> Any:
    """Put what is to be waited for in the place of yield points, also inside of a list or
    dictionary."""
    if isinstance(yielded, YieldPoint):
        return yielded.start(calls)
    if isinstance(yielded, (list, tuple)):
        return [start_points(item, calls) for item in yielded]
    if isinstance(yielded, dict):
        return {name: start_points(item, calls) for name, item in yielded.items()}
    return yielded


def _resolver(future: Future[Any]) -> Callable[..., None]:
    def resolve(*args: Any, **kwargs: Any) -> None:
        if future.done():
            return
        if kwargs or len(args) > 1:
            future.set_result(Arguments(args, kwargs))
        else:
            future.set_result(args[0] if args else None)

    return resolve
