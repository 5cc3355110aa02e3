"""What people did at the centre is done at the gateway too: once, and the earlier counts."""

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.alarms.obeying import obey
from protocols.alarms.overlay import NOTHING, Overlay, Shelf
from protocols.wire.acts_told import ActsTold, Over, Seen
from tests.edge.alarms.tank import SECOND, Told

RULE = "s1/gw-1/tk-101/level:high"


def do(told, *, seen=(), over=()):
    acts = ActsTold(tuple(Seen(RULE, 0, at * SECOND, by) for at, by in seen), tuple(over))
    judged = obey(told.evaluator, acts, "gw-1", round(told.second * SECOND))
    told.all += judged.happened
    return judged


def kept(told):
    return told.evaluator.rules[RULE]


def test_acknowledged_there_is_acknowledged_here_once_and_not_told_back():
    told = Told()
    told.read(10, 13)
    told.second = 20
    judged = do(told, seen=[(15, "王")])
    assert [(each.word.value, each.by, each.known) for each in judged.happened] == [
        ("ACK", "王", True)
    ]
    assert told.happened[1:] == [[15, "ACK:HH"]]
    assert do(told, seen=[(15, "王")]).happened == []
    assert (kept(told).standing.acknowledged, kept(told).standing.seen) == ("王", 15 * SECOND)


def test_of_two_the_earlier_counts():
    told = Told()
    told.read(10, 13)
    told.second = 20
    told._take(told.evaluator.acknowledge(RULE, "李", 20 * SECOND))
    told.second = 25
    assert do(told, seen=[(22, "王")]).happened == []
    assert kept(told).standing.acknowledged == "李"
    (ack,) = do(told, seen=[(14, "王")]).happened
    assert (ack.by, kept(told).standing.acknowledged) == ("王", "王")
    assert do(told, seen=[(20, "gw-1: 李")]).happened == [], "our own, come back"


def test_an_acknowledgement_answers_no_later_call():
    told = Told()
    told.read(10, 11)
    told.tick(13)
    told.second = 30
    told.read(30, 13)
    assert do(told, seen=[(20, "王")]).happened == [], "of the level below"
    assert kept(told).standing.acknowledged == ""
    told.second = 40
    assert len(do(told, seen=[(35, "王")]).happened) == 1


def test_a_shelf_silences_ends_by_itself_and_calls_then():
    told = Told()
    told.second = 5
    shelf = Shelf(60 * SECOND)
    (line,) = do(told, over=[Over(RULE, shelf, by="王", reason="检修")]).happened
    assert (line.word.value, line.by, line.reason, line.known) == ("SHELVE", "王", "检修", True)
    assert do(told, over=[Over(RULE, Shelf(61 * SECOND))]).happened == [], "a clock was set"
    told.read(10, 13)
    assert told.happened[1:] == [[10, "RAISE:HH"]], "the collector is told all the same"
    told.tick(70)
    assert [word for _, word in told.happened[2:]] == ["UNSHELVE_AUTO:HH"]
    assert kept(told).machine.alarm.state.value == "UNACK"
    assert do(told).happened == []


def test_a_shelf_ended_by_hand_was_seen_by_whoever_ended_it():
    told = Told()
    do(told, over=[Over(RULE, Shelf(600 * SECOND))])
    told.read(10, 13)
    told.second = 20
    do(told, seen=[(19, "王")])
    assert kept(told).machine.overlay == NOTHING
    assert kept(told).machine.alarm.state.value == "ACKED"
    assert kept(told).standing.acknowledged == "王"


def test_an_acknowledgement_known_by_a_clock_that_moved_a_little_is_not_told_again():
    told = Told()
    told.read(10, 13)
    told.second = 20
    do(told, seen=[(15, "王")])
    told.evaluator.shift(SECOND // 2)
    assert do(told, seen=[(15, "王")]).happened == []
    assert do(told, seen=[(12, "李")]).happened != [], "of another person the earlier counts"


def test_put_to_rest_is_no_return_and_what_stands_calls_after_it():
    told = Told()
    told.read(10, 13)
    told.second = 20
    do(told, over=[Over(RULE, suppressed=True, by="逻辑")])
    assert [word for _, word in told.happened[1:]] == ["SUPPRESS:HH", "REST:HH"]
    told.read(30, 14)
    assert len(told.happened) == 3
    told.second = 40
    do(told, over=[Over(RULE, out_of_service=True), Over("other")])
    do(told)
    words = [word for _, word in told.happened[3:]]
    assert words == ["UNSUPPRESS:", "RAISE:HH", "OOS_ON:HH", "REST:HH", "OOS_OFF:", "RAISE:HH"]


overs = st.builds(
    Over,
    st.just(RULE),
    st.one_of(st.none(), st.builds(Shelf, st.integers(100, 900).map(lambda s: s * SECOND))),
    st.booleans(),
    st.booleans(),
)
deeds = st.one_of(
    overs.map(lambda over: ("over", over)),
    st.integers(0, 400).map(lambda at: ("seen", at)),
    st.sampled_from([5.0, 11.0, 13.0]).map(lambda value: ("read", value)),
    st.just(("free", None)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(deeds, max_size=12))
def test_hearing_it_twice_is_hearing_it_once(story):
    """Whatever happened before, the gateway is as the document says, and then it is."""
    told = Told()
    for place, (what, much) in enumerate(story):
        told.tick(10 * place + 10)
        told.second = 10 * place + 10
        if what == "read":
            told.read(told.second, much)
            continue
        over = [much] if what == "over" else []
        seen = [(much, "王")] if what == "seen" else []
        do(told, seen=seen, over=over)
        overlay = kept(told).machine.overlay
        if what == "over":
            assert (overlay.suppressed, overlay.out_of_service) == much[2:4]
        else:
            assert overlay == Overlay() or overlay.latched is False
        assert do(told, seen=seen, over=over).happened == []
