"""Who spoke, what proves it, when it happened, and the door for others' systems.

Steps m011 to m016, and m018. Never edit one that has been released.
"""

from sqlite_utils import Database


def m011_keys(db: Database) -> None:
    """Public keys of gateways: who may speak for which, and since when no more.

    `state` is pending, active, held, revoked or replaced; one key of a gateway is active at a time.
    `boot_first` is the first boot that spoke with it.
    """
    for statement in (
        """CREATE TABLE gateway_key (
            keyid TEXT PRIMARY KEY, gateway TEXT NOT NULL REFERENCES gateway(name),
            alg TEXT NOT NULL, public BLOB NOT NULL,
            state TEXT NOT NULL
                CHECK (state IN ('pending', 'active', 'held', 'revoked', 'replaced')),
            created INTEGER NOT NULL, approved_by TEXT, ended INTEGER, boot_first TEXT) STRICT""",
        "CREATE INDEX gateway_key_gateway ON gateway_key(gateway, state)",
        "CREATE UNIQUE INDEX gateway_key_active ON gateway_key(gateway) WHERE state = 'active'",
    ):
        db.execute(statement)


def m013_evidence(db: Database) -> None:
    """Signed heads of chains, kept for ever; up to where evidence was deleted; how much there is.

    `seq` 0: the opening record. `apart`: see central/evidence/heads.py. Of an edge: the head after
    the last number deleted, how much was deleted, when the newest of it had come, and when it went.
    """
    for statement in (
        """CREATE TABLE evidence_head (
            stream INTEGER NOT NULL REFERENCES stream(number), seq INTEGER NOT NULL,
            apart INTEGER NOT NULL, head BLOB NOT NULL, received INTEGER NOT NULL,
            keyid TEXT, alg TEXT, nonce BLOB, signature BLOB, content_digest BLOB, bound TEXT,
            PRIMARY KEY (stream, seq, apart)) STRICT, WITHOUT ROWID""",
        """CREATE TABLE evidence_edge (
            stream INTEGER PRIMARY KEY REFERENCES stream(number), seq INTEGER NOT NULL,
            head BLOB NOT NULL, batches INTEGER NOT NULL, bytes INTEGER NOT NULL,
            received INTEGER NOT NULL, deleted INTEGER NOT NULL) STRICT""",
        """CREATE TABLE evidence_total (
            one INTEGER PRIMARY KEY CHECK (one = 1), batches INTEGER NOT NULL,
            bytes INTEGER NOT NULL) STRICT""",
        """INSERT INTO evidence_total(one, batches, bytes)
            SELECT 1, count(*), coalesce(sum(length(body)), 0) FROM evidence""",
    ):
        db.execute(statement)


def m014_door(db: Database) -> None:
    """Virtual gateways of others' systems, their requests by key, and the lines of these.

    `answer` is what the request was answered; `digest` of what was sent, so that the same key with
    other content is refused. A stream's `line` is the one it continues for the alarms.
    """
    for statement in (
        """CREATE TABLE virtual_gateway (
            name TEXT PRIMARY KEY REFERENCES gateway(name), sites TEXT NOT NULL,
            offline_after INTEGER NOT NULL, created INTEGER NOT NULL,
            created_by TEXT NOT NULL) STRICT""",
        """CREATE TABLE door_request (
            stream INTEGER PRIMARY KEY REFERENCES stream(number), digest BLOB NOT NULL,
            answer TEXT NOT NULL) STRICT""",
        """CREATE TABLE door_line (
            stream INTEGER PRIMARY KEY REFERENCES stream(number), gateway TEXT NOT NULL,
            purpose TEXT NOT NULL, newest INTEGER NOT NULL) STRICT""",
        "CREATE INDEX door_line_newest ON door_line(gateway, purpose, newest)",
        "ALTER TABLE stream ADD COLUMN line INTEGER",
    ):
        db.execute(statement)


def m015_clock(db: Database) -> None:
    """Where a boot lies in UTC, learned after its first contact; only added to, in order of id.

    From `mono` on its offset is `clock_offset`, since `since` it may have been (all µs, monotonic).
    """
    db.execute(
        """CREATE TABLE boot_anchor (
            id INTEGER PRIMARY KEY, gateway TEXT NOT NULL, boot TEXT NOT NULL,
            since INTEGER NOT NULL, mono INTEGER NOT NULL, clock_offset INTEGER NOT NULL,
            clock_state INTEGER NOT NULL, learned INTEGER NOT NULL) STRICT"""
    )
    db.execute("CREATE INDEX boot_anchor_boot ON boot_anchor(gateway, boot, id)")


def m016_events(db: Database) -> None:
    """Security events are few among many losses: they are found without reading these."""
    db.execute("CREATE INDEX event_kind ON event(kind, id)")


def m018_signed_clock(db: Database) -> None:
    """The clocks a gateway signed with a head, packed by `central.evidence.heads`.

    NULL: signed before the clock was among what is signed, or not signed at all.
    """
    db.execute("ALTER TABLE evidence_head ADD COLUMN clock BLOB")


def m020_voided(db: Database) -> None:
    """When an anchor ceased to count, as the boot showed less than it had (µs; NULL: counts)."""
    db.execute("ALTER TABLE boot_anchor ADD COLUMN voided INTEGER")
