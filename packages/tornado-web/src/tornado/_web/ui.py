"""UI modules: parts of pages that bring their style sheets and scripts along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from tornado import escape

if TYPE_CHECKING:
    from tornado._web.templates import TemplateMethods
    from tornado.httputil import HTTPServerRequest


class UIModule:
    """A part of a page, used in templates as ``{% module Name(arguments) %}``.

    Subclasses define `render`, and whichever of the other methods they need: what these return is
    put into the page once, however often the module is used in it. Name the classes in the setting
    ``ui_modules``.

    :arg handler: the handler whose response the page is.

    .. attribute:: handler

       The handler.

    .. attribute:: request

       Its request.

    .. attribute:: ui

       UI methods and modules of the application, as in templates.

    .. attribute:: locale

       The handler's locale.
    """

    def __init__(self, handler: TemplateMethods) -> None:
        self.handler = handler
        self.request: HTTPServerRequest = handler.request
        self.ui = handler.ui
        self.locale = handler.locale

    @property
    def current_user(self) -> Any:
        """The handler's `RequestHandler.current_user`."""
        return self.handler.current_user

    def render(self, *args: Any, **kwargs: Any) -> str | bytes:
        """Return the HTML of the module; it is inserted as it is.

        :arg args: what the template passes.
        :arg kwargs: what the template passes.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define render()")

    def embedded_javascript(self) -> str | bytes | None:
        """Return JavaScript for the end of the body; override it."""
        return None

    def javascript_files(self) -> str | Iterable[str] | None:
        """Return the URL of a script, or several; relative ones are paths below ``static_path``.
        Override it.
        """
        return None

    def embedded_css(self) -> str | bytes | None:
        """Return style rules for the head; override it."""
        return None

    def css_files(self) -> str | Iterable[str] | None:
        """Return the URL of a style sheet, or several; relative ones are paths below
        ``static_path``. Override it.
        """
        return None

    def html_head(self) -> str | bytes | None:
        """Return HTML for the end of the head; override it."""
        return None

    def html_body(self) -> str | bytes | None:
        """Return HTML for the end of the body; override it."""
        return None

    def render_string(self, path: str, **kwargs: Any) -> bytes:
        """Render a template, as `RequestHandler.render_string` does.

        :arg path: name of the template.
        :arg kwargs: names for it.
        """
        return self.handler.render_string(path, **kwargs)


class LinkifyModule(UIModule):
    """``{% module linkify(text) %}``: text whose URLs are links."""

    def render(self, text: str, **kwargs: Any) -> str:
        """Return the text as HTML; arguments are those of `tornado.escape.linkify`."""
        return escape.linkify(text, **kwargs)


class XsrfFormModule(UIModule):
    """``{% module xsrf_form_html() %}``: the hidden field for forms."""

    def render(self) -> str:
        """Return the field."""
        return self.handler.xsrf_form_html()


class TemplateModule(UIModule):
    """``{% module Template(path, ...) %}``: a template used as a UI module.

    It sees the names that each template has and the keyword arguments, not the variables of the
    page around it. It names what it needs with ``{{ set_resources(embedded_css="...") }}``; the
    keywords are the names of the methods of `UIModule`.
    """

    def __init__(self, handler: TemplateMethods) -> None:
        super().__init__(handler)
        self._resources: dict[str, dict[str, Any]] = {}

    def render(self, path: str, **kwargs: Any) -> bytes:
        """Return the rendered template.

        :arg path: name of the template.
        :arg kwargs: names for it.
        :raises ValueError: the template was used before on this page, and named other resources
           then.
        """
        return self.render_string(path, set_resources=partial(self._keep, path), **kwargs)

    def _keep(self, path: str, **resources: Any) -> str:
        if self._resources.setdefault(path, resources) != resources:
            raise ValueError(f"template {path!r} named other resources when it was used before")
        return ""

    def _named(self, kind: str) -> Iterator[Any]:
        for resources in self._resources.values():
            if resources.get(kind):
                yield resources[kind]

    def _text(self, kind: str) -> str:
        return "\n".join([escape.to_unicode(text) for text in self._named(kind)])

    def _urls(self, kind: str) -> list[str]:
        return [url for named in self._named(kind) for url in as_urls(named)]

    def embedded_javascript(self) -> str:
        """Return the scripts that the templates have named."""
        return self._text("embedded_javascript")

    def javascript_files(self) -> list[str]:
        """Return the URLs of scripts that the templates have named."""
        return self._urls("javascript_files")

    def embedded_css(self) -> str:
        """Return the style rules that the templates have named."""
        return self._text("embedded_css")

    def css_files(self) -> list[str]:
        """Return the URLs of style sheets that the templates have named."""
        return self._urls("css_files")

    def html_head(self) -> str:
        """Return the head HTML that the templates have named."""
        return self._text("html_head")

    def html_body(self) -> str:
        """Return the body HTML that the templates have named."""
        return self._text("html_body")


def as_urls(value: str | bytes | Iterable[str] | None) -> list[str]:
    """Return the URLs that a module gave, be it one, several or none."""
    if not value:
        return []
    if isinstance(value, (str, bytes)):
        return [escape.to_unicode(value)]
    return list(value)


class PageParts:
    """The UI modules and methods of one page.

    :arg handler: the handler whose response the page is.
    """

    def __init__(self, handler: TemplateMethods) -> None:
        self._handler = handler
        self._known = handler.application.ui_modules
        #: The modules in use, by name, in the order in which the page came upon them.
        self.active: dict[str, UIModule] = {}
        self.namespace = UINamespace(
            {name: partial(m, handler) for name, m in handler.application.ui_methods.items()}
        )
        modules = ModuleNames(self)
        self.namespace["_tt_modules"] = modules
        # Templates may have a variable of this name; "{% module %}" uses the one above.
        self.namespace["modules"] = modules

    def renderer(self, name: str) -> Callable[..., str | bytes]:
        """Return the ``render`` of a module, which is made when it is first asked for.

        :raises KeyError: the application has no such module.
        """
        module = self.active.get(name)
        if module is None:
            made: UIModule = self._known[name](self._handler)
            module = self.active.setdefault(name, made)
        return module.render


class UINamespace(dict[str, Any]):
    """UI methods by name; names are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the application has no UI method {name!r}") from None


class ModuleNames:
    """The UI modules of a page as attributes and as keys: what ``{% module Name() %}`` looks a name
    up in.
    """

    def __init__(self, parts: PageParts) -> None:
        self._parts = parts

    def __getitem__(self, name: str) -> Callable[..., str | bytes]:
        return self._parts.renderer(name)

    def __getattr__(self, name: str) -> Callable[..., str | bytes]:
        try:
            return self._parts.renderer(name)
        except KeyError:
            raise AttributeError(f"the application has no UI module {name!r}") from None
