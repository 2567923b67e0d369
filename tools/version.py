#!/usr/bin/env python3
"""Set the version that all distributions share, or check that it is the same everywhere."""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from workspace import (
    ROOT,
    Distribution,
    distributions,
    fail,
    read_toml,
    report,
    requirement_name,
    say,
)

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:(a|b|rc|\.dev)(\d{1,2}))?")
_STAGES = {".dev": -400, "a": -300, "b": -200, "rc": -100}

_PROJECT_VERSION = re.compile(r'^version = "[^"]*"$', re.MULTILINE)
_SIBLING_PIN = re.compile(r'"(tornado(?:-[a-z]+)?(?:\[[a-z,]+\])?)==[^"]*"')
_LOCKED_PACKAGE = re.compile(r'(\[\[package\]\]\nname = "([a-z-]+)"\nversion = )"[^"]*"')
_LOCKED_PIN = re.compile(r'^((tornado(?:-[a-z]+)?) = )"[^"]*"$', re.MULTILINE)
_MODULE_VERSION = re.compile(r'^version = "[^"]*"$', re.MULTILINE)
_MODULE_INFO = re.compile(r"^version_info = \([^)]*\)$", re.MULTILINE)

_PACKAGE_ROOT = Path("packages/tornado-core/src/tornado/__init__.py")


def version_info(version: str) -> tuple[int, int, int, int]:
    """Turn a version into the numbers of ``tornado.version_info``.

    :arg version: such as ``6.100.0`` or ``6.101.0b2``.
    :returns: major, minor, patch, and 0 for a release or a negative number before it.
    :raises ValueError: the version is of another form.
    """
    match = _VERSION.fullmatch(version)
    if match is None:
        raise ValueError(f"expected a version like 6.100.0 or 6.101.0b2, got {version!r}")
    major, minor, patch, stage, number = match.groups()
    last = _STAGES[stage] + int(number) if stage else 0
    return int(major), int(minor), int(patch), last


def rewrite(root: Path, version: str) -> Iterator[Path]:
    """Write the version into every file that carries it.

    :arg root: the checkout's root.
    :arg version: the new version.
    :returns: the files that changed.
    :raises ValueError: the version is malformed, or a file has no place for it; then no file was
        written.
    """
    info = version_info(version)
    # All texts are made before the first is written: a failure leaves the checkout as it was.
    texts: dict[Path, str] = {}
    for dist in distributions(root).values():
        path = dist.path / "pyproject.toml"
        text = _put(_PROJECT_VERSION, f'version = "{version}"', path, path.read_text("utf-8"))
        texts[path] = _SIBLING_PIN.sub(rf'"\1=={version}"', text)
    path = root / _PACKAGE_ROOT
    text = _put(_MODULE_VERSION, f'version = "{version}"', path, path.read_text("utf-8"))
    texts[path] = _put(_MODULE_INFO, f"version_info = {info}", path, text)
    lock = root / "poetry.lock"
    if lock.exists():
        texts[lock] = _rewrite_lock(lock.read_text("utf-8"), version, set(distributions(root)))
    for path, text in texts.items():
        if text != path.read_text("utf-8"):
            path.write_text(text, "utf-8")
            yield path


def disagreements(root: Path) -> Iterator[str]:
    """Compare every place that names the version with the one of tornado-core.

    :arg root: the checkout's root.
    :returns: one line for each place that differs.
    """
    dists = distributions(root)
    version = dists["tornado-core"].version
    try:
        info = version_info(version)
    except ValueError as error:
        yield f"tornado-core: {error}"
        return
    for dist in dists.values():
        if dist.version != version:
            yield f"{dist.name}: version {dist.version}, not {version}"
        listed = [*dist.requirements, *(line for extra in dist.extras.values() for line in extra)]
        for line in listed:
            if requirement_name(line) in dists and not line.endswith(f"=={version}"):
                yield f"{dist.name}: requires {line}, not exactly {version}"
        yield from _path_disagreements(dist, dists.keys())
    names = _module_constants(root / _PACKAGE_ROOT)
    if names.get("version") != version:
        yield f"{_PACKAGE_ROOT}: version {names.get('version')!r}, not {version!r}"
    if names.get("version_info") != info:
        yield f"{_PACKAGE_ROOT}: version_info {names.get('version_info')!r}, not {info!r}"
    lock = root / "poetry.lock"
    locked = read_toml(lock)["package"] if lock.exists() else []
    for package in locked:
        if package["name"] in dists and package["version"] != version:
            yield f"poetry.lock: {package['name']} {package['version']}, not {version}"


def _path_disagreements(dist: Distribution, names: Collection[str]) -> Iterator[str]:
    lines = [*dist.requirements, *(line for extra in dist.extras.values() for line in extra)]
    required = {requirement_name(line) for line in lines} & set(names)
    entries = dist.pyproject["tool"].get("poetry", {}).get("dependencies", {})
    paths = {name: entry["path"] for name, entry in entries.items() if "path" in entry}
    for name in sorted(required ^ paths.keys()):
        yield f"{dist.name}: {name} is in only one of project and tool.poetry dependencies"
    for name in sorted(required & paths.keys()):
        if paths[name] != f"../{name}":
            yield f"{dist.name}: {name} is developed in ../{name}, not {paths[name]}"


def _put(pattern: re.Pattern[str], line: str, path: Path, text: str) -> str:
    changed, count = pattern.subn(line, text)
    if count != 1:
        raise ValueError(f"{path}: expected one line like {line!r}, found {count}")
    return changed


def _rewrite_lock(text: str, version: str, names: Collection[str]) -> str:
    def change(match: re.Match[str]) -> str:
        return f'{match[1]}"{version}"' if match[2] in names else match[0]

    return _LOCKED_PIN.sub(change, _LOCKED_PACKAGE.sub(change, text))


def _module_constants(path: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for statement in ast.parse(path.read_text("utf-8")).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                if name in {"version", "version_info"}:
                    found[name] = ast.literal_eval(value)
    return found


def main() -> int:
    """Run the command line.

    :returns: the exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--check", action="store_true", help="compare all places")
    choice.add_argument("--set", metavar="VERSION", help="write VERSION everywhere")
    choice.add_argument("--show", action="store_true", help="print the version")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout to work on")
    options = parser.parse_args()
    version = distributions(options.root)["tornado-core"].version
    if options.show:
        print(version)
        return 0
    if options.set is None:
        return report(disagreements(options.root), f"version {version} everywhere")
    try:
        for path in rewrite(options.root, options.set):
            say(f"changed {path.relative_to(options.root)}")
    except ValueError as error:
        fail(str(error))
    return report(disagreements(options.root), f"version {options.set} everywhere")


if __name__ == "__main__":
    sys.exit(main())
