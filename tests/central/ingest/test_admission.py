"""Who may send when many do: alarms wait but are let in, live next, backfill is refused first."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from central.ingest import admission as module
from central.ingest.admission import ADMITTED, CROWDED, LEAST_CREDIT, MOST_CREDIT, Admission
from central.ingest.figures import Figures
from protocols.errors import IngestError
from protocols.wire.bounds import REQUEST_BYTES
from protocols.words import Lane

KIB = 1024


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def admission(now):
    return Admission(Figures(), lambda: now[0])


@pytest.fixture
async def inside():
    async with AsyncExitStack() as stack:
        yield stack


async def crowd(admission, inside, lane, count, size=KIB):
    for nth in range(count):
        await inside.enter_async_context(admission.enter(f"{lane}-{nth}", lane, size))


async def refused(admission, gateway, lane, size=KIB):
    with pytest.raises(IngestError) as refusal:
        async with admission.enter(gateway, lane, size):
            pass
    return refusal.value


async def let_in(admission, gateway, lane, size=KIB):
    async with asyncio.timeout(60), admission.enter(gateway, lane, size):
        return True


async def test_backfill_is_refused_first_then_live_and_alarms_never(admission, inside):
    await crowd(admission, inside, "live", CROWDED + 1)
    busy = await refused(admission, "gw", "backfill")
    assert (busy.code, busy.status, busy.params["lane"]) == ("BUSY", 503, "backfill")
    assert 2_000 <= busy.params["retry_after_ms"] <= 8_000
    assert await let_in(admission, "gw", "live")
    for nth in range(CROWDED + 1, ADMITTED[Lane.LIVE]):
        await inside.enter_async_context(admission.enter(f"live-{nth}", "live", KIB))
    assert (await refused(admission, "gw", "live")).code == "BUSY"
    await crowd(admission, inside, "alarm", 1_000)
    assert await let_in(admission, "gw", "alarm")


async def test_without_a_lane_a_request_is_backfill(admission, inside):
    await crowd(admission, inside, "backfill", ADMITTED[Lane.BACKFILL])
    assert (await refused(admission, "gw", "")).params["lane"] == "backfill"
    assert (await refused(admission, "gw", "fast")).params["lane"] == "backfill"


async def test_an_alarm_waits_for_bytes_and_is_not_refused(admission, inside, monkeypatch):
    monkeypatch.setattr(module, "ALARM_BUDGET", 3 * KIB)
    first = AsyncExitStack()
    await crowd(admission, first, "alarm", 3)
    waiting = asyncio.create_task(let_in(admission, "gw", "alarm"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    await first.aclose()
    assert await waiting


async def test_alarm_requests_that_wait_are_among_the_few(admission, monkeypatch):
    monkeypatch.setattr(module, "ALARM_BUDGET", KIB)
    first = AsyncExitStack()
    await crowd(admission, first, "alarm", 1)
    waiting = [
        asyncio.create_task(let_in(admission, "gw", "alarm")) for _ in range(module.OWN_ALARMS)
    ]
    await asyncio.sleep(0)
    assert (await refused(admission, "gw", "alarm")).status == 429
    waiting.pop().cancel()
    await asyncio.sleep(0)
    await first.aclose()
    assert all(await asyncio.gather(*waiting))
    assert await let_in(admission, "gw", "alarm")


async def test_one_gateways_alarm_requests_are_few(admission, inside):
    for _ in range(module.OWN_ALARMS):
        await inside.enter_async_context(admission.enter("gw", "alarm", KIB))
    assert (await refused(admission, "gw", "alarm")).status == 429
    assert await let_in(admission, "other", "alarm")


async def test_credit_is_a_fair_share_of_the_budget(admission, now):
    assert admission.credit("gw-0") == MOST_CREDIT
    for nth in range(100):
        admission.credit(f"gw-{nth}")
    assert admission.credit("gw-0") == module.BUDGET // 100
    for nth in range(2_000):
        admission.credit(f"gw-{nth}")
    assert admission.credit("gw-0") == LEAST_CREDIT
    now[0] += module.ACTIVE + 1
    assert admission.credit("gw-0") == MOST_CREDIT


async def test_more_than_the_credit_at_once_is_refused(admission, inside):
    for nth in range(2_000):
        admission.credit(f"gw-{nth}")
    for _ in range(2):
        admission.credit("gw")
    await inside.enter_async_context(admission.enter("gw", "backfill", LEAST_CREDIT))
    refusal = await refused(admission, "gw", "live", 1)
    assert (refusal.code, refusal.status) == ("CREDIT", 429)
    assert refusal.params["limit"] == LEAST_CREDIT
    assert await let_in(admission, "gw", "alarm")


async def test_what_was_granted_just_before_still_counts(admission, inside):
    assert admission.credit("gw") == MOST_CREDIT
    for nth in range(2_000):
        admission.credit(f"gw-{nth}")
    assert admission.credit("gw") == LEAST_CREDIT
    await inside.enter_async_context(admission.enter("gw", "backfill", REQUEST_BYTES))
    assert await let_in(admission, "gw", "live", REQUEST_BYTES)


async def test_a_body_of_unknown_size_counts_as_the_largest(admission, inside, monkeypatch):
    monkeypatch.setattr(module, "BACKFILL_BUDGET", REQUEST_BYTES)
    await inside.enter_async_context(admission.enter("a", "backfill", None))
    assert (await refused(admission, "b", "backfill", 1)).code == "BUSY"


async def test_a_request_of_many_batches_above_the_credit_is_refused(
    collector, gateway, stream, monkeypatch
):
    monkeypatch.setattr(collector.ingest.admission, "allowed", lambda name: 10)
    for value in (1.0, 2.0):
        gateway.seal(stream, gateway.reading("level", value))
    with pytest.raises(IngestError) as refusal:
        await gateway.send(collector, stream, lane="backfill")
    assert (refusal.value.code, refusal.value.status) == ("CREDIT", 429)
    # A single batch cannot be sent in parts, and an alarm is not held to it.
    assert (await gateway.send(collector, stream, 0, 0, lane="backfill")).committed == 1
    assert (await gateway.send(collector, stream, lane="alarm")).committed == 2


async def approach(admission, lane):
    async with asyncio.timeout(60), admission.approach(lane) as refusal:
        return refusal


async def test_what_is_live_steps_aside_while_many_alarms_come(admission):
    alarms = AsyncExitStack()
    for _ in range(module.ALARMS_FIRST):
        assert await alarms.enter_async_context(admission.approach("alarm")) is None
    waiting = asyncio.create_task(approach(admission, "live"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    assert (await approach(admission, "backfill")).code == "BUSY"
    assert await approach(admission, "alarm") is None
    await alarms.aclose()
    assert await waiting is None
    assert await approach(admission, "backfill") is None


async def test_what_is_live_does_not_wait_for_ever(admission, inside, monkeypatch):
    monkeypatch.setattr(module, "ASIDE", 0.01)
    for _ in range(module.ALARMS_FIRST):
        await inside.enter_async_context(admission.approach("alarm"))
    refusal = await approach(admission, "live")
    assert (refusal.code, refusal.params["lane"]) == ("BUSY", "live")


async def test_the_more_are_refused_the_later_they_come_again(admission, inside, now):
    await crowd(admission, inside, "live", CROWDED + 1)
    first = [(await refused(admission, "gw", "backfill")).params["retry_after_ms"]]
    for _ in range(module.BEARABLE * module.LONGER):
        admission.too_many("backfill")
    last = admission.too_many("backfill").params["retry_after_ms"]
    assert max(first) <= 8_000 < 2_000 * module.LONGER <= last
    assert admission.too_many("alarm") is None
    for _ in range(2):
        now[0] += module.SPAN + 1
        calm = admission.too_many("backfill").params["retry_after_ms"]
    assert calm <= 8_000
