"""Opening, manifest, chain, header fields, requests and answers."""

import hashlib
import json
import zlib
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config import Site, SiteObject
from protocols.alarms.rule import Colour, Level
from protocols.clock import ClockState
from protocols.device import Bus, Device, Point
from protocols.errors import NotAnAnswer, WireError
from protocols.profile import ModbusAddress, ProfilePoint
from protocols.wire import compression
from protocols.wire.answer import Answer, Signature, encode_answer, parse_answer
from protocols.wire.bounds import BATCH_BYTES, INFLATED_BYTES, REQUEST_BATCHES, TIME
from protocols.wire.canonical import dump
from protocols.wire.chain import chain_next, chain_start, digest
from protocols.wire.manifest import decode_manifest, encode_manifest, manifest_digest
from protocols.wire.opening import Opening, decode_opening, encode_opening, new_stream_id
from protocols.wire.request import (
    ClockReport,
    best_encoding,
    content_digest,
    format_chain,
    format_clock,
    inflate,
    new_nonce,
    pack,
    parse_chain,
    parse_clock,
    parse_content_digest,
    parse_nonce,
    unpack,
)
from protocols.words import Label, PointId, Purpose, StreamKind
from tests.protocols.wire.strategies import SAMPLES, refusal

STREAM, NONCE = "ab" * 16, "0f" * 16
OPENING = Opening(
    stream=STREAM,
    number=4,
    gateway="gw-qingyun",
    kind=StreamKind.ALARM,
    boot="12" * 16,
    purpose=Purpose.DRILL,
    manifest="cd" * 32,
    opened=1_770_000_000_000_000,
)
ANSWER = Answer(
    stream=STREAM,
    committed=120,
    safe=100,
    incarnation="77" * 16,
    credit=1 << 20,
    retry_after_ms=0,
    now=1_770_000_000_123_456,
    nonce=NONCE,
)


def test_an_opening_comes_back():
    for kind in StreamKind:
        for purpose in Purpose:
            opening = replace(OPENING, kind=kind, purpose=purpose, stream=new_stream_id())
            assert decode_opening(encode_opening(opening)) == opening


@pytest.mark.parametrize(
    "change",
    [
        {"stream": "AB" * 16}, {"stream": "ab" * 15}, {"number": 0}, {"number": True},
        {"gateway": "网关"}, {"boot": ""}, {"manifest": "cd" * 31}, {"opened": TIME + 1},
        {"digest_alg": "md5"}, {"sig_alg": ""}, {"format": 2},
    ],
)  # fmt: skip
def test_an_opening_outside_its_bounds_is_refused(change):
    assert refusal(encode_opening, replace(OPENING, **change))[0] in ("WIRE_JSON", "WIRE_UNKNOWN")


@pytest.mark.parametrize("key", [field.name for field in fields(Opening)])
def test_an_opening_has_all_its_keys_and_no_other(key):
    record = json.loads(encode_opening(OPENING))
    assert refusal(decode_opening, dump(record | {"more": 1}, "test"))[0] == "WIRE_JSON"
    del record[key]
    assert refusal(decode_opening, dump(record, "test"))[0] == "WIRE_JSON"


def test_a_changed_byte_of_an_opening_is_seen():
    data = encode_opening(OPENING)
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        code, found = refusal(decode_opening, changed)
        assert code or (found != OPENING and encode_opening(found) == changed)


def test_the_chain_is_the_digest_of_head_and_batch():
    head = hashlib.sha256(b"opening").digest()
    assert chain_start(b"opening") == head
    assert chain_next(head, b"batch") == hashlib.sha256(head + b"batch").digest()
    assert refusal(digest, b"", "md5")[0] == "WIRE_UNKNOWN"


def head_after(opening, batches):
    head = chain_start(opening)
    for batch in batches:
        head = chain_next(head, batch)
    return head


@given(st.data())
def test_the_chain_tells_any_flipped_bit_and_any_other_order(data):
    batches = data.draw(st.lists(st.sampled_from(SAMPLES), min_size=2, max_size=6, unique=True))
    pieces = [encode_opening(OPENING), *batches]
    head = head_after(pieces[0], pieces[1:])
    hit = data.draw(st.integers(0, len(pieces) - 1))
    bit = data.draw(st.integers(0, 8 * len(pieces[hit]) - 1))
    flipped = bytearray(pieces[hit])
    flipped[bit // 8] ^= 1 << bit % 8
    changed = [*pieces[:hit], bytes(flipped), *pieces[hit + 1 :]]
    assert head_after(changed[0], changed[1:]) != head
    assert head_after(pieces[0], pieces[:0:-1]) != head
    assert head_after(pieces[0], pieces[1:-1]) != head


LEVEL = Level(
    name="HH", colour=Colour.RED, op=">", limit=8, deadband=0.2, on_delay=3, source="示例",
    status="E", confirmed_by="张三", confirmed_on="2026-01-02", valid_from="04-01",
)  # fmt: skip


def point(index, name="level", device="tank-1", **sheet):
    return Point(
        index=index,
        id=PointId("oil", "gw", device, name),
        sheet=ProfilePoint(
            name=name,
            label=Label("液位"),
            quantity="tank_level",
            address=ModbusAddress(table="holding", address=index, type="uint16"),
            **sheet,
        ),
        label=Label("1 号罐液位", "Tank 1 level"),
        object="t1",
        limits=(LEVEL,),
    )


POINTS = (
    point(0, unit="m", low=0, high=12.5, decimals=2),
    point(
        1,
        "valve",
        type="enum",
        lane="alarm",
        enumeration=((0, Label("关")), (1, Label("开", "on"))),
    ),
)
DEVICE = Device(
    site="oil",
    name="tank-1",
    label=Label("1 号罐"),
    profile="example/tank",
    points=POINTS,
    scan=1.0,
)
BUS = Bus(name="plc", protocol="modbus", devices=(DEVICE,))
SITE = Site(
    name="oil", label=Label("油库"), region="441502", domain="hazardous_chemicals", longitude=115
)
OBJECT = SiteObject(site="oil", name="t1", kind="tank", label=Label("1 号罐"))


def manifest(sites=(SITE,), objects=(OBJECT,), buses=(BUS,)):
    return encode_manifest("gw", Label("网关"), sites, objects, buses)


def test_a_manifest_says_what_the_configuration_says():
    data = manifest()
    found = decode_manifest(data)
    assert found.point_id(1) == PointId("oil", "gw", "tank-1", "valve")
    assert found.sites[0].longitude == 115.0
    assert found.objects[0].kind == "tank"
    assert (found.devices[0].protocol, found.devices[0].bus) == ("modbus", "plc")
    level, valve = found.points
    assert (level.low, level.high, level.decimals, level.unit) == (0.0, 12.5, 2, "m")
    assert level.limits == (LEVEL,)
    assert valve.enumeration == ((0, Label("关")), (1, Label("开", "on")))
    assert (valve.lane, valve.low, valve.label.en) == ("alarm", None, "Tank 1 level")
    assert manifest_digest(data) == hashlib.sha256(data).hexdigest()


def test_points_lie_at_their_index_wherever_their_device_is():
    other = replace(DEVICE, name="tank-2", points=(point(0, device="tank-2"),))
    moved = replace(DEVICE, points=(point(1),))
    found = decode_manifest(manifest(buses=(replace(BUS, devices=(moved, other)),)))
    assert [item.device for item in found.points] == ["tank-2", "tank-1"]


@pytest.mark.parametrize(
    "parts",
    [
        {"sites": (SITE, SITE)},
        {"sites": ()},
        {"objects": ()},
        {"objects": (OBJECT, OBJECT)},
        {"objects": (OBJECT, replace(OBJECT, site="elsewhere"))},
        {"buses": (BUS, BUS)},
        {"buses": (replace(BUS, devices=(replace(DEVICE, points=(point(1),)),)),)},
        {"buses": (replace(BUS, devices=(replace(DEVICE, points=(point(0), point(1))),)),)},
        {"buses": (replace(BUS, devices=(replace(DEVICE, site="elsewhere"),)),)},
    ],
)
def test_a_name_twice_and_a_name_of_nothing_are_refused(parts):
    assert refusal(lambda: manifest(**parts))[0] == "WIRE_REFERENCE"


@pytest.mark.parametrize(
    "sheet", [{"decimals": 10}, {"type": "double"}, {"lane": "live"}, {"low": float("nan")}]
)
def test_a_point_outside_its_bounds_is_refused(sheet):
    device = replace(DEVICE, points=(point(0, **sheet),))
    assert refusal(lambda: manifest(buses=(replace(BUS, devices=(device,)),)))[0] == "WIRE_JSON"


def test_a_point_has_at_most_256_limits_and_words():
    words = tuple((value, Label("词")) for value in range(257))
    for odd in (replace(point(0), limits=(LEVEL,) * 257), point(0, enumeration=words)):
        device = replace(DEVICE, points=(odd,))
        assert refusal(lambda it=device: manifest(buses=(replace(BUS, devices=(it,)),)))[0]


def test_integers_where_the_manifest_has_floats_are_refused():
    data = manifest().replace(b'"low":0.0', b'"low":0')
    assert refusal(decode_manifest, data)[0] == "WIRE_JSON"


@pytest.mark.parametrize("encoding", ["deflate", "zstd", None])
def test_a_request_holds_whole_batches(encoding):
    body, used = pack(SAMPLES, encoding)
    assert used == (encoding or best_encoding())
    assert unpack(body, used) == SAMPLES


def test_without_the_wheel_zlib_is_used(monkeypatch):
    monkeypatch.setattr(compression, "_zstandard", lambda: None)
    body, encoding = pack(SAMPLES)
    assert encoding == "deflate"
    assert unpack(body, encoding) == SAMPLES
    assert refusal(unpack, body, "zstd")[0] == "WIRE_UNKNOWN"


@pytest.mark.parametrize("encoding", ["deflate", "zstd"])
@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda body: body[:-1], "WIRE_COMPRESSED"),
        (lambda body: body + b"x", "WIRE_COMPRESSED"),
        (lambda body: body + body, "WIRE_COMPRESSED"),
        (lambda body: b"", "WIRE_COMPRESSED"),
        (lambda body: bytes((1 << 20) + 1), "WIRE_TOO_LARGE"),
    ],
)
def test_a_damaged_body_is_refused(encoding, damage, code):
    body, _ = pack(SAMPLES, encoding)
    assert refusal(unpack, damage(body), encoding)[0] == code


@pytest.mark.parametrize("encoding", ["deflate", "zstd"])
def test_a_bomb_is_refused_before_it_goes_off(encoding):
    body, _ = compression.compress(bytes(INFLATED_BYTES), encoding)
    assert len(inflate(body, encoding)) == INFLATED_BYTES
    assert refusal(inflate, body, encoding, 1_000_000)[0] == "WIRE_TOO_LARGE"
    assert refusal(pack, [bytes(BATCH_BYTES)] * 9, encoding)[0] == "WIRE_TOO_LARGE"


def test_a_zstd_frame_states_its_size_and_is_believed():
    import zstandard

    # RFC 8878, 3.1.1.1: a single segment with a content size of eight bytes, here 2**40.
    huge = bytes.fromhex("28b52ffd e0") + (1 << 40).to_bytes(8, "little") + b"\x01\x00\x00"
    assert refusal(inflate, huge, "zstd")[0] == "WIRE_TOO_LARGE"

    engine = zstandard.ZstdCompressor(write_content_size=False)
    assert refusal(inflate, engine.compress(b"abc"), "zstd")[0] == "WIRE_COMPRESSED"


@pytest.mark.parametrize(
    ("inflated", "code"),
    [
        (b"", "WIRE_CUT"),
        (b"\x00", "WIRE_RANGE"),
        (b"\x05abcd", "WIRE_CUT"),
        (b"\x81\x00a", "WIRE_FORM"),
        (b"\x81\x80\x40" + bytes(BATCH_BYTES + 1), "WIRE_RANGE"),
        (b"\x01a" * (REQUEST_BATCHES + 1), "WIRE_TOO_LARGE"),
    ],
)
def test_a_request_of_something_else_is_refused(inflated, code):
    assert refusal(unpack, zlib.compress(inflated), "deflate")[0] == code


def test_a_request_has_at_least_one_batch_and_a_known_encoding():
    assert refusal(pack, [])[0] == "WIRE_RANGE"
    assert refusal(pack, SAMPLES, "br")[0] == "WIRE_UNKNOWN"
    assert refusal(unpack, b"", "br")[0] == "WIRE_UNKNOWN"


def test_incompressible_batches_over_the_bound_are_for_fewer_a_request():
    noise = b"".join(hashlib.sha256(bytes([k % 256, k // 256])).digest() for k in range(40_000))
    batches = [noise[:600_000], noise[600_000:]]
    assert refusal(pack, batches)[0] == "WIRE_TOO_LARGE"


REPORT = ClockReport(boot="ab" * 16, mono=12, wall=-1_770, state=ClockState.SYNCHRONISED)


def test_header_fields_come_back():
    head = hashlib.sha256(b"x").digest()
    assert parse_chain(format_chain(42, head)) == (42, head)
    assert parse_clock(format_clock(REPORT)) == REPORT
    assert format_clock(REPORT) == f"boot={'ab' * 16};mono=12;wall=-1770;state=1"
    assert parse_content_digest(content_digest(b"x")) == head
    # RFC 9530, Appendix A, the digest of `{"hello": "world"}` and a line feed.
    hello = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    assert content_digest(b'{"hello": "world"}\n') == hello
    assert parse_nonce(new_nonce()) != new_nonce()


@pytest.mark.parametrize(
    ("parse", "field"),
    [
        (parse_chain, ""),
        (parse_chain, f"seq=01;h={'0' * 64}"),
        (parse_chain, f"seq=1; h={'0' * 64}"),
        (parse_chain, f"seq=1;h={'A' * 64}"),
        (parse_chain, f"seq=9999999999999999999;h={'0' * 64}"),
        (parse_chain, f"seq=１;h={'0' * 64}"),
        (parse_clock, "boot=x;mono=1;wall=1;state=1"),
        (parse_clock, f"boot={'a' * 32};mono=-0;wall=1;state=1"),
        (parse_clock, f"boot={'a' * 32};mono=1;wall=1;state=3"),
        (parse_clock, f"boot={'a' * 32};mono=1;wall=9000000000000000000;state=1"),
        (parse_content_digest, "sha-256=:AAAA:"),
        (parse_content_digest, f"sha-256=:{'A' * 42}B=:"),
        (parse_content_digest, "md5=:AAAA:"),
        (parse_nonce, "0" * 31),
        (parse_nonce, "0" * 32 + "\n"),
    ],
)
def test_unreadable_header_fields_are_refused(parse, field):
    assert refusal(parse, field)[0] == "WIRE_HEADER"


@given(st.text(max_size=60))
def test_header_fields_of_any_text(field):
    for parse in (parse_chain, parse_clock, parse_content_digest, parse_nonce):
        assert refusal(parse, field)[0] == "WIRE_HEADER"


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER,
        replace(ANSWER, signature=Signature(alg="ed25519", keyid="k", value="dmFsdWU=")),
        replace(ANSWER, code="GAP", params={"stream": "x", "n": 3, "why": None}, expected=121),
        replace(ANSWER, code="BUSY", retry_after_ms=1500),
        replace(ANSWER, now=0, committed=0, safe=0),
    ],
)
def test_an_answer_comes_back(answer):
    data = encode_answer(answer)
    assert parse_answer(data, STREAM, NONCE) == answer
    assert dump(json.loads(data), "answer") == data


def test_an_answer_may_say_more_than_this_version_knows():
    body = json.loads(encode_answer(ANSWER)) | {"colour": {"new": True}}
    later = json.dumps(body, indent=1).encode()
    assert parse_answer(later, STREAM, NONCE) == ANSWER
    body["now"] = "2026-02-02T10:40:00.123456+08:00"
    assert parse_answer(json.dumps(body).encode(), STREAM, NONCE).now == ANSWER.now


@pytest.mark.parametrize("key", sorted(json.loads(encode_answer(ANSWER))))
def test_an_answer_without_one_of_its_keys_is_none(key):
    body = json.loads(encode_answer(ANSWER))
    del body[key]
    with pytest.raises(NotAnAnswer):
        parse_answer(dump(body, "test"), STREAM, NONCE)


@pytest.mark.parametrize(
    "change",
    [
        {"stream": "cd" * 16}, {"nonce": "cd" * 16}, {"committed": -1}, {"committed": 1.0},
        {"safe": 121}, {"committed": True}, {"incarnation": ""}, {"now": "2026-02-02T02:40:00"},
        {"now": 5}, {"now": "0001-01-01T00:00:00+99:00"}, {"signature": "x"},
        {"signature": {"alg": "a"}}, {"code": "gap", "params": {}}, {"code": "GAP"},
        {"code": "GAP", "params": {"a": []}}, {"expected": 0}, {"credit": None},
        {"retry_after_ms": "0"}, {"code": "GAP", "params": {"a": 2**64}},
    ],
)  # fmt: skip
def test_an_answer_to_something_else_is_none(change):
    body = json.loads(encode_answer(ANSWER)) | change
    with pytest.raises(NotAnAnswer):
        parse_answer(dump(body, "test"), STREAM, NONCE)


def test_an_answer_holds_no_infinity():
    body = encode_answer(replace(ANSWER, code="GAP", params={"a": 1.5}))
    with pytest.raises(NotAnAnswer):
        parse_answer(body.replace(b"1.5", b"1e999"), STREAM, NONCE)


@pytest.mark.parametrize(
    "page",
    [
        b"", b"OK", b"{}", b"[]", b"null", b"<html>Login</html>", b"[" * 50_000, b"\xff",
        b'{"stream":1e999}', b" " * 70_000,
    ],
)  # fmt: skip
def test_a_portals_page_is_no_answer(page):
    with pytest.raises(NotAnAnswer):
        parse_answer(page, STREAM, NONCE)


@settings(deadline=None)
@given(st.binary(max_size=100), st.integers(0, 300))
def test_no_part_of_an_answer_is_one(junk, end):
    whole = encode_answer(ANSWER)
    with pytest.raises(NotAnAnswer):
        parse_answer(whole[: min(end, len(whole) - 1)] + junk.replace(b"}", b""), STREAM, NONCE)


def test_wire_errors_say_where():
    with pytest.raises(WireError) as caught:
        unpack(zlib.compress(b"\x05abcd"), "deflate")
    assert caught.value.params == {"where": "request", "at": 1}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("on_delay", -1.0),
        ("on_delay", 2678400.5),
        ("off_delay", 1e305),
        ("deadband", -0.5),
    ],
)
def test_a_level_that_could_never_return_or_fire_is_refused(key, value):
    data = json.loads(encode_manifest("gw", Label("网关"), [SITE], [OBJECT], [BUS]))
    level = next(p for p in data["points"] if p["limits"])["limits"][0]
    level[key] = value
    with pytest.raises(WireError) as refused:
        decode_manifest(dump(data, "manifest"))
    assert (refused.value.code, refused.value.params["key"]) == ("WIRE_JSON", key)
