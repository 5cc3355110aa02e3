"""Gateways, and the cables of a demonstration."""

from typing import Literal

from pydantic import Field

from central.api.models.words import Answer, Asked, ClockName, Label, Name, PurposeName
from central.api.times import Time


class Backlog(Answer):
    """What waits in a gateway's buffer."""

    readings: int
    oldest: Time | None
    alarm_readings: int


class BufferState(Answer):
    """A gateway's buffer; null: not told. `hours_left` at the present rate.

    `medium`: ok; memory, while new data is held in memory only; failing, while nothing can be held.
    `reserve_only`: others have filled the disk, what is left is kept for alarms. `drops`: readings
    and events given up since the gateway's process began, by reason.
    """

    bytes: int | None
    quota_bytes: int | None
    hours_left: float | None
    medium: Literal["ok", "memory", "failing"] | None
    failing: str | None
    reserve_only: bool
    drops: dict[str, int]


class GatewayClock(Answer):
    """A gateway's wall clock; null: not told, or not known.

    `offset_seconds`: its clock minus ours when it last reported, right to within `within_seconds`.
    `reason`: why it is not synchronised (`not_disciplined`, `error_too_large`, `before_build`,
    `stepped`, `not_told`). `pauses`: how often the gateway did not run since its process began.
    `grade`: orange while not synchronised or surely a minute off, yellow from a second.
    """

    state: ClockName | None
    reason: str | None
    offset_seconds: float | None
    within_seconds: float | None
    maximum_error_seconds: float | None
    pauses: int | None
    grade: Literal["yellow", "orange"] | None


class DeviceState(Answer):
    """A device as its gateway last reported it."""

    name: str
    label: Label
    state: str
    since: Time | None


class BusState(Answer):
    """A bus and its devices."""

    name: str
    protocol: str
    state: str
    devices: list[DeviceState]


class Gateway(Answer):
    """A gateway; `last_contact` is the last request that was its own."""

    name: str
    label: Label
    site: str | None
    state: Literal["online", "offline", "never"]
    last_contact: Time | None
    offline_since: Time | None
    backlog: Backlog | None
    buffer: BufferState
    purpose: PurposeName | None
    version: str | None
    clock: GatewayClock
    points: int
    devices: int
    buses: list[BusState]


class GatewayRules(Answer):
    """By which rules a gateway judges its own readings.

    `version`: the document it judges by; null: its manifest's limits alone, or it has not told.
    `offered`: the one it should have; `current`: they are the same, or the one it should have says
    no more than its manifest. `judged` rules are judged there, `left` to the collector because the
    gateway cannot, `reason` is why of the first of these; null: not told.
    """

    version: str | None
    offered: str
    current: bool
    judged: int | None
    left: int | None
    reason: str | None


class Gateways(Answer):
    """The gateways in scope."""

    items: list[Gateway]


class AskedLabel(Asked):
    """A name for people."""

    zh: str = Field(min_length=1, max_length=128)
    en: str = Field(default="", max_length=128)


class NewGateway(Asked):
    """A gateway to create: it gets a one-time code to enrol with.

    `credential`: `token` gives it a bearer token instead, which counts until it has a key: for
    tests and tools on a line nobody else hears.
    """

    name: Name
    label: AskedLabel | None = None
    site: Name | None = None
    credential: Literal["code", "token"] = "code"


class Cable(Answer):
    """The network cable of a demonstration's gateway."""

    gateway: str
    connected: bool | None
    """Null: the cable's control does not answer."""


class Demo(Answer):
    """What only a demonstration has."""

    story: bool
    cables: list[Cable]


class SetCable(Asked):
    """Plug it in or pull it out."""

    connected: bool
