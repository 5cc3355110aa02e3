"""Which sites a manifest speaks of, whatever lies in its place."""

import sqlite3

import pytest

from central.evidence.sites import sites_of

SAID = b'{"format": 1, "sites": [{"name": "a", "domain": "water", "label": []}], "points": []}'


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (SAID, [("a", "water")]),
        (SAID[:-1], []),
        (SAID.replace(b"domain", b"dominion"), []),
        (b'{"points": []}', []),
        (b'{"sites": 5}', []),
        (b"\xff", []),
        (None, []),
        (5, []),
    ],
)
def test_what_cannot_be_read_speaks_of_none(body, found):
    conn = sqlite3.connect(":memory:")
    conn.execute("CREATE TABLE manifest(digest, body)")
    conn.execute("INSERT INTO manifest VALUES ('m', ?)", (body,))
    assert sites_of(conn, "m") == found
    assert sites_of(conn, "another") == []
    conn.close()
