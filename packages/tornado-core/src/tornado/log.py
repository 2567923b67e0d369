"""Loggers of the framework, and their formatting.

There are three loggers: ``tornado.access`` for requests, ``tornado.application`` for errors of applications, ``tornado.general`` for
everything else.
"""

from __future__ import annotations

import logging

access_log = logging.getLogger("tornado.access")
app_log = logging.getLogger("tornado.application")
gen_log = logging.getLogger("tornado.general")
