"""An episode's journal with what was before and after each line."""

import pytest

from central.alarms.journal.episode import JournalLine
from central.alarms.journal.history import told
from tests.central.alarms.story import Story


def line(word):
    event, _, level = word.partition(":")
    return JournalLine(
        time=0, recorded=0, event=event, level=level or None, value=None, actor=None, comment=""
    )


def states(words, state):
    lines = told([line(word) for word in words.split()], state)
    assert lines[0].before.state == "NORMAL"
    assert [each.before for each in lines[1:]] == [each.after for each in lines[:-1]]
    return [each.after.state for each in lines], [each.after.level for each in lines]


@pytest.mark.parametrize(
    ("words", "after"),
    [
        ("RAISE:H LEVEL:HH ACK RTN", "UNACK UNACK ACKED NORMAL"),
        ("RAISE:H RTN ACK", "UNACK RTN_UNACK NORMAL"),
        ("RAISE:H RTN RERAISE:H ACK ACK_REJECTED", "UNACK RTN_UNACK UNACK ACKED ACKED"),
        ("RAISE:H ACK LEVEL:HH REALARM:HH", "UNACK ACKED ACKED UNACK"),
        ("RAISE:H RTN ACK RESET", "UNACK LATCHED_UNACK LATCHED_ACKED NORMAL"),
        ("RAISE:H ACK RTN RERAISE:H", "UNACK ACKED LATCHED_ACKED UNACK"),
        ("RAISE:H RTN", "UNACK LATCHED_UNACK"),
        ("RAISE:H SHELVE UNSHELVE RTN", "UNACK UNACK ACKED NORMAL"),
        ("RAISE:H ACK SHELVE UNSHELVE_AUTO RAISE:H", "UNACK ACKED ACKED UNACK UNACK"),
        ("SHADOW_RAISE:H SHADOW_RTN", "UNACK NORMAL"),
        ("RAISE:H SUPPRESS", "UNACK NORMAL"),
        ("RAISE:H OOS_ON", "UNACK NORMAL"),
        # Complete in the past: nobody was called, and it is over.
        ("RAISE:H LEVEL:HH RTN", "UNACK UNACK NORMAL"),
        ("RAISE:H CONFLICT STALE CHATTER", "UNACK UNACK UNACK UNACK"),
    ],
)
def test_every_state_follows_from_the_words(words, after):
    found, _ = states(words, after.split()[-1])
    assert found == after.split()


def test_a_level_stands_until_it_is_over():
    _, levels = states("RAISE:H LEVEL:HH RTN RERAISE:H LEVEL:HH ACK RTN", "NORMAL")
    assert levels == ["H", "HH", "HH", "H", "HH", "HH", None]


async def test_the_engine_s_own_journal_reads_so(story: Story):
    await story.at(0, 85.0)
    await story.ack()
    await story.at(10, 95.0)
    await story.at(20, 70.0)
    await story.ack("bob")
    detail = await story.collector.alarms.episode((await story.one()).id)
    assert [(each.event, each.after.state, each.after.level) for each in detail.journal] == [
        ("RAISE", "UNACK", "H"),
        ("ACK", "ACKED", "H"),
        ("LEVEL", "ACKED", "HH"),
        ("REALARM", "UNACK", "HH"),
        ("RTN", "RTN_UNACK", "HH"),
        ("ACK", "NORMAL", None),
    ]
    assert detail.journal[1].actor == "ann"
