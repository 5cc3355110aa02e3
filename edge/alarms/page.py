"""The gateway's own page of its alarms: what stands, the journal, what is left to the collector."""

from typing import Any, Final, NamedTuple

from edge.alarms.evaluator import Evaluator
from edge.alarms.keeping import Keeping
from edge.alarms.standing import Times
from edge.alarms.telling import picture, standing_picture

SHOWN: Final = 100
"""Lines of the journal, and rules that are left to the collector, on the page."""


class Shown(NamedTuple):
    """What is shown; `left`: rules that are not judged here, with the reason's code."""

    evaluator: Evaluator
    keeping: Keeping
    times: Times
    left: tuple[tuple[str, str], ...]


def page(shown: Shown, now: int) -> dict[str, Any]:
    """Return it as plain JSON values."""
    evaluator, keeping, times, left = shown
    lines, rules = list(keeping.lines)[-SHOWN:], evaluator.rules
    known = {line.rule for line in lines} & rules.keys()
    return {
        "now": now,
        "rules": len(rules),
        "left": [{"rule": rule, "reason": reason} for rule, reason in left[:SHOWN]],
        "left_count": len(left),
        "dated": evaluator.dated,
        "standing": [standing_picture(kept, times) for kept in evaluator.standing()],
        "journal": [
            picture(line, rules[line.rule].rule if line.rule in known else None)
            for line in reversed(lines)
        ],
        "journal_gone": keeping.gone,
        "untold": len(keeping.untold),
        "failing": keeping.failing,
    }
