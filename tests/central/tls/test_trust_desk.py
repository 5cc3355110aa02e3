"""What happens to the certificates is told where people look, once, and in the audit."""

import asyncio
import json

import pytest

from central.identity import audit
from central.tls.authority import DAY
from central.tls.settings import GivenTls, OwnTls
from central.tls.trust import TrustDesk
from protocols.clock import ClockState
from protocols.errors import NotAnAnswer
from protocols.signing.answer import must_be_signed
from protocols.signing.keys import Ed25519Signer
from protocols.tls.statement import parse_statement
from tests.certificates import authority, now, put, server
from tests.edge.waiting import eventually
from tests.fakes import FakeClock

NONCE = "ab" * 16


class Sure(FakeClock):
    state = ClockState.SYNCHRONISED


@pytest.fixture
def hand():
    return Sure(now())


async def told(collector, desk, clock, count):
    """Run until so many events are there; returns their codes and how long it took."""
    began = clock.time
    running = asyncio.create_task(desk.run(collector.db))

    async def there():
        if not clock._sleepers:
            return False  # it has not looked yet, or is telling
        enough = len(await codes(collector)) >= count
        if not enough:
            await clock.advance(DAY // 4)
        return enough

    try:
        await eventually(there)
    finally:
        running.cancel()
    return await codes(collector), clock.time - began


async def codes(collector):
    page = await collector.events()
    return [event.code for event in reversed(page.items) if event.code.startswith("TLS_")]


async def test_an_end_that_is_near_is_told_once_a_day(collector, tmp_path, hand):
    pair = put(tmp_path / "s.pem", server(authority(), "a.example", end=20 * DAY))
    given = GivenTls(certificate=pair, key=pair)
    desk = TrustDesk.open(given, tmp_path / "data", hand)
    said, took = await told(collector, desk, hand, 4)
    assert said == ["TLS_EXPIRES_SOON"] * 4
    assert 3 * DAY <= took <= 3 * DAY + DAY // 2


async def test_a_renewal_is_told_and_audited(collector, tmp_path, hand):
    desk = TrustDesk.open(OwnTls(), tmp_path / "data", hand)
    hand.time += 300 * DAY
    said, _ = await told(collector, desk, hand, 1)
    assert said == ["TLS_RENEWED"]
    line = (await collector.db.read(lambda conn: audit.page(conn, 1)))[0]
    assert (line.actor, line.action) == ("collector", "TLS_RENEWED")
    assert json.loads(line.detail)["end"].endswith("+00:00")


async def test_without_tls_there_is_nothing_to_keep(collector, tmp_path, hand):
    desk = TrustDesk.open(None, tmp_path / "data", hand)
    await asyncio.wait_for(desk.run(collector.db), 60)
    assert parse_statement(desk.statement(NONCE), NONCE).authorities == ()


def test_the_statement_is_signed_over_the_number_asked_with(tmp_path, hand):
    signer = Ed25519Signer.generate()
    desk = TrustDesk.open(OwnTls(), tmp_path / "data", hand, signer=signer)
    body = desk.statement(NONCE)
    must_be_signed(body, signer.public)
    said = parse_statement(body, NONCE)
    assert (said.collector, said.key) == (desk.collector, signer.public.encode())
    assert said.name == f"collector.{desk.collector}"
    with pytest.raises(NotAnAnswer):
        parse_statement(body, "cd" * 16)
    with pytest.raises(NotAnAnswer):
        must_be_signed(body, Ed25519Signer.generate().public)
