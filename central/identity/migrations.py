"""The tables of persons, sessions, tokens and the audit; `central.migrations` applies them.

Secrets are never stored: a password as argon2, a session, a link and a token as the SHA-256 of 256
random bits (nothing to guess, so no slow hash is needed). Times are microseconds UTC, real time.
"""

from sqlite_utils import Database, Migrations

identity = Migrations("identity")


@identity()
def m001_identity(db: Database) -> None:
    """Persons, sessions, login links, API tokens and the audit."""
    db.execute(
        """CREATE TABLE person (
            name TEXT PRIMARY KEY, password_hash TEXT, roles TEXT NOT NULL, scope TEXT,
            created INTEGER NOT NULL, disabled INTEGER) STRICT"""
    )
    db.execute(
        """CREATE TABLE session (
            token_hash TEXT PRIMARY KEY, person TEXT NOT NULL REFERENCES person(name),
            created INTEGER NOT NULL, seen INTEGER NOT NULL, expires INTEGER NOT NULL) STRICT"""
    )
    db.execute("CREATE INDEX session_person ON session(person)")
    db.execute(
        """CREATE TABLE login_link (
            code_hash TEXT PRIMARY KEY, person TEXT NOT NULL REFERENCES person(name),
            expires INTEGER NOT NULL, used INTEGER) STRICT"""
    )
    db.execute(
        """CREATE TABLE api_token (
            id TEXT PRIMARY KEY, token_hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('person', 'system', 'gateway')),
            roles TEXT NOT NULL, scope TEXT, gateway TEXT, person TEXT REFERENCES person(name),
            created INTEGER NOT NULL, created_by TEXT NOT NULL, revoked INTEGER,
            CHECK ((kind = 'gateway') = (gateway IS NOT NULL)),
            CHECK ((kind = 'person') = (person IS NOT NULL))) STRICT"""
    )
    db.execute(
        """CREATE TABLE audit (
            id INTEGER PRIMARY KEY, time INTEGER NOT NULL, actor TEXT NOT NULL,
            action TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL,
            prev TEXT NOT NULL, hash TEXT NOT NULL) STRICT"""
    )


@identity()
def m002_readings_tokens(db: Database) -> None:
    """A kind of token that hands in the readings of one virtual gateway, with limits of its own.

    The limits are per minute; NULL on every other kind.
    """
    for statement in (
        """CREATE TABLE api_token_new (
            id TEXT PRIMARY KEY, token_hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('person', 'system', 'gateway', 'readings')),
            roles TEXT NOT NULL, scope TEXT, gateway TEXT, person TEXT REFERENCES person(name),
            created INTEGER NOT NULL, created_by TEXT NOT NULL, revoked INTEGER,
            readings_per_minute INTEGER, requests_per_minute INTEGER,
            CHECK ((kind IN ('gateway', 'readings')) = (gateway IS NOT NULL)),
            CHECK ((kind = 'readings') = (readings_per_minute IS NOT NULL)),
            CHECK ((kind = 'readings') = (requests_per_minute IS NOT NULL)),
            CHECK ((kind = 'person') = (person IS NOT NULL))) STRICT""",
        """INSERT INTO api_token_new (id, token_hash, name, kind, roles, scope, gateway, person,
            created, created_by, revoked) SELECT id, token_hash, name, kind, roles, scope, gateway,
            person, created, created_by, revoked FROM api_token""",
        "DROP TABLE api_token",
        "ALTER TABLE api_token_new RENAME TO api_token",
    ):
        db.execute(statement)
