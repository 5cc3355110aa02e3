"""Faults, losses, things put aside, matters of security: never alarms, and counted apart."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from central.api import models
from central.api.access import principal
from central.api.errors import ApiError
from central.api.rooms import House
from central.api.scoped import events as scoped_events
from central.identity.principal import Principal
from central.identity.roles import Permission

router: Final = APIRouter(prefix="/api/v1/events", tags=["events"])
Who = Annotated[Principal, principal(Permission.EVENTS)]


@router.get("")
async def events(
    who: Who,
    house: House,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=128)] = None,
    kind: Annotated[list[models.HappeningKind] | None, Query(max_length=4)] = None,
    code: Annotated[str | None, Query(pattern="^[A-Z][A-Z0-9_]{0,63}$")] = None,
) -> models.Happenings:
    """Return what happened within the scope, newest first; of some kinds or one code if asked."""
    try:
        return await scoped_events(house.collector, who, limit, cursor, kind or (), code)
    except (ValueError, OverflowError) as exc:
        raise ApiError(422, "CURSOR_UNKNOWN") from exc
