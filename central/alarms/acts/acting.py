"""What people do with alarms, in the transaction that writes it: act, journal, key, audit.

A refusal says what was asked, where the alarm is, and what can be done; it is kept with its key and
in the audit, so that the same request again is answered the same.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlite_utils import Database as Tables

from central.alarms.acts import overlays as laid
from central.alarms.acts import refusals, said, shelving
from central.alarms.acts.acted import Acknowledge, Acted, Reset, RuleUnknown, What
from central.alarms.acts.asked import Deed, Outcome, Wish
from central.alarms.acts.once import once
from central.alarms.acts.refusals import ACTS, STEPS
from central.alarms.engine import Engine
from central.alarms.journal.episode import Comment, Verification
from central.alarms.journal.records import EpisodeRow, Line, episode_by_id
from central.alarms.journal.writing import write_line
from central.alarms.settings import Acting
from central.alarms.tracked import Tracked
from central.identity import audit
from protocols.alarms import overlay as overlays
from protocols.alarms.acting import Asked
from protocols.alarms.overlay import Act
from protocols.alarms.word import Word
from protocols.errors import FengsuiError, IllegalTransition

_WORDS: Final = frozenset({Deed.VERIFY, Deed.COMMENT})


class EpisodeUnknown(FengsuiError):
    """There is no such episode."""

    code = "EPISODE_UNKNOWN"


class Office:
    """Does what people ask, in the writer's thread."""

    def __init__(self, engine: Engine, settings: Acting) -> None:
        self._engine = engine
        self._settings = settings

    def do(self, tables: Tables, wish: Wish) -> Outcome:
        """Do it once. Raises EpisodeUnknown, RuleUnknown or ShelfRequestUnknown."""
        row = _row(tables.conn, wish)

        def again(request: int | None) -> Outcome:
            return Outcome(row=row, request=request)

        outcome = once(tables.conn, wish, lambda: self._audited(tables, wish, row), again)
        if wish.deed in STEPS or wish.deed in _WORDS:
            return outcome
        rule = row.rule if row is not None else wish.rule or ""
        tracked = self._engine.tracked(tables.conn, rule)
        if tracked is None:
            raise RuleUnknown(rule=rule)
        place = (tracked.point, tracked.site)
        return replace(outcome, over=laid.over(tables.conn, rule, place))

    def do_all(self, tables: Tables, wishes: Sequence[Wish]) -> list[Outcome]:
        """Do each; what cannot be is an outcome of its own, with nothing changed."""
        found = []
        for wish in wishes:
            try:
                found.append(self.do(tables, wish))
            except FengsuiError as exc:
                found.append(Outcome(refused=exc))
        return found

    def _audited(self, tables: Tables, wish: Wish, row: EpisodeRow | None) -> Outcome:
        outcome = self._done(tables, wish, row)
        if outcome.changed or outcome.refused is not None:
            refused = outcome.refused
            detail = wish.said if refused is None else {**wish.said, "refused": refused.code}
            ending = "" if refused is None else "_REFUSED"
            act = audit.Act(
                time=wish.acted,
                actor=wish.person,
                action=_AUDITED[wish.deed] + ending,
                subject=f"alarm/{wish.alarm}" if wish.alarm else f"rule/{wish.rule}",
                detail=detail,
            )
            audit.append(tables, act)
        return outcome

    def _done(self, tables: Tables, wish: Wish, row: EpisodeRow | None) -> Outcome:
        conn = tables.conn
        match wish.deed:
            case Deed.ACKNOWLEDGE if row is not None:
                return self._acknowledge(tables, wish, row)
            case Deed.RESET if row is not None:
                return self._step(tables, wish, row, Reset(wish.person, wish.text))
            case Deed.VERIFY if row is not None:
                found = Verification(
                    result=wish.result, by=wish.person, at=wish.now, note=wish.text
                )
                said.verify(conn, row.number, found)
                return _said(conn, row)
            case Deed.COMMENT if row is not None:
                words = Comment(by=wish.person, at=wish.now, text=wish.text)
                said.comment(conn, row.number, words)
                return _said(conn, row)
            case Deed.CONFIRM_SHELF | Deed.REFUSE_SHELF:
                return self._decide(tables, wish)
            case deed if deed in ACTS:
                return self._lay(tables, wish, row)
        raise EpisodeUnknown(episode=wish.subject)

    def _acknowledge(self, tables: Tables, wish: Wish, row: EpisodeRow) -> Outcome:
        first = row.acknowledged
        if first is None:
            return self._step(tables, wish, row, Acknowledge(wish.person, wish.text))
        if first.by == wish.person:
            return Outcome(row=row)
        line = Line(
            episode=row.number,
            rule=row.rule,
            time=wish.now,
            recorded=wish.now,
            word=Word.ACK_REJECTED,
            level=row.level.name,
            actor=wish.person,
        )
        write_line(tables.conn, line)
        refused = IllegalTransition("ALREADY_ACKNOWLEDGED", by=first.by, at=first.at)
        return Outcome(row=row, refused=refused)

    def _step(self, tables: Tables, wish: Wish, row: EpisodeRow, what: What) -> Outcome:
        tracked = self._engine.tracked(tables.conn, row.rule)
        before = refusals.last_act(tables.conn, row.rule, row.number)
        if tracked is None or tracked.episode != row.number:
            # It is over: what the rule's machine says now is of another episode.
            over = refusals.refused(wish, row.state, "NOT_ACTIVE", (), before)
            return Outcome(row=row, refused=over)
        state, overlay = tracked.alarm.state, tracked.machine.overlay
        instead = refusals.allowed(state, overlay)
        acted = self._engine.act(tables, row.rule, what, wish.now)
        if acted.refused is not None:
            reason = str(acted.refused.params["reason"])
            refused = refusals.refused(wish, state, reason, instead, before)
            return _outcome(tables.conn, wish, acted, refused)
        return _outcome(tables.conn, wish, acted)

    def _lay(self, tables: Tables, wish: Wish, row: EpisodeRow | None) -> Outcome:
        rule = row.rule if row is not None else wish.rule or ""
        tracked = self._engine.tracked(tables.conn, rule)
        if tracked is None:
            raise RuleUnknown(rule=rule)
        if wish.deed is Deed.SHELVE:
            asks = self._settings.second_person and shelving.red(tracked.rule)
            fits = wish.seconds <= self._longest(tracked)
            if asks and fits and overlays.refusal(tracked.machine.overlay, Act.SHELVE) is None:
                return Outcome(row=row, request=shelving.ask(tables.conn, wish, tracked))
        text = f"{wish.reference}: {wish.text}" if wish.reference else wish.text
        asked = Asked(
            ACTS[wish.deed],
            by=wish.person,
            reason=text,
            seconds=wish.seconds,
            one_shot=wish.one_shot,
        )
        return self._put(tables, wish, (tracked, row), asked)

    def _decide(self, tables: Tables, wish: Wish) -> Outcome:
        tracked = self._engine.tracked(tables.conn, wish.rule or "")
        if tracked is None:
            raise RuleUnknown(rule=wish.rule or "")
        found = shelving.decide(tables.conn, wish)
        if isinstance(found, FengsuiError):
            return Outcome(refused=found, request=wish.request)
        if wish.deed is Deed.REFUSE_SHELF:
            return Outcome(request=wish.request, changed=True)
        asked = Asked(
            Act.SHELVE,
            by=f"{found.asked_by}, {wish.person}",
            reason=found.reason,
            seconds=found.seconds,
            one_shot=found.one_shot,
        )
        outcome = self._put(tables, wish, (tracked, None), asked)
        if outcome.refused is not None:
            shelving.reopen(tables.conn, wish)
        return outcome

    def _put(
        self, tables: Tables, wish: Wish, on: tuple[Tracked, EpisodeRow | None], asked: Asked
    ) -> Outcome:
        """Lay something over a rule, or take it off."""
        (tracked, row), conn = on, tables.conn
        state, overlay = tracked.alarm.state, tracked.machine.overlay
        longest = self._longest(tracked)
        if asked.act is Act.SHELVE and asked.seconds > longest:
            refused = refusals.too_long(wish, state, asked.seconds, longest)
            return Outcome(row=row, refused=refused)
        before = refusals.last_act(conn, tracked.rule.id, row.number if row else tracked.episode)
        try:
            acted = self._engine.act(tables, tracked.rule.id, asked, wish.now)
        except IllegalTransition as exc:
            stands, reason = overlays.name(overlay) or state, str(exc.params["reason"])
            instead = refusals.allowed(state, overlay)
            return Outcome(row=row, refused=refusals.refused(wish, stands, reason, instead, before))
        return _outcome(conn, wish, acted)

    def _longest(self, tracked: Tracked) -> float:
        """Return how long its shelf may last: the rule's cap, where it has one that is shorter."""
        cap, longest = tracked.definition.clocks.longest_shelf, self._settings.longest_shelf
        return longest if cap is None else min(cap, longest)


_AUDITED: Final = {
    Deed.ACKNOWLEDGE: "ALARM_ACKNOWLEDGED",
    Deed.RESET: "ALARM_RESET",
    Deed.SHELVE: "ALARM_SHELVED",
    Deed.UNSHELVE: "ALARM_UNSHELVED",
    Deed.SUPPRESS: "ALARM_SUPPRESSED",
    Deed.UNSUPPRESS: "ALARM_UNSUPPRESSED",
    Deed.OUT_OF_SERVICE: "ALARM_OUT_OF_SERVICE",
    Deed.IN_SERVICE: "ALARM_IN_SERVICE",
    Deed.VERIFY: "ALARM_VERIFIED",
    Deed.COMMENT: "ALARM_COMMENTED",
    Deed.CONFIRM_SHELF: "ALARM_SHELF_CONFIRMED",
    Deed.REFUSE_SHELF: "ALARM_SHELF_TURNED_DOWN",
}


def _row(conn: sqlite3.Connection, wish: Wish) -> EpisodeRow | None:
    if wish.alarm is None:
        return None
    row = episode_by_id(conn, wish.alarm)
    if row is None:
        raise EpisodeUnknown(episode=wish.alarm)
    return row


def _said(conn: sqlite3.Connection, row: EpisodeRow) -> Outcome:
    return Outcome(row=row, rows=[row], said=said.said(conn, [row.number]), changed=True)


def _outcome(
    conn: sqlite3.Connection, wish: Wish, acted: Acted, refused: FengsuiError | None = None
) -> Outcome:
    return Outcome(
        row=_row(conn, wish),
        rows=acted.rows,
        laid=acted.laid,
        refused=refused,
        changed=refused is None,
        request=wish.request,
        due=(acted.due,),
    )
