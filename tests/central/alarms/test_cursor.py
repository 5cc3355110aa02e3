"""Where a list goes on: what was given out comes back, everything else is refused."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.alarms.shown.cursor import CursorElsewhere, CursorUnknown, read, write

QUESTION = {"state": "open", "sites": ["a", "b"], "q": "罐"}
KEYS = st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=4)


@given(KEYS)
def test_what_was_given_out_comes_back(keys):
    assert read(QUESTION, write(QUESTION, keys), len(keys)) == keys


@given(KEYS)
def test_it_is_good_for_its_own_question_only(keys):
    with pytest.raises(CursorElsewhere):
        read({**QUESTION, "q": "坝"}, write(QUESTION, keys), len(keys))


@given(st.text(max_size=300))
def test_nothing_else_is_taken(text):
    with pytest.raises(CursorUnknown):
        read(QUESTION, text, 2)


def sealed(content):
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        [1],
        [2, "x", 1, 2],
        [1, "x", 1.5, 2],
        [1, "x", "1", 2],
        [1, "x", True, 2],
        [1, "x", 2**63, 2],
        "text",
        None,
    ],
)
def test_what_only_looks_like_one_is_refused(content):
    with pytest.raises(CursorUnknown):
        read(QUESTION, sealed(content), 2)


def test_a_place_of_another_order_is_refused():
    with pytest.raises(CursorUnknown):
        read(QUESTION, write(QUESTION, [1, 2, 3]), 2)
