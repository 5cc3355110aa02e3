"""What a storm of alarms touches: indexes that a return or a recurrence leaves alone.

Steps m034 and m041. Never edit one that has been released.
"""

from sqlite_utils import Database


def m034_storm(db: Database) -> None:
    """An episode is open until it is closed; the journal is its own outbox.

    Indexes of what is open go by `closed`, which changes once, and `unseen` is a column of its own:
    one that is reckoned from the state would change with it. The index of what called somebody
    compares one by one: a list is made anew for every line that is written. Whoever follows the
    journal from elsewhere has a `position` in it, the last `id` that was taken.
    """
    for statement in (
        "UPDATE episode SET closed = coalesce(returned, raised) "
        "WHERE state = 'NORMAL' AND closed IS NULL",
        "UPDATE episode SET closed = NULL WHERE state <> 'NORMAL' AND closed IS NOT NULL",
        "DROP INDEX episode_open",
        "DROP INDEX episode_closed",
        "DROP INDEX episode_figures",
        "DROP INDEX episode_urgent",
        "ALTER TABLE episode DROP COLUMN unseen",
        "ALTER TABLE episode ADD COLUMN unseen INTEGER NOT NULL DEFAULT 1",
        "UPDATE episode SET unseen = 0 WHERE state IN ('ACKED', 'LATCHED_ACKED')",
        "CREATE INDEX episode_open ON episode(rule) WHERE closed IS NULL",
        "CREATE INDEX episode_closed ON episode(raised) WHERE closed IS NOT NULL",
        # With `closed` in it what is open is counted without reading a row.
        "CREATE INDEX episode_figures ON episode(site, colour, state, purpose, closed) "
        "WHERE closed IS NULL",
        "CREATE INDEX episode_urgent ON episode(unseen, colour, raised) WHERE closed IS NULL",
        "DROP INDEX alarm_journal_called",
        "CREATE INDEX alarm_journal_called ON alarm_journal(time) "
        "WHERE event = 'RAISE' OR event = 'RERAISE' OR event = 'REALARM'",
        "DROP TABLE outbox",
        """CREATE TABLE journal_reader (
            name TEXT PRIMARY KEY, position INTEGER NOT NULL, moved INTEGER NOT NULL) STRICT""",
    ):
        db.execute(statement)


def m041_figures(db: Database) -> None:
    """The figures tell the seen from the unseen, not states: a return touches no index any more."""
    for statement in (
        "DROP INDEX episode_figures",
        "CREATE INDEX episode_figures "
        "ON episode(site, colour, unseen, purpose, closed, raised) WHERE closed IS NULL",
    ):
        db.execute(statement)
