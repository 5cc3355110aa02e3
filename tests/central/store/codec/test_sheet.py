"""Sheets: what comes of them is what comes of their cells, byte for byte."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.store.codec import chunk_frame
from central.store.codec.cells import Cells
from central.store.codec.chunk import ChunkDamaged, decode, encode, encoded
from central.store.codec.sheet_reader import read_sheet
from central.store.codec.sheet_writer import encoded_sheets
from central.store.packing import merge
from central.store.scans.merging import merged
from central.store.values import Values
from protocols.clock import HOUR
from tests.central.store.shapes import DAY0, cells_of, columns, listed

BAD = 0x80050000


@st.composite
def polls(draw, fars=(1, 10, 10, 10, 2**40)):
    """Return the cells of several seals of one family, each in order after the one before."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    members = sorted(chance.sample(range(32), draw(st.integers(1, 32))))
    seals = draw(st.lists(st.integers(1, 40), min_size=1, max_size=5))
    period = draw(st.sampled_from([1_000, 10_000_000, HOUR // 30]))
    walk, time, seq, parts = [chance.randrange(-(10**6), 10**6) for _ in members], DAY0, 1, []
    for slots in seals:
        scale = chance.choice([0, 2, 2, 2, 9])
        far = chance.choice(fars)
        streams = chance.choice([(1,), (1, 1, 1, 2)])
        rows = []
        for _ in range(slots):
            time += period + chance.choice([0, 1, 4_000])
            stream, received = chance.choice(streams), time // 1_000 * 1_000 + 90_000
            for place, member in enumerate(members):
                walk[place] += chance.choice([0, 1, -1, 10, 100]) * far
                value, quality = walk[place] / 10**scale, chance.choice([0] * 30 + [BAD])
                row = (member, time, stream, seq + place, received, quality, 4 * (far > 1))
                rows.append((*row, value))
            seq += len(members) + chance.choice([0, 5])
        rows.sort(key=lambda row: (row[0], row[1], row[2]))
        *numbers, values = zip(*rows, strict=True)
        numbers = [np.array(column, np.int64) for column in numbers]
        parts.append(Cells(*numbers[:5], Values.of(values), *numbers[5:]))
    return parts


@settings(max_examples=80, deadline=None)
@given(polls((1, 10)))
def test_a_sheet_is_written_as_its_cells_are(parts):
    for cells in parts:
        chunk = encode(cells)
        sheet = read_sheet(chunk.body)
        assert sheet is not None
        (found,) = sheet.cells
        assert listed(found) == listed(cells)
        assert encoded_sheets(sheet) == [chunk]


@settings(max_examples=80, deadline=None)
@given(polls())
def test_merged_sheets_are_merged_cells(parts):
    bodies = [encode(cells).body for cells in parts]
    (found,) = merged([bodies])
    if found is None:
        assert not all(_decimal(cells) for cells in parts)
    else:
        assert found == encoded(merge([decode(body) for body in bodies]))


@settings(max_examples=60, deadline=None)
@given(polls((10, 300, 300, 10**4, 10**7)))
def test_numbers_that_32_bits_hold_or_do_not_are_merged_alike(parts):
    bodies = [encode(cells).body for cells in parts]
    (found,) = merged([bodies])
    if found is not None:
        assert found == encoded(merge([decode(body) for body in bodies]))
    sheets = [read_sheet(body) for body in bodies]
    for cells, sheet in zip(parts, sheets, strict=True):
        if sheet is not None:
            assert listed(sheet.cells[0]) == listed(cells)


def _decimal(cells):
    """Whether a few bits more than its floats have would make whole numbers of them."""
    return np.abs(cells.values.numbers).max() * 10**9 < 2**53


@settings(max_examples=40, deadline=None)
@given(st.lists(columns(), min_size=1, max_size=3))
def test_whatever_is_a_sheet_has_the_same_cells(parts):
    chunks = [encode(cells_of(part)) for part in parts]
    for chunk in chunks:
        if (sheet := read_sheet(chunk.body)) is not None:
            assert listed(sheet.cells[0]) == listed(decode(chunk.body))
            assert encoded_sheets(sheet) == [chunk]
    (found,) = merged([[chunk.body for chunk in chunks]])
    if found is not None:
        assert found == encoded(merge([decode(chunk.body) for chunk in chunks]))


@settings(max_examples=60, deadline=None)
@given(polls(), st.data())
def test_damage_is_told_or_changes_nothing_else(parts, data):
    columns_ = bytearray(chunk_frame.unframed(encode(parts[0]).body))
    at = data.draw(st.integers(0, len(columns_) - 1))
    columns_[at] ^= data.draw(st.integers(1, 255))
    body = chunk_frame.framed(bytes(columns_))
    try:
        sheet = read_sheet(body)
    except ChunkDamaged:
        return
    if sheet is not None:
        try:
            cells = decode(body)
        except ChunkDamaged:
            return
        assert listed(sheet.cells[0]) == listed(cells)


def test_a_cut_body_is_damage():
    zeros, times = np.zeros(2, np.int64), np.arange(2)
    cells = Cells(zeros, times, zeros, zeros, zeros, Values.of([1.5, 2.5]), zeros, zeros)
    body = encode(cells).body
    with pytest.raises(ChunkDamaged):
        read_sheet(body[:-1])
