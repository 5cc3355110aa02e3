"""What an alarm is judged by, over HTTP: the cap of a shelf, inputs by name, who may see it."""

import json
from dataclasses import replace

import pytest

from central.alarms.settings import Acting
from tests.central.api.test_alarm_acts import (  # noqa: F401
    ALARM,
    RULE,
    at_one_time,
    base,
    clock,
    staff,
    story,
)


async def test_a_plain_ladder_is_judged_by_its_point(staff):  # noqa: F811
    ann = await staff("ann")
    status, told = await ann.get(f"{ALARM}/rule")
    assert status == 200
    assert (told["rule"], told["kind"], told["longest_shelf_s"]) == (RULE, "limit", 8 * 3600)
    assert told["inputs"] == [
        {"name": "", "point": "site/gw/tank/level", "rule": None, "op": None, "limit": None}
    ]


@pytest.mark.parametrize("cap", [600.0, 90_000.0])
async def test_the_shorter_cap_of_rule_and_house_is_told(staff, story, cap):  # noqa: F811
    written = {"clocks": {"longest_shelf": cap}, "kind": {"kind": "limit"}}
    await story.collector.db.write(
        lambda tables: tables.conn.execute(
            "UPDATE rule SET definition = ? WHERE id = ?", (json.dumps(written), RULE)
        )
    )
    ann = await staff("ann")
    _, told = await ann.get(f"{ALARM}/rule")
    assert told["longest_shelf_s"] == min(cap, 8 * 3600)


async def test_inputs_have_names_limits_and_other_rules(staff, story):  # noqa: F811
    kind = {"kind": "vote", "clauses": [{"input": "heads.1", "op": ">=", "limit": 25.0}]}
    number = await story.collector.db.read(
        lambda conn: conn.execute("SELECT point FROM rule WHERE id = ?", (RULE,)).fetchone()[0]
    )
    inputs = [[number, "heads.1"], [0, "site/bund:gas"]]
    await story.collector.db.write(
        lambda tables: tables.conn.execute(
            "UPDATE rule SET definition = ?, inputs = ? WHERE id = ?",
            (json.dumps({"kind": kind}), json.dumps(inputs), RULE),
        )
    )
    ann = await staff("ann")
    _, told = await ann.get(f"{ALARM}/rule")
    assert told["kind"] == "vote"
    head = {"point": "site/gw/tank/level", "rule": None, "op": ">=", "limit": 25.0}
    assert told["inputs"] == [
        {"name": "heads.1", **head},
        {
            "name": "site/bund:gas",
            "point": None,
            "rule": "site/bund:gas",
            "op": None,
            "limit": None,
        },
    ]


async def test_out_of_scope_it_is_unknown(staff):  # noqa: F811
    ben = await staff("ben", scope=frozenset({"elsewhere"}))
    status, told = await ben.get(f"{ALARM}/rule")
    assert (status, told["code"]) == (404, "NOT_FOUND")


async def test_a_second_person_is_needed_where_the_house_says_so(staff):  # noqa: F811
    ann = await staff("ann")
    _, told = await ann.get(f"{ALARM}/rule")
    assert told["second_person"] is True
    assert replace(Acting(), second_person=False).second_person is False
