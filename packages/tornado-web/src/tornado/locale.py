"""Translations, and dates and numbers as a language has them.

Load the translations once, when the program starts::

    locale.load_translations("/path/to/translations")

Then get a locale and translate with it; ``RequestHandler.locale`` is the one of the request's
user::

    user_locale = locale.get("es_LA")
    print(user_locale.translate("Sign out"))

A message can have a plural. The first form is used for a count of one, the second for all others::

    people = ["Ana", "Luis"]
    message = user_locale.translate(
        "%(list)s is online", "%(list)s are online", len(people))
    print(message % {"list": user_locale.list(people)})

Without translations messages come back as they are.
"""

from __future__ import annotations

from tornado._locale.loading import read_csv_directory, read_gettext_directory
from tornado._locale.locales import (
    CONTEXT_SEPARATOR,
    CSVLocale,
    GettextLocale,
    Locale,
    get,
    get_closest_locale,
    get_supported_locales,
)
from tornado._locale.names import LOCALE_NAMES
from tornado._locale.registry import registry

__all__ = [
    "CONTEXT_SEPARATOR",
    "LOCALE_NAMES",
    "CSVLocale",
    "GettextLocale",
    "Locale",
    "get",
    "get_closest_locale",
    "get_supported_locales",
    "load_gettext_translations",
    "load_translations",
    "set_default_locale",
]


def set_default_locale(code: str) -> None:
    """Set the language that the program's own messages are in; it needs no translations.

    It is what :func:`get` falls back to, and ``en_US`` unless set.

    :arg code: code of the locale.
    """
    registry.set_default(code)


def load_translations(directory: str, encoding: str | None = None) -> None:
    """Load translations from CSV files, in place of any loaded before.

    There is one file per locale, named by its code, such as ``es_GT.csv``. Each row has a message,
    its translation and perhaps a third column: ``plural`` or ``singular`` if the translation is for
    one form only, ``unknown`` or nothing if it serves both. The dialect is that of Excel, so there
    are no spaces after commas::

        "Sign out","Cerrar sesión"
        "%(name)s liked this","A %(name)s les gustó esto","plural"
        "%(name)s liked this","A %(name)s le gustó esto","singular"

    :arg directory: where the files are.
    :arg encoding: of the files; ``None`` means UTF-8, or UTF-16 for files with its byte order mark.
    :raises OSError: the directory or a file cannot be read; what was loaded before stays.
    :raises UnicodeError: a file is not in its encoding; what was loaded before stays.
    :raises csv.Error: a text is longer than `csv.field_size_limit`; what was loaded before stays.

    .. versionchanged:: 4.3
       Added ``encoding``.
    """
    registry.load(read_csv_directory(directory, encoding))


def load_gettext_translations(directory: str, domain: str) -> None:
    """Load translations from compiled files of gettext, in place of any loaded before.

    The files are ``{directory}/{code}/LC_MESSAGES/{domain}.mo``. To make them, collect the messages
    with ``xgettext --keyword=_:1,2``, translate them with ``msgmerge``, compile with ``msgfmt``.

    :arg directory: where the folders of the locales are.
    :arg domain: name of the files.
    :raises OSError: the directory cannot be read. A single bad file is logged and left out.
    """
    registry.load(read_gettext_directory(directory, domain))
