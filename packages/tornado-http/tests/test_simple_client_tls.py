"""TLS: certificates of servers, good ones and bad ones of each kind, and of clients."""

import datetime
import ssl

import pytest
import trustme

from tornado.httpclient import HTTPClientError
from tornado.simple_httpclient import SimpleAsyncHTTPClient


def context_of(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def expired(authority):
    past = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
    return context_of(authority.issue_cert("localhost", not_after=past))


def not_yet_valid(authority):
    future = datetime.datetime(2090, 1, 1, tzinfo=datetime.UTC)
    later = datetime.datetime(2091, 1, 1, tzinfo=datetime.UTC)
    return context_of(authority.issue_cert("localhost", not_before=future, not_after=later))


def wrong_host(authority):
    return context_of(authority.issue_cert("example.com"))


def wrong_address(authority):
    return context_of(authority.issue_cert("127.0.0.2"))


def only_common_name(authority):
    return context_of(authority.issue_cert("example.com", common_name="localhost"))


def unknown_authority(authority):
    return context_of(trustme.CA().issue_cert("localhost"))


def self_signed(authority, tmp_path):
    """An authority's certificate that a server uses itself."""
    own = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    path = tmp_path / "own.pem"
    path.write_bytes(own.private_key_pem.bytes() + own.cert_pem.bytes())
    context.load_cert_chain(path)
    return context


BAD = {
    "expired": (expired, "expired"),
    "not yet valid": (not_yet_valid, "not yet valid"),
    "wrong host": (wrong_host, "mismatch"),
    "only common name": (only_common_name, "mismatch"),
    "unknown authority": (unknown_authority, "verify failed"),
}


async def test_shc_20_a_good_certificate(scripted, reply, server_tls, authority_file):
    async with scripted(lambda request: reply("body"), tls=server_tls) as server:
        response = await server.fetch(ca_certs=authority_file)
        assert response.body == b"body"
        assert response.time_info["appconnect"] > response.time_info["connect"] > 0
        # Without a new handshake.
        assert (await server.fetch(ca_certs=authority_file)).time_info["appconnect"] == 0


@pytest.mark.parametrize("kind", BAD)
async def test_shc_20_bad_certificates_are_refused(
    scripted, reply, authority, authority_file, kind
):
    make, message = BAD[kind]
    async with scripted(lambda request: reply("body"), tls=make(authority)) as server:
        with pytest.raises(ssl.SSLCertVerificationError, match=message):
            await server.fetch(ca_certs=authority_file)
        assert not server.requests
        assert (len(server.client.active), len(server.client.pool)) == (0, 0)
        # And accepted by who doesn't want to know.
        assert (await server.fetch(validate_cert=False)).body == b"body"


async def test_shc_20_self_signed_certificates_are_refused(
    scripted, reply, authority, authority_file, tmp_path
):
    async with scripted(lambda request: reply(), tls=self_signed(authority, tmp_path)) as server:
        with pytest.raises(ssl.SSLCertVerificationError, match="self.signed|verify failed"):
            await server.fetch(ca_certs=authority_file)
        assert not server.requests


async def test_shc_20_the_systems_authorities_are_the_default(scripted, reply, server_tls):
    async with scripted(lambda request: reply(), tls=server_tls) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            await server.fetch()
        assert not server.requests


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_shc_20_addresses_in_urls_are_checked(
    reply, scripted, server_tls, authority, authority_file, host
):
    import asyncio

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply("body"))
        await writer.drain()
        writer.close()

    client = SimpleAsyncHTTPClient(force_instance=True)
    for context, good in ((server_tls, True), (wrong_address(authority), False)):
        server = await asyncio.start_server(serve, host.strip("[]"), 0, ssl=context)
        url = f"https://{host}:{server.sockets[0].getsockname()[1]}/"
        if good:
            assert (await client.fetch(url, ca_certs=authority_file)).body == b"body"
        else:
            with pytest.raises(ssl.SSLCertVerificationError, match="IP address"):
                await client.fetch(url, ca_certs=authority_file)
        server.close()
    client.close()


@pytest.mark.parametrize("path", ["/no/such/file", __file__])
async def test_shc_20_authorities_that_can_not_be_read(scripted, reply, server_tls, path):
    async with scripted(lambda request: reply(), tls=server_tls) as server:
        with pytest.raises(OSError):
            await server.fetch(ca_certs=path)
        assert not server.client.active


async def test_htc_34_ssl_options_take_the_place_of_the_others(
    scripted, reply, authority, server_tls
):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with scripted(lambda request: reply("body"), tls=server_tls) as server:
        response = await server.fetch(ssl_options=context, ca_certs="/no/such/file")
        assert response.body == b"body"
        untrusting = ssl.create_default_context()
        with pytest.raises(ssl.SSLCertVerificationError):
            await server.fetch(ssl_options=untrusting, validate_cert=False)
        # Whoever asks with another context gets another connection.
        assert server.client.connections_opened == 2


async def test_htc_34_ssl_options_may_be_a_dictionary(scripted, reply, server_tls, authority_file):
    options = {"ca_certs": authority_file, "cert_reqs": ssl.CERT_REQUIRED}
    async with scripted(lambda request: reply("body"), tls=server_tls) as server:
        for _ in range(2):
            assert (await server.fetch(ssl_options=options)).body == b"body"
        assert server.connections == 1


@pytest.mark.parametrize("together", [True, False])
async def test_shc_19_client_certificates(
    scripted, reply, authority, authority_file, server_tls, tmp_path, together
):
    server_tls.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(server_tls)
    mine = authority.issue_cert("client@example.com")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    if together:
        mine.private_key_and_cert_chain_pem.write_to_path(str(certificate))
        arguments = {"client_cert": str(certificate)}
    else:
        mine.cert_chain_pems[0].write_to_path(str(certificate))
        mine.private_key_pem.write_to_path(str(key))
        arguments = {"client_cert": str(certificate), "client_key": str(key)}

    async def script(peer):
        (name,) = peer.writer.get_extra_info("ssl_object").getpeercert()["subjectAltName"]
        while await peer.request() is not None:
            await peer.send(reply(name[1]))

    async with scripted(script, tls=server_tls) as server:
        response = await server.fetch(ca_certs=authority_file, **arguments)
        assert response.body == b"client@example.com"
        # A connection that was made with a certificate isn't for those who have none.
        with pytest.raises((OSError, HTTPClientError)):
            await server.fetch(ca_certs=authority_file)
        assert len(server.requests) == 1


async def test_a_certificate_file_that_changes_is_read_again(
    scripted, reply, authority, authority_file, tmp_path, server_tls
):
    path = tmp_path / "trusted.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    async with scripted(lambda request: reply("body"), tls=server_tls) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            await server.fetch(ca_certs=str(path))
        path.unlink()
        authority.cert_pem.write_to_path(str(path))
        assert (await server.fetch(ca_certs=str(path))).body == b"body"


def test_shc_21_22_old_protocols_and_bad_authorities_are_not_trusted():
    from tornado._httpclient.request import DEFAULTS, EffectiveRequest, HTTPRequest
    from tornado._simple_client.tls import tls_options

    for arguments in ({"validate_cert": False}, {"ca_certs": None}, {"ssl_options": {}}):
        request = EffectiveRequest(HTTPRequest("https://localhost/", **arguments), DEFAULTS)
        context = tls_options(request)
        if context is not None:
            assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
            assert context.options & ssl.OP_NO_SSLv3
    names = [
        value
        for certificate in ssl.create_default_context().get_ca_certs()
        for part in certificate["subject"]
        for _, value in part
    ]
    assert not any("diginotar" in name.lower() for name in names)


async def test_a_server_that_does_not_speak_tls(scripted, reply):
    async def script(peer):
        await peer.send(reply("welcome"))
        await peer.closed()

    async with scripted(script) as server:
        with pytest.raises((ssl.SSLError, OSError)):
            await server.client.fetch(f"https://127.0.0.1:{server.port}/", request_timeout=5)
        assert not server.client.active


async def test_a_server_that_speaks_nothing_but_tls(scripted, reply, server_tls):
    async with scripted(lambda request: reply(), tls=server_tls) as server:
        with pytest.raises((OSError, HTTPClientError)):
            await server.client.fetch(f"http://127.0.0.1:{server.port}/", request_timeout=5)
        assert not server.client.active


async def test_large_bodies_both_ways(scripted, reply, server_tls, authority_file):
    body = bytes(range(256)) * 20_000
    async with scripted(lambda request: reply(request.body), tls=server_tls) as server:
        response = await server.fetch(method="POST", body=body, ca_certs=authority_file)
        assert response.body == body
        assert len(server.client.pool) == 1


async def test_a_dot_at_the_end_of_a_name_is_no_part_of_it(
    scripted, reply, authority, authority_file
):
    """RFC 6066 section 3: certificates have none, nor has what the server is told of."""
    names = []
    context = context_of(authority.issue_cert("localhost"))
    context.sni_callback = lambda ssl_object, name, original: names.append(name)
    async with scripted(lambda request: reply(), tls=context) as server:
        client = server.new_client(hostname_mapping={"localhost.": "127.0.0.1"})
        url = f"https://localhost.:{server.port}/"
        assert (await client.fetch(url, ca_certs=authority_file)).code == 200
        assert names == ["localhost"]
        assert server.requests[0].headers["host"] == f"localhost.:{server.port}"
