"""Which readings of a table go in, as what, and which are put aside (pure).

Values become what the manifest promises of their point, by the same steps as a device's
(`protocols/normalise.py`). Readings go in by their time, so that the order of a table tells
nothing; the same point, time and value twice is one reading.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, NamedTuple

from central.door.reasons import Reason
from central.door.table import DIGITS, Table
from central.ingest.placing import AHEAD
from protocols.normalise import Normalise, normaliser
from protocols.profile import MqttAddress, ProfilePoint
from protocols.quality import is_bad
from protocols.wire.manifest import Manifest, ManifestPoint
from protocols.words import Label, Reading, TimeMark, Value

_WHOLE: Final = re.compile(r"[+-]?[0-9]+")
GAP: Final = 180.0
"""Seconds without a reading that break a line of requests where no point says its own."""


@dataclass(frozen=True, slots=True)
class Points:
    """What a virtual gateway's readings may speak of.

    `places` finds a point by its whole id and by `site/device/point`; `gap` is the longest time
    (µs) that one of them may be silent; `urgent` are those of the alarm lane.
    """

    digest: str
    places: Mapping[str, int]
    finish: tuple[Normalise, ...]
    text: tuple[bool, ...]
    decimals: tuple[int | None, ...]
    gap: int
    urgent: frozenset[int]

    def __len__(self) -> int:
        return len(self.finish)


class Aside(NamedTuple):
    """A reading put aside: its place in the request, and why."""

    place: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Judged:
    """`readings` by time (index of the manifest, source time); `repeated` more said the same."""

    readings: list[Reading]
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
        finish=tuple(normaliser(_sheet(point)) for point in manifest.points),
        text=tuple(point.type == "text" for point in manifest.points),
        decimals=tuple(point.decimals for point in manifest.points),
        urgent=frozenset(n for n, point in enumerate(manifest.points) if point.lane == "alarm"),
        gap=round(max((point.stale for point in manifest.points), default=GAP) * 1_000_000),
    )


def judge(table: Table, points: Points, now: int) -> Judged:
    """Part a table's readings. `now`: µs UTC."""
    aside: list[Aside] = []
    taken: list[Reading] = []
    latest = now + AHEAD
    find, finish, text = points.places.get, points.finish, points.text
    columns = zip(table.points, table.times, table.values, table.qualities, strict=True)
    for index, (name, time, value, quality) in enumerate(columns):
        place = find(name) if type(name) is str else None
        # Said first whether all is as it should be: of a thousand readings nearly all are.
        if place is None or type(time) is not int or type(quality) is not int:
            aside.append(Aside(index, _reason(place, time, quality)))
        elif not 0 <= time <= latest:
            aside.append(Aside(index, Reason.CLOCK_AHEAD if time > 0 else Reason.CLOCK_BEHIND))
        else:
            raw = _whole(value) if type(value) is str and not text[place] else value
            said, code = finish[place](raw, quality)
            if said is None and raw is not None and not is_bad(quality):
                aside.append(Aside(index, Reason.BAD_VALUE))
            else:
                taken.append(Reading(place, said, code, time, TimeMark.SOURCE))
    taken.sort(key=itemgetter(3))
    once = _once(taken)
    return Judged(once, aside, len(taken) - len(once))


def _reason(place: int | None, time: object, quality: object) -> Reason:
    if time is Reason.BAD_ROW:
        return Reason.BAD_ROW
    if place is None:
        return Reason.UNKNOWN_POINT
    return Reason(time) if isinstance(time, Reason) else Reason(str(quality))


def _whole(text: str) -> str | int:
    """Return a whole number with all its digits, which a float would not keep; other text as is."""
    return int(text) if len(text) <= DIGITS and _WHOLE.fullmatch(text) else text


def _once(readings: list[Reading]) -> list[Reading]:
    """Return the first of each point, time and value; `1`, `1.0` and true are three values."""
    if len(set(map(itemgetter(0, 3), readings))) == len(readings):
        return readings
    seen: set[tuple[int, int, type, Value]] = set()
    once = []
    for reading in readings:
        key = (reading.point, reading.time, type(reading.value), reading.value)
        if key not in seen:
            seen.add(key)
            once.append(reading)
    return once


def _sheet(point: ManifestPoint) -> ProfilePoint:
    return ProfilePoint(
        name=point.name,
        label=Label(point.name),
        quantity=point.quantity,
        address=MqttAddress(topic=point.name),
        unit=point.unit,
        type=point.type,
        decimals=point.decimals,
        low=point.low,
        high=point.high,
        enumeration=point.enumeration,
    )
