"""Backups among others: a clock that goes back, a neighbour in the folder, another's copies."""

import asyncio
import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from central.backup import manifest, records
from central.backup.backups import RETRY, SCHEDULE
from central.backup.process import BackupFailed
from central.backup.restore import OthersBackups, chosen
from central.collector import Collector
from central.config import CentralConfig
from tests.central.backup.test_backups import DAY, events, ran
from tests.central.builders import SECOND


async def test_a_clock_that_went_back_does_not_stop_backups(collector, clock):
    clock.move(365 * DAY)
    await collector.backups.take("os:test")
    clock.move(-365 * DAY)
    await ran(collector, lambda: collector.backups.made == 2)
    assert collector.backups.state().time == clock.now()


async def test_a_failure_before_the_clock_went_back_is_tried_again(collector, clock, target):
    target.folder.write_text("a file where the folder should be")
    with pytest.raises(BackupFailed):
        await collector.backups.take("os:test")
    clock.move(-365 * DAY)
    target.folder.unlink()
    task = asyncio.create_task(collector.backups.run())
    async with asyncio.timeout(60):
        while not collector.backups.made:
            await asyncio.wait([task], timeout=0.02)
            clock.move(3600)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await events(collector) == ["BACKUP_RECOVERED", "BACKUP_FAILED"]


async def test_what_was_made_after_the_clock_went_back_is_the_newest(
    config, collector, clock, target
):
    for _ in range(3):
        clock.move(DAY)
        await collector.backups.take("os:test")
    clock.move(-10 * DAY)
    await collector.backups.take("os:test")
    clock.move(DAY)
    await collector.backups.take("os:test")
    kept = [item.time for item in manifest.listing(target.folder)]
    assert kept == [clock.now(), clock.now() - DAY * SECOND]


async def test_copies_with_a_future_time_are_not_what_is_restored(config, collector, clock, target):
    clock.move(DAY)
    await collector.backups.take("os:test")
    clock.move(-DAY / 2)
    await collector.backups.take("os:test")
    later = manifest.listing(target.folder)[0]
    own = chosen(config, None, clock.now() + 60 * SECOND)
    assert own.name != later.file
    assert own == target.folder / manifest.listing(target.folder)[1].file


async def test_only_ones_own_backup_is_restored_unnamed(tmp_path, config, collector, clock, target):
    mine = await collector.backups.take("os:test")
    clock.move(DAY)
    elsewhere = tmp_path / "other" / "collector.db"
    other = CentralConfig(file=config.file, database=elsewhere, backup=target)
    async with await Collector.open(other, clock) as neighbour:
        theirs = await neighbour.backups.take("os:test")
    now = clock.now() + SECOND
    assert str(chosen(config, None, now)) == mine.file
    assert str(chosen(other, None, now)) == theirs.file
    for unreadable in (b"no database", None):
        elsewhere.unlink() if unreadable is None else elsewhere.write_bytes(unreadable)
        with pytest.raises(OthersBackups):
            chosen(other, None, now)
    assert str(chosen(other, Path(mine.file), now)) == mine.file


async def test_a_new_machine_started_too_early_does_not_restore_its_own_nothing(
    tmp_path, config, collector, clock, target
):
    mine = await collector.backups.take("os:test")
    said = manifest.read(Path(mine.file))
    manifest.write(target.folder, replace(said, streams=3))
    clock.move(DAY)
    new = CentralConfig(file=config.file, database=tmp_path / "new" / "c.db", backup=target)
    async with await Collector.open(new, clock) as started:
        await started.backups.take("os:test")
    now = clock.now() + SECOND
    with pytest.raises(OthersBackups):
        chosen(new, None, now)
    assert str(chosen(config, None, now)) == mine.file
    assert str(chosen(new, Path(mine.file), now)) == mine.file


async def test_two_collectors_take_turns_in_one_folder(collector, target):
    target.folder.mkdir()
    with manifest.alone(target.folder):
        begun = target.folder / "collector-20260101T000000Z.db.tmp"
        begun.write_bytes(b"a neighbour is at it")
        with pytest.raises(BackupFailed) as refusal:
            await collector.backups.take("os:test")
        assert refusal.value.params["cause"] == "BACKUP_BUSY"
        assert begun.exists()
    await collector.backups.take("os:test")
    assert await events(collector) == ["BACKUP_RECOVERED", "BACKUP_FAILED"]


async def test_a_backup_that_cannot_be_entered_is_not_made_again_at_once(
    collector, clock, monkeypatch
):
    def full(*_):
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(records, "verified", full)
        with pytest.raises(sqlite3.OperationalError):
            await collector.backups.take("os:test")
    task = asyncio.create_task(collector.backups.run())
    await asyncio.wait([task], timeout=0.2)
    assert collector.backups.running is None
    clock.move(RETRY / SECOND)
    async with asyncio.timeout(60):
        while not collector.backups.made:
            await asyncio.wait([task], timeout=0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert collector.backups.state().state == "ok"


@pytest.mark.parametrize("text", ["[" * 30_000, '{"time": 1' + 30 * "0" + "}"])
async def test_a_manifest_that_makes_no_sense_is_passed_over(collector, target, text):
    made = await collector.backups.take("os:test")
    file = manifest.beside(Path(made.file))
    said = json.loads(file.read_text())
    try:
        file.write_text(json.dumps(said | json.loads(text)))
    except RecursionError:
        file.write_text(text)
    assert manifest.listing(target.folder) == []
    with pytest.raises(manifest.BackupUnusable):
        manifest.read(Path(made.file))


async def test_where_a_disk_was_mounted_nothing_is_begun_by_itself(collector, clock, target):
    await collector.backups.take("os:test")
    target.folder.rename(target.folder.with_name("unmounted"))
    target.folder.mkdir()
    with pytest.raises(BackupFailed) as refusal:
        await collector.backups.take(SCHEDULE)
    assert refusal.value.params["cause"] == "BACKUP_NOT_MOUNTED"
    assert list(target.folder.iterdir()) == []
    await collector.backups.take("os:test")  # somebody looked: it is a new disk
    clock.move(DAY)
    await collector.backups.take(SCHEDULE)
    assert len(manifest.listing(target.folder)) == 2
