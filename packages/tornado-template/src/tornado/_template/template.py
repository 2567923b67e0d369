"""`Template`: a compiled template."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tornado._template.loader import BaseLoader

ESCAPES_HTML = "xhtml_escape"


class _Unset:
    """Stands for an argument that wasn't given, where `None` means something."""


_UNSET = _Unset()


class Template:
    """A template.

    .. code-block:: python

       print(Template("Hello {{ name }}").generate(name="<you>"))

    :arg template_string: the text; bytes are UTF-8.
    :arg name: a name for messages; by its ending it decides about white space.
    :arg loader: finds the templates that this one extends and includes.
    :arg compress_whitespace: true is ``whitespace="single"``, false is ``whitespace="all"``, `None`
        is the default (API versions before 4.3).
    :arg autoescape: name of the function that expressions are escaped with, `None` for no escaping;
        the loader's by default, or else ``xhtml_escape``.
    :arg whitespace: ``all``, ``single`` or ``oneline``, see `filter_whitespace`; ``single`` by
        default for names that end in ``.html`` or ``.js``, otherwise ``all``. Texts with ``<pre>``
        stay as they are.
    :raises ParseError: the text is malformed.
    :raises TypeError: both ``compress_whitespace`` and ``whitespace`` are given, or ``autoescape``
        is a function instead of the name of one.

    .. versionchanged:: 4.3
       Added ``whitespace``.
    """

    def __init__(
        self,
        template_string: str | bytes,
        name: str = "<string>",
        loader: BaseLoader | None = None,
        compress_whitespace: bool | _Unset | None = _UNSET,
        autoescape: str | _Unset | None = _UNSET,
        whitespace: str | None = None,
    ) -> None:
        # The first template pays for the compiler, not everyone who imports the module.
        from tornado._template import engine

        self._engine = engine
        self.loader = loader
        self.namespace: dict[str, Any] = loader.namespace if loader is not None else {}
        self.name = engine.text_from(name)
        self.code_name = f"{self.name.replace('.', '_')}.generated.py"
        # The text itself may choose otherwise.
        self.autoescape = self._choose_autoescape(autoescape)
        self.whitespace = self._choose_whitespace(compress_whitespace, whitespace)
        self.source, self.body = engine.parse(self, template_string)
        self._function = engine.compile_template(self)
        self._names = {
            **engine.COMMON_NAMES,
            "__name__": self.name.replace(".", "_"),
            "__loader__": engine.SourceLoader(self._function.source),
        }

    @property
    def is_async(self) -> bool:
        """Whether it awaits something, so that only `generate_async` can render it.

        .. versionadded:: 6.100
        """
        return self._function.is_async

    @property
    def code(self) -> str:
        """The Python function that the template was made into, as text."""
        return self._function.source

    @property
    def compiled(self) -> Any:
        """The code object of that function."""
        return self._function.code

    @property
    def file(self) -> Any:
        """The parsed template."""
        return self.body

    def _choose_autoescape(self, autoescape: str | _Unset | None) -> str | None:
        if isinstance(autoescape, _Unset):
            autoescape = self.loader.autoescape if self.loader is not None else ESCAPES_HTML
        if autoescape is not None and not isinstance(autoescape, str):
            raise TypeError(f"autoescape is the name of a function or None, not {autoescape!r}")
        return autoescape or None

    def _choose_whitespace(
        self, compress_whitespace: bool | _Unset | None, whitespace: str | None
    ) -> str:
        if not isinstance(compress_whitespace, _Unset) and compress_whitespace is not None:
            if whitespace is not None:
                raise TypeError("whitespace and compress_whitespace exclude each other")
            return "single" if compress_whitespace else "all"
        if whitespace is not None:
            return whitespace
        if self.loader is not None and self.loader.whitespace:
            return self.loader.whitespace
        return "single" if self.name.endswith((".html", ".js")) else "all"

    def generate(self, **kwargs: Any) -> bytes:
        """Return the rendered template as UTF-8.

        :arg kwargs: names for the template.
        :raises RuntimeError: the template awaits something; that is for `generate_async`.
        """
        if self.is_async:
            raise RuntimeError(
                f"{self.name} has `await` in it: render it with `await template.generate_async()`"
            )
        names = {**self._names, **self.namespace, **kwargs}
        return self._engine.render(self, self._function, names)

    async def generate_async(self, **kwargs: Any) -> bytes:
        """Return the rendered template as UTF-8; its expressions may have ``await`` in them.

        .. code-block:: python

           template = Template("Hello {{ await find_name(user) }}")
           page = await template.generate_async(find_name=find_name, user=7)

        Templates without any ``await`` are rendered as `generate` does.

        :arg kwargs: names for the template.

        .. versionadded:: 6.100
        """
        if not self.is_async:
            return self.generate(**kwargs)
        names = {**self._names, **self.namespace, **kwargs}
        return await self._engine.render_async(self, self._function, names)
