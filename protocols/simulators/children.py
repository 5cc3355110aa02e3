"""Processes one starts and ends by pid: what the demo and the end-to-end tests are made of."""

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from protocols.clock import real_monotonic
from protocols.errors import FengsuiError

SPEAK_SECONDS: Final = 30.0
"""A process that has not said where it listens by then will not (cold imports on a slow card)."""

LOOK_EVERY: Final = 0.2
"""Seconds between two looks whether to go on waiting."""

END_SECONDS: Final = 8.0
"""Time to seal and close before a process is killed."""


class ChildEnded(FengsuiError):
    """A process ended before its time; carries the last lines of its log."""

    code = "CHILD_ENDED"


class Interrupted(FengsuiError):
    """Whoever started the processes has had enough (Ctrl-C)."""

    code = "INTERRUPTED"


@dataclass(frozen=True, slots=True)
class Child:
    """One running process and its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    over: threading.Event

    def first_line(self) -> bytes:
        """Return the first line it prints, or raise ChildEnded or Interrupted."""
        pipe: IO[bytes] | None = self.process.stdout
        deadline = real_monotonic() + SPEAK_SECONDS
        while pipe is not None and real_monotonic() < deadline:
            if self.over.is_set():
                raise Interrupted
            if select.select([pipe], [], [], LOOK_EVERY)[0]:
                if line := pipe.readline():
                    return line
                break
        raise self.ended()

    def ended(self) -> ChildEnded:
        """Return what to raise when this process is not there any more."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return ChildEnded(
            process=self.name,
            status=self.process.poll(),
            log=str(self.log),
            last=" / ".join(lines[-3:]),
        )


class Children:
    """The processes of one demo, in the order they were started; `over` ends every wait."""

    def __init__(self, logs: Path, over: threading.Event | None = None) -> None:
        self.logs = logs
        self.over = over or threading.Event()
        self._running: list[Child] = []

    def start(
        self,
        name: str,
        module: str,
        arguments: Sequence[str | Path],
        *,
        speaks: bool = False,
        python: str = sys.executable,
    ) -> Child:
        """Start `python -m module arguments`; its output goes to its log (or is read, `speaks`)."""
        log = self.logs / f"{name}.log"
        with log.open("ab") as file:
            process = subprocess.Popen(  # noqa: S603  # our own modules
                [python, "-m", module, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if speaks else file,
                stderr=file,
                # Its own group: Ctrl-C reaches the demo first, which ends the others in order.
                start_new_session=True,
            )
        child = Child(name, process, log, self.over)
        self._running.append(child)
        return child

    def ask(
        self, module: str, arguments: Sequence[str | Path], python: str = sys.executable
    ) -> str:
        """Run `python -m module arguments` to its end and return what it printed."""
        done = subprocess.run(  # noqa: S603  # our own modules
            [python, "-m", module, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ChildEnded(
                process=module, status=done.returncode, log="", last=done.stderr[-400:]
            )
        return done.stdout

    def ended(self) -> FengsuiError | None:
        """Return what to raise if any process is gone or nobody waits any more, else None."""
        if self.over.is_set():
            return Interrupted()
        for child in self._running:
            if child.process.poll() is not None:
                return child.ended()
        return None

    def stop(self) -> None:
        """End all in reverse order: ask first, kill what does not listen."""
        for child in reversed(self._running):
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        deadline = real_monotonic() + END_SECONDS
        for child in reversed(self._running):
            try:
                child.process.wait(max(0.1, deadline - real_monotonic()))
            except subprocess.TimeoutExpired:
                os.kill(child.process.pid, signal.SIGKILL)
                child.process.wait()
            if child.process.stdout is not None:
                child.process.stdout.close()
        self._running.clear()
