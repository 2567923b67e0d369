"""Fetch with aiohttp's client. Arguments: the URL, how many at once, and seconds."""

import asyncio
import sys
import time

import aiohttp
from repeat import report


async def main():
    """Fetch."""
    url, parallel, seconds = sys.argv[1:]
    async with aiohttp.ClientSession() as session:
        start, cpu = time.monotonic(), time.process_time()
        end = start + float(seconds)
        calls = 0

        async def work():
            nonlocal calls
            while time.monotonic() < end:
                async with session.get(url) as response:
                    if await response.read() != b"Hello, world":
                        sys.exit("fetched something else")
                calls += 1

        await asyncio.gather(*(work() for _ in range(int(parallel))))
        report(calls, time.process_time() - cpu, time.monotonic() - start)


asyncio.run(main())
