"""A path has one spelling."""

from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.guard.targets import LONGEST, trick

TRICKS = [
    (b"/api/v1%2Fsession", "ENCODED_SLASH"),
    (b"/api/v1%252fsession", "ENCODED_SLASH"),
    (b"/api\\v1", "ENCODED_SLASH"),
    (b"/api%5cv1", "ENCODED_SLASH"),
    (b"/api/../metrics", "DOT_SEGMENT"),
    (b"/api/..", "DOT_SEGMENT"),
    (b"/./metrics", "DOT_SEGMENT"),
    (b"/%2e%2E/metrics", "DOT_SEGMENT"),
    (b"/.%2e/metrics", "DOT_SEGMENT"),
    (b"/..;/metrics", "DOT_SEGMENT"),
    (b"/%252e%252e/metrics", "DOT_SEGMENT"),
    (b"//metrics", "EMPTY_SEGMENT"),
    (b"/api//v1", "EMPTY_SEGMENT"),
    (b"/%00", "CONTROL"),
    (b"/a%0d%0aSet-Cookie:x", "CONTROL"),
    (b"/a%2500", "CONTROL"),
    (b"/a%7f", "CONTROL"),
    (b"/a%", "BROKEN_ENCODING"),
    (b"/a%zz", "BROKEN_ENCODING"),
    (b"/a%u002f", "BROKEN_ENCODING"),
    (b"/a%2541", "BROKEN_ENCODING"),
    (b"/\xe6\xb0\xb4", "NOT_ASCII"),
    (b"/a b", "NOT_ASCII"),
    (b"/%c0%af", "NOT_UTF8"),
    (b"/%c0%ae%c0%ae/", "NOT_UTF8"),
    (b"/%e0%80%af", "NOT_UTF8"),
    (b"/%ff", "NOT_UTF8"),
    (b"/" + b"a" * LONGEST, "LONG"),
]


@pytest.mark.parametrize(("path", "name"), TRICKS)
def test_a_second_meaning_is_found(path, name):
    assert trick(path) == name


@pytest.mark.parametrize(
    "path",
    [
        b"",
        b"/",
        b"/assets/index-a1.b2_c3.js",
        b"/.well-known/security.txt",
        b"/api/v1/alarms/limit%3Asite%2D1",
        b"/%E6%B0%B4",
        b"/a.../b",
    ],
)
def test_what_our_callers_send_is_none(path):
    assert trick(path) is None


def test_the_question_counts_for_the_length_only():
    assert trick(b"/a", b"q=%2f..//%00") is None
    assert trick(b"/a", b"q" * LONGEST) == "LONG"


@given(st.binary(max_size=60))
def test_any_bytes_are_judged_and_what_passes_means_one_path(path):
    if trick(b"/" + path) is None:
        decoded = unquote_to_bytes(b"/" + path)
        text = decoded.decode()  # never fails
        assert not any(ord(char) < 32 or char in "\\\x7f" for char in text)
        assert unquote_to_bytes(decoded) == decoded or b"%" in decoded
        assert not {"", ".", ".."} & set(text.split("/")[1:-1])


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="/\\%"), min_size=1)))
def test_names_encoded_as_browsers_do_pass(names):
    names = [name for name in names if name.isprintable() and not name.startswith(".")]
    path = "/" + "/".join(quote(name, safe="") for name in names)
    assert trick(path.encode()) in (None, *(["LONG"] if len(path) > LONGEST else []))
