"""A gateway with a key signs all it says and believes only the collector it knows."""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.message import Message
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from edge.buffer import Buffer
from edge.config import EdgeConfig
from edge.exchange import Exchange
from edge.gateway import origin_of
from edge.identity import KEY
from edge.trust_file import TRUST, Known, save
from edge.uplink_http import Connection
from protocols.clock import SystemClock
from protocols.errors import NotAnAnswer, UplinkRefused
from protocols.owner_thread import OwnerThread
from protocols.signing.answer import signed
from protocols.signing.keys import Ed25519Signer
from protocols.signing.request import (
    BATCHES,
    OPENINGS,
    OTHERS,
    message_of,
    read_signature,
    verify_request,
)
from protocols.wire.canonical import dump
from protocols.wire.headers import CLOCK, NONCE, content_digest, format_clock, parse_clock
from protocols.words import Lane, Reading
from tests.edge.test_delivery import DATA, config_of, rig
from tests.edge.waiting import eventually
from tests.fakes import FakeCollector

Change = Callable[[bytes], bytes]


class SigningCollector(FakeCollector):
    """Takes what `trusts` signed and nothing else; signs answers unless `spoil` changes them."""

    def __init__(self) -> None:
        super().__init__()
        self.key = Ed25519Signer.generate()
        self.trusts = Ed25519Signer.generate()
        self.spoil: Change | None = None
        self.between: Callable[[Message], None] | None = None
        """Who stands between and may change the fields of a request."""
        self.refused = 0
        self.number = secrets.token_hex(16)
        self.again = 0

    def _do(
        self, method: str, parts: list[str], request: BaseHTTPRequestHandler, *rest: Any
    ) -> tuple[int, bytes]:
        body = rest[0]
        assert "Authorization" not in request.headers, "the token stays at home"
        if self.between is not None:
            self.between(request.headers)
        claimed = read_signature(request.headers)
        assert claimed is not None
        message = message_of(request.headers, method, request.path, claimed)
        if not verify_request(self.trusts.public, claimed, message):
            assert self.between is not None
            self.refused += 1
            return 401, b'{"code":"SIGNATURE","params":{}}'
        assert message.content_digest == content_digest(body)
        opens = OPENINGS if (method, parts[0]) == ("PUT", "streams") else OTHERS
        assert claimed.components == (BATCHES if parts[-1] == "batches" else opens)
        if parts[0] in ("health", "cursors"):
            if claimed.nonce != self.number:
                self.again += 1
                said = f'{{"code":"NONCE","params":{{"nonce":"{self.number}"}}}}'
                return 401, said.encode()
            self.number = secrets.token_hex(16)
            bring(request, self.number)
        status, answer = super()._do(method, parts, request, *rest)
        if b'"signature":null' not in answer:
            return status, answer
        return status, (self.spoil or (lambda data: signed(data, self.key)))(answer)


def bring(request: BaseHTTPRequestHandler, number: str) -> None:
    """Let the answer to this request have the next number."""
    end = request.end_headers

    def with_the_next() -> None:
        request.end_headers = end  # type: ignore[method-assign]
        request.send_header(NONCE, number)
        end()

    request.end_headers = with_the_next  # type: ignore[method-assign]


@pytest.fixture
def collector() -> Iterator[SigningCollector]:
    made = SigningCollector()
    yield made
    made.close()


@pytest.fixture
def config(tmp_path: Path, collector: SigningCollector) -> EdgeConfig:
    """Of an enrolled gateway."""
    folder = tmp_path / "identity"
    folder.mkdir()
    key = folder / KEY
    key.touch(0o600)
    key.write_bytes(collector.trusts.dump())
    known = Known(collector="c0" * 8, key=collector.key.public.encode(), name=None, authorities=())
    save(folder / TRUST, known)
    made = config_of(tmp_path, collector)
    return replace(made, collector=replace(made.collector, identity_folder=folder))


async def test_everything_a_gateway_with_a_key_sends_is_signed(
    config: EdgeConfig, collector: SigningCollector
) -> None:
    async with rig(config) as gateway:
        await gateway.put(30)
        await gateway.delivered()
    assert sorted(collector.values()) == [float(n) for n in range(30)]
    (held,) = collector.streams.values()
    assert held.opening.sig_alg == "ed25519"


async def test_questions_are_signed_with_the_number_of_the_last_answer(
    config: EdgeConfig, collector: SigningCollector
) -> None:
    connection = Connection(config.collector, "test")
    async with rig(config) as gateway:
        exchange = Exchange(connection, OwnerThread("x"), gateway.buffer, SystemClock(), "b0" * 16)
        for _ in range(3):
            await exchange.post_health(b"{}")
            await exchange.ask(["ab" * 16])
        assert collector.again == 1, "only the first had no number"
        collector.number = secrets.token_hex(16)  # it was started again
        await exchange.post_health(b"{}")
        assert collector.again == 2
        await exchange.close()
    assert len(collector.health) == 4


async def test_who_moves_the_clock_on_the_way_stops_the_delivery_and_nothing_is_forgotten(
    config: EdgeConfig, collector: SigningCollector
) -> None:
    def an_hour_ago(fields: Message) -> None:
        if (said := fields[CLOCK]) is not None:
            known = parse_clock(said)
            moved = known._replace(wall=known.wall - 3_600_000_000)
            fields.replace_header(CLOCK, format_clock(moved))

    collector.between = an_hour_ago
    async with rig(config) as gateway:
        await gateway.put(3)
        lane = gateway.state.lanes[Lane.LIVE]
        await eventually(lambda: lane.problem == "SIGNATURE")
        assert (await gateway.buffer.stats()).data.readings == 3
        assert (collector.refused > 0, collector.streams) == (True, {})
        collector.between = None
        await gateway.delivered()
    assert sorted(collector.values()) == [0.0, 1.0, 2.0]


SPOILT: dict[str, Change] = {
    "unsigned": lambda data: data,
    "by another": lambda data: signed(data, Ed25519Signer.generate()),
}


@pytest.mark.parametrize("how", [*SPOILT, "changed", "older"])
async def test_what_the_collector_did_not_sign_lets_nothing_be_forgotten(
    config: EdgeConfig, collector: SigningCollector, how: str
) -> None:
    def changed(data: bytes) -> bytes:
        return signed(data, collector.key).replace(b'"committed":3', b'"committed":9')

    def older(data: bytes) -> bytes:
        said = json.loads(data) | {"nonce": "0" * 32}
        return signed(dump(said, "answer"), collector.key)

    collector.spoil = SPOILT.get(how) or {"changed": changed, "older": older}[how]
    async with rig(config) as gateway:
        await gateway.put(3)
        refused = gateway.state.lanes[Lane.LIVE]
        await eventually(lambda: refused.problem == "NOT_AN_ANSWER")
        stats = await gateway.buffer.stats()
        assert stats.data.readings == 3
        collector.spoil = None
        await gateway.delivered()
    assert sorted(collector.values()) == [0.0, 1.0, 2.0]


async def test_cursors_that_nobody_signed_are_no_answer(
    config: EdgeConfig, collector: SigningCollector
) -> None:
    collector.spoil = SPOILT["unsigned"]
    async with rig(config) as gateway:
        connection = Connection(config.collector, "test")
        exchange = Exchange(connection, OwnerThread("x"), gateway.buffer, SystemClock(), "b0" * 16)
        with pytest.raises(NotAnAnswer) as refused:
            await exchange.ask(["ab" * 16])
        assert refused.value.params["reason"] == "signature"
        await exchange.close()


def test_a_key_that_cannot_be_read_is_told_and_nothing_is_sent(
    config: EdgeConfig, collector: SigningCollector
) -> None:
    folder = config.collector.identity_folder
    assert folder is not None
    (folder / KEY).write_bytes(b"nonsense")
    assert origin_of(config, "b0" * 16).sig_alg == "none"
    with pytest.raises(UplinkRefused):
        Connection(config.collector, "test").request("POST", "health", b"{}")
    assert collector.asked == []


async def test_a_backlog_from_before_the_key_goes_out_signed(
    config: EdgeConfig, collector: SigningCollector
) -> None:
    before = replace(config.collector, identity_folder=None)
    origin = origin_of(replace(config, collector=before), "b0" * 16)
    buffer = await Buffer.open(config.buffer, origin, SystemClock())
    buffer.append(DATA, [Reading(0, 1.0, 0, SystemClock().mono())])
    await buffer.seal(DATA)
    await buffer.close()
    async with rig(config) as gateway:
        await gateway.delivered()
    assert [held.opening.sig_alg for held in collector.streams.values()] == ["none"]
