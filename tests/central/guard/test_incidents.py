"""A storm is one line a minute of each kind and source; every case is counted."""

import asyncio
import contextlib
import sqlite3

import pytest

from central import events
from central.database import Database
from central.guard.incidents import EACH, OTHERS, SOURCES, Incidents
from central.identity import audit
from tests.central.identity.hands import HandClock
from tests.central.template import fresh
from tests.edge.waiting import eventually


class Hand:
    def __init__(self):
        self.at = 1_000.0

    def __call__(self):
        return self.at


@pytest.fixture
def now():
    return Hand()


@pytest.fixture
async def db(tmp_path):
    database = await Database.open(fresh(tmp_path / "central.db"), HandClock())
    yield database
    await database.close()


@pytest.fixture
def told():
    return []


@pytest.fixture
def incidents(db, now, told):
    return Incidents(db, HandClock(), lambda effects: told.extend(effects.events), now)


async def written(db):
    page = await db.read(lambda conn: events.page(conn, 500, None, [events.SECURITY]))
    return [(each.code, each.subject, each.params["count"]) for each in reversed(page.items)]


async def test_the_first_is_told_at_once_and_the_rest_with_the_next_minute(
    incidents, db, now, told
):
    incidents.note("PROOF_REFUSED", "10.0.0.1", address="10.0.0.1")
    await incidents.flush()
    for _ in range(500):
        incidents.note("PROOF_REFUSED", "10.0.0.1", address="10.0.0.1")
    await incidents.flush()
    assert await written(db) == [("PROOF_REFUSED", "10.0.0.1", 1)]
    now.at += EACH
    await incidents.flush()
    assert await written(db) == [("PROOF_REFUSED", "10.0.0.1", n) for n in (1, 500)]
    assert [event.params["count"] for event in told] == [1, 500]
    assert incidents.totals == {"PROOF_REFUSED": 501}
    now.at += EACH
    await incidents.flush()
    assert len(told) == 2  # nothing more happened, nothing more is said


async def test_each_stands_in_the_audit_whose_chain_holds(incidents, db):
    incidents.note("BODY_SLOW", "gw-1", address="10.0.0.1")
    await incidents.flush()
    (line,) = await db.read(lambda conn: audit.page(conn, 10))
    assert (line.actor, line.action, line.subject) == ("collector", "BODY_SLOW", "gw-1")
    assert line.detail_params() == {"address": "10.0.0.1", "count": 1}
    assert (await db.read(audit.verify)).broken is None


async def test_very_many_sources_are_told_together(incidents, db):
    for number in range(10_000):
        incidents.note("PROOF_REFUSED", f"10.1.{number >> 8}.{number & 255}", address="x")
    await incidents.flush()
    found = await written(db)
    assert len(found) == SOURCES + 1
    assert found[-1] == ("PROOF_REFUSED", OTHERS, 10_000 - SOURCES)


async def test_what_cannot_be_written_is_kept(incidents, db, impatient):
    incidents.note("BODY_SLOW", "gw-1", address="a")
    with contextlib.closing(sqlite3.connect(db.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError):
            await incidents.flush()
        incidents.note("BODY_SLOW", "gw-1", address="a")
    await incidents.flush()
    assert await written(db) == [("BODY_SLOW", "gw-1", 2)]


async def test_the_task_writes_while_others_are_not_due_yet(incidents, db, told):
    running = asyncio.create_task(incidents.run())
    for source in ("a", "b"):
        incidents.note("BODY_SLOW", source, address=source)
        incidents.note("BODY_SLOW", source, address=source)
        await eventually(lambda: source in [event.subject for event in told])  # noqa: B023
    running.cancel()
    assert [subject for _, subject, _ in await written(db)] == ["a", "b"]
