"""Pages, as they're read from Markdown files."""

import datetime
import re
from pathlib import Path, PurePosixPath

import markdown

from tornado.util import ObjectDict

_FIELD = re.compile(r"([a-z]+):[ \t]*(.*)")
_HEADING = re.compile(r"^#\s+(.+?)\s*#*\s*$", re.MULTILINE)


class PageError(Exception):
    """A page's file is wrong."""


class Page:
    """A page.

    :arg path: its file.
    :arg name: the file's path within the site.
    """

    def __init__(self, path: Path, name: PurePosixPath) -> None:
        self.fields, text = split(path.read_text("utf-8"))
        heading = _HEADING.search(text)
        self.name = name
        self.url = str(name.with_suffix(".html"))
        self.title = self.fields.get("title") or (heading[1] if heading else name.stem)
        self.date = self._date()
        self.tags = sorted({tag.strip() for tag in self.fields.get("tags", "").split(",")} - {""})
        self.is_draft = self.fields.get("draft", "no") == "yes"
        self.html = markdown.markdown(text, extensions=["extra", "toc"], output_format="html")

    def _date(self) -> datetime.date | None:
        text = self.fields.get("date")
        if text is None:
            return None
        try:
            return datetime.date.fromisoformat(text)
        except ValueError as error:
            raise PageError(f"{self.name}: {text!r} is no date such as 2024-05-01") from error

    @property
    def root(self) -> str:
        """The way from the page up to the site's root: sites work in any folder of a server."""
        return "../" * (len(self.name.parts) - 1)


def split(text: str) -> tuple[ObjectDict, str]:
    """Return the fields at the top of a text, and what follows them."""
    head, _, body = text.partition("\n\n")
    matches = [_FIELD.fullmatch(line.rstrip()) for line in head.splitlines()]
    if not all(matches):
        # There are none, or the first paragraph happens to begin like a field.
        return ObjectDict(), text
    return ObjectDict(match.groups() for match in matches if match), body
