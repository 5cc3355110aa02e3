"""The same key again is the same answer: what each request of a person came to is kept.

A key is a person's own, and good for one request: the same key for something else is refused.
"""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace

from central.alarms.acts.asked import Outcome, Wish
from protocols.errors import IllegalTransition


class KeyUsed(IllegalTransition):
    """The Idempotency-Key was used for something else."""

    code = "KEY_USED"


def once(
    conn: sqlite3.Connection,
    wish: Wish,
    work: Callable[[], Outcome],
    again: Callable[[int | None], Outcome],
) -> Outcome:
    """Do `work` unless this key was used before; then answer as it was answered.

    `again` gives what the wish is about as it is now, with the number of the shelf request that
    came of it.
    """
    known = conn.execute(
        "SELECT subject, digest, outcome FROM alarm_act WHERE person = ? AND key = ?",
        (wish.person, wish.key),
    ).fetchall()
    for subject, digest, _ in known:
        # One of an earlier version says what it was about, and no more.
        same = digest == wish.digest if digest else subject == wish.subject
        if not same:
            return Outcome(refused=KeyUsed(key=wish.key))
    for subject, _, outcome in known:
        if subject == wish.subject:
            return _repeated(json.loads(outcome), again)
    outcome = work()
    conn.execute(
        "INSERT INTO alarm_act(person, key, subject, digest, outcome, recorded) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (wish.person, wish.key, wish.subject, wish.digest, _kept(outcome), wish.acted),
    )
    return outcome


def _kept(outcome: Outcome) -> str:
    kept: dict[str, object] = {}
    if outcome.refused is not None:
        kept = {"code": outcome.refused.code, "params": outcome.refused.params}
    if outcome.request is not None:
        kept["request"] = outcome.request
    return json.dumps(kept, ensure_ascii=False)


def _repeated(kept: dict[str, object], again: Callable[[int | None], Outcome]) -> Outcome:
    code, params = kept.get("code"), kept.get("params")
    if isinstance(code, str) and isinstance(params, dict):
        return replace(again(None), refused=IllegalTransition(code, **params))
    request = kept.get("request")
    return again(request if isinstance(request, int) else None)
