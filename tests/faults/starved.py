"""A gateway without file descriptors, without memory, and stopped for a while.

`python -m tests.faults.starved`.
"""

import resource
import signal
import socket
import sys
import tempfile
import threading
from pathlib import Path
from typing import Final

from tests.faults.failing import Course, finish, longest_hole
from tests.faults.outfit import Outfit, eventually

DESCRIPTORS: Final = 64
NONE_LEFT: Final = 3
STOPPED_SECONDS: Final = 20.0
NOTHING_MORE: Final = 1 << 20
"""Address space far below what is in use: nothing more is given, nothing is taken away."""


def descriptors_course(work: Path, seconds: float = 6.0) -> Course:
    """Give a running gateway not one descriptor more for a while, as it delivers and seals."""
    course, pause = Course(), threading.Event()
    with Outfit(work) as outfit:
        outfit.unreachable()
        gateway = outfit.start()
        outfit.accepts(10)
        unlimited = resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE, (NONE_LEFT, unlimited[1]))
        pause.wait(seconds)
        course.alive = gateway.alive
        course.told.add("works" if gateway.alive else "ended")
        resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE, unlimited)
        outfit.accepts(10)
        before = {stream for stream, _ in outfit.claims.names()}
        outfit.reachable()
        finish(outfit, course)
        course.hole = longest_hole(outfit, before)
        gateway.end()
    return course


def callers_course(work: Path, seconds: float = 6.0) -> Course:
    """Hold many connections to the local page of a gateway that has few descriptors."""
    course, pause = Course(), threading.Event()
    with Outfit(work) as outfit:
        gateway = outfit.start(limits={resource.RLIMIT_NOFILE: DESCRIPTORS})
        outfit.accepts(10)
        sockets = [open_door(outfit.health) for _ in range(2 * DESCRIPTORS)]
        pause.wait(seconds)
        used = len(list(Path(f"/proc/{gateway.process.pid}/fd").iterdir()))
        if used >= DESCRIPTORS:
            course.wrong.append("callers took all descriptors")
        for each in sockets:
            each.close()
        eventually(gateway.page, "the page answers again")
        course.told.add("works" if gateway.alive else "ended")
        before = {stream for stream, _ in outfit.claims.names()}
        finish(outfit, course)
        course.hole = longest_hole(outfit, before)
        if "Too many open files" in outfit.log():
            course.wrong.append("descriptors ran out")
        gateway.end()
    return course


def open_door(port: int) -> socket.socket:
    """Begin to connect and say nothing."""
    made = socket.socket()
    made.setblocking(False)
    made.connect_ex(("127.0.0.1", port))
    return made


def memory_course(work: Path, seconds: float = 6.0) -> Course:
    """Let a running gateway have no more memory while it delivers; whoever ends is started again.

    A service manager starts it again; what was accepted is on the medium either way.
    """
    course, pause = Course(), threading.Event()
    with Outfit(work) as outfit:
        outfit.unreachable()
        gateway = outfit.start()
        outfit.accepts(30)
        unlimited = resource.prlimit(gateway.process.pid, resource.RLIMIT_AS)
        resource.prlimit(gateway.process.pid, resource.RLIMIT_AS, (NOTHING_MORE, unlimited[1]))
        outfit.reachable()
        pause.wait(seconds)
        course.told.add("works" if gateway.alive else f"ended {gateway.end()}")
        if gateway.alive:
            resource.prlimit(gateway.process.pid, resource.RLIMIT_AS, unlimited)
        else:
            outfit.start()
        outfit.accepts(10)
        finish(outfit, course)
    return course


def suspended_course(work: Path, seconds: float = STOPPED_SECONDS) -> Course:
    """Stop the process for a while; it goes on, loses nothing accepted, and says what it missed."""
    course, pause = Course(), threading.Event()
    with Outfit(work) as outfit:
        outfit.unreachable()
        gateway = outfit.start()
        outfit.accepts(10)
        gateway.signal(signal.SIGSTOP)
        pause.wait(seconds)
        gateway.signal(signal.SIGCONT)
        outfit.accepts(10)
        page = eventually(lambda: gateway.page(), "the page answers")
        course.told |= {device["state"] for bus in page["buses"] for device in bus["devices"]}
        course.alive = gateway.alive
        outfit.reachable()
        finish(outfit, course)
        before = {stream for stream, _ in outfit.claims.names()}
        missed = longest_hole(outfit, before)
        course.told.add(f"{missed / 1e6:.0f} s missed")
        if missed < (seconds - 1) * 1_000_000:
            course.wrong.append("readings of a time when it stood still")
        gateway.end()
    return course


def main() -> int:
    bad = 0
    for name, course_of in (
        ("no descriptors", descriptors_course),
        ("many callers", callers_course),
        ("little memory", memory_course),
        ("suspended", suspended_course),
    ):
        with tempfile.TemporaryDirectory(prefix="starved-") as work:
            course = course_of(Path(work) / "site")
        bad += not course.clean
        print(f"starved, {name}: {course}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
