"""The lock file as pip sees it."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.requirements import Requirement

import lock
from workspace import ROOT, read_toml


def package(name: str, groups: list[str], **fields: Any) -> dict[str, Any]:
    base = {"name": name, "version": "1.0", "groups": groups, "optional": False}
    return base | {"files": [{"file": "x", "hash": "sha256:00"}]} | fields


def test_the_lock_file_fits_the_projects() -> None:
    assert list(lock.disagreements(ROOT)) == []


def test_the_lock_file_names_no_index() -> None:
    packages = read_toml(ROOT / "poetry.lock")["package"]
    sources = [package["source"] for package in packages if "source" in package]
    assert {source["type"] for source in sources} == {"directory"}
    assert all(source["url"].startswith("packages/") for source in sources)


def test_every_locked_package_is_pinned_with_hashes() -> None:
    locked = read_toml(ROOT / "poetry.lock")
    lines = list(lock.requirements(locked, ["build", "docs", "lint", "main", "test"]))
    assert len(lines) > 30
    for line in lines:
        requirement, *hashes = line.split(" \\\n    ")
        assert str(Requirement(requirement).specifier).startswith("==")
        assert hashes
        assert all(value.startswith("--hash=sha256:") for value in hashes)


def test_only_the_chosen_groups_are_exported() -> None:
    locked = {"package": [package("a", ["x"]), package("b", ["y"]), package("c", ["x", "y"])]}
    lines = list(lock.requirements(locked, ["y"]))
    assert [line.split("==")[0] for line in lines] == ["b", "c"]


@pytest.mark.parametrize(
    ("markers", "groups", "expected"),
    [
        (None, ["x", "y"], ""),
        ("os_name == 'nt'", ["x"], " ; os_name == 'nt'"),
        ({"x": "A", "y": "B"}, ["x", "y"], " ; (A) or (B)"),
        ({"x": "A", "y": "B"}, ["y"], " ; (B)"),
        ({"x": "A"}, ["x", "y"], ""),
    ],
)
def test_markers_of_groups_are_joined(markers: Any, groups: list[str], expected: str) -> None:
    fields = {} if markers is None else {"markers": markers}
    locked = {"package": [package("a", ["x", "y"], **fields)]}
    (line,) = lock.requirements(locked, groups)
    assert line.partition(" \\")[0] == f"a==1.0{expected}"


def test_distributions_of_the_workspace_are_no_requirements() -> None:
    source = {"type": "directory", "url": "packages/a"}
    locked = {"package": [package("a", ["main"], source=source), package("b", ["main"])]}
    assert [line[:6] for line in lock.requirements(locked, ["main"])] == ["b==1.0"]
    assert list(lock.constraints(locked)) == ["b==1.0"]
