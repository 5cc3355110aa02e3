"""The engine, with its arrays and rows, tells of outages what `streams` tells: word for word."""

import json
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.alarms.moves import Moves
from central.alarms.timers import GRACE
from protocols.alarms import streams
from protocols.alarms.past import Telling
from tests.central.alarms.plant import Plant, wanted
from tests.central.builders import SECOND, START
from tests.protocols.alarms.test_streams import AFTER, SCAN, cuts
from tests.vectors import alarm_streams
from tests.vectors.alarm import definition_of

VECTORS = Path(__file__).parents[2] / "testcases/vectors/alarm-streams.json"
LADDERS = st.sampled_from([(5.0, 0.0), (12.0, 0.0), (0.0, 0.0), (0.0, 25.0), (5.0, 25.0)])


def heard_by_streams(outage):
    """Return what the pure core says, and the machine at the end."""
    line, said = streams.start(outage.definition), []

    def after(outcome):
        nonlocal line
        line, entries, told = outcome
        for each in told:
            said.extend(past_lines(outage, each))
        said.extend(
            ((each.time - START) / SECOND, str(each.word), each.level)
            for each in entries
            if each.word != "CHATTER"
        )

    for now, stream, samples in deliveries(outage):
        after(streams.advance(outage.definition, line, now - GRACE - 1))
        for sample in samples:
            after(streams.feed(outage.definition, line, stream, sample, now - GRACE))
        after(streams.settle(outage.definition, line, stream, now))
    after(streams.advance(outage.definition, line, at(len(outage.readings) + AFTER) - GRACE))
    return said, line.machine


def past_lines(outage, told):
    """Return a telling as lines of the journal."""
    time = (told.time - START) / SECOND
    match told.what:
        case Telling.WHOLE | Telling.LASTED:
            words = ["LATE:RAISE", *["LATE:LEVEL"] * (len(told.path) - 1)]
            path = [
                ((when - START) / SECOND, word, level)
                for word, (when, level, _) in zip(words, told.path, strict=True)
            ]
            return [*path, (time, "LATE:RTN", 0)]
        case Telling.RETURNED:
            return [(time, "LATE:RTN", 0)]
        case Telling.BACKDATED:
            return [(time, "BACKDATED", 0)]
    return []


def at(scan):
    return START + scan * SCAN * SECOND


def deliveries(outage):
    """Yield (now, stream, samples): what is live scan by scan, what waited at once after it."""
    waiting = [
        (outage.linked(to + turn), nth + 1, range(since, to))
        for nth, ((since, to), turn) in enumerate(zip(outage.gaps, outage.turns, strict=True))
    ]
    for scan in range(len(outage.readings) + AFTER):
        if scan < len(outage.readings) and not outage.missing(scan):
            yield at(scan), outage.stream_of(scan), [moved(outage.sample(scan))]
        for due, stream, scans in waiting:
            if due == scan:
                now = at(scan) + 1
                yield (
                    now,
                    stream,
                    [moved(outage.sample(each))._replace(arrival=now) for each in scans],
                )


def moved(sample):
    return sample._replace(time=sample.time + START, arrival=sample.arrival + START)


def heard_by_engine(definition, came, end, *, restarts=False):
    """Return what its journal says, and the machine at the end."""
    late, whole = set(), Moves.whole

    def noted(moves, tracked, path, returned):
        number = whole(moves, tracked, path, returned)
        late.add(number)
        return number

    parts = {"kind": definition.kind, "watch": definition.watch, "clocks": definition.clocks}
    it = Plant(wanted("it", *definition.rule.levels, latching=definition.rule.latching, **parts))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Moves, "whole", noted)
        for now, stream, samples in came:
            second = (now - START) / SECOND
            readings = [(1, s.value, s.good, (now - s.time) / SECOND) for s in samples]
            it.say(second, *readings, stream=stream)
            if restarts:
                it.restart()
        it.at(end)
        it.engine.tick(it.tables, it.now)
    names = [level.name for level in definition.rule.levels]
    said = [
        (
            (time - START) / SECOND,
            f"LATE:{word}" if number in late else word,
            0 if word in ("BACKDATED", "RTN") or not level else names.index(level) + 1,
        )
        for time, word, level, number in it.tables.execute(
            "SELECT time, event, level, episode FROM alarm_journal ORDER BY id"
        ).fetchall()
        if word not in ("CHATTER",)
    ]
    machine = it.engine.tracked(it.tables.conn, "site/it").machine
    it.close()
    return said, machine


def standing(machine):
    return machine.condition, machine.alarm


@settings(max_examples=250, deadline=None)
@given(cuts(LADDERS), st.booleans())
def test_the_engine_tells_what_streams_tells(outage, restarts):
    told, machine = heard_by_streams(outage)
    end = (len(outage.readings) + AFTER) * SCAN
    said, own = heard_by_engine(outage.definition, deliveries(outage), end, restarts=restarts)
    assert sorted(said) == sorted(told)
    assert standing(own) == standing(machine)


CASES = [case for case in json.loads(VECTORS.read_text())["vectors"] if "bad" not in str(case)]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_engine_tells_what_the_vectors_expect(case):
    definition = definition_of(case["rule"])
    moved = ((at + START, stream, list(some)) for at, stream, some in came_of(case))
    said, own = heard_by_engine(definition, moved, case["end_t"] + GRACE / SECOND)
    names = ["", *[level.name for level in definition.rule.levels]]
    strays = ("LATE_ALARM",)  # of two levels the file names the one only where it says so
    shown = [
        [time, word if word in strays else f"{word}:{names[level]}".rstrip(":")]
        for time, word, level in said
    ]
    assert sorted(shown) == sorted(full(case, names))
    assert own.alarm.state == case["final_state"]


def came_of(case):
    for (at, stream), samples in groupby(alarm_streams.came(case), key=lambda each: each[:2]):
        yield at, stream, [each[2]._replace(time=each[2].time + START) for each in samples]


def full(case, names):
    """Return what is expected; a level that needs no name in the file has one in the journal."""
    alone = f":{names[1]}" if len(names) == 2 and names[1] else ""
    bare = ("RTN", "LATE:RTN", "BACKDATED")
    return [
        [
            time,
            word.partition(":")[0]
            if word.startswith("LATE_ALARM")
            else word
            if word in bare or ":" in word.removeprefix("LATE:")
            else word + alone,
        ]
        for time, word in case["expected_events"]
    ]
