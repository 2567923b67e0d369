"""What templates cost on tornado: the same program for this project and for upstream.

Arguments: the task, and seconds.
"""

import sys

from repeat import repeat

from tornado.escape import xhtml_escape
from tornado.template import DictLoader, Template

TABLE = """<table>{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% end %}</tr>
{% end %}</table>"""
ROWS = [
    [f"cell {row} & {column}" if column == 5 else column for column in range(10)]
    for row in range(1000)
]

PAGES = {
    "base.html": """<!doctype html><html><head><title>{% block title %}{% end %}</title></head>
<body>{% include "menu.html" %}<main>{% block main %}{% end %}</main>{% block foot %}(c){% end %}
</body></html>""",
    "menu.html": """<nav>{% for name, link in menu %}
<a href="{{ link }}">{{ name }}</a>{% end %}</nav>""",
    "list.html": """{% extends "base.html" %}{% block title %}{{ title }}{% end %}{% block main %}
<h1>{{ title }}</h1>{% for item in items %}{% module Entry(item) %}{% end %}{% end %}""",
    "entry.html": """<div class="entry"><h2>{{ item["title"] }}</h2>
{% if item["tags"] %}<ul>{% for tag in item["tags"] %}<li>{{ tag }}</li>{% end %}</ul>{% end %}
<p>{{ item["text"] }}</p></div>""",
}
MENU = [(f"Page {number}", f"/page/{number}?a=1&b=2") for number in range(8)]
ITEMS = [
    {"title": f"Item <{number}>", "tags": ["new", "a & b"], "text": "Some text, and more. " * 5}
    for number in range(20)
]


class Modules:
    """UI modules, as the web framework gives them to templates."""

    def __init__(self, entry):
        self.Entry = lambda item: entry.generate(item=item)


def main():
    """Measure."""
    task, seconds = sys.argv[1:]
    table = Template(TABLE)
    loader = DictLoader(PAGES)
    page, modules = loader.load("list.html"), Modules(loader.load("entry.html"))
    text = "Some text without anything to escape. "
    calls = {
        "table": lambda: table.generate(rows=ROWS),
        "page": lambda: page.generate(title="Items", menu=MENU, items=ITEMS, _tt_modules=modules),
        "compile": lambda: [Template(source, loader=loader) for source in (TABLE, *PAGES.values())],
        "escape_short": lambda: [xhtml_escape("some name") for _ in range(1000)],
        "escape_long": lambda: [xhtml_escape(text * 50) for _ in range(100)],
        "escape_sparse": lambda: [xhtml_escape(text + "a & b") for _ in range(1000)],
        "escape_dense": lambda: [xhtml_escape("<a href=\"b\">'c' & d</a>") for _ in range(1000)],
    }
    repeat(calls[task], float(seconds))


main()
