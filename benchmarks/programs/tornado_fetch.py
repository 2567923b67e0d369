"""Fetch with tornado's clients. Arguments: the URL, the client, how many at once, and seconds."""

import asyncio
import sys
import time

from repeat import report

from tornado.httpclient import AsyncHTTPClient

CLIENTS = {
    "simple": "tornado.simple_httpclient.SimpleAsyncHTTPClient",
    "curl": "tornado.curl_httpclient.CurlAsyncHTTPClient",
}


async def main():
    """Fetch."""
    url, client, parallel, seconds = sys.argv[1:]
    AsyncHTTPClient.configure(CLIENTS[client], max_clients=int(parallel))
    client = AsyncHTTPClient()
    await client.fetch(url)
    start, cpu = time.monotonic(), time.process_time()
    end = start + float(seconds)
    calls = 0

    async def work():
        nonlocal calls
        while time.monotonic() < end:
            response = await client.fetch(url)
            if response.body != b"Hello, world":
                sys.exit(f"fetched {response.body!r}")
            calls += 1

    await asyncio.gather(*(work() for _ in range(int(parallel))))
    report(calls, time.process_time() - cpu, time.monotonic() - start)


asyncio.run(main())
