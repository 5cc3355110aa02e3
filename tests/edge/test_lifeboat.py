"""A medium that fails under the buffer: memory takes over, alarms go out, everything comes back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from edge.buffer import Budget, Buffer, Pending
from edge.buffer.lifeboat import Lifeboat
from edge.buffer.store import Store
from edge.config import BufferSettings
from protocols.errors import BufferFault, BufferFull
from protocols.wire.batch import EventsBatch, SkipBatch, SkipReason, decode_batch
from protocols.words import Lane, Reading, StreamKind
from tests.edge.buffer_suite import (
    ALARM,
    DATA,
    ORIGIN,
    PLENTY,
    BufferSuite,
    Reopen,
    put,
    readings,
    values_of,
)
from tests.edge.media import MEDIA, FailingMedium
from tests.edge.test_buffer import abandon
from tests.edge.test_buffer_files import drain, told
from tests.fakes import FakeClock

Open = Callable[..., Awaitable[Buffer]]
Told = list[tuple[str, int, int]]

WHOLLY_GONE = pytest.mark.parametrize("medium", ["no writes", "no folder"], indirect=True)


@pytest.fixture(params=list(MEDIA))
def medium(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FailingMedium]:
    with MEDIA[request.param](tmp_path / "buffer") as made:
        yield made


@pytest.fixture
def reported() -> Told:
    return []


@pytest.fixture
async def opened(medium: FailingMedium, reported: Told) -> AsyncIterator[Open]:
    made: list[Buffer] = []

    async def open_(memory: int = 1 << 20, **more: bool) -> Buffer:
        settings = BufferSettings(
            folder=medium.folder, quota_bytes=1 << 30, memory_bytes=memory, segment_bytes=1 << 16
        )
        report = lambda *each: reported.append(each)  # noqa: E731
        made.append(await Buffer.open(settings, ORIGIN, FakeClock(), report=report, **more))
        return made[-1]

    yield open_
    medium.mend()
    for buffer in made:
        await buffer.close()


async def keep(buffer: Buffer, *values: float, kind: StreamKind = DATA) -> asyncio.Future[None]:
    """Take in and seal; what is returned is done when it is durable."""
    done = buffer.append(kind, readings(*values))
    await buffer.seal(kind)
    return done


async def everything(buffer: Buffer) -> list[float]:
    """Drain all lanes; returns the values, which must not be doubled."""
    found: list[float] = []
    for lane in (Lane.ALARM, Lane.LIVE, Lane.BACKFILL):
        values, skips, _ = told(await drain(buffer, lane))
        assert not skips
        found += values
    assert len(found) == len(set(found))
    return sorted(found)


async def test_an_alarm_goes_out_though_the_medium_fails(
    opened: Open, medium: FailingMedium
) -> None:
    buffer = await opened()
    await put(buffer, 1.0)
    medium.fail()
    alarm = await keep(buffer, 9.0, kind=ALARM)
    assert not alarm.done(), "neither on the medium nor with the collector"
    stats = await buffer.stats()
    assert (stats.failing, stats.medium) == ("BUFFER_IO", "memory")
    values, _, _ = told(await drain(buffer, Lane.ALARM))
    assert values == [9.0]
    await asyncio.wait_for(alarm, 60)
    await buffer.seal(ALARM)
    assert told(await drain(buffer, Lane.ALARM))[2] == ["BUFFER_FAILING"]


async def test_what_was_undelivered_comes_back_onto_the_medium(
    opened: Open, medium: FailingMedium, reported: Told
) -> None:
    buffer = await opened()
    await put(buffer, 1.0)
    medium.fail()
    waits = [await keep(buffer, float(value)) for value in range(2, 8)]
    waits.append(await keep(buffer, 9.0, kind=ALARM))
    assert not await buffer.recover()
    assert not any(wait.done() for wait in waits)
    assert len(reported) == 1
    medium.mend()
    assert await buffer.recover()
    await asyncio.wait_for(asyncio.gather(*waits), 60)
    assert sum(n for _, _, n in reported) >= 8, "told as durable, once"
    assert len({(s, first) for s, first, _ in reported}) == len(reported)
    stats = await buffer.stats()
    assert (stats.failing, stats.medium, stats.memory_bytes) == (None, "ok", 0)
    await abandon(buffer)  # a kill: what is on the medium is all that counts
    again = await opened()
    assert await everything(again) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 9.0]
    await again.seal(ALARM)


async def test_it_says_that_it_fails_and_that_it_works_again_once_each(
    opened: Open, medium: FailingMedium
) -> None:
    buffer = await opened()
    medium.fail()
    for value in (1.0, 2.0, 3.0):
        await keep(buffer, value)
        await keep(buffer, 10 + value, kind=ALARM)
        assert not await buffer.recover()
    medium.mend()
    assert await buffer.recover()
    await buffer.seal(ALARM)
    codes = told(await drain(buffer, Lane.ALARM))[2]
    assert codes.count("BUFFER_FAILING") == 1
    assert codes.count("BUFFER_WORKS_AGAIN") == 1


async def test_what_the_collector_took_from_memory_is_not_sent_again(
    opened: Open, medium: FailingMedium
) -> None:
    buffer = await opened()
    medium.fail()
    first = await keep(buffer, 1.0)
    second = await keep(buffer, 2.0)
    rest = {1.0: first, 2.0: second}
    pending = await next_data(buffer, Budget(batches=1, bytes=1))
    assert pending is not None
    await buffer.committed(pending.stream, pending.last, pending.last)
    assert rest.pop(values_of(pending)[0]).done()
    left, last = rest.popitem()
    assert not last.done()
    medium.mend()
    assert await buffer.recover()
    await last
    await abandon(buffer)
    again = await opened()
    assert await everything(again) == [left]


async def test_what_is_not_backed_up_is_kept_though_the_collector_has_it(
    opened: Open, medium: FailingMedium
) -> None:
    buffer = await opened()
    await buffer.meet("aa" * 16)
    medium.fail()
    await keep(buffer, 1.0)
    pending = await next_data(buffer)
    assert pending is not None
    await buffer.committed(pending.stream, pending.last, 0)
    medium.mend()
    assert await buffer.recover()
    assert await buffer.meet("bb" * 16), "restored from a backup made before"
    assert await everything(buffer) == [1.0]


async def test_an_end_in_doubt_follows_its_beginning_under_its_own_numbers(
    opened: Open, medium: FailingMedium
) -> None:
    buffer = await opened()
    await put(buffer, 1.0)
    await put(buffer, 2.0)
    before = await buffer.pending(Lane.LIVE, PLENTY)
    assert before is not None
    medium.fail()
    await keep(buffer, 3.0)
    await keep(buffer, 4.0)
    if medium.readable:
        whole = []
        while (pending := await next_data(buffer)) is not None:
            if pending.stream == before.stream:
                whole.append((pending.first, pending.last))
            await buffer.committed(pending.stream, pending.last, pending.last)
        assert whole == [(1, 2), (3, 3)]
    medium.mend()
    assert await buffer.recover()
    assert await everything(buffer) == ([] if medium.readable else [1.0, 2.0, 3.0, 4.0])


async def next_data(buffer: Buffer, budget: Budget = PLENTY) -> Pending | None:
    live = await buffer.pending(Lane.LIVE, budget)
    return live or await buffer.pending(Lane.BACKFILL, budget)


async def test_a_kill_while_it_fails_doubles_nothing(opened: Open, medium: FailingMedium) -> None:
    buffer = await opened()
    await put(buffer, 1.0)
    medium.fail()
    waits = [await keep(buffer, 2.0), await keep(buffer, 3.0)]
    sent: dict[tuple[str, int], bytes] = {}
    while (pending := await next_data(buffer)) is not None:
        sent[pending.stream, pending.first] = b"".join(pending.batches)
        await buffer.committed(pending.stream, pending.last, 0)
    accepted = [wait.done() for wait in waits]
    medium.mend()
    await abandon(buffer)
    again = await opened()
    for pending in await drain(again, Lane.BACKFILL):
        data = b"".join(pending.batches)
        known = sent.get((pending.stream, pending.first), data)
        assert known.startswith(data) or data.startswith(known), "one number, one payload"
    assert accepted == ([True, True] if medium.readable else accepted)


@WHOLLY_GONE
async def test_it_starts_though_the_folder_cannot_be_used(
    opened: Open, medium: FailingMedium
) -> None:
    first = await opened()
    await put(first, 1.0)
    old = await first.pending(Lane.LIVE, PLENTY)
    await first.close()
    medium.fail()
    buffer = await opened()
    await keep(buffer, 2.0)
    await keep(buffer, 9.0, kind=ALARM)
    assert (await buffer.stats()).medium == "memory"
    alarm = await buffer.pending(Lane.ALARM, PLENTY)
    live = await buffer.pending(Lane.LIVE, PLENTY)
    assert alarm is not None
    assert values_of(live) == [2.0]
    assert old is not None
    assert live is not None
    assert live.number > old.number
    medium.mend()
    assert await buffer.recover()
    assert await everything(buffer) == [1.0, 2.0, 9.0]


@WHOLLY_GONE
async def test_who_only_looks_is_refused_where_nothing_can_be_opened(
    opened: Open, medium: FailingMedium
) -> None:
    medium.fail()
    with pytest.raises(BufferFault):
        await opened(needs_medium=True)


async def test_a_full_memory_gives_up_routine_data_first_and_says_so(
    opened: Open, medium: FailingMedium
) -> None:
    buffer = await opened(memory=1 << 18)
    medium.fail()
    alarm = await keep(buffer, 9.0, kind=ALARM)
    waits = []
    for turn in range(120):
        items = [Reading(n % 2, f"{turn}:{n}" * 4, 0, n) for n in range(300)]
        waits.append(buffer.append(DATA, items))
        await buffer.seal(DATA)
    stats = await buffer.stats()
    assert stats.memory_bytes <= stats.memory_limit == 1 << 18
    lost = stats.drops["memory"]
    assert lost > 0
    assert isinstance(waits[0].exception(), BufferFault)
    assert not waits[-1].done()
    medium.mend()
    assert await buffer.recover()
    found = [p for lane in (Lane.LIVE, Lane.BACKFILL) for p in await drain(buffer, lane)]
    skips = skips_of(found)
    assert sum(skip.header.n for skip in skips) == lost
    assert {skip.reason for skip in skips} == {SkipReason.QUOTA}
    assert {line.point for skip in skips for line in skip.ledger} == {0, 1}
    await alarm
    assert (await buffer.stats()).drops["memory"] == lost, "counted on after memory was let go"
    assert 9.0 in told(await drain(buffer, Lane.ALARM))[0], "alarms go last"


def skips_of(pendings: list[Pending]) -> list[SkipBatch]:
    batches = [decode_batch(data) for pending in pendings for data in pending.batches]
    return [batch for batch in batches if isinstance(batch, SkipBatch)]


async def test_failing_again_while_coming_back_loses_nothing(
    opened: Open, medium: FailingMedium
) -> None:
    buffer = await opened()
    total = 0.0
    for _ in range(3):
        medium.fail()
        for _ in range(4):
            await keep(buffer, total)
            await keep(buffer, total + 0.5, kind=ALARM)
            total += 1
        medium.mend()
        coming = asyncio.create_task(buffer.recover())
        await asyncio.sleep(0.01)
        medium.fail()
        await coming
    medium.mend()
    assert await buffer.recover()
    expected = sorted(at + half for at in range(int(total)) for half in (0.0, 0.5))
    assert await everything(buffer) == expected


class Afloat(Buffer):
    """A buffer whose medium does not work: the face the common suite asks for."""

    medium: FailingMedium

    def append(self, kind, items):  # type: ignore[no-untyped-def,override]
        """What is in memory is not durable; the suite only wants to know that it was taken."""
        super().append(kind, items)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def _tell(self, code, params):  # type: ignore[no-untyped-def]
        """Its events would stand between the alarms that the suite counts."""

    async def close(self) -> None:
        self.medium.mend()
        await super().close()


@WHOLLY_GONE
class TestLifeboat(BufferSuite):
    """The suite against memory, from a start without a medium; a new process finds it mended."""

    @pytest.fixture
    async def reopen(self, medium: FailingMedium) -> AsyncIterator[Reopen]:
        made: list[Buffer] = []

        async def again(*, kill: bool = False) -> Buffer:
            settings = BufferSettings(folder=medium.folder, quota_bytes=1 << 30)
            if made and kill:
                medium.mend()
                assert await made[-1].recover()
                await abandon(made[-1])
            elif made:
                await made[-1].close()
            if not made:
                medium.fail()
            Afloat.medium = medium
            made.append(await (Buffer if made else Afloat).open(settings, ORIGIN, FakeClock()))
            return made[-1]

        yield again
        for buffer in made:
            await buffer.close()


async def test_a_medium_that_fills_while_things_come_back_goes_on_taking_alarms(
    opened: Open, medium: FailingMedium, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = await opened()
    medium.fail()
    wait = await keep(buffer, 1.0)
    medium.mend()

    def full(*_: object, **__: object) -> None:
        raise BufferFull(file="data")

    with monkeypatch.context() as patch:
        patch.setattr("edge.buffer.rescue.take", full)
        assert not await buffer.recover()
        alarm = await keep(buffer, 9.0, kind=ALARM)
        assert alarm.done(), "on the medium"
        assert not wait.done()
    assert await buffer.recover()
    assert wait.done()
    assert await everything(buffer) == [1.0, 9.0]


async def test_it_says_when_not_even_memory_takes_anything(
    opened: Open, medium: FailingMedium, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = await opened()
    medium.fail()
    await keep(buffer, 1.0, kind=ALARM)

    def refuse(*_: object) -> None:
        raise BufferFault("BUFFER_IO", file="memory", reason="no memory")

    with monkeypatch.context() as patch:
        patch.setattr(Lifeboat, "write", refuse)
        wait = buffer.append(ALARM, readings(2.0))
        with pytest.raises(BufferFault):
            await buffer.seal(ALARM)
        stats = await buffer.stats()
        assert (stats.medium, stats.failing) == ("failing", "BUFFER_IO")
        assert not wait.done()
    await buffer.seal(ALARM)
    assert (await buffer.stats()).medium == "memory"
    medium.mend()
    assert await buffer.recover()
    await wait
    assert (await buffer.stats()).medium == "ok"


async def test_what_it_tells_is_about_the_gateway_and_good_news_is_no_error(
    opened: Open, medium: FailingMedium, caplog: pytest.LogCaptureFixture
) -> None:
    buffer = await opened()
    medium.fail()
    await keep(buffer, 1.0)
    medium.mend()
    assert await buffer.recover()
    await buffer.seal(ALARM)
    batches = [decode_batch(d) for p in await drain(buffer, Lane.ALARM) for d in p.batches]
    events = [e for batch in batches if isinstance(batch, EventsBatch) for e in batch.events]
    assert {event.code for event in events} == {"BUFFER_FAILING", "BUFFER_WORKS_AGAIN"}
    assert {event.subject for event in events} == {""}, "the collector puts the gateway before it"
    levels = [each.levelname for each in caplog.records if each.name == "edge.buffer.buffer"]
    assert levels == ["ERROR", "WARNING"]


async def test_a_kill_after_it_failed_again_on_the_way_back_leaves_no_hole(
    opened: Open, medium: FailingMedium, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How far a stream had come ashore was noted; then it was taken off the medium again."""
    buffer = await opened()
    await put(buffer, 1.0)
    medium.fail()
    waits = [await keep(buffer, 2.0), await keep(buffer, 3.0)]
    medium.mend()

    def fails(store: Store, **_: object) -> None:
        store.housekeeping.persist()
        raise BufferFault("BUFFER_IO", file="data", reason="EIO")

    with monkeypatch.context() as patch:
        patch.setattr("edge.buffer.rescue.land", fails)
        assert not await buffer.recover()
        patch.setattr("edge.buffer.rescue.take", fails)
        assert not await buffer.recover()
    assert not any(wait.done() for wait in waits)
    await abandon(buffer)
    again = await opened()
    assert await everything(again) == [1.0], "what was never durable is no loss"
