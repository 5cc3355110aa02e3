"""Hypothesis strategies for everything a batch can carry, and the way back to its bytes."""

from hypothesis import strategies as st

from protocols.clock import ClockState
from protocols.errors import WireError
from protocols.wire.batch import (
    EventsBatch,
    LedgerLine,
    ReadingsBatch,
    SkipReason,
    Stamp,
    encode_events,
    encode_readings,
    encode_skip,
)
from protocols.wire.bounds import NUMBER, POINTS, TIME
from protocols.words import Event, Reading, TimeMark

INT64 = 1 << 63
SPECIAL = [
    None, True, False, 0, 1, -1, INT64 - 1, -INT64, INT64, 2 * INT64 - 1,
    0.0, -0.0, 5e-324, 2.5e-310, 2.2250738585072014e-308, 1.7976931348623157e308, -1e300,
    3.4028234663852886e38, 0.1, 12.34, -7.5, 999999.99, 0.1 + 0.2,
    1e15, 999999999999999.0, 9007199254740993.0,
    "", "a", "水位 🌊 高高报", "é" * 2048, "水" * 1365, "\x00",
]  # fmt: skip


def decimal(number, places):
    return number / 10**places


values = st.one_of(
    st.sampled_from(SPECIAL),
    st.none(),
    st.booleans(),
    st.integers(-INT64, 2 * INT64 - 1),
    st.integers(-300, 300),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.builds(decimal, st.integers(-(10**15), 10**15), st.integers(0, 10)),
    st.builds(decimal, st.integers(-2000, 2000), st.sampled_from([1, 2])),
    st.text(max_size=20),
)
times = st.one_of(
    st.integers(-TIME, TIME),
    st.integers(0, 5).map(lambda second: 1_000_000 * second),
    st.integers(1_770_000_000_000, 1_770_000_000_009).map(lambda ms: 1_000 * ms),
)
qualities = st.one_of(
    st.just(0), st.sampled_from([0x80310000, 0x40900000]), st.integers(0, 2**32 - 1)
)
stamps = st.builds(
    Stamp,
    clock_state=st.sampled_from(ClockState),
    number=st.one_of(st.integers(1, 300), st.integers(1, NUMBER)),
    seq0=st.one_of(st.integers(1, 300), st.integers(1, NUMBER - 20_000)),
    mono0=st.integers(-TIME, TIME),
    wall0=st.integers(-TIME, TIME),
)


@st.composite
def tables(draw, max_rows=60):
    """Return readings and the decimals of their points: loose rows, or scans of many points."""
    points = draw(st.sampled_from([st.integers(0, 5), st.integers(0, 40), st.just(POINTS - 1)]))
    shared = draw(st.lists(times, min_size=1, max_size=4))
    rows = draw(
        st.lists(
            st.builds(
                Reading,
                point=points,
                value=values,
                quality=qualities,
                time=st.one_of(st.sampled_from(shared), times),
                mark=st.sampled_from(TimeMark),
            ),
            min_size=1,
            max_size=max_rows,
        )
    )
    if draw(st.booleans()):
        rows = [
            row._replace(
                point=number % 7, time=shared[0] + number // 7 * 1_000_000, mark=TimeMark(0)
            )
            for number, row in enumerate(rows)
            if -TIME < shared[0] < TIME // 2
        ] or rows
    places = draw(st.lists(st.sampled_from([None, 0, 1, 2, 3, 9, 12]), min_size=41, max_size=41))
    if max(row.point for row in rows) > 40:
        places = [places[0]] * POINTS
    return rows, places


names = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,8}", fullmatch=True)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-INT64, 2 * INT64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=10),
)
events = st.builds(
    Event,
    code=st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True),
    subject=st.text(max_size=20),
    time=times,
    params=st.dictionaries(st.text(max_size=6), scalars, max_size=4).map(
        lambda params: tuple(sorted(params.items()))
    ),
)


@st.composite
def ledgers(draw):
    """Return ledger lines in no order."""

    def line(point, start, length, count):
        end = None if start is None or length is None else min(TIME, start + length)
        return LedgerLine(point=point, start=start, end=end, count=count)

    return draw(
        st.lists(
            st.builds(
                line,
                st.one_of(st.none(), st.integers(0, POINTS - 1)),
                st.one_of(st.none(), st.integers(-TIME, TIME)),
                st.one_of(st.none(), st.integers(0, 10**9)),
                st.integers(1, 1000),
            ),
            min_size=1,
            max_size=12,
        )
    )


def sample_rows(values, *, points=3, step=1_000_000, mark=TimeMark.GATEWAY, quality=0):
    """Return one row for each of `values`: scans of `points` points, `step` microseconds apart."""
    return [
        Reading(row % points, value, quality, row // points * step + 5, mark)
        for row, value in enumerate(values)
    ]


SAMPLE_STAMP = Stamp(clock_state=ClockState.SYNCHRONISED, number=1, seq0=1, mono0=0, wall0=0)
SAMPLES = [
    encode_readings(SAMPLE_STAMP, rows, [2, 1] + [None] * 2_800)
    for rows in (
        sample_rows([1.25, 0.5, 0.1]),
        sample_rows([round(20 + row * 0.01, 2) for row in range(30)]),
        sample_rows([1.25, 1 / 3, 0.5, 1.26, 1.5, 0.25, 7.0, -0.0, 1e300]),
        sample_rows([1, 2**63, -5, 3, 2**64 - 1, -(2**63), 2**63 - 1, -(2**63), 7]),
        sample_rows([True, "水位", None, False, "", None, True, "é", 4.5]),
        sample_rows(range(0, 900, 300), step=1, mark=TimeMark.SOURCE, quality=0x80310000),
        [row._replace(mark=TimeMark(row.point % 2)) for row in sample_rows([0.5] * 9, step=1000)],
        [row._replace(quality=row.point << 31) for row in sample_rows([3] * 6, points=2)],
        [row._replace(point=row.point * 700) for row in sample_rows([None] * 5, points=5)],
    )
]
SAMPLES += [
    encode_events(SAMPLE_STAMP, [Event("A", "gw/bus", 7), Event("B1", "x", 9, (("k", 1.5),))]),
    encode_skip(
        SAMPLE_STAMP,
        SkipReason.QUOTA,
        [
            LedgerLine(point=None, start=None, end=None, count=2),
            LedgerLine(point=4, start=1, end=3, count=150),
        ],
    ),
]


def encode_again(batch):
    """Return the bytes of a decoded batch."""
    stamp = batch.header.stamp
    if isinstance(batch, ReadingsBatch):
        places = [batch.decimals.get(point) for point in range(max(batch.points) + 1)]
        return encode_readings(stamp, batch.readings(), places)
    if isinstance(batch, EventsBatch):
        return encode_events(stamp, batch.events)
    return encode_skip(stamp, batch.reason, batch.ledger)


def exact(readings):
    """Return readings in a form whose equality tells 0.0 from -0.0, 1 from 1.0 and from True."""
    return [
        (row.point, type(row.value), repr(row.value), row.quality, row.time, row.mark)
        for row in readings
    ]


def refusal(work, *arguments):
    """Return the code of the WireError that `work` raises, or None and what it returns."""
    try:
        return None, work(*arguments)
    except WireError as refused:
        return refused.code, None
