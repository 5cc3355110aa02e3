"""The real processes of a gauntlet, killed and started again."""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from protocols.clock import SystemClock, real_monotonic


@dataclass
class Commits:
    """What the gateway reported as committed in its buffer, read from its pipe as it comes.

    A line cut short by a kill is no report: the harness holds the gateway only to what it said.
    """

    batches: list[tuple[str, int, int]] = field(default_factory=list)
    accepted: int = 0
    last_at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def follow(self, descriptor: int) -> threading.Thread:
        thread = threading.Thread(target=self._read, args=(descriptor,), daemon=True)
        thread.start()
        return thread

    def _read(self, descriptor: int) -> None:
        with os.fdopen(descriptor, "rb") as pipe:
            for line in pipe:
                if not line.endswith(b"\n"):
                    return
                said = json.loads(line)
                with self.lock:
                    self.batches.append((said["stream"], said["seq0"], said["n"]))
                    self.accepted += said["n"]
                    self.last_at = real_monotonic()


@dataclass
class Killed:
    """One kill: who, when (µs UTC), and when the process was at work again."""

    who: str
    at: int
    back: int = 0


class Process:
    """A module started, killed and started again with the same arguments."""

    def __init__(self, name: str, module: str, arguments: list[object], folder: Path) -> None:
        self.name = name
        self._command = [sys.executable, "-m", module, *map(str, arguments)]
        self._log = folder / f"{name}.log"
        self._running: subprocess.Popen[bytes] | None = None

    def start(self, commits: Commits | None = None, env: dict[str, str] | None = None) -> None:
        command, passed, ends = list(self._command), (), None
        if commits is not None:
            ends = os.pipe()
            passed = (ends[1],)
            command += ["--report-commits", str(ends[1])]
        with self._log.open("ab") as log:
            self._running = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=passed,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        if ends is not None and commits is not None:
            os.close(ends[1])
            commits.follow(ends[0])

    def kill(self) -> Killed:
        """`kill -9`, and wait until it is gone."""
        assert self._running is not None
        at = SystemClock().now()
        os.kill(self._running.pid, signal.SIGKILL)
        self._running.wait()
        return Killed(self.name, at)

    def stop(self) -> None:
        if self._running is None:
            return
        if self._running.poll() is None:
            self._running.send_signal(signal.SIGTERM)
            try:
                self._running.wait(10)
            except subprocess.TimeoutExpired:
                os.kill(self._running.pid, signal.SIGKILL)
                self._running.wait()
        self._running = None

    def alive(self) -> bool:
        return self._running is not None and self._running.poll() is None

    def log_tail(self) -> str:
        if not self._log.is_file():
            return ""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])
