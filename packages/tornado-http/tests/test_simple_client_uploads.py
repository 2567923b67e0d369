"""Bodies that the simple client sends, and servers that don't wait for them."""

import asyncio

import pytest


def early_answer(reply):
    """A script that answers the first request of each connection without reading its body."""

    async def script(peer):
        request = await peer.head()
        if request is None:
            return
        if request.method == "GET":
            await peer.send(reply(b"got"))
            await peer.closed()
            return
        await peer.send(reply(b"enough", code=413))
        await peer.closed()

    return script


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "100"}], ids=["chunked", "length"])
async def test_a_connection_is_not_reused_when_its_request_was_not_written_whole(
    scripted, reply, headers
):
    """RFC 9112 section 9.5: the next request would be taken for a part of the body."""
    cancelled = asyncio.Event()

    async def produce(write):
        await write(b"a part")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with scripted(early_answer(reply)) as server:
        response = await server.fetch(
            method="POST", body_producer=produce, headers=headers, raise_error=False
        )
        assert (response.code, response.body) == (413, b"enough")
        await cancelled.wait()
        assert len(server.client.pool) == 0
        assert (await server.fetch()).body == b"got"
        assert server.connections == 2


async def test_a_connection_is_not_reused_while_a_body_is_still_on_its_way(scripted, reply):
    """The body was handed over, but the system has not taken all of it."""
    async with scripted(early_answer(reply)) as server:
        response = await server.fetch(method="POST", body=b"b" * 20_000_000, raise_error=False)
        assert response.code == 413
        assert len(server.client.pool) == 0
        assert (await server.fetch()).body == b"got"
        assert server.connections == 2


async def test_a_connection_is_not_reused_when_the_body_was_never_asked_for(scripted, reply):
    async with scripted(early_answer(reply)) as server:
        response = await server.fetch(
            method="POST", body=b"body", expect_100_continue=True, raise_error=False
        )
        assert response.code == 413
        assert len(server.client.pool) == 0
