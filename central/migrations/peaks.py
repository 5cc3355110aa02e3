"""The worst value of an alarm.

Step m036. Never edit one that has been released.
"""

from sqlite_utils import Database


def m036_peaks(db: Database) -> None:
    """Of an episode that is over: its worst value until it returned (`until`), with its time."""
    db.execute(
        "CREATE TABLE episode_peak (episode INTEGER PRIMARY KEY REFERENCES episode(number),"
        " value REAL NOT NULL, time INTEGER NOT NULL, quality INTEGER NOT NULL,"
        " until INTEGER NOT NULL) STRICT"
    )
