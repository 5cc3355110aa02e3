"""How many readings each of many points has in a span: the chunks of a family once for all members.

A chunk that lies within the span counts by its summary; of one that is cut only the moments are
decoded. What is not sealed yet is counted by one pass over it.
"""

import sqlite3
from typing import Final

import numpy as np

from central.store import chunks, late
from central.store.codec.cells import MEMBERS
from central.store.codec.chunk import ChunkDamaged, counts_between, counts_of
from central.store.columns import Integers
from central.store.damage import unreadable
from central.store.families import UNKNOWN
from central.store.views.gathering import counted
from central.store.views.snapshot import Check, Snapshot

_OFTEN: Final = 64
"""Families between two checks."""


def counts(snapshot: Snapshot, numbers: Integers, span: tuple[int, int], check: Check) -> Integers:
    """Return how many readings of each of `numbers` there are with span[0] <= time < span[1]."""
    if not len(numbers):
        return np.zeros(0, np.int64)
    found = counted(snapshot.pieces, int(numbers.max()) + 1, snapshot.watermark, span)[numbers]
    rows = late.counts(snapshot.conn, *span)
    if rows:
        found += np.array([rows.get(number, 0) for number in numbers.tolist()], np.int64)
    family, member = snapshot.families.places(numbers)
    sealed = np.flatnonzero(family != UNKNOWN)
    families, own = np.unique(family[sealed], return_inverse=True)
    totals = _of_families(snapshot, families.tolist(), span, check)
    found[sealed] += totals[own * MEMBERS + member[sealed]]
    return found


def _of_families(
    snapshot: Snapshot, families: list[int], span: tuple[int, int], check: Check
) -> Integers:
    """Return how many readings the members have, MEMBERS cells for each family."""
    conn, watermark = snapshot.conn, snapshot.watermark
    whose: list[int] = []
    masks: list[int] = []
    parts: list[Integers] = []
    for place, family in enumerate(families):
        if place % _OFTEN == 0:
            check()
        for one in chunks.summed(conn, family, *span, watermark):
            whole = span[0] <= one.t0 and one.t1 < span[1]
            try:
                held = counts_of(one.summary) if whole else _cut(conn, one.id, span)
            except ChunkDamaged as exc:
                raise unreadable(conn, one.id, exc.params["why"]) from exc
            if len(held) != one.members.bit_count():
                raise unreadable(conn, one.id, "members")
            whose.append(place)
            masks.append(one.members)
            parts.append(held)
    size = len(families) * MEMBERS
    if not parts:
        return np.zeros(size, np.int64)
    bits = np.unpackbits(
        np.array(masks, "<u4").view(np.uint8).reshape(-1, 4), axis=1, bitorder="little"
    )
    chunk, member = np.nonzero(bits)
    cells = np.array(whose, np.int64)[chunk] * MEMBERS + member
    # Exact: no family has 2**53 readings.
    return np.bincount(cells, np.concatenate(parts), size).astype(np.int64)


def _cut(conn: sqlite3.Connection, id_: int, span: tuple[int, int]) -> Integers:
    (body,) = chunks.bodies(conn, (id_,))
    return counts_between(body, *span)
