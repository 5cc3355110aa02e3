"""`verify`: nothing is found where nothing was touched, and every touch is found and named."""

import json
import re
import sqlite3

import pytest

from central.commands.evidence import Asked, verify_evidence
from central.evidence.verifying import GatewayUnknown, reading, verify
from tests.central.builders import SECOND
from tests.central.door.plant import COUNT, LEVEL, NOTE, Enterprise
from tests.central.stored import to_rows

HOUR = 3_600 * SECOND


def look(collector, start=None, gateway="gw"):
    with reading(collector.db.path) as conn:
        return verify(conn, gateway, start, collector.clock.now() + HOUR)


def codes(report):
    return {(finding.code, finding.seq) for finding in report.findings.said}


async def touch(collector, sql, *values):
    """Change the tables behind the collector's back."""

    def work(tables):
        if " late" in sql:
            to_rows(tables.conn)
        return tables.conn.execute(sql, values).rowcount

    return await collector.db.write(work)


async def test_what_nobody_touched_is_whole(collector, delivered):
    stream, alarm = delivered
    report = look(collector)
    assert report.findings.said == []
    one, two = report.streams
    assert (one.stream, one.last, one.signed) == (stream.id, 7, 7)
    assert (one.start, one.opening_signed, one.skipped) == ("opening", True, {"quota": 2})
    assert (one.recovered, one.unproved) == (2, 0)
    assert (two.stream, two.kind, two.last, two.signed) == (alarm.id, "alarm", 2, 2)
    assert report.readings == 4 + 2 + 1 + 1
    assert report.oldest == one.received[0]


async def test_it_works_while_the_collector_writes(collector, delivered, gateway, clock):
    stream, _ = delivered
    for value in range(30):
        clock.move(1)
        await gateway.deliver(collector, stream, gateway.reading("level", float(value)))
        assert look(collector).findings.count == 0
    assert look(collector).streams[0].last == 37


async def test_an_unknown_gateway_is_named(collector):
    with pytest.raises(GatewayUnknown):
        look(collector, gateway="nobody")


TOUCHES = [
    ("UPDATE evidence SET body = ?x WHERE seq0 = 3 AND stream = 1", "VERIFY_DIGEST", 3),
    ("UPDATE evidence SET digest = ?x WHERE seq0 = 3 AND stream = 1", "VERIFY_DIGEST", 3),
    ("UPDATE evidence SET n = 3 WHERE seq0 = 3 AND stream = 1", "VERIFY_PLACE", 3),
    ("UPDATE evidence SET kind = 3 WHERE seq0 = 3 AND stream = 1", "VERIFY_PLACE", 3),
    ("DELETE FROM evidence WHERE seq0 = 3 AND stream = 1", "VERIFY_GAP", 3),
    ("DELETE FROM evidence WHERE seq0 = 7 AND stream = 1", "VERIFY_GAP", 7),
    ("UPDATE evidence SET body = ?x WHERE seq0 = 5 AND kind = 1", "VERIFY_DIGEST", 5),
    ("UPDATE evidence_head SET head = ?x WHERE seq = 4 AND stream = 1", "VERIFY_HEAD", 4),
    ("UPDATE evidence_head SET signature = ?x WHERE seq = 4", "VERIFY_SIGNATURE", 4),
    ("UPDATE evidence_head SET nonce = ?x WHERE seq = 4", "VERIFY_SIGNATURE", 4),
    ("UPDATE evidence_head SET clock = ?x WHERE seq = 4", "VERIFY_SIGNATURE", 4),
    ("UPDATE evidence_head SET clock = NULL WHERE seq = 4", "VERIFY_SIGNATURE", 4),
    ("UPDATE evidence_head SET clock = x'00' WHERE seq = 0", "VERIFY_SIGNATURE", 0),
    ("UPDATE evidence_head SET content_digest = ?x WHERE seq = 4", "VERIFY_SIGNATURE", 4),
    ("UPDATE evidence_head SET keyid = 'ed25519:0' WHERE seq = 4", "VERIFY_KEY", 4),
    ("UPDATE evidence_head SET alg = 'ed2551' WHERE seq = 4", "VERIFY_SIGNATURE", 4),
    ("UPDATE evidence_head SET seq = 3 WHERE seq = 4", "VERIFY_HEAD_PLACE", 3),
    ("UPDATE evidence_head SET received = 0 WHERE seq = 4", "VERIFY_KEY", 4),
    ("UPDATE evidence_head SET head = ?x WHERE apart = 1", "VERIFY_SIGNATURE", 6),
    ("UPDATE evidence_head SET bound = 'x' WHERE seq = 0", "VERIFY_SIGNATURE", 0),
    ("UPDATE evidence_head SET keyid = NULL, alg = NULL, nonce = NULL, signature = NULL, "
     "content_digest = NULL WHERE seq = 4", "VERIFY_UNSIGNED", 4),
    ("UPDATE stream SET opening = ?x WHERE number = 1", "VERIFY_OPENING_HEAD", 0),
    ("UPDATE stream SET head = ?x WHERE number = 1", "VERIFY_CURSOR", 7),
    ("UPDATE stream SET cursor = 8 WHERE number = 1", "VERIFY_GAP", 8),
    ("UPDATE late SET value = 2.5 WHERE stream = 1 AND seq = 3", "VERIFY_READING_DIFFERS", 3),
    ("UPDATE late SET class = 0 WHERE stream = 1 AND seq = 4", "VERIFY_READING_DIFFERS", 4),
    ("UPDATE late SET quality = 1 WHERE stream = 1 AND seq = 3", "VERIFY_READING_DIFFERS", 3),
    ("UPDATE late SET flags = 8 WHERE stream = 1 AND seq = 3", "VERIFY_READING_DIFFERS", 3),
    ("UPDATE late SET received = 1 WHERE stream = 1 AND seq = 3", "VERIFY_READING_DIFFERS", 3),
    ("UPDATE late SET time = time + 1 WHERE stream = 1 AND seq = 3",
     "VERIFY_READING_MISSING", 3),
    ("UPDATE late SET point = 2 WHERE stream = 1 AND seq = 3", "VERIFY_READING_MISSING", 3),
    ("UPDATE late SET seq = 99 WHERE stream = 1 AND seq = 3", "VERIFY_READING_MISSING", 3),
    ("DELETE FROM late WHERE stream = 1 AND seq = 7", "VERIFY_READING_MISSING", 7),
    ("INSERT INTO late SELECT point, time + 1, stream, seq, 9.0, 0, 0, 0, received FROM late "
     "WHERE stream = 1 AND seq = 1", "VERIFY_READING_EXTRA", 1),
    ("UPDATE loss SET count = 3 WHERE reason = 'quota'", "VERIFY_LOSS", 5),
    ("UPDATE event SET params = '{}' WHERE code = 'DEVICE_OFFLINE'", "VERIFY_EVENT", 1),
    ("UPDATE manifest SET body = ?x", "VERIFY_MANIFEST", 0),
    ("UPDATE gateway_key SET public = ?x", "VERIFY_KEY", 4),
    ("UPDATE gateway_key SET gateway = 'other'", "VERIFY_KEY", 4),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "code", "seq"), TOUCHES)
async def test_a_single_touch_is_found_and_named(collector, delivered, sql, code, seq):
    column = sql.split(" SET ", 1)[-1].split(" = ", 1)[0]
    await collector.registry.add_gateway("other")
    if "?x" in sql:
        changed = await collector.db.write(lambda tables: flip(tables.conn, sql, column))
    else:
        changed = await touch(collector, sql)
    assert changed
    report = look(collector)
    assert (code, seq) in codes(report), report.findings.said


def flip(conn: sqlite3.Connection, sql, column):
    """Flip one bit of a blob."""
    conn.create_function("flipped", 1, lambda blob: blob[:2] + bytes([blob[2] ^ 1]) + blob[3:])
    return conn.execute(sql.replace("?x", f"flipped({column})")).rowcount


async def test_readings_of_others_systems_are_verified_too(collector, clock, capsys):
    enterprise = await Enterprise(collector).begin()
    for number in range(3):
        clock.move(60)
        now = clock.now()
        times = [now - HOUR * 5, now - HOUR, now, now]
        await enterprise.columns(f"k{number}", [LEVEL, LEVEL, COUNT, NOTE], times, [5, 6, 7, "开"])
    report = look(collector, gateway=enterprise.name)
    assert report.findings.said == []
    assert (len(report.streams), report.readings) == (3, 12)
    said = said_by_command(collector, capsys, enterprise.name, 0)
    assert "acme 是虚拟网关：3 次提交、12 条，都没有签名" in said
    assert re.search(r"令牌：\w+ \(t\)；", said)
    assert "没有签名" not in said.split("\n", 1)[1], "told once, not for each request"
    await touch(collector, "UPDATE late SET value = 6.5 WHERE value = 6 AND stream = 2")
    assert ("VERIFY_READING_DIFFERS", 2) in codes(look(collector, gateway=enterprise.name))
    told = json.loads(said_by_command(collector, capsys, enterprise.name, 1, as_json=True))
    assert (told["virtual"], len(told["streams"]), told["whole"]) == (True, 3, False)
    assert told["tokens"].endswith(" (t)")


def said_by_command(collector, capsys, gateway, status, *, as_json=False):
    """Run the command and return what it said."""
    file = collector.db.path.parent / "central.yaml"
    file.write_text(f"format: v1\ndatabase: {collector.db.path.name}\n", encoding="utf-8")
    asked = Asked(config=file, gateway=gateway, start=None, end="2027-01-01", language="zh")
    assert verify_evidence(asked, as_json_object=as_json) == status
    return capsys.readouterr().out


async def test_a_damaged_chunk_is_named_and_the_rest_compared(
    collector, gateway, stream, clock, capsys
):
    for value in range(20):
        clock.move(60)
        await gateway.deliver(collector, stream, gateway.reading("level", float(value)))
    await collector.store.seal()
    for value in range(5):
        clock.move(60)
        await gateway.deliver(collector, stream, gateway.reading("level", float(value)))
    await collector.db.write(lambda tables: flip(tables.conn, "UPDATE chunk SET body = ?x", "body"))
    report = look(collector)
    (finding,) = report.findings.said
    assert (finding.code, finding.seq) == ("VERIFY_CHUNK", 1)
    assert (report.readings, report.unread) == (5, 20)
    assert report.streams[0].signed == 25
    said = said_by_command(collector, capsys, "gw", 1)
    assert "另有 20 条监测值所在的数据块已损坏" in said
