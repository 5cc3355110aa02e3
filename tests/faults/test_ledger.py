"""A committed answer is there after the power went."""

import pytest

from tests.faults.ledger import ledger_leg

SEED = 20260612


def test_no_cut_loses_what_was_answered(tmp_path):
    toll = ledger_leg(tmp_path, SEED, 100)
    print(f"crash vfs, collector: {toll}")
    assert toll.clean, toll.reasons
    assert toll.accepted > 10_000


@pytest.mark.parametrize("sabotage", ["nofsync", "normal"])
def test_without_its_syncs_the_same_collector_loses(tmp_path, sabotage):
    assert ledger_leg(tmp_path, SEED, 20, sabotage).lost > 0
