"""Fetches the warrant of a gateway that was enrolled before there were any, or whose key changed.

Asked of the collector over a connection that is checked as every other, signed with the key it is
about; believed only when the collector's known key signed it.
"""

import asyncio
import http.client
import logging
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from edge.config import CollectorLink
from edge.dialling import Dialler
from edge.identity import Identity
from edge.trust import Trust
from edge.warrant import load, save
from protocols.enrolment import STATE
from protocols.errors import NotAnAnswer, UplinkError, WireError
from protocols.owner_thread import OwnerThread
from protocols.wire.bounds import RECORD_BYTES
from protocols.wire.canonical import load_any
from protocols.wire.fields import Fields
from protocols.wire.headers import CONTENT_DIGEST, NONCE, content_digest, new_nonce

if TYPE_CHECKING:
    from protocols.signing.keys import Signer

logger = logging.getLogger(__name__)

FIRST: Final = 60.0
LOOK: Final = 3_600.0
CLOSING: Final = 1.0
"""Real seconds until the first look at most, between two, and how long the end waits for one."""


async def keep_warrant(link: CollectorLink, trust: Trust, seed: str) -> None:
    """See to it that there is one, until cancelled; `seed` spreads the gateways' questions."""
    if link.identity_folder is None:
        return
    identity, dialler = Identity(link.identity_folder), Dialler(link, trust)
    dice, thread = random.Random(seed), OwnerThread("warrant")  # noqa: S311  # guards nothing
    wait = dice.uniform(0, FIRST)
    try:
        while True:
            await asyncio.sleep(wait)
            await thread.run(fetch, identity, dialler, trust)
            wait = LOOK * dice.uniform(0.9, 1.1)
    finally:
        with suppress(TimeoutError):  # it may be in the middle of asking
            async with asyncio.timeout(CLOSING):
                await thread.close()


def fetch(identity: Identity, dialler: Dialler, trust: Trust) -> bool:
    """Ask for the warrant of today's key where none is kept; returns whether one is there now."""
    try:
        signer, known = identity.signer(), trust.known
        if signer is None or known is None or known.key is None:
            return False
        key = signer.public.encode()
        if load(identity.folder, key) is not None:
            return True
        data = _asked(dialler, signer, known.key)
        return data is not None and save(identity.folder, data, key)
    except (UplinkError, WireError, OSError, http.client.HTTPException) as exc:
        logger.info("no warrant from the collector: %s", exc)
        return False


def _asked(dialler: Dialler, signer: "Signer", collector: str) -> bytes | None:
    # Here alone: a gateway without a key does without the library.
    from protocols.signing.answer import must_be_signed
    from protocols.signing.keys import PublicKey
    from protocols.signing.request import Message, sign_request

    nonce, digest = new_nonce(), content_digest(b"")
    about = Message(method="GET", path=STATE, content_digest=digest, bound=nonce)
    fields = {NONCE: nonce, CONTENT_DIGEST: digest, **sign_request(signer, about, nonce)}
    made = dialler.dial()
    try:
        if dialler.plain_proxy:
            fields |= dialler.introduction()
        made.request("GET", dialler.target(STATE), headers=fields)
        response = made.getresponse()
        body = response.read(RECORD_BYTES + 1)
    finally:
        made.close()
    if response.status != 200:
        return None
    must_be_signed(body, PublicKey.parse(collector))
    said = Fields(load_any(body, "enrolment", RECORD_BYTES), "enrolment")
    if said.any("nonce") != nonce:
        raise NotAnAnswer(reason="nonce")
    found = said.data.get("warrant")  # a collector of an older version says nothing of it
    return found.encode() if isinstance(found, str) else None
