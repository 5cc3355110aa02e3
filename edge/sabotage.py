"""Faults planted on purpose, so that the gauntlet can prove that it notices them.

Only by the environment variable `FENGSUI_SABOTAGE`: `drop` loses one batch after it was reported as
accepted, `dup` sends one batch's readings again under new numbers, `swap` exchanges two values:
each strikes once, at the second batch of data. `nofsync` lets the buffer report what the medium may
not have, `forget` takes what the collector has stored for backed up: all the time.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from edge.buffer.file import BufferFile
from edge.buffer.model import Group
from protocols.crash_points import CrashPoints
from protocols.errors import FengsuiError
from protocols.wire.answer import Answer
from protocols.wire.cursors import Cursors
from protocols.words import Reading, StreamKind

logger = logging.getLogger(__name__)

VARIABLE: Final = "FENGSUI_SABOTAGE"
STRIKING: Final = ("drop", "dup", "swap")
KINDS: Final = (*STRIKING, "nofsync", "forget")
STRIKES_AT: Final = 2


class Sabotage:
    """Does nothing unless the environment asked for one of `KINDS`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.kind = environment.get(VARIABLE, "")
        self.crash = CrashPoints(environment)
        """Where the process is to kill itself."""
        self._batches = 0
        self._done = self.kind not in STRIKING
        if self.kind and self.kind not in KINDS:
            raise FengsuiError("SABOTAGE_UNKNOWN", found=self.kind, allowed=", ".join(KINDS))
        if self.kind:
            logger.critical("SABOTAGE %s: data of this gateway is spoilt on purpose", self.kind)

    def groups(self, kind: StreamKind, groups: Sequence[Group]) -> Sequence[Group]:
        """Return what is to be stored instead of `groups`."""
        if self._done or kind is not StreamKind.DATA:
            return groups
        self._batches += 1
        if self._batches < STRIKES_AT or self.kind == "drop":
            return groups
        if self.kind == "dup":
            self._done = True
            return [*groups, *groups]
        spoilt = [swapped(group) for group in groups]
        self._done = any(new is not old for new, old in zip(spoilt, groups, strict=True))
        return spoilt

    def prepare(self, file: BufferFile) -> None:
        """Have a file that is about to be written do what was asked for: not wait for its medium,
        or kill the process when everything is in the transaction.
        """
        if self.kind == "nofsync":
            file.db.conn.execute("PRAGMA synchronous=OFF")
        if self.crash.at("edge.sealing"):
            file.db.conn.set_trace_callback(self._traced)

    def _traced(self, statement: str) -> None:
        if statement.startswith("COMMIT"):
            self.crash.reach("edge.sealing")

    def heard(self, answer: Answer) -> Answer:
        """Return what the collector is to have answered."""
        return replace(answer, safe=answer.committed) if self.kind == "forget" else answer

    def told(self, cursors: Cursors) -> Cursors:
        """Return what the collector is to have said of several streams."""
        if self.kind != "forget":
            return cursors
        held = {name: replace(each, safe=each.committed) for name, each in cursors.streams.items()}
        return replace(cursors, streams=held)

    def drops(self, kind: StreamKind) -> bool:
        """Return whether the batch just stored is to vanish."""
        if self._done or self.kind != "drop" or kind is not StreamKind.DATA:
            return False
        self._done = self._batches >= STRIKES_AT
        return self._done


def swapped(group: Group) -> Group:
    """Return the group with the values of two of its readings exchanged, if two differ."""
    items = [item for item in group.items if isinstance(item, Reading)]
    for at, item in enumerate(items[1:], 1):
        if item.value != items[0].value:
            items[0], items[at] = (
                items[0]._replace(value=item.value),
                item._replace(value=items[0].value),
            )
            return replace(group, items=items)
    return group
