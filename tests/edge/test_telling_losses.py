"""What was given up without a skip is told, once each, and not while the medium fails."""

from edge.roster import BusState, Roster
from edge.telling_losses import EVERY, Telling, all_drops
from tests import builders


def test_only_what_is_new_is_told_and_since_when() -> None:
    telling = Telling()
    assert telling.news({}, EVERY) == []
    assert telling.news({"memory": 7, "quota": 9}, 2 * EVERY) == [
        {"reason": "memory", "count": 7, "seconds": 60}
    ]
    assert telling.news({"memory": 7, "quota": 900}, 3 * EVERY) == []
    assert telling.news({"memory": 9, "not_yet_backed_up": 1}, 13 * EVERY) == [
        {"reason": "memory", "count": 2, "seconds": 600},
        {"reason": "not_yet_backed_up", "count": 1, "seconds": 600},
    ]


def test_what_drivers_lose_is_counted_across_their_lives() -> None:
    roster = Roster()
    state = roster.buses["b"] = BusState(builders.bus(name="b"))
    assert all_drops({"quota": 1}, roster) == {"quota": 1}
    state.counting = lambda: {"queue_full": 3, "server_queue_full": 0}
    assert all_drops({}, roster) == {"driver": 3}
    state.forget_driver()
    state.counting = lambda: {"queue_full": 2}
    roster.strays = 4
    assert all_drops({}, roster) == {"driver": 9}
    assert state.lost() == {"queue_full": 5}
