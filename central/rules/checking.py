"""What a rule's fields alone cannot tell: catalogue, units, order of levels, what is missing."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from central.rules.body import SEVERAL, Body, Offer
from protocols.alarms.document_fields import Held
from protocols.alarms.kinds.expression import OWN, Expression, ExpressionRefused
from protocols.alarms.kinds.several import Deviation, Interlock
from protocols.alarms.kinds.vote import Vote
from protocols.alarms.ladder import DIRECTIONS
from protocols.catalogue import quantities, units
from protocols.units import conversion
from protocols.words import UNSEEN

_SIGN: Final = {"high": 1, "low": -1}
_MANY_SHOWN: Final = 12


def check_body(body: Body, held: Held, *, sound: bool) -> None:
    """Note in `held.faults` what does not go together; `sound`: each level can be read."""
    _check_quantities(body, held)
    _check_inputs(body, held)
    if not body.levels and body.watch == type(body.watch)():
        held.faults.add(held.path("levels"), "LIST_LENGTH", 0, ["1 … 32"])
    _check_names(body, held)
    for place, offer in enumerate(body.levels):
        _check_level(body, offer, held, f"{held.path('levels')}[{place}]")
    if sound:
        _check_order(body, held)


def _check_quantities(body: Body, held: Held) -> None:
    known = quantities()
    if not body.quantities and not body.several:
        held.faults.add(held.path("quantity"), "LIST_LENGTH", 0, ["1 … 16"])
    for place, name in enumerate(body.quantities):
        if name not in known:
            allowed = [each for each in known if each.startswith(name[:4])] or list(known)
            at = f"{held.path('quantity')}[{place}]"
            held.faults.add(at, "VALUE_CHOICE", name, allowed[:_MANY_SHOWN])
    if (body.unit and body.unit not in units()) or (not body.several and not _measured(body)):
        held.faults.add(held.path("unit"), "VALUE_CHOICE", body.unit, _units_of(body))


def _measured(body: Body) -> bool:
    """Return whether each quantity is measured in the unit, or in one that it converts to."""
    known = [quantities()[name] for name in body.quantities if name in quantities()]
    return all(
        any(conversion(body.unit, unit) is not None for unit in quantity.units or ("",))
        for quantity in known
    )


def _units_of(body: Body) -> list[str]:
    known = quantities()
    found = [known[name].units or ("",) for name in body.quantities if name in known]
    return list(dict.fromkeys(unit for each in found for unit in each))


def _check_inputs(body: Body, held: Held) -> None:
    names = [each.name for each in body.inputs]
    if body.several and body.kind_name != "levels" and not names:
        held.faults.add(held.path("inputs"), "LIST_LENGTH", 0, ["1 … 64"])
    if names and not isinstance(body.kind, (*SEVERAL, Expression)):
        held.faults.add(held.path("inputs"), "KEY_NEEDLESS", body.kind_name, [])
    known = names or ([OWN] if isinstance(body.kind, Expression) else _used(body))
    for name in _used(body):
        if name not in known:
            held.faults.add(held.path("inputs"), "VALUE_CHOICE", name, known)
    for place, name in enumerate(names):
        if name in names[:place]:
            held.faults.add(f"{held.path('inputs')}[{place}].name", "RULE_TWICE", name)
    _check_input_words(body, held)


def _check_input_words(body: Body, held: Held) -> None:
    for place, each in enumerate(body.inputs):
        at = f"{held.path('inputs')}[{place}]"
        if each.quantity is not None and each.quantity not in quantities():
            near = list(quantities())[:_MANY_SHOWN]
            held.faults.add(f"{at}.quantity", "VALUE_CHOICE", each.quantity, near)
        if each.unit and each.unit not in units():
            held.faults.add(f"{at}.unit", "VALUE_CHOICE", each.unit, list(units())[:_MANY_SHOWN])


def _used(body: Body) -> list[str]:
    """Return the inputs the kind speaks of."""
    kind = body.kind
    if isinstance(kind, Deviation):
        return [kind.input, kind.reference]
    if isinstance(kind, Expression):
        try:
            return list(kind.inputs)
        except ExpressionRefused:  # noted when it was read
            return []
    return [clause.input for clause in kind.clauses] if isinstance(kind, Interlock | Vote) else []


def _check_names(body: Body, held: Held) -> None:
    seen: set[str] = set()
    for place, offer in enumerate(body.levels):
        at = f"{held.path('levels')}[{place}].name"
        if not offer.level.name:
            held.faults.add(at, "TEXT_LENGTH", "", ["1 … 1000"])
        elif offer.level.name in seen:
            held.faults.add(at, "RULE_TWICE", offer.level.name)
        seen.add(offer.level.name)


def _check_level(body: Body, offer: Offer, held: Held, at: str) -> None:
    level = offer.level
    if not offer.known and level.status == "V":
        held.faults.add(f"{at}.limit", "TYPE_NUMBER", None)
    if level.status in ("V", "K", "D", "E") and not (level.source or body.source):
        held.faults.add(f"{at}.source", "LEVEL_SOURCE_MISSING", "", [])
    if (level.valid_from is None) != (level.valid_to is None):
        missing = "valid_to" if level.valid_to is None else "valid_from"
        held.faults.add(f"{at}.{missing}", "KEY_MISSING", missing)
    if level.window is not None and body.kind_name != "window":
        held.faults.add(f"{at}.window", "KEY_NEEDLESS", body.kind_name, [])
    if offer.counts is not None and body.kind_name != "levels":
        held.faults.add(f"{at}.counts", "KEY_NEEDLESS", body.kind_name, [])
    if body.kind_name == "digital" and level.op not in ("=", "!="):
        held.faults.add(f"{at}.op", "VALUE_CHOICE", level.op, ["=", "!="])


def _check_order(body: Body, held: Held) -> None:
    """From least to most severe: by colour, and the worse the further out."""
    sides = {DIRECTIONS[offer.level.op] for offer in body.levels}
    if len(sides) > 1:
        held.faults.add(held.path("levels"), "RULE_TWO_SIDES", " ".join(sorted(sides)))
        return
    sign = _SIGN.get(next(iter(sides), ""), 0)
    for place, (mild, worse) in enumerate(pairwise(body.levels), 1):
        at = f"{held.path('levels')}[{place}]"
        one, other = mild.level, worse.level
        if other.colour < one.colour:
            colours = [each.colour.name.lower() for each in (other, one)]
            held.faults.add(f"{at}.colour", "RULE_ORDER", colours[0], [f"≥ {colours[1]}"])
            continue
        further = (other.limit - one.limit) * sign
        if other.colour > one.colour and sign and _comparable(mild, worse) and further <= 0:
            than = f"{'>' if sign > 0 else '<'} {one.limit:.10g}"
            held.faults.add(f"{at}.limit", "RULE_ORDER", f"{other.limit:.10g}", [than])


def _comparable(mild: Offer, worse: Offer) -> bool:
    seasonal = any(each.level.valid_from for each in (mild, worse))
    one, other = mild.level, worse.level
    same = (one.window, one.on_delay) == (other.window, other.on_delay)
    same = same and mild.counts == worse.counts
    return mild.known and worse.known and same and not seasonal


def unseen(value: object, at: str) -> Iterator[tuple[str, str]]:
    """Yield the texts with characters that nobody sees or that turn the others, and their place.

    Looked for where a rule is written: one that stands must not fall out of the library for them.
    """
    if isinstance(value, str) and UNSEEN.search(value):
        yield at, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from unseen(inner, f"{at}.{key}".lstrip("."))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from unseen(inner, f"{at}[{place}]")


def no_day(body: Body, at: str) -> Iterator[tuple[str, str]]:
    """Yield the spans of a rule's levels in which there is no day, and their place.

    Looked for where a rule is written, as `unseen` is.
    """
    for place, offer in enumerate(body.levels):
        span = offer.level.valid_from, offer.level.valid_to
        if dayless(*span):
            yield f"{at}[{place}].valid_to", " … ".join(day or "" for day in span)


def dayless(first: str | None, last: str | None) -> bool:
    """Return whether two days are no span: one of each year and one of one year, or reversed."""
    if first is None or last is None:
        return False
    return len(first) != len(last) or (len(first) > len("MM-DD") and last < first)
