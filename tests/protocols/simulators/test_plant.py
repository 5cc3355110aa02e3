"""Every point of the demo's profiles has a signal, and every signal has a point."""

import pytest

from protocols.schema.profile import load_profile
from protocols.simulators.demo import SIMULATORS
from protocols.simulators.plant import EVENING, device_of, story_signals
from protocols.simulators.stories import STORIES


@pytest.mark.parametrize("entry", SIMULATORS, ids=lambda entry: entry[0])
def test_story_and_profile_tell_of_the_same_points(entry):
    story, name, site, device, _, options = entry
    profile = load_profile(name)
    assert {sheet.name for sheet in profile.points} == set(STORIES[story])
    signals = story_signals(story)
    for point in device_of(profile, site, device, options).points:
        value = signals(device, point.sheet.name, EVENING)
        assert value is not None
        if point.sheet.low is not None and not isinstance(value, bool):
            assert point.sheet.low <= value <= point.sheet.high, point.sheet.name
