"""What a window that went on without a gap has to know of it, once the gap has come (pure).

The live machine judged what came after the gap without what was in it: a sum that lacks an hour
of rain falls below its limit though it rains. When an older stream has delivered, its readings
take their place; nothing is judged by that, the next live reading is.
"""

from protocols.alarms.definition import Definition
from protocols.alarms.kinds.kind import Reading, Taken
from protocols.alarms.kinds.window import Window
from protocols.alarms.machine import Machine
from protocols.alarms.past import Branch


def joined(definition: Definition, live: Machine, branch: Branch) -> Machine:
    """Return the live machine with what a past remembers, where its kind adds readings up."""
    kind, levels = definition.kind, definition.rule.levels
    if not isinstance(kind, Window) or not live.newest:
        return live
    after = None
    if branch.first is not None and branch.after is not None:
        after = Reading(branch.first, branch.after, branch.first)
    memory = kind.join(branch.machine.memory, live.memory, after, levels)
    if memory == live.memory:
        return live
    held = kind.again(kind, Taken(memory, live.values), levels, live.newest[-1][1])
    return live._replace(memory=memory, values=held.values)
