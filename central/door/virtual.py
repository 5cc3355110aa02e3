"""Virtual gateways: an enterprise's own system, which hands in readings at the door.

An administrator makes one and says which sites it may speak of; its tokens are shown once. To
everything behind the door it is a gateway like any other. Runs in the caller's transaction.
"""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Final

from sqlite_utils import Database as Tables

from central.identity import audit, tokens
from central.identity.principal import Kind
from central.identity.tokens import Allowance
from central.registry import Entry, GatewayExists, NameRefused, insert_gateway
from protocols.errors import FengsuiError
from protocols.words import NAME, Label, Value

OFFLINE_AFTER: Final = 300
"""Seconds of silence after which a virtual gateway is offline, where nothing else is said."""
SHORTEST: Final = 30
LONGEST: Final = 7 * 86_400
SITES: Final = 100
MOST_READINGS: Final = 10_000_000
MOST_REQUESTS: Final = 60_000


class VirtualUnknown(FengsuiError):
    """There is no virtual gateway of that name."""

    code = "VIRTUAL_UNKNOWN"


class LimitRefused(FengsuiError):
    """A setting outside its bounds."""

    code = "LIMIT_REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualGateway:
    """As made; `offline_after` in seconds, `created` µs UTC."""

    name: str
    label: Label
    sites: tuple[str, ...]
    offline_after: int
    created: int
    created_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReadingsToken:
    """A token to make for the virtual gateway `gateway`."""

    gateway: str
    name: str
    allowance: Allowance
    by: str


def checked(wanted: VirtualGateway) -> VirtualGateway:
    """Return it. Raises NameRefused or LimitRefused."""
    for name in (wanted.name, *wanted.sites):
        if not NAME.fullmatch(name):
            raise NameRefused(name=name)
    _within("sites", len(set(wanted.sites)), 1, SITES)
    _within("offline_after_s", wanted.offline_after, SHORTEST, LONGEST)
    return wanted


def create(tables: Tables, wanted: VirtualGateway) -> Entry:
    """Make a virtual gateway and the audit line. Raises GatewayExists."""
    site = wanted.sites[0] if len(wanted.sites) == 1 else None
    entry = Entry(wanted.name, wanted.label, site, wanted.created)
    insert_gateway(tables, entry)
    tables.conn.execute(
        "INSERT INTO virtual_gateway(name, sites, offline_after, created, created_by) "
        "VALUES (?, ?, ?, ?, ?)",
        (
            wanted.name,
            json.dumps(sorted(set(wanted.sites))),
            wanted.offline_after,
            wanted.created,
            wanted.created_by,
        ),
    )
    act = audit.Act(
        time=wanted.created,
        actor=wanted.created_by,
        action="VIRTUAL_GATEWAY_CREATED",
        subject=f"gateway/{wanted.name}",
        detail={"sites": ", ".join(wanted.sites), "offline_after_s": wanted.offline_after},
    )
    audit.append(tables, act)
    return entry


def make_token(tables: Tables, wanted: NewReadingsToken, now: int) -> tuple[str, str]:
    """Make a token and the audit line; return its id and its secret, which is shown once.

    Raises VirtualUnknown, LimitRefused.
    """
    most = wanted.allowance
    _within("readings_per_minute", most.readings_per_minute, 1, MOST_READINGS)
    _within("requests_per_minute", most.requests_per_minute, 1, MOST_REQUESTS)
    if find(tables.conn, wanted.gateway) is None:
        raise VirtualUnknown(name=wanted.gateway)
    token = tokens.Token(
        id=tokens.new_id(),
        name=wanted.name,
        kind=Kind.READINGS,
        gateway=wanted.gateway,
        created=now,
        created_by=wanted.by,
        allowance=most,
    )
    act = audit.Act(
        time=now,
        actor=wanted.by,
        action="TOKEN_CREATED",
        subject=f"token/{token.id}",
        detail={"name": token.name, "kind": token.kind.value, "gateway": wanted.gateway},
    )
    audit.append(tables, act)
    return token.id, tokens.put(tables, token)


def note_described(tables: Tables, gateway: str, by: tuple[str, int], points: int) -> None:
    """Write into the audit that a person described the points."""
    actor, now = by
    action, subject = "VIRTUAL_GATEWAY_DESCRIBED", f"gateway/{gateway}"
    detail: dict[str, Value] = {"points": points}
    audit.append(
        tables, audit.Act(time=now, actor=actor, action=action, subject=subject, detail=detail)
    )


def find(conn: sqlite3.Connection, name: str) -> VirtualGateway | None:
    """Return the virtual gateway of that name."""
    return next((one for one in listed(conn) if one.name == name), None)


def listed(conn: sqlite3.Connection) -> list[VirtualGateway]:
    """Return all of them, by name."""
    rows = conn.execute(
        "SELECT v.name, g.label, v.sites, v.offline_after, v.created, v.created_by "
        "FROM virtual_gateway v JOIN gateway g ON g.name = v.name ORDER BY v.name"
    )
    return [_read(row) for row in rows]


def _read(row: tuple[Any, ...]) -> VirtualGateway:
    return VirtualGateway(
        name=row[0],
        label=Label(*json.loads(row[1])),
        sites=tuple(json.loads(row[2])),
        offline_after=row[3],
        created=row[4],
        created_by=row[5],
    )


def _within(what: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise LimitRefused(what=what, value=value, least=least, most=most)


__all__ = [
    "GatewayExists",
    "LimitRefused",
    "NewReadingsToken",
    "VirtualGateway",
    "VirtualUnknown",
    "checked",
    "create",
    "find",
    "listed",
    "make_token",
]
