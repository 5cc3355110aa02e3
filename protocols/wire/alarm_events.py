"""What a gateway says of alarms it found itself (docs/wire.md section 4.4): an event's params.

A standing is one time for which a rule's condition held at the gateway, from RAISE to RTN; its name
is the same in everything that is said of it. Whatever is said can come twice, or without what came
before it: each says enough by itself.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from protocols.errors import WireError
from protocols.wire.fields import Fields
from protocols.words import NAME, Event, Value

CODE: Final = "GATEWAY_ALARM"
WHERE: Final = "alarm"
PARTS: Final = (2, 3)
"""Names in a subject: an object `site/object`, or a point `site/device/point`."""
LONGEST: Final = 3600.0
"""Seconds between two scans beyond which nobody joins anything."""
_KEYS: Final = frozenset(
    {"word", "side", "standing", "level", "value", "age", "scan", "by"},
)
_STANDING: Final = re.compile(r"[0-9a-f-]{1,64}")
_LEVEL: Final = re.compile(r".{1,64}", re.DOTALL)
_BY: Final = re.compile(r".{0,64}", re.DOTALL)


class Said(StrEnum):
    """What happened at the gateway; STANDS says again, after a silence, what has not returned.

    REST: it is judged there no more, because the rule went or was put to rest; that is no return.
    """

    RAISE = "RAISE"
    LEVEL = "LEVEL"
    STANDS = "STANDS"
    RTN = "RTN"
    ACK = "ACK"
    REST = "REST"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAlarm:
    """One such event. `time` as in `Event`; `subject` is a point (site, device, point) or an object
    (site, object), `side` the rule's family: the last part of its id.

    `age`: µs since the standing began, None where no clock could tell. `scan`: seconds between two
    readings of the point, 0 where it sends by itself. `level`: the most severe, on RTN the last.
    """

    word: Said
    subject: tuple[str, ...]
    side: str
    standing: str
    level: str
    value: float | None
    time: int
    age: int | None
    scan: float = 0.0
    by: str = ""


def alarm_event(said: GatewayAlarm) -> Event:
    """Return the event that says so."""
    params: dict[str, Value] = {
        "age": said.age,
        "by": said.by,
        "level": said.level,
        "scan": float(said.scan),
        "side": said.side,
        "standing": said.standing,
        "value": None if said.value is None else float(said.value),
        "word": said.word.value,
    }
    return Event(CODE, "/".join(said.subject), said.time, tuple(params.items()))


def read_alarm(event: Event) -> GatewayAlarm:
    """Return what an event of that code says. Raises WireError."""
    fields = Fields(dict(event.params), WHERE, _KEYS)
    parts = tuple(event.subject.split("/"))
    if len(parts) not in PARTS or not all(map(NAME.fullmatch, parts)):
        raise WireError("WIRE_JSON", where=WHERE, what="field", key="subject")
    return GatewayAlarm(
        word=Said(fields.one_of("word", tuple(Said))),
        subject=parts,
        side=fields.name("side"),
        standing=fields.text("standing", _STANDING),
        level=fields.text("level", _LEVEL),
        value=fields.optional_number("value"),
        time=event.time,
        age=fields.optional_integer("age"),
        scan=fields.number("scan", 0.0, LONGEST),
        by=fields.text("by", _BY),
    )
