"""What a damaged file still holds is found: whatever is whole on pages nobody touched."""

import asyncio
import hashlib
import random
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.buffer import Buffer
from edge.buffer.cells import records
from edge.buffer.file import wal
from edge.buffer.rows import SEQ_BITS
from edge.buffer.salvage import Wreck
from edge.config import BufferSettings
from protocols.words import Reading
from tests.edge.buffer_fixture import first_process, second_process, spoil
from tests.edge.buffer_suite import DATA, ORIGIN
from tests.fakes import FakeClock

PAGE = 1024
Rows = dict[int, bytes]


def salvaged(path: Path) -> Rows:
    """Return every batch found, by its key."""
    with Wreck(path, wal(path)) as wreck:
        return {
            batch.number << SEQ_BITS | batch.row.seq0: batch.row.bytes
            for found in wreck.batches()
            for batch in found.batches
        }


def stored(path: Path) -> Rows:
    """Return every batch SQLite finds, in a copy that is thrown away."""
    copy = path.with_name("copy.db")
    for each, other in ((path, copy), (wal(path), wal(copy))):
        if each.exists():
            other.write_bytes(each.read_bytes())
    with sqlite3.connect(copy) as connection:
        rows = connection.execute("SELECT key, bytes FROM batch").fetchall()
    connection.close()
    copy.unlink()
    return dict(rows)


@dataclass(frozen=True)
class Sound:
    """A sound segment as a killed process left it, and the pages each of its batches lies on."""

    db: bytes
    journal: bytes
    rows: Rows
    pages: dict[int, set[int]]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    """Return one with batches of a few bytes and of many pages, folded in, and its journal."""
    folder = tmp_path_factory.mktemp("sound")
    asyncio.run(fill(folder / "buffer", folder / "killed"))
    path = folder / "killed" / "data-00000001.db"
    sqlite3.connect(path).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    db, rows = path.read_bytes(), stored(path)
    return Sound(db, (folder / "killed" / "data-00000001.db-wal.kept").read_bytes(), rows,
                 pages_of(db))  # fmt: skip


async def fill(folder: Path, killed: Path) -> None:
    buffer = await Buffer.open(BufferSettings(folder=folder, quota_bytes=1 << 30), ORIGIN,
                               FakeClock())  # fmt: skip
    for number in range(60):
        size = (1, 3, 40, 900)[number % 4]
        buffer.append(DATA, [Reading(0, number + i * 1.37, 0, i * i) for i in range(size)])
        await buffer.seal(DATA)
    copy_of_a_killed_one(folder, killed)
    await buffer.close()


def copy_of_a_killed_one(folder: Path, killed: Path) -> None:
    killed.mkdir()
    for file in folder.glob("data-*"):
        (killed / file.name).write_bytes(file.read_bytes())
    kept = killed / "data-00000001.db-wal.kept"
    kept.write_bytes((killed / "data-00000001.db-wal").read_bytes())


def pages_of(db: bytes) -> dict[int, set[int]]:
    """Return the pages (from 0) each batch needs, by its key."""
    needs: dict[int, set[int]] = {}
    for index in range(1, len(db) // PAGE):
        page, used = db[index * PAGE : (index + 1) * PAGE], {index}

        def overflow(first: int, size: int, used: set[int] = used) -> bytes:
            used.clear()
            data = bytearray()
            while size > 0:
                used.add(first - 1)
                at = (first - 1) * PAGE
                data += db[at + 4 : at + PAGE][:size]
                size -= PAGE - 4
                first = int.from_bytes(db[at : at + 4], "big")
            return bytes(data)

        for record in records(page, overflow):
            if len(record.values) == 5 and record.rowid is not None:
                needs[record.rowid] = {index} | used
                used.clear()
    return needs


def write(folder: Path, db: bytes | None, journal: bytes | None = None) -> Path:
    path = folder / "data-00000009.db"
    for each, data in ((path, db), (wal(path), journal)):
        each.unlink(missing_ok=True)
        if data is not None:
            each.write_bytes(data)
    return path


def test_a_sound_file_is_read_as_sqlite_reads_it(sound: Sound, tmp_path: Path) -> None:
    assert len(sound.rows) == 60
    assert salvaged(write(tmp_path, sound.db)) == sound.rows


def test_the_journal_alone_is_enough(sound: Sound, tmp_path: Path) -> None:
    assert salvaged(write(tmp_path, None, sound.journal)) == sound.rows
    assert salvaged(write(tmp_path, b"", sound.journal)) == sound.rows


def test_the_header_is_not_needed(sound: Sound, tmp_path: Path) -> None:
    for header in (bytes(100), b"\xff" * 100):
        assert salvaged(write(tmp_path, header + sound.db[100:])) == sound.rows
    journal = bytes(32) + sound.journal[32:]
    assert salvaged(write(tmp_path, None, journal)) == sound.rows


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


def damage(data: bytes, dice: random.Random) -> tuple[bytes, set[int]]:
    """Return spoilt bytes and the pages that are not as they were."""
    spoilt = bytearray(data)
    for _ in range(dice.randrange(1, 6)):
        at = dice.randrange(len(data))
        end = min(len(data), at + dice.choice((1, 7, 300, 5000)))
        match dice.choice(("flip", "zeros", "noise", "ones")):
            case "flip":
                spoilt[at] ^= 1 << dice.randrange(8)
            case "zeros":
                spoilt[at:end] = bytes(end - at)
            case "noise":
                spoilt[at:end] = dice.randbytes(end - at)
            case _:
                spoilt[at:end] = b"\x0d" * (end - at)
    if dice.random() < 0.3:
        del spoilt[dice.randrange(len(spoilt)) :]
    touched = {
        page
        for page in range(len(data) // PAGE)
        if spoilt[page * PAGE : (page + 1) * PAGE] != data[page * PAGE : (page + 1) * PAGE]
    }
    return bytes(spoilt), touched


@given(seed=st.integers(0, 1 << 32))
@settings(max_examples=150, deadline=None)
def test_what_lies_on_untouched_pages_is_found_and_nothing_else(
    sound: Sound, scratch: Path, seed: int
) -> None:
    spoilt, touched = damage(sound.db, random.Random(seed))
    found = salvaged(write(scratch, spoilt))
    assert found.items() <= sound.rows.items(), "nothing is made up"
    whole = {key for key, pages in sound.pages.items() if not pages & touched}
    assert whole <= found.keys()


@given(seed=st.integers(0, 1 << 32))
@settings(max_examples=60, deadline=None)
def test_a_damaged_journal_is_read_as_far_as_it_goes(
    sound: Sound, scratch: Path, seed: int
) -> None:
    spoilt, _ = damage(sound.journal, random.Random(seed))
    found = salvaged(write(scratch, None, spoilt))
    assert found.items() <= sound.rows.items()
    if len(spoilt) == len(sound.journal):
        assert found, "five spots in a journal of many pages leave some batches whole"


@given(data=st.binary(max_size=6000), leaf=st.sampled_from((0x0D, 0x0A, 0x02, 0x05, 0)))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_a_file_without_batches(scratch: Path, data: bytes, leaf: int) -> None:
    page = bytes([leaf, 0, 0, 1, 0]) + data
    path = write(scratch, bytes(PAGE) + page + page, data)
    assert salvaged(path) == {}
    with Wreck(path, wal(path)) as wreck:
        for _ in wreck.small():
            continue


def test_a_chain_that_bites_its_tail_ends(sound: Sound, tmp_path: Path) -> None:
    db = bytearray(sound.db)
    for page in range(1, len(db) // PAGE):
        if db[page * PAGE] not in (0x0D, 0x05, 0x0A, 0x02):
            db[page * PAGE : page * PAGE + 4] = (page + 1).to_bytes(4, "big")
    assert salvaged(write(tmp_path, bytes(db))).items() <= sound.rows.items()


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """Return the files of a killed process with skips, progress and events."""

    async def make() -> None:
        await first_process(tmp_path / "work")
        spoil(tmp_path / "work")
        await second_process(tmp_path / "work", tmp_path / "killed")

    asyncio.run(make())
    return tmp_path / "killed"


def test_the_alarm_file_tells_all_it_knows(left: Path) -> None:
    path = left / "alarm.db"
    with Wreck(path, wal(path)) as wreck:
        found = list(wreck.small())
    copy = left / "again.db"
    copy.write_bytes(path.read_bytes())
    wal(copy).write_bytes(wal(path).read_bytes())
    with sqlite3.connect(copy) as connection:
        ask = connection.execute
        streams = {row[0] for row in ask("SELECT number FROM stream")}
        progress = dict(ask("SELECT number, committed FROM progress"))
        skips = {tuple(row) for row in ask("SELECT number, first, last FROM skip")}
        meta = dict(ask("SELECT name, value FROM meta"))
        digests = {row[0] for row in ask("SELECT digest FROM manifest")}
    connection.close()
    assert {each.number for step in found for each in step.streams} == streams
    assert {p.number: p.committed for step in found for p in step.progress} == progress
    assert {(s.number, s.first, s.last) for step in found for s in step.skips} == skips
    assert dict(pair for step in found for pair in step.meta) == meta
    manifests = dict(pair for step in found for pair in step.manifests)
    assert set(manifests) == digests
    assert all(hashlib.sha256(data).hexdigest() == name for name, data in manifests.items())
    assert set(salvaged(path).values()) == set(stored(path).values())
