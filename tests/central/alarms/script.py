"""The alarm vectors through a real collector, in a process that may be killed at any moment.

All rules stand side by side in one collector and are told their inputs in the order of the clock,
each in a transaction that also counts it. Started again after it was killed, it goes on behind what
was committed. Tells how many steps are done, after each.
"""

import asyncio
import json
import sqlite3
from dataclasses import replace
from pathlib import Path

from central.alarms.acts.acted import Acknowledge, Reset
from central.alarms.engine import Evaluation
from central.alarms.rules.wanted import Wanted
from central.store.columns import Columns
from central.store.interface import FLAG_SOURCE, Row
from protocols.alarms.acting import Asked
from protocols.alarms.document import from_document, to_document
from protocols.alarms.overlay import Act
from protocols.errors import IllegalTransition
from protocols.quality import Quality
from protocols.words import Purpose
from tests.central.builders import SECOND, START, HandClock, config_in, open_collector
from tests.vectors.alarm import definition_of, set_limit

VECTORS = Path(__file__).parents[2] / "testcases" / "vectors" / "alarm.json"
KINDS = ("limit", "digital", "rate", "window", "interlock")
STREAM = 1


class Told:
    """A vector as a rule on points of its own."""

    def __init__(self, case, first):
        self.case = case
        self.id = f"site/{case['name']}"
        names = sorted(case["rule"].get("when", [""]))
        self.inputs = tuple((first + nth, name) for nth, name in enumerate(names))
        self.definition = self._named(definition_of(case["rule"]))

    def _named(self, definition):
        """Return it under its own name, its figures as documents of rules have them."""
        rule = replace(definition.rule, id=self.id, subject="site/vectors")
        return from_document(to_document(replace(definition, rule=rule)))

    def change(self, said):
        """Change a limit."""
        self.definition = self._named(set_limit(self.definition, said))

    def wanted(self):
        return Wanted(self.definition, self.inputs, "script")

    def steps(self):
        """Yield (time, order, what): what comes when, those of one moment as listed."""
        for sample in self.case["samples"]:
            yield us(sample[3] if len(sample) > 3 else sample[0]), 0, sample
        for act in self.case.get("actions", []):
            if act[1] != "restart":
                yield us(act[0]), 1, act

    def rows(self, sample):
        scale = self.case.get("unit_scale", 1)
        values = sample[1] if isinstance(sample[1], dict) else {"": sample[1]}
        quality = Quality.GOOD if sample[2] == "good" else Quality.BAD
        points = {name: number for number, name in self.inputs}
        return [
            Row(points[name], us(sample[0]), 0, float(value) * scale, quality, FLAG_SOURCE)
            for name, value in values.items()
        ]

    def said(self, lines):
        """Return what a journal says of this rule, as the vectors write it."""
        found = []
        for rule, time, _, event, level, _, _, nth, _ in lines:
            second = (time - START) / SECOND
            if rule == self.id and second <= self.case["end_t"]:
                name = level if event in ("RAISE", "LEVEL") else nth if event == "ESCALATE" else ""
                found.append([second, f"{event}:{name}" if name else event])
        return found


class Script:
    """Every step of every vector, in order."""

    def __init__(self):
        cases = json.loads(VECTORS.read_text(encoding="utf-8"))["vectors"]
        self.told, first = [], 1
        for case in cases:
            if case["rule"]["kind"] in KINDS:
                self.told.append(Told(case, first))
                first += len(self.told[-1].inputs)
        self.points = first - 1
        made = [
            (time, order, number, place, what)
            for number, told in enumerate(self.told)
            for place, (time, order, what) in enumerate(told.steps())
        ]
        self.steps = sorted(made, key=lambda each: each[:4])
        self.end = max(us(told.case["end_t"]) for told in self.told)

    def done(self, tables, engine, number):
        """Do one step in the caller's transaction."""
        time, order, of, _, what = self.steps[number]
        told = self.told[of]
        rows = None
        if order == 0:
            rows = Columns.of(told.rows(what))
            engine.evaluate(tables, Evaluation(STREAM, Purpose.PRODUCTION, time, rows))
        else:
            self._act(tables, engine, told, (time, *what[1:]))
        tables.conn.execute("UPDATE script SET done = ?", (number + 1,))
        return rows

    def _act(self, tables, engine, told, act):
        time, verb, *more = act
        said = more[0] if more else {}
        if verb == "set_limit":
            told.change(said)
            engine.take_rules(tables, [told.wanted()], time)
            return
        by = said.get("by", "")
        what = {"ack": Acknowledge(by), "reset": Reset(by)}.get(verb)
        if what is None:
            once = bool(said.get("oneshot"))
            what = Asked(Act(verb), by, "", said.get("for", 0.0), once)
        try:
            engine.act(tables, told.id, what, time)
        except IllegalTransition:
            return  # as the vectors have it: nothing is said

    def again(self, number):
        """Let rules be what the steps before `number` made of them."""
        for _, order, of, _, what in self.steps[:number]:
            if order and what[1] == "set_limit":
                self.told[of].change(what[2])

    def begin(self, tables, engine):
        """Make points and rules."""
        execute = tables.conn.execute
        execute("CREATE TABLE script (done INTEGER NOT NULL) STRICT")
        execute("INSERT INTO script VALUES (0)")
        execute("INSERT INTO gateway(name, label, created) VALUES ('gw', '[\"网关\"]', 0)")
        for point in range(1, self.points + 1):
            execute("INSERT INTO point VALUES (?, ?, 'gw')", (point, f"site/gw/tank/p{point}"))
        engine.take_rules(tables, [told.wanted() for told in self.told], START)


def us(second):
    return START + round(second * SECOND)


def reached(folder):
    """Return how many steps are committed; None: not even the beginning is."""
    try:
        with sqlite3.connect(f"file:{folder / 'collector.db'}?mode=ro", uri=True) as conn:
            return conn.execute("SELECT done FROM script").fetchone()[0]
    except sqlite3.OperationalError:
        return None


def played(folder, tells):
    """Play to the end, for a process of its own."""
    asyncio.run(play(folder, tells))


async def play(folder, tells):
    script, done = Script(), reached(folder)
    clock = HandClock(script.steps[done - 1][0] if done else START)
    collector = await open_collector(folder, clock)
    engine = collector._engine
    if done is None:
        await collector.db.write(lambda tables: script.begin(tables, engine))
    script.again(done or 0)
    for number in range(done or 0, len(script.steps)):
        time = script.steps[number][0]
        await past(collector, clock, time)
        await collector.db.write(lambda tables, at=number: stored(collector, script, tables, at))
        tells.send(number + 1)
    await past(collector, clock, script.end)
    await collector.close()


def stored(collector, script, tables, number):
    rows = script.done(tables, collector._engine, number)
    if rows is not None:
        collector.store.append(tables.conn, STREAM, script.steps[number][0], rows)


async def past(collector, clock, time):
    """Let the clock get to `time`; what is due on the way is fired then."""
    while (due := collector._engine.due()) is not None and due <= time:
        clock.time = max(clock.time, due)
        await collector.tick()
    clock.time = max(clock.time, time)


def journal(folder):
    """Return everything that was said, and every episode."""
    with sqlite3.connect(config_in(folder).database) as conn:
        said = conn.execute(
            "SELECT rule, time, recorded, event, level, value, actor, nth, episode "
            "FROM alarm_journal ORDER BY id"
        ).fetchall()
        episodes = conn.execute("SELECT * FROM episode ORDER BY number").fetchall()
    return said, episodes
