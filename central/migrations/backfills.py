"""What of the past gateways delivered late (补传).

Step m037. Never edit one that has been released.
"""

from sqlite_utils import Database


def m037_backfills(db: Database) -> None:
    """One row for each gateway and delivery of the past; `ended` NULL while it goes on.

    `began`, `last` are when the first and the last of it were here, `stream` what brought the last,
    `first`, `newest` the times of its readings (NULL: none came yet), `late` the longest any of it
    took to be here. `seen` are the numbers of its points (int64). `peak` is the worst value in it
    of `peak_point` (`peak_low`: the least), the point of the most urgent alarm that stood when it
    ended. An alarm is of the first delivery that told of it.
    """
    for statement in (
        """CREATE TABLE backfill (
            number INTEGER PRIMARY KEY, gateway TEXT NOT NULL REFERENCES gateway(name),
            purpose TEXT NOT NULL, stream INTEGER NOT NULL,
            began INTEGER NOT NULL, last INTEGER NOT NULL, ended INTEGER,
            first INTEGER, newest INTEGER, readings INTEGER NOT NULL DEFAULT 0,
            points INTEGER NOT NULL DEFAULT 0, lost INTEGER NOT NULL DEFAULT 0,
            late INTEGER NOT NULL DEFAULT 0, seen BLOB NOT NULL DEFAULT x'',
            peak_point INTEGER, peak_low INTEGER, peak REAL, peak_time INTEGER) STRICT""",
        "CREATE UNIQUE INDEX backfill_open ON backfill(gateway, purpose) WHERE ended IS NULL",
        """CREATE TABLE backfill_alarm (
            episode INTEGER PRIMARY KEY REFERENCES episode(number),
            backfill INTEGER NOT NULL REFERENCES backfill(number)) STRICT""",
        "CREATE INDEX backfill_alarm_of ON backfill_alarm(backfill)",
    ):
        db.execute(statement)
