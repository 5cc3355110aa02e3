"""The tables of the centre: numbered steps, forward only, each in its own transaction.

Never edit or rename a step that has been released: add the next one to the youngest module and to
`STEPS`, which holds the order. Times are microseconds UTC. What is said once (openings, evidence,
journals, ledgers) is never updated.
"""

import secrets
from collections.abc import Iterable
from typing import Final

from sqlite_utils import Database, Migrations

from central.calendar.migrations import m023_exemptions
from central.enrolment.migrations import enrolment
from central.identity.migrations import identity
from central.migrations import (
    alarms,
    backfills,
    backup,
    episodes,
    foundation,
    joining,
    lists,
    many,
    packs,
    peaks,
    people,
    proof,
    rules,
    store,
    tiers,
    windows,
)

STEPS: Final = (
    foundation.m001_collector,
    foundation.m002_registry,
    foundation.m003_ingest,
    foundation.m004_readings,
    foundation.m005_alarms,
    foundation.m006_indexes,
    backup.m007_backup,
    backup.m010_numbers,
    proof.m011_keys,
    proof.m013_evidence,
    proof.m014_door,
    proof.m015_clock,
    proof.m016_events,
    backup.m017_identity,
    proof.m018_signed_clock,
    proof.m020_voided,
    store.m021_store,
    tiers.m022_tiers,
    m023_exemptions,
    backup.m024_written,
    store.m025_set_aside,
    packs.m026_evidence_packs,
    backup.m027_backup_reason,
    store.m028_settled,
    alarms.m029_open_alarms,
    alarms.m030_rules_of_every_kind,
    rules.m031_rules,
    people.m032_people,
    joining.m033_gateway_standings,
    episodes.m034_storm,
    many.m035_many_alarms,
    peaks.m036_peaks,
    backfills.m037_backfills,
    joining.m038_heard_late,
    lists.m039_lists,
    windows.m040_windows,
    episodes.m041_figures,
)

collector = Migrations("collector")
for step in STEPS:
    collector()(step)

SETS: Final = (collector, identity, enrolment)


def migrate(tables: Database, now: int) -> str:
    """Apply what is missing and return the incarnation, minted with the file."""
    for migrations in SETS:
        migrations.apply(tables)
    with tables.atomic():
        tables.execute(
            "INSERT OR IGNORE INTO collector(key, value) VALUES ('incarnation', ?), ('created', ?)",
            [secrets.token_hex(16), str(now)],
        )
    row = tables.execute("SELECT value FROM collector WHERE key = 'incarnation'").fetchone()
    return str(row[0])


def newer_than_us(tables: Database) -> str | None:
    """Return the name of an applied step this program does not know, without writing."""
    return unknown_among(
        (migrations.name, applied.name)
        for migrations in SETS
        for applied in migrations.applied(tables)
    )


def unknown_among(applied: Iterable[tuple[str, str]]) -> str | None:
    """Return the name of a step among (set, name) that this program does not know."""
    known = {(each.name, step.name) for each in SETS for step in each._migrations}
    names = {each.name for each in SETS}
    return next((name for of, name in applied if of in names and (of, name) not in known), None)
