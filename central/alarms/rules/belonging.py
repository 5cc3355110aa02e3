"""Whether a gateway judges a rule: all that goes into it is that gateway's own."""

import json
import sqlite3
from typing import Final

from central.alarms.rules.wanted import LIBRARY, source_of

DEEPEST: Final = 8
"""Rules that count rules that count rules: no deeper."""
_WHERE: Final = "json_extract(definition, '$.rule.where')"


def belongs(conn: sqlite3.Connection, rule: str, gateway: str, depth: int = 0) -> bool:
    """Return whether an active rule is one that `gateway` judges too."""
    row = conn.execute(
        f"SELECT point, source, inputs, {_WHERE} FROM rule WHERE id = ? AND active",  # noqa: S608
        (rule,),
    ).fetchone()
    if row is None or depth > DEEPEST:
        return False
    point, source, inputs, where = row
    if source == source_of(gateway):
        return True
    if source != LIBRARY or where == "centre":
        return False
    named = [(point, "")] if inputs is None else [tuple(each) for each in json.loads(inputs)]
    numbers = {int(number) for number, _ in named if number}
    if not _owned(conn, numbers, gateway):
        return False
    return all(belongs(conn, name, gateway, depth + 1) for number, name in named if not number)


def _owned(conn: sqlite3.Connection, numbers: set[int], gateway: str) -> bool:
    found = conn.execute(
        "SELECT count(*) FROM point WHERE number IN (SELECT value FROM json_each(?)) "
        "AND gateway = ?",
        (json.dumps(sorted(numbers)), gateway),
    ).fetchone()
    return int(found[0]) == len(numbers)
