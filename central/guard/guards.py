"""What the routes ask before they work, and tell when they refuse.

Two rules. Whoever proves who he is is counted by that and by nothing else: a thousand gateways
behind one address are a thousand callers. And a stranger is counted by the address he comes from,
which a stranger beside him can use up: so what that costs is only what strangers are given.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from starlette.types import Scope

from central.guard.buckets import Buckets
from central.guard.connections import Connections, capacity
from central.guard.incidents import Incidents
from central.guard.proxies import Proxies
from central.guard.settings import Limits
from central.guard.source import address_of, source_of
from central.identity.principal import Kind, Principal
from protocols.clock import real_monotonic
from protocols.wire.bounds import INFLATED_BYTES

CONNECTION: Final = "fengsui.connection"
"""Where a request's scope holds the connection it came by."""
WHO: Final = "fengsui.who"
"""Where a request's scope says who was recognised."""

LOGIN: Final = 20
"""Logins and enrolments, whose failures the lockout counts besides, and requests whose proof is no
good are given so many times less than what an address may ask of the page."""

_FOREIGN: Final = frozenset({"FORBIDDEN", "STREAM_FOREIGN"})


class Guards:
    """Limits, figures and incidents. Kept on the event loop."""

    def __init__(
        self,
        incidents: Incidents,
        now: Callable[[], float] = real_monotonic,
        limits: Limits | None = None,
    ) -> None:
        limits = limits or Limits()
        self.incidents = incidents
        self._now = now
        self.connections = Connections(now, capacity(), limits.address_connections)
        self.proxies = Proxies(limits.trusted_proxies)
        self.refused: Counter[str] = Counter()
        """Requests turned away, by code, of gateways and of people."""
        machine, person, page = (
            limits.gateway_requests,
            limits.person_requests,
            limits.address_requests,
        )
        self._machines = Buckets(machine, 10 * machine)
        self._persons = Buckets(person, 20 * person)
        self._pages = Buckets(page, 40 * page)
        self._logins = Buckets(page / LOGIN, page)
        self._strangers = Buckets(page / LOGIN, page)

    def known(self, scope: Scope, who: Principal) -> float:
        """Count a request of somebody known; returns the seconds he must wait, 0 when none."""
        scope[WHO] = who
        connection = scope.get(CONNECTION)
        if connection is not None and not connection.proven:
            connection.prove()
        if who.kind is Kind.GATEWAY:
            return self._machines.take(who.name, self._now())
        return self._persons.take(who.credential, self._now())

    def visitor(self, scope: Scope, *, login: bool) -> float:
        """Count a request that needs no proof; returns the seconds its address must wait."""
        buckets = self._logins if login else self._pages
        return buckets.take(address_of(scope), self._now())

    def stranger(self, scope: Scope) -> float:
        """Count a request whose proof is no good; returns the seconds its address must wait."""
        return self._strangers.take(address_of(scope), self._now())

    def turned_away(self, scope: Scope, status: int, code: str, params: Any = None) -> None:
        """Count a refusal, and make it known where it is a matter of security."""
        self.refused[code] += 1
        told = _INCIDENTS.get((status, code))
        address, who = address_of(scope), scope.get(WHO)
        if code == "UNAUTHENTICATED" and _shows_proof(scope):
            told = "PROOF_REFUSED"
        elif status == 403 and code in _FOREIGN and _is_gateway(who):
            told = "GATEWAY_OVERREACHES"
        elif code == "TOO_LARGE" and params and params.get("limit") == INFLATED_BYTES:
            told = "BODY_BOMB"
        if told is None:
            return
        source = who.name if who is not None and _is_gateway(who) else address
        self.incidents.note(told, source, address=address)

    def guessed(self, host: str, failures: int) -> None:
        """An address is locked after so many failed logins; what it tries meanwhile is counted."""
        source = source_of(host)
        self.incidents.note("LOGIN_GUESSED", source, failures, address=source)

    def cut_off(self, code: str, source: str) -> None:
        """Count a connection closed before anything in it was a request."""
        self.refused[code] += 1
        if code in LINE:
            self.incidents.note(code, source, address=source)


LINE: Final = frozenset(
    {"HTTP_MALFORMED", "HEADERS_TOO_LARGE", "HEADERS_SLOW", "CONNECTIONS_TOO_MANY"}
)
"""Codes of `cut_off` that are matters of security; the others are counted only."""
_INCIDENTS: Final = {
    (403, "NOT_OUR_PAGE"): "PAGE_FORGED",
    (408, "SLOW"): "BODY_SLOW",
    (413, "TOO_LARGE"): "BODY_TOO_LARGE",
    (429, "LOGIN_LOCKED"): "LOGIN_GUESSED",
    (429, "TOO_MANY"): "REQUESTS_TOO_MANY",
    (400, "TARGET_REFUSED"): "TARGET_TRICKED",
}
"""What is a matter of security whoever does it. A session that has ended is none, nor a button that
one's role does not have: these are counted only."""


def _is_gateway(who: Principal | None) -> bool:
    return who is not None and who.kind is Kind.GATEWAY


def _shows_proof(scope: Scope) -> bool:
    """Whether a token or a signature was shown: a cookie may simply be old."""
    return any(name in (b"authorization", b"signature") for name, _ in scope["headers"])
