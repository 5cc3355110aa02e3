"""What the routes work with: handed to the application when it is made, never global."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from central.identity.desk import FrontDesk

if TYPE_CHECKING:
    from central.api.cables import Cables
    from central.api.hub import Hub
    from central.api.metrics import Metrics
    from central.collector import Collector
    from central.enrolment.office import Office
    from central.export.exports import Exports
    from central.guard.guards import Guards
    from central.guidance.guidance import Guidance
    from central.tls.trust import TrustDesk


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """The collector, the desks for people, trust and enrolment, the live stream, the guards, what
    gateways are told ...
    """

    collector: "Collector"
    desk: FrontDesk
    hub: "Hub"
    metrics: "Metrics"
    cables: "Cables"
    guards: "Guards"
    trust: "TrustDesk"
    enrolment: "Office"
    exports: "Exports"
    guidance: "Guidance"


def rooms_of(request: Request) -> Rooms:
    """Return the rooms of the application that serves `request`."""
    rooms: Rooms = request.app.state.rooms
    return rooms


async def _rooms(request: Request) -> Rooms:
    # A coroutine: what is not one is run in a thread of its own, at every request.
    return rooms_of(request)


House = Annotated[Rooms, Depends(_rooms)]
