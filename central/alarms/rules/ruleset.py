"""Rules are taken from manifests and from the library, versioned when they change.

A changed rule is re-evaluated at once with what is known, and says so in the journal
(RULE_CHANGED); a rule that is gone lets its alarm return.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from central.alarms.acts.overlays import Laid
from central.alarms.journal.ledger import OpenEpisodes
from central.alarms.journal.records import EpisodeRow
from central.alarms.moves import Moves
from central.alarms.pasts import single as pasts
from central.alarms.rules.priming import Priming
from central.alarms.rules.wanted import Texts, texts
from central.alarms.rules.wanted import Wanted as Wanted
from central.alarms.saving import drop_branch
from central.alarms.stored import Stored
from central.alarms.tracked import Inputs, Tracked, begin, is_plain
from protocols.alarms import steps
from protocols.alarms.condition import start
from protocols.alarms.definition import Definition
from protocols.alarms.priming import Primed
from protocols.alarms.rule import Level
from protocols.alarms.word import Word

REASON: Final = "rule_changed"
RETIRED: Final = "rule_retired"
_WRITE: Final = (
    "INSERT INTO rule(id, point, version, active, changed, levels, source, definition, inputs) "
    "VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET point = excluded.point, "
    "version = excluded.version, active = 1, changed = excluded.changed, levels = excluded.levels, "
    "source = excluded.source, definition = excluded.definition, inputs = excluded.inputs"
)


Ladders = dict[str, tuple[Level, ...]]
"""By rule."""


class Known(NamedTuple):
    """How to find a rule's state by id, the store, and the open episodes that are known."""

    rule: Callable[[str], Tracked | None]
    stored: Stored
    episodes: OpenEpisodes


class Changed(NamedTuple):
    """A rule that is not as the table has it: its next version, whether it judges already."""

    wanted: Wanted
    texts: Texts
    version: int
    active: bool


@dataclass(slots=True)
class Taken:
    """What changed: states to be indexed, those of them that judge on, episodes, overlays."""

    tracked: list[Tracked] = field(default_factory=list)
    active: set[str] = field(default_factory=set)
    episodes: list[EpisodeRow] = field(default_factory=list)
    laid: list[Laid] = field(default_factory=list)


def take(conn: sqlite3.Connection, known: Known, rules: Sequence[Wanted], now: int) -> Taken:
    """Bring `rules` up to date."""
    taken, changed = Taken(), _changed(conn, rules)
    # What judged until now knows its point's newest reading.
    asked = {number for each in changed if not each.active for number, _ in each.wanted.inputs}
    newest = known.stored.newest_good_all(conn, asked)
    conn.executemany(_WRITE, [_row(each, now) for each in changed])
    moves = Moves(conn, now, None, known.stored, known.episodes)
    priming = Priming(moves)
    for each in changed:
        definition, inputs, *_ = each.wanted
        if definition.rule.version != each.version:
            definition = replace(definition, rule=replace(definition.rule, version=each.version))
        number = inputs[0][0]
        tracked = known.rule(definition.rule.id)
        if tracked is None or not (each.active or tracked.episode or tracked.covered):
            tracked = begin(definition, inputs, newest.get(number), now)
            priming.begin(tracked)
            _judge_first(moves, tracked)
        else:
            if not each.active and number in newest and tracked.plain:
                tracked.know(newest[number])
            told = priming.again(tracked, definition, inputs)
            _change(moves, tracked, (definition, inputs), told)
        taken.active.add(definition.rule.id)
        taken.tracked.append(tracked)
    taken.episodes, taken.laid = moves.changed(), moves.laid
    return taken


def others(conn: sqlite3.Connection, source: str, kept: Collection[str]) -> list[str]:
    """Return every active rule of `source` that is not among `kept`."""
    found = conn.execute("SELECT id FROM rule WHERE source = ? AND active", (source,)).fetchall()
    return [id_ for (id_,) in found if id_ not in kept]


def retire(conn: sqlite3.Connection, known: Known, rules: Sequence[str], now: int) -> Taken:
    """Let go of `rules`."""
    taken, moves = Taken(), Moves(conn, now, None, known.stored, known.episodes)
    for id_ in rules:
        conn.execute("UPDATE rule SET active = 0, changed = ? WHERE id = ?", (now, id_))
        if (gone := known.rule(id_)) is not None:
            _let_go(moves, gone)
            taken.tracked.append(gone)
    taken.episodes, taken.laid = moves.changed(), moves.laid
    return taken


def _row(each: Changed, now: int) -> tuple[object, ...]:
    wanted, kept = each.wanted, each.texts
    id_, point = wanted.definition.rule.id, wanted.inputs[0][0]
    return (
        *(id_, point or None, each.version, now),
        *(kept.levels, wanted.source, kept.definition, kept.inputs),
    )


def _changed(conn: sqlite3.Connection, rules: Iterable[Wanted]) -> list[Changed]:
    """Return which rules are not as the table has them."""
    asked = [(each, texts(each)) for each in rules]
    ids = json.dumps([each.definition.rule.id for each, _ in asked])
    stored = {
        id_: (version, active, source, Texts(*kept))
        for id_, version, active, source, *kept in conn.execute(
            "SELECT id, version, active, source, levels, definition, inputs FROM rule "
            "WHERE id IN (SELECT value FROM json_each(?))",
            (ids,),
        ).fetchall()
    }
    changed = []
    for each, kept in asked:
        id_ = each.definition.rule.id
        version, active, source, before = stored.get(id_, (0, 0, "", None))
        if not active or before != kept:
            changed.append(Changed(each, kept, version + 1, bool(active)))
        elif source != each.source:
            conn.execute("UPDATE rule SET source = ? WHERE id = ?", (each.source, id_))
    return changed


def _judge_first(moves: Moves, tracked: Tracked) -> None:
    """Judge what the point said before anybody asked; that is no change of the rule."""
    if not tracked.machine.values:
        return
    definition = tracked.definition
    tracked.machine, entries = steps.change(definition, tracked.machine, definition, moves.now)
    said = [entry for entry in entries if entry.word is not Word.RULE_CHANGED]
    moves.entries(tracked, said, tracked.shown, REASON)
    tracked.calm = None


def _change(
    moves: Moves, tracked: Tracked, wanted: tuple[Definition, Inputs], known: Primed | None
) -> None:
    """Go over to another definition; what is known is judged by it at once."""
    new, inputs = wanted
    _forget_past(moves, tracked)
    _up_to_now(moves, tracked)
    old, machine = tracked.definition, tracked.machine
    if new.watch.frozen_after is not None and old.watch.frozen_after is None:
        # Nobody looked until now whether the value moved.
        machine = machine._replace(health=replace(machine.health, value=None, changed=None))
    tracked.machine, entries = steps.change(old, machine, new, moves.now, known=known)
    value = tracked.shown
    tracked.definition = new
    if inputs != tracked.inputs:
        tracked.inputs = inputs
        tracked.point = tracked.inputs[0][0]
    tracked.plain = is_plain(new, tracked.inputs)
    if not any(each is not None for each in tracked.machine.values):
        tracked.machine = tracked.machine._replace(values=())  # nothing is known yet
    moves.entries(tracked, entries, value, REASON)


def _let_go(moves: Moves, tracked: Tracked) -> None:
    """Let the alarm return, for nothing stands without a rule."""
    _forget_past(moves, tracked)
    _up_to_now(moves, tracked)
    old = tracked.definition
    gone = replace(old, rule=replace(old.rule, levels=()))
    value = tracked.shown
    machine, entries = steps.change(old, tracked.machine, gone, moves.now)
    blank = (None,) * len(old.rule.levels)
    tracked.machine = machine._replace(condition=start(old.rule), values=blank)
    moves.entries(tracked, entries, value, RETIRED)
    if tracked.episode is not None and machine.overlay.latched:
        # It latched on under its rest, which nobody may ever end: there is nothing left to reset.
        moves.close(tracked, (Word.RTN, moves.now, RETIRED))
        tracked.episode = None
        tracked.machine = tracked.machine._replace(overlay=replace(machine.overlay, latched=False))


def _up_to_now(moves: Moves, tracked: Tracked) -> None:
    """Let happen what was due under the rule as it was: its levels are told by their names."""
    machine, entries = steps.advance(tracked.definition, tracked.machine, moves.now)
    tracked.machine = machine
    moves.entries(tracked, entries, tracked.shown)


def _forget_past(moves: Moves, tracked: Tracked) -> None:
    # Branches count levels of the old ladder; what they told stays told, and says so.
    for number in pasts.unfinished(tracked):
        moves.alter(tracked, moves.row(number), Word.RULE_CHANGED, moves.now)
    for stream in list(tracked.branches):
        drop_branch(moves.conn, tracked, stream)
    pasts.forget(tracked)
    tracked.calm = None
