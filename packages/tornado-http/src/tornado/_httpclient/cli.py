"""``python -m tornado.httpclient URL ...``: fetch and print."""

from __future__ import annotations

import sys

from tornado._httpclient.client import HTTPClient
from tornado._httpclient.response import HTTPClientError
from tornado.options import OptionParser


def main(args: list[str] | None = None) -> int:
    """Fetch the addresses of the command line one after another and print what comes.

    :arg args: the command line, program name first; `sys.argv` by default.
    :returns: the exit status: 1 if any fetch failed, 0 otherwise.
    """
    options = OptionParser()
    options.define("print_headers", type=bool, default=False)
    options.define("print_body", type=bool, default=True)
    options.define("follow_redirects", type=bool, default=True)
    options.define("validate_cert", type=bool, default=True)
    options.define("proxy_host", type=str)
    options.define("proxy_port", type=int)
    urls = options.parse_command_line(args)
    status = 0
    with HTTPClient() as client:
        for url in urls:
            try:
                response = client.fetch(
                    url,
                    follow_redirects=options.follow_redirects,
                    validate_cert=options.validate_cert,
                    proxy_host=options.proxy_host,
                    proxy_port=options.proxy_port,
                )
            except HTTPClientError as error:
                if error.response is None:
                    status = 1
                    continue
                response = error.response
                status = 1
            except (OSError, ValueError):
                status = 1
                continue
            if options.print_headers:
                pass
            if options.print_body:
                sys.stdout.flush()
                sys.stdout.buffer.write(response.body)
                sys.stdout.buffer.flush()
    return status
