"""What a power cut leaves of a transaction that was never synced is no damage."""

import shutil
from pathlib import Path

import pytest

from edge.buffer import Buffer
from edge.config import BufferSettings
from protocols.clock import SystemClock
from protocols.words import Reading, StreamKind
from tests.edge.buffer_suite import ORIGIN
from tests.faults.workload import drain

HEADER, FRAME = 32, 24 + 1024
BATCHES = 5


async def opened(folder: Path) -> Buffer:
    return await Buffer.open(BufferSettings(folder=folder), ORIGIN, SystemClock())


def commits(journal: bytes) -> list[int]:
    """Return the number of each frame that ends a transaction."""
    frames = range((len(journal) - HEADER) // FRAME)
    return [n for n in frames if any(journal[HEADER + n * FRAME + 4 : HEADER + n * FRAME + 8])]


@pytest.mark.parametrize("behind", [0, 1])
async def test_a_tear_in_the_last_transaction_is_a_power_cut_before_it_damage(
    tmp_path: Path, behind: int
) -> None:
    buffer = await opened(tmp_path / "running")
    for number in range(BATCHES):
        items = [Reading(1, f"{number}-{n}" * 20, 0, 0) for n in range(40)]
        done = buffer.append(StreamKind.DATA, items)
        await buffer.seal(StreamKind.DATA)
        await done
    shutil.copytree(tmp_path / "running", tmp_path / "cut", ignore=lambda *_: ["gateway.sock"])
    await buffer.close()
    wal = next((tmp_path / "cut").glob("data-*-wal"))
    journal = bytearray(wal.read_bytes())
    ends = commits(bytes(journal))
    assert ends[-1] - ends[-2] > 1, "the last transaction has to have several pages"
    torn = HEADER + (ends[-2 - behind] + 1) * FRAME  # the first page after an earlier end
    journal[torn + 24 : torn + 536] = bytes(512)
    wal.write_bytes(journal)
    found = await opened(tmp_path / "cut")
    drained = await drain(found)
    names = {name for name, value in drained.values.items() if "-" in str(value)}
    kept = list((tmp_path / "cut").glob("quarantine/**/*.db*"))
    await found.close()
    if behind:
        assert kept, "what had been synced is not there: that must be noticed"
    else:
        assert not kept
        assert len(names) >= (BATCHES - 1) * 40
