"""The test cases themselves (TST statements)."""

import asyncio
import logging
import unittest

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, ResponseStartLine
from tornado.ioloop import IOLoop
from tornado.testing import (
    AsyncHTTPTestCase,
    AsyncTestCase,
    ExpectLog,
    bind_unused_port,
    gen_test,
    get_async_test_timeout,
    get_unused_port,
)


def answer(request):
    body = request.method.encode() + b" " + request.uri.encode() + b" " + request.body
    headers = HTTPHeaders({"Content-Length": str(len(body))})
    code = 404 if request.path == "/missing" else 200
    request.connection.write_headers(ResponseStartLine("", code, "Whatever"), headers, body)
    request.connection.finish()


class LoopTest(AsyncTestCase):
    def test_tst_1_each_test_has_a_loop(self):
        self.assertIs(IOLoop.current(), self.io_loop)

    def test_tst_2_wait_returns_what_stop_was_given(self):
        self.io_loop.add_callback(self.stop, 42)
        self.assertEqual(self.wait(), 42)
        self.stop(a=1)
        self.assertEqual(self.wait(), {"a": 1})

    def test_tst_3_wait_and_stop_several_times(self):
        for number in range(3):
            self.io_loop.add_callback(self.stop, number)
            self.assertEqual(self.wait(), number)

    def test_tst_4_wait_times_out(self):
        with self.assertRaisesRegex(TimeoutError, r"after 0\.01 seconds"):
            self.wait(timeout=0.01)

    def test_tst_5_wait_for_a_condition(self):
        self.count = 0

        def step():
            self.count += 1
            self.stop()
            if self.count < 3:
                self.io_loop.add_callback(step)

        self.io_loop.add_callback(step)
        self.wait(lambda: self.count == 3)

    def test_tst_6_exceptions_of_callbacks_come_out_of_wait(self):
        self.io_loop.add_callback(lambda: 1 / 0)
        with self.assertRaises(ZeroDivisionError):
            self.wait()

    @gen_test
    async def test_native_coroutines_are_tests(self):
        await asyncio.sleep(0)

    @gen_test(timeout=3)
    def test_generators_are_tests(self):
        yield asyncio.sleep(0)


class FetchTest(AsyncHTTPTestCase):
    def get_app(self):
        return answer

    def get_httpserver_options(self):
        return {"max_body_size": 10}

    def test_tst_7_fetch(self):
        response = self.fetch("/a?b=c", method="POST", body="12345")
        self.assertEqual(response.body, b"POST /a?b=c 12345")
        self.assertEqual(self.fetch("/missing").code, 404)
        self.assertIsInstance(self.http_server, HTTPServer)

    @gen_test
    async def test_fetch_in_a_coroutine(self):
        response = await self.http_client.fetch(self.get_url("/x"))
        self.assertEqual(response.body, b"GET /x ")

    def test_tst_8_options_reach_the_server(self):
        self.assertEqual(self.fetch("/", method="POST", body="x" * 11).code, 413)

    def test_callback_style(self):
        self.http_client.fetch(self.get_url("/cb"), self.stop)
        response = self.wait()
        self.assertEqual(response.body, b"GET /cb ")


def outcome_of(case):
    result = unittest.TestResult()
    case.run(result)
    return result


def test_failures_of_coroutines_fail_the_test():
    class Broken(AsyncTestCase):
        @gen_test
        async def test_it(self):
            raise KeyError("here")

    assert "KeyError" in outcome_of(Broken("test_it")).errors[0][1]


def test_a_test_that_hangs_ends_by_its_timeout():
    class Hanging(AsyncTestCase):
        @gen_test(timeout=0.01)
        async def test_it(self):
            await asyncio.Event().wait()

    assert "test_it" in outcome_of(Hanging("test_it")).errors[0][1]


def test_an_undecorated_coroutine_is_an_error():
    class Forgotten(AsyncTestCase):
        async def test_it(self):
            raise AssertionError("never runs")

    assert "decorated with gen_test" in outcome_of(Forgotten("test_it")).errors[0][1]


def test_expect_log_takes_records_out_and_wants_some(caplog):
    with ExpectLog("tornado.general", "expected", level=logging.WARNING) as expected:
        logging.getLogger("tornado.general").warning("expected thing")
        logging.getLogger("tornado.general").warning("other thing")
    assert expected.matched == 1
    assert caplog.messages == ["other thing"]
    try:
        with ExpectLog("tornado.general", "never"):
            pass
    except Exception as error:
        assert "did not get expected log message" in str(error)
    else:
        raise AssertionError("nothing was raised")


def test_tst_11_ports():
    sock, port = bind_unused_port()
    with sock:
        assert sock.getsockname() == ("127.0.0.1", port)
    assert get_unused_port() > 0


def test_timeout_of_the_environment(monkeypatch):
    monkeypatch.setenv("ASYNC_TEST_TIMEOUT", "2.5")
    assert get_async_test_timeout() == 2.5
    monkeypatch.setenv("ASYNC_TEST_TIMEOUT", "soon")
    assert get_async_test_timeout() == 5.0
