"""The test cases themselves (TST statements)."""

import asyncio
import contextlib
import gc
import logging
import os
import re
import socket
import time
import unittest
import unittest.mock

import pytest

from tornado.httpclient import AsyncHTTPClient, HTTPClientError
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
    setup_with_context_manager,
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
        for _ in range(2):
            with self.assertRaisesRegex(self.failureException, r"within 0\.01 seconds"):
                self.wait(timeout=0.01)
        # What comes too late counts for the next one.
        self.stop("late")
        self.assertEqual(self.wait(), "late")

    def test_tst_4_the_time_begins_anew_with_each_call(self):
        """All of them together take longer than one may."""
        deadline = self.io_loop.time() + 0.5
        while self.io_loop.time() < deadline:
            self.io_loop.call_later(0.1, self.stop)
            self.wait(timeout=0.4)

    def test_tst_4_a_stop_in_time_counts_although_the_loop_was_held_up(self):
        self.io_loop.call_later(0.01, self.stop, "in time")
        self.io_loop.add_callback(time.sleep, 0.05)
        self.assertEqual(self.wait(timeout=0.02), "in time")

    def test_stop_takes_one_argument_or_named_ones(self):
        with self.assertRaises(TypeError):
            self.stop(1, a=2)

    def test_tst_5_wait_for_a_condition(self):
        self.count = 0

        def step():
            self.count += 1
            self.stop()
            if self.count < 3:
                self.io_loop.add_callback(step)

        self.io_loop.add_callback(step)
        self.wait(lambda: self.count == 3)

    def test_tst_5_a_condition_holds_up_a_stop_that_came_before(self):
        self.stop("early")
        ready = []
        self.io_loop.add_callback(ready.append, True)
        self.io_loop.add_callback(self.stop, "late")
        self.assertEqual(self.wait(lambda: bool(ready)), "late")

    def test_tst_6_failures_of_asyncio_callbacks_come_out_of_wait(self):
        self.io_loop.asyncio_loop.call_soon(lambda: 1 / 0)
        with self.assertRaises(ZeroDivisionError):
            self.wait()

    def test_tst_6_failed_assertions_come_out_of_wait(self):
        self.io_loop.call_later(0, self.assertEqual, 1, 2)
        with self.assertRaisesRegex(AssertionError, "1 != 2"):
            self.wait()
        self.stop("and the test goes on")
        self.assertEqual(self.wait(), "and the test goes on")

    def test_exceptions_that_a_log_is_expected_to_show_fail_nothing(self):
        self.io_loop.add_callback(lambda: 1 / 0)
        self.io_loop.add_callback(self.stop, "on")
        with ExpectLog("tornado.application", "Exception in callback"):
            self.assertEqual(self.wait(), "on")

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

    def test_tst_7_addresses(self):
        port = self.get_http_port()
        self.assertEqual(self.get_url("/a?b"), f"http://127.0.0.1:{port}/a?b")
        self.assertEqual(self.get_protocol(), "http")
        self.assertIsInstance(self.http_client, AsyncHTTPClient)
        for url in (self.get_url("/whole"), f"HTTP://127.0.0.1:{port}/whole"):
            self.assertEqual(self.fetch(url).body, b"GET /whole ")

    @gen_test
    async def test_fetch_in_a_coroutine(self):
        response = await self.http_client.fetch(self.get_url("/x"))
        self.assertEqual(response.body, b"GET /x ")

    def test_tst_8_options_reach_the_server(self):
        self.assertEqual(self.fetch("/", method="POST", body="x" * 11).code, 413)

    def test_tst_7_errors(self):
        with self.assertRaises(HTTPClientError):
            self.fetch("/missing", raise_error=True)
        with self.assertRaises(ConnectionRefusedError):
            self.fetch(f"http://127.0.0.1:{get_unused_port()}/")

    def test_callback_style(self):
        self.http_client.fetch(self.get_url("/cb"), self.stop)
        response = self.wait()
        self.assertEqual(response.body, b"GET /cb ")


class Teardown(AsyncTestCase):
    """What is left on the loop ends with the test."""

    ended = []

    @gen_test
    async def test_tasks_are_cancelled(self):
        started = asyncio.Event()

        async def left_over():
            try:
                started.set()
                await asyncio.Event().wait()
            finally:
                self.ended.append("task")

        async def generate():
            try:
                yield 1
            finally:
                self.ended.append("generator")

        self.left = asyncio.ensure_future(left_over())
        self.generator = generate()
        await anext(self.generator)
        await started.wait()

    def tearDown(self):
        super().tearDown()
        self.assertEqual(self.ended, ["task", "generator"])
        self.assertTrue(self.io_loop.asyncio_loop.is_closed())
        self.assertIsNone(IOLoop.current(instance=False))


def outcome_of(case):
    result = unittest.TestResult()
    case.run(result)
    return result


def only_problem(case):
    result = outcome_of(case)
    ((_, text),) = result.errors + result.failures
    return text


def test_tst_1_each_test_has_a_loop_of_its_own():
    class Two(AsyncTestCase):
        loops = []

        def test_one(self):
            self.loops.append(self.io_loop)

        test_two = test_one

    unittest.defaultTestLoader.loadTestsFromTestCase(Two).run(unittest.TestResult())
    first, second = Two.loops
    assert first is not second


def test_tst_1_another_loop_may_be_taken_and_stays_open():
    mine = IOLoop(make_current=False)

    class Borrowing(AsyncTestCase):
        def get_new_ioloop(self):
            return mine

        def test_it(self):
            assert self.io_loop is mine is IOLoop.current()
            self.io_loop.add_callback(self.stop, 1)
            assert self.wait() == 1

    for _ in range(2):
        assert outcome_of(Borrowing("test_it")).wasSuccessful()
        assert not mine.asyncio_loop.is_closed()
        assert mine.asyncio_loop.get_exception_handler() is None
        assert "handle_callback_exception" not in vars(mine)
    mine.close()


def test_tst_1_the_loop_of_the_process_stays_open():
    class Singleton(AsyncTestCase):
        def get_new_ioloop(self):
            return IOLoop.instance()

        def test_it(self):
            pass

    case = Singleton("test_it")
    assert outcome_of(case).wasSuccessful()
    assert IOLoop.instance() is case.io_loop
    assert not case.io_loop.asyncio_loop.is_closed()
    case.io_loop.close()


def test_a_loop_that_was_current_is_so_again():
    mine = IOLoop()
    assert outcome_of(LoopTest("test_tst_1_each_test_has_a_loop")).wasSuccessful()
    assert IOLoop.current() is mine
    mine.close()


def test_what_an_overridden_set_up_leaves_undone_is_ended():
    class Broken(AsyncHTTPTestCase):
        def get_app(self):
            return answer

        def setUp(self):
            super().setUp()
            raise KeyError("too early")

        def test_it(self):
            raise AssertionError("never runs")

    assert "too early" in only_problem(Broken("test_it"))


def test_tst_7_a_port_for_each_test():
    """Two that are there at once have two, and one is free again when its test has ended."""
    ports = []

    class Noting(AsyncHTTPTestCase):
        def get_app(self):
            return answer

        def test_it(self):
            ports.append(self.get_http_port())
            if len(ports) < 2:
                assert outcome_of(Noting("test_it")).wasSuccessful()
            self.assertEqual(self.fetch("/").body, b"GET / ")

    assert outcome_of(Noting("test_it")).wasSuccessful()
    assert len(set(ports)) == 2
    for port in ports:
        with socket.socket() as sock, pytest.raises(ConnectionRefusedError):
            sock.connect(("127.0.0.1", port))


def test_tst_7_server_and_client_may_be_others():
    class Server(HTTPServer):
        pass

    class Own(AsyncHTTPTestCase):
        def get_app(self):
            return answer

        def get_http_server(self):
            return Server(self._app, **self.get_httpserver_options())

        def get_http_client(self):
            return AsyncHTTPClient(force_instance=True, defaults={"user_agent": "own"})

        def test_it(self):
            self.assertIsInstance(self.http_server, Server)
            self.assertEqual(self.http_client.defaults["user_agent"], "own")
            self.assertEqual(self.fetch("/").body, b"GET / ")

    assert outcome_of(Own("test_it")).wasSuccessful()


def test_the_application_has_to_be_defined():
    class Without(AsyncHTTPTestCase):
        def test_it(self):
            raise AssertionError("never runs")

    assert "Without has no get_app" in only_problem(Without("test_it"))


def test_unknown_methods():
    with pytest.raises(ValueError, match="nosuch"):
        AsyncTestCase("nosuch")


def test_failures_of_coroutines_fail_the_test():
    class Broken(AsyncTestCase):
        @gen_test
        async def test_it(self):
            raise KeyError("here")

    assert "KeyError" in only_problem(Broken("test_it"))


def test_tst_6_a_failing_callback_ends_a_coroutine_that_waits_in_vain():
    class Broken(AsyncTestCase):
        @gen_test(timeout=60)
        async def test_it(self):
            self.io_loop.add_callback(lambda: 1 / 0)
            await asyncio.Event().wait()

    assert "ZeroDivisionError" in only_problem(Broken("test_it"))


def test_tst_6_a_callback_that_fails_after_the_test_fails_it():
    class Broken(AsyncTestCase):
        def test_it(self):
            self.io_loop.add_callback(lambda: 1 / 0)

        def tearDown(self):
            self.io_loop.run_sync(lambda: None)
            super().tearDown()

    assert "ZeroDivisionError" in only_problem(Broken("test_it"))


def test_further_failures_are_logged():
    class Broken(AsyncTestCase):
        def test_it(self):
            self.io_loop.add_callback(lambda: 1 / 0)
            self.io_loop.add_callback(lambda: {}["two"])
            self.wait()

    with ExpectLog("tornado.application", "Exception in callback") as expected:
        # The test expects nothing itself: only what comes second goes to the log.
        expected.regex = re.compile("nothing")
        expected.required = False
        assert "ZeroDivisionError" in only_problem(Broken("test_it"))
    assert expected.logged_stack


class Waiting(AsyncTestCase):
    __test__ = False  # They fail.

    @gen_test(timeout=0.01)
    async def test_native(self):
        await asyncio.Event().wait()  # here

    @gen_test(timeout=0.01)
    def test_generator(self):
        yield asyncio.Event().wait()  # here

    @gen_test(timeout=0.01)
    async def test_stubborn(self):
        try:
            await asyncio.Event().wait()  # here
        except asyncio.CancelledError:
            return

    @gen_test
    async def test_by_the_environment(self):
        await asyncio.Event().wait()  # here


@pytest.mark.parametrize("name", ["native", "generator", "stubborn", "by_the_environment"])
def test_a_test_that_hangs_ends_by_its_timeout(monkeypatch, name):
    monkeypatch.setenv("ASYNC_TEST_TIMEOUT", "0.01")
    text = only_problem(Waiting(f"test_{name}"))
    assert f"TimeoutError: Waiting.test_{name} is not done after 0.01 seconds" in text
    assert ".wait()  # here" in text


def test_a_test_that_is_done_is_not_late():
    """Also if the loop only gets round to the deadline then."""

    class Blocking(AsyncTestCase):
        @gen_test(timeout=0.01)
        async def test_native(self):
            time.sleep(0.02)

        @gen_test(timeout=0.01)
        def test_function(self):
            time.sleep(0.02)

    for name in ("test_native", "test_function"):
        assert outcome_of(Blocking(name)).wasSuccessful()


def test_a_coroutine_that_never_ends_is_left(monkeypatch):
    monkeypatch.setattr("tornado._testing.supervision.GRACE", 0.01)

    class Endless(AsyncTestCase):
        @gen_test(timeout=0.01)
        async def test_it(self):
            while not self.io_loop.asyncio_loop.is_closed():
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    continue

    with ExpectLog("asyncio", "Task was destroyed", required=False):
        text = only_problem(Endless("test_it"))
        gc.collect()
    assert "test_it is not done after 0.01 seconds" in text


def test_gen_test_passes_arguments_and_keeps_the_name():
    class Patched(AsyncTestCase):
        @unittest.mock.patch.dict("os.environ", {"PATCHED": "1"})
        @unittest.mock.patch("os.getcwd")
        @gen_test
        async def test_it(self, getcwd):
            """A description."""
            assert os.getcwd() is getcwd.return_value
            assert os.environ["PATCHED"] == "1"

    assert outcome_of(Patched("test_it")).wasSuccessful()
    assert Patched("test_it").shortDescription() == "A description."


def test_gen_test_needs_the_set_up():
    class Forgetful(AsyncTestCase):
        def setUp(self):
            pass

        @gen_test
        async def test_it(self):
            raise AssertionError("never runs")

        def test_wait(self):
            self.stop()
            self.wait()

    assert "leaves out AsyncTestCase.setUp" in only_problem(Forgetful("test_it"))
    assert "leaves out AsyncTestCase.setUp" in only_problem(Forgetful("test_wait"))


def test_what_a_test_returns():
    class Returning(AsyncTestCase):
        async def test_coroutine(self):
            raise AssertionError("never runs")

        def test_generator(self):
            yield

        def test_value(self):
            return 3

        @gen_test
        async def test_value_of_a_coroutine(self):
            return 4

        @gen_test
        async def helper(self):
            return 5

        def test_helper(self):
            assert self.helper() == 5

    assert "decorated with gen_test" in only_problem(Returning("test_coroutine"))
    assert "decorated with gen_test" in only_problem(Returning("test_generator"))
    assert "test_value returns 3" in only_problem(Returning("test_value"))
    problem = only_problem(Returning("test_value_of_a_coroutine"))
    assert "test_value_of_a_coroutine returns 4" in problem
    assert outcome_of(Returning("test_helper")).wasSuccessful()


def test_context_managers_last_until_the_test_has_ended():
    steps = []

    @contextlib.contextmanager
    def manager():
        steps.append("in")
        yield "value"
        steps.append("out")

    class Managed(AsyncTestCase):
        def setUp(self):
            super().setUp()
            self.value = setup_with_context_manager(self, manager())

        def test_it(self):
            steps.append(self.value)

        def tearDown(self):
            super().tearDown()
            steps.append("tearDown")

    assert outcome_of(Managed("test_it")).wasSuccessful()
    assert steps == ["in", "value", "tearDown", "out"]


def test_expect_log_takes_records_out_and_wants_some(caplog):
    with ExpectLog("tornado.general", "expected", level=logging.WARNING) as expected:
        logging.getLogger("tornado.general").warning("expected thing")
        logging.getLogger("tornado.general").warning("other thing")
    assert expected.matched == 1
    assert caplog.messages == ["other thing"]
    with pytest.raises(Exception, match=r"'never' was logged by tornado\.general"):
        with ExpectLog("tornado.general", "never"):
            pass


def test_expect_log_takes_part_in_levels(caplog):
    log = logging.getLogger("test_testing_cases")
    log.setLevel(logging.WARNING)
    with ExpectLog(log, "told", level=logging.INFO) as expected:
        log.info("told")
        log.warning("told louder")
    assert (expected.matched, expected.deprecated_level_matched) == (1, 0)
    assert log.level == logging.WARNING
    assert caplog.messages == [
        "'told louder' was expected at level INFO, and came at WARNING",
        "told louder",
    ]
    log.setLevel(logging.INFO)
    with ExpectLog(log, "told") as expected:
        log.info("told")
        log.warning("told", exc_info=(ValueError, ValueError("x"), None))
    assert (expected.matched, expected.deprecated_level_matched) == (2, 1)
    assert expected.logged_stack
    with ExpectLog("", "perhaps", required=False) as expected:
        pass
    assert (expected.logger, expected.matched) == (logging.getLogger(), 0)


@pytest.mark.parametrize(
    ("arguments", "expected", "shown"),
    [
        # Logger, pattern, options; how many match; what the handlers of the root logger see.
        (("a", "te"), 1, []),
        (("a", "ext"), 0, ["text"]),
        (("a", re.compile("TEXT", re.IGNORECASE)), 1, []),
        (("a", "text$"), 1, []),
        ((logging.getLogger("a"), ""), 1, []),
        (("", "text"), 0, ["text"]),
        (("a.b", "text"), 0, ["text"]),
        (("a", "text", False), 1, []),
        (("a", "other", False), 0, ["text"]),
        (("a", "text", True, logging.ERROR), 1, []),
    ],
)
def test_expect_log_in_all_its_arguments(arguments, expected, shown, caplog):
    required = len(arguments) < 3 or arguments[2]
    fails = required and not expected
    with pytest.raises(Exception, match="nothing") if fails else contextlib.nullcontext():
        with ExpectLog(*arguments) as log:
            logging.getLogger("a").error("te%s", "xt")
    assert log.matched == expected
    assert caplog.messages == shown
    assert not log.logger.filters


@pytest.mark.parametrize("level", [logging.ERROR, logging.WARNING])
def test_expect_log_does_not_take_its_own_words_for_what_it_waits_for(level, caplog):
    with ExpectLog("tornado.application", ".*", required=False, level=level) as log:
        logging.getLogger("tornado.application").critical("text")
    assert log.matched == 0
    assert caplog.messages[1:] == ["text"]


def test_expect_log_lets_exceptions_through():
    with pytest.raises(KeyError):
        with ExpectLog("tornado.general", "never"):
            raise KeyError("first")


def test_tst_11_ports():
    sock, port = bind_unused_port()
    with sock:
        assert sock.getsockname() == ("127.0.0.1", port)
    with socket.socket() as again:
        again.bind(("127.0.0.1", get_unused_port()))
    first, port = bind_unused_port(reuse_port=True, address="127.0.0.1")
    with first, socket.socket() as second:
        second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        second.bind(("127.0.0.1", port))


def test_timeout_of_the_environment(monkeypatch):
    monkeypatch.setenv("ASYNC_TEST_TIMEOUT", "2.5")
    assert get_async_test_timeout() == 2.5
    monkeypatch.setenv("ASYNC_TEST_TIMEOUT", "soon")
    assert get_async_test_timeout() == 5.0
