"""What the store keeps, for how long, and what it has let go of."""

from typing import Annotated, Final, cast

from fastapi import APIRouter, Query

from central.api import models
from central.api.access import principal
from central.api.errors import ApiError
from central.api.models.store import Whose
from central.api.rooms import House
from central.api.times import rfc3339
from central.identity.principal import Principal
from central.identity.roles import Permission
from central.keep import DAY
from central.store.tiers import tiers
from central.store.tiers.due import SiteSize
from central.store.tiers.keeping import Kept
from central.store.tiers.tiers import Gone

router: Final = APIRouter(prefix="/api/v1/store", tags=["store"])
Who = Annotated[Principal, principal(Permission.READ)]


@router.get("/keeping")
async def keeping(who: Who, house: House) -> models.StoreKept:
    """Return for how long each site's readings and rollups are kept, and how much there is."""
    retention = house.collector.store_retention
    domains = {site.name: site.domain for site in house.collector.registry.sites()}
    names = sorted({*domains, *retention.sizes} - {""})
    return models.StoreKept(
        items=[
            _site(
                name,
                domains.get(name),
                retention.kept(name),
                retention.sizes.get(name, SiteSize()),
            )
            for name in names
            if who.sees(name)
        ]
    )


@router.get("/removed")
async def removed(
    who: Who,
    house: House,
    site: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=128)] = None,
) -> models.RemovedPage:
    """Return what was deleted at the end of its time, by site and day, the youngest days first."""
    sites = who.narrow([site] if site else None)
    try:
        found = await house.collector.db.read(lambda conn: tiers.ledger(conn, sites, limit, cursor))
    except (ValueError, OverflowError) as exc:
        raise ApiError(422, "CURSOR_UNKNOWN") from exc
    more = len(found) == limit
    return models.RemovedPage(
        items=[_gone(line) for line in found],
        next=tiers.cursor_after(found[-1]) if more else None,
    )


def _site(name: str, domain: str | None, kept: Kept, size: SiteSize) -> models.SiteKept:
    spans = {
        tier: models.KeptTier(
            days=None if span is None else span // DAY, whose=cast(Whose, kept.why[tier])
        )
        for tier, span in kept.spans.items()
    }
    floor = kept.floor
    least = None
    if floor is not None:
        days = floor.span // DAY
        least = models.LeastKept(days=days, source=floor.source, status=floor.status)
    return models.SiteKept(
        site=name,
        domain=domain,
        readings_kept=spans["keep"],
        minutes_kept=spans["minutes"],
        hours_kept=spans["hours"],
        least=least,
        chunks=size.chunks,
        readings=size.readings,
        bytes=size.bytes,
        rollup_bytes=size.rollup_bytes,
    )


def _gone(line: Gone) -> models.RemovedDay:
    return models.RemovedDay(
        site=line.site,
        tier=line.tier,
        day=rfc3339(line.day * DAY)[:10],
        readings=line.readings,
        bytes=line.bytes,
        first=line.first,
        last=line.last,
        whose=line.why,
    )
