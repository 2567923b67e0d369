"""Reading translations from files."""

from __future__ import annotations

import codecs
import csv
import gettext
import os
from collections.abc import Iterable, Iterator

from tornado._locale.registry import CSVMessages, is_well_formed
from tornado.log import gen_log

_FORMS = ("singular", "plural", "unknown")


def read_csv_directory(directory: str, encoding: str | None) -> dict[str, CSVMessages]:
    """Read all files ``LOCALE.csv`` of a directory.

    :arg encoding: ``None`` for UTF-8, or for UTF-16 where a file has its mark at the start.
    :raises OSError: the directory or a file cannot be read.
    :raises UnicodeError: a file is not in the encoding.
    :raises csv.Error: a text is too long.
    """
    found: dict[str, CSVMessages] = {}
    for name in sorted(os.listdir(directory)):
        code, extension = os.path.splitext(name)
        if extension != ".csv":
            continue
        path = os.path.join(directory, name)
        if not is_well_formed(code):
            gen_log.error("%r is no locale code, file ignored: %s", code, path)
            continue
        with open(path, newline="", encoding=encoding or _sniff_encoding(path)) as file:
            found[code] = parse_rows(csv.reader(file), source=name)
    return found


def parse_rows(rows: Iterable[list[str]], *, source: str) -> CSVMessages:
    """Sort rows of message, translation and optional form; ``source`` is for log messages."""
    messages: CSVMessages = {}
    for number, row in enumerate(rows, 1):
        cells = [cell.strip() for cell in row]
        if len(cells) < 2 or not cells[0]:
            continue
        form = (cells[2] if len(cells) > 2 else "") or "unknown"
        if form not in _FORMS:
            gen_log.error("%r is no form of a message, row %d of %s ignored", form, number, source)
            continue
        messages.setdefault(form, {})[cells[0]] = cells[1]
    return messages


def _sniff_encoding(path: str) -> str:
    with open(path, "rb") as file:
        start = file.read(2)
    return "utf-16" if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def read_gettext_directory(directory: str, domain: str) -> dict[str, gettext.NullTranslations]:
    """Read ``CODE/LC_MESSAGES/DOMAIN.mo`` for each folder of a directory that has such a file.

    A file that cannot be read is logged and left out.
    """
    found: dict[str, gettext.NullTranslations] = {}
    for code, path in _catalogues(directory, domain):
        try:
            with open(path, "rb") as file:
                found[code] = gettext.GNUTranslations(file)
        except Exception as error:
            # gettext has no exception of its own: what is no catalogue, or is cut off, ends as it
            # happens to end in the reader.
            gen_log.error("no translations for %r from %s: %r", code, path, error)
    return found


def _catalogues(directory: str, domain: str) -> Iterator[tuple[str, str]]:
    for code in sorted(os.listdir(directory)):
        path = os.path.join(directory, code, "LC_MESSAGES", f"{domain}.mo")
        if not code.startswith(".") and os.path.exists(path):
            yield code, path
