"""What is lost sight of when a backup takes the place of a database: said before it is done."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """What the database holds and the backup does not.

    `readings` readings and events of `streams` streams: gateways send again what they still hold.
    `acts` lines of the audit. `revoked` tokens, `disabled` persons and the keys of the gateways in
    `keyed` that ended are valid again. `ended` are keys no warrant may bring back; the gateways in
    `enrolled` have keys that the backup does not know.
    """

    readings: int
    streams: int
    acts: int
    revoked: tuple[str, ...]
    disabled: tuple[str, ...]
    keyed: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    enrolled: tuple[str, ...] = ()


def between(database: Path, backup: Path) -> Between | None:
    """Compare; None when there is no database, or none that can be read."""
    if not database.is_file():
        return None
    uri = f"{database.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as conn:
            there = f"{backup.resolve().as_uri()}?mode=ro&immutable=1"
            conn.execute("ATTACH ? AS old", (there,))
            streams, readings = conn.execute(
                "SELECT count(*), total(p.cursor - coalesce(o.cursor, 0)) FROM main.stream p "
                "LEFT JOIN old.stream o ON o.id = p.id WHERE p.cursor > coalesce(o.cursor, 0)"
            ).fetchone()
            acts = conn.execute(
                "SELECT count(*) FROM main.audit "
                "WHERE id > (SELECT coalesce(max(id), 0) FROM old.audit)"
            ).fetchone()[0]
            return Between(
                readings=int(readings),
                streams=streams,
                acts=acts,
                revoked=_names(
                    conn,
                    "SELECT p.name FROM main.api_token p JOIN old.api_token o ON o.id = p.id "
                    "WHERE p.revoked IS NOT NULL AND o.revoked IS NULL ORDER BY p.name",
                ),
                disabled=_names(
                    conn,
                    "SELECT p.name FROM main.person p JOIN old.person o ON o.name = p.name "
                    "WHERE p.disabled IS NOT NULL AND o.disabled IS NULL ORDER BY p.name",
                ),
                keyed=_keyed(conn),
                ended=_ended(conn),
                enrolled=_enrolled(conn),
            )
    except sqlite3.Error:
        return None


def _have(conn: sqlite3.Connection, table: str, *sides: str) -> bool:
    """Whether these are of a version that has the table."""
    kept = "SELECT 1 FROM {}.sqlite_master WHERE name = ?"
    return all(conn.execute(kept.format(side), (table,)).fetchone() for side in sides)


def _ended(conn: sqlite3.Connection) -> tuple[str, ...]:
    """Return what ended since the backup, also before an earlier restore of the same one."""
    if not _have(conn, "gateway_key", "main", "old"):
        return ()
    found = _names(
        conn,
        "SELECT keyid FROM main.gateway_key WHERE ended IS NOT NULL "
        "AND keyid NOT IN (SELECT keyid FROM old.gateway_key WHERE ended IS NOT NULL)",
    )
    if _have(conn, "restoration", "main"):
        found += _names(conn, "SELECT value FROM main.restoration, json_each(restoration.ended)")
    return tuple(sorted(set(found)))


def _enrolled(conn: sqlite3.Connection) -> tuple[str, ...]:
    if not _have(conn, "gateway_key", "main", "old"):
        return ()
    return _names(
        conn,
        "SELECT DISTINCT gateway FROM main.gateway_key WHERE state IN ('active', 'held') AND keyid "
        "NOT IN (SELECT keyid FROM old.gateway_key WHERE state <> 'pending') ORDER BY gateway",
    )


def _keyed(conn: sqlite3.Connection) -> tuple[str, ...]:
    if not _have(conn, "gateway_key", "main", "old"):
        return ()
    return _names(
        conn,
        "SELECT DISTINCT p.gateway FROM main.gateway_key p JOIN old.gateway_key o "
        "ON o.keyid = p.keyid WHERE p.ended IS NOT NULL AND o.ended IS NULL ORDER BY p.gateway",
    )


def _names(conn: sqlite3.Connection, sought: str) -> tuple[str, ...]:
    return tuple(row[0] for row in conn.execute(sought))
