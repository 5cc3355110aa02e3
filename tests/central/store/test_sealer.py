"""The process that packs: what it makes is what the thread makes, and it may die at any moment."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from central.store.sealer.process import Sealer, SealerBroken, command
from tests.central.store.plant import append, close_store, open_store
from tests.central.store.store_suite import row
from tests.central.store.test_chunk_store import everything, rows, scan

ROOT = Path(__file__).resolve().parents[3]
DIES = "import sys; sys.stdin.buffer.read(9)"
BABBLES = "import sys; sys.stdin.buffer.read(9); sys.stdout.buffer.write(b'x' * 99)"
SILENT = "import sys; sys.stdin.buffer.read()"
HALF = """
import os, sys
from central.store.sealer import child
said, full = 0, child.framed
def framed(answer):
    global said
    said += 1
    if said > 1:
        sys.stdout.buffer.flush()
        os._exit(1)
    return full(answer)
child.framed, child.STEP = framed, 1
child.main()
"""


def program(text):
    return lambda file: [sys.executable, "-c", text, *command(file)[3:]]


@pytest.fixture
async def opened(tmp_path, clock, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    db, store = await open_store(tmp_path, clock)
    store.unseen.little = store.merging.little = 1
    yield db, store
    await close_store(db, store)


async def fill(db, store, nth=0, scans=12):
    for at in range(scans):
        at += nth * scans
        await append(db, store, scan(1 + 50 * at, at, points=range(4, 44)))
    first = 3 * nth
    strays = [row(first + 1, "x", at=3), row(first + 2, 2**64 - 1, at=4)]
    await append(db, store, strays, stream=2)
    await append(db, store, [row(first + 3, None, at=-5, point=3)], stream=2)


async def test_a_seal_and_a_merge_say_the_same(opened):
    db, store = opened
    for nth in range(6):
        await fill(db, store, nth)
        before = await everything(store)
        await store.seal()
        assert await everything(store) == before
    assert (store.unseen.inside, store.merging.figures.inside, store.sealer.deaths) == (0, 0, 0)
    (chunks,) = (await rows(db, "SELECT count(*) FROM chunk"))[0]
    await store.merging.run_once()
    assert store.merging.figures.merges == 2
    assert (await rows(db, "SELECT count(*) FROM chunk"))[0][0] < chunks
    assert await everything(store) == before
    assert store.merging.figures.inside == 0


async def test_a_process_is_begun_once_and_ended_with_the_store(tmp_path, clock):
    db, store = await open_store(tmp_path, clock)
    store.unseen.little = 1
    assert store.sealer.pid is None
    await fill(db, store)
    await store.seal()
    pid = store.sealer.pid
    await fill(db, store, 1)
    await store.seal()
    assert store.sealer.pid == pid
    await close_store(db, store)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("text", [DIES, BABBLES, HALF, "import nonsense"])
async def test_what_kills_it_twice_is_done_in_the_thread(opened, text):
    db, store = opened
    store.sealer.command = program(text)
    await fill(db, store)
    before = await everything(store)
    await store.seal()
    assert await everything(store) == before
    assert (store.unseen.again, store.unseen.inside, store.sealer.deaths) == (2, 1, 2)
    assert not store.sealer.ready  # it is given a while
    await fill(db, store, 1)
    before = await everything(store)
    await store.seal()
    assert await everything(store) == before
    assert (store.unseen.inside, store.sealer.deaths) == (2, 2)
    twice = await rows(db, "SELECT count(*) FROM chunk, store WHERE seal > watermark")
    assert twice == [(0,)]


async def test_one_that_dies_once_is_begun_again(opened):
    db, store = opened
    programs = iter([program(HALF), command])
    store.sealer.command = lambda file: next(programs)(file)
    await fill(db, store)
    before = await everything(store)
    await store.seal()
    assert await everything(store) == before
    assert (store.unseen.again, store.unseen.inside, store.sealer.deaths) == (1, 0, 1)
    assert store.sealer.ready


async def test_one_that_is_killed_while_it_rests_is_begun_again(opened):
    db, store = opened
    await fill(db, store)
    await store.seal()
    os.kill(store.sealer.pid, signal.SIGKILL)
    await fill(db, store, 1)
    before = await everything(store)
    await store.seal()
    assert await everything(store) == before
    assert store.unseen.inside == 0


async def test_one_that_hangs_is_ended(opened):
    db, store = opened
    store.sealer.command, store.sealer.silence = program(SILENT), 0.05
    await fill(db, store)
    before = await everything(store)
    await store.seal()
    assert await everything(store) == before
    assert (store.unseen.inside, store.sealer.deaths) == (1, 2)


async def test_a_store_closes_while_it_waits_for_it(tmp_path, clock):
    db, store = await open_store(tmp_path, clock)
    store.unseen.little = 1
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hangs(file):
        loop.call_soon_threadsafe(begun.set)
        return program(SILENT)(file)

    store.sealer.command = hangs
    await fill(db, store)
    sealing = asyncio.create_task(store.seal())
    await begun.wait()
    sealing.cancel()
    await close_store(db, store)
    with pytest.raises(asyncio.CancelledError):
        await sealing
    db, store = await open_store(tmp_path, clock)
    assert sum(map(len, (await everything(store)).values())) == 12 * 40 + 3
    await close_store(db, store)


async def test_readings_no_chunk_can_be_made_of_are_left_to_the_thread(opened):
    db, store = opened
    await append(db, store, scan(1, 0, points=[2] * 12))
    bad = [row(20 + n, float("inf"), point=40, at=n) for n in range(12)]
    await append(db, store, bad, stream=2)
    await store.seal()
    assert store.unseen.inside == 1
    assert store.set_aside.readings == 12
    found = Counter({number: len(held) for number, held in (await everything(store)).items()})
    assert sum(found.values()) == 12


async def test_nothing_is_asked_of_one_that_was_ended(tmp_path):
    sealer = Sealer(tmp_path / "collector.db")
    sealer.end()
    assert not sealer.ready
    with pytest.raises(SealerBroken):
        sealer.ask(None)


LIVES = """
import os, sys, time
from pathlib import Path
from central.store.sealer.messages import Merge
from central.store.sealer.process import Sealer
sealer = Sealer(Path(sys.argv[1]))
sealer.ask(Merge(()))
sealer.answer()
print(sealer.pid, flush=True)
sys.stdin.read()
"""


async def test_it_ends_with_a_collector_that_is_killed(tmp_path, clock, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    db, store = await open_store(tmp_path, clock)
    await close_store(db, store)
    parent = subprocess.Popen(
        [sys.executable, "-c", LIVES, str(tmp_path / "collector.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    watched = os.pidfd_open(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    ended = select.poll()
    ended.register(watched, select.POLLIN)
    assert ended.poll(60_000)
    os.close(watched)
