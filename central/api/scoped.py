"""What of the collector's picture is in a caller's scope."""

from typing import TYPE_CHECKING, Final

from central.api import models, shapes
from central.effects import CollectorEvent
from central.identity.principal import Principal
from central.registry_records import GatewayRecord

if TYPE_CHECKING:
    from central.collector import Collector

PAGES: Final = 20
"""Pages of events looked through for one answer; the cursor goes on from there."""


def sees_gateway(who: Principal, gateway: GatewayRecord) -> bool:
    """Return whether the gateway stands at or serves a site in scope."""
    sites = {*gateway.sites, *([gateway.site] if gateway.site else [])}
    return who.sees_all or any(who.sees(site) for site in sites)


async def overview(collector: "Collector", who: Principal) -> models.Overview:
    """Return the overview within the scope."""
    found = await collector.overview(who.scope)
    return models.Overview.model_validate(found, from_attributes=True)


async def events(
    collector: "Collector", who: Principal, limit: int, cursor: str | None
) -> models.Happenings:
    """Return events about sites in scope and the gateways that serve them, newest first.

    Raises ValueError when the cursor is not ours. A page may be short while `next` is there.
    """
    gateways = {g.name for g in collector.registry.gateways() if sees_gateway(who, g)}
    found: list[CollectorEvent] = []
    for _ in range(PAGES):
        page = await collector.events(limit=limit - len(found), cursor=cursor)
        found += [event for event in page.items if _about(event.subject, who, gateways)]
        cursor = page.next
        if cursor is None or len(found) >= limit:
            break
    return models.Happenings(items=[shapes.happening(event) for event in found], next=cursor)


def _about(subject: str, who: Principal, gateways: set[str]) -> bool:
    first = subject.partition("/")[0]
    return who.sees_all or first in gateways or who.sees(first)
