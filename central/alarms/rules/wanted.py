"""Rules as somebody wants them: a manifest's limits on a point, or what a library attaches."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from central.alarms.journal.records import levels_json
from central.alarms.tracked import Inputs
from protocols.alarms.definition import NO_CLOCKS, UNWATCHED, Definition
from protocols.alarms.document import from_document, to_document
from protocols.alarms.kinds.limit import Limit
from protocols.alarms.ladder import directions, rule_of, subject_of
from protocols.alarms.rule import Level, Rule
from protocols.wire.manifest import Manifest

LIBRARY: Final = "library"


class Wanted(NamedTuple):
    """A rule on its inputs, of which the first is where its episodes are shown.

    `source` is whose it is: `manifest:<gateway>` or `library`; who retires some of a source leaves
    the others. `levels`: of a ladder alone, as the tables keep it, where that is known already.
    """

    definition: Definition
    inputs: Inputs
    source: str
    levels: str = ""


class OfManifest(NamedTuple):
    """A ladder of the point at `place` in its manifest; `levels` as the tables keep them."""

    rule: Rule
    place: int
    levels: str


class Texts(NamedTuple):
    """A rule as the table keeps it; `definition` and `inputs` None: a ladder on one point."""

    levels: str
    definition: str | None
    inputs: str | None


def source_of(gateway: str) -> str:
    """Return the source of what a gateway's manifest asks for."""
    return f"manifest:{gateway}"


def of_manifest(manifest: Manifest) -> list[OfManifest]:
    """Return the rules a manifest asks for; without the tables, so anywhere."""
    found = []
    # Points that share their limits (the decoder holds them once) share ladders and their text.
    known: dict[int, list[tuple[str, tuple[Level, ...], str]]] = {}
    for index, point in enumerate(manifest.points):
        if not point.limits:
            continue
        sides = known.get(id(point.limits))
        if sides is None:
            ladders = directions(point.limits)
            sides = [(side, levels, levels_json(levels)) for side, levels in ladders]
            known[id(point.limits)] = sides
        subject = str(manifest.point_id(index))
        for side, levels, text in sides:
            found.append(OfManifest(rule_of(subject, side, levels), index, text))
    return found


def placed(rules: Iterable[OfManifest], numbers: Mapping[int, int], gateway: str) -> list[Wanted]:
    """Return a manifest's rules; `numbers` are the registry's, by place in it."""
    source = source_of(gateway)
    return [
        Wanted(Definition(rule=rule), ((numbers[place], ""),), source, levels)
        for rule, place, levels in rules
    ]


def texts(wanted: Wanted) -> Texts:
    """Return a rule as the table keeps it."""
    definition, inputs = wanted.definition, wanted.inputs
    if wanted.levels:
        return Texts(wanted.levels, None, None)
    levels = levels_json(definition.rule.levels)
    alone = len(inputs) == 1 and inputs[0][1] == ""
    return Texts(
        levels,
        None if is_ladder(definition) else _document(definition),
        None if alone else json.dumps(inputs, ensure_ascii=False),
    )


def is_ladder(definition: Definition) -> bool:
    """Whether it is as the ladder of a manifest's point is: levels on its value, nothing else."""
    rule = definition.rule
    plain = rule.kind == "limit" and not rule.latching and rule.where == "both"
    return (
        plain
        and rule.subject == subject_of(rule.id)
        and type(definition.kind) is Limit
        and definition.watch == UNWATCHED
        and definition.clocks == NO_CLOCKS
        and not definition.requests
        and not definition.suppressed_by
    )


def _document(definition: Definition) -> str:
    """Return it without its version: the table counts that itself."""
    first = replace(definition, rule=replace(definition.rule, version=1))
    return json.dumps(to_document(first), ensure_ascii=False)


def read_definition(
    id_: str, version: int, levels: tuple[Level, ...], definition: str | None
) -> Definition:
    """Return the definition of a row of the table."""
    if definition is None:
        subject = subject_of(id_)
        return Definition(rule=Rule(id=id_, subject=subject, levels=levels, version=version))
    found = from_document(json.loads(definition))
    return replace(found, rule=replace(found.rule, version=version))


def read_inputs(point: int, inputs: str | None) -> Inputs:
    """Return the inputs of a row of the table."""
    if inputs is None:
        return ((point, ""),)
    return tuple((number, name) for number, name in json.loads(inputs))
