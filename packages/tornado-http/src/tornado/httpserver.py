"""A non-blocking HTTP/1.1 server.

Applications made with `tornado.web` call ``listen`` of their `~tornado.web.Application`, which
makes an `HTTPServer`. It can also be used
on its own, with a function that answers requests:

.. code-block:: python

   import asyncio
   from tornado.httpserver import HTTPServer

   def answer(request):
       body = b"You asked for " + request.uri.encode()
       request.connection.write(
           b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(body), body)
       )
       request.connection.finish()

   async def main():
       HTTPServer(answer).listen(8888)
       await asyncio.Event().wait()

   asyncio.run(main())
"""

from tornado._http1.legacy import HTTPConnection
from tornado._http1.server import HTTPServer
from tornado._http1.shutdown import serve_until_signal
from tornado.httputil import HTTPServerRequest

#: The name of `tornado.httputil.HTTPServerRequest` in API version 2.x and 3.x.
HTTPRequest = HTTPServerRequest

__all__ = ["HTTPConnection", "HTTPRequest", "HTTPServer", "serve_until_signal"]
