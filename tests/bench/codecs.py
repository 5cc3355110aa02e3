"""Costs of the pure parts in microseconds a reading: encoding and decoding batches, sizes.

`_us` are as a gateway does it, an object a reading; `_columns_us` as the collector does it, by
columns, in processor time; `_scan` of one scan of as many points. `hop` is all that is done with
the body of a request of one batch: digest, inflating, decoding, placing.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from central.ingest.placement import Placement
from central.ingest.placing import place
from central.ingest.request import IngestRequest, prepare
from central.store.columns import Integers
from central.wire.columns import BatchColumns, ReadingColumns
from central.wire.decoding import decode_columns
from central.wire.encoding import decimals_of, encode_columns
from protocols.clock import ClockState, real_monotonic
from protocols.wire.batch import Stamp, decode_batch, encode_readings, read_header
from protocols.wire.request import ClockReport, content_digest, format_chain, format_clock, pack
from protocols.words import Reading

ROUNDS = 40
REPEATS = 5
HERE = 1_770_000_000_000_000


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


def columnar(
    readings: list[Reading], decimals: list[int | None], stamp: Stamp
) -> dict[str, object]:
    """Return the figures of the collector's twins, for these readings and for one scan of many."""
    size = len(readings)
    scan = [row._replace(point=place, time=0) for place, row in enumerate(readings)]
    figures: dict[str, object] = {}
    for name, rows, places in (("", readings, decimals), ("_scan", scan, [2] * size)):
        raw = encode_readings(stamp, rows, places)
        batch, known = decode_columns(raw, *read_header(raw)), decimals_of(places)
        figures[f"encode{name}_columns_us"] = least(encoding(stamp, batch, known), size)
        figures[f"decode{name}_columns_us"] = least(decoding(raw), size)
    return figures | hop(raw, size)


def encoding(stamp: Stamp, batch: ReadingColumns, known: Integers) -> Callable[[], object]:
    return lambda: encode_columns(stamp, batch, known)


def decoding(raw: bytes) -> Callable[[], object]:
    return lambda: decode_columns(raw, *read_header(raw))


def hop(raw: bytes, size: int) -> dict[str, object]:
    """Return what a request of one batch costs from its bytes to placed rows, digest included."""
    header, _ = read_header(raw)
    body, encoding_used = pack([raw])
    asked = IngestRequest(
        body=body,
        encoding=encoding_used,
        content_digest=content_digest(body),
        chain=format_chain(header.last, bytes(32)),
        clock=format_clock(ClockReport(boot="0" * 32, mono=0, wall=0, state=ClockState(1))),
        lane="live",
        nonce="0" * 32,
    )
    numbers, at = np.arange(size), Placement.by(HERE)

    def work() -> object:
        content = prepare(asked).batches[0].content
        assert isinstance(content, BatchColumns)
        return place(content, numbers, at, HERE)

    return {"hop_scan_us": least(work, size)}


def least(work: Callable[[], object], readings: int) -> float:
    """Return the least processor time a reading, microseconds: what else runs does not count."""
    costs = []
    for _ in range(ROUNDS):
        started = time.process_time_ns()
        for _ in range(ROUNDS):
            work()
        costs.append((time.process_time_ns() - started) / (1_000 * ROUNDS * readings))
    return round(min(costs), 3)


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
            **columnar(readings, decimals, stamp),
            "sealed_bytes": round(len(sealed) / size, 2),
            "wire_bytes_one": round(len(packed) / size, 2),
            "wire_bytes_ten": round(len(ten) / (10 * size), 2),
            "encoding": encoding,
        }
