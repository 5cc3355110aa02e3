"""A rule is tried before it is made: where it would hold, and what it would say now."""

from typing import Annotated, Final

from fastapi import APIRouter

from central.api import rule_trial
from central.api.access import principal
from central.api.models import rule_trial as models
from central.api.rooms import House
from central.api.routes.rules import Keeper, everyones, person
from central.identity.principal import Principal
from central.identity.roles import Permission
from central.rules import acts
from central.rules.placing import check_attachment
from central.rules.trying import as_rule, tried
from protocols.alarms.attachment import Attachment, Scope

router: Final = APIRouter(prefix="/api/v1", tags=["rules"])
Reader = Annotated[Principal, principal(Permission.READ)]
REASON: Final = "trial"
"""Nothing is written of a trial: this is seen by nobody."""


@router.post("/rules/trial")
async def trial(who: Keeper, house: House, asked: models.AskedTrial) -> models.RuleTrial:
    """Say where a rule of one's own would hold and what it would say now; nothing is changed.

    Refused as the rule itself would be, and as its attachment would.
    """
    everyones(who)
    by, book = person(who, house, REASON), house.collector.rules
    body = acts.read_new(asked.rule, by=by)
    acts.check_id(book.library, body.id, [each.name for each in book.sets])
    attachment = Attachment(
        id=1 + max((each.id for each in book.library.attached), default=0),
        family=body.family,
        scope=Scope[asked.scope.upper()],
        at=asked.at,
        rule=body.id,
        quantities=frozenset(asked.quantities),
        since=by.now,
        by=by.name,
        reason=by.reason,
    )
    everywhere, rule = book.places(), as_rule(body, attachment)
    check_attachment(attachment, rule, everywhere)
    found = tried(book.library, rule, attachment, everywhere)
    store, now = house.collector.store, house.collector.clock.now()
    said = await store.ask(
        lambda view: rule_trial.judged(found, rule_trial.Looked(view, now), store.head)
    )
    return rule_trial.trial(said, everywhere, house.collector.registry, store.head)


@router.get("/profiles")
async def profiles(who: Reader, house: House) -> models.Profiles:
    """Return the device profiles that are connected, with what their points measure."""
    found: dict[str, list[str]] = {}
    for place in house.collector.rules.places():
        name = place.target.profile
        if name is not None and who.sees(place.target.site):
            found.setdefault(name, []).append(place.target.quantity)
    return models.Profiles(
        items=[
            models.Profile(name=name, points=len(measured), quantities=sorted(set(measured)))
            for name, measured in sorted(found.items())
        ]
    )
