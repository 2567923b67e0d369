"""A test case whose server speaks TLS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tornado._testing.http_cases import AsyncHTTPTestCase
from tornado.httpclient import AsyncHTTPClient

# A certificate that signs itself, for localhost, 127.0.0.1 and ::1, until 2120, and its key. Both
# are public, so nobody should trust it for anything but tests. The tests of this distribution have
# the script that made it.
LOCALHOST = Path(__file__).parent / "localhost.pem"


class AsyncHTTPSTestCase(AsyncHTTPTestCase):
    """An `AsyncHTTPTestCase` whose server speaks TLS.

    The certificate is one for tests. The client takes any; a client that trusts this one has it as
    ``ca_certs``: ``self.default_ssl_options()["certfile"]``.
    """

    def get_http_client(self) -> AsyncHTTPClient:
        """Return a client of the test's own that takes any certificate."""
        client: AsyncHTTPClient = AsyncHTTPClient(
            force_instance=True, defaults={"validate_cert": False}
        )
        return client

    def get_httpserver_options(self) -> dict[str, Any]:
        """Return arguments for the server, the TLS options among them."""
        return {"ssl_options": self.get_ssl_options()}

    def get_ssl_options(self) -> dict[str, Any]:
        """Return the server's TLS options; subclasses may have a certificate of their own."""
        return self.default_ssl_options()

    @staticmethod
    def default_ssl_options() -> dict[str, Any]:
        """Return the options with the certificate for tests."""
        return {"certfile": str(LOCALHOST), "keyfile": str(LOCALHOST)}

    def get_protocol(self) -> str:
        """Return ``https``."""
        return "https"
