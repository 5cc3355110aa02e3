"""`index.json` of an exported folder: its streams, from where to where, every file's digest.

It vouches for itself too: `digest` is the SHA-256 of the file with 64 zeros in that place. Damage
anywhere in the folder shows; what makes the data a gateway's is its signatures, not this file.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Final

from protocols.errors import WireError
from protocols.verify.model import EDGE, OPENING, Start
from protocols.wire.bounds import NUMBER
from protocols.wire.canonical import JsonValue, load_any
from protocols.wire.fields import HEX128, HEX256, Fields

FORMAT: Final = 1
BYTES: Final = 64 << 20
"""Of the file."""
ZEROS: Final = "0" * 64
FILE: Final = re.compile(
    r"README\.md|keys\.json|manifests/[0-9a-f]{64}\.json|"
    r"streams/[0-9a-f]{32}/(?:opening\.json|batches\.bin|batches\.jsonl|heads\.jsonl)"
)
_KEYS: Final = frozenset({"digest", "files", "format", "from", "gateway", "made", "streams", "to"})
_STREAM: Final = frozenset({"first", "head", "id", "last", "manifest", "start"})
_FILE: Final = frozenset({"bytes", "sha256"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stream's numbers `start.seq + 1` to `last` in the folder; `manifest` names its points."""

    id: str
    start: Start
    last: int
    manifest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """`files`: path to size and SHA-256. `times`: asked from, asked to, made at, as text."""

    gateway: str
    times: tuple[str, str, str]
    files: dict[str, tuple[int, str]]
    streams: tuple[Part, ...]


def encode_index(index: Index) -> bytes:
    """Return the file, in its only form."""
    value = {
        "digest": ZEROS,
        "files": {
            name: {"bytes": size, "sha256": digest} for name, (size, digest) in index.files.items()
        },
        "format": FORMAT,
        "from": index.times[0],
        "gateway": index.gateway,
        "made": index.times[2],
        "streams": [
            {
                "first": part.start.seq + 1,
                "head": part.start.head.hex(),
                "id": part.id,
                "last": part.last,
                "manifest": part.manifest,
                "start": part.start.kind,
            }
            for part in index.streams
        ],
        "to": index.times[1],
    }
    blank = _pretty(value)
    return _pretty(value | {"digest": hashlib.sha256(blank).hexdigest()})


def decode_index(data: bytes) -> Index:
    """Return what the file says. Raises WireError; WIRE_SUM when it is not what it was."""
    fields = Fields(load_any(data, "index", BYTES), "index", _KEYS)
    stated = fields.text("digest", HEX256)
    blank = _pretty(fields.data | {"digest": ZEROS})
    if hashlib.sha256(blank).hexdigest() != stated or _pretty(fields.data) != data:
        raise WireError("WIRE_SUM", where="index")
    fields.integer("format", FORMAT, FORMAT)
    files = {}
    for name, value in Fields(fields.any("files"), "files").data.items():
        if not FILE.fullmatch(name):
            raise WireError("WIRE_JSON", where="files", what="field", key=name[:200])
        file = Fields(value, "files", _FILE)
        files[name] = (file.integer("bytes"), file.text("sha256", HEX256))
    streams = tuple(_part(item) for item in fields.items("streams", 1_000_000))
    if len({part.id for part in streams}) != len(streams):
        raise WireError("WIRE_REFERENCE", where="streams", what="twice")
    return Index(
        gateway=fields.name("gateway"),
        times=(fields.text("from"), fields.text("to"), fields.text("made")),
        files=files,
        streams=streams,
    )


def _part(value: JsonValue) -> Part:
    fields = Fields(value, "streams", _STREAM)
    kind = fields.one_of("start", (OPENING, EDGE))
    seq = fields.integer("first", 1, NUMBER) - 1
    return Part(
        id=fields.text("id", HEX128),
        start=Start(kind, seq, bytes.fromhex(fields.text("head", HEX256))),
        last=fields.integer("last", seq, NUMBER),
        manifest=fields.text("manifest", HEX256),
    )


def _pretty(value: object) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, indent=1)
    except RecursionError as exc:
        raise WireError("WIRE_JSON", where="index", what="RecursionError") from exc
    return f"{text}\n".encode(errors="replace")
