"""A short gauntlet in every test run; the long forms are `make gauntlet` and `make soak`."""

from dataclasses import replace

import pytest

from tests.gauntlet.partitions import may_use_rules
from tests.gauntlet.plan import Options
from tests.gauntlet.run import run

SHORT = Options(
    readings=300_000,
    kills=12,
    partitions=6,
    gateways=4,
    secure=True,
    seed=20260612,
    power_cuts=5,
)


@pytest.mark.slow
def test_nothing_is_lost_doubled_or_wrong(tmp_path):
    result = run(replace(SHORT, root=may_use_rules()), tmp_path / "site")
    assert result.verdict.clean, result.verdict.reasons
    assert result.verdict.readings >= 0.95 * SHORT.readings
    for side in ("edge", "central"):
        assert sum(result.faults[f"kill {side}"].values()) == SHORT.kills // 2
    assert sum(result.faults["partition"].values()) == SHORT.partitions


@pytest.mark.slow
def test_a_batch_that_vanishes_is_noticed(tmp_path):
    result = run(
        Options(readings=15_000, kills=0, seed=1, sabotage="drop", power_cuts=0), tmp_path / "site"
    )
    assert result.verdict.lost > 0
    assert result.verdict.reasons
