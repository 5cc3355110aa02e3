"""What people see of an alarm: its episodes and their journal, as plain structs."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from central.alarms.acts.overlays import Layer
from central.alarms.shown.first_up import FirstUp
from central.store.queries.extreme import Extreme
from protocols.alarms.rule import Level
from protocols.alarms.wording import Told
from protocols.words import Label, Purpose, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Who has seen it, and when (µs UTC)."""

    by: str
    at: int
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What somebody found it to be (real, false, instrument, filed, test), and when (µs UTC)."""

    result: str
    by: str
    at: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What somebody said of it, and when (µs UTC)."""

    by: str
    at: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NextThreshold:
    """At the present rate `level` (limit `limit`) is reached in that many seconds."""

    level: str
    limit: float
    seconds: int


class SiteBelow(NamedTuple):
    """How many devices and points of one site lie below what is silent."""

    site: str
    devices: int
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultShown:
    """What is silent: `place` is gateway, bus or device; since the last that was heard (µs UTC).

    `devices` and `points` lie below it; `concluded`: nobody said so, but all below it is silent.
    `label` is the name it is shown by: of a bus, which has none, its logical one. `shared`: what of
    each site lies below a place that serves several, as it is described now.
    """

    place: str
    gateway: str
    gateway_label: Label
    bus: str | None
    device: str | None
    device_label: Label | None
    label: Label
    since: int
    devices: int
    points: int
    concluded: bool
    shared: tuple[SiteBelow, ...] = ()

    def within(self, scope: frozenset[str] | None) -> "FaultShown":
        """Return it as who sees the sites of `scope` only (None: all) is told of it."""
        if scope is None or not self.shared:
            return self
        here = [each for each in self.shared if each.site in scope]
        return replace(
            self,
            devices=sum(each.devices for each in here),
            points=sum(each.points for each in here),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One alarm from its raise to its close. Times are µs UTC.

    `state` is one of `protocols.alarms.state.State`; `value*` is the point's newest reading now.
    Beside what the rule produced: `overlays` lie over the rule now, the strongest first;
    `verification` is the newest, `comments` how many there are. `origin` is centre or gateway,
    `confirmation` of one that a gateway told: awaited, confirmed or unconfirmed. `told` is what
    people are told of it, where that was looked up. `chattering`: its rule begins too often now.
    `unknown_since`: what carries its point is silent since then, and nobody knows its state.
    `first_up` and `fault`, of what is no process alarm, where these were looked up.
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
    state: str
    raised: int
    returned: int | None
    closed: int | None
    acknowledged: Acknowledgement | None
    value: Value
    value_time: int | None
    value_quality: int | None
    value_at_raise: Value
    occurrence: int
    late: bool
    purpose: Purpose
    time_to_next: NextThreshold | None = None
    origin: str = "centre"
    confirmation: str = ""
    overlays: tuple[Layer, ...] = ()
    verification: Verification | None = None
    comments: int = 0
    told: Told | None = None
    domain: str = ""
    """That of the site."""
    chattering: bool = False
    first_up: FirstUp | None = None
    unknown_since: int | None = None
    fault: FaultShown | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """One line of an alarm's history: `time` when it happened, `recorded` when we knew.

    `nth` of an escalation; `before` and `after` are the alarm's state, and the level it stood at,
    on either side of it.
    """

    time: int
    recorded: int
    event: str
    level: str | None
    value: Value
    actor: str | None
    comment: str
    nth: int | None = None
    before: "Standing | None" = None
    after: "Standing | None" = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A state and the name of a level; None: no level stands."""

    state: str
    level: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeDetail:
    """An episode with its history, the ladder it was judged by, and what people said of it.

    `peak` is its worst value until it returned, or until now.
    """

    episode: Episode
    journal: tuple[JournalLine, ...]
    levels: tuple[Level, ...]
    verifications: tuple[Verification, ...] = ()
    comments: tuple[Comment, ...] = ()
    peak: Extreme | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeFilter:
    """Which alarms, and from where on.

    `state`: open (not NORMAL, nothing over it), unacknowledged (of these), history (closed), all;
    shelved, suppressed, out_of_service: the newest of each rule that is. `sites` None is every
    site; `levels` are colours' names, none: any. `point`, `rule` and `object` (with or without its
    site) are names, `domain` the domain's; `verification` a result, or none. Times are µs UTC:
    raised in [`since`, `until`). `q` matches point, labels and id. `cursor` is a page's `next`.
    `faults`: the list is without what is silent, with it, or of it only.
    """

    state: str = "open"
    levels: frozenset[str] = frozenset()
    sites: frozenset[str] | None = None
    domain: str | None = None
    rule: str | None = None
    point: str | None = None
    object: str | None = None
    verification: str | None = None
    late: bool | None = None
    purpose: str | None = None
    since: int | None = None
    until: int | None = None
    q: str = ""
    limit: int = 100
    cursor: str | None = None
    faults: str = "without"


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodePage:
    """A page of episodes, most urgent first when open, otherwise newest first.

    `total` counts all that match; `more`: there are even more than that.
    """

    items: tuple[Episode, ...]
    total: int
    next: str | None
    more: bool = False
