"""What is told of a point: each rule once, by what it judges, with its source."""

from central.api.rule_shape import point_rules
from central.rules.resolving import Resolver
from tests.central.rules.builders import TANK, attachment, confirmed, library, place

VOTE = {
    "id": "own.vote",
    "label": {"zh": "一路过高"},
    "kind": "vote",
    "source": "设计文件",
    "inputs": [{"name": "one", "quantity": "tank_level", "unit": "m"}],
    "clauses": [{"input": "one", "op": ">=", "limit": 5}],
    "levels": [{"name": "一路", "colour": "red", "op": ">=", "limit": 1, "status": "S"}],
}


def told(*documents, attached):
    known, here = library(*documents, attached=attached), place()
    found = point_rules(here, [], Resolver(known), [here]).rules
    return [
        (each.family, each.source, [level["source"] for level in each.levels]) for each in found
    ]


def test_a_rule_of_several_inputs_is_told_once_and_of_its_object():
    on = attachment(1, "own.vote", "OBJECT", "site/tank-1", family="own.vote")
    assert told(confirmed(VOTE), attached=[on]) == [("own.vote", "library", ["设计文件"])]


def test_one_that_nobody_confirmed_is_told_once_too():
    on = attachment(1, "own.vote", "OBJECT", "site/tank-1", family="own.vote")
    assert told(VOTE, attached=[on]) == [("own.vote", "none", [])]


def test_a_level_that_names_no_source_has_the_rules():
    on = attachment(1, "own.high", "POINT", "site/gw/tank/level")
    assert told(confirmed(TANK), attached=[on]) == [("high", "library", ["设计文件", "设计文件"])]
