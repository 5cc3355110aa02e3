"""Signed requests: whom they speak for, what their body must be, and the answer signed in turn.

The signature covers method, path, the digest of the body, the chain's head (or the nonce) and the
gateway's clocks where they place times; the body is held against the digest where it is received.
Who signs gets signed answers.
"""

from collections.abc import Mapping
from typing import Final

from fastapi import Request
from starlette.types import Scope

from central.api.headers import INGEST_PATH
from central.api.rooms import Rooms, rooms_of
from central.evidence.heads import SignedRequest
from central.guard.source import address_of
from central.identity.gateway_keys import GatewayKey
from central.identity.principal import Principal
from central.identity.signatures import SignatureRefused
from protocols.errors import IngestError, WireError
from protocols.signing.answer import signed
from protocols.signing.request import BATCHES, OPENINGS, OTHERS, message_of, read_signature
from protocols.wire.headers import NONCE, content_digest

SIGNED: Final = "fengsui.signed"
"""Where a request's scope holds what was verified."""
_STREAMS: Final = f"{INGEST_PATH}streams/"
QUIET: Final = frozenset({"KEY_PENDING", "NONCE"})
"""Refusals that belong to the ordinary way of things: counted, no matter of security."""

TOLD_AS: Final = {
    "SIGNATURE": "SIGNATURE_REFUSED",
    "SIGNER_UNKNOWN": "SIGNER_REFUSED",
    "KEY_HELD": "HELD_KEY_REFUSED",
    "KEY_REVOKED": "REVOKED_KEY_REFUSED",
    "KEY_REQUIRED": "TOKEN_BESIDE_KEY",
    "REPLAYED": "REPLAY_REFUSED",
}
"""As what the others are told: of the gateway, with their number, not to the gateway."""


async def by_signature(request: Request) -> Principal | None:
    """Return the gateway that signed; None: nobody did. Raises SignatureRefused."""
    return await signer_of(rooms_of(request), request.scope, request.headers)


async def signer_of(house: Rooms, scope: Scope, said: Mapping[str, str]) -> Principal | None:
    """Do the same by the fields alone, found as `read_signature` says. Raises SignatureRefused."""
    try:
        claim = read(scope, said)
        if claim is None:
            return None
        signatures = house.desk.signatures
        who = signatures.known(*claim) or await signatures.principal(*claim)
    except SignatureRefused as refusal:
        note(house, scope, refusal)
        raise
    scope[SIGNED] = claim
    return who


async def proved_key(request: Request) -> GatewayKey | None:
    """Return the key that signed, whatever became of it since; None: nobody signed.

    For routes that a gateway asks before it is let in. Raises SignatureRefused.
    """
    claim = read(request.scope, request.headers)
    return None if claim is None else await rooms_of(request).desk.signatures.proved(*claim)


def read(scope: Scope, said: Mapping[str, str]) -> SignedRequest | None:
    """Return what the request claims and is about. Raises SignatureRefused for another form."""
    try:
        claimed = read_signature(said)
    except WireError as exc:
        raise SignatureRefused(gateway=address_of(scope), reason="form") from exc
    if claimed is None:
        return None
    # As it came over the line: what is decoded may be written in more than one way.
    method, path = scope["method"], scope.get("raw_path", b"").decode("latin-1")
    components = _components(method, path)
    if scope["query_string"] or claimed.components != components:
        raise SignatureRefused(gateway=address_of(scope), reason="components")
    if components == BATCHES and claimed.nonce != said.get(NONCE):
        raise SignatureRefused(gateway=address_of(scope), reason="nonce")
    return SignedRequest(claimed, message_of(said, method, path, claimed))


def _components(method: str, path: str) -> tuple[str, ...]:
    """Return what has to be signed of a request; another list is another form."""
    if path.endswith("/batches"):
        return BATCHES
    opens = method == "PUT" and path.startswith(_STREAMS)
    return OPENINGS if opens else OTHERS


def signed_of(request: Request) -> SignedRequest | None:
    """Return what was verified of the request; None from a gateway without a key."""
    found: SignedRequest | None = request.scope.get(SIGNED)
    return found


def hold_to_digest(request: Request, body: bytes) -> None:
    """Raise IngestError DIGEST (400) when the body is not the one that was signed."""
    found = signed_of(request)
    if found is not None and found.message.content_digest != content_digest(body):
        raise IngestError("DIGEST", 400)


def use_nonce(house: Rooms, who: Principal, request: Request) -> dict[str, str]:
    """Use up a signed request's single-use number; return the field that brings the next.

    Raises SignatureRefused NONCE or REPLAYED.
    """
    found = signed_of(request)
    if found is None:
        return {}
    try:
        return {NONCE: house.desk.signatures.use_nonce(who, found.claimed)}
    except SignatureRefused as refusal:
        note(house, request.scope, refusal)
        raise


def sealed(house: Rooms, request: Request, body: bytes) -> bytes:
    """Return the answer's body, signed by the collector when the request was signed."""
    return body if signed_of(request) is None else signed(body, house.collector.signer)


def note(house: Rooms, scope: Scope, refusal: SignatureRefused) -> None:
    """Count a refusal, and make it known where it is a matter of security."""
    address = address_of(scope)
    if scope["path"].startswith(INGEST_PATH):
        figures = house.collector.ingest.figures
        figures.requests += 1
        figures.refused[refusal.code] += 1
    if refusal.code not in QUIET:
        source = str(refusal.params.get("gateway", address))
        # What could not even be read is nobody's.
        nobodys = source == address and refusal.code == "SIGNATURE"
        told = "PROOF_REFUSED" if nobodys else TOLD_AS[refusal.code]
        house.guards.incidents.note(told, source, **refusal.params, address=address)
