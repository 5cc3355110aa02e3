"""The list of backups says of each what it holds and what it added; where it lies stays unsaid."""

from dataclasses import replace

import httpx2
import pytest

from central.api.app import create_app
from central.backup import records
from central.backup.records import FAILED, VERIFIED, BackupRecord
from tests.central.api.conftest import People, furnish
from tests.central.builders import START, HandClock, open_collector

MADE = BackupRecord(
    time=START,
    file="/srv/secret/fengsui-1.db",
    bytes=5_000_000,
    sha256="0" * 64,
    result=VERIFIED,
    detail="",
    actor="schedule",
    seconds=1.5,
    identity="included",
    written=200_000,
)


@pytest.fixture
async def collector(tmp_path):
    made = await open_collector(tmp_path, HandClock())
    yield made
    await made.close()


@pytest.fixture
async def client(collector, tmp_path):
    app = create_app(furnish(collector, HandClock()), with_demo=False, dist=tmp_path / "dist")
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://collector"
    ) as made:
        yield made


async def test_each_attempt_says_what_it_wrote(client, collector):
    def enter(tables):
        records.enter(tables, MADE)
        records.enter(tables, replace(MADE, written=None, file="/srv/secret/fengsui-2.db"))
        records.enter(tables, replace(MADE, result=FAILED, detail="BACKUP_DISK_FULL", written=0))

    headers = await People(collector.db, HandClock()).session("viewer")
    assert (await client.get("/api/v1/backups", headers=headers)).json() == {
        "configured": False,
        "items": [],
        "next": None,
    }
    await collector.db.write(enter)
    first = (await client.get("/api/v1/backups?limit=2", headers=headers)).json()
    assert [(one["result"], one["reason"], one["written"]) for one in first["items"]] == [
        ("failed", "BACKUP_DISK_FULL", 0),
        ("verified", "", None),
    ]
    rest = await client.get(f"/api/v1/backups?limit=2&cursor={first['next']}", headers=headers)
    (one,) = rest.json()["items"]
    assert (one["file"], one["bytes"], one["written"]) == ("fengsui-1.db", 5_000_000, 200_000)
    assert "secret" not in rest.text
    assert rest.json()["next"] is None
