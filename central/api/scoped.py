"""What of the collector's picture is in a caller's scope."""

from collections.abc import Collection, Mapping
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
    collector: "Collector",
    who: Principal,
    limit: int,
    cursor: str | None,
    kinds: Collection[str] = (),
    code: str | None = None,
) -> models.Happenings:
    """Return events about sites in scope and the gateways that serve them, newest first.

    Raises ValueError when the cursor is not ours. A page may be short while `next` is there.
    """
    serving = [g for g in collector.registry.gateways() if sees_gateway(who, g)]
    hidden = {gateway.name: _hidden(who, gateway) for gateway in serving}
    found: list[CollectorEvent] = []
    for _ in range(PAGES):
        page = await collector.events(limit - len(found), cursor, kinds, code)
        found += [event for event in page.items if _about(event.subject, who, hidden)]
        cursor = page.next
        if cursor is None or len(found) >= limit:
            break
    return models.Happenings(items=[shapes.happening(event) for event in found], next=cursor)


def _about(subject: str, who: Principal, hidden: Mapping[str, frozenset[str]]) -> bool:
    first, _, rest = subject.partition("/")
    if who.sees_all:
        return True
    return rest not in hidden[first] if first in hidden else who.sees(first)


def _hidden(who: Principal, gateway: GatewayRecord) -> frozenset[str]:
    """Return the devices and buses of a shared gateway that serve other people's sites only."""
    ours: set[str] = set()
    theirs: set[str] = set()
    for bus in gateway.buses:
        own = not bus.devices or any(who.sees(device.site) for device in bus.devices)
        (ours if own else theirs).add(bus.name)
        for device in bus.devices:
            names = (device.name, f"{device.site}/{device.name}")
            (ours if who.sees(device.site) else theirs).update(names)
    return frozenset(theirs - ours)
