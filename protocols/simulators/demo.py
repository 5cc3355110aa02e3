"""`make demo`: one collector, two gateways, four simulated sites and a broker, all real processes.

Everything lives below one folder that is made anew at each start, because the story's time starts
anew too. `Ctrl-C` ends every process it started, by pid, at any moment.

    plant (4 sites, 2 cables) --field protocols--> 2 gateways --cables--> collector --> page
"""

import json
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Final

from protocols.clock import SECOND, SystemClock
from protocols.errors import FengsuiError
from protocols.simulators.broker import Broker, start_broker
from protocols.simulators.children import Child, Children, Interrupted
from protocols.simulators.collector_door import CollectorDoor
from protocols.simulators.demo_folder import DemoFolder
from protocols.simulators.plant import EVENING
from protocols.simulators.shapes import clock as evening
from protocols.simulators.stories import CUT
from protocols.story import AHEAD

CONFIG: Final = (
    Path(__file__).resolve().parents[2] / "config",
    Path(sys.prefix) / "share" / "fengsui" / "config",
)
"""Where the example configurations are: in a checkout, or where the wheel puts them."""

GATEWAYS: Final = {
    "gw-qingyun": ("qingyun", "青云水库网关(示例)", CUT),
    "gw-honghaiwan": ("honghaiwan", "红海湾示例储运网关", (0.0, 0.0)),
}
SIMULATORS: Final[tuple[tuple[str, str, str, str, str, dict[str, int | str]], ...]] = (
    ("reservoir", "example/reservoir-opcua", "qingyun", "dam", "opcua", {}),
    ("tankfarm", "example/tankfarm-modbus", "honghaiwan", "depot", "tcp", {"device_id": 1}),
    ("crane", "example/crane-mqtt", "jinting", "crane-3", "mqtt", {"prefix": "jinting/crane-3"}),
    ("firepanel", "example/firepanel-modbus", "haifeng", "panel", "rtu", {"device_id": 2}),
)


BEGIN: Final = EVENING + int(evening("19:00")) * SECOND
"""Where the past begins that reaches the collector first."""


class DemoFailed(FengsuiError):
    """The demo cannot start; the code says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When the story begins and how fast it is told.

    Time stands at 19:00 (at its natural pace) until the gateways run; then the past up to `start`
    passes within `past_seconds` real seconds, and from there on time runs `factor` times as fast.
    """

    start: str = "22:00"
    factor: float = 5.0
    past_seconds: float = 5.0

    def hold(self, now: int) -> list[dict[str, Any]]:
        """Return the paces while processes come up, from the real time `now` (µs UTC) on."""
        return [{"real": now, "story": BEGIN, "factor": 1.0}]

    def tell(self, held: int, now: int) -> list[dict[str, Any]]:
        """Return the paces of a story held since `held` that is told from `now` on."""
        told = now + AHEAD
        begun = BEGIN + (told - held)
        start = EVENING + int(evening(self.start)) * SECOND
        live = told + int(self.past_seconds * SECOND)
        return [
            *self.hold(held),
            {"real": told, "story": begun, "factor": (start - begun) / (live - told)},
            {"real": live, "story": start, "factor": self.factor},
        ]


def refuse_taken_port(port: int) -> None:
    """Raise DemoFailed naming the port when it cannot be listened on, and why."""
    if not 0 < port < 65_536:
        raise DemoFailed("PORT_OUTSIDE", port=port)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as exc:
            raise DemoFailed("PORT_PRIVILEGED", port=port) from exc
        except OSError as exc:
            hint = port + 1 if port < 65_535 else port - 1
            raise DemoFailed("PORT_TAKEN", port=port, hint=hint) from exc


class Demo:
    """Starts the processes one by one; `stop` ends them in the reverse order."""

    def __init__(
        self, folder: Path, port: int, timing: Timing, gateway_python: str = sys.executable
    ) -> None:
        self.folder = folder
        self.port = port
        self.timing = timing
        self.over = threading.Event()
        self.children = Children(folder / "log", self.over)
        self.link = ""
        self.gateways: dict[str, Child] = {}
        self.gateway_health = {name: free_port() for name in GATEWAYS}
        self._controls = {name: free_port() for name in GATEWAYS}
        self._gateway_python = gateway_python
        self._story = folder / "story.json"
        self._broker: Broker | None = None
        self._held = DemoFolder(folder)

    def start(self) -> None:
        """Bring everything up; returns when the page can be opened and the evening has begun.

        Raises DemoFailed, FolderRefused, ChildEnded, DoorClosed, BrokerFailed; Interrupted as soon
        as `over` is set.
        """
        refuse_taken_port(self.port)
        self._held.take()
        (self.folder / "log").mkdir()
        held = SystemClock().now()
        self._tell(self.timing.hold(held))
        self._broker = start_broker(self.folder / "broker")
        plant = self._plant(self._broker.port)
        door = self._collector()
        where: dict[str, Any] = json.loads(plant.first_line())
        try:
            configs = {name: self._configured(name, where) for name in GATEWAYS}
            self._enrol(door, configs)
            door.put_rules((_demo() / "rules.yaml").read_bytes(), "演示")
        finally:
            door.close()
        for name, config in configs.items():
            arguments: list[str | Path] = ["run", config, "--story", self._story]
            python = self._gateway_python
            self.gateways[name] = self.children.start(name, "edge", arguments, python=python)
        for port in self.gateway_health.values():
            CollectorDoor("127.0.0.1", port).wait_healthy(self.children.ended, "/health")
        self._tell(self.timing.tell(held, SystemClock().now()))
        # Whoever opens the page finds the evening, not three hours rushing by.
        if self.over.wait(self.timing.past_seconds + AHEAD / SECOND):
            raise Interrupted

    def _tell(self, paces: list[dict[str, Any]]) -> None:
        new = self._story.with_suffix(".new")
        new.write_text(json.dumps(paces), encoding="utf-8")
        new.replace(self._story)

    def _plant(self, broker_port: int) -> Child:
        keys = ("story", "profile", "site", "device", "transport", "options")
        described = {
            "broker": {"host": "127.0.0.1", "port": broker_port},
            "simulators": [dict(zip(keys, entry, strict=True)) for entry in SIMULATORS],
            "cables": [
                {
                    "gateway": name,
                    "target": f"127.0.0.1:{self.port}",
                    "control": self._controls[name],
                    "cut": cut,
                }
                for name, (_, _, cut) in GATEWAYS.items()
            ],
        }
        file = self.folder / "plant.json"
        file.write_text(json.dumps(described, ensure_ascii=False), encoding="utf-8")
        arguments: list[str | Path] = ["plant", file, "--story", self._story]
        return self.children.start("plant", "protocols.simulators", arguments, speaks=True)

    def _render(self, name: str, values: dict[str, Any]) -> Path:
        text = (_demo() / f"{name}.yaml").read_text(encoding="utf-8")
        file = self.folder / f"{name}.yaml"
        file.write_text(Template(text).substitute(values), encoding="utf-8")
        return file

    def _collector(self) -> CollectorDoor:
        controls = {f"cable_{key.replace('-', '_')}": port for key, port in self._controls.items()}
        values = {"port": self.port, **controls}
        (self.folder / "central").mkdir()
        config = self._render("central", values)
        people = ("duty", "demo-setup")
        made = [
            self.children.ask("central", ["create-admin", config, person, "--login-link"])
            for person in people
        ]
        self.link, setup = (_link(printed, self.port) for printed in made)
        self.children.start("central", "central", ["run", config, "--story", self._story])
        door = CollectorDoor("127.0.0.1", self.port)
        door.wait_healthy(self.children.ended)
        door.log_in(setup.rsplit("code=", 1)[1])
        return door

    def _enrol(self, door: CollectorDoor, configs: dict[str, Path]) -> None:
        """Let each gateway make its key and prove its code, all at the same time."""
        now = SystemClock().now()
        codes = {
            name: door.invite(name, label, site, now) for name, (site, label, _) in GATEWAYS.items()
        }

        def enrol(name: str) -> None:
            arguments: list[str | Path] = ["enrol", configs[name], codes[name]]
            self.children.ask("edge", arguments, python=self._gateway_python)

        with ThreadPoolExecutor(len(configs)) as pool:
            list(pool.map(enrol, configs))

    def _configured(self, name: str, where: dict[str, Any]) -> Path:
        devices = {
            f"{device.replace('-', '_')}_port": port for device, port in where["devices"].items()
        }
        values = {
            "collector_port": where["cables"][name],
            "broker_port": self._broker.port if self._broker else 0,
            "health_port": self.gateway_health[name],
            **devices,
        }
        return self._render(name, values)

    def stop(self) -> None:
        """End every process this demo started, by pid; safe to call twice."""
        self.children.stop()
        if self._broker is not None:
            self._broker.stop()
            self._broker = None
        self._held.release()


def _demo() -> Path:
    return next((folder for folder in CONFIG if folder.is_dir()), CONFIG[0]) / "demo"


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _link(printed: str, port: int) -> str:
    for word in printed.split():
        if "code=" in word:
            return f"http://127.0.0.1:{port}/#/login?code={word.rsplit('code=', 1)[1]}"
    raise DemoFailed("NO_LOGIN_LINK", printed=printed[:200])
