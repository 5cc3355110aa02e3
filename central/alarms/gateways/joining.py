"""Alarms that a gateway found itself become one episode with what its readings lead to here.

A gateway's event never touches a rule's condition, which is the readings' alone; it moves the alarm
for as long as the readings have not come, and only what is fresh does. What is over when we hear of
it is a complete late episode and calls nobody. Readings that bear out what was said confirm the
episode instead of opening another (`borne_out`); where they came and do not, it is marked
unconfirmed and stays. Acknowledged is acknowledged at either side; the earlier wins.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from sqlite_utils import Database as Tables

from central.alarms.acts.acted import Acknowledge
from central.alarms.acts.overlays import Laid
from central.alarms.engine import Engine, Judged
from central.alarms.gateways import standings
from central.alarms.gateways.settling import FRESH, RECENT, Settling, place_of
from central.alarms.gateways.standings import StandingRow
from central.alarms.journal.episode import Acknowledgement
from central.alarms.journal.records import EpisodeRow
from central.alarms.moves import Moves
from central.alarms.rules.belonging import belongs
from central.alarms.tracked import Tracked
from protocols.alarms.word import Word
from protocols.clock import SECOND
from protocols.wire.alarm_events import GatewayAlarm, Said
from protocols.words import Purpose

LOOK: Final = SECOND
"""How often what waits is looked at, while there is little of it."""
LITTLE: Final = 200
_ENDS: Final = (Said.RTN, Said.REST)
"""After either nothing stands there; what put it to rest is known here first."""


class Heard(NamedTuple):
    """What a gateway said, and when that was (µs UTC)."""

    gateway: str
    said: GatewayAlarm
    time: int


class Joined(NamedTuple):
    """Episodes that changed, what lies over rules of which that did, and what belongs to no rule
    that the gateway judges.
    """

    episodes: list[EpisodeRow]
    laid: list[Laid]
    strangers: list[Heard]


class Joining:
    """Lives in the writer thread; a copy of the table is read again after an undone transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._open: dict[tuple[str, str], StandingRow] = {}
        self._of_rule: dict[str, dict[str, StandingRow]] = {}
        self._laid: list[Laid] = []
        self._found: dict[str, Tracked | None] = {}
        self._loaded = False
        self._next: int | None = None

    def forget(self) -> None:
        """Drop the copy of the table."""
        self._loaded = False

    def earliest(self, due: int | None) -> int | None:
        """Return when `tick` has something to do, where the engine has at `due`."""
        own = self._next
        return due if own is None else own if due is None else min(own, due)

    def take(self, tables: Tables, heard: Sequence[Heard], purpose: Purpose, now: int) -> Joined:
        """Take what a commit brought, in order."""
        self._ensure(tables)
        touched: dict[tuple[str, str], StandingRow] = {}
        acknowledged: list[tuple[StandingRow, Heard]] = []
        strangers: list[Heard] = []
        for each in heard:
            rule = rule_of(each)
            if self._stranger(tables, rule, each):
                strangers.append(each)
                continue
            key = (rule, each.said.standing)
            row = touched.get(key) or self._row(tables, rule, each, (purpose, now))
            touched[key] = row
            self._note(tables, row, each, now)
            if each.said.word is Said.ACK:
                if row.episode is None:
                    row.seen, row.seen_by = each.time, each.said.by
                else:
                    acknowledged.append((row, each))
        for row in list(touched.values()):
            ended = self._supersede(tables, row)
            touched |= {(other.rule, other.standing): other for other in ended}
        changed = self._settle(tables, touched.values(), now)
        for row, each in acknowledged:
            changed += self._acknowledge(tables, row, (each.said.by, each.time), now)
        self._keep(tables, touched.values(), now)
        return Joined(_last(changed), self._take_laid(), strangers)

    def tick(self, tables: Tables, now: int) -> Judged:
        """Fire the engine's timers, then look at what waits here."""
        judged = self._engine.tick(tables, now)
        judged.episodes = _last([*judged.episodes, *self._look(tables, now)])
        judged.laid += self._take_laid()
        judged.due = self._engine.due()
        return judged

    def _look(self, tables: Tables, now: int) -> list[EpisodeRow]:
        self._ensure(tables)
        if self._next is None or self._next > now:
            return []
        rows = list(self._open.values())
        before = [replace(row) for row in rows]
        changed = self._settle(tables, rows, now)
        moved = [row for row, was in zip(rows, before, strict=True) if row != was]
        self._keep(tables, moved, now)
        return _last(changed)

    def _ensure(self, tables: Tables) -> None:
        self._found = {}
        if not self._loaded:
            rows = standings.unsettled(tables.conn)
            self._open, self._of_rule = {}, {}
            for row in rows:
                self._hold(row)
            self._next = 0 if rows else None
            self._loaded = True

    def _keep(self, tables: Tables, rows: Iterable[StandingRow], now: int) -> None:
        kept = list(rows)
        standings.put(tables.conn, kept)
        for row in kept:
            if row.settled:
                self._open.pop((row.rule, row.standing), None)
                self._of_rule.get(row.rule, {}).pop(row.standing, None)
            else:
                self._hold(row)
        wait = LOOK * (1 + len(self._open) // LITTLE)
        self._next = now + wait if self._open else None

    def _hold(self, row: StandingRow) -> None:
        self._open[row.rule, row.standing] = row
        self._of_rule.setdefault(row.rule, {})[row.standing] = row

    def _take_laid(self) -> list[Laid]:
        laid, self._laid = self._laid, []
        return laid

    def _row(self, tables: Tables, rule: str, heard: Heard, at: tuple[Purpose, int]) -> StandingRow:
        said, (purpose, now) = heard.said, at
        known = self._open.get((rule, said.standing))
        known = known or standings.find(tables.conn, rule, said.standing)
        return known or StandingRow(
            rule=rule,
            standing=said.standing,
            gateway=heard.gateway,
            purpose=purpose.name.lower(),
            tolerance=round(said.scan * SECOND) + SECOND,
            raised=heard.time,
            heard=now,
            level=said.level,
            worst=said.level,
            value=said.value,
            at=heard.time,
        )

    def _note(self, tables: Tables, row: StandingRow, heard: Heard, now: int) -> None:
        """Take one thing that was said; it may come twice, and in any order."""
        said, time = heard.said, heard.time
        row.raised = min(row.raised, time if said.age is None else time - said.age)
        if said.word in _ENDS and row.returned is None:
            row.returned, row.gone, row.settled = max(time, row.raised), now, False
        if said.word in _ENDS or said.word is Said.ACK:
            return
        limit = RECENT if said.word is Said.STANDS else FRESH
        row.fresh = row.fresh or now - time <= limit
        if time >= row.at:
            row.level, row.value, row.at = said.level, said.value, time
        tracked = self._tracked(tables, row.rule)
        if tracked is not None and place_of(tracked, said.level) > place_of(tracked, row.worst):
            row.worst = said.level
            if row.seen is not None and row.seen <= time:
                row.seen = row.seen_by = None  # who saw it before it became worse has not seen this

    def _stranger(self, tables: Tables, rule: str, heard: Heard) -> bool:
        """Whether that rule does not judge here, is not the gateway's, or has no such level."""
        if not belongs(tables.conn, rule, heard.gateway):
            return True
        tracked = self._tracked(tables, rule)
        return tracked is None or not place_of(tracked, heard.said.level)

    def _supersede(self, tables: Tables, row: StandingRow) -> list[StandingRow]:
        """Let older standings of the rule end: there is one at a time, and their end was lost.

        What one of them opened and still stands is this one's from now on.
        """
        ended = []
        for other in self._of_rule.get(row.rule, {}).values():
            apart = other.standing == row.standing or other.purpose != row.purpose
            if apart or other.returned is not None or other.raised >= row.raised:
                continue
            other.returned, other.gone = row.raised, row.heard
            ended.append(other)
            tracked = self._tracked(tables, row.rule)
            if other.leads and tracked is not None and tracked.episode == other.episode:
                row.episode, row.leads = other.episode, True
                other.leads, other.settled = False, True
        return ended

    def _settle(self, tables: Tables, rows: Iterable[StandingRow], now: int) -> list[EpisodeRow]:
        """Let each go on; what changes is written at once for all of one purpose.

        One purpose after the other: numbers of new episodes follow what is written.
        """
        gathered: dict[str, list[StandingRow]] = {}
        for row in rows:
            if not row.settled:
                gathered.setdefault(row.purpose, []).append(row)
        changed: list[EpisodeRow] = []
        for purpose, found in gathered.items():
            moves = self._engine.moves(tables.conn, now, Purpose[purpose.upper()])
            stepped = self._settle_each(tables, moves, found, now)
            changed += self._engine.keep(tables.conn, moves, stepped.values())
            self._laid += moves.laid
            changed += self._seen_before(tables, found, now)
        return changed

    def _seen_before(
        self, tables: Tables, rows: Iterable[StandingRow], now: int
    ) -> list[EpisodeRow]:
        """Let count what was seen at the gateway before there was an episode to say so of."""
        changed = []
        for row in rows:
            if row.seen is not None and row.seen_by is not None and row.episode is not None:
                changed += self._acknowledge(tables, row, (row.seen_by, row.seen), now)
                row.seen = row.seen_by = None
        return changed

    def _settle_each(
        self, tables: Tables, moves: Moves, rows: Iterable[StandingRow], now: int
    ) -> dict[str, Tracked]:
        """Return the rules whose alarms were stepped."""
        stepped: dict[str, Tracked] = {}
        for row in rows:
            tracked = self._tracked(tables, row.rule)
            if tracked is None:
                row.settled = True
                continue
            machine, episode = tracked.machine, tracked.episode
            Settling(moves, tracked, row, now).run()
            if tracked.machine is not machine or tracked.episode != episode:
                stepped[row.rule] = tracked
        return stepped

    def _tracked(self, tables: Tables, rule: str) -> Tracked | None:
        """Return a rule's state, asked for once a commit."""
        if rule not in self._found:
            self._found[rule] = self._engine.tracked(tables.conn, rule)
        return self._found[rule]

    def _acknowledge(
        self, tables: Tables, row: StandingRow, said: tuple[str, int], now: int
    ) -> list[EpisodeRow]:
        """Let an acknowledgement at the gateway count; of two the earlier."""
        tracked = self._tracked(tables, row.rule)
        if tracked is None or row.episode is None:
            return []
        moves = self._engine.moves(tables.conn, now, Purpose[row.purpose.upper()])
        episode = moves.row(row.episode)
        by = f"{row.gateway}: {said[0]}"
        seen, at = episode.acknowledged, max(episode.raised, min(said[1], now))
        if seen is None and tracked.episode == row.episode:
            return self._engine.act(tables, row.rule, Acknowledge(by), at).rows
        if seen is not None and (seen.by, seen.at) == (by, at):
            return []
        earlier = seen is None or at < seen.at
        if earlier:
            episode = replace(episode, acknowledged=Acknowledgement(by=by, at=at))
        moves.alter(tracked, episode, Word.ACK if earlier else Word.ACK_REJECTED, at, by)
        return self._engine.keep(tables.conn, moves, [tracked])


def rule_of(heard: Heard) -> str:
    """Return the id of the rule a gateway speaks of: of one of its own points, or of an object."""
    site, *rest = heard.said.subject
    own = [site, heard.gateway] if len(rest) > 1 else [site]
    return f"{'/'.join([*own, *rest])}:{heard.said.side}"


def _last(rows: Sequence[EpisodeRow]) -> list[EpisodeRow]:
    return list({row.number: row for row in rows}.values())
