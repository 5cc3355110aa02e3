"""The owner thread: one thread, in order, bounded, errors whole, closing finishes the queue."""

import asyncio
import threading

import pytest

from protocols.owner_thread import OwnerThread


async def test_everything_runs_in_one_thread_in_order() -> None:
    seen: list[tuple[int, str]] = []

    def note(number: int) -> int:
        seen.append((number, threading.current_thread().name))
        return number * 2

    async with OwnerThread("owner", capacity=3) as thread:
        results = await asyncio.gather(*(thread.run(note, i) for i in range(20)))
    assert results == [i * 2 for i in range(20)]
    assert seen == [(i, "owner") for i in range(20)]


async def test_an_error_reaches_the_caller_and_the_thread_lives_on() -> None:
    async with OwnerThread("owner") as thread:
        with pytest.raises(ZeroDivisionError):
            await thread.run(lambda: 1 // 0)
        with pytest.raises(RuntimeError, match="StopIteration"):
            await thread.run(lambda: next(iter([])))
        assert await thread.run(lambda: 7) == 7


async def test_no_more_than_capacity_waits() -> None:
    gate = threading.Event()
    started: list[int] = []

    def hold(number: int) -> None:
        started.append(number)
        gate.wait(5)

    async with OwnerThread("owner", capacity=2) as thread:
        calls = [asyncio.create_task(thread.run(hold, i)) for i in range(6)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert thread._work.qsize() + len(started) <= 2, "four callers wait for room"
        gate.set()
        await asyncio.gather(*calls)
    assert started == list(range(6))


async def test_cancelling_the_await_does_not_undo_the_work() -> None:
    gate, done = threading.Event(), threading.Event()

    def slow() -> None:
        gate.wait(5)
        done.set()

    async with OwnerThread("owner", capacity=1) as thread:
        call = asyncio.create_task(thread.run(slow))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        gate.set()
        assert await thread.run(done.is_set), "room came back and the cancelled work was done"


async def test_close_finishes_the_queue_and_refuses_more() -> None:
    done: list[int] = []
    thread = OwnerThread("owner")
    calls = [asyncio.create_task(thread.run(done.append, i)) for i in range(5)]
    await asyncio.sleep(0)
    await thread.close()
    await thread.close()
    await asyncio.gather(*calls)
    assert done == list(range(5))
    with pytest.raises(RuntimeError, match="closed"):
        await thread.run(done.append, 9)
