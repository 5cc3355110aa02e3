"""What people did at the centre with alarms of one gateway, as a document (docs/wire.md, 15).

It says how things are, not what changed: whoever missed some, or hears it twice, is right again.
Who acknowledged an alarm that is open, and what lies over rules. Reading is total and bounded.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from protocols.alarms.overlay import Shelf
from protocols.errors import WireError
from protocols.wire.bounds import INFLATED_BYTES, TIME
from protocols.wire.canonical import JsonValue, dump, load
from protocols.wire.fields import Fields
from protocols.wire.rule_set import NAME, RULES

FORMAT: Final = 1
WHERE: Final = "acts"
TEXT: Final = 200
"""Characters of a person's name or a reason; what is longer is cut."""
_KEYS: Final = frozenset({"acknowledged", "format", "over"})


class Seen(NamedTuple):
    """`by` acknowledged at `at` (µs UTC) the alarm of `rule` that is open since `raised`."""

    rule: str
    raised: int
    at: int
    by: str


class Over(NamedTuple):
    """What lies over `rule` now, laid there by `by` because of `reason`."""

    rule: str
    shelf: Shelf | None = None
    suppressed: bool = False
    out_of_service: bool = False
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ActsTold:
    """Everything there is; what is not named was not acknowledged, and nothing lies over it."""

    seen: tuple[Seen, ...] = ()
    over: tuple[Over, ...] = ()


def encode_acts(seen: Iterable[Seen], over: Iterable[Over]) -> bytes:
    """Return the document; equal acts give equal bytes. Raises WireError."""
    document = {
        "acknowledged": [[*each[:3], each.by[:TEXT]] for each in sorted(seen)[:RULES]],
        "format": FORMAT,
        "over": [_laid(each) for each in sorted(over, key=lambda one: one.rule)[:RULES]],
    }
    return dump(document, WHERE)


def _laid(each: Over) -> JsonValue:
    shelf: JsonValue = None if each.shelf is None else [each.shelf.until, each.shelf.one_shot]
    flags = [each.suppressed, each.out_of_service]
    return [each.rule, shelf, *flags, each.by[:TEXT], each.reason[:TEXT]]


def decode_acts(data: bytes) -> ActsTold:
    """Return what a document says. Raises WireError."""
    fields = Fields(load(data, WHERE, INFLATED_BYTES), WHERE, _KEYS)
    if fields.integer("format") != FORMAT:
        raise WireError("WIRE_UNKNOWN", where=WHERE, value=fields.integer("format"))
    seen = [_seen(fields, each) for each in fields.items("acknowledged", RULES)]
    over = [_over(fields, each) for each in fields.items("over", RULES)]
    return ActsTold(tuple(seen), tuple(over))


def _seen(fields: Fields, value: JsonValue) -> Seen:
    match value:
        case [str(rule), int(raised), int(at), str(by)]:
            _hold(fields, "acknowledged", (rule, NAME), (by, TEXT))
            _times(fields, "acknowledged", raised, at)
            return Seen(rule, raised, at, by)
    raise fields.wrong("acknowledged")


def _over(fields: Fields, value: JsonValue) -> Over:
    match value:
        case [str(rule), shelf, bool(suppressed), bool(out), str(by), str(reason)]:
            _hold(fields, "over", (rule, NAME), (by, TEXT), (reason, TEXT))
            return Over(rule, _shelf(fields, shelf), suppressed, out, by, reason)
    raise fields.wrong("over")


def _shelf(fields: Fields, value: JsonValue) -> Shelf | None:
    match value:
        case None:
            return None
        case [int(until), bool(one_shot)]:
            _times(fields, "over", until)
            return Shelf(until, one_shot)
    raise fields.wrong("over")


def _times(fields: Fields, key: str, *times: int) -> None:
    # A truth is an int, too.
    if any(type(time) is not int or not 0 <= time <= TIME for time in times):
        raise fields.wrong(key)


def _hold(fields: Fields, key: str, *texts: tuple[str, int]) -> None:
    if any(len(text) > most for text, most in texts):
        raise fields.wrong(key)
