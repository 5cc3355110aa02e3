"""What people are told of a gateway, a bus or a device that is silent: one sentence, no 报警.

Pure. It says since when, what is below it, and that nobody can tell whether the site is safe; while
it lasts nothing is said to have returned. Sentences: `protocols/texts/*/faults.json`.
"""

from dataclasses import dataclass
from typing import Final

from protocols.alarms.condition import DAY, SITE_OFFSET
from protocols.alarms.spoken import duration, moment
from protocols.clock import HOUR, MINUTE, SECOND
from protocols.texts import text
from protocols.words import Label, Purpose, Value

KINDS: Final = ("gateway", "bus", "device")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultTold:
    """`kind` is one of KINDS; `since` the last that was heard (µs UTC), `until` when it was back.

    `name` is its own (None: of a bus, which has only a logical one: `bus`). `concluded`: nobody
    said so, but none of its data is valid.
    """

    kind: str
    place: Label
    name: Label | None
    since: int
    devices: int
    points: int
    bus: str = ""
    until: int | None = None
    concluded: bool = False
    purpose: Purpose = Purpose.PRODUCTION


def code(told: FaultTold) -> str:
    """Return which sentence of the catalogue it is."""
    if told.until is not None:
        return "FAULT_BACK"
    if told.kind == "device" and told.concluded:
        return "FAULT_DEVICE_CONCLUDED"
    return f"FAULT_{told.kind.upper()}"


def tell(told: FaultTold, now: int, language: str = "zh") -> str:
    """Return the sentence; `now` says whether a time needs its day."""
    until = now if told.until is None else told.until
    mark = "" if told.purpose is Purpose.PRODUCTION else f"MARK_{told.purpose.name}"
    params: dict[str, Value] = {
        "mark": text(mark, {}, language) if mark else "",
        "place": _label(told.place, language),
        "name": _name(told, language),
        "since": moment(told.since, now),
        "last": f"{moment(told.since, now)}:{_second(told.since):02d}",
        "until": moment(until, now),
        "devices": told.devices,
        "points": told.points,
        "duration": duration(until - told.since),
    }
    return text(code(told), params, language)


def _second(time: int) -> int:
    return (time + SITE_OFFSET) % DAY % HOUR % MINUTE // SECOND


def _name(told: FaultTold, language: str) -> str:
    if told.name is None:
        return text("FAULT_BUS_NAME", {"bus": told.bus}, language)
    return _label(told.name, language)


def _label(label: Label, language: str) -> str:
    return label.zh if language == "zh" or not label.en else label.en
