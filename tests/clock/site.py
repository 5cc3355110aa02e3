"""A real gateway under a clock that can be set, a real collector, a plant that serves the time.

The one point's value is the moment it was read, in milliseconds, so every stored row says by itself
how far from the truth its time is.
"""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from protocols.clock import SystemClock
from protocols.modbus.simulator import Simulator
from protocols.simulators.collector_door import CollectorDoor, DoorClosed
from tests.central.stored import with_readings
from tests.edge.waiting import eventually
from tests.gauntlet.processes import quiet_port

MODULUS: Final = 1 << 32
SECOND: Final = 1_000_000
GATEWAY: Final = "gw-1"
ANSWER_AFTER: Final = 0.12
"""Seconds the plant takes over an answer: a held gateway has most likely one on its way."""
PROFILE: Final = """format: v1
protocol: modbus
label: {zh: 时刻, en: Moment}
vendor: example
model: MOMENT
firmware: "1"
source: 时钟验证
scan: 0.2
points:
  - name: moment
    label: {zh: 时刻, en: Moment}
    quantity: point_count
    unit: 个
    type: int
    range: [0, 4294967295]
    address: {table: holding, address: 0, type: uint32}
"""


def faketime_library() -> Path | None:
    """Return libfaketime for threads; None where it is not installed (package faketime)."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    return found[0] if found else None


class Row(NamedTuple):
    """A stored reading; `error` is its time minus the truth, µs."""

    stream: int
    seq: int
    time: int
    value: int
    flags: int
    received: int

    @property
    def truth(self) -> int:
        """The moment it was read, µs UTC: the one nearest to when it was received."""
        nearest = self.received // 1_000
        short = (nearest - self.value) % MODULUS
        return (nearest - short) * 1_000

    @property
    def error(self) -> int:
        return self.time - self.truth


class Plant(Simulator):
    """Answers every read with the time."""

    def __init__(self) -> None:
        super().__init__([], lambda *_: None, SystemClock())

    def answer(self, body: bytes) -> tuple[bytes, float] | None:
        moment = SystemClock().now() // 1_000 % MODULUS
        data = np.array([moment], ">u4").tobytes()
        return body[:2] + bytes([len(data)]) + data, ANSWER_AFTER


class Site:
    """Use `open`, then `close` whatever happened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plant = Plant()
        self.port = quiet_port()
        self.health = quiet_port()
        self.door = CollectorDoor("127.0.0.1", self.port)
        self.page = CollectorDoor("127.0.0.1", self.health)
        self.database = folder / "central" / "collector.db"
        self._shown = folder / "clock.rc"
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    async def open(self) -> None:
        """Write the files, register the gateway, leave the collector stopped."""
        await self.plant.listen("127.0.0.1", 0, "tcp")
        self.database.parent.mkdir()
        (self.folder / "moment.yaml").write_text(PROFILE, encoding="utf-8")
        (self.folder / "central.yaml").write_text(
            f"format: v1\nlisten: {{host: 127.0.0.1, port: {self.port}}}\n"
            f"database: {self.database}\n",
            encoding="utf-8",
        )
        made = subprocess.run(
            [sys.executable, "-m", "central", "create-admin", self.folder / "central.yaml",
             "judge", "--login-link"],
            capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        code = next(w.rsplit("code=", 1)[1] for w in made.stdout.split() if "code=" in w)
        await self.start_collector()
        self.door.log_in(code)
        token = self.folder / "token"
        token.touch(mode=0o600)
        token.write_text(self.door.add_gateway(GATEWAY, "时钟验证", "s1"), encoding="ascii")
        (self.folder / "edge.yaml").write_text(self._edge(), encoding="utf-8")

    def _edge(self) -> str:
        return f"""format: v1
gateway: {{name: {GATEWAY}, label: {{zh: 网关, en: Gateway}}, site: s1}}
collector: {{url: "http://127.0.0.1:{self.port}", token_file: token, timeout: 5}}
buffer: {{folder: buffer}}
health: {{port: {self.health}}}
profiles: {self.folder}
sites:
  - {{name: s1, label: {{zh: 场所, en: Site}}, region: "441502", domain: lifelines}}
buses:
  - name: line
    protocol: modbus
    host: 127.0.0.1
    port: {self.plant.port}
    timeout: 2
    devices:
      - {{name: d1, profile: moment, device_id: 1}}
"""

    # --- processes ---------------------------------------------------------------------------

    async def start_collector(self) -> None:
        self._start("collector", ["central", "run", str(self.folder / "central.yaml")], {})
        await eventually(self._answers, 60)

    def start_gateway(self, shown: str = "", boot: str = "b0" * 16) -> None:
        """Start it with its wall clock at `shown` (libfaketime's way), on the boot `boot`."""
        env, module = {}, ["edge"]
        if shown:
            self.set_clock(shown)
            env = {
                "LD_PRELOAD": str(faketime_library()),
                "FAKETIME_TIMESTAMP_FILE": str(self._shown),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "NO_FAKE_STAT": "1",
            }
            (self.folder / "boot").write_text(boot, encoding="ascii")
            module = ["tests.clock.runner", str(self.folder / "boot")]
        self._start("gateway", [*module, "run", str(self.folder / "edge.yaml")], env)

    def set_clock(self, shown: str) -> None:
        """Set the gateway's wall clock while it runs."""
        fresh = self._shown.with_suffix(".new")
        fresh.write_text(shown + "\n", encoding="ascii")
        fresh.replace(self._shown)

    def hold(self) -> None:
        """Let the gateway's process not run until `release`."""
        self._running["gateway"].send_signal(signal.SIGSTOP)

    def release(self) -> None:
        self._running["gateway"].send_signal(signal.SIGCONT)

    def stop(self, who: str, *, kill: bool = False) -> None:
        process = self._running.pop(who)
        process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        process.wait(30)

    async def close(self) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()
        await self.plant.close()

    def _start(self, who: str, words: list[str], env: dict[str, str]) -> None:
        with (self.folder / f"{who}.log").open("ab") as log:
            self._running[who] = subprocess.Popen(
                [sys.executable, "-m", *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **env},
            )  # fmt: skip

    def _answers(self) -> bool:
        try:
            self.door.ask("GET", "/healthz")
        except (OSError, DoorClosed):
            return False
        return True

    # --- what is there -----------------------------------------------------------------------

    def rows(self) -> list[Row]:
        """Return every stored reading of good quality, in the order of its numbers."""
        found = self._read(
            "SELECT stream, seq, time, value, flags, received FROM reading "
            "WHERE quality = 0 ORDER BY stream, seq"
        )
        return [Row(*row) for row in found]

    def events(self, code: str) -> list[tuple[int, str]]:
        """Return the time and the params of the events of one code."""
        return self._read("SELECT time, params FROM event WHERE code = ? ORDER BY id", code)

    def put_aside(self) -> int:
        return int(self._read("SELECT COUNT(*) FROM quarantine")[0][0])

    def _read(self, statement: str, *values: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as conn:
            asked = with_readings(conn) if "FROM reading" in statement else conn
            return asked.execute(statement, values).fetchall()

    def buffered(self) -> int:
        """Return how many readings wait at the gateway."""
        try:
            return int(self.page.ask("GET", "/health")["backlog"]["readings"])
        except (OSError, DoorClosed):
            return 0

    async def more(self, count: int, of: Callable[[], int] | None = None) -> None:
        """Wait for so many more stored readings (or of what is counted)."""
        counted = of or (lambda: len(self.rows()))
        wanted = counted() + count
        await eventually(lambda: counted() >= wanted, 90)
