"""Readings that went at the end of their time are no findings; what went otherwise is one."""

from central.evidence.verifying import reading, verify
from central.keep import DAY
from central.store.tiers.keeping import StoreKeeping
from tests.central.stored import to_rows

SHORT = StoreKeeping({"keep": DAY, "minutes": 2 * DAY, "hours": None})


def look(collector):
    with reading(collector.db.path) as conn:
        return verify(conn, "gw", None, collector.clock.now() + DAY)


async def test_what_the_ledger_knows_is_told_apart(collector, gateway, stream, clock):
    for value in range(20):
        clock.move(3_600)
        await gateway.deliver(collector, stream, gateway.reading("level", float(value)))
    await collector.store.seal()
    collector.store_retention.keeping = SHORT
    clock.move(1.2 * 86_400)
    await collector.store_retention.round()
    report = look(collector)
    assert report.findings.said == []
    assert 0 < report.gone < 20
    assert report.gone + report.readings == 20
    await collector.db.write(lambda tables: to_rows(tables.conn))
    await collector.db.write(lambda tables: tables.conn.execute("DELETE FROM late"))
    assert {found.code for found in look(collector).findings.said} == {"VERIFY_READING_MISSING"}
