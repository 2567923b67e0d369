"""Send all requests to an application, with whatever implementation this is run.

``upstream.json`` holds what Tornado 6.6.1 has answered; it was made by::

    python exchange.py upstream.json
"""

import asyncio
import gzip
import hashlib
import json
import logging
import pathlib
import re
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import answers_application as application
import answers_requests as requests

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

PATIENCE = 5  # seconds
SHOWN = 300  # characters of a body; longer ones are compared by what is hashed of them
TOGETHER = 50  # requests at once

# What is different each time.
_TOKEN = re.compile(r"(_xsrf=)[^;]+")
_PORT = re.compile(r"127\.0\.0\.1:\d+")
# Python 3.13 took up newer names of some status codes.
_PHRASES = {
    "Request Entity Too Large": "Content Too Large",
    "Request-URI Too Long": "URI Too Long",
    "Requested Range Not Satisfiable": "Range Not Satisfiable",
    "Unprocessable Entity": "Unprocessable Content",
}
# Cookies are cleared a year ago, versions of files expire in ten.
_YEARS = {time.gmtime().tm_year - 1, time.gmtime().tm_year + 10}
_DATE = re.compile(rf"\w{{3}}, \d\d \w{{3}} ({'|'.join(map(str, _YEARS))}) [\d:]{{8}} GMT")


async def exchange():
    """Return what is answered: the status, header fields and body by the request's name."""
    answers = {}
    with tempfile.TemporaryDirectory() as folder:
        application.write_files(folder)
        for name, settings in application.APPLICATIONS.items():
            app = application.make_application(folder, **settings)
            if more := application.handlers_of(name):
                app.add_handlers(".*", more)
            server = HTTPServer(app)
            (sock,) = bind_sockets(0, "127.0.0.1")
            server.add_sockets([sock])
            chosen = [one for one in requests.all_requests() if one[1] == name]
            for start in range(0, len(chosen), TOGETHER):
                part = chosen[start : start + TOGETHER]
                port = sock.getsockname()[1]
                found = await asyncio.gather(*(ask(port, raw, folder) for _, _, raw in part))
                answers.update(zip((one[0] for one in part), found, strict=True))
            server.stop()
            await server.close_all_connections()
    return answers


async def ask(port, raw, folder):
    """Send a request and return what can be compared of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(raw)
        data = await asyncio.wait_for(reader.read(-1), PATIENCE)
    except ConnectionError:
        return None
    except TimeoutError:
        return "nothing"
    finally:
        writer.close()
    return answer_of(data, folder) if data else None


def answer_of(data, folder):
    """Take an answer apart."""
    head, _, body = data.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    fields = sorted((name.title(), value) for name, _, value in (x.partition(": ") for x in lines))
    fields = [[name, comparable(value)] for name, value in fields if name not in {"Date", "Server"}]
    names = dict(fields)
    if names.get("Transfer-Encoding") == "chunked":
        body = unchunked(body)
    if names.get("Content-Encoding") == "gzip" and body:
        # How well it's compressed may differ.
        body = gzip.decompress(body)
        fields = [field for field in fields if field[0] != "Content-Length"]
    text = comparable(body.decode("latin-1").replace(folder, "FOLDER"))
    if len(text) > SHOWN:
        text = f"{len(text)} {hashlib.sha256(text.encode()).hexdigest()}"
    return {"status": comparable(status), "headers": fields, "body": text}


def comparable(text):
    """Leave out of a text what is different each time."""
    for old, new in _PHRASES.items():
        text = text.replace(old, new)
    text = _DATE.sub("DATE", text)
    return _PORT.sub("127.0.0.1:PORT", _TOKEN.sub(r"\1TOKEN", text))


def unchunked(body):
    """Return the content of a chunked body, with a mark if it ends too early."""
    found = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return found
        found, body = found + body[:length], body[length + 2 :]
    return found + b"(cut)"


def silence():
    """Keep what the applications log off the terminal."""
    logging.getLogger("tornado").setLevel(logging.CRITICAL + 1)


if __name__ == "__main__":
    silence()
    answers = asyncio.run(exchange())
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(one)}" for name, one in answers.items())
    pathlib.Path(sys.argv[1]).write_text("{\n" + text + "\n}\n")
    print(len(answers), "answers")
