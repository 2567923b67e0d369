"""UI modules: parts of pages with their own style sheets and scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from tornado.escape import utf8

if TYPE_CHECKING:
    from tornado._web.templates import TemplateRenderer

UINamespace = dict[str, Any]


class UIModule:
    """A part of a page.

    Subclasses define `render`, and the other methods to say what the page needs for it.

    :arg handler: the handler whose page it is.
    """

    def __init__(self, handler: Any) -> None:
        self.handler = handler
        self.request = handler.request
        self.ui = handler.ui
        self.locale = handler.locale

    @property
    def current_user(self) -> Any:
        """The handler's user."""
        return self.handler.current_user

    def render(self, *args: Any, **kwargs: Any) -> str | bytes:
        """Return the part's HTML; arguments are those of ``{% module %}``."""
        raise NotImplementedError()

    def embedded_javascript(self) -> str | None:
        """Return code to put before ``</body>``, once for all uses of the module."""
        return None

    def javascript_files(self) -> Iterable[str] | None:
        """Return scripts to link: URLs, or paths of static files."""
        return None

    def embedded_css(self) -> str | None:
        """Return rules to put into ``<head>``, once for all uses of the module."""
        return None

    def css_files(self) -> Iterable[str] | None:
        """Return style sheets to link: URLs, or paths of static files."""
        return None

    def html_head(self) -> str | None:
        """Return HTML for the end of ``<head>``."""
        return None

    def html_body(self) -> str | None:
        """Return HTML for the end of ``<body>``."""
        return None

    def render_string(self, path: str, **kwargs: Any) -> bytes:
        """Render a template and return the result."""
        result: bytes = self.handler.render_string(path, **kwargs)
        return result


class _Linkify(UIModule):
    """``{% module linkify(text) %}``."""

    def render(self, text: str, **kwargs: Any) -> str:
        from tornado import escape

        linked: str = escape.linkify(text, **kwargs)
        return linked


class _XsrfFormHtml(UIModule):
    """``{% module xsrf_form_html() %}``."""

    def render(self) -> str:
        html: str = self.handler.xsrf_form_html()
        return html


class TemplateModule(UIModule):
    """``{% module Template(path, ...) %}``: a template that may name its resources with ``set_resources``.

    A template used several times on a page has to name the same ones each time.
    """

    def __init__(self, handler: Any) -> None:
        super().__init__(handler)
        self._resources: dict[str, dict[str, Any]] = {}

    def render(self, path: str, **kwargs: Any) -> bytes:
        """Render the template at ``path``."""

        def set_resources(**resources: Any) -> str:
            if self._resources.setdefault(path, resources) != resources:
                raise ValueError(f"set_resources called with different resources for {path!r}")
            return ""

        return self.render_string(path, set_resources=set_resources, **kwargs)

    def _each(self, key: str) -> Iterator[Any]:
        return (found[key] for found in self._resources.values() if key in found)

    def _joined(self, key: str) -> str:
        return "\n".join(self._each(key))

    def _files(self, key: str) -> list[str]:
        files: list[str] = []
        for found in self._each(key):
            files.extend([found] if isinstance(found, (str, bytes)) else found)
        return files

    def embedded_javascript(self) -> str:
        """Return the code of all templates."""
        return self._joined("embedded_javascript")

    def javascript_files(self) -> Iterable[str]:
        """Return the scripts of all templates."""
        return self._files("javascript_files")

    def embedded_css(self) -> str:
        """Return the rules of all templates."""
        return self._joined("embedded_css")

    def css_files(self) -> Iterable[str]:
        """Return the style sheets of all templates."""
        return self._files("css_files")

    def html_head(self) -> str:
        """Return the head HTML of all templates."""
        return "".join(self._each("html_head"))

    def html_body(self) -> str:
        """Return the body HTML of all templates."""
        return "".join(self._each("html_body"))


class _Modules:
    """UI modules by name, as ``{% module Name() %}`` finds them."""

    def __init__(self, handler: TemplateRenderer) -> None:
        self._handler = handler

    def __getitem__(self, name: str) -> Callable[..., Any]:
        handler = self._handler
        active = handler._active_modules
        if active is None:
            active = handler._active_modules = {}

        def render(*args: Any, **kwargs: Any) -> Any:
            if name not in active:
                active[name] = handler.application.ui_modules[name](handler)
            return active[name].render(*args, **kwargs)

        if name not in handler.application.ui_modules:
            raise KeyError(name)
        return render

    def __getattr__(self, name: str) -> Callable[..., Any]:
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(str(error)) from None


class BoundUI(dict[str, Any]):
    """UI methods bound to a handler, and its modules as ``_tt_modules``; entries are attributes too."""

    def __init__(self, handler: TemplateRenderer) -> None:
        super().__init__()
        for name, method in handler.application.ui_methods.items():
            self[name] = _bind(method, handler)
        self["_tt_modules"] = modules = _Modules(handler)
        # A variable named "modules" in a template hides only this second name.
        self.setdefault("modules", modules)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def _bind(method: Callable[..., Any], handler: object) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return method(handler, *args, **kwargs)

    return call


class PageResources:
    """What the modules of a page need, and where it goes.

    :arg handler: renders the elements.
    :arg modules: the modules of the page.
    """

    def __init__(self, handler: TemplateRenderer, modules: Iterable[UIModule]) -> None:
        self._handler = handler
        self._modules = list(modules)

    def insert(self, html: bytes) -> bytes:
        """Return the page with the resources before ``</head>`` and ``</body>``."""
        handler = self._handler
        body = self._linked("javascript_files", handler.render_linked_js)
        body += self._embedded("embedded_javascript", handler.render_embed_js)
        body += self._html("html_body")
        head = self._linked("css_files", handler.render_linked_css)
        head += self._embedded("embedded_css", handler.render_embed_css)
        head += self._html("html_head")
        if body:
            html = _before(html, b"</body>", body)
        if head:
            html = _before(html, b"</head>", head, first=True)
        return html

    def _linked(self, method: str, render: Callable[[Any], str]) -> bytes:
        files: list[str] = []
        for module in self._modules:
            found = getattr(module, method)()
            if found:
                files.extend([found] if isinstance(found, (str, bytes)) else found)
        return utf8(render(files)) + b"\n" if files else b""

    def _embedded(self, method: str, render: Callable[[Any], bytes]) -> bytes:
        parts = [part for module in self._modules if (part := getattr(module, method)())]
        return utf8(render(parts)) + b"\n" if parts else b""

    def _html(self, method: str) -> bytes:
        parts = [utf8(part) for module in self._modules if (part := getattr(module, method)())]
        return b"\n".join(parts) + b"\n" if parts else b""


def _before(html: bytes, mark: bytes, addition: bytes, *, first: bool = False) -> bytes:
    position = html.find(mark) if first else html.rfind(mark)
    if position < 0:
        return html
    return html[:position] + addition + html[position:]
