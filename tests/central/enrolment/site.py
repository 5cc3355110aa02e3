"""A gateway on site that enrols, step by step, and whoever stands between it and the collector."""

from dataclasses import replace

from central.enrolment.desk import Visit
from protocols.enrolment import Transcript, digits, id_of, proof, proves, stretch
from protocols.signing.keys import Ed25519Signer
from protocols.wire.headers import new_nonce

BOOT = "b0" * 16
HERE = Visit(address="192.0.2.7", certificates=(None,))


class OnSite:
    """Holds a code, a key of its own, and what it has heard."""

    def __init__(self, office, code, visit=HERE):
        self.office = office
        self.code = code
        self.visit = visit
        self.signer = Ed25519Signer.generate()
        self.key = None
        self.transcript = None

    async def hello(self, key=None):
        """`key`: what somebody in between put in the place of ours."""
        nonce = new_nonce()
        sent = key or self.signer.public
        welcome = await self.office.desk.hello(id_of(self.code), sent, nonce, BOOT, self.visit)
        self.key = stretch(self.code, welcome.salt)
        self.transcript = Transcript(
            code_id=id_of(self.code),
            boot=BOOT,
            gateway_nonce=nonce,
            collector_nonce=welcome.nonce,
            gateway_key=self.signer.public.encode(),
            collector_id=welcome.itself.id,
            collector_key=welcome.itself.key,
            certificate=self.visit.seen,
        )
        return welcome

    async def prove(self, **heard):
        """`heard`: what somebody in between made of it."""
        self.transcript = replace(self.transcript, **heard)
        shown = proof(self.key, "gateway", self.transcript)
        nonce = self.transcript.collector_nonce
        return await self.office.desk.prove(id_of(self.code), nonce, shown, self.visit)

    async def enrol(self):
        await self.hello()
        proved = await self.prove()
        assert proves(self.key, "collector", self.transcript, proved.proof)
        assert proved.digits == digits(self.key, self.transcript)
        return proved

    async def standing(self):
        known = await self.office.desk.key(self.signer.keyid)
        return known.standing if known else None
