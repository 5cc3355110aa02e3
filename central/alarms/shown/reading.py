"""Alarms read from the tables with everything beside them, within one snapshot."""

import sqlite3
from typing import NamedTuple

from central.alarms.acts import said
from central.alarms.acts.said import Said
from central.alarms.journal import history
from central.alarms.journal.episode import Comment, EpisodeFilter, JournalLine, Verification
from central.alarms.journal.records import EpisodeRow, episode_by_id
from central.alarms.shown import listing, messages
from central.alarms.shown.listing import Resolved
from central.alarms.shown.messages import Heard


def page(
    conn: sqlite3.Connection, asked: EpisodeFilter, names: Resolved
) -> tuple[listing.Page, dict[int, Said], dict[int, Heard]]:
    """Return a page, and of its rows what people said and what they were told."""
    found = listing.page(conn, asked, names)
    numbers = [row.number for row in found.rows]
    return found, said.said(conn, numbers), messages.heard_of(conn, numbers)


class Detail(NamedTuple):
    """One episode's journal, what people said of it, and what they were told."""

    journal: tuple[JournalLine, ...]
    verifications: tuple[Verification, ...]
    comments: tuple[Comment, ...]
    heard: Heard


def detail(conn: sqlite3.Connection, id_: str) -> tuple[EpisodeRow, Detail] | None:
    """Return an episode with all of it, or None."""
    row = episode_by_id(conn, id_)
    if row is None:
        return None
    lines = conn.execute(
        "SELECT time, recorded, event, level, value, actor, comment, nth FROM alarm_journal "
        "WHERE episode = ? ORDER BY id",
        (row.number,),
    )
    journal = [
        JournalLine(
            time=line[0],
            recorded=line[1],
            event=line[2],
            level=line[3],
            value=line[4],
            actor=line[5],
            comment=line[6],
            nth=line[7] or None,
        )
        for line in lines
    ]
    return row, Detail(
        history.told(journal, row.state),
        said.verifications(conn, row.number),
        said.comments(conn, row.number),
        messages.heard_of(conn, [row.number])[row.number],
    )
