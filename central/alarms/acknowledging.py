"""Acknowledging (确认收到): once, by the first; told apart from a repeated click by its key."""

from dataclasses import dataclass

from sqlite_utils import Database as Tables

from central.alarms.acted import Acknowledge
from central.alarms.engine import Engine
from central.alarms.records import (
    EpisodeRow,
    Line,
    episode_by_id,
    episode_by_number,
    write_line,
)
from protocols.alarms.state import Happening
from protocols.alarms.word import Word
from protocols.errors import FengsuiError, IllegalTransition


class EpisodeUnknown(FengsuiError):
    """There is no such episode."""

    code = "EPISODE_UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledging:
    """Who acknowledges what; `key` is the request's Idempotency-Key, `now` µs UTC."""

    episode: str
    person: str
    comment: str
    key: str
    now: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The episode afterwards; a refusal is kept in the journal, so it is returned, not raised."""

    row: EpisodeRow
    error: FengsuiError | None = None
    changed: bool = False


def acknowledge(tables: Tables, engine: Engine, asked: Acknowledging) -> Outcome:
    """Acknowledge in the caller's transaction. Raises EpisodeUnknown."""
    row = episode_by_id(tables.conn, asked.episode)
    if row is None:
        raise EpisodeUnknown(episode=asked.episode)
    again = tables.conn.execute(
        "SELECT episode, person, recorded FROM acknowledgement WHERE key = ?", (asked.key,)
    ).fetchone()
    if again is not None:
        same = again[:2] == (row.number, asked.person) and _same_comment(row, asked, again[2])
        return Outcome(row, None if same else IllegalTransition("KEY_USED", key=asked.key))
    if row.acknowledged is not None:
        return _seen_before(tables, row, asked)
    tracked = engine.tracked(tables.conn, row.rule)
    if tracked is None or tracked.episode != row.number:
        error = IllegalTransition(state=row.state, happening=Happening.ACK.value)
        return Outcome(row, error)
    engine.act(tables, row.rule, Acknowledge(asked.person, asked.comment), asked.now)
    tables.conn.execute(
        "INSERT INTO acknowledgement(key, episode, person, recorded) VALUES (?, ?, ?, ?)",
        (asked.key, row.number, asked.person, asked.now),
    )
    return Outcome(episode_by_number(tables.conn, row.number), changed=True)


def _same_comment(row: EpisodeRow, asked: Acknowledging, recorded: int) -> bool:
    """Whether a repeated key says what it said; after a new alarm nobody asks any more."""
    first = row.acknowledged
    return first is None or first.at != recorded or first.comment == asked.comment


def _seen_before(tables: Tables, row: EpisodeRow, asked: Acknowledging) -> Outcome:
    first = row.acknowledged
    if first is None or first.by == asked.person:
        return Outcome(row)
    _line(tables, row, asked, Word.ACK_REJECTED, "")
    return Outcome(row, IllegalTransition("ALREADY_ACKNOWLEDGED", by=first.by, at=first.at))


def _line(tables: Tables, row: EpisodeRow, asked: Acknowledging, word: Word, comment: str) -> None:
    write_line(
        tables.conn,
        Line(
            episode=row.number,
            rule=row.rule,
            time=asked.now,
            recorded=asked.now,
            word=word,
            level=row.level.name,
            actor=asked.person,
            comment=comment,
        ),
    )
