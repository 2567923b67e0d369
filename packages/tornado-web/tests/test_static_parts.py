"""The parts of static files that need no server: ranges, conditions, paths, versions, types."""

from __future__ import annotations

import datetime
import mimetypes
import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado._web import static_paths, static_versions
from tornado._web.static_conditions import (
    Span,
    Unsatisfiable,
    parse_http_date,
    precondition_fails,
    range_still_applies,
    select_span,
    unchanged_since,
)
from tornado._web.static_hooks import Hooks
from tornado._web.static_memory import FileMemory, MemoryFile
from tornado._web.static_paths import OpenFile, Refused, is_below, join_below, names_stream
from tornado._web.static_types import media_type
from tornado._web.static_versions import VersionCache, fingerprint, hash_content, is_settled
from tornado.httputil import HTTPHeaders

# Ranges.


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", Span(0, 1)),
        ("bytes=0-4", Span(0, 5)),
        ("bytes=6-", Span(6, 12)),
        ("bytes=11-11", Span(11, 12)),
        ("bytes=11-99", Span(11, 12)),
        ("bytes=-3", Span(9, 12)),
        ("bytes= 0-1 ", Span(0, 2)),
        ("Bytes=0-1", Span(0, 2)),
        ("bytes=000000000000000000000000-1", Span(0, 2)),
        ("bytes=0-", None),
        ("bytes=0-11", None),
        ("bytes=0-999999999999999999999999999", None),
        ("bytes=-12", None),
        ("bytes=-99999999999999999999999", None),
        ("bytes = 0-1", None),
        ("bytes=0 - 1", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes", None),
        ("", None),
        ("bytes=a-b", None),
        ("bytes=0-1,3-4", None),
        ("bytes=0-1,", None),
        ("items=0-1", None),
        ("bytes=+0-1", None),
        ("bytes=0-1_0", None),
        ("bytes=--1", None),
        ("bytes=0x0-1", None),
        ("bytes=\u0660-1", None),
        ("bytes=0-1\n", None),
        ("bytes=" + "0-,1-," * 5000, None),
        ("bytes=" + "9" * 100000 + "-", None),
    ],
)
def test_range(header: str, expected: Span | None) -> None:
    """P5, P15: one range with plain digits is served; anything else means the whole."""
    assert select_span(header, 12) == expected


@pytest.mark.parametrize(
    ("header", "size"),
    [
        ("bytes=12-", 12),
        ("bytes=5-2", 12),
        ("bytes=-0", 12),
        ("bytes=" + "9" * 30 + "-", 12),
        ("bytes=0-", 0),
        ("bytes=-1", 0),
        ("bytes=0-0", 0),
    ],
)
def test_range_outside_of_the_file(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        select_span(header, size)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_ranges_are_what_slices_are(first: int, last: int, size: int) -> None:
    whole = bytes(range(size))
    wanted = whole[first : last + 1]
    try:
        span = select_span(f"bytes={first}-{last}", size) or Span(0, size)
    except Unsatisfiable:
        assert wanted == b""
        return
    assert whole[span.start : span.stop] == wanted


# Conditions.

MOMENT = datetime.datetime(2023, 11, 14, 22, 13, 20, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tue, 14 Nov 2023 22:13:20 GMT", MOMENT),
        ("Tuesday, 14-Nov-23 22:13:20 GMT", MOMENT),
        ("Tue Nov 14 22:13:20 2023", MOMENT),
        (
            "Sun Nov  6 08:49:37 1994",
            datetime.datetime(1994, 11, 6, 8, 49, 37, tzinfo=datetime.UTC),
        ),
        (
            "Sunday, 06-Nov-94 08:49:37 GMT",
            datetime.datetime(1994, 11, 6, 8, 49, 37, 0, datetime.UTC),
        ),
        (
            "Sat, 31 Dec 2016 23:59:60 GMT",
            datetime.datetime(2016, 12, 31, 23, 59, 59, 0, datetime.UTC),
        ),
        ("", None),
        ("0", None),
        ("garbage", None),
        ("Tue, 99 Nov 2023 22:13:20 GMT", None),
        ("Tue, 14 Xyz 2023 22:13:20 GMT", None),
        ("Tue, 14 Nov 0000 22:13:20 GMT", None),
        ("Tue, 14 Nov 99999999999 22:13:20 GMT", None),
        ("Tue, 14 Nov 2023 22:13:20 +0100", None),
        ("Tue, 14 Nov 2023 22:13:20 GMT\n", None),
        ("Tue, 14 Nov 2023 24:13:20 GMT", None),
        ("Tue, \u0661\u0664 Nov 2023 22:13:20 GMT", None),
    ],
)
def test_dates(text: str, expected: datetime.datetime | None) -> None:
    """S21: what is not a date of HTTP is none."""
    assert parse_http_date(text) == expected


@given(st.text())
def test_any_text_is_a_date_or_none(text: str) -> None:
    found = parse_http_date(text)
    assert found is None or found.tzinfo is datetime.UTC


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("Tue, 14 Nov 2023 22:13:20 GMT", True),
        ("Tue, 14 Nov 2023 22:13:21 GMT", True),
        ("Tue, 14 Nov 2023 22:13:19 GMT", False),
        ("bad", False),
    ],
)
def test_unchanged_since(since: str, expected: bool) -> None:
    assert unchanged_since(since, MOMENT.replace(microsecond=999999)) is expected
    assert unchanged_since(since, MOMENT.replace(tzinfo=None)) is expected


@pytest.mark.parametrize(
    ("headers", "etag", "fails"),
    [
        ({}, '"x"', False),
        ({"If-Match": '"x"'}, '"x"', False),
        ({"If-Match": '"y", "x"'}, '"x"', False),
        ({"If-Match": '"y"'}, '"x"', True),
        ({"If-Match": 'W/"x"'}, '"x"', True),
        ({"If-Match": '"x"'}, 'W/"x"', True),
        ({"If-Match": "*"}, None, False),
        ({"If-Match": '"x"'}, None, True),
        ({"If-Match": ""}, '"x"', True),
        ({"If-Unmodified-Since": "Tue, 14 Nov 2023 22:13:20 GMT"}, None, False),
        ({"If-Unmodified-Since": "Tue, 14 Nov 2023 22:13:19 GMT"}, None, True),
        ({"If-Unmodified-Since": "bad"}, None, False),
        ({"If-Match": '"x"', "If-Unmodified-Since": "Tue, 14 Nov 2000 22:13:19 GMT"}, '"x"', False),
    ],
)
def test_preconditions(headers: dict[str, str], etag: str | None, fails: bool) -> None:
    assert precondition_fails(HTTPHeaders(headers), etag, MOMENT) is fails


@pytest.mark.parametrize(
    ("condition", "etag", "modified", "applies"),
    [
        ('"x"', '"x"', MOMENT, True),
        ('"y"', '"x"', MOMENT, False),
        ('W/"x"', 'W/"x"', MOMENT, False),
        ("Tue, 14 Nov 2023 22:13:20 GMT", '"x"', MOMENT, True),
        ("Tue, 14 Nov 2023 22:13:21 GMT", '"x"', MOMENT, False),
        ("Tue, 14 Nov 2023 22:13:20 GMT", '"x"', None, False),
        ("bad", '"x"', MOMENT, False),
    ],
)
def test_if_range(
    condition: str, etag: str, modified: datetime.datetime | None, applies: bool
) -> None:
    assert range_still_applies(condition, etag, modified) is applies


# Paths.


@pytest.mark.parametrize(
    ("path", "root", "expected"),
    [
        ("/a/b", "/a", True),
        ("/a", "/a", True),
        ("/ab", "/a", False),
        ("/", "/", True),
        ("/x", "/", True),
        ("/b", "/a", False),
    ],
)
def test_is_below(path: str, root: str, expected: bool) -> None:
    """S17: a common beginning of names does not make one directory the parent of another."""
    assert is_below(path, root) is expected


@pytest.mark.parametrize("root", ["/srv/static", "/srv/static/", "/srv/./static"])
@pytest.mark.parametrize(
    "path", ["../x", "../static_secret/x", "/etc/passwd", "a/../../x", "//etc", "..", "./.././x"]
)
def test_paths_that_leave_the_root(root: str, path: str) -> None:
    """P24"""
    with pytest.raises(Refused):
        join_below(root, path)


@given(st.lists(st.sampled_from(["..", ".", "a", "b.txt", "", "/", "\\", "%2e%2e", "~"])))
def test_joined_paths_are_below_the_root_or_refused(parts: list[str]) -> None:
    try:
        joined = join_below("/srv/static", "/".join(parts))
    except Refused:
        return
    assert joined == "/srv/static" or joined.startswith("/srv/static/")
    assert ".." not in joined.split("/")


def test_relative_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert join_below("static", "a/b") == str(tmp_path / "static" / "a" / "b")


def test_nul_is_in_no_name() -> None:
    with pytest.raises(FileNotFoundError):
        join_below("/srv/static", "a\0/../../x")


@pytest.mark.parametrize(
    ("path", "windows", "expected"),
    [
        (r"C:\srv\a.txt", True, False),
        (r"C:\srv\a.txt::$DATA", True, True),
        (r"a.txt:stream", True, True),
        (r"/srv/12:30.txt", False, False),
    ],
)
def test_streams(path: str, windows: bool, expected: bool) -> None:
    """S20: on Windows a colon leads to another stream of a file."""
    assert names_stream(path, windows=windows) is expected


def test_open_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"0123456789")
    file = OpenFile(str(path))
    assert (file.size, file.read(0, 10), file.read(2, 5)) == (10, b"0123456789", b"234")
    assert list(file.chunks(0, 10, 4)) == [b"0123", b"4567", b"89"]
    assert file.read(8, 20) == b"89"
    assert file.read(3, 3) == b""
    file.close()
    file.close()


def test_what_is_not_a_file(tmp_path: Path) -> None:
    """S19: pipes and devices are refused without being opened."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    for name in ("pipe", "device", "."):
        with pytest.raises(Refused):
            OpenFile(str(tmp_path / name))


def test_names_of_no_file(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("x")
    for name in ("nothing", "loop", "x" * 300, "file/x", "a/" * 3000, "\udfff", "a\0b"):
        with pytest.raises(FileNotFoundError):
            OpenFile(os.path.join(tmp_path, name))


def test_file_that_becomes_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was opened is looked at again, for it may not be what was looked at first."""
    os.mkfifo(tmp_path / "pipe")
    before = set(os.listdir("/proc/self/fd"))
    regular = SimpleNamespace(st_mode=stat.S_IFREG)
    monkeypatch.setattr(static_paths, "file_status", lambda path: regular)
    with pytest.raises(Refused):
        OpenFile(str(tmp_path / "pipe"))
    assert set(os.listdir("/proc/self/fd")) == before


def test_symbolic_links(tmp_path: Path) -> None:
    """S18"""
    root, shared = tmp_path / "root", tmp_path / "shared"
    root.mkdir()
    shared.mkdir()
    (root / "a").write_text("a")
    (shared / "b").write_text("b")
    (root / "inside").symlink_to("a")
    (root / "outside").symlink_to("../shared/b")
    (root / "folder").symlink_to("../shared")
    (tmp_path / "alias").symlink_to("root")

    def check(path: Path, below: Path, *others: Path) -> None:
        file = OpenFile(str(path))
        try:
            file.require_below(str(below), [str(other) for other in others])
        finally:
            file.close()

    check(root / "inside", root)
    check(tmp_path / "alias" / "a", tmp_path / "alias")
    for name in ("outside", "folder/b"):
        check(root / name, root, shared)
        check(root / name, root, root, tmp_path)
        with pytest.raises(Refused):
            check(root / name, root)
        with pytest.raises(Refused):
            check(root / name, root, tmp_path / "share")


def test_root_that_is_turned_to_another_directory(tmp_path: Path) -> None:
    for release in ("one", "two"):
        (tmp_path / release).mkdir()
        (tmp_path / release / "a").write_text(release)
    current = tmp_path / "current"
    for release in ("one", "two", "one"):
        current.unlink(missing_ok=True)
        current.symlink_to(release)
        file = OpenFile(str(current / "a"))
        file.require_below(str(current))
        file.close()


def test_real_path_without_proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").symlink_to("a")
    file = OpenFile(str(tmp_path / "b"))
    monkeypatch.setattr(os, "readlink", _no_proc(os.readlink))
    assert file.real_path() == os.path.realpath(tmp_path / "a")
    file.close()


def _no_proc(readlink):  # type: ignore[no-untyped-def]  # as loosely typed as what it stands for
    def without_proc(path, **options):  # type: ignore[no-untyped-def]  # as above
        if str(path).startswith("/proc"):
            raise FileNotFoundError(path)
        return readlink(path, **options)

    return without_proc


# Versions.


def test_versions_are_valid_for_one_state() -> None:
    cache = VersionCache()
    cache.keep("a", (1,), "x", limit=10)
    assert cache.find("a", (1,)) == ("x",)
    assert cache.find("a", (2,)) is None
    assert cache.find("b", (1,)) is None
    cache.keep("a", (2,), None, limit=10)
    assert cache.find("a", (2,)) == (None,)
    cache.clear()
    assert cache.find("a", (2,)) is None


@pytest.mark.parametrize("limit", [0, 1, 2, 3])
def test_versions_are_limited(limit: int) -> None:
    """S19: the oldest versions make room."""
    cache = VersionCache()
    for key in range(limit + 2):
        cache.keep(key, None, str(key), limit=limit)
        assert len(cache) <= limit
    kept = [key for key in range(limit + 2) if cache.find(key, None)]
    assert kept == list(range(2, limit + 2))


def test_hash_and_fingerprint(tmp_path: Path) -> None:
    assert hash_content([b"ab", b"c"]) == hash_content([b"abc"]) != hash_content([])
    path = tmp_path / "a"
    path.write_text("a")
    before = fingerprint(path.stat())
    assert fingerprint(path.stat()) == before
    path.write_text("ab")
    assert fingerprint(path.stat()) != before


@pytest.mark.parametrize(
    ("modified", "changed", "settled"), [(0, 0, True), (-10, -1, False), (-1, -10, False)]
)
def test_fresh_files_are_not_settled(
    monkeypatch: pytest.MonkeyPatch, modified: float, changed: float, settled: bool
) -> None:
    """Two changes within one tick of the clock leave the same time stamp."""
    now = 1000.0
    monkeypatch.setattr(static_versions.time, "time", lambda: now)
    times = {"st_mtime": modified and now + modified, "st_ctime": changed and now + changed}
    assert is_settled(SimpleNamespace(**times)) is settled  # type: ignore[arg-type]  # has what is read


# Memory.


def in_memory(content: bytes) -> MemoryFile:
    return MemoryFile("/f", os.stat("."), content)


def test_memory_file() -> None:
    file = in_memory(b"0123456789")
    assert (file.size, file.read(2, 4)) == (10, b"23")
    assert b"".join(file.chunks(1, 10, 4)) == b"123456789"
    file.close()
    assert file.read(0, 1) == b"0"


def test_memory_is_valid_for_one_state() -> None:
    memory = FileMemory(100)
    file = in_memory(b"x")
    memory.keep("a", (1,), file)
    assert memory.find("a", (1,)) is file
    assert memory.find("a", (2,)) is None
    assert memory.find("b", (1,)) is None
    memory.clear()
    assert memory.find("a", (1,)) is None


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), max_size=40))
def test_memory_is_limited(files: list[tuple[int, int]]) -> None:
    memory = FileMemory(10)
    for key, size in files:
        memory.keep(key, (size,), in_memory(b"x" * size))
        assert (memory.find(key, (size,)) is not None) is (size <= 10)
        kept = [memory.find(key, (size,)) for key, size in set(files)]
        assert sum(file.size for file in kept if file) <= 10


# Types.


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.txt", "text/plain"),
        ("a.html", "text/html"),
        ("a.tar.gz", "application/gzip"),
        ("a.svgz", "application/gzip"),
        ("a.txt.bz2", "application/octet-stream"),
        ("a.unheardof", "application/octet-stream"),
        ("noextension", "application/octet-stream"),
        ("a.JPG", "image/jpeg"),
        (".txt", "application/octet-stream"),
    ],
)
def test_media_types(name: str, expected: str) -> None:
    assert media_type("/srv/x.d/" + name) == expected


def test_added_media_type(monkeypatch: pytest.MonkeyPatch) -> None:
    media_type("/a.txt")
    monkeypatch.setitem(mimetypes.types_map, ".txt", "text/x-mine")
    assert media_type("/a.txt") == "text/x-mine"


# Hooks.


class Owner:
    def plain(self) -> None:
        """A method."""

    @classmethod
    def of_class(cls) -> None:
        """A class method."""


def test_hooks() -> None:
    class Same(Owner):
        pass

    class Plain(Owner):
        def plain(self) -> None:
            """Another one."""

    class OfClass(Owner):
        @classmethod
        def of_class(cls) -> None:
            """Another one."""

    class Static(Owner):
        @staticmethod
        def of_class() -> None:  # type: ignore[override]  # a wrong kind on purpose
            """Of another kind."""

    hooks = Hooks(Owner, "plain", "of_class.__func__")
    assert [hooks.kept_by(kind) for kind in (Owner, Same, Plain, OfClass, Static)] == [
        *(True, True),
        *(False, False, False),
    ]
