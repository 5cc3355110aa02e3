"""What the store set aside comes back from evidence, once, or is dismissed by a person."""

import pytest

from central.collector import Collector
from central.evidence.verifying import reading, verify
from central.identity import audit
from central.store import journal, settling
from central.store.checks.checking import check
from central.store.interface import Row
from tests.central.builders import START, config_in

N = 30


@pytest.fixture
async def filled(collector, gateway, stream, clock):
    """Three commits of readings in the journal; the collector is closed."""
    for n in range(3):
        clock.move(1)
        readings = [gateway.reading("level", n * N + i + 0.25, ago=0.01 * i) for i in range(N)]
        await gateway.deliver(collector, stream, *readings)
    await collector.close()
    return collector.config


async def damage(config, statements, clock):
    """Change the file while nobody has it; return the collector that was opened on it again."""
    again = await Collector.open(config_in(config.database.parent), clock)
    await again.db.write(lambda tables: [tables.conn.execute(each) for each in statements])
    await again.close()
    return await Collector.open(config_in(config.database.parent), clock)


SPOILT = (
    "UPDATE journal SET body = CAST(substr(body, 1, 40) || x'00ff' || substr(body, 43) AS BLOB) "
    "WHERE id = 2"
)
UNKNOWN = "UPDATE journal SET stream = 0, received = 0, n = 0 WHERE id = 2"
NO_EVIDENCE = "DELETE FROM evidence"


async def values(collector):
    number = collector.registry.number("site/gw/tank/level")
    found = await collector.store.ask(lambda view: view.read(number, 0, 2**60))
    return sorted(found.values.tolist())


async def acts(collector):
    lines = await collector.db.read(lambda conn: audit.page(conn, 100))
    return [line.action for line in lines]


def findings(collector):
    found = []
    with reading(collector.db.path) as conn:
        check(conn, found.append)
        report = verify(conn, "gw", None, collector.clock.now() + 1)
    return [each.code for each in found] + [each.code for each in report.findings.said]


EVERY = [n * N + i + 0.25 for n in range(3) for i in range(N)]


@pytest.mark.parametrize("spoil", [[SPOILT], [SPOILT, UNKNOWN]], ids=["row", "unknown row"])
async def test_a_damaged_row_comes_back_once(filled, clock, spoil):
    collector = await damage(filled, spoil, clock)
    assert collector.store.set_aside.pieces == 1
    assert await values(collector) == EVERY[:N] + EVERY[2 * N :]
    done = await collector.rebuilding.rebuild(1, "os:test")
    assert (done.state, done.restored, done.past) == ("rebuilt", N, 0)
    assert await values(collector) == EVERY
    assert (collector.store.set_aside.pieces, collector.store.set_aside.readings) == (0, 0)
    assert (await collector.events()).items[0].code == "STORE_REBUILT"
    assert "STORE_REBUILT" in await acts(collector)
    with pytest.raises(settling.PieceSettled):
        await collector.rebuilding.rebuild(1, "os:test")
    await collector.close()
    again = await Collector.open(config_in(filled.database.parent), clock)
    assert await values(again) == EVERY
    assert again.store.set_aside.pieces == 0
    assert findings(again) == []
    await again.close()


async def test_what_was_put_back_before_a_kill_is_not_put_back_twice(filled, clock, monkeypatch):
    collector = await damage(filled, [SPOILT], clock)
    with monkeypatch.context() as patched:
        patched.setattr(settling, "settle", lambda *_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            await collector.rebuilding.rebuild(1, "os:test")
    assert await values(collector) == EVERY
    done = await collector.rebuilding.rebuild(1, "os:test")
    assert (done.state, done.restored) == ("rebuilt", 0)
    assert await values(collector) == EVERY
    assert (await collector.events()).items[0].params["count"] == N
    await collector.close()


async def test_without_evidence_it_stays_and_can_be_dismissed(filled, clock):
    collector = await damage(filled, [SPOILT, NO_EVIDENCE], clock)
    done = await collector.rebuilding.rebuild(1, "os:test")
    assert (done.state, done.restored, done.n) == ("gone", 0, N)
    assert collector.store.set_aside.pieces == 1
    assert findings(collector) == ["CHECK_SET_ASIDE"]
    await collector.rebuilding.dismiss(1, "an", "值班长同意")
    assert collector.store.set_aside.pieces == 0
    (piece,) = await collector.db.read(lambda conn: settling.listed(conn, 10))
    assert (piece.how, piece.settled_by, piece.note, piece.bytes > 0) == (
        "dismissed", "an", "值班长同意", True
    )  # fmt: skip
    assert "STORE_DISMISSED" in await acts(collector)
    with pytest.raises(settling.PieceSettled):
        await collector.rebuilding.dismiss(1, "an", "twice")
    with pytest.raises(settling.PieceUnknown):
        await collector.rebuilding.dismiss(7, "an", "what")
    await collector.close()


async def test_bytes_of_evidence_that_changed_are_not_believed(filled, clock):
    spoilt = "UPDATE evidence SET body = zeroblob(length(body)) WHERE body <> x''"
    collector = await damage(filled, [SPOILT, spoilt], clock)
    assert (await collector.rebuilding.rebuild(1, "os:test")).state == "gone"
    await collector.close()


async def test_what_the_encoder_refuses_is_refused_again_and_what_it_takes_is_back(filled, clock):
    collector = await Collector.open(config_in(filled.database.parent), clock)
    number = collector.registry.number("site/gw/tank/count")
    wrong = [Row(number, START + n, 900 + n, float("nan"), 0, 0) for n in range(20)]
    block = await collector.db.write(
        lambda tables: collector.store.append(tables.conn, 1, START, wrong)
    )
    collector.store.committed([block])
    await collector.store.seal()
    assert collector.store.set_aside.readings == 3 * N + 20
    assert await values(collector) == []
    numbers = await collector.db.read(settling.standing)
    done = [await collector.rebuilding.rebuild(number, "os:test") for number in numbers]
    assert sorted(each.state for each in done) == ["rebuilt"] * 3 + ["refused"]
    assert await values(collector) == EVERY
    (left,) = await collector.db.read(settling.standing)
    right = journal.pack(journal.Columns.of([each._replace(value=1.5) for each in wrong]))
    await collector.db.write(
        lambda tables: tables.conn.execute(
            "UPDATE set_aside SET body = ? WHERE id = ?", (right, left)
        )
    )
    assert (await collector.rebuilding.rebuild(left, "os:test")).state == "rebuilt"
    found = await collector.store.ask(lambda view: view.read(number, 0, 2**60))
    assert found.values.tolist() == [1.5] * 20
    await collector.close()
