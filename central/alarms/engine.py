"""The alarm engine: `evaluate(batch, state) -> effects`, in the transaction that stores the batch.

Live readings (newer than the newest judged of their point) step the live alarm; older ones of an
earlier stream go to that stream's own machine (`backfill`); a stray older one inside one stream is
only noted. Quality that is not good, text and times nobody knew neither raise nor clear; bad
quality calls off a return that was only pending. State in memory is a copy of the tables: after an
undone transaction it is read again. What cannot change anything never becomes a row (`quiet`).
"""

import sqlite3
from collections.abc import Collection, Sequence

from sqlite_utils import Database as Tables

from central.alarms import purposes, stepping
from central.alarms.acts import acted
from central.alarms.arrays import quiet
from central.alarms.evaluation import Evaluation as Evaluation
from central.alarms.evaluation import Judged as Judged
from central.alarms.journal.ledger import OpenEpisodes
from central.alarms.journal.records import EpisodeRow
from central.alarms.judging import Hearing, judge
from central.alarms.many import holding
from central.alarms.many.known import Many
from central.alarms.many.silence import Silences
from central.alarms.memory import Memory
from central.alarms.moves import Moves
from central.alarms.pasts.reaching import reaches_back
from central.alarms.purposes import Purposes
from central.alarms.rules import ruleset
from central.alarms.rules.indexing import index
from central.alarms.samples import Coming
from central.alarms.shown.trend import WINDOW
from central.alarms.stored import Stored
from central.alarms.suppressing import Changed
from central.alarms.timers import GRACE, Timers
from central.alarms.tracked import Tracked
from central.database_queue import Heavy
from central.store.columns import Columns
from protocols.alarms.flood import Bounds
from protocols.words import Purpose


class Engine:
    """Lives in the writer thread; see the module's promises."""

    def __init__(self, stored: Stored, bounds: Bounds | None = None) -> None:
        """`bounds`: of a flood, for everybody on duty together."""
        self._stored = stored
        self._loaded = False
        self._memory = Memory(stored)
        self.many = Many(bounds)
        self._open = OpenEpisodes(self.many)
        self.silences = Silences()
        self._timers = Timers()
        self._purposes = Purposes()
        self.spoke: holding.Spoke = lambda _: None

    def forget(self) -> None:
        """Drop the copy of the tables: the next call reads them again."""
        self._loaded = False

    def flush(self, conn: sqlite3.Connection) -> None:
        """Write what is known from the journal alone, in the transaction that shortens it."""
        self._ensure(conn)
        self._memory.flush(conn)

    def evaluate(self, tables: Tables, batch: Evaluation) -> Judged:
        """Judge a commit's rows and write what follows.

        Raises Heavy, with nothing changed, where more than `most` are left to the machine, and
        where a past may have to be looked up.
        """
        self._ensure(tables.conn)
        if batch.most is not None and reaches_back(self._memory, batch.stream, batch.rows):
            raise Heavy
        fired = self._fire_first(tables, batch)
        parted = self._part(tables.conn, batch)
        rows, since = batch.rows, batch.arrival - WINDOW
        past = self._memory.past(batch.stream)
        coming = Coming(rows, batch.stream, batch.arrival, past, batch.most)
        left, passed, over = quiet.sift(self._memory.live, coming)
        if len(over):
            self._memory.take_over(tables.conn, batch.stream, over)
        judged = Judged()
        if len(left):
            judged = self._judge(tables.conn, batch, rows.take(left))
        good = [passed, *judged.good] if judged.good else [passed]
        if rows.span is None or rows.span[0] <= since:
            good = [each.after(since) for each in good]
        judged.good = [each for each in good if len(each.points)]
        judged.episodes = fired.episodes + parted + judged.episodes
        judged.laid = fired.laid + judged.laid
        self._suppress(tables, batch.arrival, (judged.episodes, judged.laid))
        judged.due = self.due()
        return judged

    def _fire_first(self, tables: Tables, batch: Evaluation) -> Judged:
        """What was due before these came is done before them, whenever somebody looked last."""
        due = self.due()
        if due is None or due > batch.arrival:
            return Judged()
        if batch.most is not None:
            raise Heavy
        return self._fire(tables, batch.arrival)

    def _part(self, conn: sqlite3.Connection, batch: Evaluation) -> list[EpisodeRow]:
        """What only a test or a drill led to is over for readings of production."""
        self._purposes.heard(batch.purpose)
        rules = self._purposes.aside(conn) if batch.purpose is Purpose.PRODUCTION else ()
        found = [tracked for each in rules if (tracked := self.tracked(conn, each)) is not None]
        over = purposes.overtaken(found, batch.rows) if found else []
        if not over:
            return []
        if batch.most is not None:
            raise Heavy
        moves = self.moves(conn, batch.arrival, batch.purpose)
        self._purposes.part(moves, over)
        fed = self._memory.relations.spread(moves, over)
        return self.keep(conn, moves, [*over, *fed.values()])

    def _judge(self, conn: sqlite3.Connection, batch: Evaluation, rows: Columns) -> Judged:
        """Judge reading by reading."""
        memory = self._memory
        if not memory.rise(dict.fromkeys(rows.points.tolist())):
            return Judged()
        memory.live.reach(int(rows.points.max()))
        moves = Moves(conn, batch.arrival, batch.purpose, self._stored, self._open)
        here, storms = memory.here, batch.purpose is Purpose.PRODUCTION
        if not storms:
            here = purposes.judged(moves, here, dict.fromkeys(rows.points.tolist()))
        coming = Coming(rows, batch.stream, batch.arrival, None)
        hearing = Hearing(moves, memory, here)
        touched, stepped, good, apart = judge(hearing, coming, storms=storms)
        purposes.mark(touched.values(), batch.purpose)
        fed = memory.relations.spread(moves, [*touched.values(), *stepped.values()])
        touched |= fed
        episodes = moves.changed()
        self._keep(conn, touched.values())
        memory.save(conn, [each for id_, each in stepped.items() if id_ not in touched])
        among = {point for tracked in touched.values() for point in tracked.points}
        memory.put(conn, memory.moved(apart, among))
        return Judged(episodes, good, laid=moves.laid)

    def tick(self, tables: Tables, now: int) -> Judged:
        """Fire the timers whose time has come; each event carries its own due time."""
        self._ensure(tables.conn)
        judged = self._fire(tables, now)
        judged.due = self.due()
        return judged

    def _fire(self, tables: Tables, now: int) -> Judged:
        conn, moves = tables.conn, Moves(tables.conn, now, None, self._stored, self._open)
        fired: dict[str, Tracked] = {}
        # Later than one thing that is due comes another: each is looked at anew.
        while over := self._timers.over(moves.clock):
            found = [tracked for each in over if (tracked := self._memory.rule(each)) is not None]
            points = {point for tracked in found for point in tracked.points}
            self._memory.wake(conn, points & self._memory.here.keys())
            for tracked in found:
                again = holding.waits(tracked, moves.clock, self.spoke)
                if again is None and stepping.advance(moves, tracked):
                    fired[tracked.rule.id] = tracked
                self._timers.put(tracked.rule.id, tracked.due() if again is None else again)
        for rule in self.many.calm(conn, moves.clock, moves.now):
            tracked = self._memory.awake(rule)
            if tracked is not None and tracked.episode is not None:
                moves.again(tracked.episode)  # it is told again: it chatters no more
        if not fired and not moves.touched:
            return Judged()
        fired |= self._memory.relations.spread(moves, fired.values())
        episodes = moves.changed()
        self._keep(conn, fired.values())
        points = {point for tracked in fired.values() for point in tracked.points}
        self._memory.put(conn, points & self._memory.here.keys())
        self._suppress(tables, moves.clock, (episodes, moves.laid))
        return Judged(episodes, laid=moves.laid)

    def due(self) -> int | None:
        """Return when `tick` has something to do."""
        due = (at for at in (self._timers.next, self.many.due()) if at is not None)
        return None if (first := min(due, default=None)) is None else first + GRACE

    def take_rules(
        self, tables: Tables, rules: Sequence[ruleset.Wanted], now: int
    ) -> ruleset.Taken:
        """Make `rules` those of their points; re-evaluates at once."""
        self._ensure(tables.conn)
        known = ruleset.Known(self._memory.rule, self._stored, self._open)
        self._memory.wake(tables.conn, {point for each in rules for point, _ in each.inputs})
        return self._index(tables, ruleset.take(tables.conn, known, rules, now), now)

    def retire_rules(
        self, tables: Tables, source: str, kept: Collection[str], now: int
    ) -> ruleset.Taken:
        """Let go of the source's other rules; their alarms return."""
        self._ensure(tables.conn)
        known = ruleset.Known(self._memory.rule, self._stored, self._open)
        gone = ruleset.others(tables.conn, source, kept)
        found = [tracked for each in gone if (tracked := self._memory.rule(each)) is not None]
        self._memory.wake(tables.conn, {point for each in found for point in each.points})
        return self._index(tables, ruleset.retire(tables.conn, known, gone, now), now)

    def _index(self, tables: Tables, taken: ruleset.Taken, now: int) -> ruleset.Taken:
        moves = Moves(tables.conn, now, None, self._stored, self._open)
        changed = index(self._memory, self.silences, moves, taken)
        self._keep(tables.conn, changed.values())
        self._memory.put_all(tables.conn, taken.tracked)
        self._suppress(tables, now, (taken.episodes, taken.laid))
        return taken

    def tracked(self, conn: sqlite3.Connection, rule: str) -> Tracked | None:
        """Return the state of a rule, up to date."""
        self._ensure(conn)
        tracked = self._memory.rule(rule)
        if tracked is not None:
            self._memory.wake(conn, tracked.points)
        return tracked

    def act(self, tables: Tables, rule: str, what: acted.What, now: int) -> acted.Acted:
        """Let a person or logic act on a rule's alarm; what was due before is done before.

        Raises RuleUnknown, and IllegalTransition for what lies over it and cannot: with nothing
        changed. A refused acknowledgement or reset is returned: the journal keeps it.
        """
        done = self.do(tables, rule, what, now, now)
        self._suppress(tables, now, (done.rows, done.laid))
        done.due = self.due()
        return done

    def do(self, tables: Tables, rule: str, what: acted.What, now: int, at: int) -> acted.Acted:
        """Do the same, as of `at`, and nothing that follows for rules it suppresses."""
        conn = tables.conn
        tracked = self.tracked(conn, rule)
        if tracked is None:
            raise acted.RuleUnknown(rule=rule)
        machine, entries = acted.step(tracked, what, at)
        moves = Moves(conn, now, None, self._stored, self._open)
        tracked.machine, tracked.calm = machine, None
        moves.entries(tracked, entries, None, acted.comment_of(what))
        refused = acted.refusal(tracked, entries)
        changed = {rule: tracked} | self._memory.relations.spread(moves, [tracked])
        done = acted.Acted(moves.changed(), entries, moves.laid, refused)
        self._keep(conn, changed.values())
        self._memory.put(conn, tracked.points & self._memory.here.keys())
        return done

    def _suppress(self, tables: Tables, now: int, changed: Changed) -> None:
        """Let rules rest and wake as those stand that suppress them; `changed` grows by it."""
        self._memory.relations.suppressing.settle(tables, self, now, changed)

    def concerned(self, conn: sqlite3.Connection, points: Collection[int]) -> list[Tracked]:
        """Return the rules of points to which their silence means anything, up to date."""
        self._ensure(conn)
        found = holding.concerned(self._memory.awake_rules(), points)
        self._memory.wake(conn, {point for each in found for point in each.points})
        return found

    def moves(self, conn: sqlite3.Connection, now: int, purpose: Purpose | None) -> Moves:
        """Return where changes of one commit go that no reading led to."""
        self._purposes.heard(purpose)
        return Moves(conn, now, purpose, self._stored, self._open)

    def keep(
        self, conn: sqlite3.Connection, moves: Moves, stepped: Collection[Tracked]
    ) -> list[EpisodeRow]:
        """Write such changes of rules whose alarms were stepped; returns changed episodes."""
        episodes = moves.changed()
        for tracked in stepped:
            tracked.calm = None
        self._keep(conn, stepped)
        self._memory.relations.heard(moves, stepped)
        points = {point for tracked in stepped for point in tracked.points}
        self._memory.put(conn, points & self._memory.here.keys())
        return episodes

    def ladders(self, conn: sqlite3.Connection) -> ruleset.Ladders:
        """Return the ladder of every rule that judges or whose alarm is open."""
        self._ensure(conn)
        return self._memory.ladders()

    def _keep(self, conn: sqlite3.Connection, changed: Collection[Tracked]) -> None:
        self._memory.save(conn, changed)
        self._purposes.mark(changed)
        for tracked in changed:
            self._timers.put(tracked.rule.id, tracked.due())

    def _ensure(self, conn: sqlite3.Connection) -> None:
        if self._loaded:
            return
        self._memory, self._open = Memory(self._stored), OpenEpisodes(self.many)
        self._memory.load(conn)
        self._purposes = Purposes(self._memory.awake_rules())
        self.many.load(conn)
        self.silences.load(conn)
        for tracked in holding.concerned(self._memory.awake_rules(), self.silences.points):
            holding.rest(tracked, 0)
        timed = self._memory.timed()
        self._timers = Timers((id_, tracked.due()) for id_, tracked in timed.items())
        self._loaded = True
