"""PostgreSQL: a row a reading under a primary key, taken once however often it comes.

Through `psql`: COPY into a temporary table, from there with ON CONFLICT DO NOTHING, a transaction
for every `BATCH` rows.
"""

import os
import re
import shutil
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from protocols.simulators.demo import free_port
from tests.bench.central.plant import ALL, POINTS, Scans
from tests.bench.peers.process import NOBODY

PACKAGE = "postgresql"
BATCH = 5_000
TIMES = 21
TABLE = """CREATE TABLE reading (
  point integer NOT NULL, ts bigint NOT NULL, value float8, quality bigint NOT NULL,
  PRIMARY KEY (point, ts));
"""
STAGE = "CREATE TEMPORARY TABLE stage (LIKE reading) ON COMMIT DELETE ROWS;\n"
TAKE = "INSERT INTO reading SELECT * FROM stage ON CONFLICT DO NOTHING;\nCOMMIT;\n"


def binaries() -> Path | None:
    """Return where the newest server's programs are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def installed() -> bool:
    return binaries() is not None


class Postgres:
    """One server; as root it runs as nobody."""

    name = "postgresql"
    durable = True

    def __init__(self, folder: Path) -> None:
        programs = binaries()
        assert programs is not None
        self._programs = programs
        self._folder = folder / "postgres"
        self._folder.mkdir()
        self._data = self._folder / "data"
        self._port = free_port()
        self._as: dict[str, Any] = {"cwd": self._folder}
        if os.geteuid() == 0:
            self._as |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            folder.chmod(0o755)
            shutil.chown(self._folder, NOBODY, NOBODY)

    @property
    def pid(self) -> int:
        return int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])

    def start(self) -> None:
        """Make a cluster with the defaults and start it. Raises CalledProcessError."""
        self._run("initdb", "-D", self._data, "-U", "bench", "-A", "trust", "-E", "UTF8",
                  "--locale=C.UTF-8", "--no-sync")  # fmt: skip
        options = f"-h 127.0.0.1 -p {self._port} -k {self._folder}"
        log = self._folder / "log"
        self._run("pg_ctl", "-D", self._data, "-w", "-l", log, "-o", options, "start")
        self.sql(TABLE)

    def stop(self) -> None:
        """End it."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", "fast", "stop")

    def take(self, script: bytes) -> None:
        """Feed what `script` made. Raises CalledProcessError."""
        subprocess.run(self._psql(), input=script, check=True, capture_output=True)

    def sql(self, text: str) -> str:
        """Return what psql prints."""
        done = subprocess.run(self._psql(), input=text, check=True, capture_output=True, text=True)
        return done.stdout

    def bytes(self) -> dict[str, int]:
        """Return what the table takes with its index."""
        self.sql("CHECKPOINT;")
        return {"bytes": int(self.sql("SELECT pg_total_relation_size('reading');"))}

    def count(self) -> int:
        """Return how many rows are there."""
        return int(self.sql("SELECT count(*) FROM reading;"))

    def queries(self, span: tuple[int, int]) -> dict[str, float]:
        """Return the milliseconds of each question."""
        point, step = 3 * POINTS + 137, (span[1] - span[0]) // 300
        when = f"ts >= {span[0]} AND ts <= {span[1]}"
        asked = {
            "latest_1000": (
                f"SELECT p, r.* FROM generate_series({3 * POINTS}, {4 * POINTS - 1}) p, LATERAL ("
                "SELECT ts, value, quality FROM reading WHERE point = p "
                "ORDER BY ts DESC LIMIT 1) r"
            ),
            "range_1": f"SELECT ts, value, quality FROM reading WHERE point = {point} AND {when}",
            "buckets_300": (
                f"SELECT (ts - {span[0]}) / {step} AS b, min(value), max(value), avg(value), "
                f"count(*), max(quality) FROM reading WHERE point = {point} AND {when} GROUP BY b"
            ),
            "count_all": "SELECT point, count(*) FROM reading GROUP BY point",
        }
        self.sql("VACUUM ANALYZE reading;")
        found = {}
        for name, text in asked.items():
            said = self.sql("\\timing on\n\\o /dev/null\n" + f"{text};\n" * (TIMES + 1))
            times = [float(each) for each in re.findall(r"^Time: ([0-9.]+) ms", said, re.M)]
            found[name] = round(statistics.median(times[1:]), 3)
        return found

    def _psql(self) -> list[str]:
        return [
            str(self._programs / "psql"), "-h", "127.0.0.1", "-p", str(self._port), "-U", "bench",
            "-d", "postgres", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
        ]  # fmt: skip

    def _run(self, name: str, *arguments: object) -> None:
        subprocess.run(
            [str(self._programs / name), *map(str, arguments)],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._as,
        )


def script(scans: Scans, first: int, period: int) -> bytes:
    """Return what psql is fed: all readings in transactions of `BATCH`, scan after scan."""
    return (STAGE + "".join(_transactions(scans, first, period))).encode()


def _transactions(scans: Scans, first: int, period: int) -> Iterator[str]:
    times = scans.times(first, period)
    for scan in range(len(scans)):
        rows = zip(
            range(ALL),
            times[scan].tolist(),
            (scans.cents[scan] / 100).tolist(),
            scans.qualities[scan].tolist(),
            strict=True,
        )
        lines = [f"{point}\t{time}\t{value}\t{quality}\n" for point, time, value, quality in rows]
        for start in range(0, ALL, BATCH):
            body = "".join(lines[start : start + BATCH])
            yield f"BEGIN;\nCOPY stage FROM STDIN;\n{body}\\.\n{TAKE}"
