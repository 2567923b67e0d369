"""The command line, and logs that passing tests don't show (TST-9, TST-10, TST-12, TST-13)."""

import asyncio
import logging
import signal
import subprocess
import sys
import textwrap
import unittest

import pytest

from tornado.testing import AsyncTestCase, LogTrapTestCase, gen_test

MODULE = """
    import logging, os, signal, unittest
    import tornado.testing
    from tornado.options import define, options

    # The module may be there twice: as the program, and under its name.
    if "fail" not in options:
        define("fail", type=bool, default=False)

    class Cases(tornado.testing.LogTrapTestCase):
        def test_one(self):
            logging.getLogger("app").warning("logged by one")
            self.assertFalse(options.fail)

        def test_two(self):
            logging.getLogger("app").warning("logged by two")

    class Interrupted(unittest.TestCase):
        def test_it(self):
            os.kill(os.getpid(), signal.SIGINT)

    def all():
        return unittest.defaultTestLoader.loadTestsFromTestCase(Cases)

    if __name__ == "__main__":
        tornado.testing.main()
"""


def run(tmp_path, *arguments):
    (tmp_path / "cases.py").write_text(textwrap.dedent(MODULE))
    command = [sys.executable, "-W", "error", *arguments]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stderr


def test_tst_12_all_tests_or_those_that_are_named(tmp_path):
    code, shown = run(tmp_path, "cases.py", "--verbose")
    assert code == 0
    assert "Ran 2 tests" in shown
    assert "test_one" in shown
    code, shown = run(tmp_path, "cases.py", "cases.Cases.test_two")
    assert code == 0
    assert "Ran 1 test " in shown
    code, shown = run(
        tmp_path, "-m", "tornado.testing", "--exception_on_interrupt=false", "cases.Cases"
    )
    assert (code, "Ran 2 tests" in shown) == (0, True)


def test_tst_9_only_failing_tests_show_what_they_logged(tmp_path):
    code, shown = run(tmp_path, "cases.py", "--fail")
    assert code == 1
    assert "logged by one" in shown
    assert "logged by two" not in shown


def test_tst_13_ctrl_c_shows_where_it_struck_or_just_ends(tmp_path):
    code, shown = run(tmp_path, "cases.py", "cases.Interrupted")
    assert code != 0
    assert "os.kill(os.getpid()" in shown
    flag = "--exception_on_interrupt=false"
    code, shown = run(tmp_path, "cases.py", flag, "cases.Interrupted")
    assert code == -signal.SIGINT
    assert "Traceback" not in shown


def test_tst_14_reloading_is_not_for_the_runner(tmp_path):
    code, shown = run(tmp_path, "cases.py", "--autoreload")
    assert code != 0
    assert "autoreload" in shown


def test_flags_of_unittest(tmp_path):
    code, shown = run(tmp_path, "cases.py", "--fail", "--failfast", "--quiet")
    assert code == 1
    assert "Ran 1 test " in shown
    code, shown = run(tmp_path, "cases.py", "--catch", "--verbose", "cases.Interrupted")
    assert "test_it" in shown
    code, shown = run(tmp_path, "cases.py", "--buffer")
    assert code == 0


def test_tst_9_together_with_a_loop():
    class Both(AsyncTestCase, LogTrapTestCase):
        @gen_test
        async def test_pass(self):
            logging.getLogger("app").warning("passed")
            await asyncio.sleep(0)

        @gen_test
        async def test_fail(self):
            logging.getLogger("app").warning("failed")
            self.fail()

    shown = []

    class Handler(logging.Handler):
        def emit(self, record):
            shown.append(record.getMessage())

    handler = Handler()
    logging.getLogger().addHandler(handler)
    try:
        for name in ("test_pass", "test_fail"):
            Both(name).run(unittest.TestResult())
    finally:
        logging.getLogger().removeHandler(handler)
    assert shown == ["failed"]


def test_without_tests(tmp_path):
    code, shown = run(tmp_path, "-m", "tornado.testing")
    assert code == 1
    assert "name the tests" in shown
    assert "Traceback" not in shown
    code, shown = run(tmp_path, "-m", "tornado.testing", "--unknown")
    assert code != 0


def test_tst_10_methods_that_are_not_there():
    with pytest.raises(ValueError, match="nosuch"):
        LogTrapTestCase("nosuch")


def test_traps_give_their_results_back():
    class Failing(LogTrapTestCase):
        def test(self):
            self.fail()

    result = Failing("test").run()
    assert isinstance(result, unittest.TestResult)
    assert len(result.failures) == 1


def test_tst_9_with_subtests():
    class Case(LogTrapTestCase):
        def test_pass(self):
            with self.subTest():
                logging.getLogger().warning("of a pass")

        def test_fail(self):
            with self.subTest():
                logging.getLogger().warning("of a failure")
                self.fail()

    shown = []
    handler = logging.Handler()
    handler.emit = lambda record: shown.append(record.getMessage())
    logging.getLogger().addHandler(handler)
    try:
        for name in ("test_pass", "test_fail"):
            Case(name).run(unittest.TestResult())
    finally:
        logging.getLogger().removeHandler(handler)
    assert shown == ["of a failure"]


def test_tst_9_with_pytest(tmp_path):
    (tmp_path / "test_traps.py").write_text(
        "import logging\n"
        "from tornado.testing import LogTrapTestCase\n"
        "class T(LogTrapTestCase):\n"
        "    def test_pass(self): logging.warning('of a pass')\n"
        "    def test_fail(self): logging.warning('of a failure'); self.fail()\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "test_traps.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 failed, 1 passed" in done.stdout
    assert "of a failure" in done.stdout
    assert "of a pass" not in done.stdout
