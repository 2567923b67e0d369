"""Loading translations, choosing a locale, and translating."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado import locale
from tornado._locale.loading import parse_rows
from tornado._locale.registry import Loaded, registry


@pytest.fixture(autouse=True)
def fresh_registry() -> Iterator[None]:
    before = registry.loaded
    registry.loaded = Loaded({})
    yield
    registry.loaded = before


def write_csv(directory: Path, code: str, text: str, encoding: str = "utf-8") -> None:
    (directory / f"{code}.csv").write_bytes(text.encode(encoding))


def load(directory: Path, **files: str) -> None:
    for code, text in files.items():
        write_csv(directory, code, text)
    locale.load_translations(str(directory))


SPANISH = (
    '"I love you","Te amo"\n'
    '"%(name)s liked this","A %(name)s les gustó esto","plural"\n'
    '"%(name)s liked this","A %(name)s le gustó esto","singular"\n'
    '"both","ambos"\n"empty","vacío",\n"named","dicho",unknown\n'
    '"say ""x""","di ""x"""\n'
)


def test_without_translations() -> None:
    """LOC-1: messages come back unchanged."""
    english = locale.get("en_US")
    assert english.translate("Sign out") == "Sign out"
    assert english.translate("one", "many", 1) == "one"
    assert english.translate("one", "many", 2) == "many"
    assert english.pgettext("door", "open") == "open"
    assert english.pgettext("door", "one", "many", 0) == "many"


def test_plain_locale_translates_to_itself() -> None:
    plain = locale.Locale("xx")
    assert plain.translate("one") == "one"
    assert plain.pgettext("c", "one", "many", 5) == "many"


def test_csv_files(tmp_path: Path) -> None:
    """LOC-2"""
    load(tmp_path, es_LA=SPANISH, fr="a,b\n")
    assert locale.get_supported_locales() == {"es_LA", "fr", "en_US"}
    spanish = locale.get("es_LA")
    assert isinstance(spanish, locale.CSVLocale)
    assert spanish.translate("I love you") == "Te amo"
    assert spanish.translate('say "x"') == 'di "x"'
    assert spanish.translate("not there") == "not there"


@pytest.mark.parametrize(
    ("message", "count", "expected"),
    [
        ("%(name)s liked this", 1, "A %(name)s le gustó esto"),
        ("%(name)s liked this", 2, "A %(name)s les gustó esto"),
        ("%(name)s liked this", 0, "A %(name)s les gustó esto"),
        ("both", 1, "ambos"),
        ("both", 2, "ambos"),
        ("empty", 2, "vacío"),
        ("named", 1, "dicho"),
    ],
)
def test_csv_forms(tmp_path: Path, message: str, count: int, expected: str) -> None:
    """LOC-3: the indicator selects the form; without one a translation serves as both."""
    load(tmp_path, es_LA=SPANISH)
    assert locale.get("es_LA").translate(message, message, count) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_csv_encodings_are_found(tmp_path: Path, encoding: str) -> None:
    write_csv(tmp_path, "fr", '"summer","été"\n', encoding)
    locale.load_translations(str(tmp_path))
    assert locale.get("fr").translate("summer") == "été"


def test_csv_encoding_given(tmp_path: Path) -> None:
    write_csv(tmp_path, "fr", '"summer","été"\n', "latin-1")
    locale.load_translations(str(tmp_path), encoding="latin-1")
    assert locale.get("fr").translate("summer") == "été"


def test_bad_file_keeps_what_was_loaded(tmp_path: Path) -> None:
    load(tmp_path, fr="a,b\n")
    write_csv(tmp_path, "zz", "été,x\n", "latin-1")
    with pytest.raises(UnicodeDecodeError):
        locale.load_translations(str(tmp_path))
    assert locale.get("fr").translate("a") == "b"


@pytest.mark.parametrize("code", ["tlh", "xx_YY", "zh_Hant", "zh_Hant_TW", "es_419"])
def test_well_formed_codes(tmp_path: Path, code: str) -> None:
    """LOC-4: a code need not be in the table of names."""
    load(tmp_path, **{code: "a,b\n"})
    assert locale.get(code).translate("a") == "b"


@pytest.mark.parametrize("code", ["bad name", "EN_us", "zh-TW", "de.bak", ""])
def test_other_files_are_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    load(tmp_path, **{code: "a,b\n"})
    assert locale.get_supported_locales() == {"en_US"}
    assert len(caplog.records) == (1 if code else 0)


def test_rows_that_are_no_translations(caplog: pytest.LogCaptureFixture) -> None:
    rows = [["only"], [], ["", "x"], ["a", "b", "dual"], [" c ", " d ", " plural ", "note"]]
    assert parse_rows(rows, source="xx.csv") == {"plural": {"c": "d"}}
    (record,) = caplog.records
    assert "row 4 of xx.csv" in record.getMessage()


def compiled_messages(messages: dict[str, str]) -> bytes:
    """Build a file of gettext: header, two tables of lengths and offsets, then the texts."""
    pairs = sorted((key.encode(), value.encode()) for key, value in messages.items())
    texts, tables, place = b"", [b"", b""], 28 + 16 * len(pairs)
    for side in (0, 1):
        for pair in pairs:
            tables[side] += struct.pack("<2I", len(pair[side]), place + len(texts))
            texts += pair[side] + b"\0"
    starts = (28, 28 + 8 * len(pairs))
    header = struct.pack("<7I", 0x950412DE, 0, len(pairs), *starts, 0, 0)
    return header + tables[0] + tables[1] + texts


@pytest.fixture
def gettext_directory(tmp_path: Path) -> Path:
    folder = tmp_path / "pt_BR" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "web.mo").write_bytes(
        compiled_messages(
            {
                "": "Content-Type: text/plain; charset=UTF-8\n"
                "Plural-Forms: nplurals=2; plural=n > 1;\n",
                "school": "escola",
                "dog\0dogs": "cão\0cães",
                "law\x04right": "direito",
                "organ\x04club\0organ\x04clubs": "clube\0clubes",
            }
        )
    )
    (tmp_path / "README").write_text("not a folder")
    (tmp_path / "de").mkdir()
    return tmp_path


def test_gettext_files(gettext_directory: Path) -> None:
    """LOC-5"""
    locale.load_gettext_translations(str(gettext_directory), "web")
    assert locale.get_supported_locales() == {"pt_BR", "en_US"}
    found = locale.get("pt_BR")
    assert isinstance(found, locale.GettextLocale)
    assert found.translate("school") == "escola"
    assert [found.translate("dog", "dogs", n) for n in (0, 1, 2)] == ["cão", "cão", "cães"]
    assert found.translate("cat", "cats", 2) == "cats"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("law", "right"), "direito"),
        (("side", "right"), "right"),
        (("side", "school"), "escola"),
        (("organ", "club", "clubs", 1), "clube"),
        (("organ", "club", "clubs", 2), "clubes"),
        (("stick", "club", "clubs", 2), "clubs"),
        (("stick", "dog", "dogs", 2), "cães"),
    ],
)
def test_gettext_contexts(
    gettext_directory: Path, arguments: tuple[str, ...], expected: str
) -> None:
    locale.load_gettext_translations(str(gettext_directory), "web")
    assert locale.get("pt_BR").pgettext(*arguments) == expected


@pytest.mark.parametrize("content", [b"", b"\xde\x12\x04\x95", b"not compiled", None])
def test_bad_gettext_file_is_logged(
    gettext_directory: Path, caplog: pytest.LogCaptureFixture, content: bytes | None
) -> None:
    """Empty, cut off, or something else altogether."""
    path = gettext_directory / "de" / "LC_MESSAGES" / "web.mo"
    path.parent.mkdir()
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    locale.load_gettext_translations(str(gettext_directory), "web")
    assert locale.get_supported_locales() == {"pt_BR", "en_US"}
    assert "'de'" in caplog.text


def test_default_of_gettext_needs_no_file(gettext_directory: Path) -> None:
    locale.load_gettext_translations(str(gettext_directory), "web")
    assert locale.get("xx").translate("school") == "school"


def test_supported_locales_without_files() -> None:
    """LOC-6"""
    assert list(locale.get_supported_locales()) == ["en_US"]


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        (("es_LA",), "es_LA"),
        (("es-la",), "es_LA"),
        (("ES_la",), "es_LA"),
        (("es_GT",), "es"),
        (("es",), "es"),
        (("xx", "fr_FR", "es"), "fr_FR"),
        (("fr",), "en_US"),
        (("zh_Hant_HK",), "zh_Hant"),
        (("zh-hant-tw",), "zh_Hant_TW"),
        (("zh_TW",), "en_US"),
        (("es_LA_traditional",), "es_LA"),
        ((None, "", "es"), "es"),
        ((), "en_US"),
        (("-", "_", "--__"), "en_US"),
    ],
)
def test_closest(tmp_path: Path, wishes: tuple[str | None, ...], expected: str) -> None:
    """LOC-7, LOC-8, LOC-9: the first code with a tight or loose match, else the default."""
    load(tmp_path, **dict.fromkeys(("es", "es_LA", "fr_FR", "zh_Hant", "zh_Hant_TW"), "a,b\n"))
    assert locale.get(*wishes).code == expected
    assert locale.Locale.get_closest(*wishes).code == expected
    assert locale.get_closest_locale(*wishes).code == expected


@given(st.lists(st.text(), max_size=4))
def test_any_wish_gives_a_supported_locale(wishes: list[str]) -> None:
    assert locale.get(*wishes).code in locale.get_supported_locales()


def test_default_locale(tmp_path: Path) -> None:
    """LOC-8, LOC-13"""
    load(tmp_path, es="a,b\n")
    locale.set_default_locale("tlh")
    assert locale.get("xx").code == "tlh"
    assert locale.get("es").translate("a") == "b"
    assert locale.get_supported_locales() == {"es", "tlh"}
    load(tmp_path, fr="a,b\n")
    assert locale.get("xx").code == "tlh"


def test_get_exact(tmp_path: Path) -> None:
    """LOC-9"""
    load(tmp_path, es="a,b\n")
    assert locale.Locale.get("es") is locale.Locale.get("es")
    with pytest.raises(ValueError, match="'es_LA'"):
        locale.Locale.get("es_LA")


def test_reloading_is_noticed(tmp_path: Path) -> None:
    load(tmp_path, es="a,b\n")
    assert locale.get("es").translate("a") == "b"
    load(tmp_path, es="a,c\n")
    assert locale.get("es").translate("a") == "c"


@pytest.mark.parametrize("method", ["translate", "pgettext"])
def test_plural_without_count(gettext_directory: Path, method: str) -> None:
    """LOC-10"""
    locale.load_gettext_translations(str(gettext_directory), "web")
    context = ("c",) if method == "pgettext" else ()
    for code in ("pt_BR", "en_US"):
        with pytest.raises(ValueError, match="count"):
            getattr(locale.Locale.get(code), method)(*context, "dog", "dogs")
