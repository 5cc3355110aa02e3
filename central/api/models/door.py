"""Virtual gateways, their tokens, and what became of readings handed in at the door."""

from typing import Literal

from pydantic import Field

from central.api.models.gateways import AskedLabel
from central.api.models.words import Answer, Asked, Label, Name
from central.api.times import Time
from central.door.virtual import (
    LONGEST,
    MOST_READINGS,
    MOST_REQUESTS,
    OFFLINE_AFTER,
    SHORTEST,
    SITES,
)
from central.identity.tokens import Allowance

_USUAL = Allowance()


class DoorTally(Answer):
    """What a system's readings came to since the collector began: `quarantined` by reason."""

    since: Time
    accepted: int
    known: int
    quarantined: int
    reasons: dict[str, int]


class VirtualGateway(Answer):
    """An enterprise's own system; offline after so many seconds of silence."""

    name: str
    label: Label
    sites: list[str]
    offline_after_s: int
    created: Time
    created_by: str
    state: Literal["online", "offline", "never"]
    last_contact: Time | None
    points: int
    taken: DoorTally


class VirtualGateways(Answer):
    """Every virtual gateway, by name."""

    items: list[VirtualGateway]


class NewVirtualGateway(Asked):
    """A virtual gateway to make, and the sites it may speak of."""

    name: Name
    label: AskedLabel | None = None
    sites: list[Name] = Field(min_length=1, max_length=SITES)
    offline_after_s: int = Field(default=OFFLINE_AFTER, ge=SHORTEST, le=LONGEST)


class NewReadingsToken(Asked):
    """A token for a virtual gateway; limits are means over a minute."""

    name: str = Field(min_length=1, max_length=64)
    readings_per_minute: int = Field(default=_USUAL.readings_per_minute, ge=1, le=MOST_READINGS)
    requests_per_minute: int = Field(default=_USUAL.requests_per_minute, ge=1, le=MOST_REQUESTS)


class ReadingAside(Answer):
    """A reading that was put aside: its place in the request, from 0, and why."""

    index: int
    reason: str


class ReadingsTaken(Answer):
    """What became of a request's readings, durably.

    `accepted` were stored now, `known` were here already (same point, time and value),
    `quarantined` were put aside: `reasons` counts all of them, `items` lists the first hundred.
    `duplicate`: this key's request was here before, and this is what it was answered.
    """

    stream: str
    received: Time
    duplicate: bool
    accepted: int
    known: int
    quarantined: int
    reasons: dict[str, int]
    items: list[ReadingAside]


class PointsDescribed(Answer):
    """A description that holds from the next reading on; `manifest` is its digest."""

    manifest: str
    changed: bool
    sites: int
    devices: int
    points: int
