"""One writer, readers with a deadline, group commit, and files of another version."""

import asyncio
import contextlib
import logging
import sqlite3
import threading

import pytest

from central import database_group
from central.database import (
    LOG_PAGES,
    Database,
    DatabaseUnusable,
    QueryTooLong,
    SchemaNewer,
    Urgency,
)
from central.database_queue import Heavy

INSERT = (
    "INSERT INTO event(time, recorded, kind, code, subject, params) VALUES (1, 1, ?, '', '', '')"
)


@pytest.fixture(params=["thread", "light"])
async def db(request, tmp_path, clock, monkeypatch):
    """A database whose work is done in its thread, or on the event loop."""
    database = await Database.open(tmp_path / "sub" / "collector.db", clock)
    if request.param == "light":
        write = database.write

        def lightly(work, after=None, **how):
            return write(work, after, **({"light": work} | how))

        monkeypatch.setattr(database, "write", lightly)
    yield database
    await database.close()


def insert(kind):
    return lambda tables: tables.execute(INSERT, [kind]).lastrowid


async def kinds(db):
    rows = await db.read(lambda conn: conn.execute("SELECT kind FROM event ORDER BY id").fetchall())
    return [row[0] for row in rows]


async def test_the_files_are_the_collectors_alone(db):
    """They hold what open codes prove, sessions and passwords, hashed or stretched."""
    files = sorted(db.path.parent.glob("collector.db*"))
    assert len(files) == 3
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


async def test_writes_are_committed_in_order(db):
    ids = await asyncio.gather(*(db.write(insert(str(n))) for n in range(100)))
    assert ids == list(range(1, 101))
    assert await kinds(db) == [str(n) for n in range(100)]


async def test_waiting_writes_share_a_transaction(db):
    statements = []
    await db.write(lambda tables: tables.conn.set_trace_callback(statements.append))
    statements.clear()
    await asyncio.gather(*(db.write(insert(str(n))) for n in range(20)))
    assert statements.count("BEGIN IMMEDIATE") == statements.count("COMMIT") < 5


async def test_one_that_fails_takes_nothing_with_it(db):
    undone = []
    db.on_rollback.append(lambda: undone.append(True))

    def bad(tables):
        tables.execute(INSERT, ["bad"])
        raise KeyError("no")

    results = await asyncio.gather(
        db.write(insert("a")), db.write(bad), db.write(insert("b")), return_exceptions=True
    )
    assert isinstance(results[1], KeyError)
    assert await kinds(db) == ["a", "b"]
    assert undone


async def test_what_changed_nothing_undoes_nothing(db):
    undone, calls = [], []
    db.on_rollback.append(lambda: undone.append(True))

    def refused(tables):
        raise KeyError("no")

    def once(tables):
        calls.append(True)
        tables.execute(INSERT, ["a"])

    results = await asyncio.gather(db.write(once), db.write(refused), return_exceptions=True)
    assert isinstance(results[1], KeyError)
    assert await kinds(db) == ["a"]
    assert (undone, calls) == ([], [True])


async def test_what_sqlite_refuses_is_undone_in_memory_too(db):
    """Nothing was written yet, but whoever wanted to may have changed its memory before."""
    undone = []
    db.on_rollback.append(lambda: undone.append(True))
    with pytest.raises(sqlite3.OperationalError):
        await db.write(lambda tables: tables.execute("INSERT INTO nowhere VALUES (1)"))
    assert undone  # light work twice: it was done again in the thread


async def test_a_transaction_lost_whole_is_tried_again_one_by_one(db):
    def fatal(tables):
        tables.execute("ROLLBACK")
        raise sqlite3.OperationalError("disk full")

    results = await asyncio.gather(
        db.write(insert("a")), db.write(fatal), db.write(insert("b")), return_exceptions=True
    )
    assert isinstance(results[1], sqlite3.OperationalError)
    assert await kinds(db) == ["a", "b"]


async def test_urgent_work_goes_first(db):
    done = []

    def note(name):
        return lambda tables: done.append(name)

    await asyncio.gather(
        *(db.write(note(f"routine {n}")) for n in range(5)),
        db.write(note("alarm"), urgency=Urgency.URGENT),
    )
    assert done[0] == "alarm"


async def test_after_is_called_even_if_nobody_waits_any_more(db):
    told = asyncio.Event()
    waiting = asyncio.create_task(db.write(insert("a"), lambda _: told.set()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(60):
        await told.wait()
    assert await kinds(db) == ["a"]


async def test_a_long_query_is_ended_and_the_reader_lives_on(db):
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    for _ in range(3):
        with pytest.raises(QueryTooLong):
            await db.read(lambda conn: conn.execute(endless).fetchone(), deadline=0.05)
    assert await kinds(db) == []


async def test_readers_cannot_write(db):
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await db.read(lambda conn: conn.execute(INSERT, ("x",)))


async def test_a_reader_sees_one_moment(db):
    await db.write(insert("a"))

    def twice(conn):
        first = conn.execute("SELECT count(*) FROM event").fetchone()
        other = sqlite3.connect(db.path)
        with other:
            other.execute(INSERT, ("b",))
        other.close()
        return first, conn.execute("SELECT count(*) FROM event").fetchone()

    first, second = await db.read(twice)
    assert first == second == (1,)


async def test_the_incarnation_belongs_to_the_file(tmp_path, clock):
    minted = set()
    for name in ("a.db", "a.db", "b.db"):
        db = await Database.open(tmp_path / name, clock)
        minted.add(db.incarnation)
        await db.close()
    assert len(minted) == 2
    assert all(len(item) == 32 for item in minted)


async def test_a_newer_file_is_left_untouched(tmp_path, clock):
    path = tmp_path / "collector.db"
    db = await Database.open(path, clock)
    await db.close()
    conn = sqlite3.connect(path)
    with conn:
        conn.execute(
            "INSERT INTO _sqlite_migrations(migration_set, name, applied_at) "
            "VALUES ('collector', 'm999_future', '2030')"
        )
    conn.close()
    before = path.read_bytes()
    with pytest.raises(SchemaNewer) as refused:
        await Database.open(path, clock)
    assert refused.value.params == {"file": str(path), "migration": "m999_future"}
    assert path.read_bytes() == before


async def test_a_file_that_is_no_database_says_so(tmp_path, clock):
    path = tmp_path / "collector.db"
    path.write_bytes(b"not a database, but long enough to be looked at" * 30)
    with pytest.raises(DatabaseUnusable) as refused:
        await Database.open(path, clock)
    assert refused.value.params["file"] == str(path)
    assert path.read_bytes().startswith(b"not a database")


async def test_closing_finishes_what_waits(tmp_path, clock):
    db = await Database.open(tmp_path / "collector.db", clock)
    writes = [asyncio.create_task(db.write(insert(str(n)))) for n in range(50)]
    await asyncio.sleep(0)
    await db.close()
    await db.close()
    assert await asyncio.gather(*writes) == list(range(1, 51))
    with pytest.raises(RuntimeError, match="closed"):
        await db.write(insert("x"))


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"


async def test_a_look_up_does_not_wait_behind_long_queries(db):
    long = [
        asyncio.create_task(db.read(lambda conn: conn.execute(ENDLESS).fetchone(), deadline=600))
        for _ in range(5)
    ]
    async with asyncio.timeout(60):
        assert await db.glance(lambda conn: conn.execute("SELECT 7").fetchone()) == (7,)
    assert not any(task.done() for task in long)
    for task in long:
        task.cancel()


async def test_closing_does_not_wait_for_a_long_query(tmp_path, clock):
    db = await Database.open(tmp_path / "collector.db", clock)
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def endless(conn):
        loop.call_soon_threadsafe(begun.set)
        return conn.execute(ENDLESS).fetchone()

    query = asyncio.create_task(db.read(endless, deadline=600))
    await begun.wait()
    async with asyncio.timeout(60):
        await db.close()
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        await query


async def test_an_interruption_between_two_statements_is_not_forgotten(tmp_path, clock):
    db = await Database.open(tmp_path / "collector.db", clock)
    loop, begun, go = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def late(conn):
        loop.call_soon_threadsafe(begun.set)
        go.wait()
        return conn.execute(ENDLESS).fetchone()

    query = asyncio.create_task(db.read(late, deadline=600))
    await begun.wait()
    closing = asyncio.create_task(db.close())
    loop.call_later(0.05, go.set)
    async with asyncio.timeout(60):
        await closing
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        await query


async def test_a_transaction_that_lasts_lets_urgent_work_in(db, monkeypatch):
    monkeypatch.setattr(database_group, "HOLD", -1.0)
    done = []

    def note(name):
        return lambda tables: done.append(name)

    def first(tables):
        loop.call_soon_threadsafe(begun.set)
        go.wait()

    loop, begun, go = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    works = [asyncio.create_task(db.write(first, light=None))]
    works += [asyncio.create_task(db.write(note(f"routine {n}"))) for n in range(5)]
    await begun.wait()
    works.append(asyncio.create_task(db.write(note("alarm"), urgency=Urgency.URGENT)))
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*works)
    assert done == ["alarm", *(f"routine {n}" for n in range(5))]


async def test_another_program_that_holds_the_file_is_named_once_and_counted(
    db, caplog, monkeypatch
):
    monkeypatch.setattr(database_group, "BUSY_MS", 1)
    with contextlib.closing(sqlite3.connect(db.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = await asyncio.gather(
            *(db.write(insert(str(n))) for n in range(8)), return_exceptions=True
        )
        assert {getattr(exc, "sqlite_errorname", None) for exc in refused} == {"SQLITE_BUSY"}
        assert not db.writable
        other.execute("ROLLBACK")
    assert db.refused.counts == {"write SQLITE_BUSY": 8}
    await db.write(insert("after"))
    assert (db.writable, await kinds(db)) == (True, ["after"])
    said = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert said == [
        "the database was not written: database is locked",
        "the database is written again",
    ]


async def test_a_query_that_is_refused_says_why(db, caplog):
    for _ in range(3):
        with pytest.raises(QueryTooLong):
            await db.read(lambda conn: conn.execute(ENDLESS).fetchone(), deadline=0.01)
    with pytest.raises(sqlite3.OperationalError):
        await db.glance(lambda conn: conn.execute("SELECT * FROM nowhere"))
    assert db.refused.counts == {"read QUERY_TOO_LONG": 3, "read SQLITE_ERROR": 1}
    said = [r.getMessage() for r in caplog.records]
    assert len(said) == 2
    assert "nowhere" in said[1]


async def test_memory_that_cannot_follow_a_commit_ends_the_writer_aloud(tmp_path, clock, caplog):
    db = await Database.open(tmp_path / "collector.db", clock)
    watching = asyncio.create_task(db.watch())

    def cannot_follow(_):
        raise LookupError("memory and tables are apart")

    first = asyncio.create_task(db.write(insert("a"), cannot_follow))
    second = asyncio.create_task(db.write(insert("b")))
    with pytest.raises(LookupError):
        await watching
    for waiting in (first, second):
        with pytest.raises(RuntimeError, match="ended"):
            await waiting
    with pytest.raises(RuntimeError, match="closed"):
        await db.write(insert("c"))
    assert "nothing is written any more" in caplog.text
    await db.close()


def where(tables):
    tables.execute(INSERT, [threading.current_thread().name])
    return threading.current_thread().name


async def test_light_work_is_done_on_the_event_loop_and_other_work_in_the_thread(db):
    here = threading.current_thread().name
    told = await asyncio.gather(
        db.write(where, light=where), db.write(where, light=None), db.write(where, light=where)
    )
    assert told == [here, "database", here]
    assert await kinds(db) == told


async def test_what_turns_out_heavy_is_done_in_the_thread_and_nothing_twice(db):
    tried = []

    def heavy(tables):
        tried.append(threading.current_thread().name)
        raise Heavy

    told = await asyncio.gather(
        db.write(where, light=where), db.write(where, light=heavy), db.write(where, light=where)
    )
    here = threading.current_thread().name
    assert told == await kinds(db) == [here, "database", "database"]
    assert tried == [here]
    assert await db.write(where, light=heavy) == "database"
    assert len(tried) == 1, "what comes right after it is not tried again"


async def test_the_event_loop_goes_on_between_pieces_of_light_work(db, monkeypatch):
    monkeypatch.setattr(database_group, "PAUSE", -1.0)
    seen, done = [], asyncio.Event()

    async def others():
        while not done.is_set():
            seen.append(len(did))
            await asyncio.sleep(0)

    did = []

    def work(tables):
        insert("x")(tables)
        did.append(True)

    beside = asyncio.create_task(others())
    await asyncio.gather(*(db.write(work, light=work) for _ in range(10)))
    done.set()
    await beside
    assert set(range(1, 10)) <= set(seen)


async def test_what_turns_out_heavy_late_is_undone_with_its_group_and_done_in_the_thread(db):
    undone = []
    db.on_rollback.append(lambda: undone.append(True))

    def heavy(tables):
        insert("half")(tables)
        raise Heavy

    told = await asyncio.gather(
        db.write(where, light=where), db.write(where, light=heavy), db.write(where, light=where)
    )
    assert undone == [True]
    assert told == await kinds(db) == ["database"] * 3


async def test_the_log_is_written_back_before_it_is_long(db):
    def much(tables):
        tables.conn.execute(INSERT, ("x" * 200_000,))

    for _ in range(60):  # fifty pages each
        await db.write(much)
    log = db.path.with_name(db.path.name + "-wal")
    assert log.stat().st_size < 2 * LOG_PAGES * 4096
