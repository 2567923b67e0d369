"""What event loop, coroutines, locks and queues cost, on tornado: for this project and for
upstream. Arguments: the task, and seconds."""

import asyncio
import sys

from repeat import repeat_async

from tornado import gen, locks, queues
from tornado.ioloop import IOLoop

MANY = 1000


def resolved():
    """Return a future with a result."""
    future = asyncio.get_running_loop().create_future()
    future.set_result(1)
    return future


async def add_callback():
    """Have callbacks called."""
    loop, done, left = IOLoop.current(), asyncio.Event(), MANY

    def called():
        nonlocal left
        left -= 1
        if not left:
            done.set()

    for _ in range(MANY):
        loop.add_callback(called)
    await done.wait()


async def timeouts():
    """Set timeouts and take them back."""
    loop = IOLoop.current()
    for _ in range(MANY):
        loop.remove_timeout(loop.call_later(60, print))


@gen.coroutine
def decorated():
    """Wait for what is there."""
    return (yield resolved())


async def native():
    """Wait for what is there."""
    return await resolved()


async def coroutine():
    """Call decorated coroutines."""
    for _ in range(MANY):
        await decorated()


async def awaits():
    """Await native coroutines."""
    for _ in range(MANY):
        await native()


@gen.coroutine
def yields():
    """Yield futures that are resolved."""
    for _ in range(MANY):
        yield resolved()


@gen.coroutine
def multi():
    """Yield lists of futures."""
    for _ in range(MANY // 10):
        yield [decorated() for _ in range(10)]


async def moments():
    """Let the loop go round."""
    for _ in range(MANY):
        await gen.sleep(0)


async def queue_alone():
    """Put into a queue and get from it."""
    queue = queues.Queue()
    for number in range(MANY):
        await queue.put(number)
        await queue.get()


async def queue_handover():
    """Put into a queue that another coroutine gets from."""
    queue = queues.Queue(maxsize=1)

    async def take():
        for _ in range(MANY):
            await queue.get()

    taker = asyncio.ensure_future(take())
    for number in range(MANY):
        await queue.put(number)
    await taker


async def lock_alone():
    """Acquire a lock that is free."""
    lock = locks.Lock()
    for _ in range(MANY):
        async with lock:
            pass


async def lock_contended():
    """Acquire a lock that others want too."""
    lock = locks.Lock()

    async def work():
        for _ in range(MANY // 10):
            async with lock:
                await asyncio.sleep(0)

    await asyncio.gather(*(work() for _ in range(10)))


async def main():
    """Measure."""
    task, seconds = sys.argv[1:]
    await repeat_async(globals()[task], float(seconds), MANY)


asyncio.run(main())
