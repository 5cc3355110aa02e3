"""Power cuts on a real file system; the long form is `make faults`."""

import pytest

from tests.faults.block_medium import impossible
from tests.faults.power_cut import cut_collector, cut_gateway

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(impossible()), reason=f"no block medium: {impossible()}"),
]
CUTS = 3
SEED = 20260612


def test_a_gateway_loses_nothing_it_accepted(tmp_path):
    cost = cut_gateway(tmp_path, CUTS, SEED)
    print(f"power cuts, gateway: {cost}")
    assert cost.cuts == CUTS
    assert cost.clean, cost


def test_a_collector_loses_nothing_it_answered(tmp_path):
    cost = cut_collector(tmp_path, CUTS - 1, SEED)
    print(f"power cuts, collector: {cost}")
    assert cost.cuts == CUTS - 1
    assert cost.clean, cost


def test_a_gateway_that_does_not_sync_is_noticed(tmp_path):
    assert cut_gateway(tmp_path, 1, SEED, "normal").lost > 0
