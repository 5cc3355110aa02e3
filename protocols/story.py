"""Reads the story clock that the demo, drills and tests hand to every process (`--story FILE`).

The file is a JSON list of paces, `[{"real": <µs UTC>, "story": <µs UTC>, "factor": 5.0}, ...]`.
It may be replaced while processes run: each looks at it a few times a second, so a pace that lies
half a second ahead reaches everyone before it begins.
"""

import json
import math
from pathlib import Path
from typing import Final

from protocols.clock import MILLISECOND, Clock, Pace, StoryClock, SystemClock
from protocols.errors import ConfigError, Problem

LOOK_EVERY: Final = 100 * MILLISECOND
"""Real time between two looks at the file."""

AHEAD: Final = 500 * MILLISECOND
"""How far ahead a new pace must lie so that every process knows it in time."""


class FollowedStory(StoryClock):
    """A story clock that follows its file."""

    def __init__(self, file: Path, paces: list[Pace]) -> None:
        super().__init__(paces)
        self._file = file
        self._changed = _stamp(file)
        self._looked = 0

    def _pace(self, real: int) -> Pace:
        if not 0 <= real - self._looked < LOOK_EVERY:
            self._looked = real
            changed = _stamp(self._file)
            if any(changed) and changed != self._changed:
                try:
                    self.paces = sorted(_read(self._file), key=lambda pace: pace.real)
                except ConfigError:
                    # Half written, or wrong: the story goes on as it was told, and we look again.
                    return super()._pace(real)
                self._changed = changed
        return super()._pace(real)


def load_clock(path: Path | None) -> Clock:
    """Return the story clock of `path`, or the machine's clock for None. Raises ConfigError."""
    return SystemClock() if path is None else FollowedStory(path, _read(path))


def _stamp(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError:
        # The file went away with the demo's folder: the story goes on as it was told.
        return (0, 0)
    return (found.st_mtime_ns, found.st_ino)


def _read(path: Path) -> list[Pace]:
    try:
        return _paces(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as exc:
        problem = Problem("STORY_UNREADABLE", str(path), 0, "", {"reason": str(exc)})
        raise ConfigError([problem]) from exc


def _paces(items: list[dict[str, float]]) -> list[Pace]:
    if not items:
        raise ValueError("a story clock needs at least one pace")
    paces = [Pace(int(item["real"]), int(item["story"]), float(item["factor"])) for item in items]
    if not all(0 < pace.factor < math.inf for pace in paces):
        raise ValueError("a factor is above 0")
    return paces
