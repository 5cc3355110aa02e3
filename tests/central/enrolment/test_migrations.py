"""Keys of an earlier version keep what is known of them, and learn when they were approved."""

import sqlite3

from sqlite_utils import Database as Tables

from central.enrolment import keys
from central.enrolment.migrations import enrolment
from central.identity import audit
from central.identity.migrations import identity
from central.migrations import collector, migrate


def test_when_a_key_was_approved_is_learned_from_the_audit(tmp_path):
    tables = Tables(sqlite3.connect(tmp_path / "older.db", isolation_level=None))
    collector.apply(tables)
    identity.apply(tables)
    enrolment.apply(tables, stop_before="m018_approved")
    tables.execute("INSERT INTO gateway(name, label, created) VALUES ('gw', '[\"gw\"]', 1)")
    for keyid, by in (("k1", "ann"), ("k2", None)):
        tables.execute(
            "INSERT INTO gateway_key(keyid, gateway, alg, public, state, created, approved_by) "
            "VALUES (?, 'gw', 'ed25519', x'00', 'revoked', 5, ?)",
            (keyid, by),
        )
    with tables.atomic():
        detail = {"key": "k1", "ended": ""}
        act = {"action": "GATEWAY_KEY_APPROVED", "subject": "gateway/gw", "detail": detail}
        audit.append(tables, audit.Act(time=7, actor="ann", **act))
    migrate(tables, 9)
    found = {key.keyid: (key.created, key.approved) for key in keys.listed(tables.conn)}
    assert found == {"k1": (5, 7), "k2": (5, None)}
