"""Between which values nothing can change, as arrays: what most readings are held against.

`Live` is what every point's newest stream may say, by the registry's number of the point. `Past` is
the same of one older stream that still arrives, by the place of a point among its gateway's. What
passes moves only the arrays; the engine brings its own objects up to date before it touches them.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import count
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from protocols.alarms.condition import NOWHERE, Bounds

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

Cell = tuple[int, int, float, float, float, bool]
"""Of a point its number, time and value, its bounds, and whether a level is on."""
ROOM: Final = 1_024
"""Points there is room for at first."""
_FIRST: Final = 64
"""Places of a past there is room for at first."""
NEVER: Final = -(2**62)
"""Before every time."""


class _Arrays:
    """Arrays of one length that grow together; each begins with its own blank."""

    _BLANKS: dict[str, tuple[type, Any]]

    def __init__(self, room: int) -> None:
        self._room = 0
        self.reach(room - 1)

    def reach(self, index: int) -> None:
        """Make room for `index`."""
        before = self._room
        if index < before:
            return
        self._room = max(index + 1, 2 * before)
        for name, (kind, blank) in self._BLANKS.items():
            grown: NDArray[Any] = np.full(self._room, blank, kind)
            if before:
                grown[:before] = getattr(self, name)
            setattr(self, name, grown)


class Live(_Arrays):
    """Of every point with a rule: its newest good sample, and what it may say next.

    `places` are counted from 1 in each gateway; `stands` where a level is on; `arrived` is when the
    newest sample did. `free` is what another stream may take over quietly, `since` when one did.
    """

    _BLANKS = {  # noqa: RUF012  # read only
        "streams": (np.int64, 0),
        "times": (np.int64, NEVER),
        "values": (np.float64, 0.0),
        "arrived": (np.int64, NEVER),
        "low": (np.float64, NOWHERE[0]),
        "high": (np.float64, NOWHERE[1]),
        "stands": (np.bool_, False),
        "free": (np.bool_, False),
        "since": (np.int64, NEVER),
        "watched": (np.bool_, False),
        "places": (np.int64, 0),
        "marks": (np.bool_, False),
        "spots": (np.int64, 0),
    }
    streams: Integers
    times: Integers
    values: Floats
    arrived: Integers
    low: Floats
    high: Floats
    stands: Booleans
    free: Booleans
    since: Integers
    """Of the point's rules none knows of it yet, nor does the row of any; NEVER: all do."""
    watched: Booleans
    """Whether a rule judges the point."""
    places: Integers
    marks: Booleans
    """Scratch; False between two uses."""
    spots: Integers
    """Scratch."""

    def __init__(self) -> None:
        self._next: dict[str, count[int]] = {}
        super().__init__(ROOM)

    def watch(self, point: int, gateway: str) -> None:
        """Judge a point of `gateway` from now on."""
        self.reach(point)
        if not self.places[point]:
            self.places[point] = next(self._next.setdefault(gateway, count(1)))
        self.watched[point] = True

    def watch_all(self, points: Sequence[int], gateways: Sequence[str]) -> None:
        """Judge points no rule judged before, each of its gateway."""
        self.reach(max(points))
        following = {gateway: self._next.setdefault(gateway, count(1)) for gateway in set(gateways)}
        self.places[points] = [next(following[gateway]) for gateway in gateways]
        self.watched[points] = True

    def put(self, points: Sequence[int], columns: Iterable[Sequence[Any]]) -> None:
        """Write the first columns of `points`, streams to free; their rules know of all else."""
        self.since[points] = NEVER
        for name, column in zip(self._BLANKS, columns, strict=False):
            getattr(self, name)[points] = column

    @property
    def passing(self) -> tuple[NDArray[Any], ...]:
        """Return what rules are told of what passed: newest sample, arrival, place, takeover."""
        return self.times, self.values, self.arrived, self.places, self.streams, self.since

    def passed(self, cells: Collection[Cell]) -> None:
        """Write what is known of points by a storm alone; what came was in time."""
        if not cells:
            return
        points, times, values, lows, highs, stands = map(np.array, zip(*cells, strict=True))
        self.times[points] = self.arrived[points] = times
        self.values[points] = values
        self.low[points], self.high[points], self.stands[points] = lows, highs, stands
        self.free[points] = (lows < highs) & ~stands


class Past(_Arrays):
    """Of one older stream: its newest good time of every point, and what it may say next."""

    _BLANKS = {  # noqa: RUF012  # read only
        "times": (np.int64, NEVER),
        "low": (np.float64, NOWHERE[0]),
        "high": (np.float64, NOWHERE[1]),
        "moved": (np.bool_, False),
        "points": (np.int64, 0),
    }
    times: Integers
    low: Floats
    high: Floats
    moved: Booleans
    """Whether a time is newer than what the table says."""
    points: Integers
    """The point at a place; 0 where none is known."""

    def __init__(self) -> None:
        self.changed = False
        """Whether times moved since they were written last."""
        self._held = 0
        super().__init__(_FIRST)

    def holds(self, place: int) -> bool:
        """Whether the point at that place is known here."""
        return place < len(self.points) and bool(self.points[place])

    def put(self, place: int, point: int, now: tuple[int, Bounds, bool]) -> None:
        """Write time, bounds and whether the table knows less of the point at `place`."""
        self.reach(place)
        self._held += not self.points[place]
        self.points[place] = point
        self.times[place], (self.low[place], self.high[place]), self.moved[place] = now
        self.changed |= now[2]

    def put_all(
        self,
        places: Integers,
        points: Integers,
        times: Integers,
        bounds: tuple[Floats, Floats],
        moved: Booleans,
    ) -> None:
        """Do the same for points of which none is known here yet."""
        self.reach(int(places.max()))
        self._held += len(places)
        self.points[places], self.times[places], self.moved[places] = points, times, moved
        self.low[places], self.high[places] = bounds
        self.changed |= bool(moved.any())

    def drop(self, place: int) -> bool:
        """Forget the point at `place`; return whether that was the last."""
        if self.holds(place):
            self._held -= 1
            self.points[place] = 0
            self.times[place], self.moved[place] = NEVER, False
            self.low[place], self.high[place] = NOWHERE
        return not self._held
