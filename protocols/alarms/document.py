"""Definitions as plain JSON, for tables, files and the wire, and back from where nobody is trusted.

`from_document(to_document(d)) == d`, and equal definitions give equal documents: what is as usual
is left out. Reading is total: whatever it is given, it returns a definition that the machine can
run, or raises DefinitionRefused with every fault: its path, the value and what is allowed there.
"""

from dataclasses import MISSING, fields
from typing import Any, Final

from protocols.alarms.definition import Clocks, Definition, Watch
from protocols.alarms.document_fields import Faults, Held
from protocols.alarms.document_kinds import COLOURS as COLOURS
from protocols.alarms.document_kinds import INPUT, LONGEST, day_is_one, kind_document, read_kind
from protocols.alarms.rule import OPERATORS, STATUSES, Colour, Level, Rule
from protocols.errors import ConfigError
from protocols.words import Label

FORMAT: Final = 1
LEVELS: Final = 32
SUPPRESSORS: Final = 16
"""Rules of which each lets another rest."""
DELAY: Final = 31 * 86_400.0
"""Seconds of the longest delay, as on the wire."""
WHERE: Final = ("centre", "both")
DAY_FORMS: Final = ("MM-DD", "YYYY-MM-DD")
ESCALATIONS: Final = 16
CHATTER: Final = 1_000
REPEATS: Final = 10_000
VERSIONS: Final = 2**53
REQUEST: Final = {"zh": 40, "en": 100}
"""Characters of what a rule asks people to do: the sentence with it fits two text messages."""
_MARKS: Final = "\n\r\t{}【】!！"
"""Of one line, plain; what stands in 【】 is the sentence's own, and nobody is shouted at."""
_WHOLE: Final = ("format", "rule", "kind", "watch", "clocks", "requests", "suppressed_by")


class DefinitionRefused(ConfigError):
    """It is no definition of a rule; `problems` says why, all at once."""

    code = "DEFINITION_REFUSED"


def to_document(definition: Definition) -> dict[str, Any]:
    """Return a definition as JSON."""
    rule = struct_document(definition.rule)
    rule["levels"] = [level_document(level) for level in definition.rule.levels]
    document = {"format": FORMAT, "rule": rule, "kind": kind_document(definition.kind)}
    for name, part in (("watch", definition.watch), ("clocks", definition.clocks)):
        if shown := struct_document(part):
            document[name] = shown
    if definition.suppressed_by:
        document["suppressed_by"] = list(definition.suppressed_by)
    if definition.requests:
        document["requests"] = [
            {"level": name} | request_document(request) for name, request in definition.requests
        ]
    return document


def from_document(document: object) -> Definition:
    """Return the definition. Raises DefinitionRefused."""
    faults = Faults()
    definition = read_definition(document, "", faults)
    if faults.count:
        raise DefinitionRefused(faults.kept)
    return definition


def read_definition(document: object, at: str, faults: Faults) -> Definition:
    """Return the definition at the path `at`; what is wrong is in `faults`."""
    held = Held(document, at, _WHOLE, faults)
    if held.integer("format", FORMAT, 0, VERSIONS) != FORMAT:
        held.wrong("format", "VALUE_CHOICE", [str(FORMAT)])
    rule = held.data["rule"] if held.has("rule") else {"id": "?", "subject": "?"}
    kind = held.data.get("kind", {"kind": "limit"})
    return Definition(
        rule=_rule(Held(rule, held.path("rule"), _RULE, faults)),
        kind=read_kind(kind, held.path("kind"), faults),
        watch=read_watch(held.data.get("watch", {}), held.path("watch"), faults),
        clocks=read_clocks(held.data.get("clocks", {}), held.path("clocks"), faults),
        suppressed_by=read_suppressors(held),
        requests=tuple(
            held.each("requests", 0, LEVELS, lambda each, path: _request(each, path, faults))
        ),
    )


def read_suppressors(held: Held) -> tuple[str, ...]:
    """Return the rules that suppress one, by the ids the engine has them under."""

    def read(value: object, at: str) -> str:
        if isinstance(value, str) and 0 < len(value) <= INPUT:
            return value
        held.faults.add(at, "TYPE_TEXT", value)
        return ""

    return tuple(held.each("suppressed_by", 0, SUPPRESSORS, read))


def request_document(request: Label) -> dict[str, Any]:
    """Return what people are asked to do as JSON."""
    return {"zh": request.zh} | ({"en": request.en} if request.en else {})


def read_request(held: Held) -> Label:
    """Return what people are asked to do, of `zh` and `en`: plain text of one line, with bounds."""
    zh, en = held.text("zh", None, REQUEST["zh"]), held.text("en", "", REQUEST["en"])
    for key, said in (("zh", zh), ("en", en)):
        if said != said.strip() or any(mark in said for mark in _MARKS):
            held.wrong(key, "RULE_REQUEST")
    return Label(zh, en)


def level_document(level: Level) -> dict[str, Any]:
    """Return a level as JSON."""
    return struct_document(level) | {"colour": level.colour.name.lower()}


def read_level(value: object, at: str, faults: Faults) -> Level:
    """Return the level at the path `at`; what is wrong is in `faults`."""
    held = Held(value, at, _LEVEL, faults)
    return Level(
        name=held.text("name", ""),
        name_en=held.text("name_en", ""),
        colour=Colour[held.choice("colour", COLOURS).upper()],
        op=held.choice("op", OPERATORS),
        limit=held.number("limit"),
        deadband=held.number("deadband", 0.0, 0.0),
        on_delay=held.number("on_delay", 0.0, 0.0, DELAY),
        off_delay=held.number("off_delay", 0.0, 0.0, DELAY),
        window=held.maybe_number("window", 1e-3, LONGEST),
        source=held.text("source", ""),
        clause=held.maybe_text("clause"),
        status=held.choice("status", STATUSES, "U"),
        confirmed_by=held.maybe_text("confirmed_by"),
        confirmed_on=held.maybe_text("confirmed_on"),
        valid_from=_day(held, "valid_from"),
        valid_to=_day(held, "valid_to"),
    )


def read_watch(value: object, at: str, faults: Faults) -> Watch:
    """Return the watch at the path `at`; what is wrong is in `faults`."""
    held = Held(value, at, _WATCH, faults)
    low, high = (held.maybe_number(key, -1e308, 1e308) for key in ("low", "high"))
    if low is not None and high is not None and low >= high:
        held.wrong("low", "NUMBER_RANGE", [f"< {high:.10g}"])
    return Watch(
        stale_after=held.maybe_number("stale_after", 0.0, LONGEST),
        bad_after=held.maybe_number("bad_after", 0.0, LONGEST),
        frozen_after=held.maybe_number("frozen_after", 0.0, LONGEST),
        low=low,
        high=high,
    )


def read_clocks(value: object, at: str, faults: Faults) -> Clocks:
    """Return the clocks at the path `at`; what is wrong is in `faults`."""
    held = Held(value, at, _CLOCKS, faults)
    return Clocks(
        realarm_after=held.maybe_number("realarm_after", 0.0, LONGEST),
        realarm_repeats=None
        if held.data.get("realarm_repeats") is None
        else held.integer("realarm_repeats", 0, 0, REPEATS),
        escalate=held.numbers("escalate", 0.0, LONGEST, ESCALATIONS),
        chatter=_chatter(held),
        longest_shelf=held.maybe_number("longest_shelf", 0.0, LONGEST),
    )


def _rule(held: Held) -> Rule:
    faults = held.faults
    levels = held.each("levels", 0, LEVELS, lambda value, at: read_level(value, at, faults))
    return Rule(
        id=held.text("id"),
        subject=held.text("subject"),
        levels=tuple(levels),
        kind=held.text("kind", "limit"),
        latching=held.boolean("latching", default=False),
        where=held.choice("where", WHERE, "both"),
        version=held.integer("version", 1, 1, VERSIONS),
    )


def _request(value: object, at: str, faults: Faults) -> tuple[str, Label]:
    held = Held(value, at, ("level", "zh", "en"), faults)
    return held.text("level"), read_request(held)


def _chatter(held: Held) -> tuple[int, float] | None:
    if held.data.get("chatter") is None:
        return None
    at = held.path("chatter")
    inner = Held(held.data["chatter"], at, ("count", "seconds"), held.faults)
    count = inner.integer("count", 2, 1, CHATTER) if inner.has("count") else 2
    return count, inner.number("seconds", None, 1e-3, LONGEST)


def _day(held: Held, key: str) -> str | None:
    value = held.maybe_text(key)
    if value is not None and isinstance(held.data[key], str) and not day_is_one(value):
        held.wrong(key, "DAY_FORMAT", DAY_FORMS)
        return None
    return value


def struct_document(part: Any) -> dict[str, Any]:
    """Return the fields that are not as usual."""
    shown: dict[str, Any] = {}
    for each in fields(part):
        value = getattr(part, each.name)
        if each.default is MISSING or value != each.default:
            shown[each.name] = list(value) if isinstance(value, tuple) else value
    if isinstance(part, Clocks) and part.chatter is not None:
        shown["chatter"] = {"count": part.chatter[0], "seconds": part.chatter[1]}
    return shown


def _names(struct: type[Any]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(struct))


_LEVEL: Final = _names(Level)
_RULE: Final = _names(Rule)
_WATCH: Final = _names(Watch)
_CLOCKS: Final = _names(Clocks)
