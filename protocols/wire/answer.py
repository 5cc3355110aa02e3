"""The collector's answer: the only thing that lets a gateway forget.

Written as canonical JSON; read in any JSON form and with keys this version does not know, so that a
newer collector can say more to an older gateway. Everything this version needs must be there.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from protocols.errors import NotAnAnswer, WireError
from protocols.wire.bounds import NUMBER, RECORD_BYTES
from protocols.wire.canonical import JsonValue, dump, load_any
from protocols.wire.fields import HEX128, Fields
from protocols.words import Value

WHERE: Final = "answer"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN: Final = re.compile(r"[0-9a-zA-Z-]*")
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who vouches for the answer: algorithm, key and value as text."""

    alg: str
    keyid: str
    value: str


@dataclass(slots=True, kw_only=True)
class Answer:
    """What the collector holds of a stream after a request. Not changed after it was made.

    `committed` is the last sequence number stored, `safe` the last covered by a backup, `credit`
    bytes the gateway may send before the next answer, `now` microseconds UTC. `code` is None on
    success; `expected` comes with `GAP` and says where to go on.
    """

    stream: str
    committed: int
    safe: int
    incarnation: str
    credit: int
    retry_after_ms: int
    now: int
    nonce: str
    signature: Signature | None = None
    code: str | None = None
    params: Mapping[str, Value] = field(default_factory=dict)
    expected: int | None = None


def encode_answer(answer: Answer) -> bytes:
    """Return the answer's body."""
    usual = answer.code is None and answer.signature is None and answer.expected is None
    if usual and _PLAIN.fullmatch(f"{answer.stream}{answer.incarnation}{answer.nonce}"):
        return _encode_plain(answer)
    body: dict[str, object] = {
        "stream": answer.stream,
        "committed": answer.committed,
        "safe": answer.safe,
        "incarnation": answer.incarnation,
        "credit": answer.credit,
        "retry_after_ms": answer.retry_after_ms,
        "now": (_EPOCH + timedelta(microseconds=answer.now)).isoformat(timespec="microseconds"),
        "nonce": answer.nonce,
        "signature": None,
    }
    if (sign := answer.signature) is not None:
        body["signature"] = {"alg": sign.alg, "keyid": sign.keyid, "value": sign.value}
    if answer.code is not None:
        body |= {"code": answer.code, "params": dict(answer.params)}
    if answer.expected is not None:
        body["expected"] = answer.expected
    return dump(body, WHERE)


def _encode_plain(answer: Answer) -> bytes:
    """Write what nearly every request is answered, without sorting and escaping it anew."""
    seconds, micros = divmod(answer.now, 1_000_000)
    return (
        f'{{"committed":{answer.committed},"credit":{answer.credit},'
        f'"incarnation":"{answer.incarnation}","nonce":"{answer.nonce}",'
        f'"now":"{_second(seconds)}.{micros:06}+00:00","retry_after_ms":{answer.retry_after_ms},'
        f'"safe":{answer.safe},"signature":null,"stream":"{answer.stream}"}}'
    ).encode()


@lru_cache(maxsize=16)  # some hundred answers are of the same second
def _second(since: int) -> str:
    return (_EPOCH + timedelta(seconds=since)).replace(tzinfo=None).isoformat()


def parse_answer(data: bytes, stream: str, nonce: str) -> Answer:
    """Return the answer to the request of `nonce` on `stream`.

    Raises NotAnAnswer for anything else: a proxy's page, another stream, an older answer.
    """
    try:
        answer = _parse(Fields(load_any(data, WHERE, RECORD_BYTES), WHERE))
    except WireError as exc:
        raise NotAnAnswer(reason=exc.code, **_detail(exc)) from exc
    if answer.stream != stream:
        raise NotAnAnswer(reason="stream")
    if answer.nonce != nonce:
        raise NotAnAnswer(reason="nonce")
    return answer


def _parse(fields: Fields) -> Answer:
    committed = fields.integer("committed")
    failed = "code" in fields.data
    return Answer(
        stream=fields.text("stream", HEX128),
        committed=committed,
        safe=fields.integer("safe", 0, committed),
        incarnation=fields.text("incarnation", HEX128),
        credit=fields.integer("credit"),
        retry_after_ms=fields.integer("retry_after_ms"),
        now=_time(fields),
        nonce=fields.text("nonce", HEX128),
        signature=_signature(fields.any("signature")),
        code=fields.text("code", _CODE) if failed else None,
        params=_params(fields.any("params")) if failed else {},
        expected=fields.integer("expected", 1, NUMBER) if "expected" in fields.data else None,
    )


def _time(fields: Fields) -> int:
    try:
        moment = datetime.fromisoformat(fields.text("now"))
        return (moment - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, TypeError, OverflowError) as exc:
        raise fields.wrong("now") from exc


def _signature(value: JsonValue) -> Signature | None:
    if value is None:
        return None
    fields = Fields(value, "signature")
    return Signature(alg=fields.text("alg"), keyid=fields.text("keyid"), value=fields.text("value"))


def _params(value: JsonValue) -> dict[str, Value]:
    params: dict[str, Value] = {}
    for key, item in Fields(value, "params").data.items():
        if isinstance(item, list | dict):
            raise WireError("WIRE_JSON", where="params", what="field", key=key[:200])
        params[key] = item
    return params


def _detail(exc: WireError) -> dict[str, Value]:
    return {key: exc.params[key] for key in ("key",) if key in exc.params}
