"""The cases of vectors/alarm.json that need no more than limits, delays, quality, order and ack."""

import json
from pathlib import Path

import pytest

from tests.protocols.alarms.timeline import run

FILE = Path(__file__).resolve().parents[2] / "testcases" / "vectors" / "alarm.json"
KEYS = {"kind", "op", "limit", "deadband", "on_delay", "off_delay", "levels"}
ACTIONS = {"ack", "restart"}


def within_reach(vector):
    rule = vector["rule"]
    return (
        rule["kind"] == "limit"
        and set(rule) <= KEYS
        and {action[1] for action in vector.get("actions", [])} <= ACTIONS
    )


VECTORS = [v for v in json.loads(FILE.read_text(encoding="utf-8"))["vectors"] if within_reach(v)]


def test_there_are_cases_to_try():
    assert len(VECTORS) >= 25


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector(vector):
    line = run(vector)
    assert line.journal == vector["expected_events"]
    if "final_state" in vector:
        assert line.alarm.state == vector["final_state"]
