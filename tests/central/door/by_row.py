"""A table judged reading by reading, plainly: what the columns of the door are held against."""

import re

from central.door.judging import Aside
from central.door.reasons import NO_QUALITY, NO_ROW, NO_TIME, Reason
from central.door.table import DIGITS
from central.ingest.placing import AHEAD
from protocols.quality import is_bad


def judge(table, points, now):
    """Return (index of the point, value, quality, time) by time, what is aside, what repeats."""
    taken, aside = [], []
    columns = (table.points, table.times.tolist(), table.values.raw, table.qualities.tolist())
    for at, (name, time, value, quality) in enumerate(zip(*columns, strict=True)):
        place = place_of(name, table, points)
        reason = why_not(place, time, quality, now)
        if reason is not None:
            aside.append(Aside(at, reason))
            continue
        text = points.steps.kinds[place] == 4
        raw = whole(value) if type(value) is str and not text else value
        said, code = points.steps.finish[place](raw, quality)
        if said is None and raw is not None and not is_bad(quality):
            aside.append(Aside(at, Reason.BAD_VALUE))
        else:
            taken.append((place, said, code, time))
    taken.sort(key=lambda reading: reading[3])
    seen, once = set(), []
    for reading in taken:
        key = (reading[0], reading[3], type(reading[1]), reading[1])
        if key not in seen:
            seen.add(key)
            once.append(reading)
    return once, aside, len(taken) - len(once)


def place_of(name, table, points):
    if type(name) is str:
        return points.places.get(name)
    if type(name) is int and table.manifest is not None and 0 <= name < len(points):
        return name
    return None


def why_not(place, time, quality, now):
    if time == NO_ROW:
        return Reason.BAD_ROW
    if place is None:
        return Reason.UNKNOWN_POINT
    if time == NO_TIME:
        return Reason.BAD_TIME
    if quality == NO_QUALITY:
        return Reason.BAD_QUALITY
    if time < 0:
        return Reason.CLOCK_BEHIND
    return Reason.CLOCK_AHEAD if time > now + AHEAD else None


def whole(text):
    return int(text) if len(text) <= DIGITS and re.fullmatch(r"[+-]?[0-9]+", text) else text
