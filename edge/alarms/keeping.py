"""Keeps the gateway's alarm states and journal on the medium: what was told survives a kill.

A line is kept first and told then, so that one that was kept and not told is told at the next
start. While the medium fails everything is told all the same, and kept when it works again.
"""

import logging
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from edge.alarms.state_file import KEPT, Line, RuleRow, StateFile
from protocols.clock import SECOND, Clock
from protocols.errors import BufferFault
from protocols.owner_thread import OwnerThread

logger = logging.getLogger(__name__)

AGAIN = 10 * SECOND
"""How long a medium that failed is left alone (gateway's clock)."""


class Keeping:
    """What is to be written, on the event loop; the file lives in a thread of its own.

    `lines` is the journal as far as it is here, `gone` how many lines went before it; `failing` why
    nothing is stored, `aside` the name of a damaged file that was put aside.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.lines: deque[Line] = deque(maxlen=KEPT)
        self.gone = 0
        self.failing: str | None = None
        self.aside: str | None = None
        self.next = 1
        self._folder = folder
        self._clock = clock
        self._thread = OwnerThread("alarms")
        self._file: StateFile | None = None
        self._rows: dict[str, RuleRow] = {}
        self._unwritten: deque[Line] = deque(maxlen=KEPT)
        self._told: set[int] = set()
        self._lost = 0
        self._wait_until = 0

    async def open(self) -> list[RuleRow]:
        """Open the file and return rules' states; nothing where the medium fails."""
        try:
            rows, lines, self.gone = await self._thread.run(self._read)
        except BufferFault as exc:
            self._failed(exc)
            return []
        self.lines.extend(lines)
        self.next = max((line.n for line in lines), default=0) + 1
        return rows

    @property
    def owed(self) -> bool:
        """Whether something is to be written, the medium willing."""
        return bool(self._rows or self._unwritten or self._told)

    @property
    def untold(self) -> list[Line]:
        """Return the lines that the buffer has not got yet, in order."""
        return [line for line in self.lines if not line.told]

    def put(self, rows: Iterable[RuleRow], lines: Sequence[Line]) -> None:
        """Take what changed; `write` makes it durable."""
        self._rows |= {row.rule: row for row in rows}
        self.next += len(lines)
        self.lines.extend(lines)
        lost = max(0, len(self._unwritten) + len(lines) - KEPT)
        self._lost += lost
        self.gone += lost
        self._unwritten.extend(lines)

    def told(self, numbers: Iterable[int]) -> None:
        """Note that the buffer has these lines; durable with the next `write`."""
        done = set(numbers)
        self._told |= done
        for place, line in enumerate(self.lines):
            if line.n in done:
                self.lines[place] = line._replace(told=True)

    async def write(self) -> bool:
        """Make durable what was taken; False: not now, it stays owed."""
        if self.failing is not None and self._clock.mono() < self._wait_until:
            return False
        rows, lines, told = self._rows, list(self._unwritten), self._told
        lost, self._lost = self._lost, 0
        self._rows, self._told = {}, set()
        self._unwritten.clear()
        try:
            self.gone = await self._thread.run(self._write, list(rows.values()), lines, told, lost)
        except BufferFault as exc:
            self._rows = rows | self._rows
            self._told |= told
            self._lost += lost
            self._unwritten.extendleft(reversed(lines[-KEPT:]))
            self._failed(exc)
            return False
        self.failing = None
        return True

    async def close(self) -> None:
        """Write what is owed and let go."""
        if self.owed:
            self._wait_until = 0
            await self.write()
        await self._thread.run(self._close)
        await self._thread.close()

    def _failed(self, exc: BufferFault) -> None:
        if self.failing is None:
            logger.error("alarm states are not stored: %s", exc)
        self.failing = exc.code
        self._wait_until = self._clock.mono() + AGAIN

    def _opened(self) -> StateFile:
        if self._file is None:
            self._file = StateFile(self._folder)
            self.aside = self._file.aside
        return self._file

    def _read(self) -> tuple[list[RuleRow], list[Line], int]:
        file = self._opened()
        return file.read()

    def _write(self, rows: list[RuleRow], lines: list[Line], told: set[int], lost: int) -> int:
        return self._opened().write(rows, lines, sorted(told), lost)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
