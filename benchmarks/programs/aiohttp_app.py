"""What the workloads ask for, on aiohttp. Arguments: the port, and a folder of static files."""

import sys

from aiohttp import web


async def hello(request):
    """Answer with text."""
    return web.Response(text="Hello, world")


async def json(request):
    """Answer with JSON."""
    return web.json_response({"message": "Hello, world"})


async def item(request):
    """Answer with what the request says."""
    answer = {"item": int(request.match_info["number"]), "tags": request.query.getall("tag")}
    answer["detail"] = request.query["detail"]
    answer["user"] = request.cookies["user"]
    return web.json_response(answer)


async def form(request):
    """Answer how long a form's field is."""
    fields = await request.post()
    return web.Response(text=f"{fields['name']} {len(fields['text'])}")


async def upload(request):
    """Answer how long the body is."""
    return web.Response(text=str(len(await request.read())))


app = web.Application(client_max_size=1 << 24)
app.router.add_get("/", hello)
app.router.add_get("/json", json)
app.router.add_get("/async", hello)
app.router.add_get(r"/items/{number:\d+}", item)
app.router.add_post("/form", form)
app.router.add_post("/upload", upload)
app.router.add_static("/files", sys.argv[2])
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
