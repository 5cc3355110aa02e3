"""The tables of the centre: numbered steps, forward only, each in its own transaction.

Never edit a step that has been released: add the next one. Times are microseconds UTC. What is said
once (openings, evidence, journals, ledgers) is never updated.
"""

import secrets
from typing import Final

from sqlite_utils import Database, Migrations

from central.enrolment.migrations import enrolment
from central.identity.migrations import identity

collector = Migrations("collector")

SETS: Final = (collector, identity, enrolment)


def migrate(tables: Database, now: int) -> str:
    """Apply what is missing and return the incarnation, minted with the file."""
    for migrations in SETS:
        migrations.apply(tables)
    with tables.atomic():
        tables.execute(
            "INSERT OR IGNORE INTO collector(key, value) VALUES ('incarnation', ?), ('created', ?)",
            [secrets.token_hex(16), str(now)],
        )
    row = tables.execute("SELECT value FROM collector WHERE key = 'incarnation'").fetchone()
    return str(row[0])


def newer_than_us(tables: Database) -> str | None:
    """Return the name of an applied step this program does not know, without writing."""
    for migrations in SETS:
        known = {migration.name for migration in migrations._migrations}
        for applied in migrations.applied(tables):
            if applied.name not in known:
                return applied.name
    return None


@collector()
def m001_collector(db: Database) -> None:
    """What this collector is."""
    db.execute("CREATE TABLE collector (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT")


@collector()
def m002_registry(db: Database) -> None:
    """Gateways, their manifests as they came, a number for every point, rules by version."""
    for statement in (
        """CREATE TABLE gateway (
            name TEXT PRIMARY KEY, label TEXT NOT NULL, site TEXT, created INTEGER NOT NULL,
            manifest TEXT, stream_number INTEGER, stream_opened INTEGER,
            last_contact INTEGER, offline_since INTEGER, purpose TEXT, health TEXT) STRICT""",
        """CREATE TABLE manifest (
            digest TEXT PRIMARY KEY, gateway TEXT NOT NULL REFERENCES gateway(name),
            received INTEGER NOT NULL, body BLOB NOT NULL) STRICT""",
        """CREATE TABLE point (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
            gateway TEXT NOT NULL REFERENCES gateway(name)) STRICT""",
        "CREATE INDEX point_gateway ON point(gateway)",
        """CREATE TABLE rule (
            id TEXT PRIMARY KEY, point INTEGER NOT NULL REFERENCES point(number),
            version INTEGER NOT NULL, active INTEGER NOT NULL, changed INTEGER NOT NULL,
            levels TEXT NOT NULL) STRICT""",
        "CREATE INDEX rule_point ON rule(point)",
    ):
        db.execute(statement)


@collector()
def m003_ingest(db: Database) -> None:
    """Streams with their cursors, evidence, boots in time, what was put aside or lost."""
    for statement in (
        """CREATE TABLE stream (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
            gateway TEXT NOT NULL REFERENCES gateway(name), kind TEXT NOT NULL,
            boot TEXT NOT NULL, purpose TEXT NOT NULL, manifest TEXT NOT NULL,
            opening BLOB NOT NULL, created INTEGER NOT NULL,
            cursor INTEGER NOT NULL, head BLOB NOT NULL) STRICT""",
        """CREATE TABLE evidence (
            id INTEGER PRIMARY KEY, stream INTEGER NOT NULL REFERENCES stream(number),
            seq0 INTEGER NOT NULL, n INTEGER NOT NULL, kind INTEGER NOT NULL,
            received INTEGER NOT NULL, digest BLOB NOT NULL, body BLOB NOT NULL) STRICT""",
        "CREATE UNIQUE INDEX evidence_stream ON evidence(stream, seq0, kind)",
        """CREATE TABLE boot (
            gateway TEXT NOT NULL, boot TEXT NOT NULL, clock_offset INTEGER NOT NULL,
            clock_state INTEGER NOT NULL, learned INTEGER NOT NULL,
            PRIMARY KEY (gateway, boot)) STRICT""",
        """CREATE TABLE quarantine (
            id INTEGER PRIMARY KEY, received INTEGER NOT NULL,
            stream INTEGER NOT NULL REFERENCES stream(number), seq INTEGER NOT NULL,
            n INTEGER NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, body BLOB) STRICT""",
        "CREATE INDEX quarantine_received ON quarantine(received)",
        """CREATE TABLE loss (
            id INTEGER PRIMARY KEY, received INTEGER NOT NULL,
            stream INTEGER NOT NULL REFERENCES stream(number), seq0 INTEGER NOT NULL,
            reason TEXT NOT NULL, point INTEGER, time_from INTEGER, time_to INTEGER,
            count INTEGER NOT NULL) STRICT""",
        "CREATE INDEX loss_received ON loss(received)",
        """CREATE TABLE event (
            id INTEGER PRIMARY KEY, time INTEGER NOT NULL, recorded INTEGER NOT NULL,
            kind TEXT NOT NULL, code TEXT NOT NULL, subject TEXT NOT NULL,
            params TEXT NOT NULL) STRICT""",
        "CREATE INDEX event_subject ON event(code, subject)",
    ):
        db.execute(statement)


@collector()
def m004_readings(db: Database) -> None:
    """Readings as plain rows. No column type: a value comes back with its own class, bit by bit."""
    db.execute(
        """CREATE TABLE reading (
            point INTEGER NOT NULL, time INTEGER NOT NULL, stream INTEGER NOT NULL,
            seq INTEGER NOT NULL, value, class INTEGER NOT NULL, quality INTEGER NOT NULL,
            flags INTEGER NOT NULL, received INTEGER NOT NULL,
            PRIMARY KEY (point, time, stream, seq)) WITHOUT ROWID"""
    )


@collector()
def m005_alarms(db: Database) -> None:
    """Conditions, episodes, their journal, and what later work sends out."""
    for statement in (
        """CREATE TABLE condition (
            rule TEXT NOT NULL, stream INTEGER NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (rule, stream)) STRICT""",
        """CREATE TABLE episode (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, rule TEXT NOT NULL,
            point INTEGER NOT NULL REFERENCES point(number), site TEXT NOT NULL,
            state TEXT NOT NULL, level TEXT NOT NULL, colour INTEGER NOT NULL,
            raised INTEGER NOT NULL, returned INTEGER, closed INTEGER,
            acknowledged TEXT, value_at_raise, occurrence INTEGER NOT NULL,
            late INTEGER NOT NULL, purpose TEXT NOT NULL)""",
        "CREATE INDEX episode_open ON episode(rule) WHERE state <> 'NORMAL'",
        "CREATE INDEX episode_raised ON episode(raised)",
        "CREATE TABLE episode_day (day TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT",
        """CREATE TABLE alarm_journal (
            id INTEGER PRIMARY KEY, episode INTEGER REFERENCES episode(number),
            rule TEXT NOT NULL, time INTEGER NOT NULL, recorded INTEGER NOT NULL,
            event TEXT NOT NULL, level TEXT, value, actor TEXT, comment TEXT NOT NULL)""",
        "CREATE INDEX alarm_journal_episode ON alarm_journal(episode)",
        """CREATE TABLE acknowledgement (
            key TEXT PRIMARY KEY, episode INTEGER NOT NULL REFERENCES episode(number),
            person TEXT NOT NULL, recorded INTEGER NOT NULL) STRICT""",
        """CREATE TABLE outbox (
            id INTEGER PRIMARY KEY, recorded INTEGER NOT NULL, kind TEXT NOT NULL,
            body TEXT NOT NULL) STRICT""",
    ):
        db.execute(statement)


@collector()
def m006_indexes(db: Database) -> None:
    """What is asked with every commit or every second must not grow with the years."""
    for statement in (
        # Skips of a stream, however many batches it has (kind 2: docs/wire.md section 4).
        "CREATE INDEX evidence_skip ON evidence(stream, seq0) WHERE kind = 2",
        "DROP INDEX event_subject",
        "CREATE INDEX event_recent ON event(code, subject, recorded)",
        "DROP INDEX quarantine_received",
        "CREATE INDEX quarantine_received ON quarantine(received, n)",
        "DROP INDEX loss_received",
        "CREATE INDEX loss_received ON loss(received, count)",
        "CREATE INDEX episode_closed ON episode(raised) WHERE state = 'NORMAL'",
    ):
        db.execute(statement)


@collector()
def m007_backup(db: Database) -> None:
    """What verified backups cover of each stream, the backups, which boot spoke last.

    `ordinal` is the stream's number in its gateway's buffer, as its opening record has it;
    `restored` the cursor that a restore left it with.
    """
    for statement in (
        "ALTER TABLE stream ADD COLUMN safe INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE stream ADD COLUMN ordinal INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE stream ADD COLUMN restored INTEGER",
        "UPDATE stream SET ordinal = json_extract(CAST(opening AS TEXT), '$.number')",
        "CREATE INDEX stream_ordinal ON stream(gateway, ordinal)",
        "ALTER TABLE boot ADD COLUMN seen INTEGER NOT NULL DEFAULT 0",
        "UPDATE boot SET seen = learned",
        "ALTER TABLE gateway ADD COLUMN boot TEXT",
        """CREATE TABLE backup (
            id INTEGER PRIMARY KEY, time INTEGER NOT NULL, file TEXT NOT NULL,
            bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, result TEXT NOT NULL,
            detail TEXT NOT NULL, actor TEXT NOT NULL, seconds REAL NOT NULL,
            checked INTEGER, removed INTEGER) STRICT""",
        "CREATE INDEX backup_result ON backup(result, time)",
        # Restored and copied databases keep it: tells one's own backups from another's.
        "INSERT INTO collector(key, value) VALUES ('lineage', lower(hex(randomblob(16))))",
    ):
        db.execute(statement)


@collector()
def m010_numbers(db: Database) -> None:
    """A manifest keeps the numbers of its points: int64, little-endian, in its own order.

    Where they are missing (an older file) they are worked out and written at the first use.
    """
    db.execute("ALTER TABLE manifest ADD COLUMN numbers BLOB")


@collector()
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


@collector()
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


@collector()
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


@collector()
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


@collector()
def m016_events(db: Database) -> None:
    """Security events are few among many losses: they are found without reading these."""
    db.execute("CREATE INDEX event_kind ON event(kind, id)")
