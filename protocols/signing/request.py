"""Signed requests: HTTP message signatures (RFC 9421) in the one form of docs/wire.md section 6.

Written directly instead of by a library for all of RFC 9421, which costs ten times the signature;
the tests hold both against each other in both directions. What a request is about comes in as
`Message`; its body is vouched for by `content_digest`, which whoever receives the body compares.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from protocols.errors import WireError
from protocols.wire.headers import CHAIN, CLOCK, CONTENT_DIGEST, NONCE

if TYPE_CHECKING:
    from protocols.signing.keys import PublicKey, Signer

LABEL: Final = "fengsui"
_OURS: Final = f"{LABEL}="
INPUT: Final = "Signature-Input"
SIGNATURE: Final = "Signature"

WITHOUT_CLOCK: Final[tuple[str, ...]] = ("@method", "@path", "content-digest", "fengsui-chain")
"""What evidence of before the clock was signed has of a request for batches; no request today."""
OTHERS: Final[tuple[str, ...]] = ("@method", "@path", "content-digest", "fengsui-nonce")
BATCHES: Final[tuple[str, ...]] = (*WITHOUT_CLOCK, "fengsui-clock")
OPENINGS: Final[tuple[str, ...]] = (*OTHERS, "fengsui-clock")
"""What is signed of a request for batches, of one that opens a stream, and of every other."""

_WRITTEN: Final[dict[tuple[str, ...], str]] = {
    components: " ".join(f'"{name}"' for name in components)
    for components in (WITHOUT_CLOCK, BATCHES, OPENINGS, OTHERS)
}
_LISTS: Final = {_WRITTEN[components]: components for components in (BATCHES, OPENINGS, OTHERS)}
_INPUT_FORM: Final = re.compile(
    LABEL + r'=(\(([a-z"@ -]{1,100})\);keyid="([a-z0-9]{1,16}:[0-9a-f]{32})"'
    r';alg="([a-z0-9]{1,16})";nonce="([0-9a-f]{32})")'
)
_SIGNED: Final = f"{LABEL}=:"
_LONGEST: Final = len(_SIGNED) + 513
"""Of a signature's field: 384 bytes of it."""
_FOUR: Final = re.compile(r"[A-Z]{1,16}(?:\n[\x21-\x7e]{1,2048}){3}")
_FIVE: Final = re.compile(r"[A-Z]{1,16}(?:\n[\x21-\x7e]{1,2048}){4}")
"""Method, path, digest and what binds it, and the clock, a line each."""


class Message(NamedTuple):
    """What a signature speaks of: `path` from `/api/v1` on, undecoded and without a query.

    `bound` is the value of `Fengsui-Chain` for batches, of `Fengsui-Nonce` for everything else;
    `clock` that of `Fengsui-Clock` where it is among the components.
    """

    method: str
    path: str
    content_digest: str
    bound: str
    clock: str = ""


class Claimed(NamedTuple):
    """What a request says of its signature; nothing of it is proved.

    `nonce` is 32 hex digits: the request's own, or the one the collector asked for.
    """

    keyid: str
    alg: str
    nonce: str
    components: tuple[str, ...]
    signature: bytes


def signature_base(message: Message, components: tuple[str, ...], parameters: str) -> bytes:
    """Return the bytes that are signed (RFC 9421 section 2.5).

    `components` is one of those above. Raises WireError for what cannot stand in a header field.
    """
    method, path, content, bound, stated = message
    values, clock = f"{method}\n{path}\n{content}\n{bound}", ""
    if components[4:]:
        values += f"\n{stated}"
        clock = f'"fengsui-clock": {stated}\n'
    # One with a line's end inside, or an empty one, would make another number of lines.
    if not (_FIVE if clock else _FOUR).fullmatch(values):
        raise WireError("WIRE_HEADER", where=INPUT)
    return (
        f'"@method": {method}\n"@path": {path}\n'
        f'"content-digest": {content}\n"{components[3]}": {bound}\n'
        f'{clock}"@signature-params": {parameters}'
    ).encode()


def sign_request(
    signer: "Signer", message: Message, nonce: str, components: tuple[str, ...] = OTHERS
) -> dict[str, str]:
    """Return the two header fields that sign `message`. Raises WireError."""
    parameters = _parameters(components, signer.keyid, signer.alg, nonce)
    signature = signer.sign(signature_base(message, components, parameters))
    return {
        INPUT: f"{LABEL}={parameters}",
        SIGNATURE: f"{LABEL}=:{base64.b64encode(signature).decode()}:",
    }


def read_signature(headers: Mapping[str, str]) -> Claimed | None:
    """Return what the headers claim; None when nobody signed under our label. Raises WireError.

    `headers` finds a field whatever case its name is asked for in, or has them as written here.
    """
    stated = headers.get(INPUT)
    if stated is None or not stated.startswith(_OURS):
        return None
    found = _INPUT_FORM.fullmatch(stated)
    components = _LISTS.get(found[2]) if found else None
    if found is None or components is None:
        raise WireError("WIRE_HEADER", where=INPUT)
    return Claimed(
        keyid=found[3],
        alg=found[4],
        nonce=found[5],
        components=components,
        signature=_decoded(headers.get(SIGNATURE) or ""),
    )


def message_of(headers: Mapping[str, str], method: str, path: str, claimed: Claimed) -> Message:
    """Return what a request that carries `claimed` is about, as its fields say."""
    bound = CHAIN if claimed.components == BATCHES else NONCE
    return Message(
        method=method,
        path=path,
        content_digest=headers.get(CONTENT_DIGEST) or "",
        bound=headers.get(bound) or "",
        clock=(headers.get(CLOCK) or "") if claimed.components[4:] else "",
    )


def claimed_base(claimed: Claimed, message: Message) -> bytes:
    """Return the bytes `claimed` is the signature of. Raises WireError."""
    parameters = _parameters(claimed.components, claimed.keyid, claimed.alg, claimed.nonce)
    return signature_base(message, claimed.components, parameters)


def verify_request(public: "PublicKey", claimed: Claimed, message: Message) -> bool:
    """Return whether the holder of `public` signed `message` as `claimed`. Raises WireError."""
    if claimed.keyid != public.keyid or claimed.alg != public.alg:
        return False
    return public.verify(claimed.signature, claimed_base(claimed, message))


def _parameters(components: tuple[str, ...], keyid: str, alg: str, nonce: str) -> str:
    return f'({_WRITTEN[components]});keyid="{keyid}";alg="{alg}";nonce="{nonce}"'


def _decoded(field: str) -> bytes:
    """Return the bytes a signature's field stands for, by the only base64 form that does."""
    whole = len(field) <= _LONGEST and field.startswith(_SIGNED) and field.endswith(":")
    text = field[len(_SIGNED) : -1].encode() if whole else b""
    try:
        value = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        value = b""
    if not value or binascii.b2a_base64(value, newline=False) != text:
        raise WireError("WIRE_HEADER", where=SIGNATURE)
    return value
