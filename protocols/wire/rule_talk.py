"""A gateway asks for what it judges by and what people did (docs/wire.md section 15).

It says what it has, by digest; where the collector has another the answer brings it, in parts that
fit an answer. The answer is bound to its question by a nonce and signed as any other.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from protocols.errors import NotAnAnswer, WireError
from protocols.wire.bounds import INFLATED_BYTES, RECORD_BYTES, REQUEST_BYTES
from protocols.wire.canonical import JsonValue, dump, load, load_any
from protocols.wire.compression import DEFLATE, compress, inflate
from protocols.wire.fields import HEX128, HEX256, Fields

WHERE: Final = "rule_talk"
RULES: Final = "rules"
ACTS: Final = "acts"
KINDS: Final = (RULES, ACTS)
"""What can be asked for; the first that differs is brought first."""
PART: Final = 32 * 1024
"""Compressed bytes of one part: as text it fits an answer."""
PARTS: Final = REQUEST_BYTES // PART
HINT: Final = "Fengsui-Rules"
"""The field that says which documents the collector has: only a hint, it is not signed."""
HINT_LENGTH: Final = 64
NONE: Final = "0" * 64
"""In place of a digest: nothing is held."""


class Want(NamedTuple):
    """Part `part` (from 0) of the document `digest` of a kind."""

    kind: str
    digest: str
    part: int


class Part(NamedTuple):
    """One part of a document of `parts`."""

    kind: str
    digest: str
    part: int
    parts: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Question:
    """`have` is what the gateway holds, by kind; `want` a part that is still missing."""

    boot: str
    have: Mapping[str, str]
    want: Want | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """`digests` of what the collector has, by kind; `part` of what the gateway has not."""

    digests: Mapping[str, str]
    nonce: str
    part: Part | None = None


def digest_of(document: bytes) -> str:
    """Return the name of a document."""
    return hashlib.sha256(document).hexdigest()


def brief(digests: Mapping[str, str]) -> str:
    """Return digests as the answer to a report of health hints at them (`HINT`)."""
    return ".".join(digests[kind][:16] for kind in KINDS)


def parts_of(document: bytes) -> tuple[bytes, ...]:
    """Return a document in parts. Raises WireError: it is too large."""
    packed, _ = compress(document, DEFLATE)
    return tuple(packed[at : at + PART] for at in range(0, len(packed), PART))


def joined(parts: list[bytes], digest: str) -> bytes:
    """Return the document of all its parts. Raises WireError: it is not that one."""
    document = inflate(b"".join(parts), DEFLATE, INFLATED_BYTES)
    if (found := digest_of(document)) != digest:
        raise WireError("WIRE_SUM", where=WHERE, expected=digest, value=found)
    return document


def encode_question(question: Question) -> bytes:
    """Return the body of a question."""
    want = None if question.want is None else list(question.want)
    return dump({"boot": question.boot, "have": dict(question.have), "want": want}, WHERE)


def decode_question(data: bytes) -> Question:
    """Return what is asked. Raises WireError."""
    fields = Fields(load(data, WHERE, RECORD_BYTES), WHERE, frozenset({"boot", "have", "want"}))
    have = Fields(fields.any("have"), WHERE, frozenset(KINDS))
    return Question(
        boot=fields.text("boot", HEX128),
        have={kind: have.text(kind, HEX256) for kind in KINDS},
        want=_want(fields),
    )


def _want(fields: Fields) -> Want | None:
    match fields.any("want"):
        case None:
            return None
        case [str(kind), str(digest), int(part)]:
            if kind in KINDS and HEX256.fullmatch(digest) and 0 <= part < PARTS:
                return Want(kind, digest, int(part))
    raise fields.wrong("want")


def encode_said(said: Said) -> bytes:
    """Return the answer's body, to be signed."""
    part: JsonValue = None
    if said.part is not None:
        kind, digest, number, parts, data = said.part
        text = base64.b64encode(data).decode("ascii")
        part = {"data": text, "digest": digest, "kind": kind, "part": number, "parts": parts}
    document = {
        "digests": dict(said.digests),
        "nonce": said.nonce,
        "part": part,
        "signature": None,
    }
    return dump(document, WHERE)


def parse_said(data: bytes, nonce: str) -> Said:
    """Return the answer to the question of `nonce`. Raises NotAnAnswer."""
    try:
        fields = Fields(load_any(data, WHERE, RECORD_BYTES), WHERE)
        if fields.text("nonce", HEX128) != nonce:
            raise NotAnAnswer(reason="nonce")
        digests = Fields(fields.any("digests"), WHERE)
        return Said(
            digests={kind: digests.text(kind, HEX256) for kind in KINDS},
            nonce=nonce,
            part=_part(fields.any("part")),
        )
    except WireError as exc:
        raise NotAnAnswer(reason=exc.code) from exc
    except ValueError as exc:  # no base64
        raise NotAnAnswer(reason="part") from exc


def _part(value: JsonValue) -> Part | None:
    if value is None:
        return None
    fields = Fields(value, WHERE)
    parts = fields.integer("parts", 1, PARTS)
    data = base64.b64decode(fields.text("data"), validate=True)
    if len(data) > PART:
        raise fields.wrong("data")
    return Part(
        kind=fields.one_of("kind", KINDS),
        digest=fields.text("digest", HEX256),
        part=fields.integer("part", 0, parts - 1),
        parts=parts,
        data=data,
    )
