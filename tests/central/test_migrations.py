"""A database of any earlier version comes to today's tables with every row it had."""

import sqlite3
from contextlib import closing

import pytest
from sqlite_utils import Database as Tables

from central.alarms.journal.records import open_counts
from central.collector import Collector
from central.database import Database
from central.enrolment.migrations import enrolment
from central.identity import audit
from central.identity.migrations import identity
from central.migrations import STEPS, collector
from protocols.wire.manifest import decode_manifest, manifest_digest
from tests.central.builders import START, Gateway, config_in
from tests.central.stored import with_readings
from tests.central.template import fresh

NAMES = [step.__name__ for step in STEPS]
OLDER = [name for name in NAMES if name >= "m007"]
"""The first step that each older version lacks."""
VALUES = (1.5, -0.0, True, 2**53 + 1, "开")


def older(path, first_missing):
    """Make the tables as the version before `first_missing` left them."""
    tables = Tables(sqlite3.connect(path, isolation_level=None))
    tables.execute("PRAGMA foreign_keys=ON")
    collector.apply(tables, stop_before=first_missing)
    identity.apply(
        tables, stop_before="m002_readings_tokens" if first_missing <= "m014_door" else None
    )
    if first_missing > "m012":
        enrolment.apply(tables)
    return tables


def rows_of_a_site(tables, gateway, stream):
    """What that version had: a gateway that delivered a batch, its alarm, a token, the audit."""
    place = gateway.seal(stream, gateway.reading("level", 55.0))
    digest = manifest_digest(gateway.manifest)
    execute = tables.conn.execute
    execute(
        "INSERT INTO gateway(name, label, site, created, manifest, stream_number, stream_opened) "
        "VALUES ('gw', '{\"zh\": \"网关\"}', 'site', ?, ?, 1, ?)",
        (START, digest, START),
    )
    execute(
        "INSERT INTO manifest(digest, gateway, received, body) VALUES (?, 'gw', ?, ?)",
        (digest, START, gateway.manifest),
    )
    described = decode_manifest(gateway.manifest)
    for index in range(len(described.points)):
        execute(
            "INSERT INTO point(id, gateway) VALUES (?, 'gw')", (str(described.point_id(index)),)
        )
    execute(
        "INSERT INTO stream(number, id, gateway, kind, boot, purpose, manifest, opening, created, "
        "cursor, head) VALUES (1, ?, 'gw', 'data', ?, 'production', ?, ?, ?, 1, ?)",
        (stream.id, gateway.boot, digest, stream.opening, START, stream.head),
    )
    raw = stream.batches[place][2]
    execute(
        "INSERT INTO evidence(stream, seq0, n, kind, received, digest, body) "
        "VALUES (1, 1, 1, 0, ?, x'00', ?)",
        (START, raw),
    )
    execute(
        "INSERT INTO boot(gateway, boot, clock_offset, clock_state, learned) "
        "VALUES ('gw', ?, 0, 2, ?)",
        (gateway.boot, START),
    )
    tables_here = {row[0] for row in execute("SELECT name FROM sqlite_master").fetchall()}
    rows = "reading" if "reading" in tables_here else "late"  # m021 gave it another name
    for seq, value in enumerate(VALUES, 1):
        execute(
            f"INSERT INTO {rows} VALUES (1, ?, 1, ?, ?, 0, 192, 0, ?)",
            (START + seq, seq, value, START),
        )
    execute(
        "INSERT INTO event(time, recorded, kind, code, subject, params) "
        "VALUES (?, ?, 'security', 'BUFFER_SET_BACK', 'gw', '{}')",
        (START, START),
    )
    execute(
        "INSERT INTO api_token(id, token_hash, name, kind, roles, gateway, created, created_by) "
        "VALUES ('t1', 'aa', 'gw', 'gateway', '[]', 'gw', ?, 'admin')",
        (START,),
    )
    act = audit.Act(time=START, actor="admin", action="TOKEN_CREATED", subject="token/t1")
    audit.append(tables, act)


def all_rows(path):
    """Return every table's rows as dictionaries, but the record of steps."""
    with closing(sqlite3.connect(path)) as conn:
        conn.row_factory = sqlite3.Row
        names = [
            row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        return {
            name: [dict(row) for row in conn.execute(f"SELECT * FROM {name}")]
            for name in names
            if name != "_sqlite_migrations"
        }


def shape(path):
    with closing(sqlite3.connect(path)) as conn:
        return sorted(
            " ".join(row[0].split())
            for row in conn.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        )


def within(old, new):
    """Whether `new` says all that `old` said; columns may have been added."""
    return old.items() <= new.items()


def test_steps_are_in_the_order_of_their_numbers():
    assert sorted(NAMES) == NAMES
    assert len({name[:4] for name in NAMES}) == len(NAMES)


@pytest.mark.parametrize("first_missing", OLDER)
async def test_an_older_database_keeps_its_rows_and_gets_todays_tables(
    tmp_path, clock, first_missing
):
    path = tmp_path / "collector.db"
    gateway = Gateway(clock)
    stream = gateway.open()
    with closing(older(path, first_missing).conn) as conn:
        rows_of_a_site(Tables(conn), gateway, stream)
    before = all_rows(path)
    before.pop("outbox", None)  # the journal says all of it
    await (await Database.open(path, clock)).close()
    after = all_rows(path)
    for held in (before, after):
        held.setdefault("reading", held.get("late", []))
    for table, rows in before.items():
        assert len(after[table]) >= len(rows), table
        for old in rows:
            assert any(within(old, new) for new in after[table]), (table, old)
    assert [(type(row["value"]), row["value"]) for row in after["reading"]] == [
        (type(row["value"]), row["value"]) for row in before["reading"]
    ]
    if first_missing <= "m013_evidence":
        size = len(stream.batches[0][2])
        assert after["evidence_total"] == [{"one": 1, "batches": 1, "bytes": size}]
    if first_missing == "m007_backup":
        assert after["stream"][0]["ordinal"] == 1
    assert shape(path) == shape(fresh(tmp_path / "new.db"))


@pytest.mark.parametrize("first_missing", ["m010_numbers", "m016_events"])
async def test_a_gateway_goes_on_where_it_was(tmp_path, clock, first_missing):
    """The cursor and the chain it left there hold: the next batch fits, the first is a repeat."""
    config = config_in(tmp_path)
    gateway = Gateway(clock)
    stream = gateway.open()
    with closing(older(config.database, first_missing).conn) as conn:
        rows_of_a_site(Tables(conn), gateway, stream)
    made = await Collector.open(config, clock)
    try:
        answer = await gateway.deliver(made, stream, gateway.reading("level", 56.0))
        assert answer.committed == 2
        again = await gateway.send(made, stream, 0, 1)
        assert again.committed == 2
        kept = await made.db.read(
            lambda conn: with_readings(conn).execute("SELECT count(*) FROM reading").fetchone()
        )
        assert kept == (len(VALUES) + 1,)
    finally:
        await made.close()


def test_backups_of_before_say_why_they_failed_and_what_became_of_them(tmp_path):
    path = tmp_path / "collector.db"
    with closing(older(path, "m027_backup_reason").conn) as conn:
        for file, result, detail in (
            ("", "failed", "disk I/O error"),
            ("", "failed", "BACKUP_IO"),
            ("/a.db", "gone", ""),
            ("/b.db", "gone", ""),
            ("/c.db", "verified", ""),
        ):
            conn.execute(
                "INSERT INTO backup(time, file, bytes, sha256, result, detail, actor, seconds) "
                "VALUES (1, ?, 0, '', ?, ?, 'schedule', 0)",
                (file, result, detail),
            )
        conn.execute(
            "INSERT INTO event(time, recorded, kind, code, subject, params) "
            "VALUES (1, 1, 'fault', 'BACKUP_DAMAGED', 'collector', '{\"file\": \"/b.db\"}')"
        )
        collector.apply(Tables(conn))
        assert conn.execute("SELECT code, params FROM backup ORDER BY id").fetchall() == [
            ("BACKUP_IO", '{"reason":"disk I/O error"}'),
            ("BACKUP_UNEXPLAINED", "{}"),
            ("BACKUP_GONE", '{"file":"/a.db"}'),
            ("BACKUP_DAMAGED", '{"file":"/b.db"}'),
            ("", "{}"),
        ]


def test_what_is_open_is_what_is_not_closed(tmp_path):
    """An older version could leave one without the other; people's lists go by both."""
    path = tmp_path / "collector.db"
    with closing(older(path, "m034_storm").conn) as conn:
        conn.execute("INSERT INTO gateway(name, label, created) VALUES ('gw', '{}', 0)")
        conn.execute("INSERT INTO point(number, id, gateway) VALUES (1, 'site/gw/d/p', 'gw')")
        conn.executemany(
            "INSERT INTO episode(id, rule, point, site, state, level, colour, raised, returned, "
            "closed, occurrence, late, purpose) "
            "VALUES (?, 'r', 1, 'site', ?, '{}', 4, 5, ?, ?, 1, 0, 'production')",
            [
                ("a", "UNACK", None, None),
                ("b", "ACKED", None, 9),
                ("c", "NORMAL", 7, None),
                ("d", "NORMAL", 7, 8),
            ],
        )
        collector.apply(Tables(conn))
        after = conn.execute("SELECT id, closed, unseen FROM episode ORDER BY id").fetchall()
    assert after == [("a", None, 1), ("b", None, 0), ("c", 7, 1), ("d", 8, 1)]


def test_what_was_counted_by_state_is_counted_as_seen_or_not(tmp_path):
    path = tmp_path / "collector.db"
    with closing(older(path, "m041_figures").conn) as conn:
        conn.execute("INSERT INTO gateway(name, label, created) VALUES ('gw', '{}', 0)")
        conn.execute("INSERT INTO point(number, id, gateway) VALUES (1, 'site/gw/d/p', 'gw')")
        conn.executemany(
            "INSERT INTO episode(id, rule, point, site, state, level, colour, raised, occurrence, "
            "late, purpose, unseen) "
            "VALUES (?, 'r', 1, 'site', ?, '{}', 4, 5, 1, 0, 'production', ?)",
            [("a", "UNACK", 1), ("b", "ACKED", 0), ("c", "RTN_UNACK", 1)],
        )
        collector.apply(Tables(conn))
        assert open_counts(conn) == [("site", 4, False, 1), ("site", 4, True, 2)]
