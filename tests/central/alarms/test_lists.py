"""The list of alarms: filters, pages that stay right while alarms come, the indexes it reads."""

from dataclasses import replace

import pytest

from central.alarms.acts.said import verify
from central.alarms.journal.episode import EpisodeFilter, Verification
from central.alarms.journal.ledger import Ledger, OpenEpisodes
from central.alarms.journal.records import EpisodeRow
from central.alarms.shown import listing
from central.alarms.shown.cursor import CursorElsewhere, CursorUnknown
from central.alarms.shown.listing import FilterUnknown, Resolved
from protocols.alarms.rule import Colour
from protocols.words import Purpose
from tests.central.builders import SECOND, START, level

COLOURS = (Colour.BLUE, Colour.YELLOW, Colour.ORANGE, Colour.RED)
NAMES = Resolved(None, None, None)


def row(nth, **changed):
    made = EpisodeRow(
        number=0,
        id="",
        rule="site/gw/tank/level:high",
        point=1,
        site="site",
        state="UNACK",
        level=level("H", 80.0, colour=COLOURS[nth % 4]),
        raised=START + nth * SECOND,
        returned=None,
        closed=None,
        acknowledged=None,
        value_at_raise=1.0,
        occurrence=1,
        late=False,
        purpose=Purpose.PRODUCTION,
    )
    return replace(made, **changed)


@pytest.fixture
async def alarms(collector, stream):
    """The tables know points 1 and up of `site`."""
    return collector.alarms


async def put(collector, *rows):
    def work(tables):
        ledger = Ledger(tables.conn, OpenEpisodes())
        numbers = [ledger.open(each) for each in rows]
        ledger.write()
        return numbers

    return await collector.db.write(work)


async def walk(alarms, meanwhile=None, **asked):
    """Turn all pages; `meanwhile` is done between each two."""
    found, cursor = [], None
    while True:
        page = await alarms.episodes(EpisodeFilter(cursor=cursor, **asked))
        found += page.items
        cursor = page.next
        if cursor is None:
            return found
        if meanwhile is not None:
            await meanwhile(len(found))


async def test_the_most_urgent_come_first_in_pages_of_any_size(collector, alarms):
    states = ("UNACK", "ACKED", "RTN_UNACK", "LATCHED_ACKED", "LATCHED_UNACK")
    await put(collector, *(row(nth, state=states[nth % 5]) for nth in range(60)))
    whole = await walk(alarms, limit=500)
    assert len(whole) == 60
    keys = [(e.state not in ("ACKED", "LATCHED_ACKED"), e.level.colour, e.raised) for e in whole]
    assert keys == sorted(keys, reverse=True)
    assert await walk(alarms, limit=7) == whole
    assert {e.state for e in await walk(alarms, state="unacknowledged")} == {
        "UNACK",
        "RTN_UNACK",
        "LATCHED_UNACK",
    }


@pytest.mark.parametrize(
    "asked",
    [
        {"state": "open"},
        {"state": "all"},
        {"purpose": "production"},
        {"sites": frozenset({"site", "elsewhere"})},
        {"q": "level"},
        {"state": "all", "q": "level"},
    ],
)
async def test_pages_stay_right_while_alarms_come(collector, alarms, asked):
    await put(collector, *(row(nth) for nth in range(40)))
    before = {e.id for e in await walk(alarms, **asked)}
    assert len(before) == 40

    async def more(seen):
        # Later and graver than everything: with a count of items the pages would move.
        await put(collector, *(row(nth, raised=START + 10**9 + nth) for nth in range(3, 40, 4)))

    found = [e.id for e in await walk(alarms, more, limit=6, **asked)]
    assert len(found) == len(set(found))
    assert before <= set(found)


async def test_equal_times_are_told_apart(collector, alarms):
    await put(collector, *(row(0, raised=START) for _ in range(9)))
    found = [e.id for e in await walk(alarms, state="all", limit=2)]
    assert len(set(found)) == len(found) == 9


async def test_filters(collector, alarms):
    await put(
        collector,
        row(0, state="NORMAL", returned=START, closed=START),
        row(1, site="elsewhere"),
        row(2, rule="site/gw/tank/level:low"),
        row(3, point=2, late=True),
        row(4, purpose=Purpose.DRILL),
    )
    point = {"point": "site/gw/tank/level"}
    for asked, raised in [
        ({}, [4, 3, 2, 1, 0]),
        ({"state": "history"}, [0]),
        ({"levels": frozenset({"red", "yellow"})}, [3, 1]),
        ({"sites": frozenset({"elsewhere"})}, [1]),
        ({"sites": frozenset({"site", "elsewhere"}), "late": False}, [4, 2, 1, 0]),
        ({"sites": frozenset()}, []),
        ({"domain": "flood_drought"}, [4, 3, 2, 0]),
        ({"domain": "nothing"}, []),
        ({"domain": "flood_drought", "sites": frozenset({"elsewhere"})}, []),
        (point, [4, 2, 1, 0]),
        ({"point": "nowhere"}, []),
        ({"late": True}, [3]),
        ({"purpose": "drill"}, [4]),
        ({"since": START + 2 * SECOND, "until": START + 4 * SECOND}, [3, 2]),
        ({"q": "点位 LEVEL"}, [4, 2, 1, 0]),
        ({"q": "-0002"}, [1]),
        ({"q": "%"}, []),
        ({**point, "levels": frozenset({"blue"}), "since": START + 1}, [4]),
    ]:
        page = await alarms.episodes(EpisodeFilter(**{"state": "all", **asked}))
        assert [(e.raised - START) // SECOND for e in page.items] == raised, asked
        assert (page.total, page.more) == (len(raised), False)


async def test_a_rule_s_alarms(story):
    await story.at(0, 15.0)
    await story.at(10, 85.0)
    asked = EpisodeFilter(state="all", rule="site/gw/tank/level:high")
    (found,) = (await story.collector.alarms.episodes(asked)).items
    assert found.rule == "site/gw/tank/level:high"
    none = EpisodeFilter(state="all", rule="site/gw/tank/level:none")
    assert (await story.collector.alarms.episodes(none)).items == ()


async def test_by_what_they_turned_out_to_be(collector, alarms):
    first, second, _ = await put(collector, *(row(nth) for nth in range(3)))

    def work(tables):
        for number, result in ((first, "real"), (second, "real"), (second, "false")):
            verify(tables.conn, number, Verification(result=result, by="ann", at=START))

    await collector.db.write(work)
    for result, raised in [("real", [0]), ("false", [1]), ("none", [2]), ("test", [])]:
        page = await alarms.episodes(EpisodeFilter(state="all", verification=result))
        assert [(e.raised - START) // SECOND for e in page.items] == raised
        assert all((e.verification is None) == (result == "none") for e in page.items)


async def test_what_is_over_a_rule_takes_it_from_the_open_list(collector, alarms):
    await put(collector, row(0), row(1, rule="site/gw/tank/level:low", state="NORMAL"))
    for rule, name in (("high", "SHELVED"), ("low", "SUPPRESSED")):
        await collector.db.write(
            lambda t, rule=rule, name=name: t.conn.execute(
                "INSERT INTO overlay VALUES (?, ?, 1, 'site', 0, 1, 0, 'ann', '检修')",
                (f"site/gw/tank/level:{rule}", name),
            )
        )
    for state, raised in [
        ("open", []),
        ("unacknowledged", []),
        ("shelved", [0]),
        ("suppressed", [1]),
        ("out_of_service", []),
        ("all", [1, 0]),
    ]:
        page = await alarms.episodes(EpisodeFilter(state=state))
        assert [(e.raised - START) // SECOND for e in page.items] == raised, state


@pytest.mark.parametrize("cursor", ["-1", "x", "9" * 30, "", "W10", "é", "a" * 5_000])
async def test_a_cursor_that_is_not_ours_is_refused(alarms, cursor):
    with pytest.raises(CursorUnknown):
        await alarms.episodes(EpisodeFilter(cursor=cursor))


async def test_a_cursor_is_good_for_its_own_filters_only(collector, alarms):
    await put(collector, row(0), row(1))
    cursor = (await alarms.episodes(EpisodeFilter(limit=1))).next
    for other in (
        EpisodeFilter(state="all", cursor=cursor),
        EpisodeFilter(levels=frozenset({"red"}), cursor=cursor),
        EpisodeFilter(sites=frozenset({"site"}), cursor=cursor),
    ):
        with pytest.raises(CursorElsewhere):
            await alarms.episodes(other)
    assert len((await alarms.episodes(EpisodeFilter(limit=500, cursor=cursor))).items) == 1


@pytest.mark.parametrize("state", listing.VIEWS)
async def test_of_no_site_there_is_none(collector, alarms, state):
    await put(collector, row(1))
    for asked in ({"sites": frozenset()}, {"domain": "marine"}, {"domain": "nobody's"}):
        page = await alarms.episodes(EpisodeFilter(state=state, **asked))
        assert (page.items, page.total, page.next) == ((), 0, None)


@pytest.mark.parametrize(
    ("asked", "params"),
    [
        ({"state": "sideways"}, ("state", "sideways")),
        ({"levels": frozenset({"pink"})}, ("level", "pink")),
        ({"verification": "maybe"}, ("verification", "maybe")),
    ],
)
async def test_a_filter_that_is_none_says_what_there_is(alarms, asked, params):
    with pytest.raises(FilterUnknown) as refused:
        await alarms.episodes(EpisodeFilter(**asked))
    found = refused.value.params
    assert (found["filter"], found["value"]) == params
    assert found["allowed"]


CURSOR = object()


@pytest.mark.parametrize(
    ("asked", "names", "index"),
    [
        ({}, NAMES, "episode_urgent"),
        ({"levels": frozenset({"red"})}, NAMES, "episode_urgent"),
        ({"state": "unacknowledged"}, NAMES, "episode_urgent"),
        ({}, Resolved(frozenset({"s"}), None, None), "episode_figures"),
        ({}, Resolved(frozenset(map(str, range(99))), None, None), "episode_figures"),
        ({"purpose": "test"}, NAMES, "episode_figures"),
        ({"late": True}, NAMES, "episode_urgent"),
        ({"q": "x"}, Resolved(None, None, frozenset({1, 2})), "episode_urgent"),
        (
            {"q": "x"},
            Resolved(frozenset(map(str, range(99))), None, frozenset({1})),
            "episode_urgent",
        ),
        ({"state": "history"}, NAMES, "episode_closed"),
        ({"state": "all"}, NAMES, "episode_raised"),
        ({"state": "all", "since": 1, "until": 9}, NAMES, "episode_raised"),
        ({"state": "all", "point": "p"}, NAMES, "episode_point"),
        ({"state": "history", "rule": "r"}, NAMES, "episode_point"),
        ({"state": "all"}, Resolved(frozenset({"s"}), None, None), "episode_site"),
        ({"state": "all"}, Resolved(None, frozenset({1, 2}), None), "episode_point"),
        ({"state": "history", "q": "x"}, Resolved(None, None, frozenset({1})), "episode_point"),
        (
            {"state": "history", "q": "1"},
            Resolved(None, None, frozenset({1}), in_ids=True),
            "episode_closed",
        ),
        ({"state": "shelved"}, NAMES, "INTEGER PRIMARY KEY"),
        ({"state": "suppressed"}, NAMES, "INTEGER PRIMARY KEY"),
    ],
)
@pytest.mark.parametrize("further", [False, True])
async def test_the_usual_questions_read_an_index(collector, asked, names, index, further):
    wanted = EpisodeFilter(**asked)
    found = listing.question(wanted, names)
    place = [1] * len(found.order.keys) if further else None
    sql, values = listing.reading(found, place, 101)
    rows = await collector.db.read(
        lambda conn: conn.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
    )
    told = [each[3] for each in rows]
    main = [text for text in told if text.startswith(("SEARCH episode ", "SCAN episode "))]
    assert any(f"INDEX {index}" in text or f"USING {index}" in text for text in main), told
    # Read in order: sorted is only what lies under a few rules, or at a few points.
    few = wanted.state in ("shelved", "suppressed") or names.points
    few = few or index in ("episode_figures", "episode_point")
    assert few or not any("ORDER BY" in text for text in told), told
    by_place = further and wanted.purpose is None  # of a purpose there is no order to go on in
    begins = "SEARCH" if by_place or wanted.point or wanted.rule else ""
    assert all(text.startswith(begins) for text in main), told


@pytest.mark.parametrize("asked", [{}, {"levels": frozenset({"red"})}, {"purpose": "test"}])
@pytest.mark.parametrize("names", [NAMES, Resolved(frozenset({"s", "t"}), None, None)])
async def test_what_is_open_is_counted_without_reading_a_row(collector, asked, names):
    found = listing.question(EpisodeFilter(**asked), names)
    assert found.counted
    sql = f"EXPLAIN QUERY PLAN {listing.counting(found)}"
    rows = await collector.db.read(lambda conn: conn.execute(sql, [*found.values, 9]).fetchall())
    told = [each[3] for each in rows]
    assert any("episode USING COVERING INDEX episode_figures" in text for text in told), told
    assert "SEARCH e USING INDEX episode_open (rule=?)" in told, told


def test_what_the_index_does_not_hold_is_counted_row_by_row():
    for asked in ({"late": True}, {"since": 1}, {"q": "x"}, {"state": "all"}, {"rule": "r"}):
        assert not listing.question(EpisodeFilter(**asked), NAMES).counted


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"q": "x"}, Resolved(None, None, frozenset({1, 2}))),
        ({"object": "bund"}, Resolved(None, frozenset({1, 2}), None)),
        ({"late": True}, NAMES),
        ({"purpose": "drill"}, NAMES),
        ({}, Resolved(frozenset({"s", "t"}), None, None)),
    ],
)
async def test_few_among_many_that_are_open_are_found_without_reading_a_row(
    collector, asked, names
):
    sql, values = listing.reading(listing.question(EpisodeFilter(**asked), names), None, 101)
    rows = await collector.db.read(
        lambda conn: conn.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
    )
    (main,) = [each[3] for each in rows if each[3].split()[1] == "episode"]
    assert "COVERING INDEX" in main


async def test_the_count_is_that_of_the_first_page(collector, alarms):
    await put(collector, *(row(nth) for nth in range(5)))
    first = await alarms.episodes(EpisodeFilter(limit=2))
    await put(collector, row(9))
    second = await alarms.episodes(EpisodeFilter(limit=2, cursor=first.next))
    assert (first.total, second.total) == (5, 5)
