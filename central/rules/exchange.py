"""The whole library as one plain document, and what a document that came back asks for.

Nothing that is missing in it is taken away: rules are retired and attachments ended by name alone.
What is in it as it stands already asks for nothing, so that an export changes nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlite_utils import Database as Tables

from central.rules import acts
from central.rules.acts import Who
from central.rules.body import Body
from central.rules.checking import no_day, unseen
from central.rules.library import Library, LibraryRule, NamedLevel, Version
from central.rules.meant import Place
from central.rules.placing import attachment_problems, named_problems, place_problems
from central.rules.reading import body_document, read_body, read_label, read_name
from protocols.alarms.attachment import Attachment, Scope
from protocols.alarms.document_fields import Faults, Held
from protocols.errors import Problem
from protocols.words import Label

FORMAT: Final = "v1"
MOST: Final = 5_000
"""Entries of each list."""
SCOPES: Final = tuple(each.name.lower() for each in Scope)
ATTACHMENT_KEYS: Final = ("rule", "family", "scope", "at", "quantities", "reason")
NAMED_KEYS: Final = (
    *("name", "scope", "at", "value", "unit", "label", "valid_from", "valid_to"),
    *("source", "clause", "reason"),
)
KEYS: Final = ("format", "rules", "attachments", "named_levels")


@dataclass(slots=True)
class Plan:
    """What a document asks for; with `problems` nothing of it is done."""

    create: list[Body] = field(default_factory=list)
    change: list[Body] = field(default_factory=list)
    retire: list[str] = field(default_factory=list)
    attach: list[Attachment] = field(default_factory=list)
    name: list[NamedLevel] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)
    """Of what is changed or retired: the version that was looked at."""
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)
    wrong: set[str] = field(default_factory=set)
    """Rules with faults of their own: what is attached of them is not complained about too."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.create or self.change or self.retire or self.attach or self.name)


def whole(library: Library) -> dict[str, Any]:
    """Return everything that stands."""
    return {
        "format": FORMAT,
        "rules": [_rule(rule) for rule in library.rules.values()],
        "attachments": [attachment_document(each) for each in library.attached],
        "named_levels": [named_document(each) for each in library.named],
    }


def plan(
    document: Any, library: Library, everywhere: Sequence[Place], who: Who, sets: Sequence[str]
) -> Plan:
    """Return what a document asks for, or everything that is wrong with it."""
    faults, made = Faults(most=MOST), Plan()
    held = Held(document, "", KEYS, faults)
    held.choice("format", (FORMAT,))
    rules = dict(library.rules)
    for place, each in enumerate(held.items("rules", 0, MOST)):
        _plan_rule(each, f"rules[{place}]", faults, (made, rules, library), (who, sets))
    after = replace(library, rules=rules)
    standing = {acts.placed_as(each) for each in library.attached}
    for place, each in enumerate(held.items("attachments", 0, MOST)):
        at = f"attachments[{place}]"
        _check_texts(each, at, faults)
        attachment = _read_attachment(each, at, faults, (after, who), made.wrong)
        if attachment is None:
            continue
        if attachment.rule in made.wrong:
            _under(at, place_problems(attachment.scope, attachment.at, everywhere), faults)
            continue
        if acts.placed_as(attachment) in standing:
            made.unchanged += 1
            continue
        standing.add(acts.placed_as(attachment))
        rule = after.rules.get(attachment.rule) if attachment.rule is not None else None
        _under(at, attachment_problems(attachment, rule, everywhere), faults)
        made.attach.append(attachment)
    known = {acts.figure_of(each) for each in library.named}
    for place, each in enumerate(held.items("named_levels", 0, MOST)):
        at = f"named_levels[{place}]"
        _check_texts(each, at, faults)
        figure = _read_named(each, at, faults, who)
        if figure is None or acts.figure_of(figure) in known:
            made.unchanged += figure is not None
            continue
        known.add(acts.figure_of(figure))
        _under(at, named_problems(figure, after, everywhere), faults)
        made.name.append(figure)
    made.problems = faults.kept
    return made


def carry_out(tables: Tables, library: Library, asked: Plan, who: Who, sets: Sequence[str]) -> None:
    """Do what a plan asks for. Raises RuleConflict where somebody was faster."""
    for body in asked.create:
        acts.create(tables, library, body, who, sets)
    for body in asked.change:
        acts.change(tables, library, body, who, asked.versions[body.id])
    for id_ in asked.retire:
        acts.retire(tables, library, id_, who, asked.versions[id_])
    for each in asked.attach:
        acts.attach(tables, library, each)
    for figure in asked.name:
        acts.name_level(tables, library, figure)


def _plan_rule(
    value: Any,
    at: str,
    faults: Faults,
    known: tuple[Plan, dict[str, LibraryRule], Library],
    sent: tuple[Who, Sequence[str]],
) -> None:
    (made, rules, library), (who, sets) = known, sent
    before = faults.count
    retired, body = _read_rule(value, at, faults)
    own = library.rules.get(body.id)
    body = acts.answered(body, None if own is None else own.body, who, faults, f"{at}.levels")
    _check_texts(value, at, faults)
    for where, span in no_day(body, f"{at}.levels"):
        faults.add(where, "SEASON_NO_DAY", span)
    if own is None and body.id.partition(".")[0] in sets:
        faults.add(f"{at}.id", "RULE_ID_SHIPPED", body.id)
    if body.id in rules and rules[body.id] is not own:
        faults.add(f"{at}.id", "RULE_TWICE", body.id)
    if own is not None and retired and own.body != body:
        faults.add(f"{at}.retired", "RULE_RETIRED_CHANGED", body.id)
    if faults.count > before:
        made.wrong.add(body.id)
        return
    _ask(made, own, body, retired=retired)
    version = Version(number=0, body=body, retired=retired, made=0, made_by="", reason="")
    rules[body.id] = LibraryRule(
        id=body.id, origin=None, domain=None, created=0, created_by="", version=version
    )


def _check_texts(value: Any, at: str, faults: Faults) -> None:
    for where, said in unseen(value, at):
        faults.add(where, "TEXT_CONTROL", said)


def _read_rule(value: Any, at: str, faults: Faults) -> tuple[bool, Body]:
    document = dict(value) if isinstance(value, Mapping) else value
    retired = document.pop("retired", False) if isinstance(document, dict) else False
    if not isinstance(retired, bool):
        faults.add(f"{at}.retired", "TYPE_BOOLEAN", retired)
    return bool(retired), read_body(document, at, faults)


def _ask(made: Plan, own: LibraryRule | None, body: Body, *, retired: bool) -> None:
    if own is None:
        made.create.append(body)
    elif own.body == body and own.version.retired == retired:
        made.unchanged += 1
    else:
        made.versions[body.id] = own.version.number
        if retired:
            made.retire.append(body.id)
        else:
            made.change.append(body)


def _read_attachment(
    value: Any, at: str, faults: Faults, known: tuple[Library, Who], wrong: Collection[str]
) -> Attachment | None:
    (library, who), before = known, faults.count
    held = Held(value, at, ATTACHMENT_KEYS, faults)
    rule = held.maybe_text("rule")
    found = library.rules.get(rule) if rule is not None else None
    if rule is not None and found is None and rule not in wrong:
        held.wrong("rule", "RULES_ROW_RULE")
    family = found.body.family if found is not None else read_name(held, "family", "")
    if rule is None and not family and held.known:
        held.wrong("family", "ATTACHMENT_FAMILY")
    scope = held.choice("scope", SCOPES)
    place = held.text("at")
    names = held.each("quantities", 0, 16, lambda each, where: each)
    quantities = frozenset(each for each in names if isinstance(each, str))
    reason = held.text("reason", who.reason) or who.reason
    if faults.count > before:
        return None
    return Attachment(
        id=0,
        family=family,
        scope=Scope[scope.upper()],
        at=place,
        rule=rule,
        quantities=quantities,
        since=who.now,
        by=who.name,
        reason=reason,
    )


def _read_named(value: Any, at: str, faults: Faults, who: Who) -> NamedLevel | None:
    before = faults.count
    held = Held(value, at, NAMED_KEYS, faults)
    figure = NamedLevel(
        id=0,
        name=read_name(held, "name"),
        scope=Scope[held.choice("scope", SCOPES).upper()],
        at=held.text("at"),
        value=held.number("value"),
        unit=held.text("unit", ""),
        label=read_label(held, "label", needed=False),
        valid_from=held.maybe_text("valid_from"),
        valid_to=held.maybe_text("valid_to"),
        source=held.text("source", ""),
        clause=held.maybe_text("clause"),
        since=who.now,
        by=who.name,
        reason=held.text("reason", who.reason) or who.reason,
    )
    return None if faults.count > before else figure


def _under(at: str, problems: Sequence[Problem], faults: Faults) -> None:
    for each in problems:
        faults.take(replace(each, key=f"{at}.{each.key}"))


def _rule(rule: LibraryRule) -> dict[str, Any]:
    document = body_document(rule.body)
    return document | ({"retired": True} if rule.version.retired else {})


def attachment_document(each: Attachment) -> dict[str, Any]:
    """Return where a rule is meant as files say it."""
    document: dict[str, Any] = {"rule": each.rule}
    if each.rule is None:
        document["family"] = each.family
    document |= {"scope": each.scope.name.lower(), "at": each.at}
    if each.quantities:
        document["quantities"] = sorted(each.quantities)
    return document | {"reason": each.reason}


def named_document(each: NamedLevel) -> dict[str, Any]:
    """Return a figure of a place as files say it."""
    document = {
        "name": each.name,
        "scope": each.scope.name.lower(),
        "at": each.at,
        "value": each.value,
        "unit": each.unit,
        "label": _label(each.label),
        "valid_from": each.valid_from,
        "valid_to": each.valid_to,
        "source": each.source or None,
        "clause": each.clause,
        "reason": each.reason,
    }
    return {key: value for key, value in document.items() if value is not None}


def _label(label: Label) -> dict[str, str] | None:
    return {"zh": label.zh, "en": label.en} if label.zh else None
