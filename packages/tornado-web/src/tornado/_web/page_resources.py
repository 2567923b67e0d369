"""What the UI modules of a page need, and the places in the page where it goes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from tornado._late import late_regex
from tornado._web.ui import UIModule, as_urls
from tornado.escape import utf8, xhtml_escape

if TYPE_CHECKING:
    from tornado._web.templates import TemplateMethods

_END_OF_HEAD = late_regex(rb"</head\s*>", re.IGNORECASE)
_END_OF_BODY = late_regex(rb"</body\s*>", re.IGNORECASE)


def add_resources(html: bytes, handler: TemplateMethods, modules: Iterable[UIModule]) -> bytes:
    """Insert what modules need into a page.

    Style goes to the end of the head, scripts to the end of the body. A page without such an
    element gets them at its very beginning or end.

    :arg html: the page.
    :arg handler: its ``render_...`` methods make the elements.
    :arg modules: the modules in use.
    """
    active = list(modules)
    head = _head_of(handler, active)
    if head:
        found = _END_OF_HEAD.search(html)
        html = _insert(html, found.start() if found else 0, head)
    body = _body_of(handler, active)
    if body:
        # Scripts may hold the text of such a tag; the last one is the page's own.
        places = [found.start() for found in _END_OF_BODY.finditer(html)]
        html = _insert(html, places[-1] if places else len(html), body)
    return html


def _head_of(handler: TemplateMethods, modules: list[UIModule]) -> list[bytes]:
    parts: list[bytes] = []
    files = _distinct(url for module in modules for url in as_urls(module.css_files()))
    if files:
        parts.append(utf8(handler.render_linked_css(files)))
    styles = _texts(module.embedded_css() for module in modules)
    if styles:
        parts.append(utf8(handler.render_embed_css(styles)))
    markup = _texts(module.html_head() for module in modules)
    return parts + markup


def _body_of(handler: TemplateMethods, modules: list[UIModule]) -> list[bytes]:
    parts: list[bytes] = []
    files = _distinct(url for module in modules for url in as_urls(module.javascript_files()))
    if files:
        parts.append(utf8(handler.render_linked_js(files)))
    scripts = _texts(module.embedded_javascript() for module in modules)
    if scripts:
        parts.append(utf8(handler.render_embed_js(scripts)))
    markup = _texts(module.html_body() for module in modules)
    return parts + markup


def _distinct(urls: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(urls))


def _texts(values: Iterable[str | bytes | None]) -> list[bytes]:
    return [utf8(value) for value in values if value]


def _insert(html: bytes, place: int, parts: list[bytes]) -> bytes:
    return b"".join([html[:place], *(part + b"\n" for part in parts), html[place:]])


def script_elements(files: Iterable[str], resolve: Callable[[str], str]) -> str:
    """Return ``<script>`` elements that load files.

    :arg files: URLs or paths of static files.
    :arg resolve: makes a URL of either.
    """
    urls = _distinct(resolve(file) for file in files)
    return "".join(
        f'<script src="{xhtml_escape(url)}" type="text/javascript"></script>' for url in urls
    )


def style_links(files: Iterable[str], resolve: Callable[[str], str]) -> str:
    """Return ``<link>`` elements that load style sheets.

    :arg files: URLs or paths of static files.
    :arg resolve: makes a URL of either.
    """
    urls = _distinct(resolve(file) for file in files)
    return "".join(
        f'<link href="{xhtml_escape(url)}" type="text/css" rel="stylesheet"/>' for url in urls
    )


def script_element(codes: Iterable[bytes]) -> bytes:
    """Return a ``<script>`` element with code in it, guarded for parsers of XHTML."""
    opening = b'<script type="text/javascript">\n//<![CDATA[\n'
    return opening + b"\n".join(codes) + b"\n//]]>\n</script>"


def style_element(rules: Iterable[bytes]) -> bytes:
    """Return a ``<style>`` element with rules in it."""
    return b'<style type="text/css">\n' + b"\n".join(rules) + b"\n</style>"
