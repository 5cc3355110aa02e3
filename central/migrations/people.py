"""What people do with alarms: what they ask for, what they say of them, what they put over them.

Step m032. Never edit one that has been released.
"""

from sqlite_utils import Database


def m032_people(db: Database) -> None:
    """Lists read an index; what people say stands beside the episode and is only added to.

    `unseen`: somebody has yet to acknowledge it. `verdict` is the newest verification of each
    episode. `alarm_act`: what each request of a person came to, so that its key repeated is
    answered the same; `digest` empty: one of an earlier version. `overlay`: a row for each layer
    that lies over a rule now. A shelf request waits until `decision`. Times are µs UTC.
    """
    for statement in (
        """ALTER TABLE episode ADD COLUMN unseen INTEGER
            GENERATED ALWAYS AS (state NOT IN ('ACKED', 'LATCHED_ACKED')) VIRTUAL""",
        """CREATE INDEX episode_urgent ON episode(unseen, colour, raised)
            WHERE state <> 'NORMAL'""",
        "CREATE INDEX episode_site ON episode(site, raised)",
        "CREATE INDEX episode_point ON episode(point, raised)",
        # What stood for more than a day, for the figures.
        "CREATE INDEX episode_long ON episode(returned) WHERE returned - raised > 86400000000",
        """CREATE INDEX alarm_journal_called ON alarm_journal(time)
            WHERE event IN ('RAISE', 'RERAISE', 'REALARM')""",
        """CREATE TABLE verification (
            id INTEGER PRIMARY KEY, episode INTEGER NOT NULL REFERENCES episode(number),
            result TEXT NOT NULL
                CHECK (result IN ('real', 'false', 'instrument', 'filed', 'test')),
            note TEXT NOT NULL, person TEXT NOT NULL, recorded INTEGER NOT NULL) STRICT""",
        "CREATE INDEX verification_episode ON verification(episode)",
        """CREATE TABLE verdict (
            episode INTEGER PRIMARY KEY REFERENCES episode(number), result TEXT NOT NULL,
            verification INTEGER NOT NULL REFERENCES verification(id)) STRICT""",
        "CREATE INDEX verdict_result ON verdict(result)",
        """CREATE TABLE alarm_comment (
            id INTEGER PRIMARY KEY, episode INTEGER NOT NULL REFERENCES episode(number),
            body TEXT NOT NULL, person TEXT NOT NULL, recorded INTEGER NOT NULL) STRICT""",
        "CREATE INDEX alarm_comment_episode ON alarm_comment(episode)",
        """CREATE TABLE alarm_act (
            person TEXT NOT NULL, key TEXT NOT NULL, subject TEXT NOT NULL,
            digest TEXT NOT NULL, outcome TEXT NOT NULL, recorded INTEGER NOT NULL,
            PRIMARY KEY (person, key, subject)) STRICT, WITHOUT ROWID""",
        """INSERT INTO alarm_act(person, key, subject, digest, outcome, recorded)
            SELECT a.person, a.key, e.id, '', '{}', a.recorded
            FROM acknowledgement a JOIN episode e ON e.number = a.episode""",
        """CREATE TABLE overlay (
            rule TEXT NOT NULL,
            name TEXT NOT NULL CHECK (name IN ('SHELVED', 'SUPPRESSED', 'OUT_OF_SERVICE')),
            point INTEGER NOT NULL REFERENCES point(number), site TEXT NOT NULL,
            since INTEGER NOT NULL, until INTEGER, one_shot INTEGER NOT NULL,
            person TEXT NOT NULL, reason TEXT NOT NULL,
            PRIMARY KEY (rule, name)) STRICT, WITHOUT ROWID""",
        """CREATE TABLE shelf_request (
            id INTEGER PRIMARY KEY, rule TEXT NOT NULL, site TEXT NOT NULL,
            seconds REAL NOT NULL, one_shot INTEGER NOT NULL, reason TEXT NOT NULL,
            asked INTEGER NOT NULL, asked_by TEXT NOT NULL,
            decision TEXT CHECK (decision IN ('confirmed', 'refused')),
            decided INTEGER, decided_by TEXT) STRICT""",
        "CREATE INDEX shelf_request_open ON shelf_request(rule) WHERE decision IS NULL",
    ):
        db.execute(statement)
