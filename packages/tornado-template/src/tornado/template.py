"""A template language that is compiled to Python.

.. code-block:: python

   from tornado.template import Template

   template = Template("<ul>{% for name in names %}<li>{{ name }}</li>{% end %}</ul>")
   print(template.generate(names=["Tom & Jerry", "Sylvester"]))

``{{ expression }}`` outputs a Python expression, escaped for HTML. ``{% directive %}`` is one of:

``{% apply function %}...{% end %}``
    passes the output of what it contains, as bytes, through a function.
``{% autoescape function %}``
    names the function that escapes expressions of this file; ``None`` for none.
``{% block name %}...{% end %}``
    is a part that templates which extend this one can replace.
``{% comment ... %}``, ``{# ... #}``
    disappears.
``{% extends filename %}``
    takes another template and replaces its blocks; what isn't in a block is ignored.
``{% for var in expr %}...{% end %}``, ``{% while condition %}...{% end %}``
    are those of Python, with ``{% break %}``, ``{% continue %}`` and ``{% else %}``.
``{% if condition %}...{% elif condition %}...{% else %}...{% end %}``
    is that of Python.
``{% import module %}``, ``{% from module import name %}``
    are those of Python.
``{% include filename %}``
    inserts another template, which sees the variables of this one.
``{% module expression %}``
    inserts a UI module (of `tornado.web`).
``{% raw expression %}``
    outputs an expression without escaping.
``{% set variable = expression %}``
    sets a variable.
``{% try %}...{% except %}...{% else %}...{% finally %}...{% end %}``
    is that of Python.
``{% whitespace mode %}``
    sets the treatment of white space for the rest of the file, see `filter_whitespace`.

``{{!``, ``{%!`` and ``{#!`` output the delimiters without the exclamation mark.

Expressions with ``await`` in them are for `Template.generate_async`.

``python -m tornado.template FILE --name=value`` renders a file;
``python -m tornado.template --check PATH`` reports the errors of files and folders, one a line.
"""

from tornado._template.errors import ParseError
from tornado._template.loader import BaseLoader, DictLoader, Loader
from tornado._template.template import Template
from tornado._template.whitespace import filter_whitespace

__all__ = ["BaseLoader", "DictLoader", "Loader", "ParseError", "Template", "filter_whitespace"]

if __name__ == "__main__":
    import sys

    from tornado._template.cli import main

    sys.exit(main())
