"""A definition comes back from its document as it was; what is none names every fault."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.alarms.definition import Clocks, Definition, Watch
from protocols.alarms.document import DefinitionRefused, from_document, to_document
from protocols.alarms.document_kinds import KINDS
from protocols.alarms.kinds.expression import Expression
from protocols.alarms.kinds.health import Bad, Frozen, Stale
from protocols.alarms.kinds.limit import Limit
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.schedule import Hours, Schedule
from protocols.alarms.kinds.several import Clause, Deviation, Interlock, Levels
from protocols.alarms.kinds.vote import Vote
from protocols.alarms.kinds.window import Aggregate, Counted, Window
from protocols.alarms.machine import Sample, begin
from protocols.alarms.rule import OPERATORS, STATUSES, Colour, Level, Rule
from protocols.alarms.steps import advance, feed
from protocols.problems import sentence
from protocols.words import Label

numbers = st.floats(allow_nan=False, allow_infinity=False)
least = st.floats(0, 1e6)
seconds = st.floats(0.001, 86_400)
words = st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable())
lines = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)
days = st.sampled_from([None, "02-29", "06-30", "2026-10-15"])
operators = st.sampled_from(OPERATORS)
maybe = st.one_of(st.none(), seconds)

levels = st.builds(
    Level,
    name=words,
    name_en=lines,
    colour=st.sampled_from(Colour),
    op=operators,
    limit=numbers,
    deadband=least,
    on_delay=seconds,
    off_delay=seconds,
    window=maybe,
    source=lines,
    clause=st.one_of(st.none(), lines),
    status=st.sampled_from(STATUSES),
    confirmed_by=st.one_of(st.none(), lines),
    confirmed_on=st.one_of(st.none(), lines),
    valid_from=days,
    valid_to=days,
)
clauses = st.lists(st.builds(Clause, words, operators, numbers), min_size=1, max_size=4).map(tuple)
kinds = st.one_of(
    st.builds(Limit, lateness=seconds),
    st.builds(
        Rate, per=seconds, absolute=st.booleans(), max_gap=maybe, consecutive=st.integers(1, 9)
    ),
    st.builds(
        Window,
        aggregate=st.sampled_from(Aggregate),
        seconds=seconds,
        counter=st.booleans(),
        allowed_lateness=seconds,
        min_samples=st.integers(1, 9),
    ),
    st.builds(
        Window, aggregate=st.just(Aggregate.COUNT), counted=st.builds(Counted, operators, numbers)
    ),
    st.builds(Interlock, clauses=clauses),
    st.builds(Vote, clauses=clauses, within=st.none() | st.floats(1.0, 1e6), lateness=seconds),
    st.builds(Deviation, input=words, reference=words, absolute=st.booleans()),
    st.builds(
        Levels,
        weights=st.tuples(*[least] * 4),
        counts=st.lists(st.none() | st.sampled_from(Colour), max_size=4).map(tuple),
        by_point=st.booleans(),
    ),
    st.builds(Stale),
    st.builds(Bad),
    st.builds(Frozen, tolerance=least),
    st.builds(Expression, text=st.sampled_from(["value > 1.5", "a + b", "abs(a - b) >= 0.5"])),
    st.builds(
        Schedule,
        allowed=st.lists(
            st.builds(
                Hours,
                st.just("06:00"),
                st.sampled_from(["22:00", "24:00", "02:30"]),
                st.sampled_from(["", "12345", "67"]),
            ),
            max_size=2,
        ).map(tuple),
        holidays=st.frozensets(st.sampled_from(["2026-10-01", "2028-02-29"])),
        working=st.frozensets(st.sampled_from(["2026-10-10"])),
    ),
)
watches = st.builds(
    Watch, stale_after=maybe, bad_after=maybe, frozen_after=maybe, low=st.just(-1.5), high=least
)
clocks = st.builds(
    Clocks,
    realarm_after=maybe,
    realarm_repeats=st.one_of(st.none(), st.integers(0, 5)),
    escalate=st.lists(seconds, max_size=3).map(tuple),
    chatter=st.one_of(st.none(), st.tuples(st.integers(1, 9), seconds)),
    longest_shelf=maybe,
)
requests = st.builds(
    Label,
    st.sampled_from(["请立即停止进料。", "请核对"]),
    st.sampled_from(["", "Stop filling now."]),
)
definitions = st.builds(
    Definition,
    rule=st.builds(
        Rule,
        id=words,
        subject=words,
        levels=st.lists(levels, max_size=4).map(tuple),
        kind=words,
        latching=st.booleans(),
        where=st.sampled_from(["centre", "both"]),
        version=st.integers(1, 2**40),
    ),
    kind=kinds,
    watch=st.one_of(st.just(Watch()), watches),
    clocks=st.one_of(st.just(Clocks()), clocks),
    requests=st.lists(st.tuples(words, requests), max_size=3).map(tuple),
    suppressed_by=st.lists(words, max_size=3).map(tuple),
)


@given(definitions)
def test_a_definition_comes_back_as_it_was(definition):
    document = to_document(definition)
    assert from_document(document) == definition
    written = json.dumps(document, allow_nan=False)
    assert from_document(json.loads(written)) == definition
    assert to_document(from_document(json.loads(written))) == json.loads(written)


def test_every_kind_there_is_has_a_name():
    named = {type_ for type_, _ in KINDS.values()}
    several = {Interlock, Vote, Deviation, Levels, Expression}
    assert {Limit, Rate, Window, Schedule, Stale, Bad, Frozen} | several <= named
    assert len(named) == len(KINDS)


def test_what_is_as_usual_is_left_out():
    rule = Rule(
        id="r", subject="s", levels=(Level(name="H", colour=Colour.RED, op=">", limit=1.0),)
    )
    assert to_document(Definition(rule=rule)) == {
        "format": 1,
        "rule": {
            "id": "r",
            "subject": "s",
            "levels": [{"name": "H", "colour": "red", "op": ">", "limit": 1.0}],
        },
        "kind": {"kind": "limit"},
    }


json_like = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(definitions, st.data())
def test_whatever_it_is_given_it_answers(definition, data):
    """One place of a good document is replaced by anything: it is read, or every fault is named."""
    document = json.loads(json.dumps(to_document(definition)))
    places = list(_places(document))
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(json_like)
    problems = ()
    try:
        found = from_document(document)
    except DefinitionRefused as exc:
        problems = exc.problems
    if problems:
        assert all(problem.key and sentence(problem, "zh") for problem in problems)
    else:
        machine = begin(found)
        machine, _ = feed(found, machine, Sample(1_000_000, 1.0, 1_000_000, True))
        advance(found, machine, 90_000_000)


@given(json_like)
def test_what_is_no_definition_is_refused(value):
    with pytest.raises(DefinitionRefused) as refused:
        from_document(value)
    assert refused.value.problems


def _places(value):
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(each, dict | list):
            yield from _places(each)


def test_every_fault_is_named_at_once_with_path_value_and_what_is_allowed():
    document = {
        "format": 1,
        "rule": {
            "id": "",
            "subject": "site/gw/tank/level",
            "where": "moon",
            "levels": [
                {"name": "H", "colour": "pink", "op": "=>", "limit": "80", "on_delay": -1},
                {"name": "HH", "colour": "red", "op": ">=", "limit": math.inf, "valid_from": "6-1"},
            ],
        },
        "kind": {"kind": "rate", "per": 0, "consecutive": 1.5, "speed": 2},
        "watch": {"low": 5, "high": 1},
        "clocks": {"escalate": [60, "soon"], "chatter": {"seconds": 60}},
    }
    with pytest.raises(DefinitionRefused) as refused:
        from_document(document)
    found = {
        problem.key: (problem.code, problem.params["value"], problem.allowed)
        for problem in refused.value.problems
    }
    assert found == {
        "rule.id": ("TEXT_LENGTH", "", ("1 … 1000",)),
        "rule.where": ("VALUE_CHOICE", "moon", ("centre", "both")),
        "rule.levels[0].colour": ("VALUE_CHOICE", "pink", ("blue", "yellow", "orange", "red")),
        "rule.levels[0].op": ("VALUE_CHOICE", "=>", (">", ">=", "<", "<=", "=", "!=")),
        "rule.levels[0].limit": ("TYPE_NUMBER", "80", ()),
        "rule.levels[0].on_delay": ("NUMBER_RANGE", "-1", ("0 … 2678400",)),
        "rule.levels[1].limit": ("NUMBER_RANGE", "Infinity", ("-1e308 … 1e308",)),
        "rule.levels[1].valid_from": ("DAY_FORMAT", "6-1", ("MM-DD", "YYYY-MM-DD")),
        "kind.per": ("NUMBER_RANGE", "0", ("0.001 … 31622400",)),
        "kind.consecutive": ("TYPE_INTEGER", "1.5", ()),
        "kind.speed": (
            "KEY_UNKNOWN", "speed", ("absolute", "consecutive", "kind", "max_gap", "per"),
        ),
        "watch.low": ("NUMBER_RANGE", "5", ("< 1",)),
        "clocks.escalate[1]": ("TYPE_NUMBER", "soon", ()),
        "clocks.chatter.count": ("KEY_MISSING", "count", ()),
    }  # fmt: skip


def test_a_formula_is_refused_with_its_own_reason():
    with pytest.raises(DefinitionRefused) as refused:
        from_document(
            {
                "rule": {"id": "r", "subject": "s"},
                "kind": {"kind": "expression", "text": "value > open('x')"},
            }
        )
    (problem,) = refused.value.problems
    assert (problem.key, problem.params["value"]) == ("kind.text", "value > open('x')")
    assert problem.code.startswith("EXPRESSION_")


def test_a_thousand_faults_are_counted_and_few_are_kept():
    levels = [{"name": 1, "colour": 2, "op": 3, "limit": None, "x": 1, "y": 2}] * 32
    with pytest.raises(DefinitionRefused) as refused:
        from_document({"rule": {"id": "r", "subject": "s", "levels": levels}})
    assert len(refused.value.problems) == 100
