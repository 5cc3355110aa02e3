"""What waits to be written, in its order: alarms and people, the rest, what is patient."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain
from typing import Any, Final

from sqlite_utils import Database as Tables

GROUP: Final = 32
"""Most pieces of work in one transaction: bounds how long the first of them waits."""
PASSED_OVER: Final = 8
"""Transactions after which what is patient has its turn, whatever else there is."""


class Urgency(IntEnum):
    """Who goes first: an alarm or a person; everything else; what has waited for hours already."""

    URGENT = 0
    USUAL = 1
    PATIENT = 2


class Heavy(Exception):  # no error: it says where work belongs
    """Raised by light work that finds it would take long, before it changed anything.

    `harmless`: what it wrote until then is true whatever becomes of it, and may stay.
    """

    harmless = False


@dataclass(slots=True)
class Job:
    """`after` is called with the result on the event loop, in the order of the commits.

    `light`: `work` as it may be run on the event loop, if it may.
    """

    work: Callable[[Tables], Any]
    after: Callable[[Any], None] | None
    urgency: Urgency
    outcome: asyncio.Future[Any]
    light: Callable[[Tables], Any] | None = None


class Queue:
    """Jobs by urgency. Filled and emptied on the event loop; `hurried` may be asked anywhere."""

    def __init__(self) -> None:
        self._waiting: dict[Urgency, deque[Job]] = {each: deque() for each in Urgency}
        self._passed_over = 0

    def __iter__(self) -> Iterator[Job]:
        return chain.from_iterable(self._waiting.values())

    @property
    def hurried(self) -> bool:
        """Whether something urgent waits."""
        return bool(self._waiting[Urgency.URGENT])

    def add(self, job: Job) -> None:
        """Put a job behind those of its urgency."""
        self._waiting[job.urgency].append(job)

    def take(self) -> list[Job]:
        """Return the next group; what is patient has its turn at last, whatever else there is."""
        urgent, usual, patient = (self._waiting[each] for each in Urgency)
        lanes = [urgent, usual, patient]
        if patient and self._passed_over >= PASSED_OVER:
            lanes = [urgent, patient, usual]
        jobs: list[Job] = []
        for lane in lanes:
            while lane and len(jobs) < GROUP:
                jobs.append(lane.popleft())
        return jobs

    def settle(self, done: list[Job], put_back: list[Job]) -> None:
        """Take back what had to wait for the next transaction, in its place."""
        patient = any(job.urgency is Urgency.PATIENT for job in done)
        self._passed_over = 0 if patient else self._passed_over + 1
        for job in reversed(put_back):
            self._waiting[job.urgency].appendleft(job)
