"""VictoriaMetrics: a value series and a quality series of each point.

It answers before anything is durable: what came in the last seconds is lost with the process.
"""

import threading
from pathlib import Path

from protocols.clock import real_monotonic
from protocols.simulators.demo import free_port
from tests.bench.central.plant import gateway_name, place
from tests.bench.central.tree import folder_bytes
from tests.bench.peers.asking import Asking
from tests.bench.peers.process import Server, program

NAME = "victoria-metrics"
PACKAGE = "victoria-metrics"
SECOND = 1_000_000
MERGED = 60.0


def installed() -> bool:
    return program(NAME) is not None


class Victoria:
    """One server; `span` is the readings' first and last moment, µs."""

    name = "victoria_metrics"
    durable = False

    def __init__(self, folder: Path) -> None:
        self._data = folder / "victoria"
        port = free_port()
        command = [
            str(program(NAME)),
            f"-storageDataPath={self._data}",
            f"-httpListenAddr=127.0.0.1:{port}",
            "-retentionPeriod=100y",
            "-loggerLevel=ERROR",
            "-search.latencyOffset=0s",
        ]
        self.server = Server(command, folder, port, "/health")

    def prepare(self) -> None:
        """Nothing has to be made first."""

    def settle(self) -> bool:
        """Write all out and merge it into one part."""
        ask = Asking(self.server.port)
        ask.get("/internal/force_flush")
        # It goes on behind the answer; ended meanwhile this version panics and loses all of it.
        ask.get("/internal/force_merge")
        deadline = real_monotonic() + MERGED
        while _merging(ask.get("/metrics").decode()) and real_monotonic() < deadline:
            threading.Event().wait(0.1)
        return True

    def bytes(self) -> dict[str, int]:
        """Return what data take, and what the index of names."""
        data, index = folder_bytes(self._data / "data"), folder_bytes(self._data / "indexdb")
        return {"bytes": data, "index_bytes": index}

    def count(self) -> int:
        """Return how many values are there."""
        ask = Asking(self.server.port)
        asked = {"query": "sum(count_over_time(r_v[1d]))", "nocache": 1}
        found = ask.json("/api/v1/query", **asked)["data"]["result"]
        return int(found[0]["value"][1]) if found else 0

    def queries(self, span: tuple[int, int]) -> dict[str, float]:
        """Return the milliseconds of each question."""
        ask = Asking(self.server.port)
        first, last = span[0] / SECOND, span[1] / SECOND
        device, point = place(137)
        one = f'g="{gateway_name(3)}",p="{device}.{point}"'
        whole = f"{int(last - first) + 1}s"
        step = (last - first) / 300
        value, quality = (f"{name}{{{one}}}[{step:.3f}s]" for name in ("r_v", "r_q"))
        # Least, most and mean, count, last and worst quality: what ours says of a span.
        buckets = (
            f"union(rollup({value}),count_over_time({value}),"
            f"last_over_time({value}),max_over_time({quality}))"
        )
        at = {"time": last, "nocache": 1}
        asked = {
            "latest_1000": (
                "/api/v1/query",
                {"query": f'last_over_time({{g="{gateway_name(3)}"}}[{whole}])', **at},
            ),
            "range_1": (
                "/api/v1/export",
                {"match[]": f"{{{one}}}", "start": first, "end": last},
            ),
            "buckets_300": (
                "/api/v1/query_range",
                {"query": buckets, "start": first + step, "end": last, "step": step, "nocache": 1},
            ),
            "count_all": ("/api/v1/query", {"query": f"count_over_time(r_v[{whole}])", **at}),
        }
        return {name: ask.milliseconds(path, **what) for name, (path, what) in asked.items()}


def _merging(metrics: str) -> bool:
    """Return whether a merge is under way, of those that were asked for or others."""
    lines = (
        line
        for line in metrics.splitlines()
        if line.startswith(("vm_active_force_merges", "vm_active_merges"))
    )
    return any(float(line.rsplit(" ", 1)[1]) for line in lines)
