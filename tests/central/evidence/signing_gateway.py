"""A gateway with a key, straight at the ingest: what it signs is what a real request carries."""

import base64
import json

from central.evidence.heads import SignedRequest
from central.identity import gateway_keys
from central.ingest.request import Sent
from protocols.signing.keys import Ed25519Signer
from protocols.signing.request import (
    BATCHES,
    OPENINGS,
    OTHERS,
    SIGNATURE,
    WITHOUT_CLOCK,
    Claimed,
    Message,
    read_signature,
    sign_request,
)
from protocols.wire.headers import content_digest, new_nonce
from protocols.wire.manifest import manifest_digest
from protocols.wire.opening import decode_opening, encode_opening
from protocols.wire.request import compress
from tests.central.builders import Gateway, Stream

PATH = "/api/v1/ingest/streams/"


class SigningGateway(Gateway):
    """Its streams say `sig_alg: ed25519`; its requests come with what was verified of them."""

    def __init__(self, clock, name="gw", **more):
        super().__init__(clock, name, **more)
        self.key = Ed25519Signer.generate()
        self.signs_clock = True
        """False: as before the clock was signed; what was verified then, no request today is."""

    async def enrol(self, collector):
        await collector.db.write(
            lambda tables: gateway_keys.add(
                tables, self.name, self.key.public, "admin", self.clock.now()
            )
        )

    def open(self, *given, **named):
        plain = super().open(*given, **named)
        record = json.loads(plain.opening) | {"sig_alg": "ed25519"}
        body = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
        assert encode_opening(decode_opening(body)) == body
        return Stream(body, plain.id, plain.number)

    def signed(self, message, components):
        nonce = message.bound if components == OPENINGS else new_nonce()
        if not self.signs_clock:
            message = message._replace(clock="")
            components = OTHERS if components == OPENINGS else WITHOUT_CLOCK
        fields = sign_request(self.key, message, nonce, components)
        value = base64.b64decode(fields[SIGNATURE].removeprefix("fengsui=:"))
        claimed = Claimed(
            keyid=self.key.keyid,
            alg="ed25519",
            nonce=nonce,
            components=components,
            signature=value,
        )
        assert not self.signs_clock or read_signature(fields) == claimed
        return SignedRequest(claimed, message)

    async def register(self, collector, stream):
        body, encoding = compress(self.manifest)
        digest = manifest_digest(self.manifest)
        await collector.ingest.put_manifest(self.name, digest, body, encoding)
        message = Message(
            method="PUT",
            path=PATH + stream.id,
            content_digest=content_digest(stream.opening),
            bound=new_nonce(),
            clock=self.clock_field(),
        )
        sent = Sent("live", self.signed(message, OPENINGS), message.clock)
        await collector.ingest.put_stream(self.name, stream.id, stream.opening, sent)

    def request(self, stream, first=0, last=None, lane="live", **changed):
        made = super().request(stream, first, last, lane, **changed)
        message = Message(
            method="POST",
            path=f"{PATH}{stream.id}/batches",
            content_digest=made.content_digest,
            bound=made.chain,
            clock=made.clock,
        )
        return super().request(
            stream,
            first,
            last,
            lane,
            **changed
            | {"body": made.body, "nonce": made.nonce, "clock": made.clock}
            | {"signed": self.signed(message, BATCHES)},
        )
