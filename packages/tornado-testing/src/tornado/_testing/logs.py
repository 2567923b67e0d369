"""Expectations of what is logged."""

from __future__ import annotations

import logging
import re
import unittest
from types import TracebackType
from typing import Any

from tornado.log import app_log


class ExpectLog(logging.Filter):
    """A context manager that takes expected records out of a log, and fails if none comes.

    .. code-block:: python

       with ExpectLog("tornado.application", "Uncaught exception"):
           response = self.fetch("/broken")

    It sees what is logged by the logger itself, not by those below it.

    :arg logger: the logger or its name; ``""`` for the root logger.
    :arg regex: pattern for the beginning of the message.
    :arg required: fail if no record matches.
    :arg level: level that a matching record has to have, as ``logging.INFO``. If the logger lets
        only higher ones through, it's opened for the time being.

    .. attribute:: matched

       The number of records that matched.

    .. attribute:: logged_stack

       Whether a record with a traceback was seen.

    .. attribute:: deprecated_level_matched

       The number of records that matched at ``INFO`` or below although no ``level`` was given.

    .. versionchanged:: 4.3
       Added ``logged_stack``.
    .. versionchanged:: 6.1
       Added ``level``.
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
        self.matched = 0
        self.deprecated_level_matched = 0
        self.logged_stack = False
        self.orig_level: int | None = None
        self._explains = False

    def expects(self, record: logging.LogRecord) -> bool:
        """Whether a record is one that this waits for; it's left as it is.

        :arg record: the record.

        .. versionadded:: 6.100
        """
        return (
            record.name == self.logger.name
            and (self.level is None or record.levelno == self.level)
            and self.regex.match(record.getMessage()) is not None
        )

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a record may pass: not if it's one that is expected.

        :arg record: the record.
        """
        if self._explains:
            return True
        if record.exc_info:
            self.logged_stack = True
        message = record.getMessage()
        if not self.regex.match(message):
            return True
        if self.level is not None and record.levelno != self.level:
            self._explain(message, record.levelno, self.level)
            return True
        if self.level is None and record.levelno <= logging.INFO:
            self.deprecated_level_matched += 1
        self.matched += 1
        return False

    def _explain(self, message: str, level: int, expected: int) -> None:
        """Tell why a record is let through."""
        # Otherwise this filter might take the explanation for what it waits for.
        self._explains = True
        try:
            app_log.warning(
                "%r was expected at level %s, and came at %s",
                message,
                logging.getLevelName(expected),
                logging.getLevelName(level),
            )
        finally:
            self._explains = False

    def __enter__(self) -> ExpectLog:
        if self.level is not None and self.level < self.logger.getEffectiveLevel():
            self.orig_level = self.logger.level
            self.logger.setLevel(self.level)
        self.logger.addFilter(self)
        _expecting.append(self)
        return self

    def __exit__(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        _expecting.remove(self)
        if self.orig_level is not None:
            self.logger.setLevel(self.orig_level)
            self.orig_level = None
        self.logger.removeFilter(self)
        if typ is None and self.required and not self.matched:
            raise Exception(
                f"nothing that matches {self.regex.pattern!r} was logged by {self.logger.name}"
            )


# Those that are entered now.
_expecting: list[ExpectLog] = []


def records_are_expected() -> bool:
    """Whether any `ExpectLog` is entered now."""
    return bool(_expecting)


def is_expected(record: logging.LogRecord) -> bool:
    """Whether a record is one that an `ExpectLog` waits for now."""
    return any(expected.expects(record) for expected in _expecting)


def count_of_expected() -> int:
    """Return how many records have matched in those that are entered now."""
    return sum(expected.matched for expected in _expecting)


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
        watched = _WatchedResult(outcome)
        root.handlers = [kept]
        try:
            super().run(watched)  # type: ignore[arg-type]  # it does what the result does
        finally:
            root.handlers = handlers
        if watched.failed:
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


class _WatchedResult:
    """Passes everything on to a result, which need not be unittest's own, and notes failures.

    :arg result: the result.
    """

    def __init__(self, result: unittest.TestResult) -> None:
        self._result = result
        self.failed = False

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._result, name)
        if name not in _TELLS_OF_FAILURE:
            return value

        def note(*args: Any) -> Any:
            # A subtest that has passed is told of with None for its error.
            self.failed = self.failed or args[-1] is not None
            return value(*args)

        return note


_TELLS_OF_FAILURE = frozenset(("addError", "addFailure", "addSubTest", "addUnexpectedSuccess"))
