"""A copied card: two starts with one key take turns, the newer is held, nothing is discarded."""

import pytest

from central.enrolment import clones
from central.enrolment.office import After, Office
from central.enrolment.ruling import NothingWaits
from central.identity import audit, gateway_keys
from central.tls.keeping import Nothing
from central.tls.trust import TrustDesk
from protocols.errors import IngestError
from protocols.signing.keys import Ed25519Signer
from tests.central.builders import BOOT, Gateway, HandClock, open_collector
from tests.central.stored import with_readings

OTHER = "b1" * 16


@pytest.fixture
async def collector(tmp_path, clock):
    made = await open_collector(tmp_path, clock)
    await made.registry.add_gateway("gw")
    public = Ed25519Signer.generate().public
    await made.db.write(lambda db: gateway_keys.add(db, "gw", public, "test", clock.now()))
    yield made
    await made.close()


@pytest.fixture
def clock():
    return HandClock()


class Pair:
    """The first machine and its copy."""

    def __init__(self, collector, clock):
        self.collector = collector
        self.clock = clock
        self.first = Gateway(clock)
        self.copy = Gateway(clock, boot=OTHER)
        self.copy.streams = 1
        self.streams = {}

    async def open(self):
        for machine in (self.first, self.copy):
            self.streams[machine.boot] = machine.open()
            await machine.register(self.collector, self.streams[machine.boot])
        return self

    async def send(self, machine, value):
        """Return the refusal's code, None when it was taken."""
        self.clock.move(40)
        try:
            stream = self.streams[machine.boot]
            await machine.deliver(self.collector, stream, machine.reading("level", value))
        except IngestError as exc:
            return exc.code
        return None

    async def held(self):
        found = await self.collector.db.read(clones.listed)
        return [(each.boot, each.state) for each in found]

    async def decide(self, boot, *, approved):
        def work(db):
            found = clones.find(db.conn, "gw", boot)
            clones.decide(db, found, "duty", self.clock.now(), approved=approved)

        await self.collector.db.write(work)

    async def stored(self):
        def count(conn):
            return with_readings(conn).execute("SELECT count(*) FROM reading").fetchone()[0]

        return await self.collector.db.read(count)


@pytest.fixture
async def pair(collector, clock):
    return await Pair(collector, clock).open()


async def test_the_newer_of_two_is_held_and_nothing_of_either_is_discarded(pair):
    assert await pair.send(pair.first, 1.0) is None
    assert await pair.send(pair.copy, 2.0) is None
    assert await pair.held() == []  # a reboot looks like this
    assert await pair.send(pair.first, 3.0) is None
    assert await pair.held() == [(OTHER, "held")]
    events = (await pair.collector.events(kind="security")).items
    assert {event.code for event in events} == {"BOOT_HELD", "GATEWAY_TWICE"}
    for value in (4.0, 5.0):
        assert await pair.send(pair.copy, value) == "START_HELD"
        assert await pair.send(pair.first, value) is None
    assert await pair.stored() == 5
    assert await pair.held() == [(OTHER, "held")]


async def test_the_copy_goes_on_once_it_is_approved_and_then_the_other_is_held(pair):
    for machine in (pair.first, pair.copy, pair.first):
        await pair.send(machine, 1.0)
    refused = await pair.send(pair.copy, 2.0)
    await pair.decide(OTHER, approved=True)
    stream = pair.streams[OTHER]
    await pair.collector.ingest.post_batches("gw", stream.id, pair.copy.request(stream, 1))
    assert refused == "START_HELD"
    assert await pair.held() == [(BOOT, "held"), (OTHER, "approved")]
    assert await pair.send(pair.first, 3.0) == "START_HELD"
    assert await pair.stored() == 4


async def test_a_start_that_was_refused_stays_out(pair):
    for machine in (pair.first, pair.copy, pair.first):
        await pair.send(machine, 1.0)
    await pair.decide(OTHER, approved=False)
    assert await pair.send(pair.copy, 2.0) == "START_HELD"
    assert await pair.send(pair.first, 2.0) is None
    assert await pair.held() == [(OTHER, "refused")]


async def test_a_gateway_without_a_key_is_told_of_but_not_held(tmp_path, clock):
    collector = await open_collector(tmp_path, clock)
    try:
        await collector.registry.add_gateway("gw")
        pair = await Pair(collector, clock).open()
        for machine in (pair.first, pair.copy, pair.first, pair.copy):
            assert await pair.send(machine, 1.0) is None
        assert await pair.held() == []
    finally:
        await collector.close()


async def test_people_let_a_held_start_go_on_or_keep_it_out(collector, pair, clock):
    after = After(changed=lambda: None, created=lambda entry: None, tell=collector.tell)
    trust = TrustDesk("0123456789abcdef", Nothing(), clock, collector.signer)
    office = Office(collector.db, clock, collector.signer, trust, after)
    for machine in (pair.first, pair.copy, pair.first):
        await pair.send(machine, 1.0)
    with pytest.raises(NothingWaits):
        await office.acts.approve("gw", BOOT, "duty")
    assert (await office.acts.refuse("gw", OTHER, "duty")) == [OTHER]
    assert await pair.held() == [(OTHER, "refused")]
    assert (await office.acts.approve("gw", OTHER, "duty")).boot == OTHER
    assert await pair.send(pair.copy, 2.0) is None
    lines = await collector.db.read(lambda conn: audit.page(conn, 9))
    actions = [line.action for line in lines]
    assert {"HELD_START_APPROVED", "HELD_START_REFUSED"} <= set(actions)
