"""One version, in every place that carries it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import version
from workspace import ROOT, distributions

PACKAGE_ROOT = "packages/tornado-core/src/tornado/__init__.py"
LOCKED_WEB = 'name = "tornado-web"\nversion = "'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Copy what carries versions to a folder of the test's own."""
    carriers = [*ROOT.glob("packages/*/pyproject.toml"), ROOT / "poetry.lock"]
    for path in [*carriers, ROOT / PACKAGE_ROOT]:
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return tmp_path


def test_the_repository_agrees_with_itself() -> None:
    assert list(version.disagreements(ROOT)) == []


@pytest.mark.parametrize(
    ("text", "info"),
    [
        ("6.100.0", (6, 100, 0, 0)),
        ("6.100.3.dev4", (6, 100, 3, -396)),
        ("6.101.0a1", (6, 101, 0, -299)),
        ("6.101.0b2", (6, 101, 0, -198)),
        ("6.101.0rc1", (6, 101, 0, -99)),
    ],
)
def test_version_info_has_four_numbers(text: str, info: tuple[int, int, int, int]) -> None:
    assert version.version_info(text) == info


def test_version_info_rises_towards_the_release() -> None:
    stages = ["6.1.0.dev1", "6.1.0.dev99", "6.1.0a1", "6.1.0b1", "6.1.0rc1", "6.1.0", "6.1.1"]
    infos = [version.version_info(text) for text in stages]
    assert infos == sorted(infos)


@pytest.mark.parametrize("text", ["", "6", "6.1", "v6.1.0", "6.1.0-1", "6.1.0rc", "6.1.0 "])
def test_malformed_versions_are_refused_and_nothing_is_written(text: str, checkout: Path) -> None:
    with pytest.raises(ValueError, match=r"expected a version"):
        list(version.rewrite(checkout, text))
    assert list(version.disagreements(checkout)) == []


def test_set_changes_every_place(checkout: Path) -> None:
    old = version.distributions(checkout)["tornado-core"].version
    changed = list(version.rewrite(checkout, "7.0.1rc2"))
    dists = distributions(checkout)
    assert len(changed) == len(dists) + 2
    assert {dist.version for dist in dists.values()} == {"7.0.1rc2"}
    assert "tornado-core==7.0.1rc2" in dists["tornado-http"].requirements
    assert list(version.disagreements(checkout)) == []
    list(version.rewrite(checkout, old))
    for path in changed:
        assert path.read_text() == (ROOT / path.relative_to(checkout)).read_text()


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("packages/tornado-web/pyproject.toml", 'version = "', 'version = "9', "tornado-web"),
        ("packages/tornado-web/pyproject.toml", '"tornado-http==', '"tornado-http>=', "exactly"),
        ("packages/tornado-web/pyproject.toml", "../tornado-http", "../elsewhere", "elsewhere"),
        ("packages/tornado-web/pyproject.toml", "tornado-http = {", "other = {", "only one of"),
        ("poetry.lock", LOCKED_WEB, LOCKED_WEB + "9", "poetry.lock: tornado-web 9"),
        (PACKAGE_ROOT, 'version = "', 'version = "9', "version '96"),
        (PACKAGE_ROOT, "info = (", "info = (9, ", "version_info (9, 6"),
    ],
)
def test_every_kind_of_disagreement_is_found(
    checkout: Path, file: str, old: str, new: str, complaint: str
) -> None:
    path = checkout / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    lines = list(version.disagreements(checkout))
    assert lines
    assert complaint in " ".join(lines)
