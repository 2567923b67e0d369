"""Coroutines made of generators, and tools for all coroutines.

.. code-block:: python

   @gen.coroutine
   def fetch_both(client):
       first, second = yield [client.fetch(URL1), client.fetch(URL2)]
       return first.body + second.body

`engine`, `Task`, `Callback`, `Wait` and `WaitAll` are for functions that take callbacks.
"""

from tornado._gen.convert import convert_yielded, moment, multi_future
from tornado._gen.coroutine import Return, coroutine, is_coroutine_function
from tornado._gen.engine import engine
from tornado._gen.errors import (
    BadYieldError,
    KeyReuseError,
    LeakedCallbackError,
    ReturnValueIgnoredError,
    UnknownKeyError,
)
from tornado._gen.iterator import WaitIterator
from tornado._gen.points import Arguments, Callback, Task, Wait, WaitAll, YieldPoint
from tornado._gen.runner import Runner
from tornado._gen.timing import maybe_future, sleep, with_timeout
from tornado.concurrent import Future as Future
from tornado.concurrent import is_future as is_future

multi = Multi = multi_future
TimeoutError = TimeoutError  # a documented name of this module

__all__ = [
    "Arguments",
    "BadYieldError",
    "Callback",
    "KeyReuseError",
    "LeakedCallbackError",
    "Multi",
    "Return",
    "ReturnValueIgnoredError",
    "Runner",
    "Task",
    "TimeoutError",
    "UnknownKeyError",
    "Wait",
    "WaitAll",
    "WaitIterator",
    "YieldPoint",
    "convert_yielded",
    "coroutine",
    "engine",
    "is_coroutine_function",
    "maybe_future",
    "moment",
    "multi",
    "multi_future",
    "sleep",
    "with_timeout",
]
