"""A thing that goes on is said once a minute, with how often."""

import logging

from central import repeats
from central.repeats import AGAIN, KEPT, Repeats

logger = logging.getLogger("test.repeats")


def test_each_thing_is_said_once_a_minute_and_always_counted(monkeypatch, caplog):
    now = 1000.0
    monkeypatch.setattr(repeats, "real_monotonic", lambda: now)
    said = Repeats(logger)
    for _ in range(5):
        said.say("full", "the disk is full", OSError("no space"))
    said.say("busy", "held")
    now += AGAIN
    said.say("full", "the disk is full", OSError("no space"))
    assert [record.getMessage() for record in caplog.records] == [
        "the disk is full",
        "held",
        "the disk is full (5 times since it was said)",
    ]
    assert [bool(record.exc_info) for record in caplog.records] == [True, False, False]
    assert said.counts == {"full": 6, "busy": 1}


def test_what_is_remembered_is_bounded(caplog):
    said = Repeats(logger)
    for number in range(KEPT + 1):
        said.say(str(number), "x")
    said.say(str(KEPT), "x")
    assert len(caplog.records) == KEPT + 1
