"""By what a stranger is counted: an IPv4 address, or the network a line is given in IPv6."""

import ipaddress
from typing import Final

from starlette.types import Scope

NETWORK: Final = 64
"""Bits of an IPv6 address that one line has as a rule: the rest it can choose itself."""
UNKNOWN: Final = "unknown"


def source_of(host: str) -> str:
    """Return what is counted: `192.0.2.7`, `2001:db8:1:2::/64`."""
    if ":" not in host:
        return host or UNKNOWN
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), NETWORK), strict=False))


def address_of(scope: Scope) -> str:
    """Return the source of a request."""
    client = scope.get("client")
    return source_of(client[0]) if client else UNKNOWN
