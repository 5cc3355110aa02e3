"""The live stream (SSE): first the clock and the whole picture, then what changes."""

from collections.abc import AsyncIterable
from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from central.api.access import principal
from central.api.rooms import House
from central.identity.principal import Principal
from central.identity.roles import Permission

router: Final = APIRouter(prefix="/api/v1/stream", tags=["stream"])
Who = Annotated[Principal, principal(Permission.READ)]
RECONNECT: Final = 3000
"""Milliseconds a page waits before it connects again."""


@router.get("", response_class=EventSourceResponse)
async def stream(
    who: Who,
    house: House,
    site: Annotated[str | None, Query(description="one or more sites, comma separated")] = None,
) -> AsyncIterable[ServerSentEvent]:
    """Tell `values`, `alarm`, `gateway`, `overview` and `clock` events within the scope.

    Their bodies: SiteValues, Episode, Gateway, Overview and ClockNow.
    """
    subscriber = await house.hub.subscribe(who, who.narrow(site.split(",") if site else None))
    try:
        yield ServerSentEvent(retry=RECONNECT, comment="fengsui")
        while (told := await subscriber.queue.get()) is not None:
            yield ServerSentEvent(event=told.event, raw_data=told.data)
    finally:
        house.hub.leave(subscriber)
