"""Alarms with their journal; faults, losses and matters of security."""

from pydantic import Field

from central.api.models.words import (
    Answer,
    Asked,
    EpisodeState,
    HappeningKind,
    Label,
    Level,
    Params,
    PurposeName,
    Quality,
    Value,
)
from central.api.times import Time


class Acknowledged(Answer):
    """Who has seen it (确认收到)."""

    by: str
    at: Time
    comment: str


class TimeToNext(Answer):
    """At the present rate, seconds until the next level of the ladder."""

    level: str
    limit: float
    seconds: float


class Episode(Answer):
    """One alarm from raise to close (报警)."""

    id: str
    rule: str
    point: str
    site: str
    site_label: Label
    region: str
    object: str | None
    object_label: Label | None
    device: str
    device_label: Label
    label: Label
    quantity: str
    unit: str
    decimals: int | None
    level: Level
    state: EpisodeState
    raised: Time
    returned: Time | None
    closed: Time | None
    acknowledged: Acknowledged | None
    value: Value
    value_time: Time | None
    value_quality: Quality | None
    value_at_raise: Value
    occurrence: int
    late: bool
    purpose: PurposeName
    time_to_next: TimeToNext | None


class Episodes(Answer):
    """One page of alarms; `total` counts all that match."""

    items: list[Episode]
    total: int
    next: str | None


class JournalLine(Answer):
    """One alarm event: `time` it happened, `recorded` it was written."""

    time: Time
    recorded: Time
    event: str
    level: str | None
    value: Value
    actor: str | None
    comment: str | None


class EpisodeDetail(Episode):
    """An alarm with its journal and its whole ladder."""

    journal: list[JournalLine]
    levels: list[Level]


class Acknowledgement(Asked):
    """What the operator says on acknowledging; may be empty."""

    comment: str = Field(default="", max_length=500)


class Happening(Answer):
    """A fault, a loss, something put aside or a matter of security; never an alarm."""

    id: str
    time: Time
    kind: HappeningKind
    code: str
    subject: str
    params: Params


class Happenings(Answer):
    """Newest first."""

    items: list[Happening]
    next: str | None
