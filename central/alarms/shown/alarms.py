"""Alarms as people ask for them: lists, one with its history, acknowledging. Lives on the loop."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from central.alarms.acts import overlays, said
from central.alarms.acts.acting import EpisodeUnknown, Office
from central.alarms.acts.asked import Answer, Deed, Outcome, Wish
from central.alarms.acts.overlays import Laid
from central.alarms.acts.said import Said
from central.alarms.engine import Engine
from central.alarms.figures import kpi_source
from central.alarms.figures.kpis import Kpis, Period, kpis
from central.alarms.journal.episode import (
    Episode,
    EpisodeDetail,
    EpisodeFilter,
    EpisodePage,
)
from central.alarms.journal.peaks import Peaks
from central.alarms.journal.records import EpisodeRow, read_levels
from central.alarms.settings import USUAL, Acting
from central.alarms.shown import around, located, messages
from central.alarms.shown.around import Around
from central.alarms.shown.listing import COUNTED, Resolved, in_ids
from central.alarms.shown.messages import Heard
from central.alarms.shown.sought import Sought
from central.alarms.shown.trend import Trends
from central.alarms.shown.view import CALM, Beside, Names, Now, view
from central.database import Database, StorageError, Urgency
from central.effects import Effects
from central.near import TooMuch
from central.reader import QueryTooLong
from central.store.interface import Store
from protocols.alarms.rule import Level
from protocols.alarms.state import State

KPI_DEADLINE: Final = 30.0
"""Real seconds the journal of a period may take to be read: a bad year is half a million alarms."""
PORTION: Final = 64
"""Episodes of a list between two turns of the event loop."""


class Alarms:
    """Episodes joined with the names and newest readings of their points."""

    def __init__(
        self,
        db: Database,
        engine: Engine,
        names: Names,
        store: Store,
        tell: Callable[[Effects], None],
        settings: Acting = USUAL,
    ) -> None:
        self._db = db
        self._engine = engine
        self._office = Office(engine, settings)
        self.schedule: Callable[[int | None], None] = lambda _: None
        """Told when the engine's next timer is due, after an act."""
        self._names = names
        self._store = store
        self._tell = tell
        self.now: Callable[[EpisodeRow], Now] = lambda _: CALM
        self.trends = Trends()
        self._sought = Sought(names)
        self._counting = asyncio.Lock()
        self.peaks = Peaks(db, store.ask, lambda rows: self.changed(rows, ()))
        self._ladders: dict[str, tuple[Level, ...]] = {}
        self._laid: dict[str, Laid] = {}
        self._said: dict[int, Said] = {}

    async def load(self) -> None:
        """Read every rule's ladder (the engine's own are held once), and what people did."""
        self._ladders = await self._db.write(
            lambda tables: _resting(tables.conn) | self._engine.ladders(tables.conn)
        )
        self._laid = await self._db.read(overlays.laid)
        self._said = await self._db.read(said.newest)
        await self.peaks.load()

    def put_ladders(self, ladders: Mapping[str, tuple[Level, ...]]) -> None:
        """Take ladders that a manifest changed, after the commit."""
        self._ladders.update(ladders)

    def ladder(self, rule: str) -> tuple[Level, ...]:
        """Return a rule's levels from least to most severe."""
        return self._ladders.get(rule, ())

    def put_laid(self, changed: Iterable[Laid]) -> None:
        """Take what lies over rules now, after the commit."""
        for laid in changed:
            if laid.layers:
                self._laid[laid.rule] = laid
            else:
                self._laid.pop(laid.rule, None)

    async def episodes(self, asked: EpisodeFilter | None = None) -> EpisodePage:
        """Return a page of episodes. Raises FilterUnknown, CursorUnknown, CursorElsewhere."""
        asked = asked or EpisodeFilter()
        found = partial(around.page, asked=asked, resolve=self._resolving(asked))
        page, known, heard, near = await self._db.read(found)
        items: list[Episode] = []
        for row in page.rows:
            seen = self._view(row, known.get(row.number, _NOTHING))
            items.append(self._shown(seen, near[row.number], heard[row.number]))
            if len(items) % PORTION == 0:
                await asyncio.sleep(0)
        return EpisodePage(
            items=tuple(items),
            total=min(page.counted, COUNTED),
            next=page.next,
            more=page.counted > COUNTED,
        )

    async def episode(self, id: str) -> EpisodeDetail | None:  # noqa: A002
        """Return one episode with its journal and what people said of it, or None."""
        found = await self._db.read(lambda conn: around.detail(conn, id))
        if found is None:
            return None
        row, detail, near = found
        known = Said(detail.verifications[-1] if detail.verifications else None)
        known = known._replace(comments=len(detail.comments))
        heard = detail.heard
        head = self._store.head(row.point)
        end = row.returned if row.returned is not None else head.source_time if head else row.raised
        # What came late counts too; what the store has given up since is still kept.
        peak = await self.peaks.at(row, heard.kind, end) or heard.peak
        heard = heard if row.returned is None else heard._replace(peak=peak)
        return EpisodeDetail(
            episode=self._shown(self._view(row, known), near, heard),
            journal=detail.journal,
            levels=self.ladder(row.rule),
            verifications=detail.verifications,
            comments=detail.comments,
            peak=peak,
        )

    async def do(self, wish: Wish) -> Answer:
        """Do what a person asks; the same key again is answered the same.

        Raises EpisodeUnknown, RuleUnknown, ShelfRequestUnknown, or IllegalTransition with what
        stands in the way: ALREADY_ACKNOWLEDGED (`by`, `at`), KEY_USED, ACT_... and SHELF_...
        """
        (answer,) = await self.do_all([wish])
        if answer.refused is not None:
            raise answer.refused
        return answer

    async def do_all(self, wishes: Sequence[Wish]) -> list[Answer]:
        """Do several in one transaction, each with an outcome of its own."""
        outcomes = await self._db.write(
            lambda tables: self._office.do_all(tables, wishes), self._after, urgency=Urgency.URGENT
        )
        return [self._answer(each) for each in outcomes]

    async def acknowledge(self, id: str, person: str, comment: str, key: str, now: int) -> Episode:  # noqa: A002
        """Acknowledge an episode: `do` with this deed alone."""
        wish = Wish(
            deed=Deed.ACKNOWLEDGE,
            person=person,
            key=key,
            now=now,
            acted=now,
            alarm=id,
            text=comment,
        )
        answer = await self.do(wish)
        if answer.episode is None:
            raise EpisodeUnknown(episode=id)
        return answer.episode

    def _after(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            self._said.update(outcome.said)
            self.changed(outcome.rows, outcome.laid)
            if outcome.due is not None:
                self.schedule(outcome.due[0])

    def changed(self, rows: Iterable[EpisodeRow], laid: Sequence[Laid]) -> None:
        """Tell of changed episodes and of what lies over rules, after the commit."""
        self.put_laid(laid)
        effects = Effects(episodes=self.views(rows), overlays=list(laid))
        if effects.episodes or effects.overlays:
            self._tell(effects)

    def _answer(self, outcome: Outcome) -> Answer:
        return Answer(
            episode=None if outcome.row is None else self._answered(outcome.row),
            laid=outcome.over,
            refused=outcome.refused,
            request=outcome.request,
            changed=outcome.changed,
        )

    async def kpis(self, period: Period, sites: frozenset[str] | None) -> Kpis:
        """Return how good the alarms of a period were, at `sites` (None: everywhere).

        One after another, so that lists always find a reader. Raises TooManyAlarms, QueryTooLong.
        """
        colours = {
            (rule, level.name): int(level.colour)
            for rule, levels in self._ladders.items()
            for level in levels
        }
        async with self._counting:
            return await self._db.read(
                lambda conn: kpis(
                    *kpi_source.read(conn, period.start, period.end, sites, colours), period
                ),
                KPI_DEADLINE,
            )

    async def sites(self, alarms: Sequence[str]) -> dict[str, str]:
        """Return the sites of episodes, by id; those that are not there are left out."""
        return await self._db.read(lambda conn: located.sites(conn, alarms))

    async def place(
        self, *, alarm: str | None = None, rule: str | None = None
    ) -> tuple[str, str] | None:
        """Return the site and the point at which an episode or a rule is shown, or None."""
        number = await self._db.read(lambda conn: located.point_of(conn, alarm, rule))
        point = None if number is None else self._names.by_number(number)
        return None if point is None else (point.site, point.id)

    def overlays(self) -> list[Laid]:
        """Return every rule that is not free, by what lies over it."""
        return sorted(self._laid.values(), key=lambda each: (each.layers[0].name, each.rule))

    def views(self, rows: Iterable[EpisodeRow]) -> list[Episode]:
        """Return episodes as people see them."""
        return [self._view(row, self._said.get(row.number, _NOTHING)) for row in rows]

    async def with_told(self, changed: Sequence[Episode]) -> list[Episode]:
        """Return episodes with what people are told of them, and what stands around them.

        Looked up on the event loop where that is a moment's work.
        """
        ids = [each.id for each in changed]
        found: dict[str, tuple[Around, Heard]] = {}
        with suppress(StorageError, QueryTooLong):  # counted; what is told then is what it says
            found = await self._db.glance(lambda conn: around.told(conn, ids))
        alone = around.ALONE, messages.NOTHING
        return [self._shown(each, *found.get(each.id, alone)) for each in changed]

    def _answered(self, row: EpisodeRow) -> Episode:
        (episode,) = self.views([row])
        try:
            near = self._db.near(lambda conn: around.of(conn, [row.number]))
        except TooMuch:
            return episode
        return self._shown(episode, near[row.number])

    def _shown(self, episode: Episode, near: Around, heard: Heard | None = None) -> Episode:
        gateway = None if near.fault is None else self._names.entry(near.fault.gateway)
        return around.shown(episode, near, gateway, heard, self.ladder(episode.rule))

    def _view(self, row: EpisodeRow, known: Said) -> Episode:
        active = row.state in (State.UNACK, State.ACKED)
        ahead = (
            self.trends.next_threshold(row.point, self.ladder(row.rule), row.level)
            if active
            else None
        )
        laid = self._laid.get(row.rule)
        beside = Beside(laid.layers if laid else (), *known)
        return view(row, self._names, self._store.head(row.point), ahead, beside, self.now(row))

    def _resolving(self, asked: EpisodeFilter) -> Callable[[], Resolved]:
        """Return what finds the sites and points that names of a filter stand for.

        It may take long, and is called where the list is read.
        """
        sites = asked.sites
        if asked.domain is not None:
            within = {each.name for each in self._names.sites() if each.domain == asked.domain}
            sites = frozenset(within if sites is None else sites & within)
        if not asked.q and asked.object is None:
            return lambda: Resolved(sites, None, None)
        points = self._sought.snapshot()
        return lambda: Resolved(
            sites,
            None if asked.object is None else points.of_object(asked.object),
            points.called(asked.q) if asked.q else None,
            in_ids=bool(asked.q) and in_ids(asked.q),
        )


_NOTHING: Final = Said()


def _resting(conn: sqlite3.Connection) -> dict[str, tuple[Level, ...]]:
    rows = conn.execute("SELECT id, levels FROM rule WHERE NOT active")
    return {id_: read_levels(levels) for id_, levels in rows}
