"""What pages are told of alarms that changed, of what is silent and of what lies over rules.

Encoded once for everybody; of a silent place that serves several sites once for each scope, for how
much of it is down at other sites is told to nobody who does not see these.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from central.alarms.acts.overlays import Laid
from central.alarms.journal.episode import Episode
from central.api import alarm_shape
from central.api.subscriber import Message, message
from central.api.untold import Changed

if TYPE_CHECKING:
    from central.collector import Collector

Scope = frozenset[str] | None


class Telling:
    """One change, as it is told to who sees the sites of a scope (None: all)."""

    def __init__(self, collector: "Collector", changed: Changed) -> None:
        self.site = changed.site
        self._collector = collector
        self._changed = changed
        self._made: dict[Scope, Message] = {}

    def to(self, scope: Scope) -> Message:
        """Return the event for a scope."""
        changed = self._changed
        apart = isinstance(changed, Episode) and changed.fault is not None and changed.fault.shared
        scope = scope if apart else None
        made = self._made.get(scope)
        if made is None:
            made = self._made[scope] = self._encoded(scope)
        return made

    def _encoded(self, scope: Scope) -> Message:
        changed, collector = self._changed, self._collector
        if isinstance(changed, Laid):
            point = collector.registry.by_number(changed.point)
            return message("overlay", alarm_shape.overlaid(changed, point))
        shown = alarm_shape.episode(changed, scope, collector.clock.now())
        return message("alarm" if shown.fault is None else "fault", shown)


async def tellings(collector: "Collector", changed: Sequence[Changed]) -> list[Telling]:
    """Return changes with what people are told of them, looked up together."""
    alarms = [each for each in changed if not isinstance(each, Laid)]
    whole = iter(await collector.alarms.with_told(alarms) if alarms else ())
    return [Telling(collector, each if isinstance(each, Laid) else next(whole)) for each in changed]
