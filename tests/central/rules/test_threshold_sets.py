"""Threshold sets: the shipped ones are usable, and every fault of a file is named with its line."""

import pytest

from central.rules.threshold_sets import load_sets, shipped
from protocols.errors import ConfigError
from protocols.problems import as_line

GOOD = """\
threshold_set: tanks
version: 1
domain: 7
label: {zh: 储罐, en: Tanks}
rules:
  - id: high
    label: {zh: 高液位, en: High level}
    quantity: [tank_level]
    unit: m
    kind: limit
    source: 设计文件
    levels:
      - {name: H, colour: yellow, op: ">=", limit: 8.5, status: D}
      - {name: HH, colour: red, op: ">=", limit: 9.0, status: D}
"""


@pytest.fixture(scope="module")
def sets():
    return load_sets(shipped())


def test_the_fifteen_shipped_sets_can_be_used(sets):
    assert [each.domain for each in sets] == list(range(1, 16))
    assert all(rule.label.zh and rule.label.en for each in sets for rule in each.rules)


def test_what_nobody_confirmed_is_offered_and_silent(sets):
    offers = [offer for each in sets for rule in each.rules for offer in rule.levels]
    assert {offer.level.status for offer in offers if offer.active} == {"V"}
    assert all(offer.level.confirmed_by is None for offer in offers)
    assert any(not offer.known and offer.named for offer in offers)


def refused(tmp_path, text):
    (tmp_path / "07-tanks.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as exc:
        load_sets(tmp_path)
    return [
        (each.line, each.key, each.code, each.params.get("value"), each.allowed)
        for each in exc.value.problems
    ]


def test_a_good_file_is_read(tmp_path):
    (tmp_path / "07-tanks.yaml").write_text(GOOD, encoding="utf-8")
    (found,) = load_sets(tmp_path)
    (rule,) = found.rules
    assert (rule.id, rule.family, found.domain) == ("tanks.high", "high", 7)
    assert [offer.level.limit for offer in rule.levels] == [8.5, 9.0]


def test_every_fault_is_named_with_its_line(tmp_path):
    text = (
        GOOD.replace("quantity: [tank_level]", "quantity: [tank_levle]")
        .replace("limit: 9.0, status: D", "limit: 8.0, status: D")
        .replace("colour: yellow", "colour: amber")
        .replace("domain: 7", "domain: 16")
        .replace("source: 设计文件", "sauce: 设计文件")
    )
    found = refused(tmp_path, text)
    assert (3, "domain", "NUMBER_RANGE", "16", ("1 … 15",)) in found
    assert (13, "rules[0].levels[0].colour", "VALUE_CHOICE", "amber") in [f[:4] for f in found]
    assert [f[:4] for f in found if f[0] == 8] == [
        (8, "rules[0].quantity[0]", "VALUE_CHOICE", "tank_levle")
    ]
    assert (11, "rules[0].sauce", "KEY_UNKNOWN", "sauce") in [f[:4] for f in found]
    assert [f[1] for f in found if f[2] == "LEVEL_SOURCE_MISSING"] == [
        "rules[0].levels[0].source",
        "rules[0].levels[1].source",
    ]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("limit: 9.0", "limit: 8.0", "RULE_ORDER"),
        ('name: HH, colour: red, op: ">="', 'name: HH, colour: red, op: "<="', "RULE_TWO_SIDES"),
        ("name: HH", "name: H", "RULE_TWICE"),
        ("unit: m\n", "unit: kPa\n", "VALUE_CHOICE"),
        ("limit: 8.5, status: D", "limit: null, status: V", "TYPE_NUMBER"),
        ("limit: 8.5,", 'limit: 8.5, valid_from: "06-01",', "KEY_MISSING"),
        ("limit: 8.5,", "limit: 8.5, window: 60,", "KEY_NEEDLESS"),
        ("version: 1", "version: one", "TYPE_INTEGER"),
        ("label: {zh: 储罐, en: Tanks}", "label: {zh: 储罐, en: Tanks, or more}", "YAML_EMPTY"),
    ],
)
def test_each_of_these_is_a_fault(tmp_path, old, new, code):
    assert code in [each[2] for each in refused(tmp_path, GOOD.replace(old, new, 1))]


def test_a_name_is_used_once(tmp_path):
    (tmp_path / "1.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "2.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(ConfigError) as exc:
        load_sets(tmp_path)
    assert "tanks" in as_line(exc.value.problems[0])
