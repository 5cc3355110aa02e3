"""Which readings of a table go in, as what, and which are put aside (pure).

Values become what the manifest promises of their point, by the same steps as a device's
(`protocols/normalise.py`). Readings go in by their time, so that the order of a table tells
nothing; the same point, time and value twice is one reading.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from central.door import finishing
from central.door.finishing import Steps
from central.door.naming import Naming
from central.door.reasons import NO_ROW, NO_TIME, Reason
from central.door.table import Table
from central.ingest.placing import AHEAD
from central.store.columns import Integers
from central.store.values import Values
from central.wire.encoding import decimals_of
from protocols.errors import IngestError
from protocols.wire.manifest import Manifest
from protocols.words import Reading, TimeMark, Value

GAP: Final = 180.0
"""Seconds without a reading that break a line of requests where no point says its own."""
STATED: Final = 80
"""Letters of a digest that nobody knows which a refusal repeats."""
_NARROW: Final = 1 << 16
"""Below this numbers are sorted by counting."""


@dataclass(frozen=True, slots=True)
class Points:
    """What a virtual gateway's readings may speak of.

    `places` finds a point by its whole id and by `site/device/point`, as `naming` does for lists;
    `gap` is the longest time (µs) that one of them may be silent; `urgent` says which are of the
    alarm lane.
    """

    digest: str
    places: Mapping[str, int]
    naming: Naming
    steps: Steps
    decimals: Integers
    gap: int
    urgent: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.steps)


class Aside(NamedTuple):
    """A reading put aside: its place in the request, and why."""

    place: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Accepted:
    """Readings that go in, by time: parallel columns.

    `points` are indexes of the manifest, `times` the source's.
    """

    points: Integers
    times: Integers
    values: Values
    qualities: Integers

    def __len__(self) -> int:
        return len(self.points)

    def take(self, places: Integers | slice) -> "Accepted":
        """Return the readings at `places`."""
        return Accepted(
            self.points[places],
            self.times[places],
            self.values.take(places),
            self.qualities[places],
        )

    def readings(self) -> list[Reading]:
        """Return the same, an object each."""
        return [
            Reading(point, value, quality, time, TimeMark.SOURCE)
            for point, value, quality, time in zip(
                self.points.tolist(),
                self.values.tolist(),
                self.qualities.tolist(),
                self.times.tolist(),
                strict=True,
            )
        ]


@dataclass(frozen=True, slots=True)
class Judged:
    """What goes in and what does not; `repeated` more said the same."""

    accepted: Accepted
    aside: list[Aside]
    repeated: int


def points_of(digest: str, manifest: Manifest) -> Points:
    """Return what readings are held against."""
    places: dict[str, int] = {}
    for index, point in enumerate(manifest.points):
        places[f"{point.site}/{point.device}/{point.name}"] = index
        places[str(manifest.point_id(index))] = index
    return Points(
        digest=digest,
        places=places,
        naming=Naming(places, len(manifest.points)),
        steps=finishing.steps_of(manifest),
        decimals=decimals_of([point.decimals for point in manifest.points]),
        urgent=np.array([point.lane == "alarm" for point in manifest.points], np.bool_),
        gap=round(max((point.stale for point in manifest.points), default=GAP) * 1_000_000),
    )


def judge(table: Table, points: Points, now: int) -> Judged:
    """Part a table's readings, and put those that go in by time. `now`: µs UTC.

    Raises IngestError DOOR_MANIFEST: the indexes are of another manifest.
    """
    accepted, aside, _ = _parted(table, points, now)
    return _in_order(accepted, aside, len(points))


def judge_scan(table: Table, points: Points, now: int) -> Judged:
    """Do the same, but leave readings where they are if no point is named twice.

    Then their order tells nothing, and a list of points that comes again stays the same one.
    """
    accepted, aside, distinct = _parted(table, points, now)
    if distinct:
        return Judged(accepted, aside, 0)
    return _in_order(accepted, aside, len(points))


def _in_order(accepted: Accepted, aside: list[Aside], known: int) -> Judged:
    if (accepted.times[1:] < accepted.times[:-1]).any():
        accepted = accepted.take(np.argsort(accepted.times, kind="stable"))
    once = _once(accepted, known)
    return Judged(once, aside, len(accepted) - len(once))


def _parted(table: Table, points: Points, now: int) -> tuple[Accepted, list[Aside], bool]:
    """Return what goes in and what does not; and whether all goes in, each point once."""
    stated = table.manifest
    if stated is not None and stated != points.digest:
        raise IngestError("DOOR_MANIFEST", 409, stated=stated[:STATED], current=points.digest)
    named = points.naming.of(table.points, indexes=stated is not None)
    places, distinct = named.places, named.distinct
    times, qualities, cells = table.times, table.qualities, table.values
    aside: list[Aside] = []
    kept: Integers | None = None
    distinct = distinct and _plain(times, qualities, now)
    good = None if distinct else _good(places, times, qualities, now)
    if good is not None and not good.all():
        kept = np.flatnonzero(good)
        bad = np.flatnonzero(~good).tolist()
        aside = [Aside(at, _reason(places[at], times[at], qualities[at])) for at in bad]
        places, times, qualities = places[kept], times[kept], qualities[kept]
        cells = cells.take(kept)
    done = finishing.finish(cells, points.steps, places, qualities)
    accepted = Accepted(places, times, done.values, done.qualities)
    if done.wrong.any():
        wrong = np.flatnonzero(done.wrong)
        at = wrong if kept is None else kept[wrong]
        aside = sorted([*aside, *(Aside(each, Reason.BAD_VALUE) for each in at.tolist())])
        accepted = accepted.take(np.flatnonzero(~done.wrong))
        distinct = False
    return accepted, aside, distinct


def _good(places: Integers, times: Integers, qualities: Integers, now: int) -> NDArray[np.bool_]:
    good: NDArray[np.bool_] = (places >= 0) & (times >= 0)
    good &= times <= now + AHEAD
    good &= qualities >= 0
    return good


def _plain(times: Integers, qualities: Integers, now: int) -> bool:
    """Whether no time and no quality (of at least one) is a reason to put a reading aside."""
    earliest, latest = int(np.minimum.reduce(times)), int(np.maximum.reduce(times))
    return earliest >= 0 and latest <= now + AHEAD and int(np.minimum.reduce(qualities)) >= 0


def _reason(place: int, time: int, quality: int) -> Reason:
    if time == NO_ROW:
        return Reason.BAD_ROW
    if place < 0:
        return Reason.UNKNOWN_POINT
    if time == NO_TIME:
        return Reason.BAD_TIME
    if quality < 0:
        return Reason.BAD_QUALITY
    return Reason.CLOCK_AHEAD if time > 0 else Reason.CLOCK_BEHIND


def _once(accepted: Accepted, known: int) -> Accepted:
    """Return the first of each point, time and value; `1`, `1.0` and true are three values."""
    points = accepted.points.astype(np.uint16) if known < _NARROW else accepted.points
    order = np.argsort(points, kind="stable")
    points, times = points[order], accepted.times[order]
    same = (points[1:] == points[:-1]) & (times[1:] == times[:-1])
    if not same.any():
        return accepted
    seen: set[tuple[int, int, type, Value]] = set()
    again = []
    for at in np.union1d(order[1:][same], order[:-1][same]).tolist():
        value = accepted.values[at]
        key = (int(accepted.points[at]), int(accepted.times[at]), type(value), value)
        if key in seen:
            again.append(at)
        seen.add(key)
    return accepted.take(np.delete(np.arange(len(accepted)), again)) if again else accepted
