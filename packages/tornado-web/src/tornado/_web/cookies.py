"""The part of a handler that sets cookies (RFC 6265), plain and signed."""

from __future__ import annotations

import datetime
import re
from http.cookies import CookieError, SimpleCookie
from typing import Any

from tornado import httputil
from tornado._web.arguments import ArgumentReader
from tornado._web.output import ResponseMaker
from tornado._web.signing import (
    Secret,
    create_signed_value,
    decode_signed_value,
    get_signature_key_version,
)
from tornado.escape import native_str

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# RFC 6265 section 4.1.1: an attribute's value holds neither control characters nor semicolons.
_FORBIDDEN_IN_ATTRIBUTE = re.compile(r"[\x00-\x1f\x7f;]")
_FORBIDDEN_IN_VALUE = re.compile(r"[\x00-\x1f\x7f]")


class CookieKeeper(ArgumentReader, ResponseMaker):
    """Methods of handlers that set cookies and read signed ones."""

    def set_cookie(
        self,
        name: str,
        value: str | bytes,
        domain: str | None = None,
        expires: float | tuple[Any, ...] | datetime.datetime | None = None,
        path: str = "/",
        expires_days: float | None = None,
        *,
        max_age: int | None = None,
        httponly: bool = False,
        secure: bool = False,
        samesite: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Set a cookie; one of the same name set before is replaced.

        :arg name: its name, a token.
        :arg value: its value; special characters are quoted.
        :arg domain: hosts to send it to; only this one by default.
        :arg expires: when it ends; with the browser's session by default.
        :arg path: paths to send it for.
        :arg expires_days: days until it ends, instead of ``expires``.
        :arg max_age: seconds until it ends.
        :arg httponly: hide it from scripts.
        :arg secure: send it through TLS only.
        :arg samesite: ``Lax``, ``Strict`` or ``None``.
        :arg kwargs: further attributes that `http.cookies.Morsel` knows; ``_`` stands for ``-``.
        :raises ValueError: name, value or an attribute holds characters that it can't.
        """
        name, value = native_str(name), native_str(value)
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"Invalid cookie name {name!r}")
        if _FORBIDDEN_IN_VALUE.search(value):
            raise ValueError(f"Invalid cookie {name!r}: {value[:80]!r}")
        attributes = {"domain": domain, "path": path, "samesite": samesite, "max-age": max_age}
        if expires_days is not None and not expires:
            expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(
                days=expires_days
            )
        if expires:
            attributes["expires"] = httputil.format_timestamp(expires)
        for key, attribute in kwargs.items():
            attributes[key.replace("_", "-").lower()] = attribute
        self._add_cookie(name, value, attributes, httponly=httponly, secure=secure)

    def _add_cookie(
        self, name: str, value: str, attributes: dict[str, Any], *, httponly: bool, secure: bool
    ) -> None:
        jar: SimpleCookie = SimpleCookie()
        try:
            jar[name] = value
        except CookieError as error:
            raise ValueError(f"Invalid cookie name {name!r}") from error
        morsel = jar[name]
        for key, attribute in attributes.items():
            # No attribute is set to nothing, with one exception: Max-Age=0 ends a cookie.
            if attribute is None or attribute is False or attribute == "":
                continue
            if _FORBIDDEN_IN_ATTRIBUTE.search(str(attribute)):
                raise ValueError(f"Invalid cookie attribute {key}={attribute!r}")
            morsel[key] = attribute if attribute is True else str(attribute)
        if httponly:
            morsel["httponly"] = True
        if secure:
            morsel["secure"] = True
        if self._new_cookies is None:
            self._new_cookies = {}
        # A cookie that is set again moves to the end, as a browser would see it.
        self._new_cookies.pop(name, None)
        self._new_cookies[name] = morsel

    def clear_cookie(self, name: str, **kwargs: Any) -> None:
        """Tell the browser to delete a cookie.

        :arg kwargs: the attributes that it was set with, as for `set_cookie`.
        :raises TypeError: there are attributes about its end.
        """
        for attribute in ("expires", "max_age"):
            if attribute in kwargs:
                raise TypeError(f"clear_cookie() got an unexpected keyword argument {attribute!r}")
        expires = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=365)
        self.set_cookie(name, "", expires=expires, **kwargs)

    def clear_all_cookies(self, **kwargs: Any) -> None:
        """Tell the browser to delete all cookies that it sent; see `clear_cookie`."""
        for name in self.request.cookies:
            self.clear_cookie(name, **kwargs)

    # -- signed cookies

    @property
    def _cookie_secret(self) -> Secret:
        self.require_setting("cookie_secret", "secure cookies")
        secret: Secret = self.settings["cookie_secret"]
        return secret

    def set_signed_cookie(
        self,
        name: str,
        value: str | bytes,
        expires_days: float | None = 30,
        version: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Set a cookie that nobody without the ``cookie_secret`` setting can make or change.

        :arg value: its value, any bytes.
        :arg expires_days: days until the browser drops it; how old it may be is up to `get_signed_cookie`.
        :arg version: format of the signature.
        :arg kwargs: attributes as for `set_cookie`.
        """
        signed = self.create_signed_value(name, value, version=version)
        self.set_cookie(name, signed, expires_days=expires_days, **kwargs)

    def create_signed_value(
        self, name: str, value: str | bytes, version: int | None = None
    ) -> bytes:
        """Return what `set_signed_cookie` would set."""
        secret = self._cookie_secret
        key_version = None
        if isinstance(secret, dict):
            self.require_setting("key_version", "secure cookies with key versions")
            key_version = self.settings["key_version"]
        return create_signed_value(secret, name, value, version=version, key_version=key_version)

    def get_signed_cookie(
        self,
        name: str,
        value: str | None = None,
        max_age_days: float = 31,
        min_version: int | None = None,
    ) -> bytes | None:
        """Return the value of a signed cookie, `None` if there is no valid one.

        :arg value: a signed value from elsewhere, instead of the cookie.
        :arg max_age_days: how old it may be.
        :arg min_version: oldest format to accept.
        """
        secret = self._cookie_secret
        if value is None:
            value = self.get_cookie(name)
        return decode_signed_value(
            secret, name, value, max_age_days=max_age_days, min_version=min_version
        )

    def get_signed_cookie_key_version(self, name: str, value: str | None = None) -> int | None:
        """Return the number of the key that a signed cookie was signed with."""
        self.require_setting("cookie_secret", "secure cookies")
        if value is None:
            value = self.get_cookie(name)
        return None if value is None else get_signature_key_version(value)

    # The names that these methods had before version 6.3.
    set_secure_cookie = set_signed_cookie
    get_secure_cookie = get_signed_cookie
    get_secure_cookie_key_version = get_signed_cookie_key_version
