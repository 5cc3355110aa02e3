"""What exists in the model: streams and cursors at both ends, what is under way, what may be lost.

A reading is a number from 1. Where it stood and what became of it are one entry: the reading itself
while it is held, its negative where a skip stands for it, plus `GONE` where the gateway has
forgotten it. One batch holds one entry: what batches add are edges, and requests of several entries
bring those in.
"""

from typing import Final, NamedTuple

GONE: Final = 1_000


class Stream(NamedTuple):
    """One stream in the gateway's buffer; `entries[k]` has the number k + 1."""

    id: int
    entries: tuple[int, ...] = ()
    live: bool = True
    committed: int = 0
    persisted: int = 0
    """`committed` as a restart would find it."""
    safe: int = 0

    @property
    def last(self) -> int:
        return len(self.entries)


class Gateway(NamedTuple):
    """The buffer, and the incarnation of the collector it last spoke to (0: none yet)."""

    streams: tuple[Stream, ...] = ()
    incarnation: int = 0


class Rows(NamedTuple):
    """One stream at the collector: `(number, entry)` in the order they were stored."""

    id: int
    stored: tuple[tuple[int, int], ...] = ()
    cursor: int = 0
    safe: int = 0


class Collector(NamedTuple):
    """The collector's database."""

    streams: tuple[Rows, ...] = ()
    incarnation: int = 1


class Request(NamedTuple):
    """Consecutive entries of one stream on their way to the collector."""

    stream: int
    first: int
    entries: tuple[int, ...]


class Answer(NamedTuple):
    """What the collector says of one stream; `gap` when it refused."""

    stream: int
    committed: int
    safe: int
    incarnation: int
    gap: bool = False


class Budgets(NamedTuple):
    """How often each fault may still happen."""

    samples: int = 3
    restarts: int = 1
    rotations: int = 0
    images: int = 0
    quota: int = 0
    corrupt: int = 0
    backups: int = 0
    restores: int = 0
    snapshots: int = 0
    crashes: int = 0


class State(NamedTuple):
    """Everything; `wire` holds what was ever sent, so it may come late, twice or never."""

    budgets: Budgets
    gateway: Gateway = Gateway()
    collector: Collector = Collector()
    wire: frozenset[Request | Answer] = frozenset()
    image: Gateway | None = None
    backup: Collector | None = None
    snapshot: Collector | None = None
    minted: int = 0
    sampled: int = 0
    excused: frozenset[int] = frozenset()
    """Readings only a destroyed card had: they may be lost, never doubled."""
    given: frozenset[int] = frozenset()
    """Readings given up on purpose: stored, or in the ledger."""


class Rules(NamedTuple):
    """How the protocol is played; every flag off is a mistake somebody might make."""

    fresh_streams: bool = True
    gap_check: bool = True
    atomic: bool = True
    hold_until_safe: bool = True
    skip_on_drop: bool = True
    ask_cursors: bool = True
    """At every new connection the gateway asks how far the collector has each stream it keeps."""
    backup_target: bool = True
