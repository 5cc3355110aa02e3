"""What people are told of a delivery of the past (补传): one sentence, whatever it held.

Pure. It says which gateway, of which time, how much, what is missing, the worst of what stood
meanwhile, and how many alarms it raised by colour, or that it raised none. Sentences:
`protocols/texts/*/backfills.json`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from protocols.alarms.condition import DAY, SITE_OFFSET
from protocols.alarms.rule import Colour
from protocols.alarms.spoken import bare, moment, shown
from protocols.clock import MINUTE, SECOND
from protocols.texts import text
from protocols.words import Label, Purpose, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """The worst value of `point` meanwhile, at `time` (µs UTC); `low`: the least."""

    point: Label
    value: float
    unit: str
    decimals: int | None
    time: int
    low: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillTold:
    """`first` to `newest` (µs UTC) are the times of the readings, equal where there are none.

    `raised` counts alarms by colour, `standing` those among them that have not returned.
    """

    place: Label
    name: Label
    first: int
    newest: int
    readings: int
    points: int
    lost: int
    raised: Mapping[Colour, int] = field(default_factory=dict)
    standing: int = 0
    worst: Worst | None = None
    purpose: Purpose = Purpose.PRODUCTION


def code(told: BackfillTold) -> str:
    """Return which sentence of the catalogue it is."""
    if not sum(told.raised.values()):
        return "BACKFILL_NONE"
    return "BACKFILL_RAISED" if told.readings else "BACKFILL_ALARMS"


def tell(told: BackfillTold, now: int, language: str = "zh") -> str:
    """Return the sentence; `now` says whether a time needs its day."""
    mark = "" if told.purpose is Purpose.PRODUCTION else f"MARK_{told.purpose.name}"
    total = sum(told.raised.values())
    params: dict[str, Value] = {
        "mark": text(mark, {}, language) if mark else "",
        "span": _span(told, now),
        "name": _name(told, language),
        "readings": f"{told.readings:,}",
        "points": f"{told.points:,}",
        "lost": f"{told.lost:,}",
        "worst": _worst(told, now, language),
        "total": f"{total:,}",
        "colours": _colours(told, language),
        "standing": told.standing,
    }
    ending = "NONE" if not told.standing else "ALL" if told.standing == total else "SOME"
    params["ending"] = text(f"BACKFILL_STANDING_{ending}", params, language)
    return text(code(told), params, language)


def _name(told: BackfillTold, language: str) -> str:
    """Return place and gateway; a place that the gateway's name says is not said twice."""
    place, name = _label(told.place, language), _label(told.name, language)
    return name if bare(place) in name else f"{place} {name}"


def _span(told: BackfillTold, now: int) -> str:
    """Return from when to when: to the second where both are of one minute."""
    first, newest = told.first, told.newest
    if newest <= first:
        return moment(first, now)
    if (first + SITE_OFFSET) // MINUTE == (newest + SITE_OFFSET) // MINUTE:
        return f"{moment(first, now)}:{_second(first):02d}–{_second(newest):02d}"
    return f"{moment(first, now)}–{moment(newest, newest if newest - first < DAY else now)}"


def _second(time: int) -> int:
    return (time + SITE_OFFSET) % MINUTE // SECOND


def _worst(told: BackfillTold, now: int, language: str) -> str:
    worst = told.worst
    if worst is None:
        return ""
    params: dict[str, Value] = {
        "point": _label(worst.point, language),
        "value": shown(worst.value, worst.decimals),
        "unit": worst.unit,
        "time": moment(worst.time, now),
    }
    return text("BACKFILL_LOWEST" if worst.low else "BACKFILL_HIGHEST", params, language)


def _colours(told: BackfillTold, language: str) -> str:
    counts = [
        text(
            "BACKFILL_COLOUR",
            {"colour": text(f"COLOUR_{colour.name}", {}, language), "n": told.raised[colour]},
            language,
        )
        for colour in sorted(told.raised, reverse=True)
        if told.raised[colour]
    ]
    return text("BACKFILL_BETWEEN", {}, language).join(counts)


def _label(label: Label, language: str) -> str:
    return label.zh if language == "zh" or not label.en else label.en
