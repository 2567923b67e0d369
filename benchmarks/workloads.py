"""What is measured."""

from __future__ import annotations

from benchmarks import material
from benchmarks.kinds.calls import Calls
from benchmarks.kinds.fetches import Fetches
from benchmarks.kinds.idle import Idle
from benchmarks.kinds.messages import Messages
from benchmarks.kinds.requests import Requests
from benchmarks.kinds.sample import Workload

# The programs that have more than one application, and those that can render templates.
TORNADO = ("ours", "upstream")
FRAMEWORKS = ("ours", "upstream", "aiohttp", "uvicorn", "granian")

WORKLOADS: tuple[Workload, ...] = (
    Requests("hello, 64 connections"),
    Requests("json, 64 connections", "/json", {"message": "Hello, world"}),
    Requests("hello, 1 connection", connections=1),
    Requests("json, 1 connection", "/json", {"message": "Hello, world"}, connections=1),
    Idle("idle connection", "http", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"Hello, world"),
    Requests("raw callback", application="raw", peers=TORNADO),
    Requests("hello, headers of a browser", headers=material.BROWSER_HEADERS),
    Requests("hello, 16 pipelined", pipelined=16, peers=TORNADO),
    Requests("hello, TLS", tls=True, peers=TORNADO),
    Requests("async handler", "/async", peers=FRAMEWORKS),
    Requests(
        "path, query, cookie, JSON",
        "/items/42?tag=a&tag=b%20c&detail=full",
        {"item": 42, "tags": ["a", "b c"], "detail": "full", "user": "somebody"},
        headers={"Cookie": "user=somebody"},
        peers=FRAMEWORKS,
    ),
    Requests(
        "form of 10 KB",
        "/form",
        b"bench 8190",
        method="POST",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=material.FORM,
        peers=FRAMEWORKS,
    ),
    Requests(
        "upload of 1 MB",
        "/upload",
        b"1000000",
        connections=8,
        method="POST",
        headers={"Content-Type": "application/octet-stream"},
        body=b"u" * 1_000_000,
        peers=FRAMEWORKS,
    ),
    Requests("template page", "/page", None, peers=TORNADO),
    Requests("static file of 1 KB", "/files/1k.txt", None, peers=FRAMEWORKS),
    Requests("static file of 1 MB", "/files/1m.txt", None, connections=8, peers=FRAMEWORKS),
    Requests("first route", application="routes", peers=TORNADO),
    Requests("last of 200 routes", "/route199/x", application="routes", peers=TORNADO),
    *(
        Messages(f"TCP, {title}", "echo", b"m" * size, size, application=name, tls=tls)
        for title, name, size, tls in (
            ("awaited, 1 KB", "echo", 1000, False),
            ("awaited, 64 KB", "echo", 1 << 16, False),
            ("awaited, 1 KB, TLS", "echo", 1000, True),
            ("pushed, 1 KB", "push", 1000, False),
            ("pushed, 64 KB", "push", 1 << 16, False),
        )
    ),
    *(
        Messages(
            f"websocket, {title}",
            "websocket",
            material.client_frame(b"m" * size),
            material.server_frame_size(size),
            opening=material.WEBSOCKET,
            in_flight=in_flight,
        )
        for title, size, in_flight in (
            ("125 bytes", 125, 1),
            ("125 bytes, 16 in flight", 125, 16),
            ("64 KB", 1 << 16, 1),
        )
    ),
    Messages(
        "websocket, one to 5,000",
        "websocket",
        material.client_frame(b"m" * 125),
        material.server_frame_size(125),
        connections=5000,
        opening=material.WEBSOCKET,
        application="all",
        to_all=True,
    ),
    Idle("idle websocket", "websocket", material.WEBSOCKET, b"\r\n\r\n"),
    *(
        Fetches(f"{client} client, {parallel} at once", client, parallel)
        for client in ("simple", "curl")
        for parallel in (32, 1)
    ),
    *(
        Calls(f"loop: {task}", "loop", task)
        for task in (
            "add_callback",
            "timeouts",
            "coroutine",
            "awaits",
            "yields",
            "multi",
            "moments",
            "queue_alone",
            "queue_handover",
            "lock_alone",
            "lock_contended",
        )
    ),
    *(
        Calls(f"template: {task}", "template", task)
        for task in (
            "table",
            "page",
            "compile",
            "escape_short",
            "escape_long",
            "escape_sparse",
            "escape_dense",
        )
    ),
    *(
        Calls(f"import of {module}", "import", module)
        for module in ("tornado.template", "tornado.ioloop", "tornado.web")
    ),
)
