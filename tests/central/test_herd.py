"""A hundred gateways come back at once to a real collector: all drained, no alarm told to wait."""

import pytest

from tests.bench import herd

GATEWAYS = 100


@pytest.mark.slow
def test_a_herd_is_drained_and_alarms_are_never_refused():
    (figure,) = herd.measure(GATEWAYS)
    per_gateway = 3 * 3 + herd.PER_BATCH * (1 + herd.BACKLOG)
    assert figure["readings"] == GATEWAYS * per_gateway
    assert (figure["lost"], figure["doubled"]) == (0, 0)
    assert figure["alarm_5xx"] == 0
    assert not [code for code in figure["refused"] if code.startswith("alarm")]
