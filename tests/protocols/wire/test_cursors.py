"""The question how far the collector has what a gateway still keeps."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import NotAnAnswer, WireError
from protocols.wire.bounds import NUMBER, RECORD_BYTES
from protocols.wire.cursors import (
    STREAMS,
    Cursor,
    Cursors,
    asking_boot,
    decode_question,
    encode_cursors,
    encode_question,
    parse_cursors,
)
from tests.protocols.wire.strategies import refusal

NONCE, INCARNATION = "0f" * 16, "77" * 16
IDS = st.integers(0, 2**128 - 1).map(lambda number: f"{number:032x}")


@given(st.lists(IDS, unique=True, max_size=20))
def test_a_question_comes_back(streams):
    assert decode_question(encode_question(streams)) == tuple(streams)
    assert asking_boot(encode_question(streams)) is None
    said = encode_question(streams, NONCE)
    assert (decode_question(said), asking_boot(said)) == (tuple(streams), NONCE)


def test_a_start_is_32_hex_digits():
    code, _ = refusal(asking_boot, b'{"boot":"AB","streams":[]}')
    assert code == "WIRE_JSON"


@given(st.dictionaries(IDS, st.integers(0, NUMBER), max_size=20))
def test_an_answer_comes_back(held):
    streams = {stream: Cursor(number, number // 2) for stream, number in held.items()}
    said = Cursors(incarnation=INCARNATION, nonce=NONCE, streams=streams)
    assert parse_cursors(encode_cursors(said), NONCE, tuple(streams)) == said


def test_the_largest_answer_fits_what_a_gateway_reads():
    streams = {f"{number:032x}": Cursor(NUMBER, NUMBER) for number in range(STREAMS)}
    said = Cursors(incarnation=INCARNATION, nonce=NONCE, streams=streams)
    assert len(encode_cursors(said)) < RECORD_BYTES
    with pytest.raises(WireError):
        decode_question(encode_question([f"{number:032x}" for number in range(STREAMS + 1)]))


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"streams":{}}', b'{"streams":["AB"]}', b'{"streams":[7]}']
)
def test_what_is_no_question_is_refused(body):
    code, _ = refusal(decode_question, body)
    assert code == "WIRE_JSON"


@pytest.mark.parametrize("pair", [None, [1], [1, 2], [-1, -1], [True, False], ["1", "1"], 5])
def test_what_is_no_pair_of_cursors_is_no_answer(pair):
    stream = "ab" * 16
    said = {"incarnation": INCARNATION, "nonce": NONCE, "streams": {stream: pair}}
    with pytest.raises(NotAnAnswer):
        parse_cursors(json.dumps(said).encode(), NONCE, (stream,))


def test_an_answer_to_another_question_is_none():
    said = encode_cursors(Cursors(incarnation=INCARNATION, nonce=NONCE, streams={}))
    with pytest.raises(NotAnAnswer):
        parse_cursors(said, "aa" * 16, ())
    with pytest.raises(NotAnAnswer):
        parse_cursors(said, NONCE, ("ab" * 16,))
    with pytest.raises(NotAnAnswer):
        parse_cursors(b"<html>200 OK</html>", NONCE, ())
