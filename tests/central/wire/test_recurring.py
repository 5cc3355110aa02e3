"""Sections that come again are remembered, and what they meant holds for nothing else."""

import random
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.ingest.placement import Placement
from central.ingest.placing import place
from central.wire.decoding import decode_columns, decode_common
from central.wire.recurring import Recurring
from protocols.wire.batch import decode_batch, encode_readings, read_header
from tests.central.wire.plenty import BATCHES, PLACES, ROWS, scans
from tests.central.wire.test_decoding import RARE, check, columns_of, joined
from tests.protocols.wire.strategies import SAMPLE_STAMP, exact

TAKEN = [name for name in BATCHES if name not in RARE]
TIMES = 4
"""After which all that may be remembered of a batch is."""


def learnt(data):
    """Return what a batch holds, decoded until its sections are remembered."""
    for _ in range(TIMES):
        batch = decode_common(data, *read_header(data))
    return batch


@pytest.mark.parametrize("name", TAKEN)
def test_a_batch_is_the_same_each_time(name):
    data = BATCHES[name]
    known = exact(decode_batch(data).readings())
    for _ in range(TIMES):
        assert exact(decode_common(data, *read_header(data)).readings()) == known


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_remembered_cannot_be_changed(name):
    batch = learnt(BATCHES[name])
    values = batch.values
    for column in (batch.points, batch.times, batch.qualities, values.kinds, values.numbers):
        if column.flags.writeable:
            column[:] = 1
        else:
            with pytest.raises(ValueError, match="read-only"):
                column[0] = 1
    assert check(BATCHES[name]) == "taken"


@pytest.mark.parametrize("name", TAKEN)
def test_a_remembered_section_beside_a_damaged_one(name):
    data, dice = BATCHES[name], random.Random(name)
    learnt(data)
    n, columns = read_header(data)[0].n, columns_of(data)
    for damaged in range(5):
        for _ in range(30):
            others = list(columns)
            cells = bytearray(others[damaged] or b"\0")
            cells[dice.randrange(min(len(cells), 60))] ^= 1 << dice.randrange(8)
            if dice.random() < 0.3:
                del cells[dice.randrange(len(cells)) :]
            others[damaged] = bytes(cells)
            assert check(joined(n, others))
    assert check(data) == "taken"


def test_the_same_section_means_other_rows_where_there_are_more_or_less():
    columns = columns_of(BATCHES["scan"])
    learnt(BATCHES["scan"])
    for n in (59, 61):
        assert check(joined(n, columns)) == "refused"


def test_the_same_qualities_lie_elsewhere_where_the_points_do():
    rows = ROWS["stretches"]
    backwards = [row._replace(point=199 - row.point) for row in rows]
    for each in (rows, backwards) * TIMES:
        assert check(encode_readings(SAMPLE_STAMP, each, PLACES * 100)) == "taken"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(TAKEN), min_size=1, max_size=30))
def test_any_order_of_batches(names):
    for name in names:
        assert check(BATCHES[name]) == "taken"


def test_two_gateways_that_send_the_same_bytes_name_their_own_points():
    data = encode_readings(SAMPLE_STAMP, scans(40, 80), PLACES)
    at = Placement.by(0)
    for _ in range(TIMES):
        batch = decode_columns(data, *read_header(data))
        one = place(batch, np.arange(1_000, 1_040), at, 10**15).rows.points
        other = place(batch, np.arange(5_000, 5_040)[::-1].copy(), at, 10**15).rows.points
        few = place(batch, np.arange(1_000, 1_030), at, 10**15)
        assert one.tolist() == [*range(1_000, 1_040)] * 2
        assert other.tolist() == [*range(5_039, 4_999, -1)] * 2
        assert few.rows.points.tolist() == [*range(1_000, 1_030)] * 2
        assert len(few.aside) == 20


def test_only_what_comes_twice_is_kept():
    known = Recurring[str](10, 1_000)
    known.offer("once", "a", 1)
    assert known.find("once") is None
    known.offer("once", "b", 1)
    assert known.find("once") == "b"
    known.offer("large", "c", 1_001)
    known.offer("large", "c", 1_001)
    assert known.find("large") is None
    assert len(known) == 1


@pytest.mark.parametrize(("size", "most"), [(1, 20), (300, 6)])
def test_what_is_kept_is_bounded_and_what_is_asked_for_stays(size, most):
    known = Recurring[int](10, 1_000)
    for key in range(500):
        for _ in range(2):
            known.offer(key, key, size)
        assert known.find(key) == key
        assert known.find(0) == 0
        assert len(known) <= most
    assert known.find(250) is None


def test_many_threads_ask_at_once():
    known = Recurring[int](50, 1_000)
    wrong = []

    def ask(seed):
        dice = random.Random(seed)
        for _ in range(3_000):
            key = dice.randrange(200)
            found = known.find(key)
            if found is None:
                known.offer(key, key * 7, 10)
            elif found != key * 7:
                wrong.append(key)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong
    assert 0 < len(known) <= 101
