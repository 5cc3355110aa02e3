"""The story clock follows its file, and nothing that is written there stops who follows it."""

import json
import os

import pytest

from protocols import story
from protocols.clock import SECOND
from protocols.errors import ConfigError
from protocols.story import load_clock

REAL = 1_000_000_000 * SECOND


def pace(factor=5.0, start=0):
    return {"real": REAL, "story": start, "factor": factor}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "story.json"
    path.write_text(json.dumps([pace()]), encoding="utf-8")
    return path


def rewrite(file, content, stamp):
    file.write_text(content, encoding="utf-8")
    os.utime(file, ns=(stamp, stamp))


def at(clock, real):
    """Ask as if the machine's clock stood there: each question looks at the file."""
    clock._looked = real - story.LOOK_EVERY
    return clock.at(real)


def test_a_new_pace_is_followed(file):
    clock = load_clock(file)
    assert at(clock, REAL + SECOND) == 5 * SECOND
    rewrite(file, json.dumps([pace(60.0)]), 1)
    assert at(clock, REAL + SECOND) == 60 * SECOND


@pytest.mark.parametrize("broken", ["", "[", "[]", "{}", json.dumps([pace(0)]), '[{"real": "x"}]'])
def test_a_file_that_is_half_written_leaves_the_story_going_on(file, broken):
    clock = load_clock(file)
    rewrite(file, broken, 1)
    assert at(clock, REAL + SECOND) == 5 * SECOND
    rewrite(file, json.dumps([pace(2.0)]), 1)  # the same stamp: it must look again
    assert at(clock, REAL + SECOND) == 2 * SECOND


@pytest.mark.parametrize("factor", [0, -1, float("inf"), float("nan")])
def test_a_story_that_cannot_pass_is_refused_at_the_start(file, factor):
    rewrite(file, json.dumps([pace(factor)]), 1)
    with pytest.raises(ConfigError) as refused:
        load_clock(file)
    assert refused.value.problems[0].code == "STORY_UNREADABLE"
