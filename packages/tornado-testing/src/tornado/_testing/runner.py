"""Running tests from a command line."""

from __future__ import annotations

import signal
import sys
import unittest
from typing import Any, NamedTuple

from tornado.options import define, options, parse_command_line


class Flag(NamedTuple):
    """An option of the command line.

    :arg default: its value if it isn't given.
    """

    default: bool
    help: str


_FLAGS = {
    "exception_on_interrupt": Flag(True, "let Ctrl-C show where it struck, rather than just end"),
    "failfast": Flag(False, "stop at the first failure"),
    "catch": Flag(False, "let Ctrl-C wait for the end of the present test"),
    "buffer": Flag(False, "hide what passing tests print"),
    "verbose": Flag(False, "name each test"),
    "quiet": Flag(False, "say as little as possible"),
}


def main(**kwargs: Any) -> None:
    """Run tests, and exit with a status that says how it went.

    The command line may have options, those of `tornado.options` among them, and names of tests:
    modules, classes or methods. Without names, the tests of the function ``all`` in the main module
    are run::

        # These may be run with "python -m myapp.test.runtests".
        def all():
            return unittest.defaultTestLoader.loadTestsFromNames(["myapp.test.handlers"])

        if __name__ == "__main__":
            tornado.testing.main()

    :arg kwargs: for `unittest.main`.
    """
    for name, flag in _FLAGS.items():
        if name not in options:
            define(name, type=bool, default=flag.default, help=flag.help)
    arguments = [sys.argv[0], *parse_command_line(sys.argv)]
    if not options.exception_on_interrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    settings: dict[str, Any] = {"verbosity": 2 if options.verbose else 0 if options.quiet else 1}
    if options.failfast:
        settings["failfast"] = True
    if options.catch:
        settings["catchbreak"] = True
    if options.buffer:
        settings["buffer"] = True
    settings.update(kwargs)
    if len(arguments) > 1:
        unittest.main(module=None, argv=arguments, **settings)
    elif hasattr(sys.modules["__main__"], "all"):
        unittest.main(defaultTest="all", argv=arguments, **settings)
    else:
        sys.exit("name the tests to run: modules, classes or methods")
