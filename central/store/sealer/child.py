"""`python -m central.store.sealer.child FILE PARENT`: packs and merges, and knows nothing else.

Reads jobs on standard input and the readings they name from the database, which it never writes;
answers on standard output. Its libraries are few: what it takes of memory is the collector's. It
ends when its input does, and with its parent however that ends.
"""

import ctypes
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from central.store import chunks, journal
from central.store.codec.chunk import ChunkDamaged, decode, encoded
from central.store.families import UNKNOWN, Families
from central.store.packing import Part, joined, merge, pack
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
    while (job := _next(sys.stdin.buffer)) is not None:
        try:
            for answer in answered(conn, families, job):
                out.write(framed(answer))
                out.flush()
            out.write(framed(Done()))
            out.flush()
        except BrokenPipeError:
            os._exit(0)  # without a last word to a pipe nobody reads
        # What a job took is given back before the next, which may be an hour away.
        libc.malloc_trim(0)
    return 0


def answered(conn: sqlite3.Connection, families: Families, job: Job) -> Iterator[Answer]:
    """Yield what becomes of a job; whatever is not as it should be is left to who asked."""
    if isinstance(job, Merge):
        for ids in job.works:
            yield _merged(conn, ids)
        return
    try:
        yield from _sealed(conn, families, job)
    except (ValueError, OverflowError, Damaged, sqlite3.Error) as exc:
        yield Not(f"{type(exc).__name__}: {exc}")


def _sealed(conn: sqlite3.Connection, families: Families, job: Seal) -> Iterator[Answer]:
    parts = [_part(conn, id_) for id_ in job.ids]
    _know(conn, families, parts)
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


def _part(conn: sqlite3.Connection, id_: int) -> Part:
    found = conn.execute(
        "SELECT stream, received, body FROM journal WHERE id = ?", (id_,)
    ).fetchone()
    if found is None:
        raise ValueError(f"journal row {id_} is not there")
    stream, received, body = found
    return Part(journal.unpack(body), stream, received)


def _know(conn: sqlite3.Connection, families: Families, parts: list[Part]) -> None:
    """Read the places of points again where one is not known. ValueError: it has none."""
    if all(_known(part, families) for part in parts):
        return
    families.load(conn)
    if not all(_known(part, families) for part in parts):
        raise ValueError("a point without a family")


def _known(part: Part, families: Families) -> bool:
    points = part.rows.points
    if int(points.max()) >= len(families.family):
        return False
    return bool((families.family[points] != UNKNOWN).all())


def _merged(conn: sqlite3.Connection, ids: tuple[int, ...]) -> Answer:
    try:
        parts = [decode(body) for body in chunks.bodies(conn, ids)]
        if len(parts) < len(ids):
            return Not("a chunk is gone")
        made = encoded(merge(parts))
    except (ChunkDamaged, ValueError, sqlite3.Error) as exc:
        return Not(f"{type(exc).__name__}: {exc}")
    return Merged(rows_of([(0, 0)] * len(made), made))


def _next(source: BinaryIO) -> Job | None:
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (size,) = LENGTH.unpack(head)
    body = source.read(size)
    return jobs.decode(body) if len(body) == size else None


if __name__ == "__main__":
    raise SystemExit(main())
