"""What a process and all it started have used: processor time, memory, room on disk."""

import os
from collections.abc import Iterator
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> Iterator[int]:
    """Yield a process and what descends from it, as far as it still runs."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from tree(int(child))


def cpu_seconds(pid: int) -> float:
    """Return user and system time of the tree, of those that ended and were waited for too."""
    return sum(_cpu(each) for each in tree(pid))


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS_PER_SECOND


def rss_mb(pid: int) -> float:
    """Return the resident memory of the tree, what is shared counted in each."""
    return round(sum(_rss(each) for each in tree(pid)) / 1024, 1)


def _rss(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = (line.split() for line in status.splitlines() if line.startswith("VmRSS:"))
    return sum(int(line[1]) for line in lines)


def folder_bytes(folder: Path) -> int:
    """Return what the files below `folder` take, files that vanish meanwhile left out."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(where) / name).stat().st_blocks * 512
            except OSError:
                continue
    return total
