"""Every Modbus profile: what a simulated device of it holds is what the driver reads."""

from pathlib import Path

import pytest

from protocols.clock import SystemClock
from protocols.driver import build
from protocols.modbus.simulator import serve
from protocols.profile import PROFILES
from protocols.quality import Quality
from protocols.schema.profile import load_profile
from tests.protocols.driver_suite import settle
from tests.protocols.modbus.builders import bus, device

NAMES = sorted(
    path.relative_to(PROFILES).with_suffix("").as_posix()
    for path in Path(PROFILES).rglob("*.yaml")
    if not path.name.startswith("_") and "\nprotocol: modbus" in path.read_text(encoding="utf-8")
)


def value_for(sheet):
    """Return a value the point can hold, different from nothing and from zero."""
    if sheet.type == "bool":
        return True
    if sheet.type == "text":
        return "甲"
    if sheet.type == "enum":
        return sheet.enumeration[-1][0]
    low, high = sheet.low or 0, sheet.high if sheet.high is not None else 100
    middle = low + (high - low) * 0.6
    return int(middle) if sheet.type == "int" else round(middle, sheet.decimals or 0)


def test_there_are_profiles():
    assert len(NAMES) >= 2


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("framing", ["tcp", "rtu"])
async def test_round_trip(name, framing):
    profile = load_profile(name)
    sheets = {sheet.name: sheet for sheet in profile.points}
    simulated = device(*profile.points, max_block=profile.max_block, max_gap=profile.max_gap)
    truth = {name: value_for(sheet) for name, sheet in sheets.items()}
    simulator = await serve(
        [simulated], lambda _d, point, _t: truth[point], SystemClock(), framing=framing
    )
    transport = "tcp" if framing == "tcp" else "rtu-over-tcp"
    line = bus(simulated, transport=transport, host="127.0.0.1", port=simulator.port, timeout=2.0)
    driver = build(line, SystemClock())
    readings = (await driver.read(simulated)).readings
    await driver.close()
    await simulator.close()
    await settle()
    found = {simulated.points[r.point].sheet.name: r.value for r in readings}
    assert found == truth
    assert {r.quality for r in readings} == {Quality.GOOD}
