"""At which point an alarm or a rule is shown: acts on a rule go by its site and its point."""

import json
import sqlite3

import pytest

from central.alarms.shown.located import point_of


@pytest.fixture
def tables():
    conn = sqlite3.connect(":memory:")
    conn.execute("CREATE TABLE rule (id TEXT, point INTEGER, inputs TEXT)")
    conn.execute("CREATE TABLE episode (id TEXT, point INTEGER)")
    conn.execute("INSERT INTO episode VALUES ('A-1', 7)")
    rules = {
        "s/g/d/p:high": (3, None),
        "s/bund:gas": (None, [[4, "heads.1"], [5, "heads.2"]]),
        "s/bund:roll-up": (None, [[0, "s/gone:x"], [0, "s/bund:gas"]]),
        "s/a:circle": (None, [[0, "s/b:circle"]]),
        "s/b:circle": (None, [[0, "s/a:circle"]]),
    }
    for id_, (point, inputs) in rules.items():
        conn.execute(
            "INSERT INTO rule VALUES (?, ?, ?)", (id_, point, inputs and json.dumps(inputs))
        )
    return conn


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        ("s/g/d/p:high", 3),
        ("s/bund:gas", 4),
        ("s/bund:roll-up", 4),
        ("s/a:circle", None),
        ("unknown", None),
    ],
)
def test_a_rule_is_shown_at_the_first_point_it_goes_by(tables, rule, shown):
    assert point_of(tables, None, rule) == shown


def test_an_alarm_is_shown_at_its_own(tables):
    assert point_of(tables, "A-1", None) == 7
    assert point_of(tables, "A-2", None) is None
