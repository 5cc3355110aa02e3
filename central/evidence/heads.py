"""Heads of chains with the signatures over them, kept in the transaction that took the data.

A row says: after number `seq` of the stream the chain's head was `head`, and the holder of `keyid`
signed so. Number 0 is the opening record, whose digest is the head before any batch. `apart`: the
head of a chain that goes through originals which came back after their skip, not through the skip.
What is not in the row follows from it: method, path and chain field of the request. `clock`: the
clock field that was signed with it; none where it was signed before that was.
Runs in the writer thread.
"""

import struct
from typing import Final, NamedTuple

from sqlite_utils import Database as Tables

from central.database_gathered import Statement
from protocols.clock import ClockState
from protocols.errors import WireError
from protocols.signing.request import Claimed, Message
from protocols.wire.headers import ClockReport, format_clock, parse_clock, parse_content_digest

_CLOCK: Final = struct.Struct("<16sqqB")
"""Boot, monotonic and wall time, state: a third of the field's length."""
_UNSIGNED: Final = (None,) * 7
UNREADABLE: Final = "?"
"""A clock field that nobody can have signed."""


class SignedRequest(NamedTuple):
    """What a gateway signed of a request; whoever let the request in has verified it."""

    claimed: Claimed
    message: Message


KEEP: Final = Statement(
    "INSERT OR IGNORE INTO evidence_head(stream, seq, apart, head, received, keyid, alg, "
    "nonce, signature, content_digest, bound, clock) VALUES",
    12,
)
"""Takes what `head_row` returns; the first to be said of a place stays."""


def keep_head(  # of which stream, up to where, what it is and who signed it
    tables: Tables, at: tuple[int, int], head: bytes, signed: SignedRequest | None, now: int
) -> None:
    """Keep the head at (stream's number, seq); the first to be said of a place stays."""
    tables.conn.execute(
        f"{KEEP.sql} ({', '.join('?' * KEEP.width)})", head_row(at, head, signed, now)
    )


def head_row(  # of which stream, up to where, what it is and who signed it
    at: tuple[int, int],
    head: bytes,
    signed: SignedRequest | None,
    now: int,
    *,
    apart: bool = False,
) -> tuple[object, ...]:
    """Return the row of the head at (stream's number, seq)."""
    if signed is None:
        return (*at, int(apart), head, now, *_UNSIGNED)
    claimed, message = signed
    return (
        *at,
        int(apart),
        head,
        now,
        claimed.keyid,
        claimed.alg,
        bytes.fromhex(claimed.nonce),
        claimed.signature,
        _digest(message.content_digest),
        None if at[1] else message.bound,
        _packed(message.clock),
    )


def clock_field(packed: bytes | None) -> str:
    """Return the clock field that was signed; empty where none was."""
    if packed is None:
        return ""
    try:
        boot, mono, wall, state = _CLOCK.unpack(packed)
        report = ClockReport(boot=boot.hex(), mono=mono, wall=wall, state=ClockState(state))
    except (struct.error, ValueError, TypeError):
        return UNREADABLE
    return format_clock(report)


def _packed(field: str) -> bytes | None:
    if not field:
        return None
    try:
        report = parse_clock(field)
    except WireError:
        return b""  # refused long before, like the digest
    return _CLOCK.pack(bytes.fromhex(report.boot), report.mono, report.wall, int(report.state))


def _digest(field: str) -> bytes:
    try:
        return parse_content_digest(field)
    except WireError:
        return b""  # refused long before; such a signature proves nothing and verifying says so
