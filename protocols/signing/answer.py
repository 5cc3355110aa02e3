"""Signed answers: the collector vouches for what a gateway may forget by it.

The signature covers the answer's own bytes with `"signature":null` in its place: nothing is taken
apart before it is known whose it is, and whatever else a newer collector may say is covered too.
"""

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final

from protocols.errors import NotAnAnswer, WireError
from protocols.wire.answer import Answer, encode_answer
from protocols.wire.cursors import Cursors, encode_cursors

if TYPE_CHECKING:
    from protocols.signing.keys import PublicKey, Signer

_NULL: Final = b'"signature":null'
_SAID: Final = re.compile(
    rb'"signature":\{"alg":"([a-z0-9]{1,16})","keyid":"([a-z0-9]{1,16}:[0-9a-f]{32})",'
    rb'"value":"([A-Za-z0-9+/]{1,512}={0,2})"\}'
)
_ONE: Final = 5
"""Pieces when exactly one signature stands in the bytes: before, its three texts, after."""


def sign_answer(answer: Answer, signer: "Signer") -> bytes:
    """Return the body of `answer`, signed."""
    return signed(encode_answer(answer), signer)


def sign_cursors(cursors: Cursors, signer: "Signer") -> bytes:
    """Return the body of an answer about cursors, signed."""
    return signed(encode_cursors(cursors), signer)


def signed(body: bytes, signer: "Signer") -> bytes:
    """Return canonical JSON whose last key `signature`, null in `body`, is filled in."""
    # The bytes cannot stand inside a text: a quotation mark is escaped there.
    before, found, after = body.rpartition(_NULL)
    if not found:
        raise WireError("WIRE_JSON", where="signature", what="field", key="signature")
    value, public = binascii.b2a_base64(signer.sign(body), newline=False), signer.public
    said = f'"signature":{{"alg":"{public.alg}","keyid":"{public.keyid}","value":"'
    return b'%b%b%b"}%b' % (before, said.encode(), value, after)


def must_be_signed(data: bytes, collector: "PublicKey") -> None:
    """Raise NotAnAnswer unless `data` is what `collector` signed, byte for byte."""
    parts = _SAID.split(data)
    if len(parts) != _ONE:
        raise NotAnAnswer(reason="signature")
    before, alg, keyid, value, after = parts
    if (alg.decode(), keyid.decode()) != (collector.alg, collector.keyid):
        raise NotAnAnswer(reason="signature")
    try:
        signature = base64.b64decode(value, validate=True)
    except binascii.Error as exc:
        raise NotAnAnswer(reason="signature") from exc
    # Of the texts that stand for these bytes only one is taken, so that no bit can be another.
    if base64.b64encode(signature) != value:
        raise NotAnAnswer(reason="signature")
    if not collector.verify(signature, before + _NULL + after):
        raise NotAnAnswer(reason="signature")
