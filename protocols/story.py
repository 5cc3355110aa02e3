"""Reads the story clock that the demo, drills and tests hand to every process (`--story FILE`).

The file is a JSON list of paces, `[{"real": <µs UTC>, "story": <µs UTC>, "factor": 5.0}, ...]`.
"""

import json
from pathlib import Path

from protocols.clock import Clock, Pace, StoryClock, SystemClock
from protocols.errors import ConfigError, Problem


def load_clock(path: Path | None) -> Clock:
    """Return the story clock of `path`, or the machine's clock for None. Raises ConfigError."""
    if path is None:
        return SystemClock()
    try:
        paces = [
            Pace(int(item["real"]), int(item["story"]), float(item["factor"]))
            for item in json.loads(path.read_text(encoding="utf-8"))
        ]
        return StoryClock(paces)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        problem = Problem("STORY_UNREADABLE", str(path), 0, "", {"reason": str(exc)})
        raise ConfigError([problem]) from exc
