"""The shape of the repository: distributions, their files, and the tools that look at them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import contracts
import isolation
from wheels import problems
from workspace import ROOT, Distribution, canonical, distributions, requirement_name, siblings

DISTS = distributions()


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("tornado", "tornado"),
        ("tornado-http[curl]==6.100.0", "tornado-http"),
        ("PyMySQL >= 1.0 ; python_version > '3'", "pymysql"),
        ("typing_extensions~=4.0", "typing-extensions"),
    ],
)
def test_names_of_requirements(requirement: str, name: str) -> None:
    assert requirement_name(requirement) == name


def test_a_requirement_begins_with_a_name() -> None:
    with pytest.raises(ValueError, match="not a requirement"):
        requirement_name("==1.0")


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("tornado-core", set()),
        ("tornado-template", {"tornado-core"}),
        ("tornado-ioloop", {"tornado-core"}),
        ("tornado-http", {"tornado-core", "tornado-ioloop"}),
        ("tornado-web", {"tornado-core", "tornado-ioloop", "tornado-http", "tornado-template"}),
        ("tornado-testing", {"tornado-core", "tornado-ioloop", "tornado-http"}),
        ("tornado", DISTS.keys() - {"tornado", "tornado-speedups"}),
    ],
)
def test_arrows_between_distributions(name: str, needed: set[str]) -> None:
    assert set(siblings(name, DISTS)) == needed


def test_requirements_come_before_those_who_need_them() -> None:
    order = list(DISTS)
    for name in order:
        assert all(order.index(needed) < order.index(name) for needed in siblings(name, DISTS))


def test_a_circle_of_requirements_is_an_error(tmp_path: Path) -> None:
    for name, needed in [("a", "b"), ("b", "a")]:
        project = tmp_path / "packages" / name / "pyproject.toml"
        project.parent.mkdir(parents=True)
        project.write_text(f'[project]\nname = "{name}"\ndependencies = ["{needed}"]\n')
    with pytest.raises(ValueError, match="circle: a -> b -> a"):
        distributions(tmp_path)


def modules_of(dist: Distribution) -> set[Path]:
    return {path.relative_to(dist.path) for path in dist.path.glob("src/**/*.py")}


@pytest.mark.parametrize("dist", DISTS.values(), ids=lambda dist: dist.name)
class TestEveryDistribution:
    def test_has_the_same_license_as_the_repository(self, dist: Distribution) -> None:
        assert (dist.path / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()

    def test_lies_in_a_folder_of_its_name(self, dist: Distribution) -> None:
        assert dist.path.name == dist.name

    def test_has_a_readme_that_names_it(self, dist: Distribution) -> None:
        assert (dist.path / "README.md").read_text().startswith(f"# {dist.name}\n")

    def test_has_tests(self, dist: Distribution) -> None:
        assert list(dist.tests.glob("test_*.py"))

    def test_owns_its_modules_alone(self, dist: Distribution) -> None:
        others = [other for other in DISTS.values() if other.name != dist.name]
        assert not modules_of(dist) & set().union(*map(modules_of, others))


def test_only_core_says_that_the_package_is_typed() -> None:
    found = list(ROOT.glob("packages/*/src/**/py.typed"))
    assert found == [ROOT / "packages/tornado-core/src/tornado/py.typed"]


@pytest.fixture
def ownership() -> contracts.Ownership:
    owner = {
        "tornado": "tornado-core",
        "tornado.ioloop": "tornado-ioloop",
        "tornado.web": "tornado-web",
    }
    declared = {
        "tornado-core": set(),
        "tornado-ioloop": {"tornado-core"},
        "tornado-web": {"pymysql"},
    }
    return contracts.Ownership(owner, declared)


@pytest.mark.parametrize(
    ("importer", "imported", "complaint"),
    [
        ("tornado.ioloop", "tornado", None),
        ("tornado.ioloop", "tornado.ioloop", None),
        ("tornado.ioloop", "asyncio", None),
        ("tornado.web", "pymysql", None),
        ("tornado", "tornado.ioloop", "tornado-core does not require tornado-ioloop"),
        ("tornado.web", "tornado.ioloop", "tornado-web does not require tornado-ioloop"),
        ("tornado.ioloop", "pycares", "tornado-ioloop does not require pycares"),
        ("tornado.stray", "asyncio", "belongs to no wheel"),
    ],
)
def test_an_import_needs_a_declared_requirement(
    ownership: contracts.Ownership, importer: str, imported: str, complaint: str | None
) -> None:
    fault = ownership.fault(importer, imported)
    assert (fault is None) == (complaint is None)
    assert (complaint or "") in (fault or "")


def test_examples_are_the_blocks_marked_as_python_alone() -> None:
    kinds = {"python": "a\nb", "": "c", "sh": "d", "python norun": "e"}
    blocks = [f"```{kind}\n{code}\n```\n" for kind, code in kinds.items()]
    readme = "text\n".join([*blocks, "```python\nf\n```\n"])
    assert isolation.examples(readme) == ["a\nb\n", "f\n"]


def test_an_empty_folder_lacks_every_wheel_and_sdist(tmp_path: Path) -> None:
    (tmp_path / "stray.txt").touch()
    lines = list(problems(tmp_path))
    assert len(lines) == 2 * len(DISTS) + 1
    assert "stray.txt belongs to no distribution" in lines


@pytest.mark.parametrize(
    "tool", ["bootstrap", "boundaries", "isolation", "lock", "version", "wheels"]
)
def test_every_tool_explains_itself(tool: str) -> None:
    command = [sys.executable, str(ROOT / "tools" / f"{tool}.py"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("usage:")


def test_help_of_make_names_every_target() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    (phony,) = (line for line in lines if line.startswith(".PHONY:"))
    explained = {line.split()[2] for line in lines if line.startswith('\t@echo "make ')}
    assert set(phony.split()[1:]) <= explained | {"help", "distclean"}


def test_no_file_of_the_workspace_names_an_index() -> None:
    for name in ["Makefile", "pyproject.toml", ".ci/run"]:
        assert "://" not in (ROOT / name).read_text()
    for path in [*ROOT.glob("packages/*/pyproject.toml"), *ROOT.glob("tools/*.py")]:
        assert "http" + "://" not in (text := path.read_text())
        assert "https" + "://" not in text


def test_canonical_names() -> None:
    assert canonical("Foo__Bar.-baz") == "foo-bar-baz"
