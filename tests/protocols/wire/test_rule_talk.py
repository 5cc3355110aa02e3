"""Rules and people's acts on their way down to a gateway: exact, bounded, and total to read."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.alarms.overlay import Shelf
from protocols.errors import NotAnAnswer, WireError
from protocols.wire.acts_told import ActsTold, Over, Seen, decode_acts, encode_acts
from protocols.wire.bounds import RECORD_BYTES
from protocols.wire.canonical import dump
from protocols.wire.rule_set import RuleSet, SharedRule, decode_rules, encode_rules
from protocols.wire.rule_talk import (
    NONE,
    PART,
    PARTS,
    Part,
    Question,
    Said,
    Want,
    decode_question,
    digest_of,
    encode_question,
    encode_said,
    joined,
    parse_said,
    parts_of,
)
from tests.protocols.alarms.test_document import definitions
from tests.protocols.wire.strategies import refusal

NONCE = "0f" * 16
DIGEST = "ab" * 32
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
TIMES = st.integers(0, 2**60)
shelves = st.one_of(st.none(), st.builds(Shelf, TIMES, st.booleans()))
overs = st.builds(Over, NAMES, shelves, st.booleans(), st.booleans(), NAMES, NAMES)
junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(-9, 9), st.text(max_size=4)),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


def named(definition, id_):
    rule = replace(definition.rule, id=id_, subject=id_.rpartition(":")[0], version=1)
    return replace(definition, rule=rule)


@settings(max_examples=60, deadline=None)
@given(st.lists(definitions, max_size=4), st.frozensets(NAMES, max_size=3))
def test_a_set_of_rules_comes_back(found, masked):
    rules = tuple(
        SharedRule(named(each, f"s/g/d/{n}:x"), ((f"s/g/d/{n}", ""),) if n % 2 else (("", "a:b"),))
        for n, each in enumerate(found)
    )
    document = encode_rules(masked, reversed(rules))
    assert decode_rules(document) == RuleSet(masked, rules)
    assert encode_rules(masked, rules) == document


@given(st.lists(st.builds(Seen, NAMES, TIMES, TIMES, NAMES), max_size=5), st.lists(overs))
def test_acts_come_back(seen, over):
    document = encode_acts(seen, over)
    assert sorted(decode_acts(document).seen) == sorted(seen)
    assert {each.rule for each in decode_acts(document).over} == {each.rule for each in over}
    assert encode_acts(reversed(seen), over) == document


def test_what_is_alike_is_written_once():
    level = {"name": "H", "colour": "red", "op": ">", "limit": 1.0, "status": "V"}
    one = {"format": 1, "rule": {"id": "-", "subject": "-", "levels": [level]}}
    document = {"definitions": [one], "format": 1, "masked": []}
    document["rules"] = [[f"s/g/d/{n}:high", 0] for n in range(2_000)]
    found = decode_rules(dump(document, "rules"))
    assert len({id(each.definition.rule.levels) for each in found.rules}) == 1
    again = encode_rules((), found.rules)
    assert len(json.loads(again)["definitions"]) == 1
    assert len(parts_of(again)) == 1


def test_a_rule_of_a_newer_version_is_refused_alone():
    kinds = [{"kind": "limit"}, {"kind": "oracle"}]
    made = [{"format": 1, "kind": k, "rule": {"id": "-", "subject": "-"}} for k in kinds]
    document = {"definitions": made, "format": 1, "masked": []}
    document["rules"] = [["s/g/d/a:x", 0], ["s/g/d/b:x", 1]]
    found = decode_rules(dump(document, "rules"))
    assert [each.definition.rule.id for each in found.rules] == ["s/g/d/a:x"]
    assert found.refused == (("s/g/d/b:x", "VALUE_CHOICE"),)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["definitions", "masked", "rules", "over", "acknowledged", "format"]), junk)
def test_any_document_is_one_or_refused(key, value):
    rules = {"definitions": [], "format": 1, "masked": [], "rules": []}
    acts = {"acknowledged": [], "format": 1, "over": []}
    for document, decode in ((rules, decode_rules), (acts, decode_acts)):
        if key in document:
            code, _ = refusal(decode, dump(document | {key: value}, "test"))
            assert code is None or code.startswith("WIRE_")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_as_such(data):
    for decode in (decode_rules, decode_acts, decode_question):
        code, _ = refusal(decode, data)
        assert code is not None
    with pytest.raises(NotAnAnswer):
        parse_said(data, NONCE)


def test_a_question_and_its_answer_come_back():
    for want in (None, Want("acts", DIGEST, 3)):
        question = Question(NONCE, {"rules": NONE, "acts": DIGEST}, want)
        assert decode_question(encode_question(question)) == question
    said = Said({"rules": NONE, "acts": DIGEST}, NONCE, Part("acts", DIGEST, 0, 2, b"\0" * PART))
    assert len(encode_said(said)) < RECORD_BYTES
    assert parse_said(encode_said(said), NONCE) == said
    with pytest.raises(NotAnAnswer):
        parse_said(encode_said(said), "1f" * 16)


def test_parts_make_the_document_that_was_named():
    document = bytes(n * n % 251 for n in range(300_000))
    parts = parts_of(document)
    assert joined(list(parts), digest_of(document)) == document
    assert len(parts) <= PARTS
    with pytest.raises(WireError):
        joined(list(parts), DIGEST)
    with pytest.raises(WireError):
        joined([b"no deflate"], digest_of(document))


def test_nothing_lies_over_what_is_not_named():
    assert decode_acts(encode_acts((), ())) == ActsTold()
