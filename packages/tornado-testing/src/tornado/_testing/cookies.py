"""The cookies that a client keeps."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, MutableMapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from tornado.httputil import HTTPHeaders


class _Key(NamedTuple):
    """What tells two cookies apart (RFC 6265 section 5.3)."""

    domain: str
    path: str
    name: str


class _Cookie(NamedTuple):
    """A cookie.

    :arg host_only: whether it's for one host, and not for those below it.
    :arg secure: whether it's for https alone.
    :arg deadline: the moment from which it's no more, in seconds since the epoch.
    """

    value: str
    host_only: bool
    secure: bool
    deadline: float | None


class CookieJar(MutableMapping[str, str]):
    """Cookies by their names; for tests that want to see or set one, whatever it's for.

    A cookie that is set this way is for all hosts and paths. What servers set is kept and sent by
    the rules of RFC 6265.
    """

    def __init__(self) -> None:
        self._cookies: dict[_Key, _Cookie] = {}

    # -- for tests

    def __getitem__(self, name: str) -> str:
        for key, cookie in self._alive():
            if key.name == name:
                return cookie.value
        raise KeyError(name)

    def __setitem__(self, name: str, value: str) -> None:
        self._drop(name)
        self._cookies[_Key("", "/", name)] = _Cookie(value, False, False, None)

    def __delitem__(self, name: str) -> None:
        if not self._drop(name):
            raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter({key.name: None for key, _ in self._alive()})

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _drop(self, name: str) -> bool:
        found = [key for key in self._cookies if key.name == name]
        for key in found:
            del self._cookies[key]
        return bool(found)

    def _alive(self) -> Iterator[tuple[_Key, _Cookie]]:
        now = time.time()
        for key, cookie in list(self._cookies.items()):
            if cookie.deadline is not None and cookie.deadline <= now:
                del self._cookies[key]
            else:
                yield key, cookie

    # -- for a client

    def take(self, url: str, fields: Iterable[str]) -> None:
        """Keep what a response has set.

        :arg url: where it's from.
        :arg fields: its ``Set-Cookie`` fields.
        """
        for field in fields:
            self._take(urlsplit(url).hostname or "", urlsplit(url).path, field)

    def _take(self, host: str, path: str, field: str) -> None:
        pair, *rest = field.split(";")
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not name:
            return
        attributes = {}
        for attribute in rest:
            key, _, setting = attribute.partition("=")
            attributes[key.strip().lower()] = setting.strip()
        domain = attributes.get("domain", "").lower().lstrip(".")
        if domain and not _is_within(host, domain):
            # RFC 6265 section 5.3: nobody sets cookies for others.
            return
        scope = attributes.get("path", "")
        if not scope.startswith("/"):
            scope = path.rpartition("/")[0] or "/"
        self._cookies[_Key(domain or host, scope, name)] = _Cookie(
            value, not domain, "secure" in attributes, _deadline(attributes)
        )

    def add_to(self, headers: HTTPHeaders, url: str) -> None:
        """Add the cookies for a request to its header fields, before those that are there.

        :arg url: where it goes.
        """
        cookies = [self.field_for(url), headers.get("Cookie", "")]
        if any(cookies):
            headers["Cookie"] = "; ".join(filter(None, cookies))

    def field_for(self, url: str) -> str:
        """Return the ``Cookie`` field for a request, empty if there are no cookies for it.

        :arg url: where it goes.
        """
        if not self._cookies:
            return ""
        parts = urlsplit(url)
        host, path = parts.hostname or "", parts.path or "/"
        found = []
        for key, cookie in self._alive():
            if cookie.secure and parts.scheme not in ("https", "wss"):
                continue
            if key.domain and key.domain != host:
                if cookie.host_only or not _is_within(host, key.domain):
                    continue
            if path == key.path or path.startswith(key.path.rstrip("/") + "/"):
                found.append((key, cookie))
        # RFC 6265 section 5.4: the longest path first.
        found.sort(key=lambda item: -len(item[0].path))
        return "; ".join(f"{key.name}={cookie.value}" for key, cookie in found)


def _is_within(host: str, domain: str) -> bool:
    return host == domain or host.endswith("." + domain)


def _deadline(attributes: dict[str, str]) -> float | None:
    """Return when a cookie ends; of its two attributes for that, ``Max-Age`` is the stronger."""
    if "max-age" in attributes:
        try:
            return time.time() + int(attributes["max-age"])
        except ValueError:
            pass  # RFC 6265 section 5.2.2: as if it weren't there.
    if "expires" in attributes:
        try:
            return parsedate_to_datetime(attributes["expires"]).timestamp()
        except ValueError:
            pass  # RFC 6265 section 5.2.1: likewise.
    return None
