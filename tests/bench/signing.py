"""What signing costs a request, in microseconds of processor time, at the gateway and the centre.

At the gateway: body's digest, signature, the chain's heads and the check of the answer, by the
product's own `Proof` with files on disk. At the centre: reading and checking the signature with its
digest, the chain's heads, and the signed answer. A request holds a second of a gateway with 100
points in one batch; `ten` holds ten batches. What both sides do anyway (packing, storing) is not in
it. Compared with the library that knows all of RFC 9421. `least_us` beside the median tells what
others do on the same processor meanwhile.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from edge.config import CollectorLink
from edge.identity import KEY
from edge.proving import Proof
from edge.trust import Trust
from edge.trust_file import TRUST, Known, save
from protocols.clock import ClockState, SystemClock
from protocols.signing.answer import sign_answer
from protocols.signing.keys import Ed25519Signer
from protocols.signing.request import BATCHES, message_of, read_signature, verify_request
from protocols.wire.answer import Answer, encode_answer, parse_answer
from protocols.wire.batch import Stamp, encode_readings
from protocols.wire.chain import chain_next
from protocols.wire.headers import (
    CHAIN,
    CLOCK,
    CONTENT_DIGEST,
    NONCE,
    ClockReport,
    content_digest,
    format_chain,
    format_clock,
    new_nonce,
    parse_content_digest,
)
from protocols.wire.request import pack
from tests.bench.codecs import walk

LIMIT_US: Final = 300
ROUNDS: Final = 50
REPEATS: Final = 41
READINGS: Final = 100
STREAM: Final = "ab" * 16
PATH: Final = f"/api/v1/ingest/streams/{STREAM}/batches"
HEAD: Final = bytes(32)
REPORT: Final = ClockReport(
    boot="cd" * 16, mono=86_400_000_000, wall=1_770_000_000_000_000, state=ClockState.SYNCHRONISED
)


class Sides:
    """A gateway and a collector that trust each other, and one request between them."""

    def __init__(self, folder: Path, batches: int) -> None:
        self.gateway, self.collector = Ed25519Signer.generate(), Ed25519Signer.generate()
        self.sealed = sealed(batches)
        self.body, encoding = pack(self.sealed)
        self.given = {
            "Content-Type": "application/vnd.fengsui.batches",
            "Content-Encoding": encoding,
            CHAIN: format_chain(batches * READINGS, heads(self.sealed)),
            CLOCK: format_clock(REPORT),
            NONCE: new_nonce(),
        }
        (folder / KEY).touch(0o600)
        (folder / KEY).write_bytes(self.gateway.dump())
        known = Known(
            collector="c0" * 8, key=self.collector.public.encode(), name=None, authorities=()
        )
        save(folder / TRUST, known)
        link = CollectorLink(url="http://127.0.0.1:9", identity_folder=folder)
        self.proof = Proof(link, Trust(folder / TRUST, SystemClock()))
        self.signed = self.sign()
        self.answer = Answer(
            stream=STREAM, committed=100, safe=100, incarnation="ef" * 16, credit=1 << 20,
            retry_after_ms=0, now=1_770_000_000_000_000, nonce=self.given[NONCE],
        )  # fmt: skip
        self.data = sign_answer(self.answer, self.collector)

    def sign(self) -> dict[str, str]:
        fields = self.given | {CONTENT_DIGEST: content_digest(self.body)}
        return self.proof.fields("POST", PATH, self.body, fields)

    def send(self) -> None:
        """What a gateway does for one request because it signs."""
        heads(self.sealed)
        self.sign()
        self.proof.vouch(self.data)

    def receive(self) -> None:
        """What the centre does for one request because it is signed."""
        claimed = read_signature(self.signed)
        assert claimed is not None
        message = message_of(self.signed, "POST", PATH, claimed)
        assert verify_request(self.gateway.public, claimed, message)
        assert content_digest(self.body) == message.content_digest
        assert parse_content_digest(message.content_digest)
        heads(self.sealed)
        sign_answer(self.answer, self.collector)


def sealed(count: int) -> list[bytes]:
    """Return consecutive batches of a hundred readings."""
    stamp, readings = Stamp(clock_state=1, number=1, seq0=1, mono0=0, wall0=0), walk(READINGS)
    stamps = (replace(stamp, seq0=1 + at * READINGS) for at in range(count))
    return [encode_readings(each, readings, [2] * 25) for each in stamps]


def heads(batches: list[bytes]) -> bytes:
    head = HEAD
    for batch in batches:
        head = chain_next(head, batch)
    return head


def measure() -> Iterator[dict[str, object]]:
    """Yield each side's microseconds a request; `within` says whether the limit holds."""
    for name, batches in (("one", 1), ("ten", 10)):
        with tempfile.TemporaryDirectory() as folder:
            sides = Sides(Path(folder), batches)
            for side, work in (("gateway", sides.send), ("centre", sides.receive)):
                least, cost = spread(work)
                yield {
                    "name": f"signing.{side}.{name}",
                    "request_us": cost,
                    "least_us": least,
                    "limit_us": LIMIT_US,
                    "within": cost <= LIMIT_US,
                    "batches": batches,
                    "body_bytes": len(sides.body),
                }
    with tempfile.TemporaryDirectory() as folder:
        yield parts(Sides(Path(folder), 1))


def parts(sides: Sides) -> dict[str, object]:
    """Return what the parts cost, and what the library would."""
    claimed = read_signature(sides.signed)
    assert claimed is not None
    message = message_of(sides.signed, "POST", PATH, claimed)
    plain = encode_answer(sides.answer)
    return {
        "name": "signing.parts",
        "ed25519_sign_us": microseconds(lambda: sides.gateway.sign(plain)),
        "ed25519_verify_us": microseconds(
            lambda: sides.gateway.public.verify(claimed.signature, plain)
        ),
        "sign_request_us": microseconds(sides.sign),
        "verify_request_us": microseconds(
            lambda: verify_request(sides.gateway.public, claimed, message)
        ),
        "sign_answer_us": microseconds(lambda: sign_answer(sides.answer, sides.collector)),
        "vouch_answer_us": microseconds(lambda: sides.proof.vouch(sides.data)),
        "parse_answer_us": microseconds(
            lambda: parse_answer(sides.data, STREAM, sides.given[NONCE])
        ),
        "library_sign_request_us": microseconds(library(sides)),
    }


def library(sides: Sides) -> Callable[[], object]:
    """Return the same signature by the library."""

    class Keys(HTTPSignatureKeyResolver):
        def resolve_private_key(self, key_id: str) -> object:
            return sides.gateway._private

        def resolve_public_key(self, key_id: str) -> object:
            raise KeyError(key_id)

    class Request:
        method = "POST"
        url = f"https://collector.example{PATH}"

        def __init__(self) -> None:
            self.headers = sides.given | {CONTENT_DIGEST: content_digest(sides.body)}

    signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=Keys())
    return lambda: signer.sign(
        Request(),
        key_id=sides.gateway.keyid,
        nonce=sides.given[NONCE],
        covered_component_ids=BATCHES,
        use_existing_digest=True,
    )


def microseconds(work: Callable[[], object]) -> float:
    """Return the median microseconds of one call."""
    return spread(work)[1]


def spread(work: Callable[[], object]) -> tuple[float, float]:
    """Return the least and the median microseconds of processor time of one call."""
    costs = []
    for _ in range(REPEATS):
        started = time.thread_time()
        for _ in range(ROUNDS):
            work()
        costs.append((time.thread_time() - started) * 1e6 / ROUNDS)
    costs.sort()
    return round(costs[0], 1), round(costs[REPEATS // 2], 1)
