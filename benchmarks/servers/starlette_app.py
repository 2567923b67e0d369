"""Hello world and JSON on Starlette."""

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route


async def hello(request):
    """Answer with text."""
    return PlainTextResponse("Hello, world")


async def json(request):
    """Answer with JSON."""
    return JSONResponse({"message": "Hello, world"})


app = Starlette(routes=[Route("/", hello), Route("/json", json)])
