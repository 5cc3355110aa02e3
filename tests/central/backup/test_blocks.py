"""Backups of shared blocks: what changed is written, damage is found, nothing named goes."""

import json
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.__main__ import main
from central.backup import block_view, blocks, incremental, manifest
from central.backup.blocks import BLOCK, BlockFolder, BlockList, BlockUnusable
from central.backup.restore import checked, restore
from central.config import CentralConfig
from protocols.crash_points import CrashPoints
from tests.central.backup import test_backups as either
from tests.central.stored import with_readings

# What holds for whole files holds for blocks.
test_kept = either.test_only_as_many_are_kept_as_were_asked_for
test_others = either.test_another_collectors_backups_are_left_alone
test_vanished = either.test_a_backup_that_vanished_is_told_and_made_again
test_rotten_list = either.test_a_backup_that_rotted_is_told_before_the_next
test_older_database = either.test_a_database_older_than_its_backup_says_so_once
test_written_meanwhile = either.test_writing_goes_on_while_a_backup_is_made
test_safe_in_a_refusal = either.test_a_refusal_states_no_more_as_safe
DAY = 86_400


@pytest.fixture
def form():
    return "incremental"


async def fill(collector, megabytes):
    """Add what never changes."""
    await collector.db.write(
        lambda tables: tables.conn.execute(
            "INSERT INTO store_filler(data) WITH RECURSIVE n(i) AS "
            "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT randomblob(100000) FROM n",
            (megabytes * 10,),
        )
    )


@pytest.fixture
async def large(collector):
    create = "CREATE TABLE store_filler(id INTEGER PRIMARY KEY, data BLOB)"
    await collector.db.write(lambda tables: tables.conn.execute(create))
    await fill(collector, 8)
    return collector


def readings(file):
    with closing(sqlite3.connect(file)) as conn:
        rows = with_readings(conn).execute("SELECT * FROM reading ORDER BY point, time, seq")
        return rows.fetchall()


def restored(record, config, clock, place):
    """Restore a backup where no collector was; return the database."""
    there = CentralConfig(file=config.file, database=place / "collector.db", backup=config.backup)
    place.mkdir()
    source = checked(Path(record.file), lambda *_: None)
    restore(there, source, clock, "os:test")
    return there.database


async def test_only_what_changed_is_written_and_each_is_restored_as_it_was(
    large, gateway, stream, clock, config, target, tmp_path
):
    held, records = [], []
    for value in range(3):
        clock.move(DAY)
        await gateway.deliver(large, stream, gateway.reading("level", float(value)))
        records.append(await large.backups.take("os:test"))
        held.append(readings(large.db.path))
    assert [len(each) for each in held] == [1, 2, 3]
    first, *later = records
    assert first.written > first.bytes > 8_000_000
    assert all(each.written < first.bytes / 4 for each in later)
    listed = manifest.listing(target.folder)
    assert [each.written for each in listed] == [each.written for each in reversed(later)]
    for place, nth in enumerate((1, 2)):  # the first one went
        database = restored(records[nth], config, clock, tmp_path / f"new{place}")
        assert readings(database) == held[nth]
        assert database.stat().st_mode & 0o777 == 0o600
    modes = {file.stat().st_mode & 0o777 for file in target.folder.rglob("*") if file.is_file()}
    assert modes <= {0o600, 0o644}
    assert {file.stat().st_mode & 0o777 for file in block_files(target.folder)} == {0o600}


def block_files(folder):
    return [file for file in (folder / blocks.FOLDER).rglob("*") if file.is_file()]


def rot(file):
    with file.open("r+b") as out:
        out.seek(5_000)
        out.write(b"rot")


@pytest.mark.parametrize(("harm", "told"), [(rot, "BACKUP_DAMAGED"), (Path.unlink, "BACKUP_GONE")])
async def test_a_block_that_is_not_what_it_was_is_found_and_written_again(
    large, clock, target, harm, told
):
    record = await large.backups.take("os:test")
    found = blocks.read(Path(record.file))
    harm(target.folder / blocks.FOLDER / found.lineage / found.names[5][:2] / found.names[5])
    with pytest.raises(BlockUnusable) as refusal:
        checked(Path(record.file), lambda *_: None)
    assert found.names[5] in str(refusal.value.params["file"])
    clock.move(DAY)
    if told == "BACKUP_GONE":
        await either.ran(large, lambda: large.backups.made == 2)
    else:
        await large.backups.take("os:test")
    assert await either.events(large) == ["BACKUP_RECOVERED", told]
    # What the database still has is there again, also for the older one.
    assert checked(Path(record.file), lambda *_: None).said.sha256 == record.sha256


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_people_are_told_which_block_it_is(large, config, target, tmp_path, capsys, language):
    record = await large.backups.take("os:test")
    name = blocks.read(Path(record.file)).names[-1]
    next(file for file in block_files(target.folder) if file.name == name).unlink()
    file = tmp_path / "central.yaml"
    file.write_text("format: v1\ndatabase: elsewhere/collector.db\nbackup: {folder: backups}\n")
    assert main(["restore", str(file), record.file, "--language", language]) == 1
    assert name in capsys.readouterr().err
    assert not (tmp_path / "elsewhere" / "collector.db").exists()


async def test_a_backup_that_fails_leaves_no_blocks_behind(large, clock, target):
    await large.backups.take("os:test")
    before = set(block_files(target.folder))
    await fill(large, 2)
    file = target.folder / "collector-20260612T140000Z.blocks"
    name = manifest.name_at(target.folder, clock.now(), "incremental")
    (target.folder / (name + ".tmp")).mkdir()  # in the way of its list
    clock.move(0)
    with pytest.raises(either.BackupFailed):
        await large.backups.take("os:test")
    assert set(block_files(target.folder)) == before
    assert not file.is_dir()


async def test_both_forms_live_in_one_folder(large, clock, target, config):
    clock.move(DAY)
    await large.backups.take("os:test")
    large.backups._target = replace(target, form="full")
    for left in (1, 0):
        clock.move(DAY)
        await large.backups.take("os:test")
        forms = [blocks.is_list(Path(each.file)) for each in manifest.listing(target.folder)]
        assert sum(forms) == left
    assert block_files(target.folder) == []


def test_sqlite_writes_and_reads_blocks_as_a_file(tmp_path):
    source, target = tmp_path / "collector.db", tmp_path / "backups"
    target.mkdir()
    with closing(sqlite3.connect(source)) as conn, conn:
        conn.execute("PRAGMA page_size=8192")
        conn.execute("CREATE TABLE collector(key TEXT, value TEXT)")
        conn.execute("INSERT INTO collector VALUES ('lineage', 'abc')")
        conn.execute("CREATE TABLE t(v BLOB)")
        conn.executemany("INSERT INTO t VALUES (randomblob(?))", [(n * 500,) for n in range(120)])
        told = conn.execute("SELECT hex(v) FROM t").fetchall()
    copied = incremental.copy(source, target, set(), lambda *_: None, CrashPoints({}))
    file = target / "collector-20260612T140000Z.blocks"
    blocks.write(file, copied[1])
    with block_view.opened(file) as view:
        assert view.execute("SELECT hex(v) FROM t").fetchall() == told
    whole = tmp_path / "whole.db"
    incremental.put_together(file, whole, lambda *_: None)
    assert whole.stat().st_size == copied[1].bytes == source.stat().st_size
    with closing(sqlite3.connect(whole)) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert conn.execute("SELECT hex(v) FROM t").fetchall() == told


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "[" * 90_000,
        '{"format": 1}',
        '{"format":1,"block":262144,"bytes":1,"lineage":"../..","names":["' + 64 * "0" + '"]}',
    ],
)
def test_what_is_no_list_is_refused(tmp_path, text):
    file = tmp_path / "collector-20260612T140000Z.blocks"
    file.write_text(text)
    with pytest.raises(BlockUnusable):
        blocks.read(file)


class _Killed(BaseException):
    """Nothing handles it: as if the process had ended there."""


class _Site:
    """A folder in which backups are made and deleted, and work is broken off at any write."""

    def __init__(self, folder, patch):
        self.folder = folder
        self.left = None
        self.time = 0
        for owner, name in ((Path, "replace"), (Path, "unlink"), (blocks.os, "fsync")):
            patch.setattr(owner, name, self.counted(getattr(owner, name)))

    def counted(self, work):
        def run(*args, **more):
            if self.left is not None:
                self.left -= 1
                if self.left < 0:
                    raise _Killed
            return work(*args, **more)

        return run

    def make(self, parts):
        manifest.clear_partial(self.folder)
        self.time += 3_600_000_000
        file = self.folder / manifest.name_at(self.folder, self.time, "incremental")
        target = BlockFolder(self.folder, "abc")
        names = tuple(target.put(bytes([part]) * BLOCK) for part in parts)
        target.settle()
        found = BlockList(lineage="abc", bytes=BLOCK * len(names), names=names)
        target.check(found, lambda _: None)
        partial = file.with_name(file.name + manifest.TMP)
        blocks.write(partial, found)
        size = partial.stat().st_size
        said = manifest.BackupManifest(
            file=file.name,
            time=self.time,
            bytes=found.bytes,
            sha256="",
            incarnation="",
            lineage="abc",
            streams=0,
            file_bytes=size,
            written=0,
        )
        manifest.write(self.folder, said)
        partial.replace(file)

    def delete(self, place):
        listed = manifest.listing(self.folder)
        if listed:
            manifest.remove(self.folder / listed[place % len(listed)].file)

    def sweep(self):
        manifest.sweep(self.folder, "abc")

    def judge(self):
        """Return the names of all blocks that are listed; each of them is whole."""
        named = set()
        for each in manifest.listing(self.folder):
            found = blocks.read(self.folder / each.file)
            BlockFolder(self.folder, "abc").check(found, lambda _: None)
            named |= set(found.names)
        return named


MAKE = st.tuples(st.just("make"), st.lists(st.integers(0, 5), min_size=1, max_size=3))
DELETE = st.tuples(st.just("delete"), st.integers(0, 9))
ACTS = st.lists(
    st.tuples(st.one_of(MAKE, DELETE, st.just(("sweep",))), st.none() | st.integers(0, 14)),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(acts=ACTS)
def test_no_sweep_takes_what_a_listed_backup_names(tmp_path_factory, acts):
    folder = tmp_path_factory.mktemp("blocks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", 16)
        patch.setitem(globals(), "BLOCK", 16)
        site = _Site(folder, patch)
        for (act, *more), killed in acts:
            site.left = killed
            with suppress(_Killed):
                getattr(site, act)(*more)
            site.left = None
            site.judge()
        site.sweep()
        assert {file.name for file in block_files(folder)} == site.judge()
    shutil.rmtree(folder)


@pytest.mark.parametrize("format_", [1, 2, 3])
def test_backups_of_older_versions_are_listed(tmp_path, format_):
    file = tmp_path / "collector-20260612T140000Z.db"
    file.write_bytes(b"12345")
    said = manifest.BackupManifest(
        file=file.name, time=1, bytes=5, sha256="", incarnation="", lineage="abc", streams=0
    )
    manifest.write(tmp_path, said)
    path = manifest.beside(file)
    left = {1: ("identity", "file_bytes", "written"), 2: ("file_bytes", "written"), 3: ()}[format_]
    told = json.loads(path.read_text()) | {"format": format_}
    path.write_text(json.dumps({k: v for k, v in told.items() if not k.startswith(left)}))
    assert manifest.listing(tmp_path) == [replace(said, format=format_)]
