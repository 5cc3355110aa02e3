"""What a request brings is stored once, judged like a gateway's, and answered by its key."""

import json

import pytest

from central.database import Urgency
from protocols.quality import Quality
from protocols.words import Purpose
from tests.central.builders import open_collector, refused
from tests.central.door.plant import COUNT, DESCRIPTION, FLOW, LEVEL, NOTE, SMOKE, Enterprise, at
from tests.central.stored import with_readings


def told(answer):
    return {name: answer[name] for name in ("accepted", "known", "quarantined", "duplicate")}


async def rows(collector, sql, *bound):
    return await collector.db.read(lambda conn: with_readings(conn).execute(sql, bound).fetchall())


async def alarms(collector):
    name = "json_extract(level, '$.name')"
    return await rows(collector, f"SELECT {name}, raised, returned, late, purpose FROM episode")


async def test_readings_are_stored_with_their_time_and_quality(enterprise, collector):
    answer = await enterprise.columns(
        "k1",
        [LEVEL, COUNT, SMOKE, NOTE, FLOW, LEVEL],
        [at(-5), at(-4), at(-3), at(-2), at(-1), at()],
        [50, 7.0, 1, "阀门开", 3, None],
        [None, "good", "正常", "可疑", 0x40930000, None],
    )
    assert told(answer) == {"accepted": 6, "known": 0, "quarantined": 0, "duplicate": False}
    assert await enterprise.stored(LEVEL) == [
        (at(-5), 50.0, 0),
        (at(), None, Quality.BAD_SENSOR_FAILURE),
    ]
    assert await enterprise.stored(COUNT) == [(at(-4), 7, 0)]
    assert await enterprise.stored(SMOKE) == [(at(-3), True, 0)]
    assert await enterprise.stored(NOTE) == [(at(-2), "阀门开", Quality.UNCERTAIN)]
    assert await enterprise.stored(FLOW) == [(at(-1), 3.0, 0x40930000)]
    assert [type(row[1]) for row in await enterprise.stored(COUNT)] == [int]
    heads = {head.point: head.value for head in collector.store.latest(site=enterprise.site)}
    assert heads == {LEVEL: None, COUNT: 7, SMOKE: True, NOTE: "阀门开", FLOW: 3.0}
    assert collector.ingest.figures.readings == 6


async def test_only_what_the_system_itself_sends_is_its_contact(collector):
    enterprise = await Enterprise(collector).begin(description=False)
    contacts = collector.gateways
    await enterprise.describe(by="ann")
    assert contacts.contact(enterprise.name).last is None
    await enterprise.describe()
    assert contacts.contact(enterprise.name).last is not None


async def test_the_same_key_and_body_is_told_what_was_done(enterprise, collector):
    first = await enterprise.columns("k1", [LEVEL, "nowhere"], [at(), at()], [50, 1])
    again = await enterprise.columns("k1", [LEVEL, "nowhere"], [at(), at()], [50, 1])
    assert again == {**first, "duplicate": True}
    assert len(await enterprise.stored(LEVEL)) == 1
    assert await rows(collector, "SELECT count(*) FROM quarantine") == [(1,)]
    assert collector.door.figures.duplicates == 1


async def test_the_same_key_with_another_body_is_refused(enterprise):
    await enterprise.columns("k1", [LEVEL], [at()], [50])
    code, status, _ = await refused(enterprise.columns("k1", [LEVEL], [at()], [51]))
    assert (code, status) == ("KEY_REUSED", 409)
    assert await enterprise.stored(LEVEL) == [(at(), 50.0, 0)]
    other = enterprise.post(
        {"columns": {"point": [LEVEL], "time_us": [at()], "value": [50]}},
        "k1",
        purpose=Purpose.TEST,
    )
    assert (await refused(other))[0] == "KEY_REUSED"


async def test_the_same_readings_under_other_keys_are_stored_once(enterprise, collector):
    await enterprise.columns("k1", [LEVEL, COUNT], [at(-9), at(-8)], [50, 1])
    answer = await enterprise.columns(
        "k2",
        [LEVEL, COUNT, COUNT, LEVEL, LEVEL],
        [at(-9), at(-8), at(-8), at(-7), at(-7)],
        [50, 1, 2, 51, 51],
    )
    assert told(answer) == {"accepted": 2, "known": 3, "quarantined": 0, "duplicate": False}
    assert await enterprise.stored(COUNT) == [(at(-8), 1, 0), (at(-8), 2, 0)]
    whole = await enterprise.columns("k3", [LEVEL], [at(-7)], [51])
    assert told(whole) == {"accepted": 0, "known": 1, "quarantined": 0, "duplicate": False}
    assert await rows(collector, "SELECT count(*) FROM reading") == [(4,)]
    assert collector.door.figures.known == 4


async def test_a_restart_knows_keys_and_readings(enterprise, tmp_path, clock):
    await enterprise.columns("k1", [LEVEL], [at()], [50])
    await enterprise.collector.close()
    collector = await open_collector(tmp_path, clock)
    try:
        enterprise.collector = collector
        assert (await enterprise.columns("k1", [LEVEL], [at()], [50]))["duplicate"]
        assert (await enterprise.columns("k2", [LEVEL], [at()], [50]))["known"] == 1
        await enterprise.columns("k3", [LEVEL], [at(1)], [50])
        numbers = await rows(collector, "SELECT count(*), count(DISTINCT ordinal) FROM stream")
        assert numbers[0][0] == numbers[0][1]
        assert await rows(collector, "SELECT code FROM event WHERE kind = 'security'") == []
    finally:
        await collector.close()


async def test_bad_readings_are_put_aside_and_their_neighbours_go_in(enterprise, collector):
    answer = await enterprise.columns(
        "k1",
        [LEVEL, "nowhere", COUNT, LEVEL, LEVEL, SMOKE, [LEVEL], LEVEL],
        [at(-1), at(), at(), at(301), "soon", at(), at(), at()],
        [50, 1, "many", 50, 50, 2, 50, 51],
        [None, None, None, None, None, None, None, "fine"],
    )
    assert answer["items"] == [
        {"index": 1, "reason": "UNKNOWN_POINT"},
        {"index": 2, "reason": "BAD_VALUE"},
        {"index": 3, "reason": "CLOCK_AHEAD"},
        {"index": 4, "reason": "BAD_TIME"},
        {"index": 5, "reason": "BAD_VALUE"},
        {"index": 6, "reason": "UNKNOWN_POINT"},
        {"index": 7, "reason": "BAD_QUALITY"},
    ]
    assert (answer["accepted"], answer["quarantined"]) == (1, 7)
    assert answer["reasons"]["BAD_VALUE"] == 2
    kept = await rows(collector, "SELECT reason, n, detail FROM quarantine ORDER BY id")
    assert [row[0] for row in kept] == [item["reason"] for item in answer["items"]]
    sent = json.loads(kept[1][2])
    assert sent["index"] == 2
    assert sent["sent"]["value"] == "many"
    codes = await rows(collector, "SELECT code FROM event WHERE kind = 'quarantine'")
    assert {code for (code,) in codes} == set(answer["reasons"])
    assert collector.door.figures.quarantined == answer["reasons"]


async def test_the_list_of_what_is_aside_is_bounded_the_count_is_not(enterprise, collector):
    answer = await enterprise.columns("k1", ["x"] * 250, [at()] * 250, [1] * 250)
    assert (len(answer["items"]), answer["quarantined"]) == (100, 250)
    assert await rows(collector, "SELECT count(*) FROM quarantine") == [(250,)]


async def test_points_may_be_named_by_the_index_of_the_current_manifest(enterprise, collector):
    digest = (await enterprise.describe())["manifest"]
    columns = {
        "manifest": digest,
        "point": [0, COUNT, 4, 5, -1, True, 1.0],
        "time_us": [at()] * 7,
        "value": [50, 7, 3, 1, 1, 1, 1],
    }
    answer = await enterprise.post({"columns": columns}, "k1")
    assert told(answer) == {"accepted": 3, "known": 0, "quarantined": 4, "duplicate": False}
    assert answer["reasons"] == {"UNKNOWN_POINT": 4}
    assert await enterprise.stored(LEVEL) == [(at(), 50.0, 0)]
    assert await enterprise.stored(FLOW) == [(at(), 3.0, 0)]
    only = {"manifest": digest, "point": [0, 1], "time_us": [at(1)] * 2, "value": [51, 8]}
    assert (await enterprise.post({"columns": only}, "k2"))["accepted"] == 2
    del only["manifest"]
    unsaid = await enterprise.post({"columns": only}, "k3")
    assert unsaid["reasons"] == {"UNKNOWN_POINT": 2}, "an index of what nobody knows"


async def test_indexes_of_another_manifest_are_refused_whole(enterprise):
    before = (await enterprise.describe())["manifest"]
    one = {"manifest": before, "point": [0], "time_us": [at()], "value": [50]}
    assert (await enterprise.post({"columns": one}, "k1"))["accepted"] == 1
    points = [*DESCRIPTION["points"]][::-1]
    current = (await enterprise.describe(points=points))["manifest"]
    later = {**one, "time_us": [at(1)]}
    assert await refused(enterprise.post({"columns": later}, "k2")) == (
        "DOOR_MANIFEST",
        409,
        {"stated": before, "current": current},
    )
    assert (await enterprise.post({"columns": one}, "k1"))["duplicate"], "answered before"
    long = await refused(enterprise.post({"columns": {**one, "manifest": "x" * 9_999}}, "k3"))
    assert len(long[2]["stated"]) == 80


async def test_another_enterprises_points_are_unknown_here(enterprise, collector):
    other = await Enterprise(collector, "rival", "rival-site").begin()
    theirs = LEVEL.replace("acme/", "rival/").replace("acme-tanks", "rival-site")
    answer = await enterprise.columns("k1", [theirs, LEVEL], [at(), at()], [50, 50])
    assert answer["items"] == [{"index": 0, "reason": "UNKNOWN_POINT"}]
    assert await other.stored(theirs) == []


async def test_the_same_key_of_two_enterprises_is_two_requests(enterprise, collector):
    other = await Enterprise(collector, "rival", "rival-site").begin()
    theirs = LEVEL.replace("acme/", "rival/").replace("acme-tanks", "rival-site")
    assert (await enterprise.columns("k1", [LEVEL], [at()], [50]))["accepted"] == 1
    assert (await other.columns("k1", [theirs], [at()], [50]))["accepted"] == 1


async def test_alarms_are_raised_and_return_as_a_gateways(enterprise, collector, clock):
    await enterprise.columns("k1", [LEVEL], [at()], [85])
    clock.move(10)
    await enterprise.columns("k2", [LEVEL], [at(10)], [95])
    clock.move(10)
    await enterprise.columns("k3", [LEVEL], [at(20)], [50])
    assert await alarms(collector) == [("HH", at(), at(20), 0, "production")]


async def test_the_past_is_judged_as_backfill(enterprise, collector, clock):
    for second in range(0, 60, 10):
        await enterprise.columns(f"a{second}", [LEVEL], [at(second)], [50])
        clock.move(10)
    clock.move(3_540)
    await enterprise.columns("live", [LEVEL], [at(3_600)], [50])
    for second in range(600, 1_200, 60):
        value = 85 if 700 < second < 900 else 50
        await enterprise.columns(f"b{second}", [LEVEL], [at(second)], [value])
    assert await alarms(collector) == [("H", at(720), at(900), 1, "production")]
    assert collector.store.latest([LEVEL])[0].source_time == at(3_600)


async def test_an_alarm_over_a_gap_is_one_alarm(enterprise, collector, clock):
    await enterprise.columns("k1", [LEVEL], [at()], [85])
    clock.move(3_600)
    for nth in range(20):
        await enterprise.columns(f"l{nth}", [LEVEL], [at(3_600 + nth)], [86])
        clock.move(1)
    for second in range(60, 3_600, 120):
        await enterprise.columns(f"b{second}", [LEVEL], [at(second)], [87])
    assert await alarms(collector) == [("H", at(), None, 0, "production")]


async def test_requests_that_follow_each_other_are_one_line_for_the_alarms(
    enterprise, collector, clock
):
    for second in range(5):
        await enterprise.columns(f"k{second}", [LEVEL], [at(second)], [50])
        clock.move(1)
    lines = await rows(collector, "SELECT count(*), max(newest) FROM door_line")
    assert lines == [(1, at(4))]
    own = await rows(collector, "SELECT count(*) FROM stream WHERE line IS NULL AND cursor = 1")
    assert own == [(1,)]


async def test_test_data_goes_the_whole_way_and_is_marked(enterprise, collector):
    body = {"columns": {"point": [LEVEL], "time_us": [at()], "value": [95]}}
    await enterprise.post(body, "k1", purpose=Purpose.TEST)
    assert await alarms(collector) == [("HH", at(), None, 0, "test")]


async def test_a_system_without_a_description_is_told_so(collector):
    bare = await Enterprise(collector).begin(description=False)
    assert await refused(bare.columns("k1", [LEVEL], [at()], [50])) == (
        "DOOR_NO_MANIFEST",
        409,
        {"gateway": "acme"},
    )


async def test_an_empty_request_is_a_sign_of_life(enterprise, collector, clock):
    clock.move(200)
    answer = await enterprise.post({"rows": []}, "k1")
    assert told(answer) == {"accepted": 0, "known": 0, "quarantined": 0, "duplicate": False}
    clock.move(290)
    await collector.gateways._check(clock.now())
    assert collector.gateways.online("acme")
    clock.move(20)
    await collector.gateways._check(clock.now())
    assert not collector.gateways.online("acme")
    await enterprise.columns("k2", [LEVEL], [at(510)], [50])
    assert collector.gateways.online("acme")


async def test_evidence_holds_the_readings_in_the_wire_s_own_form(enterprise, collector):
    texts = ["长" * 1_300] * 320
    points, times = [NOTE] * len(texts), [at(-nth) for nth in range(len(texts))]
    answer = await enterprise.columns("k1", points, times, texts)
    assert answer["accepted"] == 320
    found = await rows(
        collector,
        "SELECT s.cursor, count(*), sum(e.n), max(length(e.body)) FROM stream s "
        "JOIN evidence e ON e.stream = s.number WHERE s.id = ?",
        answer["stream"],
    )
    assert found[0][:3] == (320, 2, 320)
    assert found[0][3] <= 1 << 20


@pytest.mark.parametrize("order", [1, -1])
async def test_the_order_of_a_table_tells_nothing(enterprise, collector, order):
    values = [50, 85, 95, 50][::order]
    times = [at(-40), at(-30), at(-20), at(-10)][::order]
    await enterprise.columns("k1", [LEVEL] * 4, times, values)
    assert await alarms(collector) == [("HH", at(-30), at(-10), 0, "production")]


async def test_an_alarm_point_goes_first_and_the_past_last(enterprise, collector, monkeypatch):
    seen, write = [], collector.db.write

    async def noting(work, after=None, *, urgency=Urgency.USUAL, **how):
        seen.append(urgency)
        return await write(work, after, urgency=urgency, **how)

    monkeypatch.setattr(collector.db, "write", noting)
    await enterprise.columns("k1", [SMOKE, LEVEL], [at(), at()], [True, 50])
    await enterprise.columns("k2", [LEVEL], [at()], [51])
    await enterprise.columns("k3", [SMOKE], [at(-90)], [True])
    assert seen == [Urgency.URGENT, Urgency.USUAL, Urgency.PATIENT]
