"""The real `fengsui-edge` as a process: a Modbus simulator before it, a collector behind, kills."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.buffer_command import look, show
from edge.check import load_config
from edge.local_http import ask
from protocols.clock import SystemClock
from protocols.modbus.simulator import Simulator
from protocols.words import Value
from tests.edge.waiting import eventually
from tests.fakes import FakeCollector

CONFIG = """\
format: v1
gateway:
  name: gw-1
  label: {{zh: 网关, en: Gateway}}
  site: s1
purpose: test
collector:
  url: {url}
  token_file: token
  timeout: 5
buffer:
  folder: buffer
health:
  host: 127.0.0.1
  port: {health}
sites:
  - name: s1
    label: {{zh: 油库, en: Depot}}
    region: "441502"
    domain: hazardous_chemicals
buses:
  - name: tank-farm
    protocol: modbus
    transport: tcp
    host: 127.0.0.1
    port: {port}
    timeout: 0.5
    devices:
      - name: tk-101
        label: {{zh: 储罐, en: Tank}}
        profile: example/tankfarm-modbus
        device_id: 1
        scan: 0.1
"""


MOVING = ("lt-101", "tt-101", "flow", "total")


def signals(_device: str, point: str, now: int) -> Value:
    """Some move all the time, so that every read is reported."""
    return 1.0 + (now // 100_000) % 1000 / 4 % 12 if point in MOVING else 1


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    made = FakeCollector()
    yield made
    made.close()


@pytest.fixture
async def plant(tmp_path: Path, collector: FakeCollector) -> AsyncIterator[Simulator]:
    file = tmp_path / "edge.yaml"
    (tmp_path / "token").write_text("secret")
    (tmp_path / "token").chmod(0o600)
    text = CONFIG.format(url=collector.url, port=1, health=free_port())
    file.write_text(text, encoding="utf-8")
    devices = load_config(file).buses[0].devices
    simulator = Simulator(devices, signals, SystemClock())
    await simulator.listen("127.0.0.1", 0, "tcp")
    file.write_text(text.replace("port: 1\n", f"port: {simulator.port}\n"), encoding="utf-8")
    yield simulator
    await simulator.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Gateway:
    """One start of the process; `reported` is what it said it had committed."""

    def __init__(self, folder: Path, env: dict[str, str] | None = None) -> None:
        read, write = os.pipe()
        self.reported: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "edge", "run", str(folder / "edge.yaml"),
             "--report-commits", str(write)],
            pass_fds=(write,), env={**os.environ, **(env or {})},
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        os.close(write)
        self._errors: list[str] = []
        self._threads = [
            threading.Thread(target=self._follow, args=(read,), daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _follow(self, descriptor: int) -> None:
        with os.fdopen(descriptor) as pipe:
            for line in pipe:
                if line.endswith("\n"):
                    self.reported.append(json.loads(line))

    def _listen(self) -> None:
        assert self.process.stderr is not None
        self._errors += list(self.process.stderr)

    def end(self, *, kill: bool = False) -> str:
        """Stop it; return what it wrote on standard error."""
        (self.process.kill if kill else self.process.terminate)()
        code = self.process.wait(10)
        for thread in self._threads:
            thread.join(60)
        assert self.process.stderr is not None
        self.process.stderr.close()
        assert kill or code == 0, self._errors
        return "".join(self._errors)


Start = Callable[..., Gateway]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Gateway] = []

    def begin(env: dict[str, str] | None = None) -> Gateway:
        started.append(Gateway(tmp_path, env))
        return started[-1]

    yield begin
    for gateway in started:
        if gateway.process.poll() is None:
            gateway.end(kill=True)


def missing(gateways: list[Gateway], collector: FakeCollector) -> set[tuple[str, int]]:
    """Return every accepted (stream, seq) that the collector does not hold."""
    accepted = {
        (said["stream"], said["seq0"] + i)
        for gateway in gateways
        for said in gateway.reported
        for i in range(said["n"])
    }
    held = {(name, seq) for name, s in collector.streams.items() for seq, _ in s.items}
    return accepted - held


@pytest.mark.slow
async def test_kill_nine_loses_nothing_accepted_and_doubles_nothing(
    start: Start, plant: Simulator, collector: FakeCollector
) -> None:
    gateways = []
    for cut in (False, True):
        collector.fault = (lambda lane: "cut") if cut else (lambda lane: None)
        gateway = start()
        gateways.append(gateway)
        await eventually(lambda g=gateway: len(g.reported) > 2)  # type: ignore[misc]
        gateway.end(kill=True)
    collector.fault = lambda lane: None
    last = start()
    gateways.append(last)
    await eventually(lambda: bool(last.reported) and not missing(gateways[:2], collector))
    assert "Traceback" not in last.end()
    for held in collector.streams.values():
        assert [seq for seq, _ in held.items] == list(range(1, held.cursor + 1))
        assert not held.skipped


@pytest.mark.slow
async def test_a_running_gateway_shows_itself_and_loads_no_heavy_library(
    tmp_path: Path,
    start: Start,
    plant: Simulator,
    collector: FakeCollector,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gateway = start()
    config = await asyncio.to_thread(load_config, tmp_path / "edge.yaml")
    await eventually(lambda: bool(collector.values()) and bool(collector.health))
    page = await asyncio.to_thread(fetch, config.health_port, "/health")
    assert page["uplink"]["up"] is True
    assert page["buses"][0]["devices"][0]["state"] == "online"
    assert page["points"][0]["class"] == "good"
    assert collector.health[-1]["backlog"]["readings"] >= 0
    loaded = set(await ask(config.buffer.folder, "/modules"))
    heavy = {"numpy", "pandas", "pydantic", "fastapi", "starlette", "httpx", "httpx2", "yaml"}
    assert not loaded & (heavy | {"asyncua", "paho", "celpy"})
    assert "pymodbus" in loaded
    looked = await asyncio.to_thread(command, "buffer", tmp_path, "--json")
    assert json.loads(looked.stdout)["running"] is True
    second = await asyncio.to_thread(command, "run", tmp_path)
    assert second.returncode == 1
    assert "缓存文件" in second.stderr
    assert "Traceback" not in second.stderr + gateway.end()
    stopped = await look(config)
    assert stopped["running"] is False
    assert {stream["kind"] for stream in stopped["streams"]} <= {"alarm", "data"}
    show(stopped, "zh")
    shown = capsys.readouterr().out
    assert "网关未运行" in shown
    assert all(f"{stream['stream']}：编号" in shown for stream in stopped["streams"])


@pytest.mark.slow
async def test_once_shows_every_point_and_fails_when_one_is_bad(
    tmp_path: Path, plant: Simulator
) -> None:
    good = await asyncio.to_thread(command, "once", tmp_path, "--json")
    lines = [json.loads(line) for line in good.stdout.splitlines()]
    assert {line["quality"] for line in lines} == {0}, good.stderr
    assert good.returncode == 0
    plant.silent("tk-101", True)
    bad = await asyncio.to_thread(command, "once", tmp_path)
    assert bad.returncode == 1
    assert "tk-101" in bad.stdout
    assert "Traceback" not in bad.stdout + bad.stderr


def test_what_is_wrong_is_said_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "edge.yaml").write_text("format: v1\n")
    wrong = command("run", tmp_path)
    assert wrong.returncode == 1
    assert "Traceback" not in wrong.stdout + wrong.stderr
    assert "edge.yaml" in wrong.stdout


def command(verb: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge", verb, str(folder / "edge.yaml"), *more],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


def fetch(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
        return json.load(reply)
