"""How the past of several inputs begins, and what others say after it (pure): see `past`."""

from protocols.alarms.comes_to import comes_to
from protocols.alarms.condition import Condition, Step, sample_levels
from protocols.alarms.definition import Definition
from protocols.alarms.kinds.kind import Reading, Values
from protocols.alarms.machine import Machine, Sample, begin
from protocols.alarms.past import Branch, own_rule, uncleared
from protocols.alarms.priming import Primed
from protocols.alarms.state import NORMAL, Alarm, State


def begun(definition: Definition, known: Primed | None, level: int, until: int) -> Branch:
    """Return the past of several inputs: what is known of them before it, the level that stood."""
    own = own_rule(definition)
    machine = begin(own)
    if known is not None:
        memory, values, _ = known.taken
        machine = machine._replace(
            memory=memory, values=values, newest=known.newest, recent=known.recent, judged=True
        )
    stood = tuple(Step(place <= level) for place, _ in enumerate(own.rule.levels, 1))
    time = max((each for _, each in machine.newest), default=until)
    values = machine.values or (None,) * len(stood)
    condition, _ = sample_levels(own.rule, Condition(stood), time, values)
    level = condition.level
    alarm = Alarm(State.UNACK, level, 1) if level else NORMAL
    machine = machine._replace(condition=condition, alarm=alarm)
    return Branch(machine, until, uncleared(definition))


def held(definition: Definition, machine: Machine, sample: Sample) -> tuple[Machine, Values | None]:
    """Return a past's memory after a reading that is not its own, and what its levels come to.

    None: the reading is bad, and says nothing of them.
    """
    kind, levels = definition.kind, definition.rule.levels
    if not sample.good or not definition.watch.within(sample.value):
        lost = kind.lose(machine.memory, sample.input, sample.time)
        return machine._replace(memory=lost), None
    reading = Reading(sample.time, sample.value, sample.time, sample.input)
    taken = kind.take(machine.memory, reading, levels)
    return machine._replace(memory=taken.memory), taken.values


def going_on(definition: Definition, branch: Branch, time: int) -> Branch:
    """Return a past that still stands at `time`, when the live alarm it belonged to was over."""
    level = branch.machine.condition.level
    if not level or branch.path:
        return branch
    return branch._replace(path=((time, level, comes_to(definition, branch.machine, level)),))
