"""Goes through one family: its chunks, rows, what is in memory of the journal, rollups, heads.

One snapshot, in which every reading is to be there exactly once. Memory is that of one day's
numbers and of `seen_numbers`.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from central.store import late
from central.store.checks import chunk_check
from central.store.checks.findings import Checked, Finding, Say
from central.store.checks.rollup_check import Rollups
from central.store.chunks import DAY
from central.store.codec.cells import MEMBERS
from central.store.columns import Integers
from central.store.damage import day_text
from central.store.families import numbers_of
from central.store.heads.seen_numbers import SeenNumbers
from central.store.points import PointReadings
from central.store.unsealed import of_point
from central.store.views.reading import END, View
from protocols.words import Value

_SHOWN = 3
"""Numbers named of a day that has readings twice."""


@dataclass(slots=True)
class FamilyCheck:
    """Made for one family and view; `run` tells what it finds."""

    view: View
    family: int
    device: str
    known: set[int]
    """Streams that are known to exist."""
    heads: Mapping[int, int]
    """The time of each point's newest reading as the pages of heads have it."""
    checked: Checked
    say: Say
    lone: Mapping[int, int] | None = None
    """Points by place that have no family, instead of the family's."""
    _seen: SeenNumbers = field(default_factory=SeenNumbers)
    _newest: dict[int, int] = field(default_factory=dict)
    _lacking: bool = False
    """Something could not be read: nothing is said of what may be in it."""

    def run(self) -> None:
        """Look at everything of the family."""
        conn = self.view.conn
        numbers = numbers_of(conn, self.family) if self.lone is None else self.lone
        self._exist(numbers)
        memory = self._memory(numbers)
        by_day: dict[int, list[int]] = {}
        for day, id_ in conn.execute(
            "SELECT day, id FROM chunk WHERE family = ? AND seal <= ?",
            (self.family, self.view.watermark),
        ):
            by_day.setdefault(day, []).append(id_)
        days = {*by_day, *memory, *self._late_days(numbers.values())}
        rollups = Rollups(conn, self.family, self.device, frozenset(numbers))
        for day in sorted(days | rollups.days):
            keys = self._day(day, by_day.get(day, ()), numbers, memory.get(day, []))
            for finding in rollups.look(day, keys):
                self._tell(finding)
        self.checked.rollups += rollups.looked
        for member, newest in rollups.newest.items():
            self._newest[member] = max(newest, self._newest.get(member, newest))
        self._look_at_heads(numbers)

    def _exist(self, numbers: Mapping[int, int]) -> None:
        for (number,) in self.view.conn.execute(
            "SELECT point FROM family_member WHERE family = ? AND point NOT IN "
            "(SELECT number FROM point)",
            (self.family,),
        ):
            self._tell(Finding("CHECK_POINT_UNKNOWN", {"device": self.device, "point": number}))
        beyond = [member for member in numbers if not 0 <= member < MEMBERS]
        if beyond:
            self._tell(Finding("CHECK_PLACE", {"device": self.device, "place": beyond[0]}))

    def _memory(self, numbers: Mapping[int, int]) -> dict[int, list[tuple[int, PointReadings]]]:
        """Return what no chunk has yet, by day, as (member, readings)."""
        view, found = self.view, dict[int, list[tuple[int, PointReadings]]]()
        for member, number in numbers.items():
            pieces = view.unsealed.find(number, view.held)
            whole = (-END, END)
            held = PointReadings.merged(of_point(pieces, number, view.watermark, whole))
            for day in np.unique(held.times // DAY).tolist():
                part = held.between(day * DAY, (day + 1) * DAY)
                found.setdefault(day, []).append((member, part))
        return found

    def _late_days(self, numbers: Iterable[int]) -> set[int]:
        found: set[int] = set()
        for number in numbers:
            start: int | None = -END
            while start is not None:
                row = self.view.conn.execute(
                    "SELECT min(time) FROM late WHERE point = ? AND time >= ?", (number, start)
                ).fetchone()
                start = None
                if row[0] is not None:
                    found.add(row[0] // DAY)
                    start = (row[0] // DAY + 1) * DAY
        return found

    def _day(
        self,
        day: int,
        ids: Iterable[int],
        numbers: Mapping[int, int],
        memory: list[tuple[int, PointReadings]],
    ) -> tuple[Integers, Integers]:
        """Look at a day; return (streams, sequence numbers) of all its readings."""
        parts = [self._part(member, held) for member, held in memory]
        place = chunk_check.Place(self.family, self.device, day, frozenset(numbers))
        for id_ in ids:
            cells, findings = chunk_check.look(self.view.conn, id_, place)
            for finding in findings:
                self._tell(finding)
            self.checked.chunks += 1
            if cells is None:
                self._lacking = True
                continue
            self.checked.readings += len(cells)
            for member in np.unique(cells.members).tolist():
                own = cells.times[cells.members == member]
                self._note(member, int(own.max()))
            parts.append((cells.streams, cells.seqs))
        for member, number in numbers.items():
            held = late.read(self.view.conn, number, day * DAY, (day + 1) * DAY)
            self.checked.rows += len(held)
            parts.append(self._part(member, held))
        streams, seqs = (np.concatenate(each) for each in zip(*parts, strict=True))
        self._look_at_numbers(day, streams, seqs)
        return streams, seqs

    def _part(self, member: int, held: PointReadings) -> tuple[Integers, Integers]:
        if len(held):
            self._note(member, int(held.times[-1]))
        return held.streams, held.seqs

    def _note(self, member: int, time: int) -> None:
        self._newest[member] = max(time, self._newest.get(member, time))

    def _look_at_numbers(self, day: int, streams: Integers, seqs: Integers) -> None:
        about: dict[str, Value] = {"device": self.device, "day": day_text(day)}
        for stream in np.unique(streams).tolist():
            if not exists(self.view.conn, stream, self.known):
                self._tell(Finding("CHECK_STREAM_UNKNOWN", {**about, "stream": stream}))
        twice = self._seen.twice(streams, seqs)
        if twice:
            shown = ", ".join(f"{stream}:{seq}" for stream, seq in twice[:_SHOWN])
            more: dict[str, Value] = {"count": len(twice), "numbers": shown}
            self._tell(Finding("CHECK_TWICE", {**about, **more}))

    def _look_at_heads(self, numbers: Mapping[int, int]) -> None:
        if self._lacking:
            return
        for member, number in numbers.items():
            head = self.heads.get(number)
            if head is None or head <= self._newest.get(member, -END) or self._went(head // DAY):
                continue
            self._tell(
                Finding(
                    "CHECK_HEAD_AHEAD",
                    {"device": self.device, "point": number, "day": day_text(head // DAY)},
                )
            )

    def _went(self, day: int) -> bool:
        """Whether the ledger says that readings of that day are past their time."""
        site = self.device.split("/", 1)[0]
        row = self.view.conn.execute(
            "SELECT 1 FROM removed WHERE site = ? AND day = ? LIMIT 1", (site, day)
        ).fetchone()
        return row is not None

    def _tell(self, finding: Finding) -> None:
        self.checked.findings += 1
        self.say(finding)


def exists(conn: sqlite3.Connection, stream: int, known: set[int]) -> bool:
    """Return whether there is such a stream; `known` remembers those there are."""
    if stream not in known:
        if conn.execute("SELECT 1 FROM stream WHERE number = ?", (stream,)).fetchone() is None:
            return False
        known.add(stream)
    return True
