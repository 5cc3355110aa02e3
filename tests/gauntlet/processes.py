"""The real processes of a gauntlet, killed and started again, and what they said meanwhile."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from protocols.clock import SystemClock, real_monotonic

BACK_SECONDS: Final = 90.0
"""A process that is not at work again by then is a failure of its own; a busy machine is slow."""
STOP_SECONDS: Final = 60.0
LOW_PORTS: Final = range(20_000, 32_000)
"""Below what a machine hands out by itself: nobody takes the port while its owner is killed."""


class Stuck(RuntimeError):
    """Something that must happen did not, for far longer than it may take."""


@dataclass
class Life:
    """One process from start to end (µs UTC); `how` is `kill`, a phase, `stop` or empty."""

    who: str
    start: int
    first: int = 0
    """When it was at work: a gateway had reported a batch, a collector answered."""
    end: int = 0
    how: str = ""


class Commits:
    """What a gateway reported as committed in its buffer, read from its pipe as it comes.

    A line cut short by a kill is no report: the harness holds the gateway only to what it said.
    """

    def __init__(self) -> None:
        self.batches: list[tuple[str, int, int]] = []
        self.accepted = 0
        self.lock = threading.Lock()

    def follow(self, descriptor: int, life: Life) -> None:
        threading.Thread(target=self._read, args=(descriptor, life), daemon=True).start()

    def _read(self, descriptor: int, life: Life) -> None:
        with os.fdopen(descriptor, "rb") as pipe:
            for line in pipe:
                if not line.endswith(b"\n"):
                    return
                said = json.loads(line)
                with self.lock:
                    self.batches.append((said["stream"], said["seq0"], said["n"]))
                    self.accepted += said["n"]
                life.first = life.first or SystemClock().now()


@dataclass
class Process:
    """A module started, killed and started again with the same arguments; `lives` is its story."""

    name: str
    module: str
    arguments: list[object]
    folder: Path
    lives: list[Life] = field(default_factory=list)
    running: "subprocess.Popen[bytes] | None" = None

    def start(self, env: dict[str, str], commits: Commits | None = None) -> Life:
        command = [sys.executable, "-m", self.module, *map(str, self.arguments)]
        ends = os.pipe() if commits is not None else None
        if ends is not None:
            command += ["--report-commits", str(ends[1])]
        life = Life(self.name, SystemClock().now())
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.running = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=ends[1:] if ends else (),
                env={**os.environ, **env},
                start_new_session=True,
            )
        self.lives.append(life)
        if ends is not None and commits is not None:
            os.close(ends[1])
            commits.follow(ends[0], life)
        return life

    @property
    def life(self) -> Life:
        return self.lives[-1]

    def kill(self) -> Life:
        """`kill -9`, and wait until it is gone."""
        return self._signal(signal.SIGKILL, "kill")

    def stop(self) -> Life:
        """Ask it to end, as an operator would, and wait until it has."""
        return self._signal(signal.SIGTERM, "stop")

    def ask_to_end(self) -> None:
        """Ask without waiting."""
        if self.running is not None and self.running.poll() is None:
            self.running.send_signal(signal.SIGTERM)

    def _signal(self, number: int, how: str) -> Life:
        assert self.running is not None
        if self.running.poll() is None:
            self.running.send_signal(number)
            try:
                self.running.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.running.kill()
                self.running.wait()
                raise Stuck(f"{self.name} did not end\n{self.log_tail()}") from None
            self.note_end(how)
        else:
            self.note_end("died")
        return self.life

    def note_end(self, how: str) -> None:
        """Write down that it is over; the first reason counts."""
        if not self.life.end:
            self.life.end, self.life.how = SystemClock().now(), how

    def alive(self) -> bool:
        return self.running is not None and self.running.poll() is None

    def killed_itself(self) -> bool:
        return self.running is not None and self.running.poll() == -signal.SIGKILL

    def end(self) -> None:
        """Let nothing of it be left, whatever state it is in."""
        if self.alive():
            try:
                self.stop()
            except Stuck:
                return

    def log_tail(self, lines: int = 15) -> str:
        log = self.folder / f"{self.name}.log"
        text = log.read_text(errors="replace") if log.is_file() else ""
        return f"--- {self.name}\n" + "\n".join(text.splitlines()[-lines:])


def wait_until(done: Callable[[], bool], what: str, seconds: float = BACK_SECONDS) -> None:
    """Return once `done`. Raises Stuck."""
    deadline, pause = real_monotonic() + seconds, threading.Event()
    while not done():
        if real_monotonic() > deadline:
            raise Stuck(f"not in {seconds:.0f} s: {what}")
        pause.wait(0.02)


def quiet_port() -> int:
    """Return a loopback port that is free now and stays free while its owner is restarted."""
    for port in random.SystemRandom().sample(LOW_PORTS, 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Stuck("no free port")
