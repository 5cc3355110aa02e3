"""Real mounts, as root: a card that is read-only or full at the start, one that dies while it is
used."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.buffer import Buffer
from edge.config import BufferSettings
from protocols.words import Lane
from tests.edge.buffer_suite import ALARM, ORIGIN, PLENTY, put
from tests.edge.test_buffer import abandon
from tests.edge.test_buffer_files import drain, told
from tests.edge.test_lifeboat import everything, keep
from tests.fakes import FakeClock
from tests.faults.block_medium import BlockMedium, impossible, run
from tests.gauntlet.full_disk import fill


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Path]:
    """A small card of its own."""
    place = tmp_path / "card"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting needs root / 挂载需要 root")
    try:
        run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place)
    except (subprocess.SubprocessError, OSError) as exc:
        pytest.skip(f"nothing can be mounted here / 这里不能挂载: {exc}")
    try:
        yield place
    finally:
        run("umount", "-l", place)


async def opened(folder: Path) -> Buffer:
    return await Buffer.open(
        BufferSettings(folder=folder, quota_bytes=6 << 20), ORIGIN, FakeClock()
    )


async def test_a_card_that_is_read_only_at_the_start(card: Path) -> None:
    first = await opened(card / "buffer")
    await put(first, 1.0)
    old = await first.pending(Lane.LIVE, PLENTY)
    await first.close()
    run("mount", "-o", "remount,ro", card)
    buffer = await opened(card / "buffer")
    await keep(buffer, 2.0)
    await keep(buffer, 9.0, kind=ALARM)
    assert (await buffer.stats()).medium == "memory"
    assert not await buffer.recover()
    alarms, _, codes = told(await drain(buffer, Lane.ALARM))
    assert (alarms, codes) == ([9.0], ["BUFFER_FAILING"])
    live = await buffer.pending(Lane.LIVE, PLENTY)
    assert old is not None
    assert live is not None
    assert live.number > old.number, "the numbers go on though nothing could be opened"
    run("mount", "-o", "remount,rw", card)
    assert await buffer.recover()
    assert await everything(buffer) == [1.0, 2.0]
    await buffer.close()


@pytest.mark.parametrize("used_before", [True, False])
async def test_a_card_that_is_full_at_the_start(card: Path, used_before: bool) -> None:
    stored = [1.0] if used_before else []
    if used_before:
        first = await opened(card / "buffer")
        await put(first, 1.0)
        await first.close()
    others = card / "others"
    fill(others)
    buffer = await opened(card / "buffer")
    waits = [await keep(buffer, 2.0), await keep(buffer, 9.0, kind=ALARM)]
    assert (await buffer.stats()).medium == "memory"
    assert not await buffer.recover()
    others.unlink()
    assert await buffer.recover()
    assert all(wait.done() for wait in waits)
    assert sorted(await everything(buffer)) == [*stored, 2.0, 9.0]
    await buffer.close()


@pytest.mark.slow
@pytest.mark.skipif(bool(impossible()), reason=impossible())
async def test_a_card_that_dies_while_it_is_used(tmp_path: Path) -> None:
    with BlockMedium(tmp_path) as card:
        buffer = await opened(card.folder / "buffer")
        await put(buffer, 1.0)
        await put(buffer, 2.0, kind=ALARM)
        card.cut()
        waits = [await keep(buffer, 9.0, kind=ALARM), await keep(buffer, 3.0)]
        assert not any(wait.done() for wait in waits)
        assert (await buffer.stats()).medium == "memory"
        await buffer.seal(ALARM)
        sent = [p for p in [await buffer.pending(Lane.ALARM, PLENTY)] if p is not None]
        assert "BUFFER_FAILING" in told(sent)[2], "alarms find their way"
        assert not await buffer.recover()
        card.repair()
        card.power_on()
        assert await buffer.recover()
        for wait in waits:
            await wait
        await abandon(buffer)
        again = await opened(card.folder / "buffer")
        assert await everything(again) == [1.0, 2.0, 3.0, 9.0]
        await again.close()
