import pytest

from central.store.columns import Columns
from central.store.rows import RowStore
from tests.central.store.store_suite import NOW, StoreSuite, row


@pytest.fixture
def point():
    return "site/gw/tank/level"


@pytest.fixture
async def store(collector, stream):
    return collector.store


@pytest.fixture
def write(collector, store):
    async def committed(rows):
        await collector.db.write(lambda tables: store.append(tables.conn, 1, NOW, rows))
        changed = store.committed([Columns.of(rows)], NOW).tolist()
        return [store.head(number) for number in changed]

    return committed


class TestRowStore(StoreSuite):
    async def test_heads_are_rebuilt_from_the_table(self, collector, store, write):
        await write([row(1, 1.0, at=9), row(2, 2.0, at=4), row(3, "x", point=4, flags=4)])
        again = RowStore(collector.db, collector.registry)
        await again.load()
        assert sorted(map(repr, again.latest())) == sorted(map(repr, store.latest()))
        assert len(again.latest()) == 2

    async def test_an_undone_transaction_leaves_nothing(self, collector, store, point):
        def work(tables):
            store.append(tables.conn, 1, NOW, [row(1, 1.0)])
            raise RuntimeError("undone")

        with pytest.raises(RuntimeError, match="undone"):
            await collector.db.write(work)
        assert await store.count(point, 0, 2 * NOW) == 0
        assert store.latest() == []
