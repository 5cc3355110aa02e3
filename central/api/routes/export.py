"""Readings as a file: CSV, XLSX or Parquet, of points, devices or sites, streamed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Response

from central.api.access import principal
from central.api.errors import ApiError, not_found
from central.api.rooms import House, Rooms
from central.api.sending import Give, MadeWhileSent
from central.api.times import AskedTime, microseconds
from central.calendar.periods import Kind, periods
from central.export.exports import Source, Wanted, subject
from central.export.frames import Job
from central.export.process import MOST_BYTES
from central.export.rows import Periods, Readings, Spans
from central.export.words import about
from central.export.zones import Zone
from central.identity import audit
from central.identity.principal import Principal
from central.identity.roles import Permission
from central.registry_records import PointRecord
from protocols.clock import HOUR

router: Final = APIRouter(prefix="/api/v1/export", tags=["export"])
Who = Annotated[Principal, principal(Permission.READ)]
LONGEST: Final = 3660 * 24 * HOUR
_MEDIA: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
_FILE: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}
Names = Annotated[list[str], Query(default_factory=list, max_length=1000)]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which points: those named, and those of the devices and sites named."""

    point: Names
    device: Names
    site: Names


@dataclass(frozen=True, slots=True)
class Form:
    """How it is written."""

    format: Annotated[Literal["csv", "xlsx", "parquet"], Query()] = "csv"
    zone: Annotated[
        str, Query(max_length=64, description="`+08:00` or a name like `Asia/Shanghai`")
    ] = "Asia/Shanghai"
    language: Annotated[
        Literal["zh", "en"], Query(description="of headings; `en` are the columns' fixed names")
    ] = "zh"
    bom: Annotated[bool, Query(description="CSV: begins with U+FEFF, for Excel")] = True
    spans: Annotated[
        int | None,
        Query(ge=1, le=5000, description="that many equal spans a point instead of readings"),
    ] = None
    period: Annotated[
        Literal["hour", "hydrological_day", "day", "month"] | None,
        Query(description="a row for each period instead; `zone` must be a name then"),
    ] = None
    check: Annotated[bool, Query(description="answer 204, or the refusal, and make nothing")] = (
        False
    )


@router.get(
    "",
    response_class=Response,
    responses={200: {"content": {kind.split(";")[0]: _FILE for kind in _MEDIA.values()}}},
)
async def export(
    who: Who,
    house: House,
    start: Annotated[AskedTime, Query(alias="from")],
    to: AskedTime,
    choice: Annotated[Choice, Depends()],
    form: Annotated[Form, Depends()],
) -> Response:
    """Return the readings with from <= time < to as a file, points one after the other."""
    first, last = microseconds(start), microseconds(to)
    if not first < last <= first + LONGEST:
        raise ApiError(422, "SPAN_INVALID")
    zone = Zone(form.zone.replace(" ", "+"))  # a plus sign that was not percent-encoded
    wanted = Wanted(_chosen(house, who, choice), first, last)
    house.exports.check(form.format, len(wanted.points))
    source = _source(house, form, wanted)
    if form.check:
        with house.exports.place(_caller(who)):
            return Response(status_code=204)
    now = house.desk.clock.now()
    job = Job(
        format=form.format,
        layout="readings" if form.spans is None and form.period is None else "spans",
        zone=zone.text,
        language=form.language,
        subjects=tuple(subject(point, form.language) for point in wanted.points),
        about=about(form.language, zone, wanted, who.name, now),
        most_bytes=MOST_BYTES,
        bom=form.bom,
    )
    asked = [*choice.site, *choice.device, *choice.point]
    act = audit.Act(
        time=now,
        actor=who.name,
        action="EXPORTED",
        subject=f"export/{asked[0]}",
        detail={
            "asked": ", ".join(asked)[:2000],
            "points": len(wanted.points),
            "from": first,
            "to": last,
            "format": form.format,
            "spans": form.spans,
            "period": form.period,
        },
    )
    work = _work(house, who, job, wanted, source, act)
    begin, end = (text[:10] for text in zone.rfc3339(wanted.times))
    name = f"fengsui_{asked[0].replace('/', '_')}_{begin}_{end}.{form.format}"
    return MadeWhileSent(work, _MEDIA[form.format], name)


def _source(house: Rooms, form: Form, wanted: Wanted) -> Source:
    """Raises ApiError for two kinds of rows at once, and what is wrong with the periods."""
    if form.spans is not None and form.period is not None:
        raise ApiError(422, "EXPORT_ROWS")
    if form.spans is not None:
        return Spans(house.collector.queries, form.spans)
    if form.period is not None:
        periods(Kind(form.period), wanted.start, wanted.end, form.zone)
        return Periods(house.collector.queries, Kind(form.period), form.zone)
    return Readings(house.collector.store)


def _work(
    house: Rooms, who: Principal, job: Job, wanted: Wanted, source: Source, act: audit.Act
) -> Any:
    db = house.collector.db

    async def still() -> bool:
        now = await house.desk.still(who)
        return now is not None and all(now.sees(point.site) for point in wanted.points)

    async def work(give: Give) -> None:
        with house.exports.place(_caller(who)):
            await db.write(lambda tables: audit.append(tables, act))
            await house.exports.make(job, wanted, source, give, still)

    return work


def _caller(who: Principal) -> str:
    return f"{who.kind.value}/{who.name}"


def _chosen(house: Rooms, who: Principal, choice: Choice) -> Sequence[PointRecord]:
    registry = house.collector.registry
    found: dict[str, PointRecord] = {}
    for site in choice.site:
        points = registry.points(site) if who.sees(site) else []
        if not points:
            raise not_found("site", site)
        found |= {point.id: point for point in points}
    for device in choice.device:
        names = device.split("/")
        points = registry.points(names[0]) if len(names) == 3 and who.sees(names[0]) else []
        mine = {point.id: point for point in points if point.id.rsplit("/", 1)[0] == device}
        if not mine:
            raise not_found("device", device)
        found |= mine
    for name in choice.point:
        point = registry.point(name)
        if point is None or not who.sees(point.site):
            raise not_found("point", name)
        found[name] = point
    if not found:
        raise ApiError(422, "EXPORT_NOTHING_ASKED")
    return list(found.values())
