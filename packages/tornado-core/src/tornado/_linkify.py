"""Links in plain text.

The text is escaped first and then only looked through, so all that is added are the tags of the
links: what the input had that could have been markup stays escaped, in link texts and addresses
alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

# A host name that begins with www, or a protocol, and what follows up to white space, a quote or
# an angle bracket (escaped, each of them). A start is tried once, protocols are short, and nothing
# can match in two ways, so the cost is linear.
_CANDIDATE = re.compile(
    r"(?:(?<![\w@.-])(?=www\.\w)"
    r"|(?<!\w)(?:(?P<protocol>[A-Za-z][A-Za-z0-9+-]{0,30}):(?P<slashes>/{1,3})"
    r"|(?P<mailto>[Mm][Aa][Ii][Ll][Tt][Oo]):))"
    r"(?P<rest>[^\s<>\"'&]*(?:&(?!(?:lt|gt|quot|#x27);)[^\s<>\"'&]*)*)"
)
_PUNCTUATION = frozenset(".,;:!?")
_OPENING = {")": "(", "]": "[", "}": "{"}
_AMPERSAND = "&amp;"
MAX_TEXT = 30  # characters of a shortened link text


def link_text(
    escaped: str,
    *,
    shorten: bool,
    extra_params: str | Callable[[str], str],
    require_protocol: bool,
    permitted_protocols: Sequence[str],
) -> str:
    """Return HTML text with its URLs made links.

    :arg escaped: the text, escaped already; it stays so.
    :arg extra_params: attributes for the tags, or a function that makes them of an address.
    """
    permitted = frozenset(permitted_protocols)

    def replace(match: re.Match[str]) -> str:
        protocol = match["protocol"] or match["mailto"]
        refused = require_protocol if protocol is None else protocol.lower() not in permitted
        end = 0 if refused else _end_of_url(match["rest"])
        if end == 0:
            return match[0]
        start = match.start("rest") - match.start()
        url, tail = match[0][: start + end], match[0][start + end :]
        href = url if protocol is not None else f"http://{url}"
        attributes = extra_params(href) if callable(extra_params) else extra_params
        shown = _shortened(url, start) if shorten else url
        if shown is not url:
            attributes += f' title="{href}"'
        attributes = attributes.strip()
        return f'<a href="{href}"{attributes and " " + attributes}>{shown}</a>{tail}'

    return _CANDIDATE.sub(replace, escaped)


def _end_of_url(rest: str) -> int:
    """Return where an address ends: what a sentence puts behind it isn't part of it, and a
    closing bracket only is if its opening one is."""
    surplus = {
        close: rest.count(close) - rest.count(opening) for close, opening in _OPENING.items()
    }
    end = len(rest)
    while end:
        last = rest[end - 1]
        if rest.endswith(_AMPERSAND, 0, end):
            end -= len(_AMPERSAND)
        elif last in _PUNCTUATION:
            end -= 1
        elif surplus.get(last, 0) > 0:
            surplus[last] -= 1
            end -= 1
        else:
            break
    return end


def _shortened(url: str, start: int) -> str:
    """Return the host and the beginning of the path, or ``url`` itself if that is no gain.

    :arg start: where the host begins.
    """
    if len(url) <= MAX_TEXT:
        return url
    host, slash, path = url[start:].partition("/")
    short = url[:start] + host + slash + re.split("[/?#.]", path[:8], maxsplit=1)[0]
    if len(short) > MAX_TEXT * 1.5:
        short = short[:MAX_TEXT]
    entity = short.rfind("&")
    if entity >= 0 and ";" not in short[entity:]:
        short = short[:entity]
    return short + "..." if len(short) + 3 < len(url) else url
