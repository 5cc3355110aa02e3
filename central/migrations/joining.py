"""Alarms that gateways found themselves, and how they join ours.

Steps m033 and m038. Never edit one that has been released.
"""

from sqlite_utils import Database


def m033_gateway_standings(db: Database) -> None:
    """An episode says who found it, and whether the readings have borne that out."""
    for statement in (
        "ALTER TABLE episode ADD COLUMN origin TEXT NOT NULL DEFAULT 'centre'",
        "ALTER TABLE episode ADD COLUMN confirmation TEXT NOT NULL DEFAULT ''",
        "CREATE TABLE gateway_standing (rule TEXT NOT NULL, standing TEXT NOT NULL,"
        " gateway TEXT NOT NULL, purpose TEXT NOT NULL, tolerance INTEGER NOT NULL,"
        " raised INTEGER NOT NULL, heard INTEGER NOT NULL, level TEXT NOT NULL,"
        " worst TEXT NOT NULL, at INTEGER NOT NULL, value REAL, returned INTEGER, gone INTEGER,"
        " fresh INTEGER NOT NULL, episode INTEGER, leads INTEGER NOT NULL,"
        " settled INTEGER NOT NULL, PRIMARY KEY (rule, standing)) WITHOUT ROWID",
        "CREATE INDEX gateway_standing_open ON gateway_standing(raised) WHERE NOT settled",
        "CREATE INDEX episode_awaited ON episode(rule) WHERE confirmation <> ''",
    ):
        db.execute(statement)


def m038_heard_late(db: Database) -> None:
    """What a gateway's people acknowledged is kept until there is an episode to say so of; when a
    rule was put to rest is found by the rule.
    """
    for statement in (
        "ALTER TABLE gateway_standing ADD COLUMN seen INTEGER",
        "ALTER TABLE gateway_standing ADD COLUMN seen_by TEXT",
        "CREATE INDEX alarm_journal_rest ON alarm_journal(rule, time) "
        "WHERE event IN ('SUPPRESS', 'UNSUPPRESS', 'OOS_ON', 'OOS_OFF')",
    ):
        db.execute(statement)
