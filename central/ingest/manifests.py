"""Manifests on their way into the tables: decoded and worked out away from the writer.

What a large manifest changes is written in portions, each a transaction: first its rules, a few
hundred at a time, then that it is current. So no alarm waits behind it. A collector that dies in
between has some rules of it early; the gateway opens its stream again, and the rest follows.
"""

import asyncio
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final
from weakref import WeakValueDictionary

import numpy as np
from sqlite_utils import Database as Tables

from central.alarms.acts.overlays import Laid
from central.alarms.engine import Engine
from central.alarms.journal.records import EpisodeRow
from central.alarms.rules.ruleset import Taken
from central.alarms.rules.wanted import OfManifest, of_manifest, placed
from central.database_queue import Urgency
from central.effects import CollectorEvent
from central.registry import Entry, number_points
from protocols.alarms.rule import Level
from protocols.errors import IngestError
from protocols.wire.manifest import Manifest, decode_manifest

PORTION: Final = 400
"""Rules one transaction takes."""
REMEMBERED: Final = 100_000
"""Points of manifests that were seen last and may be asked for again."""


@dataclass(frozen=True, slots=True)
class Described:
    """A manifest and the rules it asks for."""

    digest: str
    body: bytes
    manifest: Manifest
    rules: list[OfManifest]

    def portions(self) -> list[list[OfManifest]]:
        """Return the rules in portions of one transaction."""
        return [self.rules[at : at + PORTION] for at in range(0, len(self.rules), PORTION)]

    def without(self, ids: Collection[str]) -> "Described":
        """Return it without some of its rules."""
        if not ids:
            return self
        return replace(self, rules=[each for each in self.rules if each.rule.id not in ids])


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What opening a stream or sending a manifest led to.

    `news` is the digest of the manifest that would become current: its rules have to be taken
    first, and nothing was done yet.
    """

    entry: Entry | None = None
    ladders: dict[str, tuple[Level, ...]] | None = None
    episodes: tuple[EpisodeRow, ...] = ()
    laid: tuple[Laid, ...] = ()
    due: int | None = None
    events: tuple[CollectorEvent, ...] = ()
    error: IngestError | None = None
    news: str | None = None


class Manifests:
    """The manifests seen last; asked by several threads."""

    def __init__(self) -> None:
        self._known: dict[str, Described] = {}
        self._points = 0
        self._lock = threading.Lock()

    def get(self, digest: str) -> Described | None:
        """Return the manifest of that digest, if it is remembered."""
        with self._lock:
            return self._known.get(digest)

    def describe(self, digest: str, body: bytes) -> Described:
        """Decode a manifest and work out its rules. Raises WireError."""
        manifest = decode_manifest(body)
        described = Described(digest, body, manifest, of_manifest(manifest))
        with self._lock:
            if digest not in self._known:
                self._known[digest] = described
                self._points += len(manifest.points)
            while self._points > REMEMBERED and len(self._known) > 1:
                oldest = next(iter(self._known))
                self._points -= len(self._known.pop(oldest).manifest.points)
        return described

    def forget(self, digest: str) -> None:
        """Let go of a manifest whose rules are taken: the tables have it."""
        with self._lock:
            known = self._known.pop(digest, None)
            self._points -= 0 if known is None else len(known.manifest.points)


class Change(asyncio.Lock):
    """Held by one change of a gateway's rules from its first portion to its last."""

    urgency = Urgency.PATIENT
    """That of the most urgent who waits for it: no alarm stream waits behind a patient one."""


class Changes:
    """The changes under way: two of one gateway whose portions took turns would leave both."""

    def __init__(self) -> None:
        self._of: WeakValueDictionary[str, Change] = WeakValueDictionary()

    def of(self, gateway: str, urgency: Urgency) -> Change:
        """Return what whoever changes the gateway's rules has to hold."""
        change = self._of.setdefault(gateway, Change())
        change.urgency = min(change.urgency, urgency)
        return change


def keep(tables: Tables, described: Described, now: int) -> Opened:
    """Keep a manifest as it came and number its points; a gateway's first is news."""
    manifest = described.manifest
    tables.conn.execute(
        "INSERT OR IGNORE INTO manifest(digest, gateway, received, body) VALUES (?, ?, ?, ?)",
        (described.digest, manifest.gateway, now, described.body),
    )
    keep_numbers(tables, described.digest, number_points(tables, manifest))
    current = tables.conn.execute(
        "SELECT manifest FROM gateway WHERE name = ?", (manifest.gateway,)
    ).fetchone()
    first = current is not None and current[0] is None
    return Opened(news=described.digest if first else None)


def keep_numbers(tables: Tables, digest: str, numbers: Sequence[int]) -> bytes:
    """Keep the numbers of a manifest's points, which never change, beside it; return them so."""
    kept = np.array(numbers, "<i8").tobytes()
    tables.conn.execute(
        "UPDATE manifest SET numbers = ? WHERE digest = ? AND numbers IS NULL", (kept, digest)
    )
    return kept


def take_portion(
    tables: Tables, engine: Engine, described: Described, portion: list[OfManifest], now: int
) -> Opened:
    """Take some of a manifest's rules before it is current."""
    (kept,) = tables.conn.execute(
        "SELECT numbers FROM manifest WHERE digest = ?", (described.digest,)
    ).fetchone()
    if kept is None:  # by an older collector
        kept = keep_numbers(tables, described.digest, number_points(tables, described.manifest))
    every = np.frombuffer(kept, "<i8")
    numbers = {each.place: int(every[each.place]) for each in portion}
    rules = placed(portion, numbers, described.manifest.gateway)
    return opened_by(engine, engine.take_rules(tables, rules, now))


def opened_by(engine: Engine, taken: Taken, entry: Entry | None = None) -> Opened:
    """Return what listeners are told of rules that were taken or let go."""
    return Opened(
        entry=entry,
        ladders={tracked.rule.id: tracked.rule.levels for tracked in taken.tracked},
        episodes=tuple(taken.episodes),
        laid=tuple(taken.laid),
        due=engine.due(),
    )
