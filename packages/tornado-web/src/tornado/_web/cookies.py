"""Cookies of handlers: those that came, those to be set, and signed ones."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tornado._web.output import OutputMethods
from tornado._web.set_cookies import SetCookies, expiry
from tornado._web.signing import (
    create_signed_value,
    decode_signed_value,
    get_signature_key_version,
)
from tornado.escape import native_str

if TYPE_CHECKING:
    import datetime
    from http.cookies import Morsel

    Expires = float | tuple[Any, ...] | datetime.datetime | str | None


class CookieMethods(OutputMethods):
    """Methods by which a handler reads and sets cookies."""

    @property
    def cookies(self) -> dict[str, Morsel[str]]:
        """The cookies of the request, as `tornado.httputil.HTTPServerRequest.cookies`."""
        return self.request.cookies

    def get_cookie(self, name: str, default: str | None = None) -> str | None:
        """Return the value of a cookie of the request.

        :arg name: its name.
        :arg default: returned if the request has no such cookie. Cookies set for the response do
           not count.
        """
        request = self.request
        if "cookies" in request.__dict__:
            # Somebody made morsels of them, and may have changed them.
            morsel = request.cookies.get(name)
            return default if morsel is None else morsel.value
        return request._cookie_values.get(name, default)

    def set_cookie(
        self,
        name: str,
        value: str | bytes,
        domain: str | None = None,
        expires: Expires = None,
        path: str = "/",
        expires_days: float | None = None,
        *,
        max_age: int | None = None,
        httponly: bool = False,
        secure: bool = False,
        samesite: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Set a cookie with the response.

        A cookie of the same name that was set earlier for this response is replaced.

        :arg name: its name.
        :arg value: its value; characters with a meaning of their own are quoted.
        :arg domain: the domain, with its subdomains, that gets the cookie back; `None` for this
           host only.
        :arg expires: when the browser is to forget it: datetime, time tuple or seconds since the
           epoch.
        :arg path: where in the site it is sent back.
        :arg expires_days: the same in days from now. Without either it lives as long as the
           browser's session.
        :arg max_age: the same in seconds from now.
        :arg httponly: keep it from scripts.
        :arg secure: send it back over TLS only.
        :arg samesite: ``Strict``, ``Lax`` or ``None``.
        :arg kwargs: further attributes, and other spellings of the above.
        :raises ValueError: the value holds control characters, or characters beyond U+00FF.
        :raises http.cookies.CookieError: the name or an attribute is not valid.

        .. versionchanged:: 6.6
           All attributes are checked.
        """
        attributes: dict[str, Any] = {
            "domain": domain,
            "expires": expiry(expires, expires_days),
            "path": path,
            "max-age": max_age,
            "httponly": httponly,
            "secure": secure,
            "samesite": samesite,
            **kwargs,
        }
        if self._set_cookies is None:
            self._set_cookies = SetCookies()
        self._set_cookies.set(native_str(name), native_str(value), attributes)

    def clear_cookie(
        self, name: str, path: str = "/", domain: str | None = None, **kwargs: Any
    ) -> None:
        """Make the browser forget a cookie.

        :arg name: its name.
        :arg path: as it was set with.
        :arg domain: as it was set with.
        :arg kwargs: other attributes for `set_cookie`; some browsers want ``secure`` and
           ``samesite`` to be the same too.
        :raises TypeError: ``kwargs`` say when it expires.

        .. versionchanged:: 6.3
           Accepts all arguments of `set_cookie`.
        """
        for argument in ("expires", "expires_days", "max_age"):
            if argument in kwargs:
                raise TypeError(f"clear_cookie() decides about {argument!r} itself")
        last_year = time.time() - 365 * 86400
        self.set_cookie(name, "", domain, last_year, path, **kwargs)

    def clear_all_cookies(self, **kwargs: Any) -> None:
        """Make the browser forget all cookies that it sent with this request.

        :arg kwargs: as for `clear_cookie`; browsers do not tell path and domain, so that cookies of
           others remain.

        .. versionchanged:: 3.2
           Added ``path`` and ``domain``.
        """
        for name in self.request.cookies:
            self.clear_cookie(name, **kwargs)

    # Signed cookies.

    def set_signed_cookie(
        self,
        name: str,
        value: str | bytes,
        expires_days: float | None = 30,
        version: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Set a cookie that the browser can read but not change, under the setting
        ``cookie_secret``.

        :arg name: its name.
        :arg value: its value, any bytes.
        :arg expires_days: days for which the browser keeps it; `None` for its session.
           `get_signed_cookie` has a limit of its own, which forgers cannot avoid.
        :arg version: of the format, see `create_signed_value`.
        :arg kwargs: as for `set_cookie`.
        :raises Exception: the setting is missing.

        .. versionchanged:: 6.3
           Formerly called ``set_secure_cookie``; both names stay.
        """
        signed = self.create_signed_value(name, value, version=version)
        self.set_cookie(name, signed, expires_days=expires_days, **kwargs)

    def create_signed_value(
        self, name: str, value: str | bytes, version: int | None = None
    ) -> bytes:
        """Sign a value under the setting ``cookie_secret``, for other places than a cookie.

        Settings with several keys (a dictionary) need the setting ``key_version`` besides: the key
        for new values.

        :arg name: what it is for; `get_signed_cookie` needs the same.
        :arg value: any bytes.
        :arg version: format; `None` for the newest.
        :raises Exception: a setting is missing.
        """
        self.require_setting("cookie_secret", "signed cookies")
        secret = self.settings["cookie_secret"]
        key_version = self.settings.get("key_version")
        if isinstance(secret, dict) and key_version is None:
            raise Exception("several keys in 'cookie_secret' need the setting 'key_version'")
        return create_signed_value(secret, name, value, version, key_version=key_version)

    def get_signed_cookie(
        self,
        name: str,
        value: str | None = None,
        max_age_days: float = 31,
        min_version: int | None = None,
    ) -> bytes | None:
        """Return the value of a signed cookie.

        :arg name: its name.
        :arg value: a signed value from elsewhere, in place of the request's cookie.
        :arg max_age_days: greatest age in days.
        :arg min_version: oldest format to accept.
        :returns: the value that was signed; `None` if it is missing, forged or too old.
        :raises Exception: the setting ``cookie_secret`` is missing.

        .. versionchanged:: 6.3
           Formerly called ``get_secure_cookie``; both names stay.
        """
        self.require_setting("cookie_secret", "signed cookies")
        if value is None:
            value = self.get_cookie(name)
        return decode_signed_value(
            self.settings["cookie_secret"], name, value, max_age_days, min_version=min_version
        )

    def get_signed_cookie_key_version(self, name: str, value: str | None = None) -> int | None:
        """Return the number of the key that signed a cookie; its signature is not checked.

        :arg name: its name.
        :arg value: a signed value from elsewhere, in place of the request's cookie.
        :returns: `None` if there is no cookie, or one of version 1.

        .. versionchanged:: 6.3
           Formerly called ``get_secure_cookie_key_version``; both names stay.
        """
        self.require_setting("cookie_secret", "signed cookies")
        if value is None:
            value = self.get_cookie(name)
        return None if value is None else get_signature_key_version(value)

    set_secure_cookie = set_signed_cookie
    get_secure_cookie = get_signed_cookie
    get_secure_cookie_key_version = get_signed_cookie_key_version
