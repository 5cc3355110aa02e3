"""The commit rule of docs/wire.md section 7, with real encoded batches."""

import asyncio
import threading

import pytest

from central.ingest import contents, evidence, gate
from protocols.wire.batch import LedgerLine, SkipReason
from protocols.wire.request import compress, pack
from protocols.words import Event, Reading, TimeMark
from tests.central.builders import SECOND, START, Gateway, refused
from tests.central.store.asking import stored_of

POINT = "site/gw/tank/level"


async def stored(collector, point=POINT):
    return (await stored_of(collector, point)).values


async def rows(collector, sql, *values):
    return await collector.db.read(lambda conn: conn.execute(sql, values).fetchall())


async def test_batches_in_order_are_stored_once(collector, gateway, stream, clock):
    for value in (1.0, 2.0, 3.0):
        clock.move(1)
        answer = await gateway.deliver(collector, stream, gateway.reading("level", value))
    assert answer.committed == answer.safe == 3
    assert answer.incarnation == collector.db.incarnation
    assert await stored(collector) == [1.0, 2.0, 3.0]


async def test_the_same_again_changes_nothing(collector, gateway, stream):
    await gateway.deliver(collector, stream, gateway.reading("level", 1.0))
    answer = await gateway.send(collector, stream)
    assert answer.committed == 1
    assert await stored(collector) == [1.0]
    assert (await collector.events()).items == ()


async def test_a_gap_is_refused_with_what_is_expected(collector, gateway, stream):
    for value in (1.0, 2.0, 3.0):
        gateway.seal(stream, gateway.reading("level", value))
    await gateway.send(collector, stream, 0, 0)
    here = {"expected": 2, "head": stream.heads[0].hex()}
    assert await refused(gateway.send(collector, stream, 2)) == ("GAP", 409, here)
    assert await stored(collector) == [1.0]


async def test_a_straddling_request_adds_what_is_new(collector, gateway, stream):
    for value in (1.0, 2.0, 3.0):
        gateway.seal(stream, gateway.reading("level", value))
    await gateway.send(collector, stream, 0, 1)
    assert (await gateway.send(collector, stream, 0, 2)).committed == 3
    assert await stored(collector) == [1.0, 2.0, 3.0]


async def test_a_batch_across_the_cursor_is_refused(collector, gateway, stream):
    gateway.seal(stream, gateway.reading("level", 1.0))
    await gateway.send(collector, stream)
    forged = gateway.open()
    forged.id, forged.opening, forged.number = stream.id, stream.opening, stream.number
    gateway.seal(forged, gateway.reading("level", 1.0), gateway.reading("level", 2.0))
    code, status, params = await refused(gateway.send(collector, forged))
    assert (code, status, params["expected"]) == ("NOT_AN_EDGE", 409, 2)
    assert params["head"] == stream.heads[0].hex()
    assert await stored(collector) == [1.0]


async def test_other_data_under_known_numbers_keeps_the_first_and_alerts(
    collector, gateway, stream
):
    gateway.seal(stream, gateway.reading("level", 1.0))
    await gateway.send(collector, stream)
    forged = gateway.open()
    forged.id, forged.opening, forged.number = stream.id, stream.opening, stream.number
    gateway.seal(forged, gateway.reading("level", 99.0))
    assert (await gateway.send(collector, forged)).committed == 1
    assert await stored(collector) == [1.0]
    event = (await collector.events()).items[0]
    assert (event.kind, event.code, event.subject) == (
        "security",
        "STREAM_DIVERGES",
        f"gw/{stream.id}",
    )


async def test_a_broken_chain_stores_nothing_and_alerts(collector, gateway, stream):
    gateway.seal(stream, gateway.reading("level", 1.0))
    bad = gateway.request(stream, chain=f"seq=1;h={'1' * 64}")
    code, status, _ = await refused(collector.ingest.post_batches("gw", stream.id, bad))
    assert (code, status) == ("CHAIN", 400)
    assert await stored(collector) == []
    assert (await collector.events()).items[0].code == "CHAIN_BROKEN"


async def test_a_head_that_was_lost_is_no_matter_of_security(collector, gateway, stream):
    """Where it stands is told, so that the gateway can go on; nobody has forged anything."""
    gateway.seal(stream, gateway.reading("level", 1.0))
    lost = gateway.request(stream, chain=f"seq=1;h={'0' * 64}")
    code, status, params = await refused(collector.ingest.post_batches("gw", stream.id, lost))
    assert (code, status) == ("CHAIN", 400)
    assert len(params["head"]) == 64
    assert (await collector.events()).items == ()


async def test_what_comes_again_without_a_head_is_a_duplicate(collector, gateway, stream):
    gateway.seal(stream, gateway.reading("level", 1.0))
    await gateway.send(collector, stream)
    lost = gateway.request(stream, chain=f"seq=1;h={'0' * 64}")
    assert (await collector.ingest.post_batches("gw", stream.id, lost)).committed == 1
    assert (await collector.events()).items == ()


async def test_a_body_that_does_not_decode_is_put_aside_whole(collector, gateway, stream, clock):
    gateway.seal(stream, gateway.reading("level", 1.0))
    _, n, raw = stream.batches.pop()
    stream.heads.pop()
    stream.seq = 0
    stream.seal(raw[:-1] + bytes([raw[-1] ^ 1, 0]), n)
    clock.move(1)
    gateway.seal(stream, gateway.reading("level", 2.0))
    assert (await gateway.send(collector, stream)).committed == 2
    assert await stored(collector) == [2.0]
    aside = await rows(collector, "SELECT seq, n, reason, body IS NOT NULL FROM quarantine")
    assert aside == [(1, 1, "UNDECODABLE", 1)]
    assert (await collector.events()).items[0].kind == "quarantine"


async def test_bad_items_go_aside_and_their_neighbours_do_not(collector, gateway, stream):
    await gateway.deliver(
        collector,
        stream,
        gateway.reading("level", 1.0, ago=2),
        gateway.reading(17, 5.0),
        gateway.reading("level", 2.0, ago=-301),
        gateway.reading("level", 3.0, ago=-299),
    )
    assert await stored(collector) == [1.0, 3.0]
    aside = await rows(collector, "SELECT seq, reason FROM quarantine ORDER BY seq")
    assert aside == [(2, "UNKNOWN_POINT"), (3, "CLOCK_AHEAD")]
    codes = {event.code for event in (await collector.events()).items}
    assert codes == {"UNKNOWN_POINT", "CLOCK_AHEAD"}
    assert collector.ingest.figures.quarantined == 2


async def test_a_skip_moves_the_cursor_and_enters_the_loss(collector, gateway, stream):
    gateway.seal_skip(
        stream, SkipReason.QUOTA, [LedgerLine(point=0, start=START, end=START + SECOND, count=7)]
    )
    gateway.seal(stream, gateway.reading("level", 8.0))
    assert (await gateway.send(collector, stream)).committed == 8
    assert await stored(collector) == [8.0]
    number = collector.registry.number(POINT)
    loss = await rows(collector, "SELECT reason, point, time_from, time_to, count FROM loss")
    assert loss == [("quota", number, START, START + SECOND, 7)]
    event = (await collector.events()).items[0]
    assert (event.kind, event.params) == ("loss", {"count": 7, "reason": "quota"})
    assert (await collector.overview()).platform.loss_today == 7


async def test_an_original_after_its_skip_is_recovered_once(collector, gateway, stream):
    skipped = gateway.open()
    skipped.id, skipped.opening, skipped.number = stream.id, stream.opening, stream.number
    gateway.seal_skip(
        skipped, SkipReason.CORRUPT, [LedgerLine(point=0, start=None, end=None, count=2)]
    )
    await gateway.send(collector, skipped)
    gateway.seal(stream, gateway.reading("level", 1.0, ago=1), gateway.reading("level", 2.0))
    for _ in range(2):
        assert (await gateway.send(collector, stream)).committed == 2
    assert await stored(collector) == [1.0, 2.0]
    assert (await collector.overview()).platform.loss_today == 0
    assert [event.kind for event in (await collector.events()).items] == ["loss"]
    # The skip that comes again has no effect either.
    assert (await gateway.send(collector, skipped)).committed == 2
    assert await stored(collector) == [1.0, 2.0]


async def test_events_of_the_gateway_are_kept_as_faults(collector, gateway, stream, clock):
    event = Event("DEVICE_UNREACHABLE", "site/tank", clock.mono() - SECOND, (("tries", 3),))
    gateway.seal_events(stream, event)
    assert (await gateway.send(collector, stream)).committed == 1
    kept = (await collector.events()).items[0]
    assert (kept.kind, kept.code, kept.subject) == ("fault", "DEVICE_UNREACHABLE", "gw/site/tank")
    assert kept.time == clock.now() - SECOND
    assert kept.params == {"tries": 3}


async def test_an_unknown_stream_and_another_gateways_stream_are_refused(
    collector, gateway, stream, clock
):
    unknown = gateway.open()
    gateway.seal(unknown, gateway.reading("level", 1.0))
    code, status, params = await refused(gateway.send(collector, unknown))
    assert (code, status, params) == ("STREAM_UNKNOWN", 404, {"expected": 1})
    await collector.registry.add_gateway("other")
    gateway.seal(stream, gateway.reading("level", 1.0))
    request = gateway.request(stream)
    assert (await refused(collector.ingest.post_batches("other", stream.id, request)))[:2] == (
        "FORBIDDEN",
        403,
    )
    other = Gateway(clock, "other")
    assert (await refused(other.register(collector, stream)))[:2] == ("FORBIDDEN", 403)


async def test_a_manifest_must_be_its_digest_and_the_gateways_own(collector, gateway, clock):
    body, encoding = compress(gateway.manifest)
    put = collector.ingest.put_manifest
    assert (await refused(put("gw", "0" * 64, body, encoding)))[:2] == ("DIGEST", 400)
    other = Gateway(clock, "other")
    body, encoding = compress(other.manifest)
    from protocols.wire.manifest import manifest_digest

    named = manifest_digest(other.manifest)
    assert (await refused(put("gw", named, body, encoding)))[:2] == ("FORBIDDEN", 403)
    assert (await refused(put("gw", named, b"junk", encoding)))[:2] == ("WIRE", 400)


async def test_a_stream_needs_its_manifest_and_opens_one_way(collector, gateway):
    opened = gateway.open()
    put = collector.ingest.put_stream
    code, status, _ = await refused(put("gw", opened.id, opened.opening))
    assert (code, status) == ("MANIFEST_UNKNOWN", 428)
    await gateway.register(collector, opened)
    await put("gw", opened.id, opened.opening)
    again = opened.opening.replace(b'"number":1', b'"number":9')
    assert (await refused(put("gw", opened.id, again)))[:2] == ("STREAM_DIVERGES", 409)
    assert (await refused(put("gw", "0" * 32, opened.opening)))[:2] == ("WIRE", 400)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"content_digest": "sha-256=:" + "A" * 43 + "=:"}, "DIGEST"),
        ({"content_digest": "md5"}, "WIRE"),
        ({"chain": "seq=2;h=" + "0" * 64}, "CHAIN"),
        ({"clock": "noon"}, "WIRE"),
        ({"lane": "fast"}, "WIRE"),
        ({"lane": "ALARM"}, "WIRE"),
        ({"nonce": "1"}, "WIRE"),
        ({"encoding": "br"}, "WIRE"),
    ],
)
async def test_headers_that_do_not_fit_are_refused(collector, gateway, stream, changed, code):
    gateway.seal(stream, gateway.reading("level", 1.0))
    request = gateway.request(stream, **changed)
    refusal = await refused(collector.ingest.post_batches("gw", stream.id, request))
    assert refusal[:2] == (code, 400)
    assert await stored(collector) == []
    assert collector.ingest.figures.refused[code] == 1


async def test_batches_that_do_not_follow_each_other_are_refused(collector, gateway, stream):
    for value in (1.0, 2.0, 3.0):
        gateway.seal(stream, gateway.reading("level", value))
    from protocols.wire.headers import content_digest

    body, encoding = pack([stream.batches[0][2], stream.batches[2][2]])
    request = gateway.request(
        stream, body=body, encoding=encoding, content_digest=content_digest(body)
    )
    refusal = await refused(collector.ingest.post_batches("gw", stream.id, request))
    assert refusal[2]["reason"] == "NOT_CONSECUTIVE"


async def test_every_value_class_comes_back_as_it_was(collector, gateway, stream, clock):
    values = {
        "level": [0.1, -0.0, 5.0, 1e300, 78.25, 3],
        "smoke": [True, False],
        "count": [2**63 - 1, -(2**63), 2**64 - 1, 2**53 + 1, 0],
        "note": ["阀门开", "", "a'b"],
    }
    for point, items in values.items():
        for value in [*items, None]:
            clock.move(1)
            gateway.seal(stream, gateway.reading(point, value))
    await gateway.send(collector, stream)
    for point, items in values.items():
        back = await stored(collector, f"site/gw/tank/{point}")
        assert [(type(v), repr(v)) for v in back] == [(type(v), repr(v)) for v in [*items, None]]


async def test_a_full_disk_takes_nothing_and_passes(collector, gateway, stream, clock):
    """What could not be written is refused whole; alarms and cursors are as if it never came."""

    async def limit(pages):
        await collector.db.write(lambda t: t.execute(f"PRAGMA max_page_count = {pages}").fetchone())

    (used,) = await collector.db.read(lambda conn: conn.execute("PRAGMA page_count").fetchone())
    await limit(used)
    clock.move(60)
    many = [gateway.reading("level", 95.0 - n / 100, ago=60 - n / 100) for n in range(3000)]
    gateway.seal(stream, *many)
    code, status, params = await refused(gateway.send(collector, stream))
    assert (code, status, params) == ("STORE_UNAVAILABLE", 503, {"retry_after_ms": 5000})
    assert await stored(collector) == []
    assert (await collector.alarms.episodes()).items == ()
    await limit(1_000_000)
    assert (await gateway.send(collector, stream)).committed == 3000
    assert len(await stored(collector)) == 3000
    (episode,) = (await collector.alarms.episodes()).items
    assert (episode.id, episode.state) == ("A-20260612-0001", "RTN_UNACK")


async def test_times_no_clock_ever_showed_do_not_block_the_stream(collector, gateway, stream):
    own = [
        Reading(0, float(n), 0, time, TimeMark.SOURCE)
        for n, time in enumerate((-(2**61), -1, 0, 2**61, START))
    ]
    assert (await gateway.deliver(collector, stream, *own)).committed == 5
    assert await stored(collector) == [2.0, 4.0]
    aside = await rows(collector, "SELECT seq, reason FROM quarantine ORDER BY seq")
    assert aside == [(1, "CLOCK_BEHIND"), (2, "CLOCK_BEHIND"), (4, "CLOCK_AHEAD")]


async def test_an_original_with_other_edges_than_the_recovered_one_is_not_stored(
    collector, gateway, stream
):
    def again(*values):
        other = gateway.open()
        other.id, other.opening, other.number = stream.id, stream.opening, stream.number
        first, readings = values[0], [gateway.reading("level", value) for value in values[1:]]
        other.seq = first - 1
        gateway.seal(other, *readings)
        return other

    skipped = gateway.open()
    skipped.id, skipped.opening, skipped.number = stream.id, stream.opening, stream.number
    gateway.seal_skip(
        skipped, SkipReason.CORRUPT, [LedgerLine(point=0, start=None, end=None, count=4)]
    )
    await gateway.send(collector, skipped)
    assert (await gateway.send(collector, again(1, 1.0, 2.0))).committed == 4
    for odd in (again(2, 2.0, 3.0), again(1, 1.0, 2.0, 3.0), again(2, 2.0)):
        assert (await gateway.send(collector, odd)).committed == 4
    assert (await gateway.send(collector, again(3, 3.0, 4.0))).committed == 4
    assert sorted(await stored(collector)) == [1.0, 2.0, 3.0, 4.0]
    security = [e.code for e in (await collector.events()).items if e.kind == "security"]
    assert security == ["STREAM_DIVERGES"]
    assert (await collector.overview()).platform.loss_today == 0


async def test_what_is_asked_with_every_request_is_found_by_an_index(collector):
    def plans(conn):
        found = {}
        for query, values in (
            (evidence._SKIPS, (1, 9)),
            (evidence._ORIGINALS, (1, 9)),
            ("SELECT 1 FROM event WHERE code = ? AND subject = ? AND recorded > ?", ("a", "b", 1)),
            ("SELECT sum(n) FROM quarantine WHERE received >= ?", (1,)),
            ("SELECT sum(count) FROM loss WHERE received >= ?", (1,)),
            ("SELECT count(*) FROM episode WHERE closed IS NOT NULL", ()),
        ):
            plan = conn.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall()
            found[query] = " ".join(step[3] for step in plan)
        return found

    for query, plan in (await collector.db.read(plans)).items():
        assert "INDEX" in plan, query
        assert query != evidence._SKIPS or "evidence_skip" in plan
        assert "event " not in query or "recorded>?" in plan


async def test_numbers_of_points_are_remembered_within_bounds(
    collector, gateway, stream, monkeypatch
):
    monkeypatch.setattr(contents, "MAPPED", 5)  # one manifest of four points
    other = Gateway(gateway.clock, "other")
    await collector.registry.add_gateway("other")
    theirs = other.open()
    await other.register(collector, theirs)
    for value in (1.0, 2.0):
        await gateway.deliver(collector, stream, gateway.reading("level", value))
        await other.deliver(collector, theirs, other.reading("level", value))
    assert await stored(collector) == [1.0, 2.0]
    assert len(await stored(collector, "site/other/tank/level")) == 2


async def test_an_alarm_is_prepared_beside_a_backlog(collector, gateway, stream, monkeypatch):
    inflating, go, loop = asyncio.Event(), threading.Event(), asyncio.get_running_loop()
    prepare = gate.prepare

    def slow(request):
        if request.lane == "backfill":
            loop.call_soon_threadsafe(inflating.set)
            go.wait(120)
        return prepare(request)

    monkeypatch.setattr(gate.requests, "prepare_small", lambda request: None)  # as if it were large
    monkeypatch.setattr(gate, "prepare", slow)
    alarms = gateway.open()
    await gateway.register(collector, alarms)
    for each in (stream, alarms):
        gateway.seal(each, gateway.reading("level", 1.0))
    late = asyncio.create_task(gateway.send(collector, stream, lane="backfill"))
    await inflating.wait()
    async with asyncio.timeout(60):
        assert (await gateway.send(collector, alarms, lane="alarm")).committed == 1
    assert not late.done()
    go.set()
    assert (await late).committed == 1
