"""The gateway's configuration arrives through a child process, whole or not at all."""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import check
from edge.buffer_command import look
from edge.check import add_arguments, check_command, load_config
from edge.check_child import check as validate
from edge.config import EdgeConfig
from edge.schema.__main__ import edge_schema
from edge.schema.resolve import _with_manifest, build
from protocols.alarms.rule import Colour
from protocols.errors import BufferFault, ConfigError
from protocols.schema.editors import FOLDER, profile_schema
from protocols.schema.report import Report
from protocols.schema.yaml_source import read
from protocols.wire.manifest import decode_manifest
from protocols.words import Label, PointId, Purpose

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "config" / "edge.example.yaml"


def laid_out(folder):
    """Put the example into `folder` with the token it speaks of; return its file."""
    file = folder / "edge.yaml"
    shutil.copy(EXAMPLE, file)
    token = folder / "gateway.token"
    token.touch(mode=0o600)
    token.write_text("secret", encoding="ascii")
    return file


@pytest.fixture
def example(tmp_path):
    return laid_out(tmp_path)


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return load_config(laid_out(tmp_path_factory.mktemp("config")))


def line_of(file, text):
    lines = file.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def only(exc):
    (problem,) = exc.value.problems
    return problem


def the_problem(file):
    """Validate within this process: what the child would say, without starting one."""
    kind, found = validate(file)
    assert kind == "problems"
    (problem,) = found
    return problem


def arguments(*given):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args([str(item) for item in given])


def test_the_example_is_a_configuration(config):
    assert isinstance(config, EdgeConfig)
    folder = config.file.parent
    assert config.gateway == "gw-example"
    assert config.purpose is Purpose.TEST
    assert config.collector.token_file == folder / "gateway.token"
    assert config.buffer.folder == folder / "buffer"
    assert config.buffer.segment_bytes == 64 * 1024 * 1024
    assert [bus.protocol for bus in config.buses] == ["modbus", "modbus", "opcua", "mqtt"]


def test_devices_know_their_site_and_options(config):
    tank, panel, dam, crane = (bus.devices[0] for bus in config.buses)
    assert (tank.site, dam.site) == ("depot", "dam")
    assert tank.option("device_id") == 1
    assert panel.option("device_id") == 2
    assert crane.options == (("prefix", "site/crane-1"), ("partial", True))
    assert panel.label == Label("火灾报警控制器(示例)", "Fire alarm panel (example)")
    assert config.buses[1].option("baudrate") == 9600
    assert config.buses[1].option("host") is None
    assert tank.max_block == 100
    assert panel.max_block == 60


def test_points_are_numbered_through_and_named(config):
    points = [point for bus in config.buses for device in bus.devices for point in device.points]
    assert [point.index for point in points] == list(range(len(points)))
    assert points[0].id == PointId("depot", "gw-example", "tank-controller", "lt-101")


def test_a_place_may_differ_from_the_data_sheet(config):
    level, temperature, *rest = config.buses[0].devices[0].points
    assert level.label == Label("TK-101 液位", "TK-101 level")
    assert (level.sheet.deadband, level.sheet.heartbeat, level.sheet.stale) == (0.005, 30, 120)
    assert [(step.name, step.limit) for step in level.limits] == [
        ("L", 2.20),
        ("H", 12.80),
        ("LL", 1.90),
        ("HH", 13.60),
    ]
    assert temperature.sheet.heartbeat == 60
    assert (level.object, rest[1].object) == ("tk-101", "bund-1")


def test_only_a_person_makes_limits_active(config):
    level, temperature, *_ = config.buses[0].devices[0].points
    assert {step.confirmed_by for step in level.limits} == {"工艺工程师(示例)"}
    assert {step.confirmed_by for step in temperature.limits} == {"安全负责人(示例)"}
    assert {step.confirmed_on for step in temperature.limits} == {"2026-06-01"}
    assert all(step.active for step in level.limits)
    unsigned = [s for p in config.buses[2].devices[0].points for s in p.limits]
    assert unsigned
    assert not any(step.active for step in unsigned)


def test_a_verified_limit_needs_no_signature(example):
    text = example.read_text(encoding="utf-8").replace(
        "{name: H, limit: 12.80, deadband: 0.05, on_delay: 5, status: S}",
        '{name: H, limit: 12.80, status: V, source: GB 00000-0000, clause: "5.2"}',
    )
    example.write_text(text, encoding="utf-8")
    level = validate(example)[1].buses[0].devices[0].points[0]
    high = next(step for step in level.limits if step.name == "H")
    assert (high.colour, high.op, high.clause) == (Colour.YELLOW, ">=", "5.2")
    assert high.active
    assert high.confirmed_by is None


def test_the_manifest_says_the_same(config):
    manifest = decode_manifest(config.manifest)
    assert manifest.gateway == "gw-example"
    assert len(manifest.points) == 47
    assert str(manifest.point_id(0)) == "depot/gw-example/tank-controller/lt-101"
    assert manifest.points[0].limits == config.buses[0].devices[0].points[0].limits
    assert {site.name for site in manifest.sites} == {"depot", "dam"}


def test_the_gateway_never_loads_the_validator(example):
    code = (
        "import sys; from pathlib import Path; from edge.check import load_config;"
        f"load_config(Path({str(example)!r}));"
        "print([m for m in ('yaml', 'pydantic', 'pydantic_core', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_works_from_any_folder_and_is_not_fooled_by_what_lies_there(example, monkeypatch):
    (example.parent / "yaml.py").write_text("raise SystemExit('mine')", encoding="ascii")
    monkeypatch.chdir(example.parent)
    assert load_config(Path("edge.yaml")).gateway == "gw-example"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_secret_others_can_read_is_refused(example, mode):
    (example.parent / "gateway.token").chmod(mode)
    problem = the_problem(example)
    assert (problem.code, problem.line) == ("SECRET_OPEN", line_of(example, "token_file:"))
    assert problem.params["mode"] == f"{mode:04o}"


PROXY = "  proxy: http://10.0.0.1:3128\n"
CREDENTIALS = "  proxy_credentials_file: proxy.credentials\n"


def with_proxy(example, keys, mode):
    """Write `keys` into the example's collector, and the credentials with `mode` beside it."""
    text = example.read_text(encoding="utf-8")
    example.write_text(text.replace("collector:\n", f"collector:\n{keys}", 1), encoding="utf-8")
    secret = example.parent / "proxy.credentials"
    if mode is not None:
        secret.touch(mode=0o600)
        secret.write_text("user:secret", encoding="ascii")
        secret.chmod(mode)
    return secret


@pytest.mark.parametrize(
    ("keys", "mode", "code"),
    [
        (PROXY + CREDENTIALS, 0o640, "SECRET_OPEN"),
        (PROXY + CREDENTIALS, None, "SECRET_MISSING"),
        (CREDENTIALS, 0o600, "KEY_NEEDED"),
    ],
)
def test_a_proxys_credentials_are_kept_like_the_token(example, keys, mode, code):
    with_proxy(example, keys, mode)
    assert the_problem(example).code == code


def test_a_proxy_with_credentials_is_taken(example):
    secret = with_proxy(example, PROXY + CREDENTIALS, 0o600)
    link = load_config(example).collector
    assert (link.proxy, link.proxy_credentials_file) == ("http://10.0.0.1:3128", secret)


def test_an_empty_secret_is_refused(example):
    (example.parent / "gateway.token").write_text("", encoding="ascii")
    assert the_problem(example).code == "SECRET_EMPTY"


@pytest.mark.parametrize(
    ("url", "extra", "code"),
    [
        ("http://localhost:8000", "", None),
        ("http://[::1]:8000", "", None),
        ("https://collector.example", "", None),
        ("http://collector.example", "\n  allow_plain_http: true", None),
        ("http://127.0.0.1.example", "", "PLAIN_HTTP"),
        ("ftp://collector.example", "", "URL_FORMAT"),
        ("https://collector.example/api", "", "URL_FORMAT"),
        ("https://collector.example:0", "", "URL_FORMAT"),
        ("https://[::1", "", "URL_FORMAT"),
        ("collector.example", "", "URL_FORMAT"),
    ],
)
def test_where_the_collector_may_be(example, url, extra, code):
    text = example.read_text(encoding="utf-8").replace(
        "url: http://127.0.0.1:8000", f"url: '{url}'{extra}"
    )
    example.write_text(text, encoding="utf-8")
    if code is None:
        assert validate(example)[1].collector.url == url
    else:
        assert the_problem(example).code == code


def test_a_gateway_carries_no_more_than_a_manifest(example, tmp_path):
    sheet = (
        "  - {{name: p{0}, label: 点, quantity: event_count, unit: 次, type: int,"
        " address: {{table: holding, address: {0}, type: uint16}}}}\n"
    )
    head = "format: v1\nprotocol: modbus\nlabel: 大\nvendor: x\nmodel: x\nfirmware: x\nsource: x\n"
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    points = "".join(sheet.format(i) for i in range(4_001))
    (profiles / "many.yaml").write_text(f"{head}points:\n{points}", encoding="utf-8")
    text = example.read_text(encoding="utf-8").split("buses:")[0]
    devices = "".join(f"      - {{name: d{i}, profile: many, device_id: {i}}}\n" for i in range(5))
    bus = f"buses:\n  - name: b\n    protocol: modbus\n    host: h\n    devices:\n{devices}"
    example.write_text(f"{text}profiles: profiles\n{bus}", encoding="utf-8")
    problem = the_problem(example)
    assert (problem.code, problem.params["value"]) == ("TOO_MANY_POINTS", 20_005)


def test_a_manifest_the_wire_cannot_carry_is_named(example):
    """Reached with long texts; a file of that many points is what a person would meet."""
    config = replace(load_config(example), label=Label("长" * 9_000_000))
    with pytest.raises(ConfigError) as caught:
        _with_manifest(Report(read(example)), config)
    (problem,) = caught.value.problems
    assert (problem.code, problem.key) == ("MANIFEST_TOO_LARGE", "buses")
    assert problem.params["limit"] == 24 * 1024


def test_a_profile_is_not_a_configuration():
    with pytest.raises(ConfigError) as caught:
        load_config(ROOT / "firmware-profiles" / "example" / "crane-mqtt.yaml")
    assert only(caught).code == "NOT_EDGE"


def test_a_child_that_dies_is_an_error_of_ours_and_no_traceback(example, monkeypatch, tmp_path):
    (tmp_path / "dying.py").write_text("raise RuntimeError('boom')", encoding="ascii")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(check, "CHILD", "dying")
    with pytest.raises(ConfigError) as caught:
        load_config(example)
    assert only(caught).code == "CHECK_FAILED"
    assert only(caught).params["reason"] == "RuntimeError: boom"


def test_a_child_that_says_nothing_sensible_is_an_error_of_ours(example, monkeypatch, tmp_path):
    (tmp_path / "babbling.py").write_text("print('hello')", encoding="ascii")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(check, "CHILD", "babbling")
    with pytest.raises(ConfigError) as caught:
        load_config(example)
    assert only(caught).code == "CHECK_FAILED"


def test_a_child_that_never_ends_is_ended(example, monkeypatch, tmp_path):
    (tmp_path / "waiting.py").write_text("import signal; signal.pause()", encoding="ascii")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(check, "CHILD", "waiting")
    monkeypatch.setattr(check, "PATIENCE", 0.3)
    with pytest.raises(ConfigError) as caught:
        load_config(example)
    assert only(caught).code == "CHECK_TIMEOUT"


def test_the_command_praises_what_is_sound(example, capsys):
    assert check_command(arguments("--language", "en", example)) == 0
    assert "47 points" in capsys.readouterr().out
    assert check_command(arguments("--json", example)) == 0
    assert capsys.readouterr().out == ""
    assert check_command(arguments(ROOT / "firmware-profiles" / "_template.yaml")) == 0
    assert "3 个点位" in capsys.readouterr().out


def test_the_command_names_what_is_not(example, capsys):
    text = example.read_text(encoding="utf-8").replace("port: 502", "port: 70000")
    example.write_text(text, encoding="utf-8")
    assert check_command(arguments(example)) == 1
    line = line_of(example, "port: 70000")
    said = capsys.readouterr().out
    assert said == f"{example}:{line} buses[0].port: 70000 超出范围,可用:1 … 65535。\n"
    assert check_command(arguments("--json", "--language", "en", example)) == 1
    row = json.loads(capsys.readouterr().out)
    assert row == {
        "file": str(example),
        "line": line,
        "key": "buses[0].port",
        "code": "NUMBER_RANGE",
        "value": "70000",
        "allowed": ["1 … 65535"],
        "message": "70000 is out of range; allowed: 1 … 65535.",
    }


@pytest.mark.parametrize(
    ("file", "text"),
    [("profile-v1.schema.json", profile_schema), ("edge-v1.schema.json", edge_schema)],
)
def test_the_schemas_for_editors_are_current(file, text):
    assert (FOLDER / file).read_text(encoding="utf-8") == text(), (
        "python -m protocols.schema; python -m edge.schema"
    )


def test_the_example_shows_every_key():
    """Documentation: what the model knows stands in the example, if only in a comment."""
    shown = EXAMPLE.read_text(encoding="utf-8")
    known = set()
    for schema in json.loads(edge_schema())["$defs"].values():
        known |= set(schema.get("properties", {}))
    other = {
        "colour",
        "name_en",
        "op",
        "source",
        "clause",
        "valid_from",
        "valid_to",
    }  # docs/profiles.md
    assert not [key for key in sorted(known - other) if f"{key}:" not in shown]


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", "x", "modbus", "mqtt", "serial", "depot", "http://[", "example/crane-mqtt"]
    ),
    st.lists(st.integers(0, 3) | st.text(max_size=2), max_size=3),
    st.dictionaries(
        st.sampled_from(["zh", "name", "site", "points", "on", "by"]), st.integers(0, 3)
    ),
)


def problems_of(source):
    """Return what is wrong with it; None: nothing is."""
    try:
        build(source, EXAMPLE)
    except ConfigError as exc:
        return exc.problems
    return None


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_no_content_ever_raises_anything_but_problems(data):
    source = read(EXAMPLE)
    for _ in range(data.draw(st.integers(1, 3))):
        holder = source.data
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(holder[key], (dict, list)) and data.draw(st.integers(0, 3)):
                holder = holder[key]
                continue
            holder[key] = data.draw(JUNK)
            break
    found = problems_of(source)
    assert found is None or found  # a collector that asks for no token may lack nothing


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_token_one_may_not_read_is_named(example):
    (example.parent / "gateway.token").chmod(0)
    assert the_problem(example).code == "SECRET_UNREADABLE"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_buffer_one_may_not_look_into_is_named(example):
    config = load_config(example)
    closed = example.parent / "closed"
    closed.mkdir(mode=0)
    hidden = replace(config, buffer=replace(config.buffer, folder=closed / "buffer"))
    with pytest.raises(BufferFault) as refused:
        asyncio.run(look(hidden))
    assert refused.value.code == "BUFFER_UNREADABLE"
