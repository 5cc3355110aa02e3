"""The fixtures of format version 1: bytes written once, read and written again by every version.

`v1/` holds what must be accepted, `refused/` what must not, with the code in `refused/index.json`.
Compressed bodies are only read: another zlib or zstd may write other bytes for the same content.
"""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocols.alarms.rule import Level
from protocols.device import Bus, Device, Point
from protocols.profile import MqttAddress, ProfilePoint
from protocols.signing.keys import Ed25519Signer, PublicKey
from protocols.signing.request import (
    claimed_base,
    message_of,
    read_signature,
    sign_request,
    verify_request,
)
from protocols.wire.answer import Answer, encode_answer, parse_answer
from protocols.wire.batch import (
    LedgerLine,
    SkipReason,
    Stamp,
    decode_batch,
    encode_events,
    encode_readings,
    encode_skip,
)
from protocols.wire.chain import chain_next, chain_start
from protocols.wire.manifest import decode_manifest, encode_manifest, manifest_digest
from protocols.wire.opening import Opening, decode_opening, encode_opening
from protocols.wire.request import (
    content_digest,
    format_chain,
    format_clock,
    parse_chain,
    parse_clock,
    parse_content_digest,
    parse_nonce,
    unpack,
)
from protocols.words import Event, PointId, Purpose, Reading, StreamKind, TimeMark
from tests.protocols.wire.strategies import exact, refusal

FOLDER = Path(__file__).resolve().parents[2] / "testcases" / "wire"
OF_SHEET = (
    "quantity", "unit", "type", "decimals", "low", "high", "stale", "lane", "enumeration",
)  # fmt: skip
V1 = FOLDER / "v1"
REFUSED = json.loads((FOLDER / "refused" / "index.json").read_text(encoding="utf-8"))


def raw(name):
    return (V1 / name).read_bytes()


def told(name):
    return json.loads(raw(name))


def stamp_of(case):
    return Stamp(**case["stamp"])


def rows_of(case):
    return [Reading(*row[:4], TimeMark(row[4])) for row in case["readings"]]


@pytest.mark.parametrize("name", ["readings", "readings-mixed", "readings-source"])
def test_readings(name):
    case = told(f"{name}.json")
    batch = decode_batch(raw(f"{name}.bin"))
    assert batch.header.stamp == stamp_of(case)
    assert exact(batch.readings()) == exact(rows_of(case))
    written = encode_readings(stamp_of(case), rows_of(case), case["decimals"])
    assert written == raw(f"{name}.bin")


def test_events():
    case = told("events.json")
    happened = [
        Event(code, subject, time, tuple(sorted(params.items())))
        for code, subject, time, params in case["events"]
    ]
    batch = decode_batch(raw("events.bin"))
    assert batch.header.stamp == stamp_of(case)
    assert batch.events == happened
    assert encode_events(stamp_of(case), happened) == raw("events.bin")


def test_skip():
    case = told("skip.json")
    ledger = [LedgerLine(**line) for line in case["ledger"]]
    batch = decode_batch(raw("skip.bin"))
    assert batch.header.stamp == stamp_of(case)
    assert (batch.reason, batch.ledger) == (SkipReason[case["reason"]], ledger)
    assert encode_skip(stamp_of(case), batch.reason, ledger) == raw("skip.bin")


def test_opening():
    opening = decode_opening(raw("opening.json"))
    assert opening == Opening(
        stream="00112233445566778899aabbccddeeff",
        number=7,
        gateway="gw-qingyun",
        kind=StreamKind.DATA,
        boot="ffeeddccbbaa99887766554433221100",
        purpose=Purpose.PRODUCTION,
        manifest=manifest_digest(raw("manifest.json")),
        opened=1_770_000_000_000_000,
    )
    assert encode_opening(opening) == raw("opening.json")


def device_again(manifest, device):
    """Return the device as a configuration has it."""
    points = tuple(
        Point(
            index=index,
            id=PointId(point.site, manifest.gateway, point.device, point.name),
            sheet=ProfilePoint(
                name=point.name,
                label=point.label,
                address=MqttAddress(topic="t"),
                **{key: getattr(point, key) for key in OF_SHEET},
            ),
            label=point.label,
            object=point.object,
            limits=point.limits,
        )
        for index, point in enumerate(manifest.points)
        if (point.site, point.device) == (device.site, device.name)
    )
    return Device(
        site=device.site,
        name=device.name,
        label=device.label,
        profile=device.profile,
        points=points,
        scan=1.0,
    )


def test_manifest():
    found = decode_manifest(raw("manifest.json"))
    case = told("manifest.json")
    assert [str(found.point_id(index)) for index in range(len(found.points))] == [
        f"{point['site']}/gw-qingyun/{point['device']}/{point['name']}" for point in case["points"]
    ]
    assert found.label.zh == case["gateway"]["label"]["zh"]
    assert [asdict(level)["limit"] for point in found.points for level in point.limits] == [
        level["limit"] for point in case["points"] for level in point["limits"]
    ]
    assert all(isinstance(level, Level) for point in found.points for level in point.limits)
    buses = [
        Bus(name=device.bus, protocol=device.protocol, devices=(device_again(found, device),))
        for device in found.devices
    ]
    written = encode_manifest(found.gateway, found.label, found.sites, found.objects, buses)
    assert written == raw("manifest.json")


@pytest.mark.parametrize("encoding", ["deflate", "zstd"])
def test_request(encoding):
    batches = [raw(name) for name in ("readings.bin", "readings-mixed.bin", "skip.bin")]
    assert unpack(raw(f"request.{encoding}"), encoding) == batches


def test_headers():
    case = told("request.json")
    head = chain_start(raw("opening.json"))
    for name in ("readings.bin", "readings-mixed.bin", "skip.bin"):
        head = chain_next(head, raw(name))
    last = decode_batch(raw("skip.bin")).header.last
    assert format_chain(last, head) == case["Fengsui-Chain"]
    assert parse_chain(case["Fengsui-Chain"]) == (last, head)
    assert content_digest(raw("request.deflate")) == case["Content-Digest"]
    assert len(parse_content_digest(case["Content-Digest"])) == 32
    report = parse_clock(case["Fengsui-Clock"])
    assert (report.mono, report.wall) == (12_000_000, 1_770_000_007_000_000)
    assert report.boot == decode_opening(raw("opening.json")).boot
    assert format_clock(report) == case["Fengsui-Clock"]
    assert parse_nonce(case["Fengsui-Nonce"]) == case["Fengsui-Nonce"]


@pytest.mark.parametrize("case", told("signed.json")["requests"], ids=lambda case: case["path"])
def test_signed(case):
    known = told("signed.json")
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(known["private"]))
    signer = Ed25519Signer(private)
    assert (signer.public.encode(), signer.keyid) == (known["public"], known["keyid"])
    fields, body = case["fields"], case["body"]
    sent = raw(body["file"]) if "file" in body else body["text"].encode()
    assert fields["Content-Digest"] == content_digest(sent)
    claimed = read_signature(fields)
    message = message_of(fields, case["method"], case["path"], claimed)
    assert claimed_base(claimed, message).decode().split("\n") == case["signed"]
    assert verify_request(PublicKey.parse(known["public"]), claimed, message)
    # Ed25519 signs the same the same way: who writes these fields has understood section 6.1.
    made = sign_request(signer, message, claimed.nonce, claimed.components)
    assert made == {name: fields[name] for name in ("Signature-Input", "Signature")}


@pytest.mark.parametrize("name", ["answer", "answer-gap"])
def test_answer(name):
    case = told(f"{name}.json")
    answer = parse_answer(raw(f"{name}.json"), case["stream"], case["nonce"])
    assert isinstance(answer, Answer)
    assert encode_answer(answer) == raw(f"{name}.json")
    assert answer.now == 1_770_000_008_250_000
    assert (answer.code, answer.expected) == ((None, None) if name == "answer" else ("GAP", 41))


DECODE = {
    "batch": decode_batch,
    "opening": decode_opening,
    "manifest": decode_manifest,
    "request": lambda data: unpack(data, "deflate"),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused(name):
    case = REFUSED[name]
    data = (FOLDER / "refused" / name).read_bytes()
    code, _ = refusal(DECODE[case["as"]], data)
    assert code == case["code"], case["why"]


def test_every_file_is_tried():
    assert {file.name for file in (FOLDER / "refused").iterdir()} == {"index.json", *REFUSED}
    tried = Path(__file__).read_text(encoding="utf-8")
    for file in V1.iterdir():
        assert file.stem in tried
