"""Faults planted on purpose, so that the gauntlet can prove that it notices them.

Only by the environment variable `FENGSUI_SABOTAGE`: `drop` loses one batch after it was reported as
accepted, `dup` sends one batch's readings again under new numbers, `swap` exchanges two values.
Each strikes once, at the second batch of data.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from edge.buffer.model import Group
from protocols.crash_points import CrashPoints
from protocols.errors import FengsuiError
from protocols.words import Reading, StreamKind

logger = logging.getLogger(__name__)

VARIABLE: Final = "FENGSUI_SABOTAGE"
KINDS: Final = ("drop", "dup", "swap")
STRIKES_AT: Final = 2


class Sabotage:
    """Does nothing unless the environment asked for one of `KINDS`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.kind = environment.get(VARIABLE, "")
        self.crash = CrashPoints(environment)
        """Where the process is to die."""
        self._batches = 0
        self._done = not self.kind
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
