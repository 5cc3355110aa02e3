"""What a collector is made of: registry, delivery, readings, alarms.

Steps m001 to m006. Never edit one that has been released.
"""

from sqlite_utils import Database


def m001_collector(db: Database) -> None:
    """What this collector is."""
    db.execute("CREATE TABLE collector (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT")


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


def m004_readings(db: Database) -> None:
    """Readings as plain rows. No column type: a value comes back with its own class, bit by bit."""
    db.execute(
        """CREATE TABLE reading (
            point INTEGER NOT NULL, time INTEGER NOT NULL, stream INTEGER NOT NULL,
            seq INTEGER NOT NULL, value, class INTEGER NOT NULL, quality INTEGER NOT NULL,
            flags INTEGER NOT NULL, received INTEGER NOT NULL,
            PRIMARY KEY (point, time, stream, seq)) WITHOUT ROWID"""
    )


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
