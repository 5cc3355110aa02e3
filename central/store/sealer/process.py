"""Keeps `central.store.sealer.child` running while there is something to pack.

Everything blocks and belongs to one thread, but for `end`, which any may call: what is waited for
then fails. A process that dies or says nothing for long is ended, counted, and begun again after a
while that doubles; what it was to do is given to who asked (`SealerBroken`).
"""

import logging
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

from central.store.sealer.messages import LENGTH, MOST, Answer, Done, Job, answers, framed
from protocols.clock import real_monotonic

logger = logging.getLogger(__name__)

SILENCE: Final = 300.0
"""Real seconds without a word after which it is taken to hang: it runs behind everything else."""
PAUSE: Final = 1.0
MOST_PAUSE: Final = 300.0
"""Real seconds before it is begun again when it died twice: twice as many each time."""
PIECE: Final = 1 << 20
_GIVING: Final = {
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "67108864",
}
"""Its memory is the collector's: numpy needs no threads for this. What it lets go of it keeps for
the next array, until it trims: fewer pages come and go."""


class SealerBroken(Exception):
    """The process died, hung or was ended; nothing it said of the job counts."""


def command(file: Path) -> list[str]:
    """Return what is run."""
    return [sys.executable, "-m", "central.store.sealer.child", str(file), str(os.getpid())]


class Sealer:
    """One process at most, begun with the first job."""

    def __init__(self, file: Path) -> None:
        self.command: Callable[[Path], list[str]] = command
        self.silence = SILENCE
        self.deaths = 0
        """How often it died or had to be ended for its silence."""
        self._file = file
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False
        self._asked = False
        self._failed = 0
        self._not_before = 0.0

    @property
    def pid(self) -> int | None:
        """The process, if there is one."""
        process = self._process
        return None if process is None else process.pid

    @property
    def ready(self) -> bool:
        """Whether a job may be given: not so soon after it died."""
        return not self._ended and real_monotonic() >= self._not_before

    def ask(self, job: Job) -> None:
        """Give a job; `answer` says what becomes of it. Raises SealerBroken."""
        if self._asked:  # whoever asked last did not hear all of it
            self.rest()
        process = self._running()
        self._asked = True
        assert process.stdin is not None  # noqa: S101  # we asked for pipes
        pipe, left = process.stdin.fileno(), memoryview(framed(job))
        deadline = real_monotonic() + self.silence
        try:
            while left:
                self._wait_for(pipe, select.POLLOUT, deadline)
                left = left[os.write(pipe, left[: select.PIPE_BUF]) :]
        except OSError as exc:
            raise self._broken(f"did not take a job: {exc}") from exc

    def answer(self) -> Answer | None:
        """Return what it says next of the job, None after all of it. Raises SealerBroken."""
        process = self._process
        if process is None:
            raise self._broken("was ended")
        assert process.stdout is not None  # noqa: S101
        (size,) = LENGTH.unpack(self._exactly(process.stdout, LENGTH.size))
        if size > MOST:
            raise self._broken("made no sense")
        try:
            found: Answer = answers.decode(self._exactly(process.stdout, size))
        except ValueError as exc:
            raise self._broken("made no sense") from exc
        if isinstance(found, Done):
            self._asked = False
            self._failed = 0
            return None
        return found

    def rest(self) -> None:
        """End the process; the next job begins another."""
        with self._lock:
            process, self._process = self._process, None
        self._asked = False
        if process is not None:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    _let_go(pipe)
            process.wait()

    def end(self) -> None:
        """End the process for good; whoever waits for an answer gets SealerBroken."""
        with self._lock:
            self._ended = True
            process = self._process
        if process is not None:
            process.kill()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:  # while it had no job
            self.rest()
            self.deaths += 1
        with self._lock:
            if self._ended:
                raise SealerBroken("it has been ended")
            if self._process is None:
                try:
                    self._process = subprocess.Popen(  # noqa: S603  # our own program
                        self.command(self._file),
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        bufsize=0,
                        env={**os.environ, **_GIVING},
                        start_new_session=True,
                    )
                except OSError as exc:
                    self._wait()
                    raise SealerBroken(str(exc)) from exc
            return self._process

    def _exactly(self, pipe: IO[bytes], size: int) -> bytes:
        parts = bytearray()
        deadline = real_monotonic() + self.silence
        while len(parts) < size:
            self._wait_for(pipe.fileno(), select.POLLIN, deadline)
            piece = os.read(pipe.fileno(), min(PIECE, size - len(parts)))
            if not piece:
                raise self._broken("died")
            parts += piece
        return bytes(parts)

    def _wait_for(self, pipe: int, event: int, deadline: float) -> None:
        poll = select.poll()  # `select` knows no more than 1,024 files
        poll.register(pipe, event)
        left = deadline - real_monotonic()
        if left <= 0 or not poll.poll(left * 1_000):
            raise self._broken(f"said nothing for {self.silence:.0f} s")

    def _broken(self, what: str) -> SealerBroken:
        code = None if self._process is None else self._process.poll()
        self.rest()
        if not self._ended:
            self.deaths += 1
            self._wait()
            logger.error("the process that packs %s (%s)", what, code)
        return SealerBroken(what)

    def _wait(self) -> None:
        pause = min(MOST_PAUSE, PAUSE * 2.0**self._failed) if self._failed else 0.0
        self._not_before = real_monotonic() + pause
        self._failed += 1


def _let_go(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:  # what it did not take is of no use to anybody
        return
