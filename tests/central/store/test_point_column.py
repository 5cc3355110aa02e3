"""What is known of a column of points."""

import numpy as np
import pytest

from central.store.point_column import PointColumn

SCANS = (
    ([3], [3]),
    ([3, 4, 5], [3, 4, 5]),
    ([5, 3, 9], [5, 3, 9]),
    ([3, 4, 5, 3, 4, 5], [3, 4, 5]),
    ([9, 3, 9, 3, 9, 3], [9, 3]),
    ([3, 3, 3], [3]),
    ([3, 4, 4, 3, 4, 4], None),
    ([3, 4, 3], None),
    ([3, 4, 3, 5], None),
    ([3, 4, 4], None),
)


@pytest.mark.parametrize(("numbers", "expected"), SCANS)
def test_scan_after_scan_of_the_same_points_is_seen(numbers, expected):
    scan = PointColumn(np.array(numbers)).scan
    assert (None if scan is None else scan.numbers.tolist()) == expected


@pytest.mark.parametrize("numbers", [[3], [3, 4, 5], [5, 3, 9], [3, 3]])
@pytest.mark.parametrize("times", [1, 2, 16])
def test_a_column_that_is_repeated_is_what_it_would_be_if_looked_at(numbers, times):
    made = PointColumn(np.array(numbers)).repeated(times)
    plain = PointColumn(np.array(numbers * times))
    assert made.numbers.tolist() == plain.numbers.tolist() == made.compact.tolist()
    assert (made.low, made.high) == (plain.low, plain.high)
    assert made.distinct <= (len(set(numbers * times)) == len(numbers * times))
    assert made.scan.numbers.tolist() == plain.scan.numbers.tolist()
    cells = np.zeros(10)
    cells[made.at] = 1
    assert set(cells.nonzero()[0].tolist()) == set(numbers)
