"""Doing something over and over, and what it costs."""

import json
import time


def report(calls, cpu, seconds):
    """Print the figures."""
    print(json.dumps({"calls": calls, "cpu": cpu, "seconds": seconds}))


def repeat(call, seconds, calls=1):
    """Call something until it has taken long enough, and print the figures.

    :arg call: what is measured.
    :arg seconds: of CPU time.
    :arg calls: how many one call counts for.
    """
    call()  # what is made with first use isn't measured
    count, start, spent = 0, time.process_time(), 0.0
    while spent < seconds:
        call()
        count += calls
        spent = time.process_time() - start
    report(count, spent, spent)


async def repeat_async(function, seconds, calls):
    """Await something until it has taken long enough, and print the figures.

    :arg function: makes what is awaited.
    :arg seconds: of CPU time.
    :arg calls: how many one of them counts for.
    """
    await function()
    count, start, spent = 0, time.process_time(), 0.0
    while spent < seconds:
        await function()
        count += calls
        spent = time.process_time() - start
    report(count, spent, spent)
