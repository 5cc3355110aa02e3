"""What was set aside over HTTP and by the command: who may look, who may settle it."""

import asyncio
import json

import httpx2
import pytest

from central.__main__ import main
from central.api.app import create_app
from central.control import holding, listening
from central.evidence.rebuilding import rebuild_all
from central.store.damage import Spoilt
from central.store.set_aside import Piece
from tests.central.api.conftest import People, furnish
from tests.central.builders import START, HandClock, open_collector

LOST = Piece("journal", 7, "gw", 1, START, 40, "checksum", b"bytes")


@pytest.fixture
async def collector(tmp_path):
    made = await open_collector(tmp_path, HandClock())
    await made.db.write(
        lambda tables: ([LOST], made.store.set_aside.put(tables, [LOST])),
        made.store.set_aside.note,
    )
    yield made
    await made.close()


@pytest.fixture
async def client(collector, tmp_path):
    app = create_app(furnish(collector, HandClock()), with_demo=False, dist=tmp_path / "dist")
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://collector"
    ) as made:
        yield made


PATH = "/api/v1/store/set-aside"


async def test_it_is_listed_with_what_is_damaged(client, collector):
    headers = await People(collector.db, HandClock()).session("viewer")
    collector.store.damage.note(Spoilt(3, 1, 20_000, "site/gw/tank", "CRC"))
    page = (await client.get(PATH, headers=headers)).json()
    (one,) = page["items"]
    assert (one["what"], one["n"], one["reason"], one["bytes"], one["how"]) == (
        "gw", 40, "checksum", 5, None
    )  # fmt: skip
    assert page["damaged"] == [{"what": "site/gw/tank 2024-10-04", "reason": "CRC"}]


async def test_it_is_of_the_whole_store(client, collector):
    headers = await People(collector.db, HandClock()).session("viewer", scope=("site",))
    assert (await client.get(PATH, headers=headers)).status_code == 403


@pytest.mark.parametrize("role", ["viewer", "operator", "engineer", "auditor", "enterprise"])
async def test_only_an_administrator_settles_it(client, collector, role):
    headers = await People(collector.db, HandClock()).session(role)
    for act, body in (("rebuild", None), ("dismiss", {"reason": "x"})):
        answer = await client.post(f"{PATH}/1/{act}", headers=headers, json=body)
        assert answer.status_code == 403, act


async def test_an_administrator_tries_evidence_and_dismisses_with_a_reason(client, collector):
    headers = await People(collector.db, HandClock()).session("administrator", name="an")
    done = await client.post(f"{PATH}/1/rebuild", headers=headers)
    assert (done.json()["state"], done.json()["n"]) == ("gone", 40)
    refused = await client.post(f"{PATH}/1/dismiss", headers=headers, json={"reason": ""})
    assert refused.status_code == 422
    dismissed = await client.post(f"{PATH}/1/dismiss", headers=headers, json={"reason": "测试卡"})
    assert dismissed.status_code == 204
    (one,) = (await client.get(PATH, headers=headers)).json()["items"]
    assert (one["how"], one["settled_by"], one["note"]) == ("dismissed", "an", "测试卡")
    assert (await collector.overview()).platform.damaged_chunks == 0
    for number, status in ((1, 409), (2, 404), (0, 404)):
        again = await client.post(f"{PATH}/{number}/rebuild", headers=headers)
        assert again.status_code == status
    lines = (await client.get("/api/v1/audit", headers=headers)).json()["items"]
    line = next(line for line in lines if line["action"] == "STORE_DISMISSED")
    assert (line["actor"], line["subject"]) == ("an", "set_aside/1")
    assert "测试卡" in json.dumps(line, ensure_ascii=False)


async def test_the_command_says_what_is_left_also_to_a_running_collector(
    collector, tmp_path, capsys
):
    config = tmp_path / "central.yaml"
    config.write_text("format: v1\ndatabase: collector.db\nlisten:\n  port: 0\n", encoding="utf-8")
    asked = ["store", "rebuild", str(config), "--language", "en"]
    acts = {"rebuild": lambda told, say: rebuild_all(collector.rebuilding, told["by"], say)}
    with holding(tmp_path):
        async with listening(tmp_path, acts):
            assert await asyncio.to_thread(main, asked) == 1
    assert "40 readings cannot be put back" in capsys.readouterr().out
    await collector.rebuilding.dismiss(1, "an", "x")
    await collector.close()
    assert await asyncio.to_thread(main, asked) == 0
    assert "Nothing is set aside" in capsys.readouterr().out
