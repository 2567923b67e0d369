"""TLS settings in the two forms that programs have them: contexts, and the dictionaries of old."""

from __future__ import annotations

import contextlib
import functools
import socket
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl

_OPTION_NAMES = frozenset(
    ("ssl_version", "certfile", "keyfile", "cert_reqs", "ca_certs", "ciphers")
)


def ssl_options_to_context(
    ssl_options: dict[str, Any] | ssl.SSLContext, server_side: bool | None = None
) -> ssl.SSLContext:
    """Turn the keyword arguments of old, as they were for ``ssl.wrap_socket``, into a context.

    :arg ssl_options: a dictionary with any of ``certfile``, ``keyfile``, ``ca_certs``,
        ``cert_reqs``, ``ciphers`` and ``ssl_version``. A context is returned as it is.
    :arg server_side: what the context is for. A client's verifies its server's certificate and name
        unless ``cert_reqs`` is `ssl.CERT_NONE`, against the system's authorities unless there are
        ``ca_certs``. With `None` it's fit for both sides, and verifies nothing but what
        ``cert_reqs`` asks for.
    :raises ValueError: there is an option that isn't known.

    .. versionchanged:: 6.2
       Added ``server_side``.
    """
    import ssl

    if isinstance(ssl_options, ssl.SSLContext):
        return ssl_options
    unknown = ssl_options.keys() - _OPTION_NAMES
    if unknown:
        raise ValueError(f"unknown TLS options: {', '.join(sorted(unknown))}")
    if not ssl_options and server_side is False:
        return _default_client_context()
    context = _new_context(server_side)
    version = ssl_options.get("ssl_version")
    if version is not None:
        _restrict_version(context, version)
    if "certfile" in ssl_options:
        context.load_cert_chain(ssl_options["certfile"], ssl_options.get("keyfile"))
    if "cert_reqs" in ssl_options:
        if ssl_options["cert_reqs"] != ssl.CERT_REQUIRED:
            context.check_hostname = False
        context.verify_mode = ssl_options["cert_reqs"]
    if "ca_certs" in ssl_options:
        context.load_verify_locations(ssl_options["ca_certs"])
    elif context.verify_mode != ssl.CERT_NONE:
        context.load_default_certs(
            ssl.Purpose.CLIENT_AUTH if server_side else ssl.Purpose.SERVER_AUTH
        )
    if "ciphers" in ssl_options:
        context.set_ciphers(ssl_options["ciphers"])
    return context


def ssl_wrap_socket(
    socket: socket.socket,
    ssl_options: dict[str, Any] | ssl.SSLContext,
    server_hostname: str | None = None,
    server_side: bool | None = None,
    **kwargs: Any,
) -> ssl.SSLSocket:
    """Put TLS on a socket.

    :arg socket: it can't be used by itself afterwards.
    :arg ssl_options: as for `ssl_options_to_context`.
    :arg server_hostname: the name that the server's certificate must be for; for clients.
    :arg server_side: take the server's part; a client's by default.
    :arg kwargs: more arguments for `ssl.SSLContext.wrap_socket`. Without ``suppress_ragged_eofs``
        the context is told to tell of them.

    .. versionchanged:: 6.2
       Added ``server_side``.
    """
    import ssl

    side = bool(server_side)
    context = ssl_options_to_context(ssl_options, server_side=side)
    if not kwargs.get("suppress_ragged_eofs", True):
        # The first Pythons of 3.11 have OpenSSL 3 hide them.
        context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    return context.wrap_socket(
        socket, server_side=side, server_hostname=None if side else server_hostname, **kwargs
    )


@functools.cache
def _default_client_context() -> ssl.SSLContext:
    import ssl

    return _without_old_versions(ssl.create_default_context())


def _new_context(server_side: bool | None) -> ssl.SSLContext:
    import ssl

    if server_side is not None:
        side = ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT
        return _without_old_versions(ssl.SSLContext(side))
    with _quiet():
        return _without_old_versions(ssl.SSLContext(ssl.PROTOCOL_TLS))


def _without_old_versions(context: ssl.SSLContext) -> ssl.SSLContext:
    """Take from a context what RFC 8996 has taken from the world, where the system still has it."""
    import ssl

    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    return context


def _restrict_version(context: ssl.SSLContext, version: int) -> None:
    """Have ``context`` speak the one version that a constant of old stands for. SSL 2 and 3 aren't
    spoken at all.
    """
    import ssl

    single = {
        "PROTOCOL_TLSv1": "TLSv1",
        "PROTOCOL_TLSv1_1": "TLSv1_1",
        "PROTOCOL_TLSv1_2": "TLSv1_2",
    }
    name = getattr(version, "name", "")
    if name in ("PROTOCOL_SSLv2", "PROTOCOL_SSLv3"):
        raise ValueError(f"{name} is broken, and isn't available")
    if name in single:
        with _quiet():
            context.minimum_version = context.maximum_version = ssl.TLSVersion[single[name]]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the `ssl` module from warning of what programs of old are free to ask for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
