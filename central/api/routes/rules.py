"""Rules: what is offered, confirmed and retired, in versions, each with who, when and why.

Of everyone's rules only those may change who see every site.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from central.api import rule_shape
from central.api.access import principal
from central.api.errors import ApiError, not_found
from central.api.models import rules as models
from central.api.rooms import House, Rooms
from central.identity.principal import Principal
from central.identity.roles import Permission
from central.rules import acts, records
from central.rules.acts import Confirming, RuleUnknown, Who
from central.rules.library import LibraryRule
from protocols.alarms.attachment import Scope

router: Final = APIRouter(prefix="/api/v1", tags=["rules"])
Reader = Annotated[Principal, principal(Permission.READ)]
Keeper = Annotated[Principal, principal(Permission.RULES)]
Domain = Annotated[int | None, Query(ge=1, le=15)]
Active = Annotated[bool | None, Query()]
Text = Annotated[str | None, Query(max_length=100)]


@router.get("/threshold-sets")
async def threshold_sets(who: Reader, house: House) -> models.ThresholdSets:
    """Return the threshold sets that are offered, by domain."""
    book = house.collector.rules
    sets = [rule_shape.threshold_set(each, book.library) for each in book.sets]
    return models.ThresholdSets(sets=sets)


@router.get("/rules")
async def rules(
    who: Reader,
    house: House,
    origin: Text = None,
    domain: Domain = None,
    quantity: Text = None,
    active: Active = None,
) -> models.LibraryRules:
    """Return the rules of the library as they are now, by id."""
    library = house.collector.rules.library
    found = [
        rule
        for rule in library.rules.values()
        if origin in (None, rule.origin)
        and domain in (None, rule.domain)
        and (quantity is None or quantity in rule.body.quantities)
        and active in (None, rule.active)
    ]
    return models.LibraryRules(items=[rule_shape.library_rule(rule, library) for rule in found])


@router.get("/rules/{rule}")
async def rule(who: Reader, house: House, rule: str) -> models.LibraryRuleDetail:
    """Return one rule with its versions and where it is meant, what has ended too."""
    library = house.collector.rules.library
    if (found := library.rules.get(rule)) is None:
        raise RuleUnknown(rule=rule)
    versions, attached = await house.collector.db.read(
        lambda conn: (records.versions(conn, rule), records.attachments(conn, ended=True))
    )
    return models.LibraryRuleDetail(
        rule=rule_shape.library_rule(found, library),
        versions=[rule_shape.version(each) for each in versions],
        attachments=[
            rule_shape.attachment(each.attachment, each)
            for each in attached
            if each.attachment.rule == rule and seen(who, each.attachment.scope, each.attachment.at)
        ],
    )


@router.post("/rules", status_code=201)
async def create(who: Keeper, house: House, asked: models.NewRule) -> models.LibraryRule:
    """Make a rule of one's own; silent are its levels that do not name the caller as answering."""
    everyones(who)
    by, book = person(who, house, asked.reason), house.collector.rules
    body = acts.read_new(asked.rule, by=by)
    sets = [each.name for each in book.sets]
    await book.act(lambda tables, library: acts.create(tables, library, body, by, sets))
    return _now(house, body.id)


@router.put("/rules/{rule}")
async def change(
    who: Keeper, house: House, rule: str, asked: models.RuleChange
) -> models.LibraryRule:
    """Save the next version; a level that changed is silent unless it names the caller."""
    everyones(who)
    own = _known(house, rule)
    document: dict[str, Any] = {**asked.rule, "id": rule}
    by = person(who, house, asked.reason)
    body = acts.read_new(document, own.body, by)
    await house.collector.rules.act(
        lambda tables, library: acts.change(tables, library, body, by, asked.version)
    )
    return _now(house, rule)


@router.post("/rules/{rule}/confirm")
async def confirm(
    who: Keeper, house: House, rule: str, asked: models.RuleConfirmation
) -> models.LibraryRule:
    """Answer for levels, with their figures: they may raise from now on."""
    everyones(who)
    levels = [Confirming(each.name, each.limit) for each in asked.levels]
    by = person(who, house, asked.reason)
    await house.collector.rules.act(
        lambda tables, library: acts.confirm(tables, library, rule, levels, by, asked.version)
    )
    return _now(house, rule)


@router.post("/rules/{rule}/retire")
async def retire(
    who: Keeper, house: House, rule: str, asked: models.RuleRetirement
) -> models.LibraryRule:
    """Let a rule hold nowhere any more; its alarms return."""
    everyones(who)
    by = person(who, house, asked.reason)
    await house.collector.rules.act(
        lambda tables, library: acts.retire(tables, library, rule, by, asked.version)
    )
    return _now(house, rule)


@router.get("/points/{site}/{gateway}/{device}/{point}/rules")
async def of_point(
    who: Reader, house: House, site: str, gateway: str, device: str, point: str
) -> models.PointRules:
    """Return which rules hold for a point: from where, over which others, and why."""
    name, book = f"{site}/{gateway}/{device}/{point}", house.collector.rules
    record = house.collector.registry.point(name)
    place = book.place(name) if record is not None and who.sees(site) else None
    if record is None or place is None:
        raise not_found("point", name)
    everywhere = book.places() if book.resolver.any_several else ()
    return rule_shape.point_rules(place, record.limits, book.resolver, everywhere)


def person(who: Principal, house: Rooms, reason: str) -> Who:
    """Return who acts, when and why."""
    return Who(who.name, house.desk.clock.now(), reason)


def site_of(scope: Scope, at: str) -> str | None:
    """Return the site of a place; None: it is everyone's."""
    return None if scope in (Scope.DOMAIN, Scope.PROFILE) else at.partition("/")[0]


def seen(who: Principal, scope: Scope, at: str) -> bool:
    """Return whether somebody may see what is attached or named at a place."""
    site = site_of(scope, at)
    return site is None or who.sees(site)


def everyones(who: Principal) -> None:
    """See that somebody may change everyone's rules. Raises ApiError."""
    if not who.sees_all:
        raise ApiError(403, "FORBIDDEN", permission=Permission.RULES.value)


def _known(house: Rooms, rule: str) -> LibraryRule:
    found = house.collector.rules.library.rules.get(rule)
    if found is None:
        raise RuleUnknown(rule=rule)
    return found


def _now(house: Rooms, rule: str) -> models.LibraryRule:
    return rule_shape.library_rule(_known(house, rule), house.collector.rules.library)
