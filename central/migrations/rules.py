"""Rules as data: what is offered and confirmed, in versions, and where each is meant.

Step m031. Never edit one that has been released.
"""

from sqlite_utils import Database


def m031_rules(db: Database) -> None:
    """The library of rules. Nothing is deleted: versions follow each other, attachments end.

    `origin`: the threshold set a rule came with, and `offered` what that said last; `domain` its
    field, 1 to 15. A version `retired` is the rule's last until another follows. An attachment
    without a rule ends its family there. Scopes: protocols/alarms/attachment.py.
    """
    for statement in (
        """CREATE TABLE library_rule (
            id TEXT PRIMARY KEY, origin TEXT, domain INTEGER, offered TEXT,
            created INTEGER NOT NULL, created_by TEXT NOT NULL) STRICT""",
        """CREATE TABLE library_version (
            rule TEXT NOT NULL REFERENCES library_rule(id), version INTEGER NOT NULL,
            body TEXT NOT NULL, retired INTEGER NOT NULL DEFAULT 0,
            made INTEGER NOT NULL, made_by TEXT NOT NULL, reason TEXT NOT NULL,
            PRIMARY KEY (rule, version)) STRICT, WITHOUT ROWID""",
        """CREATE TABLE rule_attachment (
            id INTEGER PRIMARY KEY, family TEXT NOT NULL,
            scope INTEGER NOT NULL, at TEXT NOT NULL,
            rule TEXT REFERENCES library_rule(id), quantities TEXT NOT NULL,
            since INTEGER NOT NULL, by TEXT NOT NULL, reason TEXT NOT NULL,
            ended INTEGER, ended_by TEXT, ended_reason TEXT) STRICT""",
        "CREATE INDEX rule_attachment_standing ON rule_attachment(scope, at) WHERE ended IS NULL",
        """CREATE TABLE named_level (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL,
            scope INTEGER NOT NULL, at TEXT NOT NULL,
            value REAL NOT NULL, unit TEXT NOT NULL, label TEXT NOT NULL,
            valid_from TEXT, valid_to TEXT, source TEXT NOT NULL, clause TEXT,
            since INTEGER NOT NULL, by TEXT NOT NULL, reason TEXT NOT NULL,
            ended INTEGER, ended_by TEXT, ended_reason TEXT) STRICT""",
        "CREATE INDEX named_level_standing ON named_level(name, scope, at) WHERE ended IS NULL",
    ):
        db.execute(statement)
