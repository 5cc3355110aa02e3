"""A window's memory is written once, in pieces; read again it is what it was."""

import json
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.alarms.pasts import kept as pasts_kept
from central.alarms.pasts import remembered
from protocols.alarms.kept import body_of
from protocols.alarms.kinds.kind import Reading
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.window import Aggregate, Seen, Window
from protocols.clock import SECOND
from tests.central.alarms.plant import Plant, high, wanted

LEVELS = (high(1e9),)
LATE = Window(aggregate=Aggregate.SUM, seconds=90.0, allowed_lateness=40.0)
METER = Window(aggregate=Aggregate.SUM, seconds=90.0, counter=True)
COMES = st.one_of(
    st.tuples(st.sampled_from([1, 1, 1, 1, 2, 30, 200, -1, -7, -38, 0]), st.integers(0, 3)),
    st.just("forget"),
    st.just("restart"),
)


@pytest.fixture
def conn():
    made = sqlite3.connect(":memory:")
    made.execute("CREATE TABLE remembered (rule, place, body, PRIMARY KEY (rule, place))")
    yield made
    made.close()


def again(conn, written):
    """Return the window as the tables have it."""
    tail = json.loads(json.dumps(written.tail))
    return remembered.read(tail, written.seen.last, remembered.pieces(conn).get("r", ()))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([LATE, METER]), st.lists(COMES, min_size=40, max_size=160))
def test_what_was_written_is_read_again_after_every_reading(kind, steps):
    conn = sqlite3.connect(":memory:")
    conn.execute("CREATE TABLE remembered (rule, place, body, PRIMARY KEY (rule, place))")
    seen, time, written = kind.begin(), 0, None
    for step in steps:
        if step == "restart" and written is not None:
            written = again(conn, written)
        elif step == "forget":
            seen = kind.begin()
        elif step != "restart":
            onwards, value = step
            at = (time + onwards) * SECOND
            time = max(time, time + onwards)
            seen = kind.take(seen, Reading(at, float(value), at), LEVELS).memory
        written = remembered.write(conn, "r", written, seen)
        assert again(conn, written) == written
        assert written.seen == seen
        assert len(written.tail["times"]) < remembered.PIECE
    conn.close()


def test_a_reading_writes_no_more_than_a_piece(conn):
    day = Window(aggregate=Aggregate.SUM, seconds=300.0)
    seen, written, rows = day.begin(), None, 0
    for second in range(1000):
        reading = Reading(second * SECOND, 1.0, second * SECOND)
        seen = day.take(seen, reading, LEVELS).memory
        before = conn.total_changes
        written = remembered.write(conn, "r", written, seen)
        rows += conn.total_changes - before
    pieces = conn.execute("SELECT count(*) FROM remembered").fetchone()[0]
    assert rows <= 2 * 1000 / remembered.PIECE
    assert pieces <= 300 / remembered.PIECE + 1


SUM = wanted("it", high(1e9), kind=Window(aggregate=Aggregate.SUM, seconds=300.0))


def row_of(it, stream=0):
    sql = "SELECT body FROM condition WHERE rule = 'site/it' AND stream = ?"
    return it.tables.execute(sql, (stream,)).fetchone()[0]


def test_the_row_of_a_full_window_is_small_and_a_restart_knows_it_all():
    it = Plant(SUM)
    for second in range(400):
        it.say(second, (1, float(second % 7)))
    before = it.told()
    assert len(row_of(it)) < 2_500
    it.restart()
    assert it.told() == before
    it.say(400, (1, 1.0))
    assert it.engine.tracked(it.tables.conn, "site/it").shown == sum(
        [float(each % 7) for each in range(101, 400)], 1.0
    )
    it.close()


def test_another_kind_in_its_place_leaves_no_pieces():
    it = Plant(SUM)
    it.say(0, *((1, 1.0, True, -each) for each in range(100)))
    assert it.tables.execute("SELECT count(*) FROM remembered").fetchone()[0]
    it.at(101).take(wanted("it", high(5.0), kind=Rate()))
    assert not it.tables.execute("SELECT count(*) FROM remembered").fetchone()[0]
    it.close()


def test_a_rule_that_went_and_came_again_remembers_nothing_of_its_first_life():
    it = Plant(SUM)
    it.say(0, *((1, 1.0, True, -each) for each in range(100)))
    it.at(101).retire()
    it.restart()
    it.at(4000).take(SUM)
    it.say(4001, (1, 1.0))
    before = it.told()
    it.restart()
    assert it.told() == before
    it.close()


def test_the_pasts_of_a_rule_are_written_when_they_change_and_not_with_every_reading():
    it = Plant(SUM)
    it.say(0, *((1, 1.0, True, -each) for each in range(100)), stream=1)
    it.say(600, (1, 1.0), stream=2)
    past = row_of(it, 1)
    assert len(past) > 2_500
    it.tables.execute("UPDATE condition SET body = 'as it was' WHERE stream = 1")
    it.say(601, (1, 2.0), stream=2)
    assert row_of(it, 1) == "as it was"
    it.say(300, (1, 1.0), stream=1, now=602)
    assert row_of(it, 1) not in (past, "as it was")
    before = it.told()
    it.restart()
    assert it.told() == before
    it.close()


def test_a_row_as_it_was_written_before_is_read():
    """One row held the window, the last readings one by one, and all pasts."""
    it = Plant(SUM)
    it.say(0, *((1, 1.0, True, -each) for each in range(100)), stream=1)
    it.say(130, (1, 1.0), stream=2)
    before = it.told()
    tracked = it.engine.tracked(it.tables.conn, "site/it")
    body = json.loads(row_of(it))
    machine = tracked.machine
    body |= {"memory": machine.memory, "recent": machine.recent}
    del body["window"], body["seen"]
    branches = [[number, whole(past)] for number, past in tracked.streams.branches]
    body["streams"]["branches"] = branches
    text = json.dumps(body)
    it.tables.execute("DELETE FROM remembered")
    it.tables.execute("DELETE FROM condition WHERE stream > 0 AND rule = 'site/it'")
    it.tables.execute("UPDATE condition SET body = ? WHERE rule = 'site/it'", (text,))
    it.restart()
    assert it.told() == before
    for second in range(131, 140):
        it.say(second, (1, 1.0), stream=2)
    before = it.told()
    it.restart()
    assert it.told() == before
    it.close()


def whole(past):
    body = pasts_kept.branch_body(past)
    body["machine"] = body_of(past.machine, plain=False)
    body["machine"]["recent"] = past.machine.recent
    del body["machine"]["seen"]
    return body


def test_an_empty_window_is_empty():
    assert remembered.Written().tail == {"first": 0, "times": (), "values": ()}
    assert remembered.read({"first": 0, "times": [], "values": []}, None, ()).seen == Seen()
