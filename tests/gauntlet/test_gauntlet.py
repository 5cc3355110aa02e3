"""A short gauntlet in every test run; the long forms are `make gauntlet` and `make soak`."""

import pytest

from tests.gauntlet.__main__ import run


@pytest.mark.slow
def test_two_kills_lose_nothing(tmp_path):
    verdict, kills = run(25_000, 2, 20260612, tmp_path / "site")
    assert {kill.who for kill in kills} == {"edge", "central"}
    assert verdict.clean, verdict.reasons
    assert verdict.readings >= 20_000


@pytest.mark.slow
def test_a_batch_that_vanishes_is_noticed(tmp_path):
    verdict, _ = run(15_000, 0, 1, tmp_path / "site", sabotage="drop")
    assert verdict.lost > 0
    assert verdict.reasons
