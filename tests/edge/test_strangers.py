"""What is in the buffer's folder and not the buffer's, or says what nobody of ours wrote."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.buffer import Buffer
from edge.config import BufferSettings
from protocols.clock import SystemClock
from protocols.words import Lane
from tests.edge.buffer_suite import ALARM, ORIGIN, PLENTY, put
from tests.edge.test_buffer_files import drain


def settings(folder: Path) -> BufferSettings:
    return BufferSettings(folder=folder, quota_bytes=1 << 30, segment_bytes=1 << 16)


def fold(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).mkdir(parents=True)


def dead_link(folder: Path) -> None:
    (folder / "data-00000009.db").symlink_to(folder / "nowhere")


def circle(folder: Path) -> None:
    (folder / "data-00000009.db").symlink_to("data-00000009.db")


def long_number(folder: Path) -> None:
    (folder / ("data-" + "9" * 247 + ".db")).write_bytes(b"x" * 2000)


def file_for_a_folder(folder: Path) -> None:
    (folder / "quarantine").write_text("mine")
    (folder / "data-00000009.db").touch()


def noted(text: str) -> Callable[[Path], None]:
    def note(folder: Path) -> None:
        (folder / "highest-stream").write_text(text)

    return note


def row(statement: str) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        connection = sqlite3.connect(folder / "alarm.db")
        connection.execute("INSERT OR REPLACE INTO " + statement)
        connection.commit()
        connection.close()

    return run


CASES = {
    "a folder for a segment": fold("data-00000002.db"),
    "a folder for a new file": fold("alarm.db.new"),
    "a folder for a journal": fold("data-00000001.db-wal"),
    "a folder for the note": fold("highest-stream.new"),
    "a folder among the copies": fold("migrated/alarm.db.format1"),
    "a dead link": dead_link,
    "a link to itself": circle,
    "too long a number": long_number,
    "a file for a folder": file_for_a_folder,
    "a number beyond all": noted("9" * 30 + "\n"),
    "a next number beyond all": row("meta VALUES ('next_number', 1 << 50)"),
    "a stream beyond all": row("meta VALUES ('reach.99999999999999', 5)"),
    "a reach beyond all": row("meta VALUES ('reach.2', 1 << 60)"),
    "progress of a stream beyond all": row("progress VALUES (1 << 50, 5, NULL, 5, 5, NULL, 0)"),
    "progress below nothing": row("progress VALUES (1, -5, NULL, -5, -5, NULL, 0)"),
}


@pytest.mark.parametrize("name", CASES)
async def test_nothing_in_the_folder_costs_the_medium(name: str, tmp_path: Path) -> None:
    buffer = await Buffer.open(settings(tmp_path), ORIGIN, SystemClock())
    await put(buffer, 1.0)
    await put(buffer, 2.0, kind=ALARM)
    await buffer.close()
    CASES[name](tmp_path)
    for _ in range(2):
        buffer = await Buffer.open(settings(tmp_path), ORIGIN, SystemClock())
        await buffer.seal(ALARM)
        await put(buffer, 3.0)
        await put(buffer, 4.0, kind=ALARM)
        await buffer.salvage()
        assert (await buffer.stats()).medium == "ok"
        await buffer.close()
    buffer = await Buffer.open(settings(tmp_path), ORIGIN, SystemClock())
    assert (await buffer.stats()).data.readings == 3
    sent = {lane: await drain(buffer, lane) for lane in (Lane.ALARM, Lane.BACKFILL)}
    assert len(sent[Lane.BACKFILL]) == 3
    assert await buffer.pending(Lane.ALARM, PLENTY) is None
    await buffer.close()


async def test_a_start_that_fails_leaves_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = await Buffer.open(settings(tmp_path), ORIGIN, SystemClock())
    await put(buffer, 1.0)
    await buffer.close()

    def refuse(path: Path) -> int:
        raise OSError(5, "Input/output error", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("edge.buffer.folder.size_of", refuse)
        buffer = await Buffer.open(settings(tmp_path), ORIGIN, SystemClock())
        assert (await buffer.stats()).medium == "memory"
    assert await buffer.recover()
    assert (await buffer.stats()).medium == "ok"
    await buffer.close()
