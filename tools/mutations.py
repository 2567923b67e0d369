"""Mistakes that the tests have to notice: for each, a line of the protocol engines and what a
careless change might make of it.

Each takes away one thing that an engine insists on. `tools/mutants.py` makes them, one at a time,
and runs the tests that are named with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_WEBSOCKET = "packages/tornado-websocket"
_HTTP = "packages/tornado-http"
_READING = (f"{_WEBSOCKET}/tests/test_websocket_frames.py", "tests/test_websocket_cases.py")
_DEFLATE = (f"{_WEBSOCKET}/tests/test_websocket_deflate.py", *_READING)
_SERVER = (f"{_WEBSOCKET}/tests/test_websocket_server.py",)
_CLIENT = (f"{_WEBSOCKET}/tests/test_websocket_client.py",)
_ENGINE = (f"{_HTTP}/tests/test_http_engine.py", f"{_HTTP}/tests/test_http_server.py")


@dataclass(frozen=True)
class Mutation:
    """One mistake.

    :arg name: what is lost by it.
    :arg path: of the module, from the root of the checkout.
    :arg old: some source text that stands there once.
    :arg new: what stands there instead.
    :arg tests: the files that have to notice.
    """

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def module(self) -> str:
        """The module's name."""
        return self.path.partition("/src/")[2].removesuffix(".py").replace("/", ".")

    def apply(self, source: str) -> str:
        """Return the source with the mistake.

        :raises ValueError: it doesn't fit the source.
        """
        if source.count(self.old) != 1:
            raise ValueError(
                f"the mutation {self.name!r} is of a text that stands {source.count(self.old)}"
                f" times in {self.path}: bring tools/mutations.py up to date"
            )
        return source.replace(self.old, self.new)


def _of(path: str, tests: tuple[str, ...], *changes: tuple[str, str, str]) -> Iterator[Mutation]:
    for name, old, new in changes:
        yield Mutation(name, path, old, new, tests)


MUTATIONS = (
    *_of(
        f"{_WEBSOCKET}/src/tornado/_websocket/reader.py",
        _READING,
        (
            "frames are masked or not as they have to be",
            "if (second & MASKED != 0) is not self._expects_mask:",
            "if False:",
        ),
        ("reserved bits are 0", "if first & RESERVED & ~may_be:", "if False:"),
        ("opcodes are known", "if opcode > 10 or 2 < opcode < 8:", "if False:"),
        ("control frames are whole", "if not first & FINAL:", "if False:"),
        ("control frames are short", "if size > MAX_CONTROL_PAYLOAD:", "if False:"),
        ("continuations continue something", "if not self._opcode:", "if False:"),
        ("messages end before others begin", "elif self._opcode:", "elif False:"),
        (
            "messages have a limit",
            "if self._size + size > limit or self._empty + (not size) > limit:",
            "if False:",
        ),
        (
            "empty frames come to an end",
            "if self._size + size > limit or self._empty + (not size) > limit:",
            "if self._size + size > limit:",
        ),
        ("text is UTF-8", 'payload.decode("utf-8")', 'payload.decode("utf-8", "replace")'),
        (
            "text in pieces is UTF-8",
            'codecs.utf_8_decode(piece, "strict", ends)',
            'codecs.utf_8_decode(piece, "replace", ends)',
        ),
        (
            "text ends with a whole character",
            'codecs.utf_8_decode(piece, "strict", ends)',
            'codecs.utf_8_decode(piece, "strict", False)',
        ),
        ("lengths have 63 bits", "if size >> 63:", "if False:"),
        ("lengths are short", "if size < (126 if digits == 2 else 65536):", "if False:"),
        ("close codes are known", "if not is_valid_close_code(code):", "if False:"),
        ("masks go on in the middle", "turn = (stop - position) % 4", "turn = 0"),
    ),
    *_of(
        f"{_WEBSOCKET}/src/tornado/_websocket/reader.py",
        _DEFLATE,
        ("inflated messages have a limit", "self._room -= len(data)", "self._room -= 0"),
    ),
    *_of(
        f"{_WEBSOCKET}/src/tornado/_websocket/frames.py",
        _READING,
        ("close codes below 3000 are few", "3000 <= code <= 4999", "1000 <= code <= 4999"),
        ("close codes end at 4999", "3000 <= code <= 4999", "3000 <= code"),
    ),
    *_of(
        f"{_WEBSOCKET}/src/tornado/_websocket/deflate.py",
        _DEFLATE,
        (
            "parameters of extensions are known",
            "        else:\n            return False\n",
            "        else:\n            continue\n",
        ),
        (
            "window sizes are 8 to 15",
            "if value is not None and _BITS.fullmatch(value) is None:",
            "if value is not None and not value.isdecimal():",
        ),
        (
            "servers keep to what was offered",
            "if theirs > options.max_window_bits or ours < 9 or (peer_keeps > "
            "options.context_takeover):",
            "if False:",
        ),
        (
            "parameters stand there once",
            'parameters["" if name in parameters else name] = argument',
            "parameters[name] = argument",
        ),
        (
            "later messages do without earlier ones where that was agreed",
            'keeps = options.context_takeover and "server_no_context_takeover" not in parameters',
            "keeps = options.context_takeover",
        ),
    ),
    *_of(
        f"{_WEBSOCKET}/src/tornado/_websocket/handshake.py",
        _SERVER,
        (
            "handshakes are GET requests of HTTP/1.1",
            'if request.method != "GET" or request.version != "HTTP/1.1":',
            "if False:",
        ),
        (
            "handshakes ask for an upgrade",
            'if headers.get("Upgrade", "").lower() != "websocket":',
            "if False:",
        ),
        ("keys are keys", "if len(keys) != 1 or not _is_key(keys[0]):", "if not keys:"),
    ),
    *_of(
        f"{_WEBSOCKET}/src/tornado/_websocket/server.py",
        _SERVER,
        ("origins are checked", "if origin is None or not self.check_origin(origin):", "if False:"),
    ),
    *_of(
        f"{_WEBSOCKET}/src/tornado/_websocket/opening.py",
        _CLIENT,
        (
            "servers prove that they have read the key",
            'if headers.get_list("Sec-Websocket-Accept") != [accept_value(self.key)]:',
            "if False:",
        ),
        (
            "servers choose among the subprotocols that were offered",
            "if chosen is not None and chosen not in self._subprotocols:",
            "if False:",
        ),
    ),
    *_of(
        f"{_HTTP}/src/tornado/_http1/grammar.py",
        _ENGINE,
        (
            "no CR stands alone in a field",
            '_FIELD_LINES = re.compile(rf"(?:[{_TOKEN_CHARS}]++:[^\\x00-\\x08\\n-\\x1f\\x7f]*+',
            '_FIELD_LINES = re.compile(rf"(?:[{_TOKEN_CHARS}]++:'
            "(?:[^\\x00-\\x08\\n-\\x1f\\x7f]|\\r(?!\\n))*+",
        ),
        (
            "no NUL stands in a field",
            '_FIELD_LINES = re.compile(rf"(?:[{_TOKEN_CHARS}]++:[^\\x00-\\x08\\n-\\x1f\\x7f]*+',
            '_FIELD_LINES = re.compile(rf"(?:[{_TOKEN_CHARS}]++:[^\\x01-\\x08\\n-\\x1f\\x7f]*+',
        ),
        (
            "no space stands before the colon",
            '_FIELD_LINES = re.compile(rf"(?:[{_TOKEN_CHARS}]++:',
            '_FIELD_LINES = re.compile(rf"(?:[{_TOKEN_CHARS}]++ *+:',
        ),
        (
            "single spaces stand in a request line",
            'rf"([{_TOKEN_CHARS}]++) ([\\x21',
            'rf"([{_TOKEN_CHARS}]++) +([\\x21',
        ),
        ("numbers are of digits", "if _DIGITS.fullmatch(text) is None:", "if not text:"),
        ("lengths agree", "if len(parts) != 1:", "if False:"),
        (
            "there is one Host",
            'raise HTTPInputError("more than one Host header")',
            "host = host[0]",
        ),
        ("there is a Host", 'if version == "HTTP/1.1":', "if False:"),
        ("a Host is one", "if not _is_host(host):", "if False:"),
        (
            "chunk lines hold a size and no more",
            "match = _CHUNK_LINE.fullmatch(line)",
            "match = _CHUNK_LINE.match(line)",
        ),
    ),
    *_of(
        f"{_HTTP}/src/tornado/_http1/reader.py",
        _ENGINE,
        (
            "nobody sends a length beside chunks",
            'if length is not None:\n            raise HTTPInputError("both',
            'if False:\n            raise HTTPInputError("both',
        ),
        ("HTTP/1.0 has no chunks", 'if version == "HTTP/1.0":', "if False:"),
        (
            "chunked is the only transfer coding",
            'if text.lower() != "chunked":',
            'if "chunked" not in text.lower():',
        ),
        (
            "heads have a limit",
            "if end - position > self.max_header_size:\n"
            "            raise self._too_large(data, position)\n"
            "        line, _, block",
            "if False:\n            raise self._too_large(data, position)\n        line, _, block",
        ),
        (
            "heads that don't end have a limit",
            'if over and (len(over) > 3 or over.strip(b"\\r\\n")):',
            "if False:",
        ),
        ("bodies in chunks have a limit", "if self.received > self.max_body_size:", "if False:"),
        (
            "announced bodies have a limit",
            "if self.state == FIXED_BODY and self._remaining > self.max_body_size:",
            "if False:",
        ),
        (
            "chunks end with their line",
            'if not data.startswith(b"\\r\\n", position):\n                        raise',
            "if False:\n                        raise",
        ),
        ("chunk lines have a limit", "if len(data) - position > MAX_CHUNK_LINE:", "if False:"),
        ("trailers change nothing", "grammar.check_trailers(trailers)", "pass"),
        ("empty lines have a limit", "if self.received > MAX_LEADING_EMPTY_LINES:", "if False:"),
    ),
    *_of(
        f"{_HTTP}/src/tornado/_http1/writer.py",
        _ENGINE,
        (
            "reasons hold no line ends",
            "if not line.isprintable() and _FORBIDDEN.search(line) is not None:",
            "if False:",
        ),
    ),
)
