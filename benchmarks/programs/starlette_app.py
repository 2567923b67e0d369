"""What the workloads ask for, on Starlette. The environment names a folder of static files."""

import os

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles


async def hello(request):
    """Answer with text."""
    return PlainTextResponse("Hello, world")


async def json(request):
    """Answer with JSON."""
    return JSONResponse({"message": "Hello, world"})


async def item(request):
    """Answer with what the request says."""
    answer = {"item": request.path_params["number"], "tags": request.query_params.getlist("tag")}
    answer["detail"] = request.query_params["detail"]
    answer["user"] = request.cookies["user"]
    return JSONResponse(answer)


async def form(request):
    """Answer how long a form's field is."""
    async with request.form() as fields:
        return PlainTextResponse(f"{fields['name']} {len(fields['text'])}")


async def upload(request):
    """Answer how long the body is."""
    return PlainTextResponse(str(len(await request.body())))


app = Starlette(
    routes=[
        Route("/", hello),
        Route("/json", json),
        Route("/async", hello),
        Route("/items/{number:int}", item),
        Route("/form", form, methods=["POST"]),
        Route("/upload", upload, methods=["POST"]),
        Mount("/files", StaticFiles(directory=os.environ["STATIC_FILES"])),
    ]
)
