"""InfluxDB 1.x: two fields of each point; durable when it answers."""

from pathlib import Path
from typing import Any

from protocols.simulators.demo import free_port
from tests.bench.central.plant import gateway_name, place
from tests.bench.central.tree import folder_bytes
from tests.bench.peers.asking import Asking
from tests.bench.peers.process import Server, program

NAME = "influxd"
PACKAGE = "influxdb"
CONFIG = """reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
  unix-socket-enabled = false
[ifql]
  enabled = false
[logging]
  level = "error"
"""


def installed() -> bool:
    return program(NAME) is not None


class Influx:
    """One server."""

    name = "influxdb"
    durable = True

    def __init__(self, folder: Path) -> None:
        self._data = folder / "influx"
        self._data.mkdir()
        port = free_port()
        config = self._data / "influxdb.conf"
        config.write_text(CONFIG.format(folder=self._data, port=port, rpc=free_port()))
        command = [str(program(NAME)), "run", "-config", str(config)]
        self.server = Server(command, folder, port, "/ping")

    def prepare(self) -> None:
        """Make the database."""
        self._ask("CREATE DATABASE bench")

    def settle(self) -> bool:
        """Write its caches out, as it does when it is stopped; what that costs ends with it."""
        self.server.stop()
        self.server.start()
        return False

    def bytes(self) -> dict[str, int]:
        """Return what data take with what is still in the log."""
        return {"bytes": folder_bytes(self._data / "data") + folder_bytes(self._data / "wal")}

    def count(self) -> int:
        """Return how many values are there."""
        found = self._ask("SELECT count(v) FROM r")["results"][0]
        return int(found["series"][0]["values"][0][1]) if "series" in found else 0

    def queries(self, span: tuple[int, int]) -> dict[str, float]:
        """Return the milliseconds of each question."""
        first, last = (f"{moment}000" for moment in span)
        device, point = place(137)
        one = f"g='{gateway_name(3)}' AND p='{device}.{point}'"
        when = f"time >= {first} AND time <= {last}"
        step = (span[1] - span[0]) // 300
        asked = {
            "latest_1000": f"SELECT last(v), q FROM r WHERE g='{gateway_name(3)}' GROUP BY p",
            "range_1": f"SELECT v, q FROM r WHERE {one} AND {when}",
            "buckets_300": (
                f"SELECT min(v), max(v), mean(v), last(v), count(v) FROM r "
                f"WHERE {one} AND {when} GROUP BY time({step}u) fill(none)"
            ),
            "count_all": "SELECT count(v) FROM r GROUP BY g, p",
        }
        ask = Asking(self.server.port)
        return {
            name: ask.milliseconds("/query", db="bench", epoch="ms", q=what)
            for name, what in asked.items()
        }

    def _ask(self, what: str) -> Any:
        return Asking(self.server.port).json("/query", db="bench", q=what)
