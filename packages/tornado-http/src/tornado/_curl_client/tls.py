"""What a request says about TLS, in the terms of libcurl."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

import pycurl  # type: ignore[import-not-found, import-untyped, unused-ignore]  # optional

from tornado._httpclient.request import EffectiveRequest

_KNOWN = frozenset(("certfile", "keyfile", "ca_certs", "cert_reqs", "ciphers"))


def set_tls(curl: Any, request: EffectiveRequest) -> None:
    """Set certificates and how strictly to look at the server's.

    :arg curl: a handle on which none of it is set.
    :arg request: what is asked for.
    :raises ValueError: ``ssl_options`` are something that libcurl can't be told.
    """
    options = request.ssl_options
    if options is None:
        options = {
            "ca_certs": request.ca_certs,
            "certfile": request.client_cert,
            "keyfile": request.client_key,
            "cert_reqs": None if request.validate_cert else 0,
        }
    elif not isinstance(options, dict):
        raise ValueError("libcurl has TLS of its own: ssl_options can be a dict, but no SSLContext")
    elif not _KNOWN.issuperset(options):
        raise ValueError(
            f"ssl_options that libcurl doesn't have: {sorted(options.keys() - _KNOWN)}"
        )
    # RFC 8996; libcurl before 8.16 takes older versions.
    curl.setopt(pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2)
    if options.get("cert_reqs") == 0:  # ssl.CERT_NONE
        curl.setopt(pycurl.SSL_VERIFYPEER, 0)
        curl.setopt(pycurl.SSL_VERIFYHOST, 0)
    _set_authorities(curl, options.get("ca_certs"))
    for name, option in _FILES:
        if options.get(name) is not None:
            curl.setopt(option, os.fspath(options[name]))
    if options.get("ciphers") is not None:
        curl.setopt(pycurl.SSL_CIPHER_LIST, options["ciphers"])


_FILES = (("certfile", pycurl.SSLCERT), ("keyfile", pycurl.SSLKEY))


def set_proxy_tls(curl: Any) -> None:
    """Set how strictly to look at a proxy that is spoken to in TLS: what a request says is for the
    server.

    :arg curl: a handle on which none of it is set.
    """
    curl.setopt(pycurl.PROXY_SSLVERSION, pycurl.SSLVERSION_TLSv1_2)
    file, folder = _system_authorities()
    if file is not None:
        curl.setopt(pycurl.PROXY_CAINFO, file)
    if folder is not None:
        curl.setopt(pycurl.PROXY_CAPATH, folder)


def _set_authorities(curl: Any, ca_certs: str | os.PathLike[str] | None) -> None:
    if ca_certs is not None:
        # Neither of its defaults is to be trusted beside it.
        curl.setopt(pycurl.CAINFO, os.fspath(ca_certs))
        curl.unsetopt(pycurl.CAPATH)
        return
    file, folder = _system_authorities()
    if file is not None:
        curl.setopt(pycurl.CAINFO, file)
    if folder is not None:
        curl.setopt(pycurl.CAPATH, folder)


@lru_cache(1)
def _system_authorities() -> tuple[str | None, str | None]:
    """Find the certificates that Python trusts.

    A libcurl that came in a wheel has the paths of the system on which it was built. Where
    certificates aren't in files it knows best by itself.
    """
    library = (pycurl.version_info()[5] or "").lower()
    if "schannel" in library or "securetransport" in library:
        return None, None
    import ssl

    paths = ssl.get_default_verify_paths()
    file = paths.cafile if paths.cafile and os.path.isfile(paths.cafile) else None
    folder = paths.capath if paths.capath and os.path.isdir(paths.capath) else None
    return file, folder
