"""What both clients do alike, whatever library is below them."""

import pytest

from tornado.httpclient import HTTPClientError


@pytest.fixture(params=["simple", "curl"])
def served(request):
    """A scripted server whose client is each of the two in turn."""
    return request.getfixturevalue("scripted" if request.param == "simple" else "curled")


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("body", [b"", b"body"])
async def test_a_body_until_the_end_needs_close_notify(
    served, server_tls, authority_file, version, body
):
    """RFC 9112 section 9.8: without it, anybody could have cut the body."""

    async def serve(peer):
        request = await peer.request()
        await peer.send(f"HTTP/{version} 200 OK\r\nConnection: close\r\n\r\n".encode() + body)
        if request.target == "/cut":
            peer.writer.transport.abort()

    async with served(serve, tls=server_tls) as server:
        assert (await server.fetch("/whole", ca_certs=authority_file)).body == body
        with pytest.raises(HTTPClientError) as caught:
            await server.fetch("/cut", ca_certs=authority_file)
        assert caught.value.code == 599


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    ],
)
async def test_a_body_that_tells_its_end_needs_no_close_notify(
    served, server_tls, authority_file, response
):
    async def serve(peer):
        await peer.request()
        await peer.send(response)
        peer.writer.transport.abort()

    async with served(serve, tls=server_tls) as server:
        assert (await server.fetch(ca_certs=authority_file)).body == b"body"
