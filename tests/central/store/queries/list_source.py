"""A `Source` over a plain list of readings, cut into pieces that overlap as chunks do."""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from central.store.points import PointReadings, summary
from central.store.values import Values
from protocols.words import Value


class Reading(NamedTuple):
    time: int
    stream: int
    seq: int
    received: int
    value: Value
    quality: int
    flags: int
    piece: int


def columns(readings):
    """Return the readings as columns, in order."""
    held = sorted(readings, key=lambda r: r[:3])
    ints = [np.array([r[n] for r in held], np.int64) for n in (0, 1, 2, 3, 5, 6)]
    times, streams, seqs, received, qualities, flags = ints
    values = Values.of([r.value for r in held])
    return PointReadings(times, streams, seqs, received, values, qualities, flags)


class ListSource:
    """Pieces by `piece`; those with a negative one come without a summary. Counts its loads."""

    def __init__(self, readings):
        self.readings = readings
        self.loads = 0

    def read(self, number, start, end):
        return columns([r for r in self.readings if start <= r.time < end])

    def rolled(self, number, start, end):
        return iter(())

    def pieces(self, number, start, end):
        found = {}
        for reading in self.readings:
            found.setdefault(reading.piece, []).append(reading)
        for piece, readings in found.items():
            if any(start <= r.time < end for r in readings):
                held = columns(readings)
                yield (None if piece < 0 else summary(held)), self._load(held)

    def blocks(self, number, start, end, size=7):
        block = []
        for reading in sorted(r for r in self.readings if start <= r.time < end):
            if len(block) >= size and reading.time > block[-1].time:
                self.loads += 1
                yield columns(block)
                block = []
            block.append(reading)
        if block:
            yield columns(block)

    def newest(self, number, at):
        return self._last(r for r in self.readings if r.time <= at)

    def newest_arrived(self, number, by):
        return self._last(r for r in self.readings if r.received <= by)

    def _last(self, readings):
        return columns(sorted(readings, key=lambda r: r[:3])[-1:])

    def _load(self, readings):
        def load():
            self.loads += 1
            return readings

        return load


SPAN = 1_000
GOOD, UNCERTAIN, BAD, SILENT = 0, 0x40900000, 0x803C0000, 0x80310000
_VALUES = st.one_of(
    st.floats(-1e6, 1e6),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([None, True, 7, 2**60, "开"]),
)
READINGS = st.lists(
    st.builds(
        Reading,
        time=st.integers(-50, SPAN + 50),
        stream=st.integers(1, 3),
        seq=st.integers(1, 10_000),
        received=st.integers(0, SPAN + 300),
        value=_VALUES,
        quality=st.sampled_from([GOOD, GOOD, GOOD, UNCERTAIN, BAD, SILENT]),
        flags=st.integers(0, 7),
        piece=st.integers(-1, 6),
    ),
    max_size=40,
    unique_by=lambda r: (r.time, r.stream, r.seq),
)
EXCLUDED = st.lists(
    st.tuples(st.integers(-20, SPAN), st.integers(1, 200)).map(lambda p: (p[0], p[0] + p[1])),
    max_size=4,
)


def reading(time, value=1.0, piece=0, **more):
    """Return a good reading of stream 1."""
    fields = {"stream": 1, "seq": time, "received": time, "quality": GOOD, "flags": 0}
    return Reading(time=time, value=value, piece=piece, **fields | more)
