"""Planted faults do what they say, once, and nothing at all unless asked for."""

from pathlib import Path

import pytest

from edge.buffer import Buffer
from edge.buffer.file import BufferFile
from edge.config import BufferSettings
from edge.sabotage import STRIKES_AT, Sabotage
from protocols.errors import FengsuiError
from protocols.wire.answer import Answer
from protocols.wire.cursors import Cursor, Cursors
from protocols.words import Lane, Reading
from tests.edge.buffer_suite import ALARM, DATA, ORIGIN
from tests.edge.test_buffer_files import drain, told
from tests.fakes import FakeClock


async def sent(folder: Path, kind: str) -> tuple[list[float], int, list[tuple[str, int, int]]]:
    """Store five pairs; return what would be sent, what is skipped and what was reported."""
    reported: list[tuple[str, int, int]] = []
    buffer = await Buffer.open(
        BufferSettings(folder=folder, quota_bytes=1 << 30),
        ORIGIN,
        FakeClock(),
        report=lambda *batch: reported.append(batch),
        sabotage=Sabotage({"FENGSUI_SABOTAGE": kind} if kind else {}),
    )
    for i in range(5):
        buffer.append(ALARM, [Reading(0, -1.0, 0, 0)])
        await buffer.seal(ALARM)
        buffer.append(DATA, [Reading(0, 2.0 * i, 0, 0), Reading(1, 2.0 * i + 1, 0, 0)])
        await buffer.seal(DATA)
    values, skips, _ = told(await drain(buffer, Lane.LIVE))
    await buffer.close()
    return values, sum(skip.header.n for skip in skips), reported


WHOLE = [float(i) for i in range(10)]
STRUCK = [2.0 * (STRIKES_AT - 1), 2.0 * (STRIKES_AT - 1) + 1]


async def test_nothing_happens_unasked(tmp_path: Path) -> None:
    values, lost, reported = await sent(tmp_path, "")
    assert (values, lost, len(reported)) == (WHOLE, 0, 10)


async def test_drop_loses_a_batch_that_was_reported(tmp_path: Path) -> None:
    values, lost, reported = await sent(tmp_path, "drop")
    assert [value for value in WHOLE if value not in values] == STRUCK
    assert (lost, len(reported)) == (2, 10)


async def test_dup_sends_a_batch_twice_under_new_numbers(tmp_path: Path) -> None:
    values, lost, reported = await sent(tmp_path, "dup")
    assert sorted(values) == sorted(WHOLE + STRUCK)
    assert (lost, len(reported)) == (0, 11)


async def test_swap_exchanges_two_values(tmp_path: Path) -> None:
    values, lost, _ = await sent(tmp_path, "swap")
    assert sorted(values) == WHOLE
    assert values != WHOLE
    assert lost == 0


def test_an_unknown_fault_is_named() -> None:
    with pytest.raises(FengsuiError) as caught:
        Sabotage({"FENGSUI_SABOTAGE": "burn"})
    assert caught.value.code == "SABOTAGE_UNKNOWN"
    assert caught.value.params["found"] == "burn"


def answer(committed: int, safe: int) -> Answer:
    return Answer(
        stream="0" * 32,
        committed=committed,
        safe=safe,
        incarnation="1" * 32,
        credit=1,
        retry_after_ms=0,
        now=0,
        nonce="2" * 32,
    )


def test_forget_takes_what_is_stored_for_backed_up() -> None:
    assert Sabotage({"FENGSUI_SABOTAGE": "forget"}).heard(answer(7, 3)).safe == 7
    assert Sabotage({}).heard(answer(7, 3)).safe == 3
    said = Cursors(incarnation="1" * 32, nonce="2" * 32, streams={"s": Cursor(7, 3)})
    assert Sabotage({"FENGSUI_SABOTAGE": "forget"}).told(said).streams == {"s": Cursor(7, 7)}
    assert Sabotage({}).told(said) == said


@pytest.mark.parametrize(("kind", "level"), [("nofsync", 0), ("", 2)])
def test_nofsync_lets_a_file_not_wait_for_its_medium(tmp_path: Path, kind: str, level: int) -> None:
    file = BufferFile(tmp_path / "data-00000001.db")
    Sabotage({"FENGSUI_SABOTAGE": kind} if kind else {}).prepare(file)
    assert file.db.conn.execute("PRAGMA synchronous").fetchone()[0] == level
    file.close()
