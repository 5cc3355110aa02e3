"""Deliveries of the past as the API's models, within a scope."""

from collections import Counter
from collections.abc import Callable
from typing import cast

from central.api import models, shapes
from central.api.models import backfills as told
from central.api.models.many import ColourCounts
from central.backfills.records import Backfill
from central.registry import Registry
from protocols.alarms.backfill_wording import BackfillTold, Worst, tell
from protocols.alarms.rule import Colour
from protocols.words import Label, Purpose

Sees = Callable[[str], bool]
"""Whether a site is in scope."""


def backfill(source: Backfill, registry: Registry, sees: Sees, now: int) -> told.Backfill:
    """Return a delivery with its alarms at sites in scope."""
    gateway = registry.gateway(source.gateway)
    label = gateway.label if gateway else Label(source.gateway)
    served = gateway.sites if gateway else ()
    sites = [each for each in served if sees(each)]
    raised = Counter[Colour]()
    standing = 0
    for each in source.raised:
        if sees(each.site):
            raised[each.colour] += each.n
            standing += each.n if each.standing else 0
    worst = _worst(source, registry, sees)
    place = registry.site(sites[0]) if len(served) == len(sites) == 1 else None
    first, newest = source.first or source.began, source.newest or source.began
    said = BackfillTold(
        place=place.label if place else Label(""),
        name=label,
        first=first,
        newest=newest,
        readings=source.readings,
        points=source.points,
        lost=source.lost,
        raised=raised,
        standing=standing,
        worst=worst and worst[1],
        purpose=Purpose[source.purpose.upper()],
    )
    return told.Backfill(
        id=source.number,
        gateway=source.gateway,
        gateway_label=shapes.label(label),
        sites=sites,
        purpose=cast(models.PurposeName, source.purpose),
        began=source.began,
        ended=source.ended,
        first=source.first,
        newest=source.newest,
        readings=source.readings,
        points=source.points,
        lost=source.lost,
        counts=ColourCounts(**{each.name.lower(): raised[each] for each in Colour}),
        standing=standing,
        total=sum(raised.values()),
        alarms=[each.id for each in source.named if sees(each.site)],
        peak=worst and worst[0],
        message=models.Label(zh=tell(said, now), en=tell(said, now, "en")),
    )


def _worst(
    source: Backfill, registry: Registry, sees: Sees
) -> tuple[told.BackfillPeak, Worst] | None:
    peak = source.peak
    point = None if peak is None else registry.by_number(peak.point)
    if peak is None or point is None or not sees(point.site):
        return None
    shown = told.BackfillPeak(
        point=point.id,
        label=shapes.label(point.label),
        value=peak.value,
        unit=point.unit,
        time=peak.time,
    )
    said = Worst(
        point=point.label,
        value=peak.value,
        unit=point.unit,
        decimals=point.decimals,
        time=peak.time,
        low=peak.low,
    )
    return shown, said
