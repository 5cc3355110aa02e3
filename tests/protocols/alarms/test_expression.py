"""Formulas: which are taken, which refused and why, and that no text can do harm."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.alarms.kinds.expression import (
    DEEPEST,
    LONGEST,
    Expression,
    ExpressionRefused,
    check,
    compiled,
)
from protocols.alarms.kinds.kind import Reading
from protocols.alarms.rule import Colour, Level
from protocols.texts import LANGUAGES, catalogue

LEVELS = (Level(name="H", colour=Colour.RED, op="=", limit=1.0),)


def result(text, **known):
    return compiled(text).result(known)[0]


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("level > 12 && flow < 0.5", {"level": 13.0, "flow": 0.1}, 1.0),
        ("level > 12 && flow < 0.5", {"level": 12.0, "flow": 0.1}, 0.0),
        ("a + 1", {"a": 2.5}, 3.5),
        ("-a * 2 / 4 - 1", {"a": 3.0}, -2.5),
        ("a > 1 ? b : -b", {"a": 2.0, "b": 7.0}, 7.0),
        ("!(a == 1) || b != 2", {"a": 1.0, "b": 2.0}, 0.0),
        ("max(a, b, 1) - min(a, b)", {"a": 3.0, "b": -2.0}, 5.0),
        ("abs(a - b) >= 1e1", {"a": 0.0, "b": 10.0}, 1.0),
        ("a == true", {"a": 1.0}, 0.0),
    ],
)
def test_what_formulas_mean(text, known, expected):
    assert result(text, **known) == expected


def test_inputs_are_the_names_in_it():
    assert check("flow / area_2 < value") == ("area_2", "flow", "value")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "EXPRESSION_INPUTS"),
        ("1 > 2", "EXPRESSION_INPUTS"),
        ("+".join(f"a{n}" for n in range(40)), "EXPRESSION_INPUTS"),
        ("a >", "EXPRESSION_SYNTAX"),
        ("a b", "EXPRESSION_SYNTAX"),
        ("a > b > 2", "EXPRESSION_RESULT"),
        ("abs(a, b)", "EXPRESSION_RESULT"),
        ("a / 0", "EXPRESSION_RESULT"),
        ("a.b", "EXPRESSION_CHARACTER"),
        ("[a]", "EXPRESSION_CHARACTER"),
        ("a == 'x'", "EXPRESSION_CHARACTER"),
        ("a > 1e999", "EXPRESSION_CHARACTER"),
        ("水位 > 1", "EXPRESSION_CHARACTER"),
        ("size(a)", "EXPRESSION_FUNCTION"),
        ("in + a", "EXPRESSION_WORD"),
        ("abs + a", "EXPRESSION_WORD"),
        ("(" * 40 + "a" + ")" * 40, "EXPRESSION_DEEP"),
        ("!" * 40 + "a", "EXPRESSION_DEEP"),
        ("a" + " + a" * LONGEST, "EXPRESSION_LONG"),
    ],
)
def test_what_is_refused_is_named(text, code):
    with pytest.raises(ExpressionRefused) as refused:
        check(text)
    assert refused.value.code == code
    for language in LANGUAGES:
        sentence = catalogue(language)[code]
        assert "{" not in sentence.format(**refused.value.params)


def test_the_character_that_is_wrong_is_shown():
    with pytest.raises(ExpressionRefused) as refused:
        check("a >  [1]")
    assert refused.value.params == {"at": 6, "found": "[1]"}


def test_as_deep_as_allowed():
    assert result("(" * DEEPEST + "a" + ")" * DEEPEST, a=2.0) == 2.0
    assert result("-" * DEEPEST + "a", a=2.0) == 2.0


def test_a_formula_that_was_never_checked_has_no_verdict_and_says_why():
    kind = Expression("a >")
    memory, values, said = kind.take(kind.begin(), Reading(0, 1.0, 0, "a"), LEVELS)
    assert (values, said) == ((None,), "EXPRESSION_SYNTAX")
    assert kind.take(memory, Reading(1, 1.0, 1, "a"), LEVELS).said is None


def test_it_cannot_be_computed_while_a_result_is_no_number():
    kind, seen = Expression("value / (value - 1)"), []
    memory = kind.begin()
    for value in (2.0, 1.0, 1.0, 3.0):
        memory, values, said = kind.take(memory, Reading(0, value, 0), LEVELS)
        seen.append((values[0], said))
    assert seen == [(2.0, None), (None, "inf"), (None, None), (1.5, "")]


PARTS = st.sampled_from(
    [*"ab120()?:!-+*/<,", "2.5", "true", "abs(", "max(", "&&", "||", ">=", "==", "!=", " "]
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(PARTS, max_size=30).map("".join) | st.text(max_size=40), NUMBERS, NUMBERS)
def test_any_text_is_a_formula_or_refused(text, a, b):
    try:
        formula = compiled(text)
    except ExpressionRefused as refused:
        code = refused.code
    else:
        code = ""
    if code:
        assert code in catalogue("zh")
        return
    found, fault = formula.result(dict.fromkeys(formula.inputs, a) | {"b": b})
    assert (found is None) == bool(fault)
    assert found is None or math.isfinite(found)
