"""What people do to rules, each with its line in the audit; runs in the writer's transaction.

Nothing is changed in place: a rule's next version says who made it, when and why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from sqlite_utils import Database as Tables

from central.identity import audit
from central.rules import records
from central.rules.body import Body, Offer
from central.rules.checking import no_day, unseen
from central.rules.figures import day_of
from central.rules.library import Library, LibraryRule, NamedLevel, Version
from central.rules.reading import body_document, read_body
from protocols.alarms.attachment import Attachment
from protocols.alarms.document_fields import Faults
from protocols.errors import ConfigError, FengsuiError, Problem

OWN_STATUSES: Final = ("K", "D", "S", "U", "E")
"""Those that people may give to a level of their own: V comes with a set alone."""


FOREIGN: Final = ("V", "K", "D", "E")
"""Statuses of a figure that is somebody else's: another figure in its place is the site's own."""


class RuleRefused(ConfigError):
    """`problems` says what is wrong, all at once; so do its params, for whoever sent it."""

    code = "RULE_REFUSED"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        shown: Any = told(problems)
        self.params["problems"] = shown


class RuleUnknown(FengsuiError):
    """There is no rule of that id."""

    code = "RULE_UNKNOWN"


class RuleConflict(FengsuiError):
    """It is there already, or was changed meanwhile, or is as it was; the code says which."""

    code = "RULE_EXISTS"


class AttachmentUnknown(FengsuiError):
    """No attachment or named level of that number stands."""

    code = "ATTACHMENT_UNKNOWN"


class Who(NamedTuple):
    """Who acts, when (µs UTC, real time) and why."""

    name: str
    now: int
    reason: str


@dataclass(frozen=True, slots=True)
class Confirming:
    """A level by its name, and its figure where the rule has none or it is another one here."""

    level: str
    limit: float | None = None


def read_new(document: object, own: Body | None = None, by: Who | None = None) -> Body:
    """Return a rule as somebody sent it. Raises RuleRefused.

    `own` is what it stands for so far: confirmations hold on for levels that are as they were.
    `by`: who sent it, and answers for the levels that name him.
    """
    faults = Faults()
    body = read_body(document, "", faults)
    for at, value in unseen(document, ""):
        faults.add(at, "TEXT_CONTROL", value)
    for at, value in no_day(body, "levels"):
        faults.add(at, "SEASON_NO_DAY", value)
    body = answered(body, own, by, faults, "levels")
    if faults.count:
        raise RuleRefused(faults.kept)
    return body


def told(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """Return problems as answers and pages take them."""
    return [
        {
            "file": each.file,
            "line": each.line,
            "at": each.key,
            "code": each.code,
            "params": dict(each.params),
            "allowed": list(each.allowed),
        }
        for each in problems
    ]


def answered(body: Body, own: Body | None, by: Who | None, faults: Faults, at: str) -> Body:
    """Return a rule with the confirmations that count; what claims more than that is a fault.

    `by`: the sender, who answers from today on for the levels that name him.
    """
    before = {offer.level.name: offer for offer in own.levels} if own is not None else {}
    offers = []
    for place, offer in enumerate(body.levels):
        where, known = f"{at}[{place}]", before.get(offer.level.name)
        kept = known is not None and known.answered() == offer.answered()
        if offer.level.status == "V" and not kept:
            faults.add(f"{where}.status", "RULE_STATUS_V", "V", OWN_STATUSES)
        claim = offer.level.confirmed_by
        if known is not None and kept and claim in (None, known.level.confirmed_by):
            offers.append(replace(known, request=offer.request))
        elif claim is None:
            offers.append(offer.unconfirmed())
        elif by is not None and claim == by.name and offer.known:
            offers.append(offer.confirmed(by.name, day_of(by.now), None))
        else:
            faults.add(f"{where}.confirmed_by", "RULE_CONFIRMED_ELSEWHERE", claim)
            offers.append(offer.unconfirmed())
    return replace(body, levels=tuple(offers))


def create(tables: Tables, library: Library, body: Body, who: Who, sets: Sequence[str]) -> None:
    """Make a rule of somebody's own. Raises RuleConflict, RuleRefused."""
    check_id(library, body.id, sets)
    version = Version(
        number=1, body=body, retired=False, made=who.now, made_by=who.name, reason=who.reason
    )
    rule = LibraryRule(
        id=body.id, origin=None, domain=None, created=who.now, created_by=who.name, version=version
    )
    records.add_rule(tables, rule)
    _audit(tables, who, "RULE_CREATED", f"rule/{body.id}", {"version": 1})


def check_id(library: Library, id_: str, sets: Sequence[str]) -> None:
    """See that a rule of somebody's own may be called so. Raises RuleConflict, RuleRefused."""
    if id_ in library.rules:
        raise RuleConflict(rule=id_)
    if id_.partition(".")[0] in sets:
        raise RuleRefused([Problem("RULE_ID_SHIPPED", "", 0, "id", {"value": id_})])


def change(tables: Tables, library: Library, body: Body, who: Who, expected: int | None) -> None:
    """Make the next version; one that was retired holds again. Raises RuleUnknown, RuleConflict."""
    rule = _expected(library, body.id, expected)
    if body == rule.body and not rule.version.retired:
        raise RuleConflict("RULE_SAME", rule=body.id)
    _next(tables, rule, body, who, "RULE_CHANGED")


def confirm(
    tables: Tables,
    library: Library,
    id_: str,
    asked: Sequence[Confirming],
    who: Who,
    expected: int | None,
) -> None:
    """Answer for levels, with their figures. Raises RuleUnknown, RuleConflict, RuleRefused."""
    rule = _expected(library, id_, expected)
    if rule.version.retired:
        raise RuleConflict("RULE_RETIRED", rule=id_)
    offers = {offer.level.name: offer for offer in rule.body.levels}
    faults = Faults()
    for place, each in enumerate(asked):
        offer = offers.get(each.level)
        if any(each.level == other.level for other in asked[:place]):
            faults.add(f"levels[{place}].name", "RULE_TWICE", each.level)
        elif offer is None:
            faults.add(f"levels[{place}].name", "RULE_LEVEL_UNKNOWN", each.level, list(offers))
        elif not offer.known and each.limit is None:
            faults.add(f"levels[{place}].limit", "RULE_FIGURE_MISSING", each.level)
        else:
            offers[each.level] = _confirmed(offer, each, who)
    body = replace(rule.body, levels=tuple(offers.values()))
    read_body(body_document(body), "", faults)
    if faults.count:
        raise RuleRefused(faults.kept)
    _next(tables, rule, body, who, "RULE_CONFIRMED", ", ".join(each.level for each in asked))


def retire(tables: Tables, library: Library, id_: str, who: Who, expected: int | None) -> None:
    """Let a rule hold nowhere any more. Raises RuleUnknown, RuleConflict."""
    rule = _expected(library, id_, expected)
    if rule.version.retired:
        raise RuleConflict("RULE_RETIRED", rule=id_)
    _next(tables, rule, rule.body, who, "RULE_RETIRED")


def attach(tables: Tables, library: Library, each: Attachment) -> int:
    """Attach a rule, or end a family, and return the attachment's id. Raises RuleConflict."""
    for known in library.attached:
        if placed_as(known) == placed_as(each):
            raise RuleConflict("ATTACHMENT_SAME", id=known.id)
    number = records.add_attachment(tables, each)
    who = Who(each.by, each.since, each.reason)
    detail = {"family": each.family, "rule": each.rule, "scope": each.scope.name.lower()}
    action = "RULE_ATTACHED" if each.rule is not None else "RULE_ENDED_THERE"
    _audit(tables, who, action, f"attachment/{number}", detail | {"at": each.at})
    return number


def name_level(tables: Tables, library: Library, each: NamedLevel) -> int:
    """Give a place a figure, and return its number. Raises RuleConflict: it has that one."""
    for known in library.named:
        if figure_of(known) == figure_of(each):
            raise RuleConflict("NAMED_SAME", id=known.id)
    number = records.add_named(tables, each)
    who = Who(each.by, each.since, each.reason)
    detail = {"name": each.name, "scope": each.scope.name.lower(), "at": each.at}
    seasons = {"from": each.valid_from, "to": each.valid_to}
    figure = {"value": each.value, "unit": each.unit}
    _audit(tables, who, "LEVEL_NAMED", f"named-level/{number}", {**detail, **figure, **seasons})
    return number


def detach(tables: Tables, number: int, who: Who) -> None:
    """End an attachment. Raises AttachmentUnknown."""
    if not records.end(tables, "rule_attachment", number, (who.now, who.name, who.reason)):
        raise AttachmentUnknown(id=number)
    _audit(tables, who, "RULE_DETACHED", f"attachment/{number}", {})


def end_named(tables: Tables, number: int, who: Who) -> None:
    """End a named level. Raises AttachmentUnknown (NAMED_UNKNOWN)."""
    if not records.end(tables, "named_level", number, (who.now, who.name, who.reason)):
        raise AttachmentUnknown("NAMED_UNKNOWN", id=number)
    _audit(tables, who, "NAMED_LEVEL_ENDED", f"named-level/{number}", {})


def _confirmed(offer: Offer, asked: Confirming, who: Who) -> Offer:
    status = offer.level.status
    other = asked.limit is not None and (not offer.known or asked.limit != offer.level.limit)
    if other and offer.known and status in FOREIGN:  # no longer the figure of its source
        offer = replace(offer, level=replace(offer.level, status="S"))
    return offer.confirmed(who.name, day_of(who.now), asked.limit)


def _expected(library: Library, id_: str, expected: int | None) -> LibraryRule:
    rule = library.rules.get(id_)
    if rule is None:
        raise RuleUnknown(rule=id_)
    version = rule.version
    if expected is not None and expected != version.number:
        raise RuleConflict(
            "RULE_CHANGED_MEANWHILE", rule=id_, by=version.made_by, version=version.number
        )
    return rule


def _next(  # which rule, what it says now, who says so
    tables: Tables, rule: LibraryRule, body: Body, who: Who, action: str, levels: str = ""
) -> None:
    number = rule.version.number + 1
    version = Version(
        number=number,
        body=body,
        retired=action == "RULE_RETIRED",
        made=who.now,
        made_by=who.name,
        reason=who.reason,
    )
    records.add_version(tables, rule.id, version)
    detail: dict[str, Any] = {"version": number}
    _audit(tables, who, action, f"rule/{rule.id}", detail | ({"levels": levels} if levels else {}))


def placed_as(each: Attachment) -> tuple[object, ...]:
    """Return what makes two attachments the same."""
    return each.family, each.scope, each.at, each.rule, each.quantities


def figure_of(each: NamedLevel) -> tuple[object, ...]:
    """Return what a figure says, without who said it."""
    where = (each.name, each.scope, each.at, each.valid_from, each.valid_to)
    return *where, each.value, each.unit, each.label, each.source, each.clause


def _audit(tables: Tables, who: Who, action: str, subject: str, detail: Mapping[str, Any]) -> None:
    act = audit.Act(
        time=who.now,
        actor=who.name,
        action=action,
        subject=subject,
        detail={**detail, "reason": who.reason},
    )
    audit.append(tables, act)
