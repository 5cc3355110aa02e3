"""A chunk store on a file of its own, without a collector around it."""

from types import SimpleNamespace

import numpy as np

from central.database import Database
from central.store.columns import Columns
from central.store.store import ChunkStore
from tests.central.store.store_suite import NOW
from tests.central.template import fresh

POINTS = {1: "site/gw/tank/level", 2: "site/gw/tank/hot", 3: "site/gw/pump/on"}
POINTS |= {number: f"site/gw/rack/p{number}" for number in range(4, 50)}


class Names:
    """Stands where the registry does."""

    def __init__(self):
        self._numbers = {id_: number for number, id_ in POINTS.items()}

    def number(self, id):  # noqa: A002  # the registry's word
        return self._numbers.get(id)

    def by_number(self, number):
        id_ = POINTS.get(number)
        return None if id_ is None else SimpleNamespace(id=id_, site=id_.split("/")[0])


async def open_store(folder, clock):
    """Return a database and its store, both loaded; the points are there."""
    path = folder / "collector.db"
    if not path.exists():
        fresh(path)
    db = await Database.open(path, clock)
    await db.write(_points)
    store = ChunkStore(db, Names())
    await store.load()
    return db, store


async def close_store(db, store):
    await store.close()
    await db.close()


async def append(db, store, rows, stream=1, received=NOW):
    """Commit rows of a stream; returns the points whose head changed."""
    columns = Columns.of(rows)
    block = await db.write(lambda tables: store.append(tables.conn, stream, received, columns))
    changed = [np.empty(0, np.int64)]
    store.heads.watchers.append(changed.append)
    store.committed([block] if block else [])
    store.heads.settle()
    store.heads.watchers.remove(changed.append)
    return np.unique(np.concatenate(changed))


def _points(tables):
    tables.conn.execute(
        "INSERT OR IGNORE INTO gateway(name, label, created) VALUES ('gw', '[\"gw\", \"gw\"]', 0)"
    )
    tables.conn.executemany(
        "INSERT OR IGNORE INTO point(number, id, gateway) VALUES (?, ?, 'gw')", list(POINTS.items())
    )
