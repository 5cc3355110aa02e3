"""Only the answer to the request that was sent goes on."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.frames import AnswerFilter, crc16, rtu_frame, tcp_frame

VECTORS = Path(__file__).resolve().parents[2] / "testcases" / "vectors" / "protocol-frames.json"
FRAMES = [
    case
    for case in json.loads(VECTORS.read_text(encoding="utf-8"))
    if case["protocol"] == "ModbusRTU"
]

READ = bytes([1, 3, 0, 10, 0, 2])  # device 1, holding registers, from 10, two of them
ANSWER = bytes([1, 3, 4, 0, 1, 0, 2])
REFUSAL = bytes([1, 0x83, 2])
TRANSACTION, EARLIER = b"\0\x07", b"\0\x06"


@pytest.mark.parametrize("case", FRAMES, ids=lambda case: case["name"])
def test_crc_of_real_frames(case):
    frame = bytes.fromhex(case["frame_hex"])
    assert rtu_frame(frame[:-2]) == frame


def sent(rtu, request=READ, strict=True):
    """Return a filter that has just seen a request go."""
    made = AnswerFilter(rtu=rtu, strict=strict)
    frame = rtu_frame(request) if rtu else tcp_frame(TRANSACTION, request)
    assert made.pass_on(True, frame) == frame
    return made


def framed(rtu, body, transaction=TRANSACTION):
    return rtu_frame(body) if rtu else tcp_frame(transaction, body)


@pytest.mark.parametrize("rtu", [False, True])
@pytest.mark.parametrize("body", [ANSWER, REFUSAL])
def test_the_answer_goes_on_alone_and_once(rtu, body):
    answer = framed(rtu, body)
    assert sent(rtu).pass_on(False, answer) == answer
    assert sent(rtu).pass_on(False, b"HEARTBEAT" + answer) == answer
    assert sent(rtu).pass_on(False, answer + answer) == answer
    seen = sent(rtu)
    seen.pass_on(False, answer)
    assert seen.pass_on(False, answer) == b""


@pytest.mark.parametrize("rtu", [False, True])
def test_what_is_no_answer_stays_out(rtu):
    others = [
        bytes([2]) + ANSWER[1:],  # another device
        bytes([1, 4]) + ANSWER[2:],  # another function
        bytes([1, 3, 2, 0, 1]),  # another length
        bytes([1, 0x84, 2]),  # another function's refusal
        READ,  # our own echo
    ]
    for body in others:
        seen = sent(rtu)
        assert seen.pass_on(False, framed(rtu, body)) == b""
        assert seen.heard > 0
        assert seen.pass_on(False, framed(rtu, body) + framed(rtu, ANSWER)) == framed(rtu, ANSWER)
        assert seen.heard == 0


def test_a_late_answer_has_another_transaction():
    late, answer = framed(False, ANSWER, EARLIER), framed(False, ANSWER)
    assert sent(False).pass_on(False, late) == b""
    assert sent(False).pass_on(False, late + answer) == answer


def test_a_device_that_makes_up_transactions_is_understood_if_the_bus_says_so():
    odd = framed(False, ANSWER, b"\x55\xaa")
    assert sent(False, strict=False).pass_on(False, odd) == framed(False, ANSWER)
    assert sent(False, strict=False).pass_on(False, framed(False, REFUSAL, b"\0\0")) == framed(
        False, REFUSAL
    )


def test_a_wrong_crc_stays_out_and_the_right_one_behind_it_is_found():
    answer = rtu_frame(ANSWER)
    broken = answer[:-1] + bytes([answer[-1] ^ 1])
    seen = sent(True)
    assert seen.pass_on(False, broken) == b""
    assert seen.pass_on(False, broken + answer) == answer


@pytest.mark.parametrize("rtu", [False, True])
def test_an_answer_in_pieces_is_waited_for(rtu):
    answer = framed(rtu, ANSWER)
    for cut in range(1, len(answer)):
        seen = sent(rtu)
        assert seen.pass_on(False, answer[:cut]) == b""
        assert seen.pass_on(False, answer) == answer


@pytest.mark.parametrize("function", [1, 2])
def test_bits_come_in_bytes(function):
    request, answer = bytes([1, function, 0, 0, 0, 9]), bytes([1, function, 2, 0xFF, 1])
    assert sent(True, request).pass_on(False, rtu_frame(answer)) == rtu_frame(answer)
    short = bytes([1, function, 1, 0xFF])
    assert sent(True, request).pass_on(False, rtu_frame(short)) == b""


@given(st.binary(max_size=300), st.booleans(), st.booleans())
def test_noise_never_raises_and_never_passes(noise, rtu, strict):
    goes_on = sent(rtu, strict=strict).pass_on(False, noise)
    if goes_on:
        body = goes_on[:-2] if rtu else goes_on[6:]
        assert body[0] == 1
        assert body[1] & 0x7F == 3
        assert not rtu or crc16(body) == goes_on[-2:]


def test_before_any_request_nothing_goes_on():
    assert AnswerFilter(rtu=False).pass_on(False, framed(False, ANSWER)) == b""
