"""What lists of alarms are read from.

Step m039. Never edit one that has been released.
"""

from sqlite_utils import Database


def m039_lists(db: Database) -> None:
    """Open alarms of some points, or late ones, are found in the order's own index: no row is read.

    `number` stands where SQLite would put it anyway, so that the order ends with it; `closed` for
    the condition of an index is asked of the row again where the index does not hold it.
    """
    for statement in (
        "DROP INDEX episode_urgent",
        "CREATE INDEX episode_urgent "
        "ON episode(unseen, colour, raised, number, point, late, closed) WHERE closed IS NULL",
    ):
        db.execute(statement)
