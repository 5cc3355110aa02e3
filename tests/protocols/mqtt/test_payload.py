"""Bytes to documents, pointers into them, stamps: bounded and total."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.mqtt.payload import (
    DEEPEST,
    LARGEST,
    Missing,
    Undecodable,
    at,
    microseconds,
    parse,
    pointer,
)

# RFC 6901 section 5
DOCUMENT = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", DOCUMENT),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
    ],
)
def test_pointers_of_the_rfc(text, value):
    assert at(DOCUMENT, pointer(text)) == value


@pytest.mark.parametrize(
    "text", ["/nothing", "/foo/2", "/foo/01", "/foo/-", "/foo/-1", "/foo/٣", "/foo/bar", "/a~1b/x"]
)
def test_what_is_not_there_is_missing(text):
    with pytest.raises(Missing):
        at(DOCUMENT, pointer(text))


def test_a_pointer_starts_with_a_slash():
    with pytest.raises(ValueError, match="v/level"):
        pointer("v/level")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"v": 1} x',
        b"9" * 5_000,
        b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1),
        b"[" * 100_000,
        b'{"a":' * 100 + b"1" + b"}" * 100,
        b" " * (LARGEST + 1),
    ],
)
def test_what_cannot_be_read_is_undecodable(payload):
    with pytest.raises(Undecodable):
        parse(payload)


def test_brackets_in_text_and_side_by_side_are_not_depth():
    assert parse(b'{"note": "' + b"[" * 500 + b'\\""}') == {"note": "[" * 500 + '"'}
    assert parse(b"[" + b"[]," * 500 + b"[]]") == [[]] * 501
    deep = b"[" * DEEPEST + b"]" * DEEPEST
    assert parse(deep) is not None


@pytest.mark.parametrize(
    ("stamp", "value"),
    [
        (1_781_272_800_123, 1_781_272_800_123_000),
        (1_781_272_800_123.5, 1_781_272_800_123_500),
        ("2026-06-12T22:00:00+08:00", 1_781_272_800_000_000),
        ("2026-06-12T14:00:00Z", 1_781_272_800_000_000),
        ("2026-06-12t14:00:00.000250Z", 1_781_272_800_000_250),
        ("2026-06-12 14:00:00.123456789+00:00", 1_781_272_800_123_456),
        ("2026-06-12 22:00:00", None),
        ("2026-06-12", None),
        ("0001-01-01T00:00:00Z", None),
        ("yesterday", None),
        ("9" * 100, None),
        (1_781_272_800, None),
        (1e300, None),
        (float("nan"), None),
        (True, None),
        (None, None),
        ([], None),
    ],
)
def test_stamps(stamp, value):
    assert microseconds(stamp) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(payload):
    try:
        document = parse(payload)
    except Undecodable:
        return
    assert microseconds(document) is None or isinstance(document, (int, float, str))
