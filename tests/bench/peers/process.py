"""A peer's server on loopback with a folder of its own, ended by its number."""

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from protocols.clock import real_monotonic
from tests.bench.peers.asking import Asking

SOON = 30.0
NOBODY = 65_534


class Server:
    """One process; `path` answers when it is ready."""

    def __init__(self, command: Sequence[str], folder: Path, port: int, path: str) -> None:
        self._command = list(command)
        self._folder = folder
        self._path = path
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers. Raises OSError."""
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env={**os.environ, "INFLUXDB_CONFIG_PATH": ""},
            )
        deadline = real_monotonic() + SOON
        while True:
            try:
                Asking(self.port).get(self._path)
            except OSError:
                if self._process.poll() is not None or real_monotonic() > deadline:
                    log_end = (self._folder / "server.log").read_text()[-1_000:]
                    raise OSError(f"{self._command[0]}: {log_end}") from None
                signal.sigtimedwait([], 0.05)
            else:
                return

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as an operator does."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(SOON)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def program(*names: str) -> str | None:
    """Return the first of these programs that is installed."""
    return next(filter(None, map(shutil.which, names)), None)
