"""Alarms: how they are counted, and what their rules are.

Steps m029, m030. Never edit one that has been released.
"""

from sqlite_utils import Database


def m029_open_alarms(db: Database) -> None:
    """What is open is counted every other second: from an index that holds all it takes."""
    db.execute(
        "CREATE INDEX episode_figures ON episode(site, colour, state, purpose) "
        "WHERE state <> 'NORMAL'"
    )


def m030_rules_of_every_kind(db: Database) -> None:
    """A rule is a document on one or several inputs, and has a source; ESCALATE is counted."""
    for statement in (
        # What counts other rules has no point of its own.
        """CREATE TABLE wider (
            id TEXT PRIMARY KEY, point INTEGER REFERENCES point(number),
            version INTEGER NOT NULL, active INTEGER NOT NULL, changed INTEGER NOT NULL,
            levels TEXT NOT NULL, source TEXT NOT NULL, definition TEXT, inputs TEXT) STRICT""",
        "INSERT INTO wider SELECT id, point, version, active, changed, levels, 'manifest:' || "
        "(SELECT gateway FROM point WHERE point.number = rule.point), NULL, NULL FROM rule",
        "DROP TABLE rule",
        "ALTER TABLE wider RENAME TO rule",
        "CREATE INDEX rule_point ON rule(point)",
        "CREATE INDEX rule_source ON rule(source)",
        "ALTER TABLE alarm_journal ADD COLUMN nth INTEGER NOT NULL DEFAULT 0",
    ):
        db.execute(statement)
