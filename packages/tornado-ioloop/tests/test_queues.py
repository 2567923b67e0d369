"""Queues."""

import asyncio
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado import gen, queues

SOON = datetime.timedelta(seconds=0.01)
KINDS = [queues.Queue, queues.PriorityQueue, queues.LifoQueue]


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 10))


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        (queues.Queue, [3, 1, 2]),
        (queues.PriorityQueue, [1, 2, 3]),
        (queues.LifoQueue, [2, 1, 3]),
    ],
)
def test_orders(kind, order):
    async def main():
        queue = kind()
        assert queue.empty()
        for item in (3, 1, 2):
            queue.put_nowait(item)
        assert (queue.qsize(), queue.full(), queue.maxsize) == (3, False, 0)
        assert [await queue.get() for _ in range(3)] == order
        with pytest.raises(queues.QueueEmpty):
            queue.get_nowait()

    run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_putting_waits_for_room(kind):
    async def main():
        queue = kind(maxsize=1)
        await queue.put(1)
        assert queue.full()
        with pytest.raises(queues.QueueFull):
            queue.put_nowait(2)
        with pytest.raises(gen.TimeoutError):
            await queue.put(9, SOON)
        waiting = [queue.put(2), queue.put(3)]
        assert "2 waiting to put" in repr(queue)
        got = [await queue.get() for _ in range(3)]
        assert sorted(got) == [1, 2, 3]
        await asyncio.gather(*waiting)
        assert queue.empty()

    run(main())


def test_getting_waits_for_items_in_line():
    async def main():
        queue = queues.Queue()
        with pytest.raises(gen.TimeoutError):
            await queue.get(SOON)
        given_up = asyncio.ensure_future(queue.get())
        first, second = queue.get(), queue.get()
        assert "waiting to get" in str(queue)
        given_up.cancel()
        queue.put_nowait(1)
        await queue.put(2)
        assert [await first, await second] == [1, 2]

    run(main())


def test_join_waits_until_all_is_dealt_with():
    async def main():
        queue = queues.Queue()
        await queue.join()
        dealt_with = []

        async def work():
            async for item in queue:
                await asyncio.sleep(0)
                dealt_with.append(item)
                queue.task_done()

        workers = [asyncio.ensure_future(work()) for _ in range(2)]
        for item in range(10):
            await queue.put(item)
        with pytest.raises(gen.TimeoutError):
            await queue.join(datetime.timedelta(0))
        await queue.join()
        assert sorted(dealt_with) == list(range(10))
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        with pytest.raises(ValueError, match="more often"):
            queue.task_done()

    run(main())


@pytest.mark.parametrize(("maxsize", "error"), [(None, TypeError), (-1, ValueError)])
def test_sizes_that_cannot_be(maxsize, error):
    with pytest.raises(error, match="maxsize"):
        queues.Queue(maxsize=maxsize)


def test_subclasses_choose_their_order():
    class Middle(queues.Queue):
        def _init(self):
            self._queue = []

        def _put(self, item):
            self._queue.insert(len(self._queue) // 2, item)

        def _get(self):
            return self._queue.pop(len(self._queue) // 2)

    async def main():
        queue = Middle()
        for item in range(4):
            await queue.put(item)
        return [queue.get_nowait() for _ in range(4)]

    assert sorted(run(main())) == [0, 1, 2, 3]


@given(st.integers(0, 3), st.lists(st.booleans(), max_size=40))
def test_nothing_is_lost_and_nothing_comes_twice(maxsize, steps):
    async def main():
        queue = queues.Queue(maxsize)
        puts, gets = [], []
        for number, is_put in enumerate(steps):
            if is_put:
                puts.append((number, queue.put(number)))
            else:
                gets.append(asyncio.ensure_future(queue.get()))
            assert not maxsize or queue.qsize() <= maxsize
        await asyncio.sleep(0)
        got = [future.result() for future in gets if future.done()]
        assert got == [number for number, _ in puts][: len(gets)]
        for future in gets:
            future.cancel()

    run(main())
