"""Rules that rest while others stand (逻辑抑制): no low flow is told while the pump is stopped.

A rule names those that suppress it (`Definition.suppressed_by`). While a level of one of them
stands it is suppressed, in the transaction in which that began; when none does, what is known is
judged anew and delays begin then. What a person suppressed stays so until a person ends it; what a
person woke rests again when one of the others changes.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from sqlite_utils import Database as Tables

from central.alarms.acts import overlays
from central.alarms.acts.acted import Acted, What
from central.alarms.acts.overlays import Laid
from central.alarms.journal.records import EpisodeRow
from central.alarms.tracked import Tracked
from protocols.alarms.acting import Asked
from protocols.alarms.overlay import Act

ROUNDS: Final = 8
"""How often a commit looks: rules that suppress each other in a circle go on with the next."""
NOW: Final = 2**62
"""Since when, where nothing that happened says it."""
Known = Callable[[str], Tracked | None]
Changed = tuple[list[EpisodeRow], list[Laid]]
"""Episodes as they are now, and what lies over rules of which that changed."""


class Doing(Protocol):
    """Who acts on rules: the engine."""

    def tracked(self, conn: sqlite3.Connection, rule: str) -> Tracked | None:
        """Return the state of a rule, up to date."""

    def do(self, tables: Tables, rule: str, what: What, now: int, at: int) -> Acted:
        """Act on a rule's alarm now, as of `at`."""


class Suppressing:
    """Which rules suppress which, and which of these have to be looked at, and since when."""

    def __init__(self, awake: Known) -> None:
        """`awake` gives a rule unless it sleeps: then none of its levels stands."""
        self._awake = awake
        self._by: dict[str, set[str]] = {}
        self._named: dict[str, tuple[str, ...]] = {}
        self._doubtful: dict[str, int] = {}

    def place(self, tracked: Tracked, *, active: bool) -> None:
        """Let a rule be suppressed by those it names, or by none any more."""
        id_ = tracked.rule.id
        named = tracked.definition.suppressed_by if active else ()
        before, names = self._named.pop(id_, ()), tuple(name for name in named if name != id_)
        for name in before:
            self._by[name].discard(id_)
        for name in names:
            self._by.setdefault(name, set()).add(id_)
        if names:
            self._named[id_] = names
        if names or before:
            self._doubtful[id_] = NOW

    def heard(self, changed: Iterable[Tracked], told: Mapping[str, int]) -> None:
        """Take that rules were stepped, and when it last happened that they said something."""
        if not self._by:
            return
        for tracked in changed:
            at = told.get(tracked.rule.id, NOW)
            for id_ in self._by.get(tracked.rule.id, ()):
                self._doubtful[id_] = max(at, self._doubtful.get(id_, 0))

    def settle(self, tables: Tables, doing: Doing, now: int, changed: Changed) -> None:
        """Let rules rest and wake; what that changes is added to `changed`."""
        rows, laid = changed
        for _ in range(ROUNDS if self._doubtful else 0):
            looked, self._doubtful = sorted(self._doubtful.items()), {}
            for id_, since in looked:
                tracked = doing.tracked(tables.conn, id_)
                asked = None if tracked is None else self._wanted(tables.conn, tracked)
                if tracked is not None and asked is not None:
                    newest = max((time for _, time in tracked.machine.newest), default=0)
                    at = min(max(since, newest), now)
                    done = doing.do(tables, id_, asked, now, at)
                    rows += done.rows
                    laid += done.laid
            if not self._doubtful:
                return

    def _wanted(self, conn: sqlite3.Connection, tracked: Tracked) -> Asked | None:
        """Return what has to be done to a rule as those stand that suppress it."""
        id_ = tracked.rule.id
        others = ((name, self._awake(name)) for name in self._named.get(id_, ()))
        standing = [name for name, other in others if other is not None and _stands(other)]
        if bool(standing) == tracked.machine.overlay.suppressed:
            return None
        if standing:
            return Asked(Act.SUPPRESS, reason=", ".join(standing))
        laid = overlays.over(conn, id_, (tracked.point, tracked.site))
        persons = any(each.name == overlays.SUPPRESSED and each.by for each in laid.layers)
        return None if persons else Asked(Act.UNSUPPRESS)


def _stands(tracked: Tracked) -> bool:
    """Whether a level of it does, and not only in a test: that lets no real alarm rest."""
    return bool(tracked.colour) and tracked.trial is None
