import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from central.api.time_columns import time_column
from central.api.times import rfc3339

# 1900 to 9999; and a few microseconds apart, as readings are.
TIMES = st.integers(-2_208_988_800_000_000, 253_402_000_000_000_000)
NEAR = st.integers(1_781_272_799_000_000, 1_781_380_800_000_000)


@given(st.lists(TIMES, max_size=20) | st.lists(NEAR, max_size=200))
def test_a_column_reads_as_each_time_would(times):
    assert json.loads(time_column(np.array(times, np.int64))) == [rfc3339(t) for t in times]


def test_every_second_of_a_day():
    times = 1_781_272_800_000_000 + 1_000_000 * np.arange(86_400)
    assert json.loads(time_column(times)) == [rfc3339(t) for t in times.tolist()]
