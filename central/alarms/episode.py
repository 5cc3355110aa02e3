"""What people see of an alarm: its episodes and their journal, as plain structs."""

from dataclasses import dataclass

from protocols.alarms.rule import Level
from protocols.words import Label, Purpose, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Who has seen it, and when (µs UTC)."""

    by: str
    at: int
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextThreshold:
    """At the present rate `level` (limit `limit`) is reached in that many seconds."""

    level: str
    limit: float
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One alarm from its raise to its close. Times are µs UTC.

    `state` is NORMAL, UNACK, ACKED or RTN_UNACK; `value*` is the point's newest reading now.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """One line of an alarm's history: `time` when it happened, `recorded` when we knew."""

    time: int
    recorded: int
    event: str
    level: str | None
    value: Value
    actor: str | None
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeDetail:
    """An episode with its history and the ladder it was judged by."""

    episode: Episode
    journal: tuple[JournalLine, ...]
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeFilter:
    """`state`: open (not NORMAL), unacknowledged, history (closed) or all.

    `sites` None is every site; `level` a colour's name; `q` matches point, labels and id.
    """

    state: str = "open"
    level: str | None = None
    sites: frozenset[str] | None = None
    q: str = ""
    limit: int = 100
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodePage:
    """A page of episodes, most urgent first when open, newest first in history."""

    items: tuple[Episode, ...]
    total: int
    next: str | None
