"""What of the store is known to be damaged: noted by whoever meets it, told until it is mended."""

import sqlite3
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from central.store.squeezed import Damaged
from protocols.words import Value

EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A chunk that cannot be read, and why."""

    chunk: int
    family: int
    day: int
    device: str
    why: str

    @property
    def what(self) -> str:
        """Return it in words: `site/gateway/device 2026-06-12`, a UTC day."""
        return f"{self.device} {day_text(self.day)}"


class ChunkUnreadable(Damaged):
    """A query needs a chunk that cannot be read; other days and devices are not touched by it."""

    def __init__(self, spoilt: Spoilt) -> None:
        super().__init__(what=spoilt.what, reason=spoilt.why)
        self.spoilt = spoilt


def unreadable(conn: sqlite3.Connection, chunk: int, why: Value) -> ChunkUnreadable:
    """Return the error of a chunk that cannot be read."""
    return ChunkUnreadable(spoilt(conn, chunk, str(why)))


def spoilt(conn: sqlite3.Connection, chunk: int, why: str) -> Spoilt:
    """Return what is known of a chunk without reading it."""
    row = conn.execute(
        "SELECT c.family, c.day, f.device FROM chunk c LEFT JOIN family f ON f.number = c.family "
        "WHERE c.id = ?",
        (chunk,),
    ).fetchone()
    family, day, device = (0, 0, None) if row is None else row
    return Spoilt(chunk, family, day, device or f"#{family}", why)


def day_text(day: int) -> str:
    """Return a UTC day as people write it; as its number where there is no such date."""
    try:
        return (EPOCH + timedelta(days=day)).isoformat()
    except OverflowError:
        return str(day)


class Damage:
    """Chunks known to be damaged, by id; the event loop's."""

    def __init__(self) -> None:
        self.chunks: dict[int, Spoilt] = {}
        self._told: set[tuple[int, int]] = set()

    def note(self, found: Spoilt) -> None:
        """Remember one."""
        self.chunks[found.chunk] = found

    def mended(self, chunk: int) -> None:
        """Forget one: it can be read again, or is gone."""
        gone = self.chunks.pop(chunk, None)
        if gone is not None and not any(
            (each.family, each.day) == (gone.family, gone.day) for each in self.chunks.values()
        ):
            self._told.discard((gone.family, gone.day))

    def untold(self) -> list[Spoilt]:
        """Return one chunk of each family's day that nobody was told of."""
        fresh = {
            key: each
            for each in self.chunks.values()
            if (key := (each.family, each.day)) not in self._told
        }
        return list(fresh.values())

    def told(self, found: list[Spoilt]) -> None:
        """These were made known."""
        self._told |= {(each.family, each.day) for each in found}
