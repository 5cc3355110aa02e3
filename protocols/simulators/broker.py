"""Starts a real MQTT broker on loopback: Debian's mosquitto, or the `iotcore` wheel without it.

A free port; ended by its process, never by name. For tests, the demo and the gauntlet.
"""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from protocols.clock import real_monotonic
from protocols.errors import FengsuiError

HOST: Final = "127.0.0.1"
STARTING: Final = 15.0
"""Seconds a broker may take until it accepts connections."""
STOPPING: Final = 5.0
TRIES: Final = 5
"""Ports tried: another process may take a free one before the broker does."""

IOTCORE: Final = """
import os, sys, threading
from iotcore import IotCoreBroker

def silence():
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)

silencing = threading.Timer(3.0, silence)
silencing.daemon = True
silencing.start()
IotCoreBroker(config_path=None, listen="127.0.0.1", port=int(sys.argv[1])).run_forever()
"""
"""It writes a line for every message and cannot be told not to: its log holds how it started."""


class BrokerFailed(FengsuiError):
    """No broker: neither program is installed, or it ended at once."""

    code = "BROKER_FAILED"


class Broker:
    """A running broker. `kind` is `mosquitto` (keeps sessions on disk) or `iotcore` (does not)."""

    def __init__(self, kind: str, port: int, command: Sequence[str], log: Path) -> None:
        self.kind = kind
        self.port = port
        self._command = tuple(command)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The broker's process; 0 while it is stopped."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """Start it, again with the same port and sessions. Raises BrokerFailed."""
        if self._process is not None:
            return
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # a broker found on this machine
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Its own group: Ctrl-C is for whoever started it, who ends it in order.
                start_new_session=True,
            )
        deadline = real_monotonic() + STARTING
        while not self._accepts():
            if self._process.poll() is not None or real_monotonic() > deadline:
                self.kill()
                raise BrokerFailed(kind=self.kind, log=str(self._log), last=self._last_lines())

    def stop(self) -> None:
        """End it in order; may be called again."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, with_signal: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(with_signal)
        try:
            process.wait(STOPPING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _accepts(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=0.2):
                return True
        except OSError:
            # Waits a moment on the process, which is woken at once should it end.
            try:
                if self._process is not None:
                    self._process.wait(0.02)
            except subprocess.TimeoutExpired:
                pass
            return False

    def _last_lines(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return " / ".join(lines[-2:])


def start_broker(folder: Path, *, settings: Sequence[str] = ()) -> Broker:
    """Start a broker that keeps its files in `folder`. Raises BrokerFailed.

    `settings` are further lines of mosquitto.conf; with any, only mosquitto will do.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for attempt in range(TRIES):
        broker = _found(folder, _free_port(), settings)
        try:
            broker.start()
        except BrokerFailed:
            if attempt == TRIES - 1:
                raise
            continue
        return broker
    raise AssertionError("unreachable")


def mosquitto() -> str | None:
    """Return where mosquitto is; Debian puts it where a user's PATH does not look."""
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _found(folder: Path, port: int, settings: Sequence[str]) -> Broker:
    program, log = mosquitto(), folder / "broker.log"
    if program is not None:
        config = folder / "mosquitto.conf"
        config.write_text("\n".join([*_configuration(folder, port, settings), ""]), "utf-8")
        return Broker("mosquitto", port, [program, "-c", str(config)], log)
    if settings or importlib.util.find_spec("iotcore") is None:
        raise BrokerFailed(kind="mosquitto", log="", last="apt install mosquitto")
    return Broker("iotcore", port, [sys.executable, "-c", IOTCORE, str(port)], log)


def _configuration(folder: Path, port: int, settings: Sequence[str]) -> list[str]:
    lines = [
        f"listener {port} {HOST}",
        "persistence true",
        f"persistence_location {folder.resolve()}/",
        "max_queued_messages 100000",
        # A gateway acknowledges once a second: a window of 20 would be 20 messages a second.
        "max_inflight_messages 1000",
        "log_dest stdout",
        "log_type error",
        "log_type warning",
    ]
    if not any(line.startswith("allow_anonymous") for line in settings):
        lines.append("allow_anonymous true")
    if os.geteuid() == 0:
        # Otherwise it becomes a user who may not write in this folder.
        lines.append("user root")
    return [*lines, *settings]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
