"""Which sites and domains a manifest speaks of."""

import json
import sqlite3


def sites_of(conn: sqlite3.Connection, manifest: str) -> list[tuple[str, str]]:
    """Return (site, domain) of a manifest; nothing of one that cannot be read."""
    row = conn.execute("SELECT body FROM manifest WHERE digest = ?", (manifest,)).fetchone()
    try:
        said = json.loads(row[0])["sites"] if row is not None else []
        return [(str(site["name"]), str(site["domain"])) for site in said]
    except (ValueError, KeyError, TypeError):
        return []
