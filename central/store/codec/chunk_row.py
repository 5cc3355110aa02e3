"""What a chunk is in the table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chunk:
    """A row of the table `chunk`: times of the first and last reading, and of their arrival."""

    members: int
    """A bit for each member that has readings in it."""
    t0: int
    t1: int
    n: int
    received0: int
    received1: int
    summary: bytes
    body: bytes
