"""What the documents show of the test cases (API versions 2.x), as tests."""

import subprocess
import sys
import unittest

from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.testing import AsyncHTTPTestCase, AsyncTestCase, LogTrapTestCase, bind_unused_port


def answer(request):
    request.connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    request.connection.finish()


class Page(AsyncTestCase):
    """A server of the test's own, in place of one on the Internet."""

    def setUp(self):
        super().setUp()
        sock, port = bind_unused_port()
        self.url = f"http://127.0.0.1:{port}/"
        server = HTTPServer(answer, io_loop=self.io_loop)
        server.add_sockets([sock])
        self.addCleanup(server.stop)


class CallbackStyle(Page):
    """Assertions stand in the callback; what goes wrong there comes out of `wait`."""

    expected = b"hello"

    def test_fetch(self):
        client = AsyncHTTPClient(self.io_loop)
        client.fetch(self.url, self.handle_fetch)
        self.wait()

    def handle_fetch(self, response):
        self.assertIn(self.expected, response.body)
        self.stop()


class Mistaken(CallbackStyle):
    __test__ = False  # It fails.
    expected = b"goodbye"


class SynchronousStyle(Page):
    """The result is passed from `stop` to `wait`, and looked at in the test."""

    def test_fetch(self):
        client = AsyncHTTPClient(self.io_loop)
        client.fetch(self.url, self.stop)
        response = self.wait()
        self.assertIn(b"hello", response.body)


class HTTP(AsyncHTTPTestCase, LogTrapTestCase):
    def get_app(self):
        return answer

    def test_by_hand(self):
        self.http_client.fetch(self.get_url("/"), self.stop)
        response = self.wait()
        self.assertEqual(response.body, self.fetch("/").body)


def test_a_failure_in_a_callback_is_the_test_s():
    result = unittest.TestResult()
    Mistaken("test_fetch").run(result)
    ((_, trace),) = result.failures
    assert "b'goodbye' not found in b'hello'" in trace


def test_a_test_by_its_name_on_the_command_line(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import unittest\n"
        "class T(unittest.TestCase):\n"
        "    def test_one(self): pass\n"
        "    def test_two(self): pass\n"
    )
    command = [sys.executable, "-m", "tornado.testing", "mine.T.test_two"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Ran 1 test" in done.stderr
