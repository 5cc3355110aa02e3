"""Rules go on where the process before left them (pure but for the evaluator)."""

import logging
from collections.abc import Sequence

from edge.alarms.evaluator import Evaluator
from edge.alarms.journal import ended
from edge.alarms.standing import Times, restored
from edge.alarms.state_file import Line, RuleRow
from edge.alarms.stepping import Happened, Judged
from protocols.wire.alarm_events import Said

logger = logging.getLogger(__name__)


def restore(
    evaluator: Evaluator, rows: Sequence[RuleRow], now: Times, at: int
) -> tuple[Judged, list[RuleRow], list[Line]]:
    """Take rules' states as they were kept; `at` is running time `now`.

    Returns what follows, and of rules that are gone the rows that go, and lines, not numbered yet,
    for what stood by them.
    """
    judged, dropped, lines = Judged(), list[RuleRow](), list[Line]()
    for row in rows:
        known = evaluator.rules.get(row.rule)
        if known is None or row.body is None:
            dropped.append(row._replace(body=None))
            lines += ended(row, now, at)
            continue
        try:
            kept = restored(known.rule, row.body, row.times, now, at)
        except (ValueError, TypeError, KeyError) as exc:
            logger.warning("state of %s is not as we wrote it: %s", row.rule, exc)
            continue
        evaluator.put(kept)
        standing = kept.standing
        if standing is not None and not kept.machine.condition.level:
            # Let return what stood at a level that the rule has no more.
            evaluator.drop(kept)
            judged.changed[kept.rule.id] = kept
            judged.happened.append(Happened(kept.rule, Said.RTN, standing, at))
    return judged, dropped, lines
