"""What one caller may cost, as far as the operator may say it, and how the file says it."""

import ipaddress
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field

from protocols.schema.fields import Line, Strict
from protocols.schema.report import Report

GATEWAY: Final = 400
"""Requests a second of one gateway, ten times as many at once. What is under way of it is bounded
elsewhere; this keeps one that asks in a circle from taking the others' turn. At thirty a second an
alarm flood already comes many to a request."""
PERSON: Final = 100
"""Of one session or token, twenty times as many at once: a page asks a dozen things when it opens
and few a second after."""
ADDRESS: Final = 100
"""Of one address whose callers have proved nothing, forty times as many at once: the page's files.
A shift that begins at fifty desks behind one address fits. Logins, enrolments and proofs that are
no good: a twentieth of it."""
CONNECTIONS: Final = 4_096
"""Connections of one address on which nobody has proved anything: a thousand gateways come with
three each, and all of them prove who they are with their first request."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Requests a second of each; connections; the proxies whose word about addresses counts."""

    gateway_requests: int = GATEWAY
    person_requests: int = PERSON
    address_requests: int = ADDRESS
    address_connections: int = CONNECTIONS
    trusted_proxies: tuple[Network, ...] = ()


class GuardsModel(Strict):
    """What one gateway, person or address may ask; who speaks for others' addresses."""

    gateway_requests: Annotated[int, Field(ge=20, le=100_000)] = GATEWAY
    person_requests: Annotated[int, Field(ge=20, le=10_000)] = PERSON
    address_requests: Annotated[int, Field(ge=20, le=10_000)] = ADDRESS
    address_connections: Annotated[int, Field(ge=16, le=65_536)] = CONNECTIONS
    trusted_proxies: list[Line] = Field(default_factory=list, max_length=64)

    def limits(self) -> Limits:
        """Return the frozen struct."""
        return Limits(
            gateway_requests=self.gateway_requests,
            person_requests=self.person_requests,
            address_requests=self.address_requests,
            address_connections=self.address_connections,
            trusted_proxies=tuple(map(_network, self.trusted_proxies)),
        )


def check_guards(report: Report, data: Any) -> None:
    """Name proxies that are no address, and one that would be everybody."""
    chosen = data.get("guards") if isinstance(data, dict) else None
    proxies = chosen.get("trusted_proxies") if isinstance(chosen, dict) else None
    for place, text in enumerate(proxies if isinstance(proxies, list) else ()):
        if not isinstance(text, str):
            continue
        at = ("guards", "trusted_proxies", place)
        try:
            network = _network(text)
        except ValueError:
            report.at(at, "PROXY_FORMAT", ["192.0.2.7", "10.1.0.0/24", "2001:db8::1"])
            continue
        if network.prefixlen == 0:
            report.at(at, "PROXY_EVERYBODY")


def _network(text: str) -> Network:
    return ipaddress.ip_network(text)
