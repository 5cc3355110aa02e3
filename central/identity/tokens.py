"""API tokens: opaque, stored hashed, revoked at once.

A `gateway` token is bound to one gateway and may only deliver for it; a `readings` token hands in
what one virtual gateway measured, within limits of its own. A `person` token acts for its
maker and never for more than the maker may at that moment; a `system` token stands for a machine.
"""

import secrets
import sqlite3
from dataclasses import dataclass
from typing import Final

from sqlite_utils import Database

from central.identity.principal import (
    Kind,
    Principal,
    read_roles,
    read_scope,
    write_roles,
    write_scope,
)
from central.identity.roles import Role
from central.identity.secrets import mint, stored

PREFIXES: Final = {
    Kind.GATEWAY: "fsg_",
    Kind.READINGS: "fsr_",
    Kind.SYSTEM: "fss_",
    Kind.PERSON: "fsp_",
}
"""So that a leaked token is recognised for what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a readings token may do in a minute, on average."""

    readings_per_minute: int = 60_000
    requests_per_minute: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as listed; its secret is not kept."""

    id: str
    name: str
    kind: Kind
    created: int
    created_by: str
    roles: frozenset[Role] = frozenset()
    scope: frozenset[str] | None = None
    gateway: str | None = None
    person: str | None = None
    revoked: int | None = None
    allowance: Allowance | None = None
    """Of a readings token."""


def new_id() -> str:
    """Return a public id for a token; it opens nothing."""
    return secrets.token_hex(8)


def put(db: Database, token: Token) -> str:
    """Store `token` and return its secret, which is shown once."""
    secret, most = mint(PREFIXES[token.kind]), token.allowance
    db.execute(
        """INSERT INTO api_token (id, token_hash, name, kind, roles, scope, gateway, person,
           created, created_by, readings_per_minute, requests_per_minute)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            token.id,
            stored(secret),
            token.name,
            token.kind.value,
            write_roles(token.roles),
            write_scope(token.scope),
            token.gateway,
            token.person,
            token.created,
            token.created_by,
            most and most.readings_per_minute,
            most and most.requests_per_minute,
        ),
    )
    return secret


def revoke(db: Database, token_id: str, now: int) -> str | None:
    """Stop a token from this moment on; returns its name, None when there is none to stop."""
    row = db.execute(
        "UPDATE api_token SET revoked = ? WHERE id = ? AND revoked IS NULL RETURNING name",
        (now, token_id),
    ).fetchone()
    return None if row is None else str(row[0])


def find(conn: sqlite3.Connection, token_hash: str) -> Principal | None:
    """Return whom the token stands for; None when unknown, revoked or its person is disabled."""
    row = conn.execute(
        """SELECT t.name, t.kind, t.roles, t.scope, t.gateway, p.name, p.roles, p.scope
           FROM api_token t LEFT JOIN person p ON p.name = t.person AND p.disabled IS NULL
           WHERE t.token_hash = ? AND t.revoked IS NULL""",
        (token_hash,),
    ).fetchone()
    if row is None:
        return None
    kind, roles = Kind(row[1]), read_roles(row[2])
    scope = read_scope(row[3], roles)
    if kind in (Kind.GATEWAY, Kind.READINGS):
        return Principal(name=row[4], kind=kind, gateway=row[4], credential=token_hash)
    if kind is Kind.PERSON:
        if row[5] is None:
            return None
        roles, scope = _within(roles, scope, read_roles(row[6]), row[7])
    return Principal(
        name=row[5] or row[0], kind=kind, roles=roles, scope=scope, credential=token_hash
    )


def had_one(conn: sqlite3.Connection, gateway: str) -> bool:
    """Return whether the gateway was ever given a token, or is a virtual one and gets others."""
    found = conn.execute(
        "SELECT 1 FROM api_token WHERE gateway = ?1 "
        "UNION ALL SELECT 1 FROM virtual_gateway WHERE name = ?1 LIMIT 1",
        (gateway,),
    )
    return found.fetchone() is not None


def allowance(conn: sqlite3.Connection, token_hash: str) -> tuple[str, Allowance] | None:
    """Return a readings token's id and what it may do; None when it is no such token."""
    row = conn.execute(
        """SELECT id, readings_per_minute, requests_per_minute FROM api_token
           WHERE token_hash = ? AND kind = 'readings'""",
        (token_hash,),
    ).fetchone()
    if row is None:
        return None
    return row[0], Allowance(readings_per_minute=row[1], requests_per_minute=row[2])


def of_gateway(conn: sqlite3.Connection, gateway: str) -> list[str]:
    """Return the ids of the gateway's tokens that stand."""
    rows = conn.execute(
        "SELECT id FROM api_token WHERE gateway = ? AND revoked IS NULL ORDER BY id", (gateway,)
    )
    return [str(row[0]) for row in rows]


def listed(conn: sqlite3.Connection) -> list[Token]:
    """Return every token, newest first, revoked ones included."""
    rows = conn.execute(
        """SELECT id, name, kind, roles, scope, gateway, person, created, created_by, revoked,
           readings_per_minute, requests_per_minute FROM api_token ORDER BY created DESC, id"""
    )
    return [_listed(row) for row in rows]


def _listed(row: tuple[str, ...]) -> Token:
    roles = read_roles(row[3])
    return Token(
        id=row[0],
        name=row[1],
        kind=Kind(row[2]),
        roles=roles,
        scope=read_scope(row[4], roles),
        gateway=row[5],
        person=row[6],
        created=int(row[7]),
        created_by=row[8],
        revoked=None if row[9] is None else int(row[9]),
        allowance=_allowance(row),
    )


def _allowance(row: tuple[str, ...]) -> Allowance | None:
    if row[10] is None:
        return None
    return Allowance(readings_per_minute=int(row[10]), requests_per_minute=int(row[11]))


def _within(
    roles: frozenset[Role],
    scope: frozenset[str] | None,
    own_roles: frozenset[Role],
    own_scope: str | None,
) -> tuple[frozenset[Role], frozenset[str] | None]:
    """Cut a person's token down to what the person may do and see now."""
    seen = read_scope(own_scope, own_roles)
    if scope is not None and seen is not None:
        seen = scope & seen
    elif scope is not None:
        seen = scope
    return roles & own_roles, seen
