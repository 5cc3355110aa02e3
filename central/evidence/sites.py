"""Which sites and domains a manifest speaks of."""

import sqlite3
from typing import Final

import msgspec


class _Site(msgspec.Struct, gc=False):
    name: str
    domain: str


class _Said(msgspec.Struct, gc=False):
    """Of megabytes of points nothing is made."""

    sites: list[_Site]


_DECODER: Final = msgspec.json.Decoder(_Said)


def sites_of(conn: sqlite3.Connection, manifest: str) -> list[tuple[str, str]]:
    """Return (site, domain) of a manifest; nothing of one that cannot be read."""
    row = conn.execute("SELECT body FROM manifest WHERE digest = ?", (manifest,)).fetchone()
    try:
        said = _DECODER.decode(row[0]).sites if row is not None else []
    except (msgspec.MsgspecError, ValueError, TypeError):
        return []
    return [(site.name, site.domain) for site in said]
