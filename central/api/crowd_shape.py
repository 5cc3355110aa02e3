"""Floods, groups and faults as the API's models: names and nothing else change here."""

from typing import cast

from central.alarms.journal.episode import Episode, FaultShown
from central.alarms.many.flooding import Flooded
from central.alarms.shown.grouped import SiteRow
from central.api import models, shapes
from central.api.models import many as told
from central.registry_records import PointRecord, SiteRecord
from protocols.alarms.fault_wording import FaultTold, tell
from protocols.words import Label


def flood(source: Flooded, operators: int, scope: frozenset[str] | None) -> told.Flood:
    """Return whether it floods in the room; in a narrower `scope` for one person."""
    state, bounds = source.flood, source.bounds
    return told.Flood(
        whole=scope is None,
        on=state.on,
        began=state.began,
        alarms=state.alarms if state.on else 0,
        recent=source.recent,
        operators=operators if scope is None else 1,
        window_minutes=bounds.window / 60,
        on_above=bounds.on_above,
        off_below=bounds.off_below,
        history=[
            told.FloodSpan(began=each.began, ended=each.ended, alarms=each.alarms)
            for each in source.spans
        ],
    )


def group(source: SiteRow, site: SiteRecord | None) -> told.SiteGroup:
    """Return the alarms of a site."""
    blue, yellow, orange, red = source.counts
    return told.SiteGroup(
        site=source.site,
        site_label=shapes.label(site.label if site else Label(source.site)),
        first=source.first,
        first_raised=source.raised[0],
        last_raised=source.raised[1],
        counts=told.ColourCounts(blue=blue, yellow=yellow, orange=orange, red=red),
        unseen=source.unseen,
        total=source.total,
        worst=cast(models.ColourName, source.worst.name.lower()),
    )


def first_up(source: Episode) -> told.FirstUp | None:
    """Return what an alarm is in its group."""
    known = source.first_up
    return None if known is None else told.FirstUp(**known._asdict())


def fault(source: FaultShown | None) -> told.Fault | None:
    """Return what is silent."""
    if source is None:
        return None
    return told.Fault(
        place=source.place,  # type: ignore[arg-type]  # one of the three
        gateway=source.gateway,
        gateway_label=shapes.label(source.gateway_label),
        bus=source.bus,
        device=source.device,
        device_label=shapes.maybe(source.device_label),
        since=source.since,
        gateways=int(source.place == "gateway"),
        devices=source.devices,
        points=source.points,
        concluded=source.concluded,
    )


def message(source: Episode, fault: FaultShown, now: int) -> models.Label:
    """Return what people are told of what is silent."""
    said = FaultTold(
        kind=fault.place,
        place=source.site_label,
        name=None if fault.place == "bus" else fault.label,
        bus=fault.bus or "",
        since=fault.since,
        until=source.returned,
        devices=fault.devices,
        points=fault.points,
        concluded=fault.concluded,
        purpose=source.purpose,
    )
    return models.Label(zh=tell(said, now), en=tell(said, now, "en"))


def places(points: list[PointRecord], total: int, following: str | None) -> told.FaultPlaces:
    """Return what lies below what is silent."""
    devices = {(point.site, point.device): point.device_label for point in points}
    return told.FaultPlaces(
        devices=[
            told.FaultDevice(site=site, device=device, label=shapes.label(label))
            for (site, device), label in devices.items()
        ],
        points=[
            told.FaultPoint(point=point.id, label=shapes.label(point.label)) for point in points
        ],
        total=total,
        next=following,
    )
