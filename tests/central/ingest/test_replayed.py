"""A signed request that somebody plays back: nothing changes, and nobody is alive because of it."""

import pytest

from central.contacts import OFFLINE_AFTER
from central.ingest.request import Sent
from protocols.signing.request import OPENINGS, Message
from protocols.wire.headers import content_digest, new_nonce
from protocols.wire.manifest import manifest_digest
from protocols.wire.request import compress
from protocols.words import Purpose
from tests.central.builders import SECOND, Gateway
from tests.central.evidence.signing_gateway import PATH, SigningGateway

TABLES = ("gateway", "boot", "boot_anchor", "held_boot", "stream", "evidence_head", "event")
REBOOTED = "b1" * 16


@pytest.fixture
async def gateway(collector, clock):
    made = SigningGateway(clock)
    await made.enrol(collector)
    return made


async def state(collector):
    """Return all that a played back request might have changed."""
    return await collector.db.read(
        lambda conn: {t: conn.execute(f"SELECT * FROM {t}").fetchall() for t in TABLES}
    )


class Stranger:
    """Heard everything on the line: the manifest, the opening and a request for batches."""

    def __init__(self, collector, gateway, stream, batches):
        self.ingest = collector.ingest
        self.gateway = gateway
        self.stream = stream
        self.batches = batches
        body, encoding = compress(gateway.manifest)
        self.manifest = (manifest_digest(gateway.manifest), body, encoding)
        opening = Message(
            method="PUT", path=PATH + stream.id, content_digest=content_digest(stream.opening),
            bound=new_nonce(), clock=batches.clock,
        )  # fmt: skip
        self.sent = Sent("live", gateway.signed(opening, OPENINGS), opening.clock)

    async def plays_all_back(self):
        await self.ingest.put_manifest("gw", *self.manifest, self.sent)
        await self.ingest.put_stream("gw", self.stream.id, self.stream.opening, self.sent)
        answer = await self.ingest.post_batches("gw", self.stream.id, self.batches)
        assert answer.committed == self.stream.batches[0][1]


async def overheard(collector, gateway, purpose=Purpose.PRODUCTION):
    stream = gateway.open(purpose=purpose)
    await gateway.register(collector, stream)
    gateway.seal(stream, gateway.reading("level", 50.0))
    batches = gateway.request(stream)
    await collector.ingest.post_batches("gw", stream.id, batches)
    return Stranger(collector, gateway, stream, batches)


async def test_a_dead_gateway_is_silent_whoever_plays_its_requests_back(collector, gateway, clock):
    stranger = await overheard(collector, gateway)
    died, before = clock.now(), await state(collector)
    for _ in range(3):
        clock.move(OFFLINE_AFTER / SECOND / 3)
        await stranger.plays_all_back()
    assert await state(collector) == before
    await collector.gateways._check(clock.now())
    record = collector.registry.gateway("gw")
    assert (record.state, record.last_contact, record.offline_since) == ("offline", died, died)
    # Its own resend, after an answer that was lost, looks the same; what follows does not.
    stream = stranger.stream
    await gateway.send(collector, stream, 0)
    assert collector.registry.gateway("gw").state == "offline"
    await gateway.deliver(collector, stream, gateway.reading("level", 51.0))
    assert collector.registry.gateway("gw").last_contact == clock.now()
    codes = [event.code for event in (await collector.events(kind="fault")).items]
    assert codes == ["GATEWAY_ONLINE", "GATEWAY_OFFLINE"]


async def test_what_an_earlier_boot_said_is_no_second_machine_and_moves_no_clock(
    collector, gateway, clock
):
    stranger = await overheard(collector, gateway)
    clock.move(3600)
    rebooted = SigningGateway(clock, boot=REBOOTED)
    rebooted.key, rebooted.streams = gateway.key, 1
    stream = rebooted.open()
    await rebooted.register(collector, stream)
    for _ in range(3):
        await rebooted.deliver(collector, stream, rebooted.reading("level", 40.0))
        clock.move(700)  # longer than a higher offset waits to be believed
        before = await state(collector)
        await stranger.plays_all_back()
        assert await state(collector) == before
    assert not (await collector.events(kind="security")).items


async def test_a_drill_that_is_played_back_makes_no_drill_of_today(collector, gateway, clock):
    stranger = await overheard(collector, gateway, Purpose.DRILL)
    stream = gateway.open()
    await gateway.register(collector, stream)
    await gateway.deliver(collector, stream, gateway.reading("level", 50.0))
    await stranger.plays_all_back()
    assert collector.registry.gateway("gw").purpose == "production"


async def test_a_gateway_that_only_has_a_token_is_heard_by_any_request(collector, clock):
    gateway = Gateway(clock)
    stream = gateway.open()
    await gateway.register(collector, stream)
    place = gateway.seal(stream, gateway.reading("level", 50.0))
    await gateway.send(collector, stream, place)
    clock.move(20)
    await gateway.send(collector, stream, place)
    assert collector.registry.gateway("gw").last_contact == clock.now()
