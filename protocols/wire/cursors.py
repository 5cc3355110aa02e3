"""How far the collector has the streams a gateway still keeps (docs/wire.md section 7.1).

A gateway asks at every new connection and while it holds what is not safe yet. It notices by this
that the collector's database was set back, and learns that a backup covers a stream it has long
finished sending, so that it may let go of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from protocols.errors import NotAnAnswer, WireError
from protocols.wire.bounds import NUMBER, RECORD_BYTES
from protocols.wire.canonical import dump, load, load_any
from protocols.wire.fields import HEX128, Fields

STREAMS: Final = 500
"""Streams in one question: its answer stays below 64 KiB."""
_WHERE: Final = "cursors"


@dataclass(frozen=True, slots=True)
class Cursor:
    """What the collector has of a stream: stored up to `committed`, backed up to `safe`."""

    committed: int
    safe: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursors:
    """The collector's answer, by stream id; a stream it does not know stands at 0."""

    incarnation: str
    nonce: str
    streams: Mapping[str, Cursor]


def encode_question(streams: Sequence[str], boot: str | None = None) -> bytes:
    """Return the body by which the start `boot` (32 hex digits) asks for up to 500 streams."""
    asked: dict[str, object] = {"streams": list(streams)}
    return dump(asked if boot is None else {"boot": boot, **asked}, _WHERE)


def asking_boot(data: bytes) -> str | None:
    """Return the start that asks; None: an older gateway, which does not say. Raises WireError."""
    fields = Fields(load(data, _WHERE, RECORD_BYTES), _WHERE)
    return fields.text("boot", HEX128) if "boot" in fields.data else None


def decode_question(data: bytes) -> tuple[str, ...]:
    """Return the streams asked for. Raises WireError."""
    fields = Fields(load(data, _WHERE, RECORD_BYTES), _WHERE)
    asked = fields.items("streams", STREAMS)
    found = [each for each in asked if isinstance(each, str) and HEX128.fullmatch(each)]
    if len(found) != len(asked):
        raise fields.wrong("streams")
    return tuple(found)


def encode_cursors(cursors: Cursors) -> bytes:
    """Return the answer's body."""
    said = {stream: [held.committed, held.safe] for stream, held in cursors.streams.items()}
    return dump(
        {
            "incarnation": cursors.incarnation,
            "nonce": cursors.nonce,
            "signature": None,
            "streams": said,
        },
        _WHERE,
    )


def parse_cursors(data: bytes, nonce: str, asked: Sequence[str]) -> Cursors:
    """Return the answer to the question of `nonce`. Raises NotAnAnswer unless it names them all."""
    try:
        fields = Fields(load_any(data, _WHERE, RECORD_BYTES), _WHERE)
        if fields.text("nonce", HEX128) != nonce:
            raise NotAnAnswer(reason="nonce")
        said = Fields(fields.any("streams"), _WHERE)
        return Cursors(
            incarnation=fields.text("incarnation", HEX128),
            nonce=nonce,
            streams={stream: _cursor(said, stream) for stream in asked},
        )
    except WireError as exc:
        raise NotAnAnswer(reason=exc.code) from exc


def _cursor(said: Fields, stream: str) -> Cursor:
    pair = said.any(stream)
    if not isinstance(pair, list) or [type(each) for each in pair] != [int, int]:
        raise said.wrong(stream)
    committed, safe = (int(str(each)) for each in pair)
    if not 0 <= safe <= committed <= NUMBER:
        raise said.wrong(stream)
    return Cursor(committed, safe)
