"""How the uplink is, lane by lane: what health shows."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from edge.collector_time import CollectorTime
from protocols.words import Lane, Value

SHOWN: Final = 32
"""Refused streams that health lists; the others are counted."""
SMOOTH: Final = 0.2
"""Weight of the newest request in the means."""


@dataclass(slots=True)
class LaneState:
    """One lane. `state`: idle, sending, waiting (the collector asked), down (not reached).

    `request_seconds` and `goodput` (compressed bytes a second) are means over the last requests,
    `batches` how many a request may hold now, `credit` what the collector grants, None before it
    said so; `gave_way` seconds in which its requests waited for greater lanes.
    """

    state: str = "idle"
    problem: str | None = None
    requests: int = 0
    retries: int = 0
    sent_readings: int = 0
    sent_batches: int = 0
    sent_bytes: int = 0
    batches: int = 0
    request_seconds: float | None = None
    goodput: float | None = None
    credit: int | None = None
    aside: int = 0
    gave_way: float = 0.0

    def note_request(self, took: float, readings: int, batches: int, size: int) -> None:
        """A request of `size` compressed bytes got through in `took` seconds."""
        self.requests += 1
        self.sent_readings += readings
        self.sent_batches += batches
        self.sent_bytes += size
        self.request_seconds = mean(self.request_seconds, took)
        self.goodput = mean(self.goodput, size / max(took, 1e-6))


@dataclass(slots=True)
class LinkState:
    """The whole uplink; `last_contact` in µs of the gateway's clock."""

    last_contact: int | None = None
    went_back: int = 0
    """How often the collector was found to hold less than it had confirmed."""
    time: CollectorTime = field(default_factory=CollectorTime)
    lanes: dict[Lane, LaneState] = field(
        default_factory=lambda: {lane: LaneState() for lane in Lane}
    )
    refused: dict[str, str] = field(default_factory=dict)
    """Streams the collector refuses, with its reason."""
    _params: dict[Lane, Mapping[str, Value]] = field(default_factory=dict)

    @property
    def problem(self) -> str | None:
        """Return the error code of the most urgent lane that has one."""
        return next((s.problem for _, s in sorted(self.lanes.items()) if s.problem), None)

    @property
    def up(self) -> bool:
        """Whether the collector was ever reached and no lane has a problem now."""
        return self.last_contact is not None and self.problem is None

    @property
    def sent_batches(self) -> int:
        """Return the batches that got through since the start."""
        return sum(state.sent_batches for state in self.lanes.values())

    @property
    def sent_bytes(self) -> int:
        """Return the compressed bytes that got through since the start."""
        return sum(state.sent_bytes for state in self.lanes.values())

    def note_contact(self, now: int, lane: Lane | None = None) -> None:
        """The collector answered, to `lane` or to a report of health."""
        self.last_contact = now
        if lane is not None:
            self.lanes[lane].problem = None
            self._params.pop(lane, None)

    def note_problem(self, lane: Lane, code: str, params: Mapping[str, Value]) -> None:
        """It did not."""
        self.lanes[lane].problem = code
        self._params[lane] = params

    def picture(self) -> dict[str, Any]:
        """Return it all as plain JSON values."""
        lane = next((lane for lane in sorted(self.lanes) if self.lanes[lane].problem), None)
        return {
            "up": self.up,
            "problem": self.problem,
            "params": dict(self._params.get(lane, {})) if lane is not None else {},
            "last_contact": self.last_contact,
            "sent_batches": self.sent_batches,
            "sent_bytes": self.sent_bytes,
            "went_back": self.went_back,
            "lanes": {lane.name.lower(): asdict(state) for lane, state in self.lanes.items()},
            "refused": dict(list(self.refused.items())[:SHOWN]),
            "refused_streams": len(self.refused),
        }


def mean(before: float | None, newest: float) -> float:
    """Return the running mean after one more value."""
    return newest if before is None else before + SMOOTH * (newest - before)
