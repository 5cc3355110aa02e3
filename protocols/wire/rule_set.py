"""What a collector has a gateway judge by, as a document (docs/wire.md section 15).

The rules of the library whose inputs are all that gateway's, and which ladders of its own manifest
give way to them. Rules that are alike share one definition: a rule for every tank is written once.
Reading is total: what is no such document raises WireError; a rule that this version cannot judge
is refused alone, with the code that says why.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from protocols.alarms.definition import Definition
from protocols.alarms.document import read_definition, to_document
from protocols.alarms.document_fields import Faults
from protocols.alarms.ladder import subject_of
from protocols.errors import WireError
from protocols.wire.bounds import INFLATED_BYTES, POINTS
from protocols.wire.canonical import JsonValue, dump, load
from protocols.wire.fields import Fields

FORMAT: Final = 1
WHERE: Final = "rules"
RULES: Final = 4 * POINTS
INPUTS: Final = 256
NAME: Final = 400
"""Characters of the longest name of a rule, a point, an input."""
_NOBODY: Final = "-"
_KEYS: Final = frozenset({"definitions", "format", "masked", "rules"})


class SharedRule(NamedTuple):
    """A rule and its inputs: a point `site/gateway/device/point` and what the rule calls it; of a
    rule that counts others "" and the id of the other.
    """

    definition: Definition
    inputs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """`masked`: ladders of the manifest that are not judged; `refused`: rules of which nothing can
    be made here, with the reason's code.
    """

    masked: frozenset[str] = frozenset()
    rules: tuple[SharedRule, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


def encode_rules(masked: Iterable[str], rules: Iterable[SharedRule]) -> bytes:
    """Return the document; equal sets give equal bytes. Raises WireError."""
    definitions: list[JsonValue] = []
    known: dict[bytes, int] = {}
    listed: list[JsonValue] = []
    for definition, inputs in sorted(rules, key=lambda each: each.definition.rule.id):
        id_, subject = definition.rule.id, definition.rule.subject
        anonymous = replace(definition.rule, id=_NOBODY, subject=_NOBODY, version=1)
        document = to_document(replace(definition, rule=anonymous))
        text = dump(document, WHERE)
        place = known.setdefault(text, len(definitions))
        if place == len(definitions):
            definitions.append(document)
        own = inputs == ((subject, ""),)
        listed.append([id_, place] if own else [id_, place, [list(each) for each in inputs]])
    document = {
        "definitions": definitions,
        "format": FORMAT,
        "masked": sorted(masked),
        "rules": listed,
    }
    return dump(document, WHERE)


def decode_rules(data: bytes) -> RuleSet:
    """Return what a document says. Raises WireError."""
    fields = Fields(load(data, WHERE, INFLATED_BYTES), WHERE, _KEYS)
    if fields.integer("format") != FORMAT:
        raise WireError("WIRE_UNKNOWN", where=WHERE, value=fields.integer("format"))
    masked = frozenset(_name(fields, "masked", each) for each in fields.items("masked", RULES))
    definitions = [_definition(each) for each in fields.items("definitions", RULES)]
    rules: dict[str, SharedRule] = {}
    refused: dict[str, str] = {}
    for each in fields.items("rules", RULES):
        id_, place, inputs = _listed(fields, each, len(definitions))
        found = definitions[place]
        if isinstance(found, str):
            refused[id_] = found
            continue
        rule = replace(found.rule, id=id_, subject=subject_of(id_))
        rules[id_] = SharedRule(replace(found, rule=rule), inputs)
    return RuleSet(masked, tuple(rules.values()), tuple(sorted(refused.items())))


def _definition(value: JsonValue) -> Definition | str:
    """Return a definition, or why it is none that can be judged here."""
    faults = Faults(1)
    definition = read_definition(value, "", faults)
    return faults.kept[0].code if faults.count else definition


def _listed(
    fields: Fields, value: JsonValue, count: int
) -> tuple[str, int, tuple[tuple[str, str], ...]]:
    if not isinstance(value, list) or len(value) not in (2, 3):
        raise fields.wrong("rules")
    id_, place = _name(fields, "rules", value[0]), value[1]
    if type(place) is not int or not 0 <= place < count or ":" not in id_:
        raise fields.wrong("rules")
    if len(value) == 2:
        return id_, place, ((subject_of(id_), ""),)
    return id_, place, _inputs(fields, value[2])


def _inputs(fields: Fields, value: JsonValue) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= INPUTS:
        raise fields.wrong("inputs")
    return tuple(_pair(fields, each) for each in value)


def _pair(fields: Fields, value: JsonValue) -> tuple[str, str]:
    if not isinstance(value, list) or len(value) != 2:
        raise fields.wrong("inputs")
    point, name = (_name(fields, "inputs", each, least=0) for each in _both(value))
    if not point and not name:
        raise fields.wrong("inputs")
    return point, name


def _both(value: Sequence[JsonValue]) -> tuple[JsonValue, JsonValue]:
    return value[0], value[1]


def _name(fields: Fields, key: str, value: JsonValue, least: int = 1) -> str:
    if not isinstance(value, str) or not least <= len(value) <= NAME:
        raise fields.wrong(key)
    return value
