"""What windows remember, apart from the rows of their rules.

Step m040. Never edit one that has been released.
"""

from sqlite_utils import Database


def m040_windows(db: Database) -> None:
    """A window's readings in pieces, each written once: `central.alarms.pasts.remembered`.

    Rows of rules that hold them all are read as they are, and come to pieces when they are written.
    """
    db.execute(
        """CREATE TABLE remembered (
            rule TEXT NOT NULL, place INTEGER NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (rule, place)) STRICT, WITHOUT ROWID"""
    )
