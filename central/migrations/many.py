"""Many alarms at once: faults that stand for what is below them, first-up, floods.

Step m035. Never edit one that has been released.
"""

from sqlite_utils import Database


def m035_many_alarms(db: Database) -> None:
    """Faults are episodes counted apart; what is below each; groups of first-up; floods.

    `fault_place`: what is silent, or was: `since` the last that was heard of it, `ended` NULL while
    it is; `below` the numbers of its points (int64). `fault` is the same of one episode, as it
    began. `flood.body` tells whether it floods, in one row; `flood_span` from when to when it did.
    """
    for statement in (
        # Groups are made of the index alone, however many alarms there are.
        "DROP INDEX episode_figures",
        "CREATE INDEX episode_figures ON episode(site, colour, state, purpose, closed, raised) "
        "WHERE closed IS NULL",
        """CREATE TABLE alarm_group (
            number INTEGER PRIMARY KEY, name TEXT NOT NULL, first INTEGER NOT NULL,
            began INTEGER NOT NULL, followers INTEGER NOT NULL) STRICT""",
        "CREATE INDEX alarm_group_name ON alarm_group(name, began)",
        """CREATE TABLE grouped_alarm (
            episode INTEGER PRIMARY KEY REFERENCES episode(number),
            grp INTEGER NOT NULL REFERENCES alarm_group(number)) STRICT""",
        """CREATE TABLE fault_place (
            rule TEXT PRIMARY KEY, kind TEXT NOT NULL
                CHECK (kind IN ('gateway', 'bus', 'device')),
            gateway TEXT NOT NULL, bus TEXT, device TEXT, site TEXT NOT NULL,
            since INTEGER NOT NULL, held INTEGER NOT NULL, ended INTEGER,
            concluded INTEGER NOT NULL, devices INTEGER NOT NULL, points INTEGER NOT NULL,
            below BLOB NOT NULL) STRICT""",
        "CREATE INDEX fault_place_open ON fault_place(gateway) WHERE ended IS NULL",
        """CREATE TABLE fault (
            episode INTEGER PRIMARY KEY REFERENCES episode(number), rule TEXT NOT NULL,
            kind TEXT NOT NULL, gateway TEXT NOT NULL, bus TEXT, device TEXT,
            since INTEGER NOT NULL, concluded INTEGER NOT NULL, devices INTEGER NOT NULL,
            points INTEGER NOT NULL, below BLOB NOT NULL) STRICT""",
        # The newest fault of each rule is found by it, those of today by their episodes.
        "CREATE INDEX fault_rule ON fault(rule, episode)",
        """CREATE TABLE flood (
            one INTEGER PRIMARY KEY CHECK (one = 1), body TEXT NOT NULL) STRICT""",
        """CREATE TABLE flood_span (
            id INTEGER PRIMARY KEY, began INTEGER NOT NULL, ended INTEGER,
            alarms INTEGER NOT NULL) STRICT""",
    ):
        db.execute(statement)
