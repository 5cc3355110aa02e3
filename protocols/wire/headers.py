"""Header fields of a batch request (docs/wire.md section 6)."""

import base64
import binascii
import hashlib
import re
import secrets
from functools import lru_cache
from typing import Final, NamedTuple

from protocols.clock import ClockState
from protocols.errors import WireError
from protocols.wire.bounds import NUMBER, TIME

CONTENT_TYPE: Final = "application/vnd.fengsui.batches"
CHAIN: Final = "Fengsui-Chain"
CLOCK: Final = "Fengsui-Clock"
LANE: Final = "Fengsui-Lane"
NONCE: Final = "Fengsui-Nonce"
CONTENT_DIGEST: Final = "Content-Digest"

# 32 bytes are 42 digits and four bits: the two bits the last digit has left are zero.
_DIGEST_FORM: Final = re.compile(r"sha-256=:([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=):")
_CHAIN_FORM: Final = re.compile(r"seq=(0|[1-9][0-9]{0,18});h=([0-9a-f]{64})")
_CLOCK_FORM: Final = re.compile(
    r"boot=([0-9a-f]{32});mono=(0|-?[1-9][0-9]{0,18});wall=(0|-?[1-9][0-9]{0,18});state=([0-2])"
)
_NONCE_FORM: Final = re.compile(r"[0-9a-f]{32}")
_STATES: Final = {str(state.value): state for state in ClockState}


class ClockReport(NamedTuple):
    """The gateway's clocks at the moment of sending; places every time of `boot`.

    `boot` is 32 hex digits, `mono` and `wall` microseconds.
    """

    boot: str
    mono: int
    wall: int
    state: ClockState


def content_digest(body: bytes) -> str:
    """Return the `Content-Digest` field of `body` (RFC 9530, sha-256)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


@lru_cache(maxsize=64)
def parse_content_digest(field: str) -> bytes:
    """Return the digest a `Content-Digest` field states. Raises WireError."""
    match = _DIGEST_FORM.fullmatch(field)
    if match is None:
        raise _unreadable(CONTENT_DIGEST)
    return binascii.a2b_base64(match[1])


def format_chain(seq: int, head: bytes) -> str:
    """Return the `Fengsui-Chain` field: the head after the batch that ends with `seq`."""
    return f"seq={seq};h={head.hex()}"


def parse_chain(field: str) -> tuple[int, bytes]:
    """Return the last seq and the head. Raises WireError."""
    match = _CHAIN_FORM.fullmatch(field)
    if match is None or (seq := int(match[1])) > NUMBER:
        raise _unreadable(CHAIN)
    return seq, bytes.fromhex(match[2])


def format_clock(report: ClockReport) -> str:
    """Return the `Fengsui-Clock` field."""
    return f"boot={report.boot};mono={report.mono};wall={report.wall};state={int(report.state)}"


@lru_cache(maxsize=64)  # one request's is asked for by whoever places, keeps or judges it
def parse_clock(field: str) -> ClockReport:
    """Return the gateway's clocks. Raises WireError."""
    match = _CLOCK_FORM.fullmatch(field)
    if match is None:
        raise _unreadable(CLOCK)
    boot, *clocks, state = match.groups()
    mono, wall = map(int, clocks)
    if not (-TIME <= mono <= TIME and -TIME <= wall <= TIME):
        raise _unreadable(CLOCK)
    return ClockReport(boot=boot, mono=mono, wall=wall, state=_STATES[state])


def new_nonce() -> str:
    """Return 128 fresh random bits in hex, for one request."""
    return secrets.token_hex(16)


def parse_nonce(field: str) -> str:
    """Return the nonce. Raises WireError unless it is 32 hex digits."""
    if not _NONCE_FORM.fullmatch(field):
        raise _unreadable(NONCE)
    return field


def _unreadable(name: str) -> WireError:
    return WireError("WIRE_HEADER", where=name)
