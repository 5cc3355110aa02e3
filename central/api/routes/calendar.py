"""Holidays, filings (报备) and platform faults (平台故障).

Entered by engineers and administrators, in the transaction of their line in the audit; nothing is
changed afterwards but ended or withdrawn. A fault without a site is everyone's.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Annotated, Final, Literal, cast

from fastapi import APIRouter, Query
from sqlite_utils import Database as Tables

from central.api import models
from central.api.access import principal
from central.api.errors import ApiError, not_found
from central.api.rooms import House, Rooms
from central.api.routes.queries import span
from central.api.shapes import label
from central.api.times import AskedTime, microseconds
from central.calendar import exemptions
from central.calendar.exemptions import FOREVER, Exemption, Kind, Wanted
from central.calendar.holidays import Holidays, HolidayYear
from central.identity import audit
from central.identity.principal import Principal
from central.identity.roles import Permission

router: Final = APIRouter(prefix="/api/v1", tags=["calendar"])
Who = Annotated[Principal, principal(Permission.READ)]
Keeper = Annotated[Principal, principal(Permission.CALENDAR)]
From = Annotated[AskedTime | None, Query(alias="from")]
Limit = Annotated[int, Query(ge=1, le=1000)]
Before = Annotated[int | None, Query(ge=1, le=2**62, alias="cursor")]


@router.get("/holidays")
async def holidays(who: Who, house: House) -> models.HolidayYears:
    """Return the years whose holidays and working days are known."""
    known = house.collector.queries.holidays
    return models.HolidayYears(
        years=[_year(table, _working(known, table.year)) for table in known.years.values()]
    )


@router.get("/filings")
async def filings(  # noqa: PLR0913  # filters of one list
    who: Who,
    house: House,
    site: str | None = None,
    start: From = None,
    to: AskedTime | None = None,
    limit: Limit = 100,
    cursor: Before = None,
) -> models.ExemptedPage:
    """Return the filings in scope that meet [from, to), newest first, the withdrawn ones too."""
    sites = who.narrow([site] if site else None)
    return await _listed(house, Kind.FILING, sites, (start, to), (limit, cursor))


@router.post("/filings", status_code=201)
async def file(who: Keeper, house: House, asked: models.NewFiling) -> models.Exempted:
    """File a site, or some of its points."""
    if not who.sees(asked.site) or house.collector.registry.site(asked.site) is None:
        raise not_found("site", asked.site)
    for name in asked.points:
        point = house.collector.registry.point(name)
        if point is None or point.site != asked.site:
            raise not_found("point", name)
    return await _add(house, who, Kind.FILING, asked, tuple(asked.points))


@router.post("/filings/{number}/end")
async def end_filing(
    who: Keeper, house: House, number: int, asked: models.EndAsked
) -> models.Exempted:
    """End a filing at a time, which may lie ahead."""
    return await _end(house, who, Kind.FILING, number, microseconds(asked.at))


@router.post("/filings/{number}/withdraw")
async def withdraw_filing(who: Keeper, house: House, number: int) -> models.Exempted:
    """Take a filing back: it never counted."""
    return await _withdraw(house, who, Kind.FILING, number)


@router.get("/platform-faults")
async def faults(
    who: Who,
    house: House,
    start: From = None,
    to: AskedTime | None = None,
    limit: Limit = 100,
    cursor: Before = None,
) -> models.ExemptedPage:
    """Return the platform's own faults that meet [from, to), newest first; of all, or in scope."""
    return await _listed(house, Kind.PLATFORM_FAULT, who.scope, (start, to), (limit, cursor))


@router.post("/platform-faults", status_code=201)
async def enter_fault(who: Keeper, house: House, asked: models.NewFault) -> models.Exempted:
    """Enter a fault of the platform; without a site it is everyone's, and asks for every site."""
    if asked.site is None and not who.sees_all:
        raise ApiError(403, "FORBIDDEN", permission=Permission.CALENDAR.value)
    if asked.site and (not who.sees(asked.site) or not house.collector.registry.site(asked.site)):
        raise not_found("site", asked.site)
    return await _add(house, who, Kind.PLATFORM_FAULT, asked, ())


@router.post("/platform-faults/{number}/end")
async def end_fault(
    who: Keeper, house: House, number: int, asked: models.EndAsked
) -> models.Exempted:
    """Say when the platform was well again."""
    return await _end(house, who, Kind.PLATFORM_FAULT, number, microseconds(asked.at))


@router.post("/platform-faults/{number}/withdraw")
async def withdraw_fault(who: Keeper, house: House, number: int) -> models.Exempted:
    """Take a fault back: it never counted."""
    return await _withdraw(house, who, Kind.PLATFORM_FAULT, number)


async def _listed(
    house: Rooms,
    kind: Kind,
    sites: frozenset[str] | None,
    times: tuple[AskedTime | None, AskedTime | None],
    page: tuple[int, int | None],
) -> models.ExemptedPage:
    start, end = times
    limit, before = page
    wanted = Wanted(
        kind=kind,
        sites=sites,
        start=-FOREVER if start is None else microseconds(start),
        end=FOREVER if end is None else microseconds(end),
        limit=limit + 1,
        before=before,
    )
    found = await house.collector.db.read(lambda conn: exemptions.listed(conn, wanted))
    shown = found[:limit]
    following = str(shown[-1].id) if len(found) > limit else None
    return models.ExemptedPage(items=[_shown(one) for one in shown], next=following)


async def _add(
    house: Rooms,
    who: Principal,
    kind: Kind,
    asked: models.NewFiling | models.NewFault,
    points: tuple[str, ...],
) -> models.Exempted:
    end = asked.to
    start, until = (microseconds(asked.from_), None) if end is None else span(asked.from_, end)
    now = house.desk.clock.now()
    new = Exemption(
        kind=kind,
        category=asked.category,
        site=asked.site,
        points=points,
        start=start,
        until=until,
        reason=asked.reason,
        reference=asked.reference,
        created=now,
        created_by=who.name,
    )

    def record(tables: Tables, number: int) -> None:
        detail = {"site": new.site, "from": start, "to": until, "points": len(points)}
        _audit(tables, who, now, (kind, "ENTERED", number), detail)

    made = await house.collector.db.write(lambda tables: exemptions.add(tables, new, record))
    return _shown(made)


async def _end(house: Rooms, who: Principal, kind: Kind, number: int, at: int) -> models.Exempted:
    def end(tables: Tables, known: Exemption, now: int) -> Exemption:
        return exemptions.end(tables, known, at, who.name, now)

    return await _change(house, who, (kind, "ENDED", number), end, {"to": at})


async def _withdraw(house: Rooms, who: Principal, kind: Kind, number: int) -> models.Exempted:
    def withdraw(tables: Tables, known: Exemption, now: int) -> Exemption:
        return exemptions.withdraw(tables, known, who.name, now)

    return await _change(house, who, (kind, "WITHDRAWN", number), withdraw, {})


async def _change(  # who does what, and what the audit says of it
    house: Rooms,
    who: Principal,
    what: tuple[Kind, str, int],
    change: Callable[[Tables, Exemption, int], Exemption],
    detail: dict[str, str | int | None],
) -> models.Exempted:
    kind, _, number = what
    known, now = await _find(house, who, kind, number), house.desk.clock.now()

    def work(tables: Tables) -> Exemption:
        changed = change(tables, known, now)
        _audit(tables, who, now, what, detail)
        return changed

    return _shown(await house.collector.db.write(work))


async def _find(house: Rooms, who: Principal, kind: Kind, number: int) -> Exemption:
    """Return one that is in scope; one of the whole platform is whose scope is everything."""
    if not 0 < number < FOREVER:
        raise exemptions.ExemptionUnknown(id=number)
    found = await house.collector.db.read(lambda conn: exemptions.find(conn, kind, number))
    if not (who.sees_all if found.site is None else who.sees(found.site)):
        raise exemptions.ExemptionUnknown(id=number)
    return found


def _audit(
    tables: Tables,
    who: Principal,
    now: int,
    what: tuple[Kind, str, int],
    detail: dict[str, str | int | None],
) -> None:
    kind, action, number = what
    act = audit.Act(
        time=now,
        actor=who.name,
        action=f"{kind.value.upper()}_{action}",
        subject=f"{kind.value}/{number}",
        detail=detail,
    )
    audit.append(tables, act)


def _shown(one: Exemption) -> models.Exempted:
    return models.Exempted(
        id=one.id,
        category=one.category,
        site=one.site,
        points=list(one.points),
        from_=one.start,
        to=one.until,
        reason=one.reason,
        reference=one.reference,
        created=one.created,
        created_by=one.created_by,
        ended=one.ended,
        ended_by=one.ended_by,
        withdrawn=one.withdrawn,
        withdrawn_by=one.withdrawn_by,
    )


def _working(known: Holidays, year: int) -> int:
    first = date(year, 1, 1)
    days = (date(year + 1, 1, 1) - first).days
    return sum(known.is_working(first + timedelta(days=n)) for n in range(days))


def _year(table: HolidayYear, working_days: int) -> models.HolidayYear:
    off = [models.DaysOff(name=label(e.name), first=e.first, last=e.last) for e in table.off]
    return models.HolidayYear(
        year=table.year,
        source=table.source,
        issued=table.issued,
        status=cast(Literal["official", "unconfirmed"], table.status),
        off=off,
        working=list(table.working),
        working_days=working_days,
    )
