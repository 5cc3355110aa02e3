"""A damaged row of the journal, or what no chunk can be made of, costs its neighbours nothing."""

import sqlite3
from contextlib import closing
from functools import partial

import numpy as np
import pytest

from central.store import journal
from central.store.checks.checking import check
from central.store.interface import Row
from tests.central.builders import HandClock
from tests.central.store.plant import append, close_store, open_store
from tests.central.store.store_suite import NOW, SECOND

N = 2_000
"""Readings of a row: its bytes fill several pages."""
NOISE = {point: np.random.default_rng(point).normal(size=N).tolist() for point in (1, 2, 3)}


def scan(point, first=1):
    return [Row(point, NOW + n * SECOND, first + n, NOISE[point][n], 0, 0) for n in range(N)]


async def filled(folder):
    """Fill the journal with a row each of points 1, 2 and 3; return the file and the bodies."""
    db, store = await open_store(folder, HandClock())
    await db.write(
        lambda tables: tables.conn.execute(
            "INSERT INTO stream(number, id, gateway, kind, boot, purpose, manifest, opening, "
            "created, cursor, head) VALUES (1, 'a', 'gw', '', '', '', '', x'', 0, 0, x'')"
        )
    )
    for nth, point in enumerate((1, 2, 3)):
        await append(db, store, scan(point, 1 + nth * N))
    bodies = await db.read(lambda conn: conn.execute("SELECT id, body FROM journal").fetchall())
    path = db.path
    await close_store(db, store)
    return path, dict(bodies)


def flip(path, body, at):
    """Turn one bit of a row where it lies in the file."""
    data = bytearray(path.read_bytes())
    place = data.index(body[at : at + 12])
    data[place] ^= 4
    path.write_bytes(data)


def cut(path, body):
    """Let the chain of pages that hold a row end in nothing."""
    data = bytearray(path.read_bytes())
    size = int.from_bytes(data[16:18], "big")
    start = data.index(body[:24])
    leaf_end = (start // size + 1) * size
    held = next(
        n for n in range(24, size) if data[start : start + n] != body[:n] or start + n >= leaf_end
    )
    data[start + held - 1 : start + held + 3] = (1 << 30).to_bytes(4, "big")
    path.write_bytes(data)


async def values(store, number):
    found = await store.ask(lambda view: view.read(number, 0, 2**60))
    return found.values.tolist()


def good_of(store, tables):
    return store.newest_good_all(tables.conn, [1, 3])


def findings(path):
    found = []
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as conn:
        check(conn, found.append)
    return [each.code for each in found]


async def events_of(db):
    return await db.read(
        lambda conn: conn.execute("SELECT code, kind, subject, params FROM event").fetchall()
    )


@pytest.mark.parametrize("at", [0, 3, 40, 6_000, -24])
async def test_a_flipped_bit_in_a_row_takes_only_that_row(tmp_path, at):
    path, bodies = await filled(tmp_path)
    flip(path, bodies[2], at % len(bodies[2]))
    assert "CHECK_JOURNAL_UNREADABLE" in findings(path)

    for start in (1, 2):
        db, store = await open_store(tmp_path, HandClock())
        assert (store.set_aside.pieces, store.set_aside.readings) == (1, N)
        assert await values(store, 1) == NOISE[1]
        assert await values(store, 2) == []
        assert await values(store, 3) == NOISE[3]
        told = await events_of(db)
        assert [row[:3] for row in told] == [("STORE_SET_ASIDE", "fault", "gw")]
        kept = await db.read(lambda conn: conn.execute("SELECT body FROM set_aside").fetchone()[0])
        assert len(kept) == len(bodies[2])
        assert sum(a != b for a, b in zip(kept, bodies[2], strict=True)) == 1
        if start == 2:
            await append(db, store, [Row(2, NOW, 3 * N + 1, 5.0, 0, 0)])
            assert await store.seal() == 2 * N + 1
            assert await values(store, 2) == [5.0]
            assert await values(store, 3) == NOISE[3]
        await close_store(db, store)
    assert findings(path) == ["CHECK_SET_ASIDE"]


async def test_a_row_that_is_cut_short(tmp_path):
    path, bodies = await filled(tmp_path)
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("UPDATE journal SET body = ? WHERE id = 1", (bodies[1][:700],))
        conn.execute("UPDATE journal SET body = x'' WHERE id = 3")
    db, store = await open_store(tmp_path, HandClock())
    assert store.set_aside.pieces == 2
    assert [await values(store, number) for number in (1, 3)] == [[], []]
    assert await values(store, 2) == NOISE[2]
    await close_store(db, store)


async def test_a_row_whose_pages_sqlite_cannot_read(tmp_path):
    path, bodies = await filled(tmp_path)
    cut(path, bodies[2])
    with closing(sqlite3.connect(path)) as conn, pytest.raises(sqlite3.DatabaseError):
        conn.execute("SELECT body FROM journal").fetchall()
    for _ in range(2):
        db, store = await open_store(tmp_path, HandClock())
        assert store.set_aside.pieces == 1
        assert await values(store, 1) == NOISE[1]
        assert await values(store, 3) == NOISE[3]
        assert [row[0] for row in await events_of(db)] == ["STORE_SET_ASIDE"]
        await store.seal()
        assert await values(store, 3) == NOISE[3]
        left = await db.read(lambda conn: conn.execute("SELECT id FROM journal").fetchall())
        assert left == [(2,)]
        await close_store(db, store)


async def test_bytes_of_another_version_are_no_damage(tmp_path, monkeypatch):
    await filled(tmp_path)
    monkeypatch.setattr(journal, "FORMAT", 2)
    with pytest.raises(journal.Undecodable):
        await open_store(tmp_path, HandClock())


async def test_what_no_chunk_can_be_made_of_is_set_aside_with_its_bytes(tmp_path):
    db, store = await open_store(tmp_path, HandClock())
    told = []
    store.set_aside.tell = told.append
    wrong = [Row(1, NOW + n * SECOND, 1 + n, float("nan"), 0, 0) for n in range(20)]
    right = [Row(3, NOW + n * SECOND, 101 + n, float(n), 0, 0) for n in range(20)]
    await append(db, store, [*wrong, *right])
    assert await store.seal() == 40
    assert await values(store, 1) == []
    assert await values(store, 3) == [float(n) for n in range(20)]
    assert (store.set_aside.pieces, store.set_aside.readings) == (1, 20)
    assert [event.code for effects in told for event in effects.events] == ["STORE_SET_ASIDE"]
    await close_store(db, store)

    db, store = await open_store(tmp_path, HandClock())
    assert store.set_aside.readings == 20
    assert await values(store, 3) == [float(n) for n in range(20)]
    row = await db.read(
        lambda conn: conn.execute("SELECT origin, what, stream, body FROM set_aside").fetchone()
    )
    assert row[:3] == ("seal", "site/gw/tank 2026-06-12", 1)
    rows = journal.unpack(row[3])
    assert rows.points.tolist() == [1] * 20
    assert rows.seqs.tolist() == list(range(1, 21))
    assert np.isnan(rows.values.numbers).all()
    await close_store(db, store)


async def test_a_stray_no_row_can_be_made_of(tmp_path):
    db, store = await open_store(tmp_path, HandClock())
    texts = [Row(1, NOW, 1, "good", 0, 0), Row(1, NOW + SECOND, 2, "\ud800", 0, 0)]
    await append(db, store, [*texts, Row(3, NOW, 3, 1.0, 0, 0)])
    assert await store.seal() == 3
    assert await values(store, 1) == []
    assert await values(store, 3) == [1.0]
    assert store.set_aside.readings == 2
    await close_store(db, store)


async def test_a_page_of_newest_values_is_found_anew(tmp_path):
    db, store = await open_store(tmp_path, HandClock())
    await append(db, store, scan(1))
    await append(db, store, [Row(3, NOW, N + 1, 7.5, 0, 0)])
    await store.seal()
    heads = store.latest()
    path = db.path
    bodies = await db.read(lambda conn: conn.execute("SELECT body FROM head").fetchall())
    assert len(bodies) == 2
    await close_store(db, store)
    for (body,) in bodies:
        flip(path, body, len(body) // 2)
    for _ in range(2):
        db, store = await open_store(tmp_path, HandClock())
        assert store.set_aside.pieces == 2
        assert store.latest() == heads
        good = await db.write(partial(good_of, store))
        assert {number: one.value for number, one in good.items()} == {1: NOISE[1][-1], 3: 7.5}
        await append(db, store, [Row(2, NOW, N + 9, 1.0, 0, 0)], stream=2)
        await store.seal()
        heads = store.latest()
        await close_store(db, store)
