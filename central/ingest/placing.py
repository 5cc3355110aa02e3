"""Where readings lie in time, and which of them are put aside (pure).

Gateway time is monotonic since a boot; `offset` says where that boot lies in UTC. A boot of which
nobody knows is stored under the received time, its newest reading at `now`, and marked estimated.
What is put aside never touches its neighbours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from central.store.interface import FLAG_ESTIMATED, FLAG_LATE, FLAG_SOURCE, Row
from protocols.alarms.condition import LIVE_DELAY
from protocols.clock import ClockState
from protocols.wire.batch import ReadingsBatch
from protocols.wire.bounds import TIME
from protocols.wire.header import Header
from protocols.wire.headers import ClockReport
from protocols.words import TimeMark, Value

AHEAD: Final = 300_000_000
"""A stamp further ahead than this (µs) is a broken clock, not a measurement of tomorrow."""

UNKNOWN_POINT: Final = "UNKNOWN_POINT"
CLOCK_AHEAD: Final = "CLOCK_AHEAD"
CLOCK_BEHIND: Final = "CLOCK_BEHIND"
"""Before 1970: no clock ever showed it; an integer of a damaged device."""
UNDECODABLE: Final = "UNDECODABLE"


class Aside(NamedTuple):
    """A reading that was put aside: `point` is the index it named."""

    seq: int
    reason: str
    point: int
    time: int
    value: Value
    quality: int


@dataclass(frozen=True, slots=True)
class Placed:
    """What goes into the store and what is put aside, both in order of seq."""

    rows: list[Row]
    aside: list[Aside]


def boot_offset(report: ClockReport, now: int) -> int:
    """Return UTC minus monotonic of a boot at its first contact (µs)."""
    wall = now if report.state == ClockState.UNSYNCHRONISED else report.wall
    return max(-TIME, min(wall - report.mono, TIME))


def header_offset(header: Header) -> int | None:
    """Return the same from a batch's own header, or None when its clock was worth nothing."""
    if header.clock_state == ClockState.UNSYNCHRONISED:
        return None
    return header.wall0 - header.mono0


def place(batch: ReadingsBatch, numbers: Sequence[int], offset: int | None, now: int) -> Placed:
    """Return rows with UTC times. `numbers` are the registry's, by the manifest's index."""
    estimated = FLAG_ESTIMATED if offset is None else 0
    if offset is None:
        offset = now - newest_gateway_time(batch)
    rows: list[Row] = []
    aside: list[Aside] = []
    known, late, ahead = len(numbers), now - LIVE_DELAY, now + AHEAD
    columns = zip(
        batch.points, batch.times, batch.marks, batch.qualities, batch.values, strict=True
    )
    for seq, (point, time, mark, quality, value) in enumerate(columns, batch.header.seq0):
        flags = FLAG_SOURCE
        if mark == TimeMark.GATEWAY:
            time, flags = time + offset, estimated
        if point >= known:
            aside.append(Aside(seq, UNKNOWN_POINT, point, time, value, quality))
        elif not 0 <= time <= ahead:
            reason = CLOCK_AHEAD if time > ahead else CLOCK_BEHIND
            aside.append(Aside(seq, reason, point, time, value, quality))
        else:
            rows.append(
                Row(
                    numbers[point],
                    time,
                    seq,
                    value,
                    quality,
                    flags | FLAG_LATE if time < late else flags,
                )
            )
    return Placed(rows, aside)


def newest_gateway_time(batch: ReadingsBatch) -> int:
    """Return the newest gateway time of the batch (0 when it has none)."""
    times = zip(batch.times, batch.marks, strict=True)
    return max((time for time, mark in times if mark == TimeMark.GATEWAY), default=0)
