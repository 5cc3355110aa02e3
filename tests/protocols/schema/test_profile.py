"""The profile format: what is refused, each by its own code, and nothing ever by a traceback."""

import contextlib
import copy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import ConfigError
from protocols.modbus.forms import ORDERS, TABLES, TYPES, check_address
from protocols.profile import ModbusAddress, Scale
from protocols.schema.addresses import check_modbus
from protocols.schema.profile import build_profile, load_profile
from protocols.schema.report import Report
from protocols.schema.yaml_source import Source, read

HEAD = """\
format: v1
protocol: modbus
label: 示例
vendor: example
model: X1
firmware: "1.0"
source: 测试
points:
"""
POINT = {
    "name": "level",
    "label": "{zh: 液位, en: Level}",
    "quantity": "tank_level",
    "unit": "m",
    "range": "[0, 16]",
    "address": "{table: holding, address: 0, type: float32}",
}


def written(tmp_path, *points):
    lines = HEAD
    for point in points:
        keys = [f"{key}: {value}" for key, value in (POINT | point).items() if value is not None]
        lines += "  - " + "\n    ".join(keys) + "\n"
    file = tmp_path / "profile.yaml"
    file.write_text(lines, encoding="utf-8")
    return file


def refused(tmp_path, *points):
    with pytest.raises(ConfigError) as caught:
        load_profile(written(tmp_path, *points))
    return [
        (problem.code, problem.key.removeprefix("points[0].")) for problem in caught.value.problems
    ]


STATE = {"unit": None, "range": None, "quantity": "pump_state"}
BIT = "{table: holding, address: 0, type: bool, bit: 0}"
WORD = "{table: holding, address: 0, type: uint16}"


def ladder(*levels):
    return {"limits": "[" + ", ".join("{" + level + ", status: S}" for level in levels) + "]"}


@pytest.mark.parametrize(
    ("point", "problems"),
    [
        ({"name": "Level"}, [("NAME_FORMAT", "name")]),
        ({"name": None}, [("KEY_MISSING", "name")]),
        ({"label": "{en: Level}"}, [("KEY_MISSING", "label.zh")]),
        ({"label": "[a]"}, [("LABEL_FORM", "label")]),
        ({"decimal": 2}, [("KEY_UNKNOWN_NEAR", "decimal")]),
        ({"zzz": 2}, [("KEY_UNKNOWN", "zzz")]),
        ({"decimals": 12}, [("NUMBER_RANGE", "decimals")]),
        ({"decimals": '"2"'}, [("TYPE_INTEGER", "decimals")]),
        ({"type": "double"}, [("VALUE_CHOICE", "type")]),
        ({"lane": "fast"}, [("VALUE_CHOICE", "lane")]),
        ({"range": "[0]"}, [("LIST_LENGTH", "range")]),
        ({"range": "[16, 0]"}, [("RANGE_ORDER", "range")]),
        ({"range": "16"}, [("TYPE_LIST", "range")]),
        ({"deadband": "-1"}, [("NUMBER_RANGE", "deadband")]),
        ({"deadband": "16"}, [("DEADBAND_RANGE", "deadband")]),
        ({"heartbeat": "0"}, [("NUMBER_RANGE", "heartbeat")]),
        ({"stale": "60"}, [("STALE_SHORT", "stale")]),
        ({"unit": "米"}, [("UNIT_UNKNOWN", "unit")]),
        ({"unit": None}, [("UNIT_MISSING", "unit")]),
        ({"quantity": "tank_levels"}, [("QUANTITY_NEAR", "quantity")]),
        ({"quantity": "xyz"}, [("QUANTITY_UNKNOWN", "quantity")]),
        ({"quantity": "pump_state"}, [("UNIT_UNUSED", "unit")]),
        ({"scale": "{factor: 0}"}, [("SCALE_FLAT", "scale.factor")]),
        ({"scale": "{}"}, [("SCALE_FORM", "scale")]),
        ({"scale": "{raw: [0, 1]}"}, [("SCALE_FORM", "scale")]),
        ({"scale": "{raw: [4, 4], value: [0, 1]}"}, [("SCALE_FLAT", "scale.raw")]),
        ({"enumeration": "{0: 关}"}, [("KEY_NOT_FOR_TYPE", "enumeration")]),
        (STATE | {"type": "enum", "address": WORD}, [("ENUMERATION_MISSING", "enumeration")]),
        (
            STATE | {"type": "enum", "address": WORD, "enumeration": "{a: 关}"},
            [("ENUMERATION_CODE", "enumeration.a")],
        ),
        (
            STATE | {"type": "bool", "address": BIT, "enumeration": "{0: 关, 2: 开}"},
            [("ENUMERATION_BOOL", "enumeration")],
        ),
        (
            STATE | {"type": "bool", "address": BIT, "deadband": 1},
            [("KEY_NOT_FOR_TYPE", "deadband")],
        ),
        (STATE | {"type": "bool", "address": WORD}, [("ADDRESS_TYPE", "address.type")]),
        (
            STATE
            | {"type": "text", "address": "{table: input, address: 0, type: utf8, count: 8}"}
            | {"quantity": "text", "limits": "[]"},
            [("KEY_NOT_FOR_TYPE", "limits")],
        ),
        (
            STATE
            | {"type": "bool", "address": BIT}
            | ladder("name: 停, colour: red, op: '>', limit: 2"),
            [("LEVEL_STATE_OP", "limits[0].op"), ("LEVEL_STATE", "limits[0].limit")],
        ),
        (
            {"address": "{table: holding, address: 65535, type: float32}"},
            [("ADDRESS_END", "address.address")],
        ),
        (
            {"address": "{table: coil, address: 0, type: uint16}"},
            [("ADDRESS_TYPE", "address.type")],
        ),
        (
            {"address": "{table: holding, address: 0, type: bits3}"},
            [("BIT_MISSING", "address.bit")],
        ),
        (
            {"address": "{table: holding, address: 0, type: bits3, bit: 14}"},
            [("BIT_OUTSIDE", "address.bit")],
        ),
        (
            {"address": "{table: holding, address: 0, type: int16, bit: 1}"},
            [("BIT_UNUSED", "address.bit")],
        ),
        (
            {"address": "{table: holding, address: 0, type: int16, count: 2}"},
            [("COUNT_UNUSED", "address.count")],
        ),
        (
            {"address": "{table: holding, address: 0, type: m10k, count: 9}"},
            [("COUNT_ALLOWED", "address.count")],
        ),
        (ladder("name: H"), [("KEY_MISSING", "limits[0].limit")]),
        (ladder("name: H, limit: 17"), [("LEVEL_RANGE", "limits[0].limit")]),
        (ladder("name: H, limit: true"), [("TYPE_NUMBER", "limits[0].limit")]),
        (ladder("name: H, op: '<', limit: 3"), [("LEVEL_SIDE", "limits[0].op")]),
        (ladder("name: H, limit: 3", "name: H, limit: 4"), [("NAME_TWICE", "limits[1].name")]),
        (
            ladder("name: HH, limit: 3", "name: H, limit: 4"),
            [("LIMIT_NOT_ABOVE", "limits[0].limit")],
        ),
        (
            ladder("name: HH, limit: 4", "name: H, limit: 4"),
            [("LIMIT_NOT_ABOVE", "limits[0].limit")],
        ),
        (
            ladder("name: LL, limit: 5", "name: L, limit: 4"),
            [("LIMIT_NOT_BELOW", "limits[0].limit")],
        ),
        (
            ladder("name: L, limit: 5", "name: H, limit: 4"),
            [("LIMIT_NOT_ABOVE", "limits[1].limit")],
        ),
        (
            ladder("name: HH, limit: 5, deadband: 1", "name: H, limit: 4"),
            [("DEADBAND_TOO_WIDE", "limits[0].deadband")],
        ),
        (
            ladder("name: L, limit: 2, deadband: 1", "name: H, limit: 4, deadband: 1"),
            [("DEADBAND_TOO_WIDE", "limits[1].deadband")],
        ),
        (
            ladder(
                "name: a, colour: blue, op: '>', limit: 5",
                "name: b, colour: red, op: '>', limit: 4",
            ),
            [("LIMIT_NOT_ABOVE", "limits[1].limit")],
        ),
        (
            ladder("name: a, limit: 5"),
            [("LEVEL_COLOUR", "limits[0].colour"), ("LEVEL_OP", "limits[0].op")],
        ),
        (ladder("name: H, limit: 5, valid_from: 04-15"), [("LEVEL_VALIDITY", "limits[0]")]),
        (
            ladder("name: H, limit: 5, valid_from: 02-30, valid_to: 13-01"),
            [("DAY_FORMAT", "limits[0].valid_from"), ("DAY_FORMAT", "limits[0].valid_to")],
        ),
        ({"limits": "[{name: H, limit: 5}]"}, [("KEY_MISSING", "limits[0].status")]),
        ({"limits": "[{name: H, limit: 5, status: X}]"}, [("VALUE_CHOICE", "limits[0].status")]),
        (
            {"limits": "[{name: H, limit: 5, status: V}]"},
            [("LEVEL_SOURCE", "limits[0].source"), ("LEVEL_CLAUSE", "limits[0].clause")],
        ),
        ({"limits": "[{name: H, limit: 5, status: E}]"}, [("LEVEL_SOURCE", "limits[0].source")]),
        (
            {"limits": "[{name: H, limit: 5, status: S, confirmed_by: me}]"},
            [("KEY_UNKNOWN", "limits[0].confirmed_by")],
        ),
        (
            {"decimals": "yes", "unit": "0010"},
            [("YAML_LEADING_ZERO", "unit"), ("YAML_YES_NO", "decimals")],
        ),
    ],
)
def test_each_mistake_has_its_own_name(tmp_path, point, problems):
    assert refused(tmp_path, point) == problems


@pytest.mark.parametrize(
    "levels",
    [
        ladder("name: H, limit: 5, deadband: 0.9", "name: HH, limit: 6, deadband: 0.9"),
        ladder("name: L, limit: 0", "name: H, limit: 16"),
        # Two seasons never meet: the later one may be lower.
        ladder(
            "name: a, colour: red, op: '>=', limit: 5, valid_from: 04-15, valid_to: 06-30",
            "name: b, colour: blue, op: '>=', limit: 6, valid_from: 07-01, valid_to: 10-15",
        ),
        ladder("name: a, colour: red, op: '>=', limit: 5, valid_from: 02-29, valid_to: 2027-01-01"),
    ],
)
def test_sound_ladders(tmp_path, levels):
    assert load_profile(written(tmp_path, levels)).points[0].limits


def test_seasons_over_the_new_year_do_meet(tmp_path):
    winter = "op: '>=', limit: 5, valid_from: 11-01, valid_to: 02-28"
    january = "op: '>=', limit: 6, valid_from: 01-01, valid_to: 01-31"
    levels = ladder(f"name: a, colour: red, {winter}", f"name: b, colour: blue, {january}")
    assert refused(tmp_path, levels) == [("LIMIT_NOT_ABOVE", "limits[0].limit")]


def test_a_wrong_label_does_not_hide_a_wrong_ladder(tmp_path):
    found = refused(tmp_path, {"label": "5"} | ladder("name: HH, limit: 3", "name: H, limit: 4"))
    assert found == [("LABEL_FORM", "label"), ("LIMIT_NOT_ABOVE", "limits[0].limit")]


def test_scales_become_factor_and_offset(tmp_path):
    points = load_profile(
        written(
            tmp_path,
            {"scale": "{raw: [4, 20], value: [0, 16]}"},
            {"name": "b", "scale": "{factor: 0.1, offset: -40}"}
            | {"address": "{table: holding, address: 2, type: int16}"},
        )
    ).points
    assert points[0].scale == Scale(factor=1.0, offset=-4.0)
    assert points[1].scale == Scale(factor=0.1, offset=-40.0)


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("holding, address: 0, type: float32", "holding, address: 1, type: int16", True),
        ("holding, address: 0, type: float32", "input, address: 1, type: int16", False),
        ("holding, address: 0, type: float32", "holding, address: 2, type: int16", False),
        ("holding, address: 0, type: uint8h", "holding, address: 0, type: uint8l", False),
        ("holding, address: 0, type: uint8h", "holding, address: 0, type: uint8h", True),
        (
            "holding, address: 0, type: bits3, bit: 0",
            "holding, address: 0, type: bits2, bit: 3",
            False,
        ),
        (
            "holding, address: 0, type: bits3, bit: 0",
            "holding, address: 0, type: bits2, bit: 2",
            True,
        ),
        ("holding, address: 0, type: int64", "holding, address: 3, type: bits2, bit: 0", True),
    ],
)
def test_who_may_share_a_register(tmp_path, one, other, meet):
    points = [
        {"address": f"{{table: {one}}}"},
        {"name": "other", "address": f"{{table: {other}}}"},
    ]
    if meet:
        assert [code for code, _ in refused(tmp_path, *points)] == ["OVERLAP"]
    else:
        assert len(load_profile(written(tmp_path, *points)).points) == 2


def test_opcua_needs_a_namespace_and_different_nodes(tmp_path):
    text = HEAD.replace("modbus", "opcua")
    point = (
        "  - {{name: {}, label: 水位, quantity: river_stage, unit: m, address: {{node: s=WL}}}}\n"
    )
    file = tmp_path / "profile.yaml"
    file.write_text(text + point.format("a") + point.format("b"), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_profile(file)
    assert [problem.code for problem in caught.value.problems] == [
        "NAMESPACE_MISSING",
        "NAMESPACE_MISSING",
        "SAME_ADDRESS",
    ]


@pytest.mark.parametrize("protocol", ["bacnet", "[modbus]", "{a: b}", "5"])
def test_an_unknown_protocol_is_one_problem(tmp_path, protocol):
    file = tmp_path / "profile.yaml"
    file.write_text(HEAD.replace("modbus", protocol) + "  - {}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_profile(file)
    assert [problem.code for problem in caught.value.problems] == ["VALUE_CHOICE"]


@given(
    st.builds(
        ModbusAddress,
        table=st.sampled_from(TABLES),
        address=st.integers(0, 65_535) | st.integers(65_400, 65_535),
        type=st.sampled_from(TYPES),
        order=st.sampled_from(ORDERS),
        count=st.integers(1, 125),
        bit=st.none() | st.integers(0, 15),
    ),
    st.sampled_from(["float", "int", "bool", "enum", "text"]),
)
def test_what_is_let_through_the_codec_can_read(address, point_type):
    report = Report(Source("file", {}))
    if check_modbus(report, ("address",), address, point_type):
        check_address(address)
        assert report.problems == []
    else:
        assert len(report.problems) == 1


TANK = read(Path(__file__).resolve().parents[3] / "firmware-profiles/example/tankfarm-modbus.yaml")
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "x", "float", "enum", "bool", "text", "v1", "modbus", "mqtt", "holding"]),
    st.lists(st.integers(0, 3) | st.text(max_size=2), max_size=3),
    st.dictionaries(
        st.sampled_from(["zh", "name", "factor", "raw", "value", "0"]), st.integers(0, 3)
    ),
)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_no_content_ever_raises_anything_but_problems(data):
    content = copy.deepcopy(TANK.data)
    for _ in range(data.draw(st.integers(1, 3))):
        holder = content
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(holder[key], (dict, list)) and data.draw(st.booleans()):
                holder = holder[key]
                continue
            holder[key] = data.draw(JUNK)
            break
    with contextlib.suppress(ConfigError):
        assert build_profile(Source("file", content, TANK.places), "x").points
