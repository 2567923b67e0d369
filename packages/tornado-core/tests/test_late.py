"""What is loaded or compiled late is used like what was there from the start."""

from __future__ import annotations

import re
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from tornado._late import LateModule, late_names, late_regex


@pytest.mark.parametrize("method", ["match", "fullmatch", "search", "findall", "split"])
def test_methods_give_what_those_of_a_compiled_one_give(method: str) -> None:
    source, flags, text = r"[a-z]+(\d)", re.IGNORECASE, "AB1 cd2"
    late, compiled = late_regex(source, flags), re.compile(source, flags)
    for _ in range(2):
        found, expected = getattr(late, method)(text), getattr(compiled, method)(text)
        if isinstance(expected, re.Match):
            found, expected = found.groups(), expected.groups()
        assert found == expected


def test_bytes_are_searched_by_bytes() -> None:
    assert late_regex(rb"\d+").sub(b"#", b"a12b3") == b"a#b#"


def test_nothing_is_compiled_before_it_is_used() -> None:
    broken = late_regex("(")
    with pytest.raises(re.error):
        broken.match("")


def test_what_no_compiled_one_has_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="matches"):
        late_regex("a").matches  # type: ignore[attr-defined]  # that's the point


def test_several_threads_may_be_first() -> None:
    late = late_regex("a+")
    found: list[bool] = []
    ready = threading.Barrier(4)

    def use() -> None:
        ready.wait()
        found.append(late.fullmatch("aaa") is not None)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 4


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a module that has not been imported, with a class and a function."""
    name = "home_of_late_names"
    (tmp_path / f"{name}.py").write_text("class Thing: pass\ndef work(): return 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


@pytest.fixture
def facade(home: str, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A module that offers the names of another one."""
    made = types.ModuleType("facade_of_late_names")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    made.__getattr__, made.__dir__ = late_names(made.__name__, {home: ("Thing", "work")})  # type: ignore[method-assign,assignment]
    made.__all__ = ["Thing", "work"]  # type: ignore[attr-defined]
    return made


def test_a_module_is_imported_when_a_name_of_it_is_asked_for(home: str) -> None:
    late = LateModule(home)
    assert home not in sys.modules
    assert late.work() == 3
    assert late.Thing is sys.modules[home].Thing
    assert vars(late)["work"] is late.work


def test_what_is_replaced_in_a_module_is_replaced_for_all(
    home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = LateModule(home)
    assert late.work() == 3
    monkeypatch.setattr(f"{home}.work", lambda: 4)
    assert late.work() == 4
    monkeypatch.undo()
    sys.modules[home].play = lambda: 5  # type: ignore[attr-defined]
    assert late.play() == 5


def test_what_a_late_module_does_not_have_is_an_attribute_error(home: str) -> None:
    with pytest.raises(AttributeError, match="play"):
        LateModule(home).play


def test_a_facade_shows_names_before_their_module_is_imported(
    facade: types.ModuleType, home: str
) -> None:
    assert {"Thing", "work", "__all__"} <= set(dir(facade))
    assert home not in sys.modules


def test_a_facade_finds_a_name_once(facade: types.ModuleType, home: str) -> None:
    assert facade.Thing is sys.modules[home].Thing
    assert vars(facade)["Thing"] is facade.Thing


def test_names_of_a_facade_can_be_imported(facade: types.ModuleType) -> None:
    names: dict[str, object] = {}
    exec(f"from {facade.__name__} import *", names)
    assert names["work"]() == 3  # type: ignore[operator]


def test_names_of_a_facade_can_be_patched(facade: types.ModuleType) -> None:
    with mock.patch(f"{facade.__name__}.work", return_value=4):
        assert facade.work() == 4
    assert facade.work() == 3
    with mock.patch(f"{facade.__name__}.work", return_value=5):
        assert facade.work() == 5
    assert facade.work() == 3


def test_what_a_facade_does_not_have_is_an_attribute_error(facade: types.ModuleType) -> None:
    with pytest.raises(AttributeError, match="facade_of_late_names.*'play'"):
        facade.play
