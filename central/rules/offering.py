"""Threshold sets come into the library when the collector starts: offered, never forced.

What is new is added, and meant for its domain. What a set says otherwise than before becomes the
rule's next version, with the confirmations of the levels that are as they were; a rule that people
have changed meanwhile stays as they made it.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from sqlite_utils import Database as Tables

from central.rules import records
from central.rules.acts import Who
from central.rules.body import Body
from central.rules.library import Library, LibraryRule, Version
from central.rules.threshold_sets import ThresholdSet
from protocols.alarms.attachment import Attachment, Scope

logger = logging.getLogger(__name__)


def offer(tables: Tables, sets: Sequence[ThresholdSet], now: int) -> Library:
    """Bring the library up to date with the sets and return it."""
    library = records.read_library(tables.conn)
    offered = dict(tables.conn.execute("SELECT id, offered FROM library_rule").fetchall())
    changed = False
    for each in sets:
        who = Who(each.origin, now, each.label.zh)
        for body in each.rules:
            text = records.body_text(body)
            if body.id not in offered:
                _add(tables, each, body, who)
            elif offered[body.id] != text:
                _renew(tables, library.rules.get(body.id), offered[body.id], body, who)
            else:
                continue
            changed = True
    return records.read_library(tables.conn) if changed else library


def _add(tables: Tables, each: ThresholdSet, body: Body, who: Who) -> None:
    version = Version(
        number=1, body=body, retired=False, made=who.now, made_by=who.name, reason=who.reason
    )
    rule = LibraryRule(
        id=body.id,
        origin=each.name,
        domain=each.domain,
        created=who.now,
        created_by=who.name,
        version=version,
    )
    records.add_rule(tables, rule, records.body_text(body))
    attachment = meant_for(each, body)
    if attachment is not None:
        records.add_attachment(tables, attachment)


def meant_for(each: ThresholdSet, body: Body) -> Attachment | None:
    """Return where a rule is meant as soon as it is offered: in its domain, if anywhere."""
    if not body.attach or not body.quantities:
        return None
    return Attachment(
        id=0,
        family=body.family,
        scope=Scope.DOMAIN,
        at=str(each.domain),
        rule=body.id,
        since=0,
        by=each.origin,
        reason=each.label.zh,
    )


def _renew(
    tables: Tables, rule: LibraryRule | None, before: str | None, body: Body, who: Who
) -> None:
    tables.execute(
        "UPDATE library_rule SET offered = ? WHERE id = ?", (records.body_text(body), body.id)
    )
    if rule is None or rule.version.retired or not records.is_as_offered(before, rule.body):
        logger.warning("threshold set %s offers another %s; it was left", who.name, body.id)
        return
    known = {each.level.name: each for each in rule.body.levels}
    levels = []
    for each in body.levels:
        own = known.get(each.level.name)
        kept = own is not None and own.answered() == each.answered()
        levels.append(replace(own, request=each.request) if own and kept else each)
    version = Version(
        number=rule.version.number + 1,
        body=replace(body, levels=tuple(levels)),
        retired=False,
        made=who.now,
        made_by=who.name,
        reason=who.reason,
    )
    records.add_version(tables, body.id, version)
