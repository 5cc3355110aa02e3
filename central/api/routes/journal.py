"""The journal of all alarms for other systems: followed line by line, from a kept place on."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from central.alarms.journal import outbox
from central.api.access import principal
from central.api.models import journal as models
from central.api.rooms import House
from central.identity.principal import Principal
from central.identity.roles import Permission

router: Final = APIRouter(prefix="/api/v1/alarms", tags=["alarms"])
Who = Annotated[Principal, principal(Permission.READ)]
NEWEST: Final = 2**62


@router.get("/journal")
async def journal(
    who: Who,
    house: House,
    after: Annotated[int | None, Query(ge=0, le=NEWEST, description="a line's number")] = None,
    reader: Annotated[
        str | None, Query(min_length=1, max_length=100, description="goes on from its own place")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> models.Followed:
    """Return the lines after a number or, without one, after the reader's place, in scope.

    Of at most `limit` lines that were looked at; those of other sites are left out.
    """
    sites, name = who.narrow(None), outbox.name_of(who.name, reader or "")
    found = await house.collector.db.read(
        lambda conn: outbox.pending(
            conn, outbox.place(conn, name) if after is None else after, limit, sites
        )
    )
    items = [
        models.FollowedLine(
            number=line.number,
            alarm=line.episode,
            rule=line.rule,
            site=line.site,
            time=line.time,
            recorded=line.recorded,
            event=line.event,
            level=line.level,
            value=line.value,
            actor=line.actor,
            comment=line.comment,
            nth=line.nth or None,
            purpose=line.purpose,
            late=line.late,
        )
        for line in found.lines
    ]
    return models.Followed(items=items, next=found.reached, newest=found.newest)


@router.post("/journal/place")
async def journal_place(who: Who, house: House, asked: models.ReaderAsked) -> models.ReaderPlace:
    """Keep how far a reader of one's own is; it only goes on, and not beyond what there is."""
    name, now = outbox.name_of(who.name, asked.reader), house.collector.clock.now()
    position = await house.collector.db.write(
        lambda tables: outbox.advance(tables.conn, name, asked.position, now)
    )
    return models.ReaderPlace(reader=asked.reader, position=position)
