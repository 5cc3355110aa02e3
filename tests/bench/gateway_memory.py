"""Resident memory and processor time of the demo's two gateways, from an edge-only environment."""

import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from protocols.simulators.demo import Demo, Timing, free_port

ROOT = Path(__file__).resolve().parents[2]
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def vmrss_mb(pid: int) -> float:
    """Return the resident set of a process in megabytes (10^6 bytes)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"process {pid} has no VmRSS")


def cpu_seconds(pid: int) -> float:
    """Return user and system time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def measure(seconds: float) -> Iterator[dict[str, object]]:
    """Run the demo for `seconds` and yield a figure for each gateway."""
    python = ROOT / ".venv-edge" / "bin" / "python"
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        demo = Demo(Path(folder), free_port(), Timing(), gateway_python=str(python))
        try:
            demo.start()
            threading.Event().wait(demo.timing.past_seconds + 2)
            before = {name: cpu_seconds(child.process.pid) for name, child in demo.gateways.items()}
            threading.Event().wait(seconds)
            for name, child in demo.gateways.items():
                pid = child.process.pid
                kind = "with_opcua" if name == "gw-qingyun" else "without_opcua"
                yield {
                    "name": f"edge.memory.{kind}",
                    "vmrss_mb": round(vmrss_mb(pid), 1),
                    "cpu_percent": round(100 * (cpu_seconds(pid) - before[name]) / seconds, 2),
                    "seconds": seconds,
                    "gateway": name,
                }
        finally:
            demo.stop()
