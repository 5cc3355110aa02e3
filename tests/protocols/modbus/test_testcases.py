"""Every folder of tests/testcases/modbus: what the device holds, and what must come of it.

`registers.json`: `about`, `source`, `device` (max_block, max_gap), `points`, `tables` (`{table:
{first address: [cells]}}`; `limit`: registers a request may ask). `expected.json`: `readings`
(`{point: [value, quality]}`) and, where it matters, `requests`: how many the first read takes.
"""

import json
from pathlib import Path

import pytest

from protocols.clock import SystemClock
from protocols.driver import build
from protocols.modbus.values import two_point
from protocols.profile import Scale
from protocols.quality import Quality
from tests.protocols.driver_suite import settle
from tests.protocols.modbus.builders import bus, device, sheet
from tests.protocols.modbus.register_server import RegisterServer

CASES = sorted((Path(__file__).resolve().parents[2] / "testcases" / "modbus").iterdir())


def sheet_of(row):
    row = dict(row)
    scale = Scale(**row.pop("scale")) if "scale" in row else None
    if "two_point" in row:
        scale = two_point(*map(tuple, row.pop("two_point")))
    if "sentinels" in row:
        row["sentinels"] = tuple(row["sentinels"])
    return sheet(row.pop("name"), row.pop("type"), row.pop("address"), scale=scale, **row)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_case(case):
    held = json.loads((case / "registers.json").read_text(encoding="utf-8"))
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    assert held["about"]
    assert held["source"]
    sheets = [sheet_of(row) for row in held["points"]]
    meter = device(*sheets, name=case.name, **held["device"])
    async with RegisterServer(held["tables"]) as server:
        # Nothing here is silent: a busy machine may take its time.
        line = bus(meter, host="127.0.0.1", port=server.port, timeout=5.0)
        driver = build(line, SystemClock())
        first = (await driver.read(meter)).readings
        assert server.requests == expected.get("requests", server.requests)
        second = (await driver.read(meter)).readings
        await driver.close()
        await settle()
    for readings in (first, second):
        found = {sheets[r.point].name: [r.value, Quality(r.quality).name] for r in readings}
        assert found == expected["readings"]
        assert len(readings) == len(sheets)
        types = {name: type(value) for name, (value, _) in found.items()}
        assert types == {name: type(value) for name, (value, _) in expected["readings"].items()}


def test_there_are_cases():
    assert len(CASES) >= 10
