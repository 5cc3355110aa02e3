"""How a connection proves who speaks, and how the collector's answers are held against its key.

With a key every request is signed and the token stays at home; without one the token goes along as
ever. Where the collector's key is known, an answer that it did not sign is no answer: nothing is
forgotten by it.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from edge.config import CollectorLink
from edge.identity import Identity, KeyFileUnusable
from edge.secrets import Token
from edge.trust import Trust
from edge.trust_file import TrustUnreadable
from protocols.signing.answer import must_be_signed
from protocols.signing.request import BATCHES, OPENINGS, OTHERS, Message, sign_request
from protocols.wire.fields import HEX128
from protocols.wire.headers import CHAIN, CLOCK, CONTENT_DIGEST, NONCE, content_digest, new_nonce

if TYPE_CHECKING:
    from protocols.signing.keys import PublicKey, Signer

UNSIGNED: Final = "none"
ANEW: Final = "NONCE"
"""The refusal that says which single-use number to sign with."""


class Proof:
    """Of one connection, in its thread; a key or token that changes is read again."""

    def __init__(self, link: CollectorLink, trust: Trust) -> None:
        self._token = Token(link.token_file)
        self._identity = None if link.identity_folder is None else Identity(link.identity_folder)
        self._trust = trust
        self._number: str | None = None
        self._collector: tuple[str, PublicKey] | None = None

    def fields(
        self, method: str, path: str, body: bytes, given: Mapping[str, str]
    ) -> dict[str, str]:
        """Return `given` and what proves the request; `path` from `/api/v1` on.

        Raises UplinkRefused: neither key nor token, or one that cannot be read.
        """
        signer = None if self._identity is None else self._identity.signer()
        if signer is None:
            return {"Authorization": f"Bearer {self._token.read()}", **given}
        fields = dict(given)
        fields.setdefault(CONTENT_DIGEST, content_digest(body))
        own = fields.setdefault(NONCE, new_nonce())
        if path.endswith("/batches"):
            return fields | _signed(signer, method, path, fields, BATCHES, own)
        if CLOCK in fields:
            return fields | _signed(signer, method, path, fields, OPENINGS, own)
        # Used up by being sent: whether it arrived cannot be known.
        number, self._number = self._number, None
        return fields | _signed(signer, method, path, fields, OTHERS, number or own)

    def heard(self, number: str | None) -> None:
        """Take the single-use number an answer brought for the next question."""
        if number is not None and HEX128.fullmatch(number):
            self._number = number

    def asks_again(self, status: int, body: bytes) -> bool:
        """Return whether the collector only wants the same with another number, which is taken."""
        if status != 401 or self._identity is None:
            return False
        try:
            said = json.loads(body)
            number = said["params"]["nonce"] if said["code"] == ANEW else None
        except (ValueError, KeyError, TypeError):
            return False
        self._number = None
        self.heard(number if isinstance(number, str) else None)
        return self._number is not None

    def vouch(self, data: bytes) -> bool:
        """Return whether the collector signed `data`; False: its key is not known here.

        Raises NotAnAnswer when it is known and did not sign this, TrustUnreadable.
        """
        known = self._trust.known
        if known is None or known.key is None:
            return False
        if self._collector is None or self._collector[0] != known.key:
            self._collector = (known.key, _public(known.key))
        must_be_signed(data, self._collector[1])
        return True


def sig_alg(folder: CollectorLink) -> str:
    """Return what openings say of signatures from now on; a key that is of no use is told later."""
    try:
        identity = None if folder.identity_folder is None else Identity(folder.identity_folder)
        signer = None if identity is None else identity.signer()
    except KeyFileUnusable:
        return UNSIGNED
    return UNSIGNED if signer is None else signer.alg


def _signed(  # who signs which method, path and fields: those of the components, and the number
    signer: "Signer",
    method: str,
    path: str,
    fields: Mapping[str, str],
    components: tuple[str, ...],
    number: str,
) -> dict[str, str]:
    bound = fields[CHAIN] if components == BATCHES else fields[NONCE]
    clock = fields.get(CLOCK, "")
    message = Message(
        method=method, path=path, content_digest=fields[CONTENT_DIGEST], bound=bound, clock=clock
    )
    return sign_request(signer, message, number, components)


def _public(text: str) -> "PublicKey":
    # Here alone: a gateway that was never enrolled does without the library.
    from protocols.signing.keys import KeyUnusable, PublicKey

    try:
        return PublicKey.parse(text)
    except KeyUnusable as exc:
        reason = str(exc.params["reason"])
        raise TrustUnreadable(file="trust.json", reason=reason) from exc
