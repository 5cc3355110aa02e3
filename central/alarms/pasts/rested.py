"""Whether a rule was put to rest at a moment of the past: what it missed then is no alarm."""

import sqlite3
from typing import Final

from protocols.alarms.word import Word

_PUTS: Final = {
    Word.SUPPRESS: ("logic", True),
    Word.UNSUPPRESS: ("logic", False),
    Word.OOS_ON: ("permit", True),
    Word.OOS_OFF: ("permit", False),
}
_SAID: Final = (
    "SELECT event FROM alarm_journal INDEXED BY alarm_journal_rest WHERE rule = ? AND time <= ? "
    "AND event IN ('SUPPRESS', 'UNSUPPRESS', 'OOS_ON', 'OOS_OFF') ORDER BY time DESC, id DESC"
)


def rested(conn: sqlite3.Connection, rule: str, time: int) -> bool:
    """Return whether the rule was suppressed or out of service at `time` (µs UTC)."""
    known: dict[str, bool] = {}
    for (event,) in conn.execute(_SAID, (rule, time)):
        what, put = _PUTS[Word(event)]
        known.setdefault(what, put)
        if len(known) == 2 or known[what]:
            break
    return any(known.values())
