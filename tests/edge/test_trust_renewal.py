"""A collector changes its certificates and no gateway is visited: what is signed is believed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.config import CollectorLink, EdgeConfig
from edge.dialling import Dialler
from edge.trust import Trust
from edge.trust_file import TRUST, Known, load
from edge.trust_renewal import asked
from edge.uplink_http import Connection
from protocols.clock import ClockState
from protocols.errors import UplinkError
from protocols.owner_thread import OwnerThread
from protocols.signing.keys import Ed25519Signer
from protocols.tls.making import Pair
from tests.certificates import (
    DAY,
    YEAR,
    authority,
    known,
    now,
    over_tls,
    put,
    server,
    statement,
    trusting,
)
from tests.edge.test_delivery import collector, config, rig, until
from tests.edge.test_trust import Clock, right, unset
from tests.fakes import FakeCollector
from tests.proxies import Proxy

__all__ = ["collector", "config"]  # fixtures

OLD, NEW = authority(), authority()
KEY = Ed25519Signer.generate()


class Gateway:
    """One connection, made anew for each question, and what it trusts."""

    def __init__(self, config: EdgeConfig, url: str, folder: Path, clock: Clock) -> None:
        self.link: CollectorLink = replace(config.collector, url=url)
        self.file = folder / TRUST
        self.trust = Trust(self.file, clock)
        self.connection = Connection(self.link, "test", trust=self.trust)

    def ask(self) -> str:
        self.connection.close()
        try:
            self.connection.request("POST", "health", b"{}")
        except UplinkError as exc:
            return exc.code
        return "ok"

    @property
    def pins(self) -> tuple[str, ...]:
        found = load(self.file)
        assert found is not None
        return found.authorities


@pytest.fixture
def made(config: EdgeConfig, collector: FakeCollector, tmp_path: Path) -> Iterator["Make"]:
    maker = Make(config, collector, tmp_path)
    yield maker
    for each in maker.made:
        each.connection.close()


class Make:
    def __init__(self, config: EdgeConfig, collector: FakeCollector, folder: Path) -> None:
        self.config, self.collector, self.folder = config, collector, folder
        self.made: list[Gateway] = []

    def __call__(self, what: Known, clock: Clock | None = None) -> Gateway:
        folder = trusting(self.folder, what)
        gateway = Gateway(self.config, self.collector.url, folder, clock or right())
        self.made.append(gateway)
        return gateway

    def serve(self, by: Pair, **span: int) -> None:
        self.context = over_tls(self.collector, put(self.folder / "s.pem", server(by, **span)))

    def swap(self, by: Pair, **span: int) -> None:
        self.context.load_cert_chain(put(self.folder / "s.pem", server(by, **span)))

    @property
    def questions(self) -> int:
        return sum(method == "GET" for method, _ in self.collector.asked)


@pytest.mark.parametrize("clock", [right, unset])
def test_a_gateway_that_was_off_during_the_whole_overlap(made: Make, clock: type[Clock]) -> None:
    made.serve(NEW)
    made.collector.trust = lambda nonce: statement(KEY, nonce, NEW)
    gateway = made(known(OLD, key=KEY), clock())
    assert gateway.ask() == "ok"
    assert gateway.pins == (NEW.public().decode(),)
    assert len(made.collector.tokens) == 1  # nothing went out before that
    assert gateway.ask() == "ok"
    assert made.questions == 1


def test_a_ca_that_ended_while_the_gateway_was_off(made: Make) -> None:
    ended = authority(begin=-21 * YEAR, end=-YEAR)
    made.serve(NEW)
    made.collector.trust = lambda nonce: statement(KEY, nonce, NEW)
    assert made(known(ended, key=KEY)).ask() == "ok"


def test_the_next_ca_is_known_before_it_signs(made: Make) -> None:
    made.serve(OLD)
    made.collector.trust = lambda nonce: statement(KEY, nonce, OLD, NEW)
    gateway = made(known(OLD, key=KEY))
    said = Dialler(gateway.link, gateway.trust).ask()
    assert said is not None
    assert gateway.trust.take(said)
    assert not gateway.trust.take(said)  # nothing new
    made.swap(NEW)
    assert gateway.ask() == "ok"
    assert made.questions == 1
    assert made(known(OLD, NEW, key=KEY)).ask() == "ok"


async def test_it_is_asked_for_in_a_thread_and_failing_changes_nothing(made: Make) -> None:
    made.serve(OLD)
    gateway = made(known(OLD, key=KEY))
    dialler, thread = Dialler(gateway.link, gateway.trust), OwnerThread("trust")
    try:
        assert not await asked(dialler, gateway.trust, thread)  # 404
        made.collector.trust = lambda nonce: statement(KEY, nonce, OLD, NEW)
        assert await asked(dialler, gateway.trust, thread)
    finally:
        await thread.close()
    assert gateway.pins == (OLD.public().decode(), NEW.public().decode())


FORGED = {
    "another's key": lambda nonce: statement(Ed25519Signer.generate(), nonce, NEW),
    "an older answer": lambda nonce: statement(KEY, "ab" * 16, NEW),
    "no signature": lambda nonce: statement(KEY, nonce, NEW).replace(b'"signature":{', b'"s":{'),
    "a changed one": lambda nonce: statement(KEY, nonce, OLD).replace(
        *(each.public().decode().replace("\n", "\\n").encode() for each in (OLD, NEW))
    ),
    "a page": lambda nonce: b"<html>log in</html>",
    "nothing": lambda nonce: b"",
}


@pytest.mark.parametrize("how", FORGED)
def test_what_the_collector_did_not_sign_now_is_not_believed(made: Make, how: str) -> None:
    made.serve(NEW)
    made.collector.trust = FORGED[how]
    gateway = made(known(OLD, key=KEY))
    assert gateway.ask() == "TLS_WRONG_CA"
    assert gateway.pins == (OLD.public().decode(),)
    assert made.collector.tokens == []
    assert gateway.ask() == "TLS_WRONG_CA"
    assert made.questions == 1  # not at every attempt


def test_without_the_collectors_key_nobody_is_asked(made: Make) -> None:
    made.serve(NEW)
    made.collector.trust = lambda nonce: statement(KEY, nonce, NEW)
    assert made(known(OLD)).ask() == "TLS_WRONG_CA"
    assert made.questions == 0


def test_it_is_asked_through_the_proxy_too(made: Make, config: EdgeConfig) -> None:
    made.serve(NEW)
    made.collector.trust = lambda nonce: statement(KEY, nonce, NEW)
    proxy = Proxy("a:b")
    file = made.folder / "proxy"
    file.write_text("a:b")
    try:
        gateway = made(known(OLD, key=KEY))
        link = replace(gateway.link, proxy=proxy.url, proxy_credentials_file=file)
        gateway.connection = Connection(link, "test", trust=gateway.trust)
        assert gateway.ask() == "ok"
        assert len(proxy.asked) == 3
    finally:
        proxy.close()


def test_a_floor_the_collector_once_set_too_high_comes_down(made: Make) -> None:
    made.serve(OLD)
    gateway = made(known(OLD, key=KEY, floor=now() + 5 * YEAR), unset())
    assert gateway.ask() == "TLS_EXPIRED"
    made.collector.trust = lambda nonce: statement(KEY, nonce, OLD)
    again = made(known(OLD, key=KEY, floor=now() + 5 * YEAR), unset())
    assert again.ask() == "ok"
    found = load(again.file)
    assert found is not None
    assert found.floor < now() + DAY


def test_the_floor_is_written_once_a_day_and_never_by_a_story(made: Make) -> None:
    gateway = made(known(OLD, key=KEY, floor=now() - DAY // 2))
    before = gateway.file.stat().st_mtime_ns
    gateway.trust.heard(now())
    assert gateway.file.stat().st_mtime_ns == before
    gateway.trust.heard(now() + DAY)
    found = load(gateway.file)
    assert found is not None
    assert found.floor > now() + DAY // 2
    told = made(known(OLD, key=KEY), Clock(now(), ClockState.STORY))
    told.trust.heard(now() + 9 * YEAR)
    found = load(told.file)
    assert found is not None
    assert found.floor == 0


async def test_data_goes_on_when_the_ca_changed_overnight(
    made: Make, config: EdgeConfig, collector: FakeCollector
) -> None:
    made.serve(OLD)
    folder = trusting(made.folder, known(OLD, key=None))
    link = replace(config.collector, url=collector.url, identity_folder=folder)
    async with rig(config, link) as gateway:
        await gateway.put(3)
        await until(collector, lambda c: c.count() == 3)
        made.swap(NEW)  # and nobody signs: lines that stand go on, new ones wait
        collector.fault = lambda _: "cut"
        await gateway.put(3)
        trusting(made.folder, known(NEW))  # put there by hand, as after an enrolment
        collector.fault = lambda _: None
        await until(collector, lambda c: c.count() == 6)
        await gateway.delivered()
    assert collector.values() == [float(number) for number in range(6)]
