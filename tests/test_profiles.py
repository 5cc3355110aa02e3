"""Every profile that ships: loads, fits its protocol, lies where a device can have it."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from protocols.catalogue import domains, quantities, units
from protocols.modbus.plan import plan
from protocols.profile import PROFILES, ModbusAddress
from protocols.schema.profile import load_profile
from protocols.schema.yaml_source import read
from protocols.simulators.plant import device_of
from protocols.simulators.stories import STORIES

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(PROFILES.rglob("*.yaml"))
SCHEMA = json.loads((ROOT / "config/schema/profile-v1.schema.json").read_text(encoding="utf-8"))
EDITOR = jsonschema.Draft202012Validator(SCHEMA)
EXAMPLES = {
    "reservoir": "example/reservoir-opcua",
    "tankfarm": "example/tankfarm-modbus",
    "crane": "example/crane-mqtt",
    "firepanel": "example/firepanel-modbus",
}


def ident(file):
    return file.relative_to(PROFILES).as_posix()


@pytest.mark.parametrize("file", FILES, ids=ident)
def test_it_loads_under_its_own_name(file):
    profile = load_profile(file)
    assert profile.name == ident(file).removesuffix(".yaml")
    assert profile.points
    assert all(point.label.zh and point.label.en for point in profile.points)


@pytest.mark.parametrize("file", FILES, ids=ident)
def test_editors_find_nothing_wrong_with_it(file):
    assert [error.message for error in EDITOR.iter_errors(read(file).data)] == []


@pytest.mark.parametrize("file", FILES, ids=ident)
def test_registers_do_not_overlap_and_can_be_read_in_few_blocks(file):
    profile = load_profile(file)
    device = device_of(profile, "site", "device", {})
    if profile.protocol != "modbus":
        assert not [p for p in profile.points if isinstance(p.address, ModbusAddress)]
        return
    blocks = plan(device.points, max_block=profile.max_block, max_gap=profile.max_gap)
    assert sum(len(block.points) for block in blocks) == len(profile.points)
    assert len(blocks) <= 8


@pytest.mark.parametrize("file", FILES, ids=ident)
def test_no_limit_is_active_before_a_person_confirms_it(file):
    limits = [level for point in load_profile(file).points for level in point.limits]
    assert not [level for level in limits if level.active and level.status != "V"]
    assert {level.status for level in limits} <= {"E", "S", "V"}


@pytest.mark.parametrize(("story", "name"), EXAMPLES.items())
def test_the_stories_tell_of_every_point(story, name):
    profile = load_profile(name)
    assert {point.name for point in profile.points} == set(STORIES[story])
    assert "(示例)" in profile.label.zh
    assert all(
        level.status == "E" and level.source for point in profile.points for level in point.limits
    )


def limits_of(profile, point):
    (found,) = [item for item in load_profile(profile).points if item.name == point]
    return [(level.colour.name, level.op, level.limit, level.on_delay) for level in found.limits]


def test_the_thresholds_are_those_of_the_stories():
    assert limits_of("example/tankfarm-modbus", "lt-101") == [
        ("YELLOW", "<=", 2.20, 5),
        ("YELLOW", ">=", 13.00, 5),
        ("RED", "<=", 1.90, 5),
        ("RED", ">=", 13.80, 5),
    ]
    assert limits_of("example/tankfarm-modbus", "gds-103") == [
        ("YELLOW", ">=", 25, 3),
        ("ORANGE", ">=", 50, 3),
    ]
    assert limits_of("example/crane-mqtt", "moment") == [
        ("YELLOW", ">=", 90, 0),
        ("ORANGE", ">=", 100, 2),
    ]
    assert limits_of("example/crane-mqtt", "wind")[1][:3] == ("ORANGE", ">=", 20.0)
    assert limits_of("example/firepanel-modbus", "manual-03-002") == [("RED", "=", 1, 0)]
    assert limits_of("example/firepanel-modbus", "end-pressure") == [("YELLOW", "<=", 0.10, 10)]
    assert [limit for _, _, limit, _ in limits_of("example/reservoir-opcua", "rsv-wl")] == [
        56.50,
        56.90,
        59.63,
        60.71,
    ]


def test_the_flood_limit_has_its_season():
    level = load_profile("example/reservoir-opcua").points[0].limits[0]
    assert (level.valid_from, level.valid_to) == ("04-15", "06-30")


def test_the_demo_devices_use_many_forms():
    """The registers of the examples exercise what the codec can do."""
    forms = set()
    for name in ("example/tankfarm-modbus", "example/firepanel-modbus"):
        for point in load_profile(name).points:
            forms |= {point.address.type, point.address.order, point.address.table}
    assert {"ABCD", "CDAB", "BADC", "DCBA", "holding", "input", "coil", "discrete"} <= forms
    assert {"float16", "float32", "float64", "int16", "uint16", "int32", "uint32"} <= forms
    assert {"bool", "bits2", "bcd32", "sm16", "m10k", "uint8l"} <= forms


def test_the_schema_for_editors_refuses_what_the_product_refuses():
    EDITOR.check_schema(SCHEMA)
    data = read(PROFILES / "_template.yaml").data
    data["points"][0]["unit"] = "米"
    data["points"][1]["quantiti"] = "x"
    data["points"][2]["address"]["table"] = "holdings"
    assert len(list(EDITOR.iter_errors(data))) >= 1


def test_the_catalogue_is_sound():
    assert len(domains()) == 15
    assert [domain.number for domain in domains().values()] == list(range(1, 16))
    for quantity in quantities().values():
        assert quantity.label.zh
        assert quantity.label.en
        assert set(quantity.units) <= set(units())
        assert quantity.domains
        assert set(quantity.domains) <= set(domains())
    used = {unit for quantity in quantities().values() for unit in quantity.units}
    assert used == set(units())


def test_every_domain_can_be_looked_up_in_the_guide():
    guide = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for domain in domains().values():
        assert f"`{domain.name}` {domain.label.zh}" in guide


def test_the_guide_names_every_key_of_the_format():
    guide = (ROOT / "docs" / "profiles.md").read_text(encoding="utf-8")
    for schema in [SCHEMA, *SCHEMA["$defs"].values()]:
        for key in schema.get("properties", {}):
            assert re.search(rf"[`{{ ]{key}[`,:}}]", guide), key
