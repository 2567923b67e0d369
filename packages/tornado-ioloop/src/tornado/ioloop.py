"""The event loop.

`IOLoop` is a face of an asyncio loop: a program that calls ``asyncio.run`` has one too,
`IOLoop.current`.

.. code-block:: python

   from tornado.ioloop import IOLoop

   loop = IOLoop()
   loop.call_later(0.1, loop.stop)
   loop.start()
   loop.close()
"""

from tornado._ioloop.loop import IOLoop
from tornado._ioloop.periodic import PeriodicCallback

TimeoutError = TimeoutError  # a documented name of this module

__all__ = ["IOLoop", "PeriodicCallback", "TimeoutError"]
