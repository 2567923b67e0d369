"""The network interface that a connection is to leave by."""

from __future__ import annotations

import ipaddress
import socket
import struct

SIOCGIFADDR = 0x8915  # netdevice(7)


def source_address(
    interface: str, family: socket.AddressFamily
) -> tuple[str, socket.AddressFamily]:
    """Return the address to connect from, and the family that follows from it.

    :arg interface: an address of this machine, or the name of one of its interfaces.
    :arg family: what the request allows.
    :raises OSError: there is no such interface, or it has no address of that family.
    """
    try:
        address = ipaddress.ip_address(interface.strip("[]"))
    except ValueError:
        return _address_of(interface), socket.AF_INET
    if address.version == 4:
        return str(address), socket.AF_INET
    if family is socket.AF_INET:
        raise OSError(f"{interface} is an IPv6 address, which the request doesn't allow")
    return str(address), socket.AF_INET6


def _address_of(name: str) -> str:
    socket.if_nametoindex(name)
    # Only Unix has it.
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("256s", name.encode()[:15])
        found = fcntl.ioctl(sock.fileno(), SIOCGIFADDR, request)
    return socket.inet_ntoa(found[20:24])
