"""A view for a question about some points: what they share is looked up once for all of them.

Chunks are decoded whole where several members are asked for and a span of theirs fits in memory;
what is not sealed is gathered when the view is made.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from central.store import chunks, late
from central.store.codec.chunk import ChunkDamaged, summaries
from central.store.columns import Integers
from central.store.families import UNKNOWN, Place
from central.store.points import EMPTY, PointReadings
from central.store.views.gathering import Readings, divided, gather
from central.store.views.reading import END, Load, View
from central.store.views.snapshot import Check, Snapshot
from central.store.views.unhurried import UnhurriedView

MOST: Final = 500_000
"""Cells that are kept decoded: about 30 MB."""
_FEW: Final = 2
"""Members of a family that are decoded one by one."""
_SPANS: Final = 64
"""Spans whose chunks are remembered: each point of a family asks for the same ones."""
_MOMENTS: Final = 64
"""Moments of which all newest readings are remembered."""
_SUMMARIES: Final = 4_000
"""Chunks whose summaries are remembered: about 12 MB."""
Newest = Callable[[Integers, int, Check, int], Readings]


class Together(UnhurriedView):
    """As `View`, of the points it was made for; to be asked of one point after the other."""

    def __init__(
        self, view: View, snapshot: Snapshot, numbers: Integers, newest_of: Newest, check: Check
    ) -> None:
        super().__init__(view, MOST)
        self._numbers = np.unique(numbers)
        self._newest_of, self._check = newest_of, check
        families, members = snapshot.families.places(self._numbers)
        columns = (self._numbers.tolist(), families.tolist(), members.tolist())
        self._places = {
            number: Place(family, member)
            for number, family, member in zip(*columns, strict=True)
            if family != UNKNOWN
        }
        kinds, sizes = np.unique(families, return_counts=True)
        self._alone = set(kinds[sizes <= _FEW].tolist())
        """Families whose members are decoded one by one."""
        self._unsealed = divided(
            gather(snapshot.pieces, self._numbers, self.watermark, (-END, END))
            if len(self._numbers)
            else Readings(EMPTY.times, EMPTY)
        )
        self._late = late.those_with(self.conn, self._numbers.tolist())
        self._found: dict[tuple[int, int, int], list[chunks.Found]] = {}
        self._summaries: dict[int, Any] = {}
        self._newest: dict[tuple[int, int], dict[int, PointReadings]] = {}

    def newest(self, number: int, at: int, arrived: int = END) -> PointReadings:
        """Return the newest reading (or none) with time <= at that had arrived by `arrived`."""
        held = self._newest.get((at, arrived))
        if held is None:
            if len(self._newest) >= _MOMENTS:
                return super().newest(number, at, arrived)
            found = self._newest_of(self._numbers, at, self._check, arrived)
            held = self._newest[at, arrived] = divided(found)
        return held.get(number, EMPTY)

    def _windows(self, number: int, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
        place = self._place(number)
        if place is not None and place.family not in self._alone:
            held = self._of_family(place.family, start, end)
            if sum(each.n for each in held) > MOST:
                self._alone.add(place.family)  # the next point would find none of it decoded
        return super()._windows(number, start, end, size)

    def _place(self, number: int) -> Place | None:
        return self._places.get(number)

    def _chunks(self, place: Place, start: int, end: int) -> Sequence[chunks.Found]:
        bit = 1 << place.member
        return [each for each in self._of_family(place.family, start, end) if each.members & bit]

    def _of_family(self, family: int, start: int, end: int) -> list[chunks.Found]:
        found = self._found.get((family, start, end))
        if found is None:
            while len(self._found) >= _SPANS:
                del self._found[next(iter(self._found))]
            found = chunks.of_family(self.conn, family, start, end, self.watermark)
            self._found[family, start, end] = found
        return found

    def _summary(self, found: chunks.Found, row: int) -> Any:
        held = self._summaries.get(found.id)
        if held is None:
            if len(self._summaries) >= _SUMMARIES:
                self._summaries.clear()
            held = summaries(chunks.summary_of(self.conn, found.id))
            self._summaries[found.id] = held
        if row >= len(held):
            raise ChunkDamaged("summary row")
        return held[row]

    def _rows(self, number: int, start: int, end: int) -> PointReadings:
        return super()._rows(number, start, end) if number in self._late else EMPTY

    def _memory(self, number: int, start: int, end: int) -> list[PointReadings]:
        held = self._unsealed.get(number)
        found = EMPTY if held is None else held.between(start, end)
        return [found] if len(found) else []

    def _loader(self, id_: int, place: Place, start: int, end: int) -> Load:
        if place.family in self._alone:
            return View._loader(self, id_, place, start, end)
        return super()._loader(id_, place, start, end)
