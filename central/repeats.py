"""A log that can still be read when something goes wrong a thousand times a minute."""

import logging
from collections import Counter
from typing import Final

from protocols.clock import real_monotonic

AGAIN: Final = 60.0
"""Real seconds after which a thing that goes on is said again, with how often it happened."""
KEPT: Final = 1_000
"""Different things remembered; beyond that all are said anew."""


class Repeats:
    """Says a thing when it first happens, and once a minute while it goes on; counts every case."""

    def __init__(self, logger: logging.Logger) -> None:
        self.counts: Counter[str] = Counter()
        self._logger = logger
        self._said: dict[str, tuple[float, int]] = {}

    def say(self, key: str, sentence: str, exc: BaseException | None = None) -> None:
        """Count one case of `key`; `exc` is logged whole the first time."""
        self.counts[key] += 1
        known, now = self._said.get(key), real_monotonic()
        if known is not None and now - known[0] < AGAIN:
            return
        if len(self._said) >= KEPT:
            self._said.clear()
        since = self.counts[key] - (known[1] if known else 0)
        self._said[key] = (now, self.counts[key])
        self._logger.error(
            "%s (%d times since it was said)" if known else "%s",
            *((sentence, since) if known else (sentence,)),
            exc_info=None if known else exc,
        )
