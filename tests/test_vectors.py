"""The ground truth in tests/testcases/vectors, and the runner behind `make vectors`."""

import io
import json
import re
import shutil
from pathlib import Path

import pytest

from tests.vectors.__main__ import main

VECTORS = Path(__file__).resolve().parent / "testcases" / "vectors"


def run(*arguments):
    out = io.StringIO()
    status = main([str(argument) for argument in arguments], out)
    return status, out.getvalue().splitlines()


def test_the_product_agrees_with_the_vectors():
    status, lines = run(VECTORS)
    assert "modbus-decode: 102 passed, 0 failed" in lines
    assert "alarm: 58 passed, 0 failed" in lines
    for more in ("alarm-kinds", "alarm-streams"):
        assert any(re.fullmatch(rf"{more}: [1-9]\d* passed, 0 failed", line) for line in lines)
    assert status == 0


def cases(name):
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["alarm", "alarm-kinds", "alarm-streams"])
def test_a_changed_expectation_fails_whichever_it_is(tmp_path, name):
    content = cases(name)
    for case in content["vectors"]:
        case["expected_events"].append([case["end_t"], "RTN"])
    (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    status, lines = run(tmp_path)
    assert status == 1
    assert lines[0] == f"{name}: 0 passed, {len(content['vectors'])} failed"
    assert len(lines) == 1 + len(content["vectors"])


@pytest.mark.parametrize(
    "change",
    [
        lambda case: case["expected_events"][0].__setitem__(0, 61),
        lambda case: case["expected_events"][0].__setitem__(1, "RERAISE"),
        lambda case: case["expected_events"].pop(),
        lambda case: case["expected_events"].reverse(),
        lambda case: case.update(final_state="ACKED"),
        lambda case: case["samples"][1].__setitem__(1, 99.99),
        lambda case: case["rule"].update(op=">"),
        lambda case: case["rule"].update(kind="unheard of"),
        lambda case: case.pop("end_t"),
        lambda case: case.pop("expected_events"),
        lambda case: case.update(actions=[[10, "dance"]]),
        lambda case: case["samples"][1].__setitem__(0, 1e400),
    ],
)
def test_one_changed_case_fails_alone(tmp_path, change):
    content = cases("alarm")
    change(next(each for each in content["vectors"] if each["name"] == "high_ge_equal_raises"))
    (tmp_path / "any.json").write_text(json.dumps(content), encoding="utf-8")
    status, lines = run(tmp_path)
    assert status == 1
    assert lines[0] == "alarm: 57 passed, 1 failed"
    assert lines[1].startswith("  high_ge_equal_raises: ")


def test_a_format_without_a_product_says_so(tmp_path):
    for name in ("alarm", "protocol-frames"):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(VECTORS / f"{name}.json", folder / f"{name}.json")
        status, lines = run(folder)
        assert lines[0].startswith(f"{name}: ")
        assert status == 0


def test_a_case_that_fails_is_named(tmp_path):
    cases = json.loads((VECTORS / "modbus-decode.json").read_text(encoding="utf-8"))
    cases[3]["expected"] = -114
    cases[5]["type"] = "INT24"
    (tmp_path / "renamed.json").write_text(json.dumps(cases), encoding="utf-8")
    status, lines = run(tmp_path)
    assert status == 1
    assert lines[0] == "modbus-decode: 100 passed, 2 failed"
    assert lines[1].startswith(f"  {cases[3]['name']}: -115")
    assert cases[5]["name"] in lines[2]


@pytest.mark.parametrize("content", ["", "[", "[]", "{}", '{"vectors": 3}', "[1]", "[" * 100_000])
def test_a_known_name_that_cannot_be_read_fails(tmp_path, content):
    (tmp_path / "modbus-decode.json").write_text(content, encoding="utf-8")
    status, lines = run(tmp_path)
    assert status == 1
    assert lines[0].startswith("modbus-decode: modbus-decode.json ")


def test_a_folder_without_a_known_file_fails(tmp_path):
    (tmp_path / "other.json").write_text('[{"a": 1}]', encoding="utf-8")
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    assert run(tmp_path)[0] == 2
    assert run(tmp_path / "absent")[0] == 2
    assert run()[0] == 2
