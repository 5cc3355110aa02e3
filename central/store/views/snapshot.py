"""What questions about many points are asked of: a snapshot, and what memory holds above it."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

from central.store.families import Families
from central.store.unsealed import Piece

Check = Callable[[], None]
"""Called between two pieces of work; raises when there is no time left."""


class Snapshot(NamedTuple):
    """`pieces` were taken before the connection's snapshot was; of them counts what lies above."""

    conn: sqlite3.Connection
    families: Families
    pieces: Sequence[Piece]
    watermark: int
