"""Protection of a handler against requests that pages of other sites make a browser send."""

from __future__ import annotations

from tornado._web.cookies import CookieMethods
from tornado._web.errors import HTTPError
from tornado._web.origins import SAFE_METHODS, is_same_origin
from tornado._web.xsrf import TokenPair, format_token
from tornado.escape import xhtml_escape

# A response that may be kept and given to others must not carry a cookie that is meant for one.
_CACHED_WITH = ("Cache-Control", "Expires", "Last-Modified")


class ProtectionMethods(CookieMethods):
    """Methods by which a handler tells its own pages' requests from those of others."""

    # XSRF tokens.

    @property
    def xsrf_token(self) -> bytes:
        """The token to send back with the next request that changes something.

        Scripts send it in the header ``X-XSRFToken``, forms get it from `xsrf_form_html`. Reading
        it sets the cookie ``_xsrf`` if the browser has none. The settings ``xsrf_cookie_version``
        (2 or 1), ``xsrf_cookie_name`` and ``xsrf_cookie_kwargs`` (arguments for `set_cookie`)
        apply.

        .. versionchanged:: 3.2.2
           Masked, so that it differs with each response.
        """
        if self._xsrf_token is None:
            tokens = self._token_pair()
            version = self.settings.get("xsrf_cookie_version", 2)
            self._xsrf_token = format_token(tokens.token, version)
            if tokens.is_new:
                self._set_xsrf_cookie(self._xsrf_token)
        return self._xsrf_token

    def _token_pair(self) -> TokenPair:
        if self._tokens is None:
            self._tokens = TokenPair(self.get_cookie(self._xsrf_cookie_name()))
        return self._tokens

    def _xsrf_cookie_name(self) -> str:
        return str(self.settings.get("xsrf_cookie_name", "_xsrf"))

    def _set_xsrf_cookie(self, value: bytes) -> None:
        options = dict(self.settings.get("xsrf_cookie_kwargs", {}))
        if "expires_days" not in options and self._is_logged_in():
            options["expires_days"] = 30
        self.set_cookie(self._xsrf_cookie_name(), value, **options)

    def _is_logged_in(self) -> bool:
        raise NotImplementedError(f"{type(self).__name__} is not a complete handler")

    def check_xsrf_cookie(self) -> None:
        """Make sure that the request names the token of the browser's cookie.

        Called before `prepare` for all methods but GET, HEAD and OPTIONS if the setting
        ``xsrf_cookies`` is on. The token comes as argument ``_xsrf`` or as header ``X-XSRFToken``
        or ``X-CSRFToken``. Override it with a method that does nothing where requests are
        authenticated without cookies.

        :raises HTTPError: 403, the token is missing or not the same.

        .. versionchanged:: 3.2.2
           Accepts tokens of version 2.
        """
        headers = self.request.headers
        sent = (
            self.get_argument("_xsrf", None)
            or headers.get("X-Xsrftoken")
            or headers.get("X-Csrftoken")
        )
        if not sent:
            raise HTTPError(403, "%s without an XSRF token", self.request.method)
        tokens = self._token_pair()
        if tokens.is_new or not tokens.equals(sent):
            raise HTTPError(
                403, "the XSRF token of this %s is not the cookie's", self.request.method
            )

    def xsrf_form_html(self) -> str:
        """Return an ``<input>`` element that makes a form send the token.

        In templates: ``{% module xsrf_form_html() %}`` or ``{% raw xsrf_form_html() %}``.
        """
        token = xhtml_escape(self.xsrf_token)
        return f'<input type="hidden" name="_xsrf" value="{token}"/>'

    def _offer_xsrf_cookie(self) -> None:
        """Give a browser that has no token one, with the response under way."""
        if self._status_code >= 400 or self._is_exempt():
            return
        values = self._headers._values
        if any(name in values for name in _CACHED_WITH):
            return
        if self._token_pair().is_new:
            self.xsrf_token  # noqa: B018  # reading it sets the cookie

    def _is_exempt(self) -> bool:
        return type(self).check_xsrf_cookie is not ProtectionMethods.check_xsrf_cookie

    # Origins.

    def check_trusted_origin(self, origin: str) -> bool:
        """Tell whether pages of another origin may send requests that change something.

        Asked only under the setting ``cross_origin_protection``, and only about other origins. The
        default goes by the setting ``trusted_origins``, a list of such origins.

        :arg origin: scheme, host and, if it is not the default one, port, such as
           ``https://example.com``.

        .. versionadded:: 6.6
        """
        trusted = self.settings.get("trusted_origins", ())
        # A part of a string would be an origin that nobody has named.
        return origin == trusted if isinstance(trusted, str) else origin in trusted

    def _check_origin(self) -> None:
        """Refuse a request that a page of another origin made.

        :raises HTTPError: 403.
        """
        if is_same_origin(self.request) is not False:
            return
        origin = self.request.headers.get("Origin")
        if origin is None or not self.check_trusted_origin(origin):
            raise HTTPError(403, "request from another origin: %r", origin)

    def _check_protection(self) -> None:
        """Apply the checks that the settings ask for, to a request that may change something."""
        if self.request.method in SAFE_METHODS:
            return
        settings = self.settings
        if settings.get("cross_origin_protection"):
            self._check_origin()
        if settings.get("xsrf_cookies"):
            self.check_xsrf_cookie()
