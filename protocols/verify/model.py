"""What is verified: batches, heads and signatures as somebody keeps them; and what is found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from protocols.signing.keys import PublicKey
from protocols.words import Value

MOST: Final = 200
"""Findings kept in words; the rest is counted."""

OPENING: Final = "opening"
EDGE: Final = "edge"
"""Where a chain begins: at its opening record, or where older evidence was deleted or left out."""

UNCHECKED: Final = "unchecked"
"""The reason of who wants no signature verified: no finding."""

Keys = Callable[[str, str, int], PublicKey | str]
"""From keyid, algorithm and time (µs UTC) to the key, or the reason why there is none."""


@dataclass(frozen=True, slots=True)
class Start:
    """The chain's head after number `seq`, from which everything is recomputed."""

    kind: str
    seq: int
    head: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A batch as it is kept: its bytes, and what is noted beside them. `received` µs UTC."""

    seq0: int
    n: int
    kind: int
    received: int
    digest: bytes
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedBy:
    """A gateway's signature over a request that stated a head; `bound` only of an opening.

    `clock`: what it said of its clocks (docs/wire.md section 6); empty where that was not signed.
    """

    keyid: str
    alg: str
    nonce: bytes
    signature: bytes
    content_digest: bytes
    bound: str = ""
    clock: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptHead:
    """The chain's head after number `seq` (0: the opening record) as it is kept.

    `apart`: of the chain through originals that came back after their skip.
    """

    seq: int
    head: bytes
    received: int
    signed: SignedBy | None
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was: in which stream, at which number, what (a text's code)."""

    code: str
    stream: str
    seq: int | None
    params: Mapping[str, Value] = field(default_factory=dict)


class Findings:
    """All that was found; the first `MOST` in words."""

    def __init__(self) -> None:
        self.said: list[Finding] = []
        self.count = 0

    def add(self, code: str, stream: str, seq: int | None, **params: Value) -> None:
        """Note one."""
        self.count += 1
        if len(self.said) < MOST:
            self.said.append(Finding(code, stream, seq, params))


@dataclass(slots=True, kw_only=True)
class Proved:
    """What holds of one stream. Numbers `first` to `last`; signed up to `signed` (0: nothing).

    `start`: opening or edge. `received`: when the oldest and newest batch came, µs UTC. `items`
    readings and events; `skipped` given up by the gateway, by reason; `recovered` of those came
    back later, `unproved` of these without a signature that covers them. `below` came back for
    numbers whose evidence is deleted.
    """

    stream: str
    kind: str = ""
    start: str = OPENING
    first: int = 1
    last: int = 0
    signed: int = 0
    received: tuple[int, int] | None = None
    batches: int = 0
    items: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    recovered: int = 0
    unproved: int = 0
    below: int = 0
    heads: int = 0
    signatures: int = 0
    bytes: int = 0
    opening_signed: bool = False
