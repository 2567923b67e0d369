"""Forms that are taken apart while they come."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    HTTPServerRequest,
    ParseMultipartConfig,
    RequestStartLine,
)
from tornado.web import (
    Application,
    FormStream,
    HTTPError,
    RequestHandler,
    UploadHandler,
    asynchronous,
    stream_request_body,
)

LIMIT = 10  # seconds after which a test has failed
BOUNDARY = "limit-of-parts"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"
HEADERS = {"Content-Type": TYPE}


def part(name, data, filename=None):
    disposition = f'form-data; name="{name}"'
    if filename is not None:
        disposition += f'; filename="{filename}"'
    head = f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n"
    return head.encode() + data + b"\r\n"


def form(*parts, end=f"--{BOUNDARY}--\r\n"):
    return b"".join(parts) + end.encode()


def stream_of(content_type=TYPE, **options):
    headers = HTTPHeaders({"Content-Type": content_type} if content_type else {})
    return FormStream(HTTPServerRequest("POST", "/", headers=headers), **options)


def feed(stream, body, step=0):
    async def main():
        for start in range(0, len(body), step or len(body)):
            await stream.data_received(body[start : start + (step or len(body))])

    asyncio.run(main())


MIXED = form(
    part("title", "Überschrift".encode()),
    part("title", b"another"),
    part("doc", b"\r\n--not the boundary\r\n" * 5, "a.txt"),
    part("doc", b"", "empty.txt"),
    part("photo", bytes(range(256)) * 500, "p.png"),
    part("none", b"", ""),
)


@pytest.mark.parametrize("step", [0, 1, 7, 65536])
@pytest.mark.parametrize("memory_size", [0, 100, 1 << 20])
def test_the_same_comes_out_however_it_comes_in(step, memory_size):
    stream = stream_of(memory_size=memory_size)
    feed(stream, MIXED, step)
    assert stream.arguments == {
        "title": ["Überschrift".encode(), b"another"],
        "none": [b""],
    }
    assert [(p.filename, p.body, p.size) for p in stream.files["doc"]] == [
        ("a.txt", b"\r\n--not the boundary\r\n" * 5, 110),
        ("empty.txt", b"", 0),
    ]
    (photo,) = stream.files["photo"]
    assert photo.body == bytes(range(256)) * 500
    assert photo.content_type == "application/unknown"
    stream.close()


@given(
    st.lists(st.tuples(st.booleans(), st.binary(max_size=300)), max_size=6),
    st.integers(1, 400),
    st.sampled_from([0, 50, 1 << 20]),
)
def test_any_form_survives_any_chunking(parts, step, memory_size):
    parts = [(is_file, data.replace(b"\r\n--", b"")) for is_file, data in parts]
    body = form(*(part("f", data, "x" if is_file else None) for is_file, data in parts))
    stream = stream_of(memory_size=memory_size)
    feed(stream, body, step)
    assert stream.arguments.get("f", []) == [data for is_file, data in parts if not is_file]
    assert [p.body for p in stream.files.get("f", [])] == [
        data for is_file, data in parts if is_file
    ]
    stream.close()


def test_what_does_not_fit_the_memory_is_in_a_file_without_a_name(tmp_path):
    stream = stream_of(memory_size=1000, directory=str(tmp_path))
    feed(stream, form(part("a", b"s" * 900, "small"), part("b", b"l" * 500_000, "large")), 10_000)
    small, large = stream.files["a"][0], stream.files["b"][0]
    assert small._file is None
    assert large._file is not None
    assert large._kept == b""
    assert os.listdir(tmp_path) == []
    assert large.file.read(3) == b"lll"
    assert large.file.read() == b"l" * 500_000  # from the beginning again
    stream.close()
    for gone in (small, large):
        with pytest.raises(ValueError, match="gone"):
            gone.file.read()


def test_the_memory_does_not_grow_with_the_number_of_files(tmp_path):
    """Files of whatever size go to files of their own when the memory is used up."""
    stream = stream_of(memory_size=1000, directory=str(tmp_path))
    feed(stream, form(*[part("f", bytes([n]) * 400, f"{n}") for n in range(10)]))
    files = stream.files["f"]
    assert [file.body for file in files] == [bytes([n]) * 400 for n in range(10)]
    assert sum(len(file._kept) for file in files) <= 1000
    assert [file._file is None for file in files] == [True] * 2 + [False] * 8
    stream.close()


def test_the_memory_does_not_grow_with_the_file():
    piece = os.urandom(64 * 1024)
    head = part("f", b"", "large")[:-2]
    stream = stream_of()

    async def main():
        await stream.data_received(head)
        tracemalloc.start()
        for _ in range(512):  # 32 MiB
            await stream.data_received(piece)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        await stream.data_received(b"\r\n" + form())
        return peak

    assert asyncio.run(main()) < 4 << 20
    assert stream.files["f"][0].size == 32 << 20
    stream.close()


def test_a_saved_file_is_complete(tmp_path):
    stream = stream_of(memory_size=10)
    data = os.urandom(300_000)
    feed(stream, form(part("a", data, "x"), part("b", b"tiny", "y")), 65536)

    async def main():
        await stream.files["a"][0].save(tmp_path / "a")
        await stream.files["b"][0].save(tmp_path / "b")

    asyncio.run(main())
    assert (tmp_path / "a").read_bytes() == data
    assert (tmp_path / "b").read_bytes() == b"tiny"
    stream.close()


@pytest.mark.parametrize("step", [0, 1])
def test_an_incomplete_form_has_no_content(step):
    stream = stream_of()
    feed(stream, form(part("a", b"1"), part("f", b"2", "x"), end=""), step)
    for read in (lambda: stream.arguments, lambda: stream.files, stream.finish):
        with pytest.raises(HTTPInputError):
            read()
    stream.close()


@pytest.mark.parametrize(
    ("content_type", "error"),
    [
        (None, 415),
        ("application/json", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/mixed; boundary=x", 415),
        ("multipart/form-data", 400),
        ('multipart/form-data; boundary=""', 400),
        ("multipart/form-data; boundary=" + "x" * 300, 400),
    ],
)
def test_other_bodies_are_refused(content_type, error):
    with pytest.raises((HTTPError, HTTPInputError)) as caught:
        stream_of(content_type)
    assert getattr(caught.value, "status_code", 400) == error


def test_a_content_coding_is_refused():
    headers = HTTPHeaders({"Content-Type": TYPE, "Content-Encoding": "gzip"})
    with pytest.raises(HTTPError):
        FormStream(HTTPServerRequest("POST", "/", headers=headers))


def test_forms_may_be_switched_off():
    with pytest.raises(HTTPInputError):
        stream_of(config=ParseMultipartConfig(enabled=False))


@pytest.mark.parametrize(("count", "fails"), [(2, False), (3, False), (4, True)])
def test_s13_the_number_of_parts_is_limited(count, fails):
    stream = stream_of(config=ParseMultipartConfig(max_parts=3))
    body = form(*(part("a", b"") for _ in range(count)))
    _expect(HTTPInputError if fails else None, stream, body)


def test_s13_by_default_there_are_100_parts():
    _expect(None, stream_of(), form(*(part("a", b"") for _ in range(100))))
    _expect(HTTPInputError, stream_of(), form(*(part("a", b"") for _ in range(101))))


@pytest.mark.parametrize(("more", "fails"), [(-1, False), (0, False), (1, True)])
def test_s13_the_headers_of_a_part_are_limited(more, fails):
    head = b'Content-Disposition: form-data; name="a"'
    config = ParseMultipartConfig(max_part_header_size=len(head) - more)
    _expect(HTTPInputError if fails else None, stream_of(config=config), form(part("a", b"")))


@pytest.mark.parametrize(("size", "fails"), [(9, False), (10, False), (11, True)])
def test_arguments_are_limited_together(size, fails):
    body = form(part("a", b"1" * 5), part("b", b"2" * (size - 5)), part("f", b"3" * 99, "file"))
    _expect(HTTPError if fails else None, stream_of(max_arguments_size=10), body)


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize(("size", "fails"), [(9, False), (10, False), (11, True)])
def test_each_file_is_limited(size, fails, taken):
    body = form(part("a", b"1" * 10, "x"), part("b", b"2" * size, "y"), part("c", b"3" * 99))
    on_part = (
        (lambda part: None if part.filename is None else (lambda data: None)) if taken else None
    )
    _expect(HTTPError if fails else None, stream_of(max_file_size=10, on_part=on_part), body)


def _expect(error, stream, body):
    if error is None:
        feed(stream, body, 64)
        stream.finish()
    else:
        with pytest.raises(error):
            feed(stream, body, 64)
    stream.close()


def test_parts_may_go_to_a_function():
    taken = []

    def on_part(part):
        if part.filename is None:
            return None
        taken.append(part.filename)
        return taken.append

    stream = stream_of(on_part=on_part)
    feed(stream, form(part("t", b"title"), part("f", b"12", "x"), part("f", b"", "y")))
    assert taken == ["x", b"12", b"", "y", b""]
    assert stream.arguments == {"t": [b"title"]}
    assert stream.files == {}


def test_whoever_takes_the_data_is_waited_for():
    events = []

    async def on_part(part):
        await asyncio.sleep(0)
        events.append(part.name)

        async def take(data):
            events.append(("begin", data))
            await asyncio.sleep(0)
            events.append(("end", data))

        return take

    stream = stream_of(on_part=on_part)
    feed(stream, form(part("a", b"1"), part("b", b"2")))
    expected = []
    for name, data in (("a", b"1"), ("b", b"2")):
        expected += [name, ("begin", data), ("end", data), ("begin", b""), ("end", b"")]
    assert events == expected


def test_a_form_that_is_closed_while_it_writes_is_dropped_afterwards(tmp_path):
    stream = stream_of(memory_size=0, directory=str(tmp_path))

    async def main():
        body = form(part("f", b"x" * 200_000, "x"))
        writing = asyncio.ensure_future(stream.data_received(body))
        await asyncio.sleep(0)
        stream.close()
        await writing
        await stream.data_received(b"ignored")

    asyncio.run(main())
    (stored,) = stream.files["f"]
    assert stored._file is not None
    assert stored._file.closed


class Echo(UploadHandler):
    seen: list

    async def post(self):
        parts = self.request.files.get("f", [])
        type(self).seen = parts
        digests = [hashlib.sha256(p.body).hexdigest() for p in parts]
        self.write({"title": self.get_argument("title", None), "digests": digests})


def test_upload_handler_puts_everything_where_it_always_is(fetch):
    data = os.urandom(3 << 20)
    body = form(part("title", "größer".encode()), part("f", data, "x"))
    app = Application([("/", Echo)])
    conn = fetch(app, "POST", headers=HEADERS, body=body, split=65536)
    assert conn.code == 200
    assert hashlib.sha256(data).hexdigest() in conn.text
    assert "gr\\u00f6\\u00dfer" in conn.text or "größer" in conn.text
    (stored,) = Echo.seen
    assert stored._file.closed


def test_arguments_that_were_asked_for_before_are_complete_afterwards(fetch):
    class Early(UploadHandler):
        def prepare(self):
            assert self.get_arguments("a") == ["q"]

        def post(self):
            self.write({"a": self.get_arguments("a"), "body": self.get_body_arguments("a")})

    app = Application([("/", Early)])
    conn = fetch(app, "POST", "/?a=q", headers=HEADERS, body=form(part("a", b"b")))
    assert conn.text == '{"a": ["q", "b"], "body": ["b"]}'


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        (HEADERS, form(part("a", b"1"), end=""), 400),
        (HEADERS, b"no boundary at all\r\n" * 500, 400),
        (HEADERS, form(*[part("a", b"1")] * 101), 400),
        (HEADERS, form(part("a", b"1" * ((1 << 20) + 1))), 413),
        ({"Content-Type": "text/plain"}, b"text", 415),
        ({}, b"text", 415),
    ],
)
def test_errors_are_answered_with_their_status(fetch, caplog, headers, body, code):
    conn = fetch(Application([("/", Echo)]), "POST", headers=headers, body=body, split=65536)
    assert conn.code == code
    assert all(record.exc_info is None for record in caplog.records)


def test_s11_an_error_is_logged_once(fetch, caplog):
    body = form(*[part("a", b"1")] * 500)
    fetch(Application([("/", Echo)]), "POST", headers=HEADERS, body=body, split=100)
    assert [record.name for record in caplog.records] == ["tornado.general", "tornado.access"]


def test_a_request_without_a_body_is_answered_too(fetch):
    class Form(UploadHandler):
        def get(self):
            self.write("<form>")

        def post(self):
            self.form.finish()

    app = Application([("/", Form)])
    assert fetch(app).text == "<form>"
    assert fetch(app, "POST").code == 415
    assert fetch(app, "POST", headers=HEADERS).code == 400


def test_a_handler_may_take_the_data_itself(fetch):
    class Counting(UploadHandler):
        async def part_received(self, part):
            self.sizes = getattr(self, "sizes", {})
            return None if part.filename is None else lambda data: self.count(part, data)

        async def count(self, part, data):
            await asyncio.sleep(0)
            self.sizes[part.filename] = part.size

        def post(self):
            self.write({**self.sizes, "t": self.get_argument("t")})

    body = form(part("t", b"T"), part("f", b"x" * 100_000, "x"), part("f", b"y", "y"))
    conn = fetch(Application([("/", Counting)]), "POST", headers=HEADERS, body=body, split=4096)
    assert conn.text == '{"x": 100000, "y": 1, "t": "T"}'


def test_a_handler_of_another_base_may_use_a_form_stream(fetch):
    @stream_request_body
    class Upload(RequestHandler):
        def prepare(self):
            self.stream = FormStream(self.request)

        def data_received(self, chunk):
            return self.stream.data_received(chunk)

        def post(self):
            self.write(self.stream.files["f"][0].body)

        def on_finish(self):
            self.stream.close()

    conn = fetch(
        Application([("/", Upload)]), "POST", headers=HEADERS, body=form(part("f", b"data", "x"))
    )
    assert conn.text == "data"


def test_a_response_that_is_left_open_keeps_its_files(fetch):
    kept = []

    class Open(UploadHandler):
        @asynchronous
        def post(self):
            kept.extend(self.request.files["f"])
            asyncio.get_running_loop().call_later(0, self.answer)

        def answer(self):
            self.finish(kept[0].body)

    conn = fetch(
        Application([("/", Open)]), "POST", headers=HEADERS, body=form(part("f", b"d", "x"))
    )
    assert conn.text == "d"
    assert kept[0]._closed


def test_a_client_that_leaves_early_leaves_nothing_behind(in_memory):
    forms = []

    class Upload(UploadHandler):
        def make_form(self):
            forms.append(FormStream(self.request, memory_size=0))
            return forms[0]

    async def main():
        app = Application([("/", Upload)])
        conn = in_memory.connection(asyncio.get_running_loop())
        delegate = app.start_request(None, conn)
        headers = HTTPHeaders({"Host": "a", **HEADERS})
        delegate.headers_received(RequestStartLine("POST", "/", "HTTP/1.1"), headers)
        waiting = delegate.data_received(form(part("f", b"x" * 200_000, "x"), end=""))
        await waiting
        assert forms[0]._stored[0]._file is not None
        delegate.on_connection_close()
        async with asyncio.timeout(LIMIT):
            await asyncio.wait(set(app._running))
        assert forms[0]._stored[0]._file.closed

    asyncio.run(main())


def test_xsrf_tokens_come_before_the_body(fetch):
    app = Application([("/", Echo)], xsrf_cookies=True)
    token = "0123456789abcdef" * 2
    cookie = {"Cookie": f"_xsrf={token}", **HEADERS}
    refused = fetch(app, "POST", headers=cookie, body=form(part("_xsrf", token.encode())))
    assert refused.code == 403
    for uri, more in [(f"/?_xsrf={token}", {}), ("/", {"X-XSRFToken": token})]:
        assert fetch(app, "POST", uri, headers={**cookie, **more}, body=form()).code == 200


def test_over_a_real_connection(serve):
    data = os.urandom(5 << 20)
    body = form(part("title", b"t"), part("f", data, "x"))
    with serve(Application([("/", Echo)])) as server:
        response = server.request("POST", "/", body, HEADERS)
    assert response.code == 200
    assert hashlib.sha256(data).hexdigest().encode() in response.body
