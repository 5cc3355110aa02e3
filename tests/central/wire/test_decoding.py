"""The columns of a batch are what the decoder of all forms says of it, or both refuse it."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.wire.columns import BatchColumns
from central.wire.decoding import decode_columns, decode_common
from central.wire.reading import Unusual
from protocols.errors import WireError
from protocols.wire.batch import BatchKind, decode_batch, encode_readings, read_header
from protocols.wire.header import put_header
from protocols.wire.reader import Reader
from protocols.wire.varint import put_uvar
from protocols.words import Reading
from tests.central.wire.plenty import BATCHES
from tests.protocols.wire.strategies import (
    SAMPLE_STAMP,
    SAMPLES,
    exact,
    refusal,
    stamps,
    tables,
)
from tests.protocols.wire.test_fixtures import FOLDER
from tests.protocols.wire.test_total import mutate, runs, small

RARE = ("mixture", "mixture of marks")
"""They hold integers of more than 63 bits, among others: the other decoder is asked."""


def decoded(data):
    """Return what is read, or the refusal, by the decoder of all forms."""
    try:
        return decode_batch(data)
    except WireError as refused:
        return refused


def check(data):
    """Return "taken" (the very same content), "left" (to the other decoder) or "refused"."""
    code, head = refusal(read_header, data)
    if code is not None or head[0].kind != BatchKind.READINGS:
        return "refused"
    known = decoded(data)
    try:
        found = decode_common(data, *head)
    except (Unusual, WireError):
        return "refused" if isinstance(known, WireError) else "left"
    assert not isinstance(known, WireError), known
    assert found.header == known.header
    assert exact(found.readings()) == exact(known.readings())
    same = BatchColumns.of(known)
    assert found.values == same.values
    assert (found.source is None) == (same.source is None)
    assert {found.points.dtype, found.times.dtype, found.qualities.dtype} == {np.dtype("i8")}
    return "taken"


@pytest.mark.parametrize("name", BATCHES)
def test_the_common_forms_need_no_other_decoder(name):
    assert check(BATCHES[name]) == ("left" if name in RARE else "taken")


@settings(max_examples=60, deadline=None)
@given(stamps, tables())
def test_any_readings(stamp, table):
    assert check(encode_readings(stamp, *table)) in ("taken", "left")


@pytest.mark.parametrize("seed", range(3))
def test_batches_with_a_few_bytes_changed(seed):
    dice = random.Random(seed)
    good = [*BATCHES.values(), *SAMPLES]
    said = [check(mutate(dice.choice(good), dice)) for _ in range(600)]
    assert said.count("taken") > 40
    assert said.count("refused") > 150


@pytest.mark.parametrize("seed", range(3))
def test_batches_with_a_bit_turned(seed):
    dice = random.Random(seed)
    good = [*BATCHES.values(), *SAMPLES]
    said = []
    for _ in range(400):
        changed = bytearray(dice.choice(good))
        changed[dice.randrange(min(len(changed), 200))] ^= 1 << dice.randrange(8)
        said.append(check(bytes(changed)))
    assert said.count("taken") > 40


def columns_of(data):
    """Return the five columns of a good batch, each as bytes."""
    reader = Reader(data, "batch", read_header(data)[1])
    parts = [reader.part("") for _ in range(5)]
    return [data[part.at : part.end] for part in parts]


def joined(n, columns, stamp=SAMPLE_STAMP):
    data = bytearray()
    put_header(data, BatchKind.READINGS, stamp, n)
    for column in columns:
        put_uvar(data, len(column))
        data += column
    return bytes(data)


@pytest.mark.parametrize("seed", range(3))
def test_columns_of_several_batches_put_together(seed):
    dice = random.Random(seed)
    good = [(read_header(data)[0].n, columns_of(data)) for data in BATCHES.values()]
    for _ in range(400):
        n, columns = dice.choice(good)
        columns = list(columns)
        for _ in range(dice.randint(1, 2)):
            place = dice.randrange(5)
            _, others = dice.choice(good)
            cut = dice.randrange(len(columns[place]) + 1), dice.randrange(len(others[place]) + 1)
            whole = dice.random() < 0.5
            columns[place] = (
                others[place] if whole else columns[place][: cut[0]] + others[place][cut[1] :]
            )
        check(joined(n, columns))


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 6), st.lists(st.one_of(small, runs), min_size=5, max_size=5))
def test_any_columns_below_a_good_header(n, columns):
    assert check(joined(n, columns))


@pytest.mark.parametrize("file", sorted((FOLDER / "refused").glob("*.bin")), ids=lambda f: f.name)
def test_what_is_refused_is_refused_in_the_same_words(file):
    data = file.read_bytes()
    code, head = refusal(read_header, data)
    if code is None and head[0].kind == BatchKind.READINGS:
        with pytest.raises(WireError) as told:
            decode_columns(data, *head)
        assert str(told.value) == str(decoded(data))


def test_what_is_not_common_is_what_the_other_decoder_says():
    for data in (
        BATCHES["mixture"],
        encode_readings(SAMPLE_STAMP, [Reading(0, 2**64 - 1, 0, 0)], [2]),
    ):
        assert exact(decode_columns(data, *read_header(data)).readings()) == exact(
            decode_batch(data).readings()
        )
