"""Whether a chunk is what its row and its summary say: pure but for reading it."""

import sqlite3
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from central.store.checks.findings import Finding
from central.store.chunks import DAY
from central.store.codec.cells import Cells
from central.store.codec.chunk import ChunkDamaged, decode, summaries
from central.store.damage import day_text
from central.store.points import SUMMARY, summary

_EXACT: Final = [name for name in SUMMARY.names or () if name != "sum"]
_CLOSE: Final = 1e-9
"""A sum is rounded to the last decimal place of its numbers."""
_COLUMNS: Final = ("n", "t0", "t1", "members", "received0", "received1")


class Place(NamedTuple):
    """Where a chunk is to belong."""

    family: int
    device: str
    day: int
    members: frozenset[int]


class Looked(NamedTuple):
    """A chunk's cells (None: they cannot be read), and what is wrong with it."""

    cells: Cells | None
    findings: list[Finding]


def look(conn: sqlite3.Connection, id_: int, place: Place) -> Looked:
    """Look at one chunk; whatever is wrong with it is a finding."""
    about: dict[str, Any] = {"device": place.device, "day": day_text(place.day), "chunk": id_}
    try:
        row = conn.execute(
            "SELECT n, t0, t1, members, received0, received1, summary, body FROM chunk "
            "WHERE id = ?",
            (id_,),
        ).fetchone()
        if row is None:
            return Looked(None, [Finding("CHECK_CHUNK_MISSING", about)])
        cells: Cells = decode(row[7], None)
    except (ChunkDamaged, sqlite3.DatabaseError) as exc:
        return Looked(None, [Finding("CHECK_CHUNK_UNREADABLE", about | {"reason": _why(exc)})])
    differs = [
        name for name, said, is_ in zip(_COLUMNS, row, _row(cells), strict=False) if said != is_
    ]
    found = []
    if differs:
        found.append(Finding("CHECK_CHUNK_ROW", about | {"what": ", ".join(differs)}))
    if wrong := ", ".join(_summary(row[6], cells)):
        found.append(Finding("CHECK_CHUNK_SUMMARY", about | {"what": wrong}))
    if strayed := ", ".join(_strayed(cells, place)):
        found.append(Finding("CHECK_CHUNK_STRAYED", about | {"what": strayed}))
    return Looked(cells, found)


def _why(exc: Exception) -> str:
    return str(exc.params["why"] if isinstance(exc, ChunkDamaged) else exc)


def _row(cells: Cells) -> tuple[int, ...]:
    mask = sum(1 << member for member in np.unique(cells.members).tolist())
    times, received = cells.times, cells.received
    return (
        len(cells),
        int(times.min()),
        int(times.max()),
        mask,
        int(received.min()),
        int(received.max()),
    )


def _summary(packed: bytes, cells: Cells) -> Iterator[str]:
    """Yield what the summary says otherwise than the cells do."""
    try:
        said = summaries(packed)
    except ChunkDamaged as exc:
        yield _why(exc)
        return
    members = np.unique(cells.members).tolist()
    if len(said) != len(members):
        yield "members"
        return
    wrong: set[str] = set()
    for place, member in enumerate(members):
        is_ = summary(cells.of(member))
        wrong |= {
            name
            for name in _EXACT
            if said[place][name] != is_[name] and not _both_nan(said[place][name], is_[name])
        }
        if not np.isclose(said[place]["sum"], is_["sum"], _CLOSE, _scale(is_), equal_nan=True):
            wrong.add("sum")
    yield from sorted(wrong)


def _scale(one: Any) -> float:
    """Return by how much adding in another order may change a sum."""
    most = max(abs(float(one["least"])), abs(float(one["most"])))
    size = most * float(one["good"]) * _CLOSE
    return size if np.isfinite(size) else 0.0


def _both_nan(one: Any, other: Any) -> bool:
    return bool(one != one and other != other)


def _strayed(cells: Cells, place: Place) -> Iterator[str]:
    if (cells.times // DAY != place.day).any():
        yield "day"
    if not place.members.issuperset(np.unique(cells.members).tolist()):
        yield "members"
