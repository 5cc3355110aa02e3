"""The library and the places as the database has them: for commands, beside a collector or without.

Nothing is watched and no engine follows: what is changed here is marked, and the collector takes it
up when it starts. Without a database there is what the threshold sets offer, and nothing connected.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from sqlite_utils import Database as Tables

from central.database import Database
from central.registry import read_entry
from central.rules import records
from central.rules.library import Library, LibraryRule, Version
from central.rules.meant import Place
from central.rules.offering import meant_for, offer
from central.rules.resolving import Resolver, domain_number, places
from central.rules.rulebook import UNSETTLED
from central.rules.threshold_sets import ThresholdSet, load_sets
from protocols.alarms.rule import Level
from protocols.clock import Clock

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class ReadBook:
    """What stands: `limits` are those the manifests bring, by point."""

    sets: Sequence[ThresholdSet]
    library: Library
    everywhere: Sequence[Place] = ()
    limits: Mapping[str, tuple[Level, ...]] = field(default_factory=dict)

    @property
    def resolver(self) -> Resolver:
        """What tells which rules hold, and why."""
        return Resolver(self.library)

    def places(self) -> Sequence[Place]:
        """Return every point there is."""
        return self.everywhere


@dataclass(frozen=True, slots=True)
class AloneBook:
    """The same while no collector runs, and it can be changed."""

    read: ReadBook
    db: Database

    @property
    def sets(self) -> Sequence[ThresholdSet]:
        """What is offered."""
        return self.read.sets

    @property
    def library(self) -> Library:
        """What stood when it was opened."""
        return self.read.library

    def places(self) -> Sequence[Place]:
        """Return every point there is."""
        return self.read.everywhere

    async def act(self, work: Callable[[Tables, Library], Done]) -> Done:
        """Do what `work` does to the library as one transaction; the engine follows later."""

        def write(tables: Tables) -> Done:
            done = work(tables, records.read_library(tables.conn))
            tables.execute(
                "INSERT OR REPLACE INTO collector(key, value) VALUES (?, '1')", [UNSETTLED]
            )
            return done

        return await self.db.write(write)


def sets_of(folder: Path | None) -> tuple[ThresholdSet, ...]:
    """Return the threshold sets that are offered. Raises ConfigError with every fault of theirs."""
    return () if folder is None else load_sets(folder)


def read_book(conn: sqlite3.Connection, sets: Sequence[ThresholdSet]) -> ReadBook:
    """Return what stands in a database; what was never offered to it yet is offered here."""
    library = _with_offers(records.read_library(conn), sets)
    found: list[Place] = []
    limits: dict[str, tuple[Level, ...]] = {}
    fields: dict[str, int] = {}
    names = conn.execute("SELECT name FROM gateway ORDER BY created, name").fetchall()
    for (name,) in names:
        entry = read_entry(conn, name)
        if entry is None or entry.manifest is None:
            continue
        manifest = entry.manifest
        for site in manifest.sites:
            fields.setdefault(site.name, domain_number(site.domain))
        found += places(manifest, entry.numbers, fields)
        for index, point in enumerate(manifest.points):
            limits[str(manifest.point_id(index))] = tuple(point.limits)
    return ReadBook(sets, library, found, limits)


def offered_book(sets: Sequence[ThresholdSet]) -> ReadBook:
    """Return what a collector has that was never started."""
    return ReadBook(sets, _with_offers(Library(), sets))


async def alone(db: Database, sets: Sequence[ThresholdSet], clock: Clock) -> AloneBook:
    """Return the library of a stopped collector, with what the sets offer in it."""
    await db.write(lambda tables: offer(tables, sets, clock.now()))
    return AloneBook(await db.read(lambda conn: read_book(conn, sets)), db)


def _with_offers(library: Library, sets: Sequence[ThresholdSet]) -> Library:
    rules, attached = dict(library.rules), list(library.attached)
    for each in sets:
        for body in each.rules:
            if body.id in rules:
                continue
            version = Version(
                number=1, body=body, retired=False, made=0, made_by=each.origin, reason=""
            )
            rules[body.id] = LibraryRule(
                id=body.id,
                origin=each.name,
                domain=each.domain,
                created=0,
                created_by=each.origin,
                version=version,
            )
            attachment = meant_for(each, body)
            if attachment is not None:
                attached.append(attachment)
    ordered = dict(sorted(rules.items()))
    return replace(library, rules=ordered, attached=tuple(attached))
