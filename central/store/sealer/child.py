"""`python -m central.store.sealer.child FILE PARENT`: packs and merges, and knows nothing else.

Reads jobs on standard input and the readings they name from the database, which it never writes;
answers on standard output. Its libraries are few: what it takes of memory is the collector's. It
ends when its input does, and with its parent however that ends.
"""

import ctypes
import os
import select
import signal
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from central.store import chunks
from central.store.codec.chunk import Chunk, ChunkDamaged, decode, encoded
from central.store.codec.sheet_writer import encoded_sheets
from central.store.columns import Integers
from central.store.families import UNKNOWN, Families
from central.store.packing import Part, joined, merge, pack
from central.store.scans.merging import merged
from central.store.scans.sealing import Places, Row, taken
from central.store.scans.sheets import Fitted, groups_of
from central.store.sealer.messages import (
    LENGTH,
    Answer,
    Done,
    Job,
    Made,
    Merge,
    Merged,
    Not,
    Seal,
    Strays,
    framed,
    jobs,
    rows_of,
)
from central.store.squeezed import Damaged

GENTLY: Final = 5
STEP: Final = 48
"""Chunks of one answer: what one transaction writes."""
PAUSE: Final = 1.0
"""Real seconds without a job after which its memory is given back."""
_DIE_WITH_PARENT: Final = 1
"""PR_SET_PDEATHSIG."""


def main() -> int:
    """Do jobs until there are no more."""
    file, parent = sys.argv[1:]
    os.nice(GENTLY)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the collector's to hear
    libc = ctypes.CDLL(None)
    libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != int(parent):
        return 0
    uri = f"{Path(file).resolve().as_uri()}?mode=ro"
    conn = sqlite3.connect(uri, uri=True, isolation_level=None)
    conn.execute("PRAGMA busy_timeout = 5000")
    families = Families()
    out = sys.stdout.buffer
    while (job := _next(sys.stdin.buffer, libc)) is not None:
        try:
            for answer in answered(conn, families, job):
                out.write(framed(answer))
                out.flush()
            out.write(framed(Done()))
            out.flush()
        except BrokenPipeError:
            os._exit(0)  # without a last word to a pipe nobody reads
    return 0


def answered(conn: sqlite3.Connection, families: Families, job: Job) -> Iterator[Answer]:
    """Yield what becomes of a job; whatever is not as it should be is left to who asked."""
    if isinstance(job, Merge):
        for ids, made in zip(job.works, _as_sheets(conn, job), strict=True):
            yield _merged(conn, ids) if made is None else _said(made)
        return
    try:
        yield from _sealed(conn, families, job)
    except (ValueError, OverflowError, Damaged, sqlite3.Error) as exc:
        yield Not(f"{type(exc).__name__}: {exc}")


def _sealed(conn: sqlite3.Connection, families: Families, job: Seal) -> Iterator[Answer]:
    rows = [_row(conn, id_) for id_ in job.ids]
    fits, rest = taken(rows, lambda points: _places(conn, families, points))
    del rows
    for fit in fits:
        yield from _of_scans(fit, job)
    yield from _of_any(rest, families, job)


def _of_scans(fit: Fitted, job: Seal) -> Iterator[Answer]:
    for day, own, sheets in groups_of(fit, job.part, job.parts):
        keys = [(family, day) for family in own.tolist()]
        made = encoded_sheets(sheets)
        for at in range(0, len(keys), STEP):
            yield Made(rows_of(keys[at : at + STEP], made[at : at + STEP]))


def _of_any(parts: list[Part], families: Families, job: Seal) -> Iterator[Answer]:
    if job.parts > 1:
        parts = [part.share(families.family, job.part, job.parts) for part in parts]
        parts = [part for part in parts if len(part.rows)]
    if not parts:
        return
    packed = pack(joined(parts, families.family, families.member))
    del parts
    for at in range(0, len(packed.groups), STEP):
        some = packed.groups[at : at + STEP]
        made = encoded([cells for *_, cells in some])
        yield Made(rows_of([(family, day) for family, day, _ in some], made))
    for at in range(0, len(packed.strays), 10 * STEP):
        few = packed.strays[at : at + 10 * STEP]
        bodies = encoded([cells for *_, cells in few])
        yield Strays(
            tuple(
                (family, day, chunk.body)
                for (family, day, _), chunk in zip(few, bodies, strict=True)
            )
        )


def _row(conn: sqlite3.Connection, id_: int) -> Row:
    found: Row | None = conn.execute(
        "SELECT stream, received, body FROM journal WHERE id = ?", (id_,)
    ).fetchone()
    if found is None:
        raise ValueError(f"journal row {id_} is not there")
    return found


def _places(conn: sqlite3.Connection, families: Families, columns: Sequence[Integers]) -> Places:
    """Return the places of points, read again where one is not known. ValueError: it has none."""
    if not all(_known(points, families) for points in columns):
        families.load(conn)
        if not all(_known(points, families) for points in columns):
            raise ValueError("a point without a family")
    return families.family, families.member


def _known(points: Integers, families: Families) -> bool:
    if int(points.max()) >= len(families.family):
        return False
    return bool((families.family[points] != UNKNOWN).all())


def _as_sheets(conn: sqlite3.Connection, job: Merge) -> list[list[Chunk] | None]:
    """Return what becomes of each work; None: it is looked at by itself."""
    try:
        works = [list(chunks.bodies(conn, ids)) for ids in job.works]
        made = merged(works)
    except (ChunkDamaged, ValueError, sqlite3.Error):
        return [None] * len(job.works)
    return [
        own if len(bodies) == len(ids) else None
        for own, bodies, ids in zip(made, works, job.works, strict=True)
    ]


def _merged(conn: sqlite3.Connection, ids: tuple[int, ...]) -> Answer:
    try:
        parts = [decode(body) for body in chunks.bodies(conn, ids)]
        if len(parts) < len(ids):
            return Not("a chunk is gone")
        made = encoded(merge(parts))
    except (ChunkDamaged, ValueError, sqlite3.Error) as exc:
        return Not(f"{type(exc).__name__}: {exc}")
    return _said(made)


def _said(made: list[Chunk]) -> Merged:
    return Merged(rows_of([(0, 0)] * len(made), made))


def _next(source: BinaryIO, libc: ctypes.CDLL) -> Job | None:
    if not select.select([source], [], [], PAUSE)[0]:
        libc.malloc_trim(0)  # what the last one took is given back: the next may be an hour away
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (size,) = LENGTH.unpack(head)
    body = source.read(size)
    return jobs.decode(body) if len(body) == size else None


if __name__ == "__main__":
    raise SystemExit(main())
