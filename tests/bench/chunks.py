"""Chunks of the store: bytes a reading, processor time to pack and to read, by shape of the data.

The data (fixed seed): points polled every 10 s in groups of 25 whose moments jitter by 4 ms; walks
rounded to two decimals, of which 79 % of the readings change; 1 % of the readings change quality;
each poll arrives 80 ms later, give or take 20.
"""

from collections.abc import Callable, Iterator
from functools import partial
from time import process_time

import numpy as np

from central.store.chunks import DAY
from central.store.codec.cells import Cells
from central.store.codec.chunk import decode, encoded, summaries, summary_of
from central.store.packing import Readings, pack
from central.store.values import Values

POINTS = 2000
GROUP = 25
HOUR_SLOTS = 360
PERIOD = 10_000_000
START = 20_600 * DAY + 5 * 3_600_000_000
REPEATS = 5
STEP = 0.0185
"""Standard deviation of a walk's step for which 79 % of the values change in the second decimal."""
BAD = 0x80050000


def plant(
    slots: int = HOUR_SLOTS,
    *,
    points: int = POINTS,
    group: int = GROUP,
    own_times: bool = False,
    delay_ms: float = 20,
) -> Readings:
    """Return readings in order of arrival."""
    dice = np.random.default_rng(7)
    polls = points // (1 if own_times else group)
    ticks = START + np.arange(slots)[:, None] * PERIOD + dice.integers(0, 9_000, polls) * 1000
    ticks = ticks + np.rint(dice.normal(0, 4, (slots, polls))).astype(np.int64) * 1000
    late = np.rint(dice.normal(80, delay_ms, (slots, polls))).astype(np.int64).clip(1) * 1000
    times, received = (
        np.repeat(each, points // polls, axis=1).ravel() for each in (ticks, ticks + late)
    )
    steps = dice.normal(0, STEP, (slots, points))
    levels = np.rint(100 * (dice.uniform(0, 100, points) + steps.cumsum(axis=0))) / 100
    # 1 % of the readings change quality; a bad one does not last, so that 2.4 % are bad.
    states = np.zeros((slots, points), np.bool_)
    for slot in range(1, slots):
        chance = np.where(states[slot - 1], 0.2083, 0.00512)
        states[slot] = states[slot - 1] ^ (dice.random(points) < chance)
    number = np.arange(slots * points)
    return Readings(
        number % points // group,
        number % points % group,
        times,
        np.ones(len(number), np.int64),
        number + 1,
        received,
        Values.floats(levels.ravel()),
        np.where(states.ravel(), BAD, 0),
        np.ones(len(number), np.int64),
    )


def some(readings: Readings, kept: np.ndarray) -> Readings:
    """Return the readings at `kept`, numbered anew."""
    places = np.flatnonzero(kept)
    columns = [
        column.take(places) if isinstance(column, Values) else column[places] for column in readings
    ]
    made = Readings(*columns)
    return made._replace(seqs=np.arange(len(places)) + 1)


def by_exception() -> Readings:
    """Return what is left where each point is only told in 30 % of the polls."""
    readings = plant()
    return some(readings, np.random.default_rng(8).random(len(readings.times)) < 0.3)


def valued(change: Callable[[np.ndarray], np.ndarray]) -> Readings:
    """Return readings with other numbers."""
    readings = plant()
    return readings._replace(values=Values.floats(change(readings.values.numbers)))


def noisy(numbers: np.ndarray) -> np.ndarray:
    """Return numbers with every bit in use."""
    return numbers + np.random.default_rng(9).normal(0, 0.01, len(numbers))


SHAPES: dict[str, Callable[[], Readings]] = {
    "poll": plant,
    "poll_10min": partial(plant, 60),
    "poll_50": partial(plant, 50),
    "exception": by_exception,
    # As the yardstick of the plan had them: without times of arrival of their own.
    "lonely": partial(plant, own_times=True, delay_ms=0),
    "lonely_arriving": partial(plant, own_times=True),
    "lonely_10min": partial(plant, 60, own_times=True),
    "float64": partial(valued, noisy),
    "float32": partial(valued, lambda numbers: noisy(numbers).astype(np.float32).astype(float)),
    "constant": partial(valued, lambda numbers: np.full(len(numbers), 23.4)),
}


def least(work: Callable[[], object]) -> float:
    """Return the least processor seconds of a few."""
    costs = []
    for _ in range(REPEATS):
        started = process_time()
        work()
        costs.append(process_time() - started)
    return min(costs)


def measure() -> Iterator[dict[str, object]]:
    """Yield bytes and microseconds a reading of each shape, then of reading chunks."""
    for name, made in SHAPES.items():
        readings = made()
        size = len(readings.times)
        packed = pack(readings)
        cells = [each for *_, each in packed.groups]
        chunks = encoded(cells)
        summed = sum(len(chunk.summary) for chunk in chunks)
        yield {
            "name": f"chunks.bytes.{name}",
            "bytes_per_reading": round(
                (summed + sum(len(chunk.body) for chunk in chunks)) / size, 3
            ),
            "of_these_summaries": round(summed / size, 3),
            "chunks": len(chunks),
            "readings": size,
            "pack_cpu_us": round(1e6 * least(partial(pack, readings)) / size, 3),
            "encode_cpu_us": round(1e6 * least(partial(encoded, cells)) / size, 3),
        }
    yield from reading()


def reading() -> Iterator[dict[str, object]]:
    """Yield what reading an hour of 32 points costs: of one of them, of all, of the summaries."""
    parts = [cells for *_, cells in pack(plant(points=320, group=32)).groups[:2]]
    (chunk,) = encoded([Cells.joined(parts)])
    rounds = 100
    for name, work in (
        ("member", lambda: decode(chunk.body, 7)),
        ("all", lambda: decode(chunk.body)),
        ("summary", lambda: summary_of(chunk.summary, 7)),
        ("summaries", lambda: summaries(chunk.summary)),
    ):
        spent = least(lambda one=work: [one() for _ in range(rounds)])
        yield {"name": f"chunks.read.{name}", "cpu_us": round(1e6 * spent / rounds, 1)}
