"""The library in service: acts of people on it, and the engine always has what follows from it.

Lives on the event loop, like the registry. Whatever changes (a rule, a confirmation, where one is
meant, a manifest), what follows is worked out from what stands and only differences go to the
engine. That a change has not reached it yet is written with the change, so that a collector that
dies in between does it when it starts.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from sqlite_utils import Database as Tables

from central.alarms.engine import Engine
from central.alarms.rules.wanted import LIBRARY, Wanted, of_manifest, placed, source_of
from central.database import Database
from central.ingest.manifests import PORTION, Opened, opened_by
from central.registry import Entry, Registry
from central.rules import records
from central.rules.library import Library
from central.rules.meant import Place
from central.rules.offering import offer
from central.rules.resolving import Resolved, Resolver, domain_number, places
from central.rules.threshold_sets import ThresholdSet, load_sets
from protocols.clock import Clock
from protocols.errors import ConfigError
from protocols.problems import as_line
from protocols.wire.manifest import Manifest

logger = logging.getLogger(__name__)

Done = TypeVar("Done")
UNSETTLED: Final = "rules_unsettled"


class RulesBehind(NamedTuple):
    """What the rulebook works with; `taken` hears on the loop what rules led to."""

    db: Database
    engine: Engine
    registry: Registry
    clock: Clock
    taken: Callable[[Opened], None]


class Rulebook:
    """Answers from memory; see the module's promises."""

    def __init__(self, behind: RulesBehind, folder: Path | None) -> None:
        self._behind = behind
        self._folder = folder
        self.sets: tuple[ThresholdSet, ...] = ()
        self._resolver = Resolver(Library())
        self._of: dict[str, Resolved] = {}
        """What was taken for each gateway; "" for objects, which may have points of several."""
        self._changed: set[str] = set()
        self._dropped: dict[str, frozenset[str]] = {}
        """Of a manifest that is on its way: which of its rules were left out."""
        self._settling = asyncio.Lock()
        self._broken = False
        """Whether the engine was not told all: it is told everything next time."""
        self.changes = 0
        """Counts how often other rules may have followed than before."""

    @property
    def library(self) -> Library:
        """What stands."""
        return self._resolver.library

    async def load(self) -> None:
        """Take the threshold sets in, and see that the engine has what follows."""
        self.sets = _sets(self._folder)
        now = self._behind.clock.now()
        library, whole = await self._behind.db.write(
            lambda tables: (offer(tables, self.sets, now), _is_unsettled(tables))
        )
        self._resolver = Resolver(library)
        await self._settle(self._behind.registry.names(), whole=whole, first=True)

    def described(self, gateway: str) -> None:
        """Take that a gateway's manifest is another (on the loop, after the commit)."""
        self._changed.add(gateway)

    def masked(self, manifest: Manifest) -> frozenset[str]:
        """Return which of a manifest's own rules give way to the library's, and remember it."""
        numbers = [0] * len(manifest.points)
        fields = self._fields(manifest)
        dropped = self._resolver.of_manifest(manifest, numbers, fields).masked
        self._dropped[manifest.gateway] = dropped
        return dropped

    async def act(self, work: Callable[[Tables, Library], Done]) -> Done:
        """Do what `work` does to the library as one transaction, and what follows at once."""

        def write(tables: Tables) -> tuple[Done, Library]:
            done = work(tables, records.read_library(tables.conn))
            tables.execute(
                "INSERT OR REPLACE INTO collector(key, value) VALUES (?, '1')", [UNSETTLED]
            )
            return done, records.read_library(tables.conn)

        def after(written: tuple[Done, Library]) -> None:
            self._resolver = Resolver(written[1])

        done, _ = await self._behind.db.write(write, after)
        await self._settle(self._behind.registry.names())
        return done

    async def settle(self) -> None:
        """Let the engine have what follows from the manifests that changed."""
        if self._changed or self._broken:
            await self._settle(())

    def place(self, point: str) -> Place | None:
        """Return a point with all that rules go by."""
        record = self._behind.registry.point(point)
        entry = None if record is None else self._behind.registry.entry(record.gateway)
        found = () if entry is None else self._places(entry)
        return next((each for each in found if each.target.point == point), None)

    def places(self) -> list[Place]:
        """Return every point there is."""
        registry = self._behind.registry
        found = (registry.entry(name) for name in registry.names())
        return [place for entry in found if entry is not None for place in self._places(entry)]

    @property
    def resolver(self) -> Resolver:
        """What tells which rules hold, and why."""
        return self._resolver

    def resolved(self, gateway: str) -> Resolved:
        """Return what the library has for a gateway's points."""
        return self._of.get(gateway, Resolved())

    @property
    def objects(self) -> dict[str, Wanted]:
        """Return the library's rules of several inputs, by their ids."""
        return self._of[""].wanted if "" in self._of else {}

    def wanted(self) -> dict[str, Wanted]:
        """Return every rule of the library that the engine has, by its id there."""
        return {id_: each for known in self._of.values() for id_, each in known.wanted.items()}

    async def _settle(
        self, gateways: Iterable[str], *, whole: bool = False, first: bool = False
    ) -> None:
        """Let the engine have what follows for these gateways, and for all objects.

        `whole`: nothing is known of what it has; `first`: it may have what nobody wants any more.
        """
        async with self._settling:
            again, self._changed = self._changed, set()
            if self._broken:
                gateways, whole = self._behind.registry.names(), True
            self._broken = True
            await self._bring(gateways, again, whole=whole, first=first)
            self._broken = False
            self.changes += 1

    async def _bring(
        self, gateways: Iterable[str], again: Collection[str], *, whole: bool, first: bool
    ) -> None:
        due = _Due(lost=first or whole, unsettled=whole or not again)
        for name in sorted({*gateways, *again}):
            entry = self._behind.registry.entry(name)
            if entry is None or entry.manifest is None:
                continue
            fields = self._fields(entry.manifest)
            resolve = self._resolver.of_manifest
            # A rule for a city's every point takes a second, and the loop has others to serve.
            fresh = await asyncio.to_thread(resolve, entry.manifest, entry.numbers, fields)
            known = self._of.get(name, Resolved())
            if name in again:  # its own were taken as they were masked then
                due.lost = due.lost or bool(known.wanted)
                known = Resolved({}, self._dropped.pop(name, frozenset()))
            due.add(entry, known, fresh, whole=whole or (first and bool(fresh.masked)))
            self._of[name] = fresh
        everywhere = self.places() if self._resolver.any_several else ()
        objects = Resolved(self._resolver.of_objects(everywhere))
        due.add(None, self._of.get("", Resolved()), objects)
        self._of[""] = objects
        await self._write(due)

    async def _write(self, due: "_Due") -> None:
        behind, take = self._behind, [*due.take, *due.back]
        for at in range(0, len(take), PORTION):
            await behind.db.write(partial(self._take, take[at : at + PORTION]), behind.taken)
        if due.lost:
            kept = frozenset(self.wanted())
            await behind.db.write(partial(self._retire, LIBRARY, kept), behind.taken)
        for entry in due.masked:
            own = {each.definition.rule.id for each in _own(entry, None)}
            kept = frozenset(own - self._of[entry.name].masked)
            retire = partial(self._retire, source_of(entry.name), kept)
            await behind.db.write(retire, behind.taken)
        if due.unsettled:
            await behind.db.write(_settled)

    def _take(self, portion: Sequence[Wanted], tables: Tables) -> Opened:
        engine = self._behind.engine
        return opened_by(engine, engine.take_rules(tables, portion, self._behind.clock.now()))

    def _retire(self, source: str, kept: Iterable[str], tables: Tables) -> Opened:
        engine = self._behind.engine
        now = self._behind.clock.now()
        return opened_by(engine, engine.retire_rules(tables, source, frozenset(kept), now))

    def _fields(self, manifest: Manifest) -> dict[str, int]:
        found = {site.name: domain_number(site.domain) for site in manifest.sites}
        for name in found:
            site = self._behind.registry.site(name)
            if site is not None:
                found[name] = domain_number(site.domain)
        return found

    def _places(self, entry: Entry) -> list[Place]:
        if entry.manifest is None:
            return []
        return places(entry.manifest, entry.numbers, self._fields(entry.manifest))


@dataclass(slots=True)
class _Due:
    """What the engine has to be told, in this order."""

    take: list[Wanted] = field(default_factory=list)
    back: list[Wanted] = field(default_factory=list)
    masked: list[Entry] = field(default_factory=list)
    """Gateways whose own rules some others take the place of."""
    lost: bool = False
    unsettled: bool = False

    def add(
        self, entry: Entry | None, known: Resolved, fresh: Resolved, *, whole: bool = False
    ) -> None:
        """Add what differs; `whole`: of the gateway's own rules nothing is known."""
        self.take += _other(known, fresh)
        self.lost = self.lost or not known.wanted.keys() <= fresh.wanted.keys()
        if entry is None:
            return
        back = None if whole else known.masked - fresh.masked
        if back is None or back:
            self.back += [
                each for each in _own(entry, back) if each.definition.rule.id not in fresh.masked
            ]
        if whole or fresh.masked - known.masked:
            self.masked.append(entry)


def _settled(tables: Tables) -> None:
    tables.execute("DELETE FROM collector WHERE key = ?", [UNSETTLED])


def _other(known: Resolved, fresh: Resolved) -> list[Wanted]:
    return [each for id_, each in fresh.wanted.items() if known.wanted.get(id_) != each]


def _own(entry: Entry, ids: frozenset[str] | None) -> list[Wanted]:
    """Return a manifest's own rules; `ids`: only these."""
    if entry.manifest is None:
        return []
    rules = [each for each in of_manifest(entry.manifest) if ids is None or each.rule.id in ids]
    return placed(rules, dict(enumerate(entry.numbers)), entry.name)


def _is_unsettled(tables: Tables) -> bool:
    row = tables.execute("SELECT 1 FROM collector WHERE key = ?", [UNSETTLED]).fetchone()
    return row is not None


def _sets(folder: Path | None) -> tuple[ThresholdSet, ...]:
    """Return the threshold sets; none, with every fault in the log, where they cannot be used."""
    if folder is None:
        return ()
    try:
        return load_sets(folder)
    except ConfigError as exc:
        logger.error("threshold sets in %s are not loaded", folder)  # noqa: TRY400
        for problem in exc.problems:
            logger.error("%s", as_line(problem))  # noqa: TRY400
        return ()
