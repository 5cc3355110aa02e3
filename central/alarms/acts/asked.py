"""What a person asks of an alarm, and what came of it: plain structs."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from central.alarms.acts.overlays import Laid
from central.alarms.acts.said import Said
from central.alarms.journal.episode import Episode
from central.alarms.journal.records import EpisodeRow
from protocols.errors import FengsuiError
from protocols.words import Value


class Deed(StrEnum):
    """What people do with alarms."""

    ACKNOWLEDGE = "acknowledge"
    RESET = "reset"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    SUPPRESS = "suppress"
    UNSUPPRESS = "unsuppress"
    OUT_OF_SERVICE = "out_of_service"
    IN_SERVICE = "in_service"
    VERIFY = "verify"
    COMMENT = "comment"
    CONFIRM_SHELF = "confirm_shelf"
    REFUSE_SHELF = "refuse_shelf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One act, by whom, of which episode (its id) or rule, under which Idempotency-Key.

    `now` is the time of the data, `acted` real time (µs UTC). `text` is the comment or the reason;
    `seconds` and `one_shot` are of a shelf, `reference` is the permit or filing, `result` the
    verification's, `request` a shelf request's number. `together`: what else this key asks for.
    """

    deed: Deed
    person: str
    key: str
    now: int
    acted: int
    alarm: str | None = None
    rule: str | None = None
    text: str = ""
    seconds: float = 0.0
    one_shot: bool = False
    reference: str = ""
    result: str = ""
    request: int | None = None
    together: Sequence[str] = ()

    @property
    def subject(self) -> str:
        """What it is about: an episode's id, a rule's, a request's number."""
        if self.request is not None:
            return f"shelf-request/{self.request}"
        return self.alarm or self.rule or ""

    @property
    def said(self) -> dict[str, Value]:
        """What the audit keeps of it beside who and what."""
        given: dict[str, Value] = {
            "key": self.key,
            "text": self.text,
            "seconds": self.seconds,
            "one_shot": self.one_shot,
            "reference": self.reference,
            "result": self.result,
        }
        return {name: value for name, value in given.items() if value}

    @property
    def digest(self) -> str:
        """Tells whether a repeated key asks for the same."""
        about: Any = sorted(self.together) or self.subject
        asked = [self.deed, about, {**self.said, "key": ""}]
        text = json.dumps(asked, sort_keys=True, ensure_ascii=False)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it; a refusal is kept, so it is returned, not raised.

    `row` the episode as it is now, `rows` all that changed, `laid` what lies over rules now,
    `said`: what was said of episodes by now; `request`: a second person has to
    confirm it; `due`: the engine's next timer, where it moved; `over`: what lies over its rule.
    """

    row: EpisodeRow | None = None
    rows: Sequence[EpisodeRow] = ()
    laid: Sequence[Laid] = ()
    said: Mapping[int, Said] = field(default_factory=dict)
    refused: FengsuiError | None = None
    changed: bool = False
    request: int | None = None
    due: tuple[int | None] | None = None
    over: Laid | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a person is told: the episode, and what lies over its rule, as they are now."""

    episode: Episode | None = None
    laid: Laid | None = None
    refused: FengsuiError | None = None
    request: int | None = None
    changed: bool = False
