"""Test cases for asynchronous code and for HTTP applications, for `unittest` and pytest."""

from tornado._testing.cases import (
    AsyncHTTPTestCase,
    AsyncTestCase,
    gen_test,
    get_async_test_timeout,
    setup_with_context_manager,
)
from tornado._testing.logs import ExpectLog
from tornado._testing.ports import bind_unused_port, get_unused_port

__all__ = [
    "AsyncHTTPTestCase",
    "AsyncTestCase",
    "ExpectLog",
    "bind_unused_port",
    "gen_test",
    "get_async_test_timeout",
    "get_unused_port",
    "setup_with_context_manager",
]
