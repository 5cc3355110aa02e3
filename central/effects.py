"""What a commit changed: handed to the collector's listeners after the transaction is durable."""

from dataclasses import dataclass, field

from central.alarms.episode import Episode
from central.store.interface import Latest
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
    """`values` are new heads, `episodes` changed alarms, `gateways` names whose state changed."""

    values: list[Latest] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)
    gateways: list[str] = field(default_factory=list)
    events: list[CollectorEvent] = field(default_factory=list)
    registry: bool = False
    """Sites, points or gateways were added or described anew."""
