"""The engine alone on real tables, with rules of every kind on a few points."""

import sqlite3

from sqlite_utils import Database as Tables

from central.alarms.engine import Engine, Evaluation
from central.alarms.rules.wanted import LIBRARY, Wanted
from central.store.columns import Columns
from central.store.interface import FLAG_SOURCE, Row
from protocols.alarms.definition import Definition
from protocols.alarms.kinds.limit import Limit
from protocols.alarms.rule import Rule
from protocols.quality import Quality
from protocols.words import Purpose
from tests.central.alarms.test_arrays import Shelf, empty
from tests.central.builders import SECOND, START, level

TABLES = (
    "SELECT * FROM episode ORDER BY number",
    "SELECT * FROM alarm_journal ORDER BY id",
    "SELECT * FROM overlay ORDER BY rule, name",
)
STREAM = (
    "INSERT OR IGNORE INTO stream(number, id, gateway, kind, boot, purpose, manifest, opening, "
    "created, cursor, head) VALUES (?, ?, 'gw', 'data', '', ?, '', x'', 0, 0, x'')"
)


def wanted(name, *levels, inputs=((1, ""),), kind=None, **parts):
    """Return a rule of the library; `latching` may be among the parts."""
    latching = parts.pop("latching", False)
    rule = Rule(id=f"site/{name}", subject="site/tank", levels=levels, latching=latching)
    return Wanted(Definition(rule=rule, kind=kind or Limit(), **parts), inputs, LIBRARY)


def high(limit=80.0, **more):
    return level("H", limit, **more)


class Plant:
    """Times are seconds after 22:00; `arrival` is now."""

    def __init__(self, *rules):
        conn = sqlite3.connect(":memory:", isolation_level=None)
        empty().backup(conn)
        self.tables = Tables(conn)
        self.shelf = Shelf()
        self.engine = Engine(self.shelf)
        self.now = START
        self.acts = []
        self.take(*rules)

    def close(self):
        self.tables.conn.close()

    def take(self, *rules):
        self.engine.take_rules(self.tables, rules, self.now)

    def retire(self, *kept):
        names = {f"site/{name}" for name in kept}
        self.engine.retire_rules(self.tables, LIBRARY, names, self.now)

    def restart(self):
        self.engine = Engine(self.shelf)

    def seal(self):
        self.engine.flush(self.tables.conn)
        self.shelf.sealed = len(self.shelf.commits)

    def at(self, second):
        """Let the clock be there, and what is due be fired in between, each at its time."""
        end = START + round(second * SECOND)
        while (due := self._due()) is not None and due <= end:
            self.now = max(self.now, due)
            self.engine.tick(self.tables, self.now)
        self.now = max(self.now, end)
        return self

    def _due(self):
        self.engine.ladders(self.tables.conn)  # what was forgotten is read again
        return self.engine.due()

    def say(self, second, *readings, stream=1, now=None, purpose=Purpose.PRODUCTION):
        """Readings (point, value, good, seconds before `second`) as one commit at `now`."""
        if purpose is not Purpose.PRODUCTION:
            self.tables.execute(STREAM, (stream, str(stream), purpose.name.lower()))
        self.at(second if now is None else now)
        rows = []
        for seq, (point, value, *more) in enumerate(readings):
            good, ago = (*more, *(True, 0)[len(more) :])
            quality = Quality.GOOD if good else Quality.BAD
            time = START + round((second - ago) * SECOND)
            rows.append(Row(point, time, seq, value, quality, FLAG_SOURCE))
        columns = Columns.of(rows)
        batch = Evaluation(stream, purpose, self.now, columns)
        judged = self.engine.evaluate(self.tables, batch)
        self.shelf.commits.append((stream, self.now, columns))
        return judged

    def act(self, second, name, what):
        self.at(second)
        return self.engine.act(self.tables, f"site/{name}", what, self.now)

    def journal(self, name):
        lines = self.tables.execute(
            "SELECT time, event, level, nth FROM alarm_journal WHERE rule = ? ORDER BY id",
            (f"site/{name}",),
        ).fetchall()
        return [
            [
                (time - START) / SECOND,
                f"{event}:{text or nth}" if text or nth else event,
            ]
            for time, event, text, nth in lines
        ]

    def states(self, name):
        return [
            state
            for (state,) in self.tables.execute(
                "SELECT state FROM episode WHERE rule = ? ORDER BY number", (f"site/{name}",)
            )
        ]

    def told(self):
        """Return what the tables hold, and what is known of the rules."""
        rules = self.tables.execute("SELECT id FROM rule ORDER BY id").fetchall()
        found = {}
        for (rule,) in rules:
            tracked = self.engine.tracked(self.tables.conn, rule)
            found[rule] = tracked and (tracked.machine, tracked.episode, tracked.due())
        return [self.tables.execute(sql).fetchall() for sql in TABLES], found
