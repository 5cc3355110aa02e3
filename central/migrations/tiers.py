"""What is left when readings have gone, and the ledger of what has gone.

Step m022. Never edit one that has been released.
"""

from sqlite_utils import Database


def m022_tiers(db: Database) -> None:
    """A rollup speaks of readings that are not in the store any more, and of no other.

    `span`: µs of its slots; `n`: the readings it stands for; `day` counts UTC days since 1970.
    `removed` adds up what was deleted of a site, tier (raw, 1min, 1h) and day: `first` and `last`
    are when (µs UTC), `why` whose setting it was and what it said.
    """
    for statement in (
        """CREATE TABLE rollup (
            id INTEGER PRIMARY KEY, family INTEGER NOT NULL, day INTEGER NOT NULL,
            span INTEGER NOT NULL, n INTEGER NOT NULL, body BLOB NOT NULL) STRICT""",
        "CREATE UNIQUE INDEX rollup_family ON rollup(family, span, day, n)",
        """CREATE TABLE removed (
            site TEXT NOT NULL, tier TEXT NOT NULL, day INTEGER NOT NULL,
            readings INTEGER NOT NULL, bytes INTEGER NOT NULL, first INTEGER NOT NULL,
            last INTEGER NOT NULL, why TEXT NOT NULL,
            PRIMARY KEY (site, tier, day)) STRICT, WITHOUT ROWID""",
    ):
        db.execute(statement)
