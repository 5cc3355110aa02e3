"""What a disk has room for, who waits first; what failed on a full one is not there twice."""

import sqlite3
from dataclasses import replace

import pytest

from central.database import Database, Urgency
from central.ingest.admission import Admission
from central.ingest.figures import Figures
from central.space import MIB, Measured, Room, Space, default_reserve, judged, usable
from central.store import unseen
from central.store.interface import Row
from protocols.errors import IngestError
from protocols.words import Lane
from tests.central.store.plant import append, close_store, open_store
from tests.central.store.store_suite import NOW, SECOND

INSERT = (
    "INSERT INTO event(time, recorded, kind, code, subject, params) VALUES (1, 1, ?, '', '', ?)"
)
GIB = 1024 * MIB


@pytest.fixture
async def db(tmp_path, clock):
    database = await Database.open(tmp_path / "sub" / "collector.db", clock)
    yield database
    await database.close()


@pytest.fixture
def told():
    return []


@pytest.fixture
def space(db, clock, told):
    return Space(db, clock, 8 * MIB, lambda effects: told.extend(effects.events))


def test_what_there_is_room_for():
    reserve = 100
    assert judged(100, reserve, Room.ALL) is Room.ALL
    assert judged(99, reserve, Room.ALL) is Room.NO_BACKFILL
    assert judged(49, reserve, Room.ALL) is Room.ALARMS
    assert judged(105, reserve, Room.NO_BACKFILL) is Room.NO_BACKFILL
    assert judged(111, reserve, Room.NO_BACKFILL) is Room.ALL
    assert judged(54, reserve, Room.ALARMS) is Room.ALARMS
    assert judged(56, reserve, Room.ALARMS) is Room.NO_BACKFILL
    assert judged(0, reserve, Room.ALARMS) is Room.ALARMS


def test_the_reserve_goes_by_the_disk():
    assert default_reserve(10 * GIB) == GIB // 2
    assert default_reserve(4_000 * GIB) == 2 * GIB


def test_what_is_free_inside_counts_while_the_log_has_room():
    assert usable(Measured(5 * MIB, 50 * MIB, GIB), 8 * MIB) == 55 * MIB
    assert usable(Measured(MIB // 2, 50 * MIB, GIB), 8 * MIB) == MIB // 2


@pytest.mark.parametrize(
    ("room", "refused"),
    [
        (Room.ALL, set()),
        (Room.NO_BACKFILL, {Lane.BACKFILL}),
        (Room.ALARMS, {Lane.BACKFILL, Lane.LIVE}),
    ],
)
async def test_backfill_waits_first_then_live_and_alarms_never(space, room, refused):
    space.room = room
    admission = Admission(Figures())
    admission.lacks_room = space.refusal
    for lane in Lane:
        name = lane.name.lower()
        async with admission.approach(name) as refusal:
            assert (refusal is not None) == (lane in refused)
        if refusal is not None:
            assert (refusal.code, refusal.status) == ("STORE_FULL", 503)
            assert refusal.params["retry_after_ms"] >= 20_000
    assert space.tidying == (room is Room.ALL)


async def test_changes_are_events_and_the_ballast_is_made(space, told, monkeypatch):
    found = Measured(free=20 * MIB, inside=0, total=GIB)
    monkeypatch.setattr("central.space.measure", lambda folder, inside: found)
    await space.look()
    assert not told
    assert space.ballast_bytes == MIB
    for free, code in ((5, "DISK_LOW"), (1, "DISK_ALARMS_ONLY"), (20, "DISK_RECOVERED")):
        found = replace(found, free=free * MIB)
        await space.look()
        await space.look()
        assert told[-1].code == code
    assert len(told) == 3
    assert {event.kind for event in told} == {"fault"}


async def limit(db, more):
    """Let the file grow by so many pages only: what needs more is told it is full."""

    def at(tables):
        pages = tables.conn.execute("PRAGMA page_count").fetchone()[0]
        return tables.conn.execute(f"PRAGMA max_page_count = {pages + more}").fetchone()

    await db.write(at)


async def test_on_a_full_disk_only_what_is_urgent_is_given_the_ballast(db):
    given = []

    def give_way():
        given.append(1)
        db._tables.conn.execute("PRAGMA max_page_count = 1000000").fetchone()
        return len(given) == 1

    db.make_room_by(give_way)
    await limit(db, 2)
    large = "x" * 100_000
    with pytest.raises(sqlite3.OperationalError, match="full"):
        await db.write(lambda tables: tables.conn.execute(INSERT, ("live", large)))
    assert not given
    await db.write(
        lambda tables: tables.conn.execute(INSERT, ("alarm", large)), urgency=Urgency.URGENT
    )
    assert given == [1]
    kinds = await db.read(lambda conn: conn.execute("SELECT kind FROM event").fetchall())
    assert kinds == [("alarm",)]


async def test_a_real_ballast_is_let_go_of_once(space):
    space._ballast.make(MIB)
    assert space.give_way()
    assert not space.give_way()
    assert (space.ballast_bytes, space.given_way, space.sealing) == (0, 1, False)


async def test_a_seal_that_found_no_room_leaves_nothing_twice(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(unseen, "STEP", 1)
    db, store = await open_store(tmp_path, clock)
    seq = 0
    for nth in range(400):
        rows = [
            Row(p, NOW + (nth * 50 + p) * SECOND, seq + p, p / 7 + nth, 0, 0) for p in range(1, 50)
        ]
        seq += 49
        await append(db, store, rows)

    async def everything():
        found = await store.ask(lambda view: [view.read(p, 0, 2 * NOW) for p in range(1, 50)])
        return [each.seqs.tolist() for each in found]

    before = await everything()
    for _ in range(3):
        await limit(db, 1)
        with pytest.raises(sqlite3.OperationalError, match="full"):
            await store.seal()
        assert await everything() == before
    left = await db.read(lambda conn: conn.execute("SELECT count(*) FROM chunk").fetchone()[0])
    assert left
    await limit(db, 100_000)
    await store.seal()
    assert await everything() == before
    heads = {number: store.head(number) for number in (4, 49)}
    await close_store(db, store)
    db, store = await open_store(tmp_path, clock)
    assert {number: store.head(number) for number in (4, 49)} == heads
    assert await everything() == before
    await close_store(db, store)


async def test_a_real_disk_is_measured(space):
    await space.look()
    assert space.measured.total > space.measured.free > 0
    assert isinstance(space.refusal(Lane.BACKFILL), IngestError | None)


async def test_copies_go_on_to_another_disk(space, db, tmp_path):
    assert space.lets(db.path.parent)
    space.room = Room.NO_BACKFILL
    assert not space.lets(db.path.parent)
    assert space.lets(tmp_path / "not mounted")
