"""``python -m tornado.httpclient``, run as a program."""

import asyncio
import os
import socket
import sys
from types import SimpleNamespace

import pytest


async def start(*arguments, program=("-m", "tornado.httpclient"), stdout=asyncio.subprocess.PIPE):
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "error"),
        *program,
        *arguments,
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
        # As it is for most users.
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
    )


async def run(*arguments, **options):
    process = await start(*arguments, **options)
    out, err = await process.communicate()
    return SimpleNamespace(out=out, err=err.decode(), status=process.returncode)


async def test_htc_45_the_body_is_printed_as_it_is(scripted, reply):
    body = bytes(range(256)) * 1000
    async with scripted(lambda request: reply(body)) as server:
        done = await run(server.url)
        assert (done.out, done.err, done.status) == (body, "", 0)


async def test_htc_45_print_headers(scripted, reply):
    async with scripted(lambda request: reply("body", "X-A: \xe9", "X-A: 2")) as server:
        done = await run("--print_headers", server.url)
        assert done.out.endswith(b"\n\nbody")
        lines = done.out.partition(b"\n\n")[0].decode("latin-1").split("\n")
        assert lines[0] == "Content-Length: 4"
        assert lines[-1] == "X-A: 2"
        assert len(lines) == 3


async def test_htc_45_print_body_can_be_turned_off(scripted, reply):
    async with scripted(lambda request: reply("body")) as server:
        done = await run("--print_headers", "--print_body=false", server.url)
        assert done.out == b"Content-Length: 4\n\n"
        done = await run("--print_body=false", server.url)
        assert (done.out, done.status) == (b"", 0)


@pytest.mark.parametrize(
    "option, body", [((), b"there"), (("--follow_redirects=false",), b"moved")]
)
async def test_follow_redirects(scripted, reply, option, body):
    def serve(request):
        if request.target == "/":
            return reply("moved", "Location: /there", code=302)
        return reply("there")

    async with scripted(serve) as server:
        done = await run(*option, f"{server.url}/")
        assert done.out == body
        assert done.status == (1 if option else 0)
        assert done.err == (f"{server.url}/: HTTP 302: Reason\n" if option else "")


async def test_validate_cert(scripted, reply, server_tls):
    async with scripted(lambda request: reply("secret"), tls=server_tls) as server:
        done = await run(server.url)
        assert (done.out, done.status) == (b"", 1)
        assert "certificate" in done.err.lower()
        assert done.err.count("\n") == 1
        done = await run("--validate_cert=false", server.url)
        assert (done.out, done.err, done.status) == (b"secret", "", 0)


async def test_proxy_host(scripted, reply):
    async with scripted(lambda request: reply(request.target)) as server:
        url = "http://example.invalid/x"
        done = await run("--proxy_host=127.0.0.1", f"--proxy_port={server.port}", url)
        assert (done.out, done.status) == (url.encode(), 0)
        done = await run("--proxy_host=127.0.0.1", url)
        assert "proxy_port" in done.err
        assert done.status == 1


async def test_several_are_fetched_at_once_and_printed_in_order(scripted, reply):
    """The first is answered last."""
    others = asyncio.Event()

    async def script(peer):
        request = await peer.request()
        # The first one may also be the last one that comes.
        if len(peer.server.requests) == 5:
            others.set()
        if request.target == "/0":
            await others.wait()
        await peer.send(reply(request.target * 1000))
        await peer.closed()

    async with scripted(script) as server:
        done = await run(*(f"{server.url}/{number}" for number in range(5)))
        assert done.out == b"".join(b"/%d" % number * 1000 for number in range(5))
        assert done.status == 0


async def test_a_large_body_is_passed_on_while_it_comes(scripted):
    """It's more than a client would keep in memory."""
    printed = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nbegin")
        # Nothing more comes before that is there.
        await printed.wait()

    async with scripted(script) as server:
        process = await start("--request_timeout=0", server.url)
        assert await process.stdout.readexactly(5) == b"begin"
        printed.set()
        out, err = await process.communicate()
    assert (out, process.returncode) == (b"", 1)
    assert err.count(b"\n") == 1


async def test_a_failed_fetch_is_one_line_and_a_status(scripted, reply):
    def serve(request):
        return reply("gone", code=404) if request.target == "/404" else reply("fine")

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        refused = f"http://127.0.0.1:{sock.getsockname()[1]}/"
        async with scripted(serve) as server:
            urls = [f"{server.url}/1", refused, f"{server.url}/404", "x://y", f"{server.url}/2"]
            done = await run(*urls)
    # A response is printed whatever its code.
    assert done.out == b"finegonefine"
    lines = done.err.splitlines()
    assert [line.split(": ")[0] for line in lines] == [refused, urls[2], "x://y"]
    assert "refused" in lines[0]
    assert lines[1].endswith("HTTP 404: Reason")
    assert done.status == 1


async def test_a_body_that_is_cut_short_is_a_failure(scripted):
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart")

    async with scripted(script) as server:
        done = await run(server.url)
        assert (done.out, done.status) == (b"part", 1)
        assert done.err.count("\n") == 1


async def test_request_timeout(scripted):
    async def script(peer):
        await peer.closed()

    async with scripted(script) as server:
        done = await run("--request_timeout=0.2", server.url)
        assert done.status == 1
        assert "Timeout" in done.err


async def test_a_reader_that_leaves_is_no_traceback(scripted, reply):
    async with scripted(lambda request: reply(bytes(1_000_000))) as server:
        program = f"{sys.executable} -m tornado.httpclient {server.url} | head -c 1"
        process = await asyncio.create_subprocess_shell(
            program, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        assert await process.communicate() == (b"\0", b"")


async def test_an_output_that_is_closed_is_no_traceback(scripted, reply):
    async with scripted(lambda request: reply("body")) as server:
        process = await asyncio.create_subprocess_shell(
            f"exec {sys.executable} -m tornado.httpclient {server.url} >&-",
            stderr=asyncio.subprocess.PIPE,
        )
        _, err = await process.communicate()
    assert (err.count(b"\n"), process.returncode) == (1, 1)


async def test_an_error_stream_that_is_closed_leaves_the_output_alone(scripted, reply):
    async with scripted(lambda request: reply("body", code=404)) as server:
        process = await asyncio.create_subprocess_shell(
            f"exec {sys.executable} -m tornado.httpclient {server.url} 2>&-",
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
    assert (out, process.returncode) == (b"body", 1)


async def test_an_output_that_is_full_is_one_line(scripted, reply):
    async with scripted(lambda request: reply("body")) as server:
        with open("/dev/full", "wb") as full:
            done = await run(server.url, server.url, stdout=full)
        assert (done.err.count("\n"), done.status) == (1, 1)
        assert done.err.startswith("standard output: ")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/\nx", "http://127.0.0.1:1/\x1b[2J", ""])
async def test_an_odd_address_is_one_line_that_can_be_shown(url):
    done = await run(url)
    assert (done.out, done.err.count("\n"), done.status) == (b"", 1, 1)
    assert done.err[:-1].isprintable()


HOSTILE = b"HTTP/1.1 404 \xc2\x9b2J\r\nContent-Length: 0\r\n\r\n"


async def test_what_a_server_says_can_be_shown(scripted):
    async with scripted(lambda request: HOSTILE) as server:
        done = await run(server.url)
        assert done.err.startswith(f"{server.url}: HTTP 404: ")
        assert done.err[:-1].isprintable()


async def test_nothing_to_fetch():
    done = await run()
    assert (done.out, done.status) == (b"", 2)
    assert done.err.count("\n") == 1


async def test_wrong_options():
    done = await run("--print_everything", "http://localhost/")
    assert done.status == 1
    assert "print_everything" in done.err
    assert "Traceback" not in done.err


async def test_main_is_what_a_script_calls(scripted, reply):
    program = ("-c", "import sys; from tornado.httpclient import main; sys.exit(main())")
    async with scripted(lambda request: reply("body", code=500)) as server:
        done = await run(server.url, program=program)
        assert (done.out, done.status) == (b"body", 1)
