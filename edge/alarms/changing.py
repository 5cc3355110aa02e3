"""Other rules than before: what is known is judged by them at once (pure but for the evaluator)."""

from collections.abc import Mapping, Sequence

from edge.alarms.evaluator import At, Evaluator
from edge.alarms.rules import LocalRule
from edge.alarms.standing import Kept, fresh
from edge.alarms.stepping import Judged, put_down
from protocols.alarms.kinds.several import Levels
from protocols.alarms.priming import still_counted
from protocols.alarms.steps import change
from protocols.quality import is_good
from protocols.words import Reading


def judge_by(
    evaluator: Evaluator, rules: Sequence[LocalRule], newest: Mapping[int, Reading], at: At
) -> tuple[Judged, list[str]]:
    """Let `rules` be those that judge; returns what follows, and the ids of rules that went.

    `newest` is what the points said last. What stood by a rule that went is put down, which is no
    return; the same id with another definition keeps what stands.
    """
    judged, wanted = Judged(), {rule.id: rule for rule in rules}
    gone = [id_ for id_ in evaluator.rules if id_ not in wanted]
    for id_ in gone:
        put_down(judged, evaluator.rules[id_], at.now)
        evaluator.remove(id_)
    other = [rule for rule in rules if not _same(evaluator.rules.get(rule.id), rule)]
    for rule in sorted(other, key=lambda each: bool(each.counts)):
        _put(evaluator, judged, rule, newest, at)
    return judged, gone


def _same(kept: Kept | None, rule: LocalRule) -> bool:
    return kept is not None and kept.rule == rule


def _put(  # where, what follows, which, what its points say, and when
    evaluator: Evaluator, judged: Judged, rule: LocalRule, newest: Mapping[int, Reading], at: At
) -> None:
    kept = evaluator.rules.get(rule.id)
    if kept is None:
        kept = fresh(rule, at.now)
        evaluator.put(kept)
    else:
        kept = _changed(evaluator, judged, kept, rule, newest, at)
    for index in rule.points:
        if index in newest:
            evaluator.judge(judged, kept, newest[index], at)
    for name in rule.counts:
        if name in evaluator.rules:
            evaluator.spread(judged, evaluator.rules[name], at.now, at.now)
    judged.changed[rule.id] = kept


def _changed(  # as above, and the rule it was
    evaluator: Evaluator,
    judged: Judged,
    old: Kept,
    rule: LocalRule,
    newest: Mapping[int, Reading],
    at: At,
) -> Kept:
    before, machine = old.rule.definition, old.machine
    if old.rule.plain:
        # What passed quietly never came to the machine.
        reading = newest.get(old.rule.inputs[0][0])
        known = reading is not None and is_good(reading.quality)
        value = reading.value if reading is not None and known else None
        number = isinstance(value, int | float)
        values = (float(value),) * len(before.rule.levels) if number else ()  # type: ignore[arg-type]
        machine = machine._replace(values=values)
    counted = isinstance(before.kind, Levels) and isinstance(rule.definition.kind, Levels)
    told = still_counted(machine, rule.counts) if counted and machine.values else None
    machine, entries = change(before, machine, rule.definition, at.now, known=told)
    if old.rule.inputs != rule.inputs:
        machine = machine._replace(newest=(), recent=())
    kept = Kept(rule, machine, old.standing)
    evaluator.put(kept)
    evaluator.step(judged, kept, (machine, entries), at.now)
    return kept
