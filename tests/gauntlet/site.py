"""Lays out a gauntlet's site: a profile of counted points, a gateway, a collector, their files."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from protocols.clock import SystemClock, real_monotonic
from protocols.simulators.collector_door import CollectorDoor
from protocols.simulators.demo import free_port
from tests.gauntlet.processes import Commits, Killed, Process

DEVICES = 10
PER_DEVICE = 100
SCAN = 0.25
PERIOD = int(SCAN * 1_000_000)
GATEWAY = "gw-gauntlet"
SITE = "gauntlet"
BACK_SECONDS = 60.0
FAULTS = ("drop", "dup", "swap")


def profile_file(folder: str | Path) -> str:
    return str(Path(folder) / "counted.yaml")


def write_profile(folder: Path) -> None:
    """A hundred unsigned 32-bit points; every change is worth reporting."""
    lines = [
        "format: v1",
        "protocol: modbus",
        "label: {zh: 计数点, en: Counted points}",
        "vendor: example",
        "model: COUNTED",
        'firmware: "1"',
        "source: 可靠性验证",
        f"scan: {SCAN}",
        "points:",
    ]
    for number in range(PER_DEVICE):
        address = f"{{table: holding, address: {2 * number}, type: uint32}}"
        lines += [
            f"  - name: p{number}",
            f"    label: {{zh: 计数 {number}, en: Count {number}}}",
            "    quantity: point_count",
            "    unit: 个",
            "    type: int",
            "    range: [0, 4294967295]",
            f"    address: {address}",
        ]
    Path(profile_file(folder)).write_text("\n".join(lines) + "\n", encoding="utf-8")


def edge_config(folder: Path, collector: int, plant: int, health: int) -> str:
    devices = "\n".join(
        f"      - {{name: d{number}, profile: counted, device_id: {number + 1}}}"
        for number in range(DEVICES)
    )
    return f"""format: v1
gateway: {{name: {GATEWAY}, label: {{zh: 验证网关, en: Gauntlet gateway}}, site: {SITE}}}
collector: {{url: "http://127.0.0.1:{collector}", token_file: {folder}/token, timeout: 5}}
buffer: {{folder: {folder}/buffer}}
health: {{port: {health}}}
profiles: {folder}
sites:
  - {{name: {SITE}, label: {{zh: 验证场所, en: Gauntlet}}, region: "441502", domain: lifelines}}
buses:
  - name: line
    protocol: modbus
    host: 127.0.0.1
    port: {plant}
    timeout: 2
    devices:
{devices}
"""


class Site:
    """The running site; `kill` kills one process and has it back at work."""

    def __init__(self, folder: Path, sabotage: str = "") -> None:
        self.folder = folder
        self.commits = Commits()
        self.accepted: list[tuple[str, int, int]] = []
        self.database = folder / "collector.db"
        self._env = {"FENGSUI_SABOTAGE": sabotage} if sabotage else {}
        self._port = free_port()
        self._pause = threading.Event()
        config = folder / "central.yaml"
        self.central = Process("central", "central", ["run", config], folder)
        self.edge = Process("edge", "edge", ["run", folder / "edge.yaml"], folder)
        self.door = CollectorDoor("127.0.0.1", self._port)
        self._began = SystemClock().now()
        self._plant: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Write the files and start plant, collector and gateway."""
        folder = self.folder
        folder.mkdir(parents=True, exist_ok=True)
        write_profile(folder)
        self._plant = subprocess.Popen(
            [sys.executable, "-m", "tests.gauntlet.plant", str(folder), "0"], stdout=subprocess.PIPE
        )
        assert self._plant.stdout
        plant = int(self._plant.stdout.readline())
        config = folder / "central.yaml"
        config.write_text(
            f"format: v1\nlisten: {{host: 127.0.0.1, port: {self._port}}}\n"
            f"database: {self.database}\n",
            encoding="utf-8",
        )
        made = subprocess.run(
            [sys.executable, "-m", "central", "create-admin", str(config), "judge", "--login-link"],
            capture_output=True,
            text=True,
            check=True,
            stdin=subprocess.DEVNULL,
        ).stdout
        self.central.start()
        self.door.wait_healthy(lambda: None)
        code = next(word.rsplit("code=", 1)[1] for word in made.split() if "code=" in word)
        self.door.log_in(code)
        token = folder / "token"
        token.touch(mode=0o600)
        token.write_text(self.door.add_gateway(GATEWAY, "验证网关", SITE), encoding="ascii")
        edge = edge_config(folder, self._port, plant, free_port())
        (folder / "edge.yaml").write_text(edge, encoding="utf-8")
        self.edge.start(self.commits, self._env)

    def kill(self, who: str) -> Killed:
        """`kill -9` one side, start it again, and return once it works again."""
        killed = (self.edge if who == "edge" else self.central).kill()
        if who == "edge":
            before = self.commits.last_at
            self.edge.start(self.commits, self._env)
            self._until(lambda: self.commits.last_at > before, "the gateway accepts again")
        else:
            self.central.start()
            self.door.wait_healthy(lambda: None)
        killed.back = SystemClock().now()
        return killed

    def freeze(self) -> None:
        """From here on what is accepted is not asked for any more."""
        with self.commits.lock:
            self.accepted = list(self.commits.batches)

    def wait_drained(self, seconds: float) -> None:
        """Return once the collector holds what was accepted, or after `seconds`."""
        last: dict[str, int] = {}
        for stream, seq0, n in self.accepted:
            last[stream] = max(last.get(stream, 0), seq0 + n - 1)
        deadline = real_monotonic() + seconds
        while real_monotonic() < deadline:
            cursors = self.cursors()
            if all(cursors.get(stream, 0) >= seq for stream, seq in last.items()):
                return
            self._pause.wait(0.1)

    def cursors(self) -> dict[str, int]:
        """Return the highest stored number of each stream."""
        from tests.gauntlet.stored import read_cursors

        return read_cursors(self.database)

    def span(self) -> tuple[int, int]:
        """Return the time all this site's readings lie in, with a minute to spare (µs UTC)."""
        minute = 60_000_000
        return self._began - minute, SystemClock().now() + minute

    def logs(self) -> str:
        return f"--- edge\n{self.edge.log_tail()}\n--- central\n{self.central.log_tail()}"

    def stop_gateway(self) -> None:
        self.edge.stop()

    def stop(self) -> None:
        """End every process this site started."""
        self.edge.stop()
        self.central.stop()
        if self._plant is not None:
            self._plant.terminate()
            self._plant.wait(10)
            if self._plant.stdout:
                self._plant.stdout.close()

    def _until(self, done: Callable[[], bool], what: str) -> None:
        deadline = real_monotonic() + BACK_SECONDS
        while not done():
            if real_monotonic() > deadline:
                raise SystemExit(f"gauntlet: not in {BACK_SECONDS:.0f} s: {what}\n{self.logs()}")
            self._pause.wait(0.02)
