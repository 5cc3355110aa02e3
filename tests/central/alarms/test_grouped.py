"""The open list by site is the same from an index as from all alarms one by one."""

import sqlite3

from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database as Tables

from central.alarms.journal.records import EpisodeRow
from central.alarms.journal.writing import insert_episodes
from central.alarms.many import first_ups
from central.alarms.shown.grouped import grouped
from central.alarms.shown.listing import Resolved
from protocols.alarms import first_up
from protocols.alarms.rule import Colour
from protocols.words import Purpose
from tests.central.alarms import grouping
from tests.central.alarms.grouping import Standing
from tests.central.alarms.test_arrays import empty
from tests.central.builders import SECOND, START, level

STATES = ("UNACK", "ACKED", "RTN_UNACK", "LATCHED_UNACK", "LATCHED_ACKED", "NORMAL")
ALARMS = st.lists(
    st.tuples(
        st.sampled_from(("a", "b", "c")),
        st.sampled_from(tuple(Colour)),
        st.sampled_from(STATES),
        st.sampled_from(tuple(Purpose)),
        st.integers(0, 300),
        st.sampled_from(("alarm", "alarm", "alarm", "shelved", "fault")),
    ),
    max_size=40,
)


def tables():
    conn = sqlite3.connect(":memory:", isolation_level=None)
    empty().backup(conn)
    return Tables(conn)


def row(number, site, colour, state, purpose, second, what="alarm"):
    raised = START + second * SECOND
    return EpisodeRow(
        number=number,
        id=f"A-{number:04d}",
        rule=f"{'fault:' if what == 'fault' else ''}{site}/{number}",
        point=1,
        site=site,
        state=state,
        level=level("H", 80.0, colour=colour),
        raised=raised,
        returned=raised if state == "NORMAL" else None,
        closed=raised if state == "NORMAL" else None,
        acknowledged=None,
        value_at_raise=1.0,
        occurrence=1,
        late=False,
        purpose=purpose,
    )


@given(ALARMS, st.sampled_from((None, frozenset("a"), frozenset("bc"), frozenset())))
def test_an_index_says_what_all_of_them_say(alarms, sites):
    db = tables()
    rows = [row(number, *each) for number, each in enumerate(alarms, 1)]
    insert_episodes(db.conn, rows)
    listed = []
    for each, (*_, what) in zip(rows, alarms, strict=True):
        if what == "shelved":
            db.conn.execute(
                "INSERT INTO overlay VALUES (?, 'SHELVED', 1, ?, 0, 1, 0, '', '')",
                (each.rule, each.site),
            )
        elif what == "fault":
            db.conn.execute(
                "INSERT INTO fault VALUES (?, ?, 'gateway', 'gw', NULL, NULL, 0, 0, 0, 0, x'')",
                (each.number, each.rule),
            )
        elif each.closed is None and (sites is None or each.site in sites):
            unseen = each.state not in ("ACKED", "LATCHED_ACKED")
            listed.append(Standing(each.id, each.site, each.level.colour, each.raised, unseen))
    pure = grouping.grouped(listed, flood=True)
    found = grouped(db.conn, Resolved(sites, None, None), None)
    told = [(g.site, g.first, g.counts, g.unseen, g.raised, len(g.ids)) for g in pure.groups]
    assert [(r.site, r.first, r.counts, r.unseen, r.raised, r.total) for r in found] == told
    assert [r.worst for r in found] == [g.worst for g in pure.groups]
    db.conn.close()


@given(
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from((1, 2, 3))), max_size=30),
    st.integers(1, 6),
)
def test_told_in_order_the_first_of_each_group_is_what_all_of_them_say(alarms, together):
    """However many come in one commit; objects are kept apart, a point without one is its site."""
    db, objects = tables(), {1: "tank", 2: "pump", 3: None}
    rows = [
        row(number, "a", Colour.RED, "UNACK", Purpose.PRODUCTION, second)
        for number, (second, _) in enumerate(sorted(alarms), 1)
    ]
    for each, (_, point) in zip(rows, sorted(alarms), strict=True):
        each.point = point
    for begin in range(0, len(rows), together):
        some = rows[begin : begin + together]
        insert_episodes(db.conn, some)
        first_ups.mark(db.conn, some, objects.get)
    pure = first_up.first_of((r.id, r.raised, str(objects[r.point])) for r in rows)
    found = first_ups.of(db.conn, [r.number for r in rows])
    assert {r.id: found[r.number].first for r in rows} == pure
    assert {r.id for r in rows if found[r.number].is_first} == set(pure.values())
    for each in rows:
        others = sum(first == found[each.number].first for first in pure.values()) - 1
        assert found[each.number].followers == others
    db.conn.close()


def test_what_is_told_late_may_take_the_mark_and_the_others_follow_it():
    db = tables()
    rows = [
        row(number, "a", Colour.RED, "UNACK", Purpose.PRODUCTION, second)
        for number, second in enumerate((100, 130, 80, 10, 90), 1)
    ]
    insert_episodes(db.conn, rows)
    told = [first_ups.mark(db.conn, [each], lambda _: None) for each in rows]
    # The first hears of its first follower, and of whoever takes the mark.
    assert told == [[], [1], [1], [], []]
    found = first_ups.of(db.conn, range(1, 6))
    assert {number: known.first for number, known in found.items()} == {
        1: "A-0003",
        2: "A-0003",
        3: "A-0003",
        4: "A-0004",
        5: "A-0003",
    }
    db.conn.close()
