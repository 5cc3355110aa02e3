"""No figure is shipped that does not stand in the reference, with its tag there.

`testcases/threshold-sets/reference.md` is section 4 of the reference on alarms and domains.
"""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "config" / "threshold-sets"
REFERENCE = (ROOT / "tests/testcases/threshold-sets/reference.md").read_text(encoding="utf-8")
SETS = {
    file.name: yaml.safe_load(file.read_text(encoding="utf-8")) for file in FOLDER.glob("*.yaml")
}
RULES = [
    pytest.param(found, rule, id=f"{found['threshold_set']}/{rule['id']}")
    for _, found in sorted(SETS.items())
    for rule in found["rules"]
]
STATES = ("digital",)
"""Kinds whose limit is a state of a contact, which is no figure."""


def figures(text):
    """Return the numbers of a text, as numbers."""
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    return {float(number) for number in re.findall(r"\d+(?:\.\d+)?", plain)}


def tags(quote):
    return re.findall(r"\[([^\]]+)\]", quote)


def test_there_is_a_set_for_each_of_the_fifteen_domains():
    assert [found["domain"] for _, found in sorted(SETS.items())] == list(range(1, 16))


def test_names_are_used_once():
    names = [found["threshold_set"] for found in SETS.values()]
    assert len(set(names)) == len(names)
    for found in SETS.values():
        ids = [rule["id"] for rule in found["rules"]]
        assert len(set(ids)) == len(ids), found["threshold_set"]


@pytest.mark.parametrize(("found", "rule"), RULES)
def test_a_rule_quotes_the_reference(found, rule):
    assert rule["quote"] in REFERENCE
    assert rule["source"]


@pytest.mark.parametrize(("found", "rule"), RULES)
def test_each_figure_stands_in_what_is_quoted(found, rule):
    known = figures(rule["quote"])
    for level in rule["levels"]:
        if level["limit"] is None:
            assert level["named"], "a level without a figure names what a site has to fill in"
        elif rule["kind"] not in STATES:
            assert float(level["limit"]) in known, level


@pytest.mark.parametrize(("found", "rule"), RULES)
def test_a_status_is_never_better_than_its_tag(found, rule):
    quoted = " ".join(tags(rule["quote"]))
    for level in rule["levels"]:
        assert level["status"] in "VKDSU"
        if level["status"] == "V":
            assert level["tag"].startswith("V"), level
            assert level["limit"] is not None, level
        if level["tag"] is not None and quoted:
            row = REFERENCE[REFERENCE.index(rule["quote"]) :].split("\n", 1)[0]
            assert f"[{level['tag']}" in row or level["tag"] in quoted or "[S]" in row, level


@pytest.mark.parametrize(("found", "rule"), RULES)
def test_a_clause_is_known_or_null(found, rule):
    for level in rule["levels"]:
        clause = level.get("clause")
        assert clause is None or clause in rule["quote"] or clause in rule["source"], level


@pytest.mark.parametrize(("found", "rule"), RULES)
def test_levels_go_from_least_to_most_severe(found, rule):
    order = ["blue", "yellow", "orange", "red"]
    colours = [order.index(level["colour"]) for level in rule["levels"]]
    assert colours == sorted(colours)
