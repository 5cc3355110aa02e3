"""Signed answers: what a flipped bit, another key or nobody at all comes to."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import NotAnAnswer, WireError
from protocols.signing.answer import must_be_signed, sign_answer, sign_cursors, signed
from protocols.signing.keys import Ed25519Signer
from protocols.wire.answer import Answer, encode_answer, parse_answer
from protocols.wire.canonical import dump
from protocols.wire.cursors import Cursor, Cursors, parse_cursors

COLLECTOR = Ed25519Signer.generate()
STREAM, NONCE = "ab" * 16, "cd" * 16
ANSWER = Answer(
    stream=STREAM, committed=41, safe=40, incarnation="ef" * 16, credit=1000, retry_after_ms=0,
    now=1_770_000_000_000_000, nonce=NONCE,
)  # fmt: skip
REFUSAL = Answer(
    stream=STREAM, committed=4, safe=4, incarnation="ef" * 16, credit=0, retry_after_ms=0,
    now=1, nonce=NONCE, code="GAP", params={"note": '"signature":null', "signature": None},
    expected=5,
)  # fmt: skip


@pytest.mark.parametrize("answer", [ANSWER, REFUSAL])
def test_a_signed_answer_says_what_an_unsigned_one_does(answer):
    data = sign_answer(answer, COLLECTOR)
    must_be_signed(data, COLLECTOR.public)
    found = parse_answer(data, STREAM, NONCE)
    assert found.signature.keyid == COLLECTOR.keyid
    assert found.signature.alg == "ed25519"
    said, unsigned = json.loads(data), json.loads(encode_answer(answer))
    assert said | {"signature": None} == unsigned
    assert dump(said, "answer") == data


def test_cursors_are_signed_alike():
    held = Cursors(incarnation="ef" * 16, nonce=NONCE, streams={STREAM: Cursor(7, 3)})
    data = sign_cursors(held, COLLECTOR)
    must_be_signed(data, COLLECTOR.public)
    assert parse_cursors(data, NONCE, [STREAM]) == held


@given(st.data())
def test_a_flipped_bit_is_found(data):
    body = bytearray(sign_answer(ANSWER, COLLECTOR))
    at = data.draw(st.integers(0, len(body) * 8 - 1))
    body[at // 8] ^= 1 << at % 8
    with pytest.raises(NotAnAnswer):
        must_be_signed(bytes(body), COLLECTOR.public)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"<html>", b"{}", b'{"signature":null}', b'{"signature":7}',
        b'{"signature":{"alg":"ed25519","keyid":"x","value":"\xc3\xa9"}}',
        encode_answer(ANSWER), sign_answer(ANSWER, Ed25519Signer.generate()),
    ],
)  # fmt: skip
def test_only_the_collectors_own_signature_counts(body):
    with pytest.raises(NotAnAnswer):
        must_be_signed(body, COLLECTOR.public)


def test_every_bit_of_the_signature_counts():
    data = sign_answer(ANSWER, COLLECTOR)
    at = data.index(b'=="')
    for bit in range(8):
        changed = bytearray(data)
        changed[at - 1] ^= 1 << bit
        with pytest.raises(NotAnAnswer):
            must_be_signed(bytes(changed), COLLECTOR.public)


def test_two_signatures_are_none():
    data = sign_answer(ANSWER, COLLECTOR)
    said = data[data.index(b'"signature"') : data.index(b',"stream"')]
    for twice in (data.replace(said, said + b"," + said), data + data):
        with pytest.raises(NotAnAnswer):
            must_be_signed(twice, COLLECTOR.public)


def test_a_newer_collectors_other_words_are_covered_too():
    data = signed(dump({"more": [1.5, "字"], "signature": None}, "answer"), COLLECTOR)
    must_be_signed(data, COLLECTOR.public)
    with pytest.raises(NotAnAnswer):
        must_be_signed(data.replace(b"1.5", b"2.5"), COLLECTOR.public)


def test_what_has_no_place_for_a_signature_is_not_signed():
    with pytest.raises(WireError):
        signed(b'{"text":"\\"signature\\":null"}', COLLECTOR)
