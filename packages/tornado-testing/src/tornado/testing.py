"""Test cases for asynchronous code and for HTTP applications, for `unittest` and pytest.

``python -m tornado.testing NAME...`` runs tests by their names.
"""

from tornado._testing.cases import AsyncTestCase, gen_test, setup_with_context_manager
from tornado._testing.client import AsyncTestClient
from tornado._testing.http_cases import AsyncHTTPTestCase
from tornado._testing.https import AsyncHTTPSTestCase
from tornado._testing.logs import ExpectLog, LogTrapTestCase
from tornado._testing.ports import bind_unused_port, get_unused_port
from tornado._testing.runner import main
from tornado._testing.sync_client import TestClient, TestStream, TestWebSocket
from tornado._testing.timeouts import get_async_test_timeout

__all__ = [
    "AsyncHTTPSTestCase",
    "AsyncHTTPTestCase",
    "AsyncTestCase",
    "AsyncTestClient",
    "ExpectLog",
    "LogTrapTestCase",
    "TestClient",
    "TestStream",
    "TestWebSocket",
    "bind_unused_port",
    "gen_test",
    "get_async_test_timeout",
    "get_unused_port",
    "main",
    "setup_with_context_manager",
]

if __name__ == "__main__":
    main()
