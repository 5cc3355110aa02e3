"""A gateway with a key, straight at the ingest: what it signs is what a real request carries."""

import json

from central.evidence.heads import SignedRequest
from central.identity import gateway_keys
from protocols.signing.keys import Ed25519Signer
from protocols.signing.request import BATCHES, OTHERS, Message, read_signature, sign_request
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
        nonce = message.bound if components == OTHERS else new_nonce()
        claimed = read_signature(sign_request(self.key, message, nonce, components))
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
        )
        signed = self.signed(message, OTHERS)
        await collector.ingest.put_stream(
            self.name, stream.id, stream.opening, "live", signed=signed
        )

    def request(self, stream, first=0, last=None, lane="live", **changed):
        made = super().request(stream, first, last, lane, **changed)
        message = Message(
            method="POST",
            path=f"{PATH}{stream.id}/batches",
            content_digest=made.content_digest,
            bound=made.chain,
        )
        return super().request(
            stream,
            first,
            last,
            lane,
            **changed
            | {"body": made.body, "nonce": made.nonce, "signed": self.signed(message, BATCHES)},
        )
