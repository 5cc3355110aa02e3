"""Packs: what lies in them proves, is handed out, compared and deleted as if it lay alone."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.evidence import packing
from central.evidence.packs import packed, unpacked
from central.evidence.retention import evidence_state
from central.evidence.verifying import reading, verify
from central.store.squeezed import Damaged
from protocols.verify.folder import verify_folder
from tests.central.builders import SECOND
from tests.central.evidence.test_export import hand_out

HOUR = 3_600 * SECOND


def look(collector, gateway="gw"):
    with reading(collector.db.path) as conn:
        return verify(conn, gateway, None, collector.clock.now() + HOUR)


def said(report):
    return {(finding.code, finding.seq) for finding in report.findings.said}


async def rows(collector, sql):
    return await collector.db.read(lambda conn: conn.execute(sql).fetchall())


async def deliver(collector, gateway, stream, clock, count):
    for value in range(count):
        clock.move(60)
        await gateway.deliver(collector, stream, gateway.reading("level", float(value)))


async def assert_counted(collector):
    """What is counted as stored is what is stored, and every pack knows what is left of it."""
    stored = "SELECT coalesce(sum(length(body)), 0) FROM"
    ((alone, together),) = await rows(
        collector, f"SELECT ({stored} evidence), ({stored} evidence_pack)"
    )
    state = await collector.db.glance(evidence_state)
    assert state.bytes == alone + together
    assert await rows(collector, "SELECT id, remaining FROM evidence_pack ORDER BY id") == (
        await rows(
            collector,
            "SELECT pack, count(*) FROM evidence WHERE pack IS NOT NULL GROUP BY pack ORDER BY 1",
        )
    )


@given(st.lists(st.binary(max_size=300), max_size=70), st.data())
def test_bodies_come_back_and_damage_is_seen(bodies, data):
    pack = packed(bodies)
    assert unpacked(pack) == bodies
    at = data.draw(st.integers(0, len(pack) - 1))
    broken = pack[:at] + bytes([pack[at] ^ 1 << data.draw(st.integers(0, 7))]) + pack[at + 1 :]
    with suppress(Damaged):
        assert unpacked(broken) == bodies  # a bit of a frame's header may mean nothing
    with pytest.raises(Damaged):
        unpacked(pack[:at])


async def test_what_is_packed_proves_the_same(collector, gateway, delivered, tmp_path):
    before = look(collector)
    hand_out(collector, tmp_path / "alone")
    await collector.packing.round(everything=True)
    assert await rows(collector, "SELECT 1 FROM evidence WHERE pack IS NULL OR body <> x''") == []
    after = look(collector)
    assert (after.findings.said, before.findings.said) == ([], [])
    assert (after.streams, after.readings) == (before.streams, before.readings)
    hand_out(collector, tmp_path / "together")
    files = [
        {
            str(path.relative_to(tmp_path / name)): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("alone", "together")
    ]
    assert files[0] == files[1]
    assert verify_folder(tmp_path / "together", (gateway.key.public,)).findings.said == []
    await assert_counted(collector)


async def test_a_pack_is_made_of_enough_and_of_what_is_old(
    collector, gateway, stream, clock, monkeypatch
):
    monkeypatch.setattr(packing, "BATCHES", 8)
    await deliver(collector, gateway, stream, clock, 20)
    await collector.packing.round()
    assert await rows(collector, "SELECT count(*), sum(remaining) FROM evidence_pack") == [(2, 16)]
    await collector.packing.round()
    assert len(await rows(collector, "SELECT 1 FROM evidence WHERE pack IS NULL")) == 4
    clock.move(3_600)
    await collector.packing.round()
    assert await rows(collector, "SELECT count(*), sum(remaining) FROM evidence_pack") == [(3, 20)]
    assert look(collector).findings.said == []
    assert (collector.packing.batches, collector.packing.bytes > 0) == (20, True)
    await assert_counted(collector)


async def test_another_start_goes_on_where_the_last_was(
    collector, gateway, stream, clock, monkeypatch
):
    monkeypatch.setattr(packing, "BATCHES", 8)
    await deliver(collector, gateway, stream, clock, 20)
    await collector.packing.round()
    again = packing.Packing(collector.db, clock)
    await deliver(collector, gateway, stream, clock, 3)
    await again.round(everything=True)
    assert await rows(collector, "SELECT sum(remaining) FROM evidence_pack") == [(23,)]
    assert await rows(collector, "SELECT through FROM evidence_packed") == [(23,)]
    assert look(collector).findings.said == []


async def test_batches_that_went_meanwhile_leave_nothing_half(
    collector, gateway, stream, clock, monkeypatch
):
    await deliver(collector, gateway, stream, clock, 5)
    made = packing._made

    def slow(conn, ids):
        pack = made(conn, ids)
        return pack._replace(rows=[*pack.rows, (999, *pack.rows[0][1:])])

    monkeypatch.setattr(packing, "_made", slow)
    await collector.packing.round(everything=True)
    assert await rows(collector, "SELECT 1 FROM evidence_pack") == []
    monkeypatch.setattr(packing, "_made", made)
    await collector.packing.round(everything=True)
    assert await rows(collector, "SELECT remaining FROM evidence_pack") == [(5,)]
    assert look(collector).findings.said == []


async def test_what_comes_again_is_known(collector, gateway, stream, clock):
    await deliver(collector, gateway, stream, clock, 3)
    await collector.packing.round(everything=True)
    answer = await gateway.send(collector, stream, 0, 2)
    assert answer.committed == 3
    assert len(await rows(collector, "SELECT 1 FROM evidence")) == 3
    assert await rows(collector, "SELECT code FROM event WHERE kind = 'security'") == []


async def test_a_pack_goes_with_the_last_of_its_batches(collector, gateway, stream, clock):
    await deliver(collector, gateway, stream, clock, 10)
    clock.move(20 * 86_400)
    await deliver(collector, gateway, stream, clock, 10)
    await collector.packing.round(everything=True)
    clock.move(15 * 86_400)
    await collector.retention.round()
    assert await rows(collector, "SELECT remaining FROM evidence_pack") == [(10,)]
    report = look(collector)
    assert (report.findings.said, report.streams[0].first) == ([], 11)
    await assert_counted(collector)
    clock.move(40 * 86_400)
    await collector.retention.round()
    assert await rows(collector, "SELECT 1 FROM evidence_pack") == []
    assert (await collector.db.glance(evidence_state)).bytes == 0
    # Ids begin anew.
    await deliver(collector, gateway, stream, clock, 4)
    await collector.packing.round(everything=True)
    assert await rows(collector, "SELECT remaining FROM evidence_pack") == [(4,)]
    assert look(collector).findings.said == []


async def test_a_damaged_pack_is_found_and_stays(collector, gateway, stream, clock, monkeypatch):
    monkeypatch.setattr(packing, "BATCHES", 4)
    await deliver(collector, gateway, stream, clock, 12)
    await collector.packing.round()
    await collector.db.write(
        lambda tables: tables.conn.execute(
            "UPDATE evidence_pack SET body = substr(body, 1, length(body) - 6) WHERE id = 2"
        )
    )
    found = said(look(collector))
    assert {("VERIFY_DIGEST", seq) for seq in (5, 6, 7, 8)} <= found
    assert not {seq for _, seq in found if seq is not None} & {1, 2, 3, 10, 11, 12}
    clock.move(40 * 86_400)
    await collector.retention.round()
    assert await rows(collector, "SELECT min(seq0) FROM evidence") == [(5,)]
