"""The generator of static sites."""

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent.parent
ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = {
    "index.md": "# Home\n\nWelcome.",
    "about.md": "title: <About> us\n\nText with `<code>` & more.",
    "notes/cats.md": "title: Cats\ndate: 2024-05-01\ntags: animals, pets\n\n# Cats\n\nThey *sleep*.",
    "notes/2024/dogs.md": "title: Dogs & co\ndate: 2024-05-03\ntags: animals\n\nThey bark.",
    "secret.md": "draft: yes\n\nNot yet.",
    "prose.md": "so: this begins like a field\nand isn't one.",
    "img/dot.png": "\x89PNG",
    ".git/config": "x",
}


@pytest.fixture
def build(tmp_path):
    """Return a function that builds a site of some files, and returns its folder and messages."""
    target = tmp_path / "public"

    def build(files=CONTENT, *, options=(), status=0, source="notes"):
        for name, text in files.items():
            path = tmp_path / "notes" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "latin-1")
        folders = [str(tmp_path / source), str(target)]
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "demos.site", *options, *folders],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == status, done.stderr
        return target, done.stdout + done.stderr

    return build


class Links(HTMLParser):
    """Collects the addresses of a page, and checks that its elements are closed in order."""

    EMPTY = ("meta", "link")

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.open = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.found += [value for name, value in attributes if name == "href"]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_pages_are_written_and_other_files_copied(build):
    target, message = build()
    files = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    pages = {"index.html", "about.html", "prose.html", "notes/cats.html", "notes/2024/dogs.html"}
    assert files == pages | {"tags/animals.html", "tags/pets.html", "feed.xml", "img/dot.png"}
    assert message == f"8 pages are in {target}\n"


def test_markdown_is_html_and_titles_are_escaped(build):
    target, _ = build(options=["--title=Pets & more"])
    about = (target / "about.html").read_text("utf-8")
    assert "<title>&lt;About&gt; us - Pets &amp; more</title>" in about
    assert "<p>Text with <code>&lt;code&gt;</code> &amp; more.</p>" in about
    assert "<p>They <em>sleep</em>.</p>" in (target / "notes/cats.html").read_text("utf-8")
    assert "so: this begins like a field" in (target / "prose.html").read_text("utf-8")


def test_the_front_page_lists_notes_and_tags(build):
    target, _ = build()
    index = (target / "index.html").read_text("utf-8")
    assert 0 < index.index(">Dogs &amp; co</a>") < index.index(">Cats</a>")
    animals = (target / "tags/animals.html").read_text("utf-8")
    assert ">Dogs &amp; co</a>" in animals
    assert ">Cats</a>" in animals
    assert ">Dogs" not in (target / "tags/pets.html").read_text("utf-8")


def test_all_links_lead_to_files(build):
    target, _ = build({**CONTENT, "style.css": "a {}"})
    for page in target.rglob("*.html"):
        links = Links(page.read_text("utf-8")).found
        assert len(links) >= 5
        for link in links:
            assert (page.parent / link).resolve().is_file(), (page, link)


def test_the_feed_is_xml_with_html_in_it(build):
    target, _ = build(options=["--base-url=https://example.com/"])
    feed = ElementTree.parse(target / "feed.xml").getroot()
    assert [entry.find(f"{ATOM}title").text for entry in feed.iter(f"{ATOM}entry")] == [
        "Dogs & co",
        "Cats",
    ]
    cats = list(feed.iter(f"{ATOM}entry"))[1]
    assert cats.find(f"{ATOM}link").get("href") == "https://example.com/notes/cats.html"
    assert "<em>sleep</em>" in cats.find(f"{ATOM}content").text


def test_a_site_without_notes_says_so(build):
    target, _ = build({"index.md": "Hello"})
    assert "There is nothing yet." in (target / "index.html").read_text("utf-8")


def test_pages_choose_templates_of_a_folder(build, tmp_path):
    templates = tmp_path / "own"
    templates.mkdir()
    (templates / "index.html").write_text("[{{ page.title }}]")
    (templates / "feed.xml").write_text("<feed/>")
    (templates / "bare.html").write_text("({% raw page.html %})")
    files = {"index.md": "# One", "two.md": "template: bare.html\n\nTwo"}
    target, _ = build(files, options=[f"--templates={templates}"])
    assert (target / "index.html").read_text() == "[One]"
    assert (target / "two.html").read_text() == "(<p>Two</p>)"


@pytest.mark.parametrize(
    ("files", "template", "message"),
    [
        ({"a.md": "date: soon\n\nx"}, "", "a.md: 'soon' is no date such as 2024-05-01\n"),
        (
            {"a.md": "x"},
            "\n{% if x %}",
            "page.html:2:1: `{% if %}` opened on line 2 is never closed",
        ),
    ],
)
def test_errors_are_told_without_traceback_and_nothing_is_written(
    build, tmp_path, files, template, message
):
    templates = tmp_path / "own"
    templates.mkdir()
    (templates / "page.html").write_text(template)
    (templates / "feed.xml").write_text("<feed/>")
    target, said = build(files, options=[f"--templates={templates}"], status=1)
    assert said.startswith(message)
    assert not target.exists()


def test_a_folder_is_needed(build):
    _, said = build({}, source="missing", status=1)
    assert said.endswith("missing is no folder\n")


def test_templates_that_are_missing_are_told_without_traceback(build, tmp_path):
    missing = tmp_path / "nowhere"
    target, said = build({"a.md": "x"}, options=[f"--templates={missing}"], status=1)
    assert len(said.splitlines()) == 1
    assert str(missing) in said
    assert not target.exists()


def test_the_generator_needs_no_web():
    program = (
        "import sys, demos.site.build, demos.site.__main__;"
        "found = {name.partition('.')[2] for name in sys.modules if name.startswith('tornado.')};"
        "public = {name for name in found if not name.startswith('_')};"
        "assert public <= {'escape', 'log', 'options', 'template', 'util'}, public;"
        "assert not {'asyncio', 'socket', 'ssl'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)
