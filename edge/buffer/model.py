"""What goes into and comes out of the buffer (plain structs)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from protocols.clock import ClockState
from protocols.words import Event, Lane, Purpose, Reading, StreamKind, Value

Report = Callable[[str, int, int], None]
"""Told of every batch now durable: stream id, seq0, n. Called in the buffer's thread."""

Tell = Callable[[str, Mapping[str, Value]], None]
"""Told what people must learn, as an event's code and params. Callable in any thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What every stream of this process says of itself. `decimals` by point index."""

    gateway: str
    boot: str
    purpose: Purpose
    manifest: bytes
    manifest_digest: str
    decimals: tuple[int | None, ...]
    sig_alg: str = "none"
    """How requests are signed; what an opening record says of its stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What is sealed together, with the clocks at the moment its first item arrived."""

    mono0: int
    wall0: int
    clock_state: ClockState
    items: Sequence[Reading] | Sequence[Event]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The most a request should carry; one batch is always given."""

    batches: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Consecutive whole batches of one stream, waiting to be sent.

    `head` is the chain head after the last of them, None while it is not known here.
    """

    stream: str
    number: int
    lane: Lane
    kind: StreamKind
    opening: bytes
    manifest: str
    first: int
    last: int
    batches: tuple[bytes, ...]
    head: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WentBack:
    """The collector had confirmed a stream up to `told` and holds it only up to `now`."""

    stream: str
    told: int
    now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits of one kind. `oldest`: wall clock µs when the oldest batch was opened."""

    readings: int
    batches: int
    oldest: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStats:
    """One stream as `fengsui-edge buffer` shows it."""

    stream: str
    number: int
    kind: StreamKind
    live: bool
    first: int
    last: int
    committed: int
    safe: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file put aside. `found` and `lost` in readings and events; None: not read to the end yet.

    `newer`: a later version wrote it, it waits for that version.
    """

    file: str
    bytes: int
    newer: bool
    found: int | None
    lost: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is left: `left` bytes until something is given up; `ballast` bytes to let go of.

    `short`: others have filled the medium down to the reserve, which is for alarms.
    """

    left: int = 0
    ballast: int = 0
    short: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """How the buffer is: backlog by kind, bytes, readings given up by reason.

    `written`: bytes sealed since the start. `failing`: why the medium stores nothing right now.
    `unsealed`: items taken in and not durable yet, those in memory among them.
    `medium`: "ok"; "memory" while new data goes to the lifeboat in memory; "failing" while not even
    that. `memory_bytes` of at most `memory_limit` are held there; `failing_since`: wall clock µs.
    """

    alarm: Backlog
    data: Backlog
    bytes: int
    quota_bytes: int
    written: int
    drops: dict[str, int] = field(default_factory=dict)
    streams: tuple[StreamStats, ...] = ()
    failing: str | None = None
    unsealed: int = 0
    medium: Literal["ok", "failing", "memory"] = "ok"
    failing_since: int | None = None
    memory_bytes: int = 0
    memory_limit: int = 0
    room: Room = Room()  # frozen
    kept: tuple[Kept, ...] = ()
    """Damaged files, and files of a later version, that were put aside."""
