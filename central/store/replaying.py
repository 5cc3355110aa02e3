"""What a start reads: the journal above the watermark, and newest values whose page is damaged."""

import sqlite3

from central.store import chunks, journal
from central.store.heads.head_pages import PAGE
from central.store.points import PointReadings
from central.store.unsealed import Block
from central.store.views.many import WideView
from central.store.views.reading import END


def replayed(conn: sqlite3.Connection) -> tuple[list[Block], list[journal.Unreadable]]:
    """Return the blocks that are not sealed yet, and the rows of the journal nobody can read."""
    lines: dict[int, int] = dict(
        conn.execute("SELECT number, line FROM stream WHERE line IS NOT NULL")
    )
    blocks: list[Block] = []
    unreadable: list[journal.Unreadable] = []
    for found in journal.replay(conn, chunks.watermark(conn)):
        if isinstance(found, journal.Unreadable):
            unreadable.append(found)
            continue
        entry, rows = found
        line = lines.get(entry.stream)
        blocks.append(Block.of(entry.id, entry.stream, entry.received, rows, line))
    return blocks, unreadable


def newest_of_page(first: int, view: WideView) -> list[tuple[int, PointReadings]]:
    """Return the newest reading of each point of a page that has one."""
    found = ((n, view.newest(n, END - 1)) for n in range(first, first + PAGE))
    return [(number, readings) for number, readings in found if len(readings)]
