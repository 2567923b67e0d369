"""The TLS contexts that requests ask for."""

from __future__ import annotations

import os
import ssl
from typing import Any

from tornado._httpclient.request import EffectiveRequest
from tornado.netutil import ssl_options_to_context

MAX_CONTEXTS = 16  # contexts that a client keeps


def tls_options(request: EffectiveRequest) -> ssl.SSLContext | None:
    """Return the context that a request asks for, `None` for the clients' shared one.

    :raises OSError: a certificate can't be read.
    """
    if request.ssl_options is not None:
        return ssl_options_to_context(request.ssl_options, server_side=False)
    special = (request.ca_certs, request.client_cert, request.client_key)
    if request.validate_cert and special == (None, None, None):
        return None
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=request.ca_certs)
    # RFC 8996 has taken older versions from the world; some systems still have them.
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    if not request.validate_cert:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if request.client_cert is not None:
        context.load_cert_chain(request.client_cert, request.client_key)
    return context


def tls_key(request: EffectiveRequest) -> Any:
    """Return what has to be equal for two requests to share a TLS connection, `None` for ordinary
    ones.

    Whatever the key stands for is part of it, so that no other object can take its place in memory.
    """
    options = request.ssl_options
    if options is not None:
        if isinstance(options, ssl.SSLContext):
            return options
        try:
            return frozenset(options.items())
        except TypeError:
            # There is no telling whether two of these are the same.
            return object()
    files = (request.ca_certs, request.client_cert, request.client_key)
    if request.validate_cert and files == (None, None, None):
        return None
    return bool(request.validate_cert), tuple(_identity(file) for file in files)


def _identity(path: str | None) -> Any:
    """Tell a file from a later one of the same name."""
    if path is None:
        return None
    try:
        status = os.stat(path)
    except OSError:
        return path, None
    return path, status.st_mtime_ns, status.st_size, status.st_ino


class TLSContexts:
    """The contexts of a client; reading certificates is what is slow about a handshake."""

    def __init__(self) -> None:
        self._contexts: dict[Any, ssl.SSLContext] = {}

    def get(self, key: Any, request: EffectiveRequest) -> ssl.SSLContext | dict[str, Any]:
        """Return the context for a request.

        :arg key: the request's `tls_key`.
        :returns: the context; an empty dictionary for the one that all clients share.
        :raises OSError: a certificate can't be read.
        """
        if key is None:
            return {}
        context = self._contexts.pop(key, None) or tls_options(request)
        if context is None:
            return {}
        self._contexts[key] = context
        if len(self._contexts) > MAX_CONTEXTS:
            del self._contexts[next(iter(self._contexts))]
        return context
