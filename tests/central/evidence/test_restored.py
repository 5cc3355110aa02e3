"""Verifying after a restore, and of a file whose pages are damaged: no traceback, all named."""

import json
import sqlite3
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.__main__ import main
from central.backup import copying, manifest
from central.backup.restore import checked, restore
from central.collector import Collector
from central.evidence.verifying import reading, verify
from tests.central.builders import SECOND, Gateway, config_in

HOUR = 3_600 * SECOND
BLOBS = (
    "SELECT body FROM evidence UNION ALL SELECT signature FROM evidence_head "
    "UNION ALL SELECT head FROM evidence_head"
)


def look(database, clock):
    with reading(database) as conn:
        return verify(conn, "gw", None, clock.now() + HOUR)


async def test_a_restored_collector_goes_on_with_the_chain(
    collector, gateway, delivered, clock, tmp_path
):
    stream, _ = delivered
    copy = tmp_path / "backups"
    copy.mkdir()
    file = copy / "one.db"
    copying.copy(collector.db.path, file, lambda *_: None)
    held = copying.verify(file, lambda *_: None)
    manifest.write(
        copy,
        manifest.BackupManifest(
            file=file.name,
            time=clock.now(),
            bytes=file.stat().st_size,
            sha256=copying.sha256_of(file, lambda *_: None),
            incarnation=held.incarnation,
            lineage=held.lineage,
            streams=held.streams,
        ),
    )
    first = len(stream.batches)
    for value in (1.0, 2.0, 3.0):
        clock.move(1)
        await gateway.deliver(collector, stream, gateway.reading("level", value))
    await collector.close()
    config = config_in(tmp_path)
    restore(config, checked(file, lambda *_: None), clock, "os:test")
    assert look(config.database, clock).streams[0].last == 7
    again = await Collector.open(config, clock)
    try:
        clock.move(1)
        answer = await gateway.send(again, stream, first)
        assert answer.committed == 10
        report = look(config.database, clock)
        assert report.findings.said == []
        assert (report.streams[0].last, report.streams[0].signed) == (10, 10)
    finally:
        await again.close()


async def test_a_gateway_without_a_key_is_consistent_and_said_to_be_unsigned(collector, clock):
    plain = Gateway(clock, "plain")
    await collector.registry.add_gateway("plain")
    stream = plain.open()
    await plain.register(collector, stream)
    for value in (1.0, 2.0):
        clock.move(1)
        await plain.deliver(collector, stream, plain.reading("level", value))
    with reading(collector.db.path) as conn:
        report = verify(conn, "plain", None, clock.now() + HOUR)
    (one,) = report.streams
    assert report.findings.said == []
    assert (one.last, one.signed, one.heads) == (2, 0, 2)


@pytest.fixture
async def stopped(collector, delivered, tmp_path):
    """The file of a collector that was stopped; all of it in the main file."""
    await collector.close()
    with closing(sqlite3.connect(collector.db.path, isolation_level=None)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        conn.execute("PRAGMA journal_mode=DELETE").fetchall()
    return collector.db.path


async def test_flipped_bits_anywhere_in_the_file_never_end_in_a_traceback(
    stopped, clock, tmp_path, capsys
):
    clean = stopped.read_bytes()
    config = tmp_path / "central.yaml"
    config.write_text(f"format: v1\ndatabase: {stopped.name}\n", encoding="utf-8")
    until = ["--from", "2026-06-12", "--to", "2026-06-14", "--json"]
    asked = ["verify", str(config), "--gateway", "gw", *until]
    assert main(asked) == 0
    assert json.loads(capsys.readouterr().out)["readings"] == 8
    with closing(sqlite3.connect(stopped)) as conn:
        bodies = [row[0] for row in conn.execute(BLOBS)]
    places = [clean.index(body) + at for body in bodies for at in range(len(body))]

    @settings(
        max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(st.one_of(st.sampled_from(places), st.integers(100, len(clean) - 1)), st.integers(0, 7))
    def flip(at, bit):
        damaged = bytearray(clean)
        damaged[at] ^= 1 << bit
        stopped.write_bytes(damaged)
        code = main(asked)
        said = capsys.readouterr()
        assert "Traceback" not in said.err + said.out
        if at in proved:
            assert code == 1

    proved = set(places)
    flip()
