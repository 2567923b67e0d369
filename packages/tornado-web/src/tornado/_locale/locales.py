"""Locale and its two kinds, by where the translations come from."""

from __future__ import annotations

import datetime
import gettext
from collections.abc import Sequence

from tornado._locale.dates import date_in_words, day_in_words, to_utc
from tornado._locale.names import LOCALE_NAMES, is_right_to_left
from tornado._locale.registry import CSVMessages, Loaded, registry

#: Stands between context and message in the files of gettext.
CONTEXT_SEPARATOR = "\x04"


class Locale:
    """A language, perhaps with a region: translates, and formats dates, numbers and lists.

    Get one from :func:`get`. Its ``code`` is such as ``"es_LA"``, its ``name`` is what the language
    calls itself (``"Unknown"`` if the code is not in ``LOCALE_NAMES``), and ``rtl`` is true if it
    is written from right to left.

    A locale of this class itself has no translations.

    :arg code: code of the locale.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self.name = LOCALE_NAMES.get(code, {}).get("name", "Unknown")
        self.rtl = is_right_to_left(code)

    @classmethod
    def get_closest(cls, *locale_codes: str | None) -> Locale:
        """Return the locale that fits the first code that can be satisfied; see :func:`get`."""
        return cls.get(registry.loaded.closest(locale_codes))

    @classmethod
    def get(cls, code: str) -> Locale:
        """Return the locale of exactly this code.

        :arg code: one of :func:`get_supported_locales`.
        :raises ValueError: it is not one of them.
        """
        loaded = registry.loaded
        if code not in loaded.codes:
            raise ValueError(f"the locale {code!r} is not supported")
        locale: Locale | None = loaded.locales.get(code)
        if locale is None:
            locale = loaded.locales.setdefault(code, _make(code, loaded))
        return locale

    def translate(
        self, message: str, plural_message: str | None = None, count: int | None = None
    ) -> str:
        """Translate a message.

        :arg message: the message in the program's language; with ``plural_message``, its singular.
        :arg plural_message: its plural.
        :arg count: number of things that it is about; needed with ``plural_message``.
        :returns: the translation of the form that fits the count, or that form itself if there is
            no translation.
        :raises ValueError: a plural without a count.
        """
        return message if _is_singular(plural_message, count) else str(plural_message)

    def pgettext(
        self,
        context: str,
        message: str,
        plural_message: str | None = None,
        count: int | None = None,
    ) -> str:
        """Translate a message that means different things in different contexts.

        Only gettext's files know contexts; with others this is :meth:`translate`.

        :arg context: tells the meanings apart for the translator.
        :arg message: as for :meth:`translate`.
        :arg plural_message: as for :meth:`translate`.
        :arg count: as for :meth:`translate`.
        :raises ValueError: a plural without a count.

        .. versionadded:: 4.2
        """
        return self.translate(message, plural_message, count)

    def format_date(
        self,
        date: int | float | datetime.datetime,
        gmt_offset: int = 0,
        relative: bool = True,
        shorter: bool = False,
        full_format: bool = False,
    ) -> str:
        """Format a date, above all one of the past; one of the future is always given in full.

        :arg date: POSIX time in seconds, or a datetime; a naive one is taken as UTC.
        :arg gmt_offset: minutes by which local time is behind UTC, negative to the east of it.
        :arg relative: say how long ago it was (``2 minutes ago``, ``yesterday at 3:05 pm``).
        :arg shorter: leave out the time of day where a day is told.
        :arg full_format: tell month, day and year (``July 10, 1980 at 3:05 pm``), however long ago.
        """
        return date_in_words(
            self,
            to_utc(date),
            datetime.datetime.now(datetime.UTC),
            gmt_offset=gmt_offset,
            relative=relative,
            shorter=shorter,
            full=full_format,
        )

    def format_day(self, date: datetime.date, gmt_offset: int = 0, dow: bool = True) -> str:
        """Format a day without its year, such as ``Monday, January 22``.

        :arg date: the date, in UTC.
        :arg gmt_offset: minutes by which local time is behind UTC.
        :arg dow: tell the day of the week.
        """
        return day_in_words(self, date, gmt_offset=gmt_offset, weekday=dow)

    def list(self, parts: Sequence[str]) -> str:
        """Join texts as a sentence would: ``A, B and C``.

        :arg parts: any number of texts.
        """
        if len(parts) < 2:
            return "".join(parts)
        comma = " \u0648 " if self.code.startswith("fa") else ", "
        return self.translate("%(commas)s and %(last)s") % {
            "commas": comma.join(parts[:-1]),
            "last": parts[-1],
        }

    def friendly_number(self, value: int) -> str:
        """Format a number, in English with commas between groups of three digits.

        :arg value: the number.
        """
        if self.code not in ("en", "en_US"):
            return str(value)
        return f"{int(value) if isinstance(value, str) else value:,}"


class CSVLocale(Locale):
    """A locale with translations from a CSV file.

    :arg code: code of the locale.
    :arg translations: for each of ``singular``, ``plural`` and ``unknown`` a dict of messages and
        translations.
    """

    def __init__(self, code: str, translations: CSVMessages) -> None:
        super().__init__(code)
        self.translations = translations

    def translate(
        self, message: str, plural_message: str | None = None, count: int | None = None
    ) -> str:
        """Translate a message; see :meth:`Locale.translate`.

        A translation without indication of its form serves as both.
        """
        forms = ["unknown"]
        if plural_message is not None:
            singular = _is_singular(plural_message, count)
            forms.insert(0, "singular" if singular else "plural")
            message = message if singular else plural_message
        for form in forms:
            translation = self.translations.get(form, {}).get(message)
            if translation is not None:
                return translation
        return message


class GettextLocale(Locale):
    """A locale with translations from a file of gettext.

    :arg code: code of the locale.
    :arg translations: the file's content.
    """

    def __init__(self, code: str, translations: gettext.NullTranslations) -> None:
        super().__init__(code)
        self.gettext = translations.gettext
        self.ngettext = translations.ngettext

    def translate(
        self, message: str, plural_message: str | None = None, count: int | None = None
    ) -> str:
        """Translate a message; see :meth:`Locale.translate`. The file has the rule for plurals."""
        if plural_message is None:
            return self.gettext(message)
        return self.ngettext(message, plural_message, _required(count))

    def pgettext(
        self,
        context: str,
        message: str,
        plural_message: str | None = None,
        count: int | None = None,
    ) -> str:
        """Translate a message in a context; see :meth:`Locale.pgettext`.

        A message that the file does not have in this context is looked up without one.
        """
        keys = [f"{context}{CONTEXT_SEPARATOR}{message}"]
        if plural_message is None:
            found = self.gettext(keys[0])
        else:
            keys.append(f"{context}{CONTEXT_SEPARATOR}{plural_message}")
            found = self.ngettext(keys[0], keys[1], _required(count))
        return self.translate(message, plural_message, count) if found in keys else found


def _is_singular(plural_message: str | None, count: int | None) -> bool:
    return plural_message is None or _required(count) == 1


def _required(count: int | None) -> int:
    if count is None:
        raise ValueError("a message with a plural needs a count")
    return count


def _make(code: str, loaded: Loaded) -> Locale:
    messages = loaded.messages.get(code, {})
    if isinstance(messages, gettext.NullTranslations):
        return GettextLocale(code, messages)
    return CSVLocale(code, messages)


def get(*locale_codes: str | None) -> Locale:
    """Return the locale that fits a user best.

    The codes are tried in order. One is satisfied by the locale of that code, or by the one of its
    language alone (``es`` for ``es_GT``). If none is satisfied, the default locale is returned.

    :arg locale_codes: codes, such as ``"pt_BR"`` or ``"pt-br"``; empty ones are skipped.
    """
    return Locale.get_closest(*locale_codes)


def get_closest_locale(*locale_codes: str | None) -> Locale:
    """Return the locale that fits a user best: an older name of :func:`get`."""
    return Locale.get_closest(*locale_codes)


def get_supported_locales() -> frozenset[str]:
    """Return the codes of all locales that have translations, and of the default one."""
    return registry.loaded.codes
