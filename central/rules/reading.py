"""A rule of the library as plain JSON, and back from where nobody is trusted.

The form is that of the threshold sets: fields of the kind lie beside the others. What is wrong is
collected with its path, the value and what is allowed; nothing raises.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from central.rules.body import Body, Input, Offer, usual_family
from central.rules.checking import check_body
from protocols.alarms.document import (
    COLOURS,
    LEVELS,
    WHERE,
    level_document,
    read_clocks,
    read_level,
    read_request,
    read_suppressors,
    read_watch,
    request_document,
    struct_document,
)
from protocols.alarms.document_fields import ITEMS, Faults, Held
from protocols.alarms.document_kinds import KINDS, kind_document, read_kind
from protocols.words import NAME, Label

KIND_NAMES: Final = ("limit", "digital", *(name for name in KINDS if name != "limit"))
_RENAMED: Final = {"window": "seconds"}
_SECONDS: Final = re.compile(r"(^|\.)seconds$")
"""Fields of kinds that people call otherwise."""
KIND_FIELDS: Final = (
    *("per", "absolute", "max_gap", "consecutive"),
    *("aggregate", "window", "counter", "counted", "allowed_lateness", "min_samples"),
    *("clauses", "within", "input", "reference", "weights"),
    *("text", "allowed", "holidays", "working", "tolerance"),
)
KEYS: Final = (
    *("id", "label", "quantity", "unit", "kind", *KIND_FIELDS),
    *("family", "latching", "where", "attach", "inputs", "watch", "clocks"),
    *("source", "quote", "note", "request", "suppressed_by", "levels"),
)
_EXTRA_KEYS: Final = ("named", "tag", "counts")
_LEVEL_KEYS: Final = (*_EXTRA_KEYS, "request")
_INPUTS_ARE: Final = ("point", "quantity", "rule")
_INPUT_KEYS: Final = ("name", *_INPUTS_ARE, "many", "unit")
QUANTITIES: Final = 16
INPUTS: Final = 64


def read_body(value: object, at: str, faults: Faults, prefix: str = "") -> Body:
    """Return the rule at the path `at`; `prefix` goes before its id. Wrong: in `faults`."""
    held = Held(value, at, KEYS, faults)
    id_ = prefix + read_name(held, "id")
    kind_name = held.choice("kind", KIND_NAMES, "limit")
    before = faults.count
    offers = tuple(held.each("levels", 0, LEVELS, lambda each, at: _offer(each, at, faults)))
    sound = faults.count == before
    body = Body(
        id=id_,
        label=read_label(held, "label", needed=True),
        quantities=tuple(held.each("quantity", 0, QUANTITIES, _text_of(faults))),
        unit=held.text("unit", ""),
        kind_name=kind_name,
        levels=offers,
        kind=_kind(held, kind_name),
        family=read_name(held, "family", usual_family(id_, kind_name, offers)),
        latching=held.boolean("latching", default=False),
        where=held.choice("where", WHERE, "both"),
        attach=held.boolean("attach", default=True),
        inputs=tuple(
            held.each("inputs", 0, INPUTS, lambda each, where: _input(each, where, faults))
        ),
        watch=read_watch(held.data.get("watch", {}), held.path("watch"), faults),
        clocks=read_clocks(held.data.get("clocks", {}), held.path("clocks"), faults),
        source=held.text("source", ""),
        quote=held.text("quote", ""),
        note=read_label(held, "note", needed=False),
        request=_request(held),
        suppressed_by=read_suppressors(held),
    )
    if held.known:
        check_body(body, held, sound=sound)
    return body


def body_document(body: Body) -> dict[str, Any]:
    """Return a rule as JSON; what is as usual is left out."""
    document: dict[str, Any] = {
        "id": body.id,
        "label": {"zh": body.label.zh, "en": body.label.en},
        "quantity": list(body.quantities),
        "unit": body.unit,
        **_kind_fields(body),
    }
    usual_name = usual_family(body.id, body.kind_name, body.levels)
    rest: tuple[tuple[str, Any, Any], ...] = (
        ("family", body.family, usual_name),
        ("latching", body.latching, False),
        ("where", body.where, "both"),
        ("attach", body.attach, True),
        ("inputs", [_input_document(each) for each in body.inputs], []),
        ("watch", struct_document(body.watch), {}),
        ("clocks", struct_document(body.clocks), {}),
        ("suppressed_by", list(body.suppressed_by), []),
        ("source", body.source, ""),
        ("quote", body.quote, ""),
    )
    document |= {key: value for key, value, usual in rest if value != usual}
    if body.note.zh:
        document["note"] = {"zh": body.note.zh, "en": body.note.en}
    if body.request.zh:
        document["request"] = request_document(body.request)
    document["levels"] = [offer_document(offer) for offer in body.levels]
    return document


def offer_document(offer: Offer) -> dict[str, Any]:
    """Return a level as JSON; one without a figure has null for its limit."""
    document = level_document(offer.level) | {"limit": offer.level.limit if offer.known else None}
    extra = {key: getattr(offer, key) for key in _EXTRA_KEYS}
    if offer.request.zh:
        extra["request"] = request_document(offer.request)
    return document | {key: value for key, value in extra.items() if value is not None}


def read_name(held: Held, key: str, default: str | None = None) -> str:
    """Return a logical name."""
    name = held.text(key, default)
    if (name or default is None) and key in held.data and not NAME.fullmatch(name):
        held.wrong(key, "NAME_FORMAT")
    return name or default or ""


def read_label(held: Held, key: str, *, needed: bool) -> Label:
    """Return a name for people, written `{zh, en}` or as Chinese text alone."""
    if not needed and held.data.get(key) is None:
        return Label("")
    if not held.has(key):
        return Label("")
    value = held.data[key]
    if isinstance(value, str):
        value = {"zh": value}
    inner = Held(value, held.path(key), ("zh", "en"), held.faults)
    return Label(inner.text("zh", None if needed else ""), inner.text("en", ""))


def _kind(held: Held, kind_name: str) -> Any:
    fields = {_RENAMED.get(key, key): held.data[key] for key in KIND_FIELDS if key in held.data}
    inner = Faults()
    name = "limit" if kind_name == "digital" else kind_name
    kind = read_kind({"kind": name} | fields, held.at, inner)
    for problem in inner.kept:
        key = _SECONDS.sub(r"\1window", problem.key)
        held.faults.add(key, problem.code, problem.params["value"], problem.allowed)
    return kind


def _kind_fields(body: Body) -> dict[str, Any]:
    back = {value: key for key, value in _RENAMED.items()}
    fields = {back.get(key, key): value for key, value in kind_document(body.kind).items()}
    return fields | {"kind": body.kind_name}


def _offer(value: Any, at: str, faults: Faults) -> Offer:
    data = dict(value) if isinstance(value, dict) else value
    extra: dict[str, Any] = {}
    known = True
    if isinstance(data, dict):
        extra = {key: data.pop(key) for key in _LEVEL_KEYS if key in data}
        if "limit" in data and data["limit"] is None:
            known, data["limit"] = False, 0.0
    held = Held(extra, at, _LEVEL_KEYS, faults)
    counts = None if extra.get("counts") is None else held.choice("counts", COLOURS)
    return Offer(
        level=read_level(data, at, faults),
        known=known,
        named=read_name(held, "named") if extra.get("named") is not None else None,
        tag=held.maybe_text("tag"),
        counts=counts,
        request=_request(held),
    )


def _request(held: Held) -> Label:
    """Return what people are asked to do, written `{zh, en}` or as Chinese text alone."""
    value = held.data.get("request")
    if value is None:
        return Label("")
    value = {"zh": value} if isinstance(value, str) else value
    return read_request(Held(value, held.path("request"), ("zh", "en"), held.faults))


def _input(value: Any, at: str, faults: Faults) -> Input:
    held = Held(value, at, _INPUT_KEYS, faults)
    point, quantity, rule = (held.maybe_text(key) for key in _INPUTS_ARE)
    if held.known and sum(each is not None for each in (point, quantity, rule)) != 1:
        held.wrong("point", "RULE_INPUT", _INPUTS_ARE)
    return Input(
        name=read_name(held, "name"),
        point=point,
        quantity=quantity,
        rule=rule,
        many=held.boolean("many", default=False),
        unit=held.text("unit", ""),
    )


def _input_document(each: Input) -> dict[str, Any]:
    shown: Mapping[str, Any] = {
        "point": each.point,
        "quantity": each.quantity,
        "rule": each.rule,
        "unit": each.unit,
    }
    document = {"name": each.name} | {key: value for key, value in shown.items() if value}
    return document | ({"many": True} if each.many else {})


def _text_of(faults: Faults) -> Any:
    def read(value: Any, at: str) -> str:
        if isinstance(value, str) and len(value) <= ITEMS:
            return value
        faults.add(at, "TYPE_TEXT", value)
        return ""

    return read
