"""Tests over TLS."""

import ssl

import pytest

from tornado.httpclient import AsyncHTTPClient
from tornado.httputil import HTTPHeaders, ResponseStartLine
from tornado.testing import AsyncHTTPSTestCase, gen_test


def answer(request):
    body = request.protocol.encode()
    headers = HTTPHeaders({"Content-Length": str(len(body))})
    request.connection.write_headers(ResponseStartLine("", 200, "OK"), headers, body)
    request.connection.finish()


class TestHTTPS(AsyncHTTPSTestCase):
    def get_app(self):
        return answer

    def test_fetch(self):
        assert self.get_url("/").startswith("https://")
        assert self.fetch("/").body == b"https"

    @gen_test
    async def test_the_certificate_is_one_for_this_machine(self):
        own = self.default_ssl_options()["certfile"]
        client = AsyncHTTPClient(force_instance=True)
        for host in ("127.0.0.1", "localhost"):
            url = f"https://{host}:{self.get_http_port()}/"
            assert (await client.fetch(url, ca_certs=own)).body == b"https"
            with pytest.raises(ssl.SSLError):
                await client.fetch(url)
        client.close()

    @gen_test
    async def test_the_certificate_stands_a_strict_look(self):
        """RFC 5280, as `ssl.create_default_context` has it from Python 3.13 on."""
        context = ssl.create_default_context(cafile=self.default_ssl_options()["certfile"])
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        answer = await self.http_client.fetch(self.get_url("/"), ssl_options=context)
        assert answer.body == b"https"


def test_the_certificate_is_good_for_a_long_time():
    context = ssl.create_default_context(
        cafile=AsyncHTTPSTestCase.default_ssl_options()["certfile"]
    )
    (certificate,) = context.get_ca_certs()
    assert certificate["notAfter"].endswith("2120 GMT")
    assert certificate["subject"] == ((("commonName", "localhost (only for tests)"),),)
    assert certificate["subject"] == certificate["issuer"]
