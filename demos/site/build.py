"""The way from a folder of pages to a folder of a site."""

import shutil
from pathlib import Path, PurePosixPath
from typing import Any

from demos.site.pages import Page
from tornado.template import Loader


class Site:
    """A site.

    :arg source: folder of its pages and of other files.
    :arg templates: folder of its templates.
    :arg title: its title.
    :arg base_url: where it will be; feeds have whole addresses in them.
    """

    def __init__(self, source: Path, templates: Path, title: str, base_url: str) -> None:
        self.title = title
        self.base_url = base_url.rstrip("/")
        files = [path for path in sorted(source.rglob("*")) if path.is_file()]
        names = {path: PurePosixPath(path.relative_to(source).as_posix()) for path in files}
        names = {path: name for path, name in names.items() if not is_hidden(name)}
        pages = [Page(path, name) for path, name in names.items() if name.suffix == ".md"]
        self.pages = [page for page in pages if not page.is_draft]
        self.notes = sorted(
            (page for page in self.pages if page.date), key=lambda note: note.date, reverse=True
        )
        self.others = {path: name for path, name in names.items() if name.suffix != ".md"}
        self._loader = Loader(str(templates), namespace={"site": self})

    @property
    def tags(self) -> dict[str, list[Page]]:
        """Notes by tag."""
        tags: dict[str, list[Page]] = {}
        for note in self.notes:
            for tag in note.tags:
                tags.setdefault(tag, []).append(note)
        return dict(sorted(tags.items()))

    def tag_url(self, tag: str) -> str:
        """Return the address of a tag's page."""
        return f"tags/{''.join(c if c.isalnum() else '-' for c in tag.lower())}.html"

    def build(self, target: Path) -> int:
        """Write the site.

        :arg target: folder to write it to.
        :returns: the number of pages.
        """
        outputs = {page.url: self._page(page) for page in self.pages}
        for tag, notes in self.tags.items():
            outputs[self.tag_url(tag)] = self._render("tag.html", tag=tag, notes=notes, root="../")
        outputs["feed.xml"] = self._render("feed.xml")
        # All is rendered before anything is written: an error leaves the old site as it was.
        for url, output in outputs.items():
            path = target / url
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(output)
        for source, name in self.others.items():
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, path)
        return len(outputs)

    def _page(self, page: Page) -> bytes:
        is_front = page.url == "index.html"
        template = page.fields.get("template") or ("index.html" if is_front else "page.html")
        return self._render(template, page=page, root=page.root)

    def _render(self, template: str, **names: Any) -> bytes:
        return self._loader.load(template).generate(**names)


def is_hidden(name: PurePosixPath) -> bool:
    """Tell whether a file, or a folder that it's in, begins with a dot."""
    return any(part.startswith(".") for part in name.parts)
