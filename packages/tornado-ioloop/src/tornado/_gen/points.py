"""What generators of the callback era yield: callbacks by key, and calls that take a callback
(documented API versions 2.x to 5.x).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

from tornado._gen.errors import KeyReuseError, LeakedCallbackError, UnknownKeyError
from tornado._ioloop.futures import new_future
from tornado.concurrent import Future, Unsettled


class Arguments(NamedTuple):
    """What a callback got, if that is more than one positional argument."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Calls:
    """The callbacks of one run of a generator, by their keys.

    It's what `YieldPoint.start` is given.
    """

    __slots__ = ("_results", "_waiting")

    def __init__(self) -> None:
        # `_NONE_YET` as long as a callback wasn't called.
        self._results: dict[Hashable, Any] = {}
        self._waiting: list[tuple[YieldPoint, Future[Any]]] = []

    def register_callback(self, key: Hashable) -> None:
        """Take a key, under which the result of a callback will be.

        :raises KeyReuseError: another callback that nobody has waited for has the key.
        """
        if key in self._results:
            raise KeyReuseError(f"the key {key!r} is in use")
        self._results[key] = _NONE_YET

    def result_callback(self, key: Hashable) -> Callable[..., None]:
        """Make a callback that keeps what it gets under a key that was taken."""

        def keep(*args: Any, **kwargs: Any) -> None:
            # Whoever calls a second time is heard no more.
            if self._results.get(key) is _NONE_YET:
                self.set_result(key, _argument(args, kwargs))

        return keep

    def set_result(self, key: Hashable, result: Any = None) -> None:
        """Have a result under a key, for whoever waits for it."""
        self._results[key] = result
        self._look()

    def is_ready(self, key: Hashable) -> bool:
        """Tell whether there is a result under a key.

        :raises UnknownKeyError: there is no such key.
        """
        if key not in self._results:
            raise UnknownKeyError(f"no callback has the key {key!r}")
        return self._results[key] is not _NONE_YET

    def pop_result(self, key: Hashable) -> Any:
        """Return the result under a key, which is free again."""
        return self._results.pop(key)

    def wait_for(self, point: YieldPoint) -> Future[Any]:
        """Start a yield point, and make a future of it."""
        future = new_future()
        try:
            point.start(self)
        except Exception as error:
            future.set_exception(error)
        else:
            self._waiting.append((point, future))
            self._look()
        try:
            return future
        finally:
            # An error knows this frame, and those below.
            del future

    def check_all_taken(self) -> None:
        """Make sure that every callback was waited for.

        :raises LeakedCallbackError: some were not.
        """
        if self._results:
            keys = ", ".join(sorted(map(repr, self._results)))
            raise LeakedCallbackError(f"nobody waited for the callbacks {keys}")

    def _look(self) -> None:
        for entry in tuple(self._waiting):
            # What a point does may lead here again.
            if entry not in self._waiting:
                continue
            self._waiting.remove(entry)
            if not _settle(*entry):
                self._waiting.append(entry)
            del entry


_NONE_YET = object()


class YieldPoint:
    """Something that a generator yields and that needs to know the generator's callbacks.

    Programs of their own kinds define the three methods. The generator goes on when `is_ready` is
    true, of which it's asked after `start` and whenever a callback of the generator has a result.
    """

    def start(self, runner: Calls) -> Any:
        """Begin what is to be waited for; called once.

        :arg runner: has ``register_callback(key)``, ``result_callback(key)``, ``set_result(key,
            result)``, ``is_ready(key)`` and ``pop_result(key)``.
        """
        raise NotImplementedError(f"{type(self).__name__} doesn't say how it starts")

    def is_ready(self) -> bool:
        """Tell whether there is a result."""
        raise NotImplementedError(f"{type(self).__name__} doesn't say when it's ready")

    def get_result(self) -> Any:
        """Return the result, once it's there; what is raised, the generator raises."""
        raise NotImplementedError(f"{type(self).__name__} doesn't say what it gives")


class Callback(YieldPoint):
    """Yielded for a callback, whose arguments `Wait` gives later.

    :arg key: anything that can be a key of a dictionary, and isn't in use in this generator.
    """

    def __init__(self, key: Hashable) -> None:
        self.key = key

    def start(self, runner: Calls) -> None:
        """Take the key."""
        runner.register_callback(self.key)
        self._runner = runner

    def is_ready(self) -> bool:
        """There is nothing to wait for."""
        return True

    def get_result(self) -> Callable[..., None]:
        """Return the callback."""
        return self._runner.result_callback(self.key)


class Wait(YieldPoint):
    """Yielded to wait until the callback of a key is called; gives the callback's argument.

    :arg key: the key of a `Callback`.
    """

    def __init__(self, key: Hashable) -> None:
        self.key = key

    def start(self, runner: Calls) -> None:
        """Remember where the key is known."""
        self._runner = runner

    def is_ready(self) -> bool:
        """Tell whether the callback was called."""
        return self._runner.is_ready(self.key)

    def get_result(self) -> Any:
        """Return what it got."""
        return self._runner.pop_result(self.key)


class WaitAll(YieldPoint):
    """Yielded to wait for several callbacks; gives a list of their arguments.

    :arg keys: the keys, in the order of the results.
    """

    def __init__(self, keys: Iterable[Hashable]) -> None:
        self.keys = list(keys)

    def start(self, runner: Calls) -> None:
        """Remember where the keys are known."""
        self._runner = runner

    def is_ready(self) -> bool:
        """Tell whether all callbacks were called."""
        # All are asked, so that a key which isn't known is found at once.
        ready = [self._runner.is_ready(key) for key in self.keys]
        return all(ready)

    def get_result(self) -> list[Any]:
        """Return what each got."""
        return [self._runner.pop_result(key) for key in self.keys]


def Task(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:  # documented name
    """Call a function that takes a callback; yielded, it gives what the callback got.

    Exceptions in the function, and in callbacks that it starts, are raised where it is yielded.

    :arg func: called with the arguments and a further one, ``callback``.
    """
    # Programs that don't use this need no stack contexts.
    from tornado.stack_context import ExceptionStackContext

    future = new_future()
    unsettled = Unsettled(future)

    def succeed(*args: Any, **kwargs: Any) -> None:
        unsettled.succeed(_argument(args, kwargs))

    def fail(kind: type[BaseException], error: BaseException, trace: Any) -> bool:
        if isinstance(error, StopIteration):
            # Futures take none: it would end the generator.
            ended = RuntimeError(f"{func!r:.80} has let out {error!r}")
            ended.__cause__ = error
            error = ended
        return unsettled.fail(error)

    with ExceptionStackContext(fail):
        func(*args, callback=succeed, **kwargs)
    try:
        return future
    finally:
        # An error knows this frame.
        del future


def _settle(point: YieldPoint, future: Future[Any]) -> bool:
    """Give a point's result to its future, if it's there; returns whether that is over."""
    try:
        if future.done():
            return True
        if not point.is_ready():
            return False
        future.set_result(point.get_result())
    except Exception as error:
        future.set_exception(error)
    finally:
        del future
    return True


class Several:
    """Yielded to wait for several things, callbacks by key among them.

    :arg children: a list or dictionary of what may be yielded.
    :arg gather: makes one future of them, once the yield points are started.
    """

    def __init__(self, children: Any, gather: Callable[[Any], Future[Any]]) -> None:
        self._children = children
        self._gather = gather

    def start(self, calls: Calls) -> Future[Any]:
        """Start the yield points among them, and make one future of all."""
        return self._gather(start_points(self._children, calls))


def has_points(yielded: Any) -> bool:
    """Whether something is a yield point or a list or dictionary with one in it."""
    if isinstance(yielded, dict):
        yielded = list(yielded.values())
    if isinstance(yielded, (list, tuple)):
        return any(has_points(item) for item in yielded)
    return isinstance(yielded, YieldPoint | Several)


def start_points(yielded: Any, calls: Calls) -> Any:
    """Put futures in the place of yield points, also inside of a list or dictionary."""
    if isinstance(yielded, YieldPoint):
        return calls.wait_for(yielded)
    if isinstance(yielded, Several):
        return yielded.start(calls)
    if isinstance(yielded, (list, tuple)):
        return [start_points(item, calls) for item in yielded]
    if isinstance(yielded, dict):
        return {name: start_points(item, calls) for name, item in yielded.items()}
    return yielded


def _argument(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if kwargs or len(args) > 1:
        return Arguments(args, kwargs)
    return args[0] if args else None
