"""A medium that fails and comes back while gateway or collector run (libfiu).

`python -m tests.faults.failing`.
"""

import http.client
import re
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

from protocols.clock import real_monotonic
from protocols.words import Reading
from tests.faults.centre import Centre, Client
from tests.faults.fiu import EIO, ENOSPC, SYNC, WRITE, Faults, impossible
from tests.faults.outfit import Gateway, Outfit, eventually

CASES: Final = {
    "ENOSPC pwrite": (WRITE, ENOSPC),
    "EIO pwrite": (WRITE, EIO),
    "EIO fdatasync": (SYNC, EIO),
}
FAILING_SECONDS: Final = 6.0
HOLE: Final = 3_000_000
"""Microseconds without a sample that a busy machine excuses; a gateway that waits makes more."""
LOGGED: Final = re.compile(r"\d{4}-\d\d-\d\d ")


@dataclass
class Course:
    """How it went. `told`: what health said meanwhile; `hole`: most µs without a sample."""

    accepted: int = 0
    lost: int = 0
    duplicated: int = 0
    hole: int = 0
    told: set[str] = field(default_factory=set)
    alive: bool = True
    refused: int = 0
    """Requests answered with 503 while the medium failed."""
    wrong: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        broken = self.lost or self.duplicated or self.wrong or self.hole > HOLE
        return not broken and self.alive and self.accepted > 0

    def __str__(self) -> str:
        return (
            f"accepted {self.accepted}, lost {self.lost}, duplicated {self.duplicated}, "
            f"longest hole {self.hole / 1e6:.1f} s, told {sorted(self.told)}, "
            f"refused {self.refused}{', ' + '; '.join(self.wrong) if self.wrong else ''}"
        )


def gateway_course(work: Path, cases: Sequence[str], seconds: float = FAILING_SECONDS) -> Course:
    """Let calls fail for a while in a gateway that nobody hears, then kill it, then deliver."""
    work.mkdir(parents=True, exist_ok=True)
    faults, course, pause = Faults(work), Course(), threading.Event()
    with Outfit(work) as outfit:
        outfit.unreachable()
        gateway = outfit.start(env=faults.env)
        for call, error in (CASES[case] for case in cases):
            outfit.accepts(10)
            faults.on(gateway.process.pid, call, error)
            end = real_monotonic() + seconds
            while real_monotonic() < end:
                course.told.add(state(gateway))
                pause.wait(0.1)
            course.alive = gateway.alive
            if not gateway.alive:
                return course
            faults.off(gateway.process.pid, call)
            eventually(lambda: state(gateway) == "ok", "the buffer stores again")
        outfit.accepts(10)
        gateway.end(kill=True)
        before = {stream for stream, _ in outfit.claims.names()}
        outfit.reachable()
        outfit.start()
        finish(outfit, course)
        course.hole = longest_hole(outfit, before)
    return course


def state(gateway: Gateway) -> str:
    """Return what health says of the medium: ok, or why not, or that not all is on it yet."""
    buffer = gateway.page().get("buffer")
    if buffer is None:
        return "silent"
    held = "memory" if buffer["memory_bytes"] else buffer["medium"]
    return str(buffer["failing"] or held)


def finish(outfit: Outfit, course: Course) -> None:
    """Deliver everything and count."""
    owed = outfit.claims.names()
    course.accepted = len(owed)
    course.lost = outfit.drained(owed)
    course.duplicated = outfit.twice()
    if tracebacks(outfit.log()):
        course.wrong.append("a traceback in the log")


def tracebacks(log: str) -> int:
    """Count those in a log, but for asyncio's own: it tells with one that a call failed."""
    count, ours = 0, True
    for line in log.splitlines():
        if LOGGED.match(line):
            ours = " asyncio: " not in line
        count += ours and line.startswith("Traceback")
    return count


def longest_hole(outfit: Outfit, streams: set[str]) -> int:
    """Return the longest time in µs without a sample of a routine and of an urgent point."""
    times: dict[int, list[int]] = {}
    with outfit.collector.lock:
        for name in streams & set(outfit.collector.streams):
            for _, item in outfit.collector.streams[name].items:
                if isinstance(item, Reading) and item.point in (0, 10):
                    times.setdefault(item.point, []).append(item.time)
    return max(
        (after - before for t in times.values() for before, after in pairwise(sorted(t))), default=0
    )


def collector_course(work: Path, cases: Sequence[str], seconds: float = 2.0) -> Course:
    """Let calls fail in a collector under requests; it says so, forgets nothing, recovers."""
    work.mkdir(parents=True, exist_ok=True)
    faults, course, statuses = Faults(work), Course(), list[int]()
    with Centre(work, work / "collector.db") as centre:
        client = Client(centre.port, centre.register())
        centre.kill()
        centre.start(env=faults.env)
        for call, error in (CASES[case] for case in cases):
            for _ in range(10):
                assert client.send() == 200
            faults.on(centre.pid, call, error)
            end = real_monotonic() + seconds
            while real_monotonic() < end or not statuses:
                with suppress(OSError, http.client.HTTPException):
                    statuses.append(client.send())
            faults.off(centre.pid, call)
            course.alive = centre.alive
            eventually(lambda: sent(client) == 200, "the collector takes requests again")
        for _ in range(10):
            assert client.send() == 200
        course.refused = statuses.count(503)
        course.told = {str(status) for status in statuses}
        centre.kill()
        centre.start()
        cursors, stored = centre.cursors(), centre.stored()
    course.accepted = sum(client.promised.values())
    for stream, committed in client.promised.items():
        course.lost += max(0, committed - min(cursors.get(stream, 0), stored.get(stream, 0)))
        course.duplicated += max(0, stored.get(stream, 0) - cursors.get(stream, 0))
    return course


def sent(client: Client) -> int:
    try:
        return client.send()
    except (OSError, http.client.HTTPException):
        return 0


def main() -> int:
    if why := impossible():
        print(f"failing medium: SKIPPED / 跳过: {why}")
        return 0
    bad = 0
    for name in CASES:
        for who, course_of in (("gateway", gateway_course), ("collector", collector_course)):
            with tempfile.TemporaryDirectory(prefix="failing-") as work:
                course = course_of(Path(work) / "site", [name])
            bad += not course.clean
            print(f"failing medium, {who}, {name}: {course}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
