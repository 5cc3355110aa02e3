"""The index answers as the records themselves would."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from central.point_index import NOWHERE, PointIndex
from tests.central.api.fake_collector import point_record

SITES = ("a", "b", "c")
NUMBERS = [0, 1, 2, 3, 1_023, 1_024, 5_000]
STEPS = st.one_of(
    st.tuples(
        st.just("put"),
        st.dictionaries(st.sampled_from(NUMBERS), st.sampled_from(SITES), max_size=4),
    ),
    st.tuples(st.just("drop"), st.lists(st.sampled_from(NUMBERS), max_size=4, unique=True)),
)


def record(number, site):
    return replace(point_record(number, site), id=f"{site}/{number}")


@given(st.lists(STEPS, max_size=8), st.sets(st.sampled_from(SITES)))
def test_any_changes_leave_what_is_connected(steps, scope):
    index, known = PointIndex(), {}
    for step, what in steps:
        if step == "put":
            index.put(record(number, site) for number, site in what.items())
            known |= what
        else:
            index.drop(number for number in what if number in known)
            known = {number: site for number, site in known.items() if number not in what}
    asked = np.array(NUMBERS)
    places = index.places(asked).tolist()
    sites = [None if place == NOWHERE else index.sites[place] for place in places]
    assert sites == [known.get(number) for number in NUMBERS]
    seen = sorted(number for number, site in known.items() if site in scope)
    assert index.connected(scope.__contains__).tolist() == seen
    assert index.within(asked, scope.__contains__).tolist() == seen
    assert index.ids(np.array(seen, np.int64)) == [f"{known[n]}/{n}" for n in seen]
    counts = {site: list(known.values()).count(site) for site in known.values()}
    assert index.by_site() == counts


def test_nothing_is_connected_at_first():
    index = PointIndex()
    assert index.places(np.array([0, 7, 10**6])).tolist() == [NOWHERE] * 3
    assert index.connected(lambda site: True).tolist() == []
    assert (index.by_site(), index.ids(np.empty(0, np.int64))) == ({}, [])
