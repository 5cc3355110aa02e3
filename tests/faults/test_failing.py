"""A medium that fails and comes back: nothing accepted is lost, nothing comes twice."""

import pytest

from tests.faults.failing import CASES, collector_course, gateway_course
from tests.faults.fiu import impossible

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(impossible()), reason=f"no failing calls: {impossible()}"),
]


def test_a_gateway_goes_on_sampling_says_so_and_delivers_all_of_it_once(tmp_path):
    course = gateway_course(tmp_path, list(CASES), 3.0)
    print(f"failing medium, gateway: {course}")
    assert course.clean, course
    assert course.told - {"ok", "silent"}, "health never told that the medium failed"


def test_a_collector_answers_503_forgets_nothing_and_recovers(tmp_path):
    course = collector_course(tmp_path, list(CASES), 1.0)
    print(f"failing medium, collector: {course}")
    assert course.clean, course
    assert course.told == {"503"}
