"""The requests: a name, which application gets it, and its bytes."""

import hashlib
import itertools


def request(line, headers=(), body=b"", host="127.0.0.1", close=True):
    """Return the bytes of a request. The line's version may be left out."""
    if " HTTP/" not in line:
        line += " HTTP/1.1"
    lines = [line]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += headers
    names = {header.partition(":")[0].lower() for header in lines[1:]}
    if close and "connection" not in names:
        lines.append("Connection: close")
    if body and not names & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get"]
PATHS = [
    "/",
    "/method",
    "/method/a/b",
    "/method//",
    "/method/a%20b/c%2Fd",
    "/method/%C3%A9/%FF",
    "/method/a+b/%2B",
    "/named/x/y/z",
    "/named//%E4",
    "/optional",
    "/optional/abc",
    "/optional/ABC",
    "/optional/",
    "/missing",
    "/gone",
    "/away",
    "/away/temporary",
    "/away/one/two",
    "/away/%C3%A9/a%20b?q=1",
    "/slash",
    "/slash/",
    "/no-slash",
    "/no-slash/",
    "/no-slash//",
    "/item/x",
    "/method?a=b",
    "/method/a/b?c=d",
    "/METHOD",
    "//method",
    "/./method",
    "/output/text",
    "/async/text",
    "/async/dict",
    "/files/plain.txt",
    "/streamed",
    "/own-errors",
    "/private",
]


def methods():
    """Methods and paths."""
    for method, path in itertools.product(METHODS, PATHS):
        body = b"" if method in {"GET", "HEAD", "get"} else b"a=b"
        yield request(f"{method} {path}", body=body)
    for host in ("hosted.example", "www.hosted.example", "HOSTED.example:8080", "x.hosted.example"):
        for path in ("/method", "/h", "/missing"):
            yield request(f"GET {path}", host=host)


QUERIES = [
    "a=1",
    "a=1&a=2",
    "a=2&b=1&a=1",
    "a=",
    "a",
    "=a",
    "a=b=c",
    "a&b",
    "a=%20b%20",
    "a=+b+",
    "a=%C3%A9",
    "a=%FF",
    "a=%zz",
    "a=%4",
    "a=%",
    "a=1;b=2",
    "a=%26",
    "%61=b",
    "a%20b=c",
    "a[]=1&a[]=2",
    "a=%00",
    "a=%0Ab",
    "a=%0D%0A",
    "a=%0B",
    "a=%1F",
    "a=b%7F",
    "&&a=b&&",
    "a=%F0%9F%98%80",
    "a=%ED%A0%80",
    "a=%C0%AF",
    "=&=",
    "which=which",
    "which=a&a=1&a=2",
    "which=",
    "a=1%2C2",
    "a=%E2%80%8Bb%C2%A0",
    "a=%22%27%3C%3E",
    "a=b#c",
    "a=b?c=d",
    "a=/%2F",
]


def queries():
    """Arguments in the query."""
    for path, query in itertools.product(("/arguments", "/unstripped", "/output/query"), QUERIES):
        yield request(f"GET {path}?{query}")


FORMS = (
    b"a=1",
    b"a=1&a=2&b=3",
    b"a=",
    b"",
    b"a",
    b"a=%C3%A9",
    b"a=\xc3\xa9",
    b"a=%FF",
    b"a=+b+",
    b"a=b\r\n",
    b"a=1;b=2",
    b"&=&a=b",
    b"%00=%00",
)
FORM = "application/x-www-form-urlencoded"
FORM_TYPES = (
    FORM,
    f"{FORM}; charset=utf-8",
    f"{FORM};charset=latin-1",
    FORM.upper(),
    "application/json",
    "text/plain",
    "",
    None,
)


def forms():
    """Arguments in the body."""
    for kind, body in itertools.product(FORM_TYPES, FORMS):
        headers = [] if kind is None else [f"Content-Type: {kind}"]
        yield request("POST /arguments?q=1&a=q", headers, body)
    for method in ("PUT", "PATCH"):
        yield request(f"{method} /arguments", [f"Content-Type: {FORM}"], b"a=1")
    chunked = ["Transfer-Encoding: chunked", f"Content-Type: {FORM}"]
    yield request("POST /arguments", chunked, b"3\r\na=1\r\n4\r\n&b=2\r\n0\r\n\r\n")
    yield request("POST /streamed", ["Transfer-Encoding: chunked"], b"3\r\nabc\r\n0\r\n\r\n")
    yield request("POST /streamed", body=b"x" * 100_000)
    yield request("POST /output/body", body=bytes(range(256)))
    gzip = ["Content-Encoding: gzip", f"Content-Type: {FORM}"]
    yield request("POST /arguments", gzip, b"a=1")


def part(disposition, body=b"x", headers=()):
    """Return a part of a form."""
    lines = [f"Content-Disposition: {disposition}", *headers, "", ""]
    return "\r\n".join(lines).encode("utf-8") + body


PARTS = (
    [part('form-data; name="a"')],
    [part('form-data; name="a"'), part('form-data; name="a"', b"y")],
    [part("form-data; name=a")],
    [part('form-data; name=""')],
    [part("form-data")],
    [part('attachment; name="a"')],
    [part('form-data; name="a"; filename="f.txt"', b"file")],
    [part('form-data; name="a"; filename="f.txt"', b"file", ["Content-Type: text/plain"])],
    [part('form-data; name="a"; filename=""', b"")],
    [part('form-data; name="a"; filename="\u00e9.txt"', b"file")],
    [part("form-data; name=\"a\"; filename*=UTF-8''%C3%A9.txt", b"file")],
    [part('form-data; name="a"; filename="x"; filename*=UTF-8\'\'y%20z', b"file")],
    [part('form-data; name="a"; filename="C:\\\\dir\\\\f.txt"', b"file")],
    [part('form-data; name="a"; filename="a\\"b.txt"', b"file")],
    [part('form-data; name="a;b"; filename="c;d"', b"file")],
    [part('form-data;name="a"')],
    [part('FORM-DATA; NAME="a"')],
    [part('form-data; name="a"', b"line\r\nline\r\n")],
    [part('form-data; name="a"', b"--AaB03x")],
    [part('form-data; name="a"', b"")],
    [part('form-data; name="\u00e9"', "\u00e9".encode())],
    [part('form-data; name="a"', b"\xff\x00")],
    [part('form-data; name="a"', headers=["X-Other: y", "Content-Transfer-Encoding: binary"])],
    [b"no headers at all"],
    [b"\r\nno disposition"],
    [b"Content-Disposition form-data; name=a\r\n\r\nx"],
)
BOUNDARIES = (
    ("AaB03x", "AaB03x"),
    ('"AaB03x"', "AaB03x"),
    ("'AaB03x'", "'AaB03x'"),
    ("", ""),
)


def multipart():
    """Forms with files."""
    for parts in PARTS:
        yield _multipart(parts, "AaB03x", "AaB03x")
    for written, boundary in BOUNDARIES:
        yield _multipart(PARTS[0], written, boundary)
    one = _body(PARTS[0], "AaB03x")
    bodies = (
        one[: -len(b"--\r\n")],
        one[: -len(b"\r\n")],
        one + b"epilogue",
        b"preamble\r\n" + one,
        one.replace(b"AaB03x", b"Other"),
        b"",
        b"--AaB03x--\r\n",
        b"--AaB03x\r\n",
        one.replace(b"\r\n", b"\n"),
    )
    for body in bodies:
        headers = ["Content-Type: multipart/form-data; boundary=AaB03x"]
        yield request("POST /arguments", headers, body)
    for kind in ("multipart/form-data", "multipart/mixed; boundary=AaB03x"):
        yield request("POST /arguments", [f"Content-Type: {kind}"], one)
    kind = "Multipart/Form-Data; charset=utf-8; boundary=AaB03x; x=y"
    yield request("POST /arguments", [f"Content-Type: {kind}"], one)


def _body(parts, boundary):
    mark = f"--{boundary}".encode("latin-1")
    return b"".join(mark + b"\r\n" + one + b"\r\n" for one in parts) + mark + b"--\r\n"


def _multipart(parts, written, boundary):
    headers = [f"Content-Type: multipart/form-data; boundary={written}"]
    return request("POST /arguments?a=q", headers, _body(parts, boundary))


COOKIES = (
    "a=b",
    "a=b; c=d",
    "a=b;c=d",
    "a=b, c=d",
    "a=b; a=c",
    'a="b"',
    'a="b c"',
    'a="b\\"c"',
    'a="b\\073c"',
    'a="unfinished',
    "a=",
    "a",
    "=b",
    "a==b",
    "a=b=c",
    " a = b ",
    "a=b;",
    ";;a=b",
    "a b=c",
    "a=b c",
    "a:b=c",
    "a=\xe9",
    "\xe9=a",
    "a=\xc3\xa9",
    "$Version=1; a=b; $Path=/",
    "a=<b>",
    "a={b}",
    "a[b]=c",
    "expires=x; path=/; a=b",
    "a=b/c",
    "a=%20",
    "a=" + "b" * 2000,
    "; ".join(f"n{index}=v" for index in range(50)),
    "a,b=c",
    "a=1; b=2; a=3",
    '"a"=b',
    "a='b'",
    "a=b\\c",
)


def cookies():
    """Cookies that come, and that are set."""
    for cookie in COOKIES:
        yield request("GET /cookies", [f"Cookie: {cookie}"])
    yield request("GET /cookies", ["Cookie: a=b", "Cookie: c=d"])
    ways = (
        "plain two again quoted comma unicode bytes empty domain path no-path expires tuple "
        "max-age max-age-0 secure http-only same-site all cleared cleared-path all-cleared "
        "set-and-cleared bad-value bad-line bad-name bad-name-space bad-path bad-domain"
    )
    for way in ways.split():
        yield request(f"GET /set-cookie/{way}", ["Cookie: a=b; c=d"])


def signed_cookies():
    """Signed cookies: as they were made, and changed."""
    from answers_application import SECRETS

    from tornado.web import create_signed_value

    made = []
    for version in (1, 2):
        for key, secret in SECRETS.items():
            if version == 1 and key:
                continue
            options = {"key_version": key} if version == 2 else {}
            given = SECRETS if version == 2 else secret
            value = create_signed_value(
                given, "user", "someone", version=version, clock=lambda: 1_000_000_000, **options
            )
            made.append(value.decode())
    for value in made:
        yield _signed(value)
        yield _signed(f'"{value}"')
        for index in range(0, len(value), 9):
            yield _signed(value[:index] + "x" + value[index + 1 :])
        yield _signed(value[:-1])
        yield _signed(value + "0")
        yield _signed(value.replace("someone", "other"))
    two = made[-1]
    for value in ("", "|", "||", "a|b|c", "2|", "2|1:0|", "3|" + two[2:], "1|" + two[2:]):
        yield _signed(value)
    yield _signed(two.replace("|1:1|", "|1:7|"))
    yield _signed(two.replace("|1:1|", "|1:x|"))
    yield _signed(two.replace("|4:user|", "|5:other|"))


def _signed(value):
    return request("GET /signed", [f"Cookie: user={value}"])


RANGES = [
    "bytes=0-9",
    "bytes=0-",
    "bytes=-10",
    "bytes=10-19",
    "bytes=99-99",
    "bytes=99-200",
    "bytes=100-110",
    "bytes=50-40",
    "bytes=-0",
    "bytes=-1000",
    "bytes=-",
    "bytes=",
    "bytes",
    "bytes=a-b",
    "bytes=0-9,20-29",
    "bytes=0-0",
    "bytes=1",
    "bytes=0-99",
    "bytes=0-100",
    "items=0-9",
    "bytes=+1-2",
    "bytes=1-+2",
    "bytes=00-09",
    "bytes==0-9",
    "bytes=0--9",
    "BYTES=0-9",
    "bytes=0-18446744073709551616",
]
RANGES += ["bytes = 0-9", "bytes=0 - 9", " bytes=0-9 ", "bytes=\xb2-3"]
CHANGED = "Sun, 09 Sep 2001 01:46:40 GMT"
BEFORE = "Sun, 09 Sep 2001 01:46:39 GMT"
AFTER = "Sun, 09 Sep 2001 01:46:41 GMT"
DATES = (
    CHANGED,
    BEFORE,
    AFTER,
    "Sunday, 09-Sep-01 01:46:40 GMT",
    "Sun Sep  9 01:46:40 2001",
    "Sun, 09 Sep 2001 01:46:40",
    "Sun, 09 Sep 2001 01:46:40 +0100",
    "Mon, 09 Sep 2001 01:46:40 GMT",
    "yesterday",
    "",
    "0",
    "Sun, 99 Sep 2001 01:46:40 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
)
TAG = hashlib.sha512(b"0123456789" * 10).hexdigest()
TAGS = (
    f'"{TAG}"',
    f'W/"{TAG}"',
    f'"other", "{TAG}"',
    f'W/"other",W/"{TAG}"',
    '"other"',
    "*",
    TAG,
    f'"{TAG[:-1]}"',
    '""',
    "",
    f'"{TAG}" extra',
    f"'{TAG}'",
)
FILE_PATHS = [
    "plain.txt",
    "empty.txt",
    "page.html",
    "data.json",
    "script.js",
    "image.svg",
    "archive.tar.gz",
    "no-suffix",
    "with%20space.txt",
    "with+space.txt",
    "folder",
    "folder/",
    "folder/index.html",
    "folder/deep.txt",
    "missing.txt",
    "../secret.txt",
    "%2e%2e/secret.txt",
    "..%2fsecret.txt",
    "../static-beside.txt",
    "..%2f..%2fetc/passwd",
    "folder/../plain.txt",
    "./plain.txt",
    "//plain.txt",
    "/etc/passwd",
    "%2Fetc%2Fpasswd",
    "plain.txt/",
    "plain.txt%00",
    "%00",
    "plain.txt%00.html",
    "..%5csecret.txt",
    "C:%5csecret.txt",
    "folder%2Fdeep.txt",
    "plain.txt?v=1",
    "plain.txt?v=",
    "plain.txt?w=1",
    "....//secret.txt",
    ".%2e/secret.txt",
    "%C3%A9.txt",
    "%FF",
    "PLAIN.TXT",
    "plain.txt.",
    "folder//deep.txt",
    "folder/%2e/deep.txt",
    "~",
    "*",
]


def files():
    """Static files: what is found, conditions, ranges."""
    for root, path in itertools.product(("/files/", "/index/", "/static/"), FILE_PATHS):
        yield request(f"GET {root}{path}")
    for path in ("/one-file", "/favicon.ico", "/robots.txt", "/index/folder", "/files", "/files/"):
        yield request(f"GET {path}")
    for method in ("GET", "HEAD"):
        for value in RANGES:
            yield request(f"{method} /files/plain.txt", [f"Range: {value}"])
        for value in DATES:
            yield request(f"{method} /files/plain.txt", [f"If-Modified-Since: {value}"])
        for value in TAGS:
            yield request(f"{method} /files/plain.txt", [f"If-None-Match: {value}"])
    for value in ("bytes=0-9", "bytes=-1", "bytes=0-0", "bytes=5-"):
        yield request("GET /files/empty.txt", [f"Range: {value}"])
    for tag, date in itertools.product(TAGS[:6], DATES[:3]):
        headers = [f"If-None-Match: {tag}", f"If-Modified-Since: {date}"]
        yield request("GET /files/plain.txt", headers)
    for tag in TAGS[:3]:
        yield request("GET /files/plain.txt", [f"If-None-Match: {tag}", "Range: bytes=0-9"])
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        yield request(f"{method} /files/plain.txt", body=b"x")
    yield request("GET /files/plain.txt", ["Accept-Encoding: gzip"])


OUTPUTS = [
    "text",
    "unicode",
    "bytes",
    "dict",
    "list",
    "none",
    "number",
    "nothing",
    "twice",
    "finish",
    "finish-dict",
    "write-after-finish",
    "finish-twice",
    "status",
    "status-reason",
    "status-unknown",
    "status-204",
    "status-204-body",
    "status-304",
    "header",
    "header-number",
    "header-twice",
    "header-added",
    "header-cleared",
    "header-latin",
    "header-line",
    "header-name",
    "header-list",
    "type",
    "no-type",
    "length",
    "clear",
    "redirect",
    "redirect-permanent",
    "redirect-status",
    "redirect-bad-status",
    "redirect-absolute",
    "redirect-relative",
    "redirect-unicode",
    "redirect-line",
    "error-404",
    "error-log",
    "error-reason",
    "error-unknown",
    "error-plain",
    "error-escape",
    "error-after-write",
    "send-error",
    "send-error-reason",
    "finish-exception",
    "finish-exception-body",
    "missing",
    "render-string",
    "render",
    "full-url",
    "etag",
    "check-etag",
    "uri",
    "query",
    "host",
    "static-url",
    "static-url-host",
    "static-url-missing",
    "reverse",
    "reverse-escape",
    "reverse-missing",
    "setting",
    "headers",
    "protocol",
    "current-user",
]


def outputs():
    """Answers of all kinds."""
    for way in OUTPUTS:
        yield request(f"GET /output/{way}")
        yield request(f"HEAD /output/{way}")
        yield request(f"GET /async/{way}")
        yield request(f"GET /output/{way} HTTP/1.0")
    for version in ("HTTP/1.1", "HTTP/1.0"):
        for method, connection in itertools.product(
            ("GET", "HEAD"), ("close", "keep-alive, close", "Close")
        ):
            yield request(f"{method} /flushed {version}", [f"Connection: {connection}"])
    for host in ("example.com", "example.com:8888", "[::1]:80", "EXAMPLE.com", "a_b", "\u00e9"):
        for way in ("host", "full-url"):
            yield request(f"GET /output/{way}", host=host)
    etag = hashlib.sha1(b"text").hexdigest()
    for value in (f'"{etag}"', f'W/"{etag}"', f'"x", "{etag}"', "*", '"x"', etag, ""):
        for method in ("GET", "HEAD", "POST"):
            yield request(f"{method} /output/text", [f"If-None-Match: {value}"])
    for value in ('"mine"', 'W/"mine"', '"other"'):
        yield request("GET /output/etag", [f"If-None-Match: {value}"])


CODINGS = (
    "gzip",
    "gzip, deflate, br",
    "deflate",
    "*",
    "gzip;q=0",
    "identity",
    "GZIP",
    "x-gzip",
    "",
)
TYPES = (
    "text/html",
    "text/plain; charset=utf-8",
    "application/json",
    "application/javascript",
    "image/png",
    "image/svg+xml",
    "application/octet-stream",
    "text/event-stream",
)


def compression():
    """Compressed answers."""
    for kind, size in itertools.product(TYPES, (10, 1023, 1024, 5000)):
        yield _large(kind, size, "gzip")
    for coding in CODINGS:
        yield _large("text/plain", 5000, coding)
    yield request("GET /large?type=text/plain&size=5000")
    yield _large("text/plain", 5000, "gzip", "&encoding=br")
    for vary in ("Accept", "Accept-Encoding", "*", "accept-encoding, Cookie"):
        yield _large("text/plain", 5000, "gzip", f"&vary={vary.replace(' ', '%20')}")
    for path in ("/flushed", "/output/dict", "/output/status-204", "/output/etag", "/missing"):
        yield request(f"GET {path}", ["Accept-Encoding: gzip"])
        yield request(f"HEAD {path}", ["Accept-Encoding: gzip"])
    for value in ("bytes=0-9", ""):
        headers = ["Accept-Encoding: gzip", *([f"Range: {value}"] if value else [])]
        yield request("GET /files/plain.txt", headers)


def _large(kind, size, coding, more=""):
    kind = kind.replace(" ", "%20").replace("+", "%2B")
    return request(f"GET /large?type={kind}&size={size}{more}", [f"Accept-Encoding: {coding}"])


def others():
    """Errors of one's own, users, slashes, languages."""
    for query in ("", "?reason=Mine", "?reason=%C3%A9", "?reason=a%0D%0Ab"):
        yield request(f"GET /own-errors{query}")
    for way in ("", "finish", "error", "redirect", "other"):
        for method in ("GET", "POST", "HEAD"):
            yield request(f"{method} /prepared?way={way}")
    for query in ("", "?user=me", "?a=b&c=d%20e"):
        for method in ("GET", "HEAD", "POST"):
            yield request(f"{method} /private{query}")
    for path in ("/slash?a=b", "/no-slash/?a=b", "//slash", "/no-slash//", "//no-slash/"):
        for method in ("GET", "HEAD", "POST"):
            yield request(f"{method} {path}")
    languages = ("en", "de", "de-DE,de;q=0.9,en;q=0.8", "es-MX", "zz", "*", "pt_BR", "en;q=0", "")
    for value in languages:
        yield request("GET /output/language", [f"Accept-Language: {value}"])


TOKEN = "0123456789abcdef0123456789abcdef"
TOKEN_2 = "2|00000000|0123456789abcdef0123456789abcdef|1000000000"


def protection():
    """Cross-site protection by tokens."""
    yield request("GET /protected")
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        yield request(f"{method} /protected")
    sent = (TOKEN, TOKEN_2, "other", "", "2|bad", "3|x", TOKEN[:-1], TOKEN.upper())
    for cookie, given in itertools.product((TOKEN, TOKEN_2, "bad", None), sent):
        headers = [] if cookie is None else [f"Cookie: _xsrf={cookie}"]
        form = [*headers, f"Content-Type: {FORM}"]
        body = f"_xsrf={given.replace('|', '%7C')}".encode()
        yield request("POST /protected", form, body)
        yield request("POST /protected", [*headers, f"X-XSRFToken: {given}"])
        yield request("POST /protected", [*headers, f"X-CSRFToken: {given}"])
    yield request(f"POST /protected?_xsrf={TOKEN}", [f"Cookie: _xsrf={TOKEN}"])


TABLE = {
    "usual": (
        methods,
        queries,
        forms,
        multipart,
        cookies,
        signed_cookies,
        files,
        outputs,
        others,
    ),
    "gzip": (compression,),
    "xsrf": (protection,),
    "own-404": (others,),
}


def all_requests():
    """Give the name of each, its application, and its bytes."""
    for application, groups in TABLE.items():
        for group in groups:
            for number, raw in enumerate(group(), 1):
                yield f"{application}/{group.__name__}/{number}", application, raw
