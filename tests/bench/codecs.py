"""Costs of the pure parts in microseconds a reading: encoding and decoding batches, sizes."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from protocols.clock import real_monotonic
from protocols.wire.batch import Stamp, decode_batch, encode_readings
from protocols.wire.request import pack
from protocols.words import Reading

ROUNDS = 40
REPEATS = 5


def walk(count: int, points: int = 25) -> list[Reading]:
    """Return `count` readings of slowly moving points that share their times."""
    dice = random.Random(7)
    levels = [dice.uniform(0, 100) for _ in range(points)]
    readings = []
    for row in range(count):
        point = row % points
        levels[point] = round(levels[point] + dice.choice((-0.02, -0.01, 0, 0.01, 0.02)), 2)
        readings.append(Reading(point, levels[point], 0, 1_000_000 * (row // points)))
    return readings


def timed(work: Callable[[], object], readings: int) -> float:
    """Return the median microseconds a reading over a few repeats."""
    costs = []
    for _ in range(REPEATS):
        started = real_monotonic()
        for _ in range(ROUNDS):
            work()
        costs.append((real_monotonic() - started) * 1e6 / (ROUNDS * readings))
    return sorted(costs)[REPEATS // 2]


def measure() -> Iterator[dict[str, object]]:
    """Yield the wire format's figures for batches of 100 and of 1000 readings."""
    for size in (100, 1000):
        readings = walk(size)
        decimals = [2] * 25
        stamp = Stamp(clock_state=1, number=1, seq0=1, mono0=0, wall0=0)
        sealed = encode_readings(stamp, readings, decimals)
        packed, encoding = pack([sealed] * 1)
        ten, _ = pack(
            [
                encode_readings(
                    replace(stamp, seq0=1 + k * size), walk(size * 10)[k * size :][:size], decimals
                )
                for k in range(10)
            ]
        )
        yield {
            "name": f"wire.batch.{size}",
            "encode_us": round(
                timed(lambda r=readings, s=stamp, d=decimals: encode_readings(s, r, d), size), 3
            ),
            "decode_us": round(timed(lambda b=sealed: decode_batch(b), size), 3),
            "sealed_bytes": round(len(sealed) / size, 2),
            "wire_bytes_one": round(len(packed) / size, 2),
            "wire_bytes_ten": round(len(ten) / (10 * size), 2),
            "encoding": encoding,
        }
