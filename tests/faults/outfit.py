"""A gateway as a real process with a plant before it and a collector behind, all of this test.

The gateway may be given a buffer on another medium, limits, libraries to load before all others, or
a `careless` start that takes the syncs away. Its routine points are sealed within the second, the
urgent ones at once: there is always something in the middle of being written.
"""

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from edge.check import load_config
from protocols.clock import SystemClock, real_monotonic
from protocols.modbus.simulator import Simulator
from protocols.simulators.demo import free_port
from protocols.words import Reading, Value
from tests.fakes import FakeCollector

POINTS: Final = 20
URGENT: Final = 4
WAIT_SECONDS: Final = 60.0

PROFILE: Final = """\
format: v1
protocol: modbus
label: {zh: 计数点, en: Counted points}
vendor: example
model: COUNTED
firmware: "1"
source: 可靠性验证
scan: 0.1
points:
"""
POINT: Final = """\
  - name: p{number}
    label: {{zh: 计数 {number}, en: Count {number}}}
    quantity: point_count
    unit: 个
    type: int
    range: [0, 4294967295]
    address: {{table: holding, address: {address}, type: uint32}}
"""
CONFIG: Final = """\
format: v1
gateway: {{name: gw-1, label: {{zh: 网关, en: Gateway}}, site: s1}}
purpose: test
collector: {{url: "{url}", token_file: {folder}/token, timeout: 5}}
buffer: {{folder: {buffer}{quota}}}
health: {{port: {health}}}
profiles: {folder}
sites:
  - {{name: s1, label: {{zh: 油库, en: Depot}}, region: "441502", domain: hazardous_chemicals}}
buses:
  - name: line
    protocol: modbus
    host: 127.0.0.1
    port: {port}
    timeout: 1
    devices:
      - {{name: d1, profile: counted, device_id: 1}}
"""


def signals(_device: str, point: str, now: int) -> Value:
    """Every scan finds another value: everything is worth reporting."""
    return now // 10_000 % 4_000_000 * POINTS + int(point[1:])


def eventually(holds: Callable[[], Any], what: str, seconds: float = WAIT_SECONDS) -> Any:
    """Return what `holds` returns once that is true. Raises TimeoutError naming `what`."""
    deadline, pause = real_monotonic() + seconds, threading.Event()
    while not (found := holds()):
        if real_monotonic() > deadline:
            raise TimeoutError(what)
        pause.wait(0.02)
    return found


@dataclass
class Claims:
    """What the gateway's processes reported as accepted: (stream, seq0, n)."""

    batches: list[tuple[str, int, int]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def follow(self, descriptor: int) -> None:
        with os.fdopen(descriptor, "rb") as pipe:
            for line in pipe:
                if line.endswith(b"\n"):
                    said = json.loads(line)
                    with self.lock:
                        self.batches.append((said["stream"], said["seq0"], said["n"]))

    def names(self) -> set[tuple[str, int]]:
        with self.lock:
            return {(s, seq) for s, seq0, n in self.batches for seq in range(seq0, seq0 + n)}


class Gateway:
    """One start of `fengsui-edge run`."""

    def __init__(
        self,
        outfit: "Outfit",
        *,
        module: tuple[str, ...] = ("edge",),
        env: dict[str, str] | None = None,
        limits: dict[int, int] | None = None,
    ) -> None:
        read, write = os.pipe()
        self._log = outfit.folder / "edge.log"
        self._health = outfit.health
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *module, "run", str(outfit.config),
                 "--report-commits", str(write)],
                pass_fds=(write,), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **(env or {})}, preexec_fn=lambda: limit(limits or {}),
            )  # fmt: skip
        os.close(write)
        self._thread = threading.Thread(target=outfit.claims.follow, args=(read,), daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def page(self) -> dict[str, Any]:
        """Return its own `/health`; empty when it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._health}/health", timeout=5) as r:
                return dict(json.load(r))
        except (OSError, ValueError):
            return {}

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def end(self, *, kill: bool = False) -> int:
        """Stop it and return its exit code."""
        if self.alive:
            self.signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._thread.join(60)
        return code


def limit(limits: dict[int, int]) -> None:
    for kind, value in limits.items():
        resource.setrlimit(kind, (value, resource.getrlimit(kind)[1]))


class Outfit:
    """Plant, collector and the gateway's files in `folder`; the buffer where it is wanted."""

    def __init__(self, folder: Path, buffer: Path | None = None, quota: int | None = None) -> None:
        self.folder = folder
        self.config = folder / "edge.yaml"
        self.buffer = buffer or folder / "buffer"
        self.health = free_port()
        self.claims = Claims()
        self.collector = FakeCollector()
        self.gateways: list[Gateway] = []
        self._quota = f", quota_mib: {quota}" if quota else ""
        self._ready = threading.Event()
        self._over = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> "Outfit":
        self.folder.mkdir(parents=True, exist_ok=True)
        points = [POINT.format(number=n, address=2 * n) for n in range(POINTS)]
        urgent = [text + "    lane: alarm\n" for text in points[:URGENT]]
        profile = PROFILE + "".join(urgent + points[URGENT:])
        (self.folder / "counted.yaml").write_text(profile, encoding="utf-8")
        token = self.folder / "token"
        token.touch(mode=0o600)
        token.write_text("secret", encoding="ascii")
        self._write(1)
        self._devices = load_config(self.config).buses[0].devices
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        for gateway in self.gateways:
            gateway.end(kill=True)
        self.collector.close()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join(20)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        plant = Simulator(self._devices, signals, SystemClock())
        await plant.listen("127.0.0.1", 0, "tcp")
        self._write(plant.port)
        self._ready.set()
        await self._over.wait()
        await plant.close()

    def _write(self, port: int) -> None:
        text = CONFIG.format(
            url=self.collector.url, folder=self.folder, buffer=self.buffer, quota=self._quota,
            health=self.health, port=port,
        )  # fmt: skip
        self.config.write_text(text, encoding="utf-8")

    def start(self, **how: Any) -> Gateway:
        """Start a gateway."""
        self.gateways.append(Gateway(self, **how))
        return self.gateways[-1]

    def log(self) -> str:
        """Return what all gateways logged."""
        return (self.folder / "edge.log").read_text(encoding="utf-8", errors="replace")

    def unreachable(self) -> None:
        """From here on the collector takes nothing."""
        self.collector.fault = lambda _: "cut"

    def reachable(self) -> None:
        self.collector.fault = lambda _: None

    def accepts(self, more: int = 30, seconds: float = WAIT_SECONDS) -> None:
        """Return when so many more readings were accepted."""
        before = len(self.claims.batches)
        eventually(
            lambda: len(self.claims.batches) >= before + more, "the gateway accepts", seconds
        )

    def missing(self, names: set[tuple[str, int]]) -> set[tuple[str, int]]:
        """Return which of `names` the collector does not hold."""
        with self.collector.lock:
            held = {(s, seq) for s, h in self.collector.streams.items() for seq, _ in h.items}
        return names - held

    def drained(self, names: set[tuple[str, int]], seconds: float = WAIT_SECONDS) -> int:
        """Return how many of `names` do not arrive in time."""
        with suppress(TimeoutError):
            eventually(lambda: not self.missing(names), "drained", seconds)
        return len(self.missing(names))

    def twice(self) -> int:
        """Return how many readings the collector holds more than once, whatever their numbers."""
        seen: set[tuple[str, int, int]] = set()
        count = 0
        with self.collector.lock:
            for held in self.collector.streams.values():
                for _, item in held.items:
                    if isinstance(item, Reading):
                        name = (held.opening.boot, item.point, item.time)
                        count += name in seen
                        seen.add(name)
        return count
