"""Tables of the calendar. Step m023. Never edit one that has been released."""

from sqlite_utils import Database


def m023_exemptions(db: Database) -> None:
    """Filings (报备) and platform faults (平台故障): when readings are not owed.

    `site` NULL: the whole platform. Of a filing without points every point of its site is exempt.
    `until` NULL: it still goes on. What is withdrawn never counted. Nothing is deleted.
    """
    for statement in (
        """CREATE TABLE exemption (
            id INTEGER PRIMARY KEY,
            kind TEXT NOT NULL CHECK (kind IN ('filing', 'platform_fault')),
            category TEXT NOT NULL, site TEXT, start INTEGER NOT NULL, until INTEGER,
            reason TEXT NOT NULL, reference TEXT NOT NULL,
            created INTEGER NOT NULL, created_by TEXT NOT NULL,
            ended INTEGER, ended_by TEXT, withdrawn INTEGER, withdrawn_by TEXT) STRICT""",
        "CREATE INDEX exemption_site ON exemption(kind, site, start)",
        """CREATE TABLE exemption_point (
            exemption INTEGER NOT NULL REFERENCES exemption(id),
            point INTEGER NOT NULL REFERENCES point(number),
            PRIMARY KEY (exemption, point)) STRICT, WITHOUT ROWID""",
    ):
        db.execute(statement)
