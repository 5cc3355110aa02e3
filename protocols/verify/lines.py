"""The files of an exported folder, in their only form; reading one is total and bounded.

`batches.bin` holds the batches one after the other, `batches.jsonl` a line with the length of each,
`heads.jsonl` a line for each head. A line is canonical JSON; what is none is named and passed over.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from protocols.errors import WireError
from protocols.verify.model import Findings, Kept, KeptHead, SignedBy
from protocols.verify.signed import signed_text
from protocols.wire.bounds import BATCH_BYTES, NUMBER, SKIP_ITEMS
from protocols.wire.canonical import JsonValue, dump, load
from protocols.wire.fields import HEX128, HEX256, Fields
from protocols.wire.header import BatchKind

LINE: Final = 16_384
"""Bytes of a line."""
SITE: Final = timezone(timedelta(hours=8))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KINDS: Final = {kind.name.lower(): int(kind) for kind in BatchKind}
_NAMES: Final = {value: name for name, value in _KINDS.items()}
_BATCH: Final = frozenset({"bytes", "kind", "n", "received", "seq0", "sha256"})
_HEAD: Final = frozenset({"apart", "head", "received", "seq", "signature"})
_SIGNATURE: Final = frozenset({"alg", "content_digest", "keyid", "nonce", "text", "value"})
_CLOCK: Final = re.compile(r'"fengsui-clock": ([\x21-\x7e]{1,2048})')
_BOUND: Final = re.compile(r'"fengsui-nonce": ([\x21-\x7e]{1,2048})')


def batch_line(kept: Kept) -> bytes:
    """Return a batch's line."""
    return _line(
        {
            "bytes": len(kept.raw),
            "kind": _NAMES.get(kept.kind, str(kept.kind)),
            "n": kept.n,
            "received": moment(kept.received),
            "seq0": kept.seq0,
            "sha256": kept.digest.hex(),
        }
    )


def head_line(stream: str, head: KeptHead) -> bytes:
    """Return a head's line. Raises WireError for a signature over what no request can say."""
    signature: JsonValue = None
    if head.signed is not None:
        signature = {
            "alg": head.signed.alg,
            "content_digest": head.signed.content_digest.hex(),
            "keyid": head.signed.keyid,
            "nonce": head.signed.nonce.hex(),
            "text": signed_text(stream, head, head.signed).decode(),
            "value": base64.b64encode(head.signed.signature).decode(),
        }
    return _line(
        {
            "apart": head.apart,
            "head": head.head.hex(),
            "received": moment(head.received),
            "seq": head.seq,
            "signature": signature,
        }
    )


def read_heads(file: Path, stream: str, findings: Findings, *, apart: bool) -> Iterator[KeptHead]:
    """Yield the heads of a file; those `apart`, or the others. What is wrong is said once."""
    said = Findings() if apart else findings
    for number, line in _lines(file, stream, said):
        try:
            head = _head(line, stream)
        except WireError as exc:
            _bad(said, stream, file, number, exc.code)
            continue
        if head.apart == apart:
            yield head


def read_batches(lines: Path, blob: Path, stream: str, findings: Findings) -> Iterator[Kept]:
    """Yield the batches of a stream's two files."""
    try:
        with blob.open("rb") as source:
            for number, line in _lines(lines, stream, findings):
                try:
                    fields = Fields(load(line, "batch", LINE), "batch", _BATCH)
                    size = fields.integer("bytes", 1, BATCH_BYTES)
                    seq0, n = fields.integer("seq0", 1), fields.integer("n", 1, SKIP_ITEMS)
                    kind = _KINDS[fields.one_of("kind", tuple(_KINDS))]
                    received = _moment(fields)
                    digest = bytes.fromhex(fields.text("sha256", HEX256))
                except WireError as exc:
                    _bad(findings, stream, lines, number, exc.code)
                    continue
                raw = source.read(size)
                if hashlib.sha256(raw).digest() != digest and len(raw) < size:
                    findings.add("VERIFY_CUT", stream, seq0, file=blob.name)
                    return
                yield Kept(seq0=seq0, n=n, kind=kind, received=received, digest=digest, raw=raw)
    except OSError as exc:
        findings.add("VERIFY_FILE", stream, None, file=blob.name, reason=_why(exc))


def moment(time: int) -> str:
    """Return a time (µs UTC) as text in the site's time; one that no calendar has as its number."""
    try:
        at = _EPOCH + timedelta(microseconds=time)
        return at.astimezone(SITE).isoformat(timespec="microseconds")
    except OverflowError:
        return str(time)


def parse_moment(text: str) -> int:
    """Return the time `moment` wrote. Raises ValueError."""
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, TypeError, OverflowError) as exc:
        raise ValueError(text[:40]) from exc


def _head(line: bytes, stream: str) -> KeptHead:
    fields = Fields(load(line, "head", LINE), "head", _HEAD)
    if type(fields.any("apart")) is not bool:
        raise fields.wrong("apart")
    head = KeptHead(
        seq=fields.integer("seq", 0, NUMBER),
        head=bytes.fromhex(fields.text("head", HEX256)),
        received=_moment(fields),
        signed=None,
        apart=fields.any("apart") is True,
    )
    if fields.any("signature") is None:
        return head
    stated = Fields(fields.any("signature"), "signature", _SIGNATURE)
    said = stated.text("text")
    bound = _BOUND.search(said) if head.seq == 0 else None
    clock = _CLOCK.search(said)
    try:
        value = base64.b64decode(stated.text("value"), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise stated.wrong("value") from exc
    signed = SignedBy(
        keyid=stated.text("keyid"),
        alg=stated.text("alg"),
        nonce=bytes.fromhex(stated.text("nonce", HEX128)),
        signature=value,
        content_digest=bytes.fromhex(stated.text("content_digest", HEX256)),
        bound=bound[1] if bound else "",
        clock=clock[1] if clock else "",
    )
    if signed_text(stream, head, signed) != said.encode(errors="replace"):
        raise stated.wrong("text")
    return KeptHead(
        seq=head.seq, head=head.head, received=head.received, signed=signed, apart=head.apart
    )


def _lines(file: Path, stream: str, findings: Findings) -> Iterator[tuple[int, bytes]]:
    try:
        with file.open("rb") as source:
            number = 0
            while line := source.readline(LINE + 1):
                number += 1
                if not line.endswith(b"\n"):
                    _bad(findings, stream, file, number, "WIRE_CUT")
                    return
                yield number, line[:-1]
    except OSError as exc:
        findings.add("VERIFY_FILE", stream, None, file=file.name, reason=_why(exc))


def _moment(fields: Fields) -> int:
    text = fields.text("received")
    try:
        time = parse_moment(text) if not text.lstrip("-").isdecimal() else int(text[:20])
    except ValueError as exc:
        raise fields.wrong("received") from exc
    if moment(time) != text:
        raise fields.wrong("received")
    return time


def _line(value: JsonValue) -> bytes:
    return dump(value, "line") + b"\n"


def _bad(findings: Findings, stream: str, file: Path, line: int, reason: str) -> None:
    findings.add("VERIFY_LINE", stream, None, file=file.name, line=line, reason=reason)


def _why(exc: OSError) -> str:
    return exc.strerror or type(exc).__name__
