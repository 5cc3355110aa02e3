"""Lists of names that come again are the same list, and mean the same points as each name does."""

from hypothesis import given, settings
from hypothesis import strategies as st

from central.door.names import KnownNames
from central.door.naming import Naming
from tests.central.door.plant import DESCRIPTION, at

PLACES = {f"p{nth}": nth for nth in range(4)}
NAMES = st.lists(st.sampled_from([*PLACES, "nowhere", "P0"]), max_size=6)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(NAMES, st.booleans()), max_size=12))
def test_a_list_means_what_each_name_means(lists):
    known, naming = KnownNames(), Naming(PLACES, len(PLACES))
    for names, as_sent in lists:
        data = repr(names).encode()
        held = known.sent(data, lambda _, names=names: names) if as_sent else known.listed(names)
        assert held == names
        for _ in range(2):
            named = naming.of(held, indexes=False)
            assert named.places.tolist() == [PLACES.get(name, -1) for name in names]
            whole = bool(names) and all(name in PLACES for name in names)
            assert named.distinct == (whole and len(set(names)) == len(names))


def test_numbers_are_points_only_where_they_may_be():
    naming, names = Naming(PLACES, len(PLACES)), [0, "p1", 3, 4, -1, True, 1.0]
    assert naming.of(names, indexes=False).places.tolist() == [-1, 1, -1, -1, -1, -1, -1]
    assert naming.of(names, indexes=True).places.tolist() == [0, 1, 3, -1, -1, -1, -1]
    both = [0, 1]
    assert naming.of(both, indexes=True).distinct
    assert not naming.of(both, indexes=False).distinct


def test_what_comes_three_times_is_one_list():
    known = KnownNames()
    lists = [known.listed([f"p{nth}" for nth in range(3)]) for _ in range(3)]
    assert lists[2] is lists[1]
    other = ["p0", "p7", "p2"]
    assert known.listed(other) is other
    assert known.listed([1, 2]) == [1, 2]


async def test_points_are_found_anew_when_they_change(enterprise):
    points = [f"{enterprise.site}/tank/{name}" for name in ("level", "flow")]
    for nth in range(4):
        told = await enterprise.columns(f"a{nth}", points, [at(nth)] * 2, [50, nth])
        assert told["accepted"] == 2
    await enterprise.describe(points=DESCRIPTION["points"][::-1])
    for nth in range(4, 8):
        told = await enterprise.columns(f"b{nth}", points, [at(nth)] * 2, [50, nth])
        assert told["accepted"] == 2
    flow = await enterprise.stored(f"{enterprise.site}/{enterprise.name}/tank/flow")
    assert [value for _, value, _ in flow] == [float(nth) for nth in range(8)]
