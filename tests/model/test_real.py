"""The real buffer, the real exchange and the real ingest, with whatever may happen in any order.

Kills, lost and doubled requests, an old card put back, a backup restored, a snapshot put back, a
damaged row. In the end every value that was accepted is stored exactly once; only what a destroyed
card alone had may be missing, and what was damaged stands in the loss ledger.
"""

import asyncio
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from central.backup import manifest as backups
from central.backup import restore
from central.collector import Collector
from central.config import BackupTarget, CentralConfig
from edge.buffer import Budget, Buffer, Origin
from edge.config import BufferSettings
from edge.cursors import ask_cursors
from edge.exchange import Exchange
from edge.replies import StreamRefused
from protocols.errors import UplinkError
from protocols.owner_thread import OwnerThread
from protocols.wire.manifest import manifest_digest
from protocols.words import Lane, Purpose, Reading, StreamKind
from tests.central.builders import BOOT, HandClock, manifest
from tests.central.stored import with_readings
from tests.central.template import fresh
from tests.model.direct import Fault, Way

T = TypeVar("T")
GATEWAY = "gw"
COUNT = 2
"""The point `count` of the test site: every value its own."""
KINDS = st.sampled_from(list(StreamKind))
LANES = st.sampled_from(list(Lane))
PLENTY = Budget(batches=64, bytes=1 << 20)
SMALL_SEGMENT = 24 * 1024
ROUNDS = 400
"""Requests after which a drain without faults must be over."""


class Together(RuleBasedStateMachine):
    """Rules are what may happen; `accepted` is what was promised."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="together-"))
        self.clock = HandClock()
        self.accepted: list[int] = []
        self.next = 0
        self.excused: set[int] = set()
        self.damaged: set[int] = set()
        self.card: tuple[Path, list[int]] | None = None
        self.snapshot: Path | None = None
        self.places = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def place(self) -> Path:
        self.places += 1
        return self.folder / str(self.places)

    @initialize()
    def begin(self) -> None:
        self.way = Way(self.loop, GATEWAY)
        self.centre = self.place()
        self.medium = self.place()
        self.centre.mkdir()
        fresh(self.config().database)
        self.run(self.open_collector())
        self.run(self.collector.registry.add_gateway(GATEWAY, "site"))
        self.run(self.open_gateway())

    def config(self) -> CentralConfig:
        return CentralConfig(
            file=self.centre / "central.yaml",
            database=self.centre / "collector.db",
            backup=BackupTarget(folder=self.folder / "backups", every=None),
        )

    async def open_collector(self) -> None:
        self.collector = await Collector.open(self.config(), self.clock)
        self.way.collector = self.collector

    async def open_gateway(self) -> None:
        described = manifest(GATEWAY)
        origin = Origin(
            gateway=GATEWAY,
            boot=BOOT,
            purpose=Purpose.PRODUCTION,
            manifest=described,
            manifest_digest=manifest_digest(described),
            decimals=(None,) * 4,
        )
        place = BufferSettings(folder=self.medium, quota_bytes=1 << 28, segment_bytes=SMALL_SEGMENT)
        self.buffer = await Buffer.open(place, origin, self.clock)
        self.thread = OwnerThread("exchange")
        self.exchange = Exchange(self.way, self.thread, self.buffer, self.clock, BOOT)  # type: ignore[arg-type]
        await self.ask()

    async def close_gateway(self) -> None:
        await self.thread.close()
        await self.buffer.close()

    async def ask(self) -> None:
        """What a gateway does at every new connection."""
        try:
            await ask_cursors(self.exchange, self.buffer)
        except UplinkError:
            await asyncio.sleep(0)

    @rule(kind=KINDS, count=st.integers(1, 30))
    def sample(self, kind: StreamKind, count: int) -> None:
        self.clock.move(1)
        values = [self.next + each for each in range(count)]
        self.next += count
        mono = self.clock.mono()

        async def put() -> None:
            self.buffer.append(kind, [Reading(COUNT, value, 0, mono) for value in values])
            await self.buffer.seal(kind)

        self.run(put())
        self.accepted += values

    @rule(kind=KINDS)
    def rotate(self, kind: StreamKind) -> None:
        self.run(self.buffer.rotate(kind))

    @rule()
    def persist(self) -> None:
        self.run(self.buffer.persist())

    @rule(lane=LANES, fault=st.none() | st.sampled_from(list(Fault)), batches=st.integers(1, 4))
    def send(self, lane: Lane, fault: Fault | None, batches: int) -> None:
        if fault is not None:
            self.way.faults.append(fault)
        self.run(self.one(lane, Budget(batches=batches, bytes=1 << 20)))
        self.way.faults.clear()

    async def one(self, lane: Lane, budget: Budget) -> bool:
        """Send one request's worth; whether there was any."""
        pending = await self.buffer.pending(lane, budget)
        if pending is None:
            return False
        try:
            await self.exchange.send(pending)
        except (StreamRefused, UplinkError):
            return True  # it is sent again
        return True

    @rule()
    def gateway_killed(self) -> None:
        self.run(self.start_from(self.copied(self.medium)))

    async def start_from(self, medium: Path) -> None:
        await self.close_gateway()
        self.medium = medium
        await self.open_gateway()

    def copied(self, folder: Path) -> Path:
        """The files as they are at this moment, as after a kill."""
        target = self.place()
        shutil.copytree(folder, target, ignore=shutil.ignore_patterns("*.sock"))
        return target

    @rule()
    def card_copied(self) -> None:
        self.card = self.copied(self.medium), list(self.accepted)

    @precondition(lambda self: self.card is not None)
    @rule()
    def old_card_put_back(self) -> None:
        assert self.card is not None
        card, known = self.card
        self.excused |= set(self.accepted) - set(known)
        self.run(self.start_from(self.copied(card)))

    @precondition(lambda self: not self.damaged)
    @rule(row=st.integers(0, 1000))
    def row_damaged(self, row: int) -> None:
        """One byte of one batch in some segment; what it held may be lost, and is told."""
        self.run(self.close_gateway())
        spoilt = spoil(self.medium, row)
        if spoilt:
            self.damaged = set(self.accepted)
        self.run(self.open_gateway())

    @rule()
    def collector_killed(self) -> None:
        self.run(self.collector_from(self.copied(self.centre)))

    async def collector_from(self, folder: Path) -> None:
        self.way.collector = None
        await self.collector.close()
        self.centre = folder
        await self.open_collector()
        await self.ask()

    @rule()
    def backup(self) -> None:
        self.clock.move(1)
        self.snapshot = None  # an older one lacks what this backup lets gateways forget
        self.run(self.collector.backups.take("test"))

    @precondition(lambda self: any((self.folder / "backups").glob("*.db")))
    @rule()
    def restored(self) -> None:
        newest = max((self.folder / "backups").glob("*.db"))

        async def put_back() -> None:
            self.way.collector = None
            await self.collector.close()
            self.clock.move(1)
            source = restore.Source(newest, backups.read(newest))
            restore.restore(self.config(), source, self.clock, "test")
            await self.open_collector()

        self.run(put_back())
        self.snapshot = None

    @rule()
    def snapshot_taken(self) -> None:
        self.snapshot = self.copied(self.centre)

    @precondition(lambda self: self.snapshot is not None)
    @rule()
    def snapshot_put_back(self) -> None:
        assert self.snapshot is not None
        self.run(self.collector_from(self.copied(self.snapshot)))

    def teardown(self) -> None:
        try:
            if hasattr(self, "buffer"):
                self.run(self.judged())
        finally:
            self.loop.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    async def judged(self) -> None:
        self.way.faults.clear()
        await self.ask()
        await self.drained()
        stored = await self.collector.db.read(stored_values)
        lost = await self.collector.db.read(lost_count)
        await self.close_gateway()
        await self.collector.close()
        doubled = [value for value, count in stored.items() if count > 1]
        assert not doubled, f"stored twice: {doubled}"
        missing = set(self.accepted) - set(stored) - self.excused
        assert missing <= self.damaged, f"lost in silence: {sorted(missing - self.damaged)}"
        assert len(missing) <= lost, f"{sorted(missing)} missing, {lost} in the ledger"

    async def drained(self) -> None:
        for _ in range(ROUNDS):
            sent = [await self.one(lane, PLENTY) for lane in Lane]
            if not any(sent):
                return
        raise AssertionError("the drain never ends")


def spoil(folder: Path, row: int) -> bool:
    """Change one byte of one batch of some data segment; whether there was one."""
    for name in sorted(folder.glob("data-*.db")):
        with closing(sqlite3.connect(name)) as conn, conn:
            keys = [each[0] for each in conn.execute("SELECT key FROM batch ORDER BY key")]
            if keys:
                key = keys[row % len(keys)]
                data = bytearray(
                    conn.execute("SELECT bytes FROM batch WHERE key=?", (key,)).fetchone()[0]
                )
                data[-1] ^= 0xFF
                conn.execute("UPDATE batch SET bytes=? WHERE key=?", (bytes(data), key))
                return True
    return False


def stored_values(conn: sqlite3.Connection) -> Counter[int]:
    return Counter(int(row[0]) for row in with_readings(conn).execute("SELECT value FROM reading"))


def lost_count(conn: sqlite3.Connection) -> int:
    return int(conn.execute("SELECT coalesce(sum(count), 0) FROM loss").fetchone()[0])


TestTogether = Together.TestCase
TestTogether.settings = settings(
    max_examples=8,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
