"""What is little is answered on the event loop as in a thread; what is not is for a thread."""

import sqlite3
from contextlib import closing

import pytest

from central.near import Near, TooMuch
from central.store import unsealed
from central.store.damage import ChunkUnreadable
from central.store.parts import Part
from central.store.views import days, near
from central.store.views.near import Remembered
from tests.central.store.plant import append, close_store, open_store
from tests.central.store.store_suite import NOW, SECOND, row

SPAN = (NOW, NOW + 1_000 * SECOND)


@pytest.fixture
async def opened(tmp_path, clock):
    db, store = await open_store(tmp_path, clock)
    yield db, store
    await close_store(db, store)


async def fill(opened, first, count, *, points=(1,), seal=True):
    db, store = opened
    await append(
        db,
        store,
        [
            row(first + n, float(n), at=first + n, point=point)
            for point in points
            for n in range(count)
        ],
    )
    if seal:
        await store.seal()


def values(store, point=1, span=SPAN):
    return store.near(lambda view: view.read(point, *span)).values.tolist()


async def test_chunks_rows_and_what_is_not_sealed_are_one(opened):
    _, store = opened
    await fill(opened, 0, 20)
    await fill(opened, 20, 3)  # too few for a chunk: rows
    await fill(opened, 23, 5, seal=False)
    wanted = [float(n) for n in range(20)] + [0.0, 1.0, 2.0] + [float(n) for n in range(5)]
    assert values(store) == wanted
    assert values(store) == wanted  # remembered now
    assert values(store, span=(NOW + 5 * SECOND, NOW + 21 * SECOND)) == wanted[5:21]
    assert values(store, point=2) == values(store, point=10**6) == []


def statements(db):
    """Return a list that is filled with what SQLite is asked on the event loop."""
    asked = []
    db._near._conn.set_trace_callback(asked.append)
    return asked


async def test_what_was_asked_a_moment_ago_asks_sqlite_for_nothing(opened, monkeypatch):
    db, store = opened
    monkeypatch.setattr(days, "STANDS", 600.0)
    await fill(opened, 0, 20)
    values(store)
    asked = statements(db)
    wanted = values(store)
    assert asked == []
    work = lambda tables: store.append(tables.conn, 1, NOW, [row(20, 0.0, at=20)])  # noqa: E731
    store.committed([await db.write(work, light=work)])
    assert values(store) == [*wanted, 0.0]  # what memory has of it needs no look
    assert list(store.near(lambda view: list(view.rolled(1, *SPAN)))) == []
    assert asked == []
    await db.write(lambda _: None)
    assert values(store) == [*wanted, 0.0]
    assert asked


async def test_a_question_s_statements_are_one_snapshot(tmp_path):
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("CREATE TABLE t(x)")
        looks = Near(path)

        def count(held):
            return held.execute("SELECT count(*) FROM t").fetchone()[0]

        def twice(held):
            first = count(held)
            conn.execute("INSERT INTO t VALUES (1)")
            conn.commit()
            return first, count(held)

        assert looks.look(twice) == (0, 0)
        assert looks.look(twice) == (1, 1)
        looks.close()


async def test_what_a_run_holds_is_remembered_until_it_is_sealed(opened, monkeypatch):
    _, store = opened
    monkeypatch.setattr(unsealed, "LOOSE", 2)
    monkeypatch.setattr(days, "STANDS", 600.0)
    await fill(opened, 0, 20)
    for at in range(20, 60, 4):
        await fill(opened, at, 4, points=(1, 3), seal=False)
        await store.ask(lambda view: view.read(1, *SPAN))  # puts them together
        for span in (SPAN, (NOW + 5 * SECOND, NOW + (at + 2) * SECOND), (NOW, NOW)):
            for point in (1, 2, 3):
                wanted = await store.ask(
                    lambda view, point=point, span=span: view.read(point, *span).values.tolist()
                )
                assert values(store, point, span) == values(store, point, span) == wanted
    parts = [store.near(lambda view: view.parts(1, *SPAN)) for _ in range(2)]
    runs = len(store.unsealed.now().runs)
    assert runs
    assert all(a is b for a, b in zip(*(each[: 1 + runs] for each in parts), strict=True))
    whole = values(store)
    await store.seal()
    assert values(store) == whole
    monkeypatch.setattr(near, "READINGS", 3)
    with pytest.raises(TooMuch):
        values(store)


async def test_whatever_becomes_of_chunks_and_rows_is_seen_at_once(opened, monkeypatch):
    db, store = opened

    async def alike():
        for span in (SPAN, (NOW + 5 * SECOND, NOW + 21 * SECOND)):
            wanted = await store.ask(lambda view, span=span: view.read(1, *span).values.tolist())
            assert values(store, span=span) == values(store, span=span) == wanted

    for first, count in ((0, 20), (20, 3), (15, 2), (40, 20)):  # chunks, and rows of too few
        await fill(opened, first, count, seal=False)
        await alike()
        await store.seal()
        await alike()
    for _ in range(4):
        await store.merging.run_once()
        await alike()
    for table in ("late", "chunk"):
        await db.write(lambda tables, table=table: tables.execute(f"DELETE FROM {table}"))
        await alike()
    assert values(store) == []


async def test_a_day_in_too_many_pieces_is_looked_up_each_time(opened, monkeypatch):
    db, store = opened
    monkeypatch.setattr(days, "CHUNKS", 1)
    monkeypatch.setattr(days, "MOST", 0)
    monkeypatch.setattr(days, "POINTS", 0)
    for first in (0, 20):
        await fill(opened, first, 20)
        assert len(values(store)) == len(values(store)) == first + 20
    asked = statements(db)
    assert len(values(store)) == 40
    assert not set(asked) <= {"BEGIN", "ROLLBACK"}


async def test_what_another_program_took_away_is_for_a_thread(opened):
    db, store = opened
    await fill(opened, 0, 20)
    values(store)
    store._remembered._held.clear()
    with closing(sqlite3.connect(db.path)) as conn:
        conn.execute("DELETE FROM chunk")
        conn.commit()
    with pytest.raises(TooMuch):
        values(store)


async def test_a_chunk_is_remembered_until_there_is_too_much(opened, monkeypatch):
    _, store = opened
    await fill(opened, 0, 20)
    first, second = (store.near(lambda view: view.parts(1, *SPAN)) for _ in range(2))
    assert first[0] is second[0]
    remembered = Remembered(most=3)
    for number in range(5):
        part = Part(first[0].readings.take(slice(0, 2)))
        remembered.put((number, 0), part)  # type: ignore[arg-type]
        assert remembered.readings <= 3
    assert remembered.find((0, 0)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bound", "most"), [("CHUNKS", 1), ("CELLS", 10), ("READINGS", 10), ("BYTES", 10)]
)
async def test_what_is_not_little_is_for_a_thread(opened, monkeypatch, bound, most):
    _, store = opened
    await fill(opened, 0, 20)
    await fill(opened, 20, 20)
    assert len(values(store)) == 40
    store._remembered = Remembered()
    monkeypatch.setattr(near, bound, most)
    with pytest.raises(TooMuch):
        values(store)


async def test_many_rows_or_pieces_are_for_a_thread(opened, monkeypatch):
    _, store = opened
    await fill(opened, 0, 5)
    monkeypatch.setattr(near, "ROWS", 4)
    with pytest.raises(TooMuch):
        values(store)
    for at in range(3):
        await fill(opened, 100 + at, 1, points=(2,), seal=False)
    monkeypatch.setattr(near, "PIECES", 2)
    with pytest.raises(TooMuch):
        values(store, point=2)


async def test_what_has_been_rolled_up_is_for_a_thread(opened):
    db, store = opened
    await fill(opened, 0, 20)
    ask = lambda view: list(view.rolled(1, *SPAN))  # noqa: E731
    assert store.near(ask) == []
    await db.write(
        lambda tables: tables.conn.execute(
            "INSERT INTO rollup(family, day, span, n, body) "
            "SELECT family, day, 1, 1, x'' FROM chunk"
        )
    )
    with pytest.raises(TooMuch):
        store.near(ask)


async def test_a_damaged_chunk_is_refused_by_name(opened):
    db, store = opened
    await fill(opened, 0, 20)
    await db.write(
        lambda tables: tables.conn.execute("UPDATE chunk SET body = substr(body, 1, 30)")
    )
    with pytest.raises(ChunkUnreadable):
        values(store)
    assert len(store.damage.chunks) == 1


async def test_what_sqlite_cannot_do_at_once_is_for_a_thread(tmp_path):
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE t(x)")
    looks = Near(path)
    assert looks.look(lambda conn: conn.execute("SELECT count(*) FROM t").fetchone()) == (0,)
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    for sql in (endless, "SELECT * FROM nowhere", "INSERT INTO t VALUES (1)"):
        with pytest.raises(TooMuch):
            looks.look(lambda conn, sql=sql: conn.execute(sql).fetchone())
    assert looks.look(lambda conn: conn.execute("SELECT 7").fetchone()) == (7,)
    looks.close()
    with pytest.raises(TooMuch):
        looks.look(lambda _: 1)
