"""Backups made while the collector writes: verified, recorded, and only then called safe."""

import asyncio
import hashlib
import json
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from central.backup import blocks, incremental, manifest
from central.backup.backups import LOOK, RETRY, NoTarget
from central.backup.process import BackupFailed
from central.collector import Collector
from central.config import CentralConfig
from protocols.texts import text
from tests.central.builders import SECOND
from tests.central.stored import with_readings

DAY = 24 * 3600


async def events(collector):
    return [item.code for item in (await collector.events()).items]


async def ran(collector, done):
    """Let the collector's own schedule run until `done` is true."""
    task = asyncio.create_task(collector.backups.run())
    async with asyncio.timeout(60):
        while not done():
            await asyncio.wait([task], timeout=0.02)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_safe_is_what_a_verified_backup_covers(collector, gateway, stream, target):
    answer = await gateway.deliver(collector, stream, gateway.reading("level", 1.0))
    assert (answer.committed, answer.safe) == (1, 0)
    await collector.backups.take("os:test")
    answer = await gateway.deliver(collector, stream, gateway.reading("level", 2.0))
    assert (answer.committed, answer.safe) == (2, 1)
    assert (await gateway.send(collector, stream)).safe == 1

    (only,) = manifest.listing(target.folder)
    file = target.folder / only.file
    assert hashlib.sha256(file.read_bytes()).hexdigest() == only.sha256
    with closing(sqlite3.connect(file)) as conn:
        assert conn.execute("SELECT cursor FROM stream").fetchone() == (1,)
        assert with_readings(conn).execute("SELECT count(*) FROM reading").fetchone() == (1,)
    assert only.incarnation == collector.db.incarnation
    assert await events(collector) == []


async def test_without_a_target_all_that_is_committed_is_safe(tmp_path, clock, gateway):
    config = CentralConfig(file=tmp_path / "c.yaml", database=tmp_path / "collector.db")
    async with await Collector.open(config, clock) as collector:
        await collector.registry.add_gateway("gw")
        stream = gateway.open()
        await gateway.register(collector, stream)
        answer = await gateway.deliver(collector, stream, gateway.reading("level", 1.0))
        assert answer.safe == answer.committed == 1
        assert collector.backups.state().state == "not_configured"
        with pytest.raises(NoTarget):
            await collector.backups.take("os:test")


async def test_a_refusal_states_no_more_as_safe(collector, gateway, stream):
    await gateway.deliver(collector, stream, gateway.reading("level", 1.0))
    await collector.backups.take("os:test")
    for value in (2.0, 3.0, 4.0):
        gateway.seal(stream, gateway.reading("level", value))
    await gateway.send(collector, stream, 1, 1)
    request = gateway.request(stream, 3)
    with pytest.raises(Exception, match="GAP") as gap:
        await collector.ingest.post_batches("gw", stream.id, request)
    assert (gap.value.params["expected"], gap.value.safe) == (3, 1)


async def test_writing_goes_on_while_a_backup_is_made(collector, gateway, stream, target):
    """Commits of the writer neither wait for the copy nor make it begin again."""
    rows = [gateway.reading("level", float(value), ago=0) for value in range(2_000)]
    for _ in range(20):
        await gateway.deliver(collector, stream, *rows)
    before = stream.seq
    making = asyncio.create_task(collector.backups.take("os:test"))
    during = 0
    while not making.done():
        await gateway.deliver(collector, stream, gateway.reading("level", 1.0))
        during += 1
    record = await making
    assert during > 3
    file = Path(record.file)
    if blocks.is_list(file):
        incremental.put_together(file, file.with_suffix(".db"), lambda *_: None)
    with closing(sqlite3.connect(file.with_suffix(".db"))) as conn:
        cursor, readings = (
            with_readings(conn)
            .execute("SELECT cursor, (SELECT count(*) FROM reading) FROM stream")
            .fetchone()
        )
    assert before <= cursor == readings <= stream.seq
    answer = await gateway.deliver(collector, stream, gateway.reading("level", 1.0))
    assert (answer.committed, answer.safe) == (stream.seq, cursor)


async def test_it_runs_by_itself_and_makes_up_what_was_missed(config, collector, clock, target):
    await ran(collector, lambda: collector.backups.made == 1)
    clock.move(23 * 3600)
    assert collector.backups.state().state == "ok"
    await collector.close()
    clock.move(3 * DAY)
    async with await Collector.open(config, clock) as again:
        assert again.backups.state().state == "late"
        await ran(again, lambda: again.backups.made == 1)
        assert again.backups.state().state == "ok"
    assert len(manifest.listing(target.folder)) == 2


async def test_only_as_many_are_kept_as_were_asked_for(collector, clock, target):
    for _ in range(4):
        clock.move(DAY)
        await collector.backups.take("os:test")
    kept = [item.time for item in manifest.listing(target.folder)]
    assert kept == [clock.now(), clock.now() - DAY * SECOND]
    removed = await collector.db.read(
        lambda conn: conn.execute("SELECT count(removed) FROM backup").fetchone()
    )
    assert removed == (2,)
    assert len(list(target.folder.glob("collector-*"))) == 6


async def test_another_collectors_backups_are_left_alone(tmp_path, collector, clock, target):
    config = CentralConfig(
        file=tmp_path / "c.yaml", database=tmp_path / "other" / "collector.db", backup=target
    )
    async with await Collector.open(config, clock) as other:
        await other.backups.take("os:test")
    for _ in range(3):
        clock.move(DAY)
        await collector.backups.take("os:test")
    assert len(manifest.listing(target.folder)) == 3


async def test_a_failure_is_told_and_tried_again(collector, clock, target, gateway, stream):
    target.folder.write_text("in the way")
    with pytest.raises(BackupFailed) as why:
        await collector.backups.take("os:test")
    assert str(target.folder) in str(why.value.params["reason"])
    state = collector.backups.state()
    assert (state.state, collector.backups.failures) == ("failed", 1)
    assert await events(collector) == ["BACKUP_FAILED"]
    said = (await collector.events()).items[0]
    for language, way_out in (("zh", "平台账号能否写入"), ("en", "account can write")):
        assert way_out in text(said.code, said.params, language)
        assert "{" not in text(said.code, said.params, language)
    answer = await gateway.deliver(collector, stream, gateway.reading("level", 1.0))
    assert (answer.committed, answer.safe) == (1, 0)

    target.folder.unlink()
    clock.move(RETRY / SECOND)
    await ran(collector, lambda: collector.backups.made == 1)
    assert await events(collector) == ["BACKUP_RECOVERED", "BACKUP_FAILED"]
    assert (await gateway.send(collector, stream)).safe == 1


async def test_a_backup_that_vanished_is_told_and_made_again(collector, clock, target):
    record = await collector.backups.take("os:test")
    manifest.remove(target.folder / manifest.listing(target.folder)[0].file)
    clock.move(LOOK / SECOND)
    await ran(collector, lambda: collector.backups.made == 2)
    assert await events(collector) == ["BACKUP_RECOVERED", "BACKUP_GONE"]
    assert (await collector.events()).items[1].params == {"file": record.file}


async def test_a_backup_that_rotted_is_told_before_the_next(collector, clock, target):
    record = await collector.backups.take("os:test")
    with Path(record.file).open("r+b") as file:
        file.seek(20_000)
        file.write(b"rot")
    clock.move(DAY)
    await collector.backups.take("os:test")
    assert await events(collector) == ["BACKUP_RECOVERED", "BACKUP_DAMAGED"]


@pytest.mark.parametrize("looked", [False, True])
async def test_a_disk_that_is_not_mounted_is_not_written_beneath(collector, clock, target, looked):
    await collector.backups.take("os:test")
    for file in target.folder.iterdir():
        file.unlink()
    target.folder.rmdir()
    clock.move(DAY)
    if looked:
        await ran(collector, lambda: collector.backups.failures)
        assert await events(collector) == ["BACKUP_FAILED", "BACKUP_GONE"]
    with pytest.raises(BackupFailed):
        await collector.backups.take("os:test")
    assert collector.backups.state().state == "failed"
    assert not target.folder.exists()


async def test_what_an_interrupted_backup_left_is_cleared(collector, target):
    target.folder.mkdir()
    left = target.folder / "collector-20260101T000000Z.db.tmp"
    left.write_bytes(b"x")
    for kind in ("json", "identity", "identity.tmp"):
        (target.folder / f"collector-20260101T000000Z.{kind}").write_text("{}")
    (target.folder / "notes.db.tmp").write_bytes(b"somebody else's")
    await collector.backups.take("os:test")
    left = target.folder.glob("[cn]*")
    assert sorted(file.suffix for file in left) == [".db", ".identity", ".json", ".tmp"]


async def test_who_asks_while_one_is_made_waits_for_that_one(collector, target):
    first, second = await asyncio.gather(
        collector.backups.take("os:one"), collector.backups.take("os:two")
    )
    assert first == second
    assert len(manifest.listing(target.folder)) == 1


async def test_a_backup_under_way_does_not_hold_up_the_end(collector, target):
    making = asyncio.create_task(collector.backups.take("os:test"))
    await asyncio.sleep(0)
    await collector.close()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert manifest.listing(target.folder) == []


@pytest.mark.parametrize("spoilt", ["not json", "{}", json.dumps({"format": 1})])
async def test_what_has_no_manifest_of_its_own_is_no_backup(collector, target, spoilt):
    record = await collector.backups.take("os:test")
    manifest.beside(target.folder / manifest.listing(target.folder)[0].file).write_text(spoilt)
    assert manifest.listing(target.folder) == []
    assert record.bytes > 0


async def test_a_database_older_than_its_backup_says_so_once(collector, gateway, stream, config):
    copy = config.database.with_name("snapshot.db")
    await gateway.deliver(collector, stream, gateway.reading("level", 1.0))
    with closing(sqlite3.connect(config.database)) as conn, closing(sqlite3.connect(copy)) as to:
        conn.backup(to)
    await gateway.deliver(collector, stream, gateway.reading("level", 2.0))
    await collector.backups.take("os:test")
    newest = manifest.listing(config.backup.folder)[0].file
    await collector.close()
    for name in (config.database, config.database.with_name(config.database.name + "-wal")):
        name.unlink(missing_ok=True)
    copy.rename(config.database)
    async with await Collector.open(config, collector.clock) as again:
        for _ in range(2):
            await ran(again, lambda: again.backups.state().state == "ok")
        told = [item for item in (await again.events()).items if "OLDER" in item.code]
        assert [(item.code, item.kind, item.params) for item in told] == [
            ("COLLECTOR_OLDER_THAN_BACKUP", "security", {"file": newest, "count": 1})
        ]
