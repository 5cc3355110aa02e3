"""docs/wire.md is what the code does: its example, its codes and its bounds are checked here."""

import json
import re
from pathlib import Path

import pytest

from protocols.texts import LANGUAGES, catalogue
from protocols.wire import bounds
from protocols.wire.batch import Stamp, decode_batch, encode_readings
from protocols.wire.canonical import dump
from protocols.words import Reading, TimeMark
from tests.protocols.wire.strategies import exact

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8")
EXAMPLE = TEXT[TEXT.index("## 11. ") :]
SOURCES = [*sorted((ROOT / "protocols" / "wire").glob("*.py"))]


def example_rows():
    block = EXAMPLE.split("```json\n")[1].split("```")[0]
    return [Reading(*row[:4], TimeMark(row[4])) for row in json.loads(block)]


def example_bytes():
    cells = re.findall(r"^\| `((?:[0-9a-f]{2} ?)+)` \|", EXAMPLE, re.MULTILINE)
    return bytes.fromhex(" ".join(cells))


def example_stamp():
    found = re.search(
        r"`clock_state` (\d+), stream number (\d+), `seq0` (\d+), `mono0` (\d+), `wall0` (\d+)",
        EXAMPLE,
    )
    state, number, seq0, mono0, wall0 = map(int, found.groups())
    return Stamp(clock_state=state, number=number, seq0=seq0, mono0=mono0, wall0=wall0)


def test_the_example_is_what_the_encoder_writes():
    assert encode_readings(example_stamp(), example_rows(), [2, *[None] * 5]) == example_bytes()


def test_the_example_is_what_the_decoder_reads():
    batch = decode_batch(example_bytes())
    assert exact(batch.readings()) == exact(example_rows())
    assert batch.header.stamp == example_stamp()
    assert batch.decimals == {0: 2}


def raised_codes():
    return {code for file in SOURCES for code in re.findall(r'"(WIRE_[A-Z_]+)"', file.read_text())}


def test_every_code_is_in_the_document_and_no_other():
    assert set(re.findall(r"`(WIRE_[A-Z_]+)` \|", TEXT)) == raised_codes()


def test_every_rule_is_in_the_document_and_no_other():
    rules = {
        rule
        for file in SOURCES
        for rule in re.findall(r'(?:form\(|rule=)"(\w+)"', file.read_text(encoding="utf-8"))
    }
    table = TEXT[TEXT.index("### One form only") : TEXT.index("### Bounds")]
    listed = {
        rule
        for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
        for rule in re.findall(r"`(\w+)`", row)
    }
    assert rules == listed


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_sentence(language):
    assert raised_codes() <= set(catalogue(language))


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ("readings or events in a batch | 1 | 10,000 |", bounds.BATCH_ITEMS == 10_000),
        ("numbers a skip takes | 1 | 2^40 |", bounds.SKIP_ITEMS == 2**40),
        ("bytes of a batch | | 1 MiB |", bounds.BATCH_BYTES == 2**20),
        ("batches in a request | 1 | 4,096 |", bounds.REQUEST_BATCHES == 4_096),
        (
            "a request, compressed / inflated | | 1 MiB / 8 MiB |",
            (bounds.REQUEST_BYTES, bounds.INFLATED_BYTES) == (2**20, 2**23),
        ),
        (
            "a manifest, compressed / inflated | | 1 MiB / 24 MiB |",
            bounds.MANIFEST_BYTES == 24 << 20,
        ),
        ("points of a manifest | 0 | 20,000 |", bounds.POINTS == 20_000),
        ("a text value in UTF-8 | 0 | 4,096 bytes |", bounds.TEXT_BYTES == 4_096),
        ("an event's JSON | | 16,384 bytes |", bounds.EVENT_BYTES == 16_384),
        ("an opening record, an answer | | 64 KiB |", bounds.RECORD_BYTES == 2**16),
        ("sequence number | 1 | 2^63-1 |", bounds.NUMBER == 2**63 - 1),
        ("|i| < 10^15", bounds.DECIMAL_INTEGER == 10**15),
        ("from -(2^62-1) to 2^62-1", bounds.TIME == 2**62 - 1),
    ],
)
def test_the_bounds_are_those_of_the_code(row, value):
    assert row in TEXT
    assert value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [None, True]}, '{"a":[null,true],"b":1}'),
        (12.34, "12.34"), (5.0, "5.0"), (1e-4, "0.0001"), (1e-5, "1e-05"), (1.5e16, "1.5e+16"),
        (9007199254740993.0, "9007199254740992.0"), (-0.0, "-0.0"), (2**64 - 1, str(2**64 - 1)),
        ("\b\f\n\r\t\x00\x1f\x7f\"\\/水", '"\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\\"\\\\/水"'),
    ],
)  # fmt: skip
def test_canonical_json_is_written_as_the_document_says(value, text):
    assert dump(value, "test") == text.encode()
