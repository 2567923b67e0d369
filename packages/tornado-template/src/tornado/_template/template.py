"""`Template`: a compiled template."""

from __future__ import annotations

import datetime
from types import FunctionType
from typing import TYPE_CHECKING, Any

from tornado import escape
from tornado._template.compiler import Compiler
from tornado._template.lexer import Source
from tornado._template.parser import Parser
from tornado._template.runtime import bytes_of, escaper, text_of
from tornado._template.traceback import point_into_templates
from tornado.util import ObjectDict

if TYPE_CHECKING:
    from tornado._template.loader import BaseLoader

DEFAULT_AUTOESCAPE = "xhtml_escape"


class _Unset:
    """Stands for an argument that wasn't given, where `None` means something."""


_UNSET = _Unset()

# What every template can use.
_COMMON_NAMES: dict[str, Any] = {
    "escape": escape.xhtml_escape,
    "xhtml_escape": escape.xhtml_escape,
    "url_escape": escape.url_escape,
    "json_encode": escape.json_encode,
    "squeeze": escape.squeeze,
    "datetime": datetime,
    "_tt_utf8": escape.utf8,
    "_tt_string_types": (str, bytes),
    "_tt_text": text_of,
    "_tt_bytes": bytes_of,
}


class Template:
    """A template.

    .. code-block:: python

       print(Template("Hello {{ name }}").generate(name="<you>"))

    :arg template_string: the text; bytes are UTF-8.
    :arg name: a name for messages; by its ending it decides about white space.
    :arg loader: finds the templates that this one extends and includes.
    :arg compress_whitespace: true is ``whitespace="single"``, false is ``whitespace="all"``
        (documented API versions before 4.3).
    :arg autoescape: name of the function that expressions are escaped with, `None` for no escaping;
        the loader's by default, or else
        ``xhtml_escape``.
    :arg whitespace: ``all``, ``single`` or ``oneline``, see `filter_whitespace`; ``single`` by
        default for names that end in ``.html`` or
        ``.js``, otherwise ``all``.
    :raises ParseError: the text is malformed.
    :raises TypeError: both ``compress_whitespace`` and ``whitespace`` are given.

    .. versionchanged:: 4.3
       Added ``whitespace``.
    """

    def __init__(
        self,
        template_string: str | bytes,
        name: str = "<string>",
        loader: BaseLoader | None = None,
        compress_whitespace: bool | _Unset = _UNSET,
        autoescape: str | _Unset | None = _UNSET,
        whitespace: str | None = None,
    ) -> None:
        self.name = escape.native_str(name)
        self.loader = loader
        self.namespace: dict[str, Any] = loader.namespace if loader is not None else {}
        self.whitespace = self._choose_whitespace(compress_whitespace, whitespace)
        if isinstance(autoescape, _Unset):
            self.autoescape = loader.autoescape if loader is not None else DEFAULT_AUTOESCAPE
        else:
            self.autoescape = autoescape
        self.source = Source(self.name, escape.native_str(template_string))
        self.code_name = f"{self.name.replace('.', '_')}.generated.py"
        self.body = Parser(self.source, self).parse()
        compiler = Compiler(self)
        self.code, self.compiled = compiler.compile()
        self._places = compiler.places

    @property
    def file(self) -> Any:
        """The parsed template."""
        return self.body

    def _choose_whitespace(self, compress_whitespace: bool | _Unset, whitespace: str | None) -> str:
        if not isinstance(compress_whitespace, _Unset):
            if whitespace is not None:
                raise TypeError("cannot set both whitespace and compress_whitespace")
            return "single" if compress_whitespace else "all"
        if whitespace:
            return whitespace
        if self.loader is not None and self.loader.whitespace:
            return self.loader.whitespace
        return "single" if self.name.endswith((".html", ".js")) else "all"

    def generate(self, **kwargs: Any) -> bytes:
        """Return the rendered template as UTF-8.

        :arg kwargs: names for the template.
        """
        namespace = {
            **_COMMON_NAMES,
            "linkify": escape.linkify,
            "__name__": self.name.replace(".", "_"),
            "__loader__": ObjectDict(get_source=self._get_source),
            "__builtins__": __builtins__,
            **self.namespace,
            **kwargs,
        }
        namespace["_tt_escape"] = escaper(namespace["xhtml_escape"])
        execute = FunctionType(self.compiled, namespace)
        try:
            text: str = execute()
        except Exception as error:
            error.__traceback__ = point_into_templates(
                error.__traceback__, self.code_name, self._places
            )
            raise
        return bytes_of(text)

    def _get_source(self, name: str) -> str:
        return self.code
