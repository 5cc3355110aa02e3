"""Alarms, as they are counted.

Step m029. Never edit one that has been released.
"""

from sqlite_utils import Database


def m029_open_alarms(db: Database) -> None:
    """What is open is counted every other second: from an index that holds all it takes."""
    db.execute(
        "CREATE INDEX episode_figures ON episode(site, colour, state, purpose) "
        "WHERE state <> 'NORMAL'"
    )
