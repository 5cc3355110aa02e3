"""Who keeps a place and says nothing loses it; who proves himself counts for nobody else."""

import pytest

from central.guard.connections import HEADER_TIME, STALL, Connections, Stage
from central.guard.settings import CONNECTIONS


class Line:
    """A connection as the watch sees it."""

    def __init__(self, watch, source="10.0.0.1"):
        self.source, self.proven, self.suspect = source, False, False
        self.stage, self.drained, self.answered, self.waiting = Stage.HEAD, 0, True, 0
        self.since = watch.now()
        self.cuts = []
        self._watch = watch
        watch.made(self)

    def unread(self):
        return self.waiting

    def cut(self, code):
        self.cuts.append(code)
        self._watch.lost(self)

    def prove(self):
        self.proven = True
        self._watch.proved(self)


class Hand:
    def __init__(self):
        self.at = 1_000.0

    def __call__(self):
        return self.at


@pytest.fixture
def now():
    return Hand()


@pytest.fixture
def watch(now):
    return Connections(now, most=1_000)


def look(watch, now, after):
    now.at += after
    watch.look()
    watch.look()


def test_a_header_has_its_time_and_one_look_more(watch, now):
    line = Line(watch)
    look(watch, now, HEADER_TIME)
    assert line.cuts == []
    now.at += 0.1
    watch.look()
    assert line.cuts == []  # what had come by now was read after this look
    watch.look()
    assert line.cuts == ["HEADERS_SLOW"]
    assert len(watch) == 0


def test_a_request_under_way_takes_its_time(watch, now):
    line = Line(watch)
    line.stage, line.answered = Stage.BODY, False
    look(watch, now, 10_000)
    assert line.cuts == []


def test_a_body_after_its_answer_may_drain_as_long_as_it_moves(watch, now):
    line = Line(watch)
    line.stage = Stage.BODY
    for second in range(1, 60):
        line.drained = 2_000 * second
        look(watch, now, 1.0)
    assert line.cuts == []
    look(watch, now, 100)
    assert line.cuts == ["DRAINED_SLOWLY"]


def test_an_answer_nobody_reads_ends(watch, now):
    line, slow = Line(watch), Line(watch)
    line.stage = slow.stage = Stage.REST
    line.answered = slow.answered = False
    line.waiting = slow.waiting = 70_000
    watch.look()
    slow.waiting -= 1_500
    look(watch, now, STALL + 1)
    assert (line.cuts, slow.cuts) == (["ANSWER_NOT_READ"], [])


def test_idle_ones_of_an_address_make_room_for_its_next(now):
    watch = Connections(now, most=1_000, unproven=10)
    lines = [Line(watch) for _ in range(10)]
    lines[0].answered = False  # at work
    now.at += 5
    new = Line(watch)
    assert (lines[0].cuts, lines[1].cuts, new.cuts) == ([], ["CONNECTIONS_TOO_MANY"], [])
    other = Line(watch, "10.0.0.2")
    assert not other.cuts


def test_a_crowd_that_came_at_once_keeps_its_places(now):
    """Their first bytes are still on the way: the next is the one that has to come again."""
    watch = Connections(now, most=1_000, unproven=10)
    lines = [Line(watch) for _ in range(11)]
    assert [line.cuts for line in lines] == [[]] * 10 + [["CONNECTIONS_TOO_MANY"]]


def test_a_thousand_gateways_behind_one_address_are_let_in(now):
    watch = Connections(now, most=16_000)
    lines = [Line(watch) for _ in range(3_000)]
    assert not any(line.cuts for line in lines)
    for line in lines:
        line.prove()
    strangers = [Line(watch) for _ in range(CONNECTIONS)]
    assert not any(line.cuts for line in (*lines, *strangers))
    now.at += 5
    Line(watch)
    assert strangers[0].cuts
    assert not any(line.cuts for line in lines)


def test_a_full_house_takes_the_place_of_the_largest_crowd(now):
    watch = Connections(now, most=30, unproven=29)
    crowd = [Line(watch, "10.0.0.9") for _ in range(15)]
    honest = [Line(watch, f"10.0.1.{number}") for number in range(15)]
    now.at += 5
    new = Line(watch, "10.0.2.1")
    assert crowd[0].cuts == ["CONNECTIONS_TOO_MANY"]
    assert not any(line.cuts for line in (*crowd[1:], *honest, new))


def test_nothing_is_kept_of_who_has_gone(watch):
    lines = [Line(watch, f"10.0.{number}.1") for number in range(200)]
    for line in lines:
        line.waiting = 5
    watch.look()
    for line in lines:
        watch.lost(line)
        watch.lost(line)
    assert (len(watch), watch._strangers, watch._stalled) == (0, {}, {})
