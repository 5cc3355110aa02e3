"""One gateway of the site: its files, its process, and what it says of itself."""

import subprocess
import sys
import threading
from pathlib import Path

from protocols.simulators.collector_door import CollectorDoor, DoorClosed
from tests.gauntlet import layout
from tests.gauntlet.processes import Commits, Life, Process, Stuck, quiet_port


class Gateway:
    """One gateway with its plant, its folder and what it reported."""

    def __init__(self, folder: Path, number: int, sabotage: str) -> None:
        self.number = number
        self.name = layout.gateway_name(number)
        self.folder = folder / self.name
        self.buffer = self.folder / "buffer"
        self.log = self.folder / "plant.reads"
        self.uplink = quiet_port()
        self.commits = Commits()
        self.lock = threading.RLock()
        """Whoever stops, kills or starts it holds this."""
        self.line = threading.Lock()
        """Whoever makes its line fail holds this."""
        self._env = {"FENGSUI_SABOTAGE": sabotage} if sabotage else {}
        self._plant: subprocess.Popen[bytes] | None = None
        self._health = quiet_port()
        self.process = Process(
            self.name, "edge", ["run", self.folder / "edge.yaml", "--log", "warning"], folder
        )

    def prepare(self, profiles: Path, token: str | None) -> None:
        """Write its files and start its plant; without a token it is to be enrolled over TLS."""
        self.buffer.mkdir(parents=True, exist_ok=True)
        if token is not None:
            file = self.folder / "token"
            file.touch(mode=0o600)
            file.write_text(token, encoding="ascii")
        command = [sys.executable, "-m", "tests.gauntlet.plant", str(self.number), str(self.log)]
        self._plant = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        assert self._plant.stdout
        plant = int(self._plant.stdout.readline())
        ports = layout.Ports(
            uplink=self.uplink, plant=plant, health=self._health, secure=token is None
        )
        config = layout.edge_config(self.folder, profiles, self.number, ports)
        (self.folder / "edge.yaml").write_text(config, encoding="utf-8")

    def enrol(self, text: str) -> None:
        """Let it make its key and prove it by the text of a QR code. Raises Stuck."""
        done = subprocess.run(
            [sys.executable, "-m", "edge", "enrol", self.folder / "edge.yaml", text],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise Stuck(f"{self.name} is not enrolled: {done.stdout}{done.stderr}")

    def start(self, env: dict[str, str] | None = None) -> Life:
        return self.process.start({**self._env, **(env or {})}, self.commits)

    def knows_all_is_delivered(self) -> bool:
        """Return whether it was answered for everything that its earlier processes left."""
        page = CollectorDoor("127.0.0.1", self._health)
        try:
            streams = page.ask("GET", "/buffer")["streams"]
        except (OSError, DoorClosed):
            return False
        return all(s["live"] or s["committed"] >= s["last"] for s in streams)

    def has_all_ashore(self) -> bool:
        """Return whether its medium takes everything and memory holds nothing for it."""
        page = CollectorDoor("127.0.0.1", self._health)
        try:
            return page.ask("GET", "/health")["buffer"]["failing_since"] is None
        except (OSError, DoorClosed):
            return False

    def end(self) -> None:
        self.process.end()
        if self._plant is not None:
            self._plant.terminate()
            self._plant.wait(10)
            if self._plant.stdout:
                self._plant.stdout.close()
            self._plant = None
