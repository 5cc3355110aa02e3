"""What is encoded from columns is, byte for byte, what the encoder of all forms writes."""

import random

import numpy as np
import pytest
from hypothesis import given, settings

from central.store.values import Values
from central.wire.columns import ReadingColumns, integers
from central.wire.decoding import decode_columns
from central.wire.encoding import decimals_of, encode_columns, encode_common
from central.wire.reading import Unusual
from protocols.errors import WireError
from protocols.wire.batch import encode_readings, read_header
from protocols.words import Reading, TimeMark
from tests.central.wire.plenty import PLACES, ROWS, mixture
from tests.protocols.wire.strategies import SAMPLE_STAMP, exact, refusal, stamps, tables

RARE = ("mixture", "mixture of marks", "counters")
"""They hold integers that no float holds: the other encoder is asked."""


def columns_of(rows):
    """Return rows as columns."""
    marks = np.array([row.mark == TimeMark.SOURCE for row in rows], np.bool_)
    return ReadingColumns(
        integers(row.point for row in rows),
        integers(row.time for row in rows),
        marks if marks.any() else None,
        integers(row.quality for row in rows),
        Values.of(row.value for row in rows),
    )


def check(rows, places, stamp=SAMPLE_STAMP):
    """Return "written" or "left" (to the other encoder)."""
    columns, decimals = columns_of(rows), decimals_of(places)
    wanted = encode_readings(stamp, rows, places)
    assert encode_columns(stamp, columns, decimals) == wanted
    try:
        assert encode_common(stamp, columns, decimals) == wanted
    except Unusual:
        return "left"
    return "written"


@pytest.mark.parametrize("name", ROWS)
def test_the_common_forms_need_no_other_encoder(name):
    assert check(ROWS[name], PLACES * 100) == ("left" if name in RARE else "written")


@settings(max_examples=60, deadline=None)
@given(stamps, tables())
def test_any_readings(stamp, table):
    assert check(*table, stamp)


@pytest.mark.parametrize("seed", range(12))
def test_any_mixture(seed):
    dice = random.Random(seed)
    marks = dice.choice((tuple(TimeMark), (TimeMark.SOURCE,)))
    rows = [
        row._replace(point=row.point * dice.choice((1, 1, 700)))
        for row in mixture(dice.randrange(12, 300), marks=marks)
        if not (isinstance(row.value, int) and abs(row.value) > 2**53)
    ]
    places = [dice.choice((None, 0, 1, 2, 3, 9, 12)) for _ in range(8_000)]
    assert check(rows, places) == "written"


EDGES = [
    *(sign * base * scale for sign in (1, -1) for base in (1.5 * 2.0**52, 2.0**52, 2.0**53, 1e15)
      for scale in (0.5, 1.0, 2.0)),
    *(sign * (10.0**15 - 1) / 10**places for sign in (1, -1) for places in range(10)),
    0.0, -0.0, 5e-324, -5e-324, 1.7976931348623157e308, -1.7976931348623157e308, 0.1 + 0.2,
]  # fmt: skip


@pytest.mark.parametrize("places", [*range(10), None])
def test_the_edges_of_decimals(places):
    near = [np.nextafter(edge, to) for edge in EDGES for to in (0.0, -1e308, 1e308)]
    rows = [Reading(n % 3, float(v), 0, n) for n, v in enumerate([*EDGES, *near])]
    assert check(rows, [places] * 3) == "written"
    data = encode_readings(SAMPLE_STAMP, rows, [places] * 3)
    assert exact(decode_columns(data, *read_header(data)).readings()) == exact(rows)


def test_what_was_encoded_is_decoded_to_the_same_columns():
    rows = ROWS["changes"]
    data = encode_columns(SAMPLE_STAMP, columns_of(rows), decimals_of(PLACES))
    assert decode_columns(data, *read_header(data)).readings() == rows


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": 2**64},
        {"value": float("inf")},
        {"value": "é" * 2049},
        {"value": "\ud800"},
        {"point": 20_000},
        {"point": 50},
        {"point": -1},
        {"quality": 2**32},
        {"quality": -1},
        {"time": 2**62},
    ],
    ids=str,
)
def test_what_has_no_place_is_refused_in_the_same_words(wrong):
    rows = [*ROWS["scans"][:30], Reading(0, 1.0, 0, 5)._replace(**wrong)]
    code, _ = refusal(encode_readings, SAMPLE_STAMP, rows, [None] * 50)
    with pytest.raises(WireError) as told:
        encode_columns(SAMPLE_STAMP, columns_of(rows), decimals_of([None] * 50))
    assert told.value.code == code
