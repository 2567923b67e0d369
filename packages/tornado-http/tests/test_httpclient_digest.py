"""Digest authentication (RFC 7616): the engine by itself, and the simple client with it."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado._httpclient.digest import (
    MAX_SPACES,
    Challenge,
    DigestStore,
    choose_challenge,
    parse_challenges,
)
from tornado.httpclient import HTTPClientError


def fields_of(credentials):
    """Parse credentials as a server would."""
    scheme, _, rest = credentials.partition(" ")
    assert scheme == "Digest"
    found = {}
    for match in re.finditer(r'([a-z*]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))(?:, |$)', rest):
        name, quoted, token = match.groups()
        found[name] = re.sub(r"\\(.)", r"\1", quoted) if token is None else token
    return found


# RFC 7616 section 3.9.1
CLIENT_NONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
RFC_CHALLENGE = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={},'
    ' nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",'
    ' opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)


@pytest.mark.parametrize(
    "algorithm, response",
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_the_rfc(algorithm, response):
    challenge = choose_challenge([RFC_CHALLENGE.format(algorithm)])
    challenge.client_nonce = CLIENT_NONCE
    credentials = challenge.answer("Mufasa", "Circle of Life", "GET", "/dir/index.html")
    assert fields_of(credentials) == {
        "username": "Mufasa",
        "realm": "http-auth@example.org",
        "uri": "/dir/index.html",
        "algorithm": algorithm,
        "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "nc": "00000001",
        "cnonce": CLIENT_NONCE,
        "qop": "auth",
        "response": response,
        "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    }


def test_the_example_of_rfc_2617():
    """Section 3.5."""
    challenge = choose_challenge(
        [
            'Digest realm="testrealm@host.com", qop="auth,auth-int",'
            ' nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
        ]
    )
    challenge.client_nonce = "0a4f113b"
    found = fields_of(challenge.answer("Mufasa", "Circle Of Life", "GET", "/dir/index.html"))
    assert found["response"] == "6629fae49393a05397450978507c4ef1"
    # What the server didn't name isn't named to it.
    assert "algorithm" not in found


def test_the_way_of_rfc_2069():
    challenge = Challenge({"realm": "r", "nonce": "n"})
    found = fields_of(challenge.answer("u", "p", "GET", "/"))
    assert not {"qop", "nc", "cnonce"} & set(found)
    md5 = lambda text: hashlib.md5(text.encode()).hexdigest()  # noqa: E731
    assert found["response"] == md5(f"{md5('u:r:p')}:n:{md5('GET:/')}")


def test_sessions():
    """Section 3.4.2."""
    challenge = Challenge({"realm": "r", "nonce": "n", "algorithm": "SHA-256-sess", "qop": "auth"})
    found = fields_of(challenge.answer("u", "p", "GET", "/"))
    sha = lambda text: hashlib.sha256(text.encode()).hexdigest()  # noqa: E731
    secret = sha(f"{sha('u:r:p')}:n:{found['cnonce']}")
    assert found["algorithm"] == "SHA-256-sess"
    assert found["response"] == sha(f"{secret}:n:00000001:{found['cnonce']}:auth:{sha('GET:/')}")


def test_user_names_that_are_hashed_or_not_ascii():
    """Sections 3.4.3 and 3.9.2."""
    parameters = {"realm": "api@example.org", "nonce": "n", "algorithm": "SHA-512-256"}
    hashed = Challenge({**parameters, "userhash": "true"}).answer(
        "J\xe4s\xf8n Doe", "Secret, or not?", "GET", "/doe.json"
    )
    assert fields_of(hashed)["userhash"] == "true"
    assert (
        fields_of(hashed)["username"]
        == hashlib.new("sha512_256", "J\xe4s\xf8n Doe:api@example.org".encode()).hexdigest()
    )
    plain = Challenge(parameters).answer("J\xe4s\xf8n Doe", "x", "GET", "/")
    assert fields_of(plain)["username*"] == "UTF-8''J%C3%A4s%C3%B8n%20Doe"


def test_each_answer_has_its_number():
    challenge = Challenge({"realm": "r", "nonce": "n", "qop": "auth"})
    numbers = [fields_of(challenge.answer("u", "p", "GET", "/"))["nc"] for _ in range(17)]
    assert numbers[0] == "00000001"
    assert numbers[16] == "00000011"


def test_quotes_in_values_are_escaped():
    challenge = Challenge({"realm": 'a "quoted" realm\\', "nonce": "n", "opaque": '"'})
    found = fields_of(challenge.answer('us"er', "p", "GET", '/"'))
    assert (found["realm"], found["username"]) == ('a "quoted" realm\\', 'us"er')
    assert (found["opaque"], found["uri"]) == ('"', '/"')


@pytest.mark.parametrize(
    "text, expected",
    [
        ("Basic realm=x", [("basic", {"realm": "x"})]),
        ('Digest realm="a, b" , NONCE = n', [("digest", {"realm": "a, b", "nonce": "n"})]),
        (
            'Negotiate, Basic realm="x", Digest nonce=1, realm=y',
            [
                ("negotiate", {}),
                ("basic", {"realm": "x"}),
                ("digest", {"nonce": "1", "realm": "y"}),
            ],
        ),
        ("Negotiate dGVzdA==, Basic realm=x", [("negotiate", {}), ("basic", {"realm": "x"})]),
        (", ,Digest ,realm=x", [("digest", {"realm": "x"})]),
        (r'Digest realm="a \"b\" \\"', [("digest", {"realm": 'a "b" \\'})]),
        ("Digest realm=x, realm=y", [("digest", {"realm": "x"})]),
        ("", []),
        ("realm=x", []),
        ("Digest @@@", [("digest", {})]),
        ('Digest realm="open', [("digest", {})]),
    ],
)
def test_challenges_are_parsed(text, expected):
    """RFC 9110 section 11.6.1."""
    assert parse_challenges(text) == expected


@given(st.text())
def test_any_text_is_parsed_without_error(text):
    parse_challenges(text)
    choose_challenge([text, f"Digest {text}"])


@pytest.mark.parametrize(
    "text",
    ["Digest " + '"' * 100_000, "Digest a=" + "\\" * 100_000, ", " * 100_000, "x " * 100_000],
)
def test_long_challenges_take_no_long_time(text):
    parse_challenges(text)


def test_the_strongest_algorithm_is_chosen():
    offers = [f'Digest realm="r", nonce="{name}", algorithm={name}' for name in ("MD5", "SHA-256")]
    assert choose_challenge(offers).nonce == "SHA-256"
    assert choose_challenge(offers[::-1]).nonce == "SHA-256"
    assert choose_challenge([", ".join(offers)]).nonce == "SHA-256"


@pytest.mark.parametrize(
    "text",
    [
        "Basic realm=x",
        "Digest realm=x",
        "Digest nonce=x",
        "Digest realm=x, nonce=y, algorithm=ROT13",
        'Digest realm=x, nonce=y, qop="auth-int"',
        "",
    ],
)
def test_what_can_not_be_answered_is_not_chosen(text):
    assert choose_challenge([text]) is None


def test_the_number_of_servers_that_are_remembered_is_limited():
    store = DigestStore()
    for number in range(MAX_SPACES + 1):
        assert store.learn(number, ["Digest realm=x, nonce=y"], set())
    assert store.answer(0, "u", "p", "GET", "/") is None
    assert store.answer(1, "u", "p", "GET", "/") is not None


# The client


class Server:
    """A function for scripted servers that want digest authentication."""

    def __init__(self, *, uses=1000, refuse=False):
        self.number = 0
        self.uses = uses
        self.refuse = refuse
        self.left = 0

    def __call__(self, request):
        credentials = request.headers.get("authorization")
        if credentials is not None and credentials.startswith("Digest") and not self.refuse:
            found = fields_of(credentials)
            if found["nonce"] == f"n{self.number}" and self.left and self.is_right(request, found):
                self.left -= 1
                return b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nenter"
        stale = "true" if credentials is not None and not self.refuse else "false"
        self.number += 1
        self.left = self.uses
        challenge = f'Digest realm="r", nonce="n{self.number}", qop="auth", stale={stale}'
        head = "HTTP/1.1 401 Who\r\nContent-Length: 3\r\nWWW-Authenticate: Basic realm=x\r\n"
        return f"{head}WWW-Authenticate: {challenge}\r\n\r\nwho".encode()

    def is_right(self, request, found):
        md5 = lambda text: hashlib.md5(text.encode()).hexdigest()  # noqa: E731
        middle = ":".join(found[name] for name in ("nonce", "nc", "cnonce", "qop"))
        secret, asked = md5("u:r:p"), md5(f"{request.method}:{request.target}")
        return found["uri"] == request.target and found["response"] == md5(
            f"{secret}:{middle}:{asked}"
        )


CREDENTIALS = {"auth_username": "u", "auth_password": "p", "auth_mode": "digest"}


async def test_shc_2_only_the_first_request_is_sent_twice(scripted):
    async with scripted(Server()) as server:
        for number in range(3):
            response = await server.fetch(f"/{number}?q", **CREDENTIALS)
            assert response.body == b"enter"
        assert len(server.requests) == 4
        assert "authorization" not in server.requests[0].headers
        assert server.connections == 1
        assert [
            fields_of(request.headers["authorization"])["nc"] for request in server.requests[1:]
        ] == ["00000001", "00000002", "00000003"]


async def test_bodies_are_sent_again(scripted):
    async with scripted(Server()) as server:
        await server.fetch("/", method="POST", body=b"body", **CREDENTIALS)
        assert [request.body for request in server.requests] == [b"body", b"body"]


async def test_a_stale_nonce_is_replaced(scripted):
    async with scripted(Server(uses=1)) as server:
        for _ in range(3):
            assert (await server.fetch(**CREDENTIALS)).body == b"enter"
        assert len(server.requests) == 6


async def test_a_wrong_password_is_tried_once(scripted):
    async with scripted(Server(refuse=True)) as server:
        with pytest.raises(HTTPClientError) as caught:
            await server.fetch(**CREDENTIALS)
        assert (caught.value.code, caught.value.response.body) == (401, b"who")
        assert len(server.requests) == 2


async def test_credentials_in_the_url_may_be_for_digest(scripted):
    async with scripted(Server()) as server:
        url = f"http://u:p@127.0.0.1:{server.port}/"
        assert (await server.client.fetch(url, auth_mode="digest")).body == b"enter"


async def test_other_users_have_other_challenges(scripted):
    async with scripted(Server()) as server:
        await server.fetch(**CREDENTIALS)
        other = {**CREDENTIALS, "auth_username": "someone"}
        assert (await server.fetch(**other, raise_error=False)).code == 401
        assert "authorization" not in server.requests[2].headers


async def test_without_digest_mode_nothing_is_answered(scripted):
    async with scripted(Server()) as server:
        response = await server.fetch(auth_username="u", auth_password="p", raise_error=False)
        assert (response.code, len(server.requests)) == (401, 1)
        assert server.requests[0].headers["authorization"].startswith("Basic ")


async def test_the_password_is_never_sent(scripted):
    async with scripted(Server()) as server:
        await server.fetch(**{**CREDENTIALS, "auth_password": "p"})
        assert b"Basic" not in b"".join(request.head for request in server.requests)


async def test_the_realm_is_hashed_as_the_server_has_written_it():
    """RFC 7616 section 3.4.2 hashes octets, and fields come as characters that stand for them."""
    realm = "Büro"
    challenge = choose_challenge(
        [f'Digest realm="{realm}", nonce="n", algorithm=MD5'.encode().decode("latin-1")]
    )
    found = fields_of(challenge.answer("ü", "ö", "GET", "/").encode("latin-1").decode())
    md5 = lambda text: hashlib.md5(text.encode()).hexdigest()  # noqa: E731
    assert found["realm"] == realm
    assert found["response"] == md5(f"{md5(f'ü:{realm}:ö')}:n:{md5('GET:/')}")


class Both:
    """A function for a proxy and a server behind it, both of which want digest authentication."""

    def __init__(self):
        self.server = Server()

    def __call__(self, request):
        credentials = request.headers.get("proxy-authorization")
        if credentials is None or fields_of(credentials)["uri"] != request.target:
            challenge = b'Proxy-Authenticate: Digest realm="proxy", nonce="p", qop="auth"'
            return b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\n" + challenge + b"\r\n\r\n"
        # RFC 9112 section 3.2.1: a proxy takes scheme and authority off.
        request.target = "/" + request.target.split("/", 3)[3]
        return self.server(request)


async def test_a_proxy_and_the_server_behind_it_may_both_want_digests(scripted):
    """Each has challenges of its own, and is told of the address that it sees."""
    async with scripted(Both()) as proxy:
        for expected in (3, 4):
            response = await proxy.client.fetch(
                "http://x.invalid/there?q",
                proxy_host="127.0.0.1",
                proxy_port=proxy.port,
                proxy_username="u",
                proxy_password="p",
                proxy_auth_mode="digest",
                raise_error=False,
                **CREDENTIALS,
            )
            assert (response.code, response.body) == (200, b"enter")
            assert len(proxy.requests) == expected


async def test_another_origin_is_not_answered(scripted):
    async with scripted(Server()) as other:
        async with scripted(
            lambda request: (
                f"HTTP/1.1 302 X\r\nContent-Length: 0\r\nLocation: {other.url}/\r\n\r\n".encode()
            )
        ) as server:
            response = await server.fetch(raise_error=False, **CREDENTIALS)
            assert response.code == 401
            assert all("authorization" not in request.headers for request in other.requests)
