"""Rules of every kind, on one input and on several, live in the engine."""

import pytest

from central.alarms.acts.acted import Acknowledge, Reset, RuleUnknown
from protocols.alarms.acting import Asked
from protocols.alarms.definition import Clocks, Watch
from protocols.alarms.kinds.health import Stale
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.several import Clause, Deviation, Interlock, Levels
from protocols.alarms.kinds.vote import Vote
from protocols.alarms.kinds.window import Aggregate, Window
from protocols.alarms.overlay import Act
from protocols.alarms.rule import Colour
from protocols.errors import IllegalTransition
from tests.central.alarms.plant import Plant, high, wanted
from tests.central.builders import level

AB = ((1, "a"), (2, "b"))


@pytest.fixture
def plant():
    made = []

    def of(*rules):
        made.append(Plant(*rules))
        return made[-1]

    yield of
    for each in made:
        each.close()


def test_a_rate_is_between_readings(plant):
    it = plant(wanted("rate", high(5.0), kind=Rate(per=60.0)))
    for second, value in ((0, 10.0), (60, 12.0), (120, 20.0), (180, 20.0)):
        it.say(second, (1, value))
    assert it.journal("rate") == [[120, "RAISE:H"], [180, "RTN"]]
    (shown,) = it.tables.execute("SELECT value_at_raise FROM episode").fetchone()
    assert shown == 8.0


def test_a_window_takes_what_comes_late(plant):
    kind = Window(aggregate=Aggregate.SUM, seconds=600.0, allowed_lateness=120.0)
    it = plant(wanted("rain", high(50.0), kind=kind))
    it.say(0, (1, 30.0))
    it.say(200, (1, 10.0))
    assert it.journal("rain") == []
    it.say(150, (1, 15.0), now=210)
    assert it.journal("rain") == [[210, "RAISE:H"]]


def test_a_window_outlives_a_restart(plant):
    it = plant(wanted("rain", high(50.0), kind=Window(aggregate=Aggregate.SUM, seconds=600.0)))
    it.say(0, (1, 30.0))
    it.restart()
    it.say(200, (1, 25.0))
    assert it.journal("rain") == [[200, "RAISE:H"]]


def test_an_interlock_needs_the_other_in_time(plant):
    kind = Interlock(clauses=(Clause("a", "=", 1.0), Clause("b", "<=", 0.5)))
    it = plant(wanted("flow", high(1.0, on_delay=30.0), inputs=AB, kind=kind))
    it.say(0, (1, 0.0), (2, 0.0))
    it.say(10, (1, 1.0))
    it.say(20, (2, 3.0))
    assert it.at(100).journal("flow") == []
    it.say(110, (2, 0.1))
    assert it.at(150).journal("flow") == [[140, "RAISE:H"]]


def test_a_vote_goes_on_without_a_head_that_is_out_of_order(plant):
    clauses = tuple(Clause(name, ">=", 25.0) for name in "abc")
    it = plant(
        wanted("gas", high(2.0), inputs=((1, "a"), (2, "b"), (3, "c")), kind=Vote(clauses=clauses))
    )
    it.say(0, (1, 1.0), (2, 1.0), (3, 1.0))
    it.say(10, (1, 30.0))
    assert it.journal("gas") == []
    it.say(20, (3, 0.0, False))
    it.say(30, (1, 31.0))
    assert it.states("gas") == ["UNACK"]


def test_a_deviation_is_between_points(plant):
    it = plant(wanted("apart", high(3.0), inputs=AB, kind=Deviation(input="a", reference="b")))
    it.say(0, (1, 10.0), (2, 10.0))
    it.say(10, (2, 14.0))
    assert it.journal("apart") == [[10, "RAISE:H"]]


def test_inputs_are_taken_by_event_time(plant):
    """The pump started before the flow was last seen to be none, whatever was sent first."""
    kind = Interlock(clauses=(Clause("a", "=", 1.0), Clause("b", "<=", 0.5)))
    it = plant(wanted("flow", high(1.0), inputs=AB, kind=kind))
    it.say(30, (2, 0.0, True, 0), (1, 0.0, True, 20), (1, 1.0, True, 10))
    assert it.journal("flow") == [[30, "RAISE:H"]]


def test_one_point_may_be_judged_by_a_ladder_and_by_others(plant):
    it = plant(
        wanted("level", high()),
        wanted("rate", high(5.0), kind=Rate(per=60.0)),
        wanted("other", high(), inputs=((2, ""),)),
    )
    it.say(0, (1, 70.0), (2, 70.0))
    it.say(60, (1, 85.0), (2, 70.0))
    assert it.journal("level") == [[60, "RAISE:H"]]
    assert it.journal("rate") == [[60, "RAISE:H"]]
    assert it.journal("other") == []


COUNTED = Levels()


def test_levels_of_other_rules_are_counted_at_once(plant):
    inputs = ((0, "site/one"), (0, "site/two"))
    it = plant(
        wanted("one", high()),
        wanted("two", high(), inputs=((2, ""),)),
        wanted("both", level("III", 2.0, colour=Colour.ORANGE), inputs=inputs, kind=COUNTED),
        wanted("wider", level("IV", 1.0), inputs=((0, "site/both"),), kind=COUNTED),
    )
    it.say(0, (1, 85.0))
    assert it.journal("both") == []
    it.say(10, (2, 85.0))
    assert it.journal("both") == [[10, "RAISE:III"]]
    assert it.journal("wider") == [[10, "RAISE:IV"]]
    it.restart()
    it.act(15, "one", Asked(Act.OOS_ON, by="ann", reason="检修"))
    assert it.journal("both")[1:] == [[15, "RTN"]]


def test_a_rule_that_counts_finds_what_stands_and_forgets_what_goes(plant):
    it = plant(wanted("one", high()))
    it.say(0, (1, 85.0))
    it.take(wanted("any", level("IV", 1.0), inputs=((0, "site/one"),), kind=COUNTED))
    assert it.states("any") == ["UNACK"]
    it.at(20).retire("any")
    assert it.states("any") == ["RTN_UNACK"]


def test_a_rule_that_is_counted_no_more_is_forgotten_at_once(plant):
    both = wanted(
        "both",
        level("III", 2.0, colour=Colour.ORANGE),
        inputs=((0, "site/one"), (0, "site/two")),
        kind=COUNTED,
    )
    it = plant(wanted("one", high()), wanted("two", high(), inputs=((2, ""),)), both)
    it.say(0, (1, 85.0), (2, 85.0))
    assert it.states("both") == ["UNACK"]
    it.at(10).take(both._replace(inputs=((0, "site/one"),)))
    assert it.states("both") == ["RTN_UNACK"]
    it.at(20).take(both)
    assert it.states("both") == ["UNACK"]
    assert [word for _, word in it.journal("both")] == [
        *("RAISE:III", "RULE_CHANGED", "RTN", "RULE_CHANGED", "RERAISE:III"),
    ]


def test_rules_that_count_each_other_come_to_rest(plant):
    one = wanted("one", level("I", 1.0), inputs=((0, "site/two"), (0, "site/it")), kind=COUNTED)
    two = wanted("two", level("I", 1.0), inputs=((0, "site/one"),), kind=COUNTED)
    it = plant(wanted("it", high()), one, two)
    it.say(0, (1, 85.0))
    assert it.states("one") == it.states("two") == ["UNACK"]


SILENT = (
    wanted("silent", level("H", 300.0), kind=Stale()),
    wanted("watched", high(), watch=Watch(stale_after=300.0)),
)


@pytest.mark.parametrize("rule", SILENT)
def test_silence_is_seen_by_the_clock_though_readings_pass_in_arrays(plant, rule, monkeypatch):
    from central.alarms import judging

    name, steps = rule.definition.rule.id.removeprefix("site/"), []
    it = plant(rule)
    it.say(0, (1, 50.0))
    judge = judging.stepping.take
    monkeypatch.setattr(judging.stepping, "take", lambda *given: steps.append(1) or judge(*given))
    for second in range(10, 1000, 10):
        it.say(second, (1, 50.0))
    assert steps == []
    assert it.journal(name) == []
    it.restart()
    it.at(1280)
    assert it.journal(name) == []
    it.at(1300)
    (line,) = it.journal(name)
    assert line[0] == 1290
    it.say(1400, (1, 50.0))
    assert [at for at, _ in it.journal(name)] == [1290, 1400]


def test_a_shelf_ends_by_itself_and_what_stands_calls(plant):
    it = plant(wanted("level", high(), clocks=Clocks(longest_shelf=600.0)))
    it.say(0, (1, 70.0))
    asked = Asked(Act.SHELVE, by="ann", reason="检修", seconds=300.0)
    laid = it.act(10, "level", asked).laid
    assert [layer.name for layer in laid[0].layers] == ["SHELVED"]
    it.say(20, (1, 85.0))
    it.restart()
    it.at(400)
    assert it.journal("level") == [
        [10, "SHELVE"],
        [20, "SHADOW_RAISE:H"],
        [310, "UNSHELVE_AUTO"],
        [310, "RAISE:H"],
    ]
    assert it.states("level") == ["UNACK"]
    assert it.tables.execute("SELECT * FROM overlay").fetchall() == []
    with pytest.raises(IllegalTransition):
        it.act(420, "level", asked._replace(seconds=601.0))


def test_an_unanswered_alarm_is_called_higher_and_an_answered_one_again(plant):
    clocks = Clocks(escalate=(60.0, 120.0), realarm_after=600.0)
    it = plant(wanted("level", high(), clocks=clocks))
    it.say(0, (1, 85.0))
    it.at(100)
    it.restart()
    it.act(200, "level", Acknowledge("ann", "已通知"))
    it.restart()
    it.at(1000)
    words = [word for _, word in it.journal("level")]
    assert words[:4] == ["RAISE:H", "ESCALATE:H", "ESCALATE:H", "ACK:H"]
    assert it.journal("level")[4] == [800, "REALARM:H"]
    nths = it.tables.execute("SELECT nth FROM alarm_journal WHERE event = 'ESCALATE'").fetchall()
    assert [nth for (nth,) in nths][:2] == [1, 2]
    row = it.tables.execute("SELECT acknowledged FROM episode").fetchone()
    assert row == (None,)  # it is unseen again


def test_what_latches_is_reset_by_a_person(plant):
    it = plant(wanted("fire", high(1.0), latching=True))
    it.say(0, (1, 1.0))
    it.say(10, (1, 0.0))
    assert it.states("fire") == ["LATCHED_UNACK"]
    refused = it.act(15, "fire", Reset("ann")).refused
    assert refused.params["reason"] == "NOT_ACKED"
    it.act(20, "fire", Acknowledge("ann"))
    assert it.states("fire") == ["LATCHED_ACKED"]
    it.restart()
    it.act(30, "fire", Reset("ann"))
    assert it.states("fire") == ["NORMAL"]
    words = [word for _, word in it.journal("fire")]
    assert words == ["RAISE:H", "RTN", "RESET_REJECTED", "ACK:H", "RESET:H"]


def test_what_latched_before_a_rest_latches_on_as_the_same_episode(plant):
    it = plant(wanted("fire", high(1.0), latching=True))
    it.say(0, (1, 1.0))
    it.say(10, (1, 0.0))
    it.act(20, "fire", Asked(Act.SUPPRESS, by="logic"))
    it.restart()
    it.act(30, "fire", Asked(Act.UNSUPPRESS, by="logic"))
    assert it.states("fire") == ["LATCHED_UNACK"]
    assert it.engine.tracked(it.tables.conn, "site/fire").episode == 1


def test_out_of_service_ends_what_stands_and_begins_anew(plant):
    it = plant(wanted("level", high()))
    it.say(0, (1, 85.0))
    it.act(10, "level", Asked(Act.OOS_ON, by="ann", reason="动火票 12"))
    assert it.states("level") == ["NORMAL"]
    it.say(20, (1, 90.0))
    it.restart()
    it.act(30, "level", Asked(Act.OOS_OFF, by="ann"))
    assert it.states("level") == ["NORMAL", "UNACK"]


def test_an_unknown_rule_and_a_second_acknowledgement_are_refused(plant):
    it = plant(wanted("level", high()))
    with pytest.raises(RuleUnknown):
        it.act(0, "other", Acknowledge("ann"))
    it.say(0, (1, 85.0))
    it.act(10, "level", Acknowledge("ann"))
    acted = it.act(20, "level", Acknowledge("bob"))
    assert acted.refused.params["reason"] == "ALREADY_ACKED"
    assert it.journal("level")[-1] == [20, "ACK_REJECTED"]
    assert acted.rows[0].acknowledged.by == "ann"


def test_a_changed_rule_is_judged_at_once_and_says_so(plant):
    it = plant(wanted("level", high()))
    it.say(0, (1, 85.0))
    it.at(10).take(wanted("level", high(90.0)))
    assert it.journal("level") == [[0, "RAISE:H"], [10, "RULE_CHANGED"], [10, "RTN"]]
    assert it.tables.execute("SELECT version, source FROM rule").fetchall() == [(2, "library")]


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(
    ("put", "taken"),
    [
        (Asked(Act.OOS_ON, "ann", "动火票 12"), Act.OOS_OFF),
        (Asked(Act.SUPPRESS, "ann", "停车"), Act.UNSUPPRESS),
        (Asked(Act.SHELVE, "ann", "检修", 3600.0), Act.UNSHELVE),
    ],
)
def test_what_lies_over_a_rule_outlives_its_retirement(plant, put, taken, restarted):
    rule = wanted("level", high())
    it = plant(rule)
    it.say(0, (1, 50.0))
    it.act(10, "level", put)
    it.at(20).retire()
    if restarted:
        it.restart()
    it.at(30).take(rule)
    it.say(40, (1, 85.0))
    # Who lists what is covered, and what is open, says what the machine goes by.
    words = [word for _, word in it.journal("level")]
    assert "RAISE:H" not in words
    assert len(it.tables.execute("SELECT * FROM overlay").fetchall()) == 1
    it.act(50, "level", Asked(taken, "ann", "完工"))
    assert it.tables.execute("SELECT * FROM overlay").fetchall() == []
    assert it.states("level")[-1] in ("UNACK", "ACKED")


def test_the_shelf_of_a_rule_that_is_gone_ends_too(plant):
    it = plant(wanted("level", high()))
    it.say(0, (1, 85.0))
    it.act(10, "level", Asked(Act.SHELVE, "ann", "检修", 60.0))
    it.at(20).retire()
    it.restart()
    it.at(100)
    assert it.journal("level")[-1] == [70, "UNSHELVE_AUTO"]
    assert it.tables.execute("SELECT * FROM overlay").fetchall() == []


def test_a_level_in_anothers_place_is_told(plant):
    it = plant(wanted("level", high()))
    it.say(0, (1, 85.0))
    it.act(10, "level", Acknowledge("ann"))
    it.at(20).take(wanted("level", level("HH", 60.0, colour=Colour.RED)))
    assert it.journal("level")[2:] == [[20, "RULE_CHANGED"], [20, "LEVEL:HH"], [20, "REALARM:HH"]]
    assert it.states("level") == ["UNACK"]
    named = it.tables.execute("SELECT json_extract(level, '$.name'), colour FROM episode")
    assert named.fetchall() == [("HH", int(Colour.RED))]


@pytest.mark.parametrize("put", [Act.OOS_ON, Act.SUPPRESS])
@pytest.mark.parametrize("restarted", [False, True])
def test_what_latched_under_a_rest_is_over_when_its_rule_goes(plant, put, restarted):
    it = plant(wanted("level", high(), latching=True))
    it.say(0, (1, 85.0))
    it.act(10, "level", Asked(put, "ann", "动火票 12"))
    it.at(20).retire()
    assert it.states("level") == ["NORMAL"]
    assert it.journal("level")[-2:] == [[20, "RULE_CHANGED"], [20, "RTN:H"]]
    reasons = it.tables.execute("SELECT comment FROM alarm_journal ORDER BY id DESC LIMIT 2")
    assert reasons.fetchall() == [("rule_retired",)] * 2
    if restarted:
        it.restart()
    ended = {Act.OOS_ON: Act.OOS_OFF, Act.SUPPRESS: Act.UNSUPPRESS}[put]
    it.at(30).take(wanted("level", high(), latching=True))
    it.act(40, "level", Asked(ended, "ann", "完工"))
    assert it.states("level") == ["NORMAL", "UNACK"]


@pytest.mark.parametrize("latching", [False, True])
@pytest.mark.parametrize("restarted", [False, True])
def test_what_stands_when_its_rule_goes_is_to_be_seen_and_can_be_ended(plant, latching, restarted):
    it = plant(wanted("level", high(), latching=latching))
    it.say(0, (1, 85.0))
    it.at(20).retire()
    if restarted:
        it.restart()
    assert it.states("level") == ["LATCHED_UNACK" if latching else "RTN_UNACK"]
    it.act(30, "level", Acknowledge("ann"))
    if latching:
        it.act(31, "level", Reset("ann"))
    assert it.states("level") == ["NORMAL"]
