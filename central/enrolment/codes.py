"""The table of one-time codes.

Open until used, burnt by a proof that does not fit, withdrawn or out of time; never open again. Of
the code itself nothing is kept but its first characters, a salt and the stretched key, and the key
only while the code is open. Real time throughout (µs UTC).
"""

import sqlite3
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlite_utils import Database as Tables

from protocols.clock import HOUR

VALID: Final = 24 * HOUR
"""How long a code without a work order is good."""
LONGEST: Final = 31 * 24 * HOUR
"""The longest window of a work order."""
LISTED: Final = 200

_COLUMNS: Final = (
    "number, id, gateway, site, created, created_by, opens, expires, work_order, installer, "
    "state, ended, keyid, digits"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOrder:
    """Who may enrol without an approver on duty; the code's window is its time on site."""

    number: str
    installer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCode:
    """A code to keep; `secret` is what it was stretched to."""

    id: str
    gateway: str
    site: str | None
    salt: bytes
    secret: bytes
    created: int
    created_by: str
    opens: int
    expires: int
    order: WorkOrder | None = None

    def __repr__(self) -> str:
        return f"NewCode({self.id}, {self.gateway})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code as listed: `state` open, used, burnt, withdrawn or expired."""

    number: int
    id: str
    gateway: str
    site: str | None
    created: int
    created_by: str
    opens: int
    expires: int
    work_order: str | None
    installer: str | None
    state: str
    ended: int | None
    keyid: str | None
    digits: str | None

    @property
    def order(self) -> WorkOrder | None:
        """The work order that approves beforehand, if there is one."""
        if self.work_order is None or self.installer is None:
            return None
        return WorkOrder(number=self.work_order, installer=self.installer)


@dataclass(frozen=True, slots=True)
class Secret:
    """What proves an open code."""

    code: Code
    salt: bytes
    key: bytes

    def __repr__(self) -> str:
        return f"Secret({self.code.id})"


def put(db: Tables, new: NewCode) -> int | None:
    """Keep a code and return its number; None: its first characters are another open one's.

    What the gateway had open is withdrawn: a slip of paper that was lost opens nothing.
    """
    withdraw_open(db, new.gateway, new.created)
    order = new.order
    row = db.execute(
        """INSERT OR IGNORE INTO enrolment_code(id, gateway, site, salt, secret, created,
           created_by, opens, expires, work_order, installer)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number""",
        (
            new.id,
            new.gateway,
            new.site,
            new.salt,
            new.secret,
            new.created,
            new.created_by,
            new.opens,
            new.expires,
            order.number if order else None,
            order.installer if order else None,
        ),
    ).fetchone()
    return None if row is None else int(row[0])


def clear(db: Tables, now: int) -> None:
    """Erase what is left of codes whose time is up."""
    db.execute(
        "UPDATE enrolment_code SET state = 'expired', ended = expires, secret = NULL "
        "WHERE state = 'open' AND expires <= ?",
        (now,),
    )


def find(conn: sqlite3.Connection, id_: str, now: int) -> Secret | None:
    """Return the open code that begins with `id_` and is within its time."""
    row = conn.execute(
        f"SELECT {_COLUMNS}, salt, secret FROM enrolment_code "  # noqa: S608  # names of columns
        "WHERE id = ? AND state = 'open' AND opens <= ? AND expires > ?",
        (id_, now, now),
    ).fetchone()
    return None if row is None else Secret(_code(row[:14]), row[14], row[15])


def use(db: Tables, number: int, keyid: str, digits: str, now: int) -> bool:
    """Use the code up; False: somebody was first, or its time is up."""
    changed = db.execute(
        "UPDATE enrolment_code SET state = 'used', ended = ?, keyid = ?, digits = ?, secret = NULL "
        "WHERE number = ? AND state = 'open' AND opens <= ? AND expires > ?",
        (now, keyid, digits, number, now, now),
    )
    return changed.rowcount == 1


def burn(db: Tables, number: int, now: int) -> bool:
    """End the code for good; False: it was not open any more."""
    changed = db.execute(
        "UPDATE enrolment_code SET state = 'burnt', ended = ?, secret = NULL "
        "WHERE number = ? AND state = 'open'",
        (now, number),
    )
    return changed.rowcount == 1


def withdraw(db: Tables, number: int, now: int) -> Code | None:
    """End an open code and return it; None: it is not open."""
    clear(db, now)
    row = db.execute(
        "UPDATE enrolment_code SET state = 'withdrawn', ended = ?, secret = NULL "  # noqa: S608
        f"WHERE number = ? AND state = 'open' RETURNING {_COLUMNS}",
        (now, number),
    ).fetchone()
    return None if row is None else _code(row)


def withdraw_open(db: Tables, gateway: str, now: int) -> list[str]:
    """End every open code of the gateway; return how they began."""
    clear(db, now)
    rows = db.execute(
        "UPDATE enrolment_code SET state = 'withdrawn', ended = ?, secret = NULL "
        "WHERE gateway = ? AND state = 'open' RETURNING id",
        (now, gateway),
    ).fetchall()
    return [str(row[0]) for row in rows]


def of_key(conn: sqlite3.Connection, keyid: str) -> Code | None:
    """Return the code by which a key came in."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM enrolment_code WHERE keyid = ? "  # noqa: S608
        "ORDER BY number DESC LIMIT 1",
        (keyid,),
    ).fetchone()
    return None if row is None else _code(row)


def listed(conn: sqlite3.Connection, now: int) -> list[Code]:
    """Return the newest codes first; one whose time is up says so, cleared away or not."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM enrolment_code ORDER BY number DESC LIMIT ?",  # noqa: S608
        (LISTED,),
    )
    return [_aged(_code(row), now) for row in rows]


def _code(row: tuple[Any, ...]) -> Code:
    names = [name.strip() for name in _COLUMNS.split(",")]
    return Code(**dict(zip(names, row, strict=True)))


def _aged(code: Code, now: int) -> Code:
    if code.state != "open" or code.expires > now:
        return code
    return replace(code, state="expired", ended=code.expires)
