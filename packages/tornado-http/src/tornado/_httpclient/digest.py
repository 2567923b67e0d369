"""Digest access authentication (RFC 7616), without input and output.

A `DigestStore` remembers what servers have asked for, so that only the first request to one is sent
twice.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

MAX_SPACES = 100  # servers that are remembered
MAX_CHALLENGE = 8192  # characters of a challenge that are looked at

# RFC 9110 section 11.2: auth-scheme, and parameters that are tokens or quoted strings.
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_PARAMETER = re.compile(rf'[ \t,]*+({_TOKEN})[ \t]*+=[ \t]*+(?:({_TOKEN})|"((?:[^"\\]|\\.)*+)")')
_SCHEME = re.compile(rf"[ \t,]*+({_TOKEN})(?:[ \t]++|(?=,)|$)")
_TOKEN68 = re.compile(r"[A-Za-z0-9\-._~+/]++=*+[ \t]*+(?:,|$)")
_ESCAPED = re.compile(r"\\(.)")

# RFC 7616 section 6.1. The strongest come first.
_HASHES: dict[str, str] = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}


@dataclass
class Challenge:
    """What a server asks for.

    :arg parameters: of its ``Digest`` challenge, with names in lower case.
    """

    parameters: dict[str, str]
    count: int = 0
    client_nonce: str = field(default_factory=lambda: os.urandom(16).hex())

    @property
    def nonce(self) -> str:
        """The server's part of what makes each answer different."""
        return self.parameters.get("nonce", "")

    @property
    def algorithm(self) -> str:
        """The algorithm's name, in upper case."""
        return self.parameters.get("algorithm", "MD5").upper()

    @property
    def quality(self) -> str | None:
        """The quality of protection that is used; `None` in the way of RFC 2069."""
        offered = self.parameters.get("qop")
        if offered is None:
            return None
        return "auth" if "auth" in _list(offered) else ""

    def is_usable(self) -> bool:
        """Whether it can be answered."""
        return (
            bool(self.nonce)
            and "realm" in self.parameters
            and self.quality != ""
            and _hasher(self.algorithm.removesuffix("-SESS")) is not None
        )

    def answer(self, username: str, password: str, method: str, target: str) -> str:
        """Return the credentials for one request (RFC 7616 section 3.4)."""
        self.count += 1
        digest = _hasher(self.algorithm.removesuffix("-SESS"))
        assert digest is not None
        identity = username.encode() + b":" + self.parameters["realm"].encode("latin-1")
        nonce = self.nonce.encode("latin-1")
        secret = digest(identity + b":" + password.encode())
        if self.algorithm.endswith("-SESS"):
            secret = digest(b"%b:%b:%b" % (secret, nonce, self.client_nonce.encode()))
        request = digest(f"{method}:{target}".encode())
        quality = self.quality
        number = f"{self.count:08x}"
        if quality is None:
            response = digest(b"%b:%b:%b" % (secret, nonce, request))
        else:
            middle = f"{number}:{self.client_nonce}:{quality}".encode()
            response = digest(b"%b:%b:%b:%b" % (secret, nonce, middle, request))
        parts = [*self._naming(username, digest(identity)), f"uri={_quoted(target)}"]
        return self._format(parts, response.decode(), number)

    def _naming(self, username: str, hashed: bytes) -> list[str]:
        """Return the parameters that name the user.

        :arg hashed: stands for the name where the server wants that.
        """
        if self.parameters.get("userhash", "").lower() == "true":
            return [f'username="{hashed.decode()}"', "userhash=true"]
        if username.isascii():
            return [f"username={_quoted(username)}"]
        return [f"username*={_extended(username)}"]

    def _format(self, parts: list[str], response: str, number: str) -> str:
        asked = self.parameters
        parts += [f"realm={_quoted(asked['realm'])}", f"nonce={_quoted(self.nonce)}"]
        parts.append(f'response="{response}"')
        if "algorithm" in asked:
            parts.append(f"algorithm={asked['algorithm']}")
        if "opaque" in asked:
            parts.append(f"opaque={_quoted(asked['opaque'])}")
        if self.quality is not None:
            parts += [f"qop={self.quality}", f"nc={number}", f'cnonce="{self.client_nonce}"']
        return "Digest " + ", ".join(parts)


class DigestStore:
    """Challenges by the space that they hold for: a server, and who uses it."""

    def __init__(self) -> None:
        self._challenges: OrderedDict[Hashable, Challenge] = OrderedDict()

    def learn(self, space: Hashable, fields: Iterable[str], seen: set[str]) -> bool:
        """Take up a challenge.

        :arg fields: the values of ``WWW-Authenticate`` or ``Proxy-Authenticate``.
        :arg seen: the nonces that were answered for the request already; the new one is added.
        :returns: whether it's worthwhile to answer. It isn't if an answer was refused, unless only
            the nonce was too old.
        """
        challenge = choose_challenge(fields)
        if challenge is None:
            self._challenges.pop(space, None)
            return False
        stale = challenge.parameters.get("stale", "").lower() == "true"
        refused = bool(seen) and not stale
        if refused or challenge.nonce in seen or len(seen) > 1:
            self._challenges.pop(space, None)
            return False
        seen.add(challenge.nonce)
        self._challenges[space] = challenge
        if len(self._challenges) > MAX_SPACES:
            self._challenges.popitem(last=False)
        return True

    def answer(
        self, space: Hashable, username: str, password: str, method: str, target: str
    ) -> str | None:
        """Return the credentials for a request, `None` while nothing is known of the server."""
        challenge = self._challenges.get(space)
        if challenge is None:
            return None
        self._challenges.move_to_end(space)
        return challenge.answer(username, password, method, target)


def choose_challenge(fields: Iterable[str]) -> Challenge | None:
    """Return the best of the ``Digest`` challenges that can be answered (RFC 7616 section 3.7)."""
    order = list(_HASHES)
    best: Challenge | None = None
    for text in fields:
        for scheme, parameters in parse_challenges(text):
            challenge = Challenge(parameters)
            if scheme != "digest" or not challenge.is_usable():
                continue
            rank = order.index(challenge.algorithm.removesuffix("-SESS"))
            if best is None or rank < order.index(best.algorithm.removesuffix("-SESS")):
                best = challenge
    return best


def parse_challenges(text: str) -> list[tuple[str, dict[str, str]]]:
    """Return the challenges of one field: schemes in lower case and their parameters.

    What is malformed ends the list; nothing has to be understood of a server that can't be
    answered.
    """
    text = text[:MAX_CHALLENGE]
    challenges: list[tuple[str, dict[str, str]]] = []
    position = 0
    while position < len(text):
        parameter = _PARAMETER.match(text, position)
        if parameter is not None and challenges:
            name, token, quoted = parameter.groups()
            value = token if quoted is None else _ESCAPED.sub(r"\1", quoted)
            challenges[-1][1].setdefault(name.lower(), value)
            position = parameter.end()
            continue
        scheme = _SCHEME.match(text, position)
        if scheme is None:
            break
        challenges.append((scheme[1].lower(), {}))
        position = scheme.end()
        credentials = _TOKEN68.match(text, position)
        if credentials is not None:
            position = credentials.end()
    return challenges


# The text of fields stands for octets (Latin-1), and octets are what is hashed. User name and
# password are the program's, and become UTF-8 (RFC 7616 section 4).
def _hasher(algorithm: str) -> Callable[[bytes], bytes] | None:
    name = _HASHES.get(algorithm)
    if name is None or name not in hashlib.algorithms_available:
        return None

    def digest(octets: bytes) -> bytes:
        return hashlib.new(name, octets, usedforsecurity=False).hexdigest().encode()

    return digest


def _list(text: str) -> list[str]:
    return [item.strip(" \t").lower() for item in text.split(",")]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _extended(text: str) -> str:
    """Return text in the notation of RFC 8187."""
    from urllib.parse import quote

    return "UTF-8''" + quote(text, safe="")
