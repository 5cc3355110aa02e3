"""The rules of one gateway as the document it is told (pure).

Those of the library for its points, and those of objects all of whose inputs are its own. What says
`where: centre`, what hangs on another gateway's points, and what has more inputs than one may be
told of stays here. Of its manifest's limits only those are named that give way: the others it knows
itself.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from central.alarms.rules.wanted import Wanted, of_manifest
from central.registry import Entry
from central.rules.resolving import Resolved
from protocols.wire.rule_set import INPUTS, SharedRule, encode_rules

BOTH: Final = "both"


def document_of(entry: Entry, resolved: Resolved, objects: Mapping[str, Wanted]) -> bytes:
    """Return the document of a gateway. Raises WireError: it is larger than one may be."""
    return encode_rules(resolved.masked, shared_rules(entry, resolved, objects))


def shared_rules(
    entry: Entry, resolved: Resolved, objects: Mapping[str, Wanted]
) -> list[SharedRule]:
    """Return the rules that the gateway judges beside its manifest's own."""
    if entry.manifest is None:
        return []
    places = {number: index for index, number in enumerate(entry.numbers)}
    found = {id_: each for id_, each in resolved.wanted.items() if _is_shared(each, places)}
    found |= {id_: each for id_, each in objects.items() if _is_shared(each, places)}
    _drop_counts(entry, resolved, found)
    manifest = entry.manifest
    return [
        SharedRule(
            each.definition,
            tuple(
                (str(manifest.point_id(places[number])) if number else "", name)
                for number, name in each.inputs
            ),
        )
        for each in found.values()
    ]


def _is_shared(each: Wanted, places: Mapping[int, int]) -> bool:
    both = each.definition.rule.where == BOTH and len(each.inputs) <= INPUTS
    return both and all(number in places for number, _ in each.inputs if number)


def _drop_counts(entry: Entry, resolved: Resolved, found: dict[str, Wanted]) -> None:
    """Leave out rules that count what the gateway does not judge."""
    counting = [id_ for id_, each in found.items() if any(_counted(each))]
    if not counting or entry.manifest is None:
        return
    own = {each.rule.id for each in of_manifest(entry.manifest)} - resolved.masked
    while lacking := [id_ for id_ in counting if not own | found.keys() >= {*_counted(found[id_])}]:
        for id_ in lacking:
            del found[id_]
        counting = [id_ for id_ in counting if id_ in found]


def _counted(each: Wanted) -> Iterator[str]:
    return (name for number, name in each.inputs if not number)
