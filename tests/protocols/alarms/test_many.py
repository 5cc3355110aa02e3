"""Many alarms at once: floods, the first of a group, groups by site, faults as one item."""

from hypothesis import given
from hypothesis import strategies as st

from protocols.alarms import flood as floods
from protocols.alarms.clocks import Timers
from protocols.alarms.definition import Clocks
from protocols.alarms.faults import Fault, rolled_up
from protocols.alarms.first_up import Group, Marked, began, first_of
from protocols.alarms.flood import Bounds, Flood
from protocols.alarms.rule import Colour
from protocols.alarms.word import Word
from protocols.clock import SECOND
from tests.central.alarms.grouping import SINGLE, Standing, grouped

BOUNDS = Bounds(window=10.0, on_above=3, off_below=2)
TIMES = st.lists(st.integers(0, 8), max_size=60)


def counted(bounds, gaps):
    """Return when it floods by counting a window at every second: what the figures say."""
    times, now, said, on = [], 0, [], False
    raises = []
    for gap in gaps:
        now += gap
        raises.append(now)
    for second in range(now + 12):
        left = [time for time in times if time > second - bounds.window]
        if on and len(left) < bounds.off_below:
            on = False
            said.append((second * SECOND, Word.FLOOD_OFF))
        for time in raises:
            if time == second:
                times.append(time)
                if not on and sum(t > second - bounds.window for t in times) > bounds.on_above:
                    on = True
                    said.append((second * SECOND, Word.FLOOD_ON))
    return said


@given(TIMES, st.sampled_from([BOUNDS, Bounds(window=5.0, on_above=1, off_below=2), Bounds()]))
def test_it_floods_as_the_figures_say(gaps, bounds):
    flood, said, now = Flood(), [], 0
    for gap in gaps:
        now += gap
        flood, more = floods.announced(bounds, flood, now * SECOND)
        said += more
        assert len(flood.times) <= bounds.remembered
    flood, more = floods.advance(bounds, flood, (now + 700) * SECOND)
    assert [each for each in said + more if each[0] < (now + 12) * SECOND] == counted(bounds, gaps)
    assert not flood.on
    assert flood == Flood()


def test_a_flood_counts_from_its_first_alarm():
    flood = Flood()
    for second in range(14):
        flood, _ = floods.announced(Bounds(), flood, second * SECOND)
    assert (flood.on, flood.began, flood.alarms) == (True, 10 * SECOND, 14)


@given(TIMES, st.integers(-1, 5), st.integers(-1, 9))
def test_figures_without_sense_still_end(gaps, above, below):
    bounds, flood, now = Bounds(on_above=above, off_below=below), Flood(), 0
    for gap in gaps:
        now += gap
        flood, _ = floods.announced(bounds, flood, now * SECOND)
    assert not floods.advance(bounds, flood, (now + 600) * SECOND)[0].on


def test_what_was_announced_earlier_than_the_last_counts_as_then():
    flood, _ = floods.announced(BOUNDS, Flood(), 5 * SECOND)
    flood, _ = floods.announced(BOUNDS, flood, 3 * SECOND)
    assert flood.times == (5 * SECOND, 5 * SECOND)


ALARMS = st.lists(
    st.tuples(st.integers(0, 200).map(lambda second: second * SECOND), st.sampled_from("AB")),
    max_size=20,
).map(lambda found: [(f"a{n}", time, group) for n, (time, group) in enumerate(found)])


@given(ALARMS.flatmap(lambda alarms: st.tuples(st.just(alarms), st.permutations(alarms))))
def test_the_first_does_not_depend_on_what_arrived_when(both):
    alarms, mixed = both
    firsts = first_of(alarms)
    assert firsts == first_of(mixed)
    known = {alarm: (time, group) for alarm, time, group in alarms}
    for alarm, first in firsts.items():
        (time, group), (earlier, same) = known[alarm], known[first]
        assert group == same
        assert firsts[first] == first
        assert earlier <= time <= earlier + 60 * SECOND


def test_the_mark_moves_to_what_was_earlier():
    group, marked = began(None, "HH", 100 * SECOND)
    assert marked == Marked("HH")
    group, marked = began(group, "pressure", 110 * SECOND)
    assert marked == Marked("HH")
    group, marked = began(group, "valve", 95 * SECOND)
    assert marked == Marked("valve", "HH")
    assert group == Group("valve", 95 * SECOND, 2)
    assert began(group, "old", 10 * SECOND) == (group, Marked("old"))
    assert began(group, "new", 156 * SECOND) == (Group("new", 156 * SECOND), Marked("new"))


STANDING = st.lists(
    st.builds(
        Standing,
        id=st.text("abcdef", min_size=3, max_size=3),
        site=st.sampled_from(["水库", "罐区"]),
        colour=st.sampled_from(Colour),
        raised=st.integers(0, 9),
        unseen=st.booleans(),
    ),
    max_size=30,
    unique_by=lambda each: each.id,
)


@given(STANDING, st.booleans())
def test_every_alarm_is_shown_once_and_none_that_is_severe_in_a_group(alarms, flood):
    shown = grouped(alarms, flood=flood)
    ids = [each.id for each in shown.single] + [id_ for group in shown.groups for id_ in group.ids]
    assert sorted(ids) == sorted(each.id for each in alarms)
    single = {each.id for each in shown.single}
    assert single >= {each.id for each in alarms if each.colour >= SINGLE or not flood}
    known = {each.id: each for each in alarms}
    for group in shown.groups:
        members = [known[id_] for id_ in group.ids]
        assert {each.site for each in members} == {group.site}
        assert sum(group.counts) == len(members)
        assert group.worst == max(each.colour for each in members)
        assert group.unseen == sum(each.unseen for each in members)
        assert group.first == min(members, key=lambda each: (each.raised, each.id)).id
    colours = [each.colour for each in shown.single]
    assert colours == sorted(colours, reverse=True)


PLANT = {
    **{f"bus{b}": "gw" for b in "12"},
    **{f"dev{b}{d}": f"bus{b}" for b in "12" for d in "123"},
    **{f"p{b}{d}{p}": f"dev{b}{d}" for b in "12" for d in "123" for p in "12"},
}
PLACES = sorted({*PLANT, *PLANT.values()})


def chain(place):
    return [place, *(chain(PLANT[place]) if place in PLANT else [])]


@given(st.sets(st.sampled_from(PLACES)))
def test_every_fault_stands_under_exactly_one_item(faulty):
    items = rolled_up(PLANT, faulty)
    shown = [item.place for item in items if not item.concluded]
    told = shown + [place for item in items for place in item.below]
    assert sorted(told) == sorted(faulty)
    tops = {item.place for item in items}
    for item in items:
        assert not tops & set(chain(item.place)[1:]), "an item lies under another"
        assert all(item.place in chain(place) for place in item.below)
        assert item.below or not item.concluded


def test_a_dead_gateway_is_one_item():
    assert rolled_up(PLANT, PLACES) == (
        Fault("gw", tuple(place for place in PLACES if place != "gw")),
    )


def test_a_bus_whose_devices_are_all_silent_is_the_item():
    silent = {"dev11", "dev12", "dev13", "p211"}
    assert rolled_up(PLANT, silent) == (
        Fault("bus1", ("dev11", "dev12", "dev13"), concluded=True),
        Fault("p211", ()),
    )


def test_one_of_one_is_itself():
    assert rolled_up({"p": "d", "d": "gw"}, {"p"}) == (Fault("p", ()),)


def test_a_ring_ends():
    assert rolled_up({"a": "b", "b": "a"}, {"a"})


def test_chatter_ends_when_it_was_quiet_long_enough():
    clocks, timers, said = Clocks(chatter=(3, 60.0)), Timers(), []
    for second in (0, 20, 40, 45):
        timers, chatters = timers.begin(clocks, second * SECOND)
        said.append(chatters)
    assert said == [False, False, True, False]
    assert timers.chatters(clocks, 79 * SECOND)
    assert not timers.chatters(clocks, 80 * SECOND)
    assert not timers.chatters(Clocks(), 45 * SECOND)
