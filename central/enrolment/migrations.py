"""The tables of codes and held starts; `central.migrations` applies them.

The keys themselves are in the collector's own tables (`gateway_key`).
"""

from sqlite_utils import Database, Migrations

enrolment = Migrations("enrolment")


@enrolment()
def m012_enrolment(db: Database) -> None:
    """One-time codes of gateways, and starts of a key that were held (central/enrolment).

    Of a code its first characters stay, and of its key nothing once it is over.
    """
    for statement in (
        """CREATE TABLE enrolment_code (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL,
            gateway TEXT NOT NULL REFERENCES gateway(name), site TEXT, salt BLOB NOT NULL,
            secret BLOB, created INTEGER NOT NULL, created_by TEXT NOT NULL,
            opens INTEGER NOT NULL, expires INTEGER NOT NULL, work_order TEXT, installer TEXT,
            state TEXT NOT NULL DEFAULT 'open' CHECK
                (state IN ('open', 'used', 'burnt', 'withdrawn', 'expired')),
            ended INTEGER, keyid TEXT, digits TEXT,
            CHECK ((state = 'open') = (secret IS NOT NULL)),
            CHECK ((work_order IS NULL) = (installer IS NULL))) STRICT""",
        "CREATE UNIQUE INDEX enrolment_code_open ON enrolment_code(id) WHERE state = 'open'",
        "CREATE INDEX enrolment_code_key ON enrolment_code(keyid)",
        """CREATE TABLE held_boot (
            gateway TEXT NOT NULL REFERENCES gateway(name), boot TEXT NOT NULL,
            keyid TEXT NOT NULL, since INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('held', 'approved', 'refused')),
            decided_by TEXT, decided INTEGER, PRIMARY KEY (gateway, boot)) STRICT""",
    ):
        db.execute(statement)


@enrolment()
def m018_approved(db: Database) -> None:
    """When a key was approved; of those before this step the audit knows."""
    db.execute("ALTER TABLE gateway_key ADD COLUMN approved INTEGER")
    db.execute(
        """UPDATE gateway_key SET approved = (
               SELECT max(time) FROM audit WHERE action = 'GATEWAY_KEY_APPROVED'
               AND subject = 'gateway/' || gateway_key.gateway
               AND json_extract(detail, '$.key') = gateway_key.keyid)
           WHERE approved_by IS NOT NULL"""
    )


@enrolment()
def m019_restoration(db: Database) -> None:
    """What restores lost: the time between a backup and its restore, and keys that ended in it."""
    db.execute(
        """CREATE TABLE restoration (
            number INTEGER PRIMARY KEY, file TEXT NOT NULL, backup INTEGER NOT NULL,
            restored INTEGER NOT NULL, ended TEXT NOT NULL) STRICT"""
    )
