"""`make demo`: one collector, two gateways, four simulated sites and a broker, all real processes.

Everything lives below one folder that is made anew at each start, because the story's time starts
anew too. `Ctrl-C` ends every process it started, by pid.

    plant (4 sites, 2 cables) --field protocols--> 2 gateways --cables--> collector --> page
"""

import json
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Final

from protocols.clock import SECOND, SystemClock
from protocols.errors import FengsuiError
from protocols.simulators.broker import Broker, start_broker
from protocols.simulators.children import Child, Children
from protocols.simulators.collector_door import CollectorDoor
from protocols.simulators.plant import EVENING
from protocols.simulators.shapes import clock as evening
from protocols.simulators.stories import CUT

TEMPLATES: Final = Path(__file__).resolve().parents[2] / "config" / "demo"
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


class DemoFailed(FengsuiError):
    """The demo cannot start; the code says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When the story begins and how fast it is told.

    The past (19:00 to `start`) passes within `past_seconds` real seconds, after `warm_up` real
    seconds for the processes to come up; from then on `factor`.
    """

    start: str = "22:00"
    factor: float = 5.0
    past_seconds: float = 6.0
    warm_up: float = 8.0

    def paces(self, now: int) -> list[dict[str, Any]]:
        """Return the paces of the story clock for a demo that starts at `now` (µs UTC)."""
        begin = EVENING + int(evening("19:00")) * SECOND
        start = EVENING + int(evening(self.start)) * SECOND
        told = now + int(self.warm_up * SECOND)
        live = told + int(self.past_seconds * SECOND)
        past_factor = (start - begin) / (live - told)
        return [
            {"real": now, "story": begin - (told - now), "factor": 1.0},
            {"real": told, "story": begin, "factor": past_factor},
            {"real": live, "story": start, "factor": self.factor},
        ]


def refuse_taken_port(port: int) -> None:
    """Raise DemoFailed naming the port when something listens on it already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as exc:
            raise DemoFailed("PORT_TAKEN", port=port, hint=port + 1) from exc


class Demo:
    """Starts the processes one by one; `stop` ends them in the reverse order."""

    def __init__(
        self, folder: Path, port: int, timing: Timing, gateway_python: str = sys.executable
    ) -> None:
        self.folder = folder
        self.gateways: dict[str, Child] = {}
        self.gateway_health: dict[str, int] = {}
        self._gateway_python = gateway_python
        self.port = port
        self.timing = timing
        self.children = Children(folder / "log")
        self.link = ""
        self._broker: Broker | None = None

    def start(self) -> None:
        """Bring everything up; returns when the page can be opened. Raises DemoFailed."""
        refuse_taken_port(self.port)
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "log").mkdir(parents=True)
        story = self.folder / "story.json"
        paces = self.timing.paces(SystemClock().now())
        story.write_text(json.dumps(paces), encoding="utf-8")
        self._broker = start_broker(self.folder / "broker")
        where = self._plant(story)
        door = self._collector(story, where)
        try:
            for name, (site, label, _) in GATEWAYS.items():
                token = door.add_gateway(name, label, site)
                self.gateways[name] = self._gateway(name, token, story, where)
        finally:
            door.close()

    def _plant(self, story: Path) -> dict[str, Any]:
        broker = self._broker
        assert broker is not None  # noqa: S101  # start() has just set it
        described = {
            "broker": {"host": "127.0.0.1", "port": broker.port},
            "simulators": [
                dict(
                    zip(
                        ("story", "profile", "site", "device", "transport", "options"),
                        entry,
                        strict=True,
                    )
                )
                for entry in SIMULATORS
            ],
            "cables": [
                {"gateway": name, "target": f"127.0.0.1:{self.port}", "cut": cut}
                for name, (_, _, cut) in GATEWAYS.items()
            ],
        }
        file = self.folder / "plant.json"
        file.write_text(json.dumps(described, ensure_ascii=False), encoding="utf-8")
        child = self.children.start(
            "plant", "protocols.simulators", ["plant", file, "--story", story], speaks=True
        )
        where: dict[str, Any] = json.loads(child.first_line())
        return where

    def _render(self, name: str, values: dict[str, Any]) -> Path:
        text = (TEMPLATES / f"{name}.yaml").read_text(encoding="utf-8")
        file = self.folder / f"{name}.yaml"
        file.write_text(Template(text).substitute(values), encoding="utf-8")
        return file

    def _collector(self, story: Path, where: dict[str, Any]) -> CollectorDoor:
        values = {
            "port": self.port,
            "folder": self.folder / "central",
            **{
                f"cable_{key.replace('-', '_')}": item["control"]
                for key, item in where["cables"].items()
            },
        }
        config = self._render("central", values)
        person = "duty"
        made = self.children.ask("central", ["create-admin", config, person, "--login-link"])
        self.link = _link(made, self.port)
        setup = self.children.ask("central", ["create-admin", config, "demo-setup", "--login-link"])
        self.children.start("central", "central", ["run", config, "--story", story])
        door = CollectorDoor("127.0.0.1", self.port)
        door.wait_healthy(self.children.ended)
        door.log_in(_link(setup, self.port).rsplit("code=", 1)[1])
        return door

    def _gateway(self, name: str, token: str, story: Path, where: dict[str, Any]) -> Child:
        token_file = self.folder / f"{name}.token"
        token_file.touch(mode=0o600)
        token_file.write_text(token, encoding="ascii")
        broker = self._broker
        self.gateway_health[name] = free_port()
        values = {
            "folder": self.folder,
            "collector_port": where["cables"][name]["port"],
            "broker_port": broker.port if broker else 0,
            "health_port": self.gateway_health[name],
            **{
                f"{device.replace('-', '_')}_port": port
                for device, port in where["devices"].items()
            },
        }
        config = self._render(name, values)
        arguments: list[str | Path] = ["run", config, "--story", story]
        return self.children.start(name, "edge", arguments, python=self._gateway_python)

    def stop(self) -> None:
        """End every process this demo started, by pid; safe to call twice."""
        self.children.stop()
        if self._broker is not None:
            self._broker.stop()
            self._broker = None


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
