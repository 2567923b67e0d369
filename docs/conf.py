"""Settings of Sphinx."""

from __future__ import annotations

import sys

import tornado

# What native code replaces is documented where it stands in Python.
sys.modules["tornado._speedups"] = None

project = "Tornado"
copyright = "the Tornado maintainers"  # the name that Sphinx reads
version = release = tornado.version

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"Tornado {release}"

# Names in single backticks are Python objects, in docstrings and in pages.
default_role = "py:obj"
# Much of the public classes comes from private ones. What comes from elsewhere is documented there.
_FOREIGN = (
    "BaseException, object, dict, list, tuple, Executor, Future, Mapping, MutableMapping, Protocol,"
    " TestCase"
)
autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    "inherited-members": _FOREIGN,
}
autodoc_member_order = "bysource"
# What is optional need not be there.
autodoc_mock_imports = ["pycares", "pycurl"]
autodoc_typehints = "none"
autoclass_content = "class"
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
