"""The journal followed from elsewhere: nothing is missed, nothing of other sites is told."""

from tests.central.api.test_alarm_acts import (  # noqa: F401
    ALARM,
    at_one_time,
    base,
    clock,
    staff,
    story,
)

JOURNAL = "/api/v1/alarms/journal"


async def follow(person, **asked):
    status, told = await person.get(JOURNAL, **asked)
    assert status == 200
    return told


async def test_a_reader_hears_each_line_until_it_is_done_with_it(staff, story):  # noqa: F811
    ann = await staff("ann")
    first = await follow(ann, reader="sms")
    (line,) = first["items"]
    assert (line["event"], line["alarm"], line["site"]) == ("RAISE", "A-20260612-0001", "site")
    assert (line["purpose"], line["late"], line["value"]) == ("production", False, 85.0)
    assert await follow(ann, reader="sms") == first
    status, _ = await ann.do(f"{JOURNAL}/place", {"reader": "sms", "position": first["next"]})
    assert status == 200
    assert (await follow(ann, reader="sms"))["items"] == []
    await ann.do(f"{ALARM}/acknowledge", {})
    await story.at(5, 50.0)
    told = await follow(ann, reader="sms")
    assert [each["event"] for each in told["items"]] == ["ACK", "RTN"]
    assert told["items"][0]["actor"] == "ann"
    assert told["next"] == told["newest"] == first["next"] + 2
    again = await follow(ann, after=first["next"], limit=1)
    assert [each["event"] for each in again["items"]] == ["ACK"]
    assert again["next"] == first["next"] + 1


async def test_a_reader_neither_goes_back_nor_beyond_what_there_is(staff):  # noqa: F811
    ann, ben = await staff("ann"), await staff("ben")
    assert (await ann.do(f"{JOURNAL}/place", {"reader": "sms", "position": 1}))[0] == 200
    for position in (0, 2):
        status, told = await ann.do(f"{JOURNAL}/place", {"reader": "sms", "position": position})
        assert (status, told["code"]) == (422, "JOURNAL_PLACE")
        assert told["params"] == {"reader": "sms", "position": position, "least": 1, "most": 1}
    # Another person's reader of the same name is another one.
    assert len((await follow(ben, reader="sms"))["items"]) == 1


async def test_lines_of_other_sites_are_passed_over(staff):  # noqa: F811
    told = await follow(await staff("cid", scope=["elsewhere"]), after=0)
    assert (told["items"], told["next"]) == ([], 1)
