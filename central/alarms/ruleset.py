"""Rules follow the manifests: a point's confirmed limits are its rules, versioned when they change.

A changed ladder is re-evaluated at once with the value that holds, and an open episode says so in
its journal (RULE_CHANGED); a rule that is gone lets its alarm return.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from central.alarms.moves import Moves
from central.alarms.records import EpisodeRow, levels_json
from central.alarms.stored import Stored
from central.alarms.tracked import Tracked, begin, drop_branch, stream_purpose
from protocols.alarms.condition import Change, carry_over, sample, start
from protocols.alarms.ladder import directions, rule_of
from protocols.alarms.rule import Level, Rule
from protocols.alarms.state import State, Word
from protocols.wire.manifest import Manifest

REASON = "rule_changed"
_WRITE: Final = (
    "INSERT INTO rule(id, point, version, active, changed, levels) VALUES (?, ?, ?, 1, ?, ?) "
    "ON CONFLICT(id) DO UPDATE SET version = excluded.version, active = 1, "
    "changed = excluded.changed, levels = excluded.levels"
)


Ladders = dict[str, tuple[Level, ...]]
"""By rule."""


class Wanted(NamedTuple):
    """A rule a manifest asks for, on the point at `place`; `levels` as the tables keep them."""

    rule: Rule
    place: int
    levels: str


class Known(NamedTuple):
    """How to find a rule's state by id, and the store."""

    rule: Callable[[str], Tracked | None]
    stored: Stored


@dataclass(slots=True)
class Taken:
    """What a manifest changed: states to be indexed, those of them that judge on, episodes."""

    tracked: list[Tracked] = field(default_factory=list)
    active: set[str] = field(default_factory=set)
    episodes: list[EpisodeRow] = field(default_factory=list)


def wanted(manifest: Manifest) -> list[Wanted]:
    """Return the rules a manifest asks for; without the tables, so anywhere."""
    found = []
    # Points that share their limits (the decoder holds them once) share ladders and their text.
    known: dict[int, list[tuple[str, tuple[Level, ...], str]]] = {}
    for index, point in enumerate(manifest.points):
        if not point.limits:
            continue
        sides = known.get(id(point.limits))
        if sides is None:
            ladders = directions(point.limits)
            sides = [(side, levels, levels_json(levels)) for side, levels in ladders]
            known[id(point.limits)] = sides
        subject = str(manifest.point_id(index))
        for side, levels, text in sides:
            found.append(Wanted(rule_of(subject, side, levels), index, text))
    return found


def take(
    conn: sqlite3.Connection,
    known: Known,
    rules: Sequence[Wanted],
    numbers: Mapping[int, int],
    now: int,
) -> Taken:
    """Bring `rules` up to date; `numbers` are the registry's, by place in the manifest."""
    taken, changed = Taken(), _changed(conn, rules)
    # What judged until now knows its point's newest reading.
    asked = {numbers[each.place] for each, _, active in changed if not active}
    newest = known.stored.newest_good_all(conn, asked)
    conn.executemany(
        _WRITE,
        [
            (rule.id, numbers[place], version, now, levels)
            for (rule, place, levels), version, _ in changed
        ],
    )
    for (rule, place, _), version, active in changed:
        fresh = rule if rule.version == version else replace(rule, version=version)
        number = numbers[place]
        tracked = known.rule(rule.id)
        if tracked is None or not (active or tracked.episode):
            tracked = begin(number, rule, newest.get(number))
        elif not active and number in newest:
            tracked.know(newest[number])
        taken.active.add(rule.id)
        _change(conn, known, (tracked, fresh), now, taken)
    return taken


def others(conn: sqlite3.Connection, gateway: str, rules: Sequence[Wanted]) -> list[str]:
    """Return every active rule of the gateway that is not among `rules`."""
    kept = {each.rule.id for each in rules}
    found = conn.execute(
        "SELECT r.id FROM rule r JOIN point p ON p.number = r.point "
        "WHERE p.gateway = ? AND r.active",
        (gateway,),
    ).fetchall()
    return [id_ for (id_,) in found if id_ not in kept]


def retire(conn: sqlite3.Connection, known: Known, rules: Sequence[str], now: int) -> Taken:
    """Let go of `rules`."""
    taken = Taken()
    for id_ in rules:
        conn.execute("UPDATE rule SET active = 0, changed = ? WHERE id = ?", (now, id_))
        if (gone := known.rule(id_)) is not None:
            _change(conn, known, (gone, None), now, taken)
    return taken


def _changed(conn: sqlite3.Connection, rules: Sequence[Wanted]) -> list[tuple[Wanted, int, bool]]:
    """Return which rules are not as the table has them: their next version, whether they judge."""
    ids = json.dumps([each.rule.id for each in rules])
    found = conn.execute(
        "SELECT id, version, active, levels FROM rule WHERE id IN (SELECT value FROM json_each(?))",
        (ids,),
    )
    stored = {id_: (version, active, levels) for id_, version, active, levels in found.fetchall()}
    changed = []
    for each in rules:
        version, active, before = stored.get(each.rule.id, (0, 0, ""))
        if not active or before != each.levels:
            changed.append((each, version + 1, bool(active)))
    return changed


def _change(
    conn: sqlite3.Connection,
    known: Known,
    change: tuple[Tracked, Rule | None],
    now: int,
    taken: Taken,
) -> None:
    """Go over to another rule, or to none."""
    tracked, rule = change
    moves = Moves(conn, now, stream_purpose(conn, tracked), known.stored)
    if tracked.episode is not None:
        moves.note(tracked, Word.RULE_CHANGED, now, None, None)
    # Branches count levels of the old ladder; what they told stays told.
    for stream in list(tracked.branches):
        drop_branch(conn, tracked, stream)
    tracked.calm = None
    before = tracked.condition.level
    stood = tracked.rule.levels[before - 1] if before else None
    if rule is None:
        tracked.condition = start(tracked.rule)
    else:
        condition = tracked.condition
        if tracked.rule.levels is not rule.levels:
            condition = carry_over(tracked.rule, condition, rule)
        if tracked.newest is not None:
            time = max(now, tracked.newest)
            condition, _ = sample(rule, condition, time, tracked.value)
        tracked.rule, tracked.condition = rule, condition
    _follow(moves, tracked, stood, now)
    taken.tracked.append(tracked)
    taken.episodes += moves.changed()


def _follow(moves: Moves, tracked: Tracked, stood: Level | None, now: int) -> None:
    """Let the alarm follow at once; `stood` is the level it stood at under the old ladder."""
    alarm, level = tracked.alarm, tracked.condition.level
    standing = alarm.state in (State.UNACK, State.ACKED)
    if level == 0:
        if standing:
            moves.apply(tracked, Change(now, alarm.level, 0), tracked.value, REASON)
        return
    here = tracked.rule.levels[level - 1]
    if standing and here == stood:
        tracked.alarm = replace(alarm, level=level)
        return
    if standing and stood is not None:
        # Levels of two ladders compare by colour: only a worse one calls people again.
        tracked.alarm = replace(alarm, level=level - 1 if here.colour > stood.colour else level + 1)
    moves.apply(tracked, Change(now, tracked.alarm.level, level), tracked.value, REASON)
