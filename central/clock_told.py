"""What is known of a gateway's wall clock: what it said, and how far it is from ours (pure)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from protocols.clock import SECOND, ClockState
from protocols.wire.bounds import NUMBER, TIME
from protocols.wire.canonical import JsonValue
from protocols.wire.headers import ClockReport

YELLOW: Final = 1 * SECOND
"""An offset from which somebody should look (µs); from `ORANGE` soon."""
ORANGE: Final = 60 * SECOND
_REASON: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_BOOT: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockTold:
    """`offset` is the gateway's wall clock minus ours (µs), right to within `within`.

    None: not told, or not known. `reason`: why it is not synchronised; `pauses`: how often the
    gateway did not run since its process began.
    """

    state: int | None = None
    reason: str = ""
    maximum_error: int | None = None
    round_trip: int | None = None
    pauses: int | None = None
    offset: int | None = None
    within: int | None = None

    def met(self, report: ClockReport | None, arrived: int) -> "ClockTold":
        """Return it with the offset that a report of health showed when it was here.

        It was written between one round trip before and now: the middle is taken.
        """
        if report is None:
            return self
        away = (self.round_trip or 0) // 2
        within = None if self.round_trip is None else away
        return replace(self, offset=report.wall - (arrived - away), within=within)

    @property
    def grade(self) -> str | None:
        """How bad it is: orange, yellow, or None; an offset counts from what is sure of it."""
        if self.state == ClockState.UNSYNCHRONISED:
            return "orange"
        sure = 0 if self.offset is None else abs(self.offset) - (self.within or 0)
        return "orange" if sure >= ORANGE else "yellow" if sure >= YELLOW else None


def read_clock(said: Mapping[str, JsonValue], detail: Mapping[str, JsonValue]) -> ClockTold:
    """Return what a report of health says; what has another form counts as not told."""
    reason = detail.get("reason")
    return ClockTold(
        state=_number(said.get("clock_state"), max(ClockState)),
        reason=reason if isinstance(reason, str) and _REASON.fullmatch(reason) else "",
        maximum_error=_number(detail.get("maximum_error")),
        round_trip=_number(detail.get("round_trip"), 3600 * SECOND),
        pauses=_number(detail.get("pauses")),
    )


def read_report(said: Mapping[str, JsonValue]) -> ClockReport | None:
    """Return the clocks at the moment the report was written, where all of them are told."""
    boot, state = said.get("boot"), _number(said.get("clock_state"), max(ClockState))
    mono, wall = said.get("mono"), said.get("wall")
    if not isinstance(boot, str) or not _BOOT.fullmatch(boot) or state is None:
        return None
    if type(mono) is not int or type(wall) is not int or max(abs(mono), abs(wall)) > TIME:
        return None
    return ClockReport(boot=boot, mono=mono, wall=wall, state=ClockState(state))


def _number(value: JsonValue, most: int = NUMBER) -> int | None:
    return value if type(value) is int and 0 <= value <= most else None
