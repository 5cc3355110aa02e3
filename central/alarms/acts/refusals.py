"""Why an act cannot be done: what was asked, where the alarm is, who was first, what can be done.

Two people at once: one wins, and the other is told who.
"""

import sqlite3
from math import ceil
from typing import Final

from central.alarms.acts.asked import Deed, Wish
from protocols.alarms import overlay as overlays
from protocols.alarms.overlay import Act
from protocols.alarms.state import TABLE, Happening
from protocols.errors import FengsuiError, IllegalTransition
from protocols.words import Value

ACTS: Final = {
    Deed.SHELVE: Act.SHELVE,
    Deed.UNSHELVE: Act.UNSHELVE,
    Deed.SUPPRESS: Act.SUPPRESS,
    Deed.UNSUPPRESS: Act.UNSUPPRESS,
    Deed.OUT_OF_SERVICE: Act.OOS_ON,
    Deed.IN_SERVICE: Act.OOS_OFF,
}
STEPS: Final = {Deed.ACKNOWLEDGE: Happening.ACK, Deed.RESET: Happening.RESET}
NOBODY: Final = "—"


class Refused(IllegalTransition):
    """It cannot be done now: `alarm`, `what`, `state`, `allowed` and why, by code."""

    code = "ACT_REFUSED"


def allowed(state: object, overlay: overlays.Overlay) -> tuple[str, ...]:
    """Return what could be done instead."""
    steps = [deed for deed, happening in STEPS.items() if (state, happening) in TABLE]
    laid = [deed for deed, act in ACTS.items() if overlays.refusal(overlay, act) is None]
    return tuple(deed.value for deed in (*steps, *laid))


def last_act(conn: sqlite3.Connection, rule: str, episode: int | None) -> dict[str, Value]:
    """Return who laid what lies over a rule, or else acted on its episode last, and when."""
    found = conn.execute(
        "SELECT person, since FROM overlay WHERE rule = ? ORDER BY since DESC LIMIT 1", (rule,)
    ).fetchone()
    if found is None and episode is not None:
        found = conn.execute(
            "SELECT actor, time FROM alarm_journal WHERE episode = ? AND actor IS NOT NULL "
            "AND event NOT LIKE '%REJECTED' ORDER BY id DESC LIMIT 1",
            (episode,),
        ).fetchone()
    by, at = found or (NOBODY, NOBODY)
    return {"by": by, "at": at}


def refused(
    wish: Wish, state: str, reason: str, instead: tuple[str, ...], before: dict[str, Value]
) -> FengsuiError:
    """Return why not: `reason` is the core's, `before` who was first (`last_act`)."""
    return Refused(
        f"ACT_{reason}",
        what=wish.deed.value,
        alarm=wish.subject,
        state=str(state),
        allowed=", ".join((*instead, Deed.VERIFY.value, Deed.COMMENT.value)),
        **before,
    )


def too_long(wish: Wish, state: str, seconds: float, longest: float) -> FengsuiError:
    """Return that a shelf of `seconds` is longer than it may be."""
    return Refused(
        "ACT_TOO_LONG",
        what=wish.deed.value,
        alarm=wish.subject,
        state=str(state),
        minutes=ceil(seconds / 60),
        allowed=int(longest // 60),
    )
