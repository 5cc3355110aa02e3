"""The statement of trust: how a collector says, over its own key, which certificates are its.

A gateway that knows the collector's key believes a statement whoever carried it: it is signed, and
it holds the number (nonce) the gateway has just made up. So a new CA, a given certificate instead
of the collector's own, and a wrong floor of time all reach the gateway without anybody's going
there. docs/wire.md section 12. Stdlib only: a gateway reads it.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from protocols.errors import NotAnAnswer, WireError
from protocols.wire.bounds import RECORD_BYTES
from protocols.wire.canonical import dump, load_any
from protocols.wire.fields import HEX128, Fields

PATH: Final = "/api/v1/trust"
WHERE: Final = "trust"
COLLECTOR: Final = re.compile(r"[0-9a-f]{16}")
KEY: Final = re.compile(r"[a-z0-9]{1,20}:[A-Za-z0-9_-]{1,200}")
NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}")
PEM: Final = re.compile(
    r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]{1,16384}\n-----END CERTIFICATE-----\n"
)
MOST: Final = 8
"""Authorities in a statement."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a collector says of itself; `now` in µs UTC.

    `authorities` are CA certificates as PEM, empty where the machine's own are meant; `name` is
    what the server certificate must carry, None where it is the address one has dialled.
    """

    collector: str
    key: str | None
    name: str | None
    authorities: tuple[str, ...]
    now: int
    nonce: str


def encode_statement(said: Statement) -> bytes:
    """Return the body, not signed yet: `protocols.signing.answer.signed` fills that in."""
    body = {
        "collector": said.collector,
        "key": said.key,
        "name": said.name,
        "authorities": list(said.authorities),
        "now": (_EPOCH + timedelta(microseconds=said.now)).isoformat(timespec="microseconds"),
        "nonce": said.nonce,
        "signature": None,
    }
    return dump(body, WHERE)


def parse_statement(data: bytes, nonce: str) -> Statement:
    """Return the statement made for `nonce`; whether it is signed is for the caller to ask.

    Raises NotAnAnswer for anything else.
    """
    try:
        said = _parse(Fields(load_any(data, WHERE, RECORD_BYTES), WHERE))
    except WireError as exc:
        raise NotAnAnswer(reason=exc.code) from exc
    if said.nonce != nonce:
        raise NotAnAnswer(reason="nonce")
    return said


def read_authorities(fields: Fields) -> tuple[str, ...]:
    """Return the list of CA certificates. Raises WireError."""
    listed = fields.any("authorities")
    if not isinstance(listed, list) or len(listed) > MOST:
        raise fields.wrong("authorities")
    found = [each for each in listed if isinstance(each, str) and PEM.fullmatch(each)]
    if len(found) != len(listed):
        raise fields.wrong("authorities")
    return tuple(found)


def _parse(fields: Fields) -> Statement:
    return Statement(
        collector=fields.text("collector", COLLECTOR),
        key=fields.optional_text("key", KEY),
        name=fields.optional_text("name", NAME),
        authorities=read_authorities(fields),
        now=_time(fields),
        nonce=fields.text("nonce", HEX128),
    )


def _time(fields: Fields) -> int:
    try:
        moment = datetime.fromisoformat(fields.text("now"))
        return (moment - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, TypeError, OverflowError) as exc:
        raise fields.wrong("now") from exc
