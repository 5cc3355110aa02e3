"""`make bench ONLY=evidence`: what proof costs on disk, and how fast it is verified.

One gateway with a key delivers batches of `size` readings, one a request, so that every batch has a
signed head. `bytes_per_reading` are canonical bytes; `head_bytes` what a signed head takes beside
them; `file_bytes_per_reading` the database's growth, with readings and everything.
"""

import asyncio
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from central.evidence.export import export
from central.evidence.verifying import reading, verify
from protocols.clock import real_monotonic
from protocols.verify.folder import verify_folder
from tests.bench.codecs import walk
from tests.central.builders import SECOND, HandClock, PointSpec, open_collector
from tests.central.evidence.signing_gateway import SigningGateway

POINTS = 25
TOTAL = 60_000
"""Readings delivered for each figure."""
HEAD_BYTES = (
    "SELECT sum(length(head) + length(keyid) + length(alg) + length(nonce) + length(signature) "
    "+ length(content_digest) + length(clock) + 17) / count(*) FROM evidence_head WHERE seq > 0"
)


def measure() -> Iterator[dict[str, Any]]:
    """Yield one figure for batches of 100 and of 1000 readings."""
    for size in (100, 1_000):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            yield asyncio.run(_figure(Path(folder), size))


async def _figure(folder: Path, size: int) -> dict[str, Any]:
    clock = HandClock()
    collector = await open_collector(folder, clock)
    try:
        await collector.registry.add_gateway("gw")
        points = tuple(PointSpec(f"p{number}", decimals=2) for number in range(POINTS))
        gateway = SigningGateway(clock, points=points)
        await gateway.enrol(collector)
        stream = gateway.open()
        await gateway.register(collector, stream)
        before = await collector.db.read(_pages)
        for _ in range(TOTAL // size):
            clock.move(size / POINTS)
            base = clock.mono() - size // POINTS * SECOND
            rows = [row._replace(time=base + row.time) for row in walk(size, POINTS)]
            place = gateway.seal(stream, *rows)
            await gateway.send(collector, stream, place)
        grown = await collector.db.read(_pages) - before
        state = await collector.db.glance(
            lambda conn: conn.execute("SELECT bytes FROM evidence_total").fetchone()[0]
        )
        head = await collector.db.glance(lambda conn: conn.execute(HEAD_BYTES).fetchone()[0])
        return {
            "name": f"evidence.{size}",
            "readings": TOTAL,
            "bytes_per_reading": round(state / TOTAL, 3),
            "head_bytes": head,
            "file_bytes_per_reading": round(grown / TOTAL, 1),
            **_speeds(collector.db.path, folder / "out", gateway, clock.now() + SECOND),
        }
    finally:
        await collector.close()


def _speeds(file: Path, out: Path, gateway: SigningGateway, now: int) -> dict[str, Any]:
    with reading(file) as conn:
        began = real_monotonic()
        report = verify(conn, "gw", None, now)
        verified = real_monotonic() - began
        began = real_monotonic()
        export(conn, "gw", (0, now, now), out)
        exported = real_monotonic() - began
    began = real_monotonic()
    result = verify_folder(out, [gateway.key.public])
    offline = real_monotonic() - began
    if report.findings.count or result.findings.count or report.readings != TOTAL:
        raise AssertionError((report.findings.said, result.findings.said))
    return {
        "verify_readings_per_second": round(TOTAL / verified),
        "export_readings_per_second": round(TOTAL / exported),
        "offline_readings_per_second": round(TOTAL / offline),
    }


def _pages(conn: sqlite3.Connection) -> int:
    """Return the database's bytes, wherever they are just now."""
    count = conn.execute("PRAGMA page_count").fetchone()[0]
    size: int = conn.execute("PRAGMA page_size").fetchone()[0]
    return int(count) * size
