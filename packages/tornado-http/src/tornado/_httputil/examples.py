"""The examples in docstrings, as tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import unittest


def doctests() -> unittest.TestSuite:
    """Return the examples in this module's docstrings as a test suite."""
    import doctest
    import unittest

    from tornado._httputil import cookies, dates, headers, parameters, ranges, urls

    modules = (cookies, dates, headers, parameters, ranges, urls)
    return unittest.TestSuite([doctest.DocTestSuite(module) for module in modules])
