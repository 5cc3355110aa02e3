"""Who is behind a reverse proxy, by the word of those proxies that are trusted, and nobody else's.

A proxy adds the address it was reached from to the right of `X-Forwarded-For`; what stands further
left anybody may have written. So the list is read from the right, past proxies of our own, to the
first address that is not one of them. A proxy on this machine is believed without being named.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Final

from starlette.types import Scope

from central.guard.settings import Network

FORWARDED: Final = b"x-forwarded-for"
SCHEME: Final = b"x-forwarded-proto"
SCHEMES: Final = {b"http": "http", b"https": "https"}
HERE: Final = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1"))
HOPS: Final = 16
"""Entries looked at; more proxies in a row nobody has."""
KEPT: Final = 10_000
"""Hosts remembered."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Proxies:
    """Those of this machine, and the `networks` that were named."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._named = tuple(networks)
        self._believed = (*networks, *HERE)
        self._hosts: dict[str, bool] = {}

    def named(self, host: str) -> bool:
        """Return whether `host` is a proxy that was named: all it brings comes from there."""
        address = _address(host) if self._named else None
        return address is not None and _among(address, self._named)

    def apply(self, scope: Scope) -> None:
        """Put into `scope` for whom a proxy that is believed speaks, and how he came to it."""
        client = scope.get("client")
        if not client:
            return
        # Remembered: this is asked with every request, and reading an address costs more.
        known = self._hosts.get(client[0])
        if known is None:
            known = self._believes(client[0])
        if known:
            self._hear(scope)

    def _hear(self, scope: Scope) -> None:
        forwarded, said = [], b""
        for name, value in scope["headers"]:
            if name == FORWARDED:
                forwarded.append(value)
            elif name == SCHEME:
                said = value
        found = self._behind(forwarded) if forwarded else None
        if found is not None:
            scope["client"] = (found, 0)
        if said in SCHEMES:
            scope["scheme"] = SCHEMES[said]

    def _believes(self, host: str) -> bool:
        if len(self._hosts) >= KEPT:
            self._hosts.clear()
        address = _address(host)
        known = address is not None and _among(address, self._believed)
        self._hosts[host] = known
        return known

    def _behind(self, fields: Sequence[bytes]) -> str | None:
        entries = b",".join(fields).decode("latin-1").split(",")
        for entry in reversed(entries[-HOPS:]):
            address = _address(_bare(entry.strip()))
            if address is None:
                return None  # nobody's word: it counts for the proxy
            if not _among(address, self._believed):
                return str(address)
        return None


def _bare(entry: str) -> str:
    """Return the address of `192.0.2.7:4711`, `[2001:db8::1]:4711` or `[2001:db8::1]`."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry


def _among(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in each for each in networks)


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped
