"""What a commit changed: handed to the collector's listeners after the transaction is durable."""

from dataclasses import dataclass, field

from central.alarms.acts.overlays import Laid
from central.alarms.journal.episode import Episode
from central.backfills.records import Backfill
from central.store.columns import Integers
from central.store.heads.heads import NOTHING
from protocols.words import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorEvent:
    """Not an alarm: a fault, a loss, something put aside, or a matter of security.

    `kind` is fault, loss, quarantine or security; `code` a key of the text catalogue; `subject` a
    path of logical names; `time` µs UTC.
    """

    id: int
    time: int
    kind: str
    code: str
    subject: str
    params: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Newest first; `next` is the cursor of the following page."""

    items: tuple[CollectorEvent, ...]
    next: str | None


@dataclass(slots=True, kw_only=True)
class Effects:
    """`episodes` are changed alarms, `gateways` names whose state changed."""

    values: Integers = field(default_factory=lambda: NOTHING)
    """Numbers of the points whose head changed; one may be there twice."""
    episodes: list[Episode] = field(default_factory=list)
    overlays: list[Laid] = field(default_factory=list)
    """What lies over rules now, of those where that changed."""
    gateways: list[str] = field(default_factory=list)
    events: list[CollectorEvent] = field(default_factory=list)
    backfills: list[Backfill] = field(default_factory=list)
    """Deliveries of the past that are over now."""
    registry: bool = False
    """Sites, points or gateways were added or described anew."""
