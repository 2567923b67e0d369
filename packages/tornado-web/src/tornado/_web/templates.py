"""Pages of handlers: templates, the names in them, and URLs of static files and routes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tornado._web import page_resources
from tornado._web.protection import ProtectionMethods
from tornado._web.template_loaders import directory_of_caller
from tornado._web.ui import PageParts, UINamespace
from tornado._web.urls import is_absolute

if TYPE_CHECKING:
    from tornado.locale import Locale
    from tornado.template import BaseLoader


class TemplateMethods(ProtectionMethods):
    """Methods by which a handler makes pages."""

    def render(self, template_name: str, **kwargs: Any) -> asyncio.Future[None]:
        """Render a template, with what its UI modules need put in its places, and finish the
        response with it.

        :arg template_name: name of the template; see `get_template_path`.
        :arg kwargs: names for the template.
        :returns: what `finish` returns.
        :raises RuntimeError: the response is finished.

        .. versionchanged:: 5.1
           Returns something awaitable.
        """
        if self._finished:
            raise RuntimeError("render() after the response was finished")
        page = self.render_string(template_name, **kwargs)
        if self._parts is not None and self._parts.active:
            page = page_resources.add_resources(page, self, self._parts.active.values())
        return self.finish(page)

    def render_string(self, template_name: str, **kwargs: Any) -> bytes:
        """Render a template and return the result; nothing is written.

        :arg template_name: name of the template; see `get_template_path`.
        :arg kwargs: names for the template, besides those of `get_template_namespace`.
        """
        directory = self.get_template_path()
        if directory is None:
            directory = directory_of_caller()
        loader = self.application._template_loaders.get(directory, self.create_template_loader)
        names = self.get_template_namespace()
        names.update(kwargs)
        return loader.load(template_name).generate(**names)

    def get_template_path(self) -> str | None:
        """Return the directory of the handler's templates: by default the setting
        ``template_path``.

        :returns: `None` for the directory of the file that calls `render` or `render_string`.
        """
        return self.application.settings.get("template_path")

    def create_template_loader(self, template_path: str) -> BaseLoader:
        """Make the loader for a directory; it is kept for later requests.

        The default goes by the settings ``template_loader`` (a loader of one's own), ``autoescape``
        and ``template_whitespace``.

        :arg template_path: the directory.
        """
        settings = self.application.settings
        own = settings.get("template_loader")
        if own is not None:
            return own  # type: ignore[no-any-return]  # settings are not typed
        options = {}
        if "autoescape" in settings:
            # `None` means something here: no escaping.
            options["autoescape"] = settings["autoescape"]
        if "template_whitespace" in settings:
            options["whitespace"] = settings["template_whitespace"]
        # Handlers that answer with something else than pages do without the engine.
        from tornado.template import Loader

        return Loader(template_path, **options)

    def get_template_namespace(self) -> dict[str, Any]:
        """Return the names that each template of the handler can use.

        They are ``handler``, ``request``, ``current_user``, ``locale``, ``_`` and ``pgettext`` (for
        translation), ``static_url``, ``xsrf_form_html``, ``reverse_url``, and the UI methods of the
        application. Override it to add more.

        :returns: a new dictionary.
        """
        locale = self.locale
        return {
            **self.ui,
            "_": locale.translate,
            "pgettext": locale.pgettext,
            "locale": locale,
            "handler": self,
            "request": self.request,
            "current_user": self.current_user,
            "static_url": self.static_url,
            "reverse_url": self.reverse_url,
            "xsrf_form_html": self.xsrf_form_html,
        }

    @property
    def ui(self) -> UINamespace:
        """The UI methods of the application, bound to this handler."""
        if self._parts is None:
            self._parts = PageParts(self)
        return self._parts.namespace

    # The elements that load what UI modules need; override them to change these.

    def render_linked_js(self, js_files: Iterable[str]) -> str:
        """Return the elements that load the scripts of UI modules.

        :arg js_files: URLs, or paths of static files.
        """
        return page_resources.script_elements(js_files, self._resource_url)

    def render_embed_js(self, js_embed: Iterable[bytes]) -> bytes:
        """Return the element that holds the embedded scripts of UI modules.

        :arg js_embed: the scripts.
        """
        return page_resources.script_element(js_embed)

    def render_linked_css(self, css_files: Iterable[str]) -> str:
        """Return the elements that load the style sheets of UI modules.

        :arg css_files: URLs, or paths of static files.
        """
        return page_resources.style_links(css_files, self._resource_url)

    def render_embed_css(self, css_embed: Iterable[bytes]) -> bytes:
        """Return the element that holds the embedded style rules of UI modules.

        :arg css_embed: the rules.
        """
        return page_resources.style_element(css_embed)

    def _resource_url(self, file: str) -> str:
        return file if is_absolute(file) else self.static_url(file)

    # URLs.

    def static_url(self, path: str, include_host: bool | None = None, **kwargs: Any) -> str:
        """Return the URL of a file below the setting ``static_path``, with its version.

        The setting ``static_handler_class`` may be a subclass of `StaticFileHandler` that makes
        other URLs.

        :arg path: relative to ``static_path``.
        :arg include_host: make it absolute; `None` goes by the handler's attribute
           ``include_host``, if any.
        :arg kwargs: for the ``make_static_url`` of the class, such as ``include_version``.
        :raises Exception: the setting is missing.
        """
        self.require_setting("static_path", "static_url")
        url: str = self.application._static_class().make_static_url(
            self.application.settings, path, **kwargs
        )
        if include_host is None:
            include_host = getattr(self, "include_host", False)
        return f"{self.request.protocol}://{self.request.host}{url}" if include_host else url

    def reverse_url(self, name: str, *args: Any) -> str:
        """Return the URL of a named route, as `Application.reverse_url`.

        :arg name: name of the route.
        :arg args: values for the groups of its pattern.
        """
        return self.application.reverse_url(name, *args)

    # Defined where users are; templates need them.

    @property
    def locale(self) -> Locale:
        """The locale of the user."""
        raise NotImplementedError(f"{type(self).__name__} is not a complete handler")

    @property
    def current_user(self) -> Any:
        """The user who made the request."""
        raise NotImplementedError(f"{type(self).__name__} is not a complete handler")
