"""``python -m tornado.httpclient URL ...``: fetch and print."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any

from tornado._httpclient.client import AsyncHTTPClient

if TYPE_CHECKING:
    from tornado._httpclient.stream import StreamedResponse
    from tornado.options import OptionParser

FAILED = 1  # a fetch failed
USAGE = 2  # the command line makes no sense
INTERRUPTED = 130  # as shells have it for SIGINT


def main(args: list[str] | None = None) -> int:
    """Fetch the addresses of the command line, all at once, and print what comes in their order.

    Bodies are written as they are. Of a fetch that fails one line is printed to the standard
    error stream; that includes responses with an error code, which are printed too.

    :arg args: the command line, program name first; `sys.argv` by default.
    :returns: the exit status: 0, or 1 if any fetch failed, or 2 if there is nothing to fetch.
    :raises SystemExit: an option is unknown, or its value isn't what it should be; or the
        options are asked for with ``--help``.
    """
    options = _options()
    urls = options.parse_command_line(args)
    if not urls:
        _complain("there is no address to fetch; --help tells more")
        return USAGE
    if sys.stdout is None:
        _complain("there is no standard output to print to")
        return FAILED
    try:
        return asyncio.run(_Fetching(urls, options).run())
    except _OutputError as error:
        # The interpreter shall not try to write the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # Whoever leaves has read enough.
        if not isinstance(error.reason, BrokenPipeError):
            _complain(f"standard output: {error.reason}")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


class _OutputError(Exception):
    """The output can't be written any more.

    :arg reason: the system's.
    """

    def __init__(self, reason: OSError) -> None:
        super().__init__(reason)
        self.reason = reason


def _complain(problem: str) -> None:
    """Print one line to the standard error stream, if there is one."""
    if sys.stderr is not None:
        line = " ".join(problem.split())
        # What servers say is not for terminals to obey.
        shown = [char if char.isprintable() else ascii(char)[1:-1] for char in line]
        print("".join(shown), file=sys.stderr)


def _options() -> OptionParser:
    # Only the command needs it.
    from tornado.options import OptionParser

    options = OptionParser()
    options.define("print_headers", False, bool, "print the header fields before the body")
    options.define("print_body", True, bool, "print the body")
    options.define("follow_redirects", True, bool, "go where a response points to")
    options.define("validate_cert", True, bool, "check the server's certificate")
    options.define("proxy_host", None, str, "an HTTP proxy")
    options.define("proxy_port", None, int, "its port")
    options.define("request_timeout", 20.0, float, "seconds for each address, 0 for no limit")
    return options


class _Fetching:
    """One run of the program.

    :arg urls: what to fetch.
    :arg options: the command line's.
    """

    def __init__(self, urls: list[str], options: OptionParser) -> None:
        self._urls = urls
        self._options = options
        self._out = sys.stdout.buffer
        self._status = 0

    async def run(self) -> int:
        # Nothing is kept in memory, so there is no reason for a limit.
        client = AsyncHTTPClient(force_instance=True, max_body_size=sys.maxsize)
        try:
            async with asyncio.TaskGroup() as tasks:
                before: asyncio.Task[None] | None = None
                for url in self._urls:
                    before = tasks.create_task(self._show(client, url, before))
        except BaseExceptionGroup as group:
            # Not `except*`: what is raised from there is in a group again, in Python 3.11.2.
            failed = group.subgroup(_OutputError)
            if failed is None:
                raise
            raise failed.exceptions[0] from None
        finally:
            client.close()
        return self._status

    async def _show(
        self, client: AsyncHTTPClient, url: str, before: asyncio.Task[None] | None
    ) -> None:
        """Fetch ``url`` and print it after what is ``before`` it."""
        problem: str | None = None
        try:
            async with client.stream(url, raise_error=False, **self._arguments()) as response:
                if before is not None:
                    await before
                await self._print(response)
            if not 200 <= response.code < 300:
                problem = f"HTTP {response.code}: {response.reason}"
        except _OutputError:
            raise
        except Exception as error:
            problem = str(error).strip() or type(error).__name__
        if before is not None:
            await before
        if problem is not None:
            self._status = FAILED
            _complain(f"{url}: {problem}")

    async def _print(self, response: StreamedResponse) -> None:
        if self._options.print_headers:
            lines = [f"{name}: {value}\n" for name, value in response.headers.get_all()]
            self._write("".join([*lines, "\n"]).encode("latin-1", "replace"))
        async for chunk in response:
            if self._options.print_body:
                self._write(chunk)

    def _write(self, data: bytes) -> None:
        try:
            self._out.write(data)
            # Whoever reads it may be waiting for what a slow server has said so far.
            self._out.flush()
        except OSError as error:
            raise _OutputError(error) from error

    def _arguments(self) -> dict[str, Any]:
        names = ("follow_redirects", "validate_cert", "proxy_host", "proxy_port", "request_timeout")
        return {name: getattr(self._options, name) for name in names}
