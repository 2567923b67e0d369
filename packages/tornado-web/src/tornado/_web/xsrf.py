"""Protection against requests that other sites make a browser send.

The token of a browser is kept in its ``_xsrf`` cookie. What a page or a script sends back is masked afresh for each response, so that
compression doesn't give it away: ``2|mask|masked token|time``, all but the last in hexadecimal. Version 1 is the bare token.
"""

from __future__ import annotations

import binascii
import hmac
import os
import time
from typing import Any
from urllib.parse import urlsplit

from tornado._web.cookies import CookieKeeper
from tornado._web.errors import HTTPError
from tornado.escape import utf8, xhtml_escape

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
TOKEN_SIZE = 16  # bytes


class CrossSiteGuard(CookieKeeper):
    """Methods of handlers that refuse requests made by other sites."""

    _xsrf_token: bytes | None = None
    _raw_token: tuple[int, bytes, int] | None = None

    @property
    def xsrf_token(self) -> bytes:
        """The token that forms and scripts of this response have to send back; reading it sets the cookie."""
        if self._xsrf_token is None:
            version, token, timestamp = self._get_raw_xsrf_token()
            wanted = self.settings.get("xsrf_cookie_version", 2)
            if wanted == 1:
                self._xsrf_token = binascii.b2a_hex(token)
            elif wanted == 2:
                mask = os.urandom(4)
                self._xsrf_token = b"|".join(
                    (
                        b"2",
                        binascii.b2a_hex(mask),
                        binascii.b2a_hex(_masked(mask, token)),
                        str(timestamp).encode(),
                    )
                )
            else:
                raise ValueError(f"unknown xsrf cookie version {wanted!r}")
            if version is None:
                self._set_xsrf_cookie(self._xsrf_token)
        return self._xsrf_token

    def _set_xsrf_cookie(self, token: bytes) -> None:
        options: dict[str, Any] = dict(self.settings.get("xsrf_cookie_kwargs", {}))
        if "expires_days" not in options and getattr(self, "current_user", None):
            options["expires_days"] = 30
        self.set_cookie(self._xsrf_cookie_name, token, **options)

    @property
    def _xsrf_cookie_name(self) -> str:
        name: str = self.settings.get("xsrf_cookie_name", "_xsrf")
        return name

    def _get_raw_xsrf_token(self) -> tuple[int | None, bytes, int]:
        """Return version, token and time of the browser's cookie; the version is `None` for a new token."""
        if self._raw_token is None:
            cookie = self.get_cookie(self._xsrf_cookie_name)
            found = _decode_token(cookie) if cookie else None
            if found is None:
                return self._remember((None, os.urandom(TOKEN_SIZE), int(time.time())))
            return self._remember(found)
        return self._raw_token

    def _remember(self, raw: Any) -> Any:
        self._raw_token = raw
        return raw

    def check_xsrf_cookie(self) -> None:
        """Check that the request carries the browser's token; subclasses may define it to do nothing.

        The token comes as the argument ``_xsrf`` or in the header ``X-XSRFToken`` or ``X-CSRFToken``.

        :raises HTTPError: 403 if it's missing or wrong.
        """
        name = self._xsrf_cookie_name
        headers = self.request.headers
        given = (
            self.get_argument("_xsrf", None)
            or headers.get("X-Xsrftoken")
            or headers.get("X-Csrftoken")
        )
        if not given:
            raise HTTPError(403, f"'{name}' argument missing from {self.request.method}")
        sent = _decode_token(given)
        _, expected, _ = self._get_raw_xsrf_token()
        if sent is None:
            raise HTTPError(403, f"'{name}' argument has invalid format")
        if not hmac.compare_digest(sent[1], expected):
            raise HTTPError(403, "XSRF cookie does not match argument")

    def xsrf_form_html(self) -> str:
        """Return an ``<input>`` element with the token, for forms."""
        return f'<input type="hidden" name="_xsrf" value="{xhtml_escape(self.xsrf_token)}"/>'

    # -- protection by headers that browsers send

    def check_trusted_origin(self, origin: str) -> bool:
        """Whether requests that ``origin`` makes a browser send are welcome: those of the ``trusted_origins`` setting.

        .. versionadded:: 6.6
        """
        return origin in self.settings.get("trusted_origins", ())

    def _check_cross_origin(self) -> None:
        """Refuse state-changing requests from other origins (the ``cross_origin_protection`` setting).

        :raises HTTPError: 403.
        """
        request = self.request
        if request.method in SAFE_METHODS:
            return
        headers = request.headers
        origin = headers.get("Origin")
        site = headers.get("Sec-Fetch-Site")
        if site is not None:
            own = site in ("same-origin", "none")
        elif origin is not None:
            own = urlsplit(origin).netloc.lower() == request.host.lower()
        else:
            # Neither header: no browser of today.
            own = True
        if not own and not (origin is not None and self.check_trusted_origin(origin)):
            raise HTTPError(403, "cross-origin request from %r refused", origin)


def _decode_token(text: str | bytes) -> tuple[int, bytes, int] | None:
    """Return version, token and time of a token as it's sent; `None` if it's none."""
    data = utf8(text)
    try:
        if data[:2] == b"2|":
            _, mask, masked, stamp = data.split(b"|")
            token = _masked(binascii.a2b_hex(mask), binascii.a2b_hex(masked))
            return (2, token, int(stamp)) if len(mask) == 8 and token else None
        if data[:1].isdigit() and data[1:2] == b"|":
            return None
        try:
            token = binascii.a2b_hex(data)
        except (binascii.Error, TypeError):
            token = data
        return (1, token, int(time.time())) if token else None
    except (ValueError, binascii.Error):
        return None


def _masked(mask: bytes, data: bytes) -> bytes:
    """Return ``data`` combined with a mask of four bytes; doing it twice gives ``data`` again."""
    if len(mask) != 4:
        raise ValueError("a mask has four bytes")
    size = len(data)
    repeated = (mask * (size // 4 + 1))[:size]
    number = int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")
    return number.to_bytes(size, "big")
