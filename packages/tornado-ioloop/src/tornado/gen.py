"""Coroutines made of generators, and tools for all coroutines.

.. code-block:: python

   @gen.coroutine
   def fetch_both(client):
       first, second = yield [client.fetch(URL1), client.fetch(URL2)]
       return first.body + second.body
"""

from tornado._gen.convert import BadYieldError, convert_yielded, multi_future
from tornado._gen.coroutine import Return, coroutine, is_coroutine_function
from tornado._gen.timing import maybe_future, sleep, with_timeout

#: Yielded to let the loop run once.
moment = None
multi = multi_future
TimeoutError = TimeoutError  # a documented name of this module

__all__ = [
    "BadYieldError",
    "Return",
    "TimeoutError",
    "convert_yielded",
    "coroutine",
    "is_coroutine_function",
    "maybe_future",
    "moment",
    "multi",
    "multi_future",
    "sleep",
    "with_timeout",
]
