"""Whom a gateway takes for its collector: pins, the fixed name, dates by a clock that is right."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.config import EdgeConfig
from edge.trust import CertificateRefused, Trust
from edge.trust_file import TRUST, TrustUnreadable
from edge.uplink_http import Connection
from protocols.clock import ClockState
from protocols.errors import UplinkError
from protocols.signing.keys import Ed25519Signer
from protocols.texts import text
from tests.certificates import (
    DAY,
    NAME,
    YEAR,
    authority,
    known,
    now,
    over_tls,
    put,
    server,
    trusting,
)
from tests.edge.test_delivery import collector, config, rig, until
from tests.edge.waiting import eventually
from tests.fakes import FakeCollector
from tests.proxies import Proxy

__all__ = ["collector", "config"]  # fixtures

PIN = authority()
KEY = Ed25519Signer.generate()


class Clock:
    """A gateway's clock: where it stands and whether anything vouches for it."""

    def __init__(self, at: int, state: ClockState) -> None:
        self.at = at
        self.state = state

    def now(self) -> int:
        return self.at

    def mono(self) -> int:
        return 7

    async def sleep(self, microseconds: int) -> None:
        raise NotImplementedError


def right() -> Clock:
    return Clock(now(), ClockState.SYNCHRONISED)


def unset() -> Clock:
    return Clock(30_000_000, ClockState.UNSYNCHRONISED)


def believed_1970() -> Clock:
    return Clock(30_000_000, ClockState.SYNCHRONISED)


Ask = Callable[..., str]


@pytest.fixture
def ask(config: EdgeConfig, collector: FakeCollector, tmp_path: Path) -> Iterator[Ask]:
    """Connect once with a `trust.json`; returns the error's code, or `ok`."""
    made: list[Connection] = []

    def asked(clock: Clock, what: object = None, **changes: object) -> str:
        folder = tmp_path / "identity"
        if what is not None:
            folder = trusting(tmp_path, what)  # type: ignore[arg-type]
        link = replace(config.collector, url=collector.url, **changes)  # type: ignore[arg-type]
        connection = Connection(link, "test", trust=Trust(folder / TRUST, clock))
        made.append(connection)
        try:
            connection.request("POST", "health", b"{}")
        except UplinkError as exc:
            said = [text(exc.code, exc.params, language) for language in ("zh", "en")]
            return exc.code if "{" not in "".join(said) else f"{said}"
        return "ok"

    yield asked
    for each in made:
        each.close()


@pytest.mark.parametrize("clock", [right, unset, believed_1970])
def test_the_pinned_ca_and_the_fixed_name_are_enough_at_any_address(
    ask: Ask, collector: FakeCollector, tmp_path: Path, clock: Callable[[], Clock]
) -> None:
    over_tls(collector, put(tmp_path / "s.pem", server(PIN)))
    assert ask(clock(), known(PIN)) == "ok"
    assert len(collector.health) == 1


@pytest.mark.parametrize("clock", [right, unset])
def test_another_ca_is_refused_and_nothing_goes_out(
    ask: Ask, collector: FakeCollector, tmp_path: Path, clock: Callable[[], Clock]
) -> None:
    over_tls(collector, put(tmp_path / "s.pem", server(authority())))
    assert ask(clock(), known(PIN)) == "TLS_WRONG_CA"
    assert collector.tokens == []


@pytest.mark.parametrize("clock", [right, unset])
def test_another_collector_of_the_same_ca_is_refused(
    ask: Ask, collector: FakeCollector, tmp_path: Path, clock: Callable[[], Clock]
) -> None:
    other = server(PIN, "collector.fedcba9876543210", "127.0.0.1")
    over_tls(collector, put(tmp_path / "s.pem", other))
    assert ask(clock(), known(PIN)) == "TLS_WRONG_NAME"
    assert collector.tokens == []


def test_a_given_certificate_is_held_against_the_address(
    ask: Ask, collector: FakeCollector, tmp_path: Path
) -> None:
    over_tls(collector, put(tmp_path / "s.pem", server(PIN, "127.0.0.1")))
    given = replace(known(PIN), name=None)
    assert ask(right(), given) == "ok"
    collector.url = collector.url.replace("127.0.0.1", "localhost")
    assert ask(right(), given) == "TLS_WRONG_NAME"


def test_an_expired_certificate(
    ask: Ask, collector: FakeCollector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.trust.BUILT", now() - DAY // 2)  # whatever day it is by now
    over_tls(collector, put(tmp_path / "s.pem", server(PIN, begin=-30 * DAY, end=-DAY)))
    assert ask(right(), known(PIN)) == "TLS_EXPIRED"
    assert ask(unset(), known(PIN)) == "TLS_EXPIRED"  # it ended before this program was made
    assert collector.tokens == []


def test_an_expired_certificate_before_anybody_told_the_time(
    ask: Ask, collector: FakeCollector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.trust.BUILT", now() - 10 * DAY)
    over_tls(collector, put(tmp_path / "s.pem", server(PIN, begin=-30 * DAY, end=-DAY)))
    assert ask(unset(), known(PIN)) == "ok"  # nothing says what day it is
    assert ask(unset(), known(PIN, floor=now() - 2 * DAY)) == "ok"
    assert ask(unset(), known(PIN, floor=now())) == "TLS_EXPIRED"  # the collector had said
    assert ask(believed_1970(), known(PIN, floor=now())) == "TLS_EXPIRED"
    assert len(collector.tokens) == 2


def test_a_signed_answer_tells_the_time_and_the_next_connection_goes_by_it(
    config: EdgeConfig,
    collector: FakeCollector,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge.trust.BUILT", now() - 10 * DAY)
    over_tls(collector, put(tmp_path / "s.pem", server(PIN, begin=-30 * DAY, end=-DAY)))
    trust = Trust(trusting(tmp_path, known(PIN)) / TRUST, unset())
    connection = Connection(replace(config.collector, url=collector.url), "test", trust=trust)
    assert connection.request("POST", "health", b"{}").status == 200
    trust.heard(now())
    assert connection.request("POST", "health", b"{}").status == 200  # the same connection
    connection.close()
    with pytest.raises(CertificateRefused) as caught:
        connection.request("POST", "health", b"{}")
    assert caught.value.code == "TLS_EXPIRED"
    again = Trust(tmp_path / "identity" / TRUST, unset())  # after a restart
    later = Connection(replace(config.collector, url=collector.url), "test", trust=again)
    with pytest.raises(CertificateRefused):
        later.request("POST", "health", b"{}")
    connection.close()


@pytest.mark.parametrize(("clock", "expected"), [(right, "TLS_NOT_YET"), (unset, "ok")])
def test_a_certificate_of_tomorrow(
    ask: Ask, collector: FakeCollector, tmp_path: Path, clock: Callable[[], Clock], expected: str
) -> None:
    over_tls(collector, put(tmp_path / "s.pem", server(PIN, begin=DAY, end=YEAR)))
    assert ask(clock(), known(PIN)) == expected


def test_an_ended_ca_counts_as_little_as_an_ended_certificate(
    ask: Ask, collector: FakeCollector, tmp_path: Path
) -> None:
    ended = authority(begin=-21 * YEAR, end=-YEAR)
    over_tls(collector, put(tmp_path / "s.pem", server(ended, begin=-2 * YEAR, end=YEAR)))
    for clock in (right(), unset()):
        assert ask(clock, known(ended)) == "TLS_EXPIRED"


FIRST_BOOT = """
import sys
from dataclasses import replace
from pathlib import Path
from edge.config import CollectorLink
from edge.uplink_http import Connection
link = CollectorLink(url=sys.argv[1], token_file=Path(sys.argv[2]),
                     identity_folder=Path(sys.argv[3]) if sys.argv[3] else None, timeout=20.0)
connection = Connection(link, "test")
try:
    print(connection.request("POST", "health", b"{}").status)
except Exception as exc:
    print(getattr(exc, "code", exc))
connection.close()
"""


@pytest.mark.skipif(shutil.which("faketime") is None, reason="needs faketime")
@pytest.mark.parametrize(("enrolled", "said"), [(True, "200"), (False, "TLS_NOT_YET")])
def test_a_machine_that_boots_in_1970(
    config: EdgeConfig, collector: FakeCollector, tmp_path: Path, enrolled: bool, said: str
) -> None:
    made = server(PIN, NAME, "127.0.0.1")
    over_tls(collector, put(tmp_path / "s.pem", made))
    (tmp_path / "ca.pem").write_bytes(PIN.public())
    folder = trusting(tmp_path, known(PIN)) if enrolled else ""
    arguments = (collector.url, str(config.collector.token_file), str(folder))
    done = subprocess.run(
        ["faketime", "-f", "@1970-01-02 00:00:30", sys.executable, "-c", FIRST_BOOT, *arguments],
        env={
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
            "PATH": "/usr/bin:/bin",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == said, done.stderr


def test_the_name_holds_through_a_proxys_tunnel(
    ask: Ask, collector: FakeCollector, tmp_path: Path
) -> None:
    over_tls(collector, put(tmp_path / "s.pem", server(PIN)))
    proxy = Proxy()
    try:
        assert ask(right(), known(PIN), proxy=proxy.url) == "ok"
        assert ask(right(), known(authority()), proxy=proxy.url) == "TLS_WRONG_CA"
        assert proxy.asked == [f"CONNECT {collector.url.removeprefix('https://')}"] * 2
    finally:
        proxy.close()


def test_what_does_not_speak_tls_is_named(ask: Ask, collector: FakeCollector) -> None:
    collector.url = collector.url.replace("http:", "https:")
    assert ask(right(), known(PIN)) == "TLS_NOT_SPOKEN"


@pytest.mark.parametrize("content", ["", "{}", "no JSON", '{"collector": 7}'])
def test_a_damaged_file_trusts_nobody(
    ask: Ask, collector: FakeCollector, tmp_path: Path, content: str
) -> None:
    over_tls(collector, put(tmp_path / "s.pem", server(PIN)))
    trusting(tmp_path, known(PIN))
    (tmp_path / "identity" / TRUST).write_text(content)
    assert ask(right()) == "TRUST_UNREADABLE"
    trusting(tmp_path, known(PIN))  # put right, without a restart
    assert ask(right()) == "ok"


def test_without_the_file_the_machines_own_cas_count(
    ask: Ask, collector: FakeCollector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    over_tls(collector, put(tmp_path / "s.pem", server(PIN, "127.0.0.1")))
    assert ask(right()) == "TLS_WRONG_CA"
    (tmp_path / "ca.pem").write_bytes(PIN.public())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert ask(right()) == "ok"


def test_a_file_lost_beside_a_key_of_ours_trusts_nobody(
    ask: Ask,
    config: EdgeConfig,
    collector: FakeCollector,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who was enrolled does not take any answer, signed or not, for its collector's."""
    over_tls(collector, put(tmp_path / "s.pem", server(PIN, NAME, "127.0.0.1")))
    (tmp_path / "ca.pem").write_bytes(PIN.public())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    trusting(tmp_path, known(PIN, key=KEY))
    (tmp_path / "identity" / "gateway.key").touch(mode=0o600)
    assert ask(right()) == "ok"
    (tmp_path / "identity" / TRUST).unlink()
    assert ask(right()) == "TRUST_UNREADABLE"
    trust = Trust(tmp_path / "identity" / TRUST, right())
    with pytest.raises(TrustUnreadable):
        Connection(config.collector, "test", trust=trust).vouch(b"{}")
    trusting(tmp_path, known(PIN, key=KEY))
    assert ask(right()) == "ok"


async def test_a_captive_portal_over_tls_and_then_the_collector(
    config: EdgeConfig, collector: FakeCollector, tmp_path: Path
) -> None:
    portal = server(authority(), "127.0.0.1")
    context = over_tls(collector, put(tmp_path / "portal.pem", portal))
    folder = trusting(tmp_path, known(PIN))
    link = replace(config.collector, url=collector.url, identity_folder=folder)
    async with rig(config, link) as gateway:
        await gateway.put(5)
        await eventually(lambda: gateway.state.problem == "TLS_WRONG_CA")
        assert collector.tokens == []
        assert (await gateway.buffer.stats()).data.readings == 5
        context.load_cert_chain(put(tmp_path / "s.pem", server(PIN)))
        await until(collector, lambda c: c.count() == 5)
        await gateway.delivered()


async def test_a_proxys_page_inside_the_right_tls_is_no_answer(
    config: EdgeConfig, collector: FakeCollector, tmp_path: Path
) -> None:
    over_tls(collector, put(tmp_path / "s.pem", server(PIN)))
    folder = trusting(tmp_path, known(PIN))
    link = replace(config.collector, url=collector.url, identity_folder=folder)
    collector.fault = lambda _: "html"
    async with rig(config, link) as gateway:
        await gateway.put(5)
        await eventually(lambda: gateway.state.problem in ("NOT_THE_COLLECTOR", "NOT_AN_ANSWER"))
        assert (await gateway.buffer.stats()).data.readings == 5
        collector.fault = lambda _: None
        await until(collector, lambda c: c.count() == 5)
        await gateway.delivered()
