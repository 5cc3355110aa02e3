"""Signed answers: the collector vouches for what a gateway may forget by it.

The signature covers the answer's canonical JSON with `"signature":null`, so that it says more about
nothing and less about nothing. A newer collector may say more than we know: all of it is covered.
"""

import base64
import binascii
from typing import TYPE_CHECKING, Final

from protocols.errors import NotAnAnswer, WireError
from protocols.wire.answer import Answer, Signature, encode_answer, read_signature
from protocols.wire.bounds import RECORD_BYTES
from protocols.wire.canonical import dump, load_any
from protocols.wire.cursors import Cursors, encode_cursors

if TYPE_CHECKING:
    from protocols.signing.keys import PublicKey, Signer

_NULL: Final = b'"signature":null'


def sign_answer(answer: Answer, signer: "Signer") -> bytes:
    """Return the body of `answer`, signed."""
    return signed(encode_answer(answer), signer)


def sign_cursors(cursors: Cursors, signer: "Signer") -> bytes:
    """Return the body of an answer about cursors, signed."""
    return signed(encode_cursors(cursors), signer)


def signed(body: bytes, signer: "Signer") -> bytes:
    """Return canonical JSON whose last key `signature`, null in `body`, is filled in."""
    signature = dump(signature_of(body, signer), "signature")
    # The bytes cannot stand inside a text: a quotation mark is escaped there.
    before, found, after = body.rpartition(_NULL)
    if not found:
        raise WireError("WIRE_JSON", where="signature", what="field", key="signature")
    return before + b'"signature":' + signature + after


def signature_of(body: bytes, signer: "Signer") -> dict[str, str]:
    """Return `{alg, keyid, value}` for `body`."""
    value = base64.b64encode(signer.sign(body)).decode()
    return {"alg": signer.alg, "keyid": signer.keyid, "value": value}


def must_be_signed(data: bytes, collector: "PublicKey") -> None:
    """Raise NotAnAnswer unless `data` is JSON that `collector` signed."""
    try:
        said = load_any(data, "answer", RECORD_BYTES)
        if not isinstance(said, dict):
            raise NotAnAnswer(reason="signature")
        signature = read_signature(said.get("signature"))
        covered = dump(said | {"signature": None}, "answer")
    except WireError as exc:
        raise NotAnAnswer(reason="signature") from exc
    if signature is None or not vouched(signature, covered, collector):
        raise NotAnAnswer(reason="signature")


def vouched(signature: Signature, covered: bytes, public: "PublicKey") -> bool:
    """Return whether `signature` is the one of `public` over `covered`."""
    try:
        value = base64.b64decode(signature.value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return (
        signature.alg == public.alg
        and signature.keyid == public.keyid
        and public.verify(value, covered)
    )
