"""Where episodes and rules are: their sites, and the point at which they are shown."""

import json
import sqlite3
from collections.abc import Collection


def sites(conn: sqlite3.Connection, alarms: Collection[str]) -> dict[str, str]:
    """Return the sites of episodes by their ids."""
    found = conn.execute(
        "SELECT id, site FROM episode WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(alarms)),),
    )
    return dict(found.fetchall())


def point_of(conn: sqlite3.Connection, alarm: str | None, rule: str | None) -> int | None:
    """Return the number of the point at which an episode, or a rule, is shown.

    A rule of an object is shown at the first point it goes by, be it through a rule it counts.
    """
    if alarm is not None:
        row = conn.execute("SELECT point FROM episode WHERE id = ?", (alarm,)).fetchone()
        return None if row is None or row[0] is None else int(row[0])
    asked = [] if rule is None else [rule]
    known = set(asked)
    for name in asked:  # grows by the rules that are counted
        row = conn.execute("SELECT point, inputs FROM rule WHERE id = ?", (name,)).fetchone()
        if row is None:
            continue
        if row[0] is not None:
            return int(row[0])
        for number, counted in json.loads(row[1] or "[]"):
            if number:
                return int(number)
            if counted not in known:
                known.add(counted)
                asked.append(counted)
    return None
