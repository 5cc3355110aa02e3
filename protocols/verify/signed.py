"""What a gateway signed when it stated a head: rebuilt from the head and its stream (pure)."""

import base64
from typing import Final

from protocols.signing.request import (
    BATCHES,
    OPENINGS,
    OTHERS,
    WITHOUT_CLOCK,
    Claimed,
    Message,
    claimed_base,
)
from protocols.verify.model import KeptHead, SignedBy
from protocols.wire.headers import format_chain

PATH: Final = "/api/v1/ingest/streams/"


def signed_text(stream: str, head: KeptHead, signed: SignedBy) -> bytes:
    """Return the bytes under the signature: the stream is in its path, the head in its chain field,
    and what the gateway said of its clocks where that was signed with it.

    Raises WireError for what can stand in no request.
    """
    opening = head.seq == 0
    if signed.clock:
        components = OPENINGS if opening else BATCHES
    else:
        components = OTHERS if opening else WITHOUT_CLOCK
    claimed = Claimed(
        keyid=signed.keyid,
        alg=signed.alg,
        nonce=signed.nonce.hex(),
        components=components,
        signature=signed.signature,
    )
    message = Message(
        method="PUT" if opening else "POST",
        path=f"{PATH}{stream}" if opening else f"{PATH}{stream}/batches",
        content_digest=f"sha-256=:{base64.b64encode(signed.content_digest).decode()}:",
        bound=signed.bound if opening else format_chain(head.seq, head.head),
        clock=signed.clock,
    )
    return claimed_base(claimed, message)
