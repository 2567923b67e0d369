"""Who made a request, and in which language they are answered."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tornado._web.templates import TemplateMethods

if TYPE_CHECKING:
    from tornado.locale import Locale

# Characters of an Accept-Language header that are looked at; people list a handful of languages.
_MAX_LENGTH = 1000


class UserMethods(TemplateMethods):
    """Methods by which a handler knows its user."""

    @property
    def current_user(self) -> Any:
        """The user who made the request, or something false.

        `get_current_user` is asked for it once; `prepare` may set it, which suits programs that
        have to wait for the answer of a database.
        """
        known = self.__dict__
        if "_current_user" not in known:
            known["_current_user"] = self.get_current_user()
        return known["_current_user"]

    @current_user.setter
    def current_user(self, value: Any) -> None:
        self._current_user = value

    def get_current_user(self) -> Any:
        """Return the user, for example by a signed cookie; override it. No coroutine may be
        used."""
        return None

    def _is_logged_in(self) -> bool:
        return bool(self.current_user)

    def get_login_url(self) -> str:
        """Return where `authenticated` sends users who are not logged in: by default the setting
        ``login_url``.

        :raises Exception: the setting is missing.
        """
        self.require_setting("login_url", "@tornado.web.authenticated")
        return str(self.settings["login_url"])

    @property
    def locale(self) -> Locale:
        """The locale of the user: what `get_user_locale` returns, or `get_browser_locale` if that
        is `None`.

        It is looked up once, and may be set.
        """
        known = self.__dict__
        if "_locale" not in known:
            chosen = self.get_user_locale()
            known["_locale"] = self.get_browser_locale() if chosen is None else chosen
        return known["_locale"]  # type: ignore[no-any-return]  # the values of a __dict__ are of any type

    @locale.setter
    def locale(self, value: Locale) -> None:
        self._locale = value

    def get_user_locale(self) -> Locale | None:
        """Return the locale that the user has chosen, such as
        ``tornado.locale.get(user.language)``; override it.

        :returns: `None` to go by the browser's settings.
        """
        return None

    def get_browser_locale(self, default: str = "en_US") -> Locale:
        """Return the supported locale that suits the header ``Accept-Language`` best.

        :arg default: code of the locale to take if none does.
        """
        # Programs without pages have no use for it, and it brings the tables of languages along.
        from tornado import locale

        header = self.request.headers.get("Accept-Language", "")[:_MAX_LENGTH]
        return locale.get(*preferred_languages(header), default)


@lru_cache(maxsize=128)
def preferred_languages(accept_language: str) -> tuple[str, ...]:
    """Return the languages of an ``Accept-Language`` header, best first (RFC 9110 section
    12.5.4)."""
    weighted = []
    for element in accept_language.split(","):
        language, _, weight = element.partition(";")
        language = language.strip()
        quality = _quality_of(weight)
        if language and language != "*" and quality > 0:
            weighted.append((quality, language))
    # The sort is stable, so languages of the same weight stay in the order of the header.
    weighted.sort(key=lambda pair: pair[0], reverse=True)
    return tuple([language for _, language in weighted])


def _quality_of(weight: str) -> float:
    name, _, value = weight.partition("=")
    if not name.strip():
        return 1.0
    try:
        quality = float(value)
    except ValueError:
        return 0.0
    return quality if name.strip().lower() == "q" and 0 <= quality <= 1 else 0.0
