"""Rows that pieces of work leave to be written before their group's COMMIT."""

import asyncio

import pytest

from central.database import Database
from central.database_gathered import Gathered, Statement
from tests.central.builders import HandClock

PUT = Statement("INSERT INTO some(a, b) VALUES", 2)


@pytest.fixture
async def db(tmp_path):
    made = await Database.open(tmp_path / "some.db", HandClock())
    await made.write(lambda t: t.conn.execute("CREATE TABLE some(a INTEGER UNIQUE, b TEXT)"))
    yield made
    await made.close()


async def held(db):
    return await db.read(lambda conn: conn.execute("SELECT a, b FROM some ORDER BY a").fetchall())


@pytest.mark.parametrize("count", [1, 2, 31, 32, 33, 100])
async def test_however_many_rows_there_are_all_are_written(db, count):
    def work(tables):
        for number in range(count):
            db.gathered.add(PUT, (number, str(number)))

    await db.write(work)
    assert await held(db) == [(number, str(number)) for number in range(count)]


async def test_what_follows_sees_them_and_one_that_fails_takes_only_its_own_along(db):
    def leaves(number):
        return lambda tables: db.gathered.add(PUT, (number, ""))

    def fails(tables):
        db.gathered.add(PUT, (7, ""))
        raise ValueError

    def looks(tables):
        return tables.conn.execute("SELECT count(*) FROM some").fetchone()[0]

    works = [leaves(1), leaves(2), fails, looks, leaves(2), leaves(3)]
    done = await asyncio.gather(*map(db.write, works), return_exceptions=True)
    assert isinstance(done[2], ValueError)
    assert done[3] == 2
    assert type(done[4]).__name__ == "IntegrityError"
    assert await held(db) == [(1, ""), (2, ""), (3, "")]


def test_what_was_taken_back_is_not_written():
    gathered = Gathered()
    gathered.add(PUT, (1, ""))
    gathered.add(PUT, (2, ""))
    gathered.cut(1)
    assert (len(gathered), gathered.count) == (1, 1)
    gathered.forget()
    assert not len(gathered)
