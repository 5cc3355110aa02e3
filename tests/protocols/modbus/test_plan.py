"""Points into blocks, and what refusals and silences teach."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.clock import HOUR, MINUTE
from protocols.modbus.forms import BIT_TABLES, TABLES, width_of
from protocols.modbus.plan import LivePlan, halves, plan
from tests.protocols.modbus.builders import at, point, sheet

REGISTER_KINDS = ("bool", "uint16", "int8h", "int32", "float32", "float64", "utf8", "m10k")


@st.composite
def points(draw):
    found = []
    for index in range(draw(st.integers(1, 40))):
        table = draw(st.sampled_from(TABLES))
        if table in BIT_TABLES:
            kind, count = draw(st.sampled_from([("bool", 1), ("bitfield", 12)]))
        else:
            kind = draw(st.sampled_from(REGISTER_KINDS))
            count = {"utf8": draw(st.integers(1, 125)), "m10k": 3}.get(kind, 1)
        address = draw(st.one_of(st.integers(0, 300), st.integers(65_000, 65_400)))
        found.append(at(index, sheet(f"p{index}", kind, address, table=table, count=count)))
    return found


def places(block):
    """Return (first, last + 1) of each point, in order."""
    return sorted(
        (p.sheet.address.address, p.sheet.address.address + width_of(p.sheet.address))
        for p in block.points
    )


@settings(max_examples=40)
@given(points(), st.integers(1, 130), st.integers(0, 20))
def test_every_plan_keeps_its_promises(some, max_block, max_gap):
    blocks = plan(some, max_block=max_block, max_gap=max_gap)
    assert sorted(p.index for b in blocks for p in b.points) == list(range(len(some)))
    assert len(blocks) <= len(some)
    for block in blocks:
        assert {p.sheet.address.table for p in block.points} == {block.table}
        cells = 16 if block.table in BIT_TABLES else 1
        spans = places(block)
        assert block.address == spans[0][0]
        assert block.address + block.count == max(stop for _, stop in spans)
        assert block.count <= (2000 if cells == 16 else 125)
        longest = max(stop - first for first, stop in spans)
        assert block.count <= max(max_block * cells, longest)
        reached = spans[0][1]
        for first, stop in spans[1:]:
            assert first - reached <= max_gap * cells
            reached = max(reached, stop)


@settings(max_examples=40)
@given(points(), st.integers(1, 130), st.integers(0, 20))
def test_neighbouring_blocks_could_not_have_been_one(some, max_block, max_gap):
    blocks = plan(some, max_block=max_block, max_gap=max_gap)
    for left, right in pairwise(blocks):
        if left.table != right.table:
            continue
        cells = 16 if left.table in BIT_TABLES else 1
        longest = min(max_block * cells, 2000 if cells == 16 else 125)
        first_stop = min(
            p.sheet.address.address + width_of(p.sheet.address)
            for p in right.points
            if p.sheet.address.address == right.address
        )
        gap = right.address - (left.address + left.count)
        together = max(first_stop, left.address + left.count) - left.address
        assert gap > max_gap * cells or together > longest


@settings(max_examples=40)
@given(points())
def test_the_plan_does_not_depend_on_the_order_of_the_sheet(some):
    def requests(blocks):
        return [(b.table, b.address, b.count, [p.index for p in b.points]) for b in blocks]

    assert requests(plan(some)) == requests(plan(some[::-1]))


def test_a_hundred_floats_are_two_requests():
    some = [point(i, f"p{i}", "float32", 2 * i) for i in range(100)]
    assert [(b.address, b.count) for b in plan(some)] == [(0, 120), (120, 80)]


def test_a_value_is_never_torn():
    some = [point(i, f"p{i}", "float32", 2 * i) for i in range(3)]
    assert [(b.address, b.count) for b in plan(some, max_block=3)] == [(0, 2), (2, 2), (4, 2)]
    assert [(b.address, b.count) for b in plan(some, max_block=1)] == [(0, 2), (2, 2), (4, 2)]


def test_bits_of_one_register_are_one_read():
    some = [point(i, f"p{i}", "bool", 5, bit=i) for i in range(16)]
    assert [(b.address, b.count, len(b.points)) for b in plan(some)] == [(5, 1, 16)]


def test_gap_and_length_of_coils_are_counted_in_registers():
    some = [point(0, "a", "bool", 0, table="coil"), point(1, "b", "bool", 17, table="coil")]
    assert len(plan(some, max_gap=1)) == 1
    assert len(plan(some, max_gap=0)) == 2
    assert len(plan(some, max_gap=1, max_block=1)) == 2


@settings(max_examples=40)
@given(points())
def test_halves_lose_nothing_and_end(some):
    for block in plan(some):
        parts = halves(block)
        if not parts:
            assert len({p.sheet.address.address for p in block.points}) == 1
            continue
        covered = sorted(p.index for part in parts for p in part.points)
        assert covered == sorted(p.index for p in block.points)
        assert all(part.points for part in parts)
        assert all(part.count <= block.count for part in parts)


def live(count=4):
    blocks = plan([point(i, f"p{i}", "uint16", i) for i in range(count)])
    assert len(blocks) == 1
    return LivePlan(blocks), blocks[0]


def ask(plan_, legal, now):
    """Ask all blocks of a device that knows only the `legal` addresses; return what was read."""
    waiting, read = list(plan_.blocks(now)), []
    while waiting:
        block = waiting.pop(0)
        if set(range(block.address, block.address + block.count)) <= legal:
            read += [p.index for p in block.points]
        else:
            waiting = list(plan_.refuse(block, 2, now)) + waiting
    return sorted(read)


@given(st.sets(st.integers(0, 29)), st.integers(1, 30))
def test_bisection_finds_exactly_the_refused_places(legal, count):
    plan_, _ = live(count)
    expected = [i for i in range(count) if i in legal]
    assert ask(plan_, legal, 0) == expected
    holes = {p.index for block in plan_.refused() for p in block.points}
    assert holes == set(range(count)) - legal
    # Learnt: the second time nothing is refused any more.
    assert ask(plan_, legal, 1) == expected
    assert sum(len(b.points) for b in plan_.blocks(1)) == len(expected)


def test_a_gap_the_device_refuses_splits_the_block_and_loses_no_point():
    some = [point(0, "a", "uint16", 0), point(1, "b", "uint16", 5)]
    plan_ = LivePlan(plan(some))
    assert ask(plan_, {0, 5}, 0) == [0, 1]
    assert [(b.address, b.count) for b in plan_.blocks(1)] == [(0, 1), (5, 1)]
    assert plan_.refused() == {}


def test_what_was_learnt_is_forgotten_after_a_minute_an_hour_a_day():
    plan_, block = live()
    now = 5
    for held in (MINUTE, HOUR, 24 * HOUR, 24 * HOUR):
        assert ask(plan_, {0, 1, 2}, now) == [0, 1, 2]
        assert len(plan_.refused()) == 1
        assert block not in plan_.blocks(now + held - 1)
        now += held
    assert plan_.blocks(now) == (block,)
    assert plan_.refused() == {}


def test_a_device_that_has_it_all_again_is_believed():
    plan_, block = live()
    now = 5
    assert ask(plan_, {0, 1, 2}, now) == [0, 1, 2]
    now += MINUTE
    for _ in range(2):
        assert ask(plan_, {0, 1, 2, 3}, now) == [0, 1, 2, 3]
    # The next refusal is a first one again.
    assert ask(plan_, {0, 1, 2}, now) == [0, 1, 2]
    assert plan_.blocks(now + MINUTE) == (block,)


def test_a_block_that_meets_silence_is_asked_last_and_then_rests():
    blocks = plan([point(0, "a", "uint16", 0), point(1, "b", "uint16", 500)])
    plan_ = LivePlan(blocks)
    first, second = blocks
    plan_.silent(first, 0, others_answered=False)
    assert plan_.blocks(0) == (second, first)
    assert plan_.resting(0) == ()
    plan_.silent(first, 10, others_answered=True)
    assert plan_.blocks(10) == (second, first)
    plan_.silent(first, 20, others_answered=True)
    assert plan_.blocks(21) == (second,)
    assert plan_.resting(21) == (first,)
    assert plan_.blocks(20 + MINUTE) == (second, first)
    plan_.answered(first)
    assert plan_.resting(21) == ()


def test_a_dead_device_never_rests():
    plan_, block = live()
    for now in range(10):
        plan_.silent(block, now, others_answered=False)
        assert plan_.blocks(now) == (block,)


def test_a_wrong_sheet_is_refused():
    with pytest.raises(ValueError, match="type"):
        plan([point(0, kind="int24")])
