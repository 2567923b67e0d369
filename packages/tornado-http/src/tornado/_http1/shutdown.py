"""How a process that serves comes to its end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable

from tornado._http1.server import HTTPServer


async def serve_until_signal(
    *servers: HTTPServer,
    timeout: float | None = 30.0,
    signals: Iterable[signal.Signals] = (signal.SIGTERM, signal.SIGINT),
) -> list[str]:
    """Wait for a signal, then let the servers answer what is under way (`HTTPServer.drain`).

    A second signal cuts off at once what is still under way. It has to be called in the main
    thread, where Python lets signals be handled.

    .. code-block:: python

       async def main():
           server = application.listen(8888)
           await serve_until_signal(server)

    :arg servers: servers that listen.
    :arg timeout: seconds that requests have to come to their end; `None` for as long as they take.
    :arg signals: the signals to wait for.
    :returns: the requests that were cut off, one line for each.

    .. versionadded:: 6.100
    """
    loop = asyncio.get_running_loop()
    signalled = asyncio.Event()

    def on_signal() -> None:
        if signalled.is_set():
            for server in servers:
                server.stop_draining()
        signalled.set()

    handled = tuple(signals)
    for number in handled:
        loop.add_signal_handler(number, on_signal)
    try:
        await signalled.wait()
        cut = await asyncio.gather(*[server.drain(timeout) for server in servers])
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
    return [line for lines in cut for line in lines]
