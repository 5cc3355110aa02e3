"""A gateway without descriptors, or stopped for a while; the long form is `make faults`."""

import pytest

from tests.faults.starved import descriptors_course, suspended_course

pytestmark = pytest.mark.slow


def test_without_descriptors_it_goes_on_and_loses_nothing(tmp_path):
    course = descriptors_course(tmp_path, 3.0)
    print(f"starved, no descriptors: {course}")
    assert course.clean, course


def test_after_standing_still_it_goes_on_and_loses_nothing(tmp_path):
    course = suspended_course(tmp_path, 5.0)
    print(f"starved, suspended: {course}")
    assert course.clean, course
