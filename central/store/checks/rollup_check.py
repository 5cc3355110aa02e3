"""Whether rollups can be read, agree with each other, and speak of no reading still there."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import numpy as np

from central.store.checks.findings import Finding
from central.store.chunks import DAY
from central.store.columns import Integers
from central.store.damage import day_text
from central.store.squeezed import Damaged
from central.store.tiers import tiers
from central.store.tiers.rollups import SPANS, Rollup

_MEASURES = ("least", "most")


class Rollups:
    """Those of one family; `newest` is each member's last reading they speak of."""

    def __init__(
        self, conn: sqlite3.Connection, family: int, device: str, members: frozenset[int]
    ) -> None:
        self._conn = conn
        self._family = family
        self._device = device
        self._members = members
        self.newest: dict[int, int] = {}
        self.looked = 0
        rows = conn.execute("SELECT DISTINCT day FROM rollup WHERE family = ?", (family,))
        self.days = {day for (day,) in rows}

    def look(self, day: int, keys: tuple[Integers, Integers]) -> Iterator[Finding]:
        """Look at a day; `keys` are (streams, sequence numbers) of the readings that are there."""
        if day not in self.days:
            return
        found: dict[int, dict[int, Rollup]] = {}
        for tier, span in SPANS.items():
            about: dict[str, Any] = {"device": self._device, "day": day_text(day), "tier": tier}
            try:
                held = tiers.held(self._conn, self._family, day, span)
                if held is None:
                    continue
                parts = found[span] = tiers.unpacked(held.body)
            except (Damaged, sqlite3.DatabaseError) as exc:
                reason = exc.params["reason"] if isinstance(exc, Damaged) else str(exc)
                yield Finding("CHECK_ROLLUP_UNREADABLE", about | {"reason": reason})
                continue
            self.looked += 1
            wrong = [*self._wrong(parts, held.n, day), *self._both(parts, keys)]
            if wrong:
                yield Finding("CHECK_ROLLUP_DIFFERS", about | {"what": ", ".join(wrong)})
        if len(found) == len(SPANS):
            fine, coarse = (found[span] for span in SPANS.values())
            if _sums(fine) != _sums(coarse):
                about = {"device": self._device, "day": day_text(day), "tier": "1h"}
                yield Finding("CHECK_ROLLUP_DIFFERS", about | {"what": "1min"})

    def _wrong(self, parts: dict[int, Rollup], n: int, day: int) -> Iterator[str]:
        if sum(rollup.n for rollup in parts.values()) != n:
            yield "n"
        if not self._members.issuperset(parts):
            yield "members"
        times = [
            rollup.rows[end] // DAY != day for rollup in parts.values() for end in ("t0", "t1")
        ]
        if any(each.any() for each in times):
            yield "day"
        for member, rollup in parts.items():
            last = int(rollup.rows["t1"].max()) if len(rollup) else 0
            self.newest[member] = max(last, self.newest.get(member, last))

    @staticmethod
    def _both(parts: dict[int, Rollup], keys: tuple[Integers, Integers]) -> Iterator[str]:
        """Yield `raw` when a reading that is there is counted by a rollup too."""
        streams, seqs = keys
        ends = [
            np.concatenate([rollup.rows[f"{end}_{name}"] for rollup in parts.values()])
            for name in ("stream", "seq")
            for end in ("first",)
            if parts
        ]
        if not ends or not len(streams):
            return
        there = set(zip(streams.tolist(), seqs.tolist(), strict=True))
        if not there.isdisjoint(zip(ends[0].tolist(), ends[1].tolist(), strict=True)):
            yield "raw"


def _sums(parts: dict[int, Rollup]) -> dict[int, tuple[Any, ...]]:
    """Return what a day's rollups of whatever span have in common, by member."""
    return {
        member: (
            rollup.n,
            int(rollup.rows["good"].sum()),
            int(rollup.rows["t0"].min()),
            int(rollup.rows["t1"].max()),
            int(rollup.rows["worst"].max()),
            *(repr(float(_fold(rollup, name))) for name in _MEASURES),
        )
        for member, rollup in parts.items()
        if len(rollup)
    }


def _fold(rollup: Rollup, name: str) -> Any:
    fold = np.fmin if name == "least" else np.fmax
    return fold.reduce(rollup.rows[name])
