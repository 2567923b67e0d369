"""Whose pages may open websockets (W1, P36)."""

import asyncio
import base64

import pytest

from tornado.web import Application
from tornado.websocket import WebSocketHandler

OWN = "http://server.test:8888"
OTHER = "http://other.test"


class Default(WebSocketHandler):
    pass


class Generous(WebSocketHandler):
    def check_origin(self, origin):
        return self.asked(origin, True)

    def asked(self, origin, answer):
        self.application.asked.append(origin)
        return answer


class Strict(Generous):
    def check_origin(self, origin):
        return self.asked(origin, False)


def handshake(handler, fields, **settings):
    """Return the answer's status, and what ``check_origin`` was asked."""

    async def main():
        application = Application([("/", handler)], **settings)
        application.asked = []
        server = application.listen(0, "127.0.0.1")
        port = next(iter(server._sockets.values())).getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        key = base64.b64encode(b"0123456789abcdef").decode()
        fields_of_all = {
            "Host": "server.test:8888",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": "13",
        }
        lines = [f"{name}: {value}" for name, value in {**fields_of_all, **fields}.items()]
        writer.write("\r\n".join(["GET / HTTP/1.1", *lines, "", ""]).encode())
        try:
            status = int((await reader.readuntil(b"\r\n\r\n")).split()[1])
        finally:
            writer.close()
            server.stop()
            await server.close_all_connections()
        return status, application.asked

    return asyncio.run(asyncio.wait_for(main(), 10))


# Whether ``check_origin`` is asked; `None` if the answer is no without that.
CASES = [
    ({}, False),
    ({"Origin": OWN}, False),
    ({"Origin": OWN.replace("http", "https")}, False),
    ({"Origin": OWN.upper()}, False),
    ({"Origin": "http://server.test"}, True),
    ({"Origin": "http://server.test:8888.other.test"}, True),
    ({"Origin": "http://server.test:8888@other.test"}, True),
    ({"Origin": "http://user@server.test:8888"}, True),
    ({"Origin": OTHER}, True),
    ({"Origin": "null"}, True),
    ({"Origin": ""}, True),
    ({"Origin": "http://["}, True),
    ({"Origin": OTHER, "Sec-Fetch-Site": "same-origin"}, False),
    ({"Origin": OTHER, "Sec-Fetch-Site": "none"}, False),
    ({"Origin": OTHER, "Sec-Fetch-Site": "same-site"}, True),
    ({"Origin": OWN, "Sec-Fetch-Site": "same-site"}, True),
    ({"Origin": OWN, "Sec-Fetch-Site": "cross-site"}, True),
    ({"Sec-Fetch-Site": "same-origin"}, False),
    ({"Sec-Fetch-Site": "cross-site"}, None),
    ({"Sec-WebSocket-Origin": OTHER}, True),
]


@pytest.mark.parametrize(("fields", "is_asked"), CASES)
def test_w1_who_is_asked_about(fields, is_asked):
    allowed = 403 if is_asked is None else 101
    refused = 101 if is_asked is False else 403
    origins = [fields.get("Origin", fields.get("Sec-WebSocket-Origin"))] if is_asked else []
    assert handshake(Generous, fields) == (allowed, origins)
    assert handshake(Strict, fields) == (refused, origins)
    assert handshake(Default, fields) == (refused, [])


@pytest.mark.parametrize("site", [{}, {"Sec-Fetch-Site": "cross-site"}])
def test_w1_origins_that_are_trusted(site):
    trusted = [OTHER]
    assert handshake(Default, {"Origin": OTHER, **site}, trusted_origins=trusted)[0] == 101
    assert (
        handshake(Default, {"Origin": "http://x.test", **site}, trusted_origins=trusted)[0] == 403
    )
