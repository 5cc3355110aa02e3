"""`make model`: every configuration, the deep ones too, one line each."""

import sys

from protocols.clock import real_monotonic
from tests.model.checker import check
from tests.model.configurations import BAD, DEEP, GOOD
from tests.model.state import State

MOST: int = 2_000_000


def main() -> int:
    wrong = 0
    for name, chosen in {**GOOD, **DEEP, **BAD}.items():
        began = real_monotonic()
        found = check(State(chosen.budgets), chosen.rules, MOST)
        as_meant = found.problem.startswith(chosen.finds) if chosen.finds else not found.problem
        wrong += not as_meant
        print(
            f"{'ok   ' if as_meant else 'WRONG'} {name}: {found.states} states, "
            f"{found.problem or 'no violation'}{' after ' if found.trace else ''}"
            f"{' > '.join(found.trace)} ({real_monotonic() - began:.1f} s)",
            flush=True,
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
