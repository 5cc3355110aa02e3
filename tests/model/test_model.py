"""Every state of the protocol, in small; see `tests/model/__init__.py`."""

import pytest

from tests.model.checker import check
from tests.model.configurations import BAD, GOOD
from tests.model.state import State


@pytest.mark.parametrize("name", GOOD)
def test_nothing_is_lost_or_doubled(name: str) -> None:
    chosen = GOOD[name]
    found = check(State(chosen.budgets), chosen.rules)
    assert not found.problem, f"{found.problem} after {' > '.join(found.trace)}"
    assert found.states > 100, "the faults were really tried"


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_found(name: str) -> None:
    chosen = BAD[name]
    found = check(State(chosen.budgets), chosen.rules)
    assert found.problem.startswith(chosen.finds), f"{name}: {found.problem or 'nothing found'}"
