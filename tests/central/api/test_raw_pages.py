"""A page of readings is the same text whatever its readings were cut from."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from central.api.raw import encode_page
from central.store.parts import Part
from central.store.points import PointReadings
from central.store.queries.ranges import RawPage
from central.store.values import Values
from protocols.clock import SECOND

START = 1_781_272_800_000_000
cells = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
)
columns = st.one_of(
    st.lists(cells, min_size=1, max_size=12),
    st.lists(st.one_of(cells, st.text(max_size=5), st.just(2**60)), min_size=1, max_size=12),
)


def part_of(values, draw):
    n = len(values)
    numbers = lambda most: np.array([draw(st.integers(0, most)) for _ in range(n)], np.int64)  # noqa: E731
    gaps = numbers(86_400 * SECOND) + 1
    return Part(
        PointReadings(
            times=START + np.cumsum(gaps),
            streams=np.ones(n, np.int64),
            seqs=np.arange(n),
            received=START + numbers(10**6) * 1_000,
            values=Values.of(values),
            qualities=numbers(draw(st.sampled_from((0, 0x80310000)))),
            flags=numbers(draw(st.sampled_from((0, 7)))),
        )
    )


@given(columns, st.data())
def test_a_cut_part_reads_as_its_readings_do(values, data):
    whole = part_of(values, data.draw)
    times = [*whole.readings.times.tolist(), START]
    start = data.draw(st.sampled_from(times))
    end = data.draw(st.sampled_from(times)) + data.draw(st.integers(0, 1))
    if data.draw(st.booleans()):
        encode_page(RawPage([whole], None))  # its text is there already
    cut = whole.between(start, end)
    plain = Part(whole.readings.between(start, end))
    assert (cut.count, cut.first, cut.last) == (plain.count, plain.first, plain.last)
    if cut.count:
        first, second = (encode_page(RawPage([part], "1.2.3")) for part in (cut, plain))
        assert first == second
        assert json.loads(first)["columns"]["value"] == cut.readings.values.tolist()


def test_a_page_without_readings_has_its_columns():
    empty = json.loads(encode_page(RawPage([], None)))
    assert empty["next"] is None
    assert list(empty["columns"].values()) == [[]] * 6
