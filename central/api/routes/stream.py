"""The live stream (SSE): first the clock and the whole picture, then what changes."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from central.api.access import principal
from central.api.event_stream import EventStream
from central.api.rooms import House
from central.identity.principal import Principal
from central.identity.roles import Permission

router: Final = APIRouter(prefix="/api/v1/stream", tags=["stream"])
Who = Annotated[Principal, principal(Permission.READ)]

_EVENT: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "event": {
            "type": "string",
            "enum": [
                *("values", "alarm", "fault", "overlay", "flood", "backfill"),
                *("gateway", "overview", "clock"),
            ],
        },
        "data": {"type": "string", "contentMediaType": "application/json"},
        "retry": {"type": "integer", "minimum": 0},
    },
}
_TOLD: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/event-stream": {"itemSchema": _EVENT}}}
}


@router.get("", status_code=200, response_class=EventStream, responses=_TOLD)
async def stream(
    who: Who,
    house: House,
    site: Annotated[str | None, Query(description="one or more sites, comma separated")] = None,
) -> EventStream:
    """Tell events within the scope: `values`, `alarm`, `fault`, `overlay`, `flood`, `backfill`,
    `gateway`, `overview`, `clock`.

    Their bodies: SiteValues, Episode (of alarms and of what is silent), RuleOverlay, Flood,
    Backfill, Gateway, Overview and ClockNow.
    """
    return EventStream(house.hub, who, who.narrow(site.split(",") if site else None))
