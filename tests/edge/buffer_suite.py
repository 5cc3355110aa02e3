"""What every buffer must do, run against the one on SQLite and the one in memory.

A test takes `reopen`: the first call opens an empty buffer, each further call opens the same medium
again as a new process would (`kill=True`: without closing the old one first).
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from edge.buffer import Budget, Origin, Pending, Stats, WentBack
from protocols.wire.batch import EventsBatch, ReadingsBatch, SkipBatch, SkipReason, decode_batch
from protocols.wire.chain import chain_next, chain_start
from protocols.wire.opening import decode_opening
from protocols.words import Event, Lane, Purpose, Reading, StreamKind

DATA, ALARM = StreamKind.DATA, StreamKind.ALARM
PLENTY = Budget(batches=1000, bytes=1 << 22)

ORIGIN = Origin(
    gateway="gw-1",
    boot="ab" * 16,
    purpose=Purpose.TEST,
    manifest=b"{}",
    manifest_digest="44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    decimals=(2, None, None),
)


class AnyBuffer(Protocol):
    """The part of `edge.buffer.Buffer` that the poller and the uplink use."""

    def append(self, kind: StreamKind, items: list[Reading]) -> Awaitable[None]: ...
    async def seal(self, kind: StreamKind) -> None: ...
    async def rotate(self, kind: StreamKind) -> None: ...
    async def pending(self, lane: Lane, budget: Budget) -> Pending | None: ...
    async def committed(self, stream: str, seq: int, safe: int) -> WentBack | None: ...
    async def rewind(
        self, stream: str, expected: int, head: bytes | None = None
    ) -> WentBack | None: ...
    async def offer_again(self) -> None: ...
    async def meet(self, incarnation: str) -> bool: ...
    async def persist(self) -> None: ...
    async def stats(self) -> Stats: ...
    async def close(self) -> None: ...


Reopen = Callable[..., Awaitable[AnyBuffer]]


def readings(*values: float) -> list[Reading]:
    return [Reading(0, value, 0, 0) for value in values]


def values_of(pending: Pending | None) -> list[float]:
    assert pending is not None
    values: list[float] = []
    for data in pending.batches:
        batch = decode_batch(data)
        assert isinstance(batch, ReadingsBatch)
        values += [float(value) for value in batch.values if value is not None]
    return values


def skip_of(pending: Pending | None) -> SkipBatch:
    assert pending is not None
    batch = decode_batch(pending.batches[0])
    assert isinstance(batch, SkipBatch)
    return batch


async def put(buffer: AnyBuffer, *values: float, kind: StreamKind = DATA) -> None:
    done = buffer.append(kind, readings(*values))
    await buffer.seal(kind)
    await done


class BufferSuite:
    """Inherit and provide the fixture `reopen`."""

    async def test_what_goes_in_comes_out_in_order(self, reopen: Reopen) -> None:
        buffer = await reopen()
        await put(buffer, 1.0, 2.0)
        await put(buffer, 3.0)
        pending = await buffer.pending(Lane.LIVE, PLENTY)
        assert pending is not None
        assert values_of(pending) == [1.0, 2.0, 3.0]
        assert (pending.first, pending.last, len(pending.batches)) == (1, 3, 2)
        assert decode_opening(pending.opening).stream == pending.stream
        assert decode_opening(pending.opening).purpose is Purpose.TEST

    async def test_nothing_is_handed_out_before_it_is_sealed(self, reopen: Reopen) -> None:
        buffer = await reopen()
        done = buffer.append(DATA, readings(1.0))
        assert await buffer.pending(Lane.LIVE, PLENTY) is None
        await buffer.seal(DATA)
        await done
        assert values_of(await buffer.pending(Lane.LIVE, PLENTY)) == [1.0]

    async def test_asking_again_gives_the_same_bytes(self, reopen: Reopen) -> None:
        buffer = await reopen()
        await put(buffer, 1.0)
        assert await buffer.pending(Lane.LIVE, PLENTY) == await buffer.pending(Lane.LIVE, PLENTY)

    async def test_the_budget_bounds_what_is_handed_out(self, reopen: Reopen) -> None:
        buffer = await reopen()
        for value in (1.0, 2.0, 3.0):
            await put(buffer, value)
        two = await buffer.pending(Lane.LIVE, Budget(batches=2, bytes=1 << 20))
        assert values_of(two) == [1.0, 2.0]
        one = await buffer.pending(Lane.LIVE, Budget(batches=9, bytes=1))
        assert values_of(one) == [1.0]

    async def test_committed_moves_on_and_never_beyond(self, reopen: Reopen) -> None:
        buffer = await reopen()
        await put(buffer, 1.0)
        await put(buffer, 2.0)
        pending = await buffer.pending(Lane.LIVE, PLENTY)
        assert pending is not None
        await buffer.committed(pending.stream, 1, 0)
        assert values_of(await buffer.pending(Lane.LIVE, PLENTY)) == [2.0]
        await buffer.committed(pending.stream, 99, 99)
        assert await buffer.pending(Lane.LIVE, PLENTY) is None
        await put(buffer, 3.0)
        later = await buffer.pending(Lane.LIVE, PLENTY)
        assert later is not None
        assert (later.first, values_of(later)) == (3, [3.0])

    async def test_an_answer_about_an_unknown_stream_changes_nothing(self, reopen: Reopen) -> None:
        buffer = await reopen()
        await put(buffer, 1.0)
        await buffer.committed("0" * 32, 5, 5)
        await buffer.rewind("0" * 32, 1)
        assert values_of(await buffer.pending(Lane.LIVE, PLENTY)) == [1.0]

    async def test_the_chain_stands_on_the_opening_and_every_batch(self, reopen: Reopen) -> None:
        buffer = await reopen()
        for value in (1.0, 2.0, 3.0):
            await put(buffer, value)
        head, seen = None, []
        for _ in range(3):
            pending = await buffer.pending(Lane.LIVE, Budget(batches=1, bytes=1))
            assert pending is not None
            head = chain_next(head or chain_start(pending.opening), pending.batches[0])
            seen.append(pending.head == head)
            await buffer.committed(pending.stream, pending.last, 0)
        assert seen == [True] * 3

    async def test_lanes_do_not_mix(self, reopen: Reopen) -> None:
        buffer = await reopen()
        await put(buffer, 1.0)
        await put(buffer, 9.0, kind=ALARM)
        assert values_of(await buffer.pending(Lane.ALARM, PLENTY)) == [9.0]
        assert values_of(await buffer.pending(Lane.LIVE, PLENTY)) == [1.0]
        assert await buffer.pending(Lane.BACKFILL, PLENTY) is None

    async def test_events_and_readings_of_the_alarm_stream_keep_their_order(
        self, reopen: Reopen
    ) -> None:
        buffer = await reopen()
        buffer.append(ALARM, readings(1.0))
        buffer.append(ALARM, [Event("DEVICE_UNREACHABLE", "s/g/d", 5)])  # type: ignore[list-item]
        buffer.append(ALARM, readings(2.0))
        await buffer.seal(ALARM)
        pending = await buffer.pending(Lane.ALARM, PLENTY)
        assert pending is not None
        kinds = [type(decode_batch(data)) for data in pending.batches]
        assert kinds == [ReadingsBatch, EventsBatch, ReadingsBatch]
        assert pending.last == 3

    async def test_rotating_makes_the_backlog_backfill_and_live_goes_on(
        self, reopen: Reopen
    ) -> None:
        buffer = await reopen()
        await put(buffer, 1.0)
        await buffer.rotate(DATA)
        await put(buffer, 2.0)
        live = await buffer.pending(Lane.LIVE, PLENTY)
        old = await buffer.pending(Lane.BACKFILL, PLENTY)
        assert live is not None
        assert old is not None
        assert (live.first, values_of(live), values_of(old)) == (1, [2.0], [1.0])
        assert live.stream != old.stream
        assert live.number > old.number

    async def test_backfill_comes_oldest_first(self, reopen: Reopen) -> None:
        buffer = await reopen()
        for value in (1.0, 2.0):
            await put(buffer, value)
            await buffer.rotate(DATA)
        order = []
        while (pending := await buffer.pending(Lane.BACKFILL, PLENTY)) is not None:
            order += values_of(pending)
            await buffer.committed(pending.stream, pending.last, pending.last)
        assert order == [1.0, 2.0]

    async def test_a_new_process_never_appends_to_an_old_stream(self, reopen: Reopen) -> None:
        first = await reopen()
        await put(first, 1.0)
        before = await first.pending(Lane.LIVE, PLENTY)
        second = await reopen()
        await put(second, 2.0)
        live = await second.pending(Lane.LIVE, PLENTY)
        old = await second.pending(Lane.BACKFILL, PLENTY)
        assert before is not None
        assert live is not None
        assert old is not None
        assert (old.stream, values_of(old)) == (before.stream, [1.0])
        assert (live.first, values_of(live)) == (1, [2.0])

    async def test_what_was_durable_survives_a_kill(self, reopen: Reopen) -> None:
        buffer = await reopen()
        await put(buffer, 1.0, 2.0)
        buffer.append(DATA, readings(3.0))  # never sealed: this may die with the process
        again = await reopen(kill=True)
        assert values_of(await again.pending(Lane.BACKFILL, PLENTY)) == [1.0, 2.0]

    async def test_cursors_survive_closing(self, reopen: Reopen) -> None:
        buffer = await reopen()
        await put(buffer, 1.0)
        await put(buffer, 2.0)
        pending = await buffer.pending(Lane.LIVE, PLENTY)
        assert pending is not None
        await buffer.committed(pending.stream, 1, 1)
        again = await reopen()
        rest = await again.pending(Lane.BACKFILL, PLENTY)
        assert rest is not None
        assert values_of(rest) == [2.0]
        assert rest.head == pending.head, "the chain goes on where it was"

    async def test_what_is_committed_but_not_safe_can_be_asked_for_again(
        self, reopen: Reopen
    ) -> None:
        buffer = await reopen()
        for value in (1.0, 2.0, 3.0):
            await put(buffer, value)
        pending = await buffer.pending(Lane.LIVE, PLENTY)
        assert pending is not None
        await buffer.committed(pending.stream, 3, 1)
        await buffer.persist()
        await buffer.rewind(pending.stream, 2)
        again = await buffer.pending(Lane.LIVE, PLENTY)
        assert again is not None
        assert values_of(again) == [2.0, 3.0]
        assert again.head == pending.head
        await buffer.committed(pending.stream, 3, 1)
        assert not await buffer.meet("aa" * 16), "the first one ever met"
        assert not await buffer.meet("aa" * 16)
        assert await buffer.pending(Lane.LIVE, PLENTY) is None
        assert await buffer.meet("bb" * 16), "a restored database"
        assert values_of(await buffer.pending(Lane.LIVE, PLENTY)) == [2.0, 3.0]

    async def test_a_collector_that_was_put_back_is_noticed_once_and_gets_all_again(
        self, reopen: Reopen
    ) -> None:
        buffer = await reopen()
        for value in (1.0, 2.0, 3.0):
            await put(buffer, value)
            await put(buffer, 10 + value, kind=ALARM)
        data = await buffer.pending(Lane.LIVE, PLENTY)
        alarm = await buffer.pending(Lane.ALARM, PLENTY)
        assert data is not None
        assert alarm is not None
        assert await buffer.committed(data.stream, 3, 1) is None
        assert await buffer.committed(alarm.stream, 3, 2) is None
        await put(buffer, 4.0)
        assert await buffer.rewind(data.stream, 4) is None, "what follows is expected"
        back = await buffer.rewind(data.stream, 3)
        assert back == WentBack(stream=data.stream, told=3, now=2)
        assert values_of(await buffer.pending(Lane.LIVE, PLENTY))[-2:] == [3.0, 4.0]
        assert values_of(await buffer.pending(Lane.ALARM, PLENTY)) == [13.0]
        assert await buffer.rewind(alarm.stream, 1) is None, "the same occurrence"
        assert await buffer.committed(alarm.stream, 3, 0) is None
        assert await buffer.committed(data.stream, 4, 0) is None
        again = await buffer.committed(alarm.stream, 2, 0)
        assert again == WentBack(stream=alarm.stream, told=3, now=2), "another one"
        assert values_of(await buffer.pending(Lane.LIVE, PLENTY)) == [1.0, 2.0, 3.0, 4.0]

    async def test_a_restart_that_knows_less_than_the_collector_is_no_going_back(
        self, reopen: Reopen
    ) -> None:
        buffer = await reopen()
        for value in (1.0, 2.0, 3.0):
            await put(buffer, value)
        again = await reopen(kill=True)  # the answer was lost with the process
        pending = await again.pending(Lane.BACKFILL, Budget(batches=1, bytes=1))
        assert pending is not None
        assert await again.committed(pending.stream, 3, 0) is None
        assert await again.pending(Lane.BACKFILL, PLENTY) is None

    async def test_a_collector_that_is_ahead_is_followed(self, reopen: Reopen) -> None:
        buffer = await reopen()
        for value in (1.0, 2.0, 3.0):
            await put(buffer, value)
        pending = await buffer.pending(Lane.LIVE, PLENTY)
        assert pending is not None
        assert await buffer.rewind(pending.stream, 3) is None
        assert values_of(await buffer.pending(Lane.LIVE, PLENTY)) == [3.0]

    async def test_going_back_before_what_is_kept_becomes_a_skip(self, reopen: Reopen) -> None:
        buffer = await reopen()
        await put(buffer, 1.0, kind=ALARM)
        await put(buffer, 2.0, kind=ALARM)
        pending = await buffer.pending(Lane.ALARM, PLENTY)
        assert pending is not None
        await buffer.committed(pending.stream, 2, 2)
        await buffer.persist()
        await put(buffer, 3.0, kind=ALARM)
        await buffer.rewind(pending.stream, 1)
        first = await buffer.pending(Lane.ALARM, Budget(batches=1, bytes=1))
        assert first is not None
        skip = skip_of(first)
        assert (skip.reason, skip.header.seq0, skip.header.n) == (
            SkipReason.GONE_AT_COLLECTOR, 1, 2,
        )  # fmt: skip
        await buffer.committed(first.stream, 2, 2)
        rest = await buffer.pending(Lane.ALARM, PLENTY)
        assert rest is not None
        assert (rest.first, values_of(rest)) == (3, [3.0])
        assert rest.head == chain_next(
            chain_next(chain_start(first.opening), first.batches[0]), rest.batches[0]
        )

    async def test_the_backlog_is_counted(self, reopen: Reopen) -> None:
        buffer = await reopen()
        await put(buffer, 1.0, 2.0)
        await put(buffer, 3.0)
        await put(buffer, 4.0, kind=ALARM)
        stats = await buffer.stats()
        assert (stats.data.readings, stats.data.batches) == (3, 2)
        assert (stats.alarm.readings, stats.alarm.batches) == (1, 1)
        assert stats.data.oldest is not None
        pending = await buffer.pending(Lane.LIVE, PLENTY)
        assert pending is not None
        await buffer.committed(pending.stream, 2, 0)
        stats = await buffer.stats()
        assert (stats.data.readings, stats.data.batches) == (1, 1)

    async def test_closing_seals_what_is_left_and_may_be_repeated(self, reopen: Reopen) -> None:
        buffer = await reopen()
        done = buffer.append(DATA, readings(1.0))
        await buffer.close()
        await buffer.close()
        await done
        again = await reopen()
        assert values_of(await again.pending(Lane.BACKFILL, PLENTY)) == [1.0]

    async def test_going_on_from_where_the_collector_stands_keeps_the_chain(
        self, reopen: Reopen
    ) -> None:
        """All was offered again, and then it turns out that some of it is there after all."""
        buffer = await reopen()
        for value in range(5):
            await put(buffer, float(value))
        pending = await buffer.pending(Lane.LIVE, PLENTY)
        assert pending is not None
        heads = [chain_start(pending.opening)]
        for data in pending.batches:
            heads.append(chain_next(heads[-1], data))
        await buffer.committed(pending.stream, 5, 0)
        await buffer.offer_again()
        await buffer.rewind(pending.stream, 4)
        rest = await buffer.pending(Lane.LIVE, PLENTY)
        assert rest is not None
        assert (rest.first, rest.last, rest.head) == (4, 5, heads[5])
        await buffer.close()
