"""A store to which nothing comes puts together by itself what takes pages for nothing."""

import asyncio
from contextlib import suppress

import numpy as np
import pytest

from central.store import store as own
from central.store.columns import Columns
from central.store.values import Values
from tests.central.store.plant import close_store, open_store
from tests.central.store.store_suite import NOW, SECOND
from tests.central.store.test_chunk_store import everything, rows
from tests.edge.waiting import eventually

POINTS = np.arange(4, 36)


@pytest.fixture
async def opened(tmp_path, clock):
    db, store = await open_store(tmp_path, clock)
    yield db, store
    await close_store(db, store)


async def come(db, store, scans, begin=0):
    """Commit so many scans of 32 points that read anything, which is two bytes a reading."""
    dice, size = np.random.default_rng(begin), scans * len(POINTS)
    columns = Columns(
        np.tile(POINTS, scans),
        NOW + (begin + np.repeat(np.arange(scans), len(POINTS))) * SECOND,
        begin * len(POINTS) + 1 + np.arange(size),
        Values.floats(dice.integers(0, 25_000, size) / 100),
        np.zeros(size, np.int64),
        np.zeros(size, np.int64),
    )
    block = await db.write(lambda tables: store.append(tables.conn, 1, NOW, columns))
    store.committed([block])


async def test_at_rest_chunks_become_one_that_takes_fewer_pages(opened):
    db, store = opened
    for nth in range(2):
        await come(db, store, 40, 40 * nth)
        await store.seal()
    before, pages = await everything(store), await taken(db)
    await store.merging.run_once()
    assert await rows(db, "SELECT count(*) FROM chunk") == [(2,)]
    await store.merging.rest()
    assert await rows(db, "SELECT count(*) FROM chunk") == [(1,)]
    assert await everything(store) == before
    assert await taken(db) < pages
    merges = store.merging.figures.merges
    await store.merging.rest()
    assert store.merging.figures.merges == merges == 1


async def taken(db):
    return await rows(db, "SELECT sum(pgsize) FROM dbstat WHERE name = 'chunk'")


async def test_what_came_after_a_rest_is_looked_at_again(opened):
    db, store = opened
    for nth in range(4):
        await come(db, store, 40, 40 * nth)
        await store.seal()
        if nth % 2:
            await store.merging.rest()
    assert store.merging.figures.merges == 2


async def test_a_store_to_which_nothing_comes_seals_and_rests_by_itself(opened, monkeypatch):
    db, store = opened
    monkeypatch.setattr(own, "LOOK", 0.01)
    store.filling.still, store.filling.some = 0.02, 64
    running = asyncio.create_task(store.run())
    for nth in range(2):
        await come(db, store, 40, 40 * nth)
        await eventually(lambda n=nth: store.sealing.figures.seals > n)
    before = await everything(store)
    await eventually(lambda: store.merging.figures.merges)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert await rows(db, "SELECT count(*) FROM chunk") == [(1,)]
    assert await everything(store) == before


async def test_little_in_the_journal_stays_there(opened, monkeypatch):
    db, store = opened
    monkeypatch.setattr(own, "LOOK", 0.001)
    store.filling.still, store.filling.some = 0.0, 10_000
    looks = asyncio.Queue()
    monkeypatch.setattr(store, "may_merge", lambda: looks.put_nowait(None) or True)
    await come(db, store, 40)
    await store.seal()
    await come(db, store, 40, 40)
    running = asyncio.create_task(store.run())
    async with asyncio.timeout(60):
        await looks.get()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert store.unsealed.readings == 40 * len(POINTS)
