"""Hello world and JSON on aiohttp."""

import sys

from aiohttp import web


async def hello(request):
    """Answer with text."""
    return web.Response(text="Hello, world")


async def json(request):
    """Answer with JSON."""
    return web.json_response({"message": "Hello, world"})


app = web.Application()
app.router.add_get("/", hello)
app.router.add_get("/json", json)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
