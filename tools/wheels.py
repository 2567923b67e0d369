#!/usr/bin/env python3
"""Build wheel and sdist of every distribution into ``dist/`` and check what they carry."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from workspace import (
    DIST,
    Command,
    Distribution,
    canonical,
    distributions,
    fail,
    report,
    run,
    say,
    venv_program,
)

_LICENSE = "LICENSE"
_TYPED = "py.typed"


def wheel_of(dist: Distribution, folder: Path = DIST) -> Path:
    """Name the wheel of a distribution.

    :arg dist: the distribution.
    :arg folder: where wheels lie.
    :returns: its path, whether it exists or not.
    """
    name = f"{dist.file_name}-{dist.version}"
    if dist.is_native:
        for path in folder.glob(f"{name}-cp3*.whl"):
            return path
    return folder / f"{name}-py3-none-any.whl"


def sdist_of(dist: Distribution, folder: Path = DIST) -> Path:
    """Name the sdist of a distribution.

    :arg dist: the distribution.
    :arg folder: where sdists lie.
    :returns: its path, whether it exists or not.
    """
    return folder / f"{dist.file_name}-{dist.version}.tar.gz"


def build(folder: Path) -> None:
    """Build everything anew; each wheel is made from the sdist, which proves that one complete.

    :arg folder: where to put the files; it is emptied first.
    :raises subprocess.CalledProcessError: a build failed; its output was printed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    dists = distributions().values()
    say(f"building {len(dists)} distributions into {folder.name}/")

    def build_one(dist: Distribution) -> subprocess.CompletedProcess[str]:
        command: Command = [
            venv_program("python"),
            "-m",
            "build",
            "--no-isolation",
            "--outdir",
            folder,
        ]
        return run(
            [*command, dist.path], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    with ThreadPoolExecutor(max_workers=2) as pool:
        for done in pool.map(build_one, dists):
            if done.returncode:
                print(done.stdout, file=sys.stderr)
                done.check_returncode()


def wheel_metadata(wheel: zipfile.ZipFile) -> Message:
    """Read the ``METADATA`` of an open wheel.

    :arg wheel: the wheel.
    :returns: its fields.
    """
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return message_from_bytes(wheel.read(name))


def problems(folder: Path) -> Iterator[str]:
    """Check the built files against the projects.

    :arg folder: where they lie.
    :returns: one line for each fault.
    """
    dists = distributions()
    owners: dict[str, str] = {}
    expected = {
        path for dist in dists.values() for path in (wheel_of(dist, folder), sdist_of(dist, folder))
    }
    for path in sorted(expected ^ set(folder.iterdir())):
        if path in expected:
            yield f"{path.name} was not built"
        elif not path.name.startswith("."):
            yield f"{path.name} belongs to no distribution"
    for dist in dists.values():
        if wheel_of(dist, folder).exists():
            yield from _wheel_problems(dist, wheel_of(dist, folder), dists, owners)
        if sdist_of(dist, folder).exists():
            yield from _sdist_problems(dist, sdist_of(dist, folder))


def _wheel_problems(
    dist: Distribution, path: Path, dists: dict[str, Distribution], owners: dict[str, str]
) -> Iterator[str]:
    with zipfile.ZipFile(path) as wheel:
        metadata = wheel_metadata(wheel)
        names = wheel.namelist()
    pin = SpecifierSet(f"=={dist.version}")
    if canonical(metadata["Name"]) != dist.name or metadata["Version"] != dist.version:
        yield f"{path.name}: names itself {metadata['Name']} {metadata['Version']}"
    requires = {Requirement(line) for line in metadata.get_all("Requires-Dist", [])}
    declared = {Requirement(line) for line in _declared(dist)}
    for requirement in requires ^ declared:
        place = "the project" if requirement in declared else "the wheel"
        yield f"{path.name}: only {place} requires {requirement}"
    for requirement in requires:
        if requirement.url:
            yield f"{path.name}: requires an address: {requirement}"
        if canonical(requirement.name) in dists and requirement.specifier != pin:
            yield f"{path.name}: requires {requirement}, not exactly {dist.version}"
    if not any(name.endswith(f".dist-info/licenses/{_LICENSE}") for name in names):
        yield f"{path.name}: has no {_LICENSE}"
    for name in names:
        if ".dist-info/" in name:
            continue
        if name in owners:
            yield f"{path.name}: {name} is in {owners[name]} too"
        owners[name] = path.name
        if name.endswith(_TYPED) and dist.name != "tornado-core":
            yield f"{path.name}: {_TYPED} belongs to tornado-core alone"
        if name.split("/")[0] not in {"tornado", "_tornado_meta.py"} or "__pycache__" in name:
            yield f"{path.name}: has no business with {name}"


def _declared(dist: Distribution) -> Iterator[str]:
    yield from dist.requirements
    for extra, lines in dist.extras.items():
        for line in lines:
            requirement, _, marker = line.partition(";")
            condition = (
                f'({marker.strip()}) and extra == "{extra}"' if marker else f'extra == "{extra}"'
            )
            yield f"{requirement.strip()} ; {condition}"


def _sdist_problems(dist: Distribution, path: Path) -> Iterator[str]:
    with tarfile.open(path) as archive:
        names = archive.getnames()
    top = path.name.removesuffix(".tar.gz")
    for needed in ("PKG-INFO", "pyproject.toml", "README.md", _LICENSE):
        if f"{top}/{needed}" not in names:
            yield f"{path.name}: has no {needed}"
    if not any(name.startswith(f"{top}/tests/test_") for name in names):
        yield f"{path.name}: has no tests"
    yield from (
        f"{path.name}: has no business with {name}" for name in names if "__pycache__" in name
    )


def main() -> int:
    """Run the command line.

    :returns: the exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only check what was built before")
    parser.add_argument("--folder", type=Path, default=DIST, help="where the files lie")
    options = parser.parse_args()
    if not options.check:
        try:
            build(options.folder)
        except subprocess.CalledProcessError as error:
            fail(str(error))
    return report(problems(options.folder), f"{options.folder.name}/ holds what the projects say")


if __name__ == "__main__":
    sys.exit(main())
