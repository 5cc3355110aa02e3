"""The library's tables: read whole, written by adding; runs in the writer thread."""

import json
import logging
import sqlite3
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from sqlite_utils import Database as Tables

from central.rules.body import Body
from central.rules.library import Attached, Library, LibraryRule, NamedLevel, Version
from central.rules.reading import body_document, read_body
from protocols.alarms.attachment import Attachment, Scope
from protocols.alarms.document_fields import Faults
from protocols.words import Label

logger = logging.getLogger(__name__)

MOST: Final = 5_000
"""Bodies remembered as read."""
_RULES: Final = "SELECT id, origin, domain, offered, created, created_by FROM library_rule"
_VERSIONS: Final = "SELECT version, body, retired, made, made_by, reason FROM library_version"
_ATTACHED: Final = (
    "SELECT id, family, scope, at, rule, quantities, since, by, reason, ended, ended_by, "
    "ended_reason FROM rule_attachment"
)
_NAMED: Final = (
    "SELECT id, name, scope, at, value, unit, label, valid_from, valid_to, source, clause, since, "
    "by, reason, ended, ended_by, ended_reason FROM named_level"
)


def body_text(body: Body) -> str:
    """Return a rule as the table keeps it; equal rules give equal text."""
    return json.dumps(body_document(body), ensure_ascii=False, sort_keys=True)


def read_library(conn: sqlite3.Connection) -> Library:
    """Return what stands. A rule that cannot be read any more is left out and logged."""
    newest = {
        rule: (number, body, retired, made, by, reason)
        for rule, number, body, retired, made, by, reason in conn.execute(
            "SELECT rule, max(version), body, retired, made, made_by, reason "
            "FROM library_version GROUP BY rule"
        )
    }
    rules: dict[str, LibraryRule] = {}
    for id_, origin, domain, offered, created, by in conn.execute(f"{_RULES} ORDER BY id"):
        version = _version(newest[id_]) if id_ in newest else None
        if version is None:
            logger.error("the rule %s cannot be read and holds nowhere", id_)
            continue
        rules[id_] = LibraryRule(
            id=id_,
            origin=origin,
            domain=domain,
            created=created,
            created_by=by,
            version=version,
            outdated=offered is not None and not is_as_offered(offered, version.body),
        )
    attached = conn.execute(f"{_ATTACHED} WHERE ended IS NULL ORDER BY id")
    named = conn.execute(f"{_NAMED} WHERE ended IS NULL ORDER BY id")
    return Library(
        rules,
        tuple(_attached(row).attachment for row in attached),
        tuple(_named(row) for row in named),
    )


def versions(conn: sqlite3.Connection, rule: str) -> list[Version]:
    """Return every version of a rule, the newest first."""
    rows = conn.execute(f"{_VERSIONS} WHERE rule = ? ORDER BY version DESC", (rule,))
    return [found for row in rows.fetchall() if (found := _version(row)) is not None]


def attachments(conn: sqlite3.Connection, *, ended: bool) -> list[Attached]:
    """Return attachments, the newest first; `ended`: those that ended too."""
    where = "" if ended else "WHERE ended IS NULL"
    rows = conn.execute(f"{_ATTACHED} {where} ORDER BY id DESC LIMIT {MOST}")
    return [_attached(row) for row in rows.fetchall()]


def named_levels(conn: sqlite3.Connection, *, ended: bool) -> list[NamedLevel]:
    """Return named levels, the newest first; `ended`: those that ended too."""
    where = "" if ended else "WHERE ended IS NULL"
    rows = conn.execute(f"{_NAMED} {where} ORDER BY id DESC LIMIT {MOST}")
    return [_named(row) for row in rows.fetchall()]


def add_rule(tables: Tables, rule: LibraryRule, offered: str | None = None) -> None:
    """Write a new rule and its first version."""
    tables.execute(
        "INSERT INTO library_rule VALUES (?, ?, ?, ?, ?, ?)",
        (rule.id, rule.origin, rule.domain, offered, rule.created, rule.created_by),
    )
    add_version(tables, rule.id, rule.version)


def add_version(tables: Tables, rule: str, version: Version) -> None:
    """Write the next version of a rule."""
    tables.execute(
        "INSERT INTO library_version VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(rule, version.number, body_text(version.body), version.retired),
            *(version.made, version.made_by, version.reason),
        ),
    )


def add_attachment(tables: Tables, each: Attachment) -> int:
    """Write an attachment and return its id."""
    done = tables.execute(
        "INSERT INTO rule_attachment(family, scope, at, rule, quantities, since, by, reason) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(each.family, int(each.scope), each.at, each.rule),
            *(json.dumps(sorted(each.quantities)), each.since, each.by, each.reason),
        ),
    )
    return int(done.lastrowid or 0)


def add_named(tables: Tables, each: NamedLevel) -> int:
    """Write a named level and return its id."""
    label = json.dumps([each.label.zh, each.label.en], ensure_ascii=False)
    done = tables.execute(
        "INSERT INTO named_level(name, scope, at, value, unit, label, valid_from, valid_to, "
        "source, clause, since, by, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(each.name, int(each.scope), each.at, each.value, each.unit, label),
            *(each.valid_from, each.valid_to, each.source, each.clause),
            *(each.since, each.by, each.reason),
        ),
    )
    return int(done.lastrowid or 0)


def end(tables: Tables, table: str, number: int, ended: tuple[int, str, str]) -> bool:
    """End an attachment or a named level: when, by whom, why. False: none of that number stands."""
    if table not in ("rule_attachment", "named_level"):
        raise ValueError(table)
    done = tables.execute(
        f"UPDATE {table} SET ended = ?, ended_by = ?, ended_reason = ? "  # noqa: S608  # one of two
        "WHERE id = ? AND ended IS NULL",
        (*ended, number),
    )
    return done.rowcount > 0


def _version(row: tuple[Any, ...]) -> Version | None:
    number, text, retired, made, by, reason = row
    body = _body(text)
    if body is None:
        return None
    return Version(
        number=number, body=body, retired=bool(retired), made=made, made_by=by, reason=reason
    )


@lru_cache(maxsize=MOST)
def _body(text: str) -> Body | None:
    faults = Faults()
    body = read_body(json.loads(text), "", faults)
    for problem in faults.kept:
        logger.error("%s: %s %s", body.id, problem.key, problem.code)
    return None if faults.count else body


def is_as_offered(offered: str | None, body: Body) -> bool:
    """Whether a rule says what its set offered, but for confirmations and figures it lacked."""
    read = None if offered is None else _body(offered)
    return read is not None and _alike(read, body)


def _alike(offered: Body, other: Body) -> bool:
    one, two = body_document(offered), body_document(other)
    for level in (*one["levels"], *two["levels"]):
        for key in ("confirmed_by", "confirmed_on"):
            level.pop(key, None)
    if len(one["levels"]) == len(two["levels"]):
        for level, given in zip(one["levels"], two["levels"], strict=True):
            if level["limit"] is None:
                given["limit"] = None
    same: bool = one == two
    return same


def _attached(row: tuple[Any, ...]) -> Attached:
    id_, family, scope, at, rule, quantities, since, by, reason, *ended = row
    return Attached(
        attachment=Attachment(
            id=id_,
            family=family,
            scope=Scope(scope),
            at=at,
            rule=rule,
            quantities=frozenset(json.loads(quantities)),
            since=since,
            by=by,
            reason=reason,
        ),
        ended=ended[0],
        ended_by=ended[1],
        ended_reason=ended[2],
    )


_NAMES: Final = (
    *("id", "name", "scope", "at", "value", "unit", "label", "valid_from", "valid_to"),
    *("source", "clause", "since", "by", "reason", "ended", "ended_by", "ended_reason"),
)


def _named(row: tuple[Any, ...]) -> NamedLevel:
    held: Mapping[str, Any] = dict(zip(_NAMES, row, strict=True))
    changed = {"scope": Scope(held["scope"]), "label": Label(*json.loads(held["label"]))}
    return NamedLevel(**{**held, **changed})
