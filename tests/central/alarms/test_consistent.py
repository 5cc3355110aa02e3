"""Episodes, journal, overlays and machines say one thing, whatever comes in whatever order."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from central.alarms.acts.acted import Acknowledge, Reset
from central.alarms.journal.episode import JournalLine
from central.alarms.journal.history import told
from protocols.alarms.word import Word
from protocols.errors import IllegalTransition
from tests.central.alarms.plant import Plant, high, wanted
from tests.central.alarms.test_restarts import CLOCKS, NAMES, RULES, STEP, WHAT
from tests.central.builders import SECOND

CALLS = {Word.RAISE, Word.RERAISE, Word.REALARM, Word.ESCALATE}
PUTS = {Word.SHELVE: "SHELVED", Word.SUPPRESS: "SUPPRESSED", Word.OOS_ON: "OUT_OF_SERVICE"}
ENDS = {
    Word.UNSHELVE: "SHELVED",
    Word.UNSHELVE_AUTO: "SHELVED",
    Word.UNSUPPRESS: "SUPPRESSED",
    Word.OOS_OFF: "OUT_OF_SERVICE",
}
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 1, 3, 8, 25, 70]),
        st.sampled_from([1] * 8 + [2]),
        st.one_of(
            STEP,
            STEP,
            st.tuples(st.just("retire"), st.sampled_from(NAMES)),
            st.tuples(st.just("back"), st.none()),
            st.tuples(st.just("act"), st.tuples(st.sampled_from(NAMES), WHAT)),
        ),
    ),
    min_size=4,
    max_size=24,
)


def episodes_agree(plant):
    """An episode is where its words lead, open while it is not over, and one a rule at most."""
    rows = plant.tables.execute(
        "SELECT number, rule, state, closed, raised FROM episode"
    ).fetchall()
    open_ = {}
    for number, rule, state, closed, raised in rows:
        assert (state == "NORMAL") == (closed is not None)
        assert closed is None or closed >= raised
        if closed is None:
            assert rule not in open_, f"{rule} has two open"
            open_[rule] = number, state
        lines = plant.tables.execute(
            "SELECT time, event, level FROM alarm_journal WHERE episode = ? ORDER BY id", [number]
        )
        journal = [
            JournalLine(
                time=time, recorded=0, event=event, level=level, value=None, actor=None, comment=""
            )
            for time, event, level in lines
        ]
        assert told(journal, state)[-1].after.state == state
    return open_


def machines_agree(plant, open_):
    """What a machine knows is what the tables say."""
    for name in NAMES:
        tracked = plant.engine.tracked(plant.tables.conn, f"site/{name}")
        if tracked is None:
            continue
        overlay = tracked.machine.overlay
        number, state = open_.get(tracked.rule.id, (None, None))
        assert tracked.episode == number
        assert state in (None, tracked.alarm.state) or overlay.resting
        rows = dict(
            plant.tables.execute(
                "SELECT name, until FROM overlay WHERE rule = ?", [tracked.rule.id]
            ).fetchall()
        )
        assert rows.get("SHELVED") == (overlay.shelf.until if overlay.shelf else None)
        assert ("SUPPRESSED" in rows) == overlay.suppressed
        assert ("OUT_OF_SERVICE" in rows) == overlay.out_of_service


def journal_agrees(plant):
    """Nobody is called under an overlay, and what lies there follows from the words."""
    over = {}
    for rule, event in plant.tables.execute("SELECT rule, event FROM alarm_journal ORDER BY id"):
        laid = over.setdefault(rule, set())
        assert not (event in CALLS and laid), f"{rule}: {event} under {laid}"
        if event in PUTS:
            laid.add(PUTS[event])
        if event in ENDS:
            laid.remove(ENDS[event])
    for rule, laid in over.items():
        rows = plant.tables.execute("SELECT name FROM overlay WHERE rule = ?", [rule])
        assert {name for (name,) in rows} == laid


def check(plant):
    machines_agree(plant, episodes_agree(plant))
    journal_agrees(plant)


def do(plant, kept, second, stream, step):
    """Do one step of a story; `kept`: rules that are not retired."""
    verb, said = step
    if verb == "say":
        plant.say(second, *said, stream=stream)
    elif verb == "act" and said[0] in kept:
        try:
            plant.act(second, *said)
        except IllegalTransition as exc:
            plant.acts.append(exc)
    elif verb == "retire":
        kept.discard(said)
        plant.at(second).retire(*kept)
    elif verb == "back":
        kept.update(NAMES)
        plant.at(second).take(*RULES)
    elif verb == "rules" and "plain" in kept:
        plant.at(second).take(wanted("plain", high(said, on_delay=3.0), clocks=CLOCKS))


@settings(max_examples=40, deadline=None, report_multiple_bugs=False)
@given(STEPS, st.booleans())
@example(  # the level it returned from is gone when somebody sees it
    [
        (0, 1, ("say", [(1, 92.0, True, 0)])),
        (0, 1, ("rules", 82.0)),
        (0, 1, ("act", ("plain", Acknowledge("ann")))),
    ],
    False,
)
def test_tables_journal_and_machines_say_the_same(steps, restarts):
    plant, kept, second = Plant(*RULES), set(NAMES), 0
    try:
        for wait, stream, step in steps:
            second += wait
            do(plant, kept, second, stream, step)
            if restarts:
                plant.restart()
            check(plant)
        plant.at(second + 200)
        check(plant)
        shelved = plant.tables.execute("SELECT 1 FROM overlay WHERE name = 'SHELVED'")
        assert not shelved.fetchall(), "a shelf that does not end"
    finally:
        plant.close()


def test_an_alarm_is_not_over_before_it_began_though_the_clock_was_set_back():
    plant = Plant(wanted("plain", high()), wanted("latch", high(), latching=True))
    plant.say(0, (1, 95.0))
    plant.say(1, (1, 50.0))
    plant.now -= 4_000 * SECOND
    for name, what in (("plain", Acknowledge()), ("latch", Acknowledge()), ("latch", Reset())):
        plant.engine.act(plant.tables, f"site/{name}", what, plant.now)
    spans = plant.tables.execute("SELECT closed >= raised, returned >= raised FROM episode")
    assert spans.fetchall() == [(1, 1), (1, 1)]
    plant.close()
