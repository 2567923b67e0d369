"""What the workloads ask for, on tornado: the same program for this project and for upstream.

Arguments: the port, the application (``web``, ``raw`` or ``routes``), a folder of static files, and
for TLS the files of certificate and key.
"""

import asyncio
import logging
import ssl
import sys

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, ResponseStartLine
from tornado.template import DictLoader
from tornado.web import Application, RequestHandler, StaticFileHandler

PAGE = """{% extends "base.html" %}{% block title %}Items{% end %}
{% block content %}<table>{% for item in items %}
<tr><td>{{ item["name"] }}</td><td>{{ item["price"] }}</td></tr>{% end %}</table>{% end %}"""
BASE = """<html><head><title>{% block title %}{% end %}</title></head>
<body>{% block content %}{% end %}</body></html>"""
ITEMS = [{"name": f"Nuts & bolts, size {n}", "price": n * 1.25} for n in range(20)]


class Hello(RequestHandler):
    """Text."""

    def get(self, *args):
        """Answer."""
        self.write("Hello, world")


class Json(RequestHandler):
    """JSON."""

    def get(self):
        """Answer."""
        self.write({"message": "Hello, world"})


class Async(RequestHandler):
    """Text, from a coroutine."""

    async def get(self):
        """Answer."""
        self.write("Hello, world")


class Item(RequestHandler):
    """What a request says, in its path, its query and a cookie, as JSON."""

    def get(self, number):
        """Answer."""
        answer = {"item": int(number), "tags": self.get_arguments("tag")}
        answer["detail"] = self.get_argument("detail")
        answer["user"] = self.get_cookie("user")
        self.write(answer)


class Form(RequestHandler):
    """How long a form's field is."""

    def post(self):
        """Answer."""
        self.write(f"{self.get_body_argument('name')} {len(self.get_body_argument('text'))}")


class Upload(RequestHandler):
    """How long a body is."""

    def post(self):
        """Answer."""
        self.write(str(len(self.request.body)))


class Page(RequestHandler):
    """A page from templates."""

    def get(self):
        """Answer."""
        self.render("page.html", items=ITEMS)


def raw(request):
    """Answer without the framework."""
    headers = HTTPHeaders({"Content-Length": "12", "Content-Type": "text/plain"})
    request.connection.write_headers(ResponseStartLine("", 200, "OK"), headers, b"Hello, world")
    request.connection.finish()


def web(files):
    """Make the application."""
    handlers = [
        ("/", Hello),
        ("/json", Json),
        ("/async", Async),
        (r"/items/(\d+)", Item),
        ("/form", Form),
        ("/upload", Upload),
        ("/page", Page),
        ("/files/(.*)", StaticFileHandler, {"path": files}),
    ]
    loader = DictLoader({"base.html": BASE, "page.html": PAGE})
    return Application(handlers, template_loader=loader)


def routes(files):
    """Make an application with many routes."""
    return Application([("/", Hello), *((rf"/route{n}/(\w+)", Hello) for n in range(200))])


async def main():
    """Serve."""
    port, application, files, *pem = sys.argv[1:]
    logging.getLogger("tornado.access").setLevel(logging.ERROR)
    target = raw if application == "raw" else {"web": web, "routes": routes}[application](files)
    options = {}
    if pem:
        options["ssl_options"] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        options["ssl_options"].load_cert_chain(*pem)
    HTTPServer(target, **options).listen(int(port), "127.0.0.1", backlog=4096)
    await asyncio.Event().wait()


asyncio.run(main())
