"""The contract of a store: what comes in by (stream, seq), what can be asked of it.

A store never judges: duplicates are recognised by the stream's cursor before anything reaches it,
and every value comes back exactly as it was (class, all 64 bits, text). Times are µs UTC.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from protocols.words import Value

if TYPE_CHECKING:
    from central.store.heads.heads import Heads
    from central.store.unsealed import Block
    from central.store.views.many import WideView

T = TypeVar("T")


class Row(NamedTuple):
    """One reading as it is stored; `point` is the registry's number of the point."""

    point: int
    time: int
    seq: int
    value: Value
    quality: int
    flags: int


FLAG_SOURCE = 1
"""The time is the device's own."""
FLAG_ESTIMATED = 2
"""Nobody knew the time: stored under the received time; raises no threshold alarm."""
FLAG_LATE = 4
"""Arrived more than a minute after it was measured (补传)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """The newest reading of a point by source time. `point` is the PointId as text."""

    point: str
    site: str
    value: Value
    quality: int
    source_time: int
    received_time: int
    late: bool
    estimated: bool = False


class Store(Protocol):
    """Everything the collector asks of its readings."""

    def append(  # whose they are, when they came
        self,
        conn: sqlite3.Connection,
        stream: int,
        received: int,
        rows: Sequence[Row],
        line: int | None = None,
        body: bytes | None = None,
    ) -> "Block | None":
        """Write `rows` inside the caller's transaction; nothing is remembered before its commit.

        `line`: the stream the alarms know them by, where it is another. `body`: what the journal
        keeps of them, where that is known already.
        """
        ...

    @property
    def heads(self) -> "Heads":
        """The newest reading of every point; the event loop's."""
        ...

    def committed(self, blocks: Sequence["Block"]) -> None:
        """Take what a commit appended, after it.

        A reading older than its point's head never replaces it.
        """
        ...

    @property
    def crowded(self) -> bool:
        """Whether memory holds as much as it should."""
        ...

    async def room(self) -> None:
        """Wait while memory holds as much as it should."""
        ...

    async def ask(self, work: Callable[["WideView"], T]) -> T:
        """Run `work` in a reader's thread on a view. Raises QueryTooLong, ChunkUnreadable."""
        ...

    def head(self, number: int) -> Latest | None:
        """Return the newest reading of the point with that number."""
        ...

    def latest(self, points: Sequence[str] | None = None, site: str | None = None) -> list[Latest]:
        """Return the heads of `points`, of a site, or of everything; from memory."""
        ...
