"""The part of a handler that renders templates."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any, ClassVar

from tornado import template
from tornado._web.ui import BoundUI, PageResources, UINamespace
from tornado._web.xsrf import CrossSiteGuard
from tornado.escape import utf8, xhtml_escape


class TemplateRenderer(CrossSiteGuard):
    """Methods of handlers that render templates."""

    _template_loaders: ClassVar[dict[str, template.BaseLoader]] = {}
    _template_loader_lock: ClassVar[threading.Lock] = threading.Lock()
    _ui: UINamespace | None = None
    _active_modules: dict[str, Any] | None = None

    @property
    def ui(self) -> UINamespace:
        """UI modules and methods of the application, as templates see them."""
        if self._ui is None:
            self._ui = BoundUI(self)
        return self._ui

    def render(self, template_name: str, **kwargs: Any) -> Any:
        """Render a template as the response, with the resources of its UI modules, and end the request.

        :arg template_name: its name, as `get_template_path` has it.
        :arg kwargs: further names for the template.
        :returns: what `finish` returns.
        :raises RuntimeError: the response is finished.
        """
        if self._finished:
            raise RuntimeError("Cannot render() after finish()")
        html = self.render_string(template_name, **kwargs)
        if self._active_modules:
            html = PageResources(self, self._active_modules.values()).insert(html)
        return self.finish(html)

    def render_string(self, template_name: str, **kwargs: Any) -> bytes:
        """Render a template and return the result."""
        path = self.get_template_path()
        if path is None:
            path = _directory_of_caller()
        loader = self._loader_for(path)
        namespace = self.get_template_namespace()
        namespace.update(kwargs)
        result: bytes = loader.load(template_name).generate(**namespace)
        return result

    def _loader_for(self, path: str) -> template.BaseLoader:
        with TemplateRenderer._template_loader_lock:
            loader = self._template_loaders.get(path)
            if loader is None:
                loader = self.create_template_loader(path)
                self._template_loaders[path] = loader
            return loader

    def get_template_path(self) -> str | None:
        """Return the directory of templates: the ``template_path`` setting; `None` means that of the calling file."""
        return self.settings.get("template_path")

    def get_template_namespace(self) -> dict[str, Any]:
        """Return the names that every template has; subclasses may add some."""
        names: dict[str, Any] = {
            "handler": self,
            "request": self.request,
            "current_user": self.current_user,
            "locale": self.locale,
            "_": self.locale.translate,
            "pgettext": self.locale.pgettext,
            "static_url": self.static_url,
            "xsrf_form_html": self.xsrf_form_html,
            "reverse_url": self.reverse_url,
        }
        names.update(self.ui)
        return names

    def create_template_loader(self, template_path: str) -> template.BaseLoader:
        """Return a loader for a directory: that of the ``template_loader`` setting, or one made by ``autoescape`` and
        ``template_whitespace``.
        """
        settings = self.settings
        if "template_loader" in settings:
            loader: template.BaseLoader = settings["template_loader"]
            return loader
        options: dict[str, Any] = {}
        if "autoescape" in settings:
            options["autoescape"] = settings["autoescape"]
        if "template_whitespace" in settings:
            options["whitespace"] = settings["template_whitespace"]
        return template.Loader(template_path, **options)

    # What follows is used by templates and defined by the handler proper.

    @property
    def current_user(self) -> Any:
        """The user, as `get_current_user` finds it; it can be assigned."""
        if self._current_user is None:
            self._current_user = self.get_current_user()
        return self._current_user

    @current_user.setter
    def current_user(self, value: Any) -> None:
        self._current_user = value

    def get_current_user(self) -> Any:
        """Return the user of the request, `None` for nobody; subclasses define it."""
        return None

    _locale: Any = None

    @property
    def locale(self) -> Any:
        """The `~tornado.locale.Locale`: that of `get_user_locale`, or else of `get_browser_locale`. It can be assigned."""
        if self._locale is None:
            self._locale = self.get_user_locale() or self.get_browser_locale()
        return self._locale

    @locale.setter
    def locale(self, value: Any) -> None:
        self._locale = value

    def get_user_locale(self) -> Any:
        """Return the locale that the user has chosen, `None` for none; subclasses define it."""
        return None

    def get_browser_locale(self, default: str = "en_US") -> Any:
        """Return the locale that the ``Accept-Language`` header asks for (RFC 9110 section 12.5.4)."""
        from tornado import locale

        ranked = []
        for item in self.request.headers.get("Accept-Language", "").split(","):
            code, _, parameter = item.strip().partition(";")
            weight = _weight(parameter)
            if code and weight > 0:
                ranked.append((weight, code))
        ranked.sort(key=lambda pair: pair[0], reverse=True)
        return locale.get(*[code for _, code in ranked]) if ranked else locale.get(default)

    def static_url(self, path: str, include_host: bool | None = None, **kwargs: Any) -> str:
        """Return the URL of a static file, with a version that changes with its content.

        :arg path: path below the ``static_path`` setting.
        :arg include_host: make it absolute; the handler's attribute ``include_host`` by default, or else false.
        :arg kwargs: ``include_version``.
        """
        self.require_setting("static_path", "static_url")
        handler_class = self.settings.get("static_handler_class")
        if handler_class is None:
            from tornado._web.static import StaticFileHandler

            handler_class = StaticFileHandler
        if include_host is None:
            include_host = getattr(self, "include_host", False)
        base = f"{self.request.protocol}://{self.request.host}" if include_host else ""
        url: str = handler_class.make_static_url(self.settings, path, **kwargs)
        return base + url

    def reverse_url(self, name: str, *args: Any) -> str:
        """Return the URL of a named route; see `Application.reverse_url`."""
        return self.application.reverse_url(name, *args)

    # -- resources of UI modules; subclasses may write other elements

    def render_linked_js(self, js_files: Any) -> str:
        """Return ``<script>`` elements for files."""
        return "".join(
            f'<script src="{xhtml_escape(self._resource_url(path))}" type="text/javascript"></script>'
            for path in dict.fromkeys(js_files)
        )

    def render_embed_js(self, js_embed: Any) -> bytes:
        """Return a ``<script>`` element with code."""
        code = b"\n".join(utf8(part) for part in js_embed)
        return b'<script type="text/javascript">\n//<![CDATA[\n' + code + b"\n//]]>\n</script>"

    def render_linked_css(self, css_files: Any) -> str:
        """Return ``<link>`` elements for style sheets."""
        return "".join(
            f'<link href="{xhtml_escape(self._resource_url(path))}" type="text/css" rel="stylesheet"/>'
            for path in dict.fromkeys(css_files)
        )

    def render_embed_css(self, css_embed: Any) -> bytes:
        """Return a ``<style>`` element."""
        rules = b"\n".join(utf8(part) for part in css_embed)
        return b'<style type="text/css">\n' + rules + b"\n</style>"

    def _resource_url(self, path: str) -> str:
        if path.startswith(("/", "http://", "https://")):
            return path
        return self.static_url(path)


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not parameter:
        return 1.0
    try:
        return float(value) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0


def _directory_of_caller() -> str:
    """Return the directory of the file that called into the framework's rendering."""
    frame = sys._getframe(1)
    own = frame.f_code.co_filename
    while frame.f_back is not None and frame.f_code.co_filename == own:
        frame = frame.f_back
    return os.path.dirname(frame.f_code.co_filename)
