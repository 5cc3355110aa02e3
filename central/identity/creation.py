"""Making the first administrators: from the command line, with no default of any kind."""

import sqlite3
from dataclasses import dataclass

from sqlite_utils import Database as Tables

from central.identity import audit, persons
from central.identity.roles import Role
from protocols.errors import FengsuiError
from protocols.words import NAME

ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})


class PersonNameRefused(FengsuiError):
    """Not a name: lower case letters, digits, `_`, `-`, `.`; at most 63."""

    code = "PERSON_NAME_REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An administrator to make (or to make again): a password already hashed, a link, or both."""

    name: str
    by: str
    password_hash: str | None = None
    link: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What came of it; `code` is the login link's, shown once."""

    new: bool
    code: str | None


def checked(name: str) -> str:
    """Return `name`. Raises PersonNameRefused."""
    if not NAME.fullmatch(name):
        raise PersonNameRefused(name=name)
    return name


def create_admin(db: Tables, wanted: Wanted, now: int) -> Made:
    """Make the person, its password and its link, and the audit line, in one transaction."""
    name = checked(wanted.name)
    new = persons.put(db, name, ADMINISTRATOR, now)
    if wanted.password_hash is not None:
        persons.set_password(db, name, wanted.password_hash)
    code = persons.make_link(db, name, now) if wanted.link else None
    act = audit.Act(
        time=now,
        actor=wanted.by,
        action="ADMINISTRATOR_CREATED" if new else "ADMINISTRATOR_RENEWED",
        subject=name,
        detail={"password": wanted.password_hash is not None, "link": wanted.link},
    )
    audit.append(db, act)
    return Made(new=new, code=code)


def administrators(conn: sqlite3.Connection) -> int:
    """Return how many persons can administer; none means that create-admin has not run."""
    row = conn.execute(
        "SELECT count(*) FROM person WHERE disabled IS NULL AND roles LIKE '%\"administrator\"%'"
    ).fetchone()
    return int(row[0])
