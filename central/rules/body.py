"""A rule of the library: what it is about and its levels, meant for no point in particular.

A level may lack its figure (a site has to say it) and may be unconfirmed; such a one is offered and
never raises.
"""

from dataclasses import dataclass, replace
from typing import Final

from protocols.alarms.definition import LIMIT, NO_CLOCKS, UNWATCHED, Clocks, Watch
from protocols.alarms.kinds.kind import Kind
from protocols.alarms.kinds.several import Deviation, Interlock, Levels
from protocols.alarms.kinds.vote import Vote
from protocols.alarms.ladder import DIRECTIONS
from protocols.alarms.rule import Level
from protocols.words import Label

SEVERAL: Final = (Interlock, Vote, Deviation, Levels)
"""Kinds with more inputs than one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A level as offered. `known`: it has a figure; else a site's `named` value has to say it.

    `tag` is where the figure stands in the reference; `counts` the colour a roll-up counts;
    `request` what people are asked to do, else the rule's.
    """

    level: Level
    known: bool = True
    named: str | None = None
    tag: str | None = None
    counts: str | None = None
    request: Label = Label("")  # noqa: RUF009  # frozen

    @property
    def active(self) -> bool:
        """Whether it may raise as it stands."""
        return self.known and self.level.active

    def confirmed(self, by: str, on: str, limit: float | None) -> "Offer":
        """Return it as somebody answered for it; `limit`: the figure, where that is said."""
        level = replace(self.level, confirmed_by=by, confirmed_on=on)
        if limit is None:
            return replace(self, level=level)
        return replace(self, level=replace(level, limit=limit), known=True)

    def answered(self) -> "Offer":
        """Return what somebody answers for: not who did, nor what people are asked to do."""
        return replace(self.unconfirmed(), request=Label(""))

    def unconfirmed(self) -> "Offer":
        """Return it as nobody has answered for it yet."""
        return replace(self, level=replace(self.level, confirmed_by=None, confirmed_on=None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """An input of a rule of several: a point by its id, or those of `quantity` in the object.

    Of a roll-up it is another rule, by the id the engine has it under (`rule`); one without inputs
    counts the points of each quantity on its object.

    `many`: every one of them, as `name.1`, `name.2` and so on; else there has to be one. `unit`:
    that of the figures it is held against.
    """

    name: str
    point: str | None = None
    quantity: str | None = None
    rule: str | None = None
    many: bool = False
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One version of a rule. `id` is a logical name, `kind_name` how people call the kind.

    `family`: rules of one family stand in for each other at a point. `attach`: a rule of a
    threshold set is meant for its whole domain as soon as it is offered. `request`: what people are
    asked to do, where a level does not say otherwise.
    """

    id: str
    label: Label
    quantities: tuple[str, ...]
    unit: str
    kind_name: str
    levels: tuple[Offer, ...]
    kind: Kind = LIMIT
    family: str
    latching: bool = False
    where: str = "both"
    attach: bool = True
    inputs: tuple[Input, ...] = ()
    watch: Watch = UNWATCHED
    clocks: Clocks = NO_CLOCKS
    source: str = ""
    quote: str = ""
    note: Label = Label("")  # noqa: RUF009  # frozen
    request: Label = Label("")  # noqa: RUF009  # frozen
    suppressed_by: tuple[str, ...] = ()
    """Rules, by the ids the engine has them under: while one stands this one rests."""

    @property
    def several(self) -> bool:
        """Whether it has more inputs than one."""
        return isinstance(self.kind, SEVERAL) or bool(self.inputs)


def usual_family(id_: str, kind_name: str, levels: tuple[Offer, ...]) -> str:
    """Return the family of a rule that names none.

    Limits of one direction on a point stand in for each other, whoever set them; a rule of any
    other kind stands beside.
    """
    sides = {DIRECTIONS[offer.level.op] for offer in levels}
    if kind_name in ("limit", "digital") and len(sides) == 1:
        return sides.pop()
    return id_
