"""Places where a process can be told to kill itself, so that the gauntlet can prove each of them.

`FENGSUI_CRASH=<phase>:<nth>` makes the process end by SIGKILL when it comes to that phase for the
nth time: no handler runs, nothing is flushed, as when the kernel runs out of memory.
Without the variable `reach` does nothing.
"""

import logging
import os
import signal
import threading
from collections.abc import Mapping
from typing import Final

from protocols.errors import FengsuiError

logger = logging.getLogger(__name__)

VARIABLE: Final = "FENGSUI_CRASH"
EDGE: Final = (
    "edge.opening",
    "edge.sealing",
    "edge.sealed",
    "edge.sending",
    "edge.answered",
    "edge.applied",
    "edge.persisting",
    "edge.rotating",
)
"""The folder is open, nothing sampled; inside the batch's transaction; after its commit, not told;
a request is about to go; its answer is read, not applied; the cursor moved, not persisted; progress
is saved, segments not unlinked; a stream is about to be closed."""
CENTRAL: Final = (
    "central.opening",
    "central.received",
    "central.writing",
    "central.committed",
    "central.answering",
)
"""The database is open, nobody served; before the transaction; rows are in, not committed; after
the commit, nobody told; the answer is about to go."""
UPKEEP: Final = (
    "central.sealing",
    "central.sealed",
    "central.clearing",
    "central.merging",
    "central.retention",
    "central.backup",
    "central.backed",
)
"""What the store does by itself, now and then: chunks are written that nobody sees yet; the
watermark has moved, not committed; sealed journal rows are deleted; old chunks are deleted, the new
not there; rollups are written, what they stand for is not deleted (neither is committed); steps of
the process that makes a backup; the backup is made, not entered or what is older not deleted."""


class CrashPoints:
    """Counts how often a phase is reached; safe to call from any thread. Raises FengsuiError."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._phase, _, nth = environment.get(VARIABLE, "").partition(":")
        self._left = int(nth) if nth.isascii() and nth.isdigit() else 0
        self._lock = threading.Lock()
        if self._phase:
            known = ", ".join((*EDGE, *CENTRAL, *UPKEEP))
            if self._phase not in known.split(", ") or self._left < 1:
                found = environment[VARIABLE]
                raise FengsuiError("CRASH_POINT_UNKNOWN", found=found, allowed=known)
            logger.critical("this process kills itself at %s", environment[VARIABLE])

    def at(self, phase: str) -> bool:
        """Return whether the process is to die at `phase`, now or later."""
        return phase == self._phase

    def reach(self, phase: str) -> None:
        """Say that the process has come to `phase`; does not return if it is to die there."""
        if phase != self._phase:
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
                signal.pause()
