"""How many codes, keys and held starts there are, by state."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

CODES: Final = ("open", "used", "burnt", "withdrawn", "expired")
KEYS: Final = ("pending", "active", "held", "refused", "revoked", "replaced")
STARTS: Final = ("held", "approved", "refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentFigures:
    """Numbers by state, every state there is among them."""

    codes: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, int] = field(default_factory=dict)
    starts: Mapping[str, int] = field(default_factory=dict)


def enrolment_figures(conn: sqlite3.Connection, now: int) -> EnrolmentFigures:
    """Count; a code whose time is up is expired, cleared away or not (`now`: real µs UTC)."""
    codes = conn.execute(
        "SELECT CASE WHEN state = 'open' AND expires <= ? THEN 'expired' ELSE state END, count(*) "
        "FROM enrolment_code GROUP BY 1",
        (now,),
    )
    keys = conn.execute(
        "SELECT CASE WHEN state = 'revoked' AND approved_by IS NULL THEN 'refused' ELSE state END, "
        "count(*) FROM gateway_key GROUP BY 1"
    )
    starts = conn.execute("SELECT state, count(*) FROM held_boot GROUP BY 1")
    return EnrolmentFigures(
        codes=dict.fromkeys(CODES, 0) | dict(codes.fetchall()),
        keys=dict.fromkeys(KEYS, 0) | dict(keys.fetchall()),
        starts=dict.fromkeys(STARTS, 0) | dict(starts.fetchall()),
    )
