"""Links in plain text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

# A protocol with what follows it, or a host name that begins with www. Neither part can match in
# two ways, so the cost is linear.
_CANDIDATE = re.compile(
    r"(?<![\w@/.:-])(?:(?P<protocol>[A-Za-z][A-Za-z0-9+.-]{0,30}):(?P<slashes>/{0,3})|(?=www\.))(?P<rest>[^\s<>\"'&]+(?:&(?!(?:lt|gt|quot|#x27);)[^\s<>\"'&]*)*)"
)
_TRAILING = ".,;:!?)]}"
MAX_TEXT = 30  # characters of a shortened link text


def link_text(
    escaped: str,
    *,
    shorten: bool,
    extra_params: str | Callable[[str], str],
    require_protocol: bool,
    permitted_protocols: Sequence[str],
) -> str:
    """Return HTML text with its URLs made links. The text is escaped already, and stays so."""

    def replace(match: re.Match[str]) -> str:
        whole = match[0]
        protocol = match["protocol"]
        if protocol is None and require_protocol:
            return whole
        if protocol is not None and (
            protocol.lower() not in permitted_protocols or not _is_address(match)
        ):
            return whole
        url = whole.rstrip(_TRAILING)
        # A closing bracket belongs to the URL if its opening one does.
        if whole[len(url) : len(url) + 1] == ")" and url.count("(") > url.count(")"):
            url += ")"
        tail = whole[len(url) :]
        href = url if protocol is not None else f"http://{url}"
        params = f" {extra_params(href).strip()}" if callable(extra_params) else extra_params
        shown = url
        if shorten and len(url) > MAX_TEXT:
            shown = _shortened(url, match)
            if shown != url:
                params += f' title="{href}"'
        return f'<a href="{href}"{params}>{shown}</a>{tail}'

    return _CANDIDATE.sub(replace, escaped)


def _is_address(match: re.Match[str]) -> bool:
    return bool(match["slashes"]) or match["protocol"].lower() == "mailto"


def _shortened(url: str, match: re.Match[str]) -> str:
    """Return the host and the beginning of the path; an entity is never cut."""
    start = match.end("slashes") - match.start() if match["protocol"] else 0
    host, slash, path = url[start:].partition("/")
    short = url[:start] + host + slash + path[:8].split("?")[0].split(".")[0]
    if len(short) > MAX_TEXT * 1.5:
        short = short[:MAX_TEXT]
    cut = short.rfind("&")
    if cut > 0 and ";" not in short[cut:]:
        short = short[:cut]
    return short + "..." if len(short) < len(url) else url
