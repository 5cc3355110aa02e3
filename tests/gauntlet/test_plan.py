"""What goes wrong is dealt out whole, evenly, and the same for the same seed."""

from collections import Counter
from dataclasses import replace

import pytest

from protocols.crash_points import CENTRAL, EDGE
from tests.gauntlet.plan import Options, make_plan

SOAK = Options(
    readings=10_000_000, kills=200, partitions=50, gateways=4, restores=4, seed=3, root=True
)


def test_the_soak_kills_each_side_a_hundred_times_and_five_times_in_each_phase():
    plan = make_plan(SOAK)
    edge = [kill for kills in plan.edge for kill in kills]
    assert (len(edge), len(plan.central)) == (100, 100)
    phases = Counter(kill.phase for kill in (*edge, *plan.central))
    assert all(phases[phase] >= 5 for phase in (*EDGE, *CENTRAL)), phases
    assert phases[""] == 100


@pytest.mark.parametrize("kills", range(20))
@pytest.mark.parametrize("gateways", [1, 2, 3, 4])
def test_every_kill_is_dealt_out_and_a_phase_follows_a_kill(kills, gateways):
    plan = make_plan(replace(SOAK, kills=kills, gateways=gateways))
    assert sum(len(each) for each in plan.edge) == kills // 2
    assert len(plan.central) == kills - kills // 2
    for each in (*plan.edge, plan.central):
        assert [bool(kill.phase) for kill in each] == [bool(i % 2) for i in range(len(each))]
        assert [kill.at for kill in each] == sorted(kill.at for kill in each)


def test_the_same_seed_is_the_same_run():
    assert make_plan(SOAK) == make_plan(SOAK)
    assert make_plan(SOAK) != make_plan(replace(SOAK, seed=4))


def test_rules_in_the_kernel_are_for_root():
    kinds = {each.kind for each in make_plan(SOAK).partitions}
    assert {"nft-lost-answers", "nft-both-ways", "half-open", "trickle"} <= kinds
    kinds = {each.kind for each in make_plan(replace(SOAK, root=False)).partitions}
    assert len(kinds) == 4
    assert not any(kind.startswith("nft") for kind in kinds)


def test_bits_are_turned_over_only_where_somebody_looks():
    assert "garbled" not in {each.kind for each in make_plan(SOAK).partitions}
    assert "garbled" in {each.kind for each in make_plan(replace(SOAK, secure=True)).partitions}
