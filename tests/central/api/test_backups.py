"""The list of backups says of each what it holds and what it added; where it lies stays unsaid."""

from dataclasses import replace

import httpx2
import pytest

from central.api.app import create_app
from central.backup import records
from central.backup.records import FAILED, GONE, VERIFIED, BackupRecord
from protocols.texts import LANGUAGES, text
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


NO_ROOM = {
    "code": "BACKUP_NO_ROOM",
    "params": {"folder": "/srv/secret", "need": "2 MiB", "free": "1 MiB"},
}


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
        records.enter(tables, replace(MADE, result=FAILED, **NO_ROOM, written=0))

    headers = await People(collector.db, HandClock()).session("viewer")
    assert (await client.get("/api/v1/backups", headers=headers)).json() == {
        "configured": False,
        "items": [],
        "next": None,
    }
    await collector.db.write(enter)
    first = (await client.get("/api/v1/backups?limit=2", headers=headers)).json()
    assert [(one["result"], one["code"], one["written"]) for one in first["items"]] == [
        ("failed", "BACKUP_NO_ROOM", 0),
        ("verified", None, None),
    ]
    assert first["items"][0]["params"] == {"folder": "secret", "need": "2 MiB", "free": "1 MiB"}
    rest = await client.get(f"/api/v1/backups?limit=2&cursor={first['next']}", headers=headers)
    (one,) = rest.json()["items"]
    assert (one["file"], one["bytes"], one["written"]) == ("fengsui-1.db", 5_000_000, 200_000)
    assert "/srv" not in rest.text
    assert rest.json()["next"] is None


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"identity": "exposed"}, "BACKUP_IDENTITY_EXPOSED"),
        ({"identity": "failed", "detail": "no room"}, "BACKUP_IDENTITY_FAILED"),
        ({"identity": "left_out"}, "BACKUP_IDENTITY_LEFT_OUT"),
        (
            {"result": GONE, "code": "BACKUP_DAMAGED", "params": {"file": "/a/b.db"}},
            "BACKUP_DAMAGED",
        ),
    ],
)
async def test_what_is_to_be_said_of_it_has_a_sentence_in_both_languages(
    client, collector, changed, code
):
    headers = await People(collector.db, HandClock()).session("viewer")
    await collector.db.write(lambda tables: records.enter(tables, replace(MADE, **changed)))
    (one,) = (await client.get("/api/v1/backups", headers=headers)).json()["items"]
    assert one["code"] == code
    for language in LANGUAGES:
        assert "{" not in text(code, one["params"], language)
