"""When a stream was opened, by the clocks that were sent along and not by the wall clock alone.

An opening record says what its machine's wall clock showed. That may be 1970, or ten years ahead;
the request that brings it shows where the boot lies in time, and what that wall clock shows now.
"""

from typing import NamedTuple

from sqlite_utils import Database as Tables

from central.ingest.anchors import placement_of
from central.ingest.placement import Placement
from protocols.wire.headers import ClockReport
from protocols.wire.opening import Opening


class Met(NamedTuple):
    """The clocks of who sends a record; `offset`: UTC minus monotonic as they show it, µs."""

    report: ClockReport
    offset: int


def opened_at(tables: Tables, opening: Opening, met: Met | None) -> int:
    """Return it in µs UTC; without clocks what the record says.

    Where it is not known exactly (the wall clock was set in between, or an earlier boot opened it)
    it is the earliest that is possible: nothing is called newer than it certainly is.
    """
    if met is None:
        return opening.opened
    report = met.report
    here = placement_of(tables, opening.gateway, report.boot) or Placement.by(met.offset)
    if opening.boot == report.boot:
        mono = report.mono - (report.wall - opening.opened)
        return here.place(mono if 0 <= mono <= report.mono else 0)
    before = min(opening.opened, here.place(0))
    known = placement_of(tables, opening.gateway, opening.boot)
    return before if known is None else max(before, known.place(0))
