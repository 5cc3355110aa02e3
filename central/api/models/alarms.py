"""Alarms with their journal; faults, losses and matters of security."""

from typing import Annotated, Literal

from pydantic import Field

from central.api.models.many import Fault, FirstUp, SiteGroup
from central.api.models.words import (
    READABLE,
    Answer,
    Asked,
    EpisodeState,
    HappeningKind,
    Label,
    Level,
    OverlayName,
    Params,
    PurposeName,
    Quality,
    Value,
    VerificationName,
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


class Layer(Answer):
    """What lies over the rule: 限时静默, 逻辑抑制 or 报警停用; `until` null: a person ends it."""

    name: OverlayName
    since: Time
    until: Time | None
    one_shot: bool
    by: str
    reason: str


class Verification(Answer):
    """What it turned out to be (核实): 属实, 误报, 仪表故障, 报备内, 测试."""

    result: VerificationName
    by: str
    at: Time
    note: str


class Comment(Answer):
    """What somebody said of it."""

    by: str
    at: Time
    text: str


class Episode(Answer):
    """One alarm from raise to close (报警).

    `overlays` lie over its rule now, the strongest first; `verification` is the newest, `comments`
    how many there are: beside what the rule produced, and never changing it. `origin`: who saw it;
    `confirmation`: whether readings bore out what a gateway said. `message`: what people are told
    of it, in one sentence. `chattering`: its rule begins too often now (频繁报警). `unknown_since`:
    what carries its point is silent since then, and nobody knows its state. `fault`: it is no
    process alarm, but what is silent (离线, 通信中断), and counted apart.
    """

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
    origin: Literal["centre", "gateway"]
    confirmation: Literal["", "awaited", "confirmed", "unconfirmed"]
    overlays: list[Layer]
    verification: Verification | None
    comments: int
    message: Label | None
    chattering: bool
    first_up: FirstUp | None
    unknown_since: Time | None
    fault: Fault | None


class Episodes(Answer):
    """One page of alarms; `total` counts all that match; `more`: there are even more than that.

    `next` is the `cursor` of the following page, good for the same filters only.
    """

    items: list[Episode]
    total: int
    next: str | None
    more: bool


class GroupedAlarms(Answer):
    """The open list; in a flood blue and yellow alarms by site, the others as `single`."""

    flooding: bool
    groups: list[SiteGroup]
    single: Episodes


class AlarmStanding(Answer):
    """A state, and the level at which the alarm stood (null: none)."""

    state: EpisodeState
    level: str | None


class JournalLine(Answer):
    """One alarm event: `time` it happened, `recorded` it was written, what was before and after."""

    time: Time
    recorded: Time
    event: str
    level: str | None
    value: Value
    actor: str | None
    comment: str | None
    nth: int | None
    before: AlarmStanding | None
    after: AlarmStanding | None


class Peak(Answer):
    """The worst value of an alarm, in the unit of its point, and when."""

    value: float
    unit: str
    time: Time
    quality: Quality


class EpisodeDetail(Episode):
    """An alarm with its journal, its whole ladder and what was said of it, the newest last.

    `peak`: until it returned, or until now; null where it is held against no value of its point.
    """

    journal: list[JournalLine]
    levels: list[Level]
    verifications: list[Verification]
    said: list[Comment]
    peak: Peak | None


class Acknowledgement(Asked):
    """What the operator says on acknowledging; may be empty."""

    comment: Annotated[str, Field(max_length=500), READABLE] = ""


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
