"""Expectations of what is logged."""

from __future__ import annotations

import logging
import re
import unittest
from types import TracebackType

from tornado.escape import to_unicode


class ExpectLog(logging.Filter):
    """A context manager that takes expected records out of a log, and fails if none comes.

    .. code-block:: python

       with ExpectLog("tornado.application", "Uncaught exception"):
           response = self.fetch("/broken")

    :arg logger: the logger or its name; ``""`` for the root logger.
    :arg regex: pattern for the beginning of the message.
    :arg required: fail if no record matches.
    :arg level: level that a matching record has to have.
    """

    def __init__(
        self,
        logger: logging.Logger | str,
        regex: str,
        required: bool = True,
        level: int | None = None,
    ) -> None:
        super().__init__()
        self.logger = logging.getLogger(logger) if isinstance(logger, str) else logger
        self.regex = re.compile(regex)
        self.required = required
        self.level = level
        #: Number of records that matched.
        self.matched = 0
        #: Whether one of them had a traceback.
        self.logged_stack = False
        self.orig_level: int | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Take a record out if it matches."""
        if record.exc_info:
            self.logged_stack = True
        if self.level is not None and record.levelno != self.level:
            return True
        if not self.regex.match(to_unicode(record.getMessage())):
            return True
        self.matched += 1
        return False

    def __enter__(self) -> ExpectLog:
        if self.level is not None and self.level < self.logger.getEffectiveLevel():
            self.orig_level = self.logger.level
            self.logger.setLevel(self.level)
        self.logger.addFilter(self)
        return self

    def __exit__(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self.orig_level is not None:
            self.logger.setLevel(self.orig_level)
            self.orig_level = None
        self.logger.removeFilter(self)
        if typ is None and self.required and not self.matched:
            raise Exception("did not get expected log message")


class LogTrapTestCase(unittest.TestCase):
    """A test case that shows what was logged only if the test fails.

    It can be combined with other cases: ``class MyTest(AsyncHTTPTestCase, LogTrapTestCase)``. What
    handlers of the root logger would show is kept back until it's known how the test went.
    """

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """Run the test."""
        outcome = self.defaultTestResult() if result is None else result
        root = logging.getLogger()
        handlers, kept = root.handlers, _Keeper()
        before = _count_of_failures(outcome)
        root.handlers = [kept]
        try:
            super().run(outcome)
        finally:
            root.handlers = handlers
        if _count_of_failures(outcome) > before:
            for record in kept.records:
                root.handle(record)
        return outcome


class _Keeper(logging.Handler):
    """Keeps records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def _count_of_failures(result: unittest.TestResult) -> int:
    return len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
