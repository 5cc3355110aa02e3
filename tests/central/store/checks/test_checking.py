"""The check names what is not as it was written, and nothing else; the scrub does so by itself."""

import json
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from central.__main__ import main
from central.effects import Effects
from central.store.checks.checking import check
from central.store.checks.scrub import CODE, Scrub
from central.store.codec.chunk import decode, encode
from central.store.damage import ChunkUnreadable, Damage
from central.store.heads.seen_numbers import SeenNumbers
from central.store.interface import Row
from central.store.squeezed import Damaged
from tests.central.builders import HandClock, config_in
from tests.central.store.plant import append, close_store, open_store
from tests.central.store.store_suite import NOW, SECOND

DAY = 86_400 * SECOND
OTHERS = tuple(range(4, 30))


@pytest.fixture
async def store_of(tmp_path):
    """A store with chunks of two days, rows, and something in the journal."""
    db, store = await open_store(tmp_path, HandClock())
    await db.write(_streams)
    seq = 0

    async def scans(points, start, count, stream=1):
        nonlocal seq
        rows = []
        for nth in range(count):
            for point in points:
                seq += 1
                rows.append(Row(point, start + 10 * nth * SECOND, seq, nth / 10, 0, 0))
        await append(db, store, rows, stream)

    await scans((1, 2, 3), NOW - DAY, 40)
    await scans(OTHERS, NOW - DAY, 40)
    await store.seal()
    await scans((1, 2, 3), NOW, 40)
    await scans((1,), NOW - 3 * DAY, 2)
    await store.seal()
    await scans((1, 2), NOW + 60 * SECOND, 5)
    await scans((49,), NOW, 3, stream=2)
    yield db, store
    await close_store(db, store)


def _streams(tables):
    tables.conn.executemany(
        "INSERT INTO stream(number, id, gateway, kind, boot, purpose, manifest, opening, created, "
        "cursor, head) VALUES (?, ?, 'gw', '', '', '', '', x'', 0, 0, x'')",
        [(1, "a" * 32), (2, "b" * 32)],
    )


def checked(db):
    """Check the file as the command does; return the findings and what was looked at."""
    found = []
    uri = f"{db.path.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as conn:
        told = check(conn, found.append)
    assert told.findings == len(found)
    return found, told


async def change(db, sql, *values):
    await db.write(lambda tables: tables.conn.execute(sql, values))


async def chunk_of(db, point, day):
    def look(conn):
        return conn.execute(
            "SELECT c.id, c.body, c.summary FROM chunk c JOIN family_member m USING (family) "
            "WHERE m.point = ? AND c.day = ?",
            (point, day // DAY),
        ).fetchone()

    return await db.read(look)


def flipped(body, at=-5):
    changed = bytearray(body)
    changed[at] ^= 16
    return bytes(changed)


async def test_a_sound_store_is_sound(store_of):
    db, _ = store_of
    found, told = checked(db)
    assert not found
    assert (told.readings, told.rows, told.journal_readings) == (40 * 3 + 40 * 26 + 40 * 3, 2, 13)
    assert told.chunks == 5
    assert told.heads == 2


async def test_a_flipped_bit_is_named_and_takes_no_neighbour_along(store_of):
    db, store = store_of
    id_, body, _ = await chunk_of(db, 1, NOW - DAY)
    await change(db, "UPDATE chunk SET body = ? WHERE id = ?", flipped(body), id_)
    found, _ = checked(db)
    assert [each.code for each in found] == ["CHECK_CHUNK_UNREADABLE"]
    assert found[0].params["chunk"] == id_
    with pytest.raises(ChunkUnreadable) as refused:
        await store.ask(lambda view: view.read(1, NOW - DAY, NOW))
    assert refused.value.code == "STORE_DAMAGED"
    assert refused.value.params["what"].startswith("site/gw/")
    assert list(store.damage.chunks) == [id_]
    assert len(await store.ask(lambda view: view.read(1, NOW, NOW + DAY))) == 45
    assert len(await store.ask(lambda view: view.read(OTHERS[0], NOW - DAY, NOW))) == 40


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("n = n + 1", "n"),
        ("t0 = t0 - 1", "t0"),
        ("t1 = t1 + 1", "t1"),
        ("members = members | 16", "members"),
        ("received0 = received0 + 1000", "received0"),
        ("received1 = received1 + 1000", "received1"),
    ],
)
async def test_a_row_that_says_something_else(store_of, sql, what):
    db, _ = store_of
    id_, *_ = await chunk_of(db, 1, NOW)
    await change(db, f"UPDATE chunk SET {sql} WHERE id = ?", id_)
    found, _ = checked(db)
    assert [(each.code, each.params["what"]) for each in found] == [("CHECK_CHUNK_ROW", what)]


async def test_a_summary_of_other_readings(store_of):
    db, _ = store_of
    id_, body, summary = await chunk_of(db, 1, NOW)
    other = encode(decode(body).take(slice(0, 60))).summary
    await change(db, "UPDATE chunk SET summary = ? WHERE id = ?", other, id_)
    found, _ = checked(db)
    assert [each.code for each in found] == ["CHECK_CHUNK_SUMMARY"]
    await change(db, "UPDATE chunk SET summary = ? WHERE id = ?", flipped(summary), id_)
    found, _ = checked(db)
    assert [each.code for each in found] == ["CHECK_CHUNK_SUMMARY"]


async def test_a_chunk_of_another_day_or_twice(store_of):
    db, _ = store_of
    id_, *_ = await chunk_of(db, 1, NOW)
    columns = "family, day, t0, t1, n, members, received0, received1, seal, summary, body"
    await change(db, f"INSERT INTO chunk({columns}) SELECT {columns} FROM chunk WHERE id = ?", id_)
    found, _ = checked(db)
    assert [each.code for each in found] == ["CHECK_TWICE"]
    assert found[0].params["count"] == 80
    await change(db, "UPDATE chunk SET day = day + 1 WHERE id = ?", id_)
    codes = {each.code for each in checked(db)[0]}
    assert codes == {"CHECK_CHUNK_STRAYED", "CHECK_TWICE"}


async def test_a_row_that_a_chunk_holds_too(store_of):
    db, _ = store_of
    sql = (
        "INSERT INTO late(point, time, stream, seq, received, quality, flags, value, class) "
        "VALUES (1, ?, 1, 1, ?, 0, 0, 1.0, 0)"
    )
    await change(db, sql, NOW - DAY, NOW)
    (found,), _ = checked(db)
    assert (found.code, found.params["numbers"]) == ("CHECK_TWICE", "1:1")


async def test_the_journal(store_of):
    db, _ = store_of
    rows = await db.read(lambda conn: conn.execute("SELECT id, body FROM journal").fetchall())
    await change(db, "UPDATE journal SET n = 99 WHERE id = ?", rows[0][0])
    await change(db, "UPDATE journal SET body = ? WHERE id = ?", b"\1" + rows[1][1], rows[1][0])
    codes = sorted(each.code for each in checked(db)[0])
    assert codes == ["CHECK_JOURNAL_COUNT", "CHECK_JOURNAL_UNREADABLE"]


async def test_a_row_that_cannot_be_read(store_of):
    db, store = store_of
    await change(db, "UPDATE late SET value = 'x', class = 2 WHERE point = 1")
    (found,), _ = checked(db)
    assert (found.code, found.params["what"]) == ("CHECK_PART_UNREADABLE", "site/gw/tank")
    with pytest.raises(Damaged):
        await store.ask(lambda view: view.read(1, 0, NOW))
    assert len(await store.ask(lambda view: view.read(OTHERS[0], NOW - DAY, NOW))) == 40


async def test_what_is_not_registered(store_of):
    db, _ = store_of
    await change(db, "PRAGMA foreign_keys = OFF")
    await change(db, "UPDATE journal SET stream = 77 WHERE stream = 2")
    await change(db, "UPDATE family_member SET point = 9999 WHERE point = 30 OR point = 29")
    codes = {each.code for each in checked(db)[0]}
    assert {"CHECK_JOURNAL_UNKNOWN", "CHECK_STREAM_UNKNOWN", "CHECK_POINT_UNKNOWN"} <= codes


async def test_heads_that_are_newer_than_everything(store_of):
    db, store = store_of
    await store.seal()
    assert not checked(db)[0]
    await change(db, "DELETE FROM chunk WHERE day = ?", NOW // DAY)
    await change(db, "DELETE FROM late WHERE time >= ?", NOW)
    codes = {each.code for each in checked(db)[0]}
    assert codes == {"CHECK_HEAD_AHEAD"}
    await change(db, "UPDATE head SET body = x'0102'")
    assert {each.code for each in checked(db)[0]} == {"CHECK_HEAD_UNREADABLE"}


async def test_leftovers_are_no_damage(store_of):
    db, _ = store_of
    await change(db, "UPDATE chunk SET seal = 10000 WHERE id = (SELECT max(id) FROM chunk)")
    _, told = checked(db)
    assert told.leftover_chunks == 1


async def test_a_page_of_the_file_itself(store_of, tmp_path):
    db, _ = store_of
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(db.path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        page = target.execute("SELECT rootpage FROM sqlite_master WHERE name = 'chunk'").fetchone()
        size = target.execute("PRAGMA page_size").fetchone()[0]
    with copy.open("r+b") as file:
        file.seek((page[0] - 1) * size)
        file.write(b"\xff" * 64)
    found = []
    with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro", uri=True, isolation_level=None)) as c:
        check(c, found.append)
    assert "CHECK_FILE" in {each.code for each in found}


async def test_the_command(store_of, tmp_path, capsys):
    db, _ = store_of
    config = config_in(tmp_path)
    assert config.database.name == db.path.name
    file = tmp_path / "central.yaml"
    file.write_text(f"format: v1\ndatabase: {db.path.name}\n", encoding="utf-8")
    assert main(["store", "check", str(file)]) == 0
    assert "存储完好" in capsys.readouterr().out
    id_, body, _ = await chunk_of(db, 1, NOW)
    await change(db, "UPDATE chunk SET body = ? WHERE id = ?", flipped(body), id_)
    assert main(["store", "check", str(file), "--json", "--language", "en"]) == 1
    first, last = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["code"], last["code"]) == ("CHECK_CHUNK_UNREADABLE", "CHECK_FOUND")
    assert first["text"].endswith("restore from a backup.")


async def test_the_scrub_finds_tells_once_and_forgets_what_was_mended(store_of):
    db, _ = store_of
    id_, body, _ = await chunk_of(db, 1, NOW)
    damage, told = Damage(), []
    scrub = Scrub(db, HandClock(), damage, lambda effects: told.append(effects))
    await scrub.round()
    assert not told
    await change(db, "UPDATE chunk SET body = ? WHERE id = ?", flipped(body), id_)
    await scrub.round()
    await scrub.round()
    assert list(damage.chunks) == [id_]
    (effects,) = told
    assert isinstance(effects, Effects)
    assert [(event.kind, event.code) for event in effects.events] == [("fault", CODE)]
    await change(db, "UPDATE chunk SET body = ? WHERE id = ?", body, id_)
    await scrub.round()
    assert not damage.chunks


def test_numbers_that_come_again_on_another_day():
    seen = SeenNumbers()
    one = np.ones(100, np.int64)
    assert not seen.twice(one, np.arange(100))
    assert not seen.twice(one, np.arange(100, 200))
    assert not seen.twice(2 * one, np.arange(100))
    assert seen.twice(one[:3], np.array([5, 300, 199])) == [(1, 5), (1, 199)]
    forgetful = SeenNumbers(most=2)
    for start in (0, 200, 400):
        assert not forgetful.twice(one, np.arange(start, start + 100))
    assert not forgetful.twice(one, np.arange(100))
