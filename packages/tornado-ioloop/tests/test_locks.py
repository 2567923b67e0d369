"""Locks, semaphores, events and conditions."""

import asyncio
import datetime
import gc

import pytest

from tornado import gen, locks
from tornado.ioloop import IOLoop

SOON = datetime.timedelta(seconds=0.01)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 10))


def test_conditions_wake_in_order_and_as_many_as_asked_for():
    async def main():
        condition = locks.Condition()
        woken = []

        async def wait(name):
            assert await condition.wait()
            woken.append(name)

        tasks = [asyncio.ensure_future(wait(name)) for name in "abcde"]
        await asyncio.sleep(0)
        assert "5 waiting" in repr(condition)
        condition.notify()
        condition.notify(2)
        await asyncio.gather(*tasks[:3])
        assert woken == list("abc")
        condition.notify_all()
        condition.notify_all()
        await asyncio.gather(*tasks)
        assert woken == list("abcde")
        assert "0 waiting" in repr(condition)

    run(main())


def test_a_condition_that_times_out_is_not_notified():
    async def main():
        condition = locks.Condition()
        late = condition.wait(SOON)
        patient = condition.wait(IOLoop.current().time() + 10)
        assert await late is False
        condition.notify()
        assert await patient is True

    run(main())


@pytest.mark.parametrize(
    "wait",
    [
        lambda: locks.Condition().wait,
        lambda: locks.Event().wait,
        lambda: locks.Semaphore(0).acquire,
    ],
)
def test_waiting_again_and_again_takes_no_memory(wait):
    async def main():
        waiting = wait()
        owner = waiting.__self__
        for _ in range(100):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(waiting(), 0)
            future = waiting(datetime.timedelta(0))
            while not future.done():
                await asyncio.sleep(0)
            assert future.exception() is None or isinstance(future.exception(), gen.TimeoutError)
        assert owner._waiters.waiting() == 0
        assert len(owner._waiters) < 50

    run(main())


def test_events():
    async def main():
        event = locks.Event()
        waiting = [event.wait() for _ in range(3)]
        assert not event.is_set()
        assert "clear" in repr(event)
        event.set()
        event.set()
        await asyncio.gather(*waiting)
        assert event.is_set()
        assert "set" in repr(event)
        await event.wait()
        event.clear()
        with pytest.raises(gen.TimeoutError):
            await event.wait(SOON)
        # Cleared at once after it was set: who waited goes on all the same.
        later = event.wait()
        event.set()
        event.clear()
        await later

    run(main())


def test_semaphores_are_first_come_first_served():
    async def main():
        semaphore = locks.Semaphore(2)
        order = []

        async def work(name):
            async with semaphore:
                order.append(name)
                await asyncio.sleep(0)

        await asyncio.gather(*[work(n) for n in range(10)])
        assert order == list(range(10))
        assert "value 2" in repr(semaphore)
        await semaphore.acquire()
        with await semaphore.acquire():
            assert "locked" in repr(semaphore)
            with pytest.raises(gen.TimeoutError):
                await semaphore.acquire(SOON)
        semaphore.release()
        semaphore.release()
        assert "value 3" in repr(semaphore)

    run(main())


def test_generator_coroutines_use_with():
    async def main():
        lock = locks.Lock()
        inside = []

        @gen.coroutine
        def work(n):
            with (yield lock.acquire()):
                inside.append(n)
                yield gen.sleep(0)
                inside.append(n)

        yield_all = [work(n) for n in range(3)]
        await asyncio.gather(*yield_all)
        assert inside == [0, 0, 1, 1, 2, 2]

    run(main())


def test_too_many_releases():
    async def main():
        semaphore = locks.BoundedSemaphore(1)
        await semaphore.acquire()
        semaphore.release()
        with pytest.raises(ValueError, match="more often"):
            semaphore.release()
        # One that has none to give gets none back, whoever waits.
        empty = locks.BoundedSemaphore(0)
        waiting = empty.acquire()
        with pytest.raises(ValueError, match="more often"):
            empty.release()
        assert not waiting.done()
        lock = locks.Lock()
        with pytest.raises(RuntimeError, match="isn't locked"):
            lock.release()
        with pytest.raises(ValueError, match="-1"):
            locks.Semaphore(-1)

    run(main())


@pytest.mark.parametrize("kind", [locks.Lock, locks.Semaphore, locks.BoundedSemaphore])
def test_plain_with_says_what_to_do(kind):
    async def main():
        with pytest.raises(RuntimeError, match="async with"), kind():
            pass

    run(main())


def test_cancelled_in_line_and_at_the_last_moment():
    async def main():
        lock = locks.Lock()
        await lock.acquire()

        async def work():
            async with lock:
                await asyncio.sleep(10)

        in_line = asyncio.ensure_future(work())
        next_one = asyncio.ensure_future(work())
        await asyncio.sleep(0)
        in_line.cancel()
        await asyncio.sleep(0)
        # The lock is handed over, and who gets it is cancelled before it runs.
        lock.release()
        next_one.cancel()
        await asyncio.gather(in_line, next_one, return_exceptions=True)
        await asyncio.wait_for(lock.acquire(), 1)

    run(main())


def test_errors_inside_release():
    async def main():
        lock = locks.Lock()
        with pytest.raises(ZeroDivisionError):
            async with lock:
                raise ZeroDivisionError
        assert await lock.acquire()

    run(main())


def test_timers_go_with_what_they_were_for():
    async def main():
        event = locks.Event()
        waiting = event.wait(datetime.timedelta(hours=1))
        event.set()
        await waiting
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        assert all(handle.cancelled() for handle in loop._scheduled)
        gc.collect()

    asyncio.run(main())
