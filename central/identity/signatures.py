"""Recognises a gateway by its signature: the key is known, active, and signed exactly this request.

Keys are known from memory after their first request. Only this process writes: `forget` is called
after every commit by which a key begins or ends, so the very next request is judged by it.
"""

from typing import Final

from central.database import Database
from central.identity import gateway_keys
from central.identity.gateway_keys import ACTIVE, HELD, PENDING, GatewayKey
from central.identity.nonces import Nonces
from central.identity.principal import Kind, Principal
from protocols.errors import FengsuiError, WireError
from protocols.signing.request import Claimed, Message, verify_request

_STATES: Final = {PENDING: "KEY_PENDING", HELD: "KEY_HELD"}


class SignatureRefused(FengsuiError):
    """Who signed is not let in: SIGNATURE, SIGNER_UNKNOWN, KEY_PENDING, KEY_HELD, KEY_REVOKED,
    KEY_REQUIRED (a token where there is a key), NONCE or REPLAYED."""

    code = "SIGNATURE"


class Signatures:
    """Whom a signed request speaks for."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[str, tuple[GatewayKey, Principal]] = {}
        self._changes = 0
        self.nonces = Nonces()

    def known(self, claimed: Claimed, message: Message) -> Principal | None:
        """Return the gateway that signed `message`, None: its key is not known from memory.

        Raises SignatureRefused.
        """
        known = self._known.get(claimed.keyid)
        if known is None:
            return None
        must_fit(known[0], claimed, message)
        return known[1]

    async def principal(self, claimed: Claimed, message: Message) -> Principal:
        """Return the gateway that signed `message`, known or not. Raises SignatureRefused."""
        changes = self._changes
        key = await self.proved(claimed, message)
        if key.state != ACTIVE:
            raise SignatureRefused(_STATES.get(key.state, "KEY_REVOKED"), gateway=key.gateway)
        who = Principal(
            name=key.gateway, kind=Kind.GATEWAY, gateway=key.gateway, credential=key.keyid
        )
        if changes == self._changes:
            self._known[key.keyid] = (key, who)
        return who

    async def proved(self, claimed: Claimed, message: Message) -> GatewayKey:
        """Return the key that signed `message`, whatever became of it. Raises SignatureRefused."""
        key = await self._db.glance(lambda conn: gateway_keys.find(conn, claimed.keyid))
        if key is None:
            raise SignatureRefused("SIGNER_UNKNOWN", keyid=claimed.keyid)
        must_fit(key, claimed, message)
        return key

    def use_nonce(self, who: Principal, claimed: Claimed) -> str:
        """Use up the request's number and return the next one.

        Raises SignatureRefused NONCE, which says the number to use, or REPLAYED.
        """
        if self.nonces.use(claimed.keyid, claimed.nonce):
            return self.nonces.next(claimed.keyid)
        if self.nonces.was_used(claimed.keyid, claimed.nonce):
            raise SignatureRefused("REPLAYED", gateway=who.name)
        raise SignatureRefused("NONCE", nonce=self.nonces.next(claimed.keyid))

    def forget(self) -> None:
        """Take note, after the commit, that a key began or ended to count."""
        self._changes += 1
        self._known.clear()


def must_fit(key: GatewayKey, claimed: Claimed, message: Message) -> None:
    """Raise SignatureRefused unless `key` signed `message` as `claimed`."""
    try:
        fits = verify_request(key.public, claimed, message)
    except WireError:
        fits = False
    if not fits:
        raise SignatureRefused("SIGNATURE", gateway=key.gateway, reason="signature")
