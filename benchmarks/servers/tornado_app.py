"""Hello world and JSON on tornado.web: the same program for this project and for upstream."""

import asyncio
import logging
import sys

from tornado.web import Application, RequestHandler


class Hello(RequestHandler):
    """Text."""

    def get(self):
        """Answer."""
        self.write("Hello, world")


class Json(RequestHandler):
    """JSON."""

    def get(self):
        """Answer."""
        self.write({"message": "Hello, world"})


async def main():
    """Serve."""
    logging.getLogger("tornado.access").setLevel(logging.ERROR)
    Application([("/", Hello), ("/json", Json)]).listen(int(sys.argv[1]), "127.0.0.1", backlog=4096)
    await asyncio.Event().wait()


asyncio.run(main())
