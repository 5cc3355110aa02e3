"""Events: what must be told is missed, what must not have happened is noticed."""

import pytest

from tests.gauntlet.court import judge_events
from tests.gauntlet.plan import Options
from tests.gauntlet.stored import Evidence
from tests.gauntlet.verdict import Verdict

BEHIND = {"COLLECTOR_BEHIND": 1}
WENT_BACK = {"COLLECTOR_WENT_BACK": 2, "GATEWAY_OFFLINE": 3}


def unexplained(security, events, restored, **more):
    verdict = Verdict(readings=1, permitted=more.pop("permitted", 0))
    found = Evidence(security=security, events=events, **more)
    judge_events(verdict, found, Options(full_disk=True), restored)
    return not verdict.clean


@pytest.mark.parametrize(
    ("security", "events", "restored", "bad"),
    [
        ({}, {"GATEWAY_OFFLINE": 1}, {}, False),
        ({"GATEWAY_TWICE": 1}, {}, {}, True),
        ({"STREAM_DIVERGES": 1}, {}, {"snapshot": 1}, True),
        (BEHIND, WENT_BACK, {"snapshot": 1}, False),
        ({}, WENT_BACK, {"snapshot": 1}, True),
        (BEHIND, WENT_BACK, {}, True),
        ({}, {"COLLECTOR_RESTORED": 1}, {"backup": 1}, False),
        ({}, {}, {"backup": 1}, True),
        ({}, {"COLLECTOR_RESTORED": 1}, {"backup": 0}, True),
    ],
)
def test_events_have_a_cause_and_causes_have_events(security, events, restored, bad):
    assert unexplained(security, events, restored) is bad


def test_what_was_given_up_is_told():
    assert unexplained({}, {}, {}, permitted=5)
    assert not unexplained({}, {"DATA_LOST": 1}, {}, permitted=5, lost={"quota": 5})
    assert unexplained({}, {"DATA_LOST": 1}, {}, permitted=5, lost={"corrupt": 5})
