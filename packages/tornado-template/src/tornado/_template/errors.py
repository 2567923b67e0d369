"""The error of templates that can't be read."""

from __future__ import annotations

_SHOWN = 160  # characters of a source line


class ParseError(Exception):
    """A template's text is wrong.

    :arg message: what is wrong, and what was expected.
    :arg filename: name of the template.
    :arg lineno: line in it, counted from 1.
    :arg column: column in the line, counted from 1; 0 if it's not known.
    :arg source_line: text of the line.

    .. versionchanged:: 4.3
       Added ``filename`` and ``lineno``.
    """

    __module__ = "tornado.template"  # as tracebacks and logs call it

    def __init__(
        self,
        message: str,
        filename: str | None = None,
        lineno: int = 0,
        *,
        column: int = 0,
        source_line: str = "",
    ) -> None:
        super().__init__(message, filename, lineno)
        self.message = message
        self.filename = filename
        self.lineno = lineno
        self.column = column
        self.source_line = source_line

    def __str__(self) -> str:
        if self.filename is None:
            return self.message
        place = f"{self.filename}:{self.lineno}"
        if self.column:
            place += f":{self.column}"
        return f"{place}: {self.message}{self._excerpt()}"

    def _excerpt(self) -> str:
        """The source line, and below it a mark of the column."""
        if not self.source_line.strip():
            return ""
        line, column = self._shown_part()
        number = str(self.lineno)
        excerpt = f"\n  {number} | {line}"
        if column:
            # Tabs stay, so that the mark stands below its character wherever they lead.
            blanks = "".join(c if c == "\t" else " " for c in line[: column - 1])
            excerpt += f"\n  {' ' * len(number)} | {blanks}^"
        return excerpt

    def _shown_part(self) -> tuple[str, int]:
        """The source line, or of a long one what is around the column, and the column in that."""
        # What isn't shown, or moves the cursor, would part the mark from its character.
        line = "".join(c if c.isprintable() or c == "\t" else " " for c in self.source_line)
        line = line.rstrip()
        start = max(0, self.column - 1 - _SHOWN // 2)
        before, after = "..." * (start > 0), "..." * (start + _SHOWN < len(line))
        column = self.column and self.column - start + len(before)
        return f"{before}{line[start : start + _SHOWN]}{after}", column
