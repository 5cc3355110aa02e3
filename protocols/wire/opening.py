"""The opening record of a stream (docs/wire.md section 2): what holds for all its batches."""

import re
import secrets
from dataclasses import asdict, dataclass, fields
from typing import Final

from protocols.errors import WireError
from protocols.wire.bounds import FORMAT, NUMBER, RECORD_BYTES, TIME
from protocols.wire.canonical import dump, load
from protocols.wire.chain import DIGESTS
from protocols.wire.fields import HEX128, HEX256, Fields
from protocols.words import Purpose, StreamKind

WHERE: Final = "opening"
_ALGORITHM: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One stream: a process start and a kind.

    `stream` and `boot` are 32 hex digits, `manifest` the digest of the manifest in hex, `opened`
    wall time in microseconds UTC, `number` the stream's ordinal in the gateway's buffer, from 1.
    """

    stream: str
    number: int
    gateway: str
    kind: StreamKind
    boot: str
    purpose: Purpose
    manifest: str
    opened: int
    digest_alg: str = "sha256"
    sig_alg: str = "none"
    format: int = FORMAT


_KEYS: Final = frozenset(field.name for field in fields(Opening))


def new_stream_id() -> str:
    """Return 128 fresh random bits in hex."""
    return secrets.token_hex(16)


def encode_opening(opening: Opening) -> bytes:
    """Return the record's only form. Raises WireError for fields outside their bounds."""
    record = asdict(opening)
    record["kind"] = opening.kind.name.lower()
    record["purpose"] = opening.purpose.name.lower()
    data = dump(record, WHERE)
    decode_opening(data)
    return data


def decode_opening(data: bytes) -> Opening:
    """Return the record. Raises WireError."""
    held = Fields(load(data, WHERE, RECORD_BYTES), WHERE, _KEYS)
    if held.integer("format") != FORMAT:
        raise WireError("WIRE_UNKNOWN", where=WHERE, value=held.integer("format"))
    return Opening(
        stream=held.text("stream", HEX128),
        number=held.integer("number", 1, NUMBER),
        gateway=held.name("gateway"),
        kind=StreamKind[held.one_of("kind", ("data", "alarm")).upper()],
        boot=held.text("boot", HEX128),
        purpose=Purpose[held.one_of("purpose", ("production", "test", "drill")).upper()],
        manifest=held.text("manifest", HEX256),
        opened=held.integer("opened", -TIME, TIME),
        digest_alg=held.one_of("digest_alg", tuple(DIGESTS)),
        sig_alg=held.text("sig_alg", _ALGORITHM),
    )
