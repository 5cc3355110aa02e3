"""Exports: what comes is what is stored; bounded, audited, and ended with their callers."""

import asyncio
import csv
import gc
import io
import json
import tracemalloc
from pathlib import Path

import httpx2
import numpy as np
import pytest

from central.api.app import create_app
from central.api.cables import Cables
from central.api.sending import MadeWhileSent
from central.commands.run import furnish
from central.export import exports as limits
from central.export.exports import Exports, Wanted
from central.export.frames import Job
from central.export.layout import Block, Subject
from central.export.process import ExportBroken
from central.keep import DAY
from central.store.tiers.keeping import StoreKeeping
from central.store.values import Values
from protocols.quality import Quality
from tests.central.api.conftest import People
from tests.central.builders import START
from tests.central.export.reading_back import from_csv, from_parquet, from_xlsx
from tests.central.store import asking

SPAN = {"from": "2026-06-12T20:00:00+08:00", "to": "2026-06-12T23:00:00+08:00"}
READERS = {"csv": from_csv, "xlsx": from_xlsx, "parquet": from_parquet}
LEVEL = "site/gw/tank/level"


@pytest.fixture
def rooms(collector):
    return furnish(collector, Cables({}))


@pytest.fixture
async def client(rooms):
    app = create_app(rooms, with_demo=False)
    transport = httpx2.ASGITransport(app, client=("10.0.0.1", 5))
    async with httpx2.AsyncClient(transport=transport, base_url="http://collector") as made:
        yield made


@pytest.fixture
async def duty(collector, rooms):
    return await People(collector.db, rooms.desk.clock).session("operator")


@pytest.fixture
async def stored(collector, gateway, stream):
    """A few readings of every kind, some bad, one late."""
    told = gateway.reading
    await gateway.deliver(
        collector,
        stream,
        told("level", 12.25, ago=300),
        told("level", 85.0, ago=2),
        told("level", 12.5, Quality.BAD_SENSOR_FAILURE),
        told("smoke", True),
        told("count", 2**60),
        told("note", '=SUM(A1),"x"'),
    )


async def get(client, headers, **query):
    return await client.get("/api/v1/export", headers=headers, params=SPAN | query)


async def stored_of(collector, point):
    page = await asking.stored_of(collector, point)
    return list(zip(page.times, page.values, page.qualities, strict=True))


@pytest.mark.parametrize("form", READERS)
async def test_a_site_comes_as_it_is_stored(client, collector, duty, stored, form):
    answer = await get(client, duty, site="site", format=form, language="en")
    assert answer.status_code == 200, answer.text
    assert (
        f'filename="fengsui_site_2026-06-12_2026-06-12.{form}"'
        in (answer.headers["content-disposition"])
    )
    found = READERS[form](answer.content)
    for point in ("level", "smoke", "count", "note"):
        mine = [line for line in found if line["point"] == f"site/gw/tank/{point}"]
        told = [(line["time"], line["value"], line["quality"]) for line in mine]
        assert told == await stored_of(collector, f"site/gw/tank/{point}")
    assert [line["late"] for line in found][:3] == [True, False, False]
    assert len(found) == 6
    assert not list((Path(collector.config.database).parent / "exports").glob("*"))


async def test_spans_come_too(client, collector, duty, stored):
    answer = await get(client, duty, point=LEVEL, spans=180, language="en")
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 4
    assert ",1,1,85.0,85.0,85.0,85.0,number,%,0," in lines[2]
    assert ",1,0,,,,12.5,number,%,2156658688," in lines[3]


async def test_periods_come_too(client, collector, duty, stored):
    query = {"point": LEVEL, "period": "day", "language": "en", "format": "csv"}
    answer = await get(client, duty, **query)
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["time"], row["to"]) == (
        "2026-06-12T00:00:00.000000+08:00",
        "2026-06-13T00:00:00.000000+08:00",
    )
    assert (row["count"], row["good"], row["maximum"], row["tier"]) == ("3", "2", "85.0", "raw")
    for wrong in ({"zone": "+08:00"}, {"spans": 3}, {"zone": "UTC", "period": "hydrological_day"}):
        assert (await get(client, duty, **(query | wrong))).status_code == 422
    many = SPAN | {"from": "2016-07-01T00:00:00+08:00"} | query | {"period": "hour"}
    answer = await client.get("/api/v1/export", headers=duty, params=many)
    assert answer.json()["code"] == "QUERY_PERIODS"


async def test_spans_of_what_has_gone_say_so(client, collector, duty, gateway, stored, clock):
    await collector.store.seal()
    collector.store_retention.keeping = StoreKeeping({"keep": DAY, "minutes": None, "hours": None})
    clock.move(3 * 86_400)
    await collector.store_retention.round()
    answer = await get(client, duty, point=LEVEL, spans=1, language="en", format="csv")
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["count"], row["maximum"], row["last"], row["tier"]) == ("3", "85.0", "12.5", "1min")


async def test_what_was_exported_is_in_the_audit(client, collector, duty, stored):
    await get(client, duty, device="site/gw/tank", format="parquet")
    row = await collector.db.read(
        lambda conn: conn.execute(
            "SELECT actor, subject, detail FROM audit WHERE action = 'EXPORTED'"
        ).fetchone()
    )
    assert row[:2] == ("a-operator", "export/site/gw/tank")
    assert json.loads(row[2])["points"] == 4


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 422, "EXPORT_NOTHING_ASKED"),
        ({"site": "elsewhere"}, 404, "NOT_FOUND"),
        ({"device": "site/gw"}, 404, "NOT_FOUND"),
        ({"device": "site/gw/pump"}, 404, "NOT_FOUND"),
        ({"point": "site/gw/tank/none"}, 404, "NOT_FOUND"),
        ({"site": "site", "zone": "Nowhere"}, 422, "EXPORT_ZONE"),
        ({"site": "site", "to": SPAN["from"]}, 422, "SPAN_INVALID"),
        ({"site": "site", "format": "xls"}, 422, "INVALID"),
    ],
)
async def test_what_cannot_be_is_said(client, collector, duty, stored, query, status, code):
    answer = await get(client, duty, **query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_nobody_exports_what_he_does_not_see(client, collector, rooms, stored):
    people = People(collector.db, rooms.desk.clock)
    stranger = await people.session("enterprise", scope=["elsewhere"])
    for asked in ({"site": "site"}, {"device": "site/gw/tank"}, {"point": LEVEL}):
        answer = await get(client, stranger, **asked)
        assert answer.status_code == 404, asked


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
async def test_too_many_rows_are_refused_before_a_byte(
    client, rooms, duty, stored, monkeypatch, form
):
    monkeypatch.setitem(limits.MOST_ROWS, form, 2)
    answer = await get(client, duty, point=LEVEL, format=form)
    assert (answer.status_code, answer.json()["code"]) == (422, "EXPORT_TOO_LARGE")
    assert answer.json()["params"] == {"format": form, "most": 2}
    assert rooms.exports.running == 0


async def test_it_can_be_asked_whether_it_would_be_made(client, rooms, duty, stored, monkeypatch):
    assert (await get(client, duty, point=LEVEL, check=True)).status_code == 204
    assert rooms.exports.figures.begun.total() == 0
    monkeypatch.setattr(limits, "MOST_POINTS", 3)
    answer = await get(client, duty, site="site", check=True)
    assert (answer.status_code, answer.json()["code"]) == (422, "EXPORT_POINTS")
    with rooms.exports.place("session/a-operator"):
        assert (await get(client, duty, point=LEVEL, check=True)).status_code == 429


async def test_one_for_each_caller_and_two_for_all(client, rooms, duty, stored):
    with rooms.exports.place("session/a-operator"):
        answer = await get(client, duty, point=LEVEL)
    assert (answer.status_code, answer.json()["code"]) == (429, "EXPORT_BUSY")
    assert answer.headers["retry-after"] == "10"
    with rooms.exports.place("a"), rooms.exports.place("b"):
        assert (await get(client, duty, point=LEVEL)).status_code == 429
    assert (await get(client, duty, point=LEVEL)).status_code == 200
    shown = (await rooms.metrics.exposition()).decode()
    assert 'fengsui_exports_refused_total{code="EXPORT_BUSY"} 2.0' in shown
    assert 'fengsui_exports_rows_total{format="csv"} 3.0' in shown


class Endless:
    """Blocks without end, and how many were asked for."""

    def __init__(self, rows=10_000, most=None):
        self.rows, self.most, self.given = rows, most, 0
        self.third = asyncio.Event()

    async def blocks(self, place, point, start, end):
        while self.most is None or self.given < self.most:
            self.given += 1
            if self.given == 3:
                self.third.set()
            times = np.arange(self.rows, dtype=np.int64) + START
            zeros = np.zeros(self.rows, np.int64)
            yield Block(
                place,
                self.rows,
                {
                    "time": times,
                    "value": Values.floats(times / 7),
                    "quality": zeros,
                    "late": zeros,
                    "estimated": zeros,
                    "received": times,
                },
            )


async def always():
    return True


def job(form):
    return Job(
        format=form,
        layout="readings",
        zone="+08:00",
        language="en",
        subjects=(Subject(LEVEL, "L", "m"),),
        most_bytes=1 << 20 if form == "parquet" else 0,
    )


async def test_the_collector_holds_little_of_a_large_export(tmp_path):
    size = 0

    async def take(piece):
        nonlocal size
        size += len(piece)

    source, made = Endless(most=25), Exports(tmp_path)
    gc.collect()
    tracemalloc.start()
    await made.make(job("csv"), Wanted([None], 0, 1), source, take, always)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 20_000_000
    assert peak < 8_000_000


async def test_a_file_beyond_its_bytes_is_refused_and_removed(tmp_path):
    async def take(piece):
        raise AssertionError("a byte was given")

    made = Exports(tmp_path)
    with pytest.raises(ExportBroken, match="EXPORT_BROKEN"):
        await made.make(job("parquet"), Wanted([None], 0, 1), Endless(), take, always)
    assert list((tmp_path / "exports").iterdir()) == []


@pytest.mark.parametrize("form", READERS)
async def test_a_caller_that_goes_away_ends_the_work(tmp_path, form):
    source, made = Endless(), Exports(tmp_path)
    gone, sent = asyncio.Event(), []

    async def work(give):
        with made.place("me"):
            await made.make(job(form), Wanted([None], 0, 1), source, give, always)

    async def receive():
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)
        await asyncio.sleep(0)

    answer = MadeWhileSent(work, "text/csv", "x.csv")
    serving = asyncio.create_task(answer({"path": "/x", "type": "http"}, receive, send))
    await source.third.wait()
    gone.set()
    await serving
    given = source.given
    assert made.running == 0
    assert not any(message.get("more_body") is False for message in sent)
    assert not list(tmp_path.glob("exports/*"))
    await asyncio.sleep(0.05)
    assert source.given == given


async def test_what_a_killed_collector_left_is_removed(tmp_path):
    left = tmp_path / "exports" / "tmpx" / "workbook.xlsx"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    Exports(tmp_path).clear()
    assert list(tmp_path.iterdir()) == []


async def test_rights_that_end_end_the_export(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "ASK_AGAIN", -1.0)

    async def no():
        return False

    async def take(piece):
        pass

    with pytest.raises(limits.ExportEnded):
        await Exports(tmp_path).make(job("xlsx"), Wanted([None], 0, 1), Endless(), take, no)
    assert list((tmp_path / "exports").iterdir()) == []
