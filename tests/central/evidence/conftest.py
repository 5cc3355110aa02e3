import pytest

from protocols.wire.batch import LedgerLine, SkipReason
from protocols.words import Event, StreamKind
from tests.central.builders import SECOND
from tests.central.evidence.signing_gateway import SigningGateway


@pytest.fixture
async def gateway(collector, clock):
    made = SigningGateway(clock)
    await made.enrol(collector)
    return made


@pytest.fixture
async def stream(collector, gateway):
    opened = gateway.open()
    await gateway.register(collector, opened)
    return opened


@pytest.fixture
async def delivered(collector, gateway, stream, clock):
    """Two streams with everything a chain can hold: data, a skip, what came back, events."""
    for value in (1.0, 2.0):
        clock.move(1)
        await gateway.deliver(
            collector, stream, gateway.reading("level", value), gateway.reading("smoke", True)
        )
    clock.move(1)
    lost = [LedgerLine(point=0, start=None, end=None, count=2)]
    twin = gateway.open()
    twin.opening, twin.id, twin.number, twin.seq = stream.opening, stream.id, stream.number, 4
    twin.heads, twin.batches = list(stream.heads), list(stream.batches)
    gateway.seal(twin, gateway.reading("level", 3.0), gateway.reading("level", 4.0, ago=0.5))
    place = gateway.seal_skip(stream, SkipReason.QUOTA, lost)
    await gateway.send(collector, stream, place)
    clock.move(1)
    await gateway.deliver(collector, stream, gateway.reading("count", 2**63 + 5))
    await gateway.send(collector, twin, 2)
    alarm = gateway.open(StreamKind.ALARM)
    await gateway.register(collector, alarm)
    clock.move(1)
    time = gateway.clock.mono() - SECOND // 2
    event = Event(code="DEVICE_OFFLINE", subject="tank", params={"reason": "timeout"}, time=time)
    place = gateway.seal_events(alarm, event)
    await gateway.send(collector, alarm, place)
    await gateway.deliver(collector, alarm, gateway.reading("level", 95.5))
    clock.move(1)
    return stream, alarm
