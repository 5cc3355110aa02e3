"""What people say of an episode: what it turned out to be (核实), and comments.

In tables of their own, beside what the rule produced, and only added to: a later verification
follows the earlier one, and which is the newest is kept apart.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from central.alarms.journal.episode import Comment, Verification

REMEMBERED: Final = 50_000
"""Newest verifications, and comments, whose episodes are held in memory for the live stream."""


class Said(NamedTuple):
    """The newest verification of an episode, and how many comments it has."""

    verification: Verification | None = None
    comments: int = 0


def verify(conn: sqlite3.Connection, episode: int, found: Verification) -> None:
    """Write a verification; it is the newest from now on."""
    written = conn.execute(
        "INSERT INTO verification(episode, result, note, person, recorded) VALUES (?, ?, ?, ?, ?)",
        (episode, found.result, found.note, found.by, found.at),
    )
    conn.execute(
        "INSERT OR REPLACE INTO verdict(episode, result, verification) VALUES (?, ?, ?)",
        (episode, found.result, written.lastrowid),
    )


def comment(conn: sqlite3.Connection, episode: int, said: Comment) -> None:
    """Write a comment."""
    conn.execute(
        "INSERT INTO alarm_comment(episode, body, person, recorded) VALUES (?, ?, ?, ?)",
        (episode, said.text, said.by, said.at),
    )


def verifications(conn: sqlite3.Connection, episode: int) -> tuple[Verification, ...]:
    """Return every verification of an episode, the newest last."""
    rows = conn.execute(
        "SELECT result, person, recorded, note FROM verification WHERE episode = ? ORDER BY id",
        (episode,),
    )
    return tuple(_verification(*row) for row in rows)


def comments(conn: sqlite3.Connection, episode: int) -> tuple[Comment, ...]:
    """Return every comment on an episode, the newest last."""
    rows = conn.execute(
        "SELECT person, recorded, body FROM alarm_comment WHERE episode = ? ORDER BY id",
        (episode,),
    )
    return tuple(Comment(by=by, at=at, text=text) for by, at, text in rows)


def said(conn: sqlite3.Connection, episodes: Iterable[int]) -> dict[int, Said]:
    """Return what was said of some episodes; those of which nothing was are left out."""
    among = ", ".join(str(int(number)) for number in episodes)
    return _said(conn, f"v.episode IN ({among})", f"episode IN ({among})")


def newest(conn: sqlite3.Connection) -> dict[int, Said]:
    """Return what was said last, of as many episodes as are remembered."""
    return _said(
        conn,
        "v.verification > coalesce((SELECT max(id) FROM verification), 0) - ?",
        "episode IN (SELECT episode FROM alarm_comment WHERE id > "
        "coalesce((SELECT max(id) FROM alarm_comment), 0) - ?)",
        (REMEMBERED,),
    )


def _said(
    conn: sqlite3.Connection, which: str, commented: str, values: tuple[int, ...] = ()
) -> dict[int, Said]:
    found: dict[int, Said] = {}
    for number, *row in conn.execute(
        "SELECT v.episode, x.result, x.person, x.recorded, x.note FROM verdict v "  # noqa: S608
        f"JOIN verification x ON x.id = v.verification WHERE {which}",
        values,
    ):
        found[number] = Said(_verification(*row))
    for number, count in conn.execute(
        f"SELECT episode, count(*) FROM alarm_comment WHERE {commented} GROUP BY episode",  # noqa: S608
        values,
    ):
        found[number] = found.get(number, Said())._replace(comments=count)
    return found


def _verification(result: Any, person: Any, recorded: Any, note: Any) -> Verification:
    return Verification(result=result, by=person, at=recorded, note=note)
