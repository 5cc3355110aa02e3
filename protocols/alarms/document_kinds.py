"""The kinds of rules as plain JSON: `{"kind": name, ...}` with the fields of the kind, and back."""

import math
import re
from collections.abc import Callable
from dataclasses import fields
from datetime import date
from typing import Any, Final

from protocols.alarms.document_fields import ITEMS, Faults, Held, finite
from protocols.alarms.kinds.expression import LONGEST as FORMULA
from protocols.alarms.kinds.expression import Expression, ExpressionRefused, check
from protocols.alarms.kinds.health import Bad, Frozen, Stale
from protocols.alarms.kinds.kind import Kind
from protocols.alarms.kinds.limit import Limit
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.schedule import Hours, Schedule
from protocols.alarms.kinds.several import Clause, Deviation, Interlock, Levels
from protocols.alarms.kinds.vote import Vote
from protocols.alarms.kinds.window import Aggregate, Counted, Window
from protocols.alarms.rule import OPERATORS, Colour

LONGEST: Final = 366 * 86_400.0
"""Seconds of the longest window, gap or lateness."""
CONSECUTIVE: Final = 1_000
SAMPLES: Final = 20_000
HOURS: Final = 64
DATES: Final = 2_000
_DAY: Final = re.compile(r"(?:([0-9]{4})-)?([0-9]{2})-([0-9]{2})")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")
COUNTS: Final = 32
"""Colours counted, one for each level of a rule."""
COLOURS: Final = tuple(each.name.lower() for each in Colour)
INPUT: Final = 400
"""Characters of the longest name of an input."""


def kind_document(kind: Kind) -> dict[str, Any]:
    """Return a kind as JSON; what is as usual is left out."""
    document: dict[str, Any] = {"kind": NAMES[type(kind)]}
    usual = _usual(type(kind))
    for name in _FIELDS[type(kind)]:
        value = getattr(kind, name)
        if name not in usual or value != usual[name]:
            document[name] = _plain(value)
    return document


def read_kind(value: Any, at: str, faults: Faults) -> Kind:
    """Return the kind; what is wrong is in `faults`, and something stands in its place."""
    name = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(name, str) or name not in KINDS:
        held = Held(value, at, value.keys() if isinstance(value, dict) else (), faults)
        if held.known:
            held.choice("kind", list(KINDS))
        return Limit()
    type_, read = KINDS[name]
    return read(Held(value, at, ("kind", *_FIELDS[type_]), faults))


def _limit(held: Held) -> Kind:
    return Limit(lateness=_lateness(held))


def _rate(held: Held) -> Kind:
    return Rate(
        per=held.number("per", 60.0, 1e-3, LONGEST),
        absolute=held.boolean("absolute", default=False),
        max_gap=held.maybe_number("max_gap", 0.0, LONGEST),
        consecutive=held.integer("consecutive", 1, 1, CONSECUTIVE),
    )


def _window(held: Held) -> Kind:
    aggregate = Aggregate(held.choice("aggregate", [each.value for each in Aggregate]))
    counted = None
    if held.data.get("counted") is not None:
        inner = Held(held.data["counted"], held.path("counted"), ("op", "limit"), held.faults)
        counted = Counted(inner.choice("op", OPERATORS), inner.number("limit"))
        if aggregate is not Aggregate.COUNT:
            held.faults.add(held.path("aggregate"), "VALUE_CHOICE", aggregate.value, ["count"])
    return Window(
        aggregate=aggregate,
        seconds=held.number("seconds", 3600.0, 1e-3, LONGEST),
        counter=held.boolean("counter", default=False),
        counted=counted,
        allowed_lateness=held.number("allowed_lateness", 0.0, 0.0, LONGEST),
        min_samples=held.integer("min_samples", 1, 1, SAMPLES),
    )


def _interlock(held: Held) -> Kind:
    return Interlock(clauses=_clauses(held), lateness=_lateness(held))


def _vote(held: Held) -> Kind:
    return Vote(
        clauses=_clauses(held),
        within=held.maybe_number("within", 1e-3, LONGEST),
        lateness=_lateness(held),
    )


def _deviation(held: Held) -> Kind:
    return Deviation(
        input=held.text("input", most=INPUT),
        reference=held.text("reference", most=INPUT),
        absolute=held.boolean("absolute", default=True),
        lateness=_lateness(held),
    )


def _levels(held: Held) -> Kind:
    weights = Levels().weights
    if "weights" in held.data:
        found = [
            finite(each, f"{held.path('weights')}[{place}]", (0.0, 1e9), held.faults) or 0.0
            for place, each in enumerate(held.items("weights", 4, 4))
        ]
        if len(found) == 4:
            weights = (found[0], found[1], found[2], found[3])
    return Levels(
        weights=weights,
        counts=tuple(held.each("counts", 0, COUNTS, lambda one, at: _colour(one, at, held.faults))),
        by_point=held.boolean("by_point", default=False),
        lateness=_lateness(held),
    )


def _colour(value: Any, at: str, faults: Faults) -> Colour | None:
    if value is None or (isinstance(value, str) and value in COLOURS):
        return None if value is None else Colour[value.upper()]
    faults.add(at, "VALUE_CHOICE", value, COLOURS)
    return None


def _expression(held: Held) -> Kind:
    text = held.text("text", most=FORMULA)
    if text:
        try:
            check(text)
        except ExpressionRefused as exc:
            held.faults.refused(held.path("text"), text, exc)
    return Expression(text=text)


def _stale(held: Held) -> Kind:
    return Stale()


def _bad(held: Held) -> Kind:
    return Bad()


def _frozen(held: Held) -> Kind:
    return Frozen(tolerance=held.number("tolerance", 0.0, 0.0))


def _schedule(held: Held) -> Kind:
    faults = held.faults
    hours = held.each("allowed", 0, HOURS, lambda value, at: _hours(value, at, faults))
    return Schedule(
        allowed=tuple(hours),
        holidays=_dates(held, "holidays"),
        working=_dates(held, "working"),
    )


def _hours(value: Any, at: str, faults: Faults) -> Hours:
    held = Held(value, at, Hours._fields, faults)
    days = held.text("days", "")
    if len(set(days)) < len(days) or not set(days) <= set("1234567"):
        held.wrong("days", "VALUE_CHOICE", ["1 … 7"])
        days = ""
    return Hours(_clock(held, "begin"), _clock(held, "end"), days)


def _clock(held: Held, key: str) -> str:
    text = held.text(key)
    if text and not _CLOCK.fullmatch(text):
        held.wrong(key, "VALUE_CHOICE", ["00:00 … 24:00"])
        return "00:00"
    return text or "00:00"


def _dates(held: Held, key: str) -> frozenset[str]:
    def read(value: Any, at: str) -> str:
        if isinstance(value, str) and _DATE.fullmatch(value) and day_is_one(value):
            return value
        held.faults.add(at, "DAY_FORMAT", value, ["YYYY-MM-DD"])
        return ""

    return frozenset(held.each(key, 0, DATES, read)) - {""}


def _clauses(held: Held) -> tuple[Clause, ...]:
    return tuple(held.each("clauses", 1, ITEMS, lambda value, at: _clause(value, at, held.faults)))


def _clause(value: Any, at: str, faults: Faults) -> Clause:
    held = Held(value, at, Clause._fields, faults)
    limit = held.number("limit", None, -math.inf, math.inf)
    return Clause(held.text("input", most=INPUT), held.choice("op", OPERATORS), limit)


def _lateness(held: Held) -> float:
    return held.number("lateness", 0.0, 0.0, LONGEST)


KINDS: Final[dict[str, tuple[type[Any], Callable[[Held], Kind]]]] = {
    "limit": (Limit, _limit),
    "rate": (Rate, _rate),
    "window": (Window, _window),
    "interlock": (Interlock, _interlock),
    "vote": (Vote, _vote),
    "deviation": (Deviation, _deviation),
    "levels": (Levels, _levels),
    "schedule": (Schedule, _schedule),
    "expression": (Expression, _expression),
    "stale": (Stale, _stale),
    "bad": (Bad, _bad),
    "frozen": (Frozen, _frozen),
}
"""Every kind by the name it goes by; a new one is a line here."""
NAMES: Final = {type_: name for name, (type_, _) in KINDS.items()}
_FIELDS: Final = {type_: tuple(each.name for each in fields(type_)) for type_, _ in KINDS.values()}


def _usual(type_: type[Any]) -> dict[str, Any]:
    return {each.name: each.default for each in fields(type_)}


def _plain(value: Any) -> Any:
    if isinstance(value, Counted | Clause | Hours):
        return value._asdict()
    if isinstance(value, Aggregate):
        return value.value
    if isinstance(value, Colour):
        return value.name.lower()
    if isinstance(value, frozenset):
        return sorted(value)
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def day_is_one(text: str) -> bool:
    """Return whether a text is `MM-DD` or `YYYY-MM-DD`; 29 February is a day of every year."""
    found = _DAY.fullmatch(text)
    if found is None:
        return False
    try:
        date(int(found[1] or 2024), int(found[2]), int(found[3]))
    except ValueError:
        return False
    return True
